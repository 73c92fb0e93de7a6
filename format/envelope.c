/* SPDX-License-Identifier: Apache-2.0 */
#include "format/envelope.h"

#include <errno.h>
#include <limits.h>

#include <openssl/cms.h>
#include <openssl/pem.h>

#include "base/cleanup.h"
#include "policy/openssl.h"

static void x509p(X509 **certificate) {
        X509_free(*certificate);
}

static void biop(BIO **bio) {
        BIO_free_all(*bio);
}

static void cmsp(CMS_ContentInfo **cms) {
        CMS_ContentInfo_free(*cms);
}

static void stackp(STACK_OF(X509) * *stack) {
        sk_X509_free(*stack);
}

static int certificate_parse(const char *pem, size_t size, X509 **ret, ErrorDetail *detail) {
        _cleanup_(biop) BIO *bio = NULL;

        if (size > PEM_MAX)
                return error_set(detail, SEAL_E_LIMITS_EXCEEDED, "escrow is larger than %d bytes",
                                 PEM_MAX);
        bio = BIO_new_mem_buf(pem, (int) size);
        if (!bio)
                return -ENOMEM;
        *ret = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        if (*ret)
                return 0;
        (void) error_set(detail, SEAL_E_INVALID_ARGS, "escrow is not a PEM certificate");
        return openssl_refused(SEAL_E_INVALID_ARGS);
}

int envelope_check(const char *pem, size_t size, ErrorDetail *detail) {
        static const uint8_t probe[1] = { 0 };
        _cleanup_free_ uint8_t *der = NULL;
        size_t der_size;

        return envelope_encrypt(pem, size, (Bytes){ probe, sizeof(probe) }, &der, &der_size,
                                detail);
}

static int encrypt(X509 *certificate, Bytes content, CMS_ContentInfo **ret, ErrorDetail *detail) {
        _cleanup_(biop) BIO *in = BIO_new_mem_buf(content.data, (int) content.size);
        _cleanup_(stackp) STACK_OF(X509) *recipients = sk_X509_new_null();

        if (content.size > INT_MAX || !in || !recipients || !sk_X509_push(recipients, certificate))
                return -ENOMEM;
        *ret = CMS_encrypt(recipients, in, EVP_aes_256_cbc(), CMS_BINARY);
        if (*ret)
                return 0;
        (void) error_set(detail, SEAL_E_INVALID_ARGS,
                         "escrow: one cannot encrypt to this certificate's key");
        return openssl_refused(SEAL_E_INVALID_ARGS);
}

int envelope_encrypt(const char *pem, size_t size, Bytes content, uint8_t **ret, size_t *ret_size,
                     ErrorDetail *detail) {
        _cleanup_(x509p) X509 *certificate = NULL;
        _cleanup_(cmsp) CMS_ContentInfo *cms = NULL;
        uint8_t *der = NULL;

        int r = certificate_parse(pem, size, &certificate, detail);
        if (r == 0)
                r = encrypt(certificate, content, &cms, detail);
        if (r != 0)
                return r;
        int n = i2d_CMS_ContentInfo(cms, &der);
        if (n < 0)
                return -ENOMEM;
        *ret = der; /* OpenSSL's allocator is malloc: this program never replaces it */
        *ret_size = (size_t) n;
        return 0;
}
