/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a signature needs in the chip and leaves there for the next one: the seal's key, a policy
 * session, and an HMAC session for the revocation index. Loading and salting cost more commands
 * than signing; a second signature with the same seal sends none of them.
 */
#pragma once

#include "tpm/handle.h"
#include "tpm/seal.h"
#include "tpm/sys-session.h"

typedef struct Signer {
        SysSession hmac;
        SysSession policy;
        bool policy_used; /* terms were applied and not consumed: TPM2_PolicyRestart first */
        TpmHandle key;
        TPM2_HANDLE key_handle;
        TPM2B_NAME key_name;
} Signer;

/*
 * Have all three, for that key; another seal's is flushed. Errors of tpm_key_load(), tpm_srk_rc().
 */
int signer_prepare(Tpm *tpm, const SealKey *key, ErrorDetail *detail);

/* Flush all. Idempotent. */
void signer_close(Signer *signer);
