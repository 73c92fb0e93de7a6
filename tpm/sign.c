/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/sign.h"

#include <errno.h>

#include "policy/algorithm.h"
#include "policy/approval.h"
#include "policy/digest.h"
#include "policy/key.h"
#include "tpm/auth.h"
#include "tpm/command-audit.h"
#include "tpm/context.h"
#include "tpm/nv.h"
#include "tpm/pin.h"
#include "tpm/sys-command.h"
#include "tpm/sys-policy.h"

/* A signature under way. */
typedef struct Signing {
        Tpm *tpm;
        const SealUse *use;
        SysPolicySession *policy; /* kept for the next signature, or a LiveUse's */
        PolicyLeaf leaf;          /* as this use satisfies it */
        PolicyTerm either;        /* the PolicyOR, when there is more than one leaf */
        bool has_either;
        SysPolicySignature signatures[APPROVERS_MAX];
        SysPolicySigned people;
        int people_refused; /* what the chip said of them, in place of the attempt's result */
        TPM2B_AUTH pin;
        TPMT_SIGNATURE signature;
} Signing;

static void signing_wipe(Signing *s) {
        tpm_auth_value_wipe(&s->pin);
}

static int signing_choose_leaf(Signing *s) {
        const SealUse *use = s->use;
        SealLeaves leaves;

        int r = seal_policy_use_leaf(use->policy, use->signed_by ? use->signed_by->approvers : 0,
                                     &s->leaf);
        if (r == 0)
                r = seal_policy_leaves(use->policy, &leaves);
        if (r != 0)
                return r;
        s->has_either = leaves.count > 1;
        return s->has_either ? policy_or_term(leaves.leaves, leaves.count, &s->either) : 0;
}

/* All of them signed the same: cpHash of this very TPM2_Sign (Part 3 §23.3). */
static int signing_take_people(Signing *s) {
        const UseApprovals *by = s->use->signed_by;
        TPM2B_NAME key;

        if (!by)
                return 0;
        for (size_t i = 0; i < by->count; i++) {
                s->signatures[i].key = &by->signatures[i].key;
                s->signatures[i].signature = &by->signatures[i].signature;
        }
        s->people = (SysPolicySigned){
                .signatures = s->signatures,
                .count = by->count,
                .expiration = by->expiration,
        };
        if (by->live)
                s->people.nonce = *tpm_live_use_nonce(by->live);
        int r = public_name(&s->use->key->public, &key);
        return r == 0 ? cphash_sign(&key, &s->use->digest, &s->use->scheme, &s->people.cphash) : r;
}

static int signing_take_pin(Signing *s, ErrorDetail *detail) {
        _cleanup_(secret_wipe) Secret auth = {};

        if (!s->use->policy->pin)
                return 0;
        int r = tpm_pin_auth(s->use->pin, &auth);
        return r == 0 ? tpm_auth_value(&auth, &s->pin, detail) : r;
}

static int signing_open(Signing *s, ErrorDetail *detail) {
        const UseApprovals *by = s->use->signed_by;

        int r = signer_prepare(s->tpm, s->use->key, detail);
        if (by && by->live) {
                s->policy = tpm_live_use_session(by->live);
                return r;
        }
        s->policy = &s->tpm->signer.policy;
        return r == 0 ? signer_prepare_policy(s->tpm, detail) : r;
}

static int signing_begin(Signing *s, ErrorDetail *detail) {
        int r = signing_choose_leaf(s);

        if (r == 0)
                r = signing_take_people(s);
        return r == 0 ? signing_take_pin(s, detail) : r;
}

/*
 * PolicySigned for each of the people. That they are refused says nothing of the machine's
 * approval: another one would not help, and machine_attempts_run() is not to look for it.
 */
static int signing_satisfy_people(Signing *s, const PolicyTerm *terms, size_t count,
                                  ErrorDetail *detail) {
        const SysPolicyInputs inputs = { .people = &s->people };
        int r = sys_policy_apply(&s->policy->session, terms, count, &inputs, detail);

        if (r != SEAL_E_APPROVAL_INVALID)
                return r;
        s->people_refused = r;
        return SEAL_E_APPROVAL_REQUIRED;
}

/* The machine's state first: PolicyAuthorize demands and replaces it (Part 3 §23.16). */
static int signing_satisfy(Signing *s, const MachineApproval *approval, ErrorDetail *detail) {
        const SysPolicyInputs inputs = {
                .approved = &approval->policy,
                .ticket = &approval->ticket,
                .index = s->use->index,
                .hmac = &s->tpm->signer.hmac,
        };
        const SysSession *session = &s->policy->session;
        const size_t people = s->people.count, others = s->leaf.count - people;

        int r = sys_policy_begin(s->policy, detail);
        if (r == 0)
                r = machine_approval_apply(approval, session, &s->tpm->signer.hmac, detail);
        if (r == 0)
                r = sys_policy_apply(session, s->leaf.terms, others, &inputs, detail);
        if (r == 0)
                r = signing_satisfy_people(s, s->leaf.terms + others, people, detail);
        if (r == 0 && s->has_either)
                r = sys_policy_apply(session, &s->either, 1, &inputs, detail);
        return r;
}

