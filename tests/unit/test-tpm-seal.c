/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "policy/approval.h"
#include "policy/key.h"
#include "tests/fixture/chip.h"
#include "tpm/context.h"
#include "tpm/key.h"
#include "tpm/machine.h"
#include "tpm/nv.h"
#include "tpm/policy.h"
#include "tpm/session.h"
#include "tpm/srk.h"

#define FENCE_PCR 15U

static int sign(Chip *chip, const ChipSeal *seal, ErrorDetail *detail) {
        TPMT_SIGNATURE signature = {};

        int r = tpm_seal_sign(chip->tpm, &seal->use, &signature, NULL, detail);
        if (r == 0)
                assert_int_equal(signature.sigAlg, TPM2_ALG_ECDSA);
        else
                assert_int_equal(signature.sigAlg, 0);
        tpm_release(chip->tpm);
        chip_assert_empty(chip);
        return r;
}

static void assert_says(const ErrorDetail *detail, const char *text) {
        if (!strstr(detail->text, text))
                fail_msg("'%s' lacks '%s'", detail->text, text);
}

/* Extend an array of approvals by the state as it is now. */
static void approve_now(Chip *chip, ChipSeal *seal, MachineApproval approvals[static 2]) {
        approvals[0] = seal->approval;
        approvals[1] = chip_approve(chip, &chip->key, CHIP_PROFILE);
        seal->use.approvals = approvals;
        seal->use.approval_count = 2;
}

static void signature_is_verified_by_openssl(void **state) {
        static const struct {
                TPMI_ALG_HASH alg;
                uint16_t size;
                const char *name;
        } hashes[] = {
                { TPM2_ALG_SHA256, 32, "SHA256" },
                { TPM2_ALG_SHA384, 48, "SHA384" },
                { TPM2_ALG_SHA512, 64, "SHA512" },
        };
        Chip *chip = *state;
        EVP_PKEY *pkey = NULL;
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        assert_int_equal(public_to_pkey(&seal.key.public, &pkey), 0);
        for (size_t i = 0; i < 3; i++) {
                EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pkey, NULL);
                TPMT_SIGNATURE signature;
                uint8_t *der = NULL;
                size_t size, approval = 9;

                seal.use.scheme.details.any.hashAlg = hashes[i].alg;
                seal.use.digest.size = hashes[i].size;
                assert_int_equal(EVP_Digest("document", 8, seal.use.digest.buffer, NULL,
                                            EVP_get_digestbyname(hashes[i].name), NULL),
                                 1);
                assert_int_equal(tpm_seal_sign(chip->tpm, &seal.use, &signature, &approval, NULL),
                                 0);
                assert_int_equal(approval, 0);
                assert_int_equal(signature_to_openssl(&signature, &der, &size), 0);
                assert_int_equal(EVP_PKEY_verify_init(context), 1);
                assert_int_equal(EVP_PKEY_verify(context, der, size, seal.use.digest.buffer,
                                                 seal.use.digest.size),
                                 1);
                seal.use.digest.buffer[0] ^= 1;
                assert_int_equal(EVP_PKEY_verify(context, der, size, seal.use.digest.buffer,
                                                 seal.use.digest.size),
                                 0);
                free(der);
                EVP_PKEY_CTX_free(context);
        }
        EVP_PKEY_free(pkey);
}

static void seal_opens_by_policy_alone(void **state) {
        const TPMA_OBJECT wanted = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                                   TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_SIGN_ENCRYPT |
                                   TPMA_OBJECT_NODA;
        Chip *chip = *state;
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        assert_int_equal(seal.key.public.publicArea.objectAttributes, wanted);

        TpmHandle session = {}, key = {};
        TPMT_SIGNATURE signature;
        assert_int_equal(tpm_session_open(chip->tpm, TPM2_SE_HMAC, SESSION_PLAIN, &session, NULL),
                         0);
        assert_int_equal(
                tpm_key_load(chip->tpm, &session, &seal.key.public, &seal.key.private, &key, NULL),
                0);
        assert_int_not_equal(
                tpm_key_sign(&key, &session, &seal.use.digest, &ecdsa_sha256, &signature, NULL), 0);
        tpm_handle_close(&key);
        tpm_handle_close(&session);
}

