/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the ledger as the daemon sends them: a page at a time. */
#pragma once

#include <stdint.h>

#include <jansson.h>

#include "client/context.h"

/* What is 0 or NULL is not asked for; all the rest has to fit. */
typedef struct LedgerQuery {
        uint64_t first, limit; /* limit 0: the daemon's */
        uint64_t since, until;
        const char *seal, *subject, *event;
} LedgerQuery;

/* The rows' texts, as an array. */
int ledger_page_get(Context *context, const LedgerQuery *query, json_t **ret);
