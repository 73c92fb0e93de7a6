/* SPDX-License-Identifier: Apache-2.0 */
#include "format/signature-value.h"

#include <stdlib.h>

#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "policy/openssl.h"
#include "tests/fixture/command.h"
#include "tests/fixture/signer.h"
#include "tests/unit/unit.h"

static const char *const names[] = {
        "ecdsa-sha256",  "ecdsa-sha384",  "ecdsa-sha512",  "rsassa-sha256", "rsassa-sha384",
        "rsassa-sha512", "rsapss-sha256", "rsapss-sha384", "rsapss-sha512", "sm2-sm3",
};

#define NAME_COUNT (sizeof(names) / sizeof(names[0]))

static const uint8_t text[] = "a document";
static const Bytes message = { text, sizeof(text) - 1 };

/* A signer of each algorithm, made once. */
static Signer signers[NAME_COUNT];

static int signers_make(void **state) {
        (void) state;
        for (size_t i = 0; i < NAME_COUNT; i++)
                signer_make(&signers[i], names[i], names[i]);
        return 0;
}

static int signers_done(void **state) {
        (void) state;
        for (size_t i = 0; i < NAME_COUNT; i++)
                signer_done(&signers[i]);
        return 0;
}

static const Signer *signer_of(const char *name) {
        for (size_t i = 0; i < NAME_COUNT; i++)
                if (strcmp(names[i], name) == 0)
                        return &signers[i];
        fail();
        return NULL;
}

static int verify(const Signer *signer, Bytes signature, SignatureEncoding *ret) {
        return signature_value_verify(signer->algorithm, signer->key, message, signature, ret);
}

/* --- algorithms ------------------------------------------------------------------------------- */

static void every_algorithm_signs_and_verifies(void **state) {
        uint8_t signature[SIGNATURE_MAX];

        (void) state;
        for (size_t i = 0; i < NAME_COUNT; i++) {
                SignatureEncoding encoding = SIGNATURE_AS_RAW;
                size_t size = signer_sign(&signers[i], message, signature);

                assert_string_equal(signature_algorithm_at(i)->name, names[i]);
                assert_int_equal(verify(&signers[i], (Bytes){ signature, size }, &encoding), 0);
                assert_int_equal(encoding, SIGNATURE_AS_DER);
        }
        assert_null(signature_algorithm_at(NAME_COUNT));
}

/* Of every one: `openssl dgst` agrees about hash, padding and identity. */
static void openssl_verifies_every_algorithm(void **state) {
        static const struct {
                const char *name, *options;
        } commands[] = {
                { "ecdsa-sha256", "-sha256" },
                { "ecdsa-sha384", "-sha384" },
                { "ecdsa-sha512", "-sha512" },
                { "rsassa-sha256", "-sha256" },
                { "rsassa-sha384", "-sha384" },
                { "rsassa-sha512", "-sha512" },
                { "rsapss-sha256",
                  "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32" },
                { "rsapss-sha384",
                  "-sha384 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:48" },
                { "rsapss-sha512",
                  "-sha512 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:64" },
                { "sm2-sm3", "-sm3 -sigopt distid:1234567812345678" },
        };
        Workshop workshop;

        (void) state;
        workshop_open(&workshop);
        workshop_put(&workshop, "text", message);
        for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
                const Signer *signer = signer_of(commands[i].name);
                uint8_t signature[SIGNATURE_MAX];
                _cleanup_free_ unsigned char *spki = NULL;

                int spki_size = i2d_PUBKEY(signer->key, &spki);
                workshop_put(&workshop, "key", (Bytes){ spki, (size_t) spki_size });
                size_t size = signer_sign(signer, message, signature);
                workshop_put(&workshop, "signature", (Bytes){ signature, size });
                workshop_demand(
                        &workshop,
                        "openssl dgst %s -keyform DER -verify key -signature signature text",
                        commands[i].options);
        }
        workshop_close(&workshop);
}

