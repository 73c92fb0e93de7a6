/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/key.h"

#include <stdio.h>

#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "tests/unit/keys.h"
#include "tests/unit/vectors.h"

static void assert_name(const char *pem, const char *hex) {
        TPM2B_PUBLIC public = public_from(pem);
        TPM2B_NAME name;

        assert_int_equal(public_name(&public, &name), 0);
        unit_assert_name(name, hex);
}

static void test_names_as_the_chip(void **state) {
        (void) state;
        assert_name(V_AUTHORITY_PEM, V_AUTHORITY_NAME);
        assert_name(V_A0_PEM, V_A0_NAME);
        assert_name(V_A1_PEM, V_A1_NAME); /* P-384 */
        assert_name(V_A2_PEM, V_A2_NAME); /* RSA 2048 */
}

static void test_a_certificate_stands_for_its_key(void **state) {
        (void) state;
        assert_name(V_AUTHORITY_CERTIFICATE, V_AUTHORITY_NAME);
}

static void test_text_around_the_block_is_ignored(void **state) {
        (void) state;
        assert_name("Authority of the branch office\n\n" V_AUTHORITY_PEM "\n \n", V_AUTHORITY_NAME);
}

static void test_the_template_of_external_keys(void **state) {
        TPM2B_PUBLIC ec = public_from(V_A1_PEM), rsa = public_from(V_RSA3072_PEM);
        TPMS_ECC_PARMS *ecc = &ec.publicArea.parameters.eccDetail;
        TPMS_RSA_PARMS *parms = &rsa.publicArea.parameters.rsaDetail;

        (void) state;
        assert_int_equal(ec.publicArea.type, TPM2_ALG_ECC);
        assert_int_equal(ec.publicArea.nameAlg, TPM2_ALG_SHA256);
        assert_int_equal(ec.publicArea.objectAttributes, 0x00040040); /* sign, userWithAuth */
        assert_int_equal(ec.publicArea.authPolicy.size, 0);
        assert_int_equal(ecc->symmetric.algorithm, TPM2_ALG_NULL);
        assert_int_equal(ecc->scheme.scheme, TPM2_ALG_NULL);
        assert_int_equal(ecc->kdf.scheme, TPM2_ALG_NULL);
        assert_int_equal(ecc->curveID, TPM2_ECC_NIST_P384);
        assert_int_equal(ec.publicArea.unique.ecc.x.size, 48);
        assert_int_equal(rsa.publicArea.objectAttributes, 0x00040040);
        assert_int_equal(parms->symmetric.algorithm, TPM2_ALG_NULL);
        assert_int_equal(parms->scheme.scheme, TPM2_ALG_NULL);
        assert_int_equal(parms->keyBits, 3072);
        assert_int_equal(parms->exponent, 0);
        assert_int_equal(rsa.publicArea.unique.rsa.size, 384);
}

static void assert_pem_refused(const char *pem, size_t size) {
        TPM2B_PUBLIC public = { .size = 77 };
        ErrorDetail detail = {};

        if (external_key_parse(pem, size, &public, &detail) != SEAL_E_INVALID_ARGS)
                fail_msg("accepted: %.*s", (int) size, pem);
        assert_true(detail.text[0] != '\0');
        assert_int_equal(public.size, 77);
        assert_queue_empty();
}

static void test_other_keys_are_refused(void **state) {
        static const char *const refused[] = { V_P224_PEM,    V_P521_PEM, V_K256_PEM,
                                               V_ED25519_PEM, V_SM2_PEM,  V_RSA1024_PEM,
                                               V_RSA3_PEM,    V_PSS_PEM,  V_EXPLICIT_PEM };

        (void) state;
        for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
                assert_pem_refused(refused[i], strlen(refused[i]));
}

