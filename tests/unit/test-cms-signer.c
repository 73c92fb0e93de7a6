/* SPDX-License-Identifier: Apache-2.0 */
/* How a signature names its signer and his certificate. */
#include <stdlib.h>

#include "base/clock.h"
#include "format/cms-attributes.h"
#include "format/x509-signed.h"
#include "tests/fixture/cms-change.h"
#include "tests/fixture/cms-report.h"
#include "tests/unit/unit.h"

static void no_certificates(CmsInfo *info) {
        sk_ASN1_TYPE_pop_free(info->data->certificates, ASN1_TYPE_free);
        info->data->certificates = NULL;
}

static void a_certificate_that_is_not_in_the_file_may_be_given(void **state) {
        VerifyReport report;
        MadeCms made;

        (void) state;
        made_cms_make(&made, "ecdsa-sha256", CMS_PROFILE_CADES);
        made_cms_change_info(&made, no_certificates);
        made_cms_verify(&made, &report);
        report_assert(&report,
                      EXPECTED(NOT_CHECKED(SIGNATURE_VALUE), NOT_CHECKED(SIGNING_CERTIFICATE),
                               NOT_CHECKED(CERTIFICATE_CHAIN), NOT_CHECKED(CERTIFICATE_USAGE),
                               NOT_CHECKED(CERTIFICATE_VALIDITY), NOT_CHECKED(REVOCATION)));
        made.trust.intermediates = (VerifyList){ made.certificates, 1 };
        made_cms_verify(&made, &report);
        report_assert(&report, ALL_GOOD);
        made_cms_done(&made);
}

/*
 * The same name, serial number and key, and another certificate: that is what the attribute is for.
 */
static void another_certificate_of_the_same_key_is_refused(void **state) {
        uint8_t *subject = NULL, *before = NULL;
        VerifyReport report;
        Bytes others[1];
        MadeCms made;

        (void) state;
        made_cms_make(&made, "ecdsa-sha256", CMS_PROFILE_CADES);
        X509CertificateFacts facts = signer_facts(&made.signer, &made.root, X509_USE_SEAL,
                                                  &subject);
        const size_t before_size = made.signer.certificate_size;
        before = malloc(before_size);
        assert_non_null(before);
        memcpy(before, made.signer.certificate, before_size);
        const unsigned char *at = before;
        X509 *x509 = d2i_X509(NULL, &at, (long) before_size);
        memcpy(facts.serial, ASN1_STRING_get0_data(X509_get0_serialNumber(x509)),
               sizeof(facts.serial));
        X509_free(x509);
        facts.not_after += USEC_PER_DAY;
        signer_issue(&made.signer, &made.root, &facts);
        made.certificates[0] = signer_certificate(&made.signer);
        made_cms_finish(&made); /* with attributes of the first one */
        made_cms_verify(&made, &report);
        report_assert(&report, EXPECTED(FAILED(SIGNING_CERTIFICATE)));
        /* Where both are at hand, it is the one that was meant. */
        others[0] = (Bytes){ before, before_size };
        made.trust.intermediates = (VerifyList){ others, 1 };
        made_cms_verify(&made, &report);
        report_assert(&report, ALL_GOOD);
        free(before);
        free(subject);
        made_cms_done(&made);
}

static void no_signing_certificate(CmsAttributes *attributes) {
        made_attribute_drop(attributes, NID_id_smime_aa_signingCertificateV2);
}

static void two_signing_certificates(CmsAttributes *attributes) {
        made_attribute_double(attributes, NID_id_smime_aa_signingCertificateV2);
}

/* Replace the attribute by one of what change makes of it. */
static void signing_certificate_change(CmsAttributes *attributes, int nid,
                                       void (*change)(CmsCertificateId *id)) {
        CmsSigningCertificate *value = cms_attribute_signing_certificate(attributes, false);
        uint8_t *der = NULL;
        size_t size = 0;

        assert_non_null(value);
        change(sk_CmsCertificateId_value(value->certificates, 0));
        assert_int_equal(x509_encode(value, CmsSigningCertificate_it(), &der, &size), 0);
        CmsSigningCertificate_free(value);
        made_attribute_drop(attributes, NID_id_smime_aa_signingCertificateV2);
        assert_int_equal(cms_attribute_add(attributes, nid, V_ASN1_SEQUENCE, der, (int) size), 0);
        free(der);
}

static void keep(CmsCertificateId *id) {
        (void) id;
}

static void name_sha1(CmsCertificateId *id) {
        id->hash_algorithm = X509_ALGOR_new();
        assert_int_equal(
                X509_ALGOR_set0(id->hash_algorithm, OBJ_nid2obj(NID_sha1), V_ASN1_UNDEF, NULL), 1);
}

static void lying_issuer(CmsCertificateId *id) {
        GENERAL_NAME *name = GENERAL_NAME_new();

        name->type = GEN_DIRNAME;
        name->d.directoryName = X509_NAME_new();
        id->issuer_serial = CmsIssuerSerial_new();
        assert_true(sk_GENERAL_NAME_push(id->issuer_serial->issuer, name) > 0);
        assert_int_equal(ASN1_INTEGER_set(id->issuer_serial->serial, 5), 1);
}

static void version_one(CmsAttributes *attributes) {
        signing_certificate_change(attributes, NID_id_smime_aa_signingCertificate, keep);
}

static void by_sha1(CmsAttributes *attributes) {
        signing_certificate_change(attributes, NID_id_smime_aa_signingCertificateV2, name_sha1);
}

static void lie(CmsAttributes *attributes) {
        signing_certificate_change(attributes, NID_id_smime_aa_signingCertificateV2, lying_issuer);
}

