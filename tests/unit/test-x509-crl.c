/* SPDX-License-Identifier: Apache-2.0 */
#include "format/x509-crl.h"

#include <stdlib.h>

#include <openssl/x509v3.h>

#include "base/clock.h"
#include "format/x509-read.h"
#include "policy/openssl.h"
#include "tests/fixture/command.h"
#include "tests/fixture/signer.h"
#include "tests/unit/unit.h"

DEFINE_CLEANUP(X509_CRL, X509_CRL_free)

#define DAY USEC_PER_DAY

static const char *const algorithms[] = { "ecdsa-sha256", "ecdsa-sha384", "rsassa-sha256",
                                          "rsapss-sha384", "sm2-sm3" };

#define ALGORITHM_COUNT (sizeof(algorithms) / sizeof(algorithms[0]))

static Signer makers[ALGORITHM_COUNT], seals[3]; /* all three of the first maker's */

static int signers_make(void **state) {
        (void) state;
        for (size_t i = 0; i < ALGORITHM_COUNT; i++) {
                signer_make(&makers[i], algorithms[i], "Seal maker");
                signer_certify(&makers[i], NULL, X509_USE_MAKER);
        }
        for (size_t i = 0; i < 3; i++) {
                signer_make(&seals[i], "ecdsa-sha256", "33010000000001");
                signer_certify(&seals[i], &makers[0], X509_USE_SEAL);
        }
        return 0;
}

static int signers_done(void **state) {
        (void) state;
        for (size_t i = 0; i < ALGORITHM_COUNT; i++)
                signer_done(&makers[i]);
        for (size_t i = 0; i < 3; i++)
                signer_done(&seals[i]);
        return 0;
}

static X509 *read_certificate(const Signer *signer) {
        X509 *certificate = NULL;

        assert_int_equal(x509_read(signer_certificate(signer), &certificate, NULL), 0);
        return certificate;
}

/* The serial's digits are the signer's certificate's. */
static X509CrlEntry entry_of(const Signer *signer, uint64_t date, X509Reason reason,
                             uint8_t serial[static X509_SERIAL_SIZE]) {
        _cleanup_(X509_freep) X509 *certificate = read_certificate(signer);

        memcpy(serial, ASN1_STRING_get0_data(X509_get0_serialNumber(certificate)),
               X509_SERIAL_SIZE);
        return (X509CrlEntry){ { serial, X509_SERIAL_SIZE }, date, reason };
}

static X509CrlFacts facts_of(const Signer *maker) {
        return (X509CrlFacts){
                .algorithm = maker->algorithm,
                .issuer = signer_certificate(maker),
                .number = 42,
                .this_update = SIGNER_TIME,
                .next_update = SIGNER_TIME + 7 * DAY,
                .expired_since = SIGNER_TIME - 365 * DAY,
        };
}

static uint8_t *list_make(const Signer *maker, const X509CrlFacts *facts, size_t *ret_size) {
        _cleanup_free_ uint8_t *tbs = NULL;
        size_t size = 0;

        assert_int_equal(x509_crl_prepare(facts, &tbs, &size, NULL), 0);
        return signer_finish(maker, (Bytes){ tbs, size }, ret_size);
}

static X509Crl *list_read(Bytes der) {
        ErrorDetail detail = {};
        X509Crl *crl = NULL;

        if (x509_crl_read(der, &crl, &detail) != 0)
                fail_msg("%s", detail.text);
        return crl;
}

static X509Crl *list_of(const Signer *maker, const X509CrlFacts *facts) {
        size_t size;
        _cleanup_free_ uint8_t *der = list_make(maker, facts, &size);

        return list_read((Bytes){ der, size });
}

/* --- what openssl says ------------------------------------------------------------------------ */

static void assert_says(const Workshop *workshop, const char *words) {
        if (!strstr(workshop->output, words))
                fail_msg("'%s' is not in: %s", words, workshop->output);
}

static void openssl_verifies_lists(void **state) {
        Workshop workshop;

        (void) state;
        workshop_open(&workshop);
        for (size_t i = 0; i < ALGORITHM_COUNT; i++) {
                uint8_t serial[X509_SERIAL_SIZE];
                const X509CrlEntry entry = entry_of(&seals[0], SIGNER_TIME - DAY,
                                                    X509_REASON_KEY_COMPROMISE, serial);
                X509CrlFacts facts = facts_of(&makers[i]);
                size_t size;

                facts.entries = &entry;
                facts.entry_count = 1;
                _cleanup_free_ uint8_t *der = list_make(&makers[i], &facts, &size);
                workshop_put(&workshop, "list", (Bytes){ der, size });
                workshop_put(&workshop, "maker", signer_certificate(&makers[i]));
                if (strcmp(algorithms[i], "sm2-sm3") == 0)
                        continue; /* the next test's */
                workshop_demand(&workshop,
                                "openssl x509 -inform DER -in maker -out maker.pem &&"
                                " openssl crl -inform DER -in list -noout -CAfile maker.pem");
                assert_says(&workshop, "verify OK");
        }
        workshop_close(&workshop);
}

