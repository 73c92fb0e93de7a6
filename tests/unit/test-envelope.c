/* SPDX-License-Identifier: Apache-2.0 */
#include "format/envelope.h"

#include <stdlib.h>

#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/cleanup.h"
#include "tests/unit/unit.h"

static const char content[] = "lockout-auth 00112233\nowner-auth 44556677\n";

/* Who is to hold the escrow. */
typedef struct Holder {
        EVP_PKEY *key;
        X509 *certificate;
        char *pem;
        size_t size;
} Holder;

static void holder_make(Holder *ret, EVP_PKEY *key) {
        X509 *x = X509_new();
        BIO *bio = BIO_new(BIO_s_mem());
        char *data;

        assert_non_null(key);
        assert_non_null(x);
        assert_non_null(bio);
        assert_int_equal(X509_set_version(x, X509_VERSION_3), 1);
        assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), 1), 1);
        assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x), 0));
        assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x), 3600));
        assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                                                    (const unsigned char *) "escrow", -1, -1, 0),
                         1);
        assert_int_equal(X509_set_issuer_name(x, X509_get_subject_name(x)), 1);
        assert_int_equal(X509_set_pubkey(x, key), 1);
        const EVP_MD *md = EVP_PKEY_get_id(key) == EVP_PKEY_ED25519 ? NULL : EVP_sha256();
        assert_true(X509_sign(x, key, md) > 0);
        assert_int_equal(PEM_write_bio_X509(bio, x), 1);
        long size = BIO_get_mem_data(bio, &data);
        assert_true(size > 0);
        *ret = (Holder){ key, x, strndup(data, (size_t) size), (size_t) size };
        assert_non_null(ret->pem);
        BIO_free_all(bio);
}

static void holder_done(Holder *holder) {
        EVP_PKEY_free(holder->key);
        X509_free(holder->certificate);
        free(holder->pem);
}

/* DER to the plain text, by the holder's key and in the way `openssl cms -decrypt` takes. */
static void assert_opens(const Holder *holder, const uint8_t *der, size_t size) {
        const unsigned char *at = der;
        CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long) size);
        BIO *out = BIO_new(BIO_s_mem());
        char *plain;

        assert_non_null(cms);
        assert_ptr_equal(at, der + size);
        assert_int_equal(OBJ_obj2nid(CMS_get0_type(cms)), NID_pkcs7_enveloped);
        assert_int_equal(CMS_decrypt(cms, holder->key, holder->certificate, NULL, out, CMS_BINARY),
                         1);
        assert_int_equal(BIO_get_mem_data(out, &plain), sizeof(content) - 1);
        assert_memory_equal(plain, content, sizeof(content) - 1);
        BIO_free_all(out);
        CMS_ContentInfo_free(cms);
}

static void assert_round(EVP_PKEY *key) {
        _cleanup_(holder_done) Holder holder = {};
        _cleanup_free_ uint8_t *der = NULL;
        ErrorDetail detail = {};
        size_t size = 0;

        holder_make(&holder, key);
        assert_int_equal(envelope_check(holder.pem, holder.size, &detail), 0);
        if (envelope_encrypt(holder.pem, holder.size,
                             (Bytes){ (const uint8_t *) content, sizeof(content) - 1 }, &der, &size,
                             &detail) != 0)
                fail_msg("%s", detail.text);
        assert_null(memmem(der, size, "lockout", 7));
        assert_opens(&holder, der, size);
}

static void the_holder_of_an_rsa_key_opens_it(void **state) {
        (void) state;
        assert_round(EVP_RSA_gen(2048));
}

static void the_holder_of_an_elliptic_key_opens_it(void **state) {
        (void) state;
        assert_round(EVP_EC_gen("P-256"));
}

static void assert_refused(const char *pem, size_t size, int code) {
        uint8_t *const untouched = (uint8_t *) &(int){ 0 }, *der = untouched;
        ErrorDetail detail = {};
        size_t der_size = 7;

        assert_int_equal(envelope_check(pem, size, &detail), code);
        assert_non_null(strstr(detail.text, "escrow"));
        assert_int_equal(envelope_encrypt(pem, size, (Bytes){ (const uint8_t *) "x", 1 }, &der,
                                          &der_size, NULL),
                         code);
        assert_ptr_equal(der, untouched);
        assert_int_equal(der_size, 7);
        assert_int_equal(ERR_peek_error(), 0); /* nothing is left for the next to stumble over */
}

static void a_key_that_cannot_receive_is_refused(void **state) {
        _cleanup_(holder_done) Holder holder = {};

        (void) state;
        holder_make(&holder, EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
        assert_refused(holder.pem, holder.size, SEAL_E_INVALID_ARGS);
}

static void what_is_no_certificate_is_refused(void **state) {
        static const char truncated[] = "-----BEGIN CERTIFICATE-----\nMIIB\n";
        char *large = calloc(1, PEM_MAX + 1);

        (void) state;
        assert_non_null(large);
        assert_refused("", 0, SEAL_E_INVALID_ARGS);
        assert_refused("nonsense", 8, SEAL_E_INVALID_ARGS);
        assert_refused(truncated, sizeof(truncated) - 1, SEAL_E_INVALID_ARGS);
        memset(large, 'x', PEM_MAX + 1);
        assert_refused(large, PEM_MAX, SEAL_E_INVALID_ARGS);
        assert_refused(large, PEM_MAX + 1, SEAL_E_LIMITS_EXCEEDED);
        free(large);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_holder_of_an_rsa_key_opens_it),
                cmocka_unit_test(the_holder_of_an_elliptic_key_opens_it),
                cmocka_unit_test(a_key_that_cannot_receive_is_refused),
                cmocka_unit_test(what_is_no_certificate_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
