/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>

#include "policy/approval.h"
#include "tests/unit/vectors.h"

static PcrValues values_sha256(void) {
        static const unsigned pcrs[] = { 0, 2, 7 };
        PcrValues values = { .selection = { TPM2_ALG_SHA256, 0x85 } };
        uint8_t bytes[UNIT_BYTES_MAX];

        assert_int_equal(unit_bytes(V_PCR_SHA256_VALUES, bytes), 3 * 32);
        for (size_t i = 0; i < 3; i++) {
                values.values[pcrs[i]].size = 32;
                memcpy(values.values[pcrs[i]].buffer, bytes + 32 * i, 32);
        }
        return values;
}

static void test_machine_state_as_the_chip(void **state) {
        const PcrValues values = values_sha256();
        TPM2B_DIGEST policy;

        (void) state;
        assert_int_equal(machine_state_policy(&values, &policy), 0);
        unit_assert_digest(policy, V_PCR_SHA256_POLICY);
}

static void test_a_blind_machine_state_is_refused(void **state) {
        PcrValues empty = values_sha256(), missing = empty;
        TPM2B_DIGEST policy = { .size = 1 };

        (void) state;
        empty.selection.mask = 0;
        missing.values[7].size = 0;
        assert_int_equal(machine_state_policy(&empty, &policy), -EINVAL);
        assert_int_equal(machine_state_policy(&missing, &policy), -EINVAL);
        assert_int_equal(policy.size, 1);
}

static void test_state_that_can_be_retired_adds_its_bit(void **state) {
        const PcrValues values = values_sha256();
        const TPM2B_NAME index = { .size = 34, .name = { 0, 0x0b, 7 } };
        TPM2B_DIGEST plain, one, other, by_hand;
        PolicyTerm bit = { .kind = POLICY_NV, .nv = { .index = index, .mask = 1U << 5 } };

        (void) state;
        assert_int_equal(machine_state_policy(&values, &plain), 0);
        assert_int_equal(machine_state_policy_retirable(&values, &index, 5, &one), 0);
        assert_int_equal(machine_state_policy_retirable(&values, &index, 6, &other), 0);
        by_hand = plain;
        assert_int_equal(policy_term_extend(&bit, &by_hand), 0);
        assert_memory_equal(one.buffer, by_hand.buffer, 32);
        assert_memory_not_equal(one.buffer, plain.buffer, 32);
        assert_memory_not_equal(one.buffer, other.buffer, 32);
        assert_int_equal(machine_state_policy_retirable(&values, &index, 64, &one), -EINVAL);
}

static void test_authorize_bytes(void **state) {
        const TPM2B_DIGEST policy = unit_digest(V_PCR_SHA256_POLICY);
        const TPM2B_DIGEST ref = unit_digest(V_REF_PROFILE);
        uint8_t buffer[APPROVAL_BYTES_MAX];
        Writer w = writer_over(buffer, sizeof(buffer));

        (void) state;
        approval_authorize_bytes(&policy, &ref, &w);
        assert_false(w.overflow);
        unit_assert_hex(buffer, w.used, V_PCR_SHA256_POLICY V_REF_PROFILE);
}

static void test_deferred_bytes(void **state) {
        const TPM2B_DIGEST cphash = unit_digest(V_SIGN_CPHASH), ref = unit_digest(V_REF_SEAL);
        uint8_t buffer[APPROVAL_BYTES_MAX];
        Writer w = writer_over(buffer, sizeof(buffer));

        (void) state;
        approval_signed_bytes(NULL, 0, &cphash, &ref, &w);
        unit_assert_hex(buffer, w.used, "00000000" V_SIGN_CPHASH V_REF_SEAL);
}