/* `openssl crl` cannot be told an identity: the extracted parts, then. */
static void openssl_verifies_an_sm2_lists_parts(void **state) {
        const Signer *maker = &makers[ALGORITHM_COUNT - 1];
        const X509CrlFacts facts = facts_of(maker);
        Workshop workshop;
        size_t size;
        _cleanup_free_ uint8_t *der = list_make(maker, &facts, &size);

        (void) state;
        workshop_open(&workshop);
        workshop_put(&workshop, "list", (Bytes){ der, size });
        workshop_put(&workshop, "maker", signer_certificate(maker));
        workshop_demand(
                &workshop,
                "first=$(openssl asn1parse -inform DER -in list | sed -n '2{s/:.*//;p}') &&"
                " last=$(openssl asn1parse -inform DER -in list | tail -n1 | cut -d: -f1) &&"
                " openssl asn1parse -inform DER -in list -strparse $first -noout -out tbs &&"
                " openssl asn1parse -inform DER -in list -strparse $last -noout -out signature &&"
                " openssl x509 -inform DER -in maker -noout -pubkey >key &&"
                " openssl dgst -sm3 -sigopt distid:1234567812345678 -verify key"
                " -signature signature tbs");
        workshop_close(&workshop);
}

static void list_says_what_it_was_given(void **state) {
        uint8_t serials[3][X509_SERIAL_SIZE];
        const X509CrlEntry entries[] = {
                entry_of(&seals[0], SIGNER_TIME - DAY, X509_REASON_NONE, serials[0]),
                entry_of(&seals[1], SIGNER_TIME - 2 * DAY, X509_REASON_CERTIFICATE_HOLD,
                         serials[1]),
                entry_of(&seals[2], SIGNER_TIME - 3 * DAY, X509_REASON_CESSATION_OF_OPERATION,
                         serials[2]),
        };
        X509CrlFacts facts = facts_of(&makers[0]);
        Workshop workshop;
        size_t size;

        (void) state;
        facts.entries = entries;
        facts.entry_count = 3;
        _cleanup_free_ uint8_t *der = list_make(&makers[0], &facts, &size);
        workshop_open(&workshop);
        workshop_put(&workshop, "list", (Bytes){ der, size });
        workshop_demand(&workshop, "openssl crl -inform DER -in list -noout -text");
        assert_says(&workshop, "Version 2 (0x1)");
        assert_says(&workshop, "Last Update: Nov 14 22:13:20 2023 GMT");
        assert_says(&workshop, "Next Update: Nov 21 22:13:20 2023 GMT");
        assert_says(&workshop, "X509v3 CRL Number: \n                42\n");
        assert_says(&workshop, "2.5.29.60: \n                ..20221114221320Z");
        assert_says(&workshop, "Revocation Date: Nov 13 22:13:20 2023 GMT\n    Serial");
        assert_says(&workshop, "Certificate Hold");
        assert_says(&workshop, "Cessation Of Operation");
        workshop_close(&workshop);
        /* RFC 5280 §5.1.2.6: no empty list. */
        facts.entry_count = 0;
        _cleanup_free_ uint8_t *empty = list_make(&makers[0], &facts, &size);
        const unsigned char *at = empty;
        _cleanup_(X509_CRL_freep) X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long) size);
        assert_null(X509_CRL_get_REVOKED(crl));
}

