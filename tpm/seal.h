/* SPDX-License-Identifier: Apache-2.0 */
/* Seal keys: made under the SRK, used under their policy (design, section 3.1; tpm/sign.h). */
#pragma once

#include <tss2/tss2_tpm2_types.h>

#include "policy/algorithm.h"
#include "tpm/tpm.h"

typedef struct SealKey {
        TPM2B_PUBLIC public;
        TPM2B_PRIVATE private; /* wrapped by the SRK */
} SealKey;

/*
 * Create a seal key with policy as its authPolicy: fixedTPM, fixedParent, sensitiveDataOrigin,
 * sign, noDA; userWithAuth and adminWithPolicy clear; scheme NULL. The chip's answer is checked
 * against the template. An RSA key can take a chip minutes. SEAL_E_UNSUPPORTED when it does not
 * make this kind.
 */
int tpm_seal_create(Tpm *tpm, const Algorithm *algorithm, const TPM2B_DIGEST *policy, SealKey *ret,
                    ErrorDetail *detail);
