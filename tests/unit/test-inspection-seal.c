/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/inspected.h"

static InspectedPerson a_person(uint32_t id, const char *text, Account account) {
        InspectedPerson person = { .account = account };

        person.subject.kind = text[0] == 'g' ? SUBJECT_GROUP : SUBJECT_USER;
        person.subject.id = id;
        strcpy(person.subject.text, text);
        return person;
}

/* One with which all is well. */
static InspectedSeal a_seal(void) {
        InspectedSeal seal = {
                .number = "00000000000001",
                .state = SEAL_ACTIVE,
                .index = 0x01800001,
                .bit = 2,
                .not_after = NOW + 400 * USEC_PER_DAY,
                .certified = true,
                .certified_until = NOW + 400 * USEC_PER_DAY,
                .delivered = NOW - 10 * USEC_PER_DAY,
                .accepted = NOW - 9 * USEC_PER_DAY,
                .keeper_count = 1,
        };

        seal.keepers[0] = a_person(1000, "user:alice", ACCOUNT_THERE);
        return seal;
}

static InspectedGrant a_grant(void) {
        return (InspectedGrant){
                .id = 3,
                .holder = a_person(1001, "user:bob", ACCOUNT_THERE),
                .until = NOW + USEC_PER_DAY,
                .given = NOW - USEC_PER_DAY,
        };
}

static void assert_seal(const InspectedSeal *seal, int code) {
        Findings found = {};
        const FindingCode codes[] = { (FindingCode) code };

        inspect_seal(&rules, seal, &found);
        assert_codes(&found, code < 0 ? 0 : 1, codes);
}

static void assert_key(const InspectedSeal *seal, InspectedKey key, int code) {
        Findings found = {};
        const FindingCode codes[] = { (FindingCode) code };

        inspect_key(seal, &key, &found);
        assert_codes(&found, code < 0 ? 0 : 1, codes);
}

static void assert_grant(const InspectedGrant *grant, int code) {
        InspectedSeal seal = a_seal();
        Findings found = {};
        const FindingCode codes[] = { (FindingCode) code };

        inspect_grant(&rules, &seal, grant, &found);
        assert_codes(&found, code < 0 ? 0 : 1, codes);
}

static void test_a_seal_in_order_is_no_finding(void **state) {
        InspectedSeal seal = a_seal();
        InspectedGrant grant = a_grant();
        InspectedKey key = { .bit_known = true, .key = KEY_GOOD };

        (void) state;
        assert_seal(&seal, -1);
        assert_grant(&grant, -1);
        assert_key(&seal, key, -1);
}

static void test_validity_is_told_ahead_of_its_end(void **state) {
        InspectedSeal seal = a_seal();

        (void) state;
        seal.not_after = seal.certified_until = NOW + rules.warn + 1;
        assert_seal(&seal, -1);
        seal.not_after = seal.certified_until = NOW + rules.warn;
        assert_seal(&seal, FINDING_EXPIRES_SOON);
        seal.not_after = seal.certified_until = NOW;
        assert_seal(&seal, FINDING_EXPIRES_SOON);
        seal.not_after = seal.certified_until = NOW - 1;
        assert_seal(&seal, FINDING_EXPIRED);
}

static void test_a_superseded_seal_is_told_from_its_time_on(void **state) {
        InspectedSeal seal = a_seal();

        (void) state;
        seal.superseded_at = NOW + 1;
        assert_seal(&seal, -1);
        seal.superseded_at = NOW;
        assert_seal(&seal, FINDING_SUPERSEDED);
}

static void test_keepers_without_their_account_are_told(void **state) {
        InspectedSeal seal = a_seal();

        (void) state;
        seal.keepers[0].account = ACCOUNT_UNKNOWN; /* a directory that is away proves nothing */
        assert_seal(&seal, -1);
        seal.keepers[0].account = ACCOUNT_OTHER;
        assert_seal(&seal, FINDING_KEEPER_OTHER_ACCOUNT);
        seal.keepers[0].account = ACCOUNT_NONE;
        assert_seal(&seal, FINDING_KEEPER_NO_ACCOUNT);
        seal.state = SEAL_LOST;
        assert_seal(&seal, FINDING_KEEPER_NO_ACCOUNT);
        seal.state = SEAL_SURRENDERED; /* nobody keeps it: that was the way out */
        assert_seal(&seal, -1);
}

