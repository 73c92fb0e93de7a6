/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>

#include <openssl/evp.h>

#include "policy/term.h"
#include "tests/unit/vectors.h"

static void assert_term(const PolicyTerm *term, const char *hex) {
        TPM2B_DIGEST digest = policy_start();

        assert_int_equal(policy_term_extend(term, &digest), 0);
        unit_assert_digest(digest, hex);
}

static void test_every_policy_starts_from_zero(void **state) {
        static const uint8_t zero[32];
        TPM2B_DIGEST start = policy_start();

        (void) state;
        assert_int_equal(start.size, 32);
        assert_memory_equal(start.buffer, zero, 32);
}

static void assert_pcr_term(TPMI_ALG_HASH bank, uint32_t mask, const char *values,
                            const char *hex) {
        PolicyTerm term = { .kind = POLICY_PCR,
                            .pcr = { .selection = { bank, mask }, .digest.size = 32 } };
        uint8_t bytes[UNIT_BYTES_MAX];

        size_t size = unit_bytes(values, bytes);
        assert_int_equal(
                EVP_Q_digest(NULL, "SHA256", NULL, bytes, size, term.pcr.digest.buffer, NULL), 1);
        assert_term(&term, hex);
}

static void test_pcr_as_the_chip(void **state) {
        (void) state;
        assert_pcr_term(TPM2_ALG_SHA256, 1U << 0 | 1U << 2 | 1U << 7, V_PCR_SHA256_VALUES,
                        V_PCR_SHA256_POLICY);
        assert_pcr_term(TPM2_ALG_SHA384, 1U << 1 | 1U << 7 | 1U << 23, V_PCR_SHA384_VALUES,
                        V_PCR_SHA384_POLICY);
}

static PolicyTerm authorize_term(void) {
        return (PolicyTerm){ .kind = POLICY_AUTHORIZE,
                             .authorize = { .key = unit_name(V_AUTHORITY_NAME),
                                            .ref = unit_digest(V_REF_PROFILE) } };
}

static void test_authorize_as_the_chip(void **state) {
        const PolicyTerm term = authorize_term();

        (void) state;
        assert_term(&term, V_AUTHORIZE);
}

static void test_authorize_replaces_what_was_before(void **state) {
        const PolicyLeaf leaf = { .count = 2,
                                  .terms = { { .kind = POLICY_AUTH_VALUE }, authorize_term() } };
        TPM2B_DIGEST digest;

        (void) state;
        assert_int_equal(policy_leaf_digest(&leaf, &digest), 0);
        unit_assert_digest(digest, V_AUTHORIZE);
}

static PolicyTerm nv_term(void) {
        return (PolicyTerm){ .kind = POLICY_NV,
                             .nv = { .index = unit_name(V_REVOCATION_NAME_WRITTEN),
                                     .mask = 1U << 3 } };
}

static void test_nv_as_the_chip(void **state) {
        const PolicyTerm term = nv_term();

        (void) state;
        assert_term(&term, V_NV_BIT_3);
}

static void test_auth_value_as_the_chip(void **state) {
        const PolicyTerm term = { .kind = POLICY_AUTH_VALUE };

        (void) state;
        assert_term(&term, V_AUTH_VALUE);
}

static void test_signed_as_the_chip(void **state) {
        const PolicyTerm term = { .kind = POLICY_SIGNED,
                                  .signing = { .key = unit_name(V_A2_NAME),
                                               .ref = unit_digest(V_REF_SEAL) } };

        (void) state;
        assert_term(&term, V_SIGNED);
}

static PolicyTerm or_term(void) {
        return (PolicyTerm){ .kind = POLICY_OR,
                             .branches = { .count = 2,
                                           .digests = { unit_digest(V_REVOCATION_FIRST),
                                                        unit_digest(V_REVOCATION_LATER) } } };
}

static void test_or_as_the_chip(void **state) {
        const PolicyTerm term = or_term();

        (void) state;
        assert_term(&term, V_REVOCATION_POLICY);
}

static void test_or_replaces_what_was_before(void **state) {
        const PolicyLeaf leaf = { .count = 2,
                                  .terms = { { .kind = POLICY_AUTH_VALUE }, or_term() } };
        TPM2B_DIGEST digest;

        (void) state;
        assert_int_equal(policy_leaf_digest(&leaf, &digest), 0);
        unit_assert_digest(digest, V_REVOCATION_POLICY);
}

static void test_nv_written_as_the_chip(void **state) {
        const PolicyTerm yes = { .kind = POLICY_NV_WRITTEN, .written = true };
        const PolicyTerm no = { .kind = POLICY_NV_WRITTEN, .written = false };

        (void) state;
        assert_term(&yes, V_NV_WRITTEN_YES);
        assert_term(&no, V_NV_WRITTEN_NO);
}

