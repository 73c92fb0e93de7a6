/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The approved machine states as jobs need them: an immutable, counted snapshot, newest first.
 * Counted in the main thread only; the worker reads.
 */
#pragma once

#include <stddef.h>

#include "base/cleanup.h"
#include "sealsd/store.h"
#include "tpm/sign.h"

typedef struct ApprovalSet {
        unsigned references;
        StateBit next; /* for a state that is not approved yet; handle 0: it cannot retire */
        bool full;     /* there are state indices, and no bit is left */
        size_t count;  /* that count */
        uint64_t ids[MACHINE_STATES_MAX]; /* of the register */
        size_t retired_count;
        MachineState *retired; /* owned */
        MachineApproval approvals[];
} ApprovalSet;

/* From the rows of this profile that are about exactly these PCRs. */
int approval_set_new(ApprovalSet **ret, const MachineState *states, size_t count,
                     const char *profile, const PcrSelection *pcrs);
ApprovalSet *approval_set_ref(ApprovalSet *set);
ApprovalSet *approval_set_unref(ApprovalSet *set);
DEFINE_CLEANUP(ApprovalSet, approval_set_unref)

/*
 * Is one of them the state that values show? Otherwise *ret_differing is the PCR mask against the
 * nearest, all PCRs of the selection when there is none.
 */
bool approval_set_match(const ApprovalSet *set, const PcrValues *values, uint32_t *ret_differing);

/* The id of the state that these values show, of the newest approval; 0 when it is not approved. */
uint64_t approval_set_id(const ApprovalSet *set, const PcrValues *values);

/* The state that they show, where it was approved and is retired; NULL when not. */
const MachineState *approval_set_retired(const ApprovalSet *set, const PcrValues *values);

/*
 * Which bit an approval of these values names, and so its policy: a state that counts keeps its
 * bit, others get the next. SEAL_E_CAPACITY_EXHAUSTED when none is left.
 */
int approval_set_place(const ApprovalSet *set, MachineApproval *approval, ErrorDetail *detail);
