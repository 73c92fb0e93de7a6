/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that others made, check by check as their README says. They are not part of the project:
 * the folder is $SEALSD_SAMPLES, or ../shared/samples/eseal beside the source tree; where it is
 * not, each test is skipped.
 */
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/utc.h"
#include "format/eseal-verify.h"
#include "format/eseal.h"
#include "format/x509-read.h"
#include "tests/fixture/command.h"
#include "tests/fixture/deviation.h"
#include "tests/fixture/eseal.h"
#include "tests/fixture/layout.h"
#include "tests/unit/unit.h"

static const char *folder(void) {
        const char *named = getenv("SEALSD_SAMPLES");

        return named ? named : "../shared/samples/eseal";
}

static void demand_samples(void) {
        if (access(folder(), X_OK) == 0)
                return;
        print_message("no samples in %s (SEALSD_SAMPLES names their folder)\n", folder());
        skip();
}

static uint64_t time_of(const char *text) {
        uint64_t usec = 0;

        assert_true(time_parse(text, false, 0, &usec));
        return usec;
}

/* ---- verifying ------------------------------------------------------------------------------- */

static VerifyReport report;

static void anchors_read(const char *const names[2], DerList *ret) {
        for (size_t i = 0; i < 2 && names[i]; i++) {
                _made_ Made pem = made_file(folder(), names[i]);

                assert_int_equal(x509_certificates_split(made_bytes(&pem), ret, NULL), 0);
        }
}

static void digest_read(const char *name, VerifyDocument *ret) {
        _made_ Made text = made_file(folder(), name);
        unsigned size;

        assert_int_equal(
                EVP_Digest(text.data, text.size, ret->digests[0].digest, &size, EVP_sm3(), NULL),
                1);
        ret->digests[0].hash = "sm3";
        ret->digests[0].size = size;
        ret->count = 1;
}

typedef struct Believed {
        const char *const anchors[2]; /* files */
        const char *document;         /* file; NULL: none at hand */
        const char *at;               /* NULL: as the file says, or now */
} Believed;

static Verdict verify_bytes(const Made *file, const Believed *believed) {
        VerifyTrust trust = { .now = time_of("2026-11-29") };
        VerifyDocument document = {};
        DerList anchors = {};

        anchors_read(believed->anchors, &anchors);
        trust.anchors = (VerifyList){ anchors.items, anchors.count };
        trust.at = believed->at ? time_of(believed->at) : 0;
        if (believed->document)
                digest_read(believed->document, &document);
        assert_int_equal(eseal_verify(made_bytes(file), &document, &trust, &report), 0);
        der_list_clear(&anchors);
        return verify_verdict(&report);
}

#define verify(name, ...)                                         \
        ({                                                        \
                _made_ Made _file = made_file(folder(), name);    \
                verify_bytes(&_file, &(Believed){ __VA_ARGS__ }); \
        })

typedef struct Row {
        CheckCode code;
        CheckResult result;
} Row;

/* These are all the rows there are, but for some that are otherwise. */
static void assert_rows(const Row *rows, size_t count, const Row *otherwise, size_t more) {
        CheckResult expected[CHECK_MAX] = {};

        for (size_t i = 0; i < count; i++)
                expected[rows[i].code] = rows[i].result;
        for (size_t i = 0; i < more; i++)
                if (otherwise[i].result != CHECK_NOT_APPLICABLE)
                        expected[otherwise[i].code] = otherwise[i].result;
        for (CheckCode code = 0; code < CHECK_MAX; code++)
                if (verify_result(&report, code) != expected[code])
                        fail_msg("%s: %s, not %s: %s", check_word(code),
                                 check_result_word(verify_result(&report, code)),
                                 check_result_word(expected[code]), report.checks[code].text);
}

#define ASSERT_ROWS(rows, ...)                                                \
        assert_rows(rows, sizeof(rows) / sizeof(Row), (Row[]){ __VA_ARGS__ }, \
                    sizeof((Row[]){ __VA_ARGS__ }) / sizeof(Row))

/* ---- each sample ----------------------------------------------------------------------------- */

#define ROOT \
        { "ROOT.crt.pem" } /* no CA, so that no chain ends there */
#define OWN \
        { "SealBuilder.crt.pem", "USER.crt.pem" } /* both certificates as they are */
#define DOCUMENT .document = "ofdrw-v4-ok.Signature.xml"
#define NOW .at = NULL
#define CLAIMED .at = NULL
#define GOOD .at = "2021-01-01" /* both were valid, and both seals */

static const Row seal_rows[] = {
        { CHECK_STRUCTURE, CHECK_PASSED },
        { CHECK_SEAL_SIGNATURE, CHECK_PASSED },
        { CHECK_SEAL_VALIDITY, CHECK_PASSED },
        { CHECK_SEAL_EXTENSIONS, CHECK_ABSENT },
        { CHECK_SEAL_PICTURE, CHECK_PASSED },
        { CHECK_SEAL_MAKER_CHAIN, CHECK_PASSED },
        { CHECK_SEAL_MAKER_USAGE, CHECK_PASSED },
        { CHECK_SEAL_MAKER_VALIDITY, CHECK_PASSED },
        { CHECK_SEAL_MAKER_REVOCATION, CHECK_ABSENT },
        { CHECK_SEAL_STATE, CHECK_NOT_CHECKED },
};

