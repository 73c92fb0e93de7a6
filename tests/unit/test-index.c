/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>

#include "base/error.h"
#include "policy/digest.h"
#include "policy/index.h"
#include "tests/unit/vectors.h"

#define REVOCATION_HANDLE 0x01812345U
#define LEDGER_HANDLE 0x01812346U

static TPMS_NV_PUBLIC public_of(IndexKind kind, TPM2_HANDLE handle) {
        const TPM2B_NAME authority = unit_name(V_AUTHORITY_NAME);
        TPMS_NV_PUBLIC public;

        assert_int_equal(index_public(kind, handle, &authority, &public), 0);
        return public;
}

static void assert_policy(IndexKind kind, TPM2_HANDLE handle, const char *first, const char *later,
                          const char *either) {
        const TPM2B_NAME authority = unit_name(V_AUTHORITY_NAME);
        TPM2B_DIGEST digest = policy_start();
        IndexPolicy policy;

        assert_int_equal(index_policy(kind, handle, &authority, &policy), 0);
        assert_int_equal(policy_term_extend(&policy.either, &digest), 0);
        unit_assert_digest(digest, either);
        assert_int_equal(policy_leaf_digest(&policy.first, &digest), 0);
        unit_assert_digest(digest, first);
        assert_int_equal(policy_leaf_digest(&policy.later, &digest), 0);
        unit_assert_digest(digest, later);
}

static void test_policies_as_the_chip(void **state) {
        (void) state;
        assert_policy(INDEX_REVOCATION, REVOCATION_HANDLE, V_REVOCATION_FIRST, V_REVOCATION_LATER,
                      V_REVOCATION_POLICY);
        assert_policy(INDEX_LEDGER, LEDGER_HANDLE, V_LEDGER_FIRST, V_LEDGER_LATER, V_LEDGER_POLICY);
}

static void test_a_policy_is_for_one_handle_and_kind(void **state) {
        TPMS_NV_PUBLIC a = public_of(INDEX_REVOCATION, REVOCATION_HANDLE);
        TPMS_NV_PUBLIC b = public_of(INDEX_REVOCATION, LEDGER_HANDLE);
        TPMS_NV_PUBLIC c = public_of(INDEX_LEDGER, REVOCATION_HANDLE);

        (void) state;
        assert_memory_not_equal(&a.authPolicy, &b.authPolicy, sizeof(a.authPolicy));
        assert_memory_not_equal(&a.authPolicy, &c.authPolicy, sizeof(a.authPolicy));
}

/* Attributes of Part 2 §13.4, written out: the design allows these and no others. */
static void test_attributes_are_exactly_these(void **state) {
        TPMS_NV_PUBLIC revocation = public_of(INDEX_REVOCATION, REVOCATION_HANDLE);
        TPMS_NV_PUBLIC ledger = public_of(INDEX_LEDGER, LEDGER_HANDLE);

        (void) state;
        assert_int_equal(revocation.attributes, 0x82040028); /* READ_STCLEAR, NO_DA, AUTHREAD,
                                                                POLICYWRITE, bits */
        assert_int_equal(revocation.dataSize, 8);
        assert_int_equal(revocation.nvIndex, REVOCATION_HANDLE);
        assert_int_equal(ledger.attributes, 0x02060048); /* NO_DA, AUTHREAD, OWNERREAD,
                                                            POLICYWRITE, extend */
        assert_int_equal(ledger.dataSize, 32);
        assert_int_equal(ledger.nvIndex, LEDGER_HANDLE);
        assert_int_equal(ledger.nameAlg, TPM2_ALG_SHA256);
}

static void assert_names(const TPMS_NV_PUBLIC *public, const char *unwritten, const char *written) {
        TPMS_NV_PUBLIC read = *public;
        TPM2B_NAME name;

        assert_int_equal(index_name(public, false, &name), 0);
        unit_assert_name(name, unwritten);
        assert_int_equal(index_name(public, true, &name), 0);
        unit_assert_name(name, written);
        read.attributes |= TPMA_NV_WRITTEN; /* as the chip tells it later */
        assert_int_equal(index_name(&read, false, &name), 0);
        unit_assert_name(name, unwritten);
        assert_int_equal(index_name(&read, true, &name), 0);
        unit_assert_name(name, written);
}

static void test_names_as_the_chip(void **state) {
        TPMS_NV_PUBLIC revocation = public_of(INDEX_REVOCATION, REVOCATION_HANDLE);
        TPMS_NV_PUBLIC ledger = public_of(INDEX_LEDGER, LEDGER_HANDLE);

        (void) state;
        assert_names(&revocation, V_REVOCATION_NAME_UNWRITTEN, V_REVOCATION_NAME_WRITTEN);
        assert_names(&ledger, V_LEDGER_NAME_UNWRITTEN, V_LEDGER_NAME_WRITTEN);
}

static void test_a_locked_index_has_another_name(void **state) {
        TPMS_NV_PUBLIC public = public_of(INDEX_REVOCATION, REVOCATION_HANDLE);
        TPM2B_NAME name, locked;

        (void) state;
        assert_int_equal(index_name(&public, true, &name), 0);
        public.attributes |= TPMA_NV_READLOCKED;
        assert_int_equal(index_name(&public, true, &locked), 0);
        assert_memory_not_equal(&name, &locked, sizeof(name));
}

