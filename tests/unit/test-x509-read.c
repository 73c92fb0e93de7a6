/* SPDX-License-Identifier: Apache-2.0 */
#include "format/x509-read.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/pem.h>

#include "policy/openssl.h"
#include "tests/fixture/signer.h"
#include "tests/unit/unit.h"

static Signer maker;

static int maker_make(void **state) {
        (void) state;
        signer_make(&maker, "ecdsa-sha256", "Maker");
        signer_certify(&maker, NULL, X509_USE_MAKER);
        return 0;
}

static int maker_done(void **state) {
        (void) state;
        signer_done(&maker);
        return 0;
}

static void der_list_done(DerList *list) {
        der_list_clear(list);
}

#define _cleanup_list_ _cleanup_(der_list_done)

/* --- one certificate -------------------------------------------------------------------------- */

static void a_certificate_of_a_version_that_is_not_known_is_refused(void **state) {
        const unsigned char *at = maker.certificate;
        _cleanup_(X509_freep)
                X509 *certificate = d2i_X509(NULL, &at, (long) maker.certificate_size);

        (void) state;
        for (int version = 2; version < 4; version++) {
                _cleanup_(X509_freep) X509 *read = NULL;
                _cleanup_free_ uint8_t *der = NULL;
                ErrorDetail detail = {};
                size_t size;

                assert_int_equal(X509_set_version(certificate, version), 1);
                assert_true(X509_sign(certificate, maker.key, EVP_sha256()) > 0);
                assert_int_equal(x509_write(certificate, &der, &size), 0);
                assert_int_equal(x509_read((Bytes){ der, size }, &read, &detail),
                                 version == 2 ? 0 : SEAL_E_INVALID_ARGS);
                assert_string_equal(detail.text, version == 2 ? ""
                                                              : "A certificate of a version that "
                                                                "is not known");
        }
}

/* --- files ------------------------------------------------------------------------------------ */

static void pem_write(BIO *out, const char *label, Bytes der) {
        assert_true(PEM_write_bio(out, label, "", der.data, (long) der.size) > 0);
}

static Bytes memory_of(BIO *out) {
        char *data;
        long size = BIO_get_mem_data(out, &data);

        return (Bytes){ (uint8_t *) data, (size_t) size };
}

static void a_file_of_der_is_one(void **state) {
        _cleanup_list_ DerList list = {};

        (void) state;
        assert_int_equal(x509_certificates_split(signer_certificate(&maker), &list, NULL), 0);
        assert_int_equal(list.count, 1);
        assert_int_equal(list.items[0].size, maker.certificate_size);
        assert_memory_equal(list.items[0].data, maker.certificate, maker.certificate_size);
}

static void a_file_of_pem_is_as_many_as_there_are(void **state) {
        _cleanup_(BIO_freep) BIO *out = BIO_new(BIO_s_mem());
        _cleanup_list_ DerList certificates = {}, crls = {};

        (void) state;
        assert_true(BIO_printf(out, "Roots of somewhere\n") > 0);
        pem_write(out, "CERTIFICATE", signer_certificate(&maker));
        pem_write(out, "X509 CRL", (Bytes){ (const uint8_t *) "list", 4 });
        assert_true(BIO_printf(out, "and one more:\n") > 0);
        pem_write(out, "CERTIFICATE", signer_certificate(&maker));
        assert_int_equal(x509_certificates_split(memory_of(out), &certificates, NULL), 0);
        assert_int_equal(certificates.count, 2);
        assert_int_equal(x509_crls_split(memory_of(out), &crls, NULL), 0);
        assert_int_equal(crls.count, 1);
        assert_memory_equal(crls.items[0].data, "list", 4);
        /* More files, one list. */
        assert_int_equal(x509_certificates_split(signer_certificate(&maker), &certificates, NULL),
                         0);
        assert_int_equal(certificates.count, 3);
}

static void a_file_of_neither_is_refused(void **state) {
        static const char *const files[] = { "", "0", "text", "-----BEGIN CERTIFICATE-----\nMII",
                                             ("-----BEGIN PUBLIC KEY-----\nAAAA\n"
                                              "-----END PUBLIC KEY-----\n") };
        _cleanup_list_ DerList list = {};

        (void) state;
        for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
                ErrorDetail detail = {};

                assert_int_equal(x509_certificates_split(
                                         (Bytes){ (const uint8_t *) files[i], strlen(files[i]) },
                                         &list, &detail),
                                 SEAL_E_INVALID_ARGS);
                assert_string_equal(detail.text,
                                    "There is no certificate, neither in PEM nor in DER, in it");
        }
        assert_int_equal(list.count, 0);
}

/* What stands behind it, as a newer revocation list, would be left out in silence. */
static void a_damaged_block_is_not_taken_for_the_end(void **state) {
        char text[] = "-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n"
                      "-----BEGIN X509 CRL-----\nM*A=\n-----END X509 CRL-----\n";
        const Bytes file = { (const uint8_t *) text, sizeof(text) - 1 };
        DerList list = {};

        (void) state;
        assert_int_equal(x509_crls_split(file, &list, NULL), SEAL_E_INVALID_ARGS);
        der_list_clear(&list);
}

static void files_and_lists_have_an_end(void **state) {
        _cleanup_(BIO_freep) BIO *out = BIO_new(BIO_s_mem());
        _cleanup_list_ DerList list = {};
        const Bytes large = { (const uint8_t *) "", TRUST_FILE_MAX + 1 };

        (void) state;
        assert_int_equal(x509_certificates_split(large, &list, NULL), SEAL_E_LIMITS_EXCEEDED);
        for (size_t i = 0; i <= TRUST_ITEMS_MAX; i++)
                pem_write(out, "CERTIFICATE", (Bytes){ (const uint8_t *) "x", 1 });
        assert_int_equal(x509_certificates_split(memory_of(out), &list, NULL),
                         SEAL_E_LIMITS_EXCEEDED);
        assert_int_equal(list.count, TRUST_ITEMS_MAX);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_certificate_of_a_version_that_is_not_known_is_refused),
                cmocka_unit_test(a_file_of_der_is_one),
                cmocka_unit_test(a_file_of_pem_is_as_many_as_there_are),
                cmocka_unit_test(a_file_of_neither_is_refused),
                cmocka_unit_test(a_damaged_block_is_not_taken_for_the_end),
                cmocka_unit_test(files_and_lists_have_an_end),
        };

        return cmocka_run_group_tests(tests, maker_make, maker_done);
}
