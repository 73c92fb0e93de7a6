/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>

#include <openssl/evp.h>

#include "base/limits.h"
#include "policy/ref.h"
#include "tests/unit/vectors.h"

static void assert_ref_of(const TPM2B_DIGEST *ref, const char *text) {
        uint8_t expected[32];

        assert_int_equal(EVP_Q_digest(NULL, "SHA256", NULL, text, strlen(text), expected, NULL), 1);
        assert_int_equal(ref->size, sizeof(expected));
        assert_memory_equal(ref->buffer, expected, sizeof(expected));
}

static void test_known_refs(void **state) {
        TPM2B_DIGEST ref;

        (void) state;
        assert_int_equal(policy_ref(REF_PROFILE, V_SEAL_PROFILE, &ref), 0);
        unit_assert_digest(ref, V_REF_PROFILE);
        assert_int_equal(policy_ref(REF_SEAL, V_SEAL_NUMBER, &ref), 0);
        unit_assert_digest(ref, V_REF_SEAL);
}

static void test_every_kind_has_its_word(void **state) {
        static const struct {
                RefKind kind;
                const char *text;
        } rows[] = {
                { REF_PROFILE, "sealsd/profile/x" },
                { REF_SEAL, "sealsd/seal/x" },
                { REF_BACKUP, "sealsd/backup/x" },
                { REF_BACKUP_SEAL, "sealsd/backup-seal/x" },
                { REF_REVOCATION_INDEX, "sealsd/revocation-index/x" },
                { REF_LEDGER_INDEX, "sealsd/ledger-index/x" },
                { REF_STATE_INDEX, "sealsd/state-index/x" },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                TPM2B_DIGEST ref;

                assert_int_equal(policy_ref(rows[i].kind, "x", &ref), 0);
                assert_ref_of(&ref, rows[i].text);
        }
}

static void test_a_handle_is_eight_lower_case_digits(void **state) {
        TPM2B_DIGEST ref;

        (void) state;
        assert_int_equal(policy_ref_handle(REF_LEDGER_INDEX, 0x0180ABCD, &ref), 0);
        assert_ref_of(&ref, "sealsd/ledger-index/0180abcd");
        assert_int_equal(policy_ref_handle(REF_STATE_INDEX, UINT32_MAX, &ref), 0);
        assert_ref_of(&ref, "sealsd/state-index/ffffffff");
}

static void test_the_longest_names_fit(void **state) {
        char name[PROFILE_MAX + 1], text[128] = "sealsd/profile/";
        TPM2B_DIGEST ref;

        (void) state;
        memset(name, 'p', PROFILE_MAX);
        name[PROFILE_MAX] = '\0';
        assert_int_equal(policy_ref(REF_PROFILE, name, &ref), 0);
        assert_ref_of(&ref, strcat(text, name));
}

static void test_what_is_no_ref_is_refused(void **state) {
        TPM2B_DIGEST ref = { .size = 1 };
        char name[1024];

        (void) state;
        memset(name, 'p', sizeof(name) - 1);
        name[sizeof(name) - 1] = '\0';
        assert_int_equal(policy_ref(REF_PROFILE, "", &ref), -EINVAL);
        assert_int_equal(policy_ref(REF_PROFILE, name, &ref), -EINVAL);
        assert_int_equal(policy_ref((RefKind) 99, "x", &ref), -EINVAL);
        assert_int_equal(ref.size, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_known_refs),
                cmocka_unit_test(test_every_kind_has_its_word),
                cmocka_unit_test(test_a_handle_is_eight_lower_case_digits),
                cmocka_unit_test(test_the_longest_names_fit),
                cmocka_unit_test(test_what_is_no_ref_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
