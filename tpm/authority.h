/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The authority key: external (only its public half is known) or resident in the chip, a child of
 * the SRK with the administrators' passphrase, protected against guessing (noDA clear).
 *
 * The resident key's authValue is SHA-256("sealsd/authority/passphrase" ‖ passphrase), since an
 * authValue is at most as long as the nameAlg's digest (Part 1 §19.6.4.3).
 */
#pragma once

#include <tss2/tss2_tpm2_types.h>

#include "base/bytes.h"
#include "tpm/tpm.h"

typedef struct TpmAuthority {
        bool resident;
        TPM2B_PUBLIC public;
        TPM2B_PRIVATE private; /* resident only */
} TpmAuthority;

/* Make a resident P-256 authority. */
int tpm_authority_create(Tpm *tpm, const Secret *passphrase, TpmAuthority *ret,
                         ErrorDetail *detail);

/*
 * Sign SHA-256(message) with a resident authority in a salted session.
 * SEAL_E_WRONG_PIN, SEAL_E_TPM_LOCKOUT, both with what the chip says about tries in the detail.
 */
int tpm_authority_sign(Tpm *tpm, const TpmAuthority *authority, const Secret *passphrase,
                       Bytes message, TPMT_SIGNATURE *ret, ErrorDetail *detail);

/*
 * TPM2_VerifySignature over approvedPolicy ‖ ref with the authority loaded into the owner
 * hierarchy; the ticket serves PolicyAuthorize until TPM2_Clear. SEAL_E_APPROVAL_INVALID when the
 * signature does not fit.
 */
int tpm_authority_ticket(Tpm *tpm, const TpmAuthority *authority,
                         const TPM2B_DIGEST *approved_policy, const TPM2B_DIGEST *ref,
                         const TPMT_SIGNATURE *signature, TPMT_TK_VERIFIED *ret,
                         ErrorDetail *detail);
