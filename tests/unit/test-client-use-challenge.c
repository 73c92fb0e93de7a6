/* SPDX-License-Identifier: Apache-2.0 */
/* What an approver's program refuses to sign, whatever the daemon says it is. */
#include "client/use-challenge.h"

#include <string.h>

#include <tss2/tss2_mu.h>

#include "policy/key.h"
#include "policy/ref.h"
#include "tests/unit/unit.h"

#define NUMBER "50011200000001"
#define NOW UINT64_C(1767323045000000)

static TPM2B_PUBLIC the_key(const char *algorithm) {
        TPM2B_PUBLIC key = algorithm_template(algorithm_find(algorithm), TPMA_OBJECT_FIXEDTPM,
                                              NULL);

        if (key.publicArea.type == TPM2_ALG_RSA)
                key.publicArea.unique.rsa.size = key.publicArea.parameters.rsaDetail.keyBits / 8;
        else
                key.publicArea.unique.ecc = (TPMS_ECC_POINT){
                        .x = { .size = 32, .buffer = { 1 } },
                        .y = { .size = 32, .buffer = { 2 } },
                };
        return key;
}

typedef struct Case {
        const char *algorithm, *hash, *scheme;
        bool live;
} Case;

static UseTarget target_of(const Case *kind) {
        const Algorithm *algorithm = algorithm_find(kind->algorithm);
        const TPM2B_PUBLIC key = the_key(kind->algorithm);
        UseTarget target = { .number = NUMBER, .live = kind->live };
        size_t size = 0;

        assert_int_equal(algorithm_scheme(algorithm, kind->hash,
                                          algorithm->type == TPM2_ALG_RSA ? kind->scheme : NULL,
                                          &target.scheme, &size, NULL),
                         0);
        assert_int_equal(public_name(&key, &target.key), 0);
        target.digest.size = (uint16_t) size;
        memset(target.digest.buffer, 0xd1, size);
        if (kind->live) {
                target.nonce = (TPM2B_NONCE){ .size = 32, .buffer = { 9 } };
                target.expiration = 600;
        }
        return target;
}

static void set_hex(json_t *facts, const char *key, const void *data, size_t size) {
        char hex[2 * TPM_BLOB_MAX + 1] = "";

        assert_true(size <= TPM_BLOB_MAX);
        if (size > 0)
                hex_encode(data, size, hex);
        json_object_set_new(facts, key, json_string(hex));
}

static void set_bound(json_t *facts, const UseTarget *target) {
        uint8_t bytes[APPROVAL_BYTES_MAX];
        Writer writer = writer_over(bytes, sizeof(bytes));
        TPM2B_DIGEST cphash = {}, ref = {};

        assert_int_equal(use_approval_bytes(target, &writer), 0);
        set_hex(facts, "to-sign", bytes, writer.used);
        assert_int_equal(cphash_sign(&target->key, &target->digest, &target->scheme, &cphash), 0);
        assert_int_equal(policy_ref(REF_SEAL, target->number, &ref), 0);
        set_hex(facts, "cphash", cphash.buffer, cphash.size);
        set_hex(facts, "policy-ref", ref.buffer, ref.size);
}

/* As an honest daemon has them. */
static json_t *honest(const Case *kind) {
        const TPM2B_PUBLIC key = the_key(kind->algorithm);
        const UseTarget target = target_of(kind);
        uint8_t public[TPM_BLOB_MAX];
        size_t size = 0;
        json_t *facts = json_object();

        json_object_set_new(facts, "kind", json_string(kind->live ? "live" : "deferred"));
        json_object_set_new(facts, "seal", json_string(NUMBER));
        json_object_set_new(facts, "hash", json_string(kind->hash));
        json_object_set_new(facts, "scheme", json_string(kind->scheme));
        json_object_set_new(facts, "expires", json_integer((json_int_t) NOW + 1));
        json_object_set_new(facts, "expiration", json_integer(target.expiration));
        assert_int_equal(Tss2_MU_TPM2B_PUBLIC_Marshal(&key, public, sizeof(public), &size), 0);
        set_hex(facts, "public", public, size);
        set_hex(facts, "digest", target.digest.buffer, target.digest.size);
        if (kind->live)
                set_hex(facts, "nonce", target.nonce.buffer, target.nonce.size);
        set_bound(facts, &target);
        return facts;
}

static const Case deferred = { "ecdsa-p256", "sha256", "ecdsa", false };
static const Case live = { "ecdsa-p256", "sha256", "ecdsa", true };

/* Takes facts. word: what the sentence speaks of. */
static int judged(json_t *facts, const char *word) {
        UseChallenge challenge = {};
        ErrorDetail detail = {};

        int r = use_challenge_parse(facts, &challenge, &detail);
        if (r == 0)
                r = use_challenge_check(&challenge, NOW, &detail);
        json_decref(facts);
        if (r != 0 && !strstr(detail.text, word))
                fail_msg("'%s' does not speak of '%s'", detail.text, word);
        return r;
}

static void assert_refused(json_t *facts, const char *word) {
        assert_int_equal(judged(facts, word), SEAL_E_APPROVAL_INVALID);
}

