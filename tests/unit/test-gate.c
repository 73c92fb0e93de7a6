/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "sealsd/gate.h"
#include "tests/unit/unit.h"

#define MANAGER "org.sealsd1.Manager"
#define REQUEST "org.sealsd1.Request"
#define SEAL "org.sealsd1.Seal"
#define ALL_ROLES (~0U)

/* The action that a caller of these roles is asked for; "-" without one, NULL when refused. */
static const char *action(const char *interface, const char *member, Separation mode,
                          unsigned roles) {
        const GateRule *rule = NULL;
        int r = gate_check(interface, member, mode, roles, &rule, NULL);

        if (r != 0) {
                assert_int_equal(r, SEAL_E_ACCESS_DENIED);
                assert_null(rule);
                return NULL;
        }
        return rule->action ? rule->action : "-";
}

static void assert_action(const char *interface, const char *member, Separation mode,
                          unsigned roles, const char *expected) {
        const char *found = action(interface, member, mode, roles | ROLE_ANYONE);

        if (!expected)
                assert_null(found);
        else {
                assert_non_null(found);
                assert_string_equal(found, expected);
        }
}

/*
 * The interfaces' XML, which test_introspection.py compares with the live vtables: every method
 * there has a row here, and every row is about a method there.
 */
static size_t methods_with_a_row(const char *interface) {
        char path[PATH_MAX], line[512], member[64];
        size_t methods = 0;

        (void) snprintf(path, sizeof(path), "%.*s/../../units/%s.xml",
                        (int) (strrchr(__FILE__, '/') - __FILE__), __FILE__, interface);
        _cleanup_fclose_ FILE *file = fopen(path, "re");
        assert_non_null(file);
        while (fgets(line, sizeof(line), file))
                if (sscanf(line, " <method name=\"%63[A-Za-z]\"", member) == 1) {
                        if (!gate_has_entry(interface, member))
                                fail_msg("%s.%s has no row: nobody could call it", interface,
                                         member);
                        methods++;
                }
        return methods;
}

static void every_method_has_a_row_and_every_row_a_method(void **state) {
        size_t count, members = 0;
        const GateRule *rules = gate_rules(&count);

        (void) state;
        for (size_t i = 0; i < count; i++) /* rows of one member stand together */
                members += i == 0 || strcmp(rules[i].member, rules[i - 1].member) != 0 ||
                           strcmp(rules[i].interface, rules[i - 1].interface) != 0;
        assert_int_equal(methods_with_a_row(MANAGER) + methods_with_a_row(REQUEST) +
                                 methods_with_a_row(SEAL),
                         members);
}

/* Does a line of the shipped file have this text? */
static bool shipped_has(const char *file, const char *text) {
        char path[PATH_MAX], line[512];

        (void) snprintf(path, sizeof(path), "%.*s/../../units/%s",
                        (int) (strrchr(__FILE__, '/') - __FILE__), __FILE__, file);
        _cleanup_fclose_ FILE *stream = fopen(path, "re");
        assert_non_null(stream);
        while (fgets(line, sizeof(line), stream))
                if (strstr(line, text))
                        return true;
        return false;
}

/* Where polkit did not know an action, it would say no to everybody. */
static void every_action_is_known_to_polkit_and_its_rules(void **state) {
        size_t count;
        const GateRule *rules = gate_rules(&count);

        (void) state;
        for (size_t i = 0; i < count; i++) {
                char id[128], rule[128];

                if (!rules[i].action)
                        continue;
                (void) snprintf(id, sizeof(id), "<action id=\"%s\">", rules[i].action);
                (void) snprintf(rule, sizeof(rule), "\"%s\": [", rules[i].action);
                if (!shipped_has("org.sealsd1.policy", id) ||
                    !shipped_has("50-org.sealsd1.rules", rule))
                        fail_msg("%s is not shipped", rules[i].action);
        }
}

