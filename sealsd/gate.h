/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first gate: one table of member, mode, role and polkit action (the second gate, bus-polkit).
 * Pure. What has no row is denied, to root too. The separation of duties is separation.h.
 */
#pragma once

#include "base/error.h"
#include "sealsd/caller.h"
#include "sealsd/lifecycle.h"

typedef struct GateRule {
        const char *interface; /* "org.sealsd1.Seal" */
        const char *member;
        unsigned modes;     /* bit per Separation */
        unsigned role;      /* one of enum Role */
        const char *action; /* polkit action, NULL: no second gate */
} GateRule;

/*
 * The first row of (interface, member, mode) whose role is among roles. SEAL_E_ACCESS_DENIED when
 * there is none; the detail names the roles that could, or says that the member has no entry.
 */
int gate_check(const char *interface, const char *member, Separation mode, unsigned roles,
               const GateRule **ret, ErrorDetail *detail);

/* Has the member any row at all? For the test that walks the vtables. */
bool gate_has_entry(const char *interface, const char *member);

/* All rows, for tests and the manual. */
const GateRule *gate_rules(size_t *ret_count);
