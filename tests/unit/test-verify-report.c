/* SPDX-License-Identifier: Apache-2.0 */
#include "format/verify-report.h"

#include <stdio.h>

#include "format/verify-trust.h"
#include "tests/fixture/deviation.h"
#include "tests/unit/unit.h"

/* Every check that the kind has is passed. */
static void all_passed(VerifyReport *report, VerifyKind kind) {
        verify_report_begin(report, kind);
        for (CheckCode code = 0; code < CHECK_MAX; code++)
                if (verify_result(report, code) != CHECK_NOT_APPLICABLE)
                        verify_check(report, code, CHECK_PASSED, "Good");
}

/* What each check asks, which is for who reads the list. */
static const char *const questions[CHECK_MAX] = {
#define CHECK(code, name, question) [CHECK_##code] = (question),
#define DEVIATION(code, name, sentence)
#include "format/verify-report.def"
#undef CHECK
#undef DEVIATION
};

static void words_are_all_there_and_each_its_own(void **state) {
        (void) state;
        for (CheckCode a = 0; a < CHECK_MAX; a++) {
                assert_non_null(strchr(questions[a], '?'));
                for (CheckCode b = 0; b < a; b++)
                        assert_string_not_equal(check_word(a), check_word(b));
        }
        for (DeviationCode a = 0; a < DEVIATION_MAX; a++) {
                assert_true(strlen(deviation_meaning(a)) > 0);
                assert_null(strchr(deviation_meaning(a), '%'));
                for (DeviationCode b = 0; b < a; b++)
                        assert_string_not_equal(deviation_word(a), deviation_word(b));
        }
}

static void what_was_not_reached_is_not_passed(void **state) {
        VerifyReport report;

        (void) state;
        for (VerifyKind kind = 0; kind < VERIFY_KIND_MAX; kind++) {
                unsigned applying = 0;
                verify_report_begin(&report, kind);
                for (CheckCode code = 0; code < CHECK_MAX; code++) {
                        if (verify_result(&report, code) == CHECK_NOT_APPLICABLE)
                                continue;
                        applying++;
                        assert_int_equal(verify_result(&report, code), CHECK_NOT_CHECKED);
                        assert_string_equal(report.checks[code].text, "It was not reached");
                }
                assert_true(applying > 0);
                assert_int_equal(verify_verdict(&report), VERDICT_INCOMPLETE);
        }
        /* Nor is what says nothing at all. */
        report = (VerifyReport){};
        assert_int_equal(verify_verdict(&report), VERDICT_INCOMPLETE);
}

/* Each check of each kind alone decides, whatever the others say. */
static void every_check_counts(void **state) {
        VerifyReport report;

        (void) state;
        for (VerifyKind kind = 0; kind < VERIFY_KIND_MAX; kind++) {
                all_passed(&report, kind);
                assert_int_equal(verify_verdict(&report), VERDICT_PASSED);
                for (CheckCode code = 0; code < CHECK_MAX; code++) {
                        all_passed(&report, kind);
                        if (verify_result(&report, code) == CHECK_NOT_APPLICABLE)
                                continue;
                        verify_check(&report, code, CHECK_NOT_CHECKED, "Nothing at hand");
                        assert_int_equal(verify_verdict(&report), VERDICT_INCOMPLETE);
                        verify_check(&report, code, CHECK_FAILED, "Bad");
                        assert_int_equal(verify_verdict(&report), VERDICT_FAILED);
                }
        }
}

/* A failure is not hidden by what could not be made, wherever the two stand. */
static void a_failure_outweighs_what_was_not_checked(void **state) {
        VerifyReport report;

        (void) state;
        for (CheckCode code = 0; code < CHECK_MAX; code++) {
                verify_report_begin(&report, VERIFY_SIGNATURE);
                verify_check(&report, code, CHECK_FAILED, "Bad");
                assert_int_equal(verify_verdict(&report), VERDICT_FAILED);
        }
}