static void openssl_verify_finds_the_revoked(void **state) {
        uint8_t serial[X509_SERIAL_SIZE];
        const X509CrlEntry entry = entry_of(&seals[0], SIGNER_TIME - DAY, X509_REASON_SUPERSEDED,
                                            serial);
        X509CrlFacts facts = facts_of(&makers[0]);
        Workshop workshop;
        size_t size;

        (void) state;
        facts.entries = &entry;
        facts.entry_count = 1;
        _cleanup_free_ uint8_t *der = list_make(&makers[0], &facts, &size);
        workshop_open(&workshop);
        workshop_put(&workshop, "list", (Bytes){ der, size });
        workshop_put(&workshop, "maker", signer_certificate(&makers[0]));
        workshop_put(&workshop, "revoked", signer_certificate(&seals[0]));
        workshop_put(&workshop, "good", signer_certificate(&seals[1]));
        workshop_demand(&workshop,
                        "openssl x509 -inform DER -in maker -out maker.pem &&"
                        " openssl crl -inform DER -in list -out list.pem &&"
                        " openssl verify -x509_strict -crl_check -attime %llu -CAfile maker.pem"
                        " -CRLfile list.pem good",
                        SIGNER_TIME / USEC_PER_SEC);
        assert_false(workshop_run(&workshop,
                                  "openssl verify -crl_check -attime %llu -CAfile maker.pem"
                                  " -CRLfile list.pem revoked",
                                  SIGNER_TIME / USEC_PER_SEC));
        assert_says(&workshop, "certificate revoked");
        workshop_close(&workshop);
}

/* --- writing ---------------------------------------------------------------------------------- */

static void facts_that_make_no_list_are_refused(void **state) {
        static const uint8_t serial[CERTIFICATE_SERIAL_MAX + 1] = { 1 };
        const X509CrlEntry none = { { serial, 0 }, 1, 0 },
                           long_one = { { serial, sizeof(serial) }, 1, 0 };
        X509CrlFacts bad[5];
        uint8_t *der = NULL;
        size_t size;

        (void) state;
        for (size_t i = 0; i < 5; i++)
                bad[i] = facts_of(&makers[0]);
        bad[0].next_update = bad[0].this_update - 1;
        bad[1].issuer.size--;
        bad[2].entries = &none;
        bad[2].entry_count = 1;
        bad[3].entries = &long_one;
        bad[3].entry_count = 1;
        bad[4].entry_count = CRL_ENTRIES_MAX + 1;
        for (size_t i = 0; i < 5; i++)
                assert_int_equal(x509_crl_prepare(&bad[i], &der, &size, NULL),
                                 i == 4 ? SEAL_E_LIMITS_EXCEEDED : SEAL_E_INVALID_ARGS);
        assert_null(der);
}

static void the_largest_list_is_read_again(void **state) {
        X509CrlEntry *entries = calloc(CRL_ENTRIES_MAX, sizeof(*entries));
        uint8_t(*serials)[X509_SERIAL_SIZE] = calloc(CRL_ENTRIES_MAX, X509_SERIAL_SIZE);
        X509CrlFacts facts = facts_of(&makers[0]);
        X509Revocation said;

        (void) state;
        for (uint32_t i = 0; i < CRL_ENTRIES_MAX; i++) {
                serials[i][0] = 0x40;
                memcpy(serials[i] + 1, &i, sizeof(i));
                entries[i] = (X509CrlEntry){ { serials[i], X509_SERIAL_SIZE },
                                             SIGNER_TIME - DAY,
                                             X509_REASON_SUPERSEDED };
        }
        entries[CRL_ENTRIES_MAX / 2] = entry_of(&seals[0], SIGNER_TIME - DAY,
                                                X509_REASON_KEY_COMPROMISE,
                                                serials[CRL_ENTRIES_MAX / 2]);
        facts.entries = entries;
        facts.entry_count = CRL_ENTRIES_MAX;
        _cleanup_(x509_crl_freep) X509Crl *crl = list_of(&makers[0], &facts);
        _cleanup_(X509_freep) X509 *issuer = read_certificate(&makers[0]);
        assert_int_equal(x509_crl_verify(crl, issuer, NULL), 0);
        _cleanup_(X509_freep) X509 *seal = read_certificate(&seals[0]);
        x509_crl_find(crl, seal, SIGNER_TIME, &said);
        assert_int_equal(said.reason, X509_REASON_KEY_COMPROMISE);
        free(entries);
        free(serials);
}

static void reasons_have_the_standards_names(void **state) {
        (void) state;
        assert_string_equal(x509_reason_name(X509_REASON_NONE), "");
        assert_string_equal(x509_reason_name(X509_REASON_KEY_COMPROMISE), "keyCompromise");
        assert_string_equal(x509_reason_name(X509_REASON_CERTIFICATE_HOLD), "certificateHold");
        assert_string_equal(x509_reason_name((X509Reason) 7), "unspecified");
}

/* --- reading ---------------------------------------------------------------------------------- */