static void approvals_of_every_algorithm_and_both_kinds_are_signed(void **state) {
        static const Case cases[] = {
                { "ecdsa-p256", "sha256", "ecdsa", false },
                { "ecdsa-p256", "sha512", "ecdsa", true },
                { "ecdsa-p384", "sha384", "ecdsa", false },
                { "rsa-2048", "sha256", "rsassa", true },
                { "rsa-3072", "sha256", "rsapss", false },
                { "sm2", "sm3", "sm2", true },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                assert_int_equal(judged(honest(&cases[i]), ""), 0);
}

static void facts_that_are_missing_or_misshapen_are_refused(void **state) {
        static const char *const keys[] = { "kind",       "seal",       "public",  "hash",
                                            "scheme",     "digest",     "to-sign", "cphash",
                                            "policy-ref", "expiration", "expires", "nonce" };
        static const char *const words[] = { "", "xyz", "0", "../50", "00000000000000000000" };

        (void) state;
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
                json_t *facts = honest(&live);
                assert_int_equal(json_object_del(facts, keys[i]), 0);
                assert_refused(facts, keys[i]);
                for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++) {
                        facts = honest(&live);
                        json_object_set_new(facts, keys[i], json_string(words[k]));
                        assert_refused(facts, "");
                }
                facts = honest(&live);
                json_object_set_new(facts, keys[i], json_array());
                assert_refused(facts, keys[i]);
        }
        assert_refused(NULL, "kind");
}

static void an_empty_or_zero_cphash_is_refused(void **state) {
        static const uint8_t zeros[32];
        uint8_t bytes[APPROVAL_BYTES_MAX];
        TPM2B_DIGEST ref = {};

        (void) state;
        json_t *facts = honest(&deferred);
        set_hex(facts, "cphash", NULL, 0);
        assert_refused(facts, "cpHash is empty");
        facts = honest(&deferred);
        set_hex(facts, "cphash", zeros, sizeof(zeros));
        assert_refused(facts, "cpHash");

        /* Stated right, and the bytes are for any command: expiration ‖ policyRef. */
        assert_int_equal(policy_ref(REF_SEAL, NUMBER, &ref), 0);
        Writer writer = writer_over(bytes, sizeof(bytes));
        approval_signed_bytes(NULL, 0, &(TPM2B_DIGEST){}, &ref, &writer);
        facts = honest(&deferred);
        set_hex(facts, "to-sign", bytes, writer.used);
        assert_refused(facts, "cpHash");
        writer = writer_over(bytes, sizeof(bytes));
        approval_signed_bytes(NULL, 0, &(TPM2B_DIGEST){ .size = 32 }, &ref, &writer);
        facts = honest(&deferred);
        set_hex(facts, "to-sign", bytes, writer.used);
        assert_refused(facts, "cpHash");
}

/* Everything that the daemon computes is of another thing, and only that is shown as it was. */
static void assert_other_target_refused(const UseTarget *other, bool live_one, const char *word) {
        json_t *facts = honest(live_one ? &live : &deferred);
        json_t *told = honest(live_one ? &live : &deferred);

        set_bound(facts, other);
        assert_refused(facts, word);
        /* Also where what is stated beside the bytes is right. */
        facts = honest(live_one ? &live : &deferred);
        set_bound(facts, other);
        json_object_set(facts, "cphash", json_object_get(told, "cphash"));
        json_object_set(facts, "policy-ref", json_object_get(told, "policy-ref"));
        json_decref(told);
        assert_refused(facts, "");
}

static void the_reference_of_another_seal_is_refused(void **state) {
        (void) state;
        for (int i = 0; i < 2; i++) {
                UseTarget other = target_of(i ? &live : &deferred);
                strcpy(other.number, "50011200000002");
                assert_other_target_refused(&other, i, "seal");
        }
}

static void another_document_key_or_scheme_is_refused(void **state) {
        (void) state;
        UseTarget other = target_of(&deferred);
        other.digest.buffer[31] ^= 1;
        assert_other_target_refused(&other, false, "cpHash");
        other = target_of(&deferred);
        other.key.name[33] ^= 1;
        assert_other_target_refused(&other, false, "cpHash");
        other = target_of(&deferred);
        other.scheme.scheme = TPM2_ALG_ECDAA;
        assert_other_target_refused(&other, false, "cpHash");
}

static void a_negative_expiration_is_refused(void **state) {
        static const json_int_t values[] = { -1,         -600,
                                             UINT32_MAX, (json_int_t) INT32_MAX + 1,
                                             INT64_MIN,  INT64_MAX };

        (void) state;
        for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
                json_t *facts = honest(&live);
                json_object_set_new(facts, "expiration", json_integer(values[i]));
                assert_refused(facts, "negative");
        }
        /* Stated right; the bytes have it. */
        uint8_t bytes[APPROVAL_BYTES_MAX];
        for (int i = 0; i < 2; i++) {
                UseTarget target = target_of(i ? &live : &deferred);
                Writer writer = writer_over(bytes, sizeof(bytes));
                assert_int_equal(use_approval_bytes(&target, &writer), 0);
                memset(bytes + (i ? 32 : 0), 0xff, 4);
                json_t *facts = honest(i ? &live : &deferred);
                set_hex(facts, "to-sign", bytes, writer.used);
                assert_refused(facts, "negative");
        }
}

