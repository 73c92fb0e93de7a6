/* SPDX-License-Identifier: Apache-2.0 */
#include "format/x509-chain.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "tests/fixture/others.h"
#include "tests/fixture/signer.h"
#include "tests/unit/unit.h"

#define LENGTH 3

/* A leaf, its issuer, and the root. */
static EVP_PKEY *keys[LENGTH];
static const char *const names[LENGTH] = { "Leaf", "Issuer", "Root" };

enum { LEAF, ISSUER, ROOT };

static int keys_make(void **state) {
        (void) state;
        for (size_t i = 0; i < LENGTH; i++)
                keys[i] = EVP_EC_gen("P-256");
        return 0;
}

static int keys_done(void **state) {
        (void) state;
        for (size_t i = 0; i < LENGTH; i++)
                EVP_PKEY_free(keys[i]);
        return 0;
}

static const OthersFacts usual_ca = { .extensions = { OTHERS_CA } };
static const OthersFacts usual_leaf = { .extensions = { OTHERS_LEAF } };

typedef struct Chain {
        OthersFacts facts[LENGTH];
        Bytes ders[LENGTH];
} Chain;

static Chain usual(void) {
        Chain chain = { .facts = { usual_leaf, usual_ca, usual_ca } };

        for (size_t i = 0; i < LENGTH; i++) {
                size_t above = i + 1 < LENGTH ? i + 1 : i;

                chain.facts[i].subject = names[i];
                chain.facts[i].issuer = names[above];
                chain.facts[i].key = keys[i];
                chain.facts[i].issuer_key = keys[above];
        }
        return chain;
}

static void chain_make(Chain *chain) {
        for (size_t i = 0; i < LENGTH; i++)
                chain->ders[i] = others_make(&chain->facts[i]);
}

static void chain_done(Chain *chain) {
        for (size_t i = 0; i < LENGTH; i++)
                free((void *) chain->ders[i].data);
}

static void chain_assert(Chain *chain, X509Use use, int code, const char *text) {
        ErrorDetail detail = {};

        chain_make(chain);
        int r = x509_chain_check(chain->ders, LENGTH, keys[LEAF], use, SIGNER_TIME, &detail);
        assert_string_equal(detail.text, text);
        assert_int_equal(r, code);
        chain_done(chain);
}

static void a_good_chain_is_taken_however_far_it_goes(void **state) {
        Chain chain = usual();

        (void) state;
        chain_make(&chain);
        for (size_t count = 1; count <= LENGTH; count++)
                assert_int_equal(x509_chain_check(chain.ders, count, keys[LEAF], X509_USE_SEAL,
                                                  SIGNER_TIME, NULL),
                                 0);
        chain_done(&chain);
}

/* That of a maker is a CA's itself. */
static void a_makers_chain_is_taken(void **state) {
        Chain chain = usual();

        (void) state;
        chain.facts[LEAF].extensions[0][0] = "basicConstraints";
        chain.facts[LEAF].extensions[0][1] = "critical,CA:TRUE,pathlen:0";
        chain.facts[LEAF].extensions[1][0] = "keyUsage";
        chain.facts[LEAF].extensions[1][1] = "critical,keyCertSign,cRLSign";
        chain_assert(&chain, X509_USE_MAKER, 0, "");
        chain_assert(&chain, X509_USE_SEAL, SEAL_E_CERTIFICATE_INVALID,
                     "The first certificate is a CA's");
        chain = usual();
        chain_assert(&chain, X509_USE_MAKER, SEAL_E_CERTIFICATE_INVALID,
                     "CN=Leaf: it is not a CA certificate");
}

static void a_certificate_of_another_key_is_refused(void **state) {
        Chain chain = usual();

        (void) state;
        chain.facts[LEAF].key = keys[ROOT];
        chain_assert(&chain, X509_USE_SEAL, SEAL_E_CERTIFICATE_INVALID,
                     "The first certificate is of another key");
}

static void each_has_to_be_signed_by_the_next(void **state) {
        Chain chain = usual();

        (void) state;
        chain.facts[LEAF].issuer_key = keys[ROOT];
        chain_assert(&chain, X509_USE_SEAL, SEAL_E_CERTIFICATE_INVALID,
                     "Certificate 1 was not issued by the next one");
        chain = usual();
        chain.facts[ISSUER].issuer_key = keys[LEAF];
        chain_assert(&chain, X509_USE_SEAL, SEAL_E_CERTIFICATE_INVALID,
                     "Certificate 2 was not issued by the next one");
        chain = usual();
        chain.facts[LEAF].issuer = "Somebody";
        chain_assert(&chain, X509_USE_SEAL, SEAL_E_CERTIFICATE_INVALID,
                     "Certificate 1 was not issued by the next one");
        chain = usual();
        chain.facts[ROOT].issuer_key = keys[LEAF];
        chain_assert(&chain, X509_USE_SEAL, SEAL_E_CERTIFICATE_INVALID,
                     "CN=Root: its signature is not its own");
}

