/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The path from a certificate to an anchor that the verifier trusts, at a time (RFC 5280 §6): three
 * results, each with its reason. Nothing is trusted but what the caller names.
 */
#pragma once

#include "format/x509-certificate.h"
#include "format/x509-read.h"

typedef struct X509Trust {
        const Bytes *anchors; /* DER: any of them ends a path, self-signed or not */
        size_t anchor_count;
        const Bytes *others; /* DER: issuers between, in any order; not trusted for being here */
        size_t other_count;
} X509Trust;

typedef struct X509Finding {
        bool good;
        char text[ERROR_TEXT_MAX]; /* one sentence: why, or what was found */
} X509Finding;

typedef struct X509Path {
        X509Finding
                chain; /* signatures, names, CA bits, path lengths, extensions, up to an anchor */
        X509Finding usage;                         /* the leaf's key usage */
        X509Finding validity;                      /* every certificate of the path at that time */
        size_t count;                              /* how far it got; at least the leaf */
        X509 *certificates[CERTIFICATE_CHAIN_MAX]; /* owned: the leaf first */
} X509Path;

void x509_path_clear(X509Path *path);

/*
 * Judge a certificate (DER) at a time (µs). The path ends at the first anchor, which may be the
 * certificate itself: that is trusted as it is, its validity and usage aside. Returns 0 whatever
 * the findings; SEAL_E_INVALID_ARGS where the certificate itself cannot be read; others that cannot
 * be read are passed over. -ENOMEM, -EIO.
 */
int x509_path_find(Bytes leaf, const X509Trust *trust, X509Use use, uint64_t time, X509Path *ret,
                   ErrorDetail *detail);

/* Of a certificate alone: may its key be used so? */
void x509_usage_check(X509 *certificate, X509Use use, X509Finding *ret);
