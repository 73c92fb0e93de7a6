/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/error.h"
#include "policy/seal-policy.h"
#include "tests/unit/vectors.h"

/* At bit 3, with a PIN and nothing else. */
static SealPolicy policy_pin(void) {
        return (SealPolicy){
                .authority = unit_name(V_AUTHORITY_NAME),
                .profile = V_SEAL_PROFILE,
                .number = V_SEAL_NUMBER,
                .index = unit_name(V_REVOCATION_NAME_WRITTEN),
                .bit = 3,
                .pin = true,
        };
}

/* threshold of count approvers; the fourth is the authority, which no test here minds. */
static SealPolicy policy_approvers(size_t threshold, size_t count, bool backup) {
        static const char *const names[] = { V_A0_NAME, V_A1_NAME, V_A2_NAME, V_AUTHORITY_NAME };
        SealPolicy policy = policy_pin();

        policy.backup = backup;
        policy.threshold = threshold;
        policy.approver_count = count;
        for (size_t i = 0; i < count && i < APPROVERS_MAX; i++)
                policy.approvers[i] = unit_name(names[i]);
        return policy;
}

static void assert_leaf(const PolicyLeaf *leaf, const char *hex) {
        TPM2B_DIGEST digest;

        assert_int_equal(policy_leaf_digest(leaf, &digest), 0);
        unit_assert_digest(digest, hex);
}

static void assert_kinds(const PolicyLeaf *leaf, const PolicyKind *kinds, size_t count) {
        assert_int_equal(leaf->count, count);
        for (size_t i = 0; i < count; i++)
                assert_int_equal(leaf->terms[i].kind, kinds[i]);
}

static void test_a_seal_with_all_as_the_chip(void **state) {
        const SealPolicy policy = policy_approvers(2, 3, true);
        SealLeaves leaves;
        TPM2B_DIGEST digest;

        (void) state;
        assert_int_equal(seal_policy_leaves(&policy, &leaves), 0);
        assert_int_equal(leaves.count, 4);
        assert_leaf(&leaves.leaves[0], V_SEAL_U01);
        assert_leaf(&leaves.leaves[1], V_SEAL_U02);
        assert_leaf(&leaves.leaves[2], V_SEAL_U12);
        assert_leaf(&leaves.leaves[3], V_SEAL_DUP);
        assert_int_equal(seal_policy_digest(&policy, &digest), 0);
        unit_assert_digest(digest, V_SEAL_SEAL);
}

static void test_a_seal_with_a_pin_as_the_chip(void **state) {
        static const PolicyKind kinds[] = { POLICY_AUTHORIZE, POLICY_NV, POLICY_AUTH_VALUE };
        const SealPolicy policy = policy_pin();
        SealLeaves leaves;
        TPM2B_DIGEST digest;

        (void) state;
        assert_int_equal(seal_policy_leaves(&policy, &leaves), 0);
        assert_int_equal(leaves.count, 1);
        assert_kinds(&leaves.leaves[0], kinds, 3);
        assert_int_equal(seal_policy_digest(&policy, &digest), 0);
        unit_assert_digest(digest, V_SEAL_PIN_ONLY); /* one leaf: no PolicyOR */
}

static void test_a_plain_seal_has_two_terms(void **state) {
        static const PolicyKind kinds[] = { POLICY_AUTHORIZE, POLICY_NV };
        SealPolicy policy = policy_pin();
        SealLeaves leaves;

        (void) state;
        policy.pin = false;
        policy.threshold = 9; /* without approvers it says nothing */
        assert_int_equal(seal_policy_leaves(&policy, &leaves), 0);
        assert_int_equal(leaves.count, 1);
        assert_kinds(&leaves.leaves[0], kinds, 2);
}

static void test_duplication_asks_for_its_command(void **state) {
        static const PolicyKind kinds[] = { POLICY_AUTHORIZE, POLICY_NV, POLICY_COMMAND_CODE };
        SealPolicy policy = policy_pin();
        SealLeaves leaves;

        (void) state;
        policy.backup = true;
        assert_int_equal(seal_policy_leaves(&policy, &leaves), 0);
        assert_int_equal(leaves.count, 2);
        assert_leaf(&leaves.leaves[0], V_SEAL_PIN_ONLY);
        assert_kinds(&leaves.leaves[1], kinds, 3); /* no PIN: the chip's DUP role takes none */
        assert_int_equal(leaves.leaves[1].terms[2].command, TPM2_CC_Duplicate);
}

