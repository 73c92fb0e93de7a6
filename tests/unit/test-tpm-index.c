/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/approval.h"
#include "tests/fixture/chip.h"
#include "tests/fixture/wire.h"
#include "tpm/context.h"
#include "tpm/hierarchy.h"
#include "tpm/nv.h"

#define HANDLE 0x01a5a5a5U

static const uint8_t zero_bits[8];
static const Bytes none = { .data = zero_bits, .size = 8 };
static const Secret owner = { .set = true, .size = 5, .data = "owner" };

static TpmIndexState index_state(Chip *chip, const TpmIndex *index) {
        TpmIndexState result = TPM_INDEX_ABSENT;

        assert_int_equal(tpm_index_state(chip->tpm, index, &result, NULL), 0);
        return result;
}

static TpmChallenge *challenge_make(Chip *chip, const TpmIndex *index, Bytes value) {
        TpmChallenge *challenge = NULL;

        assert_int_equal(tpm_challenge_new(&challenge, chip->tpm, index, value, NULL), 0);
        return challenge;
}

static void first_write_makes_the_index_ours(void **state) {
        static const uint8_t value[8] = { 0, 0, 0, 0, 0, 0, 1, 5 };
        Chip *chip = *state;
        TpmIndex index = chip_index_values(chip, INDEX_REVOCATION, HANDLE);
        uint64_t bits = 99;
        TpmNv nv = {};
        TPM2B_NAME name, wanted = chip_index_name(&index);

        assert_int_equal(index_state(chip, &index), TPM_INDEX_ABSENT);
        assert_int_equal(tpm_index_define(chip->tpm, &index, NULL, NULL), 0);
        assert_int_equal(index_state(chip, &index), TPM_INDEX_UNWRITTEN);
        assert_int_equal(tpm_index_read_bits(chip->tpm, &index, &bits, NULL),
                         SEAL_E_REGISTER_TAMPERED);

        TpmChallenge *challenge = challenge_make(chip, &index, (Bytes){ .data = value, .size = 8 });
        assert_int_equal(tpm_challenge_bytes(challenge).size, 32 + 4 + 32 + 32);
        TPMT_SIGNATURE signature = software_key_sign(&chip->key, tpm_challenge_bytes(challenge));
        assert_int_equal(tpm_challenge_answer(challenge, &chip->authority, &signature, NULL), 0);
        chip_assert_empty(chip); /* its session goes with the answer, not with the object */
        assert_int_equal(tpm_challenge_answer(challenge, &chip->authority, &signature, NULL),
                         SEAL_E_APPROVAL_USED);
        tpm_challenge_free(challenge);

        assert_int_equal(index_state(chip, &index), TPM_INDEX_WRITTEN);
        assert_int_equal(tpm_index_read_bits(chip->tpm, &index, &bits, NULL), 0);
        assert_int_equal(bits, 0x105);
        assert_int_equal(tpm_nv_open(chip->tpm, &index, &nv, NULL), 0);
        assert_int_equal(tpm_handle_name(&nv.handle, &name, NULL), 0);
        assert_int_equal(name.size, wanted.size);
        assert_memory_equal(name.name, wanted.name, name.size);
        tpm_nv_close(&nv);
}

static void ledger_index_takes_its_genesis(void **state) {
        Chip *chip = *state;
        TpmIndex index = chip_index_values(chip, INDEX_LEDGER, HANDLE);
        TPM2B_DIGEST genesis;
        uint64_t bits;

        assert_int_equal(ledger_genesis(&index.authority, HANDLE, &genesis), 0);
        assert_int_equal(tpm_index_define(chip->tpm, &index, NULL, NULL), 0);
        TpmChallenge *challenge = challenge_make(
                chip, &index, (Bytes){ .data = genesis.buffer, .size = genesis.size });
        TPMT_SIGNATURE signature = software_key_sign(&chip->key, tpm_challenge_bytes(challenge));
        assert_int_equal(tpm_challenge_answer(challenge, &chip->authority, &signature, NULL), 0);
        tpm_challenge_free(challenge);
        assert_int_equal(index_state(chip, &index), TPM_INDEX_WRITTEN);
        assert_int_not_equal(tpm_index_read_bits(chip->tpm, &index, &bits, NULL), 0);
}

