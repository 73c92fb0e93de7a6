/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures as the chip and as openssl write them. */
#include <errno.h>

#include "tests/unit/keys.h"
#include "tests/unit/vectors.h"

DEFINE_CLEANUP(EVP_MD_CTX, EVP_MD_CTX_free)

static Bytes message(void) {
        return (Bytes){ (const uint8_t *) V_MESSAGE, strlen(V_MESSAGE) };
}

static void assert_signature(const char *pem, const char *hex, TPMI_ALG_SIG_SCHEME scheme) {
        TPM2B_PUBLIC key = public_from(pem);
        _cleanup_free_ uint8_t *back = NULL;
        uint8_t der[UNIT_BYTES_MAX];
        TPMT_SIGNATURE signature;
        size_t size;

        Bytes bytes = { der, unit_bytes(hex, der) };
        assert_int_equal(signature_verify(&key, message(), bytes), 0);
        assert_int_equal(signature_from_openssl(&key, bytes, &signature), 0);
        assert_int_equal(signature.sigAlg, scheme);
        assert_int_equal(signature.signature.any.hashAlg, TPM2_ALG_SHA256);
        assert_int_equal(signature_to_openssl(&signature, &back, &size), 0);
        unit_assert_hex(back, size, hex);
}

static void test_signatures_of_openssl_round_trip(void **state) {
        (void) state;
        assert_signature(V_AUTHORITY_PEM, V_AUTHORITY_SIGNATURE, TPM2_ALG_ECDSA);
        assert_signature(V_A1_PEM, V_A1_SIGNATURE, TPM2_ALG_ECDSA); /* SHA-256 for P-384 too */
        assert_signature(V_A2_PEM, V_A2_SIGNATURE, TPM2_ALG_RSASSA);
}

static void assert_not_verified(const TPM2B_PUBLIC *key, Bytes text, Bytes der) {
        assert_int_equal(signature_verify(key, text, der), SEAL_E_APPROVAL_INVALID);
        assert_queue_empty();
}

static void assert_altered_not_verified(const char *pem, const char *hex) {
        const TPM2B_PUBLIC key = public_from(pem);
        uint8_t der[UNIT_BYTES_MAX];
        Bytes bytes = { der, unit_bytes(hex, der) };
        Bytes less = { (const uint8_t *) V_MESSAGE, strlen(V_MESSAGE) - 1 };

        assert_not_verified(&key, less, bytes);
        assert_not_verified(&key, (Bytes){}, bytes);
        for (size_t i = 0; i < bytes.size; i++) {
                der[i] ^= 0x01;
                assert_not_verified(&key, message(), bytes);
                der[i] ^= 0x01;
        }
        for (size_t size = 0; size < bytes.size; size++)
                assert_not_verified(&key, message(), (Bytes){ der, size });
}

static void test_altered_signatures_do_not_verify(void **state) {
        (void) state;
        assert_altered_not_verified(V_AUTHORITY_PEM, V_AUTHORITY_SIGNATURE);
        assert_altered_not_verified(V_A1_PEM, V_A1_SIGNATURE);
        assert_altered_not_verified(V_A2_PEM, V_A2_SIGNATURE);
}

static void test_signatures_of_others_do_not_verify(void **state) {
        const TPM2B_PUBLIC authority = public_from(V_AUTHORITY_PEM), p256 = public_from(V_A0_PEM);
        const TPM2B_PUBLIC p384 = public_from(V_A1_PEM), rsa = public_from(V_A2_PEM);
        uint8_t der[UNIT_BYTES_MAX];
        Bytes bytes = { der, unit_bytes(V_AUTHORITY_SIGNATURE, der) };

        (void) state;
        assert_not_verified(&p256, message(), bytes);
        assert_not_verified(&p384, message(), bytes);
        assert_not_verified(&rsa, message(), bytes);
        bytes.size = unit_bytes(V_A1_SIGNATURE, der);
        assert_not_verified(&authority, message(), bytes);
}

static void test_other_hashes_do_not_verify(void **state) {
        _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *context = EVP_MD_CTX_new();
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = key_make("P-384");
        uint8_t der[UNIT_BYTES_MAX];
        size_t size = sizeof(der);
        Bytes text = message();

        (void) state;
        TPM2B_PUBLIC public = public_of(key);
        assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha384(), NULL, key), 1);
        assert_int_equal(EVP_DigestSign(context, der, &size, text.data, text.size), 1);
        assert_int_equal(signature_verify(&public, text, (Bytes){ der, size }),
                         SEAL_E_APPROVAL_INVALID);
}