static const Row signature_rows[] = {
        { CHECK_STRUCTURE, CHECK_PASSED },
        { CHECK_SIGNATURE_VALUE, CHECK_PASSED },
        { CHECK_DOCUMENT_HASH, CHECK_PASSED },
        { CHECK_CERTIFICATE_IN_SEAL, CHECK_PASSED },
        { CHECK_TIMESTAMP, CHECK_ABSENT },
        { CHECK_CERTIFICATE_CHAIN, CHECK_PASSED },
        { CHECK_CERTIFICATE_USAGE, CHECK_PASSED },
        { CHECK_CERTIFICATE_VALIDITY, CHECK_PASSED },
        { CHECK_REVOCATION, CHECK_ABSENT },
        { CHECK_SEAL_SIGNATURE, CHECK_PASSED },
        { CHECK_SEAL_VALIDITY, CHECK_PASSED },
        { CHECK_SEAL_EXTENSIONS, CHECK_ABSENT },
        { CHECK_SEAL_PICTURE, CHECK_PASSED },
        { CHECK_SEAL_MAKER_CHAIN, CHECK_PASSED },
        { CHECK_SEAL_MAKER_USAGE, CHECK_PASSED },
        { CHECK_SEAL_MAKER_VALIDITY, CHECK_PASSED },
        { CHECK_SEAL_MAKER_REVOCATION, CHECK_ABSENT },
        { CHECK_SEAL_STATE, CHECK_NOT_CHECKED },
};

static void assert_good_seal(const char *name, const char *profile, const char *title) {
        assert_int_equal(verify(name, OWN, GOOD), VERDICT_INCOMPLETE);
        ASSERT_ROWS(seal_rows, {});
        assert_string_equal(report.facts.profile, profile);
        assert_string_equal(report.facts.seal_name, title);
        assert_string_equal(report.facts.algorithm, "sm2-sm3");
        assert_int_equal(report.deviation_count, 0);
        assert_int_equal(verify(name, ROOT, GOOD), VERDICT_FAILED);
        ASSERT_ROWS(seal_rows, { CHECK_SEAL_MAKER_CHAIN, CHECK_FAILED },
                    { CHECK_SEAL_MAKER_REVOCATION, CHECK_NOT_CHECKED });
        assert_non_null(strstr(report.checks[CHECK_SEAL_MAKER_CHAIN].text, "not a CA"));
        assert_int_equal(verify(name, OWN, NOW), VERDICT_FAILED); /* today it is over */
        ASSERT_ROWS(seal_rows, { CHECK_SEAL_VALIDITY, CHECK_FAILED },
                    { CHECK_SEAL_MAKER_VALIDITY, CHECK_FAILED });
}

static void the_seal_of_2014_is_good(void **state) {
        (void) state;
        demand_samples();
        assert_good_seal("UserV1.esl", "GM/T 0031-2014", "OFDRW测试用印章");
}

static void the_seal_of_2020_is_good(void **state) {
        (void) state;
        demand_samples();
        assert_good_seal("UserV4.esl", "GB/T 38540-2020", "OFD R&W 测试用印章");
}

/* Its dataHash is 32 zeros, which no document has. */
static void the_signature_without_a_document_is_good_but_for_it(void **state) {
        (void) state;
        demand_samples();
        assert_int_equal(verify("SignedValueV4.dat", OWN, DOCUMENT), VERDICT_FAILED);
        ASSERT_ROWS(signature_rows, { CHECK_DOCUMENT_HASH, CHECK_FAILED });
        assert_int_equal(report.facts.claimed, time_of("2020-10-12T11:14:03Z"));
        assert_int_equal(report.facts.time, report.facts.claimed);
        assert_int_equal(report.deviation_count, 0);
        assert_int_equal(verify("SignedValueV4.dat", OWN, CLAIMED), VERDICT_INCOMPLETE);
        ASSERT_ROWS(signature_rows, { CHECK_DOCUMENT_HASH, CHECK_NOT_CHECKED });
        assert_int_equal(verify("SignedValueV4.dat", ROOT, CLAIMED), VERDICT_FAILED);
        ASSERT_ROWS(signature_rows, { CHECK_DOCUMENT_HASH, CHECK_NOT_CHECKED },
                    { CHECK_CERTIFICATE_CHAIN, CHECK_FAILED },
                    { CHECK_REVOCATION, CHECK_NOT_CHECKED },
                    { CHECK_SEAL_MAKER_CHAIN, CHECK_FAILED },
                    { CHECK_SEAL_MAKER_REVOCATION, CHECK_NOT_CHECKED });
}

