/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of the ledger in their order, from the daemon in pages or from a file that ExportLedger
 * wrote, so that an auditor's question is answered the same way with a daemon and without.
 */
#pragma once

#include <jansson.h>

#include "client/context.h"
#include "client/options.h"
#include "format/ledger-row.h"

typedef struct AuditQuery {
        const char *file;        /* NULL: ask the daemon */
        const char *seal;        /* NULL: any */
        const char *subject;     /* NULL: anybody */
        const EventCode *events; /* which of them, n_events 0: all */
        size_t n_events;
        uint64_t since, until; /* 0: no bound; both belong to it */
} AuditQuery;

/* Return 0 to go on. */
typedef int (*AuditRowFunction)(void *userdata, const LedgerParsed *row);

/*
 * Every row that fits, in the order of the ledger. Rows of a file are checked to follow one
 * another; where they do not, the rest is read all the same, and EXIT_VERIFICATION returned in the
 * end.
 */
int audit_read(Context *context, const AuditQuery *query, AuditRowFunction row, void *userdata);
