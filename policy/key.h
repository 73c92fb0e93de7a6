/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public keys and signatures between three forms: PEM (people), EVP_PKEY (OpenSSL), TPM2B_PUBLIC
 * and TPMT_SIGNATURE (the chip). External keys (authority, approvers) always get one fixed
 * template: nameAlg SHA-256, sign | userWithAuth, symmetric, scheme and kdf NULL, exponent 0, so
 * that everybody computes the same Name (design, section 3). Accepted: P-256, P-384, and RSA of
 * 2048, 3072 or 4096 bits with exponent 65537.
 */
#pragma once

#include <openssl/evp.h>
#include <tss2/tss2_tpm2_types.h>

#include "base/bytes.h"
#include "base/error.h"

/* From PEM "PUBLIC KEY" or "CERTIFICATE" (at most PEM_MAX bytes). SEAL_E_INVALID_ARGS otherwise. */
int external_key_parse(const char *pem, size_t size, TPM2B_PUBLIC *ret, ErrorDetail *detail);

/* From a key object (a private key serves too; only its public half is used). */
int external_key_from_pkey(EVP_PKEY *key, TPM2B_PUBLIC *ret, ErrorDetail *detail);

/*
 * The Name of an object: nameAlg ‖ SHA-256(TPMT_PUBLIC) (Part 1 §16). SEAL_E_UNSUPPORTED for a
 * nameAlg other than SHA-256.
 */
int public_name(const TPM2B_PUBLIC *public, TPM2B_NAME *ret);

/*
 * A new EVP_PKEY (free with EVP_PKEY_free) of the public area: those above, and SM2. Returns
 * SEAL_E_UNSUPPORTED for others, -EINVAL when the point or modulus is not one.
 */
int public_to_pkey(const TPM2B_PUBLIC *public, EVP_PKEY **ret);

/* DER SubjectPublicKeyInfo; *ret is malloc'ed. */
int public_to_spki(const TPM2B_PUBLIC *public, uint8_t **ret, size_t *ret_size);

/* PEM "PUBLIC KEY"; *ret is malloc'ed, zero-terminated. */
int public_to_pem(const TPM2B_PUBLIC *public, char **ret);

/*
 * A signature as `openssl dgst -sha256 -sign` writes it (DER ECDSA-Sig-Value, or the RSA PKCS #1
 * v1.5 block) in the chip's form. Returns SEAL_E_APPROVAL_INVALID when it has not that shape, and
 * SEAL_E_UNSUPPORTED for a key that is not one of the external kinds.
 */
int signature_from_openssl(const TPM2B_PUBLIC *key, Bytes der, TPMT_SIGNATURE *ret);

/*
 * ECDSA-Sig-Value DER (SM2's R and S likewise, GB/T 35276 §7.3), or the plain RSA block; *ret is
 * malloc'ed. SEAL_E_UNSUPPORTED for other algorithms.
 */
int signature_to_openssl(const TPMT_SIGNATURE *signature, uint8_t **ret, size_t *ret_size);

/*
 * Verify SHA-256 signature bytes (openssl's form) over a message. Returns SEAL_E_APPROVAL_INVALID
 * when they do not fit.
 */
int signature_verify(const TPM2B_PUBLIC *key, Bytes message, Bytes der);
