/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocations of libcrypto failing in turn, in whatever writes or judges certificates: that is told
 * as what it is, and not as a fault of the certificate. Each one with SEALSD_SWEEP=full, which
 * takes a minute; else some.
 */
#include <errno.h>
#include <stdlib.h>

#include <openssl/crypto.h>

#include "base/clock.h"
#include "format/x509-chain.h"
#include "format/x509-crl.h"
#include "format/x509-path.h"
#include "format/x509-request.h"
#include "policy/openssl.h"
#include "tests/fixture/others.h"
#include "tests/fixture/signer.h"
#include "tests/unit/unit.h"

#define STRIDE 13 /* no multiple of what the acts have in common */

/* 0: none fails. */
static unsigned long countdown;
static bool struck;

static bool strikes(void) {
        if (countdown == 0 || --countdown > 0)
                return false;
        struck = true;
        return true;
}

static void *failing_malloc(size_t size, const char *file, int line) {
        (void) file;
        (void) line;
        return strikes() ? NULL : malloc(size);
}

static void *failing_realloc(void *old, size_t size, const char *file, int line) {
        (void) file;
        (void) line;
        if (size == 0) {
                free(old);
                return NULL;
        }
        return strikes() ? NULL : realloc(old, size);
}

static void plain_free(void *block, const char *file, int line) {
        (void) file;
        (void) line;
        free(block);
}

/* --- what is done ----------------------------------------------------------------------------- */

typedef struct Made {
        Signer maker, seal;
        uint8_t *list, *subject;
        size_t list_size;
        X509CertificateFacts facts;
        X509CrlEntry entry;
} Made;

static const char *const urls[] = { "http://example.org/a.crl" };

static void made_fill(Made *made, const char *algorithm) {
        _cleanup_free_ uint8_t *tbs = NULL;
        size_t size = 0;

        signer_make(&made->maker, algorithm, "Maker");
        signer_certify(&made->maker, NULL, X509_USE_MAKER);
        signer_make(&made->seal, algorithm, "33010000000001");
        made->facts = signer_facts(&made->seal, &made->maker, X509_USE_SEAL, &made->subject);
        made->facts.crl_urls = urls;
        made->facts.crl_url_count = 1;
        made->facts.eseal = true;
        signer_issue(&made->seal, &made->maker, &made->facts);
        made->entry = (X509CrlEntry){ { made->facts.serial, X509_SERIAL_SIZE },
                                      SIGNER_TIME,
                                      X509_REASON_CERTIFICATE_HOLD };
        const X509CrlFacts facts = {
                .algorithm = made->maker.algorithm,
                .issuer = signer_certificate(&made->maker),
                .number = 1,
                .this_update = SIGNER_TIME,
                .next_update = SIGNER_TIME,
                .expired_since = 1,
                .entries = &made->entry,
                .entry_count = 1,
        };
        assert_int_equal(x509_crl_prepare(&facts, &tbs, &size, NULL), 0);
        made->list = signer_finish(&made->maker, (Bytes){ tbs, size }, &made->list_size);
}

static void made_done(Made *made) {
        signer_done(&made->maker);
        signer_done(&made->seal);
        free(made->list);
        free(made->subject);
}

/* DER into ret where some comes of it. */
typedef int (*Act)(const Made *made, uint8_t **ret, size_t *ret_size);

static int write_name(const Made *made, uint8_t **ret, size_t *ret_size) {
        const X509Subject subject = { "DE", "Muster GmbH", "NTRDE-HRB1234", "33010000000001" };

        (void) made;
        return x509_name_encode(&subject, ret, ret_size, NULL);
}

static int write_certificate(const Made *made, uint8_t **ret, size_t *ret_size) {
        return x509_certificate_prepare(&made->facts, ret, ret_size, NULL);
}

static int write_maker(const Made *made, uint8_t **ret, size_t *ret_size) {
        X509CertificateFacts facts = made->facts;

        facts.issuer.size = 0;
        facts.use = X509_USE_MAKER;
        return x509_certificate_prepare(&facts, ret, ret_size, NULL);
}

static int write_request(const Made *made, uint8_t **ret, size_t *ret_size) {
        const X509RequestFacts facts = { made->facts.subject, made->seal.key, X509_USE_SEAL };

        return x509_request_prepare(&facts, ret, ret_size, NULL);
}

static int write_list(const Made *made, uint8_t **ret, size_t *ret_size) {
        const X509CrlFacts facts = {
                .algorithm = made->maker.algorithm,
                .issuer = signer_certificate(&made->maker),
                .number = 1,
                .this_update = SIGNER_TIME,
                .next_update = SIGNER_TIME,
                .expired_since = 1,
                .entries = &made->entry,
                .entry_count = 1,
        };

        return x509_crl_prepare(&facts, ret, ret_size, NULL);
}

static int write_end(const Made *made, uint8_t **ret, size_t *ret_size) {
        static const uint8_t tbs[] = { 0x30, 0x00 };

        return x509_finish((Bytes){ tbs, 2 }, made->maker.algorithm, (Bytes){ tbs, 2 }, ret,
                           ret_size);
}

