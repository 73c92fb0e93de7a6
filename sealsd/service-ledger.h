/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger in the daemon: what happens becomes a row (sealsd/event.h), and every row that is
 * durable goes to the journal, to the kernel's audit where there is one, and is anchored. What is
 * found to be other than it was left stops signing until an administrator acknowledges it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "base/audit-trail.h"
#include "base/error.h"
#include "sealsd/caller.h"
#include "sealsd/service.h"
#include "sealsd/store-ledger.h"
#include "sealsd/store-verify.h"
#include "sealsd/tally.h"

/* --- findings (service-finding.c) ------------------------------------------------------------- */

/* What is not as it was left. */
typedef struct Disorder {
        bool found;
        char place[64]; /* "ledger 57", "seal 12", "chip" */
        char text[ERROR_TEXT_MAX];
} Disorder;

/* By the second thread, in the register; by a look at the chip. */
void finding_rows(Service *service, const VerifyReport *report);
/* Something in it cannot even be read, so that nothing is known of the rest. */
void finding_unreadable(Service *service, const char *text);
void finding_chip(Service *service, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What an earlier run of the daemon has found and nobody has acknowledged. */
int finding_start(Service *service);
/* The newest row of this event; seq stays 0 where there is none, or it cannot be read. */
int ledger_newest(Service *service, EventCode code, LedgerParsed *ret);

/* --- rows of our own (service-ledger-life.c) -------------------------------------------------- */

/* In the transaction that completes Initialize. */
int ledger_initialized(Service *service, const Caller *caller);
/* A register from before there was a ledger. */
int ledger_adopt(Service *service);
int ledger_started(Service *service);
int ledger_stopped(Service *service);

/* --- service-ledger.c ------------------------------------------------------------------------- */

typedef struct Ledger {
        Tally *tally;
        sd_event_source *minute;
        AuditTrail *audit;
        Disorder rows, chip;
        uint64_t latest; /* time of any row since the last acknowledgement: the clock was there */
        bool started, ended; /* the rows of these names are written */
        /* When the clock was looked at last: what people set, and what nobody sets. */
        uint64_t wall, boot;
        int clock_fd;
        sd_event_source *clock_set;
} Ledger;

int ledger_start(Service *service);
void ledger_stop(Service *service);
/* What was counted becomes rows. */
int ledger_flush(Service *service);
/* Was the clock set since this was asked last? */
void ledger_watch_clock(Service *service);
