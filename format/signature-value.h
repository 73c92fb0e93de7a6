/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of signatures: what of a message the key signs, and whether a value fits. The identity of
 * SM2 signers (policy/sm2.h) and the odd encodings of real files are known here only.
 */
#pragma once

#include <openssl/evp.h>
#include <tss2/tss2_tpm2_types.h>

#include "base/bytes.h"
#include "base/error.h"
#include "format/signature-algorithm.h"

/* How a value was written; RSA's has one way only and counts as DER. */
typedef enum SignatureEncoding {
        SIGNATURE_AS_DER, /* ECDSA-Sig-Value (RFC 3279 §2.2.3), SM2Signature (GB/T 35276) */
        SIGNATURE_AS_RAW, /* r ‖ s, each as long as a coordinate */
        SIGNATURE_AS_NON_MINIMAL, /* DER but for INTEGERs with zeros that are too many */
} SignatureEncoding;

/*
 * What the key signs of a message: its hash; for SM2 e = SM3(Z_A ‖ message) with the common
 * identity (policy/sm2.h). -ENOMEM, -EIO.
 */
int signature_digest(const SignatureAlgorithm *algorithm, EVP_PKEY *key, Bytes message,
                     TPM2B_DIGEST *ret);

/*
 * Is it the key's signature of the message? SEAL_E_APPROVAL_INVALID when not, whatever the reason;
 * -ENOMEM, -EIO. ret may be NULL, and is left where it is not.
 */
int signature_value_verify(const SignatureAlgorithm *algorithm, EVP_PKEY *key, Bytes message,
                           Bytes signature, SignatureEncoding *ret);

/* The same of what signature_digest() gives. */
int signature_value_verify_digest(const SignatureAlgorithm *algorithm, EVP_PKEY *key,
                                  const TPM2B_DIGEST *digest, Bytes signature,
                                  SignatureEncoding *ret);

/*
 * Is a signature of RSASSA-PSS salted with as many bytes as the hash has, as the identifiers that
 * we write say (RFC 4055 §3.1)? 0 for every other scheme, unlooked at. Errors as above.
 */
int signature_value_check_salt(const SignatureAlgorithm *algorithm, EVP_PKEY *key,
                               const TPM2B_DIGEST *digest, Bytes signature);
