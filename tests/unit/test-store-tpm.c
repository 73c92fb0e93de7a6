/* SPDX-License-Identifier: Apache-2.0 */
/* Indices, the bits in them, and the numbers of seals. */
#include "sealsd/store.h"
#include "tests/unit/register.h"

static void indices_are_listed_in_order_of_use(void **state) {
        Register *r = *state;
        RegisterIndex ledger = { .kind = INDEX_LEDGER, .handle = 0x01800000 }, rows[3], one;
        size_t count = 0;

        assert_int_equal(store_index_add(r->store, &ledger), 0);
        index_add(r, 0x01900000, 1, 0, false);
        index_add(r, 0x01a00000, 0, 2, false);
        assert_int_equal(store_index_list(r->store, rows, 3, &count), 0);
        assert_int_equal(count, 3);
        assert_int_equal(rows[0].handle, 0x01a00000);
        assert_int_equal(rows[0].used, 2);
        assert_int_equal(rows[1].handle, 0x01900000);
        assert_int_equal(rows[2].kind, INDEX_LEDGER);
        assert_false(rows[2].auth.set);
        assert_true(rows[1].auth.set && rows[1].auth.size == 6);
        assert_int_equal(store_index_list(r->store, rows, 2, &count), SEAL_E_REGISTER_TAMPERED);
        assert_false(rows[0].auth.set);
        assert_int_equal(store_index_mark_written(r->store, 0x01900000), 0);
        assert_int_equal(store_index_get(r->store, 0x01900000, &one), 0);
        assert_true(one.written);
        assert_int_equal(store_index_mark_written(r->store, 0x01900001), SEAL_E_NOT_FOUND);
        assert_int_equal(store_index_get(r->store, 0x01900001, &one), SEAL_E_NOT_FOUND);
        assert_int_equal(store_index_remove_all(r->store), 0);
        assert_int_equal(store_index_list(r->store, rows, 3, &count), 0);
        assert_int_equal(count, 0);
}

static void an_index_is_added_once(void **state) {
        Register *r = *state;
        RegisterIndex again = { .kind = INDEX_REVOCATION, .handle = REGISTER_INDEX, .ordinal = 1 };

        index_add(r, REGISTER_INDEX, 0, 0, true);
        assert_int_equal(store_index_add(r->store, &again), SEAL_E_ALREADY_EXISTS);
        again.handle++;
        again.ordinal = 0;
        assert_int_equal(store_index_add(r->store, &again), SEAL_E_ALREADY_EXISTS);
}

static void bits_are_given_in_order_and_end(void **state) {
        Register *r = *state;
        TPM2_HANDLE index = 0;
        unsigned bit = 0;

        assert_int_equal(store_bit_take(r->store, &index, &bit), SEAL_E_CAPACITY_EXHAUSTED);
        index_add(r, 0x01900000, 0, MAKER_BITS, true);
        index_add(r, 0x01800000, 1, 0, false);
        for (unsigned i = MAKER_BITS; i < SEALS_PER_INDEX; i++) {
                assert_int_equal(store_bit_take(r->store, &index, &bit), 0);
                assert_int_equal(index, 0x01900000);
                assert_int_equal(bit, i);
        }
        assert_int_equal(store_bit_take(r->store, &index, &bit), SEAL_E_CAPACITY_EXHAUSTED);
        assert_int_equal(store_index_mark_written(r->store, 0x01800000), 0);
        register_reopen(r);
        assert_int_equal(store_bit_take(r->store, &index, &bit), 0);
        assert_int_equal(index, 0x01800000);
        assert_int_equal(bit, 0);
}

static void only_the_last_bit_given_can_be_returned(void **state) {
        Register *r = *state;
        TPM2_HANDLE index = 0;
        unsigned bit = 0;

        index_add(r, REGISTER_INDEX, 0, 2, true);
        assert_int_equal(store_bit_take(r->store, &index, &bit), 0);
        assert_int_equal(store_bit_take(r->store, &index, &bit), 0);
        assert_int_equal(bit, 3);
        assert_int_equal(store_bit_return(r->store, index, 2), 0);
        assert_int_equal(store_bit_return(r->store, index, 3), 0);
        assert_int_equal(store_bit_take(r->store, &index, &bit), 0);
        assert_int_equal(bit, 3);
}

static void numbers_are_never_given_twice(void **state) {
        Register *r = *state;
        char number[NUMBER_MAX + 1];

        assert_int_equal(store_number_take(r->store, "110108", number), 0);
        assert_string_equal(number, "11010800000001");
        assert_int_equal(store_begin(r->store), 0);
        assert_int_equal(store_number_take(r->store, "110108", number), 0);
        assert_string_equal(number, "11010800000002");
        store_rollback(r->store);
        assert_int_equal(store_number_take(r->store, "000000", number), 0);
        assert_string_equal(number, "00000000000003");
        register_reopen(r);
        assert_int_equal(store_number_take(r->store, "000000", number), 0);
        assert_string_equal(number, "00000000000004");
}

static void numbers_end_with_eight_digits(void **state) {
        Register *r = *state;
        char number[NUMBER_MAX + 1] = "before";

        register_tamper(r, "UPDATE counter SET value = 99999998");
        register_open(r);
        assert_int_equal(store_number_take(r->store, "000000", number), 0);
        assert_string_equal(number, "00000099999999");
        strcpy(number, "before");
        assert_int_equal(store_number_take(r->store, "000000", number), SEAL_E_CAPACITY_EXHAUSTED);
        assert_int_equal(store_number_take(r->store, "000000", number), SEAL_E_CAPACITY_EXHAUSTED);
        assert_string_equal(number, "before");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                register_test(indices_are_listed_in_order_of_use),
                register_test(an_index_is_added_once),
                register_test(bits_are_given_in_order_and_end),
                register_test(only_the_last_bit_given_can_be_returned),
                register_test(numbers_are_never_given_twice),
                register_test(numbers_end_with_eight_digits),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
