/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <tss2/tss2_esys.h>

#include "tpm/rc.h"

#define ABRMD TSS2_RESMGR_RC_LAYER
#define TPMRM TSS2_RESMGR_TPM_RC_LAYER

typedef struct Case {
        TpmStep step;
        TSS2_RC rc;
        int condition;
        const char *says;
} Case;

/* Design, section 3.3, code by code as the chip says them. */
static const Case cases[] = {
        { TPM_STEP_POLICY_PCR, 0x1c4, SEAL_E_MACHINE_STATE_REFUSED, "PCR" },
        { TPM_STEP_POLICY_AUTHORIZE, 0x1c4, SEAL_E_MACHINE_STATE_REFUSED, "approved state" },
        { TPM_STEP_POLICY_AUTHORIZE, 0x4c4, SEAL_E_APPROVAL_INVALID, "approve the machine state" },
        { TPM_STEP_POLICY_OR, 0x1c4, SEAL_E_REGISTER_TAMPERED, "policy" },
        { TPM_STEP_POLICY_PCR, 0x18b, SEAL_E_TPM_UNAVAILABLE, "reset" },
        { TPM_STEP_POLICY_RESTART, 0x18b, SEAL_E_TPM_UNAVAILABLE, "reset" },
        { TPM_STEP_POLICY_NV, 0x126, SEAL_E_REVOKED, "revoked" },
        { TPM_STEP_POLICY_NV, 0x148, SEAL_E_LOCKED, "next boot" },
        { TPM_STEP_POLICY_NV_STATE, 0x126, SEAL_E_MACHINE_STATE_REFUSED, "was retired" },
        { TPM_STEP_POLICY_NV_STATE, 0x9a2, SEAL_E_REGISTER_TAMPERED, "authorisation" },
        { TPM_STEP_POLICY_NV, 0x14a, SEAL_E_REGISTER_TAMPERED, "first write" },
        { TPM_STEP_POLICY_NV, 0x9a2, SEAL_E_REGISTER_TAMPERED, "authorisation" },
        { TPM_STEP_NV_READ, 0x148, SEAL_E_LOCKED, "next boot" },
        { TPM_STEP_NV_SET_BITS, 0x9a2, SEAL_E_REGISTER_TAMPERED, "authorisation" },
        { TPM_STEP_NV_SET_BITS, 0x99d, SEAL_E_REGISTER_TAMPERED, "first write" },
        { TPM_STEP_NV_READ_PUBLIC, 0x18b, SEAL_E_NOT_FOUND, "not in the chip" },
        { TPM_STEP_NV_DEFINE_SPACE, 0x14c, SEAL_E_ALREADY_EXISTS, "exists" },
        { TPM_STEP_POLICY_SIGNED, 0x5db, SEAL_E_APPROVAL_INVALID, "signature" },
        { TPM_STEP_POLICY_SIGNED, 0x5d2, SEAL_E_APPROVAL_INVALID, "signature" },
        { TPM_STEP_POLICY_SIGNED, 0x1cf, SEAL_E_APPROVAL_INVALID, "another challenge" },
        { TPM_STEP_POLICY_SIGNED, 0x4e3, SEAL_E_APPROVAL_EXPIRED, "expired" },
        { TPM_STEP_POLICY_SIGNED, 0x151, SEAL_E_APPROVAL_INVALID, "documents" },
        { TPM_STEP_VERIFY_SIGNATURE, 0x2db, SEAL_E_APPROVAL_INVALID, "signature" },
        { TPM_STEP_SIGN, 0x99d, SEAL_E_REGISTER_TAMPERED, "another document" },
        { TPM_STEP_SIGN, 0x9a3, SEAL_E_APPROVAL_EXPIRED, "expired" },
        { TPM_STEP_SIGN, 0x2d2, SEAL_E_UNSUPPORTED, "scheme" },
        { TPM_STEP_SIGN, 0x2c3, SEAL_E_UNSUPPORTED, "hash" },
        { TPM_STEP_CREATE, 0x2e6, SEAL_E_UNSUPPORTED, "algorithm" },
        { TPM_STEP_CREATE, 0x2ca, SEAL_E_UNSUPPORTED, "algorithm" },
        { TPM_STEP_CREATE, 0x2c4, SEAL_E_UNSUPPORTED, "algorithm" },
        { TPM_STEP_CREATE, 0x2c7, SEAL_E_UNSUPPORTED, "algorithm" },
        { TPM_STEP_SIGN, 0x98e, SEAL_E_WRONG_PIN, "PIN" },
        { TPM_STEP_SIGN, 0x9a2, SEAL_E_TPM_UNAVAILABLE, "altered" },
        { TPM_STEP_OBJECT_CHANGE_AUTH, 0x98e, SEAL_E_WRONG_PIN, "PIN" },
        { TPM_STEP_OBJECT_CHANGE_AUTH, 0x9a2, SEAL_E_TPM_UNAVAILABLE, "altered" },
        { TPM_STEP_OBJECT_CHANGE_AUTH, 0x921, SEAL_E_TPM_LOCKOUT, "wait" },
        { TPM_STEP_SIGN, 0x921, SEAL_E_TPM_LOCKOUT, "wait" },
        { TPM_STEP_SIGN, 0x128, SEAL_E_BUSY, "try again" },
        { TPM_STEP_NV_CERTIFY, 0xaa2, SEAL_E_REGISTER_TAMPERED, "authorisation" },
        { TPM_STEP_CREATE_AK, 0x9a2, SEAL_E_PIN_REQUIRED, "tpm2_changeauth -c endorsement" },
        { TPM_STEP_CREATE_AK, 0x185, SEAL_E_UNSUPPORTED, "switched off" },
        { TPM_STEP_NV_CERTIFY, 0x148, SEAL_E_LOCKED, "until the next boot" },
        { TPM_STEP_CERTIFY, 0x9a2, SEAL_E_REGISTER_TAMPERED, "ought to have none" },
        { TPM_STEP_CERTIFY, 0x98e, SEAL_E_REGISTER_TAMPERED, "ought to have none" },
        { TPM_STEP_CERTIFY_CREATION, 0x4e0, SEAL_E_REGISTER_TAMPERED, "birth" },
        { TPM_STEP_READ_EK, 0x9a2, SEAL_E_NOT_FOUND, "authorisation" },
        { TPM_STEP_CREATE_PRIMARY, 0x9a2, SEAL_E_WRONG_PIN, "owner-auth" },
        { TPM_STEP_UNSEAL, 0x99d, SEAL_E_TPM_UNAVAILABLE, "altered" },
        { TPM_STEP_UNSEAL, 0x9a2, SEAL_E_TPM_UNAVAILABLE, "altered" },
        { TPM_STEP_UNSEAL, 0x128, SEAL_E_BUSY, "try again" },
        { TPM_STEP_NV_EXTEND, 0x9a2, SEAL_E_REGISTER_TAMPERED, "authorisation" },
        { TPM_STEP_NV_EXTEND, 0x99d, SEAL_E_REGISTER_TAMPERED, "first write" },
        { TPM_STEP_LOAD, 0x1df, SEAL_E_REGISTER_TAMPERED, "restore a backup" },
        { TPM_STEP_LOAD, 0x2e5, SEAL_E_REGISTER_TAMPERED, "restore a backup" },
        { TPM_STEP_LOAD, 0x9a2, SEAL_E_UNSUPPORTED, "storage root key" },
        { TPM_STEP_LOAD, 0x902, SEAL_E_TPM_FULL, "loaded key" },
        { TPM_STEP_START_SESSION, 0x903, SEAL_E_TPM_FULL, "session" },
        { TPM_STEP_START_SESSION, 0x905, SEAL_E_TPM_FULL, "handle for another session" },
        { TPM_STEP_NV_DEFINE_SPACE, 0x14b, SEAL_E_TPM_FULL, "non-volatile" },
        { TPM_STEP_NV_SET_BITS, 0x920, SEAL_E_BUSY, "minute" },
        { TPM_STEP_HIERARCHY_CHANGE_AUTH, 0x9a2, SEAL_E_WRONG_PIN, "owner-auth" },
        { TPM_STEP_LOCK_RESET, 0x98e, SEAL_E_WRONG_PIN, "lockout" },
        { TPM_STEP_LOCK_RESET, 0x921, SEAL_E_TPM_LOCKOUT, "wait" },
        { TPM_STEP_SIGN, 0x100, SEAL_E_TPM_UNAVAILABLE, "reset" },
        { TPM_STEP_SIGN, 0x918, SEAL_E_TPM_UNAVAILABLE, "reset" },
        { TPM_STEP_LOAD, TSS2_TCTI_RC_IO_ERROR, SEAL_E_TPM_UNAVAILABLE, "TPM2_Load" },
        { TPM_STEP_CONNECT, TSS2_TCTI_RC_NO_CONNECTION, SEAL_E_TPM_UNAVAILABLE, "connecting" },
        { TPM_STEP_CONNECT, TSS2_ESYS_RC_GENERAL_FAILURE, SEAL_E_TPM_UNAVAILABLE, "connecting" },
        { TPM_STEP_LOAD, TSS2_ESYS_RC_BAD_SEQUENCE, SEAL_E_TPM_UNAVAILABLE, "cannot be reached" },
        { TPM_STEP_LOAD, TSS2_ESYS_RC_RSP_AUTH_FAILED, SEAL_E_TPM_UNAVAILABLE, "altered" },
        { TPM_STEP_LOAD, TSS2_ESYS_RC_MEMORY, -ENOMEM, "" },
        { TPM_STEP_LOAD, TSS2_ESYS_RC_BAD_VALUE, SEAL_E_TPM_FAILURE, "0x7000b" },
        { TPM_STEP_SIGN, 0x124, SEAL_E_TPM_FAILURE, "TPM2_Sign failed: 0x124" },

        /* Out of order. */
        { TPM_STEP_SIGN, 0x101, SEAL_E_TPM_FAILURE, "switch the machine off and on" },
        { TPM_STEP_GET_CAPABILITY, 0x130, SEAL_E_TPM_FAILURE, "restart of the machine" },
        { TPM_STEP_SIGN, 0x12d, SEAL_E_TPM_FAILURE, "being upgraded" },

        /* Gone: H0 to H6 and S0 to S6 are handles and sessions by position. */
        { TPM_STEP_SIGN, 0x910, SEAL_E_TPM_UNAVAILABLE, "reset" },
        { TPM_STEP_SIGN, 0x916, SEAL_E_TPM_UNAVAILABLE, "reset" },
        { TPM_STEP_SIGN, 0x91e, SEAL_E_TPM_UNAVAILABLE, "reset" },
        { TPM_STEP_START_SESSION, 0x901, SEAL_E_TPM_UNAVAILABLE, "contexts" },

        /* Not in this chip, whichever parameter it blames. */
        { TPM_STEP_SIGN, 0x143, SEAL_E_UNSUPPORTED, "command" },
        { TPM_STEP_CREATE_PRIMARY, 0x2e6, SEAL_E_UNSUPPORTED, "curve" },
        { TPM_STEP_SIGN, 0x2c3, SEAL_E_UNSUPPORTED, "hash" },
        { TPM_STEP_SIGN, 0x2d2, SEAL_E_UNSUPPORTED, "scheme" },
        { TPM_STEP_CREATE_PRIMARY, 0x2c7, SEAL_E_UNSUPPORTED, "size" },
        { TPM_STEP_CREATE, 0x2c1, SEAL_E_UNSUPPORTED, "kind of key" },
        { TPM_STEP_START_SESSION, 0x4d6, SEAL_E_UNSUPPORTED, "cipher" },
        { TPM_STEP_CREATE, 0x2cc, SEAL_E_UNSUPPORTED, "derivation" },

        /* Patience, after as many submissions as TSS and signing path make. */
        { TPM_STEP_SIGN, 0x922, SEAL_E_BUSY, "busy" },
        { TPM_STEP_SIGN, 0x908, SEAL_E_BUSY, "busy" },
        { TPM_STEP_SIGN, 0x90a, SEAL_E_BUSY, "tests itself" },
        { TPM_STEP_NV_SET_BITS, 0x923, SEAL_E_BUSY, "try again" },
        { TPM_STEP_LOAD, 0x904, SEAL_E_TPM_FULL, "memory" },
        { TPM_STEP_LOAD, 0x906, SEAL_E_TPM_FULL, "handle" },

        /* A manager's own trouble is not the chip's, though the number looks like one. */
        { TPM_STEP_SIGN, ABRMD | TSS2_BASE_RC_IO_ERROR, SEAL_E_TPM_UNAVAILABLE, "be reached" },
        { TPM_STEP_SIGN, ABRMD | TSS2_BASE_RC_GENERAL_FAILURE, SEAL_E_TPM_FAILURE, "0xb0001" },
};

