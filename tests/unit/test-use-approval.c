/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>

#include "policy/use-approval.h"
#include "tests/unit/vectors.h"

#define NUMBER "11010500000001"
#define NONCE "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static UseTarget deferred(void) {
        return (UseTarget){
                .key = unit_name(V_SIGN_NAME),
                .number = NUMBER,
                .digest = unit_digest(V_SIGN_DIGEST),
                .scheme = { .scheme = TPM2_ALG_ECDSA, .details.ecdsa.hashAlg = TPM2_ALG_SHA256 },
        };
}

static UseTarget live(void) {
        UseTarget target = deferred();

        target.live = true;
        target.nonce = unit_digest(NONCE);
        target.expiration = 300;
        return target;
}

static void assert_bytes(const UseTarget *target, const char *hex) {
        uint8_t buffer[128];
        Writer w = writer_over(buffer, sizeof(buffer));

        assert_int_equal(use_approval_bytes(target, &w), 0);
        unit_assert_hex(buffer, w.used, hex);
        assert_int_equal(use_approval_check((Bytes){ buffer, w.used }, target, NULL), 0);
}

static void test_bytes_as_the_chip_hashes_them(void **state) {
        const UseTarget later = deferred(), now = live();

        (void) state;
        assert_bytes(&later, "00000000" V_SIGN_CPHASH V_REF_SEAL);
        assert_bytes(&now, NONCE "0000012c" V_SIGN_CPHASH V_REF_SEAL);
}

static void assert_no_bytes(const UseTarget *target) {
        uint8_t buffer[128];
        Writer w = writer_over(buffer, sizeof(buffer));

        assert_int_equal(use_approval_bytes(target, &w), -EINVAL);
        assert_int_equal(w.used, 0);
}

static void test_a_blind_target_has_no_bytes(void **state) {
        UseTarget target = deferred();

        (void) state;
        target.key.size = 0;
        assert_no_bytes(&target);
        target = deferred();
        target.digest.size = 0;
        assert_no_bytes(&target);
        target = deferred();
        target.digest.size = 20;
        assert_no_bytes(&target);
        target = deferred();
        target.number[0] = '\0';
        assert_no_bytes(&target);
        target = deferred();
        target.nonce = live().nonce;
        assert_no_bytes(&target);
        target = live();
        target.nonce.size = 0;
        assert_no_bytes(&target);
        target = live();
        target.nonce.size = 16;
        assert_no_bytes(&target);
}

static void test_an_expiration_that_may_not_be_signed_has_no_bytes(void **state) {
        static const int32_t wrong_deferred[] = { -1, 1, INT32_MIN };
        static const int32_t wrong_live[] = { 0, -1, INT32_MIN, LIVE_USE_SECONDS_MAX + 1,
                                              INT32_MAX };

        (void) state;
        for (size_t i = 0; i < 3; i++) {
                UseTarget target = deferred();

                target.expiration = wrong_deferred[i];
                assert_no_bytes(&target);
        }
        for (size_t i = 0; i < 5; i++) {
                UseTarget target = live();

                target.expiration = wrong_live[i];
                assert_no_bytes(&target);
        }
}

static void test_too_little_room_is_said(void **state) {
        const UseTarget target = deferred();
        uint8_t buffer[67];
        Writer w = writer_over(buffer, sizeof(buffer));

        (void) state;
        assert_int_equal(use_approval_bytes(&target, &w), -EINVAL);
}

/* What an approver's tool is handed: it refuses, and says why. */
static void assert_refused(const UseTarget *target, const char *hex, const char *why) {
        uint8_t bytes[UNIT_BYTES_MAX];
        ErrorDetail detail = {};

        const size_t size = unit_bytes(hex, bytes);
        assert_int_equal(use_approval_check((Bytes){ bytes, size }, target, &detail),
                         SEAL_E_APPROVAL_INVALID);
        if (!strstr(detail.text, why) || !strstr(detail.text, "do not sign it"))
                fail_msg("'%s' lacks '%s'", detail.text, why);
}

#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"

static void test_an_empty_or_zero_cphash_is_refused(void **state) {
        const UseTarget later = deferred(), now = live();

        (void) state;
        assert_refused(&later, "00000000" V_REF_SEAL, "cpHash");
        assert_refused(&now, NONCE "0000012c" V_REF_SEAL, "cpHash");
        assert_refused(&later, "00000000" ZERO V_REF_SEAL, "cpHash is empty");
        assert_refused(&now, NONCE "0000012c" ZERO V_REF_SEAL, "cpHash is empty");
}

