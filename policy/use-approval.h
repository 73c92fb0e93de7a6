/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an approver signs for one use of a seal (design, section 3.1), and what whoever signs looks
 * at first: [nonceTPM ‖] expiration ‖ cpHash ‖ policyRef, aHash's input of TPM2_PolicySigned
 * (Part 3 §23.3). cpHash is that of TPM2_Sign with one key, digest and scheme, policyRef is of the
 * seal's number. Live approvals have a nonce, and seconds after which the chip refuses them.
 * Deferred ones have neither, and are 68 bytes.
 */
#pragma once

#include <stdbool.h>

#include <tss2/tss2_tpm2_types.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/limits.h"

typedef struct UseTarget {
        TPM2B_NAME key; /* of the seal's public area */
        char number[NUMBER_MAX + 1];
        TPM2B_DIGEST digest;
        TPMT_SIG_SCHEME scheme; /* of algorithm_scheme() */
        bool live;
        TPM2B_NONCE nonce;  /* live: nonceTPM of the session that waits, 32 bytes; else empty */
        int32_t expiration; /* live: 1 to LIVE_USE_SECONDS_MAX; else 0 */
} UseTarget;

/*
 * What stands in the challenge for all uses that are asked for. -EINVAL for a target that the check
 * below would refuse, for want of a key, or of a digest of the size that its hash has.
 */
int use_approval_bytes(const UseTarget *target, Writer *writer);

/*
 * Whether these bytes, which somebody else made, are what may be signed to approve the target, as
 * the approver knows it. SEAL_E_APPROVAL_INVALID with a sentence of what is wrong: another size, an
 * empty or zero cpHash, an expiration that is negative (a ticket for any number of uses would come
 * of it), zero where it has to be positive or the reverse, another session's nonce, another seal's
 * reference, a cpHash that is not of TPM2_Sign of this digest with this scheme and key.
 */
int use_approval_check(Bytes bytes, const UseTarget *target, ErrorDetail *detail);
