/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The secret that a session begins with: agreed on with the SRK by ECDH, and the session's key that
 * is derived from it (Part 1 §11.4.10, §19.6.8, Annex C.6.1). For sessions that are opened without
 * ESAPI.
 */
#pragma once

#include <tss2/tss2_tpm2_types.h>

#include "tpm/tpm.h"

#define SESSION_KEY_SIZE TPM2_SHA256_DIGEST_SIZE

/*
 * A fresh salt for the P-256 key parent: what is sent to the chip, and the secret itself, which is
 * the caller's to wipe. -EIO or -ENOMEM when libcrypto fails, -EINVAL when parent is no point.
 */
int salt_new(const TPM2B_PUBLIC *parent, TPM2B_ENCRYPTED_SECRET *ret_encrypted,
             uint8_t ret_salt[static SESSION_KEY_SIZE]);

/* KDFa(SHA-256, salt, "ATH", nonceTPM, nonceCaller, 256). Wipe the result. */
int session_key_derive(const uint8_t salt[static SESSION_KEY_SIZE], const TPM2B_NONCE *nonce_tpm,
                       const TPM2B_NONCE *nonce_caller, uint8_t ret[static SESSION_KEY_SIZE]);

/*
 * KDFa(SHA-256, session key, "CFB", nonceTPM, nonceCaller, 256): AES-128's key and then its IV,
 * with which an answer's first parameter is encrypted (Part 1 §21.3). Wipe the result.
 */
int answer_key_derive(const uint8_t key[static SESSION_KEY_SIZE], const TPM2B_NONCE *nonce_tpm,
                      const TPM2B_NONCE *nonce_caller, uint8_t ret[static SESSION_KEY_SIZE]);
