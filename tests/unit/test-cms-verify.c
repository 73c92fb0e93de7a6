/* SPDX-License-Identifier: Apache-2.0 */
/* Each check of a CMS signature, what makes it fail, and that no byte changes in silence. */
#include "format/cms-verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "format/cms-attributes.h"
#include "format/cms-extend.h"
#include "format/x509-read.h"
#include "format/x509-signed.h"
#include "tests/fixture/cms.h"
#include "tests/fixture/stamper.h"
#include "tests/unit/unit.h"

static const VerifyDocument no_document;

static void report_print(const VerifyReport *report) {
        for (CheckCode code = 0; code < CHECK_MAX; code++)
                if (report->checks[code].result != CHECK_NOT_APPLICABLE)
                        print_message("# %s: %s: %s\n", check_word(code),
                                      check_result_word(report->checks[code].result),
                                      report->checks[code].text);
        for (size_t i = 0; i < report->deviation_count; i++)
                print_message("# deviation: %s\n", report->deviations[i].text);
}

static void verify(const MadeCms *made, VerifyReport *report) {
        assert_int_equal(cms_verify(made_cms_bytes(made), &made->document, &made->trust, report),
                         0);
}

/* Of what is made well, with a result of some checks that is another; CHECK_MAX behind the last. */
typedef struct Expected {
        CheckCode code;
        CheckResult result;
} Expected;

static const Expected good[] = {
        { CHECK_STRUCTURE, CHECK_PASSED },
        { CHECK_SIGNATURE_VALUE, CHECK_PASSED },
        { CHECK_DOCUMENT_HASH, CHECK_PASSED },
        { CHECK_SIGNING_CERTIFICATE, CHECK_PASSED },
        { CHECK_TIMESTAMP, CHECK_ABSENT },
        { CHECK_CERTIFICATE_CHAIN, CHECK_PASSED },
        { CHECK_CERTIFICATE_USAGE, CHECK_PASSED },
        { CHECK_CERTIFICATE_VALIDITY, CHECK_PASSED },
        { CHECK_REVOCATION, CHECK_PASSED },
        { CHECK_SEAL_STATE, CHECK_NOT_CHECKED }, /* a register's word is for the caller to ask */
        { CHECK_MAX, 0 },
};

static CheckResult expected_result(CheckCode code, const Expected *others) {
        for (; others->code != CHECK_MAX; others++)
                if (others->code == code)
                        return others->result;
        for (const Expected *e = good; e->code != CHECK_MAX; e++)
                if (e->code == code)
                        return e->result;
        return CHECK_NOT_APPLICABLE;
}

static void report_assert(const VerifyReport *report, const Expected *others) {
        for (CheckCode code = 0; code < CHECK_MAX; code++)
                if (verify_result(report, code) != expected_result(code, others)) {
                        report_print(report);
                        fail_msg("%s is %s", check_word(code),
                                 check_result_word(verify_result(report, code)));
                }
}