static int judge(Bytes der, X509 *issuer) {
        _cleanup_(x509_crl_freep) X509Crl *crl = NULL;

        int r = x509_crl_read(der, &crl, NULL);
        return r == 0 ? x509_crl_verify(crl, issuer, NULL) : r;
}

static void every_changed_byte_is_refused(void **state) {
        (void) state;
        for (size_t i = 0; i < ALGORITHM_COUNT; i++) {
                uint8_t serial[X509_SERIAL_SIZE];
                const X509CrlEntry entry = entry_of(&seals[0], SIGNER_TIME - DAY,
                                                    X509_REASON_KEY_COMPROMISE, serial);
                _cleanup_(X509_freep) X509 *issuer = read_certificate(&makers[i]);
                X509CrlFacts facts = facts_of(&makers[i]);
                size_t size;

                facts.entries = &entry;
                facts.entry_count = 1;
                _cleanup_free_ uint8_t *der = list_make(&makers[i], &facts, &size);
                assert_int_equal(judge((Bytes){ der, size }, issuer), 0);
                for (size_t at = 0; at < size; at++)
                        for (unsigned change = 0; change < 3; change++) {
                                const uint8_t was = der[at];

                                der[at] ^= (uint8_t) (change == 0   ? 1U << (at % 8)
                                                      : change == 1 ? 0x80
                                                                    : 0x21);
                                int r = judge((Bytes){ der, size }, issuer);
                                if (r != SEAL_E_INVALID_ARGS && r != SEAL_E_APPROVAL_INVALID)
                                        fail_msg("%s: byte %zu may be %02x: %d", algorithms[i], at,
                                                 der[at], r);
                                der[at] = was;
                        }
        }
}

static void a_list_is_its_issuers_alone(void **state) {
        const X509CrlFacts facts = facts_of(&makers[0]);
        _cleanup_(x509_crl_freep) X509Crl *crl = list_of(&makers[0], &facts);
        _cleanup_(X509_freep) X509 *maker = read_certificate(&makers[0]),
                                   *other = read_certificate(&makers[1]),
                                   *seal = read_certificate(&seals[0]);
        ErrorDetail detail = {};

        (void) state;
        assert_int_equal(x509_crl_verify(crl, maker, NULL), 0);
        assert_int_equal(x509_crl_verify(crl, other, &detail), SEAL_E_APPROVAL_INVALID);
        assert_string_equal(detail.text, "The revocation list's signature is not its issuer's");
        assert_int_equal(x509_crl_verify(crl, seal, &detail), SEAL_E_APPROVAL_INVALID);
        assert_string_equal(detail.text, "The revocation list is of another issuer");
}

/* A certificate of the issuer's name and key that may not sign lists. */
static void an_issuer_has_to_be_allowed_to_sign_lists(void **state) {
        const X509CrlFacts facts = facts_of(&makers[0]);
        _cleanup_(x509_crl_freep) X509Crl *crl = list_of(&makers[0], &facts);
        Signer same = makers[0];
        ErrorDetail detail = {};

        (void) state;
        same.certificate = NULL;
        signer_certify(&same, NULL, X509_USE_SEAL);
        _cleanup_(X509_freep) X509 *issuer = read_certificate(&same);
        assert_int_equal(x509_crl_verify(crl, issuer, &detail), SEAL_E_APPROVAL_INVALID);
        assert_string_equal(detail.text,
                            "The issuer's key usage does not allow to sign revocation lists");
        free(same.certificate);
}

/* --- others' lists ---------------------------------------------------------------------------- */

/* What our own writer does not make, by OpenSSL's; up to two extensions, as its configuration has them. */
static Bytes odd_der(const char *const extensions[], size_t count) {
        _cleanup_(X509_CRL_freep) X509_CRL *crl = X509_CRL_new();
        _cleanup_(X509_freep) X509 *issuer = read_certificate(&makers[0]);
        unsigned char *der = NULL;
        ASN1_TIME *time = x509_time_new(SIGNER_TIME);

        assert_int_equal(X509_CRL_set_version(crl, 1), 1);
        assert_int_equal(X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer)), 1);
        assert_int_equal(X509_CRL_set1_lastUpdate(crl, time), 1);
        ASN1_TIME_free(time);
        for (size_t i = 0; i < 2 * count; i += 2) {
                X509_EXTENSION *e = X509V3_EXT_conf(NULL, NULL, extensions[i], extensions[i + 1]);

                assert_non_null(e);
                assert_int_equal(X509_CRL_add_ext(crl, e, -1), 1);
                X509_EXTENSION_free(e);
        }
        assert_true(X509_CRL_sign(crl, makers[0].key, EVP_sha256()) > 0);
        int size = i2d_X509_CRL(crl, &der);
        return (Bytes){ der, (size_t) size };
}

