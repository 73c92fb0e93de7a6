/* SPDX-License-Identifier: Apache-2.0 */
#include "format/x509-crl.h"

#include <stdlib.h>

#include "format/x509-read.h"
#include "policy/openssl.h"
#include "tests/fixture/command.h"
#include "tests/fixture/crl.h"
#include "tests/unit/unit.h"

static void assert_says(const Workshop *workshop, const char *words) {
        if (!strstr(workshop->output, words))
                fail_msg("'%s' is not in: %s", words, workshop->output);
}

static void openssl_verifies_lists(void **state) {
        Workshop workshop;

        (void) state;
        workshop_open(&workshop);
        for (size_t i = 0; i < CRL_MAKERS; i++) {
                uint8_t serial[X509_SERIAL_SIZE];
                const X509CrlEntry entry = crl_entry(&seals[0], SIGNER_TIME - DAY,
                                                     X509_REASON_KEY_COMPROMISE, serial);
                X509CrlFacts facts = crl_facts(&makers[i]);
                size_t size;

                facts.entries = &entry;
                facts.entry_count = 1;
                _cleanup_free_ uint8_t *der = crl_make(&makers[i], &facts, &size);
                workshop_put(&workshop, "list", (Bytes){ der, size });
                workshop_put(&workshop, "maker", signer_certificate(&makers[i]));
                if (strcmp(makers[i].algorithm->name, "sm2-sm3") == 0)
                        continue; /* the next test's */
                workshop_demand(&workshop,
                                "openssl x509 -inform DER -in maker -out maker.pem &&"
                                " openssl crl -inform DER -in list -noout -CAfile maker.pem");
                assert_says(&workshop, "verify OK");
        }
        workshop_close(&workshop);
}

/* `openssl crl` cannot be told an identity: the extracted parts, then. */
static void openssl_verifies_an_sm2_lists_parts(void **state) {
        const Signer *maker = &makers[CRL_MAKERS - 1];
        const X509CrlFacts facts = crl_facts(maker);
        Workshop workshop;
        size_t size;
        _cleanup_free_ uint8_t *der = crl_make(maker, &facts, &size);

        (void) state;
        workshop_open(&workshop);
        workshop_put(&workshop, "list", (Bytes){ der, size });
        workshop_put(&workshop, "maker", signer_certificate(maker));
        workshop_demand(
                &workshop,
                "first=$(openssl asn1parse -inform DER -in list | sed -n '2{s/:.*//;p}') &&"
                " last=$(openssl asn1parse -inform DER -in list | tail -n1 | cut -d: -f1) &&"
                " openssl asn1parse -inform DER -in list -strparse $first -noout -out tbs &&"
                " openssl asn1parse -inform DER -in list -strparse $last -noout -out signature &&"
                " openssl x509 -inform DER -in maker -noout -pubkey >key &&"
                " openssl dgst -sm3 -sigopt distid:1234567812345678 -verify key"
                " -signature signature tbs");
        workshop_close(&workshop);
}

static void list_says_what_it_was_given(void **state) {
        uint8_t serials[3][X509_SERIAL_SIZE];
        const X509CrlEntry entries[] = {
                crl_entry(&seals[0], SIGNER_TIME - DAY, X509_REASON_NONE, serials[0]),
                crl_entry(&seals[1], SIGNER_TIME - 2 * DAY, X509_REASON_CERTIFICATE_HOLD,
                          serials[1]),
                crl_entry(&seals[2], SIGNER_TIME - 3 * DAY, X509_REASON_CESSATION_OF_OPERATION,
                          serials[2]),
        };
        X509CrlFacts facts = crl_facts(&makers[0]);
        Workshop workshop;
        size_t size;

        (void) state;
        facts.entries = entries;
        facts.entry_count = 3;
        _cleanup_free_ uint8_t *der = crl_make(&makers[0], &facts, &size);
        workshop_open(&workshop);
        workshop_put(&workshop, "list", (Bytes){ der, size });
        workshop_demand(&workshop, "openssl crl -inform DER -in list -noout -text");
        assert_says(&workshop, "Version 2 (0x1)");
        assert_says(&workshop, "Last Update: Nov 14 22:13:20 2023 GMT");
        assert_says(&workshop, "Next Update: Nov 21 22:13:20 2023 GMT");
        assert_says(&workshop, "X509v3 CRL Number: \n                42\n");
        assert_says(&workshop, "2.5.29.60: \n                ..20221114221320Z");
        assert_says(&workshop, "Revocation Date: Nov 13 22:13:20 2023 GMT\n    Serial");
        assert_says(&workshop, "Certificate Hold");
        assert_says(&workshop, "Cessation Of Operation");
        workshop_close(&workshop);
        /* RFC 5280 §5.3.1: where no reason is known, none is written. */
        X509CrlEntry unspecified = entries[0];
        unspecified.reason = X509_REASON_UNSPECIFIED;
        facts.entries = &unspecified;
        facts.entry_count = 1;
        uint8_t *tbs[2];
        size_t sizes[2];
        for (size_t i = 0; i < 2; i++) {
                unspecified.reason = i == 0 ? X509_REASON_NONE : X509_REASON_UNSPECIFIED;
                assert_int_equal(x509_crl_prepare(&facts, &tbs[i], &sizes[i], NULL), 0);
        }
        assert_int_equal(sizes[0], sizes[1]);
        assert_memory_equal(tbs[0], tbs[1], sizes[0]);
        free(tbs[0]);
        free(tbs[1]);
        /* RFC 5280 §5.1.2.6: no empty list. */
        facts.entry_count = 0;
        _cleanup_free_ uint8_t *empty = crl_make(&makers[0], &facts, &size);
        const unsigned char *at = empty;
        _cleanup_(X509_CRL_freep) X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long) size);
        assert_null(X509_CRL_get_REVOKED(crl));
}