#define EXPECTED(...) ((const Expected[]){ __VA_ARGS__, { CHECK_MAX, 0 } })
#define ALL_GOOD (&good[sizeof(good) / sizeof(good[0]) - 1])
#define FAILED(name) \
        { CHECK_##name, CHECK_FAILED }
#define NOT_CHECKED(name) \
        { CHECK_##name, CHECK_NOT_CHECKED }
#define PASSED(name) \
        { CHECK_##name, CHECK_PASSED }

/* --- what is good --------------------------------------------------------------------------- */

static void every_algorithm_passes(void **state) {
        const SignatureAlgorithm *algorithm;

        (void) state;
        for (size_t i = 0; (algorithm = signature_algorithm_at(i)); i++) {
                for (int profile = CMS_PROFILE_CADES; profile <= CMS_PROFILE_PADES; profile++) {
                        const bool gb = algorithm->scheme == SIGNATURE_SM2;
                        VerifyReport report;
                        char text[64];
                        MadeCms made;

                        made_cms_make(&made, algorithm->name, (CmsProfile) profile);
                        verify(&made, &report);
                        report_assert(&report, ALL_GOOD);
                        assert_int_equal(report.deviation_count, 0);
                        (void) snprintf(text, sizeof(text), "%s%s",
                                        profile == CMS_PROFILE_CADES ? "CAdES" : "PAdES",
                                        gb ? ", GB/T 35275" : "");
                        assert_string_equal(report.facts.profile, text);
                        assert_string_equal(report.facts.algorithm, algorithm->name);
                        assert_string_equal(report.facts.hash, algorithm->hash);
                        assert_int_equal(report.facts.claimed,
                                         profile == CMS_PROFILE_CADES ? MADE_CMS_TIME : 0);
                        assert_int_equal(report.facts.time_source, profile == CMS_PROFILE_CADES
                                                                           ? VERIFY_TIME_CLAIMED
                                                                           : VERIFY_TIME_NOW);
                        assert_string_equal(cms_document_hash(made_cms_bytes(&made)),
                                            algorithm->hash);
                        made_cms_done(&made);
                }
        }
}

/* --- document ------------------------------------------------------------------------------- */

static void the_document_is_the_one_that_was_signed(void **state) {
        VerifyReport report;
        MadeCms made;

        (void) state;
        made_cms_make(&made, "ecdsa-sha256", CMS_PROFILE_CADES);
        made.document.digests[0].digest[31] ^= 1;
        verify(&made, &report);
        report_assert(&report, EXPECTED(FAILED(DOCUMENT_HASH)));
        made.document.count = 0;
        verify(&made, &report);
        report_assert(&report, EXPECTED(NOT_CHECKED(DOCUMENT_HASH)));
        made_cms_done(&made);
}

/* In the place of the signature. */
static void replace(MadeCms *made, uint8_t *cms, size_t size) {
        free(made->cms);
        made->cms = cms;
        made->cms_size = size;
}

static void embed(MadeCms *made) {
        const Bytes document = { (const uint8_t *) made_cms_document, strlen(made_cms_document) };
        uint8_t *cms = NULL;
        size_t size = 0;

        assert_int_equal(cms_embed(made_cms_bytes(made), document, &cms, &size, NULL), 0);
        replace(made, cms, size);
}

static void an_enveloping_one_has_its_document(void **state) {
        static const char *const algorithms[] = { "ecdsa-sha256", "sm2-sm3" };

        (void) state;
        for (size_t i = 0; i < 2; i++) {
                VerifyReport report;
                MadeCms made;

                made_cms_make(&made, algorithms[i], CMS_PROFILE_CADES);
                embed(&made);
                verify(&made, &report);
                report_assert(&report, ALL_GOOD);
                assert_int_equal(report.deviation_count, 0);
                const VerifyDocument document = made.document;
                made.document = no_document;
                verify(&made, &report);
                report_assert(&report, ALL_GOOD);
                made.document = document;
                made.document.digests[0].digest[0] ^= 1;
                verify(&made, &report);
                report_assert(&report, EXPECTED(FAILED(DOCUMENT_HASH)));
                made.document = document;
                uint8_t *at = memmem(made.cms, made.cms_size, "Contract", 8);
                assert_non_null(at);
                *at = 'c';
                verify(&made, &report);
                report_assert(&report, EXPECTED(FAILED(DOCUMENT_HASH)));
                made_cms_done(&made);
        }
}

static void only_its_document_can_be_embedded(void **state) {
        const Bytes document = { (const uint8_t *) made_cms_document, strlen(made_cms_document) };
        const Bytes other = { (const uint8_t *) "other", 5 };
        ErrorDetail detail = {};
        uint8_t *cms = NULL;
        size_t size = 0;
        MadeCms made;

        (void) state;
        made_cms_make(&made, "ecdsa-sha256", CMS_PROFILE_CADES);
        assert_int_equal(cms_embed(made_cms_bytes(&made), other, &cms, &size, &detail),
                         SEAL_E_INVALID_ARGS);
        assert_string_equal(detail.text, "the signature is not over this document");
        assert_int_equal(cms_embed(other, document, &cms, &size, &detail), SEAL_E_INVALID_ARGS);
        embed(&made);
        assert_int_equal(cms_embed(made_cms_bytes(&made), document, &cms, &size, &detail),
                         SEAL_E_INVALID_ARGS);
        assert_string_equal(detail.text, "the signature has a document in it");
        assert_null(cms);
        made_cms_done(&made);
}

static void a_document_without_a_byte_is_one(void **state) {
        VerifyReport report;
        uint8_t *cms = NULL;
        size_t size = 0;
        unsigned used;
        MadeCms made;

        (void) state;
        made_cms_make(&made, "ecdsa-sha256", CMS_PROFILE_CADES);
        assert_int_equal(EVP_Digest("", 0, made.digest.buffer, &used, EVP_sha256(), NULL), 1);
        free(made.attributes);
        assert_int_equal(cms_prepare(&made.facts, &made.attributes, &made.attributes_size), 0);
        made_cms_finish(&made);
        made.document = no_document;
        verify(&made, &report);
        report_assert(&report, EXPECTED(NOT_CHECKED(DOCUMENT_HASH)));
        assert_int_equal(cms_embed(made_cms_bytes(&made), (Bytes){}, &cms, &size, NULL), 0);
        replace(&made, cms, size);
        verify(&made, &report);
        report_assert(&report, ALL_GOOD);
        made_cms_done(&made);
}

/* --- structure ------------------------------------------------------------------------------ */

typedef void (*InfoChange)(CmsInfo *info);

static void info_change(MadeCms *made, InfoChange change) {
        const unsigned char *at = made->cms;
        uint8_t *cms = NULL;
        size_t size = 0;

        CmsInfo *info = (CmsInfo *) ASN1_item_d2i(NULL, &at, (long) made->cms_size, CmsInfo_it());
        assert_non_null(info);
        change(info);
        assert_int_equal(x509_encode(info, CmsInfo_it(), &cms, &size), 0);
        CmsInfo_free(info);
        replace(made, cms, size);
}

typedef void (*AttributesChange)(CmsAttributes *attributes);

/* Signed again, so that nothing else is wrong. */
static void attributes_change(MadeCms *made, AttributesChange change) {
        CmsAttributes *attributes = NULL;
        uint8_t *der = NULL;

        assert_int_equal(cms_attributes_read((Bytes){ made->attributes, made->attributes_size },
                                             &attributes),
                         0);
        change(attributes);
        assert_int_equal(
                x509_encode(attributes, CmsAttributesAsRead_it(), &der, &made->attributes_size), 0);
        cms_attributes_freep(&attributes);
        free(made->attributes);
        made->attributes = der;
        made_cms_finish(made);
}

static CmsSignerInfo *signer_of(CmsInfo *info) {
        return sk_CmsSignerInfo_value(info->data->signers, 0);
}

static void two_signers(CmsInfo *info) {
        assert_true(sk_CmsSignerInfo_push(info->data->signers,
                                          ASN1_item_dup(CmsSignerInfo_it(), signer_of(info))) > 0);
}

static void no_signers(CmsInfo *info) {
        CmsSignerInfo_free(sk_CmsSignerInfo_pop(info->data->signers));
}

static void no_attributes(CmsInfo *info) {
        cms_attributes_freep(&signer_of(info)->signed_attributes);
        signer_of(info)->signed_attributes = NULL;
}

static void other_content(CmsInfo *info) {
        ASN1_OBJECT_free(info->data->content->type);
        info->data->content->type = OBJ_txt2obj(CMS_OID_SIGNED_DATA, 1);
}

static void attribute_drop(CmsAttributes *attributes, int nid) {
        int place = X509at_get_attr_by_NID(attributes, nid, -1);

        assert_true(place >= 0);
        X509_ATTRIBUTE_free(X509at_delete_attr(attributes, place));
}

static void attribute_double(CmsAttributes *attributes, int nid) {
        int place = X509at_get_attr_by_NID(attributes, nid, -1);

        assert_true(place >= 0);
        X509_ATTRIBUTE *copy = X509_ATTRIBUTE_dup(sk_X509_ATTRIBUTE_value(attributes, place));
        assert_true(sk_X509_ATTRIBUTE_push(attributes, copy) > 0);
}

static void no_content_type(CmsAttributes *attributes) {
        attribute_drop(attributes, NID_pkcs9_contentType);
}

static void no_digest(CmsAttributes *attributes) {
        attribute_drop(attributes, NID_pkcs9_messageDigest);
}

static void two_digests(CmsAttributes *attributes) {
        attribute_double(attributes, NID_pkcs9_messageDigest);
}

static void two_times(CmsAttributes *attributes) {
        attribute_double(attributes, NID_pkcs9_signingTime);
}

#define UNREACHED                                                               \
        NOT_CHECKED(SIGNATURE_VALUE), NOT_CHECKED(DOCUMENT_HASH),               \
                NOT_CHECKED(SIGNING_CERTIFICATE), NOT_CHECKED(TIMESTAMP),       \
                NOT_CHECKED(CERTIFICATE_CHAIN), NOT_CHECKED(CERTIFICATE_USAGE), \
                NOT_CHECKED(CERTIFICATE_VALIDITY), NOT_CHECKED(REVOCATION)

static void assert_shape(const MadeCms *made, CheckResult result, const char *text) {
        VerifyReport report;

        verify(made, &report);
        report_assert(&report, EXPECTED({ CHECK_STRUCTURE, result }, UNREACHED));
        assert_string_equal(report.checks[CHECK_STRUCTURE].text, text);
}

static void what_is_no_such_signature_is_said_to_be_none(void **state) {
        const struct {
                InfoChange info;
                AttributesChange attributes;
                CheckResult result;
                const char *text;
        } cases[] = {
                { two_signers, NULL, CHECK_NOT_CHECKED,
                  "It has 2 signers, and only files with one are verified here" },
                { no_signers, NULL, CHECK_FAILED, "It has no signer" },
                { no_attributes, NULL, CHECK_FAILED, "It has no signed attributes" },
                { other_content, NULL, CHECK_FAILED,
                  "Its attribute content-type contradicts its content" },
                { NULL, no_content_type, CHECK_FAILED,
                  "It has not exactly one attribute content-type" },
                { NULL, no_digest, CHECK_FAILED,
                  "It has not exactly one attribute message-digest" },
                { NULL, two_digests, CHECK_FAILED,
                  "It has not exactly one attribute message-digest" },
                { NULL, two_times, CHECK_FAILED,
                  "Its attribute signing-time is there twice, or is no time" },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                MadeCms made;

                made_cms_make(&made, "ecdsa-sha256", CMS_PROFILE_CADES);
                if (cases[i].info)
                        info_change(&made, cases[i].info);
                if (cases[i].attributes)
                        attributes_change(&made, cases[i].attributes);
                assert_shape(&made, cases[i].result, cases[i].text);
                made_cms_done(&made);
        }
}

/* 60 MiB of empty strings in place of certificates took three GB and most of a minute. */
static void assert_takes_no_memory(Bytes first) {
        const uint8_t begin[] = { 0x30, 0x80, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
                                  0x01, 0x07, 0x02, 0xa0, 0x80, 0x30, 0x80, 0x02, 0x01, 0x01,
                                  0x31, 0x00, 0x30, 0x03, 0x06, 0x01, 0x2a, 0xa0, 0x80 };
        const size_t size = 60 * 1024 * 1024, head = sizeof(begin) + first.size;
        _cleanup_free_ uint8_t *file = calloc(1, size);
        struct rusage before, after;
        MadeCms made;

        assert_non_null(file);
        made_cms_make(&made, "ecdsa-sha256", CMS_PROFILE_CADES);
        memcpy(file, begin, sizeof(begin));
        memcpy(file + sizeof(begin), first.data, first.size);
        for (size_t i = head; i + 1 < size; i += 2)
                file[i] = 0x04; /* and 0 */
        assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
        VerifyReport report;
        assert_int_equal(cms_verify((Bytes){ file, size }, &made.document, &made.trust, &report),
                         0);
        assert_int_equal(verify_result(&report, CHECK_STRUCTURE), CHECK_FAILED);
        assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
        assert_true(after.ru_maxrss - before.ru_maxrss < 64 * 1024);
        made_cms_done(&made);
}

/* Also behind one that is damaged within, which libcrypto takes as it is. */
static void a_file_of_millions_of_elements_takes_no_memory(void **state) {
        static const char *const first[] = {
                "",
                "\x30\x02\x02\x05",                 /* an element that ends behind it */
                "\x30\x06\x04\x84\x03\xb0\x01\x01", /* and one at the end of the file */
                "\x30\x02\x04\x85",                 /* and one whose size has no end */
                "\x30\x02\x30\x80",                 /* and one without an end */
        };

        (void) state;
        for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
                assert_takes_no_memory((Bytes){ (const uint8_t *) first[i], strlen(first[i]) });
}

static void other_files_are_no_signature(void **state) {
        MadeCms made;

        (void) state;
        made_cms_make(&made, "ecdsa-sha256", CMS_PROFILE_CADES);
        const size_t size = made.cms_size;
        const char *none = "It is no CMS signature, or damaged";
        made.cms_size = size - 1;
        assert_shape(&made, CHECK_FAILED, none);
        made.cms_size = 0;
        assert_shape(&made, CHECK_FAILED, none);
        assert_null(cms_document_hash(made_cms_bytes(&made)));
        made.cms_size = size;
        made.cms[made.cms[1] == 0x82 ? 14 : 12] ^= 1; /* the last arc of its type */
        assert_shape(&made, CHECK_FAILED, none);
        made_cms_done(&made);
}

/* --- deviations ----------------------------------------------------------------------------- */

static void assert_deviation(const MadeCms *made, DeviationCode code) {
        VerifyReport report;

        verify(made, &report);
        report_assert(&report, ALL_GOOD);
        assert_int_equal(report.deviation_count, 1);
        assert_int_equal(report.deviations[0].code, code);
}

static void wrong_version(CmsInfo *info) {
        assert_int_equal(ASN1_INTEGER_set(info->data->version, 3), 1);
}

static void wrong_signer_version(CmsInfo *info) {
        assert_int_equal(ASN1_INTEGER_set(signer_of(info)->version, 2), 1);
}

static void other_digest_algorithm(CmsInfo *info) {
        X509_ALGOR *first = sk_X509_ALGOR_value(info->data->digest_algorithms, 0);

        assert_int_equal(X509_ALGOR_set0(first, OBJ_nid2obj(NID_sha512), V_ASN1_UNDEF, NULL), 1);
}

static void another_digest_algorithm(CmsInfo *info) {
        X509_ALGOR *more = X509_ALGOR_dup(sk_X509_ALGOR_value(info->data->digest_algorithms, 0));

        assert_true(sk_X509_ALGOR_push(info->data->digest_algorithms, more) > 0);
}

static void any_add(STACK_OF(ASN1_TYPE) * *stack, const void *data, int size) {
        ASN1_STRING *string = ASN1_STRING_type_new(V_ASN1_SEQUENCE);
        ASN1_TYPE *any = ASN1_TYPE_new();

        assert_int_equal(ASN1_STRING_set(string, data, size), 1);
        ASN1_TYPE_set(any, V_ASN1_SEQUENCE, string);
        if (!*stack)
                *stack = sk_ASN1_TYPE_new_null();
        assert_true(sk_ASN1_TYPE_push(*stack, any) > 0);
}

static void revocation_list(CmsInfo *info) {
        any_add(&info->data->crls, "\x30\x00", 2);
}

static void strange_certificate(CmsInfo *info) {
        any_add(&info->data->certificates, "\x30\x00", 2);
}

static void unsigned_attribute(CmsInfo *info) {
        signer_of(info)->unsigned_attributes = sk_X509_ATTRIBUTE_new_null();
        assert_int_equal(cms_attribute_add(signer_of(info)->unsigned_attributes,
                                           NID_pkcs9_countersignature, V_ASN1_SEQUENCE, "\x30\x00",
                                           2),
                         0);
}

static void other_order(CmsAttributes *attributes) {
        assert_true(sk_X509_ATTRIBUTE_push(attributes, sk_X509_ATTRIBUTE_shift(attributes)) > 0);
}

static void raw_signature(CmsInfo *info) {
        ASN1_OCTET_STRING *string = signer_of(info)->signature;
        const unsigned char *at = ASN1_STRING_get0_data(string);
        uint8_t raw[64];

        ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &at, ASN1_STRING_length(string));
        assert_non_null(signature);
        assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, 32), 32);
        assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + 32, 32), 32);
        ECDSA_SIG_free(signature);
        assert_int_equal(ASN1_STRING_set(string, raw, sizeof(raw)), 1);
}