static void the_order_counts(void **state) {
        Chain chain = usual();
        ErrorDetail detail = {};

        (void) state;
        chain_make(&chain);
        const Bytes twice[] = { chain.ders[LEAF], chain.ders[ISSUER], chain.ders[ROOT],
                                chain.ders[ROOT] },
                    gap[] = { chain.ders[LEAF], chain.ders[ROOT] };
        assert_int_equal(
                x509_chain_check(twice, 4, keys[LEAF], X509_USE_SEAL, SIGNER_TIME, &detail),
                SEAL_E_CERTIFICATE_INVALID);
        assert_string_equal(detail.text, "The chain has a certificate that is not needed");
        assert_int_equal(x509_chain_check(gap, 2, keys[LEAF], X509_USE_SEAL, SIGNER_TIME, &detail),
                         SEAL_E_CERTIFICATE_INVALID);
        assert_string_equal(detail.text, "Certificate 1 was not issued by the next one");
        chain_done(&chain);
}

static void issuers_have_to_be_cas(void **state) {
        Chain chain = usual();

        (void) state;
        chain.facts[ISSUER] = (OthersFacts){ .subject = "Issuer",
                                             .issuer = "Root",
                                             .key = keys[ISSUER],
                                             .issuer_key = keys[ROOT],
                                             .extensions = { OTHERS_LEAF } };
        chain_assert(&chain, X509_USE_SEAL, SEAL_E_CERTIFICATE_INVALID,
                     "CN=Issuer: it is not a CA certificate");
        chain = usual();
        chain.facts[ROOT].extensions[0][1] = "critical,CA:TRUE,pathlen:0";
        chain_assert(&chain, X509_USE_SEAL, SEAL_E_CERTIFICATE_INVALID,
                     "CN=Root: there are more CAs below it than it allows");
        chain = usual();
        chain.facts[ROOT].extensions[1][1] = "critical,cRLSign";
        chain_assert(&chain, X509_USE_SEAL, SEAL_E_CERTIFICATE_INVALID,
                     "CN=Root: it is not a CA certificate: its key usage does not allow to sign "
                     "certificates");
}

static void the_leafs_usage_has_to_fit(void **state) {
        Chain chain = usual();

        (void) state;
        chain.facts[LEAF].extensions[0][1] = "critical,keyEncipherment";
        chain_assert(&chain, X509_USE_SEAL, SEAL_E_CERTIFICATE_INVALID,
                     "CN=Leaf: its key usage does not allow to sign documents");
}

static void critical_extensions_have_to_be_understood(void **state) {
        Chain chain = usual();

        (void) state;
        chain.facts[ISSUER].extensions[2][0] = "1.2.3.4";
        chain.facts[ISSUER].extensions[2][1] = "critical,DER:0500";
        chain_assert(&chain, X509_USE_SEAL, SEAL_E_CERTIFICATE_INVALID,
                     "CN=Issuer: it has a critical extension that is not understood");
}

/* Of one alone, too. */
static void a_certificate_alone_has_to_hold(void **state) {
        Chain chain = usual();
        ErrorDetail detail = {};

        (void) state;
        chain.facts[LEAF].extensions[1][0] = "1.2.3.4";
        chain.facts[LEAF].extensions[1][1] = "critical,DER:0500";
        chain_make(&chain);
        assert_int_equal(
                x509_chain_check(chain.ders, 1, keys[LEAF], X509_USE_SEAL, SIGNER_TIME, &detail),
                SEAL_E_CERTIFICATE_INVALID);
        assert_string_equal(detail.text,
                            "CN=Leaf: it has a critical extension that is not understood");
        chain_done(&chain);
        chain = usual();
        chain.facts[LEAF].issuer = "Leaf";
        chain_make(&chain);
        assert_int_equal(
                x509_chain_check(chain.ders, 1, keys[LEAF], X509_USE_SEAL, SIGNER_TIME, &detail),
                SEAL_E_CERTIFICATE_INVALID);
        assert_string_equal(detail.text, "CN=Leaf: its signature is not its own");
        assert_int_equal(x509_chain_check(chain.ders, 1, keys[LEAF], X509_USE_SEAL,
                                          SIGNER_TIME + 50 * 365 * USEC_PER_DAY, &detail),
                         SEAL_E_CERTIFICATE_INVALID);
        chain_done(&chain);
}

