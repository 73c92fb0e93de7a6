/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signer's part of an SM2 digest: a seal signs e = SM3(Z_A ‖ document), where Z_A hashes the
 * signer's identity, the curve and his public key (GB/T 32918.2 §5.5). The chip knows nothing of
 * it: whoever hashes the document begins with Z_A, which is DigestPrefix on the bus.
 */
#pragma once

#include <openssl/evp.h>
#include <tss2/tss2_tpm2_types.h>

/* The identity where none is agreed (GM/T 0009): openssl's `distid`. */
#define SM2_IDENTITY "1234567812345678"

/*
 * Z_A of an SM2 key, 32 bytes; empty for every other key. -EINVAL for a point that is too large,
 * -ENOMEM.
 */
int sm2_prefix(const TPM2B_PUBLIC *public, TPM2B_DIGEST *ret);

/* The same of a key object. */
int sm2_prefix_of_pkey(EVP_PKEY *key, TPM2B_DIGEST *ret);
