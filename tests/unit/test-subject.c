/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/caller.h"
#include "sealsd/subject.h"
#include "tests/unit/unit.h"

static void accounts_are_found_by_name(void **state) {
        Subject subject = {};

        (void) state;
        assert_int_equal(subject_parse("user:daemon", &subject, NULL), 0);
        assert_int_equal(subject.kind, SUBJECT_USER);
        assert_int_equal(subject.id, 1);
        assert_string_equal(subject.text, "user:daemon");
        assert_int_equal(subject_parse("group:root", &subject, NULL), 0);
        assert_int_equal(subject.kind, SUBJECT_GROUP);
        assert_int_equal(subject.id, 0);
        assert_string_equal(subject.text, "group:root");
}

static void other_forms_are_refused_and_change_nothing(void **state) {
        const char *const wrong[] = {
                "",
                "root",
                "user:",
                "User:root",
                "users:root",
                "user:ro ot",
                "user:root\n",
                "group:a:b",
                "user:../root",
                "user:no-such-account-here",
                "group:no-such-group-here",
                "user:12345678901234567890123456789012345678901234567890123456789012345",
        };

        (void) state;
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
                Subject subject = { .id = 77 };
                ErrorDetail detail = {};

                assert_int_equal(subject_parse(wrong[i], &subject, &detail), SEAL_E_INVALID_ARGS);
                assert_int_equal(subject.id, 77);
                assert_string_not_equal(detail.text, "");
        }
}

static void a_uid_without_account_is_its_number(void **state) {
        Subject subject;

        (void) state;
        subject_from_uid(4123456789, &subject);
        assert_string_equal(subject.text, "user:4123456789");
        assert_int_equal(subject.kind, SUBJECT_USER);
        subject_from_uid(0, &subject);
        assert_string_equal(subject.text, "user:root");
        assert_int_equal(subject.id, 0);
}

static const char *account_text(SubjectKind kind, const char *name) {
        static Subject subject;

        subject_from_account(kind, 1234, name, &subject);
        assert_int_equal(subject.kind, kind);
        assert_int_equal(subject.id, 1234);
        return subject.text;
}

/* A name in Latin-1 made every row of its owner unreadable; one with a space, his requests. */
static void a_name_that_cannot_be_read_back_is_its_number(void **state) {
        const char *const wrong[] = { "",    "jos\xe9", "a\nb", "a\x1b[31m", "a\xc2\x85",
                                      "a b", "a:b",     "a/b",  "a,b",       "a\xe2\x80\xae" };
        char longest[SUBJECT_MAX + 1] = "";
        SubjectKind kind;
        const char *name;

        (void) state;
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
                assert_string_equal(account_text(SUBJECT_USER, wrong[i]), "user:1234");
                assert_string_equal(account_text(SUBJECT_GROUP, wrong[i]), "group:1234");
        }
        assert_string_equal(account_text(SUBJECT_USER, "jos\xc3\xa9"), "user:jos\xc3\xa9");
        assert_string_equal(account_text(SUBJECT_USER, "AD\\jo"), "user:AD\\jo");
        memset(longest, 'x', SUBJECT_MAX - strlen("user:"));
        assert_true(subject_text_split(account_text(SUBJECT_USER, longest), &kind, &name));
        assert_string_equal(name, longest);
        assert_string_equal(account_text(SUBJECT_GROUP, longest), "group:1234");
}

static void text_that_is_not_utf8_names_nobody(void **state) {
        SubjectKind kind;
        const char *name;

        (void) state;
        assert_false(subject_text_split("user:jos\xe9", &kind, &name));
        assert_false(subject_text_split("user:a\xc2\x9b", &kind, &name));
        assert_true(subject_text_split("group:jos\xc3\xa9", &kind, &name));
}

static void subjects_are_equal_by_kind_and_id(void **state) {
        const Subject user = { .kind = SUBJECT_USER, .id = 5, .text = "user:a" };
        const Subject renamed = { .kind = SUBJECT_USER, .id = 5, .text = "user:b" };
        const Subject group = { .kind = SUBJECT_GROUP, .id = 5, .text = "group:a" };

        (void) state;
        assert_true(subject_equal(&user, &renamed));
        assert_false(subject_equal(&user, &group));
}

