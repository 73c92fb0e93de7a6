/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/inspection.h"

#include <ctype.h>

#include "tests/unit/inspected.h"

static void test_words_differ_and_are_words(void **state) {
        (void) state;
        for (int i = 0; i < FINDING_MAX; i++) {
                const char *name = finding_name((FindingCode) i);

                assert_true(strlen(finding_meaning((FindingCode) i)) > 10);
                for (const char *p = name; *p; p++)
                        assert_true(*p == '-' || islower((unsigned char) *p));
                for (int j = 0; j < i; j++)
                        assert_string_not_equal(name, finding_name((FindingCode) j));
        }
        assert_string_equal(severity_name(finding_severity(FINDING_BIT_SET)), "critical");
}

static void test_the_worst_comes_first_and_seals_by_number(void **state) {
        Findings found = {};

        (void) state;
        findings_add(&found, FINDING_UNUSED, "2", 0, "x");
        findings_add(&found, FINDING_UNUSED, "1", 0, "x");
        findings_add(&found, FINDING_OWNER_AUTH_EMPTY, NULL, 0, "x");
        findings_add(&found, FINDING_BIT_SET, "3", 0, "x");
        findings_close(&found);
        assert_string_equal(found.list[0].number, "3");
        assert_string_equal(found.list[1].number, "");
        assert_string_equal(found.list[2].number, "1");
        assert_string_equal(found.list[3].number, "2");
        findings_done(&found);
}

static void add_many(Findings *found, unsigned first, unsigned last) {
        char number[NUMBER_MAX + 1];

        for (unsigned i = first; i <= last; i++) {
                (void) snprintf(number, sizeof(number), "%08u", i);
                findings_add(found, FINDING_EXPIRED, number, 0, "x");
        }
}

static void test_of_too_many_the_rest_is_counted(void **state) {
        Findings found = {};

        (void) state;
        add_many(&found, 1, FINDINGS_PER_CODE + 23);
        findings_close(&found);
        assert_int_equal(found.count, FINDINGS_PER_CODE + 1);
        assert_string_equal(found.list[FINDINGS_PER_CODE].number, "");
        assert_non_null(strstr(found.list[FINDINGS_PER_CODE].text, "And 23 more"));
        assert_int_equal(found.counts[FINDING_EXPIRED], FINDINGS_PER_CODE + 23);
        findings_done(&found);
}

/* Two threads judge: what they find together is bounded as what one finds. */
static void test_what_two_found_is_bounded_together(void **state) {
        Findings one = {}, other = {};

        (void) state;
        add_many(&one, 1, 60);
        add_many(&other, 61, 120);
        findings_take(&one, &other);
        assert_int_equal(other.count, 0);
        findings_close(&one);
        assert_int_equal(one.count, FINDINGS_PER_CODE + 1);
        assert_non_null(strstr(one.list[FINDINGS_PER_CODE].text, "And 20 more"));
        findings_done(&one);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_words_differ_and_are_words),
                cmocka_unit_test(test_the_worst_comes_first_and_seals_by_number),
                cmocka_unit_test(test_of_too_many_the_rest_is_counted),
                cmocka_unit_test(test_what_two_found_is_bounded_together),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
