/* SPDX-License-Identifier: Apache-2.0 */
/* Signing keys under the SRK, and the public halves of external ones. */
#pragma once

#include <stdbool.h>

#include <tss2/tss2_tpm2_types.h>

#include "tpm/handle.h"
#include "tpm/tpm.h"

/*
 * TPM2_Create under the SRK. auth (may be NULL) is encrypted on its way. The answer has to have
 * every field of the template but the point or modulus: SEAL_E_TPM_FAILURE otherwise.
 */
int tpm_key_create(Tpm *tpm, const TPM2B_PUBLIC *template, const Secret *auth,
                   TPM2B_PUBLIC *ret_public, TPM2B_PRIVATE *ret_private, ErrorDetail *detail);

/* The same with what TPM2_CertifyCreation asks for (Part 3 §18.3). */
int tpm_key_create_proved(Tpm *tpm, const TPM2B_PUBLIC *template, const Secret *auth,
                          TPM2B_PUBLIC *ret_public, TPM2B_PRIVATE *ret_private,
                          TPM2B_DIGEST *ret_hash, TPMT_TK_CREATION *ret_ticket,
                          ErrorDetail *detail);

/*
 * The same for a data object: the chip seals these bytes, encrypted on their way. -EINVAL for none,
 * or more than 128, which is what every chip takes (MAX_SYM_DATA, Part 2 §11.1.13).
 */
int tpm_key_seal(Tpm *tpm, const TPM2B_PUBLIC *template, const Secret *data,
                 TPM2B_PUBLIC *ret_public, TPM2B_PRIVATE *ret_private, ErrorDetail *detail);

/*
 * Whether every field of both is the same but the point, modulus or digest that is the key's own.
 */
bool tpm_key_matches(const TPM2B_PUBLIC *template, const TPM2B_PUBLIC *public);

/*
 * TPM2_Load under the SRK; session NULL: its empty auth as a password. SEAL_E_REGISTER_TAMPERED
 * when the chip does not take the blob.
 */
int tpm_key_load(Tpm *tpm, const TpmHandle *session, const TPM2B_PUBLIC *public,
                 const TPM2B_PRIVATE *private, TpmHandle *ret, ErrorDetail *detail);

/*
 * For inspections: whether the chip still takes the blob, and tells in a session the public area
 * and the authPolicy that the register has. SEAL_E_REGISTER_TAMPERED with what is wrong.
 */
int tpm_key_check(Tpm *tpm, const TPM2B_PUBLIC *public, const TPM2B_PRIVATE *private,
                  const TPM2B_DIGEST *policy, ErrorDetail *detail);

/*
 * TPM2_LoadExternal of a public area into the owner hierarchy: a ticket of a key in the NULL
 * hierarchy is empty, and PolicyAuthorize refuses it (Part 3 §20.1).
 */
int tpm_key_load_external(Tpm *tpm, const TPM2B_PUBLIC *public, TpmHandle *ret,
                          ErrorDetail *detail);

/* ECDSA over a SHA-256 digest: what an authority signs with. */
extern const TPMT_SIG_SCHEME ecdsa_sha256;

/* TPM2_Sign of a digest with that scheme, and the NULL ticket (the key is unrestricted). */
int tpm_key_sign(const TpmHandle *key, const TpmHandle *session, const TPM2B_DIGEST *digest,
                 const TPMT_SIG_SCHEME *scheme, TPMT_SIGNATURE *ret, ErrorDetail *detail);
