/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/lifecycle.h"
#include "sealsd/store.h"
#include "tests/unit/register.h"

static uint64_t add(Register *r, uint32_t uid, RequestState word) {
        Request request = a_request(uid);

        request.state = word;
        assert_int_equal(store_request_add(r->store, &request), 0);
        return request.id;
}

static void decide(Register *r, uint64_t id, uint32_t uid, bool approve) {
        Decision decision = { .approve = approve, .comment = "seen", .time = 5 };

        subject_from_uid(uid, &decision.by);
        assert_int_equal(store_decision_add(r->store, id, &decision), 0);
}

/* The ids that the filter gives are these, in this order; the list ends with 0. */
static void assert_ids(Register *r, RequestFilter filter, const uint64_t *ids) {
        _cleanup_free_ RequestRow *found = NULL;
        size_t count = 0, expected = 0;

        while (ids[expected] != 0)
                expected++;
        assert_int_equal(store_request_list(r->store, &filter, &found, &count), 0);
        assert_non_null(found);
        assert_int_equal(count, expected);
        for (size_t i = 0; i < expected; i++)
                assert_int_equal(found[i].id, ids[i]);
}

#define assert_list(r, filter, ...) assert_ids(r, filter, (const uint64_t[]){ __VA_ARGS__ })
#define IN_STATE(value, ...) ((RequestFilter){ .state = (value), __VA_ARGS__ })
#define FILTER(...) IN_STATE(-1, __VA_ARGS__)

static void a_request_is_read_as_it_was_written(void **state) {
        Register *r = *state;
        Request written = a_request(1000), read;

        written.expires = 2000;
        strcpy(written.application.token, "token-1");
        strcpy(written.number, "00000000000009");
        strcpy(written.error, "why");
        assert_int_equal(store_request_add(r->store, &written), 0);
        assert_int_equal(written.id, 1);
        decide(r, 1, 2, true);
        decide(r, 1, 3, false);
        register_reopen(r);
        assert_int_equal(store_request_get(r->store, 1, &read), 0);
        assert_int_equal(read.decision_count, 2);
        assert_true(read.decisions[0].approve);
        assert_false(read.decisions[1].approve);
        assert_int_equal(read.decisions[1].by.id, 3);
        assert_string_equal(read.decisions[1].comment, "seen");
        assert_int_equal(read.decisions[1].time, 5);
        read.decision_count = 0;
        memset(read.decisions, 0, sizeof(read.decisions));
        assert_memory_equal(&read, &written, sizeof(read));
}

static void only_state_number_and_error_change(void **state) {
        Register *r = *state;
        Request request = a_request(1000), read;

        assert_int_equal(store_request_add(r->store, &request), 0);
        request.state = REQUEST_FAILED;
        strcpy(request.number, "00000000000001");
        strcpy(request.error, "the chip was full");
        request.created = 7;
        request.reviewers_needed = 4;
        assert_int_equal(store_request_update(r->store, &request), 0);
        assert_int_equal(store_request_get(r->store, request.id, &read), 0);
        assert_int_equal(read.state, REQUEST_FAILED);
        assert_string_equal(read.number, "00000000000001");
        assert_string_equal(read.error, "the chip was full");
        assert_int_equal(read.created, 1000);
        assert_int_equal(read.reviewers_needed, 1);
        request.id = 99;
        assert_int_equal(store_request_update(r->store, &request), SEAL_E_NOT_FOUND);
        assert_int_equal(store_request_get(r->store, 99, &read), SEAL_E_NOT_FOUND);
}

/* It was cut at 511 bytes, in the middle of a character, and the request was unreadable then. */
static void the_longest_reason_is_read_as_it_was_written(void **state) {
        Register *r = *state;
        Request request = a_request(1000), read;

        assert_int_equal(store_request_add(r->store, &request), 0);
        for (size_t i = 0; i < TEXT_MAX / 4; i++)
                strcat(request.error, "\xf0\x9d\x84\x9e");
        assert_int_equal(strlen(request.error), TEXT_MAX);
        assert_int_equal(store_request_update(r->store, &request), 0);
        assert_int_equal(store_request_get(r->store, request.id, &read), 0);
        assert_string_equal(read.error, request.error);
}

