/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>

#include <tss2/tss2_mu.h>

#include "policy/attest.h"
#include "policy/digest.h"
#include "policy/key.h"
#include "tests/fixture/chip.h"
#include "tests/fixture/wire.h"
#include "tpm/attestation.h"
#include "tpm/context.h"
#include "tpm/nv.h"

#define HANDLE 0x01a5a5a7U
#define BITS sizeof(uint64_t)

static const uint8_t row1[LEDGER_VALUE_SIZE] = { 1, 1, 1 };
static const TPM2B_DATA asked = { .size = 32, .buffer = "sealsd/checkpoint" };

/* An attestation as it is kept, with room for all of it. */
typedef struct Kept {
        TPM2B_ATTEST attest;
        uint8_t signature[sizeof(TPMT_SIGNATURE)];
        uint8_t key[sizeof(TPM2B_PUBLIC)];
        AttestProof proof;
        AttestWanted wanted;
} Kept;

static TpmIndex ledger_make(Chip *chip) {
        TpmIndex index = chip_index_values(chip, INDEX_LEDGER, HANDLE);

        chip_index_write(chip, &index, &chip->key, 0);
        return index;
}

static TPM2B_PUBLIC ak_public(Chip *chip) {
        TPM2B_PUBLIC public = {};
        ErrorDetail detail = {};

        if (tpm_ak_public(chip->tpm, &public, &detail) != 0)
                fail_msg("%s", detail.text);
        chip_assert_empty(chip);
        return public;
}

static void kept_make(Chip *chip, const TpmIndex *index, Kept *kept) {
        size_t signature_size = 0, key_size = 0;
        TPM2B_PUBLIC key = ak_public(chip);
        TPMT_SIGNATURE signature;
        ErrorDetail detail = {};

        *kept = (Kept){ .wanted = { .index = chip_index_name(index), .extra = asked } };
        if (tpm_index_certify(chip->tpm, index, &asked, &kept->attest, &signature, &detail) != 0)
                fail_msg("%s", detail.text);
        chip_assert_empty(chip);
        assert_int_equal(Tss2_MU_TPMT_SIGNATURE_Marshal(&signature, kept->signature,
                                                        sizeof(kept->signature), &signature_size),
                         0);
        assert_int_equal(
                Tss2_MU_TPM2B_PUBLIC_Marshal(&key, kept->key, sizeof(kept->key), &key_size), 0);
        kept->proof = (AttestProof){
                .attest = { kept->attest.attestationData, kept->attest.size },
                .signature = { kept->signature, signature_size },
                .key = { kept->key, key_size },
        };
}

static int kept_verify(const Kept *kept, IndexAttested *ret, ErrorDetail *detail) {
        return attest_index_verify(&kept->proof, &kept->wanted, ret, detail);
}

static void the_key_is_the_same_each_time(void **state) {
        Chip *chip = *state;
        TPM2B_PUBLIC first = ak_public(chip);
        TPM2B_NAME a, b;

        assert_int_equal(public_name(&first, &a), 0);
        swtpm_reset(&chip->swtpm);
        chip_reconnect(chip);
        TPM2B_PUBLIC second = ak_public(chip);
        assert_int_equal(public_name(&second, &b), 0);
        assert_true(name_equal(&a, &b));
}

static void the_value_is_attested_and_judged_offline(void **state) {
        Chip *chip = *state;
        TpmIndex index = ledger_make(chip);
        uint8_t value[LEDGER_VALUE_SIZE];
        IndexAttested before, after;
        ErrorDetail detail = {};
        Kept kept;

        assert_int_equal(tpm_index_extend(chip->tpm, &index, row1, NULL), 0);
        assert_int_equal(tpm_index_read_value(chip->tpm, &index, value, NULL), 0);
        kept_make(chip, &index, &kept);
        kept.wanted.contents = value;
        if (kept_verify(&kept, &before, &detail) != 0)
                fail_msg("%s", detail.text);
        assert_memory_equal(before.contents, value, sizeof(value));

        /* The chip counts its resets, by which two attestations are told apart in time. */
        swtpm_reset(&chip->swtpm);
        chip_reconnect(chip);
        kept_make(chip, &index, &kept);
        assert_int_equal(kept_verify(&kept, &after, NULL), 0);
        assert_int_equal(after.reset_count, before.reset_count + 1);
        assert_true(after.clock >= before.clock || !after.clock_safe); /* it was not shut down */
        assert_true(name_equal(&after.key, &before.key));
}

