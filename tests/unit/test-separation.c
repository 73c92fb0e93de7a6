/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/separation.h"

#include "tests/unit/unit.h"

#define REFUSED SEAL_E_SEPARATION_OF_DUTIES
#define USER(number, name) \
        { .kind = SUBJECT_USER, .id = (number), .text = "user:" name }

static const Separation unsingle[] = { SEPARATION_NONE, SEPARATION_DUAL, SEPARATION_STRICT };

static const Request request = {
        .applicant = USER(1, "applicant"),
        .applicant_login = 101,
        .decision_count = 1,
        .decisions = { { .by = USER(2, "reviewer"), .login = 102 } },
        .application = {
                .keeper_count = 2,
                .keepers = { USER(3, "keeper"),
                             { .kind = SUBJECT_GROUP, .id = 30, .text = "group:keepers" } },
        },
};

/* A refusal says why, and nothing else says anything. */
static int told(int r, const ErrorDetail *detail) {
        assert_true((r == 0) == (detail->text[0] == '\0'));
        return r;
}

static int decide(Separation mode, bool logins, uint32_t uid, uint32_t login) {
        const SeparationRule rule = { .mode = mode, .logins = logins };
        const Caller caller = { .uid = uid, .login_uid = login };
        ErrorDetail detail = {};

        return told(separation_decide(&rule, &request, &caller, &detail), &detail);
}

static int make(Separation mode, bool logins, uint32_t uid, uint32_t gid, uint32_t login) {
        const SeparationRule rule = { .mode = mode, .logins = logins };
        const Caller caller = {
                .uid = uid, .group_count = 1, .groups = { gid }, .login_uid = login
        };
        ErrorDetail detail = {};

        return told(separation_make(&rule, &request, &caller, &detail), &detail);
}

static void the_applicant_does_not_decide_and_nobody_twice(void **state) {
        (void) state;
        for (size_t i = 0; i < 3; i++) {
                assert_int_equal(decide(unsingle[i], false, 1, LOGIN_NONE), REFUSED);
                assert_int_equal(decide(unsingle[i], false, 2, LOGIN_NONE), REFUSED);
                assert_int_equal(decide(unsingle[i], false, 3, LOGIN_NONE), 0);
                assert_int_equal(decide(unsingle[i], false, 0, 101), 0);
        }
        assert_int_equal(decide(SEPARATION_SINGLE, true, 1, LOGIN_NONE), 0);
        assert_int_equal(decide(SEPARATION_SINGLE, true, 2, LOGIN_NONE), 0);
}

static void another_user_of_the_same_login_is_the_same_person(void **state) {
        (void) state;
        for (size_t i = 0; i < 3; i++) {
                assert_int_equal(decide(unsingle[i], true, 1, 103), REFUSED);
                assert_int_equal(decide(unsingle[i], true, 3, 101), REFUSED);
                assert_int_equal(decide(unsingle[i], true, 3, 102), REFUSED);
                assert_int_equal(decide(unsingle[i], true, 3, 103), 0);
                assert_int_equal(decide(unsingle[i], true, 3, LOGIN_NONE), REFUSED);
        }
        assert_int_equal(make(SEPARATION_STRICT, true, 4, 0, 101), REFUSED);
        assert_int_equal(make(SEPARATION_STRICT, true, 4, 0, 102), REFUSED);
        assert_int_equal(make(SEPARATION_STRICT, true, 4, 0, LOGIN_NONE), REFUSED);
        assert_int_equal(make(SEPARATION_STRICT, true, 4, 0, 104), 0);
        assert_int_equal(make(SEPARATION_DUAL, true, 4, 0, 101), 0);
}

/* Nor is an unknown login of both the same login. */
static void logins_that_are_not_known_are_not_the_same(void **state) {
        const SeparationRule rule = { .mode = SEPARATION_STRICT, .logins = true };
        static const Seal seal = { .made = { .by = USER(4, "maker"), .login = LOGIN_NONE } };
        const Caller caller = { .uid = 5, .login_uid = LOGIN_NONE };

        (void) state;
        assert_int_equal(separation_keep(&rule, &seal, &caller, NULL), 0);
}

static void in_strict_mode_the_maker_is_somebody_else(void **state) {
        (void) state;
        assert_int_equal(make(SEPARATION_STRICT, false, 1, 0, 9), REFUSED);
        assert_int_equal(make(SEPARATION_STRICT, false, 2, 0, 9), REFUSED);
        assert_int_equal(make(SEPARATION_STRICT, false, 3, 0, 9), REFUSED);
        assert_int_equal(make(SEPARATION_STRICT, false, 4, 30, 9), REFUSED);
        assert_int_equal(make(SEPARATION_STRICT, false, 4, 0, 9), 0);
        for (uint32_t uid = 1; uid <= 4; uid++) {
                assert_int_equal(make(SEPARATION_DUAL, false, uid, 30, 9), 0);
                assert_int_equal(make(SEPARATION_SINGLE, false, uid, 30, 9), 0);
        }
}