static void wrong_signature_leaves_the_challenge_usable(void **state) {
        Chip *chip = *state;
        TpmIndex index = chip_index_values(chip, INDEX_REVOCATION, HANDLE);
        SoftwareKey stranger;
        ErrorDetail detail = {};

        software_key_make(&stranger);
        const TpmAuthority other = { .public = stranger.public };
        assert_int_equal(tpm_index_define(chip->tpm, &index, NULL, NULL), 0);
        TpmChallenge *challenge = challenge_make(chip, &index, none);
        Bytes bytes = tpm_challenge_bytes(challenge);
        TPMT_SIGNATURE good = software_key_sign(&chip->key, bytes);
        TPMT_SIGNATURE bad = software_key_sign(&stranger, bytes);

        /* Another's signature under the authority's name, and under its own. */
        assert_int_equal(tpm_challenge_answer(challenge, &chip->authority, &bad, &detail),
                         SEAL_E_APPROVAL_INVALID);
        assert_non_null(strstr(detail.text, "openssl dgst"));
        assert_int_equal(tpm_challenge_answer(challenge, &other, &bad, &detail),
                         SEAL_E_APPROVAL_INVALID);
        assert_int_equal(index_state(chip, &index), TPM_INDEX_UNWRITTEN);
        assert_int_equal(tpm_challenge_answer(challenge, &chip->authority, &good, NULL), 0);
        tpm_challenge_free(challenge);
        software_key_done(&stranger);
}

static void signature_over_another_value_is_refused(void **state) {
        static const uint8_t all[8] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
        Chip *chip = *state;
        TpmIndex index = chip_index_values(chip, INDEX_REVOCATION, HANDLE);
        uint8_t bytes[APPROVAL_BYTES_MAX];

        assert_int_equal(tpm_index_define(chip->tpm, &index, NULL, NULL), 0);
        TpmChallenge *wanted = challenge_make(chip, &index, (Bytes){ .data = all, .size = 8 });
        TpmChallenge *offered = challenge_make(chip, &index, none);
        Bytes a = tpm_challenge_bytes(wanted), b = tpm_challenge_bytes(offered);
        assert_memory_not_equal(a.data + 36, b.data + 36, 32); /* cpHash */
        assert_memory_equal(a.data + 68, b.data + 68, 32);     /* policyRef */

        /* The offered nonce with the wanted value: only cpHash differs from what may be signed. */
        memcpy(bytes, b.data, b.size);
        memcpy(bytes + 36, a.data + 36, 32);
        TPMT_SIGNATURE signature = software_key_sign(&chip->key,
                                                     (Bytes){ .data = bytes, .size = b.size });
        assert_int_equal(tpm_challenge_answer(offered, &chip->authority, &signature, NULL),
                         SEAL_E_APPROVAL_INVALID);
        tpm_challenge_free(wanted);
        tpm_challenge_free(offered);
        assert_int_equal(index_state(chip, &index), TPM_INDEX_UNWRITTEN);
}

static void answer_is_not_replayed_into_a_new_index(void **state) {
        Chip *chip = *state;
        TpmIndex index = chip_index_values(chip, INDEX_REVOCATION, HANDLE);

        assert_int_equal(tpm_index_define(chip->tpm, &index, NULL, NULL), 0);
        TpmChallenge *first = challenge_make(chip, &index, none);
        TPMT_SIGNATURE signature = software_key_sign(&chip->key, tpm_challenge_bytes(first));
        assert_int_equal(tpm_challenge_answer(first, &chip->authority, &signature, NULL), 0);
        tpm_challenge_free(first);
        assert_int_equal(tpm_index_set_bits(chip->tpm, &index, 1, NULL), 0);

        /* Whoever removes the index to get rid of a revocation gets no second one. */
        assert_int_equal(tpm_index_undefine(chip->tpm, HANDLE, NULL, NULL), 0);
        assert_int_equal(index_state(chip, &index), TPM_INDEX_ABSENT);
        assert_int_equal(tpm_index_define(chip->tpm, &index, NULL, NULL), 0);
        TpmChallenge *second = challenge_make(chip, &index, none);
        assert_int_equal(tpm_challenge_answer(second, &chip->authority, &signature, NULL),
                         SEAL_E_APPROVAL_INVALID);
        tpm_challenge_free(second);
        assert_int_equal(index_state(chip, &index), TPM_INDEX_UNWRITTEN);
}

