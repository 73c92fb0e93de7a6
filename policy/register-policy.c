/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/register-policy.h"

#include <errno.h>

#include "policy/ref.h"

int register_policy_leaf(const TPM2B_NAME *authority, const char *profile, PolicyLeaf *ret) {
        PolicyLeaf leaf = { .count = 1, .terms[0].kind = POLICY_AUTHORIZE };

        if (authority->size == 0 || profile[0] == '\0')
                return -EINVAL;
        leaf.terms[0].authorize.key = *authority;
        int r = policy_ref(REF_PROFILE, profile, &leaf.terms[0].authorize.ref);
        if (r == 0)
                *ret = leaf;
        return r;
}

int register_policy_digest(const TPM2B_NAME *authority, const char *profile, TPM2B_DIGEST *ret) {
        PolicyLeaf leaf;

        int r = register_policy_leaf(authority, profile, &leaf);
        return r != 0 ? r : policy_leaf_digest(&leaf, ret);
}
