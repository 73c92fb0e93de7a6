/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anchors: the ledger's head goes into the chip, where nobody takes it out again. Each is a row in
 * the register first, then an extend, then a mark (write ahead, commit, extend, mark): whatever
 * interrupts it, the chip's value is that of the last marked row or of the one that is not marked.
 *
 * Events of the life cycle are anchored at once, those that fall together by one anchor, and nobody
 * waits for it; uses within AnchorMinutes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "base/error.h"
#include "sealsd/store-ledger.h"

struct Service;

/* Who waits for the chip to have every row there was when he asked. */
typedef struct AnchorWaiter {
        void (*done)(void *userdata, int code, const ErrorDetail *detail);
        void *userdata;
        struct AnchorWaiter *next;
} AnchorWaiter;

typedef struct Anchoring {
        LedgerAnchor last;               /* marked; id 0: the genesis alone */
        LedgerAnchor pending;            /* id 0: none */
        bool running;                    /* a job is with the chip */
        bool wished;                     /* rows came that are to be anchored at once */
        bool foreign;                    /* the chip's value is of no anchor: nothing is extended */
        bool rebased;                    /* the base that is last is this process's */
        uint8_t found[LEDGER_HASH_SIZE]; /* which */
        sd_event_source *soon, *later;
        AnchorWaiter *waiting; /* for the job that runs */
        AnchorWaiter *late;    /* who came while it ran */
        uint64_t spent;        /* anchors lately, less one for each ANCHOR_EVERY */
        uint64_t spent_since;
        bool put_off; /* later is for what would be anchored at once, had there not been so many */
} Anchoring;

/* The ledger has begun, or the register was opened: where the chain stands. */
int anchor_start(struct Service *service);
/* Who waits is told that it will not be. */
void anchor_stop(struct Service *service);

/* A row was written. */
void anchor_wish(struct Service *service, bool now);

/* So many anchors lately that the next one had better wait. */
bool anchor_is_flooded(struct Service *service);

/*
 * Once all rows of now are anchored, or could not be; at once when they are. The waiter is the
 * caller's until then.
 */
void anchor_all(struct Service *service, AnchorWaiter *waiter);

/* A look at the chip found this value in the ledger index, now; notes a finding, or its end. */
void anchor_compare(struct Service *service, const uint8_t value[static LEDGER_HASH_SIZE]);

/*
 * What was found is acknowledged, in the newest row: the chain goes on from the chip's value. A
 * death before this leaves the finding.
 */
int anchor_rebase(struct Service *service);

/* The ledger index; wipe it. SEAL_E_REGISTER_TAMPERED when it is gone from the register. */
int anchor_index(struct Service *service, TpmIndex *ret);
