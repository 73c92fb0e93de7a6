/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/certificate.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "policy/openssl.h"

size_t certificate_size(Bytes bytes) {
        const unsigned char *at = bytes.data;
        size_t most = bytes.size < CERTIFICATE_MAX ? bytes.size : CERTIFICATE_MAX;
        size_t used = 0;

        _cleanup_(X509_freep) X509 *certificate = d2i_X509(NULL, &at, (long) most);
        if (certificate)
                used = (size_t) (at - bytes.data);
        ERR_clear_error();
        return used;
}

int certificate_to_pem(Bytes der, char **ret) {
        _cleanup_(BIO_freep) BIO *bio = BIO_new(BIO_s_mem());
        char *text;

        if (!bio || der.size > CERTIFICATE_MAX ||
            PEM_write_bio(bio, PEM_STRING_X509, "", der.data, (long) der.size) <= 0)
                return openssl_error();
        long size = BIO_get_mem_data(bio, &text);
        *ret = size > 0 ? strndup(text, (size_t) size) : NULL;
        return *ret ? 0 : -ENOMEM;
}
