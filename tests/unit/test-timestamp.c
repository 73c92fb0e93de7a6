/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and answers of RFC 3161, and what a token in a signature proves. */
#include "format/timestamp.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "format/cms-attributes.h"
#include "format/cms-extend.h"
#include "format/cms-verify.h"
#include "format/x509-crl.h"
#include "format/x509-signed.h"
#include "tests/fixture/cms.h"
#include "tests/fixture/stamper.h"
#include "tests/unit/unit.h"

#define NONCE 0xf123456789abcdefULL

static const Bytes stamped = { (const uint8_t *) "a signature's value", 19 };
static const Bytes another = { (const uint8_t *) "another signature's", 19 };
static const VerifyTrust nobody = { .now = SIGNER_TIME };

/* malloc'ed */
static Bytes request_make(Bytes what, uint64_t nonce) {
        uint8_t *der = NULL;
        size_t size = 0;

        assert_int_equal(timestamp_request("sha256", what, nonce, &der, &size), 0);
        return (Bytes){ der, size };
}

static Bytes answer_make(const Stamper *stamper, Bytes request) {
        size_t size = 0;
        uint8_t *der = stamper_answer(stamper, request, &size);

        return (Bytes){ der, size };
}

static void bytes_free(Bytes bytes) {
        free((void *) bytes.data);
}

static int accept(Bytes answer, Bytes request, Bytes what, const VerifyTrust *trust,
                  ErrorDetail *detail) {
        uint8_t *token = NULL;
        size_t size = 0;

        *detail = (ErrorDetail){};
        int r = timestamp_accept(answer, request, what, trust, &token, &size, detail);
        assert_true((r == 0) == (token != NULL));
        free(token);
        return r;
}

/* --- request -------------------------------------------------------------------------------- */

static void a_request_asks_for_all_that_is_checked(void **state) {
        const Bytes request = request_make(stamped, NONCE);
        const unsigned char *at = request.data;
        uint8_t digest[32], *none = NULL;
        uint64_t nonce = 0;
        size_t size = 0;

        (void) state;
        TS_REQ *read = d2i_TS_REQ(NULL, &at, (long) request.size);
        assert_non_null(read);
        assert_ptr_equal(at, request.data + request.size);
        assert_int_equal(TS_REQ_get_version(read), 1);
        assert_true(TS_REQ_get_cert_req(read));
        assert_int_equal(ASN1_INTEGER_get_uint64(&nonce, TS_REQ_get_nonce(read)), 1);
        assert_int_equal(nonce, NONCE);
        assert_int_equal(EVP_Digest(stamped.data, stamped.size, digest, NULL, EVP_sha256(), NULL),
                         1);
        const ASN1_OCTET_STRING *message = TS_MSG_IMPRINT_get_msg(TS_REQ_get_msg_imprint(read));
        assert_int_equal(ASN1_STRING_length(message), 32);
        assert_memory_equal(ASN1_STRING_get0_data(message), digest, 32);
        TS_REQ_free(read);
        bytes_free(request);
        assert_int_equal(timestamp_request("sha1", stamped, NONCE, &none, &size),
                         SEAL_E_INVALID_ARGS);
}

/* --- answers -------------------------------------------------------------------------------- */

static void the_answer_to_the_request_is_taken(void **state) {
        ErrorDetail detail;
        Stamper stamper;

        (void) state;
        stamper_make(&stamper);
        const VerifyTrust trust = { .timestamp_anchors = { &stamper.certificates[1], 1 },
                                    .now = SIGNER_TIME };
        for (int i = 0; i < 4; i++) {
                stamper.first_version = i & 1;
                stamper.alone = i & 2;
                const Bytes request = request_make(stamped, NONCE);
                const Bytes answer = answer_make(&stamper, request);
                assert_int_equal(accept(answer, request, stamped, &trust, &detail), 0);
                assert_int_equal(accept(answer, request, stamped, &nobody, &detail), 0);
                bytes_free(answer);
                bytes_free(request);
        }
        stamper_done(&stamper);
}