static X509Crl *odd_list(const char *const extensions[], size_t count, ErrorDetail *detail) {
        _cleanup_(X509_freep) X509 *issuer = read_certificate(&makers[0]);
        const Bytes der = odd_der(extensions, count);
        X509Crl *ret = NULL;

        int r = x509_crl_read(der, &ret, detail);
        free((void *) der.data);
        assert_true(r == 0 || r == SEAL_E_INVALID_ARGS);
        assert_int_equal(r == 0, ret != NULL);
        if (ret)
                assert_int_equal(x509_crl_verify(ret, issuer, NULL), 0);
        return ret;
}

static void lists_that_are_not_read_are_told_by_name(void **state) {
        static const struct {
                const char *extension[2], *text;
        } cases[] = {
                { { "2.5.29.27", "DER:020101" },
                  "The revocation list is of a kind that is not read" },
                { { "1.2.3.4", "critical,DER:0500" },
                  "The revocation list has a critical extension that is not understood" },
                { { "2.5.29.27", "critical,DER:020101" },
                  "The revocation list has a critical extension that is not understood" },
                /* indirectCRL; onlySomeReasons; relative name */
                { { "2.5.29.28", "critical,DER:30038401ff" },
                  "The revocation list is of a kind that is not read" },
                { { "2.5.29.28", "critical,DER:300483020640" },
                  "The revocation list is of a kind that is not read" },
                { { "2.5.29.28", "critical,DER:3003ff" },
                  "The revocation list has a scope that cannot be read" },
                { { "2.5.29.60", "DER:0500" },
                  "The revocation list keeps expired certificates since a time that is none" },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                ErrorDetail detail = {};

                assert_null(odd_list(cases[i].extension, 1, &detail));
                assert_string_equal(detail.text, cases[i].text);
        }
}

static X509Status status_of(const X509Crl *crl, const Signer *signer, uint64_t time) {
        _cleanup_(X509_freep) X509 *certificate = read_certificate(signer);
        X509Revocation said;

        x509_crl_find(crl, certificate, time, &said);
        return said.status;
}

static void a_list_for_other_certificates_says_nothing(void **state) {
        static const char *const only_cas[] = { "2.5.29.28", "critical,DER:30038201ff" },
                                 *const only_users[] = { "2.5.29.28", "critical,DER:30038101ff" };
        _cleanup_(x509_crl_freep) X509Crl *of_cas = odd_list(only_cas, 1, NULL),
                                          *of_users = odd_list(only_users, 1, NULL);

        (void) state;
        assert_int_equal(status_of(of_cas, &seals[0], SIGNER_TIME), X509_STATUS_UNKNOWN);
        assert_int_equal(status_of(of_cas, &makers[0], SIGNER_TIME), X509_STATUS_GOOD);
        assert_int_equal(status_of(of_users, &seals[0], SIGNER_TIME), X509_STATUS_GOOD);
        assert_int_equal(status_of(of_users, &makers[0], SIGNER_TIME), X509_STATUS_UNKNOWN);
}

/* A list of one place among several says nothing of certificates that name another place. */
static void a_list_of_one_place_is_for_those_that_name_it(void **state) {
        /* distributionPoint, fullName, URI "http://a/1" */
        static const char *const place[] = { "2.5.29.28",
                                             "critical,DER:3010a00ea00c860a687474703a2f2f612f31" };
        static const char *const one[] = { "http://a/1" }, *const other[] = { "http://a/2" };
        _cleanup_(x509_crl_freep) X509Crl *crl = odd_list(place, 1, NULL);
        _cleanup_free_ uint8_t *subject = NULL;
        X509CertificateFacts facts = signer_facts(&seals[2], &makers[0], X509_USE_SEAL, &subject);

        (void) state;
        assert_int_equal(status_of(crl, &seals[0], SIGNER_TIME), X509_STATUS_UNKNOWN);
        facts.crl_url_count = 1;
        facts.crl_urls = one;
        signer_issue(&seals[2], &makers[0], &facts);
        assert_int_equal(status_of(crl, &seals[2], SIGNER_TIME), X509_STATUS_GOOD);
        facts.crl_urls = other;
        signer_issue(&seals[2], &makers[0], &facts);
        assert_int_equal(status_of(crl, &seals[2], SIGNER_TIME), X509_STATUS_UNKNOWN);
        signer_certify(&seals[2], &makers[0], X509_USE_SEAL);
}