static void test_command_code_as_the_chip(void **state) {
        const PolicyTerm term = { .kind = POLICY_COMMAND_CODE, .command = TPM2_CC_Duplicate };

        (void) state;
        assert_term(&term, V_DUPLICATE);
}

static void test_duplication_select_as_the_chip(void **state) {
        PolicyTerm term = { .kind = POLICY_DUPLICATION_SELECT,
                            .duplication = { .object = unit_name(V_A1_NAME),
                                             .parent = unit_name(V_A0_NAME) } };

        (void) state;
        assert_term(&term, V_DUPLICATION_SELECT);
        term.duplication.include_object = true;
        assert_term(&term, V_DUPLICATION_SELECT_OBJECT);
}

static void test_a_leaf_is_its_terms_in_order(void **state) {
        const PolicyTerm nv = nv_term(), pin = { .kind = POLICY_AUTH_VALUE };
        const PolicyLeaf leaf = { .count = 2, .terms = { nv, pin } };
        const PolicyLeaf other = { .count = 2, .terms = { pin, nv } };
        TPM2B_DIGEST digest, expected = unit_digest(V_NV_BIT_3), swapped;

        (void) state;
        assert_int_equal(policy_term_extend(&pin, &expected), 0);
        assert_int_equal(policy_leaf_digest(&leaf, &digest), 0);
        assert_memory_equal(&digest, &expected, sizeof(digest));
        assert_int_equal(policy_leaf_digest(&other, &swapped), 0);
        assert_memory_not_equal(&digest, &swapped, sizeof(digest));
}

static void test_an_empty_leaf_is_the_start(void **state) {
        const PolicyLeaf leaf = {};
        TPM2B_DIGEST digest, start = policy_start();

        (void) state;
        assert_int_equal(policy_leaf_digest(&leaf, &digest), 0);
        assert_memory_equal(&digest, &start, sizeof(digest));
}

static void test_or_over_leaves(void **state) {
        const PolicyLeaf leaves[] = {
                { .count = 2, .terms = { authorize_term(), nv_term() } },
                { .count = 1, .terms = { nv_term() } },
                {},
        };
        TPM2B_DIGEST digest;
        PolicyTerm term;

        (void) state;
        assert_int_equal(policy_or_term(leaves, 3, &term), 0);
        assert_int_equal(term.kind, POLICY_OR);
        assert_int_equal(term.branches.count, 3);
        assert_int_equal(policy_leaf_digest(&leaves[0], &digest), 0);
        assert_memory_equal(&term.branches.digests[0], &digest, sizeof(digest));
        unit_assert_digest(term.branches.digests[1], V_NV_BIT_3);
}

static void test_or_takes_two_to_its_maximum(void **state) {
        static const PolicyLeaf leaves[POLICY_LEAVES_MAX + 1];
        PolicyTerm term = { .kind = POLICY_NV };

        (void) state;
        assert_int_equal(policy_or_term(leaves, 0, &term), -EINVAL);
        assert_int_equal(policy_or_term(leaves, 1, &term), -EINVAL);
        assert_int_equal(policy_or_term(leaves, POLICY_LEAVES_MAX + 1, &term), -EINVAL);
        assert_int_equal(term.kind, POLICY_NV);
        assert_int_equal(policy_or_term(leaves, POLICY_LEAVES_MAX, &term), 0);
}

static void assert_not_extended(const PolicyTerm *term) {
        TPM2B_DIGEST digest = unit_digest(V_NV_BIT_3);

        assert_int_equal(policy_term_extend(term, &digest), -EINVAL);
        unit_assert_digest(digest, V_NV_BIT_3);
}

static void test_impossible_terms_are_refused(void **state) {
        PolicyTerm one = or_term(), many = or_term(), odd = or_term(), nv = nv_term();
        PolicyTerm authorize = authorize_term(), kind = { .kind = POLICY_KIND_MAX };

        (void) state;
        one.branches.count = 1;
        many.branches.count = 9;
        odd.branches.digests[1].size = 20;
        nv.nv.index.size = UINT16_MAX;
        authorize.authorize.ref.size = UINT16_MAX;
        assert_not_extended(&one);
        assert_not_extended(&many);
        assert_not_extended(&odd);
        assert_not_extended(&nv);
        assert_not_extended(&authorize);
        assert_not_extended(&kind);
}

static void test_other_digests_are_not_extended(void **state) {
        const PolicyTerm term = { .kind = POLICY_AUTH_VALUE };
        TPM2B_DIGEST empty = {}, long_one = { .size = UINT16_MAX };

        (void) state;
        assert_int_equal(policy_term_extend(&term, &empty), -EINVAL);
        assert_int_equal(policy_term_extend(&term, &long_one), -EINVAL);
}

