/* SPDX-License-Identifier: Apache-2.0 */
/* What the authority's program refuses to sign, whatever the daemon says it is. */
#include "client/challenge.c" /* the client is a program and no archive */

#include "tests/unit/unit.h"

#define FIRST 0x01800001U
#define SECOND 0x01800002U
#define LEDGER 0x01800003U

static IndexFacts the_facts(void) {
        IndexFacts facts = {
                .authority = { .size = 34, .name = { 0x00, 0x0b, 0x11 } },
                .n_revocation = 2,
                .revocation = { FIRST, SECOND },
                .used = { MAKER_BITS, 0 },
                .ledger = LEDGER,
        };

        return facts;
}

/* The challenge of an honest daemon for the first write of this index. */
static void index_bytes(const IndexFacts *facts, IndexKind kind, TPM2_HANDLE handle,
                        uint8_t ret[static INDEX_SIZE]) {
        const TPM2B_NONCE nonce = { .size = DIGEST_SIZE, .buffer = { 9 } };
        Writer w = writer_over(ret, INDEX_SIZE);
        TPM2B_DIGEST cphash, ref;

        assert_int_equal(first_write(facts, kind, handle, &cphash), 0);
        assert_int_equal(
                policy_ref_handle(kind == INDEX_LEDGER ? REF_LEDGER_INDEX : REF_REVOCATION_INDEX,
                                  handle, &ref),
                0);
        approval_signed_bytes(&nonce, 0, &cphash, &ref, &w);
        assert_int_equal(w.used, INDEX_SIZE);
}

static int check(const IndexFacts *facts, const uint8_t *bytes, size_t size, const char *word) {
        TPM2_HANDLE handle = 0;
        ErrorDetail detail = {};

        int r = challenge_check_index(facts, (Bytes){ bytes, size }, &handle, &detail);
        if (r != 0 && !strstr(detail.text, word))
                fail_msg("'%s' does not speak of '%s'", detail.text, word);
        assert_true(r != 0 || handle != 0);
        return r;
}

static void first_writes_of_its_indices_are_signed(void **state) {
        const IndexFacts facts = the_facts();
        uint8_t bytes[INDEX_SIZE];

        (void) state;
        index_bytes(&facts, INDEX_REVOCATION, FIRST, bytes);
        assert_int_equal(check(&facts, bytes, sizeof(bytes), ""), 0);
        index_bytes(&facts, INDEX_REVOCATION, SECOND, bytes);
        assert_int_equal(check(&facts, bytes, sizeof(bytes), ""), 0);
        index_bytes(&facts, INDEX_LEDGER, LEDGER, bytes);
        assert_int_equal(check(&facts, bytes, sizeof(bytes), ""), 0);
}

static void index_with_seals_is_not_begun_anew(void **state) {
        uint8_t bytes[INDEX_SIZE];

        (void) state;
        IndexFacts facts = the_facts();
        facts.used[0] = MAKER_BITS + 1;
        index_bytes(&facts, INDEX_REVOCATION, FIRST, bytes);
        assert_int_equal(check(&facts, bytes, sizeof(bytes), "seals"), SEAL_E_APPROVAL_INVALID);
        /* The bits of the maker are in the first index only. */
        facts = the_facts();
        facts.used[1] = 1;
        index_bytes(&facts, INDEX_REVOCATION, SECOND, bytes);
        assert_int_equal(check(&facts, bytes, sizeof(bytes), "seals"), SEAL_E_APPROVAL_INVALID);
}

static void other_bytes_are_refused(void **state) {
        const IndexFacts facts = the_facts();
        uint8_t good[INDEX_SIZE], bytes[INDEX_SIZE];

        (void) state;
        index_bytes(&facts, INDEX_REVOCATION, FIRST, good);
        assert_int_equal(check(&facts, good, sizeof(good) - 1, "session"), SEAL_E_APPROVAL_INVALID);
        assert_int_equal(check(&facts, good, 0, "session"), SEAL_E_APPROVAL_INVALID);
        memcpy(bytes, good, sizeof(good));
        bytes[EXPIRATION_AT + 3] = 1;
        assert_int_equal(check(&facts, bytes, sizeof(bytes), "expiration"),
                         SEAL_E_APPROVAL_INVALID);
        memcpy(bytes, good, sizeof(good));
        bytes[CPHASH_AT] ^= 1;
        assert_int_equal(check(&facts, bytes, sizeof(bytes), "another write"),
                         SEAL_E_APPROVAL_INVALID);
        memcpy(bytes, good, sizeof(good));
        bytes[REF_AT] ^= 1;
        assert_int_equal(check(&facts, bytes, sizeof(bytes), "no index"), SEAL_E_APPROVAL_INVALID);
}