static void what_could_not_be_read_back_is_not_written(void **state) {
        Register *r = *state;
        Request request = a_request(1000), read;
        Decision decision = { .by = a_user(1, "user:x"), .comment = "caf\xe9" };

        assert_int_equal(store_request_add(r->store, &request), 0);
        assert_int_equal(store_decision_add(r->store, request.id, &decision), SEAL_E_INVALID_ARGS);
        strcpy(decision.comment, "");
        decision.time = INT64_MAX + 1ULL;
        assert_int_equal(store_decision_add(r->store, request.id, &decision), SEAL_E_INVALID_ARGS);
        strcpy(request.error, "\xe5\x8d");
        assert_int_equal(store_request_update(r->store, &request), SEAL_E_INVALID_ARGS);
        assert_int_equal(store_request_get(r->store, request.id, &read), 0);
        assert_int_equal(read.decision_count, 0);
}

/* It was -ERANGE, which callers take for a failure of the daemon. */
static void an_id_beyond_sqlites_numbers_is_an_invalid_argument(void **state) {
        const RequestFilter filter = { .state = -1, .after = UINT64_MAX };
        _cleanup_free_ RequestRow *rows = NULL;
        Register *r = *state;
        Request read;
        bool visible;
        size_t count;

        assert_int_equal(store_request_get(r->store, UINT64_MAX, &read), SEAL_E_INVALID_ARGS);
        assert_int_equal(store_request_visible(r->store, INT64_MAX + 1ULL, NULL, &visible),
                         SEAL_E_INVALID_ARGS);
        assert_int_equal(store_request_list(r->store, &filter, &rows, &count), SEAL_E_INVALID_ARGS);
        assert_int_equal(store_request_get(r->store, INT64_MAX, &read), SEAL_E_NOT_FOUND);
}

/* One row that could not be read kept the daemon from starting. */
static void what_was_in_the_making_fails_beside_damaged_rows(void **state) {
        Register *r = *state;
        Request read;

        (void) add(r, 1, REQUEST_MAKING);
        (void) add(r, 1, REQUEST_MAKING);
        (void) add(r, 1, REQUEST_APPROVED);
        register_tamper(r, "UPDATE request SET sealed = CAST('{}' AS BLOB) WHERE id = 1");
        register_open(r);
        assert_int_equal(store_request_fail_all_making(r->store, "interrupted"), 0);
        assert_list(r, IN_STATE(REQUEST_MAKING), 0);
        assert_list(r, IN_STATE(REQUEST_FAILED), 2, 1, 0);
        assert_int_equal(store_request_get(r->store, 2, &read), 0);
        assert_string_equal(read.error, "interrupted");
        assert_int_equal(store_request_get(r->store, 3, &read), 0);
        assert_int_equal(read.state, REQUEST_APPROVED);
}

static void ids_are_not_reused_when_rows_go(void **state) {
        Register *r = *state;

        (void) add(r, 1, REQUEST_APPLIED);
        assert_int_equal(add(r, 1, REQUEST_APPLIED), 2);
        register_tamper(r, "DELETE FROM request WHERE id = 2");
        register_open(r);
        assert_int_equal(add(r, 1, REQUEST_APPLIED), 3);
}

static void a_decision_needs_its_request(void **state) {
        Register *r = *state;
        Decision decision = { .by = a_user(1, "user:x") };

        assert_int_equal(store_decision_add(r->store, 7, &decision), SEAL_E_STORAGE_FAILURE);
}

static void lists_are_newest_first_and_filtered(void **state) {
        Register *r = *state;
        const Caller alice = { .uid = 1000 };

        (void) add(r, 1000, REQUEST_APPLIED);
        (void) add(r, 1001, REQUEST_APPLIED);
        (void) add(r, 1000, REQUEST_COMPLETED);
        (void) add(r, 1001, REQUEST_FAILED);
        assert_list(r, FILTER(), 4, 3, 2, 1, 0);
        assert_list(r, FILTER(.limit = 2), 4, 3, 0);
        assert_list(r, FILTER(.limit = 2, .after = 3), 2, 1, 0);
        assert_list(r, FILTER(.after = 1), 0);
        assert_list(r, FILTER(.viewer = &alice), 3, 1, 0);
        assert_list(r, IN_STATE(REQUEST_APPLIED), 2, 1, 0);
        assert_list(r, IN_STATE(REQUEST_COMPLETED, .viewer = &alice), 3, 0);
        assert_list(r, FILTER(.kind = "make"), 4, 3, 2, 1, 0);
        assert_list(r, FILTER(.kind = "renew"), 0);
}