/* --- asking ----------------------------------------------------------------------------------- */

static void a_certificate_is_revoked_from_its_date_on(void **state) {
        uint8_t serial[X509_SERIAL_SIZE];
        const X509CrlEntry entry = entry_of(&seals[0], SIGNER_TIME - DAY,
                                            X509_REASON_KEY_COMPROMISE, serial);
        X509CrlFacts facts = facts_of(&makers[0]);
        _cleanup_(X509_freep) X509 *seal = read_certificate(&seals[0]),
                                   *other = read_certificate(&seals[1]);
        X509Revocation said;

        (void) state;
        facts.entries = &entry;
        facts.entry_count = 1;
        _cleanup_(x509_crl_freep) X509Crl *crl = list_of(&makers[0], &facts);
        x509_crl_find(crl, seal, SIGNER_TIME - DAY, &said);
        assert_int_equal(said.status, X509_STATUS_REVOKED);
        assert_int_equal(said.date, SIGNER_TIME - DAY);
        assert_int_equal(said.reason, X509_REASON_KEY_COMPROMISE);
        assert_string_equal(said.text, "Revoked at 2023-11-13T22:13:20Z (keyCompromise)");
        x509_crl_find(crl, seal, SIGNER_TIME - DAY - 1, &said);
        assert_int_equal(said.status, X509_STATUS_GOOD);
        assert_string_equal(said.text, "Not revoked until 2023-11-13T22:13:20Z (keyCompromise)");
        /* However old the list: who is revoked stays so. */
        x509_crl_find(crl, seal, SIGNER_TIME + 900 * DAY, &said);
        assert_int_equal(said.status, X509_STATUS_REVOKED);
        x509_crl_find(crl, other, SIGNER_TIME, &said);
        assert_int_equal(said.status, X509_STATUS_GOOD);
        assert_string_equal(said.text, "Not revoked by the list of 2023-11-14T22:13:20Z");
}

static void a_list_says_nothing_of_times_beyond_its_own(void **state) {
        X509CrlFacts facts = facts_of(&makers[0]);
        _cleanup_(x509_crl_freep) X509Crl *crl = list_of(&makers[0], &facts);

        (void) state;
        assert_int_equal(x509_crl_this_update(crl), SIGNER_TIME);
        assert_int_equal(x509_crl_next_update(crl), SIGNER_TIME + 7 * DAY);
        assert_int_equal(status_of(crl, &seals[0], SIGNER_TIME + 7 * DAY), X509_STATUS_GOOD);
        assert_int_equal(status_of(crl, &seals[0], SIGNER_TIME + 7 * DAY + 1), X509_STATUS_UNKNOWN);
}

static void of_expired_certificates_only_a_list_that_keeps_them_tells(void **state) {
        _cleanup_free_ uint8_t *subject = NULL;
        X509CertificateFacts certificate = signer_facts(&seals[2], &makers[0], X509_USE_SEAL,
                                                        &subject);
        X509CrlFacts facts = facts_of(&makers[0]);

        (void) state;
        certificate.not_before = SIGNER_TIME - 20 * DAY;
        certificate.not_after = SIGNER_TIME - 10 * DAY;
        signer_issue(&seals[2], &makers[0], &certificate);
        for (unsigned i = 0; i < 3; i++) {
                facts.expired_since = i == 0   ? 0
                                      : i == 1 ? SIGNER_TIME - 5 * DAY
                                               : SIGNER_TIME - 30 * DAY;
                _cleanup_(x509_crl_freep) X509Crl *crl = list_of(&makers[0], &facts);
                assert_int_equal(status_of(crl, &seals[2], SIGNER_TIME - 15 * DAY),
                                 i == 2 ? X509_STATUS_GOOD : X509_STATUS_UNKNOWN);
        }
        signer_certify(&seals[2], &makers[0], X509_USE_SEAL);
}

/* --- several lists ---------------------------------------------------------------------------- */

typedef struct Lists {
        size_t count;
        Bytes items[4];
} Lists;

static void lists_add(Lists *lists, uint64_t at, const X509CrlEntry *entry) {
        X509CrlFacts facts = facts_of(&makers[0]);
        size_t size;

        facts.this_update = at;
        facts.next_update = at + 7 * DAY;
        facts.entries = entry;
        facts.entry_count = entry ? 1 : 0;
        uint8_t *der = list_make(&makers[0], &facts, &size);
        lists->items[lists->count++] = (Bytes){ der, size };
}

