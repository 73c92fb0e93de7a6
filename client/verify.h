/* SPDX-License-Identifier: Apache-2.0 */
/* Verification of a plain signature with nothing but OpenSSL: no daemon, no TPM. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <openssl/evp.h>

#include "base/bytes.h"

/* The public key of PEM "PUBLIC KEY" or "CERTIFICATE" text; NULL when it is neither. */
EVP_PKEY *verify_key_parse(const char *pem, size_t size);

/* Is signature (DER ECDSA-Sig-Value, or RSA PKCS #1 v1.5) the key's over this digest of md? */
bool verify_digest(EVP_PKEY *key, const EVP_MD *md, Bytes digest, Bytes signature);