static void other_answers_are_refused(void **state) {
        const Bytes request = request_make(stamped, NONCE);
        const Bytes other_nonce = request_make(stamped, NONCE - 1);
        const Bytes other_bytes = request_make(another, NONCE);
        ErrorDetail detail;
        Stamper stamper;

        (void) state;
        stamper_make(&stamper);
        const Bytes good = answer_make(&stamper, request);
        Bytes answer = answer_make(&stamper, other_nonce);
        assert_int_equal(accept(answer, request, stamped, &nobody, &detail),
                         SEAL_E_APPROVAL_INVALID);
        assert_string_equal(detail.text,
                            "no time stamp to use: it answers another request (the nonce)");
        bytes_free(answer);
        answer = answer_make(&stamper, other_bytes);
        assert_int_equal(accept(answer, request, stamped, &nobody, &detail),
                         SEAL_E_APPROVAL_INVALID);
        assert_string_equal(detail.text, "no time stamp to use: it is over something else");
        bytes_free(answer);
        /* The request itself is of other bytes than those at hand. */
        assert_int_equal(accept(good, request, another, &nobody, &detail), SEAL_E_APPROVAL_INVALID);
        assert_string_equal(detail.text,
                            "no time stamp to use: The time stamp is of another signature");
        assert_int_equal(
                accept((Bytes){ good.data, good.size - 1 }, request, stamped, &nobody, &detail),
                SEAL_E_APPROVAL_INVALID);
        assert_int_equal(accept(request, request, stamped, &nobody, &detail),
                         SEAL_E_APPROVAL_INVALID);
        assert_int_equal(accept((Bytes){}, request, stamped, &nobody, &detail),
                         SEAL_E_APPROVAL_INVALID);
        assert_int_equal(
                accept((Bytes){ good.data, TIMESTAMP_MAX + 1 }, request, stamped, &nobody, &detail),
                SEAL_E_LIMITS_EXCEEDED);
        bytes_free(good);
        bytes_free(request);
        bytes_free(other_nonce);
        bytes_free(other_bytes);
        stamper_done(&stamper);
}

/* Without a signature there is nothing to take, and a refusal's words are its sender's. */
static void a_refusal_is_told_in_its_words(void **state) {
        const Bytes request = request_make(stamped, NONCE);
        TS_RESP *response = TS_RESP_new();
        TS_STATUS_INFO *info = TS_STATUS_INFO_new();
        uint8_t *der = NULL;
        ErrorDetail detail;

        (void) state;
        assert_int_equal(TS_STATUS_INFO_set_status(info, TS_STATUS_REJECTION), 1);
        assert_int_equal(TS_RESP_set_status_info(response, info), 1);
        int size = i2d_TS_RESP(response, &der);
        assert_true(size > 0);
        assert_int_equal(accept((Bytes){ der, (size_t) size }, request, stamped, &nobody, &detail),
                         SEAL_E_APPROVAL_INVALID);
        assert_string_equal(detail.text,
                            "the time stamp authority refused (status 2): no reason given");
        OPENSSL_free(der);
        der = NULL;
        /* Granted, it says, and has no token. */
        assert_int_equal(TS_STATUS_INFO_set_status(info, TS_STATUS_GRANTED), 1);
        assert_int_equal(TS_RESP_set_status_info(response, info), 1);
        size = i2d_TS_RESP(response, &der);
        assert_true(size > 0);
        assert_int_equal(accept((Bytes){ der, (size_t) size }, request, stamped, &nobody, &detail),
                         SEAL_E_APPROVAL_INVALID);
        assert_string_equal(detail.text,
                            "that is not the answer of a time stamp authority (RFC 3161)");
        OPENSSL_free(der);
        TS_STATUS_INFO_free(info);
        TS_RESP_free(response);
        bytes_free(request);
}

static void an_authority_has_to_be_trusted_where_some_are(void **state) {
        Stamper stamper, stranger;
        ErrorDetail detail;

        (void) state;
        stamper_make(&stamper);
        stamper_make(&stranger);
        const VerifyTrust trust = { .timestamp_anchors = { &stranger.certificates[1], 1 },
                                    .now = SIGNER_TIME };
        const Bytes request = request_make(stamped, NONCE);
        const Bytes answer = answer_make(&stamper, request);
        assert_int_equal(accept(answer, request, stamped, &trust, &detail),
                         SEAL_E_APPROVAL_INVALID);
        bytes_free(answer);
        bytes_free(request);
        stamper_done(&stamper);
        stamper_done(&stranger);
}

/* --- in a signature ------------------------------------------------------------------------- */

/* CAdES B-T, with the authority among those trusted. */
typedef struct Stamped {
        MadeCms made;
        Stamper stamper;
        VerifyReport report;
} Stamped;

static void token_add(MadeCms *made, const Stamper *stamper, Bytes what) {
        uint8_t *cms = NULL;
        size_t token_size = 0, size = 0;
        uint8_t *token = stamper_token(stamper, what, &token_size);

        assert_int_equal(cms_add_timestamp(made_cms_bytes(made), (Bytes){ token, token_size }, &cms,
                                           &size, NULL),
                         0);
        free(token);
        free(made->cms);
        made->cms = cms;
        made->cms_size = size;
}

