/* SPDX-License-Identifier: Apache-2.0 */
/* Lists, also of others, and what one says of a certificate. */
#include <stdlib.h>

#include "policy/openssl.h"
#include "tests/fixture/crl.h"
#include "tests/unit/unit.h"

static int judge(Bytes der, X509 *issuer) {
        _cleanup_(x509_crl_freep) X509Crl *crl = NULL;

        int r = x509_crl_read(der, &crl, NULL);
        return r == 0 ? x509_crl_verify(crl, issuer, NULL) : r;
}

static void every_changed_byte_is_refused(void **state) {
        (void) state;
        for (size_t i = 0; i < CRL_MAKERS; i++) {
                uint8_t serial[X509_SERIAL_SIZE];
                const X509CrlEntry entry = crl_entry(&seals[0], SIGNER_TIME - DAY,
                                                     X509_REASON_KEY_COMPROMISE, serial);
                _cleanup_(X509_freep) X509 *issuer = crl_certificate(&makers[i]);
                X509CrlFacts facts = crl_facts(&makers[i]);
                size_t size;

                facts.entries = &entry;
                facts.entry_count = 1;
                _cleanup_free_ uint8_t *der = crl_make(&makers[i], &facts, &size);
                assert_int_equal(judge((Bytes){ der, size }, issuer), 0);
                for (size_t at = 0; at < size; at++)
                        for (unsigned change = 0; change < 3; change++) {
                                const uint8_t was = der[at];

                                der[at] ^= (uint8_t) (change == 0   ? 1U << (at % 8)
                                                      : change == 1 ? 0x80
                                                                    : 0x21);
                                int r = judge((Bytes){ der, size }, issuer);
                                if (r != SEAL_E_INVALID_ARGS && r != SEAL_E_APPROVAL_INVALID)
                                        fail_msg("%s: byte %zu may be %02x: %d",
                                                 makers[i].algorithm->name, at, der[at], r);
                                der[at] = was;
                        }
        }
}

static void a_list_is_its_issuers_alone(void **state) {
        const X509CrlFacts facts = crl_facts(&makers[0]);
        _cleanup_(x509_crl_freep) X509Crl *crl = crl_of(&makers[0], &facts);
        _cleanup_(X509_freep) X509 *maker = crl_certificate(&makers[0]),
                                   *other = crl_certificate(&makers[1]),
                                   *seal = crl_certificate(&seals[0]);
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
        const X509CrlFacts facts = crl_facts(&makers[0]);
        _cleanup_(x509_crl_freep) X509Crl *crl = crl_of(&makers[0], &facts);
        Signer same = makers[0];
        ErrorDetail detail = {};

        (void) state;
        same.certificate = NULL;
        signer_certify(&same, NULL, X509_USE_SEAL);
        _cleanup_(X509_freep) X509 *issuer = crl_certificate(&same);
        assert_int_equal(x509_crl_verify(crl, issuer, &detail), SEAL_E_APPROVAL_INVALID);
        assert_string_equal(detail.text,
                            "The issuer's key usage does not allow to sign revocation lists");
        free(same.certificate);
}