static void a_live_one_without_a_session_or_an_end_is_refused(void **state) {
        (void) state;
        json_t *facts = honest(&live);
        set_hex(facts, "nonce", NULL, 0);
        assert_refused(facts, "session");
        /* A deferred one that calls itself live, so that its approver believes it ends. */
        facts = honest(&deferred);
        json_object_set_new(facts, "kind", json_string("live"));
        assert_refused(facts, "nonce");
        facts = honest(&live);
        json_object_set_new(facts, "expiration", json_integer(0));
        assert_refused(facts, "expiration");
        facts = honest(&live);
        json_object_set_new(facts, "expiration", json_integer(LIVE_USE_SECONDS_MAX + 1));
        assert_refused(facts, "expir");
}

static void a_deferred_one_that_is_bound_to_a_session_or_ends_is_refused(void **state) {
        (void) state;
        json_t *facts = honest(&live);
        json_object_set_new(facts, "kind", json_string("deferred"));
        assert_refused(facts, "session");
        facts = honest(&deferred);
        json_object_set_new(facts, "expiration", json_integer(600));
        assert_refused(facts, "expiration");
}

static void bytes_that_the_facts_do_not_give_are_refused(void **state) {
        uint8_t good[APPROVAL_BYTES_MAX] = {}, bytes[APPROVAL_BYTES_MAX];

        (void) state;
        for (int i = 0; i < 2; i++) {
                const Case *kind = i ? &live : &deferred;
                UseTarget target = target_of(kind);
                Writer writer = writer_over(good, sizeof(good));
                assert_int_equal(use_approval_bytes(&target, &writer), 0);
                for (size_t k = 0; k < writer.used; k++) {
                        memcpy(bytes, good, writer.used);
                        bytes[k] ^= 1;
                        json_t *facts = honest(kind);
                        set_hex(facts, "to-sign", bytes, writer.used);
                        assert_refused(facts, "");
                }
                for (size_t size = 0; size <= writer.used + 40; size++) {
                        json_t *facts = honest(kind);
                        set_hex(facts, "to-sign", good, size);
                        assert_int_equal(judged(facts, "") == 0, size == writer.used);
                }
        }
}

static void words_that_the_key_does_not_have_are_refused(void **state) {
        static const char *const words[][2] = { { "hash", "sm3" },
                                                { "hash", "sha384" },
                                                { "hash", "md5" },
                                                { "scheme", "rsassa" },
                                                { "scheme", "sm2" } };

        (void) state;
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
                json_t *facts = honest(&deferred);
                json_object_set_new(facts, words[i][0], json_string(words[i][1]));
                assert_refused(facts, "hash");
        }
}

static void an_expired_request_is_told_apart(void **state) {
        (void) state;
        json_t *facts = honest(&deferred);
        json_object_set_new(facts, "expires", json_integer((json_int_t) NOW));
        assert_int_equal(judged(facts, "expired"), SEAL_E_APPROVAL_EXPIRED);
}

static void another_document_is_refused(void **state) {
        UseChallenge challenge = {};
        ErrorDetail detail = {};
        uint8_t hash[32];
        json_t *facts = honest(&deferred);

        (void) state;
        assert_int_equal(use_challenge_parse(facts, &challenge, &detail), 0);
        json_decref(facts);
        memset(hash, 0xd1, sizeof(hash));
        assert_int_equal(use_challenge_document(&challenge, (Bytes){ hash, sizeof(hash) }, &detail),
                         0);
        assert_int_equal(use_challenge_document(&challenge, (Bytes){ hash, 31 }, &detail),
                         SEAL_E_APPROVAL_INVALID);
        hash[0] ^= 1;
        assert_int_equal(use_challenge_document(&challenge, (Bytes){ hash, sizeof(hash) }, &detail),
                         SEAL_E_APPROVAL_INVALID);
        assert_non_null(strstr(detail.text, "another document"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(approvals_of_every_algorithm_and_both_kinds_are_signed),
                cmocka_unit_test(facts_that_are_missing_or_misshapen_are_refused),
                cmocka_unit_test(an_empty_or_zero_cphash_is_refused),
                cmocka_unit_test(the_reference_of_another_seal_is_refused),
                cmocka_unit_test(another_document_key_or_scheme_is_refused),
                cmocka_unit_test(a_negative_expiration_is_refused),
                cmocka_unit_test(a_live_one_without_a_session_or_an_end_is_refused),
                cmocka_unit_test(a_deferred_one_that_is_bound_to_a_session_or_ends_is_refused),
                cmocka_unit_test(bytes_that_the_facts_do_not_give_are_refused),
                cmocka_unit_test(words_that_the_key_does_not_have_are_refused),
                cmocka_unit_test(an_expired_request_is_told_apart),
                cmocka_unit_test(another_document_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
