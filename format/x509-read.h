/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates of others, read within bounds. All carry the common identity of SM2 (policy/sm2.h),
 * so that OpenSSL can check their signatures.
 */
#pragma once

#include <openssl/x509.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "format/x509-name.h"

/*
 * One certificate: DER to its last byte, at most CERTIFICATE_MAX. SEAL_E_INVALID_ARGS,
 * SEAL_E_LIMITS_EXCEEDED, -ENOMEM. Free with X509_free.
 */
int x509_read(Bytes der, X509 **ret, ErrorDetail *detail);

/* DER, malloc'ed. -ENOMEM. */
int x509_write(const X509 *certificate, uint8_t **ret, size_t *ret_size);

/*
 * Is it of this issuer: by its name, and signed by its key (x509_signature_verify())?
 * SEAL_E_APPROVAL_INVALID when not; -ENOMEM, -EIO.
 */
int x509_verify_by(const X509 *certificate, const X509 *issuer);

/* Certificates or CRLs out of a file, each malloc'ed DER. Zero-initialise. */
typedef struct DerList {
        size_t count;
        Bytes *items; /* owned, as is what they point to */
} DerList;

void der_list_clear(DerList *list);

/* Append a copy; SEAL_E_LIMITS_EXCEEDED beyond TRUST_ITEMS_MAX. */
int der_list_add(DerList *list, Bytes der);

/*
 * Append what a file holds: one in DER, or any number in PEM ("CERTIFICATE", "X509 CRL"; other
 * blocks and text around them are passed over). SEAL_E_INVALID_ARGS when there is none,
 * SEAL_E_LIMITS_EXCEEDED beyond TRUST_FILE_MAX bytes. Whether each is a certificate shows when it
 * is read.
 */
int x509_certificates_split(Bytes file, DerList *list, ErrorDetail *detail);
int x509_crls_split(Bytes file, DerList *list, ErrorDetail *detail);