static void only_what_is_optional_may_be_absent(void **state) {
        static const bool optional[CHECK_MAX] = {
                [CHECK_SIGNING_CERTIFICATE] = true,   [CHECK_TIMESTAMP] = true,
                [CHECK_CERTIFICATE_USAGE] = true,     [CHECK_REVOCATION] = true,
                [CHECK_SEAL_EXTENSIONS] = true,       [CHECK_SEAL_MAKER_USAGE] = true,
                [CHECK_SEAL_MAKER_REVOCATION] = true, [CHECK_SEAL_STATE] = true,
        };
        VerifyReport report;

        (void) state;
        for (CheckCode code = 0; code < CHECK_MAX; code++) {
                all_passed(&report, VERIFY_SIGNATURE);
                report.checks[code] = (VerifyCheck){};
                verify_check(&report, code, CHECK_ABSENT, "There is none");
                assert_int_equal(verify_verdict(&report),
                                 optional[code] ? VERDICT_PASSED : VERDICT_INCOMPLETE);
        }
}

static void the_worst_result_stays_with_its_sentence(void **state) {
        static const CheckResult order[] = { CHECK_ABSENT, CHECK_PASSED, CHECK_NOT_CHECKED,
                                             CHECK_FAILED };
        VerifyReport report;

        (void) state;
        for (size_t a = 0; a < 4; a++)
                for (size_t b = 0; b < 4; b++) {
                        verify_report_begin(&report, VERIFY_CMS);
                        verify_check(&report, CHECK_REVOCATION, order[a], "first %d", 1);
                        verify_check(&report, CHECK_REVOCATION, order[b], "second %d", 2);
                        assert_int_equal(verify_result(&report, CHECK_REVOCATION),
                                         order[a > b ? a : b]);
                        assert_string_equal(report.checks[CHECK_REVOCATION].text,
                                            b > a ? "second 2" : "first 1");
                }
}

static void a_check_can_be_left_out_and_another_be_added(void **state) {
        VerifyReport report;

        (void) state;
        all_passed(&report, VERIFY_RAW);
        report.checks[CHECK_SEAL_STATE] = (VerifyCheck){ .result = CHECK_NOT_CHECKED };
        verify_check_drop(&report, CHECK_SEAL_STATE);
        assert_int_equal(verify_verdict(&report), VERDICT_PASSED);
        verify_check(&report, CHECK_SEAL_SIGNATURE, CHECK_FAILED, "Bad");
        assert_int_equal(verify_verdict(&report), VERDICT_FAILED);
}

/* --- text of others --------------------------------------------------------------------------- */

static void texts_are_cut_and_made_harmless(void **state) {
        char text[4096], name[8];
        VerifyReport report;

        (void) state;
        verify_report_begin(&report, VERIFY_CMS);
        memset(text, 'a', sizeof(text));
        text[sizeof(text) - 1] = '\0';
        memcpy(text + VERIFY_TEXT_MAX - 1, "\xe5\x8d\xb0", 3);
        verify_check(&report, CHECK_STRUCTURE, CHECK_FAILED, "%s", text);
        assert_int_equal(strlen(report.checks[CHECK_STRUCTURE].text), VERIFY_TEXT_MAX - 1);
        verify_check(&report, CHECK_REVOCATION, CHECK_FAILED, "a\x1b[31m\xff");
        assert_string_equal(report.checks[CHECK_REVOCATION].text, "a?[31m?");

        verify_text_set(name, sizeof(name), (Bytes){ (const uint8_t *) "a\0b\nc", 5 });
        assert_string_equal(name, "a?b?c");
        verify_text_set(name, sizeof(name), (Bytes){ (const uint8_t *) "1234567", 7 });
        assert_string_equal(name, "1234567");
        verify_text_set(name, sizeof(name), (Bytes){ (const uint8_t *) "12345\xe5\x8d\xb0", 8 });
        assert_string_equal(name, "12345");
        verify_text_set(name, sizeof(name), (Bytes){});
        assert_string_equal(name, "");
}