static void seal_with_backup_leaf_signs(void **state) {
        Chip *chip = *state;
        SealPolicy policy = chip_seal_policy(chip);
        ChipSeal seal;

        policy.backup = true;
        chip_seal_make(chip, &seal, policy);
        assert_int_equal(sign(chip, &seal, NULL), 0);
}

static void seal_signs_after_tpm_reset(void **state) {
        Chip *chip = *state;
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        swtpm_reset(&chip->swtpm);
        chip_reconnect(chip);
        assert_int_equal(sign(chip, &seal, NULL), 0);
}

static void changed_pcrs_are_refused_by_number(void **state) {
        ErrorDetail one = {}, two = {}, three = {};
        Chip *chip = *state;
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        chip_pcr_extend(chip, 7);
        assert_int_equal(sign(chip, &seal, &one), SEAL_E_MACHINE_STATE_REFUSED);
        assert_says(&one, "PCR 7 (sha256) differs from the approved state");
        chip_pcr_extend(chip, 2);
        assert_int_equal(sign(chip, &seal, &two), SEAL_E_MACHINE_STATE_REFUSED);
        assert_says(&two, "PCRs 2 and 7 (sha256) differ from the approved state");
        chip_pcr_extend(chip, 0);
        assert_int_equal(sign(chip, &seal, &three), SEAL_E_MACHINE_STATE_REFUSED);
        assert_says(&three, "PCRs 0, 2 and 7 (sha256) differ from the approved state");
}

static void unbound_pcr_is_not_asked(void **state) {
        Chip *chip = *state;
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        chip_pcr_extend(chip, 4);
        assert_int_equal(sign(chip, &seal, NULL), 0);
}

static void approval_of_the_new_state_is_found(void **state) {
        MachineApproval approvals[2];
        TPMT_SIGNATURE signature;
        ErrorDetail detail = {};
        Chip *chip = *state;
        size_t approval = 9;
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        chip_pcr_extend(chip, 7);
        approve_now(chip, &seal, approvals);
        assert_int_equal(tpm_seal_sign(chip->tpm, &seal.use, &signature, &approval, &detail), 0);
        assert_int_equal(approval, 1);
        assert_string_equal(detail.text, ""); /* the first refusal was overcome */
}

static void nearest_approval_is_named(void **state) {
        MachineApproval approvals[2];
        ErrorDetail detail = {};
        Chip *chip = *state;
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        chip_pcr_extend(chip, 7);
        approve_now(chip, &seal, approvals);
        chip_pcr_extend(chip, 2);
        assert_int_equal(sign(chip, &seal, &detail), SEAL_E_MACHINE_STATE_REFUSED);
        assert_says(&detail, "PCR 2 (sha256) differs");
}

static void no_approved_state_is_said(void **state) {
        ErrorDetail detail = {};
        Chip *chip = *state;
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        seal.use.approval_count = 0;
        assert_int_equal(sign(chip, &seal, &detail), SEAL_E_MACHINE_STATE_REFUSED);
        assert_says(&detail, "No machine state is approved, or all that were are retired");
}

static void approval_of_another_authority_is_refused(void **state) {
        Chip *chip = *state;
        SoftwareKey other;
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        software_key_make(&other);
        seal.approval = chip_approve(chip, &other, CHIP_PROFILE);
        assert_int_equal(sign(chip, &seal, NULL), SEAL_E_APPROVAL_INVALID);
        software_key_done(&other);
}

static void approval_for_another_profile_is_refused(void **state) {
        Chip *chip = *state;
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        seal.approval = chip_approve(chip, &chip->key, "other");
        assert_int_equal(sign(chip, &seal, NULL), SEAL_E_APPROVAL_INVALID);
}

