/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a verifier believes, all of it named by who verifies: nothing comes from the system's store.
 * And the one place that chooses the time at which certificates and seals are judged:
 *
 *   1. the time that who verifies names (--at);
 *   2. else the time of a time stamp that passed its check;
 *   3. else the signing time that the signer claims (CMS signing-time, timeInfo of GB/T 38540),
 *      unless that has not come yet;
 *   4. else now.
 *
 * A claim is no proof: who has a revoked key can write any time. So a certificate that was revoked
 * after a time that is only claimed is neither good nor bad: revocation is then not-checked.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "format/verify-report.h"

/* DER, not owned. */
typedef struct VerifyList {
        const Bytes *items;
        size_t count;
} VerifyList;

typedef struct VerifyTrust {
        VerifyList anchors;       /* certificates that are believed as they are */
        VerifyList intermediates; /* certificates that help to reach them */
        VerifyList crls;
        VerifyList timestamp_anchors;
        uint64_t at;  /* 0: not named */
        uint64_t now; /* µs since the epoch */
} VerifyTrust;

/*
 * Sets facts.time and .time_source. stamped and claimed: 0 is not known. A claim after now, or
 * after what is stamped, by more than clocks may be apart is a deviation.
 */
void verify_time_choose(VerifyReport *report, const VerifyTrust *trust, uint64_t stamped,
                        uint64_t claimed);

/*
 * The digests of the document by the hashes that were asked for; none where there is no document at
 * hand, and document-hash is then not-checked.
 */
typedef struct VerifyDocument {
        size_t count;
        struct {
                const char *hash; /* as on the bus; not owned */
                size_t size;
                uint8_t digest[DIGEST_MAX];
        } digests[VERIFY_HASHES_MAX];
} VerifyDocument;

/* Size 0 where it was not made. */
Bytes verify_document_digest(const VerifyDocument *document, const char *hash);