static void test_a_leaf_of_too_many_terms_is_refused(void **state) {
        PolicyLeaf leaf = { .count = POLICY_TERMS_MAX + 1 };
        TPM2B_DIGEST digest = { .size = 1 };

        (void) state;
        assert_int_equal(policy_leaf_digest(&leaf, &digest), -EINVAL);
        assert_int_equal(digest.size, 1);
}

static void test_the_operand_is_as_nv_holds_it(void **state) {
        TPM2B_OPERAND operand = policy_nv_operand(UINT64_C(1) << 63 | 1U << 3);

        (void) state;
        unit_assert_digest(operand, "8000000000000008");
}

static void test_terms_are_told_to_people(void **state) {
        TPM2B_NAME name = unit_name("000b01abcdef00000000");
        TPM2B_DIGEST ref = unit_digest("f00dcafe00000000");
        const struct {
                PolicyTerm term;
                const char *text;
        } rows[] = {
                { { .kind = POLICY_PCR, .pcr = { { TPM2_ALG_SHA256, 0x85 }, ref } },
                  "PolicyPCR(sha256:0,2,7 digest f00dcafe)" },
                { { .kind = POLICY_AUTHORIZE, .authorize = { name, ref } },
                  "PolicyAuthorize(key 01abcdef ref f00dcafe)" },
                { { .kind = POLICY_NV, .nv = { name, 8 } },
                  "PolicyNV(index 01abcdef bit 3 clear)" },
                { { .kind = POLICY_NV, .nv = { name, UINT64_C(1) << 63 } },
                  "PolicyNV(index 01abcdef bit 63 clear)" },
                { { .kind = POLICY_NV, .nv = { name, 9 } },
                  "PolicyNV(index 01abcdef bits 0000000000000009 clear)" },
                { { .kind = POLICY_AUTH_VALUE }, "PolicyAuthValue" },
                { { .kind = POLICY_SIGNED, .signing = { name, ref } },
                  "PolicySigned(key 01abcdef ref f00dcafe)" },
                { { .kind = POLICY_SIGNED }, "PolicySigned(key none ref none)" },
                { { .kind = POLICY_OR, .branches.count = 4 }, "PolicyOR(4 branches)" },
                { { .kind = POLICY_NV_WRITTEN, .written = true }, "PolicyNvWritten(yes)" },
                { { .kind = POLICY_NV_WRITTEN }, "PolicyNvWritten(no)" },
                { { .kind = POLICY_COMMAND_CODE, .command = TPM2_CC_Duplicate },
                  "PolicyCommandCode(Duplicate)" },
                { { .kind = POLICY_COMMAND_CODE, .command = TPM2_CC_Sign },
                  "PolicyCommandCode(0000015d)" },
                { { .kind = POLICY_DUPLICATION_SELECT, .duplication.parent = name },
                  "PolicyDuplicationSelect(object any parent 01abcdef)" },
                { { .kind = POLICY_DUPLICATION_SELECT, .duplication = { name, name, true } },
                  "PolicyDuplicationSelect(object 01abcdef parent 01abcdef)" },
                { { .kind = POLICY_KIND_MAX }, "unknown" },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                char text[128];

                assert_string_equal(policy_term_describe(&rows[i].term, text, sizeof(text)),
                                    rows[i].text);
        }
}

static void test_a_description_is_cut_at_its_size(void **state) {
        const PolicyTerm term = { .kind = POLICY_AUTH_VALUE };
        char text[8];

        (void) state;
        assert_string_equal(policy_term_describe(&term, text, sizeof(text)), "PolicyA");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_policy_starts_from_zero),
                cmocka_unit_test(test_pcr_as_the_chip),
                cmocka_unit_test(test_authorize_as_the_chip),
                cmocka_unit_test(test_authorize_replaces_what_was_before),
                cmocka_unit_test(test_nv_as_the_chip),
                cmocka_unit_test(test_auth_value_as_the_chip),
                cmocka_unit_test(test_signed_as_the_chip),
                cmocka_unit_test(test_or_as_the_chip),
                cmocka_unit_test(test_or_replaces_what_was_before),
                cmocka_unit_test(test_nv_written_as_the_chip),
                cmocka_unit_test(test_command_code_as_the_chip),
                cmocka_unit_test(test_duplication_select_as_the_chip),
                cmocka_unit_test(test_a_leaf_is_its_terms_in_order),
                cmocka_unit_test(test_an_empty_leaf_is_the_start),
                cmocka_unit_test(test_or_over_leaves),
                cmocka_unit_test(test_or_takes_two_to_its_maximum),
                cmocka_unit_test(test_impossible_terms_are_refused),
                cmocka_unit_test(test_other_digests_are_not_extended),
                cmocka_unit_test(test_a_leaf_of_too_many_terms_is_refused),
                cmocka_unit_test(test_the_operand_is_as_nv_holds_it),
                cmocka_unit_test(test_terms_are_told_to_people),
                cmocka_unit_test(test_a_description_is_cut_at_its_size),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
