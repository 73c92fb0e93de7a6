/* SPDX-License-Identifier: Apache-2.0 */
#include "format/x509-certificate.h"

#include <stdlib.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "format/x509-read.h"
#include "policy/openssl.h"
#include "tests/fixture/command.h"
#include "tests/fixture/signer.h"
#include "tests/unit/unit.h"

#define DISTID "-vfyopt distid:1234567812345678"

/* Makers and their seals: what signs, and whose key is certified. */
static const struct {
        const char *maker, *seal, *options;
} pairs[] = {
        { "ecdsa-sha256", "ecdsa-sha256", "" },   { "ecdsa-sha256", "ecdsa-sha384", "" },
        { "ecdsa-sha384", "ecdsa-sha256", "" },   { "ecdsa-sha256", "rsassa-sha256", "" },
        { "rsassa-sha256", "rsassa-sha256", "" }, { "rsapss-sha256", "rsapss-sha256", "" },
        { "sm2-sm3", "sm2-sm3", DISTID },         { "ecdsa-sha256", "sm2-sm3", "" },
};

#define PAIR_COUNT (sizeof(pairs) / sizeof(pairs[0]))

typedef struct Pair {
        Signer maker, seal;
} Pair;

static Pair made[PAIR_COUNT];

static int pairs_make(void **state) {
        (void) state;
        for (size_t i = 0; i < PAIR_COUNT; i++) {
                signer_make(&made[i].maker, pairs[i].maker, "Seal maker");
                signer_certify(&made[i].maker, NULL, X509_USE_MAKER);
                signer_make(&made[i].seal, pairs[i].seal, "33010000000001");
                signer_certify(&made[i].seal, &made[i].maker, X509_USE_SEAL);
        }
        return 0;
}

static int pairs_done(void **state) {
        (void) state;
        for (size_t i = 0; i < PAIR_COUNT; i++) {
                signer_done(&made[i].maker);
                signer_done(&made[i].seal);
        }
        return 0;
}

static X509 *read_back(Bytes der) {
        X509 *certificate = NULL;

        assert_int_equal(x509_read(der, &certificate, NULL), 0);
        return certificate;
}

/* --- what openssl says ------------------------------------------------------------------------ */

static void put_pem(const Workshop *workshop, const char *name, Bytes der) {
        _cleanup_(X509_freep) X509 *certificate = read_back(der);
        _cleanup_(BIO_freep) BIO *out = BIO_new(BIO_s_mem());
        char *data;

        assert_int_equal(PEM_write_bio_X509(out, certificate), 1);
        long size = BIO_get_mem_data(out, &data);
        workshop_put(workshop, name, (Bytes){ (uint8_t *) data, (size_t) size });
}

static void openssl_verifies_strictly(void **state) {
        Workshop workshop;

        (void) state;
        workshop_open(&workshop);
        for (size_t i = 0; i < PAIR_COUNT; i++) {
                put_pem(&workshop, "maker.pem", signer_certificate(&made[i].maker));
                put_pem(&workshop, "seal.pem", signer_certificate(&made[i].seal));
                workshop_demand(&workshop,
                                "openssl verify -x509_strict %s -attime %llu %s"
                                " -CAfile maker.pem maker.pem seal.pem",
                                *pairs[i].options ? "" : "-check_ss_sig",
                                SIGNER_TIME / USEC_PER_SEC, pairs[i].options);
                assert_non_null(strstr(workshop.output, "seal.pem: OK"));
        }
        workshop_close(&workshop);
}

/* `openssl verify` has no identity for those that it trusts: their own signature, then, by hand. */
static void openssl_verifies_an_sm2_makers_own_signature(void **state) {
        Workshop workshop;

        (void) state;
        workshop_open(&workshop);
        for (size_t i = 0; i < PAIR_COUNT; i++)
                if (strcmp(pairs[i].maker, "sm2-sm3") == 0)
                        put_pem(&workshop, "maker.pem", signer_certificate(&made[i].maker));
        workshop_demand(&workshop,
                        "openssl asn1parse -in maker.pem -strparse 4 -noout -out tbs &&"
                        " at=$(openssl asn1parse -in maker.pem | tail -n1 | cut -d: -f1) &&"
                        " openssl asn1parse -in maker.pem -strparse $at -noout -out signature &&"
                        " openssl x509 -in maker.pem -noout -pubkey >key &&"
                        " openssl dgst -sm3 -sigopt distid:1234567812345678 -verify key"
                        " -signature signature tbs");
        workshop_close(&workshop);
}

