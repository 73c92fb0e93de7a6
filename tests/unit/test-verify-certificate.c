/* SPDX-License-Identifier: Apache-2.0 */
#include "format/verify-certificate.h"

#include <stdio.h>

#include <openssl/x509v3.h>

#include "policy/openssl.h"
#include "tests/unit/unit.h"

/* An hour each: the signer is valid from 10 to 20, its issuers from 0 to 100. */
#define HOUR(n) ((1000000ULL + (n)) * 3600 * USEC_PER_SEC)

/* --- an authority, made with OpenSSL's own functions ------------------------------------------ */

typedef struct Owner {
        EVP_PKEY *key;
        X509 *certificate;
        uint8_t *der;
        int size;
} Owner;

static void owner_done(Owner *owner) {
        EVP_PKEY_free(owner->key);
        X509_free(owner->certificate);
        OPENSSL_free(owner->der);
}

static Bytes der_of(const Owner *owner) {
        return (Bytes){ owner->der, (size_t) owner->size };
}

static void time_put(ASN1_TIME *time, uint64_t usec) {
        assert_non_null(ASN1_TIME_set(time, (time_t) (usec / USEC_PER_SEC)));
}

static void extend(X509 *certificate, int nid, const char *value) {
        X509V3_CTX context;

        X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
        X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
        assert_non_null(extension);
        assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
        X509_EXTENSION_free(extension);
}

/* by NULL: self-signed. usage of keyUsage, "" for a CA's. */
static Owner owner_make(const Owner *by, const char *name, const char *usage, int from, int until) {
        static long serial;
        Owner owner = { .key = EVP_EC_gen("P-256"), .certificate = X509_new() };
        X509 *c = owner.certificate;
        X509_NAME *subject = X509_get_subject_name(c);

        assert_int_equal(X509_set_version(c, 2), 1);
        assert_int_equal(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                                    (const unsigned char *) name, -1, -1, 0),
                         1);
        assert_int_equal(
                X509_set_issuer_name(c, by ? X509_get_subject_name(by->certificate) : subject), 1);
        assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(c), ++serial), 1);
        time_put(X509_getm_notBefore(c), HOUR((unsigned) from));
        time_put(X509_getm_notAfter(c), HOUR((unsigned) until));
        assert_int_equal(X509_set_pubkey(c, owner.key), 1);
        extend(c, NID_basic_constraints, *usage == '\0' ? "critical,CA:TRUE" : "critical,CA:FALSE");
        extend(c, NID_key_usage, *usage == '\0' ? "critical,keyCertSign,cRLSign" : usage);
        assert_true(X509_sign(c, by ? by->key : owner.key, EVP_sha256()) > 0);
        owner.size = i2d_X509(c, &owner.der);
        assert_true(owner.size > 0);
        return owner;
}

typedef struct Crl {
        uint8_t *der;
        int size;
} Crl;

/* Of an issuer: revoked since that hour (NULL: nobody), with a reason of CRLReason or -1. */
static Crl crl_make(const Owner *by, int this_update, int next_update, const Owner *revoked,
                    int since, int reason) {
        X509_CRL *list = X509_CRL_new();
        ASN1_TIME *time = ASN1_TIME_new();
        Crl crl = {};

        assert_int_equal(X509_CRL_set_version(list, 1), 1);
        assert_int_equal(X509_CRL_set_issuer_name(list, X509_get_subject_name(by->certificate)), 1);
        time_put(time, HOUR((unsigned) this_update));
        assert_int_equal(X509_CRL_set1_lastUpdate(list, time), 1);
        time_put(time, HOUR((unsigned) next_update));
        assert_int_equal(X509_CRL_set1_nextUpdate(list, time), 1);
        if (revoked) {
                X509_REVOKED *entry = X509_REVOKED_new();
                ASN1_ENUMERATED *why = ASN1_ENUMERATED_new();
                assert_int_equal(X509_REVOKED_set_serialNumber(
                                         entry, X509_get_serialNumber(revoked->certificate)),
                                 1);
                time_put(time, HOUR((unsigned) since));
                assert_int_equal(X509_REVOKED_set_revocationDate(entry, time), 1);
                assert_int_equal(ASN1_ENUMERATED_set(why, reason), 1);
                if (reason >= 0)
                        assert_int_equal(
                                X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, why, 0, 0), 1);
                ASN1_ENUMERATED_free(why);
                assert_int_equal(X509_CRL_add0_revoked(list, entry), 1);
        }
        assert_true(X509_CRL_sign(list, by->key, EVP_sha256()) > 0);
        crl.size = i2d_X509_CRL(list, &crl.der);
        assert_true(crl.size > 0);
        X509_CRL_free(list);
        ASN1_TIME_free(time);
        return crl;
}

