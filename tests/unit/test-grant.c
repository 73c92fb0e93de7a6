/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/grant.h"

#include "tests/unit/unit.h"

#define NOW 1000000000000ULL
#define HOUR (3600 * USEC_PER_SEC)
#define USER(number, name) \
        { .kind = SUBJECT_USER, .id = (number), .text = "user:" name }

static const Seal seal = {
        .number = "00000000000001",
        .state = SEAL_ACTIVE,
        .facts = { .purposes = PURPOSE_DOCUMENT_SIGNING | PURPOSE_ENDORSEMENT },
};

static const Caller keeper = { .uid = 1, .subject = USER(1, "keeper") };
static const Caller admin = {
        .uid = 2,
        .subject = USER(2, "admin"),
        .roles = ROLE_ADMINISTRATOR,
        .group_count = 1,
        .groups = { 20 },
};
static const Caller user = {
        .uid = 3, .subject = USER(3, "user"), .group_count = 1, .groups = { 30 }
};
static const Grant deputy_grant = {
        .id = 5,
        .subject = USER(3, "user"),
        .purposes = PURPOSE_DOCUMENT_SIGNING,
        .not_before = NOW - HOUR,
        .until = NOW + 10 * HOUR,
        .keeper = true,
};

static GrantContext by_keeper(void) {
        return (GrantContext){ .seal = &seal,
                               .giver = &keeper,
                               .keeper = true,
                               .rule = { .mode = SEPARATION_DUAL },
                               .now = NOW };
}

static GrantContext by_admin(void) {
        GrantContext context = by_keeper();

        context.giver = &admin;
        context.keeper = false;
        return context;
}

static GrantContext by_deputy(const Grant *deputy) {
        GrantContext context = by_keeper();

        context.giver = &user;
        context.keeper = false;
        context.deputy = deputy;
        return context;
}

static int complete(Grant *grant, GrantContext context) {
        const Grant before = *grant;
        ErrorDetail detail = {};
        int r = grant_complete(grant, &context, &detail);

        assert_true((r == 0) == (detail.text[0] == '\0'));
        if (r != 0)
                assert_memory_equal(grant, &before, sizeof(before));
        return r;
}

static Grant to_user(void) {
        return (Grant){ .subject = USER(3, "user") };
}

static Grant emergency(void) {
        Grant grant = to_user();

        grant.emergency = true;
        strcpy(grant.reason, "fire");
        return grant;
}

static void a_keeper_gives_all_that_he_does_not_narrow(void **state) {
        Grant grant = to_user();

        (void) state;
        assert_int_equal(complete(&grant, by_keeper()), 0);
        assert_int_equal(grant.purposes, seal.facts.purposes);
        assert_int_equal(grant.not_before, NOW);
        assert_int_equal(grant.until, 0);
        assert_int_equal(grant.count, 0);
        assert_int_equal(grant.given, NOW);
        assert_string_equal(grant.giver.text, "user:keeper");
        assert_string_equal(grant.number, seal.number);
}

static void purposes_are_of_those_of_the_seal(void **state) {
        Grant grant = to_user();

        (void) state;
        grant.purposes = PURPOSE_ENDORSEMENT;
        assert_int_equal(complete(&grant, by_keeper()), 0);
        assert_int_equal(grant.purposes, PURPOSE_ENDORSEMENT);
        grant = to_user();
        grant.purposes = PURPOSE_IDENTITY_AUTHENTICATION | PURPOSE_ENDORSEMENT;
        assert_int_equal(complete(&grant, by_keeper()), SEAL_E_PURPOSE_NOT_ALLOWED);
}

static void it_ends_after_it_begins(void **state) {
        Grant grant = to_user();

        (void) state;
        grant.until = NOW;
        assert_int_equal(complete(&grant, by_keeper()), SEAL_E_INVALID_ARGS);
        grant.until = NOW + 2;
        grant.not_before = NOW + 2;
        assert_int_equal(complete(&grant, by_keeper()), SEAL_E_INVALID_ARGS);
        grant.not_before = NOW + 1;
        assert_int_equal(complete(&grant, by_keeper()), 0);
}

