/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/accounts.h"

#include "tests/unit/unit.h"

static Subject a_subject(SubjectKind kind, uint32_t id, const char *text) {
        Subject subject = { .kind = kind, .id = id };

        strcpy(subject.text, text);
        return subject;
}

static Account check(Accounts *accounts, SubjectKind kind, uint32_t id, const char *text) {
        const Subject subject = a_subject(kind, id, text);

        return accounts_check(accounts, &subject);
}

/* Twice, since the second answer is the one that is remembered. */
static void test_accounts_are_told_apart_by_id_and_name(void **state) {
        _cleanup_(accounts_freep) Accounts *accounts = NULL;

        (void) state;
        assert_int_equal(accounts_new(&accounts), 0);
        for (int i = 0; i < 2; i++) {
                assert_int_equal(check(accounts, SUBJECT_USER, 0, "user:root"), ACCOUNT_THERE);
                assert_int_equal(check(accounts, SUBJECT_USER, 0, "user:0"), ACCOUNT_THERE);
                assert_int_equal(check(accounts, SUBJECT_USER, 0, "user:toor"), ACCOUNT_OTHER);
                assert_int_equal(check(accounts, SUBJECT_GROUP, 0, "group:root"), ACCOUNT_THERE);
                assert_int_equal(check(accounts, SUBJECT_USER, 3999999999U, "user:gone"),
                                 ACCOUNT_NONE);
                assert_int_equal(check(accounts, SUBJECT_GROUP, 3999999999U, "group:gone"),
                                 ACCOUNT_NONE);
        }
}

/* Ids that fall on the same place do not answer for each other. */
static void test_what_takes_turns_is_not_mixed_up(void **state) {
        _cleanup_(accounts_freep) Accounts *accounts = NULL;

        (void) state;
        assert_int_equal(accounts_new(&accounts), 0);
        for (int i = 0; i < 3; i++) {
                assert_int_equal(check(accounts, SUBJECT_USER, 0, "user:root"), ACCOUNT_THERE);
                assert_int_equal(check(accounts, SUBJECT_USER, 0x80000000U, "user:gone"),
                                 ACCOUNT_NONE);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_accounts_are_told_apart_by_id_and_name),
                cmocka_unit_test(test_what_takes_turns_is_not_mixed_up),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
