/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/sign.h"

#include <errno.h>

#include "policy/algorithm.h"
#include "policy/digest.h"
#include "tpm/context.h"
#include "tpm/nv.h"
#include "tpm/sys-command.h"
#include "tpm/sys-policy.h"

/* A signature under way. */
typedef struct Signing {
        Tpm *tpm;
        const SealUse *use;
        SealLeaves leaves;
        PolicyTerm either; /* the PolicyOR, when there is more than one leaf */
        TPMT_SIGNATURE signature;
} Signing;

static int signing_open(Signing *s, ErrorDetail *detail) {
        int r = seal_policy_leaves(s->use->policy, &s->leaves);
        if (r == 0 && s->leaves.count > 1)
                r = policy_or_term(s->leaves.leaves, s->leaves.count, &s->either);
        if (r == 0)
                r = signer_prepare(s->tpm, s->use->key, detail);
        return r;
}

/* The machine's state first: PolicyAuthorize demands and replaces it (Part 3 §23.16). */
static int signing_satisfy(const Signing *s, const MachineApproval *approval, ErrorDetail *detail) {
        Signer *signer = &s->tpm->signer;
        const SysPolicyInputs inputs = {
                .approved = &approval->policy,
                .ticket = &approval->ticket,
                .index = s->use->index,
                .hmac = &signer->hmac,
        };
        int r = 0;

        if (signer->policy_used)
                r = sys_policy_restart(&signer->policy, detail);
        if (r != 0)
                return r;
        signer->policy_used = true;
        r = machine_approval_apply(approval, &signer->policy, detail);
        if (r == 0)
                r = sys_policy_apply(&signer->policy, s->leaves.leaves[0].terms,
                                     s->leaves.leaves[0].count, &inputs, detail);
        if (r == 0 && s->leaves.count > 1)
                r = sys_policy_apply(&signer->policy, &s->either, 1, &inputs, detail);
        return r;
}

static TSS2_RC prepare_sign(TSS2_SYS_CONTEXT *sys, const void *args) {
        const Signing *s = args;

        return Tss2_Sys_Sign_Prepare(sys, s->tpm->signer.key_handle, &s->use->digest,
                                     &s->use->scheme, &no_hash_ticket);
}

/* The chip resets a policy session that was used well (design, section 3.3). */
static int signing_sign(Signing *s, ErrorDetail *detail) {
        Signer *signer = &s->tpm->signer;
        const SysCommand sign = {
                .code = TPM2_CC_Sign,
                .step = TPM_STEP_SIGN,
                .prepare = prepare_sign,
                .args = s,
                .session = &signer->policy,
                .names = { &signer->key_name },
        };
        TSS2_SYS_CONTEXT *sys;

        if (s->use->asked)
                *s->use->asked = true;
        int r = sys_command_run(s->tpm, &sign, &sys, detail);
        if (r != 0)
                return r;
        signer->policy_used = false;
        return tpm_rc(Tss2_Sys_Sign_Complete(sys, &s->signature), TPM_STEP_SIGN, detail);
}

static int signing_attempt(void *userdata, const MachineApproval *approval, ErrorDetail *detail) {
        Signing *s = userdata;

        int r = signing_satisfy(s, approval, detail);
        return r != 0 ? r : signing_sign(s, detail);
}

/*
 * The chip said no more than that the index's authorisation is wrong, or that there is no such
 * handle. Look why: the index is gone, another one, not written, locked; 0 when it is in order.
 */
static int index_explain(Tpm *tpm, const TpmIndex *index, ErrorDetail *detail) {
        _cleanup_(tpm_nv_close) TpmNv nv = {};
        ErrorDetail why = {};

        int looked = tpm_nv_open(tpm, index, &nv, &why);
        if (looked == 0)
                looked = tpm_nv_demand_written(&nv, index, &why);
        if (looked == 0 && nv.state == TPM_INDEX_LOCKED)
                return error_set(detail, SEAL_E_LOCKED, "All seals are locked until the next boot");
        if (looked == SEAL_E_NOT_FOUND)
                looked = SEAL_E_REGISTER_TAMPERED;
        return looked != 0 && why.text[0] ? error_set(detail, looked, "%s", why.text) : looked;
}