static void lists_done(Lists *lists) {
        for (size_t i = 0; i < lists->count; i++)
                free((void *) lists->items[i].data);
}

static X509Revocation ask(const Lists *lists, uint64_t time) {
        _cleanup_(X509_freep) X509 *seal = read_certificate(&seals[0]),
                                   *issuer = read_certificate(&makers[0]);
        X509Revocation said;

        assert_int_equal(x509_revocation_at(lists->items, lists->count, seal, issuer, time,
                                            SIGNER_TIME + 100 * DAY, &said),
                         0);
        return said;
}

static void a_revocation_counts_in_whichever_list(void **state) {
        uint8_t serial[X509_SERIAL_SIZE];
        const X509CrlEntry entry = entry_of(&seals[0], SIGNER_TIME, X509_REASON_SUPERSEDED, serial);

        (void) state;
        for (unsigned newest_first = 0; newest_first < 2; newest_first++) {
                _cleanup_(lists_done) Lists lists = {};

                if (newest_first)
                        lists_add(&lists, SIGNER_TIME + 10 * DAY, NULL);
                lists_add(&lists, SIGNER_TIME + DAY, &entry);
                if (!newest_first)
                        lists_add(&lists, SIGNER_TIME + 10 * DAY, NULL);
                assert_int_equal(ask(&lists, SIGNER_TIME).status, X509_STATUS_REVOKED);
                assert_int_equal(ask(&lists, SIGNER_TIME - 1).status, X509_STATUS_GOOD);
        }
}

static void a_hold_counts_while_it_is_in_force(void **state) {
        uint8_t serial[X509_SERIAL_SIZE];
        const X509CrlEntry entry = entry_of(&seals[0], SIGNER_TIME, X509_REASON_CERTIFICATE_HOLD,
                                            serial);
        _cleanup_(lists_done) Lists lists = {};

        (void) state;
        lists_add(&lists, SIGNER_TIME + DAY, &entry);
        lists_add(&lists, SIGNER_TIME + 10 * DAY, NULL);
        assert_int_equal(ask(&lists, SIGNER_TIME + 2 * DAY).status, X509_STATUS_REVOKED);
        assert_int_equal(ask(&lists, SIGNER_TIME + 11 * DAY).status, X509_STATUS_GOOD);
        lists_add(&lists, SIGNER_TIME + 12 * DAY, &entry);
        assert_int_equal(ask(&lists, SIGNER_TIME + 13 * DAY).status, X509_STATUS_REVOKED);
}

static void a_stale_list_does_not_spoil_what_another_says(void **state) {
        _cleanup_(lists_done) Lists lists = {};

        (void) state;
        lists_add(&lists, SIGNER_TIME - 100 * DAY, NULL);
        assert_int_equal(ask(&lists, SIGNER_TIME).status, X509_STATUS_UNKNOWN);
        lists_add(&lists, SIGNER_TIME + DAY, NULL);
        assert_int_equal(ask(&lists, SIGNER_TIME).status, X509_STATUS_GOOD);
}

/* Each beside a list by which all is good: what it may tell of a revocation is not known. */
static void a_list_that_is_not_read_lets_nothing_be_good(void **state) {
        static const char *const kinds[][2] = {
                { "2.5.29.27", "critical,DER:020101" },    /* delta */
                { "2.5.29.28", "critical,DER:30038401ff" } /* indirect */
        };

        (void) state;
        for (size_t i = 0; i < 4; i++) {
                _cleanup_(lists_done) Lists lists = {};

                lists_add(&lists, SIGNER_TIME, NULL);
                assert_int_equal(ask(&lists, SIGNER_TIME).status, X509_STATUS_GOOD);
                if (i < 2)
                        lists.items[lists.count++] = odd_der(kinds[i], 1);
                else
                        lists_add(&lists, SIGNER_TIME + (i == 2 ? 0 : 101 * DAY), NULL);
                if (i == 2)
                        lists.items[1].size--;
                X509Revocation said = ask(&lists, SIGNER_TIME);
                assert_int_equal(said.status, X509_STATUS_UNKNOWN);
                assert_non_null(strstr(said.text, i == 3   ? "not come yet"
                                                  : i == 2 ? "not one in DER"
                                                           : "not "));
        }
}

