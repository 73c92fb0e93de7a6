/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/machine-approval.h"

#include <stdbool.h>
#include <stdio.h>

#include "base/bytes.h"
#include "policy/approval.h"
#include "tpm/machine.h"
#include "tpm/nv.h"
#include "tpm/sys-policy.h"

/* The fence of a revocation, or another program's measurement, may come in between. */
#define PCR_CHANGED_TRIES 8

static int approval_leaf(const MachineApproval *approval, PolicyLeaf *ret) {
        const TpmIndex *index = &approval->retire.index;
        TPMS_NV_PUBLIC public;
        TPM2B_NAME name;

        if (index->handle == 0)
                return machine_state_leaf(&approval->values, NULL, 0, ret);
        int r = index_public(INDEX_STATE, index->handle, &index->authority, &public);
        if (r == 0)
                r = index_name(&public, true, &name);
        return r == 0 ? machine_state_leaf(&approval->values, &name, approval->retire.bit, ret) : r;
}

int machine_approval_policy(const MachineApproval *approval, TPM2B_DIGEST *ret) {
        PolicyLeaf leaf;

        int r = approval_leaf(approval, &leaf);
        return r == 0 ? policy_leaf_digest(&leaf, ret) : r;
}

int machine_approval_apply(const MachineApproval *approval, const SysSession *session,
                           SysSession *hmac, ErrorDetail *detail) {
        const SysPolicyInputs inputs = { .index = &approval->retire.index, .hmac = hmac };
        PolicyLeaf leaf;

        int r = approval_leaf(approval, &leaf);
        return r == 0 ? sys_policy_apply(session, leaf.terms, leaf.count, &inputs, detail) : r;
}

int machine_approvals_explain(Tpm *tpm, const MachineApproval *approvals, size_t count,
                              ErrorDetail *detail) {
        TPM2_HANDLE seen = 0;
        int r = 0;

        for (size_t i = 0; r == 0 && i < count; i++) {
                const TpmIndex *index = &approvals[i].retire.index;
                _cleanup_(tpm_nv_close) TpmNv nv = {};

                if (index->handle == seen)
                        continue;
                seen = index->handle;
                r = tpm_nv_open(tpm, index, &nv, detail);
                if (r == 0)
                        r = tpm_nv_demand_written(&nv, index, detail);
        }
        return r == SEAL_E_NOT_FOUND ? SEAL_E_REGISTER_TAMPERED : r;
}

int machine_attempts_demand(size_t count, ErrorDetail *detail) {
        if (count > 0)
                return 0;
        return error_set(detail, SEAL_E_MACHINE_STATE_REFUSED,
                         "No machine state is approved, or all that were are retired; an "
                         "administrator runs 'sealctl machine-state approve'");
}

/* SEAL_E_BUSY is TPM_RC_PCR_CHANGED: what was proved before it counts no more. */
static int attempt_once(const MachineAttempts *attempts, const MachineApproval *approval,
                        ErrorDetail *detail) {
        int r = SEAL_E_BUSY;

        for (int i = 0; r == SEAL_E_BUSY && i < PCR_CHANGED_TRIES; i++)
                r = attempts->attempt(attempts->userdata, approval, detail);
        return r;
}

int machine_differing(const PcrSelection *selection, uint32_t differing, ErrorDetail *detail) {
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
        return error_set(detail, SEAL_E_MACHINE_STATE_REFUSED,
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
 * Try those that fit, in order.
 */
static int attempts_search(Tpm *tpm, const MachineAttempts *attempts, int refusal,
                           size_t *ret_approval, ErrorDetail *detail) {
        const MachineApproval *approvals = attempts->approvals, *refused = NULL;
        Search search = { .nearest = UINT32_MAX };
        ErrorDetail retired = {};
        bool fits;

        if (refusal == SEAL_E_APPROVAL_INVALID)
                refused = &approvals[0];
        for (size_t i = 0; i < attempts->count; i++) {
                int r = search_compare(&search, tpm, &approvals[i].values, &fits, detail);
                if (r != 0)
                        return r;
                if (!fits || &approvals[i] == refused)
                        continue;
                r = attempt_once(attempts, &approvals[i], detail);
                if (r == 0)
                        *ret_approval = i;
                if (r == SEAL_E_MACHINE_STATE_REFUSED && detail)
                        retired = *detail;
                else if (r != SEAL_E_APPROVAL_INVALID)
                        return r;
                else
                        refused = &approvals[i];
        }
        if (retired.text[0])
                return error_set(detail, SEAL_E_MACHINE_STATE_REFUSED, "%s", retired.text);
        if (refused)
                return tickets_refused(refused, detail);
        return machine_differing(&search.nearest_selection, search.nearest, detail);
}

int machine_attempts_run(Tpm *tpm, const MachineAttempts *attempts, size_t *ret_approval,
                         ErrorDetail *detail) {
        ErrorDetail refusal = {}; /* may be overcome by another approval */
        size_t approval = 0;

        int r = attempt_once(attempts, &attempts->approvals[0], &refusal);
        if (r == SEAL_E_MACHINE_STATE_REFUSED || r == SEAL_E_APPROVAL_INVALID)
                r = attempts_search(tpm, attempts, r, &approval, &refusal);
        if (r == 0)
                *ret_approval = approval;
        else if (refusal.text[0])
                (void) error_set(detail, r, "%s", refusal.text);
        return r;
}