static void assert_shape_refused(const TPM2B_PUBLIC *key, const uint8_t *der, size_t size) {
        TPMT_SIGNATURE signature = { .sigAlg = 77 };

        assert_int_equal(signature_from_openssl(key, (Bytes){ der, size }, &signature),
                         SEAL_E_APPROVAL_INVALID);
        assert_int_equal(signature.sigAlg, 77);
        assert_queue_empty();
}

static void test_other_than_der_is_refused(void **state) {
        static const char *const refused[] = {
                "00",
                "3000",
                "3003020101",               /* s is missing */
                "300602010102010100",       /* garbage behind */
                "300702010102010100",       /* garbage within */
                "3009020101020101020101",   /* a third integer */
                "3006020181020101",         /* r negative */
                "30060201010201ff",         /* s negative */
                "3006020100020101",         /* r zero */
                "3006020101020100",         /* s zero */
                "300702020001020101",       /* r not minimal */
                "30050200020101",           /* r empty */
                "308106020101020101",       /* length not minimal */
                "30800201010201010000",     /* indefinite length */
                "30820006020101020101",     /* length not minimal */
                "3006030101020101",         /* a bit string */
                "3106020101020101",         /* a set */
                "3084ffffffff020101020101", /* a length beyond everything */
        };
        TPM2B_PUBLIC key = public_from(V_AUTHORITY_PEM);
        uint8_t der[UNIT_BYTES_MAX];

        (void) state;
        for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
                size_t size = unit_bytes(refused[i], der);
                assert_shape_refused(&key, der, size);
        }
        assert_shape_refused(&key, NULL, 0);
}

static void test_the_smallest_integers_are_padded(void **state) {
        TPM2B_PUBLIC key = public_from(V_A1_PEM);
        _cleanup_free_ uint8_t *back = NULL;
        uint8_t der[UNIT_BYTES_MAX];
        TPMT_SIGNATURE signature;
        size_t size;

        (void) state;
        size = unit_bytes("300702010102020080", der);
        assert_int_equal(signature_from_openssl(&key, (Bytes){ der, size }, &signature), 0);
        assert_int_equal(signature.signature.ecdsa.signatureR.size, 48);
        assert_int_equal(signature.signature.ecdsa.signatureR.buffer[47], 0x01);
        assert_int_equal(signature.signature.ecdsa.signatureS.size, 48);
        assert_int_equal(signature.signature.ecdsa.signatureS.buffer[47], 0x80);
        assert_int_equal(signature_to_openssl(&signature, &back, &size), 0);
        unit_assert_hex(back, size, "300702010102020080");
}

/* SEQUENCE { INTEGER of r_size bytes 0x7f…, INTEGER 1 } */
static size_t wide_signature(size_t r_size, uint8_t *ret) {
        Writer w = writer_over(ret, UNIT_BYTES_MAX);
        uint8_t r[128];

        assert_true(2 + r_size + 3 < 128);
        memset(r, 0x7f, sizeof(r));
        writer_put_u8(&w, 0x30);
        writer_put_u8(&w, (uint8_t) (2 + r_size + 3));
        writer_put_u8(&w, 0x02);
        writer_put_u8(&w, (uint8_t) r_size);
        writer_put(&w, r, r_size);
        writer_put(&w, "\x02\x01\x01", 3);
        return w.used;
}

static void test_oversized_integers_are_refused(void **state) {
        TPM2B_PUBLIC p256 = public_from(V_AUTHORITY_PEM), p384 = public_from(V_A1_PEM);
        uint8_t der[UNIT_BYTES_MAX];
        TPMT_SIGNATURE signature;

        (void) state;
        size_t size = wide_signature(32, der);
        assert_int_equal(signature_from_openssl(&p256, (Bytes){ der, size }, &signature), 0);
        size = wide_signature(33, der);
        assert_shape_refused(&p256, der, size);
        assert_int_equal(signature_from_openssl(&p384, (Bytes){ der, size }, &signature), 0);
        size = wide_signature(49, der);
        assert_shape_refused(&p384, der, size);
}

