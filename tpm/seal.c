/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/seal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "tpm/context.h"
#include "tpm/key.h"
#include "tpm/machine.h"
#include "tpm/policy.h"
#include "tpm/session.h"

/* The fence of a revocation, or another program's measurement, may come in between. */
#define PCR_CHANGED_TRIES 8

/* userWithAuth and adminWithPolicy clear: only the policy opens the key (design, section 3). */
#define SEAL_ATTRIBUTES                                                                     \
        (TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN | \
         TPMA_OBJECT_NODA)

int tpm_seal_create(Tpm *tpm, const TPM2B_DIGEST *policy, SealKey *ret, ErrorDetail *detail) {
        const TPM2B_PUBLIC template = tpm_key_template(SEAL_ATTRIBUTES, policy);
        SealKey key = {};

        int r = tpm_key_create(tpm, &template, NULL, &key.public, &key.private, detail);
        if (r == 0)
                *ret = key;
        return r;
}

/* A signature under way: the key, the policy session, and the session that authorises PolicyNV. */
typedef struct Signing {
        Tpm *tpm;
        const SealUse *use;
        SealLeaves leaves;
        PolicyTerm either; /* the PolicyOR, when there is more than one leaf */
        TpmHandle hmac;
        TpmHandle policy;
        TpmHandle key;
} Signing;

static void signing_close(Signing *signing) {
        tpm_handle_close(&signing->key);
        tpm_handle_close(&signing->policy);
        tpm_handle_close(&signing->hmac);
}

static int signing_open(Signing *s, ErrorDetail *detail) {
        int r = seal_policy_leaves(s->use->policy, &s->leaves);
        if (r == 0 && s->leaves.count > 1)
                r = policy_or_term(s->leaves.leaves, s->leaves.count, &s->either);
        if (r == 0)
                r = tpm_session_open(s->tpm, TPM2_SE_HMAC, SESSION_PLAIN, &s->hmac, detail);
        if (r == 0)
                r = tpm_key_load(s->tpm, &s->hmac, &s->use->key->public, &s->use->key->private,
                                 &s->key, detail);
        if (r == 0)
                r = tpm_session_open(s->tpm, TPM2_SE_POLICY, SESSION_PLAIN, &s->policy, detail);
        return r;
}

/* PolicyPCR first: PolicyAuthorize demands and replaces what it makes (Part 3 §23.16). */
static int signing_satisfy(const Signing *s, const MachineApproval *approval, ErrorDetail *detail) {
        const PolicyInputs inputs = {
                .approved = &approval->policy,
                .ticket = &approval->ticket,
                .index = s->use->index,
                .hmac = &s->hmac,
        };
        PolicyTerm state = { .kind = POLICY_PCR };

        state.pcr.selection = approval->values.selection;
        int r = pcr_values_digest(&approval->values, &state.pcr.digest);
        if (r == 0)
                r = tpm_policy_apply(&s->policy, &state, 1, NULL, detail);
        if (r == 0)
                r = tpm_policy_apply(&s->policy, s->leaves.leaves[0].terms,
                                     s->leaves.leaves[0].count, &inputs, detail);
        if (r == 0 && s->leaves.count > 1)
                r = tpm_policy_apply(&s->policy, &s->either, 1, NULL, detail);
        return r;
}

/* SEAL_E_BUSY is TPM_RC_PCR_CHANGED: what was proved before it counts no more. */
static int signing_try(const Signing *s, size_t approval, TPMT_SIGNATURE *ret,
                       ErrorDetail *detail) {
        const SealUse *use = s->use;
        int r = SEAL_E_BUSY;

        for (int i = 0; r == SEAL_E_BUSY && i < PCR_CHANGED_TRIES; i++) {
                r = signing_satisfy(s, &use->approvals[approval], detail);
                if (r == 0)
                        r = tpm_key_sign(&s->key, &s->policy, &use->digest, use->hash, ret, detail);
                if (r != 0) {
                        int restarted = tpm_policy_restart(&s->policy, NULL);
                        if (restarted != 0)
                                return r == SEAL_E_BUSY ? restarted : r;
                }
        }
        return r;
}

