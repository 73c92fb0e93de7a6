/* SPDX-License-Identifier: Apache-2.0 */
#include "format/eseal-verify.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "policy/openssl.h"
#include "tests/fixture/deviation.h"
#include "tests/fixture/eseal-report.h"
#include "tests/unit/unit.h"

static void ours_of_every_algorithm_is_good(void **state) {
        (void) state;
        for (size_t i = 0; i < OFFICES; i++) {
                const SealMaking making = office_making(&offices[i]);
                _made_ Made seal = made_seal(&making), signature = made_signature(&making);

                (void) office_verify_at(&offices[i], made_bytes(&seal), "", SIGNER_TIME);
                assert_all_good();
                assert_int_equal(report.kind, VERIFY_SEAL);
                assert_int_equal(verify_result(&report, CHECK_SIGNATURE_VALUE),
                                 CHECK_NOT_APPLICABLE);
                (void) office_verify(&offices[i], &signature);
                assert_all_good();
                assert_int_equal(report.kind, VERIFY_SIGNATURE);
                assert_row(CHECK_TIMESTAMP, CHECK_ABSENT, "no time stamp");
                assert_row(CHECK_SEAL_EXTENSIONS, CHECK_ABSENT, "none");
                assert_row(CHECK_DOCUMENT_HASH, CHECK_PASSED, offices[i].seal.algorithm->hash);
                assert_row(CHECK_REVOCATION, CHECK_PASSED, "not revoked");
                assert_string_equal(report.facts.algorithm, offices[i].seal.algorithm->name);
                assert_string_equal(eseal_document_hash(made_bytes(&signature)),
                                    offices[i].seal.algorithm->hash);
        }
}

static void with_another_algorithm_it_is_labelled(void **state) {
        (void) state;
        for (size_t i = 0; i < OFFICES; i++) {
                const SealMaking making = office_making(&offices[i]);
                _made_ Made seal = made_seal(&making), signature = made_signature(&making);

                assert_string_equal(eseal_profile(made_bytes(&seal)),
                                    i == SM2 ? ESEAL_PROFILE_SM : ESEAL_PROFILE_OTHER);
                (void) office_verify(&offices[i], &signature);
                assert_string_equal(report.facts.profile,
                                    i == SM2 ? ESEAL_PROFILE_SM : ESEAL_PROFILE_OTHER);
                assert_int_equal(deviated(&report, DEVIATION_NON_SM_ALGORITHM), i != SM2);
        }
}

/* By the P-256 maker, where the chip has no SM2 for him. */
static void one_algorithm_of_both_is_not_enough(void **state) {
        const SealMaking making = { .maker = &offices[P256].maker, .signer = &offices[SM2].seal };
        _made_ Made seal = made_seal(&making), signature = made_signature(&making);

        (void) state;
        assert_string_equal(eseal_profile(made_bytes(&seal)), ESEAL_PROFILE_OTHER);
        (void) office_verify(&offices[SM2], &signature);
        assert_row(CHECK_SIGNATURE_VALUE, CHECK_PASSED, "sm2-sm3");
        assert_row(CHECK_SEAL_SIGNATURE, CHECK_PASSED, "ecdsa-sha256");
        assert_string_equal(report.facts.profile, ESEAL_PROFILE_OTHER);
        const SealMaking reverse = { .maker = &offices[SM2].maker, .signer = &offices[P256].seal };
        _made_ Made esl = made_seal(&reverse), made = made_signature(&reverse);
        assert_string_equal(eseal_profile(made_bytes(&esl)), ESEAL_PROFILE_OTHER);
        (void) office_verify_at(&offices[SM2], made_bytes(&esl), "", SIGNER_TIME);
        assert_string_equal(report.facts.profile, ESEAL_PROFILE_OTHER);
        assert_true(deviated(&report, DEVIATION_NON_SM_ALGORITHM));
        (void) office_verify(&offices[P256], &made);
        assert_string_equal(report.facts.profile, ESEAL_PROFILE_OTHER);
        assert_true(deviated(&report, DEVIATION_NON_SM_ALGORITHM));
}

static void what_a_seal_says_is_told(void **state) {
        const SealMaking making = office_making(&offices[SM2]);
        _made_ Made signature = made_signature(&making);
        const VerifyFacts *facts = &report.facts;

        (void) state;
        (void) office_verify(&offices[SM2], &signature);
        assert_string_equal(facts->seal_number, "50011200000001");
        assert_string_equal(facts->seal_name, "合同专用章");
        assert_string_equal(facts->seal_vendor, "another");
        assert_string_equal(facts->seal_type, "4");
        assert_non_null(strstr(facts->seal_maker, "CN=Seal maker"));
        assert_non_null(strstr(facts->subject, "CN=50011200000001"));
        assert_string_equal(facts->picture_type, "PNG");
        assert_int_equal(facts->picture_width, 42);
        assert_int_equal(facts->picture_height, 42);
        assert_int_equal(facts->seal_not_before, SIGNER_TIME);
        assert_int_equal(facts->seal_not_after, SIGNER_TIME + 365 * USEC_PER_DAY);
        assert_string_equal(facts->property_info, "/Doc_0/Signature.xml");
        assert_string_equal(facts->hash, "sm3");
        assert_int_equal(facts->claimed, SIGNER_TIME);
        assert_int_equal(facts->time, SIGNER_TIME);
        assert_int_equal(facts->time_source, VERIFY_TIME_CLAIMED);
}