static void test_an_rsa_block_has_the_size_of_its_key(void **state) {
        TPM2B_PUBLIC key = public_from(V_A2_PEM);
        uint8_t block[SIGNATURE_MAX + 1] = {};

        (void) state;
        assert_shape_refused(&key, block, 255);
        assert_shape_refused(&key, block, 257);
        assert_shape_refused(&key, block, SIGNATURE_MAX);
        assert_shape_refused(&key, block, sizeof(block));
        memset(block, 0xff, 256); /* above every modulus */
        assert_not_verified(&key, message(), (Bytes){ block, 256 });
}

static void test_signatures_of_other_keys_are_unsupported(void **state) {
        TPM2B_PUBLIC sm2 = public_from(V_AUTHORITY_PEM), hash = sm2;
        uint8_t der[UNIT_BYTES_MAX];
        TPMT_SIGNATURE signature;

        (void) state;
        Bytes bytes = { der, unit_bytes(V_AUTHORITY_SIGNATURE, der) };
        sm2.publicArea.parameters.eccDetail.curveID = TPM2_ECC_SM2_P256;
        hash.publicArea.type = TPM2_ALG_KEYEDHASH;
        assert_int_equal(signature_from_openssl(&sm2, bytes, &signature), SEAL_E_UNSUPPORTED);
        assert_int_equal(signature_from_openssl(&hash, bytes, &signature), SEAL_E_UNSUPPORTED);
        assert_int_equal(signature_verify(&hash, message(), bytes), SEAL_E_UNSUPPORTED);
}

static void test_signatures_of_the_chip(void **state) {
        TPMT_SIGNATURE sm2 = { .sigAlg = TPM2_ALG_SM2,
                               .signature.sm2 = { .signatureR = { 2, { 0x00, 0x80 } },
                                                  .signatureS = { 1, { 0x7f } } } };
        TPMT_SIGNATURE pss = { .sigAlg = TPM2_ALG_RSAPSS,
                               .signature.rsapss.sig = { 3, { 1, 2, 3 } } };
        _cleanup_free_ uint8_t *der = NULL, *block = NULL;
        size_t size;

        (void) state;
        assert_int_equal(signature_to_openssl(&sm2, &der, &size), 0);
        unit_assert_hex(der, size,
                        "3007"
                        "02020080"
                        "02017f");
        assert_int_equal(signature_to_openssl(&pss, &block, &size), 0);
        unit_assert_hex(block, size, "010203");
}

static void test_signatures_that_are_none_are_refused(void **state) {
        TPMT_SIGNATURE hmac = { .sigAlg = TPM2_ALG_HMAC }, empty = { .sigAlg = TPM2_ALG_RSASSA };
        TPMT_SIGNATURE wide = { .sigAlg = TPM2_ALG_ECDSA }, large = empty;
        uint8_t *der = NULL;
        size_t size = 0;

        (void) state;
        wide.signature.ecdsa.signatureS.size = UINT16_MAX;
        large.signature.rsassa.sig.size = UINT16_MAX;
        assert_int_equal(signature_to_openssl(&hmac, &der, &size), SEAL_E_UNSUPPORTED);
        assert_int_equal(signature_to_openssl(&empty, &der, &size), -EINVAL);
        assert_int_equal(signature_to_openssl(&wide, &der, &size), -EINVAL);
        assert_int_equal(signature_to_openssl(&large, &der, &size), -EINVAL);
        assert_null(der);
        assert_int_equal(size, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_signatures_of_openssl_round_trip),
                cmocka_unit_test(test_altered_signatures_do_not_verify),
                cmocka_unit_test(test_signatures_of_others_do_not_verify),
                cmocka_unit_test(test_other_hashes_do_not_verify),
                cmocka_unit_test(test_other_than_der_is_refused),
                cmocka_unit_test(test_the_smallest_integers_are_padded),
                cmocka_unit_test(test_oversized_integers_are_refused),
                cmocka_unit_test(test_an_rsa_block_has_the_size_of_its_key),
                cmocka_unit_test(test_signatures_of_other_keys_are_unsupported),
                cmocka_unit_test(test_signatures_of_the_chip),
                cmocka_unit_test(test_signatures_that_are_none_are_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
