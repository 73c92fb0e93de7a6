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
        size_t count;
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
