/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The authPolicy of a seal key (design, section 3.1): one use leaf per combination of approvers,
 * and a duplication leaf for seals that may be backed up; PolicyOR when there is more than one.
 *
 *   use:  PolicyAuthorize(authority, profile) → PolicyNV(index, bit clear) → [PolicyAuthValue] →
 *         [PolicySigned(approver, seal) × threshold, in index order]
 *   dup:  PolicyAuthorize(authority, backup) → PolicyNV(index, bit clear) →
 *         [PolicySigned(approver, backup-seal) × threshold → PolicyOR(combinations)] →
 *         PolicyCommandCode(Duplicate)
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <tss2/tss2_tpm2_types.h>

#include "base/limits.h"
#include "policy/term.h"

#define APPROVERS_MAX 4

typedef struct SealPolicy {
        TPM2B_NAME authority;
        char profile[PROFILE_MAX + 1];
        char number[NUMBER_MAX + 1];
        TPM2B_NAME index; /* the Name of the written revocation index */
        unsigned bit;     /* 0 to 63 */
        bool pin;
        bool backup;
        size_t approver_count; /* 0 to APPROVERS_MAX */
        size_t threshold;      /* 1 to approver_count when there are approvers */
        TPM2B_NAME approvers[APPROVERS_MAX];
} SealPolicy;

/*
 * The use leaves come first, by combination: a combination is a set of approvers, bit n being
 * approver n, and the sets ascend as numbers ({0,1}, {0,2}, {1,2}, {0,3}, …). The duplication leaf
 * is the last; it has the signatures of the first combination.
 */
typedef struct SealLeaves {
        size_t count;
        PolicyLeaf leaves[POLICY_LEAVES_MAX];
} SealLeaves;

/*
 * One leaf as the given combination of approvers satisfies it (0 without approvers): the terms to
 * apply to a session, in order. Every combination's duplication leaf has the same digest. Returns
 * SEAL_E_INVALID_ARGS like seal_policy_leaves, for a set of another size than the threshold, and
 * for the duplication of a seal without backup.
 */
int seal_policy_use_leaf(const SealPolicy *policy, unsigned approvers, PolicyLeaf *ret);
int seal_policy_duplication_leaf(const SealPolicy *policy, unsigned approvers, PolicyLeaf *ret);

/* SEAL_E_INVALID_ARGS when the numbers above do not fit, or an approver is named twice. */
int seal_policy_leaves(const SealPolicy *policy, SealLeaves *ret);

int seal_policy_digest(const SealPolicy *policy, TPM2B_DIGEST *ret);
