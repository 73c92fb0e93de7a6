/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reviewer's key and what it signs. Once one is registered, decisions under its UID count only
 * with its signature: root, who can become any user, has not the key.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <tss2/tss2_tpm2_types.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/limits.h"
#include "sealsd/request.h"
#include "sealsd/subject.h"

typedef struct Reviewer {
        Subject subject; /* a user */
        char pem[KEY_PEM_MAX + 1];
        uint64_t registered;
        Subject by;
} Reviewer;

/* "sealsd/reviewer/replace", a zero, a subject, a zero, a digest. */
#define REVIEWER_BYTES_MAX (64 + SUBJECT_MAX)

/*
 * Fill pem from a key that somebody brings, in the form that we write. SEAL_E_INVALID_ARGS for one
 * of another kind (policy/key.h says which are accepted) or a subject that is no user.
 */
int reviewer_complete(Reviewer *reviewer, Bytes pem, ErrorDetail *detail);

/* SHA-256 of the key's DER SubjectPublicKeyInfo: how the ledger names a key. */
int reviewer_key_hash(const Reviewer *reviewer, uint8_t ret[static TPM2_SHA256_DIGEST_SIZE]);

/*
 * "sealsd/reviewer/replace" ‖ 0 ‖ "user:NAME" ‖ 0 ‖ the new key's hash: what lets a new key take an
 * old one's place, and that of this reviewer alone.
 */
void reviewer_replace_bytes(const Subject *subject,
                            const uint8_t hash[static TPM2_SHA256_DIGEST_SIZE], Writer *writer);

/* Whether the signature is the reviewer's over these bytes. SEAL_E_APPROVAL_INVALID otherwise. */
int reviewer_verify(const Reviewer *reviewer, Bytes bytes, Bytes signature);

/*
 * Check the signature of a decision and keep it, with the key, in decision; reviewer is NULL when
 * none is registered for who decides. needed: SignedDecisions. SEAL_E_APPROVAL_REQUIRED without a
 * signature or a key where there must be one; SEAL_E_APPROVAL_INVALID for one that is not his.
 */
int reviewer_sign(const Reviewer *reviewer, bool needed, const Request *request, Bytes signature,
                  Decision *decision, ErrorDetail *detail);
