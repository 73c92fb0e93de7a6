/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NV indices in the chip (design, section 3.2; policy/index.h has their public areas and policies).
 */
#pragma once

#include <stdint.h>

#include <tss2/tss2_tpm2_types.h>

#include "policy/index.h"
#include "tpm/authority.h"
#include "tpm/tpm.h"

typedef struct TpmIndex {
        IndexKind kind;
        TPM2_HANDLE handle;
        TPM2B_NAME authority;
        Secret auth; /* 32 bytes */
} TpmIndex;

typedef enum TpmIndexState {
        TPM_INDEX_ABSENT,
        TPM_INDEX_FOREIGN,   /* another public area than ours at that handle */
        TPM_INDEX_UNWRITTEN, /* ours, waiting for the authority's first write */
        TPM_INDEX_WRITTEN,
        TPM_INDEX_LOCKED, /* written and read-locked until the next boot */
} TpmIndexState;

int tpm_index_state(Tpm *tpm, const TpmIndex *index, TpmIndexState *ret, ErrorDetail *detail);

/*
 * TPM2_NV_DefineSpace by the owner, the index's auth encrypted on its way. SEAL_E_ALREADY_EXISTS,
 * SEAL_E_TPM_FULL (the detail says that NV space is short), SEAL_E_WRONG_PIN (owner auth).
 */
int tpm_index_define(Tpm *tpm, const TpmIndex *index, const Secret *owner_auth,
                     ErrorDetail *detail);

/* TPM2_NV_UndefineSpace by the owner; of an absent index, 0. SEAL_E_WRONG_PIN. */
int tpm_index_undefine(Tpm *tpm, TPM2_HANDLE handle, const Secret *owner_auth, ErrorDetail *detail);

/*
 * The later branch: set bits of a revocation or state index. SEAL_E_NOT_FOUND when the index is
 * gone, SEAL_E_REGISTER_TAMPERED when it is foreign, unwritten, or refuses our auth.
 */
int tpm_index_set_bits(Tpm *tpm, const TpmIndex *index, uint64_t bits, ErrorDetail *detail);

/* Read the bits with the index's own auth. Errors as above; SEAL_E_LOCKED when read-locked. */
int tpm_index_read_bits(Tpm *tpm, const TpmIndex *index, uint64_t *ret, ErrorDetail *detail);

/*
 * TPM2_NV_ReadLock of a revocation index (Part 3 §31.14), by its auth in a salted session: from
 * then on no PolicyNV at it succeeds until TPM Reset or Restart; a session that has passed it is
 * for the fence to end (tpm/machine.h). Of a locked one, 0. Errors as above.
 */
int tpm_index_read_lock(Tpm *tpm, const TpmIndex *index, ErrorDetail *detail);

/*
 * The later branch of a ledger index: its value becomes ledger_value_next() of the one before.
 * Errors as tpm_index_set_bits(). After SEAL_E_TPM_UNAVAILABLE the chip may have done it: read the
 * value before extending again.
 */
int tpm_index_extend(Tpm *tpm, const TpmIndex *index, const uint8_t head[static LEDGER_VALUE_SIZE],
                     ErrorDetail *detail);

/* Read the value with the index's own auth, the answer's HMAC checked. Errors as above. */
int tpm_index_read_value(Tpm *tpm, const TpmIndex *index, uint8_t ret[static LEDGER_VALUE_SIZE],
                         ErrorDetail *detail);

/*
 * A first write that waits for the authority: a policy session whose nonceTPM is part of the bytes
 * to be signed. The session is held in the chip (or by its resource manager) until free.
 */
typedef struct TpmChallenge TpmChallenge;

/*
 * value: 8 bytes (bits, big-endian) for an index of bits, 32 (genesis) for a ledger index. The
 * Tpm has to outlive the challenge. SEAL_E_ALREADY_EXISTS when the index is written,
 * SEAL_E_NOT_FOUND, SEAL_E_REGISTER_TAMPERED when it is foreign.
 */
int tpm_challenge_new(TpmChallenge **ret, Tpm *tpm, const TpmIndex *index, Bytes value,
                      ErrorDetail *detail);
TpmChallenge *tpm_challenge_free(TpmChallenge *challenge);
DEFINE_CLEANUP(TpmChallenge, tpm_challenge_free)

/* nonceTPM ‖ 00000000 ‖ cpHash ‖ policyRef: what the authority signs. Owned by the challenge. */
Bytes tpm_challenge_bytes(const TpmChallenge *challenge);

/*
 * Write: PolicyNvWritten(no), PolicySigned, PolicyOR, then NV_SetBits or NV_Extend of the value.
 * SEAL_E_APPROVAL_INVALID for a signature that does not fit; the challenge stays usable then.
 * SEAL_E_APPROVAL_USED when it was answered; else as tpm_challenge_new(). After success the chip
 * holds no session for it.
 */
int tpm_challenge_answer(TpmChallenge *challenge, const TpmAuthority *authority,
                         const TPMT_SIGNATURE *signature, ErrorDetail *detail);