static void in_strict_mode_the_maker_does_not_become_keeper(void **state) {
        const Subject maker = USER(4, "maker"), keeper = USER(3, "keeper"), root = USER(0, "root");
        const SeparationRule strict = { .mode = SEPARATION_STRICT },
                             dual = { .mode = SEPARATION_DUAL },
                             single = { .mode = SEPARATION_SINGLE };
        static Seal seal;

        (void) state;
        assert_int_equal(separation_deliver(&strict, &seal, &root, NULL), 0);
        seal.made.by = maker;
        assert_int_equal(separation_deliver(&strict, &seal, &maker, NULL), REFUSED);
        assert_int_equal(separation_deliver(&strict, &seal, &keeper, NULL), 0);
        assert_int_equal(separation_deliver(&dual, &seal, &maker, NULL), 0);
        assert_int_equal(separation_deliver(&single, &seal, &maker, NULL), 0);
}

static void in_strict_mode_the_maker_does_not_keep_even_through_a_group(void **state) {
        const SeparationRule strict = { .mode = SEPARATION_STRICT },
                             dual = { .mode = SEPARATION_DUAL },
                             single = { .mode = SEPARATION_SINGLE };
        const Caller maker = { .uid = 1003 }, other = { .uid = 0 };
        static Seal seal;

        (void) state;
        assert_int_equal(separation_keep(&strict, &seal, &other, NULL), 0);
        subject_from_uid(1003, &seal.made.by);
        assert_int_equal(separation_keep(&strict, &seal, &maker, NULL), REFUSED);
        assert_int_equal(separation_keep(&strict, &seal, &other, NULL), 0);
        assert_int_equal(separation_keep(&dual, &seal, &maker, NULL), 0);
        assert_int_equal(separation_keep(&single, &seal, &maker, NULL), 0);
}

typedef int (*Undo)(const SeparationRule *rule, const Seal *seal, const Caller *caller,
                    ErrorDetail *detail);

static void assert_undone_by_another(Undo undo, uint32_t uid, uint32_t login) {
        static const Seal seal = {
                .suspended = { .by = USER(6, "suspender"), .login = 106 },
                .revoked = { .by = USER(7, "revoker"), .login = 107 },
        };
        const Caller same = { .uid = uid, .login_uid = 9 },
                     other = { .uid = 8, .login_uid = login };
        const Caller service = { .uid = 8, .login_uid = LOGIN_NONE };

        for (size_t i = 0; i < 3; i++) {
                SeparationRule rule = { .mode = unsingle[i] };

                assert_int_equal(undo(&rule, &seal, &same, NULL), REFUSED);
                assert_int_equal(undo(&rule, &seal, &other, NULL), 0);
                assert_int_equal(undo(&rule, &seal, &service, NULL), 0);
                rule.logins = true;
                assert_int_equal(undo(&rule, &seal, &other, NULL), REFUSED);
                assert_int_equal(undo(&rule, &seal, &service, NULL), REFUSED);
        }
        const SeparationRule single = { .mode = SEPARATION_SINGLE, .logins = true };
        assert_int_equal(undo(&single, &seal, &same, NULL), 0);
}

static void who_suspended_does_not_resume(void **state) {
        (void) state;
        assert_undone_by_another(separation_resume, 6, 106);
}

static void who_revoked_does_not_destroy(void **state) {
        (void) state;
        assert_undone_by_another(separation_destroy, 7, 107);
}

static void an_emergency_grant_is_for_another(void **state) {
        const Subject self = USER(0, "root"), other = USER(8, "other");
        const Subject group = { .kind = SUBJECT_GROUP, .id = 30, .text = "group:g" };
        const Caller root = { .uid = 0, .group_count = 1, .groups = { 30 } };

        (void) state;
        for (size_t i = 0; i < 3; i++) {
                const SeparationRule rule = { .mode = unsingle[i] };

                assert_int_equal(separation_emergency(&rule, &self, &root, NULL), REFUSED);
                assert_int_equal(separation_emergency(&rule, &group, &root, NULL), REFUSED);
                assert_int_equal(separation_emergency(&rule, &other, &root, NULL), 0);
        }
        const SeparationRule single = { .mode = SEPARATION_SINGLE };
        assert_int_equal(separation_emergency(&single, &self, &root, NULL), 0);
}

static void fewer_eyes_are_a_lowering(void **state) {
        static const Separation order[] = { SEPARATION_SINGLE, SEPARATION_DUAL, SEPARATION_STRICT };

        (void) state;
        for (size_t from = 0; from < 3; from++)
                for (size_t to = 0; to < 3; to++)
                        assert_int_equal(separation_lowers(order[from], order[to]), to < from);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_applicant_does_not_decide_and_nobody_twice),
                cmocka_unit_test(another_user_of_the_same_login_is_the_same_person),
                cmocka_unit_test(logins_that_are_not_known_are_not_the_same),
                cmocka_unit_test(in_strict_mode_the_maker_is_somebody_else),
                cmocka_unit_test(in_strict_mode_the_maker_does_not_become_keeper),
                cmocka_unit_test(in_strict_mode_the_maker_does_not_keep_even_through_a_group),
                cmocka_unit_test(who_suspended_does_not_resume),
                cmocka_unit_test(who_revoked_does_not_destroy),
                cmocka_unit_test(an_emergency_grant_is_for_another),
                cmocka_unit_test(fewer_eyes_are_a_lowering),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