/* The last byte: s is another number. */
static void value_flip(ASN1_BIT_STRING *value) {
        value->data[value->length - 1] ^= 1;
}

static void seal_value_flip(SesSeal *seal) {
        value_flip(seal->value);
}

static void value_of_signer_flip(SesSignature *whole) {
        value_flip(whole->value);
}

static void a_signature_that_does_not_fit_fails_in_its_row(void **state) {
        (void) state;
        for (size_t i = 0; i < OFFICES; i++) {
                SealMaking making = office_making(&offices[i]);

                making.seal = seal_value_flip;
                _made_ Made seal = made_signature(&making);
                (void) office_verify(&offices[i], &seal);
                assert_fails_only(CHECK_SEAL_SIGNATURE, "of the seal's maker over these bytes");
                making.seal = NULL;
                making.whole = value_of_signer_flip;
                _made_ Made signature = made_signature(&making);
                (void) office_verify(&offices[i], &signature);
                assert_fails_only(CHECK_SIGNATURE_VALUE, "of the signer over these bytes");
        }
}

static void algorithm_other(SesSignature *whole) {
        whole->algorithm = OBJ_nid2obj(NID_ecdsa_with_SHA256);
}

static void algorithm_unknown(SesSignature *whole) {
        whole->algorithm = OBJ_nid2obj(NID_sha256);
}

static void an_algorithm_is_one_of_the_key(void **state) {
        void (*const changes[])(SesSignature *) = { algorithm_other, algorithm_unknown };

        (void) state;
        for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
                SealMaking making = office_making(&offices[SM2]);

                making.whole = changes[i];
                _made_ Made signature = made_signature(&making);
                (void) office_verify(&offices[SM2], &signature);
                assert_row(CHECK_SIGNATURE_VALUE, CHECK_FAILED, "not known, or not one of the key");
                assert_row(CHECK_DOCUMENT_HASH, CHECK_NOT_CHECKED, "without the signature's");
                assert_null(eseal_document_hash(made_bytes(&signature)));
        }
}

static void another_document_fails(void **state) {
        const SealMaking making = office_making(&offices[SM2]);
        _made_ Made signature = made_signature(&making);
        const VerifyTrust trust = { .now = SIGNER_TIME };

        (void) state;
        (void) office_verify_at(&offices[SM2], made_bytes(&signature), "another", 0);
        assert_fails_only(CHECK_DOCUMENT_HASH, "another document");
        assert_int_equal(eseal_verify(made_bytes(&signature), NULL, &trust, &report), 0);
        assert_row(CHECK_DOCUMENT_HASH, CHECK_NOT_CHECKED, "no document at hand");
        assert_row(CHECK_CERTIFICATE_CHAIN, CHECK_NOT_CHECKED, "");
}

static void hash_cut(SesTbs *tbs) {
        assert_true(ses_put_bits(tbs->hash, (Bytes){ tbs->hash->data, 31 }));
}

static void a_hash_of_another_size_fails(void **state) {
        SealMaking making = office_making(&offices[SM2]);

        (void) state;
        making.tbs = hash_cut;
        _made_ Made signature = made_signature(&making);
        (void) office_verify(&offices[SM2], &signature);
        assert_fails_only(CHECK_DOCUMENT_HASH, "another document");
}

static void a_seal_is_valid_when_it_was_used(void **state) {
        SealMaking making = office_making(&offices[SM2]);

        (void) state;
        making.time = SIGNER_TIME - 10 * USEC_PER_SEC;
        _made_ Made early = made_signature(&making);
        (void) office_verify(&offices[SM2], &early);
        assert_fails_only(CHECK_SEAL_VALIDITY, "not valid yet");
        making.time = SIGNER_TIME + 365 * USEC_PER_DAY;
        _made_ Made last = made_signature(&making);
        (void) office_verify_at(&offices[SM2], made_bytes(&last), "", making.time);
        assert_row(CHECK_SEAL_VALIDITY, CHECK_PASSED, "valid from");
        /* As with certificates, the last second is one of its own. */
        (void) office_verify_at(&offices[SM2], made_bytes(&last), "",
                                making.time + USEC_PER_SEC - 1);
        assert_row(CHECK_SEAL_VALIDITY, CHECK_PASSED, "valid from");
        making.time += USEC_PER_SEC;
        _made_ Made late = made_signature(&making);
        (void) office_verify_at(&offices[SM2], made_bytes(&late), "", making.time);
        assert_row(CHECK_SEAL_VALIDITY, CHECK_FAILED, "not valid any more");
        /* Of a seal alone now is asked, or the time that is named. */
        _made_ Made seal = made_seal(&making);
        (void) office_verify(&offices[SM2], &seal);
        assert_row(CHECK_SEAL_VALIDITY, CHECK_PASSED, "valid from");
        (void) office_verify_at(&offices[SM2], made_bytes(&seal), "", SIGNER_TIME - USEC_PER_SEC);
        assert_row(CHECK_SEAL_VALIDITY, CHECK_FAILED, "not valid yet");
}