static void numbers_that_json_cannot_carry_are_refused(void **state) {
        Grant grant = to_user();

        (void) state;
        grant.until = 1ULL << 53;
        assert_int_equal(complete(&grant, by_keeper()), SEAL_E_INVALID_ARGS);
        grant.until = (1ULL << 53) - 1;
        assert_int_equal(complete(&grant, by_keeper()), 0);
        grant = to_user();
        grant.count = 1ULL << 53;
        assert_int_equal(complete(&grant, by_keeper()), SEAL_E_INVALID_ARGS);
}

static void a_deputy_has_an_end(void **state) {
        Grant grant = to_user();

        (void) state;
        grant.keeper = true;
        assert_int_equal(complete(&grant, by_keeper()), SEAL_E_INVALID_ARGS);
        grant.until = NOW + HOUR;
        assert_int_equal(complete(&grant, by_keeper()), 0);
}

static void a_deputy_gives_no_more_than_he_has(void **state) {
        Grant counted = deputy_grant, other = deputy_grant;
        Grant grant = { .subject = USER(9, "other") };

        (void) state;
        assert_int_equal(complete(&grant, by_deputy(&deputy_grant)), 0);
        assert_int_equal(grant.until, deputy_grant.until);
        assert_int_equal(grant.purposes, PURPOSE_DOCUMENT_SIGNING);
        assert_int_equal(grant.via, 5);

        grant = (Grant){ .subject = USER(9, "other"), .until = deputy_grant.until + 1 };
        assert_int_equal(complete(&grant, by_deputy(&deputy_grant)), SEAL_E_INVALID_ARGS);
        grant = (Grant){ .subject = USER(9, "other"), .purposes = PURPOSE_ENDORSEMENT };
        assert_int_equal(complete(&grant, by_deputy(&deputy_grant)), SEAL_E_PURPOSE_NOT_ALLOWED);
        grant = (Grant){ .subject = USER(9, "other"), .until = NOW + HOUR, .keeper = true };
        assert_int_equal(complete(&grant, by_deputy(&deputy_grant)), SEAL_E_ACCESS_DENIED);
        counted.count = 3;
        grant = (Grant){ .subject = USER(9, "other") };
        assert_int_equal(complete(&grant, by_deputy(&counted)), SEAL_E_ACCESS_DENIED);
        /* The seal was amended since. */
        other.purposes = PURPOSE_IDENTITY_AUTHENTICATION;
        grant = (Grant){ .subject = USER(9, "other"), .purposes = PURPOSE_ENDORSEMENT };
        assert_int_equal(complete(&grant, by_deputy(&other)), SEAL_E_PURPOSE_NOT_ALLOWED);
}

static void nobody_else_gives(void **state) {
        Grant grant = to_user();

        (void) state;
        assert_int_equal(complete(&grant, by_deputy(NULL)), SEAL_E_ACCESS_DENIED);
        assert_int_equal(complete(&grant, by_admin()), SEAL_E_ACCESS_DENIED);
        grant = emergency();
        assert_int_equal(complete(&grant, by_keeper()), SEAL_E_ACCESS_DENIED);
        assert_int_equal(complete(&grant, by_deputy(&deputy_grant)), SEAL_E_ACCESS_DENIED);
}

static void an_emergency_is_short_and_has_a_reason(void **state) {
        Grant grant = emergency();

        (void) state;
        assert_int_equal(complete(&grant, by_admin()), 0);
        assert_int_equal(grant.until, NOW + 24 * HOUR);
        assert_int_equal(grant.count, 10);

        grant = emergency();
        grant.until = NOW + 24 * HOUR + 1;
        assert_int_equal(complete(&grant, by_admin()), SEAL_E_INVALID_ARGS);
        grant = emergency();
        grant.not_before = NOW + HOUR; /* 24 hours from now, not from its beginning */
        assert_int_equal(complete(&grant, by_admin()), SEAL_E_INVALID_ARGS);
        grant.until = NOW + 24 * HOUR;
        assert_int_equal(complete(&grant, by_admin()), 0);
        grant = emergency();
        grant.count = 11;
        assert_int_equal(complete(&grant, by_admin()), SEAL_E_INVALID_ARGS);
        grant = emergency();
        grant.reason[0] = '\0';
        assert_int_equal(complete(&grant, by_admin()), SEAL_E_INVALID_ARGS);
        grant = emergency();
        grant.keeper = true;
        grant.until = NOW + HOUR;
        assert_int_equal(complete(&grant, by_admin()), SEAL_E_INVALID_ARGS);
}