static void what_nothing_protects_is_told(void **state) {
        const struct {
                InfoChange change;
                DeviationCode code;
        } cases[] = {
                { wrong_version, DEVIATION_VERSION },
                { wrong_signer_version, DEVIATION_VERSION },
                { other_digest_algorithm, DEVIATION_ALGORITHM_IDENTIFIER },
                { another_digest_algorithm, DEVIATION_ALGORITHM_IDENTIFIER },
                { revocation_list, DEVIATION_UNSIGNED_CONTENT },
                { strange_certificate, DEVIATION_UNSIGNED_CONTENT },
                { unsigned_attribute, DEVIATION_UNSIGNED_CONTENT },
                { raw_signature, DEVIATION_RAW_SIGNATURE },
        };
        MadeCms made;

        (void) state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                made_cms_make(&made, "ecdsa-sha256", CMS_PROFILE_CADES);
                info_change(&made, cases[i].change);
                assert_deviation(&made, cases[i].code);
                made_cms_done(&made);
        }
        made_cms_make(&made, "ecdsa-sha256", CMS_PROFILE_CADES);
        attributes_change(&made, other_order);
        assert_deviation(&made, DEVIATION_NOT_DER);
        made_cms_done(&made);
}

static void bytes_behind_the_end_are_told(void **state) {
        MadeCms made;

        (void) state;
        made_cms_make(&made, "ecdsa-sha256", CMS_PROFILE_PADES);
        uint8_t *padded = calloc(1, made.cms_size + 100); /* as /Contents of a PDF is filled up */
        assert_non_null(padded);
        memcpy(padded, made.cms, made.cms_size);
        replace(&made, padded, made.cms_size + 100);
        assert_deviation(&made, DEVIATION_TRAILING_BYTES);
        made_cms_done(&made);
}