static void a_signature_is_of_its_message_key_and_algorithm_alone(void **state) {
        const Bytes other = { text, sizeof(text) };
        uint8_t signature[SIGNATURE_MAX];

        (void) state;
        for (size_t i = 0; i < NAME_COUNT; i++) {
                const Bytes value = { signature, signer_sign(&signers[i], message, signature) };

                assert_int_equal(signature_value_verify(signers[i].algorithm, signers[i].key, other,
                                                        value, NULL),
                                 SEAL_E_APPROVAL_INVALID);
                for (size_t j = 0; j < NAME_COUNT; j++)
                        if (j != i)
                                assert_int_equal(signature_value_verify(signers[i].algorithm,
                                                                        signers[j].key, message,
                                                                        value, NULL),
                                                 SEAL_E_APPROVAL_INVALID);
                for (size_t j = 0; j < NAME_COUNT; j++)
                        if (j != i)
                                assert_int_equal(signature_value_verify(signers[j].algorithm,
                                                                        signers[i].key, message,
                                                                        value, NULL),
                                                 SEAL_E_APPROVAL_INVALID);
        }
}

static void a_key_has_its_own_hash_and_scheme(void **state) {
        static const struct {
                const char *signer, *hash, *scheme, *algorithm;
        } cases[] = {
                { "ecdsa-sha256", NULL, NULL, "ecdsa-sha256" },
                { "ecdsa-sha256", "sha512", NULL, "ecdsa-sha512" },
                { "ecdsa-sha256", "sm3", NULL, NULL },
                { "ecdsa-sha256", NULL, "rsassa", NULL },
                { "ecdsa-sha384", NULL, NULL, "ecdsa-sha384" },
                { "ecdsa-sha512", NULL, NULL, "ecdsa-sha512" },
                { "rsassa-sha256", NULL, NULL, "rsassa-sha256" },
                { "rsassa-sha256", "sha384", "rsapss", "rsapss-sha384" },
                { "rsassa-sha256", "sha512", "rsassa", "rsassa-sha512" },
                { "rsassa-sha256", "md5", NULL, NULL },
                { "rsassa-sha256", NULL, "pkcs1", NULL },
                { "sm2-sm3", NULL, NULL, "sm2-sm3" },
                { "sm2-sm3", "sha256", NULL, NULL },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const SignatureAlgorithm *algorithm = signature_algorithm_for(
                        signer_of(cases[i].signer)->key, cases[i].hash, cases[i].scheme);

                if (cases[i].algorithm)
                        assert_string_equal(algorithm->name, cases[i].algorithm);
                else
                        assert_null(algorithm);
        }
}

/* --- identifiers ------------------------------------------------------------------------------ */

static void identifier_assert(const SignatureAlgorithm *algorithm, const char *hex) {
        _cleanup_(X509_ALGOR_freep) X509_ALGOR *identifier = X509_ALGOR_new();
        _cleanup_free_ unsigned char *der = NULL;

        assert_int_equal(signature_algorithm_encode(algorithm, identifier), 0);
        int size = i2d_X509_ALGOR(identifier, &der);
        unit_assert_hex(der, (size_t) size, hex);
}

/* RFC 5758 §3.2, RFC 4055 §§3.1, 5, GB/T 33560. */
static void identifiers_are_those_of_the_standards(void **state) {
        (void) state;
        identifier_assert(signer_of("ecdsa-sha256")->algorithm, "300a06082a8648ce3d040302");
        identifier_assert(signer_of("rsassa-sha256")->algorithm, "300d06092a864886f70d01010b0500");
        identifier_assert(signer_of("sm2-sm3")->algorithm, "300a06082a811ccf55018375");
        identifier_assert(signer_of("rsapss-sha256")->algorithm,
                          "304106092a864886f70d01010a3034"
                          "a00f300d06096086480165030402010500"
                          "a11c301a06092a864886f70d010108300d06096086480165030402010500"
                          "a203020120");
}