static TSS2_RC prepare_sign(TSS2_SYS_CONTEXT *sys, const void *args) {
        const Signing *s = args;

        return Tss2_Sys_Sign_Prepare(sys, s->tpm->signer.key_handle, &s->use->digest,
                                     &s->use->scheme, &no_hash_ticket);
}

/*
 * With PolicyAuthValue the key's authValue is part of the session's HMAC (Part 1 §19.7.4). The chip
 * resets a policy session that was used well (design, section 3.3).
 */
static int signing_sign(Signing *s, ErrorDetail *detail) {
        const SysCommand sign = {
                .code = TPM2_CC_Sign,
                .step = TPM_STEP_SIGN,
                .prepare = prepare_sign,
                .args = s,
                .session = &s->policy->session,
                .auth = s->use->policy->pin ? &s->pin : NULL,
                .names = { &s->tpm->signer.key_name },
        };
        TSS2_SYS_CONTEXT *sys;

        if (s->use->asked)
                *s->use->asked = true;
        int r = sys_command_run(s->tpm, &sign, &sys, detail);
        if (r != 0)
                return r;
        s->policy->used = false;
        r = tpm_rc(Tss2_Sys_Sign_Complete(sys, &s->signature), TPM_STEP_SIGN, detail);
        if (r == 0)
                tpm_command_audit_signed(s->tpm, &s->tpm->signer.key_name, &s->use->digest,
                                         &s->use->scheme, &s->signature);
        return r;
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
 * A refusal has no HMAC: anybody on the bus can say that the seal is revoked, and the register
 * would keep it for good. So the bit is read, in a session.
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
        if (use->policy->pin && (!use->pin || !use->pin->set))
                return error_set(detail, SEAL_E_PIN_REQUIRED,
                                 "This seal needs its keeper's PIN; give 'pin'");
        int r = use_approvals_check(use->signed_by, use->policy, detail);
        if (r != 0)
                return r;
        return machine_attempts_demand(use->approval_count, detail);
}

/*
 * Refusals that leave key and sessions as good as they were; after anything else they are doubted,
 * also after a wrong PIN: that is what the chip says of an HMAC with another nonce than its own.
 */
static bool signing_is_refused(int r) {
        return r == SEAL_E_MACHINE_STATE_REFUSED || r == SEAL_E_APPROVAL_INVALID ||
               r == SEAL_E_APPROVAL_EXPIRED || r == SEAL_E_TPM_LOCKOUT || r == SEAL_E_REVOKED ||
               r == SEAL_E_BUSY;
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
        if (r == 0)
                r = machine_attempts_run(signing->tpm, &attempts, ret_approval, detail);
        return r != 0 && signing->people_refused ? signing->people_refused : r;
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
                if (r == 0)
                        r = machine_approvals_explain(signing->tpm, use->approvals,
                                                      use->approval_count, detail);
                if (r == 0) {
                        *detail = (ErrorDetail){};
                        tpm_release(signing->tpm);
                        r = use_attempt(use, signing, ret_approval, detail);
                }
        }
        return r == SEAL_E_REVOKED ? revocation_confirm(signing->tpm, use, detail) : r;
}

/* Failure: what stays for the next signature, and a sentence that tells more than the code's. */
static int use_refused(Tpm *tpm, int r, ErrorDetail *detail) {
        if (!signing_is_refused(r))
                tpm_release(tpm);
        if (r == SEAL_E_WRONG_PIN || r == SEAL_E_TPM_LOCKOUT)
                return tpm_pin_explain(tpm, r, "Wrong PIN", "PINs", detail);
        return r;
}

int tpm_seal_sign(Tpm *tpm, const SealUse *use, TPMT_SIGNATURE *ret, size_t *ret_approval,
                  ErrorDetail *detail) {
        _cleanup_(signing_wipe) Signing signing = { .tpm = tpm, .use = use };
        ErrorDetail refusal = {}; /* may be overcome by new sessions */
        size_t approval = 0;

        int r = use_check(use, detail);
        if (r == 0)
                r = signing_begin(&signing, detail);
        if (r != 0)
                return r;
        r = use_settle(use, &signing, &approval, &refusal);
        if (r != 0) {
                r = use_refused(tpm, r, &refusal);
                return refusal.text[0] ? error_set(detail, r, "%s", refusal.text) : r;
        }
        if (use->signed_by && use->signed_by->live)
                tpm_live_use_spend(use->signed_by->live);
        *ret = signing.signature;
        if (ret_approval)
                *ret_approval = approval;
        return 0;
}