static void every_code_is_translated_by_its_step(void **state) {
        (void) state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const Case *c = &cases[i];
                ErrorDetail detail = {};

                if (tpm_rc(c->rc, c->step, &detail) != c->condition)
                        fail_msg("%s 0x%x: %s", tpm_step_name(c->step), c->rc, detail.text);
                if (!strstr(detail.text, c->says))
                        fail_msg("%s 0x%x: %s", tpm_step_name(c->step), c->rc, detail.text);
        }
}

static void a_resource_manager_changes_nothing(void **state) {
        (void) state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const Case *c = &cases[i];

                if (c->rc & TSS2_RC_LAYER_MASK)
                        continue;
                assert_int_equal(tpm_rc(c->rc | ABRMD, c->step, NULL), c->condition);
                assert_int_equal(tpm_rc(c->rc | TPMRM, c->step, NULL), c->condition);
        }
        assert_int_equal(tpm_rc_chip(0xb0903), 0x903);
        assert_int_equal(tpm_rc_chip(ABRMD | TSS2_BASE_RC_IO_ERROR), ABRMD | TSS2_BASE_RC_IO_ERROR);
        assert_int_equal(tpm_rc_chip(TSS2_TCTI_RC_IO_ERROR), TSS2_TCTI_RC_IO_ERROR);
}