static void identifiers_are_read_back(void **state) {
        (void) state;
        for (size_t i = 0; i < NAME_COUNT; i++) {
                _cleanup_(X509_ALGOR_freep) X509_ALGOR *identifier = X509_ALGOR_new();

                assert_int_equal(signature_algorithm_encode(signers[i].algorithm, identifier), 0);
                for (size_t j = 0; j < NAME_COUNT; j++)
                        assert_ptr_equal(
                                signature_algorithm_read(identifier, signers[j].key),
                                signature_algorithm_fits(signers[i].algorithm, signers[j].key)
                                        ? signers[i].algorithm
                                        : NULL);
        }
}

static const SignatureAlgorithm *read_hex(const char *hex, EVP_PKEY *key) {
        uint8_t der[UNIT_BYTES_MAX];
        const unsigned char *at = der;
        _cleanup_(X509_ALGOR_freep)
                X509_ALGOR *identifier = d2i_X509_ALGOR(NULL, &at, (long) unit_bytes(hex, der));

        assert_non_null(identifier);
        return signature_algorithm_read(identifier, key);
}

static void other_spellings_of_identifiers_are_read(void **state) {
        EVP_PKEY *rsa = signer_of("rsassa-sha256")->key, *sm2 = signer_of("sm2-sm3")->key;

        (void) state;
        assert_string_equal(read_hex("300b06092a864886f70d01010b", rsa)->name, "rsassa-sha256");
        assert_string_equal(read_hex("300c06082a811ccf550183750500", sm2)->name, "sm2-sm3");
        assert_string_equal(read_hex("300b06092a811ccf5501822d01", sm2)->name, "sm2-sm3");
}

static void identifiers_that_say_something_else_are_none(void **state) {
        EVP_PKEY *rsa = signer_of("rsassa-sha256")->key, *ec = signer_of("ecdsa-sha256")->key;

        (void) state;
        /* SHA-1 with either key; NULL where none belongs; a number in place of NULL. */
        assert_null(read_hex("300906072a8648ce3d0401", ec));
        assert_null(read_hex("300d06092a864886f70d0101050500", rsa));
        assert_null(read_hex("300c06082a8648ce3d0403020500", ec));
        assert_null(read_hex("300e06092a864886f70d01010b020100", rsa));
        /* PSS: all its defaults; a salt of -1; MGF1 with SHA-384; trailer 2. */
        assert_null(read_hex("300d06092a864886f70d01010a3000", rsa));
        assert_null(read_hex("304106092a864886f70d01010a3034"
                             "a00f300d06096086480165030402010500"
                             "a11c301a06092a864886f70d010108300d06096086480165030402010500"
                             "a2030201ff",
                             rsa));
        assert_null(read_hex("304106092a864886f70d01010a3034"
                             "a00f300d06096086480165030402010500"
                             "a11c301a06092a864886f70d010108300d06096086480165030402020500"
                             "a203020120",
                             rsa));
        assert_null(read_hex("304606092a864886f70d01010a3039"
                             "a00f300d06096086480165030402010500"
                             "a11c301a06092a864886f70d010108300d06096086480165030402010500"
                             "a203020120a303020102",
                             rsa));
}

static const SignatureAlgorithm *read_cms(const char *signature, const char *digest,
                                          EVP_PKEY *key) {
        _cleanup_(X509_ALGOR_freep) X509_ALGOR *a = X509_ALGOR_new(), *b = X509_ALGOR_new();

        assert_int_equal(X509_ALGOR_set0(a, OBJ_txt2obj(signature, 1), V_ASN1_UNDEF, NULL), 1);
        assert_int_equal(X509_ALGOR_set0(b, OBJ_txt2obj(digest, 1), V_ASN1_UNDEF, NULL), 1);
        return signature_algorithm_read_cms(a, b, key);
}

#define OID_RSA "1.2.840.113549.1.1.1"
#define OID_EC "1.2.840.10045.2.1"
#define OID_ECDSA_SHA256 "1.2.840.10045.4.3.2"
#define OID_SM2_KEY "1.2.156.10197.1.301"
#define OID_SM2_SIGN "1.2.156.10197.1.301.1"
#define OID_SHA256 "2.16.840.1.101.3.4.2.1"
#define OID_SHA512 "2.16.840.1.101.3.4.2.3"
#define OID_SM3 "1.2.156.10197.1.401"

