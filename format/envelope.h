/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CMS EnvelopedData (RFC 5652 §6) to the holder of one certificate: for what Initialize hands to
 * escrow. AES-256-CBC content encryption; the recipient's key may be RSA or EC.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

/*
 * SEAL_E_INVALID_ARGS when pem is no certificate that can receive, SEAL_E_LIMITS_EXCEEDED beyond
 * PEM_MAX bytes, -ENOMEM.
 */
int envelope_check(const char *pem, size_t size, ErrorDetail *detail);

/* DER into malloc'ed *ret. `openssl cms -decrypt -inform DER` opens it. */
int envelope_encrypt(const char *pem, size_t size, Bytes content, uint8_t **ret, size_t *ret_size,
                     ErrorDetail *detail);