static void both_versions(CmsAttributes *attributes) {
        X509_ATTRIBUTE *copy = X509_ATTRIBUTE_dup(sk_X509_ATTRIBUTE_value(
                attributes,
                X509at_get_attr_by_NID(attributes, NID_id_smime_aa_signingCertificateV2, -1)));

        assert_int_equal(
                X509_ATTRIBUTE_set1_object(copy, OBJ_nid2obj(NID_id_smime_aa_signingCertificate)),
                1);
        assert_true(sk_X509_ATTRIBUTE_push(attributes, copy) > 0);
}

static void the_certificate_is_named_once_and_well(void **state) {
        const struct {
                CmsAttributesChange change;
                const char *text;
        } cases[] = {
                { no_signing_certificate,
                  "It has not exactly one attribute signing-certificate-v2" },
                { two_signing_certificates,
                  "It has not exactly one attribute signing-certificate-v2" },
                { version_one, "It has not exactly one attribute signing-certificate-v2" },
                { both_versions,
                  "It names its certificate by SHA-1 as well (signing-certificate)" },
                { by_sha1, "It names its certificate by a hash that is not accepted" },
                { lie, "It names its certificate with another's issuer or serial number" },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                VerifyReport report;
                MadeCms made;

                made_cms_make(&made, "ecdsa-sha256", CMS_PROFILE_CADES);
                made_cms_change_attributes(&made, cases[i].change);
                made_cms_verify(&made, &report);
                report_assert(&report, EXPECTED(FAILED(SIGNING_CERTIFICATE)));
                assert_string_equal(report.checks[CHECK_SIGNING_CERTIFICATE].text, cases[i].text);
                made_cms_done(&made);
        }
}

static MadeCms *present; /* for changes that need its certificate */

static X509 *present_x509(void) {
        const unsigned char *at = present->certificates[0].data;

        X509 *x509 = d2i_X509(NULL, &at, (long) present->certificates[0].size);
        assert_non_null(x509);
        return x509;
}

static void true_issuer(CmsCertificateId *id) {
        GENERAL_NAME *name = GENERAL_NAME_new();
        X509 *x509 = present_x509();

        name->type = GEN_DIRNAME;
        name->d.directoryName = X509_NAME_dup(X509_get_issuer_name(x509));
        id->issuer_serial = CmsIssuerSerial_new();
        assert_true(sk_GENERAL_NAME_push(id->issuer_serial->issuer, name) > 0);
        assert_int_equal(ASN1_STRING_copy(id->issuer_serial->serial, X509_get0_serialNumber(x509)),
                         1);
        X509_free(x509);
}

static void with_issuer(CmsAttributes *attributes) {
        signing_certificate_change(attributes, NID_id_smime_aa_signingCertificateV2, true_issuer);
}

static void signer_by_key(CmsInfo *info) {
        CmsSignerInfo *signer = made_cms_signer(info);
        X509 *x509 = present_x509();

        CmsIssuerAndSerial_free(signer->id->value.issuer);
        signer->id->type = CMS_ID_KEY;
        signer->id->value.key = ASN1_OCTET_STRING_dup(X509_get0_subject_key_id(x509));
        assert_int_equal(ASN1_INTEGER_set(signer->version, 3), 1);
        assert_int_equal(ASN1_INTEGER_set(info->data->version, 3), 1);
        X509_free(x509);
}

/* What others write and we do not. */
static void other_ways_to_name_the_signer_pass(void **state) {
        VerifyReport report;
        MadeCms made;

        (void) state;
        present = &made;
        made_cms_make(&made, "ecdsa-sha256", CMS_PROFILE_CADES);
        made_cms_change_attributes(&made, with_issuer);
        made_cms_verify(&made, &report);
        report_assert(&report, ALL_GOOD);
        made_cms_change_info(&made, signer_by_key);
        made_cms_verify(&made, &report);
        report_assert(&report, ALL_GOOD);
        made_cms_done(&made);
}

static void sm2_with_sm3(CmsInfo *info) {
        assert_int_equal(X509_ALGOR_set0(made_cms_signer(info)->signature_algorithm,
                                         OBJ_txt2obj("1.2.156.10197.1.501", 1), V_ASN1_UNDEF, NULL),
                         1);
}

static void sm2_key(CmsInfo *info) {
        assert_int_equal(X509_ALGOR_set0(made_cms_signer(info)->signature_algorithm,
                                         OBJ_txt2obj("1.2.156.10197.1.301", 1), V_ASN1_NULL, NULL),
                         1);
}

static void outer_type_of_rfc(CmsInfo *info) {
        ASN1_OBJECT_free(info->type);
        info->type = OBJ_txt2obj(CMS_OID_SIGNED_DATA, 1);
}

static void sm2_is_read_as_others_write_it(void **state) {
        const CmsInfoChange changes[] = { sm2_with_sm3, sm2_key, outer_type_of_rfc };

        (void) state;
        for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
                VerifyReport report;
                MadeCms made;

                made_cms_make(&made, "sm2-sm3", CMS_PROFILE_CADES);
                made_cms_change_info(&made, changes[i]);
                made_cms_verify(&made, &report);
                report_assert(&report, ALL_GOOD);
                made_cms_done(&made);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_certificate_that_is_not_in_the_file_may_be_given),
                cmocka_unit_test(another_certificate_of_the_same_key_is_refused),
                cmocka_unit_test(the_certificate_is_named_once_and_well),
                cmocka_unit_test(other_ways_to_name_the_signer_pass),
                cmocka_unit_test(sm2_is_read_as_others_write_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