static void an_emergency_is_another_s(void **state) {
        Grant grant = emergency();
        GrantContext context = by_admin();

        (void) state;
        grant.subject = admin.subject;
        assert_int_equal(complete(&grant, context), SEAL_E_SEPARATION_OF_DUTIES);
        grant.subject = (Subject){ .kind = SUBJECT_GROUP, .id = 20, .text = "group:g" };
        assert_int_equal(complete(&grant, context), SEAL_E_SEPARATION_OF_DUTIES);
        context.rule.mode = SEPARATION_SINGLE;
        assert_int_equal(complete(&grant, context), 0);
}

static int covers(const Grant *grant, const Caller *caller, Purpose purpose, uint64_t count,
                  uint64_t now) {
        ErrorDetail detail = {};
        int r = grant_covers(grant, caller, purpose, count, now, &detail);

        assert_true((r == 0) == (detail.text[0] == '\0'));
        return r;
}

static void it_covers_its_own_and_nothing_else(void **state) {
        const Grant grant = {
                .subject = { .kind = SUBJECT_GROUP, .id = 30, .text = "group:users" },
                .purposes = PURPOSE_DOCUMENT_SIGNING,
                .not_before = NOW,
                .until = NOW + HOUR,
                .count = 3,
                .used = 1,
        };
        const Purpose sign = PURPOSE_DOCUMENT_SIGNING;
        Grant ended = grant, spent = grant;

        (void) state;
        assert_int_equal(covers(&grant, &user, sign, 1, NOW), 0);
        assert_int_equal(covers(&grant, &user, sign, 2, NOW + HOUR), 0);
        assert_int_equal(covers(&grant, &user, sign, 3, NOW), SEAL_E_LIMIT_REACHED);
        assert_int_equal(covers(&grant, &user, sign, UINT64_MAX, NOW), SEAL_E_LIMIT_REACHED);
        assert_int_equal(covers(&grant, &user, sign, 0, NOW), 0);
        assert_int_equal(covers(&grant, &user, sign, 1, NOW - 1), SEAL_E_NOT_YET_VALID);
        assert_int_equal(covers(&grant, &user, sign, 1, NOW + HOUR + 1), SEAL_E_ACCESS_DENIED);
        assert_int_equal(covers(&grant, &user, PURPOSE_ENDORSEMENT, 1, NOW),
                         SEAL_E_PURPOSE_NOT_ALLOWED);
        assert_int_equal(covers(&grant, &keeper, sign, 1, NOW), SEAL_E_ACCESS_DENIED);
        ended.ended = NOW - 1;
        assert_int_equal(covers(&ended, &user, sign, 1, NOW), SEAL_E_ACCESS_DENIED);
        spent.used = 4; /* more than there were */
        assert_int_equal(covers(&spent, &user, sign, 1, NOW), SEAL_E_LIMIT_REACHED);
        assert_int_equal(covers(&spent, &user, sign, 0, NOW), 0);
}

static void a_deputy_is_one_in_his_time(void **state) {
        Grant grant = deputy_grant;

        (void) state;
        assert_true(grant_makes_keeper(&grant, &user, NOW));
        assert_true(grant_makes_keeper(&grant, &user, grant.until));
        assert_false(grant_makes_keeper(&grant, &user, grant.until + 1));
        assert_false(grant_makes_keeper(&grant, &user, grant.not_before - 1));
        assert_false(grant_makes_keeper(&grant, &admin, NOW));
        grant.ended = 1;
        assert_false(grant_makes_keeper(&grant, &user, NOW));
        grant = deputy_grant;
        grant.keeper = false;
        assert_false(grant_makes_keeper(&grant, &user, NOW));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_keeper_gives_all_that_he_does_not_narrow),
                cmocka_unit_test(purposes_are_of_those_of_the_seal),
                cmocka_unit_test(it_ends_after_it_begins),
                cmocka_unit_test(numbers_that_json_cannot_carry_are_refused),
                cmocka_unit_test(a_deputy_has_an_end),
                cmocka_unit_test(a_deputy_gives_no_more_than_he_has),
                cmocka_unit_test(nobody_else_gives),
                cmocka_unit_test(an_emergency_is_short_and_has_a_reason),
                cmocka_unit_test(an_emergency_is_another_s),
                cmocka_unit_test(it_covers_its_own_and_nothing_else),
                cmocka_unit_test(a_deputy_is_one_in_his_time),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
