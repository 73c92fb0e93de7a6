/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include "sealsd/arrow.h"
#include "tests/unit/unit.h"

static void every_arrow_is_found_by_its_own_name(void **state) {
        (void) state;
        for (int i = 0; i < ARROW_MAX; i++)
                assert_int_equal(arrow_from_name(arrow_name((Arrow) i)), i);
        assert_int_equal(arrow_from_name("make"), -1);
        assert_int_equal(arrow_from_name(""), -1);
}

static bool is_sentence(const char *text) {
        return isupper((unsigned char) text[0]) && strlen(text) > 20 && !strchr(text, '\t');
}

static void every_arrow_says_what_is_true_at_it(void **state) {
        (void) state;
        for (Arrow i = 0; i < ARROW_MAX; i++)
                assert_true(is_sentence(arrow_text(i)));
}

static void keep(void *userdata, Arrow arrow) {
        *(Arrow *) userdata = arrow;
}

static void observer_hears_which_arrow_is_passed(void **state) {
        Arrow heard = ARROW_MAX;
        const ArrowObserver observer = { .passed = keep, .userdata = &heard };

        (void) state;
        arrow_pass(&observer, ARROW_MAKE_COMMITTED);
        assert_int_equal(heard, ARROW_MAKE_COMMITTED);
        arrow_pass(NULL, ARROW_MAKE_REPLIED);
        assert_int_equal(heard, ARROW_MAKE_COMMITTED);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_arrow_is_found_by_its_own_name),
                cmocka_unit_test(every_arrow_says_what_is_true_at_it),
                cmocka_unit_test(observer_hears_which_arrow_is_passed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
