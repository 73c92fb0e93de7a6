/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "policy/key.h"
#include "policy/openssl.h"
#include "policy/signature.h"

typedef struct Signer {
        EVP_PKEY *pkey;
        TPM2B_PUBLIC public;
        size_t size;
        uint8_t signature[SIGNATURE_MAX];
} Signer;

static const Bytes message = { (const uint8_t *) "message", 7 };

static void signer_make(Signer *signer, EVP_PKEY *key) {
        assert_non_null(key);
        *signer = (Signer){ .pkey = key };
        assert_int_equal(external_key_from_pkey(key, &signer->public, NULL), 0);
}

/* padding: 0 for curves; salt: of PSS. */
static void signer_sign(Signer *signer, const EVP_MD *hash, int padding, int salt) {
        _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *md = EVP_MD_CTX_new();
        EVP_PKEY_CTX *context;

        signer->size = sizeof(signer->signature);
        assert_int_equal(EVP_DigestSignInit(md, &context, hash, NULL, signer->pkey), 1);
        if (padding != 0)
                assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, padding), 1);
        if (padding == RSA_PKCS1_PSS_PADDING)
                assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salt), 1);
        assert_int_equal(
                EVP_DigestSign(md, signer->signature, &signer->size, message.data, message.size),
                1);
}

static Bytes signature_of(const Signer *signer) {
        return (Bytes){ signer->signature, signer->size };
}

static void assert_accepted(const Signer *signer, TPMI_ALG_SIG_SCHEME scheme) {
        TPMT_SIGNATURE signature = {};

        assert_int_equal(
                signature_accept(&signer->public, message, signature_of(signer), &signature), 0);
        assert_int_equal(signature.sigAlg, scheme);
        assert_int_equal(signature.signature.any.hashAlg, TPM2_ALG_SHA256);
}

static void assert_refused(const Signer *signer) {
        TPMT_SIGNATURE signature = { .sigAlg = 77 };

        assert_int_equal(
                signature_accept(&signer->public, message, signature_of(signer), &signature),
                SEAL_E_APPROVAL_INVALID);
        assert_int_equal(signature.sigAlg, 77);
        assert_int_equal(ERR_peek_error(), 0);
}

/* Each byte altered, and each size less. */
static void assert_altered_refused(Signer *signer) {
        const size_t size = signer->size;

        for (size_t i = 0; i < size; i++) {
                signer->signature[i] ^= 1;
                assert_refused(signer);
                signer->signature[i] ^= 1;
        }
        for (signer->size = 0; signer->size < size; signer->size += 7)
                assert_refused(signer);
        signer->size = size;
}

static void test_ecdsa_in_der(void **state) {
        static const char *const curves[] = { "P-256", "P-384" };

        (void) state;
        for (size_t i = 0; i < 2; i++) {
                Signer signer;

                signer_make(&signer, EVP_EC_gen(curves[i]));
                signer_sign(&signer, EVP_sha256(), 0, 0);
                assert_accepted(&signer, TPM2_ALG_ECDSA);
                assert_altered_refused(&signer);
                EVP_PKEY_free(signer.pkey);
        }
}

/* r and s of the DER signature side by side, as PKCS #11 has them. */
static void make_plain(Signer *signer) {
        const UINT16 size = signer->public.publicArea.unique.ecc.x.size;
        TPMT_SIGNATURE signature;

        assert_int_equal(signature_from_openssl(&signer->public, signature_of(signer), &signature),
                         0);
        memcpy(signer->signature, signature.signature.ecdsa.signatureR.buffer, size);
        memcpy(signer->signature + size, signature.signature.ecdsa.signatureS.buffer, size);
        signer->size = 2U * size;
}

static void test_ecdsa_as_smartcards_give_it(void **state) {
        static const char *const curves[] = { "P-256", "P-384" };

        (void) state;
        for (size_t i = 0; i < 2; i++) {
                Signer signer;

                signer_make(&signer, EVP_EC_gen(curves[i]));
                signer_sign(&signer, EVP_sha256(), 0, 0);
                make_plain(&signer);
                assert_accepted(&signer, TPM2_ALG_ECDSA);
                assert_altered_refused(&signer);
                memset(signer.signature, 0, signer.size);
                assert_refused(&signer);
                EVP_PKEY_free(signer.pkey);
        }
}

static void test_rsa_of_both_paddings(void **state) {
        static const int salts[] = { RSA_PSS_SALTLEN_DIGEST, RSA_PSS_SALTLEN_MAX, 0 };
        Signer signer;

        (void) state;
        signer_make(&signer, EVP_RSA_gen(2048));
        signer_sign(&signer, EVP_sha256(), RSA_PKCS1_PADDING, 0);
        assert_accepted(&signer, TPM2_ALG_RSASSA);
        assert_altered_refused(&signer);
        for (size_t i = 0; i < 3; i++) {
                signer_sign(&signer, EVP_sha256(), RSA_PKCS1_PSS_PADDING, salts[i]);
                assert_accepted(&signer, TPM2_ALG_RSAPSS);
        }
        assert_altered_refused(&signer);
        EVP_PKEY_free(signer.pkey);
}

static void test_another_hash_message_or_key_is_refused(void **state) {
        Signer curve, rsa, other;

        (void) state;
        signer_make(&curve, EVP_EC_gen("P-256"));
        signer_make(&other, EVP_EC_gen("P-256"));
        signer_make(&rsa, EVP_RSA_gen(2048));
        signer_sign(&curve, EVP_sha384(), 0, 0);
        assert_refused(&curve);
        signer_sign(&rsa, EVP_sha512(), RSA_PKCS1_PADDING, 0);
        assert_refused(&rsa);
        signer_sign(&rsa, EVP_sha512(), RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_DIGEST);
        assert_refused(&rsa);
        signer_sign(&curve, EVP_sha256(), 0, 0);
        curve.public = other.public;
        assert_refused(&curve);
        curve.public = rsa.public;
        assert_refused(&curve);
        EVP_PKEY_free(curve.pkey);
        EVP_PKEY_free(rsa.pkey);
        EVP_PKEY_free(other.pkey);
}

static void test_other_kinds_of_keys_are_unsupported(void **state) {
        TPM2B_PUBLIC hash = { .publicArea = { .type = TPM2_ALG_KEYEDHASH } }, sm2;
        TPMT_SIGNATURE signature;
        Signer signer;

        (void) state;
        signer_make(&signer, EVP_EC_gen("P-256"));
        signer_sign(&signer, EVP_sha256(), 0, 0);
        sm2 = signer.public;
        sm2.publicArea.parameters.eccDetail.curveID = TPM2_ECC_SM2_P256;
        assert_int_equal(signature_accept(&hash, message, signature_of(&signer), &signature),
                         SEAL_E_UNSUPPORTED);
        assert_int_equal(signature_accept(&sm2, message, signature_of(&signer), &signature),
                         SEAL_E_UNSUPPORTED);
        EVP_PKEY_free(signer.pkey);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ecdsa_in_der),
                cmocka_unit_test(test_ecdsa_as_smartcards_give_it),
                cmocka_unit_test(test_rsa_of_both_paddings),
                cmocka_unit_test(test_another_hash_message_or_key_is_refused),
                cmocka_unit_test(test_other_kinds_of_keys_are_unsupported),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
