/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/challenges.h"

#include "tests/fixture/chip.h"
#include "tests/unit/unit.h"

#define MINUTE (60ULL * 1000 * 1000)
#define NOW (1000 * MINUTE)

static OfferedChallenge *offer(Challenges *challenges, const char *kind, TPM2_HANDLE handle,
                               uint64_t expires) {
        OfferedChallenge *c = challenges_take(challenges, kind);

        assert_non_null(c);
        c->handle = handle;
        c->expires = expires;
        return c;
}

static void an_empty_table_offers_nothing(void **state) {
        Challenges challenges = {};

        (void) state;
        assert_int_equal(challenges_count(&challenges), 0);
        assert_null(challenges_find(&challenges, ""));
        assert_null(challenges_find(&challenges, "index-00000000"));
        assert_null(challenges_find_handle(&challenges, 0)); /* a free slot has handle 0 too */
        challenges_expire(&challenges, UINT64_MAX);
        challenges_clear(&challenges);
}

static void each_is_found_by_its_id_and_its_handle(void **state) {
        Challenges challenges = {};

        (void) state;
        OfferedChallenge *machine = offer(&challenges, "machine-state", 0, NOW);
        OfferedChallenge *index = offer(&challenges, "index", 0x01800001, NOW);
        assert_int_equal(challenges_count(&challenges), 2);
        assert_memory_equal(machine->id, "machine-state-", 14);
        assert_memory_equal(index->id, "index-", 6);
        assert_ptr_equal(challenges_find(&challenges, machine->id), machine);
        assert_ptr_equal(challenges_find(&challenges, index->id), index);
        assert_ptr_equal(challenges_find_handle(&challenges, 0), machine);
        assert_ptr_equal(challenges_find_handle(&challenges, 0x01800001), index);
        assert_null(challenges_find_handle(&challenges, 0x01800002));
}

static void a_full_table_takes_none_until_one_is_dropped(void **state) {
        Challenges challenges = {};
        char id[CHALLENGE_ID_MAX + 1];

        (void) state;
        for (TPM2_HANDLE i = 0; i < CHALLENGES_OFFERED_MAX; i++)
                (void) offer(&challenges, "index", 0x01800001 + i, NOW);
        assert_null(challenges_take(&challenges, "index"));
        OfferedChallenge *first = challenges_find_handle(&challenges, 0x01800001);
        strcpy(id, first->id);
        challenge_drop(first);
        assert_null(challenges_find(&challenges, id));
        assert_int_equal(challenges_count(&challenges), CHALLENGES_OFFERED_MAX - 1);
        OfferedChallenge *next = challenges_take(&challenges, "index");
        assert_non_null(next);
        assert_string_not_equal(next->id, id); /* an old answer does not fit by its name */
        assert_int_equal(next->handle, 0);
        assert_int_equal(next->size, 0);
}

static void only_those_whose_time_is_over_expire(void **state) {
        Challenges challenges = {};

        (void) state;
        (void) offer(&challenges, "machine-state", 0, NOW + 10 * MINUTE);
        OfferedChallenge *index = offer(&challenges, "index", 0x01800001, NOW + 11 * MINUTE);
        challenges_expire(&challenges, NOW);
        challenges_expire(&challenges, NOW + 10 * MINUTE - 1);
        assert_int_equal(challenges_count(&challenges), 2);
        challenges_expire(&challenges, NOW + 10 * MINUTE);
        assert_int_equal(challenges_count(&challenges), 1);
        assert_null(challenges_find_handle(&challenges, 0));
        assert_ptr_equal(challenges_find_handle(&challenges, 0x01800001), index);
        challenges_expire(&challenges, NOW + 60 * MINUTE);
        assert_int_equal(challenges_count(&challenges), 0);
}

/* Two challenges with a session each in the chip, one of an index of its own. */
static void offer_sessions(Chip *chip, TpmIndex indices[2], Challenges *challenges) {
        static const uint8_t no_bit[8];

        for (TPM2_HANDLE i = 0; i < 2; i++) {
                indices[i] = chip_index_values(chip, INDEX_REVOCATION, 0x01812345 + i);
                assert_int_equal(tpm_index_define(chip->tpm, &indices[i], NULL, NULL), 0);
                OfferedChallenge *c = offer(challenges, "index", indices[i].handle,
                                            NOW + (10 + i) * MINUTE);
                assert_int_equal(tpm_challenge_new(&c->session, chip->tpm, &indices[i],
                                                   (Bytes){ no_bit, sizeof(no_bit) }, NULL),
                                 0);
        }
}