static void test_combinations_are_counted_and_ordered(void **state) {
        static const struct {
                size_t threshold, count, leaves;
        } rows[] = { { 1, 1, 1 }, { 1, 2, 2 }, { 2, 2, 1 }, { 1, 3, 3 }, { 2, 3, 3 },
                     { 3, 3, 1 }, { 1, 4, 4 }, { 2, 4, 6 }, { 3, 4, 4 }, { 4, 4, 1 } };

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                SealPolicy policy = policy_approvers(rows[i].threshold, rows[i].count, false);
                SealLeaves leaves;
                TPM2B_DIGEST digest;

                assert_int_equal(seal_policy_leaves(&policy, &leaves), 0);
                assert_int_equal(leaves.count, rows[i].leaves);
                for (size_t j = 0; j < leaves.count; j++)
                        assert_int_equal(leaves.leaves[j].count, 3 + rows[i].threshold);
                policy.backup = true;
                assert_int_equal(seal_policy_leaves(&policy, &leaves), 0);
                assert_int_equal(leaves.count, rows[i].leaves + 1);
                assert_int_equal(seal_policy_digest(&policy, &digest), 0);
        }
}

static void test_two_of_four_ascend_as_numbers(void **state) {
        static const unsigned sets[] = { 0x3, 0x5, 0x6, 0x9, 0xa, 0xc };
        const SealPolicy policy = policy_approvers(2, 4, true);
        SealLeaves leaves;

        (void) state;
        assert_int_equal(seal_policy_leaves(&policy, &leaves), 0);
        assert_int_equal(leaves.count, POLICY_LEAVES_MAX);
        for (size_t i = 0; i < 6; i++) {
                PolicyLeaf leaf;

                assert_int_equal(seal_policy_use_leaf(&policy, sets[i], &leaf), 0);
                assert_memory_equal(&leaf, &leaves.leaves[i], sizeof(leaf));
        }
}

static void test_the_leaf_of_a_combination_has_its_approvers(void **state) {
        const SealPolicy policy = policy_approvers(2, 3, false);
        PolicyLeaf leaf;

        (void) state;
        assert_int_equal(seal_policy_use_leaf(&policy, 0x6, &leaf), 0);
        assert_leaf(&leaf, V_SEAL_U12);
        assert_int_equal(leaf.count, 5);
        unit_assert_name(leaf.terms[3].signing.key, V_A1_NAME);
        unit_assert_name(leaf.terms[4].signing.key, V_A2_NAME);
}

static void test_any_combination_duplicates(void **state) {
        static const PolicyKind kinds[] = { POLICY_AUTHORIZE, POLICY_NV, POLICY_SIGNED,
                                            POLICY_SIGNED,    POLICY_OR, POLICY_COMMAND_CODE };
        static const unsigned sets[] = { 0x3, 0x5, 0x6 };
        const SealPolicy policy = policy_approvers(2, 3, true);

        (void) state;
        for (size_t i = 0; i < 3; i++) {
                PolicyLeaf leaf, before;
                TPM2B_DIGEST digest;

                assert_int_equal(seal_policy_duplication_leaf(&policy, sets[i], &leaf), 0);
                assert_leaf(&leaf, V_SEAL_DUP);
                assert_kinds(&leaf, kinds, 6);
                before = leaf;
                before.count = 4; /* what the session has come to must be among the branches */
                assert_int_equal(policy_leaf_digest(&before, &digest), 0);
                assert_int_equal(leaf.terms[4].branches.count, 3);
                assert_memory_equal(&leaf.terms[4].branches.digests[i], &digest, sizeof(digest));
        }
}

static void test_a_single_combination_duplicates_without_or(void **state) {
        static const PolicyKind kinds[] = { POLICY_AUTHORIZE, POLICY_NV, POLICY_SIGNED,
                                            POLICY_SIGNED, POLICY_COMMAND_CODE };
        const SealPolicy policy = policy_approvers(2, 2, true);
        PolicyLeaf leaf;

        (void) state;
        assert_int_equal(seal_policy_duplication_leaf(&policy, 0x3, &leaf), 0);
        assert_kinds(&leaf, kinds, 5);
}

static void test_use_and_backup_signatures_are_kept_apart(void **state) {
        const SealPolicy policy = policy_approvers(1, 1, true);
        PolicyLeaf use, backup;

        (void) state;
        assert_int_equal(seal_policy_use_leaf(&policy, 0x1, &use), 0);
        assert_int_equal(seal_policy_duplication_leaf(&policy, 0x1, &backup), 0);
        assert_memory_not_equal(&use.terms[0].authorize.ref, &backup.terms[0].authorize.ref,
                                sizeof(TPM2B_DIGEST));
        assert_int_equal(use.terms[3].kind, POLICY_SIGNED);
        assert_int_equal(backup.terms[2].kind, POLICY_SIGNED);
        assert_memory_not_equal(&use.terms[3].signing.ref, &backup.terms[2].signing.ref,
                                sizeof(TPM2B_DIGEST));
}