static void deviations_are_told_once_each_and_counted_beyond_the_bound(void **state) {
        VerifyReport report;
        char where[32];

        (void) state;
        verify_report_begin(&report, VERIFY_SEAL);
        assert_false(deviated(&report, DEVIATION_RAW_SIGNATURE));
        verify_deviation(&report, DEVIATION_RAW_SIGNATURE, "the seal");
        verify_deviation(&report, DEVIATION_RAW_SIGNATURE, "the seal");
        verify_deviation(&report, DEVIATION_NOT_DER, NULL);
        assert_int_equal(report.deviation_count, 2);
        assert_string_equal(report.deviations[1].text, deviation_meaning(DEVIATION_NOT_DER));
        assert_non_null(strstr(report.deviations[0].text, " (the seal)"));
        assert_true(deviated(&report, DEVIATION_RAW_SIGNATURE));
        assert_false(deviated(&report, DEVIATION_PEM));

        for (unsigned i = 0; i < 100; i++) {
                (void) snprintf(where, sizeof(where), "%u", i);
                verify_deviation(&report, DEVIATION_CRITICAL_ENCODED, where);
        }
        assert_int_equal(report.deviation_count, VERIFY_DEVIATIONS_MAX);
        assert_int_equal(report.deviations_left_off, 102 - VERIFY_DEVIATIONS_MAX);
}

/* --- the time --------------------------------------------------------------------------------- */

static void the_time_is_the_one_named_then_stamped_then_claimed_then_now(void **state) {
        static const struct {
                uint64_t at, stamped, claimed, expected;
                VerifyTimeSource source;
        } cases[] = {
                { 1, 2, 3, 1, VERIFY_TIME_GIVEN },   { 1, 0, 0, 1, VERIFY_TIME_GIVEN },
                { 0, 2, 3, 2, VERIFY_TIME_STAMPED }, { 0, 2, 0, 2, VERIFY_TIME_STAMPED },
                { 0, 0, 3, 3, VERIFY_TIME_CLAIMED }, { 0, 0, 0, 4, VERIFY_TIME_NOW },
                { 0, 0, 4, 4, VERIFY_TIME_CLAIMED }, { 0, 0, 5, 4, VERIFY_TIME_NOW },
                { 9, 0, 5, 9, VERIFY_TIME_GIVEN },   { 0, 9, 5, 9, VERIFY_TIME_STAMPED },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                VerifyTrust trust = { .at = cases[i].at, .now = 4 };
                VerifyReport report;

                verify_report_begin(&report, VERIFY_CMS);
                verify_time_choose(&report, &trust, cases[i].stamped, cases[i].claimed);
                assert_int_equal(report.facts.time, cases[i].expected);
                assert_int_equal(report.facts.time_source, cases[i].source);
                assert_int_equal(report.facts.stamped, cases[i].stamped);
                assert_int_equal(report.facts.claimed, cases[i].claimed);
        }
}

/* Nobody has signed tomorrow; clocks that differ a little are nobody's fault. */
static void a_time_that_has_not_come_is_listed(void **state) {
        const VerifyTrust trust = { .now = 4 };
        VerifyReport report;

        (void) state;
        verify_report_begin(&report, VERIFY_CMS);
        verify_time_choose(&report, &trust, 0, 4 + VERIFY_CLOCKS_APART * USEC_PER_SEC);
        assert_false(deviated(&report, DEVIATION_FUTURE_TIME));
        verify_time_choose(&report, &trust, 0, 5 + VERIFY_CLOCKS_APART * USEC_PER_SEC);
        assert_true(deviated(&report, DEVIATION_FUTURE_TIME));
        assert_int_equal(report.facts.time, 4);
}

static void a_time_after_the_one_that_is_proven_is_listed(void **state) {
        const VerifyTrust trust = { .now = 1000 * USEC_PER_SEC };
        VerifyReport report;

        (void) state;
        verify_report_begin(&report, VERIFY_CMS);
        verify_time_choose(&report, &trust, 0, 900 * USEC_PER_SEC);
        verify_time_choose(&report, &trust, 5, 5 + VERIFY_CLOCKS_APART * USEC_PER_SEC);
        assert_int_equal(report.deviation_count, 0);
        verify_time_choose(&report, &trust, 5, 6 + VERIFY_CLOCKS_APART * USEC_PER_SEC);
        assert_true(deviated(&report, DEVIATION_TIME_CONTRADICTION));
        assert_int_equal(report.facts.time, 5);
}

