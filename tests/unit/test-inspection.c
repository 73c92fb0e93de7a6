/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/inspection.h"

#include <ctype.h>
#include <stdio.h>

#include "base/clock.h"
#include "tests/unit/unit.h"

#define NOW (1000 * USEC_PER_DAY)

static const InspectionRules rules = {
        .now = NOW,
        .warn = 30 * USEC_PER_DAY,
        .unused = 180 * USEC_PER_DAY,
        .wait = 7 * USEC_PER_DAY,
        .grants_max = 8,
};

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

static InspectedMaker a_maker(const char *algorithm) {
        InspectedMaker maker = {
                .made = true,
                .self = true,
                .until = NOW + 3650 * USEC_PER_DAY,
                .list_until = NOW + USEC_PER_DAY,
        };

        strcpy(maker.algorithm, algorithm);
        return maker;
}

static InspectedInstallation an_installation(void) {
        return (InspectedInstallation){
                .reached = true,
                .approved = true,
                .problem = "",
                .hierarchies = { .owner_auth_set = true,
                                 .lockout_auth_set = true,
                                 .max_auth_fail = 32 },
                .tampered = "",
                .clock_trusted = true,
                .head = 100,
                .anchored = 100,
                .anchor_patience = USEC_PER_DAY,
                .checkpoint = 90,
                .checkpoint_rows = 5000,
                .bits = 62,
                .bits_used = 3,
                .key_memory = "memfd_secret",
                .audit_absence = "",
                .maker_problem = "",
                .unwritten = "",
                .maker_count = 2,
                .makers = { a_maker("ecdsa-p256"), a_maker("sm2") },
        };
}

/* Exactly these codes, in the order of the answer. */
static void assert_codes(Findings *found, size_t count, const FindingCode *codes) {
        findings_close(found);
        for (size_t i = 0; i < found->count; i++) {
                assert_true(found->list[i].text[0] != '\0');
                if (i < count)
                        assert_string_equal(finding_name(found->list[i].code),
                                            finding_name(codes[i]));
        }
        assert_int_equal(found->count, count);
        findings_done(found);
}

#define assert_found(found, ...)                                                 \
        do {                                                                     \
                const FindingCode codes_[] = { __VA_ARGS__ };                    \
                assert_codes(found, sizeof(codes_) / sizeof(codes_[0]), codes_); \
        } while (0)

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

static void assert_installation(const InspectedInstallation *facts, int code) {
        Findings found = {};
        const FindingCode codes[] = { (FindingCode) code };

        inspect_installation(&rules, facts, &found);
        assert_codes(&found, code < 0 ? 0 : 1, codes);
}

/* --- the list --------------------------------------------------------------------------------- */

static void test_words_differ_and_are_words(void **state) {
        (void) state;
        for (int i = 0; i < FINDING_MAX; i++) {
                const char *name = finding_name((FindingCode) i);

                assert_true(strlen(finding_meaning((FindingCode) i)) > 10);
                for (const char *p = name; *p; p++)
                        assert_true(*p == '-' || islower((unsigned char) *p));
                for (int j = 0; j < i; j++)
                        assert_string_not_equal(name, finding_name((FindingCode) j));
        }
        assert_string_equal(severity_name(finding_severity(FINDING_BIT_SET)), "critical");
}

static void test_the_worst_comes_first_and_seals_by_number(void **state) {
        Findings found = {};

        (void) state;
        findings_add(&found, FINDING_UNUSED, "2", 0, "x");
        findings_add(&found, FINDING_UNUSED, "1", 0, "x");
        findings_add(&found, FINDING_OWNER_AUTH_EMPTY, NULL, 0, "x");
        findings_add(&found, FINDING_BIT_SET, "3", 0, "x");
        findings_close(&found);
        assert_string_equal(found.list[0].number, "3");
        assert_string_equal(found.list[1].number, "");
        assert_string_equal(found.list[2].number, "1");
        assert_string_equal(found.list[3].number, "2");
        findings_done(&found);
}

static void add_many(Findings *found, unsigned first, unsigned last) {
        char number[NUMBER_MAX + 1];

        for (unsigned i = first; i <= last; i++) {
                (void) snprintf(number, sizeof(number), "%08u", i);
                findings_add(found, FINDING_EXPIRED, number, 0, "x");
        }
}

static void test_of_too_many_the_rest_is_counted(void **state) {
        Findings found = {};

        (void) state;
        add_many(&found, 1, FINDINGS_PER_CODE + 23);
        findings_close(&found);
        assert_int_equal(found.count, FINDINGS_PER_CODE + 1);
        assert_string_equal(found.list[FINDINGS_PER_CODE].number, "");
        assert_non_null(strstr(found.list[FINDINGS_PER_CODE].text, "And 23 more"));
        assert_int_equal(found.counts[FINDING_EXPIRED], FINDINGS_PER_CODE + 23);
        findings_done(&found);
}

