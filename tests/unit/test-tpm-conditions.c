/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions of the chip, made in the simulator where it can be brought to them, else put into its
 * mouth: by which name each is told, and what still works afterwards (design, section 5.8).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/algorithm.h"
#include "tests/fixture/chip.h"
#include "tpm/auth.h"
#include "tpm/context.h"
#include "tpm/key.h"
#include "tpm/policy.h"
#include "tpm/session.h"

#define ABRMD TSS2_RESMGR_RC_LAYER
#define TPMRM TSS2_RESMGR_TPM_RC_LAYER
#define SLOTS_MAX 8

static int sign(Chip *chip, const ChipSeal *seal, ErrorDetail *detail) {
        TPMT_SIGNATURE signature = {};

        return tpm_seal_sign(chip->tpm, &seal->use, &signature, NULL, detail);
}

static void assert_condition(int found, int wanted, const ErrorDetail *detail, const char *says) {
        if (found != wanted || !strstr(detail->text, says))
                fail_msg("%s, not %s: '%s' (looked for '%s')", error_name(found),
                         error_name(wanted), detail->text, says);
}

/* --- in the simulator ------------------------------------------------------------------------ */

static void full_of_keys_is_told_and_over_when_they_are_flushed(void **state) {
        Chip *chip = *state;
        TpmHandle keys[SLOTS_MAX] = {};
        ErrorDetail detail = {};
        ChipSeal seal;
        size_t count = 0;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        tpm_release(chip->tpm);
        while (tpm_key_load_external(chip->tpm, &chip->key.public, &keys[count], &detail) == 0)
                assert_true(++count < SLOTS_MAX);
        assert_int_equal(count, 3);
        assert_non_null(strstr(detail.text, "room for another loaded key"));
        assert_condition(sign(chip, &seal, &detail), SEAL_E_TPM_FULL, &detail, "loaded key");
        while (count > 0)
                tpm_handle_close(&keys[--count]);
        assert_int_equal(sign(chip, &seal, NULL), 0);
}

/* Of ESAPI's own, since sessions of this layer give back what is kept before they are opened. */
static size_t sessions_fill(Chip *chip, ESYS_TR *ret) {
        static const TPMT_SYM_DEF none = { .algorithm = TPM2_ALG_NULL };
        size_t count = 0;

        while (Esys_StartAuthSession(chip->tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, NO_SESSIONS, NULL,
                                     TPM2_SE_POLICY, &none, TPM2_ALG_SHA256,
                                     &ret[count]) == TSS2_RC_SUCCESS)
                assert_true(++count < SLOTS_MAX);
        return count;
}

static void full_of_sessions_is_told_and_over_when_they_are_flushed(void **state) {
        Chip *chip = *state;
        ESYS_TR sessions[SLOTS_MAX];
        ErrorDetail detail = {};
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        tpm_release(chip->tpm);
        size_t count = sessions_fill(chip, sessions);
        assert_int_equal(count, 3);
        assert_condition(sign(chip, &seal, &detail), SEAL_E_TPM_FULL, &detail, "another session");
        while (count > 0)
                assert_int_equal(Esys_FlushContext(chip->tpm->esys, sessions[--count]), 0);
        assert_int_equal(sign(chip, &seal, NULL), 0);
}

/* A key under the policy of a seal with a PIN: what the keeper's PIN has to open. */
typedef struct PinSeal {
        SealPolicy policy;
        MachineApproval approval;
        TPM2B_PUBLIC public;
        TPM2B_PRIVATE private;
} PinSeal;

static void pin_seal_make(Chip *chip, const Secret *pin, PinSeal *ret) {
        TPM2B_DIGEST digest;

        *ret = (PinSeal){ .policy = chip_seal_policy(chip) };
        ret->policy.pin = true;
        assert_int_equal(seal_policy_digest(&ret->policy, &digest), 0);
        /* Without noDA: the chip counts. */
        const TPM2B_PUBLIC template = algorithm_template(
                algorithm_find(ALGORITHM_DEFAULT),
                TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN,
                &digest);
        assert_int_equal(
                tpm_key_create(chip->tpm, &template, pin, &ret->public, &ret->private, NULL), 0);
        ret->approval = chip_approve(chip, &chip->key, CHIP_PROFILE);
}

