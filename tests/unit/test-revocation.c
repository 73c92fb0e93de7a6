/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/revocation.h"

#include "tests/unit/unit.h"

static RevocationEntry an_entry(SealState state) {
        return (RevocationEntry){
                .serial_size = 2,
                .serial = { 1, 2 },
                .state = state,
                .before = SEAL_REVOKED,
                .since = 10,
        };
}

static void the_reason_is_what_the_seal_was_revoked_from(void **state) {
        const struct {
                SealState state, before;
                bool replaced;
                X509Reason reason;
        } rows[] = {
                { SEAL_SUSPENDED, SEAL_REVOKED, false, X509_REASON_CERTIFICATE_HOLD },
                { SEAL_SUSPENDED, SEAL_REVOKED, true, X509_REASON_CERTIFICATE_HOLD },
                { SEAL_LOST, SEAL_REVOKED, false, X509_REASON_CERTIFICATE_HOLD },
                { SEAL_REVOKED, SEAL_ACTIVE, false, X509_REASON_NONE },
                { SEAL_REVOKED, SEAL_SUSPENDED, false, X509_REASON_NONE },
                { SEAL_REVOKED, SEAL_DELIVERED, false, X509_REASON_NONE },
                { SEAL_REVOKED, SEAL_REVOKED, false, X509_REASON_NONE }, /* it is not known */
                { SEAL_REVOKED, SEAL_SURRENDERED, false, X509_REASON_CESSATION_OF_OPERATION },
                { SEAL_REVOKED, SEAL_SURRENDERED, true, X509_REASON_SUPERSEDED },
                { SEAL_REVOKED, SEAL_ACTIVE, true, X509_REASON_SUPERSEDED },
                { SEAL_REVOKED, SEAL_LOST, true, X509_REASON_KEY_COMPROMISE },
                { SEAL_REVOKED, SEAL_LOST, false, X509_REASON_KEY_COMPROMISE },
                { SEAL_DESTROYED, SEAL_LOST, false, X509_REASON_KEY_COMPROMISE },
                { SEAL_DESTROYED, SEAL_ACTIVE, false, X509_REASON_NONE },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                RevocationEntry entry = an_entry(rows[i].state);

                entry.before = rows[i].before;
                entry.replaced = rows[i].replaced;
                const X509CrlEntry got = revocation_of(&entry);
                assert_int_equal(got.reason, rows[i].reason);
                assert_int_equal(got.date, 10);
                assert_int_equal(got.serial.size, 2);
                assert_ptr_equal(got.serial.data, entry.serial);
        }
}

static void lists_are_the_same_that_say_the_same(void **state) {
        RevocationEntry a[] = { an_entry(SEAL_REVOKED), an_entry(SEAL_SUSPENDED) };
        RevocationEntry b[] = { a[0], a[1] };

        (void) state;
        assert_true(revocations_equal(NULL, 0, NULL, 0));
        assert_true(revocations_equal(a, 2, b, 2));
        assert_false(revocations_equal(a, 2, b, 1));
        b[0].state = SEAL_DESTROYED; /* the list does not tell */
        assert_true(revocations_equal(a, 2, b, 2));
        b[1].since = 5;
        assert_false(revocations_equal(a, 2, b, 2));
        b[1] = a[1];
        b[1].serial[1]++;
        assert_false(revocations_equal(a, 2, b, 2));
        b[1] = a[1];
        b[1].serial_size = 1;
        assert_false(revocations_equal(a, 2, b, 2));
        b[1] = a[1];
        b[1].state = SEAL_REVOKED;
        assert_false(revocations_equal(a, 2, b, 2));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_reason_is_what_the_seal_was_revoked_from),
                cmocka_unit_test(lists_are_the_same_that_say_the_same),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