/* Two threads judge: what they find together is bounded as what one finds. */
static void test_what_two_found_is_bounded_together(void **state) {
        Findings one = {}, other = {};

        (void) state;
        add_many(&one, 1, 60);
        add_many(&other, 61, 120);
        findings_take(&one, &other);
        assert_int_equal(other.count, 0);
        findings_close(&one);
        assert_int_equal(one.count, FINDINGS_PER_CODE + 1);
        assert_non_null(strstr(one.list[FINDINGS_PER_CODE].text, "And 20 more"));
        findings_done(&one);
}

/* --- seals ------------------------------------------------------------------------------------ */

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
        seal.not_after = NOW + rules.warn + 1;
        assert_seal(&seal, -1);
        seal.not_after = NOW + rules.warn;
        assert_seal(&seal, FINDING_EXPIRES_SOON);
        seal.not_after = NOW;
        assert_seal(&seal, FINDING_EXPIRES_SOON);
        seal.not_after = NOW - 1;
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

/* --- the installation ------------------------------------------------------------------------- */

static void test_an_installation_in_order_is_no_finding(void **state) {
        InspectedInstallation facts = an_installation();

        (void) state;
        assert_installation(&facts, -1);
}

static void test_guesses_at_pins_are_told_before_the_lockout(void **state) {
        InspectedInstallation facts = an_installation();

        (void) state;
        facts.hierarchies.lockout_counter = 15;
        assert_installation(&facts, -1);
        facts.hierarchies.lockout_counter = 16;
        assert_installation(&facts, FINDING_LOCKOUT_NEAR);
        facts.hierarchies.max_auth_fail = 3; /* as swtpm has it: one is left soon */
        facts.hierarchies.lockout_counter = 1;
        assert_installation(&facts, FINDING_LOCKOUT_NEAR);
        facts.hierarchies.lockout_counter = 0;
        assert_installation(&facts, -1);
        facts.hierarchies.in_lockout = true;
        assert_installation(&facts, FINDING_LOCKOUT);
}

static void test_a_maker_that_is_missing_is_told_where_it_could_be_made(void **state) {
        InspectedInstallation facts = an_installation();

        (void) state;
        facts.makers[1] = (InspectedMaker){ .algorithm = "sm2" };
        assert_installation(&facts, FINDING_MAKER_MISSING);
        facts.approved = false;
        assert_installation(&facts, FINDING_UNAPPROVED);
        facts.approved = facts.locked = true;
        assert_installation(&facts, FINDING_LOCKED);
}

/* Its own word it renews itself. */
static void test_a_maker_s_end_is_told_ahead_where_another_has_to_renew_it(void **state) {
        InspectedInstallation facts = an_installation();

        (void) state;
        facts.makers[0].until = NOW + rules.warn - 1;
        assert_installation(&facts, -1);
        facts.makers[0].self = false;
        assert_installation(&facts, FINDING_MAKER_EXPIRES);
        facts.makers[0].until = NOW + rules.warn;
        assert_installation(&facts, -1);
}

static void test_lists_that_are_owed_over_or_not_written_are_told(void **state) {
        InspectedInstallation facts = an_installation();
        Findings found = {};

        (void) state;
        facts.makers[0].owed = true;
        assert_installation(&facts, FINDING_CRL_OWED);
        facts.makers[1].owed = true;
        inspect_installation(&rules, &facts, &found);
        assert_found(&found, FINDING_CRL_OWED, FINDING_CRL_OWED);
        facts = an_installation();
        facts.makers[0].list_until = NOW;
        assert_installation(&facts, -1);
        facts.makers[0].list_until = NOW - 1;
        assert_installation(&facts, FINDING_CRL_EXPIRED);
        facts = an_installation();
        facts.unwritten = "no room";
        assert_installation(&facts, FINDING_CRL_UNWRITTEN);
}

static void test_empty_authorisations_are_told(void **state) {
        InspectedInstallation facts = an_installation();
        Findings found = {};

        (void) state;
        facts.hierarchies.owner_auth_set = facts.hierarchies.lockout_auth_set = false;
        inspect_installation(&rules, &facts, &found);
        assert_found(&found, FINDING_OWNER_AUTH_EMPTY, FINDING_LOCKOUT_AUTH_EMPTY);
        facts = an_installation();
        facts.hierarchies.endorsement_auth_set = true;
        assert_installation(&facts, FINDING_ENDORSEMENT_AUTH_SET);
}

