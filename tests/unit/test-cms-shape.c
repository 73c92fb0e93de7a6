/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are no signature, and signatures that others make otherwise. */
#include <stdlib.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "format/cms-attributes.h"
#include "format/cms-verify.h"
#include "tests/fixture/cms-change.h"
#include "tests/fixture/cms-report.h"
#include "tests/unit/unit.h"

static void two_signers(CmsInfo *info) {
        assert_true(sk_CmsSignerInfo_push(
                            info->data->signers,
                            ASN1_item_dup(CmsSignerInfo_it(), made_cms_signer(info))) > 0);
}

static void no_signers(CmsInfo *info) {
        CmsSignerInfo_free(sk_CmsSignerInfo_pop(info->data->signers));
}

static void no_attributes(CmsInfo *info) {
        cms_attributes_freep(&made_cms_signer(info)->signed_attributes);
        made_cms_signer(info)->signed_attributes = NULL;
}

static void other_content(CmsInfo *info) {
        ASN1_OBJECT_free(info->data->content->type);
        info->data->content->type = OBJ_txt2obj(CMS_OID_SIGNED_DATA, 1);
}

static void no_content_type(CmsAttributes *attributes) {
        made_attribute_drop(attributes, NID_pkcs9_contentType);
}

static void no_digest(CmsAttributes *attributes) {
        made_attribute_drop(attributes, NID_pkcs9_messageDigest);
}

static void two_digests(CmsAttributes *attributes) {
        made_attribute_double(attributes, NID_pkcs9_messageDigest);
}

static void two_times(CmsAttributes *attributes) {
        made_attribute_double(attributes, NID_pkcs9_signingTime);
}

#define UNREACHED                                                               \
        NOT_CHECKED(SIGNATURE_VALUE), NOT_CHECKED(DOCUMENT_HASH),               \
                NOT_CHECKED(SIGNING_CERTIFICATE), NOT_CHECKED(TIMESTAMP),       \
                NOT_CHECKED(CERTIFICATE_CHAIN), NOT_CHECKED(CERTIFICATE_USAGE), \
                NOT_CHECKED(CERTIFICATE_VALIDITY), NOT_CHECKED(REVOCATION)

static void assert_shape(const MadeCms *made, CheckResult result, const char *text) {
        VerifyReport report;

        made_cms_verify(made, &report);
        report_assert(&report, EXPECTED({ CHECK_STRUCTURE, result }, UNREACHED));
        assert_string_equal(report.checks[CHECK_STRUCTURE].text, text);
}

static void what_is_no_such_signature_is_said_to_be_none(void **state) {
        const struct {
                CmsInfoChange info;
                CmsAttributesChange attributes;
                CheckResult result;
                const char *text;
        } cases[] = {
                { two_signers, NULL, CHECK_NOT_CHECKED,
                  "It has 2 signers, and 1 at most are verified here" },
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
                        made_cms_change_info(&made, cases[i].info);
                if (cases[i].attributes)
                        made_cms_change_attributes(&made, cases[i].attributes);
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
        size_t count;
        assert_int_equal(
                cms_verify((Bytes){ file, size }, &made.document, &made.trust, &report, 1, &count),
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
        const char *hashes[VERIFY_HASHES_MAX];
        assert_int_equal(cms_document_hashes(made_cms_bytes(&made), hashes), 0);
        made.cms_size = size;
        made.cms[made.cms[1] == 0x82 ? 14 : 12] ^= 1; /* the last arc of its type */
        assert_shape(&made, CHECK_FAILED, none);
        made_cms_done(&made);
}

/* --- deviations ----------------------------------------------------------------------------- */

static void assert_deviation(const MadeCms *made, DeviationCode code) {
        VerifyReport report;

        made_cms_verify(made, &report);
        report_assert(&report, ALL_GOOD);
        assert_int_equal(report.deviation_count, 1);
        assert_int_equal(report.deviations[0].code, code);
}

static void wrong_version(CmsInfo *info) {
        assert_int_equal(ASN1_INTEGER_set(info->data->version, 3), 1);
}

static void wrong_signer_version(CmsInfo *info) {
        assert_int_equal(ASN1_INTEGER_set(made_cms_signer(info)->version, 2), 1);
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
        made_cms_signer(info)->unsigned_attributes = sk_X509_ATTRIBUTE_new_null();
        assert_int_equal(cms_attribute_add(made_cms_signer(info)->unsigned_attributes,
                                           NID_pkcs9_countersignature, V_ASN1_SEQUENCE, "\x30\x00",
                                           2),
                         0);
}

static void other_order(CmsAttributes *attributes) {
        assert_true(sk_X509_ATTRIBUTE_push(attributes, sk_X509_ATTRIBUTE_shift(attributes)) > 0);
}

static void raw_signature(CmsInfo *info) {
        ASN1_OCTET_STRING *string = made_cms_signer(info)->signature;
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
                CmsInfoChange change;
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
                made_cms_change_info(&made, cases[i].change);
                assert_deviation(&made, cases[i].code);
                made_cms_done(&made);
        }
        made_cms_make(&made, "ecdsa-sha256", CMS_PROFILE_CADES);
        made_cms_change_attributes(&made, other_order);
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
        made_cms_replace(&made, padded, made.cms_size + 100);
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
        made_cms_replace(&made, ber, made.cms_size - header + 4);
        assert_deviation(&made, DEVIATION_NOT_DER);
        made_cms_done(&made);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_no_such_signature_is_said_to_be_none),
                cmocka_unit_test(a_file_of_millions_of_elements_takes_no_memory),
                cmocka_unit_test(other_files_are_no_signature),
                cmocka_unit_test(what_nothing_protects_is_told),
                cmocka_unit_test(bytes_behind_the_end_are_told),
                cmocka_unit_test(ber_is_read_and_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
