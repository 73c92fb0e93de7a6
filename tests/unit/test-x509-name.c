/* SPDX-License-Identifier: Apache-2.0 */
#include "format/x509-name.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "policy/openssl.h"
#include "tests/unit/unit.h"

static X509_NAME *name_of(const X509Subject *subject) {
        _cleanup_free_ uint8_t *der = NULL;
        size_t size = 0;

        assert_int_equal(x509_name_encode(subject, &der, &size, NULL), 0);
        const unsigned char *at = der;
        X509_NAME *name = d2i_X509_NAME(NULL, &at, (long) size);
        assert_non_null(name);
        assert_ptr_equal(at, der + size);
        return name;
}

static void name_is_written_in_order_and_type(void **state) {
        const X509Subject subject = { "DE", "Müller GmbH", "NTRDE-HRB1234", "33010000000001" };
        _cleanup_free_ uint8_t *der = NULL;
        size_t size = 0;

        (void) state;
        assert_int_equal(x509_name_encode(&subject, &der, &size, NULL), 0);
        /* PrintableString and UTF8String; 2.5.4.6, .10, .97, .3. */
        unit_assert_hex(der, size,
                        "3055"
                        "310b30090603550406"
                        "13024445"
                        "31153013060355040a"
                        "0c0c4dc3bc6c6c657220476d6248"
                        "311630140603550461"
                        "0c0d4e545244452d48524231323334"
                        "311730150603550403"
                        "0c0e3333303130303030303030303031");
}

static void what_is_not_given_is_left_out(void **state) {
        const X509Subject subject = { .country = "", .common_name = "Alice" };
        char text[X509_NAME_TEXT_MAX + 1];

        (void) state;
        _cleanup_(X509_NAME_freep) X509_NAME *name = name_of(&subject);
        assert_int_equal(X509_NAME_entry_count(name), 1);
        assert_string_equal(x509_name_text(name, text), "CN=Alice");
}

/* RFC 5280 A.1: 64 characters, in however many bytes. */
static void names_have_an_end(void **state) {
        char holder[3 * CERTIFICATE_NAME_CHARS_MAX + 2] = "";
        ErrorDetail detail = {};
        uint8_t *der = NULL;
        size_t size;

        (void) state;
        for (size_t i = 0; i < CERTIFICATE_NAME_CHARS_MAX; i++)
                strcat(holder, "章");
        const X509Subject subject = { .organization = holder };
        _cleanup_(X509_NAME_freep) X509_NAME *name = name_of(&subject);
        const ASN1_STRING *value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, 0));
        assert_int_equal(ASN1_STRING_length(value), 3 * CERTIFICATE_NAME_CHARS_MAX);
        holder[3 * CERTIFICATE_NAME_CHARS_MAX] = 'x';
        assert_int_equal(x509_name_encode(&subject, &der, &size, &detail), SEAL_E_INVALID_ARGS);
        assert_string_equal(detail.text, "The organization of a certificate is a line of at most "
                                         "64 characters");
        assert_null(der);
}

static void what_no_certificate_has_is_refused(void **state) {
        static const X509Subject subjects[] = {
                {},
                { .country = "de", .common_name = "x" },
                { .country = "DEU", .common_name = "x" },
                { .country = "D", .common_name = "x" },
                { .country = "DE", .common_name = "a\nb" },
                { .organization = "\xff" },
                { .organization_identifier = " ", .common_name = "x" },
                { .common_name = "\u202e" },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
                ErrorDetail detail = {};
                uint8_t *der = NULL;
                size_t size;

                assert_int_equal(x509_name_encode(&subjects[i], &der, &size, &detail),
                                 SEAL_E_INVALID_ARGS);
                assert_string_not_equal(detail.text, "");
                assert_null(der);
        }
}

/* Others' names are shown to people, whatever is in them. */
static void text_of_a_name_does_not_mislead(void **state) {
        _cleanup_(X509_NAME_freep) X509_NAME *name = X509_NAME_new();
        char text[X509_NAME_TEXT_MAX + 1];

        (void) state;
        assert_int_equal(X509_NAME_add_entry_by_NID(name, NID_commonName, V_ASN1_UTF8STRING,
                                                    (const unsigned char *) "a\u202eb\nc", -1, -1,
                                                    0),
                         1);
        assert_string_equal(x509_name_text(name, text), "CN=a???b\\0Ac");
        for (int i = 0; i < 10; i++)
                assert_int_equal(X509_NAME_add_entry_by_NID(
                                         name, NID_organizationName, V_ASN1_UTF8STRING,
                                         (const unsigned char *) "合同专用章合同专用章", -1, -1, 0),
                                 1);
        assert_in_range(strlen(x509_name_text(name, text)), X509_NAME_TEXT_MAX - 3,
                        X509_NAME_TEXT_MAX);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(name_is_written_in_order_and_type),
                cmocka_unit_test(what_is_not_given_is_left_out),
                cmocka_unit_test(names_have_an_end),
                cmocka_unit_test(what_no_certificate_has_is_refused),
                cmocka_unit_test(text_of_a_name_does_not_mislead),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
