/* SPDX-License-Identifier: Apache-2.0 */
/* Time stamps in electronic signatures. */
#include <stdlib.h>

#include "base/clock.h"
#include "format/eseal-verify.h"
#include "tests/fixture/eseal-report.h"
#include "tests/unit/unit.h"

/* What is stamped in the place of the value; size 0: the value. */
static Bytes stamped_instead;

static ASN1_BIT_STRING *stamp_make(const SesSignature *whole) {
        const Bytes value = stamped_instead.size > 0 ? stamped_instead : ses_bytes(whole->value);
        ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
        size_t size = 0;

        uint8_t *token = stamper_token(&stamper, value, &size);
        assert_non_null(bits);
        assert_true(ses_put_bits(bits, (Bytes){ token, size }));
        free(token);
        return bits;
}

static void stamp_usual(SesSignature *whole) {
        whole->stamp = stamp_make(whole);
}

static void stamp_untagged(SesSignature *whole) {
        whole->stamp_untagged = stamp_make(whole);
}

static void stamp_twice(SesSignature *whole) {
        stamp_usual(whole);
        stamp_untagged(whole);
}

static void stamp_nonsense(SesSignature *whole) {
        whole->stamp = ASN1_BIT_STRING_new();
        assert_true(ses_put_bits(whole->stamp, (Bytes){ (const uint8_t *) "token", 5 }));
}

/* In our own two steps, and in one as others make it. */
static void a_time_stamp_proves_the_time(void **state) {
        SealMaking making = office_making(&offices[SM2]);
        _made_ Made plain = made_signature(&making), value = {}, token = {}, stamped = {};

        (void) state;
        stamper.time = SIGNER_TIME + 3 * USEC_PER_SEC;
        assert_int_equal(eseal_signature_value(made_bytes(&plain), &value.data, &value.size), 0);
        token.data = stamper_token(&stamper, made_bytes(&value), &token.size);
        assert_int_equal(eseal_add_timestamp(made_bytes(&plain), made_bytes(&token), &stamped.data,
                                             &stamped.size),
                         0);
        (void) office_verify(&offices[SM2], &stamped);
        assert_all_good();
        assert_row(CHECK_TIMESTAMP, CHECK_PASSED, "It was there at");
        assert_int_equal(report.facts.stamped, stamper.time);
        assert_int_equal(report.facts.time, stamper.time);
        assert_int_equal(report.facts.time_source, VERIFY_TIME_STAMPED);
        making.whole = stamp_usual;
        _made_ Made again = made_signature(&making);
        (void) office_verify(&offices[SM2], &again);
        assert_all_good();
        assert_row(CHECK_TIMESTAMP, CHECK_PASSED, "It was there at");
        assert_deviations(NULL, 0);
}

/* Which is when the seal and both certificates are judged, whatever the signer claims. */
static void the_time_that_is_proven_counts(void **state) {
        SealMaking making = office_making(&offices[SM2]);

        (void) state;
        stamper.time = SIGNER_TIME - 10 * USEC_PER_SEC;
        making.whole = stamp_usual;
        _made_ Made signature = made_signature(&making);
        (void) office_verify(&offices[SM2], &signature);
        assert_int_equal(report.facts.claimed, SIGNER_TIME);
        assert_row(CHECK_TIMESTAMP, CHECK_PASSED, "");
        assert_fails_only(CHECK_SEAL_VALIDITY, "not valid yet");
        stamper.time = SIGNER_TIME;
}

static void a_time_stamp_is_of_this_signature(void **state) {
        SealMaking making = office_making(&offices[SM2]);

        (void) state;
        stamped_instead = (Bytes){ (const uint8_t *) "another", 7 };
        making.whole = stamp_usual;
        _made_ Made other = made_signature(&making);
        stamped_instead = (Bytes){};
        (void) office_verify(&offices[SM2], &other);
        assert_fails_only(CHECK_TIMESTAMP, "");
        assert_int_equal(report.facts.time_source, VERIFY_TIME_CLAIMED);
        making.whole = stamp_nonsense;
        _made_ Made nonsense = made_signature(&making);
        (void) office_verify(&offices[SM2], &nonsense);
        assert_fails_only(CHECK_TIMESTAMP, "");
}

static void a_time_stamp_without_its_tag_is_tolerated(void **state) {
        SealMaking making = office_making(&offices[SM2]);

        (void) state;
        making.whole = stamp_untagged;
        _made_ Made untagged = made_signature(&making);
        (void) office_verify(&offices[SM2], &untagged);
        assert_all_good();
        assert_row(CHECK_TIMESTAMP, CHECK_PASSED, "It was there at");
        assert_deviations(DEVIATIONS(DEVIATION_UNTAGGED_TIMESTAMP));
        /* Another one takes its place. */
        _made_ Made value = {}, token = {}, stamped = {};
        assert_int_equal(eseal_signature_value(made_bytes(&untagged), &value.data, &value.size), 0);
        token.data = stamper_token(&stamper, made_bytes(&value), &token.size);
        assert_int_equal(eseal_add_timestamp(made_bytes(&untagged), made_bytes(&token),
                                             &stamped.data, &stamped.size),
                         0);
        (void) office_verify(&offices[SM2], &stamped);
        assert_all_good();
        assert_deviations(NULL, 0);
        making.whole = stamp_twice;
        _made_ Made twice = made_signature(&making);
        assert_structure_fails(&offices[SM2], &twice, "two time stamps");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_time_stamp_proves_the_time),
                cmocka_unit_test(the_time_that_is_proven_counts),
                cmocka_unit_test(a_time_stamp_is_of_this_signature),
                cmocka_unit_test(a_time_stamp_without_its_tag_is_tolerated),
        };

        return cmocka_run_group_tests(tests, offices_open, offices_close);
}