static void a_caller_is_his_uid_and_his_groups(void **state) {
        const Caller caller = { .uid = 5, .groups = { 7, 8 }, .group_count = 2 };
        const Subject nobody = {};

        (void) state;
        assert_true(caller_is(&caller, &(Subject){ .kind = SUBJECT_USER, .id = 5, .text = "u" }));
        assert_false(caller_is(&caller, &(Subject){ .kind = SUBJECT_USER, .id = 7, .text = "u" }));
        assert_true(caller_is(&caller, &(Subject){ .kind = SUBJECT_GROUP, .id = 8, .text = "g" }));
        assert_false(caller_is(&caller, &(Subject){ .kind = SUBJECT_GROUP, .id = 5, .text = "g" }));
        assert_false(caller_is(&(Caller){ .uid = 0 }, &nobody));
}

static Config *config_of_roles(void) {
        static Config config;

        config.applicants = (SubjectList){
                .count = 1, .subjects = { { .kind = SUBJECT_GROUP, .id = 100, .text = "group:a" } }
        };
        config.reviewers = (SubjectList){
                .count = 1, .subjects = { { .kind = SUBJECT_USER, .id = 5, .text = "user:r" } }
        };
        config.makers = (SubjectList){
                .count = 1, .subjects = { { .kind = SUBJECT_USER, .id = 0, .text = "user:root" } }
        };
        config.administrators = (SubjectList){
                .count = 1, .subjects = { { .kind = SUBJECT_USER, .id = 6, .text = "user:adm" } }
        };
        return &config;
}

static void roles_come_from_users_and_groups(void **state) {
        Caller caller = { .uid = 5, .groups = { 100 }, .group_count = 1 };

        (void) state;
        caller_assign_roles(&caller, config_of_roles(), false);
        assert_int_equal(caller.roles, ROLE_APPLICANT | ROLE_REVIEWER | ROLE_ANYONE);
        caller_assign_roles(&caller, config_of_roles(), true);
        assert_int_equal(caller.roles, ROLE_APPLICANT | ROLE_REVIEWER | ROLE_ANYONE);
        caller = (Caller){ .uid = 9 };
        caller_assign_roles(&caller, config_of_roles(), false);
        assert_int_equal(caller.roles, ROLE_ANYONE);
}

static void root_administers_and_has_no_other_configured_role(void **state) {
        Caller root = { .uid = 0, .groups = { 0, 100 }, .group_count = 2 };

        (void) state;
        caller_assign_roles(&root, config_of_roles(), false);
        assert_int_equal(root.roles, ROLE_ADMINISTRATOR | ROLE_ANYONE);
}

static void in_single_mode_administrators_hold_every_role(void **state) {
        Caller root = { .uid = 0 }, administrator = { .uid = 6 };

        (void) state;
        caller_assign_roles(&root, config_of_roles(), true);
        assert_int_equal(root.roles, ROLE_CONFIGURED | ROLE_ANYONE);
        caller_assign_roles(&administrator, config_of_roles(), true);
        assert_int_equal(administrator.roles, ROLE_CONFIGURED | ROLE_ANYONE);
        caller_assign_roles(&administrator, config_of_roles(), false);
        assert_int_equal(administrator.roles, ROLE_ADMINISTRATOR | ROLE_ANYONE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(accounts_are_found_by_name),
                cmocka_unit_test(other_forms_are_refused_and_change_nothing),
                cmocka_unit_test(a_uid_without_account_is_its_number),
                cmocka_unit_test(a_name_that_cannot_be_read_back_is_its_number),
                cmocka_unit_test(text_that_is_not_utf8_names_nobody),
                cmocka_unit_test(subjects_are_equal_by_kind_and_id),
                cmocka_unit_test(a_caller_is_his_uid_and_his_groups),
                cmocka_unit_test(roles_come_from_users_and_groups),
                cmocka_unit_test(root_administers_and_has_no_other_configured_role),
                cmocka_unit_test(in_single_mode_administrators_hold_every_role),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