static void a_digest_is_found_by_its_hash(void **state) {
        VerifyDocument document = {
                .count = 2,
                .digests = { { "sha256", 2, { 1, 2 } }, { "sm3", 3, { 3, 4, 5 } } },
        };

        (void) state;
        assert_int_equal(verify_document_digest(&document, "sm3").size, 3);
        assert_int_equal(verify_document_digest(&document, "sm3").data[0], 3);
        assert_int_equal(verify_document_digest(&document, "sha256").size, 2);
        assert_int_equal(verify_document_digest(&document, "sha512").size, 0);
        assert_int_equal(verify_document_digest(&(VerifyDocument){}, "sm3").size, 0);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void assert_json(const VerifyReport *report, const char *expected) {
        _cleanup_json_ json_t *value = verify_report_json(report);
        _cleanup_free_ char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);

        assert_non_null(text);
        assert_string_equal(text, expected);
}

static void json_has_every_row_and_what_was_said(void **state) {
        VerifyReport report;

        (void) state;
        verify_report_begin(&report, VERIFY_KEY);
        verify_check(&report, CHECK_SIGNATURE_VALUE, CHECK_PASSED, "Good");
        assert_json(&report, "{\"checks\":[{\"check\":\"signature-value\",\"result\":\"passed\","
                             "\"text\":\"Good\"}],\"deviations\":[],\"deviations-left-off\":0,"
                             "\"kind\":\"raw\",\"signed\":{\"time-source\":\"now\"},"
                             "\"verdict\":\"passed\"}");

        verify_text_set(report.facts.seal_name, sizeof(report.facts.seal_name),
                        (Bytes){ (const uint8_t *) "Contracts", 9 });
        report.facts.picture_width = 42;
        verify_time_choose(&report, &(VerifyTrust){ .now = 9 }, 0, 7);
        verify_deviation(&report, DEVIATION_PEM, NULL);
        verify_check(&report, CHECK_SIGNATURE_VALUE, CHECK_FAILED, "Bad");
        assert_json(&report,
                    "{\"checks\":[{\"check\":\"signature-value\",\"result\":\"failed\","
                    "\"text\":\"Bad\"}],\"deviations\":[{\"deviation\":\"pem\",\"text\":"
                    "\"It is wrapped in PEM text\"}],\"deviations-left-off\":0,\"kind\":\"raw\","
                    "\"signed\":{\"claimed\":7,\"picture-width\":42,\"seal-name\":\"Contracts\","
                    "\"time\":7,\"time-source\":\"claimed\"},\"verdict\":\"failed\"}");
}

/* A time that no calendar has is not said. */
static void json_never_fails_of_what_a_file_says(void **state) {
        VerifyReport report;

        (void) state;
        verify_report_begin(&report, VERIFY_KEY);
        memset(report.facts.subject, 'x', VERIFY_NAME_MAX);
        report.facts.claimed = UINT64_MAX;
        report.facts.seal_not_after = UTC_MAX;
        _cleanup_json_ json_t *value = verify_report_json(&report);
        _cleanup_free_ char *text = json_dumps(value, JSON_COMPACT);
        assert_non_null(text);
        assert_null(strstr(text, "claimed"));
        assert_non_null(strstr(text, "\"seal-not-after\":253402300799999999"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(words_are_all_there_and_each_its_own),
                cmocka_unit_test(what_was_not_reached_is_not_passed),
                cmocka_unit_test(every_check_counts),
                cmocka_unit_test(a_failure_outweighs_what_was_not_checked),
                cmocka_unit_test(only_what_is_optional_may_be_absent),
                cmocka_unit_test(the_worst_result_stays_with_its_sentence),
                cmocka_unit_test(a_check_can_be_left_out_and_another_be_added),
                cmocka_unit_test(texts_are_cut_and_made_harmless),
                cmocka_unit_test(deviations_are_told_once_each_and_counted_beyond_the_bound),
                cmocka_unit_test(the_time_is_the_one_named_then_stamped_then_claimed_then_now),
                cmocka_unit_test(a_time_that_has_not_come_is_listed),
                cmocka_unit_test(a_time_after_the_one_that_is_proven_is_listed),
                cmocka_unit_test(a_digest_is_found_by_its_hash),
                cmocka_unit_test(json_has_every_row_and_what_was_said),
                cmocka_unit_test(json_never_fails_of_what_a_file_says),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