static void test_only_an_active_seal_is_unused(void **state) {
        InspectedSeal seal = a_seal();

        (void) state;
        seal.accepted = NOW - rules.unused;
        assert_seal(&seal, FINDING_UNUSED);
        seal.last_use = NOW - USEC_PER_DAY;
        assert_seal(&seal, -1);
        seal.last_use = 0;
        seal.state = SEAL_SUSPENDED;
        assert_seal(&seal, -1);
}

static void test_a_limit_that_is_reached_is_told(void **state) {
        InspectedSeal seal = a_seal();

        (void) state;
        seal.use_limit = 10;
        seal.use_count = 9;
        assert_seal(&seal, -1);
        seal.use_count = 10;
        assert_seal(&seal, FINDING_LIMIT_REACHED);
}

static void test_a_delivery_that_nobody_accepts_is_told(void **state) {
        InspectedSeal seal = a_seal();

        (void) state;
        seal.state = SEAL_DELIVERED;
        assert_seal(&seal, FINDING_ACCEPTANCE_WAITS);
        seal.delivered = NOW - USEC_PER_DAY;
        assert_seal(&seal, -1);
}

static void test_many_grants_are_told(void **state) {
        InspectedSeal seal = a_seal();

        (void) state;
        seal.grants = rules.grants_max;
        assert_seal(&seal, -1);
        seal.grants++;
        assert_seal(&seal, FINDING_GRANTS_MANY);
}

/* What has ended needs nobody's attention, however old it is. */
static void test_an_ended_seal_is_silent(void **state) {
        InspectedSeal seal = a_seal();
        Findings found = {};
        InspectedGrant grant = a_grant();

        (void) state;
        seal.state = SEAL_DESTROYED;
        seal.not_after = NOW - USEC_PER_DAY;
        seal.keepers[0].account = ACCOUNT_NONE;
        seal.grants = 100;
        grant.holder.account = ACCOUNT_NONE;
        assert_seal(&seal, -1);
        inspect_grant(&rules, &seal, &grant, &found);
        assert_int_equal(found.count, 0);
        assert_key(&seal, (InspectedKey){ .bit_known = true, .bit = true }, -1);
}

static void test_bit_and_register_have_to_agree(void **state) {
        InspectedSeal seal = a_seal();

        (void) state;
        assert_key(&seal, (InspectedKey){ .bit_known = true, .bit = true }, FINDING_BIT_SET);
        assert_key(&seal, (InspectedKey){ .bit = true }, -1); /* not read */
        seal.state = SEAL_REVOKED;
        assert_key(&seal, (InspectedKey){ .bit_known = true, .bit = true }, -1);
        assert_key(&seal, (InspectedKey){ .bit_known = true }, FINDING_BIT_CLEAR);
        assert_key(&seal, (InspectedKey){}, -1);
        seal.found_revoked = true;
        assert_key(&seal, (InspectedKey){ .bit_known = true, .bit = true }, FINDING_BIT_SET);
        seal.found_revoked = false;
        seal.revocation_pending = true;
        assert_key(&seal, (InspectedKey){ .bit_known = true }, FINDING_REVOCATION_OWED);
}

static void test_a_key_that_is_not_the_recorded_one_is_told(void **state) {
        InspectedSeal seal = a_seal();

        (void) state;
        assert_key(&seal, (InspectedKey){ .key = KEY_DIFFERS, .why = "x" }, FINDING_KEY_DIFFERS);
        seal.state = SEAL_REVOKED; /* nobody uses it */
        assert_key(&seal, (InspectedKey){ .key = KEY_DIFFERS, .why = "x" }, -1);
}

static void test_grants_wider_than_needed_are_told(void **state) {
        InspectedGrant grant = a_grant();

        (void) state;
        grant.until = 0;
        assert_grant(&grant, -1); /* of one person, as long as the custody */
        grant.holder = a_person(2000, "group:sales", ACCOUNT_THERE);
        assert_grant(&grant, FINDING_GRANT_GROUP_FOREVER);
        grant = a_grant();
        grant.given = NOW - rules.unused;
        assert_grant(&grant, FINDING_GRANT_UNUSED);
        grant.used = 1;
        assert_grant(&grant, -1);
        grant.holder.account = ACCOUNT_NONE;
        assert_grant(&grant, FINDING_HOLDER_NO_ACCOUNT);
}