static void openssl_refuses_a_stranger(void **state) {
        Workshop workshop;
        Signer stranger;

        (void) state;
        signer_make(&stranger, "ecdsa-sha256", "Seal maker");
        signer_certify(&stranger, NULL, X509_USE_MAKER);
        workshop_open(&workshop);
        put_pem(&workshop, "maker.pem", signer_certificate(&stranger));
        put_pem(&workshop, "seal.pem", signer_certificate(&made[0].seal));
        assert_false(workshop_run(&workshop,
                                  "openssl verify -attime %llu -CAfile maker.pem seal.pem",
                                  SIGNER_TIME / USEC_PER_SEC));
        workshop_close(&workshop);
        signer_done(&stranger);
}

static void text_of(Workshop *workshop, Bytes der) {
        workshop_put(workshop, "certificate", der);
        workshop_demand(workshop, "openssl x509 -inform DER -in certificate -noout -text");
}

static void assert_says(const Workshop *workshop, const char *words) {
        if (!strstr(workshop->output, words))
                fail_msg("'%s' is not in: %s", words, workshop->output);
}

static void assert_silent(const Workshop *workshop, const char *words) {
        if (strstr(workshop->output, words))
                fail_msg("'%s' is in: %s", words, workshop->output);
}

static void a_seals_certificate_says_what_the_key_is_for(void **state) {
        Workshop workshop;

        (void) state;
        workshop_open(&workshop);
        text_of(&workshop, signer_certificate(&made[0].seal));
        assert_says(&workshop, "Version: 3");
        assert_says(&workshop, "Basic Constraints: critical\n                CA:FALSE");
        assert_says(&workshop,
                    "Key Usage: critical\n                Digital Signature, Non Repudiation\n");
        assert_says(&workshop, "Subject: C = DE, O = Muster GmbH, organizationIdentifier = "
                               "NTRDE-HRB1234, CN = 33010000000001");
        assert_says(&workshop, "Issuer: C = DE, O = Muster GmbH, organizationIdentifier = "
                               "NTRDE-HRB1234, CN = Seal maker");
        assert_says(&workshop, "Subject Key Identifier");
        assert_says(&workshop, "Authority Key Identifier");
        assert_silent(&workshop, "CRL Distribution");
        assert_silent(&workshop, "qcStatements");
        workshop_close(&workshop);
}

static void a_makers_certificate_is_a_cas_of_seals_only(void **state) {
        Workshop workshop;

        (void) state;
        workshop_open(&workshop);
        text_of(&workshop, signer_certificate(&made[0].maker));
        assert_says(&workshop, "Basic Constraints: critical\n                CA:TRUE, pathlen:0");
        assert_says(&workshop, "Key Usage: critical\n                Digital Signature, "
                               "Certificate Sign, CRL Sign\n");
        workshop_close(&workshop);
}

/* --- what is asked for ------------------------------------------------------------------------ */

static void lists_and_statements_are_named_where_asked_for(void **state) {
        static const char *const urls[] = { "http://example.org/a.crl", "ldap://example.org/b" };
        Signer *seal = &made[0].seal;
        _cleanup_free_ uint8_t *subject = NULL;
        X509CertificateFacts facts = signer_facts(seal, &made[0].maker, X509_USE_SEAL, &subject);
        Workshop workshop;

        (void) state;
        facts.crl_urls = urls;
        facts.crl_url_count = 2;
        facts.eseal = true;
        signer_issue(seal, &made[0].maker, &facts);
        workshop_open(&workshop);
        text_of(&workshop, signer_certificate(seal));
        assert_says(&workshop, "URI:http://example.org/a.crl");
        assert_says(&workshop, "URI:ldap://example.org/b");
        assert_says(&workshop, "qcStatements");
        put_pem(&workshop, "maker.pem", signer_certificate(&made[0].maker));
        put_pem(&workshop, "seal.pem", signer_certificate(seal));
        workshop_demand(&workshop,
                        "openssl verify -x509_strict -attime %llu -CAfile maker.pem seal.pem",
                        SIGNER_TIME / USEC_PER_SEC);
        /* EN 319 412-5: QcType with eSeal; neither compliance (.1.1) nor a device (.1.4). */
        workshop_demand(&workshop, "at=$(openssl asn1parse -in seal.pem |"
                                   " sed -n '/qcStatements/{n;s/ *\\([0-9]*\\):.*/\\1/p}') &&"
                                   " openssl asn1parse -in seal.pem -strparse $at");
        assert_says(&workshop, "OBJECT            :0.4.0.1862.1.6\n");
        assert_says(&workshop, "OBJECT            :0.4.0.1862.1.6.2\n");
        assert_silent(&workshop, "0.4.0.1862.1.1");
        assert_silent(&workshop, "0.4.0.1862.1.4");
        workshop_close(&workshop);
        signer_certify(seal, &made[0].maker, X509_USE_SEAL);
}