/* --- root, an issuer below it, and the signer ------------------------------------------------- */

typedef struct Pki {
        Owner root, issuer, signer, stranger;
        Bytes anchor, embedded;
        Crl lists[4];
        Bytes crls[4];
        VerifyList in_file;
        VerifyTrust trust;
        VerifyReport report;
} Pki;

static void pki_done(Pki *pki) {
        owner_done(&pki->root);
        owner_done(&pki->issuer);
        owner_done(&pki->signer);
        owner_done(&pki->stranger);
        for (size_t i = 0; i < 4; i++)
                OPENSSL_free(pki->lists[i].der);
}

#define _cleanup_pki_ __attribute__((cleanup(pki_done)))

#define SIGNS "critical,digitalSignature,nonRepudiation"

/* pki stays where it is, since its lists refer into it. */
static void pki_make(Pki *pki) {
        *pki = (Pki){ .root = owner_make(NULL, "Root", "", 0, 100) };
        pki->issuer = owner_make(&pki->root, "Issuer", "", 0, 100);
        pki->signer = owner_make(&pki->issuer, "Signer", SIGNS, 10, 20);
        pki->stranger = owner_make(NULL, "Root", "", 0, 100);
        pki->anchor = der_of(&pki->root);
        pki->embedded = der_of(&pki->issuer);
        pki->in_file = (VerifyList){ &pki->embedded, 1 };
        pki->trust = (VerifyTrust){ .anchors = { &pki->anchor, 1 },
                                    .crls = { pki->crls, 0 },
                                    .now = HOUR(15) };
}

/* Takes crl. */
static void crl_add(Pki *pki, Crl crl) {
        pki->lists[pki->trust.crls.count] = crl;
        pki->crls[pki->trust.crls.count++] = (Bytes){ crl.der, (size_t) crl.size };
}

/* Nobody is revoked, as their issuers say at hour 12 until 50. */
static void crls_add(Pki *pki) {
        crl_add(pki, crl_make(&pki->root, 12, 50, NULL, 0, 0));
        crl_add(pki, crl_make(&pki->issuer, 12, 50, NULL, 0, 0));
}

static void judge(Pki *pki, uint64_t at, uint64_t stamped, uint64_t claimed) {
        pki->trust.at = at;
        verify_report_begin(&pki->report, VERIFY_RAW);
        verify_check(&pki->report, CHECK_SIGNATURE_VALUE, CHECK_PASSED, "Good");
        verify_check(&pki->report, CHECK_SEAL_STATE, CHECK_PASSED, "Good");
        verify_time_choose(&pki->report, &pki->trust, stamped, claimed);
        assert_int_equal(verify_certificate(&pki->report, &pki->trust, der_of(&pki->signer),
                                            &pki->in_file, &verify_rows_signer),
                         0);
        assert_int_equal(ERR_peek_error(), 0);
}

/* Of chain, usage, validity and revocation: p(assed), a(bsent), n(ot checked), f(ailed). */
static void assert_rows(const Pki *pki, const char *expected) {
        static const char letters[CHECK_RESULT_MAX] = { '-', 'p', 'a', 'n', 'f' };
        const VerifyReport *r = &pki->report;
        const char rows[] = { letters[verify_result(r, CHECK_CERTIFICATE_CHAIN)],
                              letters[verify_result(r, CHECK_CERTIFICATE_USAGE)],
                              letters[verify_result(r, CHECK_CERTIFICATE_VALIDITY)],
                              letters[verify_result(r, CHECK_REVOCATION)], '\0' };

        assert_string_equal(rows, expected);
}