static void test_malformed_pem_is_refused(void **state) {
        static const char *const refused[] = {
                "",
                "\n",
                "not a key",
                "-----BEGIN PUBLIC KEY-----\n",
                "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
                "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
                "-----BEGIN PUBLIC KEY-----\nMFkw*wYH\n-----END PUBLIC KEY-----\n",
                "-----BEGIN PUBLIC KEY-----\nMDAwMA==\n-----END CERTIFICATE-----\n",
                "-----BEGIN CERTIFICATE-----\nMDAwMA==\n-----END CERTIFICATE-----\n",
                "-----BEGIN X509 CRL-----\nMDAwMA==\n-----END X509 CRL-----\n",
                "-----BEGIN EC PRIVATE KEY-----\nMDAwMA==\n-----END EC PRIVATE KEY-----\n",
                "-----BEGIN PUBLIC KEY-----\nA: b\n\nMDA=\n-----END PUBLIC KEY-----\n",
        };

        (void) state;
        for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
                assert_pem_refused(refused[i], strlen(refused[i]));
}

static void test_which_of_two_keys_is_not_guessed(void **state) {
        static const char two[] = V_AUTHORITY_PEM V_A0_PEM;
        static const char half[] = V_AUTHORITY_PEM "-----BEGIN PUBLIC KEY-----\n";

        (void) state;
        assert_pem_refused(two, strlen(two));
        assert_pem_refused(half, strlen(half));
}

static void test_a_truncated_key_is_refused(void **state) {
        (void) state;
        for (size_t size = 0; size + 2 < strlen(V_AUTHORITY_PEM); size++)
                assert_pem_refused(V_AUTHORITY_PEM, size);
}

static void test_more_than_the_maximum_is_refused(void **state) {
        static char text[PEM_MAX + 1];
        TPM2B_PUBLIC public;

        (void) state;
        memset(text, '\n', sizeof(text));
        memcpy(text, V_AUTHORITY_PEM, sizeof(V_AUTHORITY_PEM) - 1);
        assert_int_equal(external_key_parse(text, PEM_MAX, &public, NULL), 0);
        assert_pem_refused(text, PEM_MAX + 1);
        assert_pem_refused(text, SIZE_MAX);
}

/* label's PEM over the bytes. */
static void pem_write(const char *label, const uint8_t *der, size_t size, char *ret, size_t room) {
        unsigned char base64[UNIT_BYTES_MAX * 2];

        assert_true(EVP_EncodeBlock(base64, der, (int) size) > 0);
        int n = snprintf(ret, room, "-----BEGIN %s-----\n%s\n-----END %s-----\n", label,
                         (char *) base64, label);
        assert_true(n > 0 && (size_t) n < room);
}

static void test_bytes_behind_the_der_are_refused(void **state) {
        uint8_t der[UNIT_BYTES_MAX];
        char pem[4096];
        TPM2B_PUBLIC public;

        (void) state;
        size_t size = unit_bytes(V_AUTHORITY_SPKI, der);
        der[size] = 0;
        pem_write("PUBLIC KEY", der, size, pem, sizeof(pem));
        assert_int_equal(external_key_parse(pem, strlen(pem), &public, NULL), 0);
        pem_write("PUBLIC KEY", der, size + 1, pem, sizeof(pem));
        assert_pem_refused(pem, strlen(pem));
}

static void test_a_point_off_the_curve_is_refused(void **state) {
        uint8_t der[UNIT_BYTES_MAX];
        char pem[4096];

        (void) state;
        size_t size = unit_bytes(V_AUTHORITY_SPKI, der);
        der[size - 1] ^= 1;
        pem_write("PUBLIC KEY", der, size, pem, sizeof(pem));
        assert_pem_refused(pem, strlen(pem));
}

static void test_an_even_modulus_is_refused(void **state) {
        uint8_t der[UNIT_BYTES_MAX];
        char pem[4096];

        (void) state;
        size_t size = unit_bytes(V_A2_SPKI, der);
        der[size - 6] &= 0xfe; /* the last byte before INTEGER 65537 */
        pem_write("PUBLIC KEY", der, size, pem, sizeof(pem));
        assert_pem_refused(pem, strlen(pem));
}

/* ---- keys from programs ------------------------------------------------------------------ */