static void requests_are_found_by_their_seal(void **state) {
        Register *r = *state;
        Request request = a_request(1000);

        (void) add(r, 1000, REQUEST_APPLIED);
        strcpy(request.number, "00000000000007");
        assert_int_equal(store_request_add(r->store, &request), 0);
        assert_list(r, FILTER(.seal = "00000000000007"), 2, 0);
        assert_list(r, FILTER(.seal = "00000000000008"), 0);
        assert_list(r, FILTER(.seal = ""), 0);
        assert_list(r, FILTER(.seal = "' OR 1 --"), 0);
}

static void what_awaits_a_reviewer_is_undecided_by_him_and_not_his(void **state) {
        Register *r = *state;

        (void) add(r, 1000, REQUEST_APPLIED);
        (void) add(r, 2000, REQUEST_APPLIED);
        (void) add(r, 1000, REQUEST_APPROVED);
        (void) add(r, 1000, REQUEST_APPLIED);
        decide(r, 4, 2000, true);
        assert_list(r, FILTER(.awaiting = AWAITING_DECISION, .awaiting_uid = 2000), 1, 0);
        assert_list(r, FILTER(.awaiting = AWAITING_DECISION, .awaiting_uid = 3000), 4, 2, 1, 0);
}

static void what_awaits_a_maker_is_approved_or_failed(void **state) {
        const unsigned making = AWAITING_ME | AWAITING_MAKING, own = making | AWAITING_OWN_MAKING;
        Register *r = *state;

        for (RequestState s = 0; s < REQUEST_STATE_MAX; s++)
                (void) add(r, 1000, s);
        decide(r, 1 + REQUEST_FAILED, 2000, true);
        assert_list(r, FILTER(.awaiting = making, .awaiting_uid = 3000), 1 + REQUEST_FAILED,
                    1 + REQUEST_APPROVED, 0);
        assert_list(r, FILTER(.awaiting = making, .awaiting_uid = 2000), 1 + REQUEST_APPROVED, 0);
        assert_list(r, FILTER(.awaiting = making, .awaiting_uid = 1000), 0);
        assert_list(r, FILTER(.awaiting = own, .awaiting_uid = 2000), 1 + REQUEST_FAILED,
                    1 + REQUEST_APPROVED, 0);
        assert_list(r, FILTER(.awaiting = own | AWAITING_DECISION, .awaiting_uid = 1000),
                    1 + REQUEST_FAILED, 1 + REQUEST_APPROVED, 0);
        assert_list(r,
                    FILTER(.awaiting = own | AWAITING_DECISION | AWAITING_OWN_DECISION,
                           .awaiting_uid = 1000),
                    1 + REQUEST_FAILED, 1 + REQUEST_APPROVED, 1 + REQUEST_APPLIED, 0);
        assert_list(r, FILTER(.awaiting = AWAITING_ME, .awaiting_uid = 3000), 0);
}

static void all_filters_together_are_one_statement(void **state) {
        Register *r = *state;
        const Caller alice = { .uid = 1000 };

        assert_list(r,
                    IN_STATE(REQUEST_APPLIED, .viewer = &alice, .kind = "make", .seal = "1",
                             .awaiting = AWAITING_DECISION, .awaiting_uid = 3, .after = 9,
                             .limit = 3),
                    0);
}

static void a_page_is_bounded(void **state) {
        Register *r = *state;
        const RequestFilter filter = { .state = -1, .limit = 1000000 };
        _cleanup_free_ RequestRow *found = NULL;
        size_t count = 0;

        assert_int_equal(store_begin(r->store), 0);
        for (size_t i = 0; i < PAGE_MAX + 1; i++)
                (void) add(r, 1, REQUEST_APPLIED);
        assert_int_equal(store_commit(r->store), 0);
        assert_int_equal(store_request_list(r->store, &filter, &found, &count), 0);
        assert_int_equal(count, PAGE_MAX);
        assert_int_equal(found[0].id, PAGE_MAX + 1);
        assert_int_equal(found[PAGE_MAX - 1].id, 2);
}

