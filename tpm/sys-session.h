/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session opened by SAPI, salted to the SRK (Part 1 §19): the chip and we share a key that nobody
 * on the way knows, so an altered command is refused by the chip, and an altered answer by us.
 * ESAPI has the same and takes four times as long (design, section 3.3); the path of a signature is
 * worth it. A session of one is never used through the other. They continue after use.
 */
#pragma once

#include <tss2/tss2_sys.h>

#include "tpm/salt.h"
#include "tpm/tpm.h"

typedef struct SysSession {
        Tpm *tpm; /* NULL: not open */
        TPM2_HANDLE handle;
        TPMA_SESSION attributes;
        TPM2B_NONCE nonce_tpm;    /* the last one; rolls with every success */
        TPM2B_NONCE nonce_caller; /* of the command that the last good answer was to */
        uint8_t key[SESSION_KEY_SIZE];
} SysSession;

/* What authorises one command, and what its answer must be authorised by. */
typedef struct SysProof {
        const SysSession *session;
        const TPM2B_AUTH *auth; /* of the entity, in an HMAC session; NULL for none */
        TPM2B_NONCE nonce_caller;
} SysProof;

/*
 * type: TPM2_SE_HMAC or TPM2_SE_POLICY; encrypts: SESSION_PLAIN or SESSION_ANSWER. Errors of
 * tpm_srk_rc().
 */
int sys_session_open(Tpm *tpm, TPM2_SE type, TPMA_SESSION encrypts, SysSession *ret,
                     ErrorDetail *detail);

/* Flushes, wipes. Idempotent. */
void sys_session_close(SysSession *session);

/*
 * The authorisation of a command whose cpHash is given (Part 1 §19.6.5), with a fresh nonce.
 * -EIO when libcrypto fails.
 */
int sys_session_authorise(SysProof *proof, const TPM2B_DIGEST *cphash, TPMS_AUTH_COMMAND *ret);

/*
 * Whether the answer with that rpHash comes from the chip: 0, and the session goes on with its
 * nonce; SEAL_E_TPM_UNAVAILABLE when it was altered; -EIO.
 */
int sys_session_accept(SysSession *session, const SysProof *proof, const TPM2B_DIGEST *rphash,
                       const TPMS_AUTH_RESPONSE *response);

/*
 * Decrypt the first parameter (its bytes behind the size) of the last good answer, to a command
 * that this session authorised for an entity with an empty authValue, where it stands. -ENOMEM or
 * -EIO.
 */
int sys_session_decrypt(const SysSession *session, uint8_t *data, size_t size);
