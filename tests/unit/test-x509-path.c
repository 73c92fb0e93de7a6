/* SPDX-License-Identifier: Apache-2.0 */
#include "format/x509-path.h"

#include <stdlib.h>

#include "base/clock.h"
#include "tests/fixture/others.h"
#include "tests/fixture/signer.h"
#include "tests/unit/unit.h"

#define KEYS 4

/* Root, two between, and a leaf. */
static EVP_PKEY *keys[KEYS];
static const char *const names[KEYS] = { "Root", "Upper", "Lower", "Leaf" };

enum { ROOT, UPPER, LOWER, LEAF };

static int keys_make(void **state) {
        (void) state;
        for (size_t i = 0; i < KEYS; i++)
                keys[i] = EVP_EC_gen("P-256");
        return 0;
}

static int keys_done(void **state) {
        (void) state;
        for (size_t i = 0; i < KEYS; i++)
                EVP_PKEY_free(keys[i]);
        return 0;
}

static const OthersFacts usual_ca = { .extensions = { OTHERS_CA } };
static const OthersFacts usual_leaf = { .extensions = { OTHERS_LEAF } };

/* Four certificates, each of the one before; those given differ from what is usual. */
typedef struct Tree {
        const OthersFacts *facts[KEYS];
        Bytes ders[KEYS];
} Tree;

static void tree_grow(Tree *tree) {
        for (size_t i = 0; i < KEYS; i++) {
                OthersFacts facts = tree->facts[i] ? *tree->facts[i]
                                    : i < KEYS - 1 ? usual_ca
                                                   : usual_leaf;

                facts.subject = names[i];
                facts.issuer = names[i == 0 ? 0 : i - 1];
                facts.key = keys[i];
                if (!facts.issuer_key)
                        facts.issuer_key = keys[i == 0 ? 0 : i - 1];
                tree->ders[i] = others_make(&facts);
        }
}

static void tree_fell(Tree *tree) {
        for (size_t i = 0; i < KEYS; i++)
                free((void *) tree->ders[i].data);
}

#define _cleanup_tree_ _cleanup_(tree_fell)

/* The anchor is the root; the others are told from the leaf's side, which matters nothing. */
static void path_of(const Tree *tree, X509Use use, uint64_t time, X509Path *ret) {
        const Bytes others[] = { tree->ders[LOWER], tree->ders[UPPER] };
        const X509Trust trust = { &tree->ders[ROOT], 1, others, 2 };

        assert_int_equal(x509_path_find(tree->ders[LEAF], &trust, use, time, ret, NULL), 0);
}

static void a_good_path_is_found(void **state) {
        _cleanup_tree_ Tree tree = {};
        _cleanup_(x509_path_clear) X509Path path = {};

        (void) state;
        tree_grow(&tree);
        path_of(&tree, X509_USE_SEAL, SIGNER_TIME, &path);
        assert_true(path.chain.good && path.usage.good && path.validity.good);
        assert_int_equal(path.count, KEYS);
        for (size_t i = 0; i < KEYS; i++) {
                char text[X509_NAME_TEXT_MAX + 1];

                (void) x509_name_text(X509_get_subject_name(path.certificates[i]), text);
                assert_string_equal(text + 3, names[KEYS - 1 - i]);
        }
}

/* What each fault does to the three results; every one of them has a reason. */
typedef struct Fault {
        OthersFacts facts;
        size_t at;
        const char *chain, *usage, *validity; /* NULL: good */
} Fault;

static void finding_assert(const X509Finding *finding, const char *text) {
        if (text)
                assert_string_equal(finding->text, text);
        assert_int_equal(finding->good, text == NULL);
        assert_string_not_equal(finding->text, "");
}

static void fault_assert(const Fault *fault) {
        _cleanup_tree_ Tree tree = {};
        _cleanup_(x509_path_clear) X509Path path = {};

        tree.facts[fault->at] = &fault->facts;
        tree_grow(&tree);
        path_of(&tree, X509_USE_SEAL, SIGNER_TIME, &path);
        finding_assert(&path.chain, fault->chain);
        finding_assert(&path.usage, fault->usage);
        finding_assert(&path.validity, fault->validity);
}