/* The first fits the PCRs as well, but the key's policy names another authority. */
static void refused_ticket_gives_way_to_the_next_approval(void **state) {
        MachineApproval approvals[3];
        TPMT_SIGNATURE signature;
        ErrorDetail detail = {};
        Chip *chip = *state;
        size_t approval = 9;
        SoftwareKey other;
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        software_key_make(&other);
        approvals[0] = approvals[1] = chip_approve(chip, &other, CHIP_PROFILE);
        approvals[2] = seal.approval;
        seal.use.approvals = approvals;
        seal.use.approval_count = 3;
        assert_int_equal(tpm_seal_sign(chip->tpm, &seal.use, &signature, &approval, &detail), 0);
        assert_int_equal(approval, 2);
        assert_string_equal(detail.text, "");
        seal.use.approval_count = 2;
        assert_int_equal(sign(chip, &seal, &detail), SEAL_E_APPROVAL_INVALID);
        assert_says(&detail, "does not take the approval's ticket");
        assert_says(&detail, "its signature is kept");
        software_key_done(&other);
}

static void forged_ticket_is_refused(void **state) {
        Chip *chip = *state;
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        seal.approval.ticket.digest.buffer[0] ^= 1;
        assert_int_equal(sign(chip, &seal, NULL), SEAL_E_APPROVAL_INVALID);
}

static void revoked_seal_is_refused_and_its_neighbour_not(void **state) {
        SealPolicy neighbour_policy;
        ChipSeal seal, neighbour;
        Chip *chip = *state;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        neighbour_policy = chip_seal_policy(chip);
        neighbour_policy.bit = CHIP_BIT + 1;
        chip_seal_make(chip, &neighbour, neighbour_policy);
        assert_int_equal(tpm_index_set_bits(chip->tpm, &chip->index, 1U << CHIP_BIT, NULL), 0);
        assert_int_equal(sign(chip, &seal, NULL), SEAL_E_REVOKED);
        assert_int_equal(sign(chip, &neighbour, NULL), 0);
}

static void locked_index_stops_signing_until_the_next_boot(void **state) {
        Chip *chip = *state;
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        assert_int_equal(tpm_index_read_lock(chip->tpm, &chip->index, NULL), 0);
        assert_int_equal(sign(chip, &seal, NULL), SEAL_E_LOCKED);
        swtpm_reset(&chip->swtpm);
        chip_reconnect(chip);
        assert_int_equal(sign(chip, &seal, NULL), 0);
}

/* What a signature leaves in the chip for the next one has passed PolicyNV before. */
static void kept_sessions_do_not_sign_after_the_lock(void **state) {
        TPMT_SIGNATURE signature;
        Chip *chip = *state;
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        assert_int_equal(tpm_seal_sign(chip->tpm, &seal.use, &signature, NULL, NULL), 0);
        assert_int_equal(tpm_index_read_lock(chip->tpm, &chip->index, NULL), 0);
        assert_int_equal(tpm_fence(chip->tpm, FENCE_PCR, NULL), 0);
        assert_int_equal(tpm_seal_sign(chip->tpm, &seal.use, &signature, NULL, NULL),
                         SEAL_E_LOCKED);
        assert_int_equal(tpm_index_read_lock(chip->tpm, &chip->index, NULL), 0); /* again */
        tpm_release(chip->tpm);
}

static void retired_state_is_refused_and_never_taken_for_a_revocation(void **state) {
        Chip *chip = *state;
        StateBit bit = { chip_index_values(chip, INDEX_STATE, 0x01812399), 5 };
        StateBit other = bit;
        MachineApproval approvals[2];
        ErrorDetail detail = {};
        TPMT_SIGNATURE signature;
        size_t approval = 9;
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        chip_index_write(chip, &bit.index, &chip->key, 0);
        other.bit = 6;
        approvals[0] = chip_approve_retirable(chip, &chip->key, CHIP_PROFILE, &bit);
        approvals[1] = chip_approve_retirable(chip, &chip->key, CHIP_PROFILE, &other);
        seal.use.approvals = approvals;
        seal.use.approval_count = 1;
        assert_int_equal(sign(chip, &seal, NULL), 0);
        assert_int_equal(tpm_index_set_bits(chip->tpm, &bit.index, 1U << 5, NULL), 0);
        assert_int_equal(sign(chip, &seal, &detail), SEAL_E_MACHINE_STATE_REFUSED);
        assert_says(&detail, "was retired");
        /* Another approval of the same state serves. */
        seal.use.approval_count = 2;
        assert_int_equal(tpm_seal_sign(chip->tpm, &seal.use, &signature, &approval, NULL), 0);
        assert_int_equal(approval, 1);
        tpm_release(chip->tpm);
        /* A lock does not reach the index, and its loss is no revocation either. */
        assert_int_equal(tpm_index_read_lock(chip->tpm, &bit.index, NULL), -EINVAL);
        assert_int_equal(tpm_index_undefine(chip->tpm, bit.index.handle, NULL, NULL), 0);
        assert_int_equal(sign(chip, &seal, &detail), SEAL_E_REGISTER_TAMPERED);
        assert_says(&detail, "not in the TPM");
}

