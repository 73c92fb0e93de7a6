/* SPDX-License-Identifier: Apache-2.0 */
/* Verification of a plain signature with nothing but OpenSSL: no daemon, no TPM. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <openssl/evp.h>

#include "base/bytes.h"
#include "policy/algorithm.h"

/* The public key of PEM "PUBLIC KEY" or "CERTIFICATE" text; NULL when it is neither. */
EVP_PKEY *verify_key_parse(const char *pem, size_t size);

/* The algorithm of a seal that has this key; NULL when no seal has such a key. */
const Algorithm *verify_algorithm(EVP_PKEY *key);

/*
 * Is signature (DER ECDSA-Sig-Value, or the plain RSA block) the key's over this digest of md?
 * scheme is that of an RSA key: rsassa, rsapss (of any salt), or NULL for either.
 */
bool verify_digest(EVP_PKEY *key, const EVP_MD *md, const char *scheme, Bytes digest,
                   Bytes signature);