static void times_have_two_digits_of_the_year_until_2049(void **state) {
        static const struct {
                uint64_t not_after;
                const char *text;
                int type;
        } cases[] = {
                { 2524607999999999ULL, "491231235959Z", V_ASN1_UTCTIME },
                { 2524608000000000ULL, "20500101000000Z", V_ASN1_GENERALIZEDTIME },
                { 253402300799000000ULL, "99991231235959Z", V_ASN1_GENERALIZEDTIME },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                _cleanup_free_ uint8_t *subject = NULL;
                X509CertificateFacts facts = signer_facts(&made[0].seal, &made[0].maker,
                                                          X509_USE_SEAL, &subject);

                facts.not_before = 1;
                facts.not_after = cases[i].not_after;
                signer_issue(&made[0].seal, &made[0].maker, &facts);
                _cleanup_(X509_freep) X509 *x = read_back(signer_certificate(&made[0].seal));
                const ASN1_TIME *before = X509_get0_notBefore(x), *after = X509_get0_notAfter(x);
                assert_int_equal(ASN1_STRING_type(after), cases[i].type);
                assert_string_equal((const char *) ASN1_STRING_get0_data(after), cases[i].text);
                assert_string_equal((const char *) ASN1_STRING_get0_data(before), "700101000000Z");
                uint64_t usec = 0;
                assert_true(x509_time_read(after, &usec));
                assert_int_equal(usec, cases[i].not_after / USEC_PER_SEC * USEC_PER_SEC);
        }
        signer_certify(&made[0].seal, &made[0].maker, X509_USE_SEAL);
}

static void serials_are_positive_whole_and_never_the_same(void **state) {
        uint8_t serials[64][X509_SERIAL_SIZE];

        (void) state;
        for (size_t i = 0; i < 64; i++) {
                assert_int_equal(x509_serial_make(serials[i]), 0);
                assert_in_range(serials[i][0], 0x40, 0x7f);
                for (size_t j = 0; j < i; j++)
                        assert_memory_not_equal(serials[i], serials[j], X509_SERIAL_SIZE);
        }
        _cleanup_free_ uint8_t *subject = NULL;
        X509CertificateFacts facts = signer_facts(&made[0].seal, &made[0].maker, X509_USE_SEAL,
                                                  &subject);
        signer_issue(&made[0].seal, &made[0].maker, &facts);
        _cleanup_(X509_freep) X509 *x = read_back(signer_certificate(&made[0].seal));
        const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
        assert_int_equal(ASN1_STRING_length(serial), X509_SERIAL_SIZE);
        assert_memory_equal(ASN1_STRING_get0_data(serial), facts.serial, X509_SERIAL_SIZE);
}

/* An authority outside may name our maker's key in its own way. */
static void the_issuers_own_key_identifier_is_used(void **state) {
        Signer maker, seal;
        Workshop workshop;
        _cleanup_free_ unsigned char *pkcs8 = NULL;

        (void) state;
        signer_make(&maker, "ecdsa-sha256", "Seal maker");
        signer_make(&seal, "ecdsa-sha256", "33010000000001");
        workshop_open(&workshop);
        int size = i2d_PrivateKey(maker.key, &pkcs8);
        workshop_put(&workshop, "key", (Bytes){ pkcs8, (size_t) size });
        workshop_demand(&workshop,
                        "openssl req -x509 -new -keyform DER -key key -subj /CN=Outside"
                        " -addext subjectKeyIdentifier=00112233 -outform DER -out certificate");
        char path[64];
        uint8_t bytes[2048];
        (void) snprintf(path, sizeof(path), "%s/certificate", workshop.folder);
        _cleanup_fclose_ FILE *in = fopen(path, "re");
        maker.certificate_size = fread(bytes, 1, sizeof(bytes), in);
        maker.certificate = malloc(maker.certificate_size);
        memcpy(maker.certificate, bytes, maker.certificate_size);
        signer_certify(&seal, &maker, X509_USE_SEAL);
        _cleanup_(X509_freep) X509 *x = read_back(signer_certificate(&seal));
        const ASN1_OCTET_STRING *id = X509_get0_authority_key_id(x);
        unit_assert_hex(ASN1_STRING_get0_data(id), (size_t) ASN1_STRING_length(id), "00112233");
        workshop_close(&workshop);
        signer_done(&maker);
        signer_done(&seal);
}

