/* SPDX-License-Identifier: Apache-2.0 */
#include "client/text.c" /* the client is a program and no archive */

#include "tests/unit/unit.h"

static void assert_escaped(const char *text, const char *expected) {
        char *escaped = text_escape(text);

        assert_non_null(escaped);
        assert_string_equal(escaped, expected);
        free(escaped);
}

static void what_speaks_to_the_terminal_is_written_out(void **state) {
        (void) state;
        assert_escaped("", "");
        assert_escaped("Acme \xe5\x8d\xb0 \xf0\x9d\x84\x9e", "Acme \xe5\x8d\xb0 \xf0\x9d\x84\x9e");
        assert_escaped("a\033[31mb\n", "a\\u001b[31mb\\u000a");
        assert_escaped("a\x7f", "a\\u007f");
        assert_escaped("a\xc2\x9b"
                       "2J",
                       "a\\u009b2J");
}

static void what_reorders_or_breaks_lines_is_written_out(void **state) {
        (void) state;
        assert_escaped("\xe2\x80\x8e", "\\u200e");
        assert_escaped("\xe2\x80\x8f", "\\u200f");
        assert_escaped("\xd8\x9c", "\\u061c");
        assert_escaped("\xe2\x80\xae", "\\u202e");
        assert_escaped("\xe2\x81\xa6x\xe2\x81\xa9", "\\u2066x\\u2069");
        assert_escaped("\xe2\x80\xa8\xe2\x80\xa9", "\\u2028\\u2029");
        assert_escaped("\xe2\x80\x8d\xe2\x81\xaa", "\xe2\x80\x8d\xe2\x81\xaa"); /* neighbours */
}

static void what_is_no_text_is_written_out_byte_by_byte(void **state) {
        (void) state;
        assert_escaped("a\xff"
                       "b",
                       "a\\xffb");
        assert_escaped("\xe5\x8d", "\\xe5\\x8d");
        assert_escaped("\xc0\x8a", "\\xc0\\x8a");
}

static void a_keeper_is_a_user_unless_it_says_otherwise(void **state) {
        char keeper[SUBJECT_MAX + 1], name[SUBJECT_MAX + 1];

        (void) state;
        assert_true(subject_complete("alice", keeper));
        assert_string_equal(keeper, "user:alice");
        assert_true(subject_complete("group:sales", keeper));
        assert_string_equal(keeper, "group:sales");
        assert_true(subject_complete("user:bob", keeper));
        assert_string_equal(keeper, "user:bob");
        assert_false(subject_complete("", keeper));
        assert_false(subject_complete("robot:bob", keeper));
        memset(name, 'a', SUBJECT_MAX);
        name[SUBJECT_MAX] = '\0';
        assert_false(subject_complete(name, keeper));
        name[SUBJECT_MAX - strlen("user:")] = '\0';
        assert_true(subject_complete(name, keeper));
}

static void objects_are_named_by_number_or_path(void **state) {
        char path[PATH_SIZE];

        (void) state;
        assert_true(seal_path_parse("50011200000001", path));
        assert_string_equal(path, "/org/sealsd1/seal/50011200000001");
        assert_true(seal_path_parse("/org/sealsd1/seal/50011200000001", path));
        assert_string_equal(path_last(path), "50011200000001");
        assert_true(request_path_parse("17", path));
        assert_string_equal(path, "/org/sealsd1/request/17");
        assert_false(seal_path_parse("", path));
        assert_false(seal_path_parse("5001a", path));
        assert_false(seal_path_parse("/org/sealsd1/request/17", path));
        assert_false(seal_path_parse("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", path));
        assert_false(request_path_parse("-1", path));
        assert_false(request_path_parse("1 ", path));
}

static void counts_are_digits_without_overflow(void **state) {
        uint64_t count = 7;

        (void) state;
        assert_true(count_parse("18446744073709551615", &count));
        assert_true(count == UINT64_MAX);
        const char *const wrong[] = { "", "-1", "+1", " 1", "1.0", "0x10", "18446744073709551616" };
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
                assert_false(count_parse(wrong[i], &count));
        assert_true(count == UINT64_MAX);
}

static void durations_are_days(void **state) {
        uint64_t usec = 0;

        (void) state;
        assert_true(duration_parse("30d", &usec));
        assert_true(usec == 30 * USEC_PER_DAY);
        assert_false(duration_parse("30", &usec) || duration_parse("d", &usec) ||
                     duration_parse("+1d", &usec) || duration_parse("1dd", &usec));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_speaks_to_the_terminal_is_written_out),
                cmocka_unit_test(what_reorders_or_breaks_lines_is_written_out),
                cmocka_unit_test(what_is_no_text_is_written_out_byte_by_byte),
                cmocka_unit_test(a_keeper_is_a_user_unless_it_says_otherwise),
                cmocka_unit_test(objects_are_named_by_number_or_path),
                cmocka_unit_test(counts_are_digits_without_overflow),
                cmocka_unit_test(durations_are_days),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
