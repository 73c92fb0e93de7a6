/* SPDX-License-Identifier: Apache-2.0 */
#include "format/json.h"

#include <errno.h>
#include <stdio.h>

#include "base/error.h"
#include "tests/unit/unit.h"

static void assert_text(json_t *owned, const char *expected) {
        _cleanup_json_ json_t *value = owned;
        _cleanup_free_ char *text = NULL;

        assert_int_equal(json_to_text(value, &text), 0);
        assert_string_equal(text, expected);
}

/* RFC 8785 §3.2.2.2: the short forms, lower-case hex for the rest, and nothing else escaped. */
static void strings_are_escaped_as_the_rfc_has_it(void **state) {
        (void) state;
        assert_text(json_string("\b\t\n\v\f\r\"\\/"), "\"\\b\\t\\n\\u000b\\f\\r\\\"\\\\/\"");
        assert_text(json_string("\x01\x1b\x1f\x7f"), "\"\\u0001\\u001b\\u001f\x7f\"");
        assert_text(json_stringn("a\0b", 3), "\"a\\u0000b\"");
        assert_text(json_string("\xe2\x82\xac\xe2\x80\xa8\xf0\x9d\x84\x9e<>&'"),
                    "\"\xe2\x82\xac\xe2\x80\xa8\xf0\x9d\x84\x9e<>&'\"");
        assert_text(json_string(""), "\"\"");
}

/* RFC 8785 §3.2.3 with its example: UTF-16 units, in which U+1F600 is before U+FB33. */
static void keys_are_in_the_order_of_utf16(void **state) {
        _cleanup_json_ json_t *object = json_object();

        (void) state;
        const char *const keys[] = { "\xe2\x82\xac",
                                     "\r",
                                     "\xef\xac\xb3",
                                     "1",
                                     "\xf0\x9f\x98\x80",
                                     "\xc2\x80",
                                     "\xc3\xb6",
                                     "",
                                     "11" };
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
                assert_int_equal(json_object_set_new(object, keys[i], json_true()), 0);
        assert_text(json_incref(object),
                    "{\"\":true,\"\\r\":true,\"1\":true,\"11\":true,\"\xc2\x80\":true,"
                    "\"\xc3\xb6\":true,\"\xe2\x82\xac\":true,\"\xf0\x9f\x98\x80\":true,"
                    "\"\xef\xac\xb3\":true}");
}

static void values_of_every_kind(void **state) {
        (void) state;
        assert_text(json_pack("{s:[i,I,b,b,n,{},[]]}", "a", -1, (json_int_t) JSON_NUMBER_MAX, 1, 0),
                    "{\"a\":[-1,9007199254740991,true,false,null,{},[]]}");
}

static void assert_not_written(json_t *owned, int expected) {
        _cleanup_json_ json_t *value = owned;
        char *const untouched = (char *) &(int){ 0 }, *text = untouched;

        assert_int_equal(json_to_text(value, &text), expected);
        assert_ptr_equal(text, untouched);
}

static void what_readers_would_not_agree_on_is_not_written(void **state) {
        json_t *deep = json_array();

        (void) state;
        assert_not_written(json_real(1.5), -EINVAL);
        assert_not_written(json_integer((json_int_t) JSON_NUMBER_MAX + 1), -EINVAL);
        assert_not_written(json_integer(-(json_int_t) JSON_NUMBER_MAX - 1), -EINVAL);
        assert_not_written(NULL, -ENOMEM);
        for (int i = 1; i < JSON_DEPTH_MAX; i++)
                deep = json_pack("[o]", deep);
        _cleanup_json_ json_t *deeper = json_pack("[O]", deep);
        _cleanup_free_ char *text = NULL;
        assert_int_equal(json_to_text(deep, &text), 0);
        json_decref(deep);
        assert_not_written(json_incref(deeper), -EINVAL);
}

static void only_the_canonical_text_is_read(void **state) {
        static const char *const refused[] = {
                "",
                "{",
                "{} ",
                " {}",
                "{\"a\": 1}",
                "[1.0]",
                "[-0]",
                "[01]",
                "[1e2]",
                "[\"\\u001F\"]",
                "[\"\\/\"]",
                "[\"\\u0041\"]",
                "[\"\\u000a\"]",
                "{\"b\":1,\"a\":2}",
                "{\"a\":1,\"a\":1}",
                "[9007199254740992]",
                "[\"\xff\"]",
                "[\"\\u0000\"]",
                "nul",
                "[99999999999999999999]",
        };
        static const char *const taken[] = { "{}", "[]", "{\"a\":1,\"b\":[\"\\u001f\\n\"]}",
                                             "[0]" };

        (void) state;
        for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
                json_t *value = NULL;
                if (json_parse(refused[i], &value) != SEAL_E_REGISTER_TAMPERED)
                        fail_msg("taken: %s", refused[i]);
                assert_null(value);
        }
        for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
                json_t *value = NULL;
                assert_int_equal(json_parse(taken[i], &value), 0);
                assert_text(value, taken[i]);
        }
}

static void hex_is_lower_case_and_of_its_size(void **state) {
        _cleanup_json_ json_t *values = json_pack("[s,s,s,s,i,s]", "00ff", "00FF", "00f", "00fg", 1,
                                                  "");
        uint8_t bytes[2] = { 7, 7 };
        size_t size = 9;

        (void) state;
        assert_true(json_read_hex(json_array_get(values, 0), bytes, 2));
        unit_assert_hex(bytes, 2, "00ff");
        for (size_t i = 1; i < 6; i++)
                assert_false(json_read_hex(json_array_get(values, i), bytes, 2));
        assert_false(json_read_hex(json_array_get(values, 0), bytes, 1));
        assert_false(json_read_hex_sized(json_array_get(values, 0), bytes, 1, &size));
        assert_false(json_read_hex_sized(json_array_get(values, 2), bytes, 2, &size));
        assert_false(json_read_hex_sized(NULL, bytes, 2, &size));
        assert_int_equal(size, 9);
        assert_true(json_read_hex_sized(json_array_get(values, 5), bytes, 2, &size));
        assert_int_equal(size, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(strings_are_escaped_as_the_rfc_has_it),
                cmocka_unit_test(keys_are_in_the_order_of_utf16),
                cmocka_unit_test(values_of_every_kind),
                cmocka_unit_test(what_readers_would_not_agree_on_is_not_written),
                cmocka_unit_test(only_the_canonical_text_is_read),
                cmocka_unit_test(hex_is_lower_case_and_of_its_size),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