static void test_a_private_key_gives_its_public_half(void **state) {
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = key_make("P-256"), *public = NULL;
        _cleanup_free_ uint8_t *spki = NULL;
        unsigned char *der = NULL;
        size_t size;

        (void) state;
        TPM2B_PUBLIC area = public_of(key);
        assert_int_equal(public_to_spki(&area, &spki, &size), 0);
        assert_int_equal(i2d_PUBKEY(key, &der), size);
        assert_memory_equal(spki, der, size);
        OPENSSL_free(der);
        assert_int_equal(public_to_pkey(&area, &public), 0);
        assert_int_equal(EVP_PKEY_eq(key, public), 1);
}

/* About one key in 256 has a coordinate that begins with a zero byte. */
static void test_coordinates_keep_their_leading_zeros(void **state) {
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL, *back = NULL;
        TPMS_ECC_POINT *point;
        TPM2B_PUBLIC area;

        (void) state;
        do {
                EVP_PKEY_free(key);
                key = key_make("P-256");
                area = public_of(key);
                point = &area.publicArea.unique.ecc;
        } while (point->x.buffer[0] != 0);
        assert_int_equal(point->x.size, 32);
        assert_int_equal(point->y.size, 32);
        point->x.size = 31; /* a chip may leave it out */
        memmove(point->x.buffer, point->x.buffer + 1, 31);
        assert_int_equal(public_to_pkey(&area, &back), 0);
        assert_int_equal(EVP_PKEY_eq(key, back), 1);
}

static void test_other_key_objects_are_refused(void **state) {
        static const char *const types[] = { "ED25519", "X25519", "ED448" };
        TPM2B_PUBLIC public = { .size = 77 };

        (void) state;
        for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
                _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, types[i]);
                ErrorDetail detail = {};

                assert_non_null(key);
                assert_int_equal(external_key_from_pkey(key, &public, &detail),
                                 SEAL_E_INVALID_ARGS);
                assert_non_null(strstr(detail.text, "P-256"));
        }
        assert_int_equal(public.size, 77);
}

/* ---- keys to people ---------------------------------------------------------------------- */

static void assert_spki(const char *pem, const char *hex) {
        TPM2B_PUBLIC public = public_from(pem);
        _cleanup_free_ uint8_t *spki = NULL;
        _cleanup_free_ char *text = NULL;
        size_t size;

        assert_int_equal(public_to_spki(&public, &spki, &size), 0);
        unit_assert_hex(spki, size, hex);
        assert_int_equal(public_to_pem(&public, &text), 0);
        assert_string_equal(text, pem);
}

static void test_keys_round_trip(void **state) {
        (void) state;
        assert_spki(V_AUTHORITY_PEM, V_AUTHORITY_SPKI);
        assert_spki(V_A1_PEM, V_A1_SPKI);
        assert_spki(V_A2_PEM, V_A2_SPKI);
        assert_spki(V_RSA3072_PEM, V_RSA3072_SPKI);
}

static void test_an_sm2_key_of_the_chip_has_an_spki(void **state) {
        TPM2B_PUBLIC public = { .publicArea = { .type = TPM2_ALG_ECC,
                                                .parameters.eccDetail.curveID = TPM2_ECC_SM2_P256,
                                                .unique.ecc = { { 32, {} }, { 32, {} } } } };
        TPMS_ECC_POINT *point = &public.publicArea.unique.ecc;
        _cleanup_free_ uint8_t *spki = NULL;
        uint8_t der[UNIT_BYTES_MAX];
        size_t size;

        (void) state;
        size_t der_size = unit_bytes(V_SM2_SPKI, der); /* ends in 04 ‖ x ‖ y */
        memcpy(point->x.buffer, der + der_size - 64, 32);
        memcpy(point->y.buffer, der + der_size - 32, 32);
        assert_int_equal(public_to_spki(&public, &spki, &size), 0);
        unit_assert_hex(spki, size, V_SM2_SPKI);
}

static void assert_no_pkey(const TPM2B_PUBLIC *public, int code) {
        EVP_PKEY *key = NULL;
        uint8_t *der = NULL;
        char *pem = NULL;
        size_t size = 0;

        assert_int_equal(public_to_pkey(public, &key), code);
        assert_int_equal(public_to_spki(public, &der, &size), code);
        assert_int_equal(public_to_pem(public, &pem), code);
        assert_null(key);
        assert_null(der);
        assert_null(pem);
        assert_int_equal(size, 0);
        assert_queue_empty();
}

