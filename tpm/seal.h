/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seal keys: made under the SRK, used under their policy (design, section 3.1).
 */
#pragma once

#include <tss2/tss2_tpm2_types.h>

#include "policy/pcr.h"
#include "policy/seal-policy.h"
#include "tpm/index.h"
#include "tpm/tpm.h"

typedef struct SealKey {
        TPM2B_PUBLIC public;
        TPM2B_PRIVATE private; /* wrapped by the SRK */
} SealKey;

/* An approved machine state: what PolicyPCR must find, and the authority's word for it. */
typedef struct MachineApproval {
        PcrValues values;
        TPM2B_DIGEST policy; /* machine_state_policy(values) */
        TPMT_SIGNATURE signature;
        TPMT_TK_VERIFIED ticket; /* of tpm_authority_ticket */
} MachineApproval;

/*
 * Create an ECDSA P-256 seal key with policy as its authPolicy: fixedTPM, fixedParent,
 * sensitiveDataOrigin, sign, noDA; userWithAuth and adminWithPolicy clear; scheme NULL. The chip's
 * answer is checked against the template.
 */
int tpm_seal_create(Tpm *tpm, const TPM2B_DIGEST *policy, SealKey *ret, ErrorDetail *detail);

typedef struct SealUse {
        const SealKey *key;
        const SealPolicy *policy;
        const TpmIndex *index;
        const MachineApproval *approvals; /* tried in this order */
        size_t approval_count;
        TPMI_ALG_HASH hash; /* of the digest: SHA-256, SHA-384, SHA-512 */
        TPM2B_DIGEST digest;
} SealUse;

/*
 * Load, satisfy the policy in a salted session, TPM2_Sign, flush. The first approval is tried at
 * once; only when the chip refuses it are PCRs read and those that fit them tried, in order.
 * TPM_RC_PCR_CHANGED restarts, a bounded number of times.
 *
 * Returns SEAL_E_MACHINE_STATE_REFUSED (the detail names the PCRs that differ from the nearest
 * approval), SEAL_E_REVOKED (the bit is set), SEAL_E_LOCKED (the index is read-locked),
 * SEAL_E_REGISTER_TAMPERED (index missing, unwritten or foreign, blob not ours, policy not the
 * key's), SEAL_E_APPROVAL_INVALID (the chip takes the ticket of no approval that fits: other
 * authority or profile), SEAL_E_BUSY (PCRs kept changing), SEAL_E_INVALID_ARGS (digest and hash do not fit), and
 * SEAL_E_PIN_REQUIRED or SEAL_E_APPROVAL_REQUIRED for seals that need more than the machine.
 * ret_approval (may be NULL) is the position of the approval that served.
 */
int tpm_seal_sign(Tpm *tpm, const SealUse *use, TPMT_SIGNATURE *ret, size_t *ret_approval,
                  ErrorDetail *detail);