static void assert_says(const Pki *pki, CheckCode code, const char *words) {
        if (!strstr(pki->report.checks[code].text, words))
                assert_string_equal(pki->report.checks[code].text, words);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void a_good_certificate_passes_in_every_row(void **state) {
        _cleanup_pki_ Pki pki;

        (void) state;
        pki_make(&pki);
        crls_add(&pki);
        judge(&pki, HOUR(15), 0, 0);
        assert_rows(&pki, "pppp");
        assert_int_equal(verify_verdict(&pki.report), VERDICT_PASSED);
        assert_says(&pki, CHECK_REVOCATION, "was not revoked");

        /* The issuer's certificate may as well come from the command line. */
        pki.trust.intermediates = pki.in_file;
        pki.in_file.count = 0;
        judge(&pki, HOUR(15), 0, 0);
        assert_rows(&pki, "pppp");
}

static void each_row_fails_alone(void **state) {
        _cleanup_pki_ Pki pki;

        (void) state;
        pki_make(&pki);
        crls_add(&pki);
        judge(&pki, HOUR(21), 0, 0);
        assert_rows(&pki, "ppfp");
        judge(&pki, HOUR(9), 0, 0);
        assert_int_equal(verify_result(&pki.report, CHECK_CERTIFICATE_VALIDITY), CHECK_FAILED);

        /* Another root of the same name. */
        pki.anchor = der_of(&pki.stranger);
        judge(&pki, HOUR(15), 0, 0);
        assert_rows(&pki, "fppn");
        pki.anchor = der_of(&pki.root);

        owner_done(&pki.signer);
        pki.signer = owner_make(&pki.issuer, "Signer", "critical,keyEncipherment", 10, 20);
        judge(&pki, HOUR(15), 0, 0);
        assert_rows(&pki, "pfpp");

        crl_add(&pki, crl_make(&pki.issuer, 14, 50, &pki.signer, 13, 1));
        owner_done(&pki.signer);
        pki.signer = owner_make(&pki.issuer, "Signer", SIGNS, 10, 20);
        crl_add(&pki, crl_make(&pki.issuer, 14, 50, &pki.signer, 13, 1));
        judge(&pki, HOUR(15), 0, 0);
        assert_rows(&pki, "pppf");
        assert_says(&pki, CHECK_REVOCATION, "(keyCompromise)");
}

static void without_anchors_nothing_is_known_of_the_chain(void **state) {
        _cleanup_pki_ Pki pki;

        (void) state;
        pki_make(&pki);
        crls_add(&pki);
        pki.trust.anchors.count = 0;
        judge(&pki, HOUR(15), 0, 0);
        assert_int_equal(verify_result(&pki.report, CHECK_CERTIFICATE_CHAIN), CHECK_NOT_CHECKED);
        assert_int_equal(verify_result(&pki.report, CHECK_REVOCATION), CHECK_NOT_CHECKED);
        assert_int_equal(verify_verdict(&pki.report), VERDICT_INCOMPLETE);
}

static void without_lists_revocation_is_not_checked(void **state) {
        _cleanup_pki_ Pki pki;

        (void) state;
        pki_make(&pki);
        judge(&pki, HOUR(15), 0, 0);
        assert_rows(&pki, "pppn");
        assert_int_equal(verify_verdict(&pki.report), VERDICT_INCOMPLETE);
        /* The signer's alone leave its issuer open, and a stranger's of that name say nothing. */
        crl_add(&pki, crl_make(&pki.issuer, 12, 50, NULL, 0, 0));
        judge(&pki, HOUR(15), 0, 0);
        assert_rows(&pki, "pppn");
        assert_says(&pki, CHECK_REVOCATION, "CN=Issuer");
        crl_add(&pki, crl_make(&pki.stranger, 12, 50, NULL, 0, 0));
        judge(&pki, HOUR(15), 0, 0);
        assert_rows(&pki, "pppn");
        crl_add(&pki, crl_make(&pki.root, 12, 50, NULL, 0, 0));
        judge(&pki, HOUR(15), 0, 0);
        assert_rows(&pki, "pppp");
}

static void an_issuer_that_was_revoked_counts(void **state) {
        _cleanup_pki_ Pki pki;

        (void) state;
        pki_make(&pki);
        crl_add(&pki, crl_make(&pki.issuer, 12, 50, NULL, 0, 0));
        crl_add(&pki, crl_make(&pki.root, 12, 50, &pki.issuer, 11, 2));
        judge(&pki, HOUR(15), 0, 0);
        assert_rows(&pki, "pppf");
        assert_says(&pki, CHECK_REVOCATION, "CN=Issuer was revoked at");
}

static void a_hold_is_told_as_what_it_is(void **state) {
        _cleanup_pki_ Pki pki;

        (void) state;
        pki_make(&pki);
        crl_add(&pki, crl_make(&pki.root, 12, 50, NULL, 0, 0));
        crl_add(&pki, crl_make(&pki.issuer, 12, 50, &pki.signer, 11, 6));
        judge(&pki, HOUR(15), 0, 0);
        assert_rows(&pki, "pppf");
        assert_says(&pki, CHECK_REVOCATION, "was put on hold at");
}

static void an_anchor_itself_is_asked_of_nobody(void **state) {
        _cleanup_pki_ Pki pki;

        (void) state;
        pki_make(&pki);
        pki.anchor = der_of(&pki.signer);
        judge(&pki, HOUR(15), 0, 0);
        assert_rows(&pki, "pppa");
        assert_int_equal(verify_verdict(&pki.report), VERDICT_PASSED);
}

/* Signed at 14, revoked at 16; now it is 17. */
static void a_later_revocation_is_judged_by_what_proves_the_time(void **state) {
        _cleanup_pki_ Pki pki;

        (void) state;
        pki_make(&pki);
        crl_add(&pki, crl_make(&pki.root, 12, 50, NULL, 0, 0));
        crl_add(&pki, crl_make(&pki.issuer, 17, 50, &pki.signer, 16, 4));
        pki.trust.now = HOUR(17);

        judge(&pki, 0, 0, HOUR(14));
        assert_rows(&pki, "pppn");
        assert_says(&pki, CHECK_REVOCATION, "no time stamp proves");
        judge(&pki, 0, HOUR(14), HOUR(14));
        assert_rows(&pki, "pppp");
        assert_says(&pki, CHECK_REVOCATION, "was revoked later");
        assert_says(&pki, CHECK_REVOCATION, "(superseded)");
        judge(&pki, HOUR(14), 0, HOUR(16));
        assert_rows(&pki, "pppp");
        judge(&pki, 0, 0, 0);
        assert_rows(&pki, "pppf");
        judge(&pki, 0, 0, HOUR(16));
        assert_rows(&pki, "pppf");
}

/* A list that was good when it is said to have been signed does not tell what came since. */
static void a_claimed_time_needs_lists_of_today(void **state) {
        _cleanup_pki_ Pki pki;

        (void) state;
        pki_make(&pki);
        crl_add(&pki, crl_make(&pki.root, 12, 50, NULL, 0, 0));
        crl_add(&pki, crl_make(&pki.issuer, 12, 16, NULL, 0, 0));
        pki.trust.now = HOUR(18);
        judge(&pki, 0, 0, HOUR(14));
        assert_rows(&pki, "pppn");
        judge(&pki, 0, HOUR(14), 0);
        assert_rows(&pki, "pppp");
        pki.trust.now = HOUR(15);
        judge(&pki, 0, 0, HOUR(14));
        assert_rows(&pki, "pppp");
}

static void what_is_no_certificate_fails_and_says_so(void **state) {
        _cleanup_pki_ Pki pki;

        (void) state;
        pki_make(&pki);
        verify_report_begin(&pki.report, VERIFY_RAW);
        verify_time_choose(&pki.report, &pki.trust, 0, 0);
        assert_int_equal(verify_certificate(&pki.report, &pki.trust,
                                            (Bytes){ (const uint8_t *) "\x30\x00", 2 }, NULL,
                                            &verify_rows_signer),
                         0);
        assert_rows(&pki, "fnnn");
        assert_says(&pki, CHECK_CERTIFICATE_CHAIN, "cannot be read");
        /* Nor does it hurt among those of the file or of the trust. */
        pki.embedded = (Bytes){ (const uint8_t *) "", 0 };
        judge(&pki, HOUR(15), 0, 0);
        assert_rows(&pki, "fppn");
}

static void the_makers_rows_are_his(void **state) {
        _cleanup_pki_ Pki pki;

        (void) state;
        pki_make(&pki);
        verify_report_begin(&pki.report, VERIFY_SEAL);
        verify_time_choose(&pki.report, &pki.trust, HOUR(21), 0);
        assert_int_equal(verify_certificate(&pki.report, &pki.trust, der_of(&pki.signer),
                                            &pki.in_file, &verify_rows_maker),
                         0);
        assert_int_equal(verify_result(&pki.report, CHECK_SEAL_MAKER_CHAIN), CHECK_PASSED);
        /* An end entity's, as that of every seal. */
        assert_int_equal(verify_result(&pki.report, CHECK_SEAL_MAKER_USAGE), CHECK_NOT_CHECKED);
        assert_int_equal(verify_result(&pki.report, CHECK_SEAL_MAKER_VALIDITY), CHECK_FAILED);
        assert_int_equal(verify_result(&pki.report, CHECK_SEAL_MAKER_REVOCATION),
                         CHECK_NOT_CHECKED);
        assert_int_equal(verify_result(&pki.report, CHECK_CERTIFICATE_CHAIN), CHECK_NOT_APPLICABLE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_good_certificate_passes_in_every_row),
                cmocka_unit_test(each_row_fails_alone),
                cmocka_unit_test(without_anchors_nothing_is_known_of_the_chain),
                cmocka_unit_test(without_lists_revocation_is_not_checked),
                cmocka_unit_test(an_issuer_that_was_revoked_counts),
                cmocka_unit_test(a_hold_is_told_as_what_it_is),
                cmocka_unit_test(an_anchor_itself_is_asked_of_nobody),
                cmocka_unit_test(a_later_revocation_is_judged_by_what_proves_the_time),
                cmocka_unit_test(a_claimed_time_needs_lists_of_today),
                cmocka_unit_test(what_is_no_certificate_fails_and_says_so),
                cmocka_unit_test(the_makers_rows_are_his),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
