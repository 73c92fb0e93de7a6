/* SPDX-License-Identifier: Apache-2.0 */
/* A document embedded into a signature, and what verifying makes of it. */
#include "format/cms-extend.h"

#include <stdlib.h>

#include "tests/fixture/cms-change.h"
#include "tests/fixture/cms-report.h"
#include "tests/unit/unit.h"

static void embed(MadeCms *made) {
        const Bytes document = { (const uint8_t *) made_cms_document, strlen(made_cms_document) };
        uint8_t *cms = NULL;
        size_t size = 0;

        assert_int_equal(cms_embed(made_cms_bytes(made), document, &cms, &size, NULL), 0);
        made_cms_replace(made, cms, size);
}

static void an_enveloping_one_has_its_document(void **state) {
        static const char *const algorithms[] = { "ecdsa-sha256", "sm2-sm3" };

        (void) state;
        for (size_t i = 0; i < 2; i++) {
                VerifyReport report;
                MadeCms made;

                made_cms_make(&made, algorithms[i], CMS_PROFILE_CADES);
                embed(&made);
                made_cms_verify(&made, &report);
                report_assert(&report, ALL_GOOD);
                assert_int_equal(report.deviation_count, 0);
                const VerifyDocument document = made.document;
                made.document = (VerifyDocument){};
                made_cms_verify(&made, &report);
                report_assert(&report, ALL_GOOD);
                made.document = document;
                made.document.digests[0].digest[0] ^= 1;
                made_cms_verify(&made, &report);
                report_assert(&report, EXPECTED(FAILED(DOCUMENT_HASH)));
                made.document = document;
                uint8_t *at = memmem(made.cms, made.cms_size, "Contract", 8);
                assert_non_null(at);
                *at = 'c';
                made_cms_verify(&made, &report);
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
        made.document = (VerifyDocument){};
        made_cms_verify(&made, &report);
        report_assert(&report, EXPECTED(NOT_CHECKED(DOCUMENT_HASH)));
        assert_int_equal(cms_embed(made_cms_bytes(&made), (Bytes){}, &cms, &size, NULL), 0);
        made_cms_replace(&made, cms, size);
        made_cms_verify(&made, &report);
        report_assert(&report, ALL_GOOD);
        made_cms_done(&made);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_enveloping_one_has_its_document),
                cmocka_unit_test(only_its_document_can_be_embedded),
                cmocka_unit_test(a_document_without_a_byte_is_one),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
