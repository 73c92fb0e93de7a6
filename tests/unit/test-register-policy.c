/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>

#include "policy/ref.h"
#include "policy/register-policy.h"
#include "tests/unit/vectors.h"

static TPM2B_DIGEST policy_of(const char *authority, const char *profile) {
        const TPM2B_NAME name = unit_name(authority);
        TPM2B_DIGEST digest;

        assert_int_equal(register_policy_digest(&name, profile, &digest), 0);
        return digest;
}

/* PolicyAuthorize replaces what was before, so it is the whole policy (Part 3 §23.16). */
static void test_the_policy_is_one_authorisation(void **state) {
        const TPM2B_NAME authority = unit_name(V_AUTHORITY_NAME);
        PolicyTerm term = { .kind = POLICY_AUTHORIZE, .authorize.key = authority };
        TPM2B_DIGEST wanted = policy_start(), digest = policy_of(V_AUTHORITY_NAME, "default");
        PolicyLeaf leaf;

        (void) state;
        assert_int_equal(policy_ref(REF_PROFILE, "default", &term.authorize.ref), 0);
        assert_int_equal(policy_term_extend(&term, &wanted), 0);
        assert_int_equal(digest.size, wanted.size);
        assert_memory_equal(digest.buffer, wanted.buffer, wanted.size);
        assert_int_equal(register_policy_leaf(&authority, "default", &leaf), 0);
        assert_int_equal(leaf.count, 1);
}

static void test_a_policy_is_for_one_authority_and_profile(void **state) {
        TPM2B_DIGEST ours = policy_of(V_AUTHORITY_NAME, "default");
        TPM2B_DIGEST profile = policy_of(V_AUTHORITY_NAME, "other");
        TPM2B_DIGEST authority = policy_of(V_A0_NAME, "default");

        (void) state;
        assert_memory_not_equal(ours.buffer, profile.buffer, ours.size);
        assert_memory_not_equal(ours.buffer, authority.buffer, ours.size);
}

static void test_nobodys_policy_is_refused(void **state) {
        const TPM2B_NAME authority = unit_name(V_AUTHORITY_NAME), nobody = {};
        TPM2B_DIGEST digest = { .size = 1 };

        (void) state;
        assert_int_equal(register_policy_digest(&nobody, "default", &digest), -EINVAL);
        assert_int_equal(register_policy_digest(&authority, "", &digest), -EINVAL);
        assert_int_equal(digest.size, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_policy_is_one_authorisation),
                cmocka_unit_test(test_a_policy_is_for_one_authority_and_profile),
                cmocka_unit_test(test_nobodys_policy_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