static void written_index_offers_no_challenge(void **state) {
        Chip *chip = *state;
        TpmChallenge *challenge = NULL;
        TpmIndex index = chip_index_values(chip, INDEX_REVOCATION, HANDLE);

        assert_int_equal(tpm_challenge_new(&challenge, chip->tpm, &index, none, NULL),
                         SEAL_E_NOT_FOUND);
        chip_index_write(chip, &index, &chip->key, 0);
        assert_int_equal(tpm_challenge_new(&challenge, chip->tpm, &index, none, NULL),
                         SEAL_E_ALREADY_EXISTS);
        assert_null(challenge);
}

static void two_challenges_are_held_and_others_still_work(void **state) {
        Chip *chip = *state;
        TpmIndex index = chip_index_values(chip, INDEX_REVOCATION, HANDLE);
        TpmIndex ledger = chip_index_values(chip, INDEX_LEDGER, HANDLE + 1);
        TpmIndex written = chip_index_values(chip, INDEX_REVOCATION, HANDLE + 2);
        TPM2B_DIGEST genesis;
        uint64_t bits;

        chip_index_write(chip, &written, &chip->key, 0);
        assert_int_equal(ledger_genesis(&ledger.authority, ledger.handle, &genesis), 0);
        assert_int_equal(tpm_index_define(chip->tpm, &index, NULL, NULL), 0);
        TpmChallenge *first = challenge_make(chip, &index, none);
        assert_int_equal(tpm_index_define(chip->tpm, &ledger, NULL, NULL), 0);
        TpmChallenge *second = challenge_make(
                chip, &ledger, (Bytes){ .data = genesis.buffer, .size = genesis.size });

        assert_int_equal(tpm_index_set_bits(chip->tpm, &written, 2, NULL), 0);
        assert_int_equal(tpm_index_read_bits(chip->tpm, &written, &bits, NULL), 0);
        assert_int_equal(bits, 2);
        TPMT_SIGNATURE b = software_key_sign(&chip->key, tpm_challenge_bytes(second));
        TPMT_SIGNATURE a = software_key_sign(&chip->key, tpm_challenge_bytes(first));
        assert_int_equal(tpm_challenge_answer(second, &chip->authority, &b, NULL), 0);
        assert_int_equal(tpm_challenge_answer(first, &chip->authority, &a, NULL), 0);
        tpm_challenge_free(first);
        tpm_challenge_free(second);
}

static void bits_are_set_and_never_cleared(void **state) {
        Chip *chip = *state;
        TpmIndex index = chip_index_values(chip, INDEX_REVOCATION, HANDLE);
        uint64_t bits = 0;

        chip_index_write(chip, &index, &chip->key, 1);
        assert_int_equal(tpm_index_set_bits(chip->tpm, &index, UINT64_C(1) << 63, NULL), 0);
        assert_int_equal(tpm_index_set_bits(chip->tpm, &index, 0, NULL), 0);
        assert_int_equal(tpm_index_set_bits(chip->tpm, &index, 2, NULL), 0);
        assert_int_equal(tpm_index_read_bits(chip->tpm, &index, &bits, NULL), 0);
        assert_true(bits == (UINT64_C(1) << 63 | 3));
        swtpm_reset(&chip->swtpm);
        chip_reconnect(chip);
        assert_int_equal(tpm_index_read_bits(chip->tpm, &index, &bits, NULL), 0);
        assert_true(bits == (UINT64_C(1) << 63 | 3));
}

static void unwritten_index_is_not_written_by_the_later_branch(void **state) {
        Chip *chip = *state;
        TpmIndex index = chip_index_values(chip, INDEX_REVOCATION, HANDLE);

        assert_int_equal(tpm_index_set_bits(chip->tpm, &index, 1, NULL), SEAL_E_NOT_FOUND);
        assert_int_equal(tpm_index_define(chip->tpm, &index, NULL, NULL), 0);
        assert_int_equal(tpm_index_set_bits(chip->tpm, &index, 1, NULL), SEAL_E_REGISTER_TAMPERED);
        assert_int_equal(index_state(chip, &index), TPM_INDEX_UNWRITTEN);
}

