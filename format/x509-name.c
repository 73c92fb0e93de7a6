/* SPDX-License-Identifier: Apache-2.0 */
#include "format/x509-name.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "policy/openssl.h"

static bool country_is_one(const char *country) {
        return strlen(country) == 2 && country[0] >= 'A' && country[0] <= 'Z' &&
               country[1] >= 'A' && country[1] <= 'Z';
}

/* PrintableString for the country (RFC 5280 appendix A.1), else UTF8String. */
static int entry_add(X509_NAME *name, int nid, const char *value, const char *what,
                     ErrorDetail *detail) {
        int type = nid == NID_countryName ? V_ASN1_PRINTABLESTRING : V_ASN1_UTF8STRING;

        if (!value || !*value)
                return 0;
        if (nid == NID_countryName && !country_is_one(value))
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "%s of a certificate has two capital letters", what);
        if (!text_is_line(value, CERTIFICATE_NAME_CHARS_MAX))
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "%s of a certificate is a line of at most %d characters", what,
                                 CERTIFICATE_NAME_CHARS_MAX);
        if (X509_NAME_add_entry_by_NID(name, nid, type, (const unsigned char *) value, -1, -1, 0) !=
            1)
                return openssl_short();
        return 0;
}

static int name_write(const X509_NAME *name, uint8_t **ret, size_t *ret_size) {
        unsigned char *der = NULL;

        int size = i2d_X509_NAME(name, &der);
        if (size <= 0)
                return openssl_short();
        *ret = der;
        *ret_size = (size_t) size;
        return 0;
}

int x509_name_encode(const X509Subject *subject, uint8_t **ret, size_t *ret_size,
                     ErrorDetail *detail) {
        _cleanup_(X509_NAME_freep) X509_NAME *name = X509_NAME_new();

        if (!name)
                return openssl_short();
        int r = entry_add(name, NID_countryName, subject->country, "The country", detail);
        if (r == 0)
                r = entry_add(name, NID_organizationName, subject->organization, "The organization",
                              detail);
        if (r == 0)
                r = entry_add(name, NID_organizationIdentifier, subject->organization_identifier,
                              "The organization's identifier", detail);
        if (r == 0)
                r = entry_add(name, NID_commonName, subject->common_name, "The common name",
                              detail);
        if (r == 0 && X509_NAME_entry_count(name) == 0)
                r = error_set(detail, SEAL_E_INVALID_ARGS, "The certificate's subject is empty");
        return r == 0 ? name_write(name, ret, ret_size) : r;
}

const char *x509_name_text(const X509_NAME *name, char ret[static X509_NAME_TEXT_MAX + 1]) {
        _cleanup_(BIO_freep) BIO *out = BIO_new(BIO_s_mem());
        char text[4 * X509_NAME_TEXT_MAX] = "";

        if (out && X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0)
                (void) BIO_read(out, text, sizeof(text) - 1);
        ERR_clear_error();
        text_disarm(text);
        text_copy(ret, X509_NAME_TEXT_MAX + 1, text);
        return ret;
}