/*
 * A refusal has no HMAC: anybody on the bus can say that the seal is revoked, and the register would
 * keep it for good. So the bit is read, in a session.
 */
static int revocation_confirm(Tpm *tpm, const SealUse *use, ErrorDetail *detail) {
        uint64_t bits = 0;

        int r = tpm_index_read_bits(tpm, use->index, &bits, detail);
        if (r == SEAL_E_NOT_FOUND)
                r = SEAL_E_REGISTER_TAMPERED;
        if (r != 0)
                return r;
        if (bits >> use->policy->bit & 1)
                return SEAL_E_REVOKED;
        return error_set(detail, SEAL_E_TPM_UNAVAILABLE,
                         "The TPM's answer said that the seal is revoked, which it is not: it was "
                         "altered on its way; look for what sits on the TPM's bus");
}

static int use_check(const SealUse *use, ErrorDetail *detail) {
        size_t size = hash_size(use->scheme.details.any.hashAlg);

        if (size == 0 || use->digest.size != size)
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "The digest's size does not fit its hash");
        if (use->policy->pin)
                return error_set(detail, SEAL_E_PIN_REQUIRED, "This seal needs its keeper's PIN");
        if (use->policy->approver_count > 0)
                return error_set(detail, SEAL_E_APPROVAL_REQUIRED,
                                 "This seal needs its approvers; ask with RequestUse");
        return machine_attempts_demand(use->approval_count, detail);
}

/*
 * Refusals that leave key and sessions as good as they were; after anything else they are doubted.
 */
static bool signing_is_refused(int r) {
        return r == SEAL_E_MACHINE_STATE_REFUSED || r == SEAL_E_APPROVAL_INVALID ||
               r == SEAL_E_REVOKED || r == SEAL_E_BUSY;
}

/* Once, with what is kept or with new sessions. */
static int use_attempt(const SealUse *use, Signing *signing, size_t *ret_approval,
                       ErrorDetail *detail) {
        const MachineAttempts attempts = {
                .approvals = use->approvals,
                .count = use->approval_count,
                .attempt = signing_attempt,
                .userdata = signing,
        };

        int r = signing_open(signing, detail);
        return r != 0 ? r : machine_attempts_run(signing->tpm, &attempts, ret_approval, detail);
}

/*
 * Before the register is blamed, what was kept is: after an answer that was lost or forged chip and
 * session disagree on the nonce, and the chip says no more than that an authorisation is wrong.
 */
static int use_settle(const SealUse *use, Signing *signing, size_t *ret_approval,
                      ErrorDetail *detail) {
        int r = use_attempt(use, signing, ret_approval, detail);

        if (r == SEAL_E_REGISTER_TAMPERED || r == SEAL_E_TPM_FAILURE) {
                r = index_explain(signing->tpm, use->index, detail);
                if (r == 0) {
                        *detail = (ErrorDetail){};
                        tpm_release(signing->tpm);
                        r = use_attempt(use, signing, ret_approval, detail);
                }
        }
        return r == SEAL_E_REVOKED ? revocation_confirm(signing->tpm, use, detail) : r;
}

int tpm_seal_sign(Tpm *tpm, const SealUse *use, TPMT_SIGNATURE *ret, size_t *ret_approval,
                  ErrorDetail *detail) {
        Signing signing = { .tpm = tpm, .use = use };
        ErrorDetail refusal = {}; /* may be overcome by new sessions */
        size_t approval = 0;

        int r = use_check(use, detail);
        if (r != 0)
                return r;
        r = use_settle(use, &signing, &approval, &refusal);
        if (r != 0) {
                if (!signing_is_refused(r))
                        tpm_release(tpm);
                return refusal.text[0] ? error_set(detail, r, "%s", refusal.text) : r;
        }
        *ret = signing.signature;
        if (ret_approval)
                *ret_approval = approval;
        return 0;
}
