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
static int signing_try(const Signing *s, const MachineApproval *approval, TPMT_SIGNATURE *ret,
                       ErrorDetail *detail) {
        const SealUse *use = s->use;
        int r = SEAL_E_BUSY;

        for (int i = 0; r == SEAL_E_BUSY && i < PCR_CHANGED_TRIES; i++) {
                r = signing_satisfy(s, approval, detail);
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

/* Where the search for an approval that fits the PCRs stands. */
typedef struct Search {
        PcrValues now; /* of the selection asked for last */
        PcrSelection nearest_selection;
        uint32_t nearest; /* PCRs in which the nearest approval differs */
} Search;

/* Whether an approval fits, read anew when its selection is another than that of the one before. */
static int search_compare(Search *search, Tpm *tpm, const PcrValues *approved, bool *ret_fits,
                          ErrorDetail *detail) {
        PcrValues *now = &search->now;

        if (approved->selection.bank != now->selection.bank ||
            approved->selection.mask != now->selection.mask) {
                int r = tpm_pcr_read(tpm, &approved->selection, now, detail);
                if (r != 0)
                        return r;
        }
        uint32_t differing = pcr_values_differing(approved, now);
        if (__builtin_popcount(differing) < __builtin_popcount(search->nearest)) {
                search->nearest = differing;
                search->nearest_selection = approved->selection;
        }
        *ret_fits = differing == 0;
        return 0;
}

/* The state is approved, but by nobody whom the chip believes. */
static int tickets_refused(const MachineApproval *approval, ErrorDetail *detail) {
        TPMI_ALG_SIG_SCHEME kept = approval->signature.sigAlg;

        return error_set(detail, SEAL_E_APPROVAL_INVALID,
                         "This machine state is approved, but the TPM does not take the approval's "
                         "ticket: another authority's, another profile's, or older than the last "
                         "TPM2_Clear%s; approve the state again ('sealctl machine-state approve')",
                         kept != 0 && kept != TPM2_ALG_NULL ? " (its signature is kept)" : "");
}

/*
 * The first approval was refused: with SEAL_E_APPROVAL_INVALID it fits the PCRs, but not the key.
 * Try those that fit, in order. SEAL_E_APPROVAL_INVALID when the chip takes none of their tickets,
 * SEAL_E_MACHINE_STATE_REFUSED, with the PCRs in which the nearest differs, when none fits.
 */
static int signing_search(const Signing *s, int refusal, TPMT_SIGNATURE *ret, size_t *ret_approval,
                          ErrorDetail *detail) {
        const MachineApproval *approvals = s->use->approvals, *refused = NULL;
        Search search = { .nearest = UINT32_MAX };
        bool fits;

        if (refusal == SEAL_E_APPROVAL_INVALID)
                refused = &approvals[0];
        for (size_t i = 0; i < s->use->approval_count; i++) {
                int r = search_compare(&search, s->tpm, &approvals[i].values, &fits, detail);
                if (r != 0)
                        return r;
                if (!fits || &approvals[i] == refused)
                        continue;
                r = signing_try(s, &approvals[i], ret, detail);
                if (r == 0)
                        *ret_approval = i;
                if (r != SEAL_E_APPROVAL_INVALID)
                        return r;
                refused = &approvals[i];
        }
        if (refused)
                return tickets_refused(refused, detail);
        differing_describe(&search.nearest_selection, search.nearest, detail);
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
        r = signing_try(&signing, &use->approvals[0], &signature, &refusal);
        if (r == SEAL_E_MACHINE_STATE_REFUSED || r == SEAL_E_APPROVAL_INVALID)
                r = signing_search(&signing, r, &signature, &approval, &refusal);
        if (r != 0)
                return refusal.text[0] ? error_set(detail, r, "%s", refusal.text) : r;
        *ret = signature;
        if (ret_approval)
                *ret_approval = approval;
        return 0;
}
