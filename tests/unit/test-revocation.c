/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/revocation.h"

#include "tests/unit/unit.h"

static RevocationEntry an_entry(SealState state) {
        return (RevocationEntry){ .serial_size = 2, .serial = { 1, 2 }, .state = state };
}

static void assert_entry(const RevocationEntry *entry, uint64_t date, X509Reason reason) {
        const X509CrlEntry got = revocation_of(entry);

        assert_int_equal(got.date, date);
        assert_int_equal(got.reason, reason);
        assert_int_equal(got.serial.size, 2);
        assert_ptr_equal(got.serial.data, entry->serial);
}

static void what_is_suspended_or_lost_is_on_hold_since_then(void **state) {
        RevocationEntry entry = an_entry(SEAL_SUSPENDED);

        (void) state;
        entry.suspended = 10;
        entry.lost = 20;
        assert_entry(&entry, 10, X509_REASON_CERTIFICATE_HOLD);
        entry.state = SEAL_LOST;
        assert_entry(&entry, 20, X509_REASON_CERTIFICATE_HOLD);
}

static void a_revoked_one_has_the_register_s_reason(void **state) {
        RevocationEntry entry = an_entry(SEAL_REVOKED);

        (void) state;
        entry.revoked = 100;
        assert_entry(&entry, 100, X509_REASON_NONE);
        entry.suspended = 10;
        assert_entry(&entry, 100, X509_REASON_NONE);
        entry.surrendered = 20;
        assert_entry(&entry, 100, X509_REASON_CESSATION_OF_OPERATION);
        entry.replaced = true;
        assert_entry(&entry, 100, X509_REASON_SUPERSEDED);
        entry.lost = 30;
        assert_entry(&entry, 100, X509_REASON_KEY_COMPROMISE);
        entry.state = SEAL_DESTROYED;
        assert_entry(&entry, 100, X509_REASON_KEY_COMPROMISE);
}

/* Who found it has suspended it; who gave it up has had it in his hands. */
static void what_was_found_again_is_not_compromised(void **state) {
        RevocationEntry entry = an_entry(SEAL_REVOKED);

        (void) state;
        entry.revoked = 100;
        entry.lost = 30;
        entry.suspended = 40;
        assert_entry(&entry, 100, X509_REASON_NONE);
        entry.suspended = 0;
        entry.surrendered = 40;
        assert_entry(&entry, 100, X509_REASON_CESSATION_OF_OPERATION);
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
        b[1].suspended = 5;
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
                cmocka_unit_test(what_is_suspended_or_lost_is_on_hold_since_then),
                cmocka_unit_test(a_revoked_one_has_the_register_s_reason),
                cmocka_unit_test(what_was_found_again_is_not_compromised),
                cmocka_unit_test(lists_are_the_same_that_say_the_same),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