static int pin_seal_open(Chip *chip, const PinSeal *seal, const TpmHandle *hmac,
                         const TpmHandle *session) {
        const PolicyInputs inputs = { .approved = &seal->approval.policy,
                                      .ticket = &seal->approval.ticket,
                                      .index = &chip->index,
                                      .hmac = hmac };
        PolicyTerm state = { .kind = POLICY_PCR };
        SealLeaves leaves;

        state.pcr.selection = seal->approval.values.selection;
        int r = pcr_values_digest(&seal->approval.values, &state.pcr.digest);
        if (r == 0)
                r = seal_policy_leaves(&seal->policy, &leaves);
        if (r == 0)
                r = tpm_policy_apply(session, &state, 1, NULL, NULL);
        return r != 0 ? r
                      : tpm_policy_apply(session, leaves.leaves[0].terms, leaves.leaves[0].count,
                                         &inputs, NULL);
}

static int pin_seal_sign(Chip *chip, const PinSeal *seal, const Secret *pin, ErrorDetail *detail) {
        static const TPM2B_DIGEST digest = { .size = 32 };
        _cleanup_(tpm_handle_close) TpmHandle hmac = {}, session = {}, key = {};
        _cleanup_(tpm_auth_revoke) TpmAuth auth = {};
        TPMT_SIGNATURE signature;

        int r = tpm_session_open(chip->tpm, TPM2_SE_HMAC, SESSION_PLAIN, &hmac, detail);
        if (r == 0)
                r = tpm_key_load(chip->tpm, &hmac, &seal->public, &seal->private, &key, detail);
        if (r == 0)
                r = tpm_session_open(chip->tpm, TPM2_SE_POLICY, SESSION_PLAIN, &session, detail);
        if (r == 0)
                r = pin_seal_open(chip, seal, &hmac, &session);
        if (r == 0)
                r = tpm_auth_lend(&auth, chip->tpm, key.tr, pin, detail);
        return r != 0 ? r
                      : tpm_key_sign(&key, &session, &digest, &ecdsa_sha256, &signature, detail);
}

static void wrong_pins_are_told_until_the_chip_takes_none(void **state) {
        const Secret right = { .set = true, .size = 4, .data = "1234" };
        const Secret wrong = { .set = true, .size = 4, .data = "4321" };
        Chip *chip = *state;
        ErrorDetail detail = {};
        ChipSeal other;
        PinSeal seal;

        chip_seal_make(chip, &other, chip_seal_policy(chip));
        pin_seal_make(chip, &right, &seal);
        assert_int_equal(pin_seal_sign(chip, &seal, &right, NULL), 0);
        for (int i = 0; i < 3; i++)
                assert_condition(pin_seal_sign(chip, &seal, &wrong, &detail), SEAL_E_WRONG_PIN,
                                 &detail, "Wrong PIN");
        assert_condition(pin_seal_sign(chip, &seal, &right, &detail), SEAL_E_TPM_LOCKOUT, &detail,
                         "wait");
        /* Seals without a PIN are none of its business (noDA). */
        assert_int_equal(sign(chip, &other, NULL), 0);
}

static void what_the_chip_does_not_have_is_unsupported_by_name(void **state) {
        TPM2B_PUBLIC curve = algorithm_template(algorithm_find(ALGORITHM_DEFAULT),
                                                TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                                                        TPMA_OBJECT_SENSITIVEDATAORIGIN |
                                                        TPMA_OBJECT_USERWITHAUTH,
                                                NULL);
        TPM2B_PUBLIC hash = curve;
        Chip *chip = *state;
        ErrorDetail detail = {};
        TPM2B_PRIVATE private;
        TPM2B_PUBLIC public;

        curve.publicArea.parameters.eccDetail.curveID = 0x55; /* nobody's */
        hash.publicArea.parameters.eccDetail.scheme.scheme = TPM2_ALG_ECDSA;
        hash.publicArea.parameters.eccDetail.scheme.details.ecdsa.hashAlg = TPM2_ALG_SM3_256;
        assert_condition(tpm_key_create(chip->tpm, &curve, NULL, &public, &private, &detail),
                         SEAL_E_UNSUPPORTED, &detail, "algorithm");
        assert_condition(tpm_key_create(chip->tpm, &hash, NULL, &public, &private, &detail),
                         SEAL_E_UNSUPPORTED, &detail, "hash");
}

/* --- put into its mouth ---------------------------------------------------------------------- */

typedef struct Fault {
        TPM2_CC command;
        TSS2_RC code;
        int condition;
        const char *says;
} Fault;

