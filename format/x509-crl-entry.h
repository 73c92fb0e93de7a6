/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entries of a revocation list (RFC 5280 §5.3) as they are read: one at a time, so that a list
 * of hundreds of thousands takes no more memory than its bytes.
 */
#pragma once

#include <stdbool.h>

#include <openssl/asn1.h>
#include <openssl/x509.h>

#include "base/cleanup.h"
#include "base/error.h"

DEFINE_CLEANUP(X509_REVOKED, X509_REVOKED_free)

/*
 * Are all of them entries of DER, at most REVOCATION_ENTRY_MAX bytes each? *ret_puzzling: one may
 * say something else than that a certificate is revoked, by a critical extension that is not
 * understood (RFC 5280 §5.3), or is of another issuer. sequence is the SEQUENCE with its header;
 * NULL: none. SEAL_E_INVALID_ARGS with the reason, -ENOMEM.
 */
int x509_entries_check(const ASN1_STRING *sequence, bool *ret_puzzling, ErrorDetail *detail);

/*
 * The first of a serial number and of the list's own issuer; *ret stays NULL where there is none.
 * Errors as above, without their reason.
 */
int x509_entries_find(const ASN1_STRING *sequence, const ASN1_INTEGER *serial, X509_REVOKED **ret);
