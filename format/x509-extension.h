/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extensions as we write them (RFC 5280 §4.2), appended to a stack that is made where it is NULL.
 * All return 0, -ENOMEM or -EIO, and what else they say.
 */
#pragma once

#include <openssl/x509v3.h>

#include "base/bytes.h"
#include "base/error.h"
#include "format/x509-certificate.h"

/*
 * basicConstraints and keyUsage, both critical. SEAL_E_INVALID_ARGS for a use that is not issued.
 */
int extension_put_use(X509_EXTENSIONS **extensions, X509Use use);

/* subjectKeyIdentifier: SHA-1 of the key's bits (§4.2.1.2, the first way). */
int extension_put_subject_key(X509_EXTENSIONS **extensions, const X509_PUBKEY *key);

/* authorityKeyIdentifier: the key identifier alone, of an issuer's certificate or of a key. */
int extension_put_authority_key(X509_EXTENSIONS **extensions, const X509 *issuer,
                                const X509_PUBKEY *key);

/* cRLDistributionPoints: one point, as many places. SEAL_E_INVALID_ARGS for what is no URL. */
int extension_put_crl_urls(X509_EXTENSIONS **extensions, const char *const *urls, size_t count,
                           ErrorDetail *detail);

/* qcStatements: QcType eSeal (EN 319 412-5 §4.2.3). */
int extension_put_eseal(X509_EXTENSIONS **extensions);

/* crlNumber, and expiredCertsOnCRL (X.509 §9.5.2.8) at µs since the epoch. */
int extension_put_crl_number(X509_EXTENSIONS **extensions, uint64_t number);
int extension_put_expired_since(X509_EXTENSIONS **extensions, uint64_t usec);
