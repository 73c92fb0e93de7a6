/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/seal-policy.h"

#include "base/error.h"
#include "policy/digest.h"
#include "policy/ref.h"

#define COMBINATIONS_MAX 6 /* 2 of 4 */
#define NAME_SIZE (sizeof(TPMI_ALG_HASH) + TPM2_SHA256_DIGEST_SIZE)

/* One person counted twice would make k of n less than k people. */
static bool approvers_fit(const SealPolicy *policy) {
        if (policy->approver_count > APPROVERS_MAX)
                return false;
        if (policy->approver_count == 0)
                return true;
        for (size_t i = 0; i < policy->approver_count; i++) {
                if (policy->approvers[i].size != NAME_SIZE)
                        return false;
                for (size_t j = 0; j < i; j++)
                        if (name_equal(&policy->approvers[i], &policy->approvers[j]))
                                return false;
        }
        return policy->threshold >= 1 && policy->threshold <= policy->approver_count;
}

static bool policy_fits(const SealPolicy *policy) {
        return policy->authority.size == NAME_SIZE && policy->index.size == NAME_SIZE &&
               policy->bit < SEALS_PER_INDEX && policy->profile[0] != '\0' &&
               policy->number[0] != '\0' && approvers_fit(policy);
}

/* Whether a set of approvers (bit n is approver n) is one of the combinations. */
static bool combination_fits(const SealPolicy *policy, unsigned approvers) {
        if (policy->approver_count == 0)
                return approvers == 0;
        return approvers >> policy->approver_count == 0 &&
               (size_t) __builtin_popcount(approvers) == policy->threshold;
}

/* All of them, ascending; without approvers the empty set alone. Returns how many. */
static size_t combinations_list(const SealPolicy *policy, unsigned ret[static COMBINATIONS_MAX]) {
        size_t count = 0;

        for (unsigned set = 0; set >> policy->approver_count == 0; set++)
                if (combination_fits(policy, set))
                        ret[count++] = set;
        return count;
}

static PolicyTerm *leaf_add(PolicyLeaf *leaf, PolicyKind kind) {
        PolicyTerm *term = &leaf->terms[leaf->count++];

        term->kind = kind;
        return term;
}

/* PolicyAuthorize, PolicyNV: what both kinds of leaves begin with. */
static int leaf_begin(const SealPolicy *policy, RefKind kind, PolicyLeaf *leaf) {
        PolicyTerm *authorize = leaf_add(leaf, POLICY_AUTHORIZE);

        authorize->authorize.key = policy->authority;
        int r = policy_ref(kind, policy->profile, &authorize->authorize.ref);
        if (r != 0)
                return r;
        PolicyTerm *nv = leaf_add(leaf, POLICY_NV);
        nv->nv.index = policy->index;
        nv->nv.mask = UINT64_C(1) << policy->bit;
        return 0;
}

/* In index order: the order is part of the digest. */
static int leaf_add_approvers(const SealPolicy *policy, unsigned approvers, RefKind kind,
                              PolicyLeaf *leaf) {
        for (size_t i = 0; i < policy->approver_count; i++) {
                if (!(approvers & (1U << i)))
                        continue;
                PolicyTerm *term = leaf_add(leaf, POLICY_SIGNED);
                term->signing.key = policy->approvers[i];
                int r = policy_ref(kind, policy->number, &term->signing.ref);
                if (r != 0)
                        return r;
        }
        return 0;
}

static int use_leaf(const SealPolicy *policy, unsigned approvers, PolicyLeaf *ret) {
        PolicyLeaf leaf = {};

        int r = leaf_begin(policy, REF_PROFILE, &leaf);
        if (r != 0)
                return r;
        if (policy->pin)
                (void) leaf_add(&leaf, POLICY_AUTH_VALUE);
        r = leaf_add_approvers(policy, approvers, REF_SEAL, &leaf);
        if (r != 0)
                return r;
        *ret = leaf;
        return 0;
}

/* PolicyOR over what the leaf may have come to by the signatures of any combination. */
static int leaf_add_either(const SealPolicy *policy, const unsigned *sets, size_t count,
                           PolicyLeaf *leaf) {
        PolicyLeaf branches[COMBINATIONS_MAX] = {};
        PolicyTerm term;

        for (size_t i = 0; i < count; i++) {
                int r = leaf_begin(policy, REF_BACKUP, &branches[i]);
                if (r != 0)
                        return r;
                r = leaf_add_approvers(policy, sets[i], REF_BACKUP_SEAL, &branches[i]);
                if (r != 0)
                        return r;
        }
        int r = policy_or_term(branches, count, &term);
        if (r != 0)
                return r;
        *leaf_add(leaf, POLICY_OR) = term;
        return 0;
}

static int duplication_leaf(const SealPolicy *policy, unsigned approvers, PolicyLeaf *ret) {
        unsigned sets[COMBINATIONS_MAX] = {};
        PolicyLeaf leaf = {};

        int r = leaf_begin(policy, REF_BACKUP, &leaf);
        if (r != 0)
                return r;
        r = leaf_add_approvers(policy, approvers, REF_BACKUP_SEAL, &leaf);
        if (r != 0)
                return r;
        size_t count = combinations_list(policy, sets);
        if (count > 1) {
                r = leaf_add_either(policy, sets, count, &leaf);
                if (r != 0)
                        return r;
        }
        leaf_add(&leaf, POLICY_COMMAND_CODE)->command = TPM2_CC_Duplicate;
        *ret = leaf;
        return 0;
}

int seal_policy_use_leaf(const SealPolicy *policy, unsigned approvers, PolicyLeaf *ret) {
        if (!policy_fits(policy) || !combination_fits(policy, approvers))
                return SEAL_E_INVALID_ARGS;
        return use_leaf(policy, approvers, ret);
}

int seal_policy_duplication_leaf(const SealPolicy *policy, unsigned approvers, PolicyLeaf *ret) {
        if (!policy_fits(policy) || !policy->backup || !combination_fits(policy, approvers))
                return SEAL_E_INVALID_ARGS;
        return duplication_leaf(policy, approvers, ret);
}

int seal_policy_leaves(const SealPolicy *policy, SealLeaves *ret) {
        unsigned sets[COMBINATIONS_MAX] = {};
        SealLeaves leaves = {};

        if (!policy_fits(policy))
                return SEAL_E_INVALID_ARGS;
        size_t count = combinations_list(policy, sets);
        for (size_t i = 0; i < count; i++) {
                int r = use_leaf(policy, sets[i], &leaves.leaves[leaves.count++]);
                if (r != 0)
                        return r;
        }
        if (policy->backup) {
                int r = duplication_leaf(policy, sets[0], &leaves.leaves[leaves.count++]);
                if (r != 0)
                        return r;
        }
        *ret = leaves;
        return 0;
}

int seal_policy_digest(const SealPolicy *policy, TPM2B_DIGEST *ret) {
        TPM2B_DIGEST digest = policy_start();
        SealLeaves leaves;
        PolicyTerm term;

        int r = seal_policy_leaves(policy, &leaves);
        if (r != 0)
                return r;
        if (leaves.count == 1)
                return policy_leaf_digest(&leaves.leaves[0], ret);
        r = policy_or_term(leaves.leaves, leaves.count, &term);
        if (r != 0)
                return r;
        r = policy_term_extend(&term, &digest);
        if (r != 0)
                return r;
        *ret = digest;
        return 0;
}
