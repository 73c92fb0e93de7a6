/* SPDX-License-Identifier: Apache-2.0 */
/* What several lists say together. */
#include <stdlib.h>

#include <openssl/x509v3.h>

#include "policy/openssl.h"
#include "tests/fixture/crl.h"
#include "tests/unit/unit.h"

typedef struct Lists {
        size_t count;
        Bytes items[4];
} Lists;

static void lists_add(Lists *lists, uint64_t at, const X509CrlEntry *entry) {
        X509CrlFacts facts = crl_facts(&makers[0]);
        size_t size;

        facts.this_update = at;
        facts.next_update = at + 7 * DAY;
        facts.entries = entry;
        facts.entry_count = entry ? 1 : 0;
        uint8_t *der = crl_make(&makers[0], &facts, &size);
        lists->items[lists->count++] = (Bytes){ der, size };
}

static void lists_done(Lists *lists) {
        for (size_t i = 0; i < lists->count; i++)
                free((void *) lists->items[i].data);
}

static X509Revocation ask(const Lists *lists, uint64_t time) {
        _cleanup_(X509_freep) X509 *seal = crl_certificate(&seals[0]),
                                   *issuer = crl_certificate(&makers[0]);
        X509Revocation said;

        assert_int_equal(x509_revocation_at(lists->items, lists->count, seal, issuer, time,
                                            SIGNER_TIME + 100 * DAY, &said),
                         0);
        return said;
}

static void a_revocation_counts_in_whichever_list(void **state) {
        uint8_t serial[X509_SERIAL_SIZE];
        const X509CrlEntry entry = crl_entry(&seals[0], SIGNER_TIME, X509_REASON_SUPERSEDED,
                                             serial);

        (void) state;
        for (unsigned newest_first = 0; newest_first < 2; newest_first++) {
                _cleanup_(lists_done) Lists lists = {};

                if (newest_first)
                        lists_add(&lists, SIGNER_TIME + 10 * DAY, NULL);
                lists_add(&lists, SIGNER_TIME + DAY, &entry);
                if (!newest_first)
                        lists_add(&lists, SIGNER_TIME + 10 * DAY, NULL);
                assert_int_equal(ask(&lists, SIGNER_TIME).status, X509_STATUS_REVOKED);
                assert_int_equal(ask(&lists, SIGNER_TIME - 1).status, X509_STATUS_GOOD);
        }
}

static void a_hold_counts_while_it_is_in_force(void **state) {
        uint8_t serial[X509_SERIAL_SIZE];
        const X509CrlEntry entry = crl_entry(&seals[0], SIGNER_TIME, X509_REASON_CERTIFICATE_HOLD,
                                             serial);
        _cleanup_(lists_done) Lists lists = {};

        (void) state;
        lists_add(&lists, SIGNER_TIME + DAY, &entry);
        lists_add(&lists, SIGNER_TIME + 10 * DAY, NULL);
        assert_int_equal(ask(&lists, SIGNER_TIME + 2 * DAY).status, X509_STATUS_REVOKED);
        assert_int_equal(ask(&lists, SIGNER_TIME + 11 * DAY).status, X509_STATUS_GOOD);
        lists_add(&lists, SIGNER_TIME + 12 * DAY, &entry);
        assert_int_equal(ask(&lists, SIGNER_TIME + 13 * DAY).status, X509_STATUS_REVOKED);
}

static void a_stale_list_does_not_spoil_what_another_says(void **state) {
        _cleanup_(lists_done) Lists lists = {};

        (void) state;
        lists_add(&lists, SIGNER_TIME - 100 * DAY, NULL);
        assert_int_equal(ask(&lists, SIGNER_TIME).status, X509_STATUS_UNKNOWN);
        lists_add(&lists, SIGNER_TIME + DAY, NULL);
        assert_int_equal(ask(&lists, SIGNER_TIME).status, X509_STATUS_GOOD);
}