static void test_sets_that_are_no_combination_are_refused(void **state) {
        static const unsigned sets[] = { 0x0, 0x1, 0x7, 0x8, 0x9, 0x18, 0x80000001 };
        const SealPolicy policy = policy_approvers(2, 3, true), none = policy_pin();
        PolicyLeaf leaf;

        (void) state;
        for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
                assert_int_equal(seal_policy_use_leaf(&policy, sets[i], &leaf),
                                 SEAL_E_INVALID_ARGS);
                assert_int_equal(seal_policy_duplication_leaf(&policy, sets[i], &leaf),
                                 SEAL_E_INVALID_ARGS);
        }
        assert_int_equal(seal_policy_use_leaf(&none, 0x1, &leaf), SEAL_E_INVALID_ARGS);
        assert_int_equal(seal_policy_duplication_leaf(&none, 0, &leaf), SEAL_E_INVALID_ARGS);
}

static void assert_refused(const SealPolicy *policy) {
        SealLeaves leaves = { .count = 99 };
        TPM2B_DIGEST digest = { .size = 1 };

        assert_int_equal(seal_policy_leaves(policy, &leaves), SEAL_E_INVALID_ARGS);
        assert_int_equal(leaves.count, 99);
        assert_int_equal(seal_policy_digest(policy, &digest), SEAL_E_INVALID_ARGS);
        assert_int_equal(digest.size, 1);
}

static void test_approvers_that_do_not_fit_are_refused(void **state) {
        SealPolicy none = policy_approvers(0, 2, false), more = policy_approvers(3, 2, false);
        SealPolicy five = policy_approvers(2, 5, false), twice = policy_approvers(2, 3, false);
        SealPolicy nameless = policy_approvers(2, 3, false);

        (void) state;
        twice.approvers[2] = twice.approvers[0];
        nameless.approvers[1].size = 0;
        assert_refused(&none);
        assert_refused(&more);
        assert_refused(&five);
        assert_refused(&twice);
        assert_refused(&nameless);
}

static void test_numbers_that_do_not_fit_are_refused(void **state) {
        SealPolicy bit = policy_pin(), authority = bit, index = bit, profile = bit, number = bit;

        (void) state;
        bit.bit = 64;
        authority.authority.size = 0;
        index.index.size = UINT16_MAX;
        profile.profile[0] = '\0';
        number.number[0] = '\0';
        assert_refused(&bit);
        assert_refused(&authority);
        assert_refused(&index);
        assert_refused(&profile);
        assert_refused(&number);
}

static void test_every_part_changes_the_policy(void **state) {
        const SealPolicy base = policy_approvers(2, 3, true);
        SealPolicy changed[8];
        TPM2B_DIGEST digest, other;

        (void) state;
        for (size_t i = 0; i < 8; i++)
                changed[i] = base;
        changed[0].authority = unit_name(V_A0_NAME);
        changed[1].profile[0] = 'x';
        changed[2].number[0] = '9';
        changed[3].index = unit_name(V_REVOCATION_NAME_UNWRITTEN);
        changed[4].bit = 4;
        changed[5].pin = false;
        changed[6].backup = false;
        changed[7].approvers[0] = unit_name(V_AUTHORITY_NAME);
        assert_int_equal(seal_policy_digest(&base, &digest), 0);
        for (size_t i = 0; i < 8; i++) {
                assert_int_equal(seal_policy_digest(&changed[i], &other), 0);
                assert_memory_not_equal(&digest, &other, sizeof(digest));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_seal_with_all_as_the_chip),
                cmocka_unit_test(test_a_seal_with_a_pin_as_the_chip),
                cmocka_unit_test(test_a_plain_seal_has_two_terms),
                cmocka_unit_test(test_duplication_asks_for_its_command),
                cmocka_unit_test(test_combinations_are_counted_and_ordered),
                cmocka_unit_test(test_two_of_four_ascend_as_numbers),
                cmocka_unit_test(test_the_leaf_of_a_combination_has_its_approvers),
                cmocka_unit_test(test_any_combination_duplicates),
                cmocka_unit_test(test_a_single_combination_duplicates_without_or),
                cmocka_unit_test(test_use_and_backup_signatures_are_kept_apart),
                cmocka_unit_test(test_sets_that_are_no_combination_are_refused),
                cmocka_unit_test(test_approvers_that_do_not_fit_are_refused),
                cmocka_unit_test(test_numbers_that_do_not_fit_are_refused),
                cmocka_unit_test(test_every_part_changes_the_policy),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
