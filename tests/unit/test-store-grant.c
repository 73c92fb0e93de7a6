/* SPDX-License-Identifier: Apache-2.0 */
/* Grants, reviewers, and the uses that both limits hold. */
#include "sealsd/lifecycle.h"
#include "sealsd/store.h"
#include "tests/unit/register.h"

#define SEAL_1 "00000000000001"
#define HOLDER 4000
#define HOLDERS 400 /* a group */

static const Act admin_act = { .by = { .kind = SUBJECT_USER, .id = 0, .text = "user:root" },
                               .time = 99 };

static void prepare(Register *r, uint64_t limit) {
        Request request = a_request(1000);

        index_add(r, REGISTER_INDEX, 0, 64, true);
        assert_int_equal(store_request_add(r->store, &request), 0);
        Seal seal = { .number = SEAL_1,
                      .request = 1,
                      .state = SEAL_ACTIVE,
                      .separation = SEPARATION_DUAL,
                      .applicant = request.applicant,
                      .facts = request.application,
                      .created = 1000,
                      .index = REGISTER_INDEX,
                      .bit = 1 };
        seal.facts.use_limit = limit;
        assert_int_equal(store_seal_add(r->store, &seal), 0);
}

static Grant a_grant(void) {
        return (Grant){ .number = SEAL_1,
                        .subject = a_user(HOLDER, "user:holder"),
                        .purposes = PURPOSE_ENDORSEMENT,
                        .not_before = 5,
                        .count = 3,
                        .keeper = true,
                        .emergency = true,
                        .giver = a_user(1000, "user:keeper"),
                        .via = 8,
                        .given = 4,
                        .reason = "a \"journey\"" };
}

static Grant add(Register *r) {
        Grant grant = a_grant();

        assert_int_equal(store_grant_add(r->store, &grant), 0);
        return grant;
}

static Grant get(Register *r, uint64_t id) {
        Grant grant;

        assert_int_equal(store_grant_get(r->store, id, &grant), 0);
        return grant;
}

static void a_grant_is_read_as_it_was_written(void **state) {
        Register *r = *state;
        Grant other = a_grant(), read;

        prepare(r, 0);
        Grant written = add(r);
        register_reopen(r);
        read = get(r, written.id);
        assert_memory_equal(&read, &written, sizeof(read));
        strcpy(other.number, "9");
        assert_int_equal(store_grant_add(r->store, &other), SEAL_E_NOT_FOUND);
        assert_int_equal(other.id, 0);
        assert_int_equal(store_grant_get(r->store, 99, &read), SEAL_E_NOT_FOUND);
}

static size_t found(Register *r, GrantFilter filter) {
        _cleanup_free_ Grant *grants = NULL;
        size_t count = 0;

        assert_int_equal(store_grant_list(r->store, &filter, &grants, &count), 0);
        assert_non_null(grants);
        return count;
}

static void grants_are_filtered(void **state) {
        const Caller holder = { .uid = HOLDER },
                     member = { .group_count = 1, .groups = { HOLDERS } },
                     stranger = { .uid = HOLDERS, .group_count = 1, .groups = { HOLDER } };
        const Subject giver = a_user(1000, "user:keeper"), other = a_user(1001, "user:other");
        Register *r = *state;
        Grant grant = a_grant();

        prepare(r, 0);
        (void) add(r);
        grant.subject = (Subject){ .kind = SUBJECT_GROUP, .id = HOLDERS, .text = "group:holders" };
        assert_int_equal(store_grant_add(r->store, &grant), 0);
        assert_int_equal(store_grant_end(r->store, grant.id, &admin_act, "over"), 0);
        assert_int_equal(found(r, (GrantFilter){}), 2);
        assert_int_equal(found(r, (GrantFilter){ .live = true }), 1);
        assert_int_equal(found(r, (GrantFilter){ .seal = SEAL_1 }), 2);
        assert_int_equal(found(r, (GrantFilter){ .seal = "9" }), 0);
        assert_int_equal(found(r, (GrantFilter){ .holder = &holder }), 1);
        assert_int_equal(found(r, (GrantFilter){ .holder = &member }), 1);
        assert_int_equal(found(r, (GrantFilter){ .holder = &member, .live = true }), 0);
        assert_int_equal(found(r, (GrantFilter){ .holder = &stranger }), 0);
        assert_int_equal(found(r, (GrantFilter){ .giver = &giver }), 2);
        assert_int_equal(found(r, (GrantFilter){ .giver = &other }), 0);
        assert_int_equal(found(r, (GrantFilter){ .after = 1, .limit = 1 }), 1);
}

