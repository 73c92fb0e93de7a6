/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions as an auditor checks them: each forgery that somebody could try has its case. */
#include "client/decision.c" /* the client is a program and no archive */

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "tests/unit/unit.h"

#define APPLICATION "{\"name\":\"Acme\",\"keepers\":[\"user:root\"]}"
#define REQUEST(more)                                                                            \
        "{\"id\":3,\"kind\":\"make\",\"applicant\":\"user:alice\",\"created\":1767323045000000," \
        "\"state\":\"applied\",\"application\":" APPLICATION more "}"

static json_t *document(const char *text) {
        json_t *json = json_loads(text, 0, NULL);

        assert_non_null(json);
        return json;
}

static void assert_digest_of(const char *request, const char *canonical) {
        json_t *json = document(request);
        uint8_t digest[DECISION_DIGEST_SIZE], expected[DECISION_DIGEST_SIZE];

        assert_true(decision_digest(json, digest));
        assert_int_equal(
                EVP_Digest(canonical, strlen(canonical), expected, NULL, EVP_sha256(), NULL), 1);
        assert_memory_equal(digest, expected, sizeof(digest));
        json_decref(json);
}

static void the_digest_is_of_what_was_applied_for_and_nothing_else(void **state) {
        (void) state;
        assert_digest_of(REQUEST(",\"target\":\"\",\"reason\":\"\""),
                         "{\"applicant\":\"user:alice\",\"application\":"
                         "{\"keepers\":[\"user:root\"],\"name\":\"Acme\"},"
                         "\"created\":1767323045000000,\"kind\":\"make\"}");
        assert_digest_of(REQUEST(",\"target\":\"50011200000001\",\"reason\":\"old\",\"missing\":1"),
                         "{\"applicant\":\"user:alice\",\"application\":"
                         "{\"keepers\":[\"user:root\"],\"name\":\"Acme\"},"
                         "\"created\":1767323045000000,\"kind\":\"make\",\"reason\":\"old\","
                         "\"target\":\"50011200000001\"}");
}

static void a_document_that_lacks_a_part_has_no_digest(void **state) {
        static const char *const members[] = { "kind", "applicant", "created", "application" };
        uint8_t digest[DECISION_DIGEST_SIZE];

        (void) state;
        for (size_t i = 0; i < 4; i++) {
                json_t *json = document(REQUEST(""));
                json_object_del(json, members[i]);
                assert_false(decision_digest(json, digest));
                json_decref(json);
        }
}

static void a_digest_that_is_stated_is_compared(void **state) {
        json_t *json = document(REQUEST(""));
        uint8_t digest[DECISION_DIGEST_SIZE];
        char hex[2 * DECISION_DIGEST_SIZE + 1];

        (void) state;
        assert_true(decision_digest(json, digest));
        assert_false(decision_digest_is_stated(json, digest));
        json_object_set_new(json, "digest", json_string(hex_encode(digest, sizeof(digest), hex)));
        assert_true(decision_digest_is_stated(json, digest));
        hex[5] = hex[5] == '0' ? '1' : '0';
        json_object_set_new(json, "digest", json_string(hex));
        assert_false(decision_digest_is_stated(json, digest));
        json_decref(json);
}

static char *public_pem(EVP_PKEY *key) {
        BIO *bio = BIO_new(BIO_s_mem());
        char *data;

        assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
        long size = BIO_get_mem_data(bio, &data);
        char *pem = strndup(data, (size_t) size);
        BIO_free(bio);
        return pem;
}

/* A decision as Describe has it, signed by key over these bytes. */
static json_t *decision_signed(EVP_PKEY *key, const char *verdict, const void *bytes, size_t size) {
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        uint8_t signature[SIGNATURE_MAX];
        char hex[2 * SIGNATURE_MAX + 1], *pem = public_pem(key);
        size_t n = sizeof(signature);

        assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key), 1);
        assert_int_equal(EVP_DigestSign(context, signature, &n, bytes, size), 1);
        EVP_MD_CTX_free(context);
        json_t *json = json_pack("{ss ss ss ss}", "by", "user:bob", "verdict", verdict, "signature",
                                 hex_encode(signature, n, hex), "key", pem);
        free(pem);
        return json;
}

static const uint8_t digest_a[DECISION_DIGEST_SIZE] = { 1, 2, 3 };
static const uint8_t digest_b[DECISION_DIGEST_SIZE] = { 4, 5, 6 };

static void assert_check(json_t *decision, const uint8_t *digest, EVP_PKEY *expected,
                         DecisionVerdict verdict) {
        assert_string_equal(decision_verdict_name(decision_check(decision, digest, expected)),
                            decision_verdict_name(verdict));
}

static void a_signature_counts_for_one_verdict_one_digest_and_one_key(void **state) {
        EVP_PKEY *keys[] = { EVP_EC_gen("P-256"), EVP_EC_gen("P-384"), EVP_RSA_gen(2048) };
        uint8_t bytes[DECISION_BYTES_MAX];

        (void) state;
        for (size_t i = 0; i < 3; i++) {
                size_t size = decision_bytes(true, digest_a, bytes);
                json_t *decision = decision_signed(keys[i], "approve", bytes, size);
                assert_check(decision, digest_a, NULL, DECISION_GOOD);
                assert_check(decision, digest_a, keys[i], DECISION_GOOD);
                assert_check(decision, digest_a, keys[(i + 1) % 3], DECISION_OTHER_KEY);
                assert_check(decision, digest_b, NULL, DECISION_BAD);
                json_object_set_new(decision, "verdict", json_string("reject"));
                assert_check(decision, digest_a, NULL, DECISION_BAD);
                json_object_set_new(decision, "verdict", json_string("perhaps"));
                assert_check(decision, digest_a, NULL, DECISION_BAD);
                json_decref(decision);
        }
        for (size_t i = 0; i < 3; i++)
                EVP_PKEY_free(keys[i]);
}

static void a_digest_signed_without_its_verdict_is_no_decision(void **state) {
        EVP_PKEY *key = EVP_EC_gen("P-256");
        json_t *decision = decision_signed(key, "approve", digest_a, sizeof(digest_a));

        (void) state;
        assert_check(decision, digest_a, NULL, DECISION_BAD);
        json_decref(decision);
        EVP_PKEY_free(key);
}

static void what_is_missing_or_no_hex_is_not_good(void **state) {
        EVP_PKEY *key = EVP_EC_gen("P-256");
        uint8_t bytes[DECISION_BYTES_MAX];
        size_t size = decision_bytes(false, digest_a, bytes);
        json_t *decision = decision_signed(key, "reject", bytes, size);

        (void) state;
        assert_check(decision, digest_a, key, DECISION_GOOD);
        json_object_set_new(decision, "key", json_string("no key"));
        assert_check(decision, digest_a, key, DECISION_BAD);
        json_object_set_new(decision, "signature", json_string("xx"));
        assert_check(decision, digest_a, key, DECISION_BAD);
        json_object_del(decision, "signature");
        assert_check(decision, digest_a, key, DECISION_UNSIGNED);
        json_decref(decision);
        EVP_PKEY_free(key);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_digest_is_of_what_was_applied_for_and_nothing_else),
                cmocka_unit_test(a_document_that_lacks_a_part_has_no_digest),
                cmocka_unit_test(a_digest_that_is_stated_is_compared),
                cmocka_unit_test(a_signature_counts_for_one_verdict_one_digest_and_one_key),
                cmocka_unit_test(a_digest_signed_without_its_verdict_is_no_decision),
                cmocka_unit_test(what_is_missing_or_no_hex_is_not_good),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
