/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>

#include <openssl/ec.h>
#include <openssl/evp.h>

#include "base/cleanup.h"
#include "policy/algorithm.h"
#include "policy/key.h"
#include "policy/sm2.h"

DEFINE_CLEANUP(EVP_PKEY, EVP_PKEY_free)
DEFINE_CLEANUP(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
DEFINE_CLEANUP(EVP_MD_CTX, EVP_MD_CTX_free)

/* GB/T 32918.5-2017 Annex A.2: key, message, Z_A and signature. */
#define EXAMPLE_X "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
#define EXAMPLE_Y "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
#define EXAMPLE_Z "b2e14c5c79c6df5b85f4fe7ed8db7a262b9da7e07ccb0ea9f4747b8ccda8a4f3"
#define EXAMPLE_R "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
#define EXAMPLE_S "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
#define EXAMPLE_MESSAGE "message digest"

static void parameter_set(TPM2B_ECC_PARAMETER *parameter, const char *hex) {
        parameter->size = (UINT16) (strlen(hex) / 2);
        assert_true(hex_decode(hex, parameter->buffer, parameter->size));
}

static TPM2B_PUBLIC public_at(const char *x, const char *y) {
        TPM2B_PUBLIC public = algorithm_template(algorithm_find("sm2"), 0, NULL);

        parameter_set(&public.publicArea.unique.ecc.x, x);
        parameter_set(&public.publicArea.unique.ecc.y, y);
        return public;
}

/* e = SM3(Z_A ‖ M) with our Z_A. */
static void digest_make(const TPM2B_DIGEST *prefix, const char *message, uint8_t ret[static 32]) {
        _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *md = EVP_MD_CTX_new();

        assert_int_equal(EVP_DigestInit_ex(md, EVP_sm3(), NULL), 1);
        assert_int_equal(EVP_DigestUpdate(md, prefix->buffer, prefix->size), 1);
        assert_int_equal(EVP_DigestUpdate(md, message, strlen(message)), 1);
        assert_int_equal(EVP_DigestFinal_ex(md, ret, NULL), 1);
}

static int digest_verify(EVP_PKEY *key, const uint8_t e[static 32], Bytes der) {
        _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);

        assert_int_equal(EVP_PKEY_verify_init(context), 1);
        return EVP_PKEY_verify(context, der.data, der.size, e, 32);
}

static void z_is_that_of_the_standards_example(void **state) {
        const TPM2B_PUBLIC public = public_at(EXAMPLE_X, EXAMPLE_Y);
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
        TPM2B_DIGEST prefix = {};

        (void) state;
        assert_int_equal(sm2_prefix(&public, &prefix), 0);
        unit_assert_digest(prefix, EXAMPLE_Z);
        prefix = (TPM2B_DIGEST){};
        assert_int_equal(public_to_pkey(&public, &key), 0);
        assert_int_equal(sm2_prefix_of_pkey(key, &prefix), 0);
        unit_assert_digest(prefix, EXAMPLE_Z);
}

static void signature_of_the_standards_example_is_over_our_digest(void **state) {
        const TPM2B_PUBLIC public = public_at(EXAMPLE_X, EXAMPLE_Y);
        TPMT_SIGNATURE signature = { .sigAlg = TPM2_ALG_SM2 };
        const TPM2B_DIGEST z = unit_digest(EXAMPLE_Z);
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
        _cleanup_free_ uint8_t *der = NULL;
        size_t size;
        uint8_t e[32];

        (void) state;
        parameter_set(&signature.signature.sm2.signatureR, EXAMPLE_R);
        parameter_set(&signature.signature.sm2.signatureS, EXAMPLE_S);
        assert_int_equal(signature_to_openssl(&signature, &der, &size), 0);
        assert_int_equal(public_to_pkey(&public, &key), 0);
        digest_make(&z, EXAMPLE_MESSAGE, e);
        assert_int_equal(digest_verify(key, e, (Bytes){ der, size }), 1);
        e[0] ^= 1;
        assert_int_equal(digest_verify(key, e, (Bytes){ der, size }), 0);
}

static EVP_PKEY *key_make(void) {
        EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "SM2");

        assert_non_null(key);
        return key;
}