/* As streaming programs write it: the outermost SEQUENCE of indefinite length. */
static void ber_is_read_and_told(void **state) {
        MadeCms made;

        (void) state;
        made_cms_make(&made, "ecdsa-sha256", CMS_PROFILE_CADES);
        const size_t header = made.cms[1] == 0x82 ? 4 : 3;
        uint8_t *ber = calloc(1, made.cms_size + 4);
        assert_non_null(ber);
        ber[0] = 0x30;
        ber[1] = 0x80;
        memcpy(ber + 2, made.cms + header, made.cms_size - header);
        replace(&made, ber, made.cms_size - header + 4);
        assert_deviation(&made, DEVIATION_NOT_DER);
        made_cms_done(&made);
}

/* --- the signer's certificate --------------------------------------------------------------- */

static void no_certificates(CmsInfo *info) {
        sk_ASN1_TYPE_pop_free(info->data->certificates, ASN1_TYPE_free);
        info->data->certificates = NULL;
}

static void a_certificate_that_is_not_in_the_file_may_be_given(void **state) {
        VerifyReport report;
        MadeCms made;

        (void) state;
        made_cms_make(&made, "ecdsa-sha256", CMS_PROFILE_CADES);
        info_change(&made, no_certificates);
        verify(&made, &report);
        report_assert(&report,
                      EXPECTED(NOT_CHECKED(SIGNATURE_VALUE), NOT_CHECKED(SIGNING_CERTIFICATE),
                               NOT_CHECKED(CERTIFICATE_CHAIN), NOT_CHECKED(CERTIFICATE_USAGE),
                               NOT_CHECKED(CERTIFICATE_VALIDITY), NOT_CHECKED(REVOCATION)));
        made.trust.intermediates = (VerifyList){ made.certificates, 1 };
        verify(&made, &report);
        report_assert(&report, ALL_GOOD);
        made_cms_done(&made);
}