static void an_extend_by_somebody_else_is_attested_too(void **state) {
        Chip *chip = *state;
        TpmIndex index = ledger_make(chip);
        uint8_t value[LEDGER_VALUE_SIZE];
        IndexAttested attested;
        ErrorDetail detail = {};
        Kept kept;

        assert_int_equal(tpm_index_read_value(chip->tpm, &index, value, NULL), 0);
        assert_int_equal(tpm_index_extend(chip->tpm, &index, row1, NULL), 0);
        kept_make(chip, &index, &kept);
        kept.wanted.contents = value;
        assert_int_equal(kept_verify(&kept, &attested, &detail), SEAL_E_REGISTER_TAMPERED);
        assert_non_null(strstr(detail.text, "value of the index"));
}

/* root's own index at the handle, with what it likes in it, has another Name. */
static void another_index_at_the_handle_is_not_attested_as_ours(void **state) {
        Chip *chip = *state;
        TpmIndex index = ledger_make(chip), foreign = index;
        IndexAttested attested;
        ErrorDetail detail = {};
        SoftwareKey stranger;
        Kept kept;

        software_key_make(&stranger);
        foreign.authority = stranger.name;
        assert_int_equal(tpm_index_undefine(chip->tpm, HANDLE, NULL, NULL), 0);
        chip_index_write(chip, &foreign, &stranger, 0);
        kept_make(chip, &foreign, &kept);
        kept.wanted.index = chip_index_name(&index);
        assert_int_equal(kept_verify(&kept, &attested, &detail), SEAL_E_REGISTER_TAMPERED);
        assert_non_null(strstr(detail.text, "another NV index"));
        software_key_done(&stranger);
}

static void assert_refused(Chip *chip, const TpmIndex *index, int condition) {
        TPM2B_ATTEST attest = { .size = 77 };
        TPMT_SIGNATURE signature = {};

        assert_int_equal(tpm_index_certify(chip->tpm, index, &asked, &attest, &signature, NULL),
                         condition);
        assert_int_equal(attest.size, 77);
        chip_assert_empty(chip);
}

static void an_index_that_is_not_there_or_not_ours_is_refused(void **state) {
        Chip *chip = *state;
        TpmIndex index = chip_index_values(chip, INDEX_LEDGER, HANDLE);

        assert_refused(chip, &index, SEAL_E_NOT_FOUND);
        assert_int_equal(tpm_index_define(chip->tpm, &index, NULL, NULL), 0);
        assert_refused(chip, &index, SEAL_E_REGISTER_TAMPERED);
        assert_int_equal(tpm_index_undefine(chip->tpm, HANDLE, NULL, NULL), 0);
        chip_index_write(chip, &index, &chip->key, 0);
        index.auth.data[3] ^= 1;
        assert_refused(chip, &index, SEAL_E_REGISTER_TAMPERED);
        index = chip_index_values(chip, INDEX_LEDGER, HANDLE);
        index.kind = INDEX_REVOCATION;
        assert_refused(chip, &index, SEAL_E_REGISTER_TAMPERED);
}

/* Of a revocation index, which is set for good: its 8 bytes, big-endian. */
static void the_bits_are_attested(void **state) {
        const uint8_t bits[BITS] = { [BITS - 1] = 1U << CHIP_BIT };
        Chip *chip = *state;
        IndexAttested attested;
        Kept kept;

        kept_make(chip, &chip->index, &kept);
        kept.wanted.size = BITS;
        assert_int_equal(kept_verify(&kept, &attested, NULL), 0);
        assert_int_equal(attested.contents[BITS - 1], 0);
        assert_int_equal(tpm_index_set_bits(chip->tpm, &chip->index, 1U << CHIP_BIT, NULL), 0);
        kept_make(chip, &chip->index, &kept);
        kept.wanted.size = BITS;
        kept.wanted.contents = bits;
        assert_int_equal(kept_verify(&kept, &attested, NULL), 0);
        kept.wanted.size = LEDGER_VALUE_SIZE;
        kept.wanted.contents = NULL;
        assert_int_equal(kept_verify(&kept, &attested, NULL), SEAL_E_REGISTER_TAMPERED);
}

static void a_locked_index_is_attested_after_the_next_boot(void **state) {
        Chip *chip = *state;
        TpmNv nv = {};
        Kept kept;

        assert_int_equal(tpm_nv_open(chip->tpm, &chip->index, &nv, NULL), 0);
        assert_int_equal(Esys_NV_ReadLock(chip->tpm->esys, nv.handle.tr, nv.handle.tr,
                                          ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE),
                         0);
        tpm_nv_close(&nv);
        assert_refused(chip, &chip->index, SEAL_E_LOCKED);
        swtpm_reset(&chip->swtpm);
        chip_reconnect(chip);
        kept_make(chip, &chip->index, &kept);
}

