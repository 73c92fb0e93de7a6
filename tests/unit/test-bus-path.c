/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "sealsd/bus-path.h"

static void test_numbers_are_capitals_and_digits(void **state) {
        (void) state;
        assert_true(number_is_valid("00000000000001"));
        assert_true(number_is_valid("A"));
        assert_true(number_is_valid("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"));
        assert_false(number_is_valid("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456"));
        assert_false(number_is_valid(""));
        assert_false(number_is_valid("a"));
        assert_false(number_is_valid("1/2"));
        assert_false(number_is_valid("_1"));
}

static void test_seals_and_their_paths(void **state) {
        char path[OBJECT_PATH_MAX];

        (void) state;
        assert_string_equal(seal_path("00000000000001", path), "/org/sealsd1/seal/00000000000001");
        assert_string_equal(seal_path_number(path), "00000000000001");
        assert_string_equal(seal_path_number(seal_path("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345", path)),
                            "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345");
        assert_null(seal_path_number("/org/sealsd1/seal"));
        assert_null(seal_path_number("/org/sealsd1/seal/"));
        assert_null(seal_path_number("/org/sealsd1/seal/1/2"));
        assert_null(seal_path_number("/org/sealsd1/sealed/1"));
        assert_null(seal_path_number("/org/sealsd1/request/1"));
}

static void test_requests_and_their_paths(void **state) {
        char path[OBJECT_PATH_MAX];
        uint64_t id;

        (void) state;
        assert_string_equal(request_path(12, path), "/org/sealsd1/request/12");
        assert_true(request_path_id(path, &id));
        assert_int_equal(id, 12);
        assert_true(request_path_id(request_path(INT64_MAX, path), &id));
        assert_true(id == INT64_MAX);
        assert_false(request_path_id(request_path((uint64_t) INT64_MAX + 1, path), &id));
        assert_false(request_path_id(request_path(UINT64_MAX, path), &id));
        assert_false(request_path_id("/org/sealsd1/request", &id));
        assert_false(request_path_id("/org/sealsd1/request/", &id));
        assert_false(request_path_id("/org/sealsd1/request/0", &id));
        assert_false(request_path_id("/org/sealsd1/request/01", &id));
        assert_false(request_path_id("/org/sealsd1/request/1a", &id));
        assert_false(request_path_id("/org/sealsd1/request/18446744073709551616", &id));
        assert_false(request_path_id("/org/sealsd1/request/100000000000000000000", &id));
}

static void test_objects_of_announcements(void **state) {
        char path[OBJECT_PATH_MAX];

        (void) state;
        assert_string_equal(object_path("seal/7", path), "/org/sealsd1/seal/7");
        assert_string_equal(object_path("request/7", path), "/org/sealsd1/request/7");
        assert_string_equal(object_path("", path), "/org/sealsd1");
        assert_string_equal(object_path("seal/not valid", path), "/org/sealsd1");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_numbers_are_capitals_and_digits),
                cmocka_unit_test(test_seals_and_their_paths),
                cmocka_unit_test(test_requests_and_their_paths),
                cmocka_unit_test(test_objects_of_announcements),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
