/* SPDX-License-Identifier: Apache-2.0 */
#include "format/x509-request.h"

#include <errno.h>

#include "format/x509-extension.h"
#include "policy/openssl.h"

DEFINE_CLEANUP(X509_REQ, X509_REQ_free)

static void extensions_free(X509_EXTENSIONS **extensions) {
        sk_X509_EXTENSION_pop_free(*extensions, X509_EXTENSION_free);
}

static int subject_set(X509_REQ *request, Bytes der, ErrorDetail *detail) {
        const unsigned char *at = der.data;
        _cleanup_(X509_NAME_freep) X509_NAME *name = d2i_X509_NAME(NULL, &at, (long) der.size);

        if (!name || at != der.data + der.size) {
                (void) error_set(detail, SEAL_E_INVALID_ARGS, "The subject is not a name");
                return openssl_refused(SEAL_E_INVALID_ARGS);
        }
        return X509_REQ_set_subject_name(request, name) == 1 ? 0 : openssl_short();
}

static int wishes_set(X509_REQ *request, X509Use use) {
        _cleanup_(extensions_free) X509_EXTENSIONS *extensions = NULL;

        int r = extension_put_use(&extensions, use);
        if (r != 0)
                return r;
        return X509_REQ_add_extensions(request, extensions) == 1 ? 0 : openssl_short();
}

int x509_request_prepare(const X509RequestFacts *facts, uint8_t **ret, size_t *ret_size,
                         ErrorDetail *detail) {
        _cleanup_(X509_REQ_freep) X509_REQ *request = X509_REQ_new();
        unsigned char *der = NULL;

        if (!request || X509_REQ_set_version(request, X509_REQ_VERSION_1) != 1 ||
            X509_REQ_set_pubkey(request, facts->key) != 1)
                return openssl_short();
        int r = subject_set(request, facts->subject, detail);
        if (r == 0)
                r = wishes_set(request, facts->use);
        if (r != 0)
                return r;
        int size = i2d_re_X509_REQ_tbs(request, &der);
        if (size <= 0)
                return openssl_short();
        *ret = der; /* OpenSSL's allocator is malloc: this program never replaces it */
        *ret_size = (size_t) size;
        return 0;
}
