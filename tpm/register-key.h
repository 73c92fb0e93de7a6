/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The register key: 32 bytes that the chip keeps sealed under the SRK (KEYEDHASH, scheme NULL,
 * fixedTPM, fixedParent, noDA, adminWithPolicy) and hands out in an approved machine state only
 * (design, section 3; policy/register-policy.h has the policy). They pass encrypted, in salted
 * sessions, and no copy of them stays in this layer's memory after an unsealing.
 */
#pragma once

#include <tss2/tss2_tpm2_types.h>

#include "tpm/machine-approval.h"
#include "tpm/tpm.h"

#define REGISTER_KEY_SIZE 32U

/*
 * Seal the key (REGISTER_KEY_SIZE bytes, else -EINVAL) under that policy. The chip's answer is
 * checked against the template.
 */
int tpm_register_key_create(Tpm *tpm, const TPM2B_DIGEST *policy, const Secret *key,
                            TPM2B_PUBLIC *ret_public, TPM2B_PRIVATE *ret_private,
                            ErrorDetail *detail);

typedef struct RegisterKeyUse {
        const TPM2B_PUBLIC *public;
        const TPM2B_PRIVATE *private;
        const TPM2B_NAME *authority;
        const char *profile;
        const MachineApproval *approvals; /* tried as machine_attempts_run() does */
        size_t approval_count;
} RegisterKeyUse;

/*
 * Unseal. SEAL_E_MACHINE_STATE_REFUSED (the detail names the PCRs that differ, or says that nothing
 * is approved), SEAL_E_APPROVAL_INVALID, SEAL_E_BUSY (PCRs kept changing), SEAL_E_REGISTER_TAMPERED
 * (the object is not one that this makes for that authority and profile, or the chip does not take
 * the blob). Wipe the result.
 */
int tpm_register_key_unseal(Tpm *tpm, const RegisterKeyUse *use, Secret *ret, ErrorDetail *detail);