/* The same name, serial number and key, and another certificate: that is what the attribute is for. */
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
        verify(&made, &report);
        report_assert(&report, EXPECTED(FAILED(SIGNING_CERTIFICATE)));
        /* Where both are at hand, it is the one that was meant. */
        others[0] = (Bytes){ before, before_size };
        made.trust.intermediates = (VerifyList){ others, 1 };
        verify(&made, &report);
        report_assert(&report, ALL_GOOD);
        free(before);
        free(subject);
        made_cms_done(&made);
}

static void no_signing_certificate(CmsAttributes *attributes) {
        attribute_drop(attributes, NID_id_smime_aa_signingCertificateV2);
}

static void two_signing_certificates(CmsAttributes *attributes) {
        attribute_double(attributes, NID_id_smime_aa_signingCertificateV2);
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
        attribute_drop(attributes, NID_id_smime_aa_signingCertificateV2);
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
                AttributesChange change;
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
                attributes_change(&made, cases[i].change);
                verify(&made, &report);
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
        CmsSignerInfo *signer = signer_of(info);
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
        attributes_change(&made, with_issuer);
        verify(&made, &report);
        report_assert(&report, ALL_GOOD);
        info_change(&made, signer_by_key);
        verify(&made, &report);
        report_assert(&report, ALL_GOOD);
        made_cms_done(&made);
}