static void missing_index_is_tampering(void **state) {
        ErrorDetail detail = {};
        Chip *chip = *state;
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        assert_int_equal(tpm_index_undefine(chip->tpm, chip->index.handle, NULL, NULL), 0);
        assert_int_equal(sign(chip, &seal, &detail), SEAL_E_REGISTER_TAMPERED);
        assert_says(&detail, "not in the TPM");
        assert_int_equal(tpm_index_define(chip->tpm, &chip->index, NULL, NULL), 0);
        assert_int_equal(sign(chip, &seal, &detail), SEAL_E_REGISTER_TAMPERED);
        assert_says(&detail, "first write");
}

static void other_index_auth_is_tampering(void **state) {
        Chip *chip = *state;
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        chip->index.auth.data[0] ^= 1;
        assert_int_equal(sign(chip, &seal, NULL), SEAL_E_REGISTER_TAMPERED);
}

static void altered_blob_is_tampering(void **state) {
        Chip *chip = *state;
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        seal.key.private.buffer[40] ^= 1;
        assert_int_equal(sign(chip, &seal, NULL), SEAL_E_REGISTER_TAMPERED);
}

static void other_policy_than_the_keys_is_tampering(void **state) {
        Chip *chip = *state;
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        seal.policy.bit = CHIP_BIT + 1;
        assert_int_equal(sign(chip, &seal, NULL), SEAL_E_REGISTER_TAMPERED);
}

static void seals_that_need_people_are_not_signed_here(void **state) {
        Chip *chip = *state;
        SealPolicy policy = chip_seal_policy(chip);
        ChipSeal seal;

        policy.pin = true;
        chip_seal_make(chip, &seal, policy);
        assert_int_equal(sign(chip, &seal, NULL), SEAL_E_PIN_REQUIRED);
        seal.policy.pin = false;
        seal.policy.approver_count = seal.policy.threshold = 1;
        assert_int_equal(sign(chip, &seal, NULL), SEAL_E_APPROVAL_REQUIRED);
        seal.policy = chip_seal_policy(chip);
        seal.use.digest.size = 20;
        assert_int_equal(sign(chip, &seal, NULL), SEAL_E_INVALID_ARGS);
}

/* Everything that tpm_seal_sign() does but the signature: what an attacker would keep. */
typedef struct Held {
        TpmHandle session;
        TpmHandle key;
} Held;

static void held_open(Chip *chip, const ChipSeal *seal, Held *held) {
        _cleanup_(tpm_handle_close) TpmHandle hmac = {};
        PolicyTerm pcr = { .kind = POLICY_PCR };
        PolicyLeaf leaf;
        const PolicyInputs inputs = {
                .approved = &seal->approval.policy,
                .ticket = &seal->approval.ticket,
                .index = &chip->index,
                .hmac = &hmac,
        };

        pcr.pcr.selection = seal->approval.values.selection;
        assert_int_equal(pcr_values_digest(&seal->approval.values, &pcr.pcr.digest), 0);
        assert_int_equal(seal_policy_use_leaf(&seal->policy, 0, &leaf), 0);
        assert_int_equal(tpm_session_open(chip->tpm, TPM2_SE_HMAC, SESSION_PLAIN, &hmac, NULL), 0);
        assert_int_equal(
                tpm_session_open(chip->tpm, TPM2_SE_POLICY, SESSION_PLAIN, &held->session, NULL),
                0);
        assert_int_equal(tpm_policy_apply(&held->session, &pcr, 1, NULL, NULL), 0);
        assert_int_equal(tpm_policy_apply(&held->session, leaf.terms, leaf.count, &inputs, NULL),
                         0);
        assert_int_equal(tpm_key_load(chip->tpm, &hmac, &seal->key.public, &seal->key.private,
                                      &held->key, NULL),
                         0);
}