static void a_signer_of_cms_may_name_the_kind_of_key_only(void **state) {
        EVP_PKEY *rsa = signer_of("rsassa-sha256")->key, *ec = signer_of("ecdsa-sha256")->key,
                 *sm2 = signer_of("sm2-sm3")->key;

        (void) state;
        assert_string_equal(read_cms(OID_RSA, OID_SHA512, rsa)->name, "rsassa-sha512");
        assert_string_equal(read_cms(OID_EC, OID_SHA256, ec)->name, "ecdsa-sha256");
        assert_string_equal(read_cms(OID_ECDSA_SHA256, OID_SHA256, ec)->name, "ecdsa-sha256");
        assert_string_equal(read_cms(OID_SM2_KEY, OID_SM3, sm2)->name, "sm2-sm3");
        assert_string_equal(read_cms(OID_SM2_SIGN, OID_SM3, sm2)->name, "sm2-sm3");
        assert_null(read_cms(OID_ECDSA_SHA256, OID_SHA512, ec));
        assert_null(read_cms(OID_SM2_KEY, OID_SHA256, sm2));
        assert_null(read_cms(OID_EC, OID_SM3, ec));
        assert_null(read_cms(OID_RSA, OID_SHA256, ec));
}

static void an_oid_alone_names_what_needs_no_parameters(void **state) {
        EVP_PKEY *rsa = signer_of("rsassa-sha256")->key, *sm2 = signer_of("sm2-sm3")->key;

        (void) state;
        assert_string_equal(signature_algorithm_of_object(OBJ_nid2obj(NID_SM2_with_SM3), sm2)->name,
                            "sm2-sm3");
        assert_null(signature_algorithm_of_object(OBJ_nid2obj(NID_rsassaPss), rsa));
        assert_null(signature_algorithm_of_object(OBJ_nid2obj(NID_SM2_with_SM3), rsa));
        assert_null(signature_algorithm_of_object(OBJ_nid2obj(NID_undef), rsa));
}

/* --- spellings -------------------------------------------------------------------------------- */

static size_t integer_write(uint8_t *ret, const BIGNUM *n, size_t zeros) {
        size_t size = (size_t) BN_num_bytes(n);

        if (size == 0 || BN_is_bit_set(n, (int) (8 * size) - 1))
                zeros++;
        ret[0] = 0x02;
        ret[1] = (uint8_t) (size + zeros);
        memset(ret + 2, 0, zeros);
        (void) BN_bn2bin(n, ret + 2 + zeros);
        return 2 + size + zeros;
}

/* With so many zeros that are too many. */
static size_t padded(const Signer *signer, size_t zeros, uint8_t ret[static 128]) {
        uint8_t der[SIGNATURE_MAX];
        const unsigned char *at = der;
        size_t size = signer_sign(signer, message, der);
        _cleanup_(ECDSA_SIG_freep) ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &at, (long) size);

        size = integer_write(ret + 2, ECDSA_SIG_get0_r(signature), zeros);
        size += integer_write(ret + 2 + size, ECDSA_SIG_get0_s(signature), zeros);
        ret[0] = 0x30;
        ret[1] = (uint8_t) size;
        return size + 2;
}

static size_t raw(const Signer *signer, int scalar_size, uint8_t ret[static 2 * 48]) {
        uint8_t der[SIGNATURE_MAX];
        const unsigned char *at = der;
        size_t size = signer_sign(signer, message, der);
        _cleanup_(ECDSA_SIG_freep) ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &at, (long) size);

        assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(signature), ret, scalar_size), scalar_size);
        assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(signature), ret + scalar_size, scalar_size),
                         scalar_size);
        return 2 * (size_t) scalar_size;
}