/* Sign or verify in one go: OpenSSL computes Z_A itself, of the identity that it is told. */
static EVP_MD_CTX *openssl_context(EVP_PKEY *key, EVP_PKEY_CTX *context, bool sign) {
        EVP_MD_CTX *md = EVP_MD_CTX_new();

        assert_int_equal(EVP_PKEY_CTX_set1_id(context, SM2_IDENTITY, strlen(SM2_IDENTITY)), 1);
        EVP_MD_CTX_set_pkey_ctx(md, context);
        assert_int_equal(sign ? EVP_DigestSignInit(md, NULL, EVP_sm3(), NULL, key)
                              : EVP_DigestVerifyInit(md, NULL, EVP_sm3(), NULL, key),
                         1);
        return md;
}

static void openssl_signs_what_our_digest_says(void **state) {
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = key_make();
        _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
        _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *md = openssl_context(key, context, true);
        uint8_t der[128], e[32];
        size_t size = sizeof(der);
        TPM2B_DIGEST prefix;

        (void) state;
        assert_int_equal(EVP_DigestSign(md, der, &size, (const uint8_t *) "a document", 10), 1);
        assert_int_equal(sm2_prefix_of_pkey(key, &prefix), 0);
        digest_make(&prefix, "a document", e);
        assert_int_equal(digest_verify(key, e, (Bytes){ der, size }), 1);
        digest_make(&prefix, "another", e);
        assert_int_equal(digest_verify(key, e, (Bytes){ der, size }), 0);
}

static void openssl_verifies_what_was_signed_by_our_digest(void **state) {
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = key_make();
        _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *signing = EVP_PKEY_CTX_new(key, NULL),
                                                   *context = EVP_PKEY_CTX_new(key, NULL);
        uint8_t der[128], e[32];
        size_t size = sizeof(der);
        TPM2B_DIGEST prefix;

        (void) state;
        assert_int_equal(sm2_prefix_of_pkey(key, &prefix), 0);
        digest_make(&prefix, "a document", e);
        assert_int_equal(EVP_PKEY_sign_init(signing), 1);
        assert_int_equal(EVP_PKEY_sign(signing, der, &size, e, sizeof(e)), 1);
        _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *md = openssl_context(key, context, false);
        assert_int_equal(EVP_DigestVerify(md, der, size, (const uint8_t *) "a document", 10), 1);
}

/* A chip may give a coordinate without its leading zeros. */
static void short_coordinate_is_padded(void **state) {
        const TPM2B_PUBLIC full = public_at("00" EXAMPLE_X, EXAMPLE_Y);
        const char *x = "0011223344556677889900112233445566778899001122334455667788990011";
        const TPM2B_PUBLIC with = public_at(x, EXAMPLE_Y), without = public_at(x + 2, EXAMPLE_Y);
        TPM2B_DIGEST a, b;

        (void) state;
        assert_int_equal(sm2_prefix(&with, &a), 0);
        assert_int_equal(sm2_prefix(&without, &b), 0);
        assert_memory_equal(a.buffer, b.buffer, 32);
        assert_int_equal(sm2_prefix(&full, &a), -EINVAL);
}

static void other_keys_have_an_empty_prefix(void **state) {
        static const char *const others[] = { "ecdsa-p256", "ecdsa-p384", "rsa-2048", "rsa-3072" };
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = EVP_EC_gen("P-256");
        TPM2B_DIGEST prefix;

        (void) state;
        for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
                const TPM2B_PUBLIC public = algorithm_template(algorithm_find(others[i]), 0, NULL);

                prefix.size = 9;
                assert_int_equal(sm2_prefix(&public, &prefix), 0);
                assert_int_equal(prefix.size, 0);
        }
        prefix.size = 9;
        assert_int_equal(sm2_prefix_of_pkey(key, &prefix), 0);
        assert_int_equal(prefix.size, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(z_is_that_of_the_standards_example),
                cmocka_unit_test(signature_of_the_standards_example_is_over_our_digest),
                cmocka_unit_test(openssl_signs_what_our_digest_says),
                cmocka_unit_test(openssl_verifies_what_was_signed_by_our_digest),
                cmocka_unit_test(short_coordinate_is_padded),
                cmocka_unit_test(other_keys_have_an_empty_prefix),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
