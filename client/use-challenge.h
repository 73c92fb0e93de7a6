/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is this what an approver means to approve? A daemon in the wrong hands can show one document and
 * have another signed, ask for an approval that is good for any command (an empty cpHash), for
 * another seal, or for a ticket that serves again and again (a negative expiration). So the bytes
 * are computed again from the facts that the approver is shown, and anything else is refused.
 *
 * Pure: no bus, no file, no chip. The facts are what Request.Challenge gives (design, section 5.4),
 * as bus-value.h has them in JSON.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <tss2/tss2_tpm2_types.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/limits.h"
#include "format/signed-format.h"
#include "policy/algorithm.h"
#include "policy/approval.h"
#include "policy/use-approval.h"

typedef struct UseChallenge {
        bool live; /* bound to a session of the chip that waits; else deferred */
        uint8_t to_sign[APPROVAL_BYTES_MAX];
        size_t to_sign_size;
        TPM2B_PUBLIC public; /* the seal's key */
        const Algorithm *algorithm;
        char hash[WORD_MAX + 1];
        char scheme[WORD_MAX + 1];
        TPM2B_DIGEST document; /* its digest */
        SignFormat format;
        /*
         * Number, nonce and the digest that is signed, the document's or that of its structure
         * (use-structure.h); the rest is computed by the check.
         */
        UseTarget target;
        TPM2B_DIGEST cphash; /* as the daemon states it */
        TPM2B_DIGEST ref;    /* likewise */
        int64_t expiration;  /* seconds */
        uint64_t expires;    /* when the daemon ends the request; µs since the epoch */
} UseChallenge;

/*
 * SEAL_E_APPROVAL_INVALID with a sentence for facts that are missing or have not their shape, and
 * for a structure that is not of the document.
 */
int use_challenge_parse(const json_t *facts, UseChallenge *ret, ErrorDetail *detail);

/*
 * Are the bytes those of use_approval_check for this digest, key, scheme and seal, and is what the
 * daemon states beside them the same? Returns SEAL_E_APPROVAL_INVALID with a sentence, and
 * SEAL_E_APPROVAL_EXPIRED for a request that ended before now.
 */
int use_challenge_check(const UseChallenge *challenge, uint64_t now, ErrorDetail *detail);

/*
 * Is the digest that of the document, hashed with challenge->hash, of the raw format behind the
 * key's prefix (sm2_prefix)? SEAL_E_APPROVAL_INVALID when it is another.
 */
int use_challenge_document(const UseChallenge *challenge, Bytes hash, ErrorDetail *detail);