static const Fault faults[] = {
        { TPM2_CC_Load, TPM2_RC_OBJECT_MEMORY, SEAL_E_TPM_FULL, "loaded key" },
        { TPM2_CC_Load, TPM2_RC_OBJECT_HANDLES, SEAL_E_TPM_FULL, "reboot" },
        { TPM2_CC_Load, TPM2_RC_MEMORY, SEAL_E_TPM_FULL, "working memory" },
        { TPM2_CC_StartAuthSession, TPM2_RC_SESSION_MEMORY, SEAL_E_TPM_FULL, "session" },
        { TPM2_CC_StartAuthSession, TPM2_RC_SESSION_HANDLES, SEAL_E_TPM_FULL, "session" },
        { TPM2_CC_StartAuthSession, TPM2_RC_CONTEXT_GAP, SEAL_E_TPM_UNAVAILABLE, "contexts" },
        { TPM2_CC_PolicyPCR, TPM2_RC_REFERENCE_H0, SEAL_E_TPM_UNAVAILABLE, "reset" },
        { TPM2_CC_PolicyNV, TPM2_RC_REFERENCE_S0, SEAL_E_TPM_UNAVAILABLE, "reset" },
        { TPM2_CC_Sign, TPM2_RC_INITIALIZE, SEAL_E_TPM_UNAVAILABLE, "reset" },
        { TPM2_CC_PolicyNV, TPM2_RC_FAILURE, SEAL_E_TPM_FAILURE, "off and on" },
        { TPM2_CC_Sign, TPM2_RC_FAILURE, SEAL_E_TPM_FAILURE, "off and on" },
        { TPM2_CC_Sign, TPM2_RC_REBOOT, SEAL_E_TPM_FAILURE, "restart of the machine" },
        { TPM2_CC_Load, TPM2_RC_UPGRADE, SEAL_E_TPM_FAILURE, "firmware" },
        { TPM2_CC_PolicyAuthorize, TPM2_RC_COMMAND_CODE, SEAL_E_UNSUPPORTED, "command" },
        { TPM2_CC_Sign, TPM2_RC_SCHEME | TPM2_RC_P | TPM2_RC_2, SEAL_E_UNSUPPORTED, "scheme" },
        { TPM2_CC_Sign, TPM2_RC_HASH | TPM2_RC_P | TPM2_RC_2, SEAL_E_UNSUPPORTED, "hash" },
        { TPM2_CC_Sign, TPM2_RC_LOCKOUT, SEAL_E_TPM_LOCKOUT, "forgets one every" },
        { TPM2_CC_PolicyNV, TPM2_RC_NV_RATE, SEAL_E_BUSY, "minute" },
};

/* Each time it comes, but the signature's own tries are bounded. */
static void strike(Wire *wire, TPM2_CC command) {
        const Fault *fault = wire->userdata;

        if (fault && command == fault->command)
                wire->refusal = fault->code;
}

static void fault_try(Chip *chip, const ChipSeal *seal, const Fault *fault) {
        Fault now = *fault;
        ErrorDetail detail = {};

        tpm_release(chip->tpm);
        chip->wire.userdata = &now;
        assert_condition(sign(chip, seal, &detail), fault->condition, &detail, fault->says);
        chip->wire.userdata = NULL;
        /* Nothing stays behind, and nothing is expected to be there that is not. */
        tpm_release(chip->tpm);
        chip_assert_empty(chip);
        assert_int_equal(sign(chip, seal, NULL), 0);
}

static void each_condition_of_a_signature_is_told_and_the_next_one_signs(void **state) {
        static const TSS2_RC layers[] = { 0, ABRMD, TPMRM };
        Chip *chip = *state;
        ChipSeal seal;

        chip_seal_make(chip, &seal, chip_seal_policy(chip));
        chip->wire.before = strike;
        wire_tap(&chip->wire, chip->tpm);
        for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
                for (size_t k = 0; k < sizeof(layers) / sizeof(layers[0]); k++) {
                        Fault fault = faults[i];

                        fault.code |= layers[k];
                        fault_try(chip, &seal, &fault);
                }
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define INSTALLED(test) cmocka_unit_test_setup_teardown(test, chip_setup_installed, chip_teardown)
                INSTALLED(full_of_keys_is_told_and_over_when_they_are_flushed),
                INSTALLED(full_of_sessions_is_told_and_over_when_they_are_flushed),
                INSTALLED(wrong_pins_are_told_until_the_chip_takes_none),
                INSTALLED(what_the_chip_does_not_have_is_unsupported_by_name),
                INSTALLED(each_condition_of_a_signature_is_told_and_the_next_one_signs),
#undef INSTALLED
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