static int judge_chain(const Made *made, uint8_t **ret, size_t *ret_size) {
        const Bytes chain[] = { signer_certificate(&made->seal), signer_certificate(&made->maker) };

        (void) ret;
        (void) ret_size;
        return x509_chain_check(chain, 2, made->seal.key, X509_USE_SEAL, SIGNER_TIME, NULL);
}

static int judge_path(const Made *made, uint8_t **ret, size_t *ret_size) {
        const Bytes anchor = signer_certificate(&made->maker);
        const X509Trust trust = { &anchor, 1, NULL, 0 };
        _cleanup_(x509_path_clear) X509Path path = {};

        (void) ret;
        (void) ret_size;
        int r = x509_path_find(signer_certificate(&made->seal), &trust, X509_USE_SEAL, SIGNER_TIME,
                               &path, NULL);
        return r == 0 && !(path.chain.good && path.usage.good && path.validity.good)
                       ? SEAL_E_CERTIFICATE_INVALID
                       : r;
}

static int judge_list(const Made *made, uint8_t **ret, size_t *ret_size) {
        _cleanup_(X509_freep) X509 *seal = NULL, *maker = NULL;
        const Bytes list = { made->list, made->list_size };
        X509Revocation said;

        (void) ret;
        (void) ret_size;
        int r = x509_read(signer_certificate(&made->seal), &seal, NULL);
        if (r == 0)
                r = x509_read(signer_certificate(&made->maker), &maker, NULL);
        if (r == 0)
                r = x509_revocation_at(&list, 1, seal, maker, SIGNER_TIME, SIGNER_TIME, &said);
        if (r == 0 && said.status == X509_STATUS_GOOD)
                return SEAL_E_REVOKED;
        return r == 0 && said.reason != X509_REASON_CERTIFICATE_HOLD ? SEAL_E_CERTIFICATE_INVALID
                                                                     : r;
}

static const struct {
        const char *name;
        Act act;
} acts[] = {
        { "name", write_name },       { "certificate", write_certificate },
        { "maker", write_maker },     { "request", write_request },
        { "list", write_list },       { "end", write_end },
        { "chain", judge_chain },     { "path", judge_path },
        { "revocation", judge_list },
};

/* --- that it fails ---------------------------------------------------------------------------- */

/* Fails the nth; false when there is no nth. */
static bool act_once(const Made *made, size_t i, unsigned long n, unsigned *wrong) {
        _cleanup_free_ uint8_t *der = NULL;
        size_t size = 0;

        struck = false;
        countdown = n;
        int r = acts[i].act(made, &der, &size);
        countdown = 0;
        ERR_clear_error();
        if ((r != 0 && r != -ENOMEM) || (r != 0 && der)) {
                print_error("%s, allocation %lu: %d\n", acts[i].name, n, r);
                (*wrong)++;
        }
        return struck;
}

static void shortage_is_told_as_such(void **state) {
        static const char *const algorithms[] = { "ecdsa-sha256", "rsapss-sha256", "sm2-sm3" };
        const char *sweep = getenv("SEALSD_SWEEP");
        const unsigned long stride = sweep && strcmp(sweep, "full") == 0 ? 1 : STRIDE;
        unsigned wrong = 0;

        (void) state;
        for (size_t a = 0; a < sizeof(algorithms) / sizeof(algorithms[0]); a++) {
                Made made = {};

                made_fill(&made, algorithms[a]);
                for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
                        unsigned long n = 1;

                        for (; act_once(&made, i, n, &wrong); n += stride)
                                ;
                        if (n == 1)
                                fail_msg("%s allocates nothing", acts[i].name);
                }
                made_done(&made);
        }
        assert_int_equal(wrong, 0);
}

/* What a certificate is not for it is not for either where that cannot be read. */
static void shortage_lets_no_server_sign_documents(void **state) {
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = EVP_EC_gen("P-256");
        const OthersFacts facts = {
                .subject = "Server",
                .issuer = "Server",
                .key = key,
                .issuer_key = key,
                .extensions = { OTHERS_LEAF, { "extendedKeyUsage", "serverAuth" } },
        };
        _cleanup_(X509_freep) X509 *certificate = NULL;
        unsigned long n = 0;

        (void) state;
        const Bytes der = others_make(&facts);
        assert_int_equal(x509_read(der, &certificate, NULL), 0);
        do {
                X509Finding finding = { .good = true };

                struck = false;
                countdown = ++n;
                x509_usage_check(certificate, X509_USE_SEAL, &finding);
                countdown = 0;
                assert_false(finding.good);
                assert_int_equal(ERR_peek_error(), 0);
        } while (struck);
        assert_true(n > 1);
        free((void *) der.data);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(shortage_is_told_as_such),
                cmocka_unit_test(shortage_lets_no_server_sign_documents),
        };

        if (CRYPTO_set_mem_functions(failing_malloc, failing_realloc, plain_free) != 1)
                return EXIT_FAILURE;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
