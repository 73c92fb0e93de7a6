/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ways from a certificate up to the anchors, by names and signatures alone. Issuers may share
 * a name, and need not say which key is whose (RFC 5280 §4.2.1.1): libcrypto takes the first that
 * fits and does not come back.
 */
#pragma once

#include "format/x509-path.h"

/* From the leaf's issuer to an anchor; not owned. */
typedef struct X509Route {
        size_t count;
        Bytes items[CERTIFICATE_CHAIN_MAX - 1];
} X509Route;

/*
 * Up to ROUTES_MAX of them, found by at most ROUTE_SIGNATURES_MAX signatures; others that there may
 * be are left out. What cannot be read is passed over. -ENOMEM, -EIO.
 */
int x509_routes_find(const X509 *leaf, const X509Trust *trust, X509Route ret[static ROUTES_MAX],
                     size_t *ret_count);
