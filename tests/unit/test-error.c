/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>

#include "base/error.h"
#include "base/text.h"

typedef struct Row {
        int code;
        const char *name;
        const char *text;
} Row;

static const Row rows[] = {
#define ERROR(condition, dbus_name, sentence) { SEAL_E_##condition, dbus_name, sentence },
#include "base/error.def"
#undef ERROR
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static void test_every_condition_has_a_name_of_its_own(void **state) {
        (void) state;
        for (size_t i = 0; i < ROW_COUNT; i++)
                for (size_t j = 0; j < i; j++)
                        assert_string_not_equal(rows[i].name, rows[j].name);
}

static void test_names_are_dbus_error_names(void **state) {
        static const char *const prefixes[] = { "org.sealsd1.Error.",
                                                "org.freedesktop.DBus.Error." };

        (void) state;
        for (size_t i = 0; i < ROW_COUNT; i++) {
                bool ours = strncmp(rows[i].name, prefixes[0], strlen(prefixes[0])) == 0;
                const char *last = rows[i].name + strlen(prefixes[ours ? 0 : 1]);

                if (!ours)
                        assert_int_equal(strncmp(rows[i].name, prefixes[1], strlen(prefixes[1])),
                                         0);
                assert_true(*last >= 'A' && *last <= 'Z');
                assert_int_equal(
                        strspn(last, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
                        strlen(last));
        }
}

static void test_every_condition_has_a_sentence_that_fits(void **state) {
        (void) state;
        for (size_t i = 0; i < ROW_COUNT; i++) {
                size_t length = strlen(rows[i].text);

                assert_true(length > 0 && length < ERROR_TEXT_MAX);
                assert_true(rows[i].text[0] >= 'A' && rows[i].text[0] <= 'Z');
                assert_true(rows[i].text[length - 1] != '.');
                assert_string_equal(error_text(rows[i].code), rows[i].text);
        }
}

static void test_codes_are_positive_and_dense(void **state) {
        (void) state;
        assert_int_equal(SEAL_CODE_MAX, ROW_COUNT + 1);
        for (size_t i = 0; i < ROW_COUNT; i++)
                assert_int_equal(rows[i].code, i + 1);
}

static void test_names_round_trip(void **state) {
        (void) state;
        for (size_t i = 0; i < ROW_COUNT; i++) {
                assert_string_equal(error_name(rows[i].code), rows[i].name);
                assert_int_equal(error_from_name(rows[i].name), rows[i].code);
        }
}

static void test_other_codes_are_failures(void **state) {
        static const int codes[] = { 0, -EIO, SEAL_CODE_MAX, SEAL_CODE_MAX + 1, -99999, INT32_MAX };

        (void) state;
        for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
                assert_string_equal(error_name(codes[i]), "org.freedesktop.DBus.Error.Failed");
                assert_non_null(error_text(codes[i]));
        }
        assert_string_equal(error_text(-EIO), strerror(EIO));
}

static void test_other_names_are_no_condition(void **state) {
        (void) state;
        assert_int_equal(error_from_name(""), 0);
        assert_int_equal(error_from_name("org.sealsd1.Error."), 0);
        assert_int_equal(error_from_name("org.sealsd1.Error.revoked"), 0);
        assert_int_equal(error_from_name("org.freedesktop.DBus.Error.Failed"), 0);
}

static void test_a_detail_replaces_the_sentence(void **state) {
        ErrorDetail detail = {};

        (void) state;
        assert_string_equal(error_describe(SEAL_E_REVOKED, NULL), error_text(SEAL_E_REVOKED));
        assert_string_equal(error_describe(SEAL_E_REVOKED, &detail), error_text(SEAL_E_REVOKED));
        assert_int_equal(error_set(&detail, SEAL_E_REVOKED, "Revoked on %s", "Monday"),
                         SEAL_E_REVOKED);
        assert_string_equal(error_describe(SEAL_E_REVOKED, &detail), "Revoked on Monday");
        assert_int_equal(error_set(NULL, SEAL_E_BUSY, "%d", 1), SEAL_E_BUSY);
}

static void test_a_long_detail_is_cut(void **state) {
        char text[2 * ERROR_TEXT_MAX];
        ErrorDetail detail = {};

        (void) state;
        memset(text, 'x', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        (void) error_set(&detail, SEAL_E_BUSY, "%s", text);
        assert_int_equal(strlen(detail.text), ERROR_TEXT_MAX - 1);
}

/* It was sent as it was cut, and the bus refuses what is not UTF-8: nobody was answered. */
static void test_a_long_detail_is_cut_between_characters(void **state) {
        char text[2 * ERROR_TEXT_MAX] = "";
        ErrorDetail detail = {};

        (void) state;
        for (size_t i = 0; i < ERROR_TEXT_MAX / 3 + 1; i++)
                strcat(text, "\xe5\x8d\xb0");
        (void) error_set(&detail, SEAL_E_BUSY, "%s", text);
        assert_int_equal(strlen(detail.text), (ERROR_TEXT_MAX - 1) / 3 * 3);
        assert_true(text_is_utf8(detail.text, strlen(detail.text)));
}

/* SQLite quotes a damaged schema as it finds it. */
static void test_a_detail_is_utf8_whatever_it_quotes(void **state) {
        ErrorDetail detail = {};

        (void) state;
        (void) error_set(&detail, SEAL_E_STORAGE_FAILURE, "near \"%s\": error", "NO\xff\xe5\x8d");
        assert_string_equal(detail.text, "near \"NO???\": error");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_condition_has_a_name_of_its_own),
                cmocka_unit_test(test_names_are_dbus_error_names),
                cmocka_unit_test(test_every_condition_has_a_sentence_that_fits),
                cmocka_unit_test(test_codes_are_positive_and_dense),
                cmocka_unit_test(test_names_round_trip),
                cmocka_unit_test(test_other_codes_are_failures),
                cmocka_unit_test(test_other_names_are_no_condition),
                cmocka_unit_test(test_a_detail_replaces_the_sentence),
                cmocka_unit_test(test_a_long_detail_is_cut),
                cmocka_unit_test(test_a_long_detail_is_cut_between_characters),
                cmocka_unit_test(test_a_detail_is_utf8_whatever_it_quotes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