static void an_endorsement_auth_is_told(void **state) {
        const TPM2B_AUTH auth = { .size = 3, .buffer = "ek!" };
        Chip *chip = *state;
        TpmIndex index = ledger_make(chip);
        ErrorDetail detail = {};
        TPM2B_PUBLIC public;

        assert_int_equal(Esys_HierarchyChangeAuth(chip->tpm->esys, ESYS_TR_RH_ENDORSEMENT,
                                                  ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                                                  &auth),
                         0);
        chip_reconnect(chip); /* ESAPI had learnt it */
        assert_int_equal(tpm_ak_public(chip->tpm, &public, &detail), SEAL_E_PIN_REQUIRED);
        assert_non_null(strstr(detail.text, "endorsement hierarchy has an authorisation"));
        assert_refused(chip, &index, SEAL_E_PIN_REQUIRED);
        /* The rest needs none. */
        assert_int_equal(tpm_index_extend(chip->tpm, &index, row1, NULL), 0);
}

static void a_hierarchy_that_is_switched_off_is_told(void **state) {
        Chip *chip = *state;
        ErrorDetail detail = {};
        TPM2B_PUBLIC public;

        assert_int_equal(Esys_HierarchyControl(chip->tpm->esys, ESYS_TR_RH_PLATFORM,
                                               ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                                               ESYS_TR_RH_ENDORSEMENT, TPM2_NO),
                         0);
        assert_int_equal(tpm_ak_public(chip->tpm, &public, &detail), SEAL_E_UNSUPPORTED);
        assert_non_null(strstr(detail.text, "switched off"));
}

/* In what is signed: its last byte but those of the signature, parameters and HMACs behind it. */
static void alter_contents(Wire *wire, TPM2_CC command, uint8_t *answer, size_t size) {
        (void) wire;
        if (command == TPM2_CC_NV_Certify && size > 100)
                answer[100] ^= 1;
}

static void an_altered_attestation_is_not_taken(void **state) {
        Chip *chip = *state;
        TpmIndex index = ledger_make(chip);
        TPM2B_ATTEST attest = {};
        TPMT_SIGNATURE signature;

        chip->wire.answered = alter_contents;
        wire_tap(&chip->wire, chip->tpm);
        assert_int_equal(tpm_index_certify(chip->tpm, &index, &asked, &attest, &signature, NULL),
                         SEAL_E_TPM_UNAVAILABLE);
        assert_int_equal(attest.size, 0);
        wire_untap(&chip->wire);
        swtpm_reset(&chip->swtpm);
        chip_reconnect(chip);
}

static void the_auth_never_passes_in_clear(void **state) {
        Chip *chip = *state;
        TpmIndex index = ledger_make(chip);
        Kept kept;

        wire_tap(&chip->wire, chip->tpm);
        kept_make(chip, &index, &kept);
        assert_true(wire_saw(&chip->wire, kept.attest.attestationData, kept.attest.size));
        assert_false(wire_saw(&chip->wire, index.auth.data, 8));
        chip_assert_salted(chip);
}

/* The key of the last signature and its two sessions make room. */
static void it_certifies_while_a_signature_is_kept(void **state) {
        TPMT_SIGNATURE signature;
        Chip *chip = *state;
        TpmIndex index = ledger_make(chip);
        ChipSeal seal;
        Kept kept;

        chip->index = chip_index_values(chip, INDEX_REVOCATION, 0x01812345);
        chip_index_write(chip, &chip->index, &chip->key, 0);
        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        assert_int_equal(tpm_seal_sign(chip->tpm, &seal.use, &signature, NULL, NULL), 0);
        assert_true(tpm_holds(chip->tpm));
        kept_make(chip, &index, &kept);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define ON_CHIP(test) cmocka_unit_test_setup_teardown(test, chip_setup, chip_teardown)
#define INSTALLED(test) cmocka_unit_test_setup_teardown(test, chip_setup_installed, chip_teardown)
                ON_CHIP(the_key_is_the_same_each_time),
                ON_CHIP(the_value_is_attested_and_judged_offline),
                ON_CHIP(an_extend_by_somebody_else_is_attested_too),
                ON_CHIP(another_index_at_the_handle_is_not_attested_as_ours),
                ON_CHIP(an_index_that_is_not_there_or_not_ours_is_refused),
                ON_CHIP(an_endorsement_auth_is_told),
                ON_CHIP(a_hierarchy_that_is_switched_off_is_told),
                ON_CHIP(an_altered_attestation_is_not_taken),
                ON_CHIP(the_auth_never_passes_in_clear),
                ON_CHIP(it_certifies_while_a_signature_is_kept),
                INSTALLED(the_bits_are_attested),
                INSTALLED(a_locked_index_is_attested_after_the_next_boot),
#undef INSTALLED
#undef ON_CHIP
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