static int held_sign(Held *held, const ChipSeal *seal) {
        TPMT_SIGNATURE signature;

        int r = tpm_key_sign(&held->key, &held->session, &seal->use.digest, &ecdsa_sha256,
                             &signature, NULL);
        tpm_handle_close(&held->key);
        tpm_handle_close(&held->session);
        return r;
}

/* Why there is a fence: revocation alone does not reach a session that was there before. */
static void held_session_signs_past_revocation_until_the_fence(void **state) {
        Chip *chip = *state;
        SealPolicy second = chip_seal_policy(chip), third = chip_seal_policy(chip);
        ChipSeal unfenced, fenced, untouched;
        Held held = {};

        second.bit = CHIP_BIT + 1;
        third.bit = CHIP_BIT + 2;
        chip_seal_make(chip, &unfenced, chip_seal_policy(chip));
        chip_seal_make(chip, &fenced, second);
        chip_seal_make(chip, &untouched, third);

        held_open(chip, &unfenced, &held);
        assert_int_equal(tpm_index_set_bits(chip->tpm, &chip->index, 1U << CHIP_BIT, NULL), 0);
        assert_int_equal(held_sign(&held, &unfenced), 0);

        held_open(chip, &fenced, &held);
        assert_int_equal(tpm_index_set_bits(chip->tpm, &chip->index, 2U << CHIP_BIT, NULL), 0);
        assert_int_equal(tpm_fence(chip->tpm, FENCE_PCR, NULL), 0);
        assert_int_equal(held_sign(&held, &fenced), SEAL_E_BUSY);
        assert_int_equal(sign(chip, &fenced, NULL), SEAL_E_REVOKED);
        assert_int_equal(sign(chip, &untouched, NULL), 0);
}

/* Another program measures, on a connection of its own, just before our TPM2_Sign. */
typedef struct Measurer {
        Chip *chip;
        Tpm *other;
        unsigned left;
} Measurer;

static void measure_before_sign(Wire *wire, TPM2_CC command) {
        const TPML_DIGEST_VALUES values = {
                .count = 1,
                .digests[0] = { .hashAlg = TPM2_ALG_SHA256, .digest.sha256 = { 9 } },
        };
        Measurer *measurer = wire->userdata;

        if (command != TPM2_CC_Sign || measurer->left == 0)
                return;
        measurer->left--;
        assert_int_equal(Esys_PCR_Extend(measurer->other->esys, ESYS_TR_PCR0 + 14, ESYS_TR_PASSWORD,
                                         ESYS_TR_NONE, ESYS_TR_NONE, &values),
                         0);
}

static void measurement_in_between_is_retried_within_bounds(void **state) {
        Chip *chip = *state;
        Measurer measurer = { .chip = chip, .left = 7 };
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        assert_int_equal(tpm_new(&measurer.other, chip->swtpm.tcti, NULL), 0);
        chip->wire.before = measure_before_sign;
        chip->wire.userdata = &measurer;
        wire_tap(&chip->wire, chip->tpm);
        assert_int_equal(sign(chip, &seal, NULL), 0);
        assert_int_equal(measurer.left, 0);
        measurer.left = 100;
        assert_int_equal(sign(chip, &seal, NULL), SEAL_E_BUSY);
        assert_int_equal(measurer.left, 92);
        wire_untap(&chip->wire);
        (void) tpm_free(measurer.other);
}

static void index_auth_stays_off_the_wire(void **state) {
        Chip *chip = *state;
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        wire_tap(&chip->wire, chip->tpm);
        assert_int_equal(sign(chip, &seal, NULL), 0);
        assert_true(wire_saw(&chip->wire, seal.use.digest.buffer, 32));
        assert_false(wire_saw(&chip->wire, chip->index.auth.data, 8));
        chip_assert_salted(chip);
}

