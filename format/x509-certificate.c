/* SPDX-License-Identifier: Apache-2.0 */
#include "format/x509-certificate.h"

#include <errno.h>
#include <string.h>

#include <openssl/rand.h>

#include "base/clock.h"
#include "base/utc.h"
#include "format/x509-asn1.h"
#include "format/x509-extension.h"
#include "format/x509-read.h"
#include "policy/openssl.h"

#define VERSION_3 2

int x509_serial_make(uint8_t ret[static X509_SERIAL_SIZE]) {
        uint8_t serial[X509_SERIAL_SIZE];

        if (RAND_bytes(serial, sizeof(serial)) != 1)
                return openssl_error();
        serial[0] = (serial[0] & 0x7f) | 0x40;
        memcpy(ret, serial, sizeof(serial));
        return 0;
}

static int serial_set(ASN1_INTEGER *integer, const uint8_t serial[static X509_SERIAL_SIZE],
                      ErrorDetail *detail) {
        _cleanup_(BN_freep) BIGNUM *n = BN_bin2bn(serial, X509_SERIAL_SIZE, NULL);

        if (!n || !BN_to_ASN1_INTEGER(n, integer))
                return openssl_short();
        return BN_is_zero(n) ? error_set(detail, SEAL_E_INVALID_ARGS, "A serial number is not zero")
                             : 0;
}

static int name_set(X509_NAME **name, Bytes der, ErrorDetail *detail) {
        const unsigned char *at = der.data;

        X509_NAME_free(*name);
        *name = d2i_X509_NAME(NULL, &at, (long) der.size);
        if (*name && at == der.data + der.size)
                return 0;
        (void) error_set(detail, SEAL_E_INVALID_ARGS, "The certificate's subject is not a name");
        return openssl_refused(SEAL_E_INVALID_ARGS);
}

static int name_copy(X509_NAME **name, const X509_NAME *from) {
        X509_NAME_free(*name);
        *name = X509_NAME_dup(from);
        return *name ? 0 : openssl_short();
}

static int validity_set(X509_VAL *validity, uint64_t not_before, uint64_t not_after,
                        ErrorDetail *detail) {
        if (not_before > not_after || not_after > UTC_MAX)
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "The certificate ends before it begins");
        ASN1_TIME_free(validity->notBefore);
        ASN1_TIME_free(validity->notAfter);
        validity->notBefore = x509_time_new(not_before);
        validity->notAfter = x509_time_new(not_after);
        return validity->notBefore && validity->notAfter ? 0 : openssl_short();
}

static int extensions_set(X509Tbs *tbs, const X509CertificateFacts *facts, const X509 *issuer,
                          ErrorDetail *detail) {
        int r = extension_put_use(&tbs->extensions, facts->use);
        if (r == 0)
                r = extension_put_subject_key(&tbs->extensions, tbs->key);
        if (r == 0)
                r = extension_put_authority_key(&tbs->extensions, issuer, tbs->key);
        if (r == 0 && facts->crl_url_count > 0)
                r = extension_put_crl_urls(&tbs->extensions, facts->crl_urls, facts->crl_url_count,
                                           detail);
        if (r == 0 && facts->eseal)
                r = extension_put_eseal(&tbs->extensions);
        return r;
}

static int tbs_fill(X509Tbs *tbs, const X509CertificateFacts *facts, const X509 *issuer,
                    ErrorDetail *detail) {
        if (ASN1_INTEGER_set(tbs->version, VERSION_3) != 1 ||
            X509_PUBKEY_set(&tbs->key, facts->key) != 1)
                return openssl_short();
        int r = serial_set(tbs->serial, facts->serial, detail);
        if (r == 0)
                r = signature_algorithm_encode(facts->algorithm, tbs->algorithm);
        if (r == 0)
                r = name_set(&tbs->subject, facts->subject, detail);
        if (r == 0)
                r = name_copy(&tbs->issuer, issuer ? X509_get_subject_name(issuer) : tbs->subject);
        if (r == 0)
                r = validity_set(tbs->validity, facts->not_before, facts->not_after, detail);
        return r == 0 ? extensions_set(tbs, facts, issuer, detail) : r;
}

int x509_certificate_prepare(const X509CertificateFacts *facts, uint8_t **ret, size_t *ret_size,
                             ErrorDetail *detail) {
        _cleanup_(X509Tbs_freep) X509Tbs *tbs = (X509Tbs *) ASN1_item_new(X509Tbs_it());
        _cleanup_(X509_freep) X509 *issuer = NULL;
        int r = 0;

        if (!tbs)
                return openssl_short();
        if (facts->issuer.size > 0)
                r = x509_read(facts->issuer, &issuer, detail);
        if (r == 0)
                r = tbs_fill(tbs, facts, issuer, detail);
        return r == 0 ? x509_encode(tbs, X509Tbs_it(), ret, ret_size) : r;
}
