/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/certificate.h"

#include <openssl/err.h>
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