static void facts_that_make_no_certificate_are_refused(void **state) {
        static const char *const bad_urls[][CRL_URLS_MAX + 1] = {
                { "" }, { "example" }, { "http://a b" }, { "http://\xc3\xa4" }, { "http://a\n" },
        };
        static const char *const many[] = { "a:a", "a:b", "a:c", "a:d", "a:e" };
        _cleanup_free_ uint8_t *subject = NULL;
        const X509CertificateFacts good = signer_facts(&made[0].seal, &made[0].maker, X509_USE_SEAL,
                                                       &subject);
        X509CertificateFacts bad[12];
        size_t count = 0;

        (void) state;
        for (size_t i = 0; i < sizeof(bad_urls) / sizeof(bad_urls[0]); i++) {
                bad[count] = good;
                bad[count].crl_urls = bad_urls[i];
                bad[count++].crl_url_count = 1;
        }
        bad[count] = good;
        bad[count].crl_urls = many;
        bad[count++].crl_url_count = 5;
        bad[count] = good;
        bad[count++].not_after = good.not_before - 1;
        bad[count] = good;
        bad[count++].subject.size--;
        bad[count] = good;
        bad[count++].issuer.size--;
        bad[count] = good;
        memset(bad[count++].serial, 0, X509_SERIAL_SIZE);
        bad[count] = good;
        bad[count++].use = X509_USE_TIMESTAMP;
        for (size_t i = 0; i < count; i++) {
                uint8_t *der = NULL;
                size_t size = 0;

                assert_int_equal(x509_certificate_prepare(&bad[i], &der, &size, NULL),
                                 SEAL_E_INVALID_ARGS);
                assert_null(der);
        }
}

/* --- what is refused -------------------------------------------------------------------------- */

static int judge(Bytes der, const X509 *issuer) {
        _cleanup_(X509_freep) X509 *certificate = NULL;

        int r = x509_read(der, &certificate, NULL);
        return r == 0 ? x509_verify_by(certificate, issuer) : r;
}

static void every_changed_byte_is_refused(void **state) {
        (void) state;
        for (size_t i = 0; i < PAIR_COUNT; i++) {
                _cleanup_(X509_freep) X509 *issuer = read_back(signer_certificate(&made[i].maker));
                uint8_t *der = made[i].seal.certificate;
                const Bytes bytes = signer_certificate(&made[i].seal);

                assert_int_equal(judge(bytes, issuer), 0);
                for (size_t at = 0; at < bytes.size; at++)
                        for (unsigned change = 0; change < 3; change++) {
                                const uint8_t was = der[at];

                                der[at] ^= (uint8_t) (change == 0   ? 1U << (at % 8)
                                                      : change == 1 ? 0x80
                                                                    : 0x21);
                                int r = judge(bytes, issuer);
                                if (r != SEAL_E_INVALID_ARGS && r != SEAL_E_APPROVAL_INVALID)
                                        fail_msg("%s by %s: byte %zu may be %02x: %d",
                                                 pairs[i].seal, pairs[i].maker, at, der[at], r);
                                der[at] = was;
                        }
        }
}

static void every_cut_and_every_addition_is_refused(void **state) {
        const Bytes bytes = signer_certificate(&made[0].seal);
        uint8_t longer[CERTIFICATE_MAX + 1] = {};
        X509 *ret = NULL;

        (void) state;
        for (size_t size = 0; size < bytes.size; size++)
                assert_int_equal(x509_read((Bytes){ bytes.data, size }, &ret, NULL),
                                 SEAL_E_INVALID_ARGS);
        memcpy(longer, bytes.data, bytes.size);
        assert_int_equal(x509_read((Bytes){ longer, bytes.size + 1 }, &ret, NULL),
                         SEAL_E_INVALID_ARGS);
        assert_int_equal(x509_read((Bytes){ longer, sizeof(longer) }, &ret, NULL),
                         SEAL_E_LIMITS_EXCEEDED);
        /* BER: the length of two bytes in three. */
        assert_int_equal(longer[1], 0x82);
        static const uint8_t in_three[] = { 0x30, 0x83, 0x00 };
        memcpy(longer, in_three, sizeof(in_three));
        memcpy(longer + 3, bytes.data + 2, bytes.size - 2);
        assert_int_equal(x509_read((Bytes){ longer, bytes.size + 1 }, &ret, NULL),
                         SEAL_E_INVALID_ARGS);
        assert_null(ret);
}

