/* SPDX-License-Identifier: Apache-2.0 */
#include "format/x509-route.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/openssl.h"

typedef struct Search {
        const X509Trust *trust;
        X509 **known; /* the anchors, then the others; NULL: not read */
        size_t known_count;
        size_t signatures; /* that are still verified */
        X509Route *routes;
        size_t count;
} Search;

static Bytes der_of(const X509Trust *trust, size_t i) {
        return i < trust->anchor_count ? trust->anchors[i] : trust->others[i - trust->anchor_count];
}

static void known_free(Search *search) {
        for (size_t i = 0; search->known && i < search->known_count; i++)
                X509_free(search->known[i]);
        free(search->known);
}

static int known_read(Search *search) {
        search->known_count = search->trust->anchor_count + search->trust->other_count;
        search->known = calloc(search->known_count + 1, sizeof(X509 *));
        if (!search->known)
                return -ENOMEM;
        for (size_t i = 0; i < search->known_count; i++) {
                int r = x509_read(der_of(search->trust, i), &search->known[i], NULL);
                if (r < 0)
                        return r;
        }
        return 0;
}

static bool is_passed(const X509Route *route, Bytes der) {
        for (size_t i = 0; i < route->count; i++)
                if (route->items[i].size == der.size &&
                    memcmp(route->items[i].data, der.data, der.size) == 0)
                        return true;
        return false;
}

/* SEAL_E_APPROVAL_INVALID where it is not the issuer, or no signature is verified any more. */
static int issuer_judge(Search *search, const X509 *below, const X509 *issuer) {
        if (!issuer || search->signatures == 0 ||
            X509_NAME_cmp(X509_get_issuer_name(below), X509_get_subject_name(issuer)) != 0)
                return SEAL_E_APPROVAL_INVALID;
        search->signatures--;
        return x509_verify_by(below, issuer);
}

static int climb(Search *search, const X509 *below, X509Route *route) {
        for (size_t i = 0; i < search->known_count && search->count < ROUTES_MAX; i++) {
                const Bytes der = der_of(search->trust, i);
                int r = is_passed(route, der) ? SEAL_E_APPROVAL_INVALID
                                              : issuer_judge(search, below, search->known[i]);

                if (r < 0)
                        return r;
                if (r > 0)
                        continue;
                route->items[route->count++] = der;
                if (i < search->trust->anchor_count)
                        search->routes[search->count++] = *route;
                else if (route->count < CERTIFICATE_CHAIN_MAX - 1)
                        r = climb(search, search->known[i], route);
                route->count--;
                if (r != 0)
                        return r;
        }
        return 0;
}

int x509_routes_find(const X509 *leaf, const X509Trust *trust, X509Route ret[static ROUTES_MAX],
                     size_t *ret_count) {
        _cleanup_(known_free) Search search = { .trust = trust,
                                                .signatures = ROUTE_SIGNATURES_MAX,
                                                .routes = ret };
        X509Route route = {};

        int r = known_read(&search);
        if (r == 0)
                r = climb(&search, leaf, &route);
        if (r == 0)
                *ret_count = search.count;
        return r;
}
