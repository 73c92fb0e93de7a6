/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

static void test_integers_are_big_endian(void **state) {
        uint8_t buffer[15];
        Writer w = writer_over(buffer, sizeof(buffer));

        (void) state;
        writer_put_u8(&w, 0x01);
        writer_put_u16(&w, 0x0203);
        writer_put_u32(&w, 0x04050607);
        writer_put_u64(&w, UINT64_C(0x08090a0b0c0d0e0f));
        assert_false(w.overflow);
        unit_assert_hex(buffer, w.used, "0102030405060708090a0b0c0d0e0f");
}

static void test_a_full_writer_takes_nothing_but_nothing(void **state) {
        uint8_t buffer[4] = {};
        Writer w = writer_over(buffer, 2);

        (void) state;
        writer_put_u16(&w, 0xabcd);
        writer_put(&w, NULL, 0);
        assert_false(w.overflow);
        writer_put_u8(&w, 0xef);
        assert_true(w.overflow);
        assert_int_equal(w.used, 2);
        unit_assert_hex(buffer, sizeof(buffer), "abcd0000");
}

static void test_overflow_is_remembered(void **state) {
        uint8_t buffer[4] = {};
        Writer w = writer_over(buffer, sizeof(buffer));

        (void) state;
        writer_put_u64(&w, 1);
        assert_true(w.overflow);
        writer_put_u8(&w, 1); /* would fit */
        assert_true(w.overflow);
        assert_int_equal(w.used, 0);
        unit_assert_hex(buffer, sizeof(buffer), "00000000");
}

static void test_a_size_near_the_end_of_the_address_space_overflows(void **state) {
        uint8_t buffer[4] = {};
        Writer w = writer_over(buffer, sizeof(buffer));

        (void) state;
        writer_put_u8(&w, 1);
        writer_put(&w, buffer, SIZE_MAX);
        assert_true(w.overflow);
}

static void test_hex_goes_both_ways(void **state) {
        static const uint8_t bytes[] = { 0x00, 0x7f, 0x80, 0xff };
        uint8_t back[4];
        char text[9];

        (void) state;
        assert_string_equal(hex_encode(bytes, sizeof(bytes), text), "007f80ff");
        assert_true(hex_decode(text, back, sizeof(back)));
        assert_memory_equal(back, bytes, sizeof(bytes));
        assert_true(hex_decode("007F80FF", back, sizeof(back)));
        assert_memory_equal(back, bytes, sizeof(bytes));
        assert_string_equal(hex_encode(bytes, 0, text), "");
        assert_true(hex_decode("", back, 0));
}

static void test_other_than_hex_of_the_size_is_refused(void **state) {
        static const char *const refused[] = { "",      "0",     "000",   "00000",
                                               "0g00",  "00 0",  "+100",  "0x00",
                                               "00\n0", " 0000", "0000 ", "zz\xff\xff" };
        uint8_t bytes[2];

        (void) state;
        for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
                assert_false(hex_decode(refused[i], bytes, sizeof(bytes)));
}

static void test_equal_are_the_same_bytes_of_the_same_number(void **state) {
        const uint8_t one[] = { 1, 2, 3 }, other[] = { 1, 2, 4 };
        const Bytes nothing = {};

        (void) state;
        assert_true(bytes_equal((Bytes){ one, 3 }, (Bytes){ one, 3 }));
        assert_true(bytes_equal((Bytes){ one, 2 }, (Bytes){ other, 2 }));
        assert_false(bytes_equal((Bytes){ one, 3 }, (Bytes){ other, 3 }));
        assert_false(bytes_equal((Bytes){ one, 3 }, (Bytes){ one, 2 }));
        assert_true(bytes_equal(nothing, (Bytes){ one, 0 }));
        assert_false(bytes_equal((Bytes){ one, 1 }, nothing));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_equal_are_the_same_bytes_of_the_same_number),
                cmocka_unit_test(test_integers_are_big_endian),
                cmocka_unit_test(test_a_full_writer_takes_nothing_but_nothing),
                cmocka_unit_test(test_overflow_is_remembered),
                cmocka_unit_test(test_a_size_near_the_end_of_the_address_space_overflows),
                cmocka_unit_test(test_hex_goes_both_ways),
                cmocka_unit_test(test_other_than_hex_of_the_size_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