static void faults_of_issuers_break_the_chain(void **state) {
        static const Fault faults[] = {
                { { .extensions = { { "keyUsage", "keyCertSign" } } },
                  LOWER,
                  "CN=Lower: it is not a CA certificate",
                  NULL,
                  NULL },
                { { .extensions = { { "basicConstraints", "critical,CA:FALSE" } } },
                  UPPER,
                  "CN=Upper: it is not a CA certificate",
                  NULL,
                  NULL },
                { { .version_1 = true }, ROOT, "CN=Root: it is not a CA certificate", NULL, NULL },
                { { .extensions = { { "basicConstraints", "critical,CA:TRUE" },
                                    { "keyUsage", "digitalSignature,nonRepudiation" } } },
                  ROOT,
                  "CN=Root: it is not a CA certificate: its key usage does not allow to sign "
                  "certificates",
                  NULL,
                  NULL },
                { { .extensions = { { "basicConstraints", "critical,CA:TRUE,pathlen:0" },
                                    { "keyUsage", "critical,keyCertSign" } } },
                  UPPER,
                  "CN=Upper: there are more CAs below it than it allows",
                  NULL,
                  NULL },
                { { .extensions = { { "basicConstraints", "critical,CA:TRUE,pathlen:1" },
                                    { "keyUsage", "critical,keyCertSign" } } },
                  ROOT,
                  "CN=Root: there are more CAs below it than it allows",
                  NULL,
                  NULL },
                { { .extensions = { OTHERS_CA, { "1.2.3.4", "critical,DER:0500" } } },
                  UPPER,
                  "CN=Upper: it has a critical extension that is not understood",
                  NULL,
                  NULL },
                { { .extensions = { OTHERS_CA,
                                    { "nameConstraints", "critical,excluded;DNS:example.org" } } },
                  ROOT,
                  NULL,
                  NULL,
                  NULL },
                { { .extensions = { OTHERS_LEAF, { "1.2.3.4", "critical,DER:0500" } } },
                  LEAF,
                  "CN=Leaf: it has a critical extension that is not understood",
                  NULL,
                  NULL },
                { { .extensions = { OTHERS_LEAF, { "1.2.3.4", "DER:0500" } } },
                  LEAF,
                  NULL,
                  NULL,
                  NULL },
                /* It was said that its issuer is missing. */
                { { .extensions = { { "keyUsage", "critical,DER:030100" } } },
                  LEAF,
                  "CN=Leaf: an extension of it cannot be read",
                  "CN=Leaf: an extension of it cannot be read",
                  NULL },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
                fault_assert(&faults[i]);
}

static void a_signature_by_another_key_breaks_the_chain(void **state) {
        Fault fault = { .facts = usual_ca,
                        .at = LOWER,
                        .chain = "CN=Lower: its signature is not its issuer's" };

        (void) state;
        fault.facts.issuer_key = keys[LEAF];
        fault_assert(&fault);
        fault = (Fault){ .facts = usual_leaf,
                         .at = LEAF,
                         .chain = "CN=Leaf: its signature is not its issuer's" };
        fault.facts.issuer_key = keys[LEAF];
        fault_assert(&fault);
        /* Of one that is trusted, too: nobody else has signed it. */
        fault = (Fault){ .facts = usual_ca,
                         .at = ROOT,
                         .chain = "CN=Root: its signature is not its issuer's" };
        fault.facts.issuer_key = keys[LEAF];
        fault_assert(&fault);
}

static void names_outside_an_issuers_constraints_break_the_chain(void **state) {
        static const OthersFacts root = {
                .extensions = { OTHERS_CA, { "nameConstraints", "critical,excluded;email:a.org" } }
        };
        static const OthersFacts leaf = { .extensions = { OTHERS_LEAF,
                                                          { "subjectAltName", "email:x@a.org" } } };
        _cleanup_(x509_path_clear) X509Path path = {};
        _cleanup_tree_ Tree tree = { .facts = { [ROOT] = &root, [LEAF] = &leaf } };

        (void) state;
        tree_grow(&tree);
        path_of(&tree, X509_USE_SEAL, SIGNER_TIME, &path);
        finding_assert(&path.chain, "CN=Leaf: excluded subtree violation");
}

/* A hash that can be forged, and a key that can be broken. */
static void weak_signatures_break_the_chain(void **state) {
        EVP_PKEY *small = EVP_RSA_gen(1024), *usual = keys[LEAF];
        Fault fault = { .facts = usual_leaf,
                        .at = LEAF,
                        .chain = "CN=Leaf: the hash of its signature is too weak" };

        (void) state;
        fault.facts.hash = EVP_sha1();
        fault_assert(&fault);
        fault.facts.hash = NULL;
        fault.chain = "CN=Leaf: its key is too weak";
        keys[LEAF] = small;
        fault_assert(&fault);
        keys[LEAF] = usual;
        EVP_PKEY_free(small);
}

static void usage_is_told_beside_the_chain(void **state) {
        static const Fault faults[] = {
                { { .extensions = { { "keyUsage", "critical,keyEncipherment" } } },
                  LEAF,
                  NULL,
                  "CN=Leaf: its key usage does not allow to sign documents",
                  NULL },
                { { .extensions = { { "keyUsage", "critical,nonRepudiation" } } },
                  LEAF,
                  NULL,
                  NULL,
                  NULL },
                { { .extensions = { { "keyUsage", "critical,digitalSignature" } } },
                  LEAF,
                  NULL,
                  NULL,
                  NULL },
                { { .extensions = { { "subjectKeyIdentifier", "00" } } }, LEAF, NULL, NULL, NULL },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
                fault_assert(&faults[i]);
}

static void who_serves_or_stamps_signs_no_documents(void **state) {
        static const struct {
                const char *uses;
                bool good;
        } cases[] = {
                { "critical,serverAuth", false },
                { "timeStamping", false },
                { "OCSPSigning,codeSigning", false },
                { "serverAuth,emailProtection", true },
                { "clientAuth", true },
                { "1.3.6.1.5.5.7.3.36", true }, /* documentSigning (RFC 9336) */
        };

        (void) state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const Fault fault = {
                        { .extensions = { OTHERS_LEAF, { "extendedKeyUsage", cases[i].uses } } },
                        LEAF,
                        NULL,
                        cases[i].good ? NULL
                                      : "CN=Leaf: its extended key usage is for other "
                                        "things than documents",
                        NULL
                };

                fault_assert(&fault);
        }
}

static void validity_is_told_beside_the_chain(void **state) {
        const Fault faults[] = {
                { { .extensions = { OTHERS_LEAF }, .not_after = SIGNER_TIME - USEC_PER_SEC },
                  LEAF,
                  NULL,
                  NULL,
                  "CN=Leaf: it expired at 2023-11-14T22:13:19Z" },
                { { .extensions = { OTHERS_LEAF }, .not_before = SIGNER_TIME + USEC_PER_SEC },
                  LEAF,
                  NULL,
                  NULL,
                  "CN=Leaf: it was not valid before 2023-11-14T22:13:21Z" },
                { { .extensions = { OTHERS_CA }, .not_after = SIGNER_TIME - USEC_PER_SEC },
                  UPPER,
                  NULL,
                  NULL,
                  "CN=Upper: it expired at 2023-11-14T22:13:19Z" },
                { { .extensions = { OTHERS_CA }, .not_before = SIGNER_TIME + USEC_PER_SEC },
                  ROOT,
                  NULL,
                  NULL,
                  "CN=Root: it was not valid before 2023-11-14T22:13:21Z" },
                { { .extensions = { OTHERS_LEAF },
                    .not_before = SIGNER_TIME,
                    .not_after = SIGNER_TIME },
                  LEAF,
                  NULL,
                  NULL,
                  NULL },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
                fault_assert(&faults[i]);
}

/*
 * policyConstraints: requireExplicitPolicy, which the leaf has none of (RFC 5280 §4.2.1.11). With a
 * policy beside it, since libcrypto 3.0 loses the memory of constraints that stand alone.
 */
static void a_policy_that_an_issuer_demands_is_not_passed_over(void **state) {
        const Fault fault = {
                { .extensions = { OTHERS_CA,
                                  { "certificatePolicies", "DER:3007300506032a0304" },
                                  { "policyConstraints", "critical,requireExplicitPolicy:0" } } },
                UPPER,
                "The chain lacks the policy that an issuer in it demands",
                NULL,
                NULL
        };

        (void) state;
        fault_assert(&fault);
}

/* An authority's certificate was renewed for the same key, and the old one is named first. */
static void an_issuer_s_old_certificate_does_not_stand_in_the_way(void **state) {
        const OthersFacts old = { .extensions = { OTHERS_CA },
                                  .not_before = SIGNER_TIME - 20 * USEC_PER_DAY,
                                  .not_after = SIGNER_TIME - 10 * USEC_PER_DAY };
        _cleanup_tree_ Tree tree = {}, before = { .facts = { &old, &old, &old } };

        (void) state;
        tree_grow(&tree);
        tree_grow(&before);
        const Bytes anchors[] = { before.ders[ROOT], tree.ders[ROOT] },
                    others[] = { before.ders[LOWER], tree.ders[LOWER], before.ders[UPPER],
                                 tree.ders[UPPER] };
        const X509Trust trust = { anchors, 2, others, 4 };
        X509Path path;
        assert_int_equal(
                x509_path_find(tree.ders[LEAF], &trust, X509_USE_SEAL, SIGNER_TIME, &path, NULL),
                0);
        assert_true(path.chain.good && path.validity.good);
        x509_path_clear(&path);
}

static void every_fault_is_told_at_once(void **state) {
        const Fault fault = {
                { .extensions = { { "keyUsage", "critical,keyAgreement" },
                                  { "1.2.3.4", "critical,DER:0500" } },
                  .not_after = SIGNER_TIME - USEC_PER_SEC },
                LEAF,
                "CN=Leaf: it has a critical extension that is not understood",
                "CN=Leaf: its key usage does not allow to sign documents",
                "CN=Leaf: it expired at 2023-11-14T22:13:19Z",
        };

        (void) state;
        fault_assert(&fault);
}

/* --- anchors ---------------------------------------------------------------------------------- */

static void only_what_is_named_is_trusted(void **state) {
        _cleanup_tree_ Tree tree = {};

        (void) state;
        tree_grow(&tree);
        const Bytes all[] = { tree.ders[ROOT], tree.ders[UPPER], tree.ders[LOWER] };
        const struct {
                X509Trust trust;
                const char *text;
        } cases[] = {
                { { NULL, 0, all, 3 },
                  "CN=Root: it is signed by itself and not among the trusted ones" },
                { { NULL, 0, NULL, 0 }, "CN=Leaf: its issuer is not among the certificates given" },
                { { &all[0], 1, NULL, 0 },
                  "CN=Leaf: its issuer is not among the certificates given" },
                { { &all[0], 1, &all[2], 1 },
                  "CN=Lower: its issuer is not among the certificates given" },
                { { &all[0], 1, &all[1], 2 }, NULL },
                /* An anchor need not be signed by itself, and ends the path. */
                { { &all[1], 1, &all[2], 1 }, NULL },
                { { &all[1], 1, all, 3 }, NULL },
                { { &all[2], 1, NULL, 0 }, NULL },
                { { &tree.ders[LEAF], 1, NULL, 0 }, NULL },
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                _cleanup_(x509_path_clear) X509Path path = {};

                assert_int_equal(x509_path_find(tree.ders[LEAF], &cases[i].trust, X509_USE_SEAL,
                                                SIGNER_TIME, &path, NULL),
                                 0);
                finding_assert(&path.chain, cases[i].text);
                finding_assert(&path.validity, NULL);
                assert_true(path.count > 0);
                if (cases[i].trust.anchors == &all[1])
                        assert_int_equal(path.count, 3);
        }
}

static void a_leaf_signed_by_itself_is_not_trusted_for_it(void **state) {
        _cleanup_tree_ Tree tree = {};
        _cleanup_(x509_path_clear) X509Path path = {};
        const X509Trust trust = {};

        (void) state;
        tree_grow(&tree);
        assert_int_equal(
                x509_path_find(tree.ders[ROOT], &trust, X509_USE_MAKER, SIGNER_TIME, &path, NULL),
                0);
        finding_assert(&path.chain,
                       "CN=Root: it is signed by itself and not among the trusted ones");
}

/* Whoever trusts a signer's own certificate needs no CA. */
static void a_trusted_leaf_need_not_be_a_ca(void **state) {
        OthersFacts facts = usual_leaf;
        _cleanup_(x509_path_clear) X509Path path = {};

        (void) state;
        facts.subject = facts.issuer = "Leaf";
        facts.key = facts.issuer_key = keys[LEAF];
        const Bytes der = others_make(&facts);
        const X509Trust trust = { &der, 1, NULL, 0 };
        assert_int_equal(x509_path_find(der, &trust, X509_USE_SEAL, SIGNER_TIME, &path, NULL), 0);
        finding_assert(&path.chain, NULL);
        free((void *) der.data);
        /* Nor its issuer's life, once it is itself trusted. */
        _cleanup_tree_ Tree tree = {};
        _cleanup_(x509_path_clear) X509Path longer = {};
        OthersFacts expired = usual_ca;
        expired.not_after = SIGNER_TIME - USEC_PER_SEC;
        tree.facts[LOWER] = &expired;
        tree_grow(&tree);
        const X509Trust both = { &tree.ders[LEAF], 1, &tree.ders[ROOT], 3 };
        assert_int_equal(
                x509_path_find(tree.ders[LEAF], &both, X509_USE_SEAL, SIGNER_TIME, &longer, NULL),
                0);
        assert_true(longer.chain.good && longer.validity.good);
        assert_int_equal(longer.count, 1);
}

static void what_cannot_be_read_is_passed_over_but_the_leaf(void **state) {
        static const uint8_t rubbish[] = { 0x30, 0x03, 0x02, 0x01 };
        _cleanup_tree_ Tree tree = {};
        _cleanup_(x509_path_clear) X509Path path = {};
        ErrorDetail detail = {};

        (void) state;
        tree_grow(&tree);
        const Bytes anchors[] = { { rubbish, 4 }, tree.ders[ROOT] },
                    others[] = { tree.ders[UPPER], { rubbish, 4 }, tree.ders[LOWER] };
        const X509Trust trust = { anchors, 2, others, 3 };
        assert_int_equal(
                x509_path_find(tree.ders[LEAF], &trust, X509_USE_SEAL, SIGNER_TIME, &path, &detail),
                0);
        assert_true(path.chain.good);
        X509Path untouched = {};
        assert_int_equal(x509_path_find((Bytes){ rubbish, 4 }, &trust, X509_USE_SEAL, SIGNER_TIME,
                                        &untouched, &detail),
                         SEAL_E_INVALID_ARGS);
        assert_int_equal(untouched.count, 0);
}

/* --- issuers of one name ---------------------------------------------------------------------- */

/* Of the same name and another key: who issued the leaf no identifier tells. */
static void of_issuers_of_one_name_the_one_that_signed_is_found(void **state) {
        _cleanup_tree_ Tree tree = {}, twin = {};
        OthersFacts other = usual_ca;

        (void) state;
        tree_grow(&tree);
        other.issuer_key = keys[LEAF];
        for (size_t at = ROOT; at <= LOWER; at++)
                twin.facts[at] = &other;
        EVP_PKEY *const mine[KEYS] = { keys[0], keys[1], keys[2], keys[3] };
        for (size_t i = 0; i < KEYS; i++)
                keys[i] = mine[LEAF];
        tree_grow(&twin);
        for (size_t i = 0; i < KEYS; i++)
                keys[i] = mine[i];
        for (unsigned first = 0; first < 2; first++) {
                const Tree *a = first ? &twin : &tree, *b = first ? &tree : &twin;
                const Bytes anchors[] = { a->ders[ROOT], b->ders[ROOT] },
                            others[] = { a->ders[LOWER], b->ders[LOWER], a->ders[UPPER],
                                         b->ders[UPPER] };
                const X509Trust trust = { anchors, 2, others, 4 };
                _cleanup_(x509_path_clear) X509Path path = {};

                assert_int_equal(x509_path_find(tree.ders[LEAF], &trust, X509_USE_SEAL, SIGNER_TIME,
                                                &path, NULL),
                                 0);
                finding_assert(&path.chain, NULL);
                assert_int_equal(path.count, KEYS);
                for (size_t i = 1; i < KEYS; i++)
                        assert_true(EVP_PKEY_eq(X509_get0_pubkey(path.certificates[i]),
                                                keys[KEYS - 1 - i]) == 1);
        }
}

/*
 * Of the same name and key, as after a renewal; what is wrong with one is not wrong with the other.
 */
static void of_certificates_of_one_issuer_a_good_one_is_found(void **state) {
        static const OthersFacts bad[] = {
                { .extensions = { { "basicConstraints", "critical,CA:FALSE" } } },
                { .extensions = { OTHERS_CA, { "1.2.3.4", "critical,DER:0500" } } },
                { .extensions = { { "basicConstraints", "critical,CA:TRUE,pathlen:0" },
                                  { "keyUsage", "critical,keyCertSign" } } },
        };

        (void) state;
        for (size_t i = 0; i < 2 * sizeof(bad) / sizeof(bad[0]); i++) {
                _cleanup_tree_ Tree tree = {}, twin = {};
                _cleanup_(x509_path_clear) X509Path path = {}, worse = {};

                tree_grow(&tree);
                twin.facts[UPPER] = &bad[i / 2];
                tree_grow(&twin);
                const Bytes others[] = { tree.ders[LOWER],
                                         i % 2 ? tree.ders[UPPER] : twin.ders[UPPER],
                                         i % 2 ? twin.ders[UPPER] : tree.ders[UPPER] };
                const X509Trust trust = { &tree.ders[ROOT], 1, others, 3 };
                assert_int_equal(x509_path_find(tree.ders[LEAF], &trust, X509_USE_SEAL, SIGNER_TIME,
                                                &path, NULL),
                                 0);
                finding_assert(&path.chain, NULL);
                /* Alone it is told what is wrong with it. */
                const Bytes bad_ones[] = { tree.ders[LOWER], twin.ders[UPPER] };
                const X509Trust less = { &tree.ders[ROOT], 1, bad_ones, 2 };
                assert_int_equal(x509_path_find(tree.ders[LEAF], &less, X509_USE_SEAL, SIGNER_TIME,
                                                &worse, NULL),
                                 0);
                assert_false(worse.chain.good);
                assert_non_null(strstr(worse.chain.text, "CN=Upper: "));
        }
}

/* What reached an anchor tells more than that another of that name has not signed. */
static void of_failures_that_of_the_right_issuer_is_told(void **state) {
        static const OthersFacts bad = { .extensions = {
                                                 { "basicConstraints", "critical,CA:FALSE" } } };
        _cleanup_tree_ Tree tree = {}, twin = {};
        OthersFacts other = usual_ca;

        (void) state;
        tree.facts[LOWER] = &bad;
        tree_grow(&tree);
        other.issuer_key = keys[LEAF];
        twin.facts[LOWER] = &other;
        tree_grow(&twin);
        for (unsigned first = 0; first < 2; first++) {
                const Bytes others[] = { first ? twin.ders[LOWER] : tree.ders[LOWER],
                                         first ? tree.ders[LOWER] : twin.ders[LOWER],
                                         tree.ders[UPPER] };
                const X509Trust trust = { &tree.ders[ROOT], 1, others, 3 };
                _cleanup_(x509_path_clear) X509Path path = {};

                assert_int_equal(x509_path_find(tree.ders[LEAF], &trust, X509_USE_SEAL, SIGNER_TIME,
                                                &path, NULL),
                                 0);
                finding_assert(&path.chain, "CN=Lower: it is not a CA certificate");
        }
}

static void a_path_has_an_end(void **state) {
        Bytes ders[CERTIFICATE_CHAIN_MAX + 1];
        char texts[CERTIFICATE_CHAIN_MAX + 1][16];

        (void) state;
        for (size_t i = 0; i <= CERTIFICATE_CHAIN_MAX; i++) {
                OthersFacts facts = i == 0 ? usual_leaf : usual_ca;

                (void) snprintf(texts[i], sizeof(texts[i]), "%zu", i);
                facts.subject = texts[i];
                facts.key = facts.issuer_key = keys[0];
                char above[16];
                (void) snprintf(above, sizeof(above), "%zu", i < CERTIFICATE_CHAIN_MAX ? i + 1 : i);
                facts.issuer = above;
                ders[i] = others_make(&facts);
        }
        for (size_t length = 2; length <= CERTIFICATE_CHAIN_MAX + 1; length++) {
                const X509Trust trust = { &ders[length - 1], 1, &ders[1], length - 2 };
                _cleanup_(x509_path_clear) X509Path path = {};

                assert_int_equal(
                        x509_path_find(ders[0], &trust, X509_USE_SEAL, SIGNER_TIME, &path, NULL),
                        0);
                assert_int_equal(path.chain.good, length <= CERTIFICATE_CHAIN_MAX);
                if (length <= CERTIFICATE_CHAIN_MAX)
                        assert_int_equal(path.count, length);
        }
        for (size_t i = 0; i <= CERTIFICATE_CHAIN_MAX; i++)
                free((void *) ders[i].data);
}

/* --- SM2 -------------------------------------------------------------------------------------- */

static void sm2_paths_are_found_with_the_common_identity(void **state) {
        Signer maker, seal;

        (void) state;
        signer_make(&maker, "sm2-sm3", "Maker");
        signer_certify(&maker, NULL, X509_USE_MAKER);
        signer_make(&seal, "sm2-sm3", "Seal");
        signer_certify(&seal, &maker, X509_USE_SEAL);
        const Bytes anchor = signer_certificate(&maker);
        const X509Trust trust = { &anchor, 1, NULL, 0 };
        for (size_t changed = 0; changed < 2; changed++) {
                _cleanup_(x509_path_clear) X509Path path = {};

                /* The last byte is of s. */
                seal.certificate[seal.certificate_size - 1] ^= (uint8_t) changed;
                assert_int_equal(x509_path_find(signer_certificate(&seal), &trust, X509_USE_SEAL,
                                                SIGNER_TIME, &path, NULL),
                                 0);
                finding_assert(&path.chain,
                               changed ? "CN=Seal,organizationIdentifier=NTRDE-HRB1234,"
                                         "O=Muster GmbH,C=DE: its signature is not its issuer's"
                                       : NULL);
        }
        signer_done(&maker);
        signer_done(&seal);
}

/* --- use -------------------------------------------------------------------------------------- */

static void uses_have_their_own_bits(void **state) {
        static const struct {
                OthersFacts facts;
                X509Use use;
                const char *text;
        } cases[] = {
                { { .extensions = { OTHERS_CA } }, X509_USE_MAKER, NULL },
                { { .extensions = { OTHERS_LEAF } },
                  X509_USE_MAKER,
                  "CN=Leaf: it is not a CA certificate" },
                { { .extensions = { { "basicConstraints", "CA:TRUE" },
                                    { "keyUsage", "keyCertSign" } } },
                  X509_USE_MAKER,
                  "CN=Leaf: its key usage does not allow to sign certificates and revocation "
                  "lists" },
                { { .extensions = { { "basicConstraints", "CA:TRUE" },
                                    { "keyUsage", "cRLSign" } } },
                  X509_USE_MAKER,
                  "CN=Leaf: its key usage does not allow to sign certificates and revocation "
                  "lists" },
                { { .extensions = { { "extendedKeyUsage", "critical,timeStamping" } } },
                  X509_USE_TIMESTAMP,
                  NULL },
                { { .extensions = { { "extendedKeyUsage", "timeStamping" } } },
                  X509_USE_TIMESTAMP,
                  "CN=Leaf: its key is not for timestamps alone" },
                { { .extensions = { { "extendedKeyUsage", "critical,timeStamping,clientAuth" } } },
                  X509_USE_TIMESTAMP,
                  "CN=Leaf: its key is not for timestamps alone" },
                { { .extensions = { OTHERS_LEAF } },
                  X509_USE_TIMESTAMP,
                  "CN=Leaf: its key is not for timestamps alone" },
                { { .extensions = { { "extendedKeyUsage", "critical,timeStamping" },
                                    { "keyUsage", "critical,keyEncipherment" } } },
                  X509_USE_TIMESTAMP,
                  "CN=Leaf: its key usage does not allow to sign timestamps" },
                { { .extensions = { { "keyUsage", "DER:0500" } } },
                  X509_USE_SEAL,
                  "CN=Leaf: an extension of it cannot be read" },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                OthersFacts facts = cases[i].facts;
                X509Finding finding = {};
                X509 *certificate = NULL;

                facts.subject = "Leaf";
                facts.issuer = "Root";
                facts.key = keys[LEAF];
                facts.issuer_key = keys[ROOT];
                const Bytes der = others_make(&facts);
                assert_int_equal(x509_read(der, &certificate, NULL), 0);
                x509_usage_check(certificate, cases[i].use, &finding);
                finding_assert(&finding, cases[i].text);
                X509_free(certificate);
                free((void *) der.data);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_good_path_is_found),
                cmocka_unit_test(faults_of_issuers_break_the_chain),
                cmocka_unit_test(a_signature_by_another_key_breaks_the_chain),
                cmocka_unit_test(names_outside_an_issuers_constraints_break_the_chain),
                cmocka_unit_test(weak_signatures_break_the_chain),
                cmocka_unit_test(usage_is_told_beside_the_chain),
                cmocka_unit_test(who_serves_or_stamps_signs_no_documents),
                cmocka_unit_test(validity_is_told_beside_the_chain),
                cmocka_unit_test(a_policy_that_an_issuer_demands_is_not_passed_over),
                cmocka_unit_test(an_issuer_s_old_certificate_does_not_stand_in_the_way),
                cmocka_unit_test(every_fault_is_told_at_once),
                cmocka_unit_test(only_what_is_named_is_trusted),
                cmocka_unit_test(a_leaf_signed_by_itself_is_not_trusted_for_it),
                cmocka_unit_test(a_trusted_leaf_need_not_be_a_ca),
                cmocka_unit_test(what_cannot_be_read_is_passed_over_but_the_leaf),
                cmocka_unit_test(of_issuers_of_one_name_the_one_that_signed_is_found),
                cmocka_unit_test(of_certificates_of_one_issuer_a_good_one_is_found),
                cmocka_unit_test(of_failures_that_of_the_right_issuer_is_told),
                cmocka_unit_test(a_path_has_an_end),
                cmocka_unit_test(sm2_paths_are_found_with_the_common_identity),
                cmocka_unit_test(uses_have_their_own_bits),
        };

        return cmocka_run_group_tests(tests, keys_make, keys_done);
}