static void a_member_without_a_row_is_denied_to_everybody(void **state) {
        const char *const members[][2] = {
                { MANAGER, "Reinitialize" },
                { MANAGER, "Sign" },
                { SEAL, "" },
                { REQUEST, "approve" },
                { "org.sealsd1.Other", "Sign" },
                { "", "Sign" },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
                for (Separation mode = 0; mode < SEPARATION_MAX; mode++) {
                        const GateRule *rule = NULL;
                        ErrorDetail detail = {};

                        assert_int_equal(gate_check(members[i][0], members[i][1], mode, ALL_ROLES,
                                                    &rule, &detail),
                                         SEAL_E_ACCESS_DENIED);
                        assert_null(rule);
                        assert_non_null(strstr(detail.text, "no entry"));
                        assert_false(gate_has_entry(members[i][0], members[i][1]));
                }
}

static void nobody_without_a_role_passes_but_where_anyone_may(void **state) {
        size_t count;
        const GateRule *rules = gate_rules(&count);

        (void) state;
        for (size_t i = 0; i < count; i++)
                for (Separation mode = 0; mode < SEPARATION_MAX; mode++) {
                        assert_null(action(rules[i].interface, rules[i].member, mode, 0));
                        assert_true(gate_has_entry(rules[i].interface, rules[i].member));
                        if (rules[i].role != ROLE_ANYONE)
                                assert_null(action(rules[i].interface, rules[i].member, mode,
                                                   ROLE_ANYONE));
                }
}

static void rows_are_well_formed(void **state) {
        size_t count;
        const GateRule *rules = gate_rules(&count);

        (void) state;
        for (size_t i = 0; i < count; i++) {
                assert_int_equal(strncmp(rules[i].interface, "org.sealsd1.", 12), 0);
                assert_int_not_equal(rules[i].modes, 0);
                assert_int_equal(rules[i].role & (rules[i].role - 1), 0);
                assert_int_not_equal(rules[i].role, 0);
                if (rules[i].action)
                        assert_int_equal(strncmp(rules[i].action, "org.sealsd1.", 12), 0);
        }
}

static void an_unknown_mode_is_denied(void **state) {
        (void) state;
        assert_null(action(SEAL, "Describe", SEPARATION_MAX, ALL_ROLES));
        assert_null(action(SEAL, "Describe", (Separation) -1, ALL_ROLES));
}

static void members_of_the_manager(void **state) {
        const Separation dual = SEPARATION_DUAL, none = SEPARATION_NONE;

        (void) state;
        assert_action(MANAGER, "Initialize", none, ROLE_ADMINISTRATOR, "org.sealsd1.manage");
        assert_action(MANAGER, "Initialize", none, ROLE_CONFIGURED & ~ROLE_ADMINISTRATOR, NULL);
        assert_action(MANAGER, "ListChallenges", none, ROLE_ADMINISTRATOR, "-");
        assert_action(MANAGER, "Answer", none, ROLE_ADMINISTRATOR, "org.sealsd1.manage");
        assert_action(MANAGER, "GetStatus", none, ROLE_ADMINISTRATOR, "-");
        assert_action(MANAGER, "GetStatus", dual, ROLE_AUDITOR, "-");
        assert_action(MANAGER, "GetMachineState", dual, ROLE_AUDITOR, "-");
        assert_action(MANAGER, "GetMachineState", dual, ROLE_REVIEWER, NULL);
        assert_action(MANAGER, "ApproveMachineState", dual, ROLE_ADMINISTRATOR,
                      "org.sealsd1.approve-policy");
        assert_action(MANAGER, "ApproveMachineState", dual, ROLE_AUDITOR, NULL);
        assert_action(MANAGER, "SetSeparation", dual, ROLE_ADMINISTRATOR, "org.sealsd1.manage");
        assert_action(MANAGER, "SetSeparation", dual, ROLE_CONFIGURED & ~ROLE_ADMINISTRATOR, NULL);
        assert_action(MANAGER, "RegisterReviewer", dual, ROLE_ADMINISTRATOR, "org.sealsd1.manage");
        assert_action(MANAGER, "RegisterReviewer", dual, ROLE_REVIEWER, NULL);
        assert_action(MANAGER, "Apply", dual, ROLE_APPLICANT, "org.sealsd1.apply");
        assert_action(MANAGER, "Apply", dual, ROLE_ADMINISTRATOR, NULL);
        assert_action(MANAGER, "CreateSeal", dual, ROLE_ADMINISTRATOR, "org.sealsd1.manage");
        assert_action(MANAGER, "SuspendSeals", dual, ROLE_ADMINISTRATOR, "org.sealsd1.manage");
        assert_action(MANAGER, "SuspendSeals", dual, ROLE_CONFIGURED & ~ROLE_ADMINISTRATOR, NULL);
        assert_action(MANAGER, "ListSeals", none, 0, "-");
        assert_action(MANAGER, "ListRequests", dual, 0, "-");
        assert_action(MANAGER, "GetSeal", dual, 0, "-");
        assert_action(MANAGER, "Subscribe", dual, 0, "-");
        assert_action(MANAGER, "Unsubscribe", dual, 0, "-");
}

static void members_of_requests(void **state) {
        const Separation dual = SEPARATION_DUAL, strict = SEPARATION_STRICT,
                         single = SEPARATION_SINGLE;

        (void) state;
        assert_action(REQUEST, "Approve", dual, ROLE_REVIEWER, "org.sealsd1.review");
        assert_action(REQUEST, "Approve", dual, ROLE_ADMINISTRATOR | ROLE_OWNER, NULL);
        assert_action(REQUEST, "Reject", strict, ROLE_REVIEWER, "org.sealsd1.review");
        assert_action(REQUEST, "RejectSigned", strict, ROLE_REVIEWER, "org.sealsd1.review");
        assert_action(REQUEST, "RejectSigned", strict, ROLE_OWNER, NULL);
        assert_action(REQUEST, "Cancel", dual, ROLE_OWNER, "-");
        assert_action(REQUEST, "Cancel", dual, ROLE_ADMINISTRATOR, "org.sealsd1.manage");
        assert_action(REQUEST, "Cancel", dual, ROLE_ADMINISTRATOR | ROLE_OWNER, "-");
        assert_action(REQUEST, "Make", strict, ROLE_MAKER, "org.sealsd1.make");
        assert_action(REQUEST, "Make", strict, ROLE_REVIEWER | ROLE_ADMINISTRATOR, NULL);
        assert_action(REQUEST, "Make", dual, ROLE_REVIEWER, "org.sealsd1.review");
        assert_action(REQUEST, "Make", dual, ROLE_MAKER | ROLE_ADMINISTRATOR, NULL);
        assert_action(REQUEST, "Make", single, ROLE_ADMINISTRATOR, "org.sealsd1.manage");
        assert_action(REQUEST, "Make", SEPARATION_NONE, ROLE_CONFIGURED, NULL);
        assert_action(REQUEST, "Describe", dual, 0, "-");
}

static void members_of_seals(void **state) {
        const Separation dual = SEPARATION_DUAL, strict = SEPARATION_STRICT,
                         single = SEPARATION_SINGLE;
        const char *const keepers[] = { "Sign", "Accept", "Decline" };
        const char *const either[] = { "Apply", "Suspend", "ReportLost", "ReportFound",
                                       "Surrender" };
        const char *const administrators[] = { "Resume", "Destroy" };

        (void) state;
        for (size_t i = 0; i < sizeof(keepers) / sizeof(keepers[0]); i++) {
                assert_action(SEAL, keepers[i], dual, ROLE_KEEPER, "-");
                assert_action(SEAL, keepers[i], single, ROLE_CONFIGURED | ROLE_OWNER, NULL);
        }
        assert_action(SEAL, "Sign", strict, ROLE_USER, "-");
        assert_action(SEAL, "SignMany", dual, ROLE_KEEPER, "-");
        assert_action(SEAL, "SignMany", dual, ROLE_USER, "-");
        assert_action(SEAL, "SignMany", single, ROLE_CONFIGURED, NULL);
        assert_action(SEAL, "AddGrant", dual, ROLE_KEEPER, "-");
        assert_action(SEAL, "AddGrant", dual, ROLE_ADMINISTRATOR, "org.sealsd1.manage");
        assert_action(SEAL, "AddGrant", dual, ROLE_ADMINISTRATOR | ROLE_KEEPER,
                      "org.sealsd1.manage");
        assert_action(SEAL, "AddGrant", dual, ROLE_USER, NULL);
        assert_action(SEAL, "RemoveGrant", dual, ROLE_KEEPER | ROLE_ADMINISTRATOR, "-");
        assert_action(SEAL, "RemoveGrant", dual, ROLE_ADMINISTRATOR, "org.sealsd1.manage");
        assert_action(SEAL, "RemoveGrant", dual, ROLE_USER | ROLE_AUDITOR, NULL);
        assert_action(SEAL, "ListGrants", dual, ROLE_AUDITOR, "-");
        assert_action(SEAL, "ListGrants", dual, ROLE_USER | ROLE_REVIEWER | ROLE_MAKER, NULL);
        assert_action(SEAL, "Accept", strict, ROLE_USER, NULL);
        assert_action(SEAL, "RecordFiling", strict, ROLE_MAKER, "org.sealsd1.make");
        assert_action(SEAL, "RecordFiling", strict, ROLE_ADMINISTRATOR, "org.sealsd1.manage");
        assert_action(SEAL, "RecordFiling", strict, ROLE_REVIEWER, NULL);
        assert_action(SEAL, "RecordFiling", dual, ROLE_REVIEWER, "org.sealsd1.review");
        assert_action(SEAL, "RecordFiling", dual, ROLE_MAKER, NULL);
        assert_action(SEAL, "Deliver", strict, ROLE_ADMINISTRATOR, "org.sealsd1.manage");
        assert_action(SEAL, "Deliver", strict, ROLE_MAKER | ROLE_KEEPER, NULL);
        for (size_t i = 0; i < sizeof(either) / sizeof(either[0]); i++) {
                assert_action(SEAL, either[i], dual, ROLE_KEEPER, "-");
                assert_action(SEAL, either[i], strict, ROLE_ADMINISTRATOR, "org.sealsd1.manage");
                assert_action(SEAL, either[i], strict,
                              (ROLE_CONFIGURED & ~ROLE_ADMINISTRATOR) | ROLE_USER | ROLE_OWNER,
                              NULL);
        }
        for (size_t i = 0; i < sizeof(administrators) / sizeof(administrators[0]); i++) {
                assert_action(SEAL, administrators[i], dual, ROLE_ADMINISTRATOR,
                              "org.sealsd1.manage");
                assert_action(SEAL, administrators[i], dual,
                              (ROLE_CONFIGURED & ~ROLE_ADMINISTRATOR) | ROLE_KEEPER, NULL);
        }
        assert_action(SEAL, "StateAt", dual, 0, "-");
        assert_action(SEAL, "Revoke", dual, ROLE_ADMINISTRATOR, "org.sealsd1.manage");
        assert_action(SEAL, "Revoke", dual, ROLE_KEEPER, NULL);
        assert_action(SEAL, "Describe", dual, 0, "-");
}

static void the_refusal_names_the_roles_that_could(void **state) {
        const GateRule *rule;
        ErrorDetail detail = {};

        (void) state;
        (void) gate_check(REQUEST, "Approve", SEPARATION_DUAL, ROLE_ANYONE, &rule, &detail);
        assert_string_equal(detail.text,
                            "Only reviewers may do this (role reviewer, group seal-reviewers)");
        (void) gate_check(REQUEST, "Cancel", SEPARATION_DUAL, ROLE_ANYONE, &rule, &detail);
        assert_string_equal(detail.text,
                            "Only administrators or the applicant of this request may do "
                            "this (role administrator, group seal-admins)");
        (void) gate_check(SEAL, "RecordFiling", SEPARATION_STRICT, ROLE_ANYONE, &rule, &detail);
        assert_string_equal(
                detail.text,
                "Only makers or administrators may do this (role maker, group seal-makers; "
                "role administrator, group seal-admins)");
        (void) gate_check(SEAL, "Sign", SEPARATION_DUAL, ROLE_ANYONE, &rule, &detail);
        assert_string_equal(detail.text,
                            "Only keepers of the seal or holders of a grant may do this");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_method_has_a_row_and_every_row_a_method),
                cmocka_unit_test(every_action_is_known_to_polkit_and_its_rules),
                cmocka_unit_test(a_member_without_a_row_is_denied_to_everybody),
                cmocka_unit_test(nobody_without_a_role_passes_but_where_anyone_may),
                cmocka_unit_test(rows_are_well_formed),
                cmocka_unit_test(an_unknown_mode_is_denied),
                cmocka_unit_test(members_of_the_manager),
                cmocka_unit_test(members_of_requests),
                cmocka_unit_test(members_of_seals),
                cmocka_unit_test(the_refusal_names_the_roles_that_could),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
