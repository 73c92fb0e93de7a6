/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a signature needs in the chip and leaves there for the next one: the seal's key, a policy
 * session, and an HMAC session for the revocation index. Loading and salting cost more commands
 * than signing; a second signature with the same seal sends none of them.
 */
#pragma once

#include "tpm/handle.h"
#include "tpm/seal.h"
#include "tpm/sys-policy.h"
#include "tpm/sys-session.h"

typedef struct Signer {
        SysSession hmac;
        SysPolicySession policy;
        TpmHandle key;
        TPM2_HANDLE key_handle;
        TPM2B_NAME key_name;
        TPM2B_PRIVATE key_private; /* with another one the same key has another PIN */
} Signer;

/*
 * Have the key, another seal's being flushed, and the HMAC session; and the policy session for
 * those who bring none. Errors of tpm_key_load(), tpm_srk_rc().
 */
int signer_prepare(Tpm *tpm, const SealKey *key, ErrorDetail *detail);
int signer_prepare_policy(Tpm *tpm, ErrorDetail *detail);

/* Flush all. Idempotent. */
void signer_close(Signer *signer);