static void a_list_for_others_does_not_hide_a_hold(void **state) {
        static const char *const only_cas[] = { "2.5.29.28", "critical,DER:30038201ff" };
        uint8_t serial[X509_SERIAL_SIZE];
        const X509CrlEntry entry = entry_of(&seals[0], SIGNER_TIME - 2 * DAY,
                                            X509_REASON_CERTIFICATE_HOLD, serial);
        _cleanup_(lists_done) Lists lists = {};

        (void) state;
        lists_add(&lists, SIGNER_TIME - DAY, &entry);
        lists.items[lists.count++] = odd_der(only_cas, 1); /* of SIGNER_TIME */
        assert_int_equal(ask(&lists, SIGNER_TIME).status, X509_STATUS_REVOKED);
}

static void a_list_that_takes_off_says_nothing_good(void **state) {
        uint8_t serial[X509_SERIAL_SIZE];
        const X509CrlEntry entry = entry_of(&seals[0], SIGNER_TIME - DAY, (X509Reason) 8, serial);
        _cleanup_(lists_done) Lists lists = {};

        (void) state;
        lists_add(&lists, SIGNER_TIME, &entry);
        assert_int_equal(ask(&lists, SIGNER_TIME).status, X509_STATUS_UNKNOWN);
}

static void a_list_without_an_end_tells_of_its_own_time(void **state) {
        _cleanup_(x509_crl_freep) X509Crl *crl = odd_list(NULL, 0, NULL);

        (void) state;
        assert_int_equal(status_of(crl, &seals[0], SIGNER_TIME), X509_STATUS_GOOD);
        assert_int_equal(status_of(crl, &seals[0], SIGNER_TIME + 1), X509_STATUS_UNKNOWN);
}

static void lists_of_others_and_forged_ones_are_not_heard(void **state) {
        uint8_t serial[X509_SERIAL_SIZE];
        const X509CrlEntry entry = entry_of(&seals[0], SIGNER_TIME, X509_REASON_SUPERSEDED, serial);
        _cleanup_(lists_done) Lists lists = {};
        X509CrlFacts facts = facts_of(&makers[0]);
        size_t size;

        (void) state;
        assert_string_equal(ask(&lists, SIGNER_TIME).text,
                            "No revocation list of the issuer is given");
        facts.entries = &entry;
        facts.entry_count = 1;
        uint8_t *der = list_make(&makers[0], &facts, &size);
        der[size - 1] ^= 1;
        lists.items[lists.count++] = (Bytes){ der, size };
        X509Revocation said = ask(&lists, SIGNER_TIME);
        assert_int_equal(said.status, X509_STATUS_UNKNOWN);
        assert_string_equal(said.text, "The revocation list's signature is not its issuer's");
        lists_add(&lists, SIGNER_TIME, NULL);
        assert_int_equal(ask(&lists, SIGNER_TIME).status, X509_STATUS_GOOD);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(openssl_verifies_lists),
                cmocka_unit_test(openssl_verifies_an_sm2_lists_parts),
                cmocka_unit_test(list_says_what_it_was_given),
                cmocka_unit_test(openssl_verify_finds_the_revoked),
                cmocka_unit_test(facts_that_make_no_list_are_refused),
                cmocka_unit_test(the_largest_list_is_read_again),
                cmocka_unit_test(reasons_have_the_standards_names),
                cmocka_unit_test(every_changed_byte_is_refused),
                cmocka_unit_test(a_list_is_its_issuers_alone),
                cmocka_unit_test(an_issuer_has_to_be_allowed_to_sign_lists),
                cmocka_unit_test(lists_that_are_not_read_are_told_by_name),
                cmocka_unit_test(a_list_for_other_certificates_says_nothing),
                cmocka_unit_test(a_list_of_one_place_is_for_those_that_name_it),
                cmocka_unit_test(a_certificate_is_revoked_from_its_date_on),
                cmocka_unit_test(a_list_says_nothing_of_times_beyond_its_own),
                cmocka_unit_test(of_expired_certificates_only_a_list_that_keeps_them_tells),
                cmocka_unit_test(a_revocation_counts_in_whichever_list),
                cmocka_unit_test(a_hold_counts_while_it_is_in_force),
                cmocka_unit_test(a_stale_list_does_not_spoil_what_another_says),
                cmocka_unit_test(a_list_that_is_not_read_lets_nothing_be_good),
                cmocka_unit_test(a_list_for_others_does_not_hide_a_hold),
                cmocka_unit_test(a_list_that_takes_off_says_nothing_good),
                cmocka_unit_test(a_list_without_an_end_tells_of_its_own_time),
                cmocka_unit_test(lists_of_others_and_forged_ones_are_not_heard),
        };

        return cmocka_run_group_tests(tests, signers_make, signers_done);
}
