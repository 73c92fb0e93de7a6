/* SPDX-License-Identifier: Apache-2.0 */
/* Fixed keys of the external kinds, read from PEM once. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <tss2/tss2_tpm2_types.h>

#include "base/bytes.h"

/* 0: P-256, 1: P-384, 2: RSA 2048; any other number is one of these. */
const TPM2B_PUBLIC *fuzz_key(unsigned number);

#define FUZZ_SIGNATURE_MAX 72 /* ECDSA-Sig-Value with P-256 */

/* SHA-256 with key 0, as openssl has it; returns the size. */
size_t fuzz_sign(Bytes message, uint8_t ret[static FUZZ_SIGNATURE_MAX]);
