/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Approved machine states, and the use of whatever opens only in one of them: a seal's key, the
 * register's key.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <tss2/tss2_tpm2_types.h>

#include "policy/pcr.h"
#include "tpm/index.h"
#include "tpm/sys-session.h"
#include "tpm/tpm.h"

/* The bit of a state index that retires a machine state; handle 0: none does. */
typedef struct StateBit {
        TpmIndex index; /* of kind INDEX_STATE */
        unsigned bit;
} StateBit;

/* An approved machine state: what PolicyPCR must find, and the authority's word for it. */
typedef struct MachineApproval {
        PcrValues values;
        StateBit retire;
        TPM2B_DIGEST policy; /* machine_approval_policy() */
        TPMT_SIGNATURE signature;
        TPMT_TK_VERIFIED ticket; /* of tpm_authority_ticket */
} MachineApproval;

/*
 * Take a policy session from its start through what was approved: what PolicyAuthorize demands and
 * replaces (Part 3 §23.16); hmac authorises the PolicyNV of one that can be retired. -EINVAL when
 * values are missing, else sys_policy_apply()'s errors.
 */
int machine_approval_apply(const MachineApproval *approval, const SysSession *session,
                           SysSession *hmac, ErrorDetail *detail);

/* The approvedPolicy of its values and its bit. -EINVAL when values are missing. */
int machine_approval_policy(const MachineApproval *approval, TPM2B_DIGEST *ret);

/*
 * The chip said no more than that an authorisation is wrong, or that there is no such handle: look
 * whether the state indices of these are in order. SEAL_E_REGISTER_TAMPERED says what is not.
 */
int machine_approvals_explain(Tpm *tpm, const MachineApproval *approvals, size_t count,
                              ErrorDetail *detail);

typedef struct MachineAttempts {
        const MachineApproval *approvals; /* tried in this order */
        size_t count;
        /* Policy and use with one approval, from the start: it may be called again. */
        int (*attempt)(void *userdata, const MachineApproval *approval, ErrorDetail *detail);
        void *userdata;
} MachineAttempts;

/* SEAL_E_MACHINE_STATE_REFUSED, naming these PCRs, which differ from the nearest approval. */
int machine_differing(const PcrSelection *selection, uint32_t differing, ErrorDetail *detail);

/* SEAL_E_MACHINE_STATE_REFUSED, with what is to be done, when there is no approval. */
int machine_attempts_demand(size_t count, ErrorDetail *detail);

/*
 * The first approval (there has to be one) is tried at once; only when the chip refuses it are PCRs
 * read and those that fit them tried, in order; one that fits and is refused was retired. An
 * attempt that is SEAL_E_BUSY (TPM_RC_PCR_CHANGED) is made again, a bounded number of times.
 *
 * SEAL_E_MACHINE_STATE_REFUSED (the detail names the PCRs that differ from the nearest approval),
 * SEAL_E_APPROVAL_INVALID (the chip takes the ticket of no approval that fits: other authority or
 * profile), SEAL_E_BUSY, else what the attempt returned. ret_approval is the position of the one
 * that served. The detail stays as it was when one did.
 */
int machine_attempts_run(Tpm *tpm, const MachineAttempts *attempts, size_t *ret_approval,
                         ErrorDetail *detail);