static void test_live_bytes(void **state) {
        const TPM2B_DIGEST cphash = unit_digest(V_SIGN_CPHASH), ref = unit_digest(V_REF_SEAL);
        const TPM2B_NONCE nonce = unit_digest("000102030405060708090a0b0c0d0e0f");
        const TPM2B_DIGEST none = {};
        uint8_t buffer[APPROVAL_BYTES_MAX];
        Writer w = writer_over(buffer, sizeof(buffer));

        (void) state;
        approval_signed_bytes(&nonce, 300, &cphash, &ref, &w);
        unit_assert_hex(buffer, w.used,
                        "000102030405060708090a0b0c0d0e0f0000012c" V_SIGN_CPHASH V_REF_SEAL);
        w = writer_over(buffer, sizeof(buffer));
        approval_signed_bytes(&nonce, -1, &none, &none, &w);
        unit_assert_hex(buffer, w.used, "000102030405060708090a0b0c0d0e0fffffffff");
}

static void test_too_little_room_is_remembered(void **state) {
        const TPM2B_DIGEST cphash = unit_digest(V_SIGN_CPHASH), ref = unit_digest(V_REF_SEAL);
        const TPM2B_DIGEST broken = { .size = UINT16_MAX };
        uint8_t buffer[APPROVAL_BYTES_MAX];
        Writer small = writer_over(buffer, 67), large = writer_over(buffer, sizeof(buffer));

        (void) state;
        approval_signed_bytes(NULL, 0, &cphash, &ref, &small);
        assert_true(small.overflow);
        approval_authorize_bytes(&cphash, &broken, &large);
        assert_true(large.overflow);
}

static void test_cphash_of_sign_as_the_tool(void **state) {
        const TPM2B_NAME key = unit_name(V_SIGN_NAME);
        const TPM2B_DIGEST document = unit_digest(V_SIGN_DIGEST);
        const TPMT_SIG_SCHEME scheme = { .scheme = TPM2_ALG_ECDSA,
                                         .details.ecdsa.hashAlg = TPM2_ALG_SHA256 };
        TPM2B_DIGEST cphash;

        (void) state;
        assert_int_equal(cphash_sign(&key, &document, &scheme, &cphash), 0);
        unit_assert_digest(cphash, V_SIGN_CPHASH);
}

static void test_the_scheme_is_part_of_the_cphash(void **state) {
        const TPM2B_NAME key = unit_name(V_SIGN_NAME);
        const TPM2B_DIGEST document = unit_digest(V_SIGN_DIGEST);
        const TPMT_SIG_SCHEME scheme = { .scheme = TPM2_ALG_NULL };
        TPM2B_DIGEST cphash, expected = unit_digest(V_SIGN_CPHASH);

        (void) state;
        assert_int_equal(cphash_sign(&key, &document, &scheme, &cphash), 0);
        assert_memory_not_equal(&cphash, &expected, sizeof(cphash));
}

static void test_what_cannot_be_marshalled_has_no_cphash(void **state) {
        const TPM2B_NAME key = unit_name(V_SIGN_NAME), long_name = { .size = UINT16_MAX };
        const TPM2B_DIGEST document = unit_digest(V_SIGN_DIGEST), long_one = { .size = UINT16_MAX };
        const TPMT_SIG_SCHEME scheme = { .scheme = TPM2_ALG_NULL };
        const TPMT_SIG_SCHEME unknown = { .scheme = 0x7777 };
        TPM2B_DIGEST cphash = { .size = 1 };

        (void) state;
        assert_int_equal(cphash_sign(&long_name, &document, &scheme, &cphash), -EINVAL);
        assert_int_equal(cphash_sign(&key, &long_one, &scheme, &cphash), -EINVAL);
        assert_int_equal(cphash_sign(&key, &document, &unknown, &cphash), -EINVAL);
        assert_int_equal(cphash.size, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_machine_state_as_the_chip),
                cmocka_unit_test(test_a_blind_machine_state_is_refused),
                cmocka_unit_test(test_state_that_can_be_retired_adds_its_bit),
                cmocka_unit_test(test_authorize_bytes),
                cmocka_unit_test(test_deferred_bytes),
                cmocka_unit_test(test_live_bytes),
                cmocka_unit_test(test_too_little_room_is_remembered),
                cmocka_unit_test(test_cphash_of_sign_as_the_tool),
                cmocka_unit_test(test_the_scheme_is_part_of_the_cphash),
                cmocka_unit_test(test_what_cannot_be_marshalled_has_no_cphash),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