/* Each beside a list by which all is good: what it may tell of a revocation is not known. */
static void a_list_that_is_not_read_lets_nothing_be_good(void **state) {
        static const char *const kinds[][2] = {
                { "2.5.29.27", "critical,DER:020101" },    /* delta */
                { "2.5.29.28", "critical,DER:30038401ff" } /* indirect */
        };

        (void) state;
        for (size_t i = 0; i < 4; i++) {
                _cleanup_(lists_done) Lists lists = {};

                lists_add(&lists, SIGNER_TIME, NULL);
                assert_int_equal(ask(&lists, SIGNER_TIME).status, X509_STATUS_GOOD);
                if (i < 2)
                        lists.items[lists.count++] = crl_odd(kinds[i], 1);
                else
                        lists_add(&lists, SIGNER_TIME + (i == 2 ? 0 : 101 * DAY), NULL);
                if (i == 2)
                        lists.items[1].size--;
                X509Revocation said = ask(&lists, SIGNER_TIME);
                assert_int_equal(said.status, X509_STATUS_UNKNOWN);
                assert_non_null(strstr(said.text, i == 3   ? "not come yet"
                                                  : i == 2 ? "not one in DER"
                                                           : "not "));
        }
}

/* A list of one entry, of the first seal or of no certificate, with an extension of the entry. */
static Bytes entry_der(bool ours, const char *const extension[2]) {
        _cleanup_(X509_CRL_freep) X509_CRL *crl = NULL;
        X509CrlFacts facts = crl_facts(&makers[0]);
        uint8_t serial[X509_SERIAL_SIZE];
        const X509CrlEntry entry = crl_entry(&seals[0], SIGNER_TIME - DAY, X509_REASON_NONE,
                                             serial);
        size_t size;
        unsigned char *again = NULL;

        serial[1] ^= ours ? 0 : 1;
        facts.entries = &entry;
        facts.entry_count = 1;
        _cleanup_free_ uint8_t *der = crl_make(&makers[0], &facts, &size);
        const unsigned char *at = der;
        crl = d2i_X509_CRL(NULL, &at, (long) size);
        X509_EXTENSION *e = X509V3_EXT_conf(NULL, NULL, extension[0], extension[1]);
        assert_non_null(e);
        assert_int_equal(
                X509_REVOKED_add_ext(sk_X509_REVOKED_value(X509_CRL_get_REVOKED(crl), 0), e, -1),
                1);
        X509_EXTENSION_free(e);
        assert_true(X509_CRL_sign(crl, makers[0].key, EVP_sha256()) > 0);
        int length = i2d_X509_CRL(crl, &again);
        return (Bytes){ again, (size_t) length };
}

/*
 * RFC 5280 §5.3: also of certificates that it does not name, and beside a list by which all is
 * good.
 */
static void an_entry_that_is_not_understood_lets_nothing_be_good(void **state) {
        static const struct {
                const char *extension[2];
                bool ours;
                X509Status status;
        } cases[] = {
                { { "1.2.3.4", "critical,DER:0500" }, false, X509_STATUS_UNKNOWN },
                { { "1.2.3.4", "critical,DER:0500" }, true, X509_STATUS_REVOKED },
                { { "1.2.3.4", "DER:0500" }, false, X509_STATUS_GOOD },
                { { "2.5.29.21", "critical,DER:0a0101" }, false, X509_STATUS_GOOD },
                /* certificateIssuer: another's certificate with the same serial number */
                { { "2.5.29.29", "critical,DER:3013a411300f310d300b06035504030c044f74686572" },
                  true,
                  X509_STATUS_UNKNOWN },
                { { "2.5.29.29", "DER:3013a411300f310d300b06035504030c044f74686572" },
                  true,
                  X509_STATUS_UNKNOWN },
        };

        (void) state;
        for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
                _cleanup_(lists_done) Lists lists = {};

                if (i % 2 == 1)
                        lists_add(&lists, SIGNER_TIME + DAY, NULL);
                lists.items[lists.count++] = entry_der(cases[i / 2].ours, cases[i / 2].extension);
                X509Revocation said = ask(&lists, SIGNER_TIME + DAY);
                assert_int_equal(said.status, cases[i / 2].status);
                if (said.status == X509_STATUS_UNKNOWN)
                        assert_string_equal(said.text, "The list has an entry with an extension "
                                                       "that is not understood");
        }
}

