/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checkpoints: the chip's signature, by its attestation key, that its ledger index has the value of
 * an anchor, with the row that the anchor covers. Every row up to there is the chip's own word, so
 * the next start has to look at the later ones only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <tss2/tss2_tpm2_types.h>

#include "sealsd/service.h"
#include "sealsd/store-ledger.h"

#define CHECKPOINT_ROWS 5000 /* since the last one, before an anchor brings the next */

typedef struct Checkpoints {
        TPM2B_PUBLIC ak; /* of the chip; size 0 before it was asked */
        uint64_t seq;    /* of the newest that the chip has signed; 0: none is known */
        uint64_t time;
        uint8_t head[LEDGER_HASH_SIZE], value[LEDGER_HASH_SIZE];
        bool running;
        bool refused; /* the chip makes none: told once */
} Checkpoints;

/* What service_checkpoint() replies with. */
typedef struct Checkpoint {
        const LedgerCheckpoint *row;
        const TPM2B_PUBLIC *ak;
} Checkpoint;

/* An anchor was marked. */
void checkpoint_wish(Service *service);

/*
 * At the start: the newest that the chip has signed becomes known, if there is one. Replies always
 * with 0 and NULL.
 */
int checkpoint_seek(Service *service, Reply reply);
