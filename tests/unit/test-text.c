/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include "tests/unit/unit.h"

static void text_at_the_edges_of_utf8(void **state) {
        const char *const right[] = {
                "\x7f",         "\xc2\x80",     "\xdf\xbf",         "\xe0\xa0\x80",
                "\xed\x9f\xbf", "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"
        };

        (void) state;
        for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
                assert_true(text_is_utf8(right[i], strlen(right[i])));
        assert_true(text_is_utf8("", 0));
        assert_false(text_is_utf8("\xc1\xbf", 2));
        assert_false(text_is_utf8("\xed\xbf\xbf", 3));
        assert_false(text_is_utf8("\xe5\x8d\xb0", 2)); /* bounded, not up to a zero */
        assert_true(text_is_line("Acme \xe5\x8d\xb0", 6));
        assert_false(text_is_line("Acme \xe5\x8d\xb0", 5));
}

static void lines_have_nothing_that_misleads(void **state) {
        static const uint32_t misleading[] = { 0,      0x0a,   0x1b,   0x7f,   0x80,   0x9b,
                                               0x9f,   0x061c, 0x200e, 0x200f, 0x2028, 0x2029,
                                               0x202a, 0x202e, 0x2066, 0x2069 };
        static const uint32_t plain[] = { ' ',    0xa0,   0x061b, 0x061d, 0x200d, 0x2010,
                                          0x2027, 0x202f, 0x2065, 0x206a, 0x5370, 0x1d11e };
        const char *const refused[] = { "a\xe2\x80\x8e" /* U+200E */,
                                        "a\xd8\x9c" /* U+061C */,
                                        "a\xe2\x80\xae",
                                        "a\xe2\x81\xa6",
                                        "a\xc2\x9b",
                                        "a\n" };

        (void) state;
        for (size_t i = 0; i < sizeof(misleading) / sizeof(misleading[0]); i++)
                assert_true(char_misleads(misleading[i]));
        for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
                assert_false(char_misleads(plain[i]));
        for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
                assert_false(text_is_line(refused[i], 10));
        assert_true(text_is_line("a\xe2\x80\x8d"
                                 "b",
                                 10));
        assert_false(text_is_line("\xe3\x80\x80 \xe2\x80\x8b", 10)); /* blank */
}

static void assert_ends(const char *text, const char *expected) {
        char cut[32];

        strcpy(cut, text);
        text_end_whole(cut);
        assert_string_equal(cut, expected);
        assert_true(text_is_utf8(cut, strlen(cut)));
}

static void half_a_character_at_the_end_is_dropped(void **state) {
        (void) state;
        assert_ends("", "");
        assert_ends("a", "a");
        assert_ends("a\xc3", "a");
        assert_ends("a\xc3\xa9", "a\xc3\xa9");
        assert_ends("\xe5", "");
        assert_ends("\xe5\x8d", "");
        assert_ends("\xe5\x8d\xb0", "\xe5\x8d\xb0");
        assert_ends("\xe5\x8d\xb0\xe5\x8d", "\xe5\x8d\xb0");
        assert_ends("\xf0\x9d\x84", "");
        assert_ends("a\xf0\x9d\x84\x9e", "a\xf0\x9d\x84\x9e");
}

/* Not ours to mend, and not to be read beyond. */
static void what_is_no_character_stays(void **state) {
        char text[] = "\x80\x80\x80\x80\x80";

        (void) state;
        text_end_whole(text);
        assert_int_equal(strlen(text), 5);
        text[1] = '\0';
        text_end_whole(text);
        assert_int_equal(strlen(text), 1);
}

static void a_copy_is_cut_between_characters(void **state) {
        char copy[8];

        (void) state;
        text_copy(copy, sizeof(copy), "\xe5\x8d\xb0\xe5\x8d\xb0\xe5\x8d\xb0");
        assert_string_equal(copy, "\xe5\x8d\xb0\xe5\x8d\xb0");
        text_copy(copy, sizeof(copy), "a\xe5\x8d\xb0\xe5\x8d\xb0");
        assert_string_equal(copy, "a\xe5\x8d\xb0\xe5\x8d\xb0");
        text_copy(copy, sizeof(copy), "");
        assert_string_equal(copy, "");
}

static void flattened_text_is_one_line(void **state) {
        char text[] = "a\nb\x7f\xc2\x85"
                      "c\xe2\x80\xa8\xe2\x80\xae\xff \xe5\x8d\xb0\t\xe5\x8d";

        (void) state;
        text_flatten(text);
        assert_string_equal(text, "a b   c      ? \xe5\x8d\xb0 ??");
        text[0] = '\0';
        text_flatten(text);
        assert_string_equal(text, "");
}

static void what_misleads_is_shown_as_question_marks(void **state) {
        char text[] = "a\x1b[2J\xe2\x80\xae\xff\xe5\x8d\xb0\xef\xbf\xbe\xef\xb7\x90z";

        (void) state;
        text_disarm(text);
        assert_string_equal(text, "a?[2J????\xe5\x8d\xb0??????z");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(text_at_the_edges_of_utf8),
                cmocka_unit_test(lines_have_nothing_that_misleads),
                cmocka_unit_test(half_a_character_at_the_end_is_dropped),
                cmocka_unit_test(what_is_no_character_stays),
                cmocka_unit_test(a_copy_is_cut_between_characters),
                cmocka_unit_test(flattened_text_is_one_line),
                cmocka_unit_test(what_misleads_is_shown_as_question_marks),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