static void challenges_that_nobody_answers_leave_the_chip(void **state) {
        Challenges challenges = {};
        TpmIndex indices[2];
        Chip *chip = *state;

        offer_sessions(chip, indices, &challenges);
        challenges_expire(&challenges, NOW + 10 * MINUTE);
        assert_int_equal(challenges_count(&challenges), 1);
        challenges_expire(&challenges, NOW + 11 * MINUTE);
        chip_assert_empty(chip);
}

static void one_that_expired_does_not_end_the_other(void **state) {
        Challenges challenges = {};
        TpmIndex indices[2];
        Chip *chip = *state;

        offer_sessions(chip, indices, &challenges);
        challenges_expire(&challenges, NOW + 10 * MINUTE);
        OfferedChallenge *c = challenges_find_handle(&challenges, indices[1].handle);
        assert_non_null(c);
        TPMT_SIGNATURE signature = software_key_sign(&chip->key, tpm_challenge_bytes(c->session));
        assert_int_equal(tpm_challenge_answer(c->session, &chip->authority, &signature, NULL), 0);
        challenges_clear(&challenges);
        chip_assert_empty(chip);
}

static void clearing_leaves_the_chip_empty(void **state) {
        static const OfferedChallenge nothing;
        Challenges challenges = {};
        TpmIndex indices[2];
        Chip *chip = *state;

        offer_sessions(chip, indices, &challenges);
        challenges_clear(&challenges);
        chip_assert_empty(chip);
        assert_int_equal(challenges_count(&challenges), 0);
        for (size_t i = 0; i < CHALLENGES_OFFERED_MAX; i++)
                assert_memory_equal(&challenges.slots[i], &nothing, sizeof(nothing));
}

/* --- uses that wait ------------------------------------------------------------------------- */

static void uses_and_challenges_share_the_room(void **state) {
        Challenges challenges = {};
        TPM2B_NONCE nonce = {}, other = {};
        Chip *chip = *state;
        const unsigned max = tpm_live_uses_max(chip->tpm);
        ErrorDetail detail = {};

        for (unsigned i = 1; i <= max; i++)
                assert_int_equal(held_use_open(&challenges, chip->tpm, i, false, &nonce, NULL), 0);
        assert_int_equal(challenges_count(&challenges), max);
        assert_int_equal(held_use_open(&challenges, chip->tpm, 9, false, &other, &detail),
                         SEAL_E_BUSY);
        assert_int_equal(other.size, 0);
        assert_null(held_use_find(&challenges, 9));
        assert_non_null(held_use_find(&challenges, 1));
        assert_null(held_use_find(&challenges, 0)); /* that of a free place */
        held_use_drop(&challenges, 1);
        held_use_drop(&challenges, 1);
        held_use_drop(&challenges, 0);
        assert_null(held_use_find(&challenges, 1));
        assert_int_equal(held_use_open(&challenges, chip->tpm, 9, false, &other, NULL), 0);
        assert_int_equal(other.size, nonce.size);
        assert_memory_not_equal(other.buffer, nonce.buffer, nonce.size);
        challenges_clear(&challenges);
        assert_int_equal(challenges_count(&challenges), 0);
        chip_assert_empty(chip);
}

static void no_use_is_held_while_challenges_take_the_room(void **state) {
        Challenges challenges = {};
        TPM2B_NONCE nonce = {};
        Chip *chip = *state;

        (void) offer(&challenges, "index", 0x01800001, NOW);
        (void) offer(&challenges, "index", 0x01800002, NOW);
        assert_int_equal(held_use_open(&challenges, chip->tpm, 1, false, &nonce, NULL),
                         SEAL_E_BUSY);
        challenges_clear(&challenges);
        assert_int_equal(held_use_open(&challenges, chip->tpm, 1, false, &nonce, NULL), 0);
        if (tpm_live_uses_max(chip->tpm) == 1)
                (void) offer(&challenges, "index", 0x01800001, NOW);
        else
                assert_non_null(challenges_take(&challenges, "index"));
        assert_null(challenges_take(&challenges, "index"));
        challenges_clear(&challenges);
        chip_assert_empty(chip);
}