static void without_the_auth_nothing_is_read_or_set(void **state) {
        Chip *chip = *state;
        TpmIndex index = chip_index_values(chip, INDEX_REVOCATION, HANDLE);
        uint64_t bits = 77;

        chip_index_write(chip, &index, &chip->key, 0);
        index.auth.data[7] ^= 1;
        assert_int_equal(tpm_index_set_bits(chip->tpm, &index, 1, NULL), SEAL_E_REGISTER_TAMPERED);
        assert_int_equal(tpm_index_read_bits(chip->tpm, &index, &bits, NULL),
                         SEAL_E_REGISTER_TAMPERED);
        assert_int_equal(bits, 77);
        index.auth.set = false;
        assert_int_equal(tpm_index_set_bits(chip->tpm, &index, 1, NULL), SEAL_E_REGISTER_TAMPERED);
}

static void foreign_index_is_seen(void **state) {
        Chip *chip = *state;
        TpmIndex index = chip_index_values(chip, INDEX_REVOCATION, HANDLE);
        TpmIndex foreign = index;
        SoftwareKey stranger;
        uint64_t bits;

        software_key_make(&stranger);
        foreign.authority = stranger.name;
        chip_index_write(chip, &foreign, &stranger, 0);
        assert_int_equal(index_state(chip, &foreign), TPM_INDEX_WRITTEN);
        assert_int_equal(index_state(chip, &index), TPM_INDEX_FOREIGN);
        assert_int_equal(tpm_index_set_bits(chip->tpm, &index, 1, NULL), SEAL_E_REGISTER_TAMPERED);
        assert_int_equal(tpm_index_read_bits(chip->tpm, &index, &bits, NULL),
                         SEAL_E_REGISTER_TAMPERED);
        assert_int_equal(tpm_index_define(chip->tpm, &index, NULL, NULL), SEAL_E_ALREADY_EXISTS);
        software_key_done(&stranger);
}

static void locked_index_is_revocable_and_unreadable(void **state) {
        Chip *chip = *state;
        TpmIndex index = chip_index_values(chip, INDEX_REVOCATION, HANDLE);
        uint64_t bits;
        TpmNv nv = {};

        chip_index_write(chip, &index, &chip->key, 0);
        assert_int_equal(tpm_nv_open(chip->tpm, &index, &nv, NULL), 0);
        assert_int_equal(Esys_NV_ReadLock(chip->tpm->esys, nv.handle.tr, nv.handle.tr,
                                          ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE),
                         0);
        tpm_nv_close(&nv);
        assert_int_equal(index_state(chip, &index), TPM_INDEX_LOCKED);
        assert_int_equal(tpm_index_read_bits(chip->tpm, &index, &bits, NULL), SEAL_E_LOCKED);
        assert_int_equal(tpm_index_set_bits(chip->tpm, &index, 4, NULL), 0);
        swtpm_reset(&chip->swtpm);
        chip_reconnect(chip);
        assert_int_equal(index_state(chip, &index), TPM_INDEX_WRITTEN);
        assert_int_equal(tpm_index_read_bits(chip->tpm, &index, &bits, NULL), 0);
        assert_int_equal(bits, 4);
}

static void owner_auth_is_demanded_where_there_is_one(void **state) {
        Chip *chip = *state;
        TpmIndex index = chip_index_values(chip, INDEX_REVOCATION, HANDLE);

        assert_int_equal(tpm_hierarchy_set_auth(chip->tpm, TPM_OWNER, NULL, &owner, NULL), 0);
        assert_int_equal(tpm_index_define(chip->tpm, &index, NULL, NULL), SEAL_E_WRONG_PIN);
        assert_int_equal(tpm_index_define(chip->tpm, &index, &owner, NULL), 0);
        assert_int_equal(tpm_index_undefine(chip->tpm, HANDLE, NULL, NULL), SEAL_E_WRONG_PIN);
        assert_int_equal(tpm_index_undefine(chip->tpm, HANDLE, &owner, NULL), 0);
        assert_int_equal(tpm_index_undefine(chip->tpm, HANDLE, &owner, NULL), 0);
}

