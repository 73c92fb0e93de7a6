/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates that the maker issues (RFC 5280; GB/T 20518; names and statements of ETSI EN 319
 * 412-3 and -5): of a seal, and the maker's own. The first of two steps; x509_finish() is the
 * second.
 */
#pragma once

#include "format/x509-name.h"
#include "format/x509-signed.h"

#define X509_SERIAL_SIZE 16

/*
 * A serial number that nobody has had: random, positive, and of all its bytes (RFC 5280 §4.1.2.2).
 * -EIO without a source of randomness.
 */
int x509_serial_make(uint8_t ret[static X509_SERIAL_SIZE]);

typedef enum X509Use {
        /* critical digitalSignature and nonRepudiation; no CA */
        X509_USE_SEAL,
        /*
         * critical keyCertSign, cRLSign, and digitalSignature, for the maker signs seals'
         * structures (GB/T 38540) too; a CA of seals only, path length 0
         */
        X509_USE_MAKER,
        /*
         * Of others, never issued: extended key usage timeStamping, critical and alone (RFC 3161
         * §2.3)
         */
        X509_USE_TIMESTAMP,
} X509Use;

typedef struct X509CertificateFacts {
        const SignatureAlgorithm *algorithm; /* of the signature: the issuer's key */
        Bytes issuer;  /* certificate in DER: its subject and key identifier; size 0: self-signed */
        Bytes subject; /* Name in DER */
        EVP_PKEY *key; /* the subject's */
        uint8_t serial[X509_SERIAL_SIZE];
        uint64_t not_before, not_after; /* µs since the epoch; whole seconds are written */
        X509Use use;
        const char *const *crl_urls; /* where the issuer's CRL is, each the same one */
        size_t crl_url_count;        /* at most CRL_URLS_MAX */
        bool eseal; /* qcStatements: QcType eSeal (EN 319 412-5 §4.2.3); nothing more is claimed */
} X509CertificateFacts;

/*
 * The TBSCertificate in DER. SEAL_E_INVALID_ARGS for an issuer or a subject that is not DER, for
 * URLs that are no ASCII lines, and for a time that ends before it begins; -ENOMEM, -EIO.
 */
int x509_certificate_prepare(const X509CertificateFacts *facts, uint8_t **ret, size_t *ret_size,
                             ErrorDetail *detail);
