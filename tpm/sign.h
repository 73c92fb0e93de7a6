/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The use of a seal's key under its policy (design, section 3.1). In the steady state, the same
 * seal again, a signature is four commands: PolicyPCR, PolicyAuthorize, PolicyNV, Sign. A PIN adds
 * PolicyAuthValue, each approval LoadExternal, PolicySigned and FlushContext, and the choice
 * between combinations of approvers PolicyOR.
 */
#pragma once

#include <stdbool.h>

#include <tss2/tss2_tpm2_types.h>

#include "policy/seal-policy.h"
#include "tpm/index.h"
#include "tpm/machine-approval.h"
#include "tpm/seal.h"
#include "tpm/tpm.h"
#include "tpm/use-approvals.h"

typedef struct SealUse {
        const SealKey *key;
        const SealPolicy *policy;
        const TpmIndex *index;
        const MachineApproval *approvals; /* tried in this order */
        size_t approval_count;
        TPMT_SIG_SCHEME scheme; /* of algorithm_scheme() */
        TPM2B_DIGEST digest;
        const Secret *pin;             /* as its keeper says it; NULL: none */
        const UseApprovals *signed_by; /* NULL: nobody */
        bool *asked; /* may be NULL; set when TPM2_Sign is sent: the chip may have done it */
} SealUse;

/*
 * Satisfy the policy in a salted session and TPM2_Sign, by SAPI, with HMACs checked both ways; what
 * was loaded stays for the next signature (tpm_release()). Approvals are tried as
 * machine_attempts_run() does.
 *
 * Returns SEAL_E_MACHINE_STATE_REFUSED (the detail names the PCRs that differ from the nearest
 * approval), SEAL_E_REVOKED (the bit is set, as it was read in a session), SEAL_E_LOCKED (the index
 * is read-locked), SEAL_E_REGISTER_TAMPERED (index missing, unwritten or foreign, blob not ours,
 * policy not the key's), SEAL_E_APPROVAL_INVALID (the chip takes the ticket of no approval that
 * fits: other authority or profile), SEAL_E_BUSY (PCRs kept changing), SEAL_E_INVALID_ARGS (digest
 * and hash do not fit), SEAL_E_UNSUPPORTED (the chip lacks scheme or hash). ret_approval (may be
 * NULL) is the position of the approval that served.
 *
 * Of seals that need more than the machine: SEAL_E_PIN_REQUIRED, SEAL_E_WRONG_PIN (the detail says
 * how many tries are left), SEAL_E_TPM_LOCKOUT (the chip takes no PIN now, nor the right one; the
 * detail says how long); the conditions of use_approvals_check(); SEAL_E_APPROVAL_INVALID also for
 * a signature that is not the approver's over this document with this seal, SEAL_E_APPROVAL_EXPIRED
 * for a live one that came too late. After each of them approvals and LiveUse are as good as
 * before; after success the LiveUse is spent.
 */
int tpm_seal_sign(Tpm *tpm, const SealUse *use, TPMT_SIGNATURE *ret, size_t *ret_approval,
                  ErrorDetail *detail);
