/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests for certificates (PKCS #10, RFC 2986), signed by the key that they ask for. The first of
 * two steps; x509_finish() is the second.
 */
#pragma once

#include "format/x509-certificate.h"

typedef struct X509RequestFacts {
        Bytes subject; /* Name in DER */
        EVP_PKEY *key;
        X509Use use; /* asked for as extensionRequest (RFC 2985 §5.4.2): key usage, CA or not */
} X509RequestFacts;

/*
 * CertificationRequestInfo in DER. SEAL_E_INVALID_ARGS for a subject that is not DER; -ENOMEM,
 * -EIO.
 */
int x509_request_prepare(const X509RequestFacts *facts, uint8_t **ret, size_t *ret_size,
                         ErrorDetail *detail);
