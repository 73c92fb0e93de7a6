/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a ledger does not fit together. A break is before a row: at `seq`, and `hash` is that of
 * the row before it as it stands, which the row (or an anchor of the row before) does not agree
 * with. A later row `tampering-acknowledged` names both, so that what stands there cannot be edited
 * once more without another break.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "format/ledger-row.h"

typedef struct LedgerBreak {
        uint64_t seq;
        uint8_t hash[LEDGER_HASH_SIZE];
        ErrorDetail detail;
} LedgerBreak;

/* Those not acknowledged, in order; large. What is beyond the array is counted only. */
typedef struct LedgerBreaks {
        size_t count;
        uint64_t beyond, acknowledged;
        LedgerBreak items[LEDGER_BREAKS_MAX];
} LedgerBreaks;

/* The same place twice is one break. */
void ledger_breaks_add(LedgerBreaks *breaks, uint64_t seq,
                       const uint8_t hash[static LEDGER_HASH_SIZE], const char *why);

/* Do these facts of a `tampering-acknowledged` name the place? */
bool ledger_breaks_named(const json_t *facts, uint64_t seq,
                         const uint8_t hash[static LEDGER_HASH_SIZE]);

/* By the facts of a `tampering-acknowledged`: {"breaks": [{"hash": …, "seq": …}, …], …}. */
void ledger_breaks_acknowledge(LedgerBreaks *breaks, const json_t *facts);