/* It was "": a list of after that time which is over is not one of that time. */
static void a_later_list_that_tells_nothing_says_why(void **state) {
        _cleanup_(lists_done) Lists lists = {};
        _cleanup_free_ uint8_t *subject = NULL;
        X509CertificateFacts ended = signer_facts(&seals[0], &makers[0], X509_USE_SEAL, &subject);

        (void) state;
        ended.not_before = SIGNER_TIME - 20 * DAY;
        ended.not_after = SIGNER_TIME - 10 * DAY;
        signer_issue(&seals[0], &makers[0], &ended);
        X509CrlFacts facts = crl_facts(&makers[0]);
        size_t size;
        facts.expired_since = 0;
        uint8_t *der = crl_make(&makers[0], &facts, &size);
        lists.items[lists.count++] = (Bytes){ der, size };
        X509Revocation said = ask(&lists, SIGNER_TIME - 15 * DAY);
        assert_int_equal(said.status, X509_STATUS_UNKNOWN);
        assert_string_equal(said.text, "The certificate had expired when the list was made");
        signer_certify(&seals[0], &makers[0], X509_USE_SEAL);
}

static void a_list_for_others_does_not_hide_a_hold(void **state) {
        static const char *const only_cas[] = { "2.5.29.28", "critical,DER:30038201ff" };
        uint8_t serial[X509_SERIAL_SIZE];
        const X509CrlEntry entry = crl_entry(&seals[0], SIGNER_TIME - 2 * DAY,
                                             X509_REASON_CERTIFICATE_HOLD, serial);
        _cleanup_(lists_done) Lists lists = {};

        (void) state;
        lists_add(&lists, SIGNER_TIME - DAY, &entry);
        lists.items[lists.count++] = crl_odd(only_cas, 1); /* of SIGNER_TIME */
        assert_int_equal(ask(&lists, SIGNER_TIME).status, X509_STATUS_REVOKED);
}

static void a_list_that_takes_off_says_nothing_good(void **state) {
        uint8_t serial[X509_SERIAL_SIZE];
        const X509CrlEntry entry = crl_entry(&seals[0], SIGNER_TIME - DAY, (X509Reason) 8, serial);
        _cleanup_(lists_done) Lists lists = {};

        (void) state;
        lists_add(&lists, SIGNER_TIME, &entry);
        assert_int_equal(ask(&lists, SIGNER_TIME).status, X509_STATUS_UNKNOWN);
}

static void lists_of_others_and_forged_ones_are_not_heard(void **state) {
        uint8_t serial[X509_SERIAL_SIZE];
        const X509CrlEntry entry = crl_entry(&seals[0], SIGNER_TIME, X509_REASON_SUPERSEDED,
                                             serial);
        _cleanup_(lists_done) Lists lists = {};
        X509CrlFacts facts = crl_facts(&makers[0]);
        size_t size;

        (void) state;
        assert_string_equal(ask(&lists, SIGNER_TIME).text,
                            "No revocation list of the issuer is given");
        facts.entries = &entry;
        facts.entry_count = 1;
        uint8_t *der = crl_make(&makers[0], &facts, &size);
        der[size - 1] ^= 1;
        lists.items[lists.count++] = (Bytes){ der, size };
        X509Revocation said = ask(&lists, SIGNER_TIME);
        assert_int_equal(said.status, X509_STATUS_UNKNOWN);
        assert_string_equal(said.text, "The revocation list's signature is not its issuer's");
        lists_add(&lists, SIGNER_TIME, NULL);
        assert_int_equal(ask(&lists, SIGNER_TIME).status, X509_STATUS_GOOD);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_revocation_counts_in_whichever_list),
                cmocka_unit_test(a_hold_counts_while_it_is_in_force),
                cmocka_unit_test(a_stale_list_does_not_spoil_what_another_says),
                cmocka_unit_test(a_list_that_is_not_read_lets_nothing_be_good),
                cmocka_unit_test(an_entry_that_is_not_understood_lets_nothing_be_good),
                cmocka_unit_test(a_later_list_that_tells_nothing_says_why),
                cmocka_unit_test(a_list_for_others_does_not_hide_a_hold),
                cmocka_unit_test(a_list_that_takes_off_says_nothing_good),
                cmocka_unit_test(lists_of_others_and_forged_ones_are_not_heard),
        };

        return cmocka_run_group_tests(tests, crl_makers_open, crl_makers_close);
}