static void test_what_is_no_public_area_has_no_name(void **state) {
        TPMS_NV_PUBLIC other = public_of(INDEX_LEDGER, LEDGER_HANDLE), broken = other;
        TPM2B_NAME name = { .size = 1 };

        (void) state;
        other.nameAlg = TPM2_ALG_SHA384;
        broken.authPolicy.size = UINT16_MAX;
        assert_int_equal(index_name(&other, true, &name), SEAL_E_UNSUPPORTED);
        assert_int_equal(index_name(&broken, true, &name), -EINVAL);
        assert_int_equal(name.size, 1);
}

static void test_an_unknown_kind_is_refused(void **state) {
        const TPM2B_NAME authority = unit_name(V_AUTHORITY_NAME);
        TPMS_NV_PUBLIC public;
        IndexPolicy policy;

        (void) state;
        assert_int_equal(index_policy((IndexKind) 3, LEDGER_HANDLE, &authority, &policy), -EINVAL);
        assert_int_equal(index_public((IndexKind) 3, LEDGER_HANDLE, &authority, &public), -EINVAL);
}

static void test_cphash_of_the_first_write_as_the_chip(void **state) {
        TPM2B_NAME name = unit_name(V_REVOCATION_NAME_UNWRITTEN);
        TPM2B_DIGEST digest, genesis = unit_digest(V_LEDGER_GENESIS);

        (void) state;
        assert_int_equal(cphash_nv_set_bits(&name, V_REVOCATION_BITS, &digest), 0);
        unit_assert_digest(digest, V_REVOCATION_CPHASH);
        name = unit_name(V_LEDGER_NAME_UNWRITTEN);
        assert_int_equal(cphash_nv_extend(&name, (Bytes){ genesis.buffer, genesis.size }, &digest),
                         0);
        unit_assert_digest(digest, V_LEDGER_CPHASH);
}

static void test_more_than_the_chip_takes_has_no_cphash(void **state) {
        static const uint8_t data[TPM2_MAX_NV_BUFFER_SIZE + 1];
        const TPM2B_NAME name = unit_name(V_LEDGER_NAME_UNWRITTEN), broken = { .size = UINT16_MAX };
        TPM2B_DIGEST digest;

        (void) state;
        assert_int_equal(cphash_nv_extend(&name, (Bytes){ data, sizeof(data) - 1 }, &digest), 0);
        assert_int_equal(cphash_nv_extend(&name, (Bytes){ data, sizeof(data) }, &digest), -EINVAL);
        assert_int_equal(cphash_nv_extend(&broken, (Bytes){ data, 1 }, &digest), -EINVAL);
        assert_int_equal(cphash_nv_set_bits(&broken, 0, &digest), -EINVAL);
}

static void test_genesis_names_authority_and_handle(void **state) {
        const TPM2B_NAME authority = unit_name(V_AUTHORITY_NAME), other = unit_name(V_A0_NAME);
        TPM2B_DIGEST genesis, moved, usurped;

        (void) state;
        assert_int_equal(ledger_genesis(&authority, LEDGER_HANDLE, &genesis), 0);
        unit_assert_digest(genesis, V_LEDGER_GENESIS);
        assert_int_equal(ledger_genesis(&authority, LEDGER_HANDLE + 1, &moved), 0);
        assert_int_equal(ledger_genesis(&other, LEDGER_HANDLE, &usurped), 0);
        assert_memory_not_equal(&genesis, &moved, sizeof(genesis));
        assert_memory_not_equal(&genesis, &usurped, sizeof(genesis));
}

static void test_a_ledger_value_is_a_chain_of_hashes(void **state) {
        const TPM2B_NAME authority = unit_name(V_AUTHORITY_NAME);
        uint8_t chained[2 * LEDGER_VALUE_SIZE] = {}, value[LEDGER_VALUE_SIZE];
        uint8_t head[LEDGER_VALUE_SIZE] = { 7 };
        TPM2B_DIGEST wanted;

        (void) state;
        memcpy(chained + LEDGER_VALUE_SIZE, unit_digest(V_LEDGER_GENESIS).buffer, 32);
        assert_int_equal(digest_bytes((Bytes){ chained, sizeof(chained) }, &wanted), 0);
        assert_int_equal(ledger_value_first(&authority, LEDGER_HANDLE, value), 0);
        assert_memory_equal(value, wanted.buffer, sizeof(value));

        memcpy(chained, wanted.buffer, LEDGER_VALUE_SIZE);
        memcpy(chained + LEDGER_VALUE_SIZE, head, LEDGER_VALUE_SIZE);
        assert_int_equal(digest_bytes((Bytes){ chained, sizeof(chained) }, &wanted), 0);
        assert_int_equal(ledger_value_next(value, head, value), 0); /* in place */
        assert_memory_equal(value, wanted.buffer, sizeof(value));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_policies_as_the_chip),
                cmocka_unit_test(test_a_policy_is_for_one_handle_and_kind),
                cmocka_unit_test(test_attributes_are_exactly_these),
                cmocka_unit_test(test_names_as_the_chip),
                cmocka_unit_test(test_a_locked_index_has_another_name),
                cmocka_unit_test(test_what_is_no_public_area_has_no_name),
                cmocka_unit_test(test_an_unknown_kind_is_refused),
                cmocka_unit_test(test_cphash_of_the_first_write_as_the_chip),
                cmocka_unit_test(test_more_than_the_chip_takes_has_no_cphash),
                cmocka_unit_test(test_genesis_names_authority_and_handle),
                cmocka_unit_test(test_a_ledger_value_is_a_chain_of_hashes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
