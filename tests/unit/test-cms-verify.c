/* SPDX-License-Identifier: Apache-2.0 */
/* CMS signatures that are good or of another document, and that no byte changes in silence. */
#include "format/cms-verify.h"

#include <stdio.h>
#include <stdlib.h>

#include "format/cms-extend.h"
#include "tests/fixture/cms-report.h"
#include "tests/unit/unit.h"

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
                        made_cms_verify(&made, &report);
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
                        const char *hashes[VERIFY_HASHES_MAX];
                        assert_int_equal(cms_document_hashes(made_cms_bytes(&made), hashes), 1);
                        assert_string_equal(hashes[0], algorithm->hash);
                        made_cms_done(&made);
                }
        }
}

static void the_document_is_the_one_that_was_signed(void **state) {
        VerifyReport report;
        MadeCms made;

        (void) state;
        made_cms_make(&made, "ecdsa-sha256", CMS_PROFILE_CADES);
        made.document.digests[0].digest[31] ^= 1;
        made_cms_verify(&made, &report);
        report_assert(&report, EXPECTED(FAILED(DOCUMENT_HASH)));
        made.document.count = 0;
        made_cms_verify(&made, &report);
        report_assert(&report, EXPECTED(NOT_CHECKED(DOCUMENT_HASH)));
        made_cms_done(&made);
}

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
        made_cms_verify(made, &before);
        assert_int_equal(before.deviation_count, 0);
        signed_mark(made, marks);
        for (size_t i = 0; i < made->cms_size; i++) {
                const uint8_t byte = made->cms[i];

                made->cms[i] ^= (uint8_t) (1U << (i % 8));
                made_cms_verify(made, &report);
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
                cmocka_unit_test(no_byte_changes_in_silence),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