static void a_signature_has_its_sessions_whatever_is_held(void **state) {
        Challenges challenges = {};
        TPM2B_NONCE nonce = {};
        Chip *chip = *state;
        const unsigned max = tpm_live_uses_max(chip->tpm);

        for (unsigned i = 0; i < max; i++) {
                assert_int_equal(challenges_room(&challenges, chip->tpm), max - i);
                (void) offer(&challenges, "index", 0x01800001 + i, NOW);
        }
        assert_int_equal(challenges_room(&challenges, chip->tpm), 0);
        challenges_clear(&challenges);
        for (unsigned i = 1; i <= max; i++)
                assert_int_equal(held_use_open(&challenges, chip->tpm, i, false, &nonce, NULL), 0);
        assert_int_equal(challenges_room(&challenges, chip->tpm), 0);
        challenges_clear(&challenges);
        (void) offer(&challenges, "index", 0x01800001, NOW);
        (void) offer(&challenges, "index", 0x01800002, NOW);
        assert_int_equal(challenges_room(&challenges, chip->tpm), 0);
        challenges_clear(&challenges);
}

static void live_uses_leave_a_place_to_an_index_that_waits(void **state) {
        Challenges challenges = {};
        TPM2B_NONCE nonce = {};
        Chip *chip = *state;
        const unsigned max = tpm_live_uses_max(chip->tpm);
        ErrorDetail detail = {};

        for (unsigned i = 1; i < max; i++)
                assert_int_equal(held_use_open(&challenges, chip->tpm, i, true, &nonce, NULL), 0);
        assert_int_equal(held_use_open(&challenges, chip->tpm, 9, true, &nonce, &detail),
                         SEAL_E_BUSY);
        assert_non_null(strstr(detail.text, "authority"));
        assert_int_equal(challenges_room(&challenges, chip->tpm), 1);
        challenges_clear(&challenges);
        chip_assert_empty(chip);
}

static void a_spent_use_leaves_its_place_to_the_next(void **state) {
        Challenges challenges = {};
        TPM2B_NONCE nonce = {};
        Chip *chip = *state;

        assert_false(held_use_drop_spent(&challenges, 0));
        assert_int_equal(held_use_open(&challenges, chip->tpm, 1, false, &nonce, NULL), 0);
        assert_false(held_use_drop_spent(&challenges, 1));
        assert_non_null(held_use_find(&challenges, 1));
        /* As tpm_seal_sign() does once the chip has signed. */
        tpm_live_use_spend(held_use_find(&challenges, 1));
        assert_true(held_use_drop_spent(&challenges, 1));
        assert_null(held_use_find(&challenges, 1));
        assert_int_equal(challenges_count(&challenges), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_empty_table_offers_nothing),
                cmocka_unit_test(each_is_found_by_its_id_and_its_handle),
                cmocka_unit_test(a_full_table_takes_none_until_one_is_dropped),
                cmocka_unit_test(only_those_whose_time_is_over_expire),
                cmocka_unit_test_setup_teardown(challenges_that_nobody_answers_leave_the_chip,
                                                chip_setup, chip_teardown),
                cmocka_unit_test_setup_teardown(one_that_expired_does_not_end_the_other, chip_setup,
                                                chip_teardown),
                cmocka_unit_test_setup_teardown(clearing_leaves_the_chip_empty, chip_setup,
                                                chip_teardown),
                cmocka_unit_test_setup_teardown(uses_and_challenges_share_the_room, chip_setup,
                                                chip_teardown),
                cmocka_unit_test_setup_teardown(a_signature_has_its_sessions_whatever_is_held,
                                                chip_setup, chip_teardown),
                cmocka_unit_test_setup_teardown(live_uses_leave_a_place_to_an_index_that_waits,
                                                chip_setup, chip_teardown),
                cmocka_unit_test_setup_teardown(a_spent_use_leaves_its_place_to_the_next,
                                                chip_setup, chip_teardown),
                cmocka_unit_test_setup_teardown(no_use_is_held_while_challenges_take_the_room,
                                                chip_setup, chip_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
