/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/reviewer.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/cleanup.h"
#include "tests/unit/unit.h"

DEFINE_CLEANUP(EVP_MD_CTX, EVP_MD_CTX_free)

static EVP_PKEY *mine, *others;

static const Request request = { .digest = { 1, 2, 3 } };

static Reviewer reviewer_of(EVP_PKEY *key) {
        Reviewer reviewer = { .subject = { .kind = SUBJECT_USER, .id = 7, .text = "user:r" } };
        BIO *bio = BIO_new(BIO_s_mem());
        char *pem;

        assert_non_null(bio);
        assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
        long size = BIO_get_mem_data(bio, &pem);
        assert_int_equal(
                reviewer_complete(&reviewer, (Bytes){ (const uint8_t *) pem, (size_t) size }, NULL),
                0);
        BIO_free(bio);
        return reviewer;
}

typedef struct Signature {
        uint8_t data[256];
        size_t size;
} Signature;

static Signature sign(EVP_PKEY *key, const void *bytes, size_t size) {
        _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *context = EVP_MD_CTX_new();
        Signature signature = { .size = sizeof(signature.data) };

        assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key), 1);
        assert_int_equal(EVP_DigestSign(context, signature.data, &signature.size, bytes, size), 1);
        return signature;
}

/* What `printf sealsd/decision/WORD; xxd -r -p <<< DIGEST` would put before openssl. */
static Signature sign_decision(EVP_PKEY *key, const char *word, const uint8_t *digest) {
        uint8_t bytes[128];
        size_t size = (size_t) snprintf((char *) bytes, sizeof(bytes), "sealsd/decision/%s", word);

        memcpy(bytes + size, digest, 32);
        return sign(key, bytes, size + 32);
}

static int decide(const Reviewer *reviewer, bool needed, bool approve, const Signature *signature,
                  Decision *ret) {
        ErrorDetail detail = {};

        *ret = (Decision){ .approve = approve };
        int r = reviewer_sign(reviewer, needed, &request,
                              signature ? (Bytes){ signature->data, signature->size } : (Bytes){},
                              ret, &detail);
        assert_true((r == 0) == (detail.text[0] == '\0'));
        assert_true(r == 0 || (ret->signature_size == 0 && ret->key[0] == '\0'));
        return r;
}

static void a_signed_decision_keeps_signature_and_key(void **state) {
        const Reviewer reviewer = reviewer_of(mine);
        const Signature yes = sign_decision(mine, "approve", request.digest),
                        no = sign_decision(mine, "reject", request.digest);
        Decision decision;

        (void) state;
        assert_int_equal(decide(&reviewer, false, true, &yes, &decision), 0);
        assert_int_equal(decision.signature_size, yes.size);
        assert_memory_equal(decision.signature, yes.data, yes.size);
        assert_string_equal(decision.key, reviewer.pem);
        assert_int_equal(decide(&reviewer, true, false, &no, &decision), 0);
}

static void a_signature_serves_for_nothing_else(void **state) {
        const uint8_t another[32] = { 1, 2, 4 };
        const Reviewer reviewer = reviewer_of(mine);
        const Signature yes = sign_decision(mine, "approve", request.digest),
                        other = sign_decision(mine, "approve", another),
                        stranger = sign_decision(others, "approve", request.digest);
        Signature cut = yes;
        Decision decision;

        (void) state;
        cut.size--;
        assert_int_equal(decide(&reviewer, false, false, &yes, &decision), SEAL_E_APPROVAL_INVALID);
        assert_int_equal(decide(&reviewer, false, true, &other, &decision),
                         SEAL_E_APPROVAL_INVALID);
        assert_int_equal(decide(&reviewer, false, true, &stranger, &decision),
                         SEAL_E_APPROVAL_INVALID);
        assert_int_equal(decide(&reviewer, false, true, &cut, &decision), SEAL_E_APPROVAL_INVALID);
}

