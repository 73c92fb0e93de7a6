/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first gate: one table of member, mode, role and polkit action (the second gate, bus-polkit),
 * and the separation of duties. Pure. What has no row is denied, to root too.
 */
#pragma once

#include "base/error.h"
#include "sealsd/caller.h"
#include "sealsd/lifecycle.h"
#include "sealsd/request.h"
#include "sealsd/seal.h"

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

/*
 * The separation of duties (design, section 4). SEAL_E_SEPARATION_OF_DUTIES names the rule and who
 * could act.
 *   decide:  not the applicant, nobody twice (dual, strict); anyone (single)
 *   make:    strict: neither applicant nor reviewer nor a keeper
 *   deliver: strict: not the maker as keeper
 *   keep:    strict: the maker neither accepts nor signs, though he be of a group that keeps
 */
int separation_decide(Separation mode, const Request *request, const Caller *caller,
                      ErrorDetail *detail);
int separation_make(Separation mode, const Request *request, const Caller *caller,
                    ErrorDetail *detail);
int separation_keep(Separation mode, const Seal *seal, const Caller *caller, ErrorDetail *detail);
int separation_deliver(Separation mode, const Seal *seal, const Subject *keeper,
                       ErrorDetail *detail);