static void sm2_with_sm3(CmsInfo *info) {
        assert_int_equal(X509_ALGOR_set0(signer_of(info)->signature_algorithm,
                                         OBJ_txt2obj("1.2.156.10197.1.501", 1), V_ASN1_UNDEF, NULL),
                         1);
}

static void sm2_key(CmsInfo *info) {
        assert_int_equal(X509_ALGOR_set0(signer_of(info)->signature_algorithm,
                                         OBJ_txt2obj("1.2.156.10197.1.301", 1), V_ASN1_NULL, NULL),
                         1);
}

static void outer_type_of_rfc(CmsInfo *info) {
        ASN1_OBJECT_free(info->type);
        info->type = OBJ_txt2obj(CMS_OID_SIGNED_DATA, 1);
}

static void sm2_is_read_as_others_write_it(void **state) {
        const InfoChange changes[] = { sm2_with_sm3, sm2_key, outer_type_of_rfc };

        (void) state;
        for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
                VerifyReport report;
                MadeCms made;

                made_cms_make(&made, "sm2-sm3", CMS_PROFILE_CADES);
                info_change(&made, changes[i]);
                verify(&made, &report);
                report_assert(&report, ALL_GOOD);
                made_cms_done(&made);
        }
}

/* --- every byte ----------------------------------------------------------------------------- */