static void differing_describe(const PcrSelection *selection, uint32_t differing,
                               ErrorDetail *detail) {
        char list[PCR_TEXT_MAX + 1];
        Writer writer = writer_over((uint8_t *) list, sizeof(list) - 1);
        int left = __builtin_popcount(differing);
        bool one = left == 1;

        for (unsigned n = 0; n < PCR_COUNT; n++) {
                char number[16];

                if (!(differing & 1U << n))
                        continue;
                left--;
                int size = snprintf(number, sizeof(number), "%u%s", n,
                                    left == 0   ? ""
                                    : left == 1 ? " and "
                                                : ", ");
                writer_put(&writer, number, (size_t) size);
        }
        list[writer.used] = '\0';
        (void) error_set(detail, 0,
                         "PCR%s %s (%s) differ%s from the approved state; check what changed and "
                         "approve the new state ('sealctl machine-state approve')",
                         one ? "" : "s", list,
                         selection->bank == TPM2_ALG_SHA256 ? "sha256" : "sha384", one ? "s" : "");
}

/*
 * The approval that fits the PCRs as they are. SEAL_E_MACHINE_STATE_REFUSED names the PCRs in which
 * the nearest one differs.
 */
static int approval_find(Tpm *tpm, const SealUse *use, size_t *ret, ErrorDetail *detail) {
        PcrSelection nearest_selection = {};
        uint32_t nearest = UINT32_MAX;
        PcrValues now = {};

        for (size_t i = 0; i < use->approval_count; i++) {
                const PcrValues *approved = &use->approvals[i].values;

                if (i == 0 || approved->selection.bank != now.selection.bank ||
                    approved->selection.mask != now.selection.mask) {
                        int r = tpm_pcr_read(tpm, &approved->selection, &now, detail);
                        if (r != 0)
                                return r;
                }
                uint32_t differing = pcr_values_differing(approved, &now);
                if (differing == 0) {
                        *ret = i;
                        return 0;
                }
                if (__builtin_popcount(differing) < __builtin_popcount(nearest)) {
                        nearest = differing;
                        nearest_selection = approved->selection;
                }
        }
        differing_describe(&nearest_selection, nearest, detail);
        return SEAL_E_MACHINE_STATE_REFUSED;
}

static int use_check(const SealUse *use, ErrorDetail *detail) {
        uint16_t size = use->hash == TPM2_ALG_SHA256   ? 32
                        : use->hash == TPM2_ALG_SHA384 ? 48
                        : use->hash == TPM2_ALG_SHA512 ? 64
                                                       : 0;

        if (size == 0 || use->digest.size != size)
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "The digest's size does not fit its hash");
        if (use->policy->pin)
                return error_set(detail, SEAL_E_PIN_REQUIRED, "This seal needs its keeper's PIN");
        if (use->policy->approver_count > 0)
                return error_set(detail, SEAL_E_APPROVAL_REQUIRED,
                                 "This seal needs its approvers; ask with RequestUse");
        if (use->approval_count == 0)
                return error_set(detail, SEAL_E_MACHINE_STATE_REFUSED,
                                 "No machine state is approved yet; an administrator runs "
                                 "'sealctl machine-state approve'");
        return 0;
}

int tpm_seal_sign(Tpm *tpm, const SealUse *use, TPMT_SIGNATURE *ret, size_t *ret_approval,
                  ErrorDetail *detail) {
        _cleanup_(signing_close) Signing signing = { .tpm = tpm, .use = use };
        ErrorDetail refusal = {}; /* may be overcome by another approval */
        TPMT_SIGNATURE signature;
        size_t approval = 0;

        int r = use_check(use, detail);
        if (r != 0)
                return r;
        r = signing_open(&signing, detail);
        if (r != 0)
                return r;
        r = signing_try(&signing, approval, &signature, &refusal);
        if (r == SEAL_E_MACHINE_STATE_REFUSED) {
                r = approval_find(tpm, use, &approval, &refusal);
                if (r == 0)
                        r = signing_try(&signing, approval, &signature, &refusal);
        }
        if (r != 0)
                return refusal.text[0] ? error_set(detail, r, "%s", refusal.text) : r;
        *ret = signature;
        if (ret_approval)
                *ret_approval = approval;
        return 0;
}