static void stamp(MadeCms *made, const Stamper *stamper) {
        uint8_t *value = NULL;
        size_t size = 0;

        assert_int_equal(cms_signature_value(made_cms_bytes(made), &value, &size, NULL), 0);
        token_add(made, stamper, (Bytes){ value, size });
        free(value);
}

static int setup(void **state) {
        Stamped *s = calloc(1, sizeof(*s));

        assert_non_null(s);
        made_cms_make(&s->made, "ecdsa-sha256", CMS_PROFILE_CADES);
        stamper_make(&s->stamper);
        s->made.trust.timestamp_anchors = (VerifyList){ &s->stamper.certificates[1], 1 };
        s->stamper.time = SIGNER_TIME + 5 * USEC_PER_SEC;
        *state = s;
        return 0;
}

static int teardown(void **state) {
        Stamped *s = *state;

        made_cms_done(&s->made);
        stamper_done(&s->stamper);
        free(s);
        return 0;
}

static void verify(Stamped *s) {
        assert_int_equal(cms_verify(made_cms_bytes(&s->made), &s->made.document, &s->made.trust,
                                    &s->report, 1, &(size_t){ 0 }),
                         0);
}

static void assert_timestamp(Stamped *s, CheckResult result, const char *text) {
        verify(s);
        if (verify_result(&s->report, CHECK_TIMESTAMP) != result)
                print_message("# %s\n", s->report.checks[CHECK_TIMESTAMP].text);
        assert_int_equal(verify_result(&s->report, CHECK_TIMESTAMP), result);
        if (text)
                assert_string_equal(s->report.checks[CHECK_TIMESTAMP].text, text);
        /* The signature is what it was, whatever its time stamp. */
        assert_int_equal(verify_result(&s->report, CHECK_SIGNATURE_VALUE), CHECK_PASSED);
        assert_int_equal(s->report.facts.time_source,
                         result == CHECK_PASSED ? VERIFY_TIME_STAMPED : VERIFY_TIME_CLAIMED);
}

static void a_token_proves_the_time(void **state) {
        Stamped *s = *state;

        stamp(&s->made, &s->stamper);
        assert_timestamp(s, CHECK_PASSED,
                         "It was there at 2023-11-14T22:13:25Z, says CN=Time Stamps; no list "
                         "tells whether that certificate was revoked");
        assert_int_equal(s->report.deviation_count, 0);
        assert_int_equal(s->report.facts.stamped, SIGNER_TIME + 5 * USEC_PER_SEC);
        assert_int_equal(s->report.facts.time, SIGNER_TIME + 5 * USEC_PER_SEC);
        assert_string_equal(s->report.facts.authority, "CN=Time Stamps");
        assert_int_equal(verify_result(&s->report, CHECK_CERTIFICATE_CHAIN), CHECK_PASSED);
}

static void of_several_tokens_the_first_in_time_counts(void **state) {
        Stamped *s = *state;

        s->made.trust.now = SIGNER_TIME + USEC_PER_DAY;
        s->stamper.time += USEC_PER_DAY / 4;
        stamp(&s->made, &s->stamper);
        s->stamper.time -= USEC_PER_DAY / 8;
        stamp(&s->made, &s->stamper);
        verify(s);
        assert_int_equal(s->report.facts.stamped, s->stamper.time);
        token_add(&s->made, &s->stamper, another);
        verify(s);
        assert_int_equal(verify_result(&s->report, CHECK_TIMESTAMP), CHECK_FAILED);
        assert_int_equal(s->report.facts.time_source, VERIFY_TIME_CLAIMED);
        for (int i = 3; i < CMS_TIMESTAMPS_MAX; i++)
                token_add(&s->made, &s->stamper, another);
        uint8_t *cms = NULL;
        size_t size = 0, token_size = 0;
        uint8_t *token = stamper_token(&s->stamper, another, &token_size);
        assert_int_equal(cms_add_timestamp(made_cms_bytes(&s->made), (Bytes){ token, token_size },
                                           &cms, &size, NULL),
                         SEAL_E_INVALID_ARGS);
        free(token);
}

static void a_token_of_another_signature_is_refused(void **state) {
        Stamped *s = *state;

        token_add(&s->made, &s->stamper, another);
        assert_timestamp(s, CHECK_FAILED, "The time stamp is of another signature");
}