static void a_grant_ends_once(void **state) {
        Register *r = *state;

        prepare(r, 0);
        Grant grant = add(r);
        assert_int_equal(store_grant_end(r->store, grant.id, &admin_act, "back"), 0);
        grant = get(r, grant.id);
        assert_int_equal(grant.ended, 99);
        assert_string_equal(grant.ended_by.text, "user:root");
        assert_string_equal(grant.end_reason, "back");
        assert_string_equal(grant.reason, "a \"journey\"");
        assert_int_equal(store_grant_end(r->store, grant.id, &admin_act, ""), SEAL_E_NOT_FOUND);
}

static void all_grants_of_a_seal_or_of_a_giver_end(void **state) {
        const Subject other = a_user(1001, "user:other");
        Register *r = *state;
        Grant grant = a_grant();
        _cleanup_free_ uint64_t *his = NULL, *rest = NULL;
        size_t count = 0;

        prepare(r, 0);
        (void) add(r);
        (void) add(r);
        grant.giver = other;
        assert_int_equal(store_grant_add(r->store, &grant), 0);
        assert_int_equal(
                store_grants_end(r->store, SEAL_1, &other, &admin_act, "gone", &his, &count), 0);
        assert_int_equal(count, 1);
        assert_int_equal(his[0], 3);
        assert_int_equal(
                store_grants_end(r->store, SEAL_1, NULL, &admin_act, "recall", &rest, &count), 0);
        assert_int_equal(count, 2);
        assert_int_equal(rest[0], 1);
        assert_int_equal(rest[1], 2);
        assert_string_equal(get(r, 2).end_reason, "recall");
        assert_int_equal(found(r, (GrantFilter){ .live = true }), 0);
}

static void of_a_seal_so_many_grants_are_alive(void **state) {
        Register *r = *state;
        Grant grant = a_grant();

        prepare(r, 0);
        assert_int_equal(store_begin(r->store), 0);
        for (unsigned i = 0; i < GRANTS_MAX; i++)
                (void) add(r);
        assert_int_equal(store_grant_add(r->store, &grant), SEAL_E_LIMITS_EXCEEDED);
        assert_int_equal(store_commit(r->store), 0);
        assert_int_equal(store_grant_end(r->store, 1, &admin_act, ""), 0);
        assert_int_equal(store_grant_add(r->store, &grant), 0);
}

/* --- who sees --------------------------------------------------------------------------------- */

static uint64_t at(void *userdata) {
        return *(uint64_t *) userdata;
}

static bool sees(Register *r, uint32_t uid, uint32_t gid) {
        const Caller viewer = { .uid = uid, .group_count = 1, .groups = { gid } };
        const SealFilter filter = { .state = -1, .viewer = &viewer };
        _cleanup_free_ SealRow *rows = NULL;
        size_t count = 0;
        bool visible = false;

        assert_int_equal(store_seal_visible(r->store, SEAL_1, &viewer, &visible), 0);
        assert_int_equal(store_seal_list(r->store, &filter, &rows, &count), 0);
        assert_int_equal(count, visible); /* both ways of asking agree */
        return visible;
}

