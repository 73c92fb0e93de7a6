/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/inspected.h"

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

#define assert_found(found, ...)                                                 \
        do {                                                                     \
                const FindingCode codes_[] = { __VA_ARGS__ };                    \
                assert_codes(found, sizeof(codes_) / sizeof(codes_[0]), codes_); \
        } while (0)

static void assert_installation(const InspectedInstallation *facts, int code) {
        Findings found = {};
        const FindingCode codes[] = { (FindingCode) code };

        inspect_installation(&rules, facts, &found);
        assert_codes(&found, code < 0 ? 0 : 1, codes);
}

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