static void test_an_expiration_of_the_other_kind_is_refused(void **state) {
        const UseTarget later = deferred(), now = live();

        (void) state;
        assert_refused(&later, "00000001" V_SIGN_CPHASH V_REF_SEAL, "deferred");
        assert_refused(&later, "ffffffff" V_SIGN_CPHASH V_REF_SEAL, "negative");
        assert_refused(&now, NONCE "fffffed4" V_SIGN_CPHASH V_REF_SEAL, "negative");
        assert_refused(&now, NONCE "80000000" V_SIGN_CPHASH V_REF_SEAL, "negative");
        assert_refused(&now, NONCE "00000000" V_SIGN_CPHASH V_REF_SEAL, "never expires");
        assert_refused(&now, NONCE "00000e11" V_SIGN_CPHASH V_REF_SEAL, "too late");
        assert_refused(&now, NONCE "0000012d" V_SIGN_CPHASH V_REF_SEAL, "another expiration");
}

/* A target that itself says what may not be signed makes nothing of that good. */
static void test_a_wrong_expiration_stays_wrong_when_the_target_says_so_too(void **state) {
        UseTarget later = deferred(), now = live();

        (void) state;
        later.expiration = -1;
        assert_refused(&later, "ffffffff" V_SIGN_CPHASH V_REF_SEAL, "negative");
        later.expiration = 1;
        assert_refused(&later, "00000001" V_SIGN_CPHASH V_REF_SEAL, "deferred");
        now.expiration = 0;
        assert_refused(&now, NONCE "00000000" V_SIGN_CPHASH V_REF_SEAL, "never expires");
}

static void test_another_seals_reference_is_refused(void **state) {
        UseTarget target = deferred();

        (void) state;
        assert_refused(&target, "00000000" V_SIGN_CPHASH V_REF_PROFILE, "another seal");
        assert_refused(&target, "00000000" V_SIGN_CPHASH ZERO, "another seal");
        target.number[0] = '2';
        assert_refused(&target, "00000000" V_SIGN_CPHASH V_REF_SEAL, "another seal");
}

static void test_another_document_scheme_or_key_is_refused(void **state) {
        UseTarget digest = deferred(), scheme = deferred(), key = deferred();

        (void) state;
        digest.digest.buffer[0] ^= 1;
        assert_refused(&digest, "00000000" V_SIGN_CPHASH V_REF_SEAL, "this document");
        scheme.scheme.scheme = TPM2_ALG_SM2;
        assert_refused(&scheme, "00000000" V_SIGN_CPHASH V_REF_SEAL, "this scheme");
        key.key.name[5] ^= 1;
        assert_refused(&key, "00000000" V_SIGN_CPHASH V_REF_SEAL, "by this seal");
}

static void test_another_sessions_nonce_is_refused(void **state) {
        UseTarget target = live();

        (void) state;
        target.nonce.buffer[31] ^= 1;
        assert_refused(&target, NONCE "0000012c" V_SIGN_CPHASH V_REF_SEAL, "another nonce");
}

static void test_live_and_deferred_do_not_stand_for_each_other(void **state) {
        const UseTarget later = deferred(), now = live();

        (void) state;
        assert_refused(&later, NONCE "0000012c" V_SIGN_CPHASH V_REF_SEAL, "size");
        assert_refused(&now, "00000000" V_SIGN_CPHASH V_REF_SEAL, "nonce");
}

/* Every bit of the challenge is looked at, and every size but the right one refused. */
static void test_no_altered_byte_passes(void **state) {
        const UseTarget target = live();
        uint8_t bytes[UNIT_BYTES_MAX];

        (void) state;
        const size_t size = unit_bytes(NONCE "0000012c" V_SIGN_CPHASH V_REF_SEAL, bytes);
        for (size_t bit = 0; bit < 8 * size; bit++) {
                bytes[bit / 8] ^= (uint8_t) (1 << bit % 8);
                assert_int_equal(use_approval_check((Bytes){ bytes, size }, &target, NULL),
                                 SEAL_E_APPROVAL_INVALID);
                bytes[bit / 8] ^= (uint8_t) (1 << bit % 8);
        }
        for (size_t other = 0; other < UNIT_BYTES_MAX; other++)
                assert_int_equal(use_approval_check((Bytes){ bytes, other }, &target, NULL),
                                 other == size ? 0 : SEAL_E_APPROVAL_INVALID);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_bytes_as_the_chip_hashes_them),
                cmocka_unit_test(test_a_blind_target_has_no_bytes),
                cmocka_unit_test(test_an_expiration_that_may_not_be_signed_has_no_bytes),
                cmocka_unit_test(test_too_little_room_is_said),
                cmocka_unit_test(test_an_empty_or_zero_cphash_is_refused),
                cmocka_unit_test(test_an_expiration_of_the_other_kind_is_refused),
                cmocka_unit_test(test_a_wrong_expiration_stays_wrong_when_the_target_says_so_too),
                cmocka_unit_test(test_another_seals_reference_is_refused),
                cmocka_unit_test(test_another_document_scheme_or_key_is_refused),
                cmocka_unit_test(test_another_sessions_nonce_is_refused),
                cmocka_unit_test(test_live_and_deferred_do_not_stand_for_each_other),
                cmocka_unit_test(test_no_altered_byte_passes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