/* Elsewhere odd spellings are told; in a certificate other programs would not take them. */
static void a_signature_has_to_be_der(void **state) {
        const Signer *maker = &made[0].maker;
        _cleanup_free_ uint8_t *subject = NULL, *tbs = NULL, *der = NULL;
        const X509CertificateFacts facts = signer_facts(&made[0].seal, maker, X509_USE_SEAL,
                                                        &subject);
        _cleanup_(X509_freep) X509 *issuer = read_back(signer_certificate(maker));
        uint8_t signature[SIGNATURE_MAX], raw[64];
        size_t tbs_size = 0, size = 0;

        (void) state;
        assert_int_equal(x509_certificate_prepare(&facts, &tbs, &tbs_size, NULL), 0);
        const unsigned char *at = signature;
        size = signer_sign(maker, (Bytes){ tbs, tbs_size }, signature);
        _cleanup_(ECDSA_SIG_freep) ECDSA_SIG *scalars = d2i_ECDSA_SIG(NULL, &at, (long) size);
        assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(scalars), raw, 32), 32);
        assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(scalars), raw + 32, 32), 32);
        assert_int_equal(signature_value_verify(maker->algorithm, maker->key,
                                                (Bytes){ tbs, tbs_size },
                                                (Bytes){ raw, sizeof(raw) }, NULL),
                         0);
        assert_int_equal(x509_finish((Bytes){ tbs, tbs_size }, maker->algorithm,
                                     (Bytes){ raw, sizeof(raw) }, &der, &size),
                         0);
        assert_int_equal(judge((Bytes){ der, size }, issuer), SEAL_E_APPROVAL_INVALID);
}

/* Signed anew by the right key, but with another algorithm outside than inside. */
static void algorithms_inside_and_outside_are_the_same(void **state) {
        Signer *maker = &made[0].maker;
        _cleanup_free_ uint8_t *subject = NULL, *tbs = NULL, *der = NULL;
        X509CertificateFacts facts = signer_facts(&made[0].seal, maker, X509_USE_SEAL, &subject);
        _cleanup_(X509_freep) X509 *issuer = read_back(signer_certificate(maker));
        const SignatureAlgorithm *sha256 = maker->algorithm;
        size_t tbs_size = 0, size = 0;

        (void) state;
        assert_int_equal(x509_certificate_prepare(&facts, &tbs, &tbs_size, NULL), 0);
        maker->algorithm = signature_algorithm_for(maker->key, "sha384", NULL);
        der = signer_finish(maker, (Bytes){ tbs, tbs_size }, &size);
        maker->algorithm = sha256;
        assert_int_equal(judge((Bytes){ der, size }, issuer), SEAL_E_APPROVAL_INVALID);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(openssl_verifies_strictly),
                cmocka_unit_test(openssl_verifies_an_sm2_makers_own_signature),
                cmocka_unit_test(openssl_refuses_a_stranger),
                cmocka_unit_test(a_seals_certificate_says_what_the_key_is_for),
                cmocka_unit_test(a_makers_certificate_is_a_cas_of_seals_only),
                cmocka_unit_test(lists_and_statements_are_named_where_asked_for),
                cmocka_unit_test(times_have_two_digits_of_the_year_until_2049),
                cmocka_unit_test(serials_are_positive_whole_and_never_the_same),
                cmocka_unit_test(the_issuers_own_key_identifier_is_used),
                cmocka_unit_test(facts_that_make_no_certificate_are_refused),
                cmocka_unit_test(every_changed_byte_is_refused),
                cmocka_unit_test(every_cut_and_every_addition_is_refused),
                cmocka_unit_test(a_signature_has_to_be_der),
                cmocka_unit_test(algorithms_inside_and_outside_are_the_same),
        };

        return cmocka_run_group_tests(tests, pairs_make, pairs_done);
}
