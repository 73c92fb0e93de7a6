/* SPDX-License-Identifier: Apache-2.0 */
#include "format/verify-signer.h"

#include "policy/openssl.h"
#include "tests/unit/unit.h"

typedef struct Made {
        EVP_PKEY *key;
        uint8_t *der; /* OpenSSL's */
        int size;
} Made;

static void made_done(Made *made) {
        EVP_PKEY_free(made->key);
        OPENSSL_free(made->der);
}

#define _cleanup_made_ __attribute__((cleanup(made_done)))

/* A certificate of this common name, serial 0x7f01. */
static Made certificate_make(const char *name, int size) {
        Made made = { .key = EVP_EC_gen("P-256") };
        X509 *certificate = X509_new();
        X509_NAME *subject = X509_get_subject_name(certificate);

        assert_non_null(made.key);
        assert_int_equal(X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8,
                                                    (const unsigned char *) "Acme, Ltd", -1, -1, 0),
                         1);
        assert_int_equal(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                                    (const unsigned char *) name, size, -1, 0),
                         1);
        assert_int_equal(X509_set_issuer_name(certificate, subject), 1);
        assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 0x7f01), 1);
        assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), 0));
        assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), 60));
        assert_int_equal(X509_set_pubkey(certificate, made.key), 1);
        assert_true(X509_sign(certificate, made.key, EVP_sha256()) > 0);
        made.size = i2d_X509(certificate, &made.der);
        assert_true(made.size > 0);
        X509_free(certificate);
        return made;
}

static void signer_is_told(const char *name, int size, const char *subject, const char *number) {
        _cleanup_made_ Made made = certificate_make(name, size);
        const Bytes der = { made.der, (size_t) made.size };
        char key[65], again[VERIFY_NAME_MAX + 1];
        VerifyReport report;

        verify_report_begin(&report, VERIFY_CMS);
        verify_signer_set(&report, der);
        assert_string_equal(report.facts.subject, subject);
        assert_string_equal(report.facts.issuer, subject);
        assert_string_equal(report.facts.serial, "7f01");
        assert_string_equal(report.facts.seal_number, number);
        verify_key_set(key, made.key);
        assert_int_equal(strlen(key), 64);
        assert_string_equal(report.facts.public_key_sha256, key);
        verify_subject_set(again, sizeof(again), der);
        assert_string_equal(again, subject);
}

static void who_signed_is_told_in_one_line(void **state) {
        (void) state;
        signer_is_told("50011200000001", -1, "CN=50011200000001,O=Acme\\, Ltd", "50011200000001");
        signer_is_told("\xe5\x8d\xb0\xe7\xab\xa0", -1, "CN=\xe5\x8d\xb0\xe7\xab\xa0,O=Acme\\, Ltd",
                       "");
        signer_is_told("A\xe2\x80\xae"
                       "B",
                       -1, "CN=A???B,O=Acme\\, Ltd", "");
        /* What is longer than a number, or holds more than its characters, is none. */
        signer_is_told("012345678901234567890123456789AB", -1,
                       "CN=012345678901234567890123456789AB,O=Acme\\, Ltd",
                       "012345678901234567890123456789AB");
        signer_is_told("012345678901234567890123456789ABC", -1,
                       "CN=012345678901234567890123456789ABC,O=Acme\\, Ltd", "");
        signer_is_told("12\0", 3, "CN=12\\00,O=Acme\\, Ltd", "");
}

static void a_number_that_the_seal_itself_says_stays(void **state) {
        _cleanup_made_ Made made = certificate_make("123", -1);
        VerifyReport report;

        (void) state;
        verify_report_begin(&report, VERIFY_SIGNATURE);
        verify_text_set(report.facts.seal_number, sizeof(report.facts.seal_number),
                        (Bytes){ (const uint8_t *) "456", 3 });
        verify_signer_set(&report, (Bytes){ made.der, (size_t) made.size });
        assert_string_equal(report.facts.seal_number, "456");
}

static void what_is_no_certificate_says_nothing(void **state) {
        char text[8] = "before";
        VerifyReport report;

        (void) state;
        verify_report_begin(&report, VERIFY_CMS);
        verify_signer_set(&report, (Bytes){ (const uint8_t *) "\x30\x03\x02\x01\x01", 5 });
        verify_signer_set(&report, (Bytes){});
        assert_string_equal(report.facts.subject, "");
        assert_string_equal(report.facts.public_key_sha256, "");
        verify_subject_set(text, sizeof(text), (Bytes){});
        assert_string_equal(text, "");
        assert_int_equal(ERR_peek_error(), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(who_signed_is_told_in_one_line),
                cmocka_unit_test(a_number_that_the_seal_itself_says_stays),
                cmocka_unit_test(what_is_no_certificate_says_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