static void open_requests_are_counted(void **state) {
        Register *r = *state;
        const uint32_t alice = 1000;
        unsigned count = 0;

        for (RequestState s = 0; s < REQUEST_STATE_MAX; s++) {
                (void) add(r, alice, s);
                (void) add(r, 1001, s);
        }
        assert_int_equal(store_request_count_open(r->store, &alice, &count), 0);
        assert_int_equal(count, 4);
        assert_int_equal(store_request_count_open(r->store, NULL, &count), 0);
        assert_int_equal(count, 8);
}

static void a_token_is_its_owners(void **state) {
        Register *r = *state;
        Request request = a_request(1000);
        uint64_t id = 0;

        (void) add(r, 1000, REQUEST_APPLIED);
        strcpy(request.application.token, "t");
        assert_int_equal(store_request_add(r->store, &request), 0);
        assert_int_equal(store_request_by_token(r->store, 1000, "t", &id), 0);
        assert_int_equal(id, 2);
        assert_int_equal(store_request_by_token(r->store, 1001, "t", &id), SEAL_E_NOT_FOUND);
        assert_int_equal(store_request_by_token(r->store, 1000, "", &id), SEAL_E_NOT_FOUND);
}

static void damaged_requests_are_tampering(void **state) {
        const char *const changes[] = {
                "UPDATE request SET state = 'open'",
                "UPDATE request SET sealed = CAST('{}' AS BLOB)",
                "UPDATE request SET sealed = CAST(replace(sealed, 'Acme', x'ff') AS BLOB)",
                "UPDATE request SET applicant_login = 4294967296",
                "UPDATE request SET type = printf('%.*c', 32, 'x')",
                "UPDATE request SET digest = x'00'",
                "UPDATE request SET number = printf('%.*c', 33, '1')",
                "UPDATE request SET error = printf('%.*c', 1025, 'x')",
                "UPDATE request SET reviewers_needed = 5",
                "UPDATE request SET created = -5",
                "UPDATE decision SET approve = 2",
                ("UPDATE decision SET sealed ="
                 " CAST(json_set(sealed, '$.comment', printf('%.*c', 1025, 'x')) AS BLOB)"),
                "UPDATE decision SET sealed = x''",
                ("INSERT INTO decision SELECT row + n.value, request, ordinal + n.value, by_text,"
                 " by_kind, by_id, by_login, approve, time, version, sealed"
                 " FROM decision, json_each('[1,2,3,4,5]') AS n"),
        };
        Register *r = *state;

        for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
                Request read = { .id = 77 };
                uint64_t id = add(r, 1000, REQUEST_APPLIED);

                decide(r, id, 5, true);
                register_tamper(r, changes[i]);
                register_open(r);
                if (store_request_get(r->store, id, &read) != SEAL_E_REGISTER_TAMPERED)
                        fail_msg("%s was not found", changes[i]);
                assert_int_equal(read.id, 77);
                register_tamper(r, "DELETE FROM decision; DELETE FROM request");
                register_open(r);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                register_test(a_request_is_read_as_it_was_written),
                register_test(only_state_number_and_error_change),
                register_test(the_longest_reason_is_read_as_it_was_written),
                register_test(what_could_not_be_read_back_is_not_written),
                register_test(an_id_beyond_sqlites_numbers_is_an_invalid_argument),
                register_test(what_was_in_the_making_fails_beside_damaged_rows),
                register_test(ids_are_not_reused_when_rows_go),
                register_test(a_decision_needs_its_request),
                register_test(lists_are_newest_first_and_filtered),
                register_test(requests_are_found_by_their_seal),
                register_test(what_awaits_a_reviewer_is_undecided_by_him_and_not_his),
                register_test(what_awaits_a_maker_is_approved_or_failed),
                register_test(all_filters_together_are_one_statement),
                register_test(a_page_is_bounded),
                register_test(open_requests_are_counted),
                register_test(a_token_is_its_owners),
                register_test(damaged_requests_are_tampering),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
