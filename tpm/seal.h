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

/*
 * TPM2_ObjectChangeAuth (Part 3 §12.8): the same key wrapped with another authValue, which passes
 * encrypted, in a session that the old one authorises. What comes back is loaded once before it is
 * handed out. The old blob works with the old authValue for ever: that it is nowhere any more is
 * the caller's to see to.
 *
 * SEAL_E_WRONG_PIN with the tries left, SEAL_E_TPM_LOCKOUT with the seconds (tpm/pin.h);
 * SEAL_E_REGISTER_TAMPERED when the chip does not take the blob, also when it takes part in no
 * dictionary-attack protection: such a key was not made with a PIN.
 */
int tpm_seal_change_auth(Tpm *tpm, const SealKey *key, const Secret *old, const Secret *new,
                         TPM2B_PRIVATE *ret, ErrorDetail *detail);