static void odd_spellings_verify_and_are_told(void **state) {
        static const struct {
                const char *name;
                int scalar_size;
        } curves[] = { { "sm2-sm3", 32 }, { "ecdsa-sha256", 32 }, { "ecdsa-sha384", 48 } };
        uint8_t bytes[128];

        (void) state;
        for (size_t i = 0; i < 3; i++) {
                const Signer *signer = signer_of(curves[i].name);
                SignatureEncoding encoding = SIGNATURE_AS_DER;

                size_t size = raw(signer, curves[i].scalar_size, bytes);
                assert_int_equal(verify(signer, (Bytes){ bytes, size }, &encoding), 0);
                assert_int_equal(encoding, SIGNATURE_AS_RAW);
                assert_int_equal(verify(signer, (Bytes){ bytes, size - 1 }, NULL),
                                 SEAL_E_APPROVAL_INVALID);
                assert_int_equal(verify(signer, (Bytes){ bytes, size + 1 }, NULL),
                                 SEAL_E_APPROVAL_INVALID);
                bytes[size / 2] ^= 1;
                assert_int_equal(verify(signer, (Bytes){ bytes, size }, NULL),
                                 SEAL_E_APPROVAL_INVALID);
                size = padded(signer, 1, bytes);
                assert_int_equal(verify(signer, (Bytes){ bytes, size }, &encoding), 0);
                assert_int_equal(encoding, SIGNATURE_AS_NON_MINIMAL);
                size = padded(signer, 3, bytes);
                assert_int_equal(verify(signer, (Bytes){ bytes, size }, &encoding), 0);
                assert_int_equal(encoding, SIGNATURE_AS_NON_MINIMAL);
                size = padded(signer, 0, bytes);
                assert_int_equal(verify(signer, (Bytes){ bytes, size }, &encoding), 0);
                assert_int_equal(encoding, SIGNATURE_AS_DER);
        }
}

static void spellings_that_are_none_do_not_verify(void **state) {
        const Signer *signer = signer_of("sm2-sm3");
        uint8_t bytes[130], longer[132];

        (void) state;
        size_t size = padded(signer, 0, bytes);
        bytes[size] = 0;
        assert_int_equal(verify(signer, (Bytes){ bytes, size + 1 }, NULL), SEAL_E_APPROVAL_INVALID);
        assert_int_equal(verify(signer, (Bytes){ bytes, size - 1 }, NULL), SEAL_E_APPROVAL_INVALID);
        assert_int_equal(verify(signer, (Bytes){ bytes, 0 }, NULL), SEAL_E_APPROVAL_INVALID);
        /* A length of two bytes where one will do. */
        longer[0] = 0x30;
        longer[1] = 0x81;
        memcpy(longer + 2, bytes + 1, size - 1);
        assert_int_equal(verify(signer, (Bytes){ longer, size + 1 }, NULL),
                         SEAL_E_APPROVAL_INVALID);
        bytes[0] = 0x31;
        assert_int_equal(verify(signer, (Bytes){ bytes, size }, NULL), SEAL_E_APPROVAL_INVALID);
}

/* r or s of 0 are none, nor is a negative one. */
static void scalars_out_of_range_do_not_verify(void **state) {
        static const char *const values[] = { "3006020100020100", "3006020101020100",
                                              "3006020100020101", "30060201ff0201ff" };
        uint8_t bytes[UNIT_BYTES_MAX];
        uint8_t zeros[64] = {};

        (void) state;
        for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
                size_t size = unit_bytes(values[i], bytes);

                assert_int_equal(verify(signer_of("sm2-sm3"), (Bytes){ bytes, size }, NULL),
                                 SEAL_E_APPROVAL_INVALID);
                assert_int_equal(verify(signer_of("ecdsa-sha256"), (Bytes){ bytes, size }, NULL),
                                 SEAL_E_APPROVAL_INVALID);
        }
        assert_int_equal(verify(signer_of("sm2-sm3"), (Bytes){ zeros, 64 }, NULL),
                         SEAL_E_APPROVAL_INVALID);
}

