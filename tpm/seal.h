/* SPDX-License-Identifier: Apache-2.0 */
/* Seal keys: made under the SRK, used under their policy (design, section 3.1; tpm/sign.h). */
#pragma once

#include <tss2/tss2_tpm2_types.h>

#include "policy/algorithm.h"
#include "tpm/tpm.h"

/*
 * What TPM2_CertifyCreation (Part 3 §18.3) asks for: proof that this chip made the key, which needs
 * no authorisation by the key. hash.size 0: not kept.
 */
typedef struct SealBirth {
        TPM2B_DIGEST hash;
        TPMT_TK_CREATION ticket;
} SealBirth;

typedef struct SealKey {
        TPM2B_PUBLIC public;
        TPM2B_PRIVATE private; /* wrapped by the SRK */
        SealBirth birth;       /* of a key that was just made */
} SealKey;

/*
 * Create a seal key with policy as its authPolicy: fixedTPM, fixedParent, sensitiveDataOrigin,
 * sign, noDA; userWithAuth and adminWithPolicy clear; scheme NULL. With an auth (NULL: none) the
 * key has that authValue, encrypted on its way, and the chip guards it against guessing: noDA is
 * clear. The chip's answer is checked against the template. An RSA key can take a chip minutes.
 * SEAL_E_UNSUPPORTED when it does not make this kind.
 */
int tpm_seal_create(Tpm *tpm, const Algorithm *algorithm, const TPM2B_DIGEST *policy,
                    const Secret *auth, SealKey *ret, ErrorDetail *detail);
