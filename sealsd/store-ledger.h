/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger in the register, and what guards the rows. From store_ledger_begin on every
 * transaction that changes a row of the register writes the row's hash into the ledger: into its
 * last event, or into an event `register-changed` where it has none. Errors are as in store.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/ledger-row.h"
#include "sealsd/event.h"
#include "sealsd/lifecycle.h"
#include "sealsd/store.h"

/* --- events --------------------------------------------------------------------------------- */

typedef struct LedgerHead {
        uint64_t seq; /* 0: the ledger has not begun */
        uint64_t time;
        uint8_t hash[LEDGER_HASH_SIZE];
} LedgerHead;

/* As far as this process has written or found at its start. */
void store_ledger_head(const Store *store, LedgerHead *ret);

/*
 * The ledger begins with this event, whose row follows on the genesis and names every row that the
 * register has. SEAL_E_ALREADY_EXISTS when it has begun.
 */
int store_ledger_begin(Store *store, const uint8_t genesis[static LEDGER_HASH_SIZE],
                       const Event *event);

/*
 * Add an event to the open transaction, or in one of its own; copied. Before the ledger begins this
 * does nothing.
 */
int store_event(Store *store, const Event *event);

/* An event that is durable now; nothing of it outlives the call. */
typedef struct StoredEvent {
        EventCode code;
        const LedgerRow *row; /* with seq and touches */
        const char *text;
        size_t size;
        uint8_t hash[LEDGER_HASH_SIZE];
} StoredEvent;

/*
 * fn is called after the commit, once per event and in their order; it may call the store again.
 * NULL: nobody.
 */
typedef void (*StoreObserve)(void *userdata, const StoredEvent *event);
void store_observe(Store *store, StoreObserve fn, void *userdata);

/* Has another program written since this was asked last? */
int store_foreign_write(Store *store, bool *ret);

/* --- reading -------------------------------------------------------------------------------- */

typedef struct LedgerFilter {
        uint64_t first;        /* only seq from this one on */
        uint64_t since, until; /* time; until 0 any */
        const char *seal;      /* number, NULL any */
        const char *subject;   /* "user:alice", NULL any */
        const char *event;     /* word, NULL any */
        bool states;           /* only what left a seal or a request in a state: no uses */
        size_t limit;          /* 0: PAGE_MAX */
        bool newest_first;
} LedgerFilter;

/* The texts of rows; each and *ret are malloc'ed (texts_free). */
int store_ledger_list(Store *store, const LedgerFilter *filter, char ***ret, size_t *ret_count);
void texts_free(char **texts, size_t count);

/* The latest time of any row from this one on, 0 without one: rows need not be in its order. */
int store_ledger_latest(Store *store, uint64_t first, uint64_t *ret);

/*
 * The state of a seal at a time: by the ledger, before it by the seal's own record.
 * SEAL_E_NOT_FOUND for a seal that is not there, or was not made yet.
 */
int store_state_at(Store *store, const char *number, uint64_t time, SealState *ret);

/* --- anchors and checkpoints: not guarded, they prove themselves ------------------------------ */

typedef struct LedgerAnchor {
        uint64_t id; /* set by add */
        uint64_t seq;
        uint8_t head[LEDGER_HASH_SIZE];
        uint8_t value[LEDGER_HASH_SIZE]; /* of the chip's index after it */
        bool rebase;                     /* the value is what the chip was found with */
        bool done;
        uint64_t time;
} LedgerAnchor;

int store_anchor_add(Store *store, LedgerAnchor *anchor);
int store_anchor_done(Store *store, uint64_t id); /* SEAL_E_NOT_FOUND */
/* The newest that is done, or the newest that is not. SEAL_E_NOT_FOUND. */
int store_anchor_last(Store *store, bool done, LedgerAnchor *ret);
int store_anchor_by_value(Store *store, const uint8_t value[static LEDGER_HASH_SIZE],
                          LedgerAnchor *ret);
int store_anchor_get(Store *store, uint64_t id, LedgerAnchor *ret); /* SEAL_E_NOT_FOUND */
/* In the order in which they were made, those after this id, at most max. */
int store_anchor_list(Store *store, uint64_t after, size_t max, LedgerAnchor *ret,
                      size_t *ret_count);
int store_anchor_remove_pending(Store *store);

#define CHECKPOINT_ATTEST_MAX 1024

typedef struct LedgerCheckpoint {
        uint64_t id; /* set by add */
        uint64_t seq;
        uint8_t head[LEDGER_HASH_SIZE];
        uint64_t anchor; /* id */
        size_t attest_size;
        uint8_t attest[CHECKPOINT_ATTEST_MAX]; /* marshalled TPMS_ATTEST */
        size_t signature_size;
        uint8_t signature[SIGNATURE_MAX]; /* marshalled TPMT_SIGNATURE */
        uint64_t time;
} LedgerCheckpoint;

int store_checkpoint_add(Store *store, LedgerCheckpoint *checkpoint);
/* Newest first, at most max. */
int store_checkpoint_list(Store *store, size_t max, LedgerCheckpoint *ret, size_t *ret_count);
