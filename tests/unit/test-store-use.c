/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/store.h"
#include "tests/unit/stored-seal.h"

static void uses_are_counted_up_to_the_limit(void **state) {
        Register *r = *state;
        Seal seal = a_seal(1);
        uint64_t use = 0;

        stored_seals_prepare(r);
        seal.facts.use_limit = 2;
        assert_int_equal(store_seal_add(r->store, &seal), 0);
        assert_int_equal(store_use_take(r->store, seal.number, 0, 1, &use, NULL), 0);
        assert_int_equal(use, 1);
        register_reopen(r);
        assert_int_equal(store_use_take(r->store, seal.number, 0, 1, &use, NULL), 0);
        assert_int_equal(use, 2);
        assert_int_equal(store_use_take(r->store, seal.number, 0, 1, &use, NULL),
                         SEAL_E_LIMIT_REACHED);
        assert_int_equal(use, 2);
        seal = stored_seal_get(r, seal.number);
        assert_int_equal(seal.use_count, 2);
        assert_int_equal(store_seal_update(r->store, &seal), 0);
        assert_int_equal(store_use_take(r->store, seal.number, 0, 1, &use, NULL),
                         SEAL_E_LIMIT_REACHED);
}

static void without_a_limit_uses_are_only_counted(void **state) {
        Register *r = *state;
        uint64_t use = 0;

        stored_seals_prepare(r);
        (void) stored_seal_add(r, 1);
        for (unsigned i = 1; i <= 5; i++) {
                assert_int_equal(store_use_take(r->store, "00000000000001", 0, 1, &use, NULL), 0);
                assert_int_equal(use, i);
        }
        assert_int_equal(store_use_take(r->store, "00000000000002", 0, 1, &use, NULL),
                         SEAL_E_NOT_FOUND);
}

static void only_the_last_use_can_be_returned(void **state) {
        Register *r = *state;
        uint64_t use = 0;

        stored_seals_prepare(r);
        Seal seal = stored_seal_add(r, 1);
        for (unsigned i = 0; i < 3; i++)
                assert_int_equal(store_use_take(r->store, seal.number, 0, 1, &use, NULL), 0);
        assert_int_equal(store_use_return(r->store, seal.number, 0, 2, 1), 0);
        assert_int_equal(stored_seal_get(r, seal.number).use_count, 3);
        assert_int_equal(store_use_return(r->store, seal.number, 0, 3, 1), 0);
        assert_int_equal(stored_seal_get(r, seal.number).use_count, 2);
        assert_int_equal(store_use_return(r->store, seal.number, 0, 0, 1), 0);
        assert_int_equal(stored_seal_get(r, seal.number).use_count, 2);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                register_test(uses_are_counted_up_to_the_limit),
                register_test(without_a_limit_uses_are_only_counted),
                register_test(only_the_last_use_can_be_returned),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
