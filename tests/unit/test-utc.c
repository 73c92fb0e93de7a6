/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utc.h"

#include <stdlib.h>

#include "tests/unit/unit.h"

#define NOW (1000 * USEC_PER_SEC)

static void assert_usec(const char *text, bool day_end, uint64_t usec) {
        uint64_t parsed = 0;

        if (!time_parse(text, day_end, NOW, &parsed))
                fail_msg("'%s' is not taken for a time", text);
        if (parsed != usec)
                fail_msg("'%s' is %ju and not %ju", text, (uintmax_t) parsed, (uintmax_t) usec);
}

static void assert_time(const char *text, bool day_end, uint64_t seconds) {
        assert_usec(text, day_end, seconds * USEC_PER_SEC);
}

static void dates_are_days_of_utc(void **state) {
        (void) state;
        assert_int_equal(setenv("TZ", "Asia/Shanghai", 1), 0);
        assert_time("2026-01-02", false, 1767312000);
        assert_time("2026-01-02", true, 1767312000 + 86399);
        assert_time("2028-02-29", false, 1835395200);
        assert_time("1970-01-02", false, 86400);
        assert_time("9999-12-31", true, 253402300799);
}

static void times_have_an_offset(void **state) {
        (void) state;
        assert_time("2026-01-02T03:04:05Z", false, 1767323045);
        assert_time("2026-01-02t03:04:05z", true, 1767323045);
        assert_time("2026-01-02T03:04:05+01:00", true, 1767323045 - 3600);
        assert_time("2026-01-02 03:04:05-02:30", false, 1767323045 + 9000);
        assert_time("2026-01-02T00:30:00+08:00", false, 1767312000 + 1800 - 8 * 3600);
        assert_time("2016-12-31T23:59:60Z", false, 1483228800); /* a leap second */
}

static void fractions_count_to_the_microsecond(void **state) {
        (void) state;
        assert_usec("2026-01-02T03:04:05.75Z", false, 1767323045750000);
        assert_usec("2026-01-02T03:04:05.000001Z", false, 1767323045000001);
        assert_usec("2026-01-02T03:04:05.0000019999999999999999Z", false, 1767323045000001);
        assert_usec("1970-01-01T00:00:00.000001Z", false, 1);
}

static void days_count_from_now(void **state) {
        (void) state;
        assert_time("+1d", false, 1000 + 86400);
        assert_time("+0d", true, 1000);
        assert_time("+99999d", false, 1000 + 99999ULL * 86400);
}

static void the_past_and_days_with_a_name_are_times(void **state) {
        const uint64_t now = 1767323045 * USEC_PER_SEC; /* 2026-01-02 03:04:05 */
        static const struct {
                const char *text;
                bool day_end;
                uint64_t seconds;
        } cases[] = {
                { "now", false, 1767323045 },          { "now", true, 1767323045 },
                { "today", false, 1767312000 },        { "today", true, 1767312000 + 86399 },
                { "yesterday", false, 1767225600 },    { "yesterday", true, 1767225600 + 86399 },
                { "-2d", false, 1767323045 - 172800 }, { "-0d", true, 1767323045 },
        };
        uint64_t usec = 0;

        (void) state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                assert_true(time_parse(cases[i].text, cases[i].day_end, now, &usec));
                assert_true(usec == cases[i].seconds * USEC_PER_SEC);
        }
        assert_false(time_parse("yesterday", false, USEC_PER_DAY - 1, &usec));
}

static void numbers_are_seconds_or_microseconds(void **state) {
        (void) state;
        assert_time("@1", false, 1);
        assert_time("@1767323045", true, 1767323045);
        assert_time("@253402300799", false, 253402300799);
        assert_usec("1767323045000001", false, 1767323045000001);
        assert_usec("100000000000000", true, 100000000000000);
        assert_usec("253402300799999999", false, UTC_MAX);
}

static void other_times_are_refused(void **state) {
        static const char *const wrong[] = {
                "",
                "tomorrow",
                "todayx",
                "-",
                "-1d", /* before the epoch, by this clock */
                "2026-1-2",
                "2026-02-30",
                "2026-02-29",
                "2026-06-31",
                "2026-13-01",
                "2026-00-01",
                "2026-01-00",
                " 2026-01-02",
                "2026-01-02 ",
                "2026- 1-02",
                "-026-01-02",
                "12026-01-02",
                "2026-01-02T",
                "1969-12-31",
                "1970-01-01",
                "1969-12-31T23:59:59.5Z",
                "1970-01-01T00:00:00Z",
                "1970-01-01T00:59:59+01:00",
                "9999-12-31T23:59:59-00:01",
                "9999-12-31T23:59:60Z",
                "0000-01-01",
                "2026-01-02 03:04",
                "2026-01-02T03:04:05",
                "2026-01-02T03:04:05.Z",
                "2026-01-02T03:04:05,5Z",
                "2026-01-02T03:04:61Z",
                "2026-01-02T03:60:05Z",
                "2026-01-02T24:00:00Z",
                "2026-01-02T 3:04:05Z",
                "2026-01-02T03:04:05Zx",
                "2026-01-02T03:04:05+24:00",
                "2026-01-02T03:04:05+01",
                "2026-01-02T03:04:05+0100",
                "+d",
                "+1",
                "+-1d",
                "+100000d",
                "+1w",
                "+1dd",
                "2026-01-02x",
                "@",
                "@0",
                "@-1",
                "@1.5",
                "@253402300800",
                "@1767323045000001",
                "20260102",
                "1767323045",
                "99999999999999",
                "253402300800000000",
                "18446744073709551617",
                "000000000000000",
                "176732304500000x",
        };
        uint64_t usec = 7;

        (void) state;
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
                if (time_parse(wrong[i], false, NOW, &usec))
                        fail_msg("'%s' is taken for a time", wrong[i]);
        assert_false(time_parse("+99999d", false, UTC_MAX, &usec));
        assert_true(usec == 7);
}

static void assert_shown(uint64_t usec, const char *expected) {
        char text[TIME_TEXT_SIZE];

        assert_ptr_equal(time_format_rfc3339(usec, text), text);
        assert_string_equal(text, expected);
        if (expected[0] != '-')
                assert_usec(text, false, usec);
}

static void what_is_shown_is_read_as_the_same(void **state) {
        (void) state;
        assert_int_equal(setenv("TZ", "Asia/Shanghai", 1), 0);
        assert_shown(1795421702ULL * USEC_PER_SEC, "2026-11-23T08:15:02Z");
        assert_shown(1795421702ULL * USEC_PER_SEC + 20, "2026-11-23T08:15:02.000020Z");
        assert_shown(1, "1970-01-01T00:00:00.000001Z");
        assert_shown(UTC_MAX, "9999-12-31T23:59:59.999999Z");
}

static void what_is_no_time_is_a_dash(void **state) {
        (void) state;
        assert_shown(0, "-");
        assert_shown(UTC_MAX + 1, "-");
        assert_shown(UINT64_MAX, "-");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(dates_are_days_of_utc),
                cmocka_unit_test(times_have_an_offset),
                cmocka_unit_test(fractions_count_to_the_microsecond),
                cmocka_unit_test(days_count_from_now),
                cmocka_unit_test(the_past_and_days_with_a_name_are_times),
                cmocka_unit_test(numbers_are_seconds_or_microseconds),
                cmocka_unit_test(other_times_are_refused),
                cmocka_unit_test(what_is_shown_is_read_as_the_same),
                cmocka_unit_test(what_is_no_time_is_a_dash),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
