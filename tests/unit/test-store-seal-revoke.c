/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/store.h"
#include "tests/unit/stored-seal.h"

static const Act revocation = { .by = { .kind = SUBJECT_USER, .id = 7, .text = "user:admin" },
                                .time = 99 };

static SealBrief brief(Register *r, const char *number) {
        SealBrief seal;

        assert_int_equal(store_seal_get_brief(r->store, number, &seal), 0);
        return seal;
}

static void a_revocation_is_marked_and_settled(void **state) {
        Register *r = *state;

        stored_seals_prepare(r);
        Seal seal = stored_seal_add(r, 1);
        assert_int_equal(store_seal_mark_revoked(r->store, seal.number, &revocation, "lost"), 0);
        register_reopen(r);
        seal = stored_seal_get(r, seal.number);
        assert_int_equal(seal.state, SEAL_REVOKED);
        assert_true(seal.revocation_pending);
        assert_string_equal(seal.revoked.by.text, "user:admin");
        assert_int_equal(seal.revoked.by.id, 7);
        assert_int_equal(seal.revoked.time, 99);
        assert_string_equal(seal.revocation_reason, "lost");
        assert_true(brief(r, seal.number).revocation_pending);
        assert_int_equal(store_seal_settle_revoked(r->store, seal.number), 0);
        assert_false(brief(r, seal.number).revocation_pending);
        assert_int_equal(brief(r, seal.number).state, SEAL_REVOKED);
}

/* RegisterTampered was the answer to Revoke, and the key stayed alive. */
static void a_damaged_description_does_not_keep_from_revocation(void **state) {
        _cleanup_free_ SealRow *rows = NULL;
        Register *r = *state;
        size_t count = 0;
        Seal seal;

        stored_seals_prepare(r);
        (void) stored_seal_add(r, 1);
        (void) stored_seal_add(r, 2);
        register_tamper(r, "UPDATE seal SET sealed = x'', name = CAST(x'ff' AS TEXT), public = x'',"
                           " made_kind = 'robot'"
                           " WHERE number = '00000000000001'");
        register_open(r);
        assert_int_equal(store_seal_get(r->store, "00000000000001", &seal),
                         SEAL_E_REGISTER_TAMPERED);
        assert_int_equal(brief(r, "00000000000001").state, SEAL_MADE);
        assert_int_equal(brief(r, "00000000000001").index, REGISTER_INDEX);
        assert_int_equal(brief(r, "00000000000001").bit, 1);
        for (unsigned i = 1; i <= 2; i++)
                assert_int_equal(store_seal_mark_revoked(
                                         r->store, i == 1 ? "00000000000001" : "00000000000002",
                                         &revocation, "damaged"),
                                 0);
        assert_int_equal(store_seal_list_pending(r->store, &rows, &count), 0);
        assert_int_equal(count, 2);
        assert_string_equal(rows[0].number, "00000000000001");
}

static void a_revocation_needs_its_seal(void **state) {
        char number[NUMBER_MAX + 1] = "before";
        Register *r = *state;
        SealBrief seal;

        stored_seals_prepare(r);
        (void) stored_seal_add(r, 1);
        assert_int_equal(store_seal_get_brief(r->store, "9", &seal), SEAL_E_NOT_FOUND);
        assert_int_equal(store_seal_mark_revoked(r->store, "9", &revocation, ""), SEAL_E_NOT_FOUND);
        assert_int_equal(store_seal_settle_revoked(r->store, "9"), SEAL_E_NOT_FOUND);
        assert_int_equal(store_seal_by_bit(r->store, REGISTER_INDEX, 2, number), SEAL_E_NOT_FOUND);
        assert_int_equal(store_seal_by_bit(r->store, 0, 1, number), SEAL_E_NOT_FOUND);
        assert_string_equal(number, "before");
        assert_int_equal(store_seal_by_bit(r->store, REGISTER_INDEX, 1, number), 0);
        assert_string_equal(number, "00000000000001");
}

static void a_long_reason_is_cut_between_characters(void **state) {
        char reason[2 * TEXT_MAX] = "x";
        Register *r = *state;

        stored_seals_prepare(r);
        Seal seal = stored_seal_add(r, 1);
        for (size_t i = 0; i < TEXT_MAX / 4; i++)
                strcat(reason, "\xf0\x9d\x84\x9e");
        assert_int_equal(store_seal_mark_revoked(r->store, seal.number, &revocation, reason), 0);
        assert_int_equal(strlen(stored_seal_get(r, seal.number).revocation_reason), TEXT_MAX - 3);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                register_test(a_revocation_is_marked_and_settled),
                register_test(a_damaged_description_does_not_keep_from_revocation),
                register_test(a_revocation_needs_its_seal),
                register_test(a_long_reason_is_cut_between_characters),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
