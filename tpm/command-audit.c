/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/command-audit.h"

#include <stdlib.h>
#include <string.h>

#include <tss2/tss2_mu.h>

#include "base/log.h"
#include "policy/approval.h"
#include "policy/command-audit.h"
#include "tpm/auth.h"
#include "tpm/context.h"
#include "tpm/session.h"
#include "tpm/srk.h"

/* The algorithm and the list cannot be set by one command (Part 3 §21.2). */
int tpm_command_audit_arm(Tpm *tpm, const Secret *owner, ErrorDetail *detail) {
        static const TPML_CC none = {}, sign = { .count = 1, .commandCodes = { TPM2_CC_Sign } };
        _cleanup_(tpm_handle_close) TpmHandle session = {};
        _cleanup_(tpm_auth_revoke) TpmAuth lent = {};

        int r = tpm_session_open(tpm, TPM2_SE_HMAC, SESSION_PLAIN, &session, detail);
        if (r == 0)
                r = tpm_auth_lend(&lent, tpm, ESYS_TR_RH_OWNER, owner, detail);
        if (r == 0)
                r = tpm_srk_rc(tpm,
                               Esys_SetCommandCodeAuditStatus(tpm->esys, ESYS_TR_RH_OWNER,
                                                              ONE_SESSION(&session),
                                                              TPM2_ALG_SHA256, &none, &none),
                               TPM_STEP_SET_COMMAND_AUDIT, detail);
        if (r == 0)
                r = tpm_srk_rc(tpm,
                               Esys_SetCommandCodeAuditStatus(tpm->esys, ESYS_TR_RH_OWNER,
                                                              ONE_SESSION(&session), TPM2_ALG_NULL,
                                                              &sign, &none),
                               TPM_STEP_SET_COMMAND_AUDIT, detail);
        return r;
}

static int audit_take(const TPM2B_ATTEST *attest, TpmCommandAudit *ret, ErrorDetail *detail) {
        TPMS_ATTEST all;
        size_t offset = 0;

        if (Tss2_MU_TPMS_ATTEST_Unmarshal(attest->attestationData, attest->size, &offset, &all) !=
                    TSS2_RC_SUCCESS ||
            all.type != TPM2_ST_ATTEST_COMMAND_AUDIT)
                return error_set(detail, SEAL_E_TPM_FAILURE,
                                 "The TPM's answer about its command audit cannot be read");
        const TPMS_COMMAND_AUDIT_INFO *info = &all.attested.commandAudit;
        if (info->digestAlg != TPM2_ALG_SHA256 ||
            (info->auditDigest.size != 0 && info->auditDigest.size != TPM2_SHA256_DIGEST_SIZE))
                return error_set(detail, SEAL_E_UNSUPPORTED,
                                 "The TPM's command audit is not in SHA-256");
        *ret = (TpmCommandAudit){
                .counter = info->auditCounter,
                .digest = { .size = TPM2_SHA256_DIGEST_SIZE },
                .resets = all.clockInfo.resetCount,
        };
        memcpy(ret->digest.buffer, info->auditDigest.buffer, info->auditDigest.size);
        return 0;
}

/* Without a key to sign, its place takes an empty password (Part 3 §21.3, Table 119). */
int tpm_command_audit_read(Tpm *tpm, TpmCommandAudit *ret, ErrorDetail *detail) {
        static const TPMT_SIG_SCHEME scheme = { .scheme = TPM2_ALG_NULL };
        static const TPM2B_DATA qualifying = {};
        _cleanup_(tpm_handle_close) TpmHandle session = {};
        _cleanup_esys_ TPMT_SIGNATURE *signature = NULL;
        _cleanup_esys_ TPM2B_ATTEST *attest = NULL;

        int r = tpm_session_open(tpm, TPM2_SE_HMAC, SESSION_PLAIN, &session, detail);
        if (r == 0)
                r = tpm_srk_rc(tpm,
                               Esys_GetCommandAuditDigest(
                                       tpm->esys, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_RH_NULL,
                                       session.tr, ESYS_TR_PASSWORD, ESYS_TR_NONE, &qualifying,
                                       &scheme, &attest, &signature),
                               TPM_STEP_GET_COMMAND_AUDIT, detail);
        return r == 0 ? audit_take(attest, ret, detail) : r;
}

/* --- what this connection signs --------------------------------------------------------------- */

void tpm_command_audit_note(Tpm *tpm, AuditedSigns *signs) {
        tpm->signs = signs;
}

static AuditedSign *signs_place(AuditedSigns *signs) {
        if (signs->count == signs->room) {
                size_t room = signs->room == 0 ? 32 : 2 * signs->room;
                AuditedSign *list = reallocarray(signs->list, room, sizeof(*list));

                if (!list)
                        return NULL;
                signs->list = list;
                signs->room = room;
        }
        return &signs->list[signs->count];
}

void tpm_command_audit_signed(Tpm *tpm, const TPM2B_NAME *key, const TPM2B_DIGEST *digest,
                              const TPMT_SIG_SCHEME *scheme, const TPMT_SIGNATURE *signature) {
        if (!tpm->signs)
                return;
        AuditedSign *sign = signs_place(tpm->signs);
        if (sign && cphash_sign(key, digest, scheme, &sign->cphash) == 0 &&
            rphash_sign(signature, &sign->rphash) == 0)
                tpm->signs->count++;
        else
                log_error("a signature of the TPM is left out of the count of signatures");
}