static void machine_state_is_that_of_the_values_shown(void **state) {
        MachineFacts facts = { .profile = "default" };
        uint8_t bytes[MACHINE_SIZE];
        TPM2B_DIGEST policy, ref;
        Writer w = writer_over(bytes, sizeof(bytes));
        ErrorDetail detail = {};
        const Bytes challenge = { bytes, sizeof(bytes) };

        (void) state;
        facts.values.selection = (PcrSelection){ .bank = TPM2_ALG_SHA256, .mask = 1U << 7 };
        facts.values.values[7].size = DIGEST_SIZE;
        assert_int_equal(machine_state_policy(&facts.values, &policy), 0);
        assert_int_equal(policy_ref(REF_PROFILE, "default", &ref), 0);
        approval_authorize_bytes(&policy, &ref, &w);
        assert_int_equal(challenge_check_machine(&facts, challenge, &detail), 0);

        strcpy(facts.profile, "other");
        assert_int_equal(challenge_check_machine(&facts, challenge, &detail),
                         SEAL_E_APPROVAL_INVALID);
        assert_non_null(strstr(detail.text, "profile"));
        strcpy(facts.profile, "default");
        facts.values.values[7].buffer[0] = 1;
        assert_int_equal(challenge_check_machine(&facts, challenge, &detail),
                         SEAL_E_APPROVAL_INVALID);
        assert_non_null(strstr(detail.text, "PCR values"));
        facts.values.selection.mask = 0;
        assert_int_equal(challenge_check_machine(&facts, challenge, &detail),
                         SEAL_E_APPROVAL_INVALID);
        assert_non_null(strstr(detail.text, "any machine"));
}

/* As service-separation.c makes them. */
static size_t separation_bytes(const char *mode, const TPM2B_NAME *name, uint8_t *ret,
                               size_t size) {
        uint8_t random[DIGEST_SIZE] = { 7 };
        Writer w = writer_over(ret, size);

        writer_put(&w, "sealsd/separation/", 18);
        writer_put(&w, mode, strlen(mode) + 1);
        writer_put(&w, random, sizeof(random));
        writer_put(&w, name->name, name->size);
        assert_false(w.overflow);
        return w.used;
}

static int check_lowering(const TPM2B_NAME *name, const char *wanted, const uint8_t *bytes,
                          size_t size) {
        ErrorDetail detail = {};
        int r = challenge_check_separation(name, wanted, (Bytes){ bytes, size }, &detail);

        assert_true((r == 0) == (detail.text[0] == '\0'));
        return r;
}

static void a_lower_separation_is_signed_only_when_its_owner_agreed(void **state) {
        const TPM2B_NAME name = the_facts().authority,
                         other = { .size = 34, .name = { 0, 0x0b, 9 } };
        uint8_t bytes[128];

        (void) state;
        size_t size = separation_bytes("single", &name, bytes, sizeof(bytes));
        assert_int_equal(check_lowering(&name, "single", bytes, size), 0);
        assert_int_equal(check_lowering(&name, NULL, bytes, size), SEAL_E_APPROVAL_INVALID);
        assert_int_equal(check_lowering(&name, "dual", bytes, size), SEAL_E_APPROVAL_INVALID);
        assert_int_equal(check_lowering(&name, "", bytes, size), SEAL_E_APPROVAL_INVALID);
        assert_int_equal(check_lowering(&other, "single", bytes, size), SEAL_E_APPROVAL_INVALID);
        assert_int_equal(check_lowering(&name, "single", bytes, size - 1), SEAL_E_APPROVAL_INVALID);
        assert_int_equal(check_lowering(&name, "single", bytes, 10), SEAL_E_APPROVAL_INVALID);
        bytes[0] = 'x';
        assert_int_equal(check_lowering(&name, "single", bytes, size), SEAL_E_APPROVAL_INVALID);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(first_writes_of_its_indices_are_signed),
                cmocka_unit_test(index_with_seals_is_not_begun_anew),
                cmocka_unit_test(other_bytes_are_refused),
                cmocka_unit_test(machine_state_is_that_of_the_values_shown),
                cmocka_unit_test(a_lower_separation_is_signed_only_when_its_owner_agreed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