static void who_has_a_key_signs_and_where_needed_everybody_has_one(void **state) {
        const Reviewer reviewer = reviewer_of(mine);
        const Signature yes = sign_decision(mine, "approve", request.digest);
        Decision decision;

        (void) state;
        assert_int_equal(decide(&reviewer, false, true, NULL, &decision), SEAL_E_APPROVAL_REQUIRED);
        assert_int_equal(decide(NULL, true, true, NULL, &decision), SEAL_E_APPROVAL_REQUIRED);
        assert_int_equal(decide(NULL, true, true, &yes, &decision), SEAL_E_APPROVAL_REQUIRED);
        assert_int_equal(decide(NULL, false, true, &yes, &decision), SEAL_E_APPROVAL_INVALID);
        assert_int_equal(decide(NULL, false, true, NULL, &decision), 0);
        assert_int_equal(decision.signature_size, 0);
}

static void a_key_is_replaced_by_a_signature_over_its_hash(void **state) {
        static const char prefix[] = "sealsd/reviewer/replace"; /* with its zero */
        const Reviewer reviewer = reviewer_of(mine), new = reviewer_of(others);
        uint8_t hash[32], expected[32], bytes[REVIEWER_BYTES_MAX], *spki = NULL;
        Writer w = writer_over(bytes, sizeof(bytes));

        (void) state;
        int size = i2d_PUBKEY(others, &spki);
        assert_true(size > 0);
        assert_int_equal(EVP_Digest(spki, (size_t) size, expected, NULL, EVP_sha256(), NULL), 1);
        OPENSSL_free(spki);
        assert_int_equal(reviewer_key_hash(&new, hash), 0);
        assert_memory_equal(hash, expected, 32);

        reviewer_replace_bytes(&new.subject, hash, &w);
        assert_false(w.overflow);
        const size_t size_of_subject = strlen(new.subject.text) + 1;
        assert_int_equal(w.used, sizeof(prefix) + size_of_subject + 32);
        assert_memory_equal(bytes, prefix, sizeof(prefix));
        assert_memory_equal(bytes + sizeof(prefix), new.subject.text, size_of_subject);
        const Signature signature = sign(mine, bytes, w.used);
        const Bytes der = { signature.data, signature.size };
        assert_int_equal(reviewer_verify(&reviewer, (Bytes){ bytes, w.used }, der), 0);
        assert_int_equal(reviewer_verify(&new, (Bytes){ bytes, w.used }, der),
                         SEAL_E_APPROVAL_INVALID);
}

static void only_a_user_has_a_key_and_only_of_the_accepted_kinds(void **state) {
        Reviewer reviewer = reviewer_of(mine);
        const Bytes pem = { (const uint8_t *) reviewer.pem, strlen(reviewer.pem) };
        Reviewer group = { .subject = { .kind = SUBJECT_GROUP, .id = 7, .text = "group:r" } };

        (void) state;
        assert_int_equal(reviewer_complete(&group, pem, NULL), SEAL_E_INVALID_ARGS);
        assert_int_equal(reviewer_complete(&reviewer, (Bytes){ (const uint8_t *) "x", 1 }, NULL),
                         SEAL_E_INVALID_ARGS);
        reviewer.pem[40]++;
        uint8_t hash[32];
        assert_int_equal(reviewer_key_hash(&reviewer, hash), SEAL_E_REGISTER_TAMPERED);
}

static int setup(void **state) {
        (void) state;
        mine = EVP_EC_gen("P-256");
        others = EVP_EC_gen("P-256");
        return mine && others ? 0 : -1;
}

static int teardown(void **state) {
        (void) state;
        EVP_PKEY_free(mine);
        EVP_PKEY_free(others);
        return 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_signed_decision_keeps_signature_and_key),
                cmocka_unit_test(a_signature_serves_for_nothing_else),
                cmocka_unit_test(who_has_a_key_signs_and_where_needed_everybody_has_one),
                cmocka_unit_test(a_key_is_replaced_by_a_signature_over_its_hash),
                cmocka_unit_test(only_a_user_has_a_key_and_only_of_the_accepted_kinds),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
