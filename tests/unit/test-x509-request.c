/* SPDX-License-Identifier: Apache-2.0 */
#include "format/x509-request.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "tests/fixture/command.h"
#include "tests/fixture/signer.h"
#include "tests/unit/unit.h"

static const struct {
        const char *algorithm, *options;
} kinds[] = {
        { "ecdsa-sha256", "" },  { "ecdsa-sha384", "" },
        { "rsassa-sha256", "" }, { "rsassa-sha512", "" },
        { "rsapss-sha256", "" }, { "sm2-sm3", "-vfyopt distid:1234567812345678" },
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

static uint8_t *request_make(const Signer *signer, X509Use use, size_t *ret_size) {
        const X509Subject name = { "DE", "Muster GmbH", "NTRDE-HRB1234", signer->name };
        _cleanup_free_ uint8_t *subject = NULL, *tbs = NULL;
        X509RequestFacts facts = { .key = signer->key, .use = use };
        size_t size = 0;

        assert_int_equal(x509_name_encode(&name, &subject, &facts.subject.size, NULL), 0);
        facts.subject.data = subject;
        assert_int_equal(x509_request_prepare(&facts, &tbs, &size, NULL), 0);
        return signer_finish(signer, (Bytes){ tbs, size }, ret_size);
}

static void openssl_verifies_requests_of_every_algorithm(void **state) {
        Workshop workshop;

        (void) state;
        workshop_open(&workshop);
        for (size_t i = 0; i < KIND_COUNT; i++) {
                _cleanup_free_ uint8_t *der = NULL;
                Signer signer;
                size_t size;

                signer_make(&signer, kinds[i].algorithm, "33010000000001");
                der = request_make(&signer, X509_USE_SEAL, &size);
                workshop_put(&workshop, "request", (Bytes){ der, size });
                workshop_demand(&workshop, "openssl req -inform DER -in request -verify %s -text",
                                kinds[i].options);
                assert_non_null(strstr(workshop.output, "verify OK"));
                assert_non_null(strstr(workshop.output, "Version: 1 (0x0)"));
                assert_non_null(strstr(workshop.output, "organizationIdentifier = NTRDE-HRB1234, "
                                                        "CN = 33010000000001"));
                assert_non_null(strstr(workshop.output, "Digital Signature, Non Repudiation\n"));
                assert_non_null(strstr(workshop.output, "CA:FALSE"));
                signer_done(&signer);
        }
        workshop_close(&workshop);
}

/* The way to an authority outside: it issues what is asked for, and its certificate is good. */
static void openssl_issues_what_a_maker_asks_for(void **state) {
        _cleanup_free_ uint8_t *der = NULL;
        Workshop workshop;
        Signer maker;
        size_t size;

        (void) state;
        signer_make(&maker, "ecdsa-sha256", "Seal maker");
        der = request_make(&maker, X509_USE_MAKER, &size);
        workshop_open(&workshop);
        workshop_put(&workshop, "request", (Bytes){ der, size });
        workshop_demand(&workshop,
                        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
                        " -subj /CN=Outside -addext keyUsage=critical,keyCertSign"
                        " -keyout ca.key -out ca.pem &&"
                        " openssl x509 -req -inform DER -in request -CA ca.pem -CAkey ca.key"
                        " -CAcreateserial -copy_extensions copyall -days 30 -out maker.pem &&"
                        " openssl verify -x509_strict -CAfile ca.pem maker.pem &&"
                        " openssl x509 -in maker.pem -noout -text");
        assert_non_null(strstr(workshop.output, "CA:TRUE, pathlen:0"));
        assert_non_null(strstr(workshop.output, "Certificate Sign, CRL Sign"));
        workshop_close(&workshop);
        signer_done(&maker);
}

static void every_changed_byte_is_refused(void **state) {
        (void) state;
        for (size_t i = 0; i < KIND_COUNT; i++) {
                _cleanup_free_ uint8_t *der = NULL;
                Signer signer;
                size_t size;

                signer_make(&signer, kinds[i].algorithm, "33010000000001");
                der = request_make(&signer, X509_USE_SEAL, &size);
                const Bytes bytes = { der, size };
                assert_int_equal(x509_signature_verify(bytes, false, signer.key), 0);
                for (size_t at = 0; at < size; at++)
                        for (unsigned change = 0; change < 2; change++) {
                                const uint8_t was = der[at];

                                der[at] ^= (uint8_t) (change == 0 ? 1U << (at % 8) : 0xa1);
                                assert_int_equal(x509_signature_verify(bytes, false, signer.key),
                                                 SEAL_E_APPROVAL_INVALID);
                                der[at] = was;
                        }
                assert_int_equal(x509_signature_verify((Bytes){ der, size - 1 }, false, signer.key),
                                 SEAL_E_APPROVAL_INVALID);
                signer_done(&signer);
        }
}

/* The same in other bytes: BER, and something behind it. */
static void other_spellings_are_refused(void **state) {
        _cleanup_free_ uint8_t *der = NULL;
        uint8_t other[2048];
        Signer signer;
        size_t size;

        (void) state;
        signer_make(&signer, "ecdsa-sha256", "33010000000001");
        der = request_make(&signer, X509_USE_SEAL, &size);
        assert_int_equal(der[1], 0x82); /* a length of two bytes */
        memcpy(other, der, size);
        other[size] = 0;
        assert_int_equal(x509_signature_verify((Bytes){ other, size + 1 }, false, signer.key),
                         SEAL_E_APPROVAL_INVALID);
        memcpy(other, "\x30\x83\x00", 3);
        memcpy(other + 3, der + 2, size - 2);
        assert_int_equal(x509_signature_verify((Bytes){ other, size + 1 }, false, signer.key),
                         SEAL_E_APPROVAL_INVALID);
        signer_done(&signer);
}

static void a_subject_that_is_no_name_is_refused(void **state) {
        static const uint8_t subject[] = { 0x30, 0x00, 0x00 };
        X509RequestFacts facts = { .use = X509_USE_SEAL };
        uint8_t *der = NULL;
        Signer signer;
        size_t size;

        (void) state;
        signer_make(&signer, "ecdsa-sha256", "x");
        facts.key = signer.key;
        facts.subject = (Bytes){ subject, 3 };
        assert_int_equal(x509_request_prepare(&facts, &der, &size, NULL), SEAL_E_INVALID_ARGS);
        facts.subject = (Bytes){ subject, 1 };
        assert_int_equal(x509_request_prepare(&facts, &der, &size, NULL), SEAL_E_INVALID_ARGS);
        facts.subject = (Bytes){ subject, 2 };
        facts.use = X509_USE_TIMESTAMP;
        assert_int_equal(x509_request_prepare(&facts, &der, &size, NULL), SEAL_E_INVALID_ARGS);
        assert_null(der);
        signer_done(&signer);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(openssl_verifies_requests_of_every_algorithm),
                cmocka_unit_test(openssl_issues_what_a_maker_asks_for),
                cmocka_unit_test(every_changed_byte_is_refused),
                cmocka_unit_test(other_spellings_are_refused),
                cmocka_unit_test(a_subject_that_is_no_name_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