static void nobody_is_trusted_for_being_in_the_file(void **state) {
        Stamped *s = *state;

        stamp(&s->made, &s->stamper);
        s->made.trust.timestamp_anchors.count = 0;
        assert_timestamp(s, CHECK_NOT_CHECKED,
                         "No certificate was named that time stamps are trusted by");
        s->made.trust.timestamp_anchors = s->made.trust.anchors;
        assert_timestamp(s, CHECK_FAILED, NULL);
}

static void only_time_stamp_authorities_stamp(void **state) {
        static const char *const usages[] = { "critical,codeSigning", "timeStamping",
                                              "critical,timeStamping,clientAuth" };
        Stamped *s = *state;

        for (size_t i = 0; i < sizeof(usages) / sizeof(usages[0]); i++) {
                stamper_turn(&s->stamper, "Time Stamps", usages[i]);
                made_cms_finish(&s->made);
                stamp(&s->made, &s->stamper);
                assert_timestamp(s, CHECK_FAILED,
                                 "CN=Time Stamps: its key is not for timestamps alone");
        }
        stamper_turn(&s->stamper, "Time Stamps", "critical,timeStamping");
        made_cms_finish(&s->made);
        stamp(&s->made, &s->stamper);
        assert_timestamp(s, CHECK_PASSED, NULL);
}

static void an_authority_has_the_name_that_it_gives(void **state) {
        Stamped *s = *state;

        s->stamper.named = true;
        stamp(&s->made, &s->stamper);
        assert_timestamp(s, CHECK_PASSED, NULL);
        made_cms_finish(&s->made);
        stamper_turn(&s->stamper, "Another", "critical,timeStamping");
        stamp(&s->made, &s->stamper);
        assert_timestamp(s, CHECK_FAILED, "The time stamp names another authority than its signer");
}

static void an_authority_is_judged_at_the_tokens_time(void **state) {
        Stamped *s = *state;

        s->made.trust.now = SIGNER_TIME + 3000 * USEC_PER_DAY; /* it has ended since */
        s->stamper.time = SIGNER_TIME + 364 * USEC_PER_DAY;
        stamp(&s->made, &s->stamper);
        assert_timestamp(s, CHECK_PASSED, NULL);
}

static void a_token_of_a_time_that_has_not_come_is_refused(void **state) {
        Stamped *s = *state;

        s->stamper.time = s->made.trust.now + 3600 * USEC_PER_SEC;
        stamp(&s->made, &s->stamper);
        assert_timestamp(s, CHECK_FAILED, "The time stamp is of a time that has not come yet");
}

static void a_token_with_an_unknown_critical_extension_is_refused(void **state) {
        Stamped *s = *state;

        s->stamper.critical = true;
        stamp(&s->made, &s->stamper);
        assert_timestamp(s, CHECK_FAILED,
                         "The time stamp has a critical extension that is not known");
}

static void an_authority_that_had_ended_is_refused(void **state) {
        Stamped *s = *state;

        s->made.trust.now = SIGNER_TIME + 3000 * USEC_PER_DAY;
        s->stamper.time = SIGNER_TIME + 366 * USEC_PER_DAY;
        stamp(&s->made, &s->stamper);
        assert_timestamp(s, CHECK_FAILED, NULL);
}

/* The time stamp is of five seconds after SIGNER_TIME. */
static void revoked_at(Stamped *s, uint64_t date, X509Reason reason, CheckResult result) {
        const uint8_t serial[] = { 0x73, 0x31 };
        const X509CrlEntry entry = { { serial, sizeof(serial) }, date, reason };
        const X509CrlFacts facts = { .algorithm = s->stamper.root.algorithm,
                                     .issuer = s->stamper.certificates[1],
                                     .number = 1,
                                     .this_update = SIGNER_TIME + USEC_PER_SEC,
                                     .next_update = SIGNER_TIME + USEC_PER_DAY,
                                     .entries = &entry,
                                     .entry_count = 1 };
        uint8_t *tbs = NULL;
        size_t size = 0;

        assert_int_equal(x509_crl_prepare(&facts, &tbs, &size, NULL), 0);
        uint8_t *crl = signer_finish(&s->stamper.root, (Bytes){ tbs, size }, &size);
        const Bytes crls[] = { s->made.crls[0], { crl, size } };
        s->made.trust.crls = (VerifyList){ crls, 2 };
        assert_timestamp(s, result, NULL);
        s->made.trust.crls = (VerifyList){ s->made.crls, 1 };
        free(tbs);
        free(crl);
}

