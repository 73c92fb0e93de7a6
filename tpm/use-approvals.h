/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The approvals of one use of a seal, as its approvers signed the bytes of policy/use-approval.h.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <tss2/tss2_tpm2_types.h>

#include "policy/seal-policy.h"
#include "tpm/live-use.h"
#include "tpm/tpm.h"

typedef struct ApproverSignature {
        unsigned approver; /* of the seal's policy, from 0 */
        TPM2B_PUBLIC key;  /* in the template of external keys (policy/key.h) */
        TPMT_SIGNATURE signature;
} ApproverSignature;

/*
 * Whether the chip can verify what this key signs, asked before a seal is made that would never
 * sign otherwise. SEAL_E_UNSUPPORTED.
 */
int tpm_approver_try(Tpm *tpm, const TPM2B_PUBLIC *key, ErrorDetail *detail);

typedef struct UseApprovals {
        unsigned approvers;                  /* a set: bit n is approver n */
        size_t count;                        /* as many as the seal's threshold */
        const ApproverSignature *signatures; /* in index order, which is part of the policy */
        LiveUse *live;                       /* whose nonce they signed; NULL: deferred */
        int32_t expiration;                  /* that they signed; 0 for deferred ones */
} UseApprovals;

/*
 * Whether the chip need be asked at all. SEAL_E_APPROVAL_REQUIRED for less than the threshold,
 * SEAL_E_APPROVAL_INVALID for a key that is not the approver's, SEAL_E_APPROVAL_USED for a live use
 * that the chip has signed, -EINVAL for other signatures than the set has, for more than the
 * threshold, and for an expiration of the other kind. NULL is none.
 */
int use_approvals_check(const UseApprovals *approvals, const SealPolicy *policy,
                        ErrorDetail *detail);
