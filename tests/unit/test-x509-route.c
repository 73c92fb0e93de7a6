/* SPDX-License-Identifier: Apache-2.0 */
#include "format/x509-route.h"

#include <stdlib.h>

#include "policy/openssl.h"
#include "tests/fixture/others.h"
#include "tests/unit/unit.h"

static EVP_PKEY *key, *other_key;

static int keys_make(void **state) {
        (void) state;
        key = EVP_EC_gen("P-256");
        other_key = EVP_EC_gen("P-256");
        return 0;
}

static int keys_done(void **state) {
        (void) state;
        EVP_PKEY_free(key);
        EVP_PKEY_free(other_key);
        return 0;
}

/* All have one key, so that names alone say whose issuer each may be. */
static Bytes certificate(const char *subject, const char *issuer, EVP_PKEY *issuer_key) {
        return others_make(&(OthersFacts){
                .subject = subject,
                .issuer = issuer,
                .key = key,
                .issuer_key = issuer_key,
                .extensions = { OTHERS_CA },
        });
}

static void ders_free(const Bytes *ders, size_t count) {
        for (size_t i = 0; i < count; i++)
                free((void *) ders[i].data);
}

static size_t routes_of(Bytes leaf, const X509Trust *trust, X509Route ret[static ROUTES_MAX]) {
        _cleanup_(X509_freep) X509 *read = NULL;
        size_t count = SIZE_MAX;

        assert_int_equal(x509_read(leaf, &read, NULL), 0);
        assert_int_equal(x509_routes_find(read, trust, ret, &count), 0);
        return count;
}

static void item_assert(const X509Route *route, size_t at, Bytes der) {
        assert_true(at < route->count);
        assert_ptr_equal(route->items[at].data, der.data);
}

static void routes_end_at_anchors_and_pass_each_certificate_once(void **state) {
        static const Bytes none = { (const uint8_t *) "none", 4 };
        const Bytes root = certificate("Root", "Root", key), leaf = certificate("Leaf", "A", key);
        const Bytes a_by_b = certificate("A", "B", key), b_by_a = certificate("B", "A", key),
                    a = certificate("A", "Root", key);
        const Bytes others[] = { none, a_by_b, b_by_a, a };
        const X509Trust trust = { &root, 1, others, 4 };
        X509Route routes[ROUTES_MAX];

        (void) state;
        assert_int_equal(routes_of(leaf, &trust, routes), 2);
        assert_int_equal(routes[0].count, 4);
        item_assert(&routes[0], 0, a_by_b);
        item_assert(&routes[0], 1, b_by_a);
        item_assert(&routes[0], 2, a);
        item_assert(&routes[0], 3, root);
        assert_int_equal(routes[1].count, 2);
        item_assert(&routes[1], 0, a);
        item_assert(&routes[1], 1, root);
        ders_free((const Bytes[]){ root, leaf, a_by_b, b_by_a, a }, 5);
}

/* Each issued by the next. */
static void route_is_no_longer_than_a_chain(void **state) {
        static const char *const names[] = { "0", "1", "2", "3", "4", "5", "6", "7", "8", "9" };
        const size_t last = CERTIFICATE_CHAIN_MAX - 1;
        Bytes ders[CERTIFICATE_CHAIN_MAX + 1];
        X509Route routes[ROUTES_MAX];

        (void) state;
        for (size_t i = 0; i <= CERTIFICATE_CHAIN_MAX; i++)
                ders[i] = certificate(names[i], names[i + 1], key);
        const X509Trust longest = { &ders[last], 1, &ders[1], last - 1 };
        assert_int_equal(routes_of(ders[0], &longest, routes), 1);
        assert_int_equal(routes[0].count, last);
        const X509Trust too_long = { &ders[last + 1], 1, &ders[1], last };
        assert_int_equal(routes_of(ders[0], &too_long, routes), 0);
        ders_free(ders, CERTIFICATE_CHAIN_MAX + 1);
}

static void so_many_routes_are_found_and_no_more(void **state) {
        const Bytes leaf = certificate("Leaf", "CA", key), root = certificate("CA", "CA", key);
        Bytes anchors[ROUTES_MAX + 1];
        X509Route routes[ROUTES_MAX];

        (void) state;
        for (size_t i = 0; i <= ROUTES_MAX; i++)
                anchors[i] = root;
        for (size_t n = ROUTES_MAX - 1; n <= ROUTES_MAX + 1; n++) {
                const X509Trust trust = { .anchors = anchors, .anchor_count = n };

                assert_int_equal(routes_of(leaf, &trust, routes), n < ROUTES_MAX ? n : ROUTES_MAX);
        }
        ders_free((const Bytes[]){ leaf, root }, 2);
}

/* Whoever makes a file of a name that many have costs the verifier no more than this. */
static void so_many_signatures_are_verified_and_no_more(void **state) {
        const Bytes leaf = certificate("Leaf", "CA", other_key),
                    root = certificate("CA", "CA", key);
        const Bytes right = others_make(&(OthersFacts){
                .subject = "CA",
                .issuer = "CA",
                .key = other_key,
                .issuer_key = other_key,
                .extensions = { OTHERS_CA },
        });
        Bytes anchors[ROUTE_SIGNATURES_MAX + 1];
        X509Route routes[ROUTES_MAX];

        (void) state;
        for (size_t wrong = ROUTE_SIGNATURES_MAX - 1; wrong <= ROUTE_SIGNATURES_MAX; wrong++) {
                const X509Trust trust = { .anchors = anchors, .anchor_count = wrong + 1 };

                for (size_t i = 0; i < wrong; i++)
                        anchors[i] = root;
                anchors[wrong] = right;
                assert_int_equal(routes_of(leaf, &trust, routes), wrong < ROUTE_SIGNATURES_MAX);
        }
        ders_free((const Bytes[]){ leaf, root, right }, 3);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(routes_end_at_anchors_and_pass_each_certificate_once),
                cmocka_unit_test(route_is_no_longer_than_a_chain),
                cmocka_unit_test(so_many_routes_are_found_and_no_more),
                cmocka_unit_test(so_many_signatures_are_verified_and_no_more),
        };

        return cmocka_run_group_tests(tests, keys_make, keys_done);
}