static void openssl_verify_finds_the_revoked(void **state) {
        uint8_t serial[X509_SERIAL_SIZE];
        const X509CrlEntry entry = crl_entry(&seals[0], SIGNER_TIME - DAY, X509_REASON_SUPERSEDED,
                                             serial);
        X509CrlFacts facts = crl_facts(&makers[0]);
        Workshop workshop;
        size_t size;

        (void) state;
        facts.entries = &entry;
        facts.entry_count = 1;
        _cleanup_free_ uint8_t *der = crl_make(&makers[0], &facts, &size);
        workshop_open(&workshop);
        workshop_put(&workshop, "list", (Bytes){ der, size });
        workshop_put(&workshop, "maker", signer_certificate(&makers[0]));
        workshop_put(&workshop, "revoked", signer_certificate(&seals[0]));
        workshop_put(&workshop, "good", signer_certificate(&seals[1]));
        workshop_demand(&workshop,
                        "openssl x509 -inform DER -in maker -out maker.pem &&"
                        " openssl crl -inform DER -in list -out list.pem &&"
                        " openssl verify -x509_strict -crl_check -attime %llu -CAfile maker.pem"
                        " -CRLfile list.pem good",
                        SIGNER_TIME / USEC_PER_SEC);
        assert_false(workshop_run(&workshop,
                                  "openssl verify -crl_check -attime %llu -CAfile maker.pem"
                                  " -CRLfile list.pem revoked",
                                  SIGNER_TIME / USEC_PER_SEC));
        assert_says(&workshop, "certificate revoked");
        workshop_close(&workshop);
}

static void facts_that_make_no_list_are_refused(void **state) {
        static const uint8_t serial[CERTIFICATE_SERIAL_MAX + 1] = { 1 };
        const X509CrlEntry none = { { serial, 0 }, 1, 0 },
                           long_one = { { serial, sizeof(serial) }, 1, 0 };
        X509CrlFacts bad[5];
        uint8_t *der = NULL;
        size_t size;

        (void) state;
        for (size_t i = 0; i < 5; i++)
                bad[i] = crl_facts(&makers[0]);
        bad[0].next_update = bad[0].this_update - 1;
        bad[1].issuer.size--;
        bad[2].entries = &none;
        bad[2].entry_count = 1;
        bad[3].entries = &long_one;
        bad[3].entry_count = 1;
        bad[4].entry_count = CRL_ENTRIES_MAX + 1;
        for (size_t i = 0; i < 5; i++)
                assert_int_equal(x509_crl_prepare(&bad[i], &der, &size, NULL),
                                 i == 4 ? SEAL_E_LIMITS_EXCEEDED : SEAL_E_INVALID_ARGS);
        assert_null(der);
}

static void the_largest_list_is_read_again(void **state) {
        X509CrlEntry *entries = calloc(CRL_ENTRIES_MAX, sizeof(*entries));
        uint8_t(*serials)[X509_SERIAL_SIZE] = calloc(CRL_ENTRIES_MAX, X509_SERIAL_SIZE);
        X509CrlFacts facts = crl_facts(&makers[0]);
        X509Revocation said;

        (void) state;
        for (uint32_t i = 0; i < CRL_ENTRIES_MAX; i++) {
                serials[i][0] = 0x40;
                memcpy(serials[i] + 1, &i, sizeof(i));
                entries[i] = (X509CrlEntry){ { serials[i], X509_SERIAL_SIZE },
                                             SIGNER_TIME - DAY,
                                             X509_REASON_SUPERSEDED };
        }
        entries[CRL_ENTRIES_MAX / 2] = crl_entry(&seals[0], SIGNER_TIME - DAY,
                                                 X509_REASON_KEY_COMPROMISE,
                                                 serials[CRL_ENTRIES_MAX / 2]);
        facts.entries = entries;
        facts.entry_count = CRL_ENTRIES_MAX;
        _cleanup_(x509_crl_freep) X509Crl *crl = crl_of(&makers[0], &facts);
        _cleanup_(X509_freep) X509 *issuer = crl_certificate(&makers[0]);
        assert_int_equal(x509_crl_verify(crl, issuer, NULL), 0);
        _cleanup_(X509_freep) X509 *seal = crl_certificate(&seals[0]);
        x509_crl_find(crl, seal, SIGNER_TIME, &said);
        assert_int_equal(said.reason, X509_REASON_KEY_COMPROMISE);
        free(entries);
        free(serials);
}

static void reasons_have_the_standards_names(void **state) {
        (void) state;
        assert_string_equal(x509_reason_name(X509_REASON_NONE), "");
        assert_string_equal(x509_reason_name(X509_REASON_KEY_COMPROMISE), "keyCompromise");
        assert_string_equal(x509_reason_name(X509_REASON_CERTIFICATE_HOLD), "certificateHold");
        assert_string_equal(x509_reason_name((X509Reason) 7), "unspecified");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(openssl_verifies_lists),
                cmocka_unit_test(openssl_verifies_an_sm2_lists_parts),
                cmocka_unit_test(list_says_what_it_was_given),
                cmocka_unit_test(openssl_verify_finds_the_revoked),
                cmocka_unit_test(facts_that_make_no_list_are_refused),
                cmocka_unit_test(the_largest_list_is_read_again),
                cmocka_unit_test(reasons_have_the_standards_names),
        };

        return cmocka_run_group_tests(tests, crl_makers_open, crl_makers_close);
}