/* It says that it was signed years after the user's certificate and the seal had expired. */
static void the_good_pair_is_good_at_a_time_when_it_was_valid(void **state) {
        (void) state;
        demand_samples();
        assert_int_equal(verify("ofdrw-v4-ok.SignedValue.dat", OWN, DOCUMENT, GOOD),
                         VERDICT_INCOMPLETE);
        ASSERT_ROWS(signature_rows, {});
        assert_string_equal(report.facts.property_info, "/Doc_0/Signs/Sign_0/Signature.xml");
        assert_int_equal(report.deviation_count, 0);
        assert_int_equal(verify("ofdrw-v4-ok.SignedValue.dat", OWN, DOCUMENT), VERDICT_FAILED);
        ASSERT_ROWS(signature_rows, { CHECK_SEAL_VALIDITY, CHECK_FAILED },
                    { CHECK_CERTIFICATE_VALIDITY, CHECK_FAILED },
                    { CHECK_SEAL_MAKER_VALIDITY, CHECK_FAILED });
}

/* Its maker's certificate had expired before it was made. */
static void the_bad_seal_fails_for_its_signature_and_its_critical_extension(void **state) {
        (void) state;
        demand_samples();
        assert_int_equal(verify("hebeigede-v4-2certs-ext-BADSIG.der", .at = "2020-10-14"),
                         VERDICT_FAILED);
        ASSERT_ROWS(seal_rows, { CHECK_SEAL_SIGNATURE, CHECK_FAILED },
                    { CHECK_SEAL_EXTENSIONS, CHECK_FAILED },
                    { CHECK_SEAL_MAKER_CHAIN, CHECK_NOT_CHECKED },
                    { CHECK_SEAL_MAKER_VALIDITY, CHECK_FAILED },
                    { CHECK_SEAL_MAKER_REVOCATION, CHECK_NOT_CHECKED });
        assert_non_null(strstr(report.checks[CHECK_SEAL_EXTENSIONS].text, "1.2.156.112600.7.2"));
        assert_int_equal(report.deviation_count, 1);
        assert_true(deviated(&report, DEVIATION_CRITICAL_ENCODED));
        assert_string_equal(report.facts.picture_type, "GIF");
}

/* A flipped bit in each part, wherever it lies: signed, or a certificate that is trusted. */
static void changed_samples_fail(void **state) {
        static const char *const names[] = { "UserV1.esl", "UserV4.esl",
                                             "ofdrw-v4-ok.SignedValue.dat" };
        static const Believed believed = { OWN, DOCUMENT, GOOD };

        (void) state;
        demand_samples();
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                _made_ Made file = made_file(folder(), names[i]);

                assert_int_not_equal(verify_bytes(&file, &believed), VERDICT_FAILED);
                for (size_t at = 0; at < file.size; at += 101) {
                        file.data[at] ^= 0x04;
                        if (verify_bytes(&file, &believed) != VERDICT_FAILED)
                                fail_msg("%s, byte %zu: nobody notices", names[i], at);
                        file.data[at] ^= 0x04;
                }
        }
}

/* ---- ours beside theirs ---------------------------------------------------------------------- */

/* Lists of certificates may have one or two; ours has one, as these samples. */
static void ours_have_the_layout_of_theirs(void **state) {
        SealMaking making = {};
        Signer maker, seal;

        (void) state;
        demand_samples();
        signer_make(&maker, "sm2-sm3", "Seal maker");
        signer_make(&seal, "sm2-sm3", "50011200000001");
        signer_certify(&maker, NULL, X509_USE_MAKER);
        signer_certify(&seal, &maker, X509_USE_SEAL);
        making = (SealMaking){ .maker = &maker, .signer = &seal };
        for (int is_signature = 0; is_signature < 2; is_signature++) {
                _made_ Made theirs = made_file(
                        folder(), is_signature ? "ofdrw-v4-ok.SignedValue.dat" : "UserV4.esl");
                _made_ Made ours = is_signature ? made_signature(&making) : made_seal(&making);
                _cleanup_free_ char *their_layout = layout_of(made_bytes(&theirs));
                _cleanup_free_ char *our_layout = layout_of(made_bytes(&ours));
                Workshop workshop;

                assert_string_equal(our_layout, their_layout);
                workshop_open(&workshop);
                workshop_put(&workshop, "ours", made_bytes(&ours));
                workshop_put(&workshop, "theirs", made_bytes(&theirs));
                workshop_demand(&workshop,
                                "for f in ours theirs; do openssl asn1parse -inform DER -in $f | "
                                "sed -E 's/^ *[0-9]+:(d=[0-9]+) .*(prim|cons): *([A-Z ]*[A-Z]).*/"
                                "\\1 \\2 \\3/' >$f.txt; grep -c '^d=' $f.txt; done; "
                                "cmp ours.txt theirs.txt");
                workshop_close(&workshop);
        }
        signer_done(&maker);
        signer_done(&seal);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_seal_of_2014_is_good),
                cmocka_unit_test(the_seal_of_2020_is_good),
                cmocka_unit_test(the_signature_without_a_document_is_good_but_for_it),
                cmocka_unit_test(the_good_pair_is_good_at_a_time_when_it_was_valid),
                cmocka_unit_test(the_bad_seal_fails_for_its_signature_and_its_critical_extension),
                cmocka_unit_test(changed_samples_fail),
                cmocka_unit_test(ours_have_the_layout_of_theirs),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
