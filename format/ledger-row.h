/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row of the ledger: a canonical JSON object (RFC 8785) whose SHA-256 the next row names as
 * "previous". What the keys mean and which event carries which is in docs/ledger.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/limits.h"
#include "format/event.h"
#include "format/json.h"

#define LEDGER_HASH_SIZE 32 /* SHA-256 */

/* A record of the register that changed with the event: its hash from then on, unless deleted. */
typedef struct LedgerTouch {
        const char *table; /* not owned */
        int64_t row;
        bool deleted;
        uint8_t hash[LEDGER_HASH_SIZE];
} LedgerTouch;

/*
 * Absent: a NULL or empty text, the number 0, a flag that is not set, facts NULL or without
 * members, no touches. Nothing is owned. Bytes that are no UTF-8 are written as '?', so that no
 * name of a program or a file keeps a row from being written.
 */
typedef struct LedgerRow {
        uint64_t seq;        /* from 1, without gaps; required */
        uint64_t time;       /* µs since the epoch */
        const char *event;   /* event_name(); required */
        const char *subject; /* "user:alice"; absent: the daemon itself */
        bool has_uid, has_login_uid;
        uint32_t uid, login_uid;
        const char *process, *unit; /* observed, never proved */
        bool self;                  /* one person where the rules would have two */
        const char *seal;           /* number */
        uint64_t request;
        const char *object; /* what else it is about: a subject, "grant:7", a member */
        const char *state;  /* of the seal, from now on */
        const char *purpose;
        const char *hash;     /* "sha256" */
        const char *document; /* its name */
        Bytes document_hash;  /* at most DIGEST_MAX */
        uint64_t use;         /* number of the first */
        uint64_t count;
        const char
                *result; /* an error's name without its prefix ("Revoked"); absent: it was done */
        const char *reason;
        const json_t *facts; /* object */
        const LedgerTouch *touches;
        size_t touch_count;
        uint8_t previous[LEDGER_HASH_SIZE]; /* of the row before; of row 1: the genesis */
} LedgerRow;

/*
 * The text (malloc'ed, with a terminating zero that does not count) and its hash. -EINVAL without
 * seq, time or event and for what canonical JSON cannot say (format/json.h); SEAL_E_LIMITS_EXCEEDED
 * beyond LEDGER_ROW_MAX or LEDGER_TOUCHES_MAX; -ENOMEM.
 */
int ledger_row_encode(const LedgerRow *row, char **ret_text, size_t *ret_size,
                      uint8_t ret_hash[static LEDGER_HASH_SIZE]);

/* SHA-256 of a row's text. -ENOMEM, -EIO. */
int ledger_row_hash(const char *text, size_t size, uint8_t ret[static LEDGER_HASH_SIZE]);

/* A row that was read; its texts live in the document. */
typedef struct LedgerParsed {
        LedgerRow row;
        int code; /* of EventCode; -1: a word that this version does not know */
        uint8_t hash[LEDGER_HASH_SIZE]; /* of the text */
        uint8_t document_hash[DIGEST_MAX];
        LedgerTouch *touches; /* owned */
        json_t *document;     /* owned */
} LedgerParsed;

/*
 * Read a text strictly: canonical, known keys, each of its type and not empty, the required ones
 * there. SEAL_E_REGISTER_TAMPERED says in the detail what is wrong; -ENOMEM. Whether it follows on
 * the row before is ledger_row_follows.
 */
int ledger_row_parse(const char *text, size_t size, LedgerParsed *ret, ErrorDetail *detail);
void ledger_parsed_done(LedgerParsed *parsed);

/*
 * Is it row seq, after the row with this hash? SEAL_E_REGISTER_TAMPERED says in the detail what is
 * wrong.
 */
int ledger_row_follows(const LedgerRow *row, uint64_t seq,
                       const uint8_t previous[static LEDGER_HASH_SIZE], ErrorDetail *detail);