static void all_have_to_be_valid_now(void **state) {
        Chain chain = usual();

        (void) state;
        chain.facts[LEAF].not_after = SIGNER_TIME - USEC_PER_SEC;
        chain_assert(&chain, X509_USE_SEAL, SEAL_E_CERTIFICATE_INVALID,
                     "CN=Leaf: it expired at 2023-11-14T22:13:19Z");
        chain = usual();
        chain.facts[ROOT].not_before = SIGNER_TIME + USEC_PER_SEC;
        chain_assert(&chain, X509_USE_SEAL, SEAL_E_CERTIFICATE_INVALID,
                     "CN=Root: it was not valid before 2023-11-14T22:13:21Z");
}

static void what_is_no_chain_is_refused(void **state) {
        static const uint8_t rubbish[] = { 0x30, 0x00 };
        const Bytes none[] = { { rubbish, 2 } };
        Bytes many[CERTIFICATE_CHAIN_MAX + 1];
        ErrorDetail detail = {};

        (void) state;
        assert_int_equal(x509_chain_check(none, 0, keys[LEAF], X509_USE_SEAL, SIGNER_TIME, &detail),
                         SEAL_E_INVALID_ARGS);
        assert_string_equal(detail.text, "There is no certificate");
        assert_int_equal(x509_chain_check(none, 1, keys[LEAF], X509_USE_SEAL, SIGNER_TIME, &detail),
                         SEAL_E_INVALID_ARGS);
        assert_string_equal(detail.text, "Not a certificate in DER");
        for (size_t i = 0; i <= CERTIFICATE_CHAIN_MAX; i++)
                many[i] = none[0];
        assert_int_equal(x509_chain_check(many, CERTIFICATE_CHAIN_MAX + 1, keys[LEAF],
                                          X509_USE_SEAL, SIGNER_TIME, &detail),
                         SEAL_E_LIMITS_EXCEEDED);
}

static void chains_of_every_algorithm_are_taken(void **state) {
        static const char *const algorithms[] = { "ecdsa-sha256",  "ecdsa-sha384",  "ecdsa-sha512",
                                                  "rsassa-sha256", "rsapss-sha256", "sm2-sm3" };

        (void) state;
        for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
                Signer maker, seal;
                ErrorDetail detail = {};

                signer_make(&maker, algorithms[i], "Maker");
                signer_certify(&maker, NULL, X509_USE_MAKER);
                signer_make(&seal, algorithms[i], "Seal");
                signer_certify(&seal, &maker, X509_USE_SEAL);
                const Bytes chain[] = { signer_certificate(&seal), signer_certificate(&maker) };
                assert_int_equal(
                        x509_chain_check(chain, 2, seal.key, X509_USE_SEAL, SIGNER_TIME, &detail),
                        0);
                assert_int_equal(x509_chain_check(&chain[1], 1, maker.key, X509_USE_MAKER,
                                                  SIGNER_TIME, &detail),
                                 0);
                assert_int_equal(
                        x509_chain_check(chain, 2, maker.key, X509_USE_SEAL, SIGNER_TIME, &detail),
                        SEAL_E_CERTIFICATE_INVALID);
                signer_done(&maker);
                signer_done(&seal);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_good_chain_is_taken_however_far_it_goes),
                cmocka_unit_test(a_makers_chain_is_taken),
                cmocka_unit_test(a_certificate_of_another_key_is_refused),
                cmocka_unit_test(each_has_to_be_signed_by_the_next),
                cmocka_unit_test(the_order_counts),
                cmocka_unit_test(issuers_have_to_be_cas),
                cmocka_unit_test(the_leafs_usage_has_to_fit),
                cmocka_unit_test(critical_extensions_have_to_be_understood),
                cmocka_unit_test(a_certificate_alone_has_to_hold),
                cmocka_unit_test(all_have_to_be_valid_now),
                cmocka_unit_test(what_is_no_chain_is_refused),
                cmocka_unit_test(chains_of_every_algorithm_are_taken),
        };

        return cmocka_run_group_tests(tests, keys_make, keys_done);
}
