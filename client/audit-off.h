/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When was the daemon off? From a row stopped to the next started; where the stopped is missing (a
 * crash, a power cut), from the last row before the start. All rows have to pass. Pure.
 */
#pragma once

#include <jansson.h>

#include "format/ledger-row.h"

typedef struct AuditOff {
        uint64_t since, until; /* what is asked about; until 0: no bound */
        uint64_t last_time;    /* of the row before; 0: none */
        bool stopped;          /* that was a stop */
        json_t *spans; /* owned: {"from", "until" (0: not again), "how": stopped or broke-off} */
} AuditOff;

int audit_off_init(AuditOff *off, uint64_t since, uint64_t until);
void audit_off_done(AuditOff *off);

int audit_off_row(AuditOff *off, const LedgerParsed *parsed);

/* Behind the last row. */
int audit_off_finish(AuditOff *off);