/* Somebody else's data until no more fits. */
static void memory_fill(Chip *chip) {
        TPM2B_NV_PUBLIC public = {
                .nvPublic = {
                        .nvIndex = 0x01400000,
                        .nameAlg = TPM2_ALG_SHA256,
                        .attributes = TPMA_NV_OWNERWRITE | TPMA_NV_OWNERREAD,
                        .dataSize = 2048,
                },
        };
        const TPM2B_AUTH empty = {};
        ESYS_TR tr;

        while (public.nvPublic.dataSize > 0) {
                public.nvPublic.nvIndex++;
                if (Esys_NV_DefineSpace(chip->tpm->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD,
                                        ESYS_TR_NONE, ESYS_TR_NONE, &empty, &public, &tr) == 0)
                        assert_int_equal(Esys_TR_Close(chip->tpm->esys, &tr), 0);
                else
                public.nvPublic.dataSize /= 2;
        }
}

static void full_memory_is_said(void **state) {
        Chip *chip = *state;
        TpmIndex index = chip_index_values(chip, INDEX_LEDGER, HANDLE);
        ErrorDetail detail = {};

        memory_fill(chip);
        assert_int_equal(tpm_index_define(chip->tpm, &index, NULL, &detail), SEAL_E_TPM_FULL);
        assert_non_null(strstr(detail.text, "non-volatile memory is full"));
}

static void index_auth_never_passes_in_clear(void **state) {
        Chip *chip = *state;
        TpmIndex index = chip_index_values(chip, INDEX_REVOCATION, HANDLE);
        uint64_t bits;

        assert_int_equal(tpm_hierarchy_set_auth(chip->tpm, TPM_OWNER, NULL, &owner, NULL), 0);
        wire_tap(&chip->wire, chip->tpm);
        assert_int_equal(tpm_index_define(chip->tpm, &index, &owner, NULL), 0);
        TpmChallenge *challenge = challenge_make(chip, &index, none);
        TPMT_SIGNATURE signature = software_key_sign(&chip->key, tpm_challenge_bytes(challenge));
        assert_int_equal(tpm_challenge_answer(challenge, &chip->authority, &signature, NULL), 0);
        tpm_challenge_free(challenge);
        assert_int_equal(tpm_index_set_bits(chip->tpm, &index, 1, NULL), 0);
        assert_int_equal(tpm_index_read_bits(chip->tpm, &index, &bits, NULL), 0);
        assert_true(wire_saw(&chip->wire, signature.signature.ecdsa.signatureR.buffer, 32));
        assert_false(wire_saw(&chip->wire, index.auth.data, 8));
        assert_false(wire_saw(&chip->wire, owner.data, owner.size));
        chip_assert_salted(chip);
        wire_untap(&chip->wire);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define ON_CHIP(test) cmocka_unit_test_setup_teardown(test, chip_setup, chip_teardown)
                ON_CHIP(first_write_makes_the_index_ours),
                ON_CHIP(ledger_index_takes_its_genesis),
                ON_CHIP(wrong_signature_leaves_the_challenge_usable),
                ON_CHIP(signature_over_another_value_is_refused),
                ON_CHIP(answer_is_not_replayed_into_a_new_index),
                ON_CHIP(written_index_offers_no_challenge),
                ON_CHIP(two_challenges_are_held_and_others_still_work),
                ON_CHIP(bits_are_set_and_never_cleared),
                ON_CHIP(unwritten_index_is_not_written_by_the_later_branch),
                ON_CHIP(without_the_auth_nothing_is_read_or_set),
                ON_CHIP(foreign_index_is_seen),
                ON_CHIP(locked_index_is_revocable_and_unreadable),
                ON_CHIP(owner_auth_is_demanded_where_there_is_one),
                ON_CHIP(full_memory_is_said),
                ON_CHIP(index_auth_never_passes_in_clear),
#undef ON_CHIP
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