/* Evicted behind the connection's back. */
static void srk_removed_between_signatures_is_noticed(void **state) {
        ErrorDetail detail = {};
        TpmHandle srk = {};
        Chip *chip = *state;
        ESYS_TR none;
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        assert_int_equal(sign(chip, &seal, NULL), 0);
        assert_int_equal(tpm_handle_open(chip->tpm, SRK_HANDLE, &srk, NULL), 0);
        assert_int_equal(Esys_EvictControl(chip->tpm->esys, ESYS_TR_RH_OWNER, srk.tr,
                                           ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, SRK_HANDLE,
                                           &none),
                         0);
        assert_int_equal(tpm_srk_ensure(chip->tpm, &chip->srk, NULL, NULL, NULL), 0);
        assert_int_equal(sign(chip, &seal, &detail), SEAL_E_TPM_UNAVAILABLE);
        assert_says(&detail, "storage root key");
        chip_reconnect(chip);
        assert_int_equal(sign(chip, &seal, NULL), 0);
}

static void more_pcrs_than_one_answer_holds_are_read(void **state) {
        const PcrSelection all = { .bank = TPM2_ALG_SHA256, .mask = 0xffffff };
        const PcrSelection sha384 = { .bank = TPM2_ALG_SHA384, .mask = 1U << 7 };
        Chip *chip = *state;
        PcrValues before, after, other;

        assert_int_equal(tpm_pcr_read(chip->tpm, &all, &before, NULL), 0);
        for (unsigned n = 0; n < PCR_COUNT; n++)
                assert_int_equal(before.values[n].size, 32);
        assert_int_equal(before.values[17].buffer[0], 0xff);
        chip_pcr_extend(chip, 14);
        assert_int_equal(tpm_pcr_read(chip->tpm, &all, &after, NULL), 0);
        assert_int_equal(pcr_values_differing(&before, &after), 1U << 14);
        assert_int_equal(tpm_pcr_read(chip->tpm, &sha384, &other, NULL), 0);
        assert_int_equal(other.values[7].size, 48);
}

static void fence_outside_the_pcrs_is_refused(void **state) {
        Chip *chip = *state;

        assert_int_equal(tpm_fence(chip->tpm, 24, NULL), SEAL_E_INVALID_ARGS);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define SEALED(test) cmocka_unit_test_setup_teardown(test, chip_setup_installed, chip_teardown)
                SEALED(signature_is_verified_by_openssl),
                SEALED(seal_opens_by_policy_alone),
                SEALED(seal_with_backup_leaf_signs),
                SEALED(seal_signs_after_tpm_reset),
                SEALED(changed_pcrs_are_refused_by_number),
                SEALED(unbound_pcr_is_not_asked),
                SEALED(approval_of_the_new_state_is_found),
                SEALED(nearest_approval_is_named),
                SEALED(no_approved_state_is_said),
                SEALED(approval_of_another_authority_is_refused),
                SEALED(approval_for_another_profile_is_refused),
                SEALED(refused_ticket_gives_way_to_the_next_approval),
                SEALED(forged_ticket_is_refused),
                SEALED(revoked_seal_is_refused_and_its_neighbour_not),
                SEALED(locked_index_stops_signing_until_the_next_boot),
                SEALED(kept_sessions_do_not_sign_after_the_lock),
                SEALED(retired_state_is_refused_and_never_taken_for_a_revocation),
                SEALED(missing_index_is_tampering),
                SEALED(other_index_auth_is_tampering),
                SEALED(altered_blob_is_tampering),
                SEALED(other_policy_than_the_keys_is_tampering),
                SEALED(seals_that_need_people_are_not_signed_here),
                SEALED(held_session_signs_past_revocation_until_the_fence),
                SEALED(measurement_in_between_is_retried_within_bounds),
                SEALED(index_auth_stays_off_the_wire),
                SEALED(srk_removed_between_signatures_is_noticed),
                SEALED(more_pcrs_than_one_answer_holds_are_read),
                SEALED(fence_outside_the_pcrs_is_refused),
#undef SEALED
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
