/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Under which rules did the daemon work: its version, the hashes of its configuration and of
 * polkit's rules, who had which role, the separation of duties, reviewers' keys. Pure.
 */
#pragma once

#include <jansson.h>

#include "format/ledger-row.h"

typedef struct AuditRules {
        uint64_t from, until; /* what is asked about; both belong to it */
        json_t *now;          /* owned: what holds, NULL before the first row that tells */
        uint64_t since;       /* from when on */
        uint64_t latest;      /* time of any row since the clock was last acknowledged */
        json_t *spans;     /* owned: {"from", "until", "version", "config", "rules", "separation",
                               * "roles"}, which overlap the time asked about */
        json_t *reviewers; /* owned: subject to {"key", "time"}, at its end */
} AuditRules;

/* The events that tell; rows of others change nothing. */
extern const EventCode audit_rules_events[];
extern const size_t audit_rules_event_count;

int audit_rules_init(AuditRules *rules, uint64_t from, uint64_t until);
void audit_rules_done(AuditRules *rules);

int audit_rules_row(AuditRules *rules, const LedgerParsed *parsed);

/* Behind the last row. */
int audit_rules_finish(AuditRules *rules);
