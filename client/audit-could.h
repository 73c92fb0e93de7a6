/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who could use this seal in this time? Answered by playing the seal's rows of the ledger again:
 * its states, validity, keepers, grants and limits. Pure.
 */
#pragma once

#include <jansson.h>

#include "format/ledger-row.h"

typedef struct AuditCould AuditCould;

/* From and until belong to the time asked about. NULL without memory. */
AuditCould *audit_could_new(uint64_t from, uint64_t until);
AuditCould *audit_could_free(AuditCould *could);

/* The next row of this seal; those beyond the time change nothing. -ENOMEM. */
int audit_could_row(AuditCould *could, const LedgerParsed *parsed);

/*
 * {"known": was its making among the rows, "states": [{"state", "from", "until"}], "could":
 * [{"subject", "as": keeper, deputy, grant or emergency, "grant": number or absent, "purposes",
 * "from", "until"}]}, in order; NULL without memory. To be called once, behind the last row.
 */
json_t *audit_could_result(AuditCould *could);
