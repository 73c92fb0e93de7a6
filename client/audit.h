/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs of `sealctl audit` share. */
#pragma once

#include "client/audit-source.h"
#include "client/output.h"

#define AUDIT_FILE_HELP "  --file FILE    Read a ledger that was exported; needs no daemon\n"
#define AUDIT_SINCE_HELP                                                                   \
        "  --since TIME   From then on: YYYY-MM-DD (UTC), RFC 3339, -Nd, yesterday, ...\n" \
        "  --until TIME   Until then; a day counts to its end\n"
#define AUDIT_ON_HELP                                                                      \
        "  --on TIME      A day (YYYY-MM-DD, UTC; today, yesterday), or a point in time\n" \
        "                 (RFC 3339); required\n"

/* clang-format off: one option a line */
#define AUDIT_SINCE_OPTIONS(q)                  \
        { "since", .time = &(q).since }, {      \
                "until", .time_end = &(q).until \
        }
/* clang-format on */

/* The day that --on names, as far as it is over, or the point in time, into since and until. */
int audit_window_get(const Context *context, const char *on, AuditQuery *query);

/* Let --until reach to the end of its second, where it says no fraction of one. */
int audit_since_check(const Context *context, AuditQuery *query);

/* Takes row, which may be NULL: out of memory. rows is a JSON array. */
int audit_append(void *rows, json_t *row);

/* The rows that row appends, as a table. */
int audit_table(Context *context, const AuditQuery *query, AuditRowFunction row,
                const OutputField *fields, size_t n_fields, const char *empty);

int audit_could(Context *context, int argc, char **argv);
int audit_off(Context *context, int argc, char **argv);
int audit_rules(Context *context, int argc, char **argv);