static bool reports_equal(const VerifyReport *a, const VerifyReport *b) {
        if (a->deviation_count != b->deviation_count)
                return false;
        for (CheckCode code = 0; code < CHECK_MAX; code++)
                if (a->checks[code].result != b->checks[code].result)
                        return false;
        return true;
}

/* Mark what is somewhere in the file. */
static void mark(const MadeCms *made, Bytes part, bool *marks) {
        const uint8_t *at = memmem(made->cms, made->cms_size, part.data, part.size);

        assert_non_null(at);
        memset(marks + (at - made->cms), true, part.size);
}

/* Attributes behind their tag, the signature's value, the signer's certificate. */
static void signed_mark(const MadeCms *made, bool *marks) {
        uint8_t *value = NULL;
        size_t size = 0;

        mark(made, (Bytes){ made->attributes + 1, made->attributes_size - 1 }, marks);
        mark(made, made->certificates[0], marks);
        assert_int_equal(cms_signature_value(made_cms_bytes(made), &value, &size, NULL), 0);
        mark(made, (Bytes){ value, size }, marks);
        free(value);
}

static void sweep(MadeCms *made) {
        bool *marks = calloc(made->cms_size, sizeof(*marks));
        VerifyReport before, report;

        assert_non_null(marks);
        verify(made, &before);
        assert_int_equal(before.deviation_count, 0);
        signed_mark(made, marks);
        for (size_t i = 0; i < made->cms_size; i++) {
                const uint8_t byte = made->cms[i];

                made->cms[i] ^= (uint8_t) (1U << (i % 8));
                verify(made, &report);
                if (reports_equal(&before, &report))
                        fail_msg("byte %zu of %zu, %02x, may be %02x", i, made->cms_size, byte,
                                 made->cms[i]);
                if (marks[i] && verify_verdict(&report) != VERDICT_FAILED) {
                        report_print(&report);
                        fail_msg("signed byte %zu may be another", i);
                }
                made->cms[i] = byte;
        }
        free(marks);
}

static void no_byte_changes_in_silence(void **state) {
        static const char *const algorithms[] = { "ecdsa-sha256", "rsapss-sha256", "sm2-sm3" };

        (void) state;
        for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
                MadeCms made;

                made_cms_make(&made, algorithms[i], CMS_PROFILE_CADES);
                sweep(&made);
                made_cms_done(&made);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_algorithm_passes),
                cmocka_unit_test(the_document_is_the_one_that_was_signed),
                cmocka_unit_test(an_enveloping_one_has_its_document),
                cmocka_unit_test(only_its_document_can_be_embedded),
                cmocka_unit_test(a_document_without_a_byte_is_one),
                cmocka_unit_test(what_is_no_such_signature_is_said_to_be_none),
                cmocka_unit_test(a_file_of_millions_of_elements_takes_no_memory),
                cmocka_unit_test(other_files_are_no_signature),
                cmocka_unit_test(what_nothing_protects_is_told),
                cmocka_unit_test(bytes_behind_the_end_are_told),
                cmocka_unit_test(ber_is_read_and_told),
                cmocka_unit_test(a_certificate_that_is_not_in_the_file_may_be_given),
                cmocka_unit_test(another_certificate_of_the_same_key_is_refused),
                cmocka_unit_test(the_certificate_is_named_once_and_well),
                cmocka_unit_test(other_ways_to_name_the_signer_pass),
                cmocka_unit_test(sm2_is_read_as_others_write_it),
                cmocka_unit_test(no_byte_changes_in_silence),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
