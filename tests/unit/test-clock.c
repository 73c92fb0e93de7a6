/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdlib.h>

#include "base/limits.h"
#include "tests/unit/unit.h"

static void assert_time(uint64_t usec, const char *expected) {
        char text[TIME_TEXT_SIZE];

        assert_ptr_equal(time_format(usec, text), text);
        assert_string_equal(text, expected);
}

static void time_is_shown_in_utc(void **state) {
        (void) state;
        assert_int_equal(setenv("TZ", "Asia/Shanghai", 1), 0);
        assert_time(1795421702ULL * USEC_PER_SEC, "2026-11-23 08:15:02Z");
        assert_time(1795421702ULL * USEC_PER_SEC + 999999, "2026-11-23 08:15:02Z");
        assert_time(1, "1970-01-01 00:00:00Z");
}

static void no_time_is_a_dash(void **state) {
        (void) state;
        assert_time(0, "-");
}

/* The latest that fits into the type; GNU date gives the same. */
static void latest_time_fits(void **state) {
        (void) state;
        assert_time(UINT64_MAX, "586524-01-19 08:01:49Z");
}

static uint64_t stopped_now(void *userdata) {
        const uint64_t *usec = userdata;

        return *usec;
}

static void clock_of_a_test_is_asked(void **state) {
        uint64_t usec = 42;
        const Clock clock = { .now = stopped_now, .userdata = &usec };

        (void) state;
        assert_int_equal(clock_now(&clock), 42);
        usec++;
        assert_int_equal(clock_now(&clock), 43);
}

static void clock_of_the_system_does_not_stand_before_this_was_written(void **state) {
        const Clock clock = clock_system();

        (void) state;
        assert_true(clock_now(&clock) > 1700000000ULL * USEC_PER_SEC);
}

static void clocks_that_are_apart_put_nothing_after(void **state) {
        const uint64_t apart = VERIFY_CLOCKS_APART * USEC_PER_SEC;

        (void) state;
        assert_false(clock_is_after(5, 5));
        assert_false(clock_is_after(5 + apart, 5));
        assert_true(clock_is_after(6 + apart, 5));
        assert_false(clock_is_after(5, 6 + apart));
        assert_false(clock_is_after(0, UINT64_MAX));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(time_is_shown_in_utc),
                cmocka_unit_test(no_time_is_a_dash),
                cmocka_unit_test(latest_time_fits),
                cmocka_unit_test(clock_of_a_test_is_asked),
                cmocka_unit_test(clock_of_the_system_does_not_stand_before_this_was_written),
                cmocka_unit_test(clocks_that_are_apart_put_nothing_after),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