static void holders_see_a_seal_until_their_grant_is_over(void **state) {
        Register *r = *state;
        Grant grant = a_grant();
        uint64_t now = 10;

        prepare(r, 0);
        store_set_clock(r->store, (Clock){ .now = at, .userdata = &now });
        assert_false(sees(r, HOLDER, 1));
        grant.until = 20;
        assert_int_equal(store_grant_add(r->store, &grant), 0);
        assert_true(sees(r, HOLDER, 1));
        assert_false(sees(r, 5, HOLDER));
        now = 20;
        assert_false(sees(r, HOLDER, 1));
        now = 10;
        assert_int_equal(store_grant_end(r->store, grant.id, &admin_act, ""), 0);
        assert_false(sees(r, HOLDER, 1));
        grant.subject = (Subject){ .kind = SUBJECT_GROUP, .id = HOLDERS, .text = "group:holders" };
        assert_int_equal(store_grant_add(r->store, &grant), 0);
        assert_true(sees(r, 5, HOLDERS));
        assert_false(sees(r, HOLDERS, 5));
}

/* --- uses ------------------------------------------------------------------------------------- */

static int take(Register *r, uint64_t grant, uint64_t count, uint64_t *ret) {
        return store_use_take(r->store, SEAL_1, grant, count, ret, NULL);
}

static void both_limits_hold(void **state) {
        Register *r = *state;
        ErrorDetail detail = {};
        uint64_t first = 0;

        prepare(r, 5);
        Grant grant = add(r); /* three of them */
        assert_int_equal(take(r, grant.id, 2, &first), 0);
        assert_int_equal(first, 1);
        assert_int_equal(store_use_take(r->store, SEAL_1, grant.id, 2, &first, &detail),
                         SEAL_E_LIMIT_REACHED);
        assert_non_null(strstr(detail.text, "grant"));
        assert_int_equal(take(r, grant.id, 1, &first), 0);
        assert_int_equal(first, 3);
        assert_int_equal(get(r, grant.id).used, 3);
        assert_int_equal(take(r, 0, 3, &first), SEAL_E_LIMIT_REACHED);
        detail = (ErrorDetail){};
        assert_int_equal(store_use_take(r->store, SEAL_1, 0, 3, &first, &detail),
                         SEAL_E_LIMIT_REACHED);
        assert_non_null(strstr(detail.text, "seal " SEAL_1 " is 5"));
        assert_int_equal(take(r, 0, 2, &first), 0);
        assert_int_equal(first, 4);
        assert_int_equal(take(r, 0, 1, &first), SEAL_E_LIMIT_REACHED);
        assert_int_equal(take(r, 0, UINT64_MAX, &first), SEAL_E_LIMIT_REACHED);
        assert_int_equal(take(r, 0, 0, &first), SEAL_E_INVALID_ARGS);
        assert_int_equal(first, 4);
}

/* A refusal by the grant takes none of the seal. */
static void a_use_is_taken_of_both_or_of_none(void **state) {
        Register *r = *state;
        uint64_t first = 0;
        Seal seal;

        prepare(r, 0);
        Grant grant = add(r);
        assert_int_equal(take(r, grant.id, 4, &first), SEAL_E_LIMIT_REACHED);
        assert_int_equal(take(r, 99, 1, &first), SEAL_E_NOT_FOUND);
        assert_int_equal(store_grant_end(r->store, grant.id, &admin_act, ""), 0);
        assert_int_equal(take(r, grant.id, 1, &first), SEAL_E_NOT_FOUND);
        assert_int_equal(store_seal_get(r->store, SEAL_1, &seal), 0);
        assert_int_equal(seal.use_count, 0);
}