static void assert_request(const InspectedRequest *request, int code) {
        Findings found = {};
        const FindingCode codes[] = { (FindingCode) code };

        inspect_request(&rules, request, &found);
        assert_codes(&found, code < 0 ? 0 : 1, codes);
}

static void test_requests_that_nobody_settles_are_told(void **state) {
        InspectedRequest request = {
                .id = 7,
                .state = REQUEST_APPLIED,
                .kind = "make",
                .created = NOW - rules.wait + 1,
        };

        (void) state;
        assert_request(&request, -1);
        request.created--;
        assert_request(&request, FINDING_REQUEST_WAITS);
        request.state = REQUEST_FAILED;
        request.created = NOW;
        assert_request(&request, FINDING_REQUEST_FAILED);
        request.state = REQUEST_APPLIED;
        request.review = true;
        assert_request(&request, FINDING_REVIEW_OPEN);
}

static void test_a_certificate_that_ends_before_its_seal_is_told_ahead(void **state) {
        InspectedSeal seal = a_seal();

        (void) state;
        seal.certified_until = NOW + rules.warn - 1;
        assert_seal(&seal, FINDING_CERTIFICATE_ENDS_SOON);
        seal.certified_until = NOW + rules.warn;
        assert_seal(&seal, -1);
        seal.certified_until = NOW - USEC_PER_SEC + 1; /* the second that it names counts */
        assert_seal(&seal, FINDING_CERTIFICATE_ENDS_SOON);
        seal.certified_until = NOW - USEC_PER_SEC;
        assert_seal(&seal, FINDING_CERTIFICATE_ENDED);
        seal.certified = false;
        assert_seal(&seal, FINDING_CERTIFICATE_MISSING);
        seal.state = SEAL_REVOKED;
        assert_seal(&seal, -1);
}

/* The seal's own end is what is told. */
static void test_a_certificate_that_ends_with_its_seal_is_no_finding_beside_it(void **state) {
        InspectedSeal seal = a_seal();

        (void) state;
        seal.not_after = NOW + USEC_PER_DAY + 5;
        seal.certified_until = NOW + USEC_PER_DAY;
        assert_seal(&seal, FINDING_EXPIRES_SOON);
        seal.not_after = NOW - 1;
        seal.certified_until = NOW - USEC_PER_SEC;
        assert_seal(&seal, FINDING_EXPIRED);
}

static void test_a_certificate_that_outlives_its_seal_is_told(void **state) {
        InspectedSeal seal = a_seal();

        (void) state;
        seal.certified_until = seal.not_after;
        assert_seal(&seal, -1);
        seal.certified_until = seal.not_after + 1;
        assert_seal(&seal, FINDING_CERTIFICATE_OUTLIVES_SEAL);
        seal.certified = false;
        assert_seal(&seal, FINDING_CERTIFICATE_MISSING);
        seal.certified = true;
        seal.state = SEAL_REVOKED;
        assert_seal(&seal, -1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_seal_in_order_is_no_finding),
                cmocka_unit_test(test_a_certificate_that_ends_before_its_seal_is_told_ahead),
                cmocka_unit_test(test_a_certificate_that_outlives_its_seal_is_told),
                cmocka_unit_test(
                        test_a_certificate_that_ends_with_its_seal_is_no_finding_beside_it),
                cmocka_unit_test(test_validity_is_told_ahead_of_its_end),
                cmocka_unit_test(test_a_superseded_seal_is_told_from_its_time_on),
                cmocka_unit_test(test_keepers_without_their_account_are_told),
                cmocka_unit_test(test_only_an_active_seal_is_unused),
                cmocka_unit_test(test_a_limit_that_is_reached_is_told),
                cmocka_unit_test(test_a_delivery_that_nobody_accepts_is_told),
                cmocka_unit_test(test_many_grants_are_told),
                cmocka_unit_test(test_an_ended_seal_is_silent),
                cmocka_unit_test(test_bit_and_register_have_to_agree),
                cmocka_unit_test(test_a_key_that_is_not_the_recorded_one_is_told),
                cmocka_unit_test(test_grants_wider_than_needed_are_told),
                cmocka_unit_test(test_requests_that_nobody_settles_are_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
