/* SPDX-License-Identifier: Apache-2.0 */
/* The table of a row's keys, by which it is written and read; for format/ledger-*.c alone. */
#pragma once

#include <stddef.h>

#include "format/ledger-row.h"

typedef enum KeyKind {
        KEY_TEXT,    /* const char * */
        KEY_NUMBER,  /* uint64_t */
        KEY_UID,     /* uint32_t, and whether it is there */
        KEY_FLAG,    /* bool */
        KEY_HASH,    /* uint8_t[LEDGER_HASH_SIZE], always there */
        KEY_DIGEST,  /* Bytes */
        KEY_FACTS,   /* json_t * */
        KEY_TOUCHES, /* touches and touch_count */
} KeyKind;

typedef struct LedgerKey {
        const char *name;
        KeyKind kind;
        size_t offset;
        size_t has_offset; /* of KEY_UID */
} LedgerKey;

extern const LedgerKey ledger_keys[];
extern const size_t ledger_key_count;

/* Where the key's value is. */
static inline const void *key_place(const LedgerRow *row, const LedgerKey *key) {
        return (const char *) row + key->offset;
}
