/* SPDX-License-Identifier: Apache-2.0 */
#include "format/verify-signer.h"

#include <limits.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/sha.h>

#include "policy/openssl.h"

static X509 *certificate_read(Bytes der) {
        const unsigned char *p = der.data;

        return der.size <= LONG_MAX ? d2i_X509(NULL, &p, (long) der.size) : NULL;
}

void verify_name_set(char *ret, size_t size, const X509_NAME *name) {
        _cleanup_(BIO_freep) BIO *out = BIO_new(BIO_s_mem());
        const unsigned long flags = XN_FLAG_RFC2253 & ~(unsigned long) ASN1_STRFLGS_ESC_MSB;
        char *text = NULL;
        long used = 0;

        if (out && X509_NAME_print_ex(out, name, 0, flags) >= 0)
                used = BIO_get_mem_data(out, &text);
        verify_text_set(ret, size, (Bytes){ (const uint8_t *) text, used > 0 ? (size_t) used : 0 });
        ERR_clear_error();
}

void verify_subject_set(char *ret, size_t size, Bytes certificate) {
        _cleanup_(X509_freep) X509 *read = certificate_read(certificate);

        ret[0] = '\0';
        if (read)
                verify_name_set(ret, size, X509_get_subject_name(read));
        ERR_clear_error();
}

void verify_key_set(char ret[static 2 * 32 + 1], EVP_PKEY *key) {
        uint8_t digest[SHA256_DIGEST_LENGTH];
        unsigned char *der = NULL;
        int size = key ? i2d_PUBKEY(key, &der) : -1;

        ret[0] = '\0';
        if (size > 0 && EVP_Digest(der, (size_t) size, digest, NULL, EVP_sha256(), NULL) == 1)
                (void) hex_encode(digest, sizeof(digest), ret);
        OPENSSL_free(der);
        ERR_clear_error();
}

static void serial_set(VerifyFacts *facts, X509 *certificate) {
        const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);
        const int size = ASN1_STRING_length(serial);

        if (size > 0 && 2 * (size_t) size < sizeof(facts->serial))
                (void) hex_encode(ASN1_STRING_get0_data(serial), (size_t) size, facts->serial);
}

static bool is_number(const char *text, size_t size) {
        return size > 0 && size <= NUMBER_MAX &&
               strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == size;
}

/* The certificates that sealsd issues have the number of an institution's seal there. */
static void number_set(VerifyFacts *facts, const X509_NAME *subject) {
        char text[NUMBER_MAX + 2] = "";
        const int at = X509_NAME_get_index_by_NID((X509_NAME *) subject, NID_commonName, -1);

        if (at < 0 || facts->seal_number[0] != '\0')
                return;
        const ASN1_STRING *name = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
        const size_t size = (size_t) ASN1_STRING_length(name);
        if (size > NUMBER_MAX)
                return;
        memcpy(text, ASN1_STRING_get0_data(name), size);
        if (is_number(text, size))
                verify_text_set(facts->seal_number, sizeof(facts->seal_number),
                                (Bytes){ (const uint8_t *) text, size });
}

void verify_signer_set(VerifyReport *report, Bytes certificate) {
        _cleanup_(X509_freep) X509 *read = certificate_read(certificate);
        VerifyFacts *facts = &report->facts;

        if (read) {
                verify_name_set(facts->subject, sizeof(facts->subject),
                                X509_get_subject_name(read));
                verify_name_set(facts->issuer, sizeof(facts->issuer), X509_get_issuer_name(read));
                verify_key_set(facts->public_key_sha256, X509_get0_pubkey(read));
                serial_set(facts, read);
                number_set(facts, X509_get_subject_name(read));
        }
        ERR_clear_error();
}
