/* SPDX-License-Identifier: Apache-2.0 */
#include "format/verify-kind.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "tests/unit/unit.h"

static VerifyFile guess(const char *hex) {
        uint8_t bytes[UNIT_BYTES_MAX];

        return verify_file_guess((Bytes){ bytes, unit_bytes(hex, bytes) });
}

/* Their beginnings alone, cut after what tells them apart. */

static void each_kind_is_known_by_how_it_begins(void **state) {
        (void) state;
        assert_int_equal(guess("300d06092a864886f70d010702a000"), VERIFY_FILE_CMS);
        assert_int_equal(guess("300e060a2a811ccf550601040202a000"), VERIFY_FILE_CMS);
        assert_int_equal(guess("308006092a864886f70d010702a0800000"), VERIFY_FILE_CMS);
        assert_int_equal(guess("300a30083006160245530201"), VERIFY_FILE_SES_SEAL);
        /* Another version, another id: the verifier says so. */
        assert_int_equal(guess("300a30083006160258580209"), VERIFY_FILE_SES_SEAL);
        assert_int_equal(guess("300f300d020104300830063004160245530500"),
                         VERIFY_FILE_SES_SIGNATURE);
        /* tbsCertificate [0], or of version 1; TBSCertList; CertificationRequestInfo */
        assert_int_equal(guess("30073005a003020102"), VERIFY_FILE_X509);
        assert_int_equal(guess("300530030201013000"), VERIFY_FILE_X509);
        assert_int_equal(guess("300c300a0201013005060355040a0000"), VERIFY_FILE_X509);
        assert_int_equal(guess("300730050201003000"), VERIFY_FILE_X509);
        assert_int_equal(guess("2d2d2d2d2d424547494e20"), VERIFY_FILE_X509);
        assert_int_equal(guess("2d2d2d2d2d424547494e"), VERIFY_FILE_OTHER);
}

static void everything_else_is_other(void **state) {
        char raw[2 * 64 + 1];

        (void) state;
        assert_int_equal(guess(""), VERIFY_FILE_OTHER);
        assert_int_equal(guess("30"), VERIFY_FILE_OTHER);
        assert_int_equal(guess("3000"), VERIFY_FILE_OTHER);
        assert_int_equal(guess("3006020101020101"), VERIFY_FILE_OTHER); /* ECDSA-Sig-Value */
        assert_int_equal(guess("3088ffffffffffffffff"), VERIFY_FILE_OTHER);
        assert_int_equal(guess("1f8f8f8f8f8f8f8f8f8f"), VERIFY_FILE_OTHER);
        assert_int_equal(guess("255044462d312e37"), VERIFY_FILE_OTHER);
        assert_int_equal(guess("a00506092a8648"), VERIFY_FILE_OTHER);
        memset(raw, 'f', sizeof(raw) - 1);
        raw[sizeof(raw) - 1] = '\0';
        assert_int_equal(guess(raw), VERIFY_FILE_OTHER);
}

/* What was cut is of its kind still, for the verifier to say so. */
static void cut_files_are_known(void **state) {
        (void) state;
        assert_int_equal(guess("30820fff06092a86"), VERIFY_FILE_CMS);
        assert_int_equal(guess("3084ffffffff0609"), VERIFY_FILE_CMS);
        assert_int_equal(guess("30823fff3081ff30081602455302"), VERIFY_FILE_SES_SEAL);
        assert_int_equal(guess("30823fff3081ff0201043081ff3081ff30081602"),
                         VERIFY_FILE_SES_SIGNATURE);
}

/* Cut anywhere, it is read no further than it goes (for the sanitizers to see). */
static void cut_files_are_read_to_their_end_only(void **state) {
        static const char signature[] = "300f300d020104300830063004160245530500";
        uint8_t bytes[UNIT_BYTES_MAX];
        size_t size = unit_bytes(signature, bytes);

        (void) state;
        for (size_t cut = 0; cut < size; cut++) {
                _cleanup_free_ uint8_t *exact = malloc(cut > 0 ? cut : 1);
                assert_non_null(exact);
                memcpy(exact, bytes, cut);
                (void) verify_file_guess((Bytes){ exact, cut });
        }
}

/* --- PEM -------------------------------------------------------------------------------------- */

static void assert_unwrapped(const char *text, const char *hex) {
        _cleanup_free_ uint8_t *data = NULL;
        size_t size = 9;

        bool found = verify_file_unwrap((Bytes){ (const uint8_t *) text, strlen(text) }, &data,
                                        &size);
        assert_int_equal(found, hex != NULL);
        if (hex)
                unit_assert_hex(data, size, hex);
        else
                assert_null(data);
}

#define CERTIFICATE "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n"
#define CMS "-----BEGIN CMS-----\nMAA=\n-----END CMS-----\n"

static void pem_is_unwrapped_to_the_first_block_that_is_no_certificate(void **state) {
        (void) state;
        assert_unwrapped(CMS, "3000");
        assert_unwrapped(CERTIFICATE CERTIFICATE CMS, "3000");
        assert_unwrapped("-----BEGIN PKCS7-----\nBQA=\n-----END PKCS7-----\n" CMS, "0500");
        assert_unwrapped(CERTIFICATE, NULL);
        assert_unwrapped("text before it\n" CMS, NULL);
        assert_unwrapped("-----BEGIN CMS-----\nMAA=\n", NULL);
        assert_unwrapped("-----BEGIN CMS-----\n!!!!\n-----END CMS-----\n", NULL);
        assert_unwrapped("-----BEGIN ", NULL);
        assert_unwrapped("", NULL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_kind_is_known_by_how_it_begins),
                cmocka_unit_test(everything_else_is_other),
                cmocka_unit_test(cut_files_are_known),
                cmocka_unit_test(cut_files_are_read_to_their_end_only),
                cmocka_unit_test(pem_is_unwrapped_to_the_first_block_that_is_no_certificate),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