static void test_areas_that_are_no_key_are_refused(void **state) {
        const TPM2B_PUBLIC ec = public_from(V_AUTHORITY_PEM), rsa = public_from(V_A2_PEM);
        TPM2B_PUBLIC type = ec, curve = ec, point = ec, wide = ec, bits = rsa, modulus = rsa;

        (void) state;
        type.publicArea.type = TPM2_ALG_KEYEDHASH;
        curve.publicArea.parameters.eccDetail.curveID = TPM2_ECC_BN_P256;
        point.publicArea.unique.ecc.y.buffer[31] ^= 1;
        wide.publicArea.unique.ecc.x.size = 33;
        bits.publicArea.parameters.rsaDetail.keyBits = 1024;
        modulus.publicArea.unique.rsa.size = 255;
        assert_no_pkey(&type, SEAL_E_UNSUPPORTED);
        assert_no_pkey(&curve, SEAL_E_UNSUPPORTED);
        assert_no_pkey(&point, -EINVAL);
        assert_no_pkey(&wide, -EINVAL);
        assert_no_pkey(&bits, SEAL_E_UNSUPPORTED);
        assert_no_pkey(&modulus, -EINVAL);
}

static void test_an_exponent_of_its_own_is_kept(void **state) {
        TPM2B_PUBLIC rsa = public_from(V_A2_PEM);
        _cleanup_free_ uint8_t *spki = NULL;
        uint8_t der[UNIT_BYTES_MAX];
        size_t size;

        (void) state;
        rsa.publicArea.parameters.rsaDetail.exponent = 0x010003;
        size_t der_size = unit_bytes(V_A2_SPKI, der);
        der[der_size - 1] = 3;
        assert_int_equal(public_to_spki(&rsa, &spki, &size), 0);
        assert_int_equal(size, der_size);
        assert_memory_equal(spki, der, size);
}

static void test_only_sha256_names_are_computed(void **state) {
        TPM2B_PUBLIC other = public_from(V_AUTHORITY_PEM), broken = other;
        TPM2B_NAME name = { .size = 1 };

        (void) state;
        other.publicArea.nameAlg = TPM2_ALG_SHA384;
        broken.publicArea.authPolicy.size = UINT16_MAX;
        assert_int_equal(public_name(&other, &name), SEAL_E_UNSUPPORTED);
        assert_int_equal(public_name(&broken, &name), -EINVAL);
        assert_int_equal(name.size, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names_as_the_chip),
                cmocka_unit_test(test_a_certificate_stands_for_its_key),
                cmocka_unit_test(test_text_around_the_block_is_ignored),
                cmocka_unit_test(test_the_template_of_external_keys),
                cmocka_unit_test(test_other_keys_are_refused),
                cmocka_unit_test(test_malformed_pem_is_refused),
                cmocka_unit_test(test_which_of_two_keys_is_not_guessed),
                cmocka_unit_test(test_a_truncated_key_is_refused),
                cmocka_unit_test(test_more_than_the_maximum_is_refused),
                cmocka_unit_test(test_bytes_behind_the_der_are_refused),
                cmocka_unit_test(test_a_point_off_the_curve_is_refused),
                cmocka_unit_test(test_an_even_modulus_is_refused),
                cmocka_unit_test(test_a_private_key_gives_its_public_half),
                cmocka_unit_test(test_coordinates_keep_their_leading_zeros),
                cmocka_unit_test(test_other_key_objects_are_refused),
                cmocka_unit_test(test_keys_round_trip),
                cmocka_unit_test(test_an_sm2_key_of_the_chip_has_an_spki),
                cmocka_unit_test(test_areas_that_are_no_key_are_refused),
                cmocka_unit_test(test_an_exponent_of_its_own_is_kept),
                cmocka_unit_test(test_only_sha256_names_are_computed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