static X509Crl *odd_list(const char *const extensions[], size_t count, ErrorDetail *detail) {
        _cleanup_(X509_freep) X509 *issuer = crl_certificate(&makers[0]);
        const Bytes der = crl_odd(extensions, count);
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

/* A list in which the version is another byte, signed again. */
static Bytes of_version(Bytes der, uint8_t version) {
        _cleanup_(X509_CRL_freep) X509_CRL *crl = NULL;
        const unsigned char *at = der.data;
        unsigned char *again = NULL;

        crl = d2i_X509_CRL(NULL, &at, (long) der.size);
        assert_int_equal(X509_CRL_set_version(crl, version), 1);
        assert_true(X509_CRL_sign(crl, makers[0].key, EVP_sha256()) > 0);
        int size = i2d_X509_CRL(crl, &again);
        free((void *) der.data);
        return (Bytes){ again, (size_t) size };
}

static void a_version_that_is_not_known_is_refused(void **state) {
        static const char *const number[] = { "2.5.29.20", "DER:020101" };
        static const struct {
                uint8_t version;
                size_t extensions;
                const char *text;
        } cases[] = {
                { 0, 0, NULL },
                { 0, 1, "The revocation list has extensions, which version 1 has not" },
                { 1, 1, NULL },
                { 2, 1, "The revocation list is of a version that is not known" },
                { 255, 0, "The revocation list is of a version that is not known" },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                _cleanup_(x509_crl_freep) X509Crl *crl = NULL;
                ErrorDetail detail = {};
                const Bytes der = of_version(crl_odd(number, cases[i].extensions),
                                             cases[i].version);

                assert_int_equal(x509_crl_read(der, &crl, &detail),
                                 cases[i].text ? SEAL_E_INVALID_ARGS : 0);
                assert_string_equal(detail.text, cases[i].text ? cases[i].text : "");
                free((void *) der.data);
        }
}

static void a_list_that_is_too_large_is_not_read(void **state) {
        uint8_t *der = calloc(1, REVOCATION_LIST_MAX + 1);
        ErrorDetail detail = {};
        X509Crl *crl = NULL;

        (void) state;
        assert_non_null(der);
        assert_int_equal(x509_crl_read((Bytes){ der, REVOCATION_LIST_MAX }, &crl, NULL),
                         SEAL_E_INVALID_ARGS);
        assert_int_equal(x509_crl_read((Bytes){ der, REVOCATION_LIST_MAX + 1 }, &crl, &detail),
                         SEAL_E_LIMITS_EXCEEDED);
        assert_string_equal(detail.text, "A revocation list has at most 16777216 bytes");
        assert_null(crl);
        free(der);
}

static X509Status status_of(const X509Crl *crl, const Signer *signer, uint64_t time) {
        _cleanup_(X509_freep) X509 *certificate = crl_certificate(signer);
        X509Revocation said;

        assert_int_equal(x509_crl_find(crl, certificate, time, &said), 0);
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

static void a_certificate_is_revoked_from_its_date_on(void **state) {
        uint8_t serial[X509_SERIAL_SIZE];
        const X509CrlEntry entry = crl_entry(&seals[0], SIGNER_TIME - DAY,
                                             X509_REASON_KEY_COMPROMISE, serial);
        X509CrlFacts facts = crl_facts(&makers[0]);
        _cleanup_(X509_freep) X509 *seal = crl_certificate(&seals[0]),
                                   *other = crl_certificate(&seals[1]);
        X509Revocation said;

        (void) state;
        facts.entries = &entry;
        facts.entry_count = 1;
        _cleanup_(x509_crl_freep) X509Crl *crl = crl_of(&makers[0], &facts);
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
        X509CrlFacts facts = crl_facts(&makers[0]);
        _cleanup_(x509_crl_freep) X509Crl *crl = crl_of(&makers[0], &facts);
        _cleanup_(X509_freep) X509 *seal = crl_certificate(&seals[0]);
        X509Revocation said;

        (void) state;
        x509_crl_find(crl, seal, SIGNER_TIME + 7 * DAY, &said);
        assert_int_equal(said.status, X509_STATUS_GOOD);
        assert_string_equal(said.text, "Not revoked by the list of 2023-11-14T22:13:20Z");
        x509_crl_find(crl, seal, SIGNER_TIME + 7 * DAY + 1, &said);
        assert_int_equal(said.status, X509_STATUS_UNKNOWN);
        assert_string_equal(said.text, "The list was to be replaced at 2023-11-21T22:13:20Z");
}

static void of_expired_certificates_only_a_list_that_keeps_them_tells(void **state) {
        _cleanup_free_ uint8_t *subject = NULL;
        X509CertificateFacts certificate = signer_facts(&seals[2], &makers[0], X509_USE_SEAL,
                                                        &subject);
        X509CrlFacts facts = crl_facts(&makers[0]);

        (void) state;
        certificate.not_before = SIGNER_TIME - 20 * DAY;
        certificate.not_after = SIGNER_TIME - 10 * DAY;
        signer_issue(&seals[2], &makers[0], &certificate);
        for (unsigned i = 0; i < 3; i++) {
                facts.expired_since = i == 0   ? 0
                                      : i == 1 ? SIGNER_TIME - 5 * DAY
                                               : SIGNER_TIME - 30 * DAY;
                _cleanup_(x509_crl_freep) X509Crl *crl = crl_of(&makers[0], &facts);
                assert_int_equal(status_of(crl, &seals[2], SIGNER_TIME - 15 * DAY),
                                 i == 2 ? X509_STATUS_GOOD : X509_STATUS_UNKNOWN);
        }
        signer_certify(&seals[2], &makers[0], X509_USE_SEAL);
}

static void a_list_without_an_end_tells_of_its_own_time(void **state) {
        _cleanup_(x509_crl_freep) X509Crl *crl = odd_list(NULL, 0, NULL);

        (void) state;
        assert_int_equal(status_of(crl, &seals[0], SIGNER_TIME), X509_STATUS_GOOD);
        assert_int_equal(status_of(crl, &seals[0], SIGNER_TIME + 1), X509_STATUS_UNKNOWN);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_changed_byte_is_refused),
                cmocka_unit_test(a_list_is_its_issuers_alone),
                cmocka_unit_test(an_issuer_has_to_be_allowed_to_sign_lists),
                cmocka_unit_test(lists_that_are_not_read_are_told_by_name),
                cmocka_unit_test(a_version_that_is_not_known_is_refused),
                cmocka_unit_test(a_list_that_is_too_large_is_not_read),
                cmocka_unit_test(a_list_for_other_certificates_says_nothing),
                cmocka_unit_test(a_list_of_one_place_is_for_those_that_name_it),
                cmocka_unit_test(a_certificate_is_revoked_from_its_date_on),
                cmocka_unit_test(a_list_says_nothing_of_times_beyond_its_own),
                cmocka_unit_test(of_expired_certificates_only_a_list_that_keeps_them_tells),
                cmocka_unit_test(a_list_without_an_end_tells_of_its_own_time),
        };

        return cmocka_run_group_tests(tests, crl_makers_open, crl_makers_close);
}
