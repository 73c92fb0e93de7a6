/* SPDX-License-Identifier: Apache-2.0 */
/* One check of the register under way: what store-verify*.c have in common. */
#pragma once

#include "sealsd/store-internal.h"
#include "sealsd/store-verify.h"
#include "sealsd/touch-map.h"

typedef struct Verifier {
        Store *store;
        const VerifyOptions *options;
        VerifyReport *report;
        TouchMap *map; /* what the ledger's rows say of the records */
        uint64_t seq;  /* of the row read last */
        uint8_t head[LEDGER_HASH_SIZE], value[LEDGER_HASH_SIZE];
        bool acknowledges; /* that row is a tampering-acknowledged that counts */
        Query anchors;
        bool anchor_there; /* the next one is in anchor */
        LedgerAnchor anchor;
        uint64_t anchored; /* row of the anchor before it */
        uint64_t rebased;  /* anchors that go on from another value, as acknowledged */
        uint64_t done, total;
} Verifier;

/* Once for each row and record; another code than 0 ends the check. */
int verifier_tell(Verifier *v);

/* --- the ledger (store-verify-ledger.c) ------------------------------------------------------- */

/* All rows from where the check begins, with their anchors; fills the map. */
int verify_ledger(Verifier *v);

/* --- the records (store-verify-records.c) ----------------------------------------------------- */

/* Needs the map; where the first rows were not read, adds what the guard says of them. */
int verify_guard(Verifier *v);
int verify_records(Verifier *v);

/* --- what is found (store-verify-report.c) ---------------------------------------------------- */

/* Only the first finding is told by name. */
void report_first(VerifyReport *report, const char *place, uint64_t row, const char *text);
/* -ENOMEM */
int report_record(VerifyReport *report, unsigned table, int64_t row, const char *what);
int report_guard(VerifyReport *report, unsigned table, int64_t row);
int report_column(VerifyReport *report, uint64_t seq);
/* These are told before all others, and after them. */
void report_schema(VerifyReport *report, const char *object);
void report_damage(VerifyReport *report, const char *what);