static void an_unknown_code_keeps_step_code_and_text(void **state) {
        ErrorDetail detail = {};

        (void) state;
        assert_int_equal(tpm_rc(TPM2_RC_EXCLUSIVE, TPM_STEP_CREATE, &detail), SEAL_E_TPM_FAILURE);
        assert_non_null(strstr(detail.text, "TPM2_Create failed: 0x121 tpm:error"));
}

static void success_leaves_the_detail(void **state) {
        ErrorDetail detail = { .text = "as it was" };

        (void) state;
        assert_int_equal(tpm_rc(0, TPM_STEP_SIGN, &detail), 0);
        assert_string_equal(detail.text, "as it was");
}

static void every_step_has_a_name(void **state) {
        (void) state;
        for (TpmStep step = TPM_STEP_ANY; step < TPM_STEP_MAX; step++)
                assert_true(strlen(tpm_step_name(step)) > 0);
        assert_string_equal(tpm_step_name(TPM_STEP_MAX), tpm_step_name(TPM_STEP_ANY));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_code_is_translated_by_its_step),
                cmocka_unit_test(a_resource_manager_changes_nothing),
                cmocka_unit_test(an_unknown_code_keeps_step_code_and_text),
                cmocka_unit_test(success_leaves_the_detail),
                cmocka_unit_test(every_step_has_a_name),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