/* Without the zero that keeps it positive an INTEGER is another number. */
static void a_sign_is_not_guessed(void **state) {
        const Signer *signer = signer_of("ecdsa-sha256");
        uint8_t bytes[128];
        size_t size;

        (void) state;
        do
                size = padded(signer, 0, bytes);
        while (bytes[3] != 33);
        assert_int_equal(verify(signer, (Bytes){ bytes, size }, NULL), 0);
        memmove(bytes + 4, bytes + 5, size - 5);
        bytes[1]--;
        bytes[3]--;
        assert_int_equal(verify(signer, (Bytes){ bytes, size - 1 }, NULL), SEAL_E_APPROVAL_INVALID);
}

static void every_changed_byte_of_a_value_is_refused(void **state) {
        uint8_t signature[SIGNATURE_MAX];

        (void) state;
        for (size_t i = 0; i < NAME_COUNT; i++) {
                size_t size = signer_sign(&signers[i], message, signature);

                for (size_t at = 0; at < size; at++) {
                        signature[at] ^= 0x01;
                        assert_int_equal(verify(&signers[i], (Bytes){ signature, size }, NULL),
                                         SEAL_E_APPROVAL_INVALID);
                        signature[at] ^= 0x81;
                        assert_int_equal(verify(&signers[i], (Bytes){ signature, size }, NULL),
                                         SEAL_E_APPROVAL_INVALID);
                        signature[at] ^= 0x80;
                }
        }
}

/* RFC 4055 §3.1 leaves the salt's size to the signer: `openssl cms` takes the largest, say. */
static void a_salt_of_any_size_verifies(void **state) {
        const Signer *signer = signer_of("rsapss-sha256");
        _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(signer->key, NULL);
        uint8_t signature[SIGNATURE_MAX];
        size_t size = sizeof(signature);
        TPM2B_DIGEST digest;

        (void) state;
        assert_int_equal(signature_digest(signer->algorithm, signer->key, message, &digest), 0);
        assert_int_equal(EVP_PKEY_sign_init(context), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(context, 20), 1);
        assert_int_equal(EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()), 1);
        assert_int_equal(EVP_PKEY_sign(context, signature, &size, digest.buffer, digest.size), 1);
        assert_int_equal(verify(signer, (Bytes){ signature, size }, NULL), 0);
        assert_ptr_equal(read_hex("304106092a864886f70d01010a3034"
                                  "a00f300d06096086480165030402010500"
                                  "a11c301a06092a864886f70d010108300d06096086480165030402010500"
                                  "a203020114",
                                  signer->key),
                         signer->algorithm);
        assert_ptr_equal(read_hex("303c06092a864886f70d01010a302f"
                                  "a00f300d06096086480165030402010500"
                                  "a11c301a06092a864886f70d010108300d06096086480165030402010500",
                                  signer->key),
                         signer->algorithm);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_algorithm_signs_and_verifies),
                cmocka_unit_test(openssl_verifies_every_algorithm),
                cmocka_unit_test(a_signature_is_of_its_message_key_and_algorithm_alone),
                cmocka_unit_test(a_key_has_its_own_hash_and_scheme),
                cmocka_unit_test(identifiers_are_those_of_the_standards),
                cmocka_unit_test(identifiers_are_read_back),
                cmocka_unit_test(other_spellings_of_identifiers_are_read),
                cmocka_unit_test(identifiers_that_say_something_else_are_none),
                cmocka_unit_test(a_signer_of_cms_may_name_the_kind_of_key_only),
                cmocka_unit_test(an_oid_alone_names_what_needs_no_parameters),
                cmocka_unit_test(odd_spellings_verify_and_are_told),
                cmocka_unit_test(spellings_that_are_none_do_not_verify),
                cmocka_unit_test(scalars_out_of_range_do_not_verify),
                cmocka_unit_test(a_sign_is_not_guessed),
                cmocka_unit_test(every_changed_byte_of_a_value_is_refused),
                cmocka_unit_test(a_salt_of_any_size_verifies),
        };

        return cmocka_run_group_tests(tests, signers_make, signers_done);
}
