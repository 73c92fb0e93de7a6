/* SPDX-License-Identifier: Apache-2.0 */
#include "format/x509-signed.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/utc.h"
#include "policy/openssl.h"
#include "tests/fixture/signer.h"
#include "tests/unit/unit.h"

static const uint8_t tbs[] = { 0x30, 0x03, 0x02, 0x01, 0x00 };

static const SignatureAlgorithm *ecdsa(void) {
        return signature_algorithm_at(0);
}

/* As a list of named bits it would lose the zeros at its end, and RSA's may have some. */
static void a_signature_keeps_its_last_zeros(void **state) {
        static const uint8_t signature[] = { 0x01, 0x80, 0x00, 0x00 };
        _cleanup_free_ uint8_t *der = NULL;
        size_t size = 0;

        (void) state;
        assert_int_equal(x509_finish((Bytes){ tbs, sizeof(tbs) }, ecdsa(),
                                     (Bytes){ signature, sizeof(signature) }, &der, &size),
                         0);
        unit_assert_hex(der, size,
                        "3018"
                        "3003020100"
                        "300a06082a8648ce3d040302"
                        "03050001800000");
}

static void what_is_signed_has_to_be_a_sequence(void **state) {
        static const uint8_t octets[] = { 0x04, 0x01, 0x00 };
        const Bytes bad[] = {
                { tbs, sizeof(tbs) - 1 },
                { tbs, 0 },
                { tbs + 2, 2 },
                { (const uint8_t *) "\x30\x00\x00", 3 },
                { octets, sizeof(octets) },
        };
        uint8_t *der = NULL;
        size_t size;

        (void) state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                assert_int_equal(x509_finish(bad[i], ecdsa(), (Bytes){ tbs, 1 }, &der, &size),
                                 -EINVAL);
        assert_int_equal(x509_finish((Bytes){ tbs, sizeof(tbs) }, ecdsa(),
                                     (Bytes){ tbs, SIGNATURE_MAX + 1 }, &der, &size),
                         -EINVAL);
        assert_null(der);
}

/* Whatever the key signs: a certificate names the algorithm within, a request does not. */
static void what_names_no_algorithm_is_no_certificate(void **state) {
        _cleanup_free_ uint8_t *der = NULL;
        Signer signer;
        size_t size = 0;

        (void) state;
        signer_make(&signer, "ecdsa-sha256", "x");
        der = signer_finish(&signer, (Bytes){ tbs, sizeof(tbs) }, &size);
        assert_int_equal(x509_signature_verify((Bytes){ der, size }, false, signer.key), 0);
        assert_int_equal(x509_signature_verify((Bytes){ der, size }, true, signer.key),
                         SEAL_E_APPROVAL_INVALID);
        assert_int_equal(
                x509_signature_verify((Bytes){ der, REVOCATION_LIST_MAX + 1 }, true, signer.key),
                SEAL_E_APPROVAL_INVALID);
        signer_done(&signer);
}

static void times_are_read_back_to_the_second(void **state) {
        static const uint64_t times[] = { 0, 1, SIGNER_TIME, 2524608000ULL * USEC_PER_SEC,
                                          UTC_MAX };

        (void) state;
        for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
                ASN1_TIME *time = x509_time_new(times[i]);
                uint64_t usec = 1;

                assert_true(x509_time_read(time, &usec));
                assert_int_equal(usec, times[i] - times[i] % USEC_PER_SEC);
                ASN1_TIME_free(time);
        }
}

static void what_is_no_time_is_told(void **state) {
        static const char *const texts[] = { "", "19691231235959Z", "20240230000000Z", "2024" };
        ASN1_TIME *time = ASN1_STRING_type_new(V_ASN1_GENERALIZEDTIME);
        uint64_t usec = 1;

        (void) state;
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                assert_int_equal(ASN1_STRING_set(time, texts[i], -1), 1);
                assert_false(x509_time_read(time, &usec));
        }
        assert_false(x509_time_read(NULL, &usec));
        assert_int_equal(usec, 1);
        ASN1_TIME_free(time);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_signature_keeps_its_last_zeros),
                cmocka_unit_test(what_is_signed_has_to_be_a_sequence),
                cmocka_unit_test(what_names_no_algorithm_is_no_certificate),
                cmocka_unit_test(times_are_read_back_to_the_second),
                cmocka_unit_test(what_is_no_time_is_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