static void a_revoked_authority_is_refused(void **state) {
        Stamped *s = *state;

        stamp(&s->made, &s->stamper);
        revoked_at(s, SIGNER_TIME, X509_REASON_NONE, CHECK_FAILED);
        revoked_at(s, SIGNER_TIME, X509_REASON_SUPERSEDED, CHECK_FAILED);
}

/* Who has stolen its key writes any time (RFC 3161 §4). */
static void a_stolen_authority_s_time_stamps_of_before_are_refused(void **state) {
        const uint64_t later = SIGNER_TIME + 20 * USEC_PER_SEC;
        Stamped *s = *state;

        stamp(&s->made, &s->stamper);
        revoked_at(s, later, X509_REASON_KEY_COMPROMISE, CHECK_FAILED);
        revoked_at(s, later, X509_REASON_NONE, CHECK_FAILED);
        revoked_at(s, later, X509_REASON_SUPERSEDED, CHECK_PASSED);
        assert_string_equal(s->report.checks[CHECK_TIMESTAMP].text,
                            "It was there at 2023-11-14T22:13:25Z, says CN=Time Stamps");
        revoked_at(s, later, X509_REASON_CESSATION_OF_OPERATION, CHECK_PASSED);
}

static void what_is_no_token_cannot_be_added(void **state) {
        Stamped *s = *state;
        uint8_t *cms = NULL;
        size_t size = 0;

        assert_int_equal(cms_add_timestamp(made_cms_bytes(&s->made), another, &cms, &size, NULL),
                         SEAL_E_INVALID_ARGS);
        assert_int_equal(cms_add_timestamp(another, made_cms_bytes(&s->made), &cms, &size, NULL),
                         SEAL_E_INVALID_ARGS);
        /* A signature is SignedData too; it is refused where it is read. */
        const Bytes itself = made_cms_bytes(&s->made);
        assert_int_equal(cms_add_timestamp(itself, itself, &cms, &size, NULL), 0);
        free(s->made.cms);
        s->made.cms = cms;
        s->made.cms_size = size;
        assert_timestamp(s, CHECK_FAILED,
                         "Of the time stamp: It holds content of another type: "
                         "1.2.840.113549.1.7.1");
}

static bool reports_equal(const VerifyReport *a, const VerifyReport *b) {
        if (a->deviation_count != b->deviation_count)
                return false;
        for (CheckCode code = 0; code < CHECK_MAX; code++)
                if (a->checks[code].result != b->checks[code].result)
                        return false;
        return true;
}

static void no_byte_of_a_token_changes_in_silence(void **state) {
        Stamped *s = *state;
        const size_t plain = s->made.cms_size;

        stamp(&s->made, &s->stamper);
        verify(s);
        const VerifyReport before = s->report;
        for (size_t i = plain; i < s->made.cms_size; i++) {
                uint8_t *byte = &s->made.cms[i];

                *byte ^= (uint8_t) (1U << (i % 8));
                verify(s);
                if (reports_equal(&before, &s->report))
                        fail_msg("byte %zu of %zu may be %02x", i, s->made.cms_size, *byte);
                *byte ^= (uint8_t) (1U << (i % 8));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_request_asks_for_all_that_is_checked),
                cmocka_unit_test(the_answer_to_the_request_is_taken),
                cmocka_unit_test(other_answers_are_refused),
                cmocka_unit_test(a_refusal_is_told_in_its_words),
                cmocka_unit_test(an_authority_has_to_be_trusted_where_some_are),
                cmocka_unit_test_setup_teardown(a_token_proves_the_time, setup, teardown),
                cmocka_unit_test_setup_teardown(of_several_tokens_the_first_in_time_counts, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(a_token_of_another_signature_is_refused, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(nobody_is_trusted_for_being_in_the_file, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(only_time_stamp_authorities_stamp, setup, teardown),
                cmocka_unit_test_setup_teardown(an_authority_has_the_name_that_it_gives, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(an_authority_is_judged_at_the_tokens_time, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(a_token_of_a_time_that_has_not_come_is_refused,
                                                setup, teardown),
                cmocka_unit_test_setup_teardown(
                        a_token_with_an_unknown_critical_extension_is_refused, setup, teardown),
                cmocka_unit_test_setup_teardown(an_authority_that_had_ended_is_refused, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(a_revoked_authority_is_refused, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        a_stolen_authority_s_time_stamps_of_before_are_refused, setup, teardown),
                cmocka_unit_test_setup_teardown(what_is_no_token_cannot_be_added, setup, teardown),
                cmocka_unit_test_setup_teardown(no_byte_of_a_token_changes_in_silence, setup,
                                                teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