/* Without the chip nothing is said of it: what was not looked at is neither well nor bad. */
static void test_an_absent_chip_is_the_only_finding_about_it(void **state) {
        InspectedInstallation facts = an_installation();

        (void) state;
        facts.reached = facts.approved = false;
        facts.hierarchies = (TpmHierarchies){};
        facts.problem = "no TPM";
        assert_installation(&facts, FINDING_CHIP_UNREACHED);
}

static void test_what_the_chip_shows_is_told(void **state) {
        InspectedInstallation facts = an_installation();

        (void) state;
        facts.approved = false;
        assert_installation(&facts, FINDING_UNAPPROVED);
        facts = an_installation();
        facts.locked = true;
        assert_installation(&facts, FINDING_LOCKED);
        facts = an_installation();
        facts.chip_tampered = true;
        facts.problem = "NV index 0x01800001 is gone from the chip";
        assert_installation(&facts, FINDING_CHIP_TAMPERED);
}

static void test_capacity_is_told_from_eighty_percent_on(void **state) {
        InspectedInstallation facts = an_installation();

        (void) state;
        facts.bits = 100;
        facts.bits_used = 79;
        assert_installation(&facts, -1);
        facts.bits_used = 80;
        assert_installation(&facts, FINDING_CAPACITY_LOW);
        facts.bits_used = 100;
        assert_installation(&facts, FINDING_CAPACITY_EXHAUSTED);
        facts.bits_used = 0;
        facts.indices_unfinished = 2;
        assert_installation(&facts, FINDING_INDICES_UNFINISHED);
}

static void test_rows_that_wait_for_their_anchor_are_told(void **state) {
        InspectedInstallation facts = an_installation();

        (void) state;
        facts.anchored = 98;
        facts.waiting_since = NOW - facts.anchor_patience + 1;
        assert_installation(&facts, -1);
        facts.waiting_since--;
        assert_installation(&facts, FINDING_ANCHOR_OLD);
        facts.anchor_differs = true;
        assert_installation(&facts, FINDING_ANCHOR_DIFFERS);
}

static void test_a_ledger_in_disorder_is_told(void **state) {
        InspectedInstallation facts = an_installation();

        (void) state;
        facts.tampered = "seal 12 was changed";
        assert_installation(&facts, FINDING_REGISTER_TAMPERED);
        facts = an_installation();
        facts.clock_trusted = false;
        assert_installation(&facts, FINDING_CLOCK_UNTRUSTED);
        facts = an_installation();
        facts.head = facts.anchored = facts.checkpoint + facts.checkpoint_rows;
        assert_installation(&facts, FINDING_CHECKPOINT_OLD);
}

static void test_what_protects_less_than_it_could_is_told(void **state) {
        InspectedInstallation facts = an_installation();

        (void) state;
        facts.key_memory = "mlock";
        assert_installation(&facts, FINDING_KEY_MEMORY_LOCKED);
        facts.key_memory = "plain";
        assert_installation(&facts, FINDING_KEY_MEMORY_PLAIN);
        facts.key_memory = "";
        facts.keys_unchecked = 4;
        assert_installation(&facts, FINDING_KEYS_UNCHECKED);
        facts = an_installation();
        facts.unexplained = true;
        assert_installation(&facts, FINDING_UNEXPLAINED_SIGNATURE);
        facts = an_installation();
        facts.audit_absence = "a container";
        assert_installation(&facts, FINDING_AUDIT_ABSENT);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_words_differ_and_are_words),
                cmocka_unit_test(test_the_worst_comes_first_and_seals_by_number),
                cmocka_unit_test(test_of_too_many_the_rest_is_counted),
                cmocka_unit_test(test_what_two_found_is_bounded_together),
                cmocka_unit_test(test_a_seal_in_order_is_no_finding),
                cmocka_unit_test(test_a_certificate_that_ends_before_its_seal_is_told_ahead),
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
                cmocka_unit_test(test_an_installation_in_order_is_no_finding),
                cmocka_unit_test(test_guesses_at_pins_are_told_before_the_lockout),
                cmocka_unit_test(test_a_maker_that_is_missing_is_told_where_it_could_be_made),
                cmocka_unit_test(test_a_maker_s_end_is_told_ahead_where_another_has_to_renew_it),
                cmocka_unit_test(test_lists_that_are_owed_over_or_not_written_are_told),
                cmocka_unit_test(test_empty_authorisations_are_told),
                cmocka_unit_test(test_an_absent_chip_is_the_only_finding_about_it),
                cmocka_unit_test(test_what_the_chip_shows_is_told),
                cmocka_unit_test(test_capacity_is_told_from_eighty_percent_on),
                cmocka_unit_test(test_rows_that_wait_for_their_anchor_are_told),
                cmocka_unit_test(test_a_ledger_in_disorder_is_told),
                cmocka_unit_test(test_what_protects_less_than_it_could_is_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