static void a_use_is_given_back_to_both(void **state) {
        Register *r = *state;
        uint64_t first = 0;
        Seal seal;

        prepare(r, 0);
        Grant grant = add(r);
        assert_int_equal(take(r, grant.id, 3, &first), 0);
        assert_int_equal(store_use_return(r->store, SEAL_1, grant.id, first, 3), 0);
        assert_int_equal(get(r, grant.id).used, 0);
        assert_int_equal(take(r, 0, 1, &first), 0);
        assert_int_equal(first, 1);
        assert_int_equal(take(r, grant.id, 1, &first), 0);
        assert_int_equal(take(r, 0, 1, &first), 0);
        assert_int_equal(store_use_return(r->store, SEAL_1, grant.id, 2, 1), 0);
        assert_int_equal(store_seal_get(r->store, SEAL_1, &seal), 0);
        assert_int_equal(seal.use_count, 3); /* a later one has the next number */
        assert_int_equal(get(r, grant.id).used, 0);
}

/* --- reviewers -------------------------------------------------------------------------------- */

static void a_reviewer_has_one_key(void **state) {
        Reviewer reviewer = { .pem = "first", .registered = 5, .by = a_user(0, "user:root") }, read;
        _cleanup_free_ Reviewer *list = NULL;
        Register *r = *state;
        size_t count = 0;

        reviewer.subject = a_user(7, "user:rev");
        assert_int_equal(store_reviewer_set(r->store, &reviewer), 0);
        strcpy(reviewer.pem, "second");
        assert_int_equal(store_reviewer_set(r->store, &reviewer), 0);
        register_reopen(r);
        assert_int_equal(store_reviewer_get(r->store, &reviewer.subject, &read), 0);
        memset(reviewer.pem, 0, sizeof(reviewer.pem));
        strcpy(reviewer.pem, "second");
        assert_string_equal(read.pem, "second");
        assert_string_equal(read.by.text, "user:root");
        assert_int_equal(store_reviewer_list(r->store, &list, &count), 0);
        assert_int_equal(count, 1);
        reviewer.subject.id = 8;
        assert_int_equal(store_reviewer_get(r->store, &reviewer.subject, &read), SEAL_E_NOT_FOUND);
}

static void damaged_grants_and_reviewers_are_tampering(void **state) {
        const char *const changes[] = {
                "UPDATE use_grant SET purposes = 8",
                "UPDATE use_grant SET keeper = 2",
                "UPDATE use_grant SET used = -1",
                "UPDATE use_grant SET sealed = x''",
                "UPDATE use_grant SET sealed = CAST('{\"end-reason\":\"\",\"reason\":7}' AS BLOB)",
                "UPDATE use_grant SET kind = 'robot'",
                "UPDATE use_grant SET giver_id = -1",
        };
        Register *r = *state;
        Reviewer reviewer = {};
        Grant read;

        prepare(r, 0);
        for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
                Grant grant = add(r);

                register_tamper(r, changes[i]);
                register_open(r);
                if (store_grant_get(r->store, grant.id, &read) != SEAL_E_REGISTER_TAMPERED)
                        fail_msg("%s was not found", changes[i]);
                register_tamper(r, "DELETE FROM use_grant");
                register_open(r);
        }
        assert_int_equal(store_reviewer_set(r->store, &reviewer), 0);
        register_tamper(r, "UPDATE reviewer SET pem = printf('%.*c', 2000, 'x')");
        register_open(r);
        assert_int_equal(store_reviewer_get(r->store, &reviewer.subject, &reviewer),
                         SEAL_E_REGISTER_TAMPERED);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                register_test(a_grant_is_read_as_it_was_written),
                register_test(grants_are_filtered),
                register_test(a_grant_ends_once),
                register_test(all_grants_of_a_seal_or_of_a_giver_end),
                register_test(of_a_seal_so_many_grants_are_alive),
                register_test(holders_see_a_seal_until_their_grant_is_over),
                register_test(both_limits_hold),
                register_test(a_use_is_taken_of_both_or_of_none),
                register_test(a_use_is_given_back_to_both),
                register_test(a_reviewer_has_one_key),
                register_test(damaged_grants_and_reviewers_are_tampering),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