static void revoked_certificates_fail_each_in_its_row(void **state) {
        Office *office = &offices[P384];
        const SealMaking making = office_making(office);
        _made_ Made signature = made_signature(&making);
        _cleanup_(X509_freep) X509 *certificate = NULL;
        const unsigned char *at = office->seal.certificate;

        (void) state;
        certificate = d2i_X509(NULL, &at, (long) office->seal.certificate_size);
        const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);
        const X509CrlEntry entry = { ses_bytes(serial), SIGNER_TIME - USEC_PER_SEC,
                                     X509_REASON_KEY_COMPROMISE };
        office_crl_make(office, &entry, 1);
        (void) office_verify(office, &signature);
        assert_fails_only(CHECK_REVOCATION, "keyCompromise");
        office_crl_make(office, NULL, 0);
}

/* Each in one of three ways: its lowest bit, its highest, all. P-256 is verified fast. */
static void assert_every_byte_counts(const Office *office, const Made *file) {
        static const uint8_t changes[] = { 0x01, 0x80, 0xff };

        assert_int_not_equal(office_verify_at(office, made_bytes(file), DOCUMENT_TEXT, SIGNER_TIME),
                             VERDICT_FAILED);
        const size_t deviations = report.deviation_count;
        for (size_t i = 0; i < file->size; i++) {
                const uint8_t change = changes[i % sizeof(changes)];

                file->data[i] ^= change;
                if (office_verify_at(office, made_bytes(file), DOCUMENT_TEXT, SIGNER_TIME) !=
                            VERDICT_FAILED &&
                    report.deviation_count == deviations)
                        fail_msg("byte %zu ^ 0x%02x: nobody notices", i, change);
                file->data[i] ^= change;
        }
}

static void every_byte_of_a_seal_counts(void **state) {
        (void) state;
        for (int is_2014 = 0; is_2014 < 2; is_2014++) {
                SealMaking making = office_making(&offices[P256]);

                making.is_2014 = is_2014;
                making.info = is_2014 ? NULL : seal_extension_usual;
                _made_ Made seal = made_seal(&making);
                assert_every_byte_counts(&offices[P256], &seal);
        }
}

static void every_byte_of_a_signature_counts(void **state) {
        (void) state;
        for (int is_2014 = 0; is_2014 < 2; is_2014++) {
                SealMaking making = office_making(&offices[P256]);

                making.is_2014 = is_2014;
                making.info = is_2014 ? NULL : seal_extension_usual;
                making.tbs = signature_extension_usual;
                _made_ Made signature = made_signature(&making);
                assert_every_byte_counts(&offices[P256], &signature);
        }
}

static void of_a_seal_alone_its_maker_s_signature_is_asked(void **state) {
        const SealMaking making = office_making(&offices[P256]);
        _made_ Made seal = made_seal(&making);
        Bytes der = made_bytes(&seal);
        ErrorDetail detail = {};

        (void) state;
        assert_int_equal(eseal_maker_check(der, &detail), 0);
        assert_string_equal(detail.text, "");
        der.size--;
        assert_int_equal(eseal_maker_check(der, &detail), SEAL_E_APPROVAL_INVALID);
        assert_string_not_equal(detail.text, "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(ours_of_every_algorithm_is_good),
                cmocka_unit_test(with_another_algorithm_it_is_labelled),
                cmocka_unit_test(one_algorithm_of_both_is_not_enough),
                cmocka_unit_test(what_a_seal_says_is_told),
                cmocka_unit_test(a_signature_that_does_not_fit_fails_in_its_row),
                cmocka_unit_test(an_algorithm_is_one_of_the_key),
                cmocka_unit_test(another_document_fails),
                cmocka_unit_test(a_hash_of_another_size_fails),
                cmocka_unit_test(a_seal_is_valid_when_it_was_used),
                cmocka_unit_test(revoked_certificates_fail_each_in_its_row),
                cmocka_unit_test(of_a_seal_alone_its_maker_s_signature_is_asked),
                cmocka_unit_test(every_byte_of_a_seal_counts),
                cmocka_unit_test(every_byte_of_a_signature_counts),
        };

        return cmocka_run_group_tests(tests, offices_open, offices_close);
}
