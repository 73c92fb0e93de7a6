/* SPDX-License-Identifier: Apache-2.0 */
/* What inspections and the status read of the register. */
#include "sealsd/store-inspection.h"

#include <stdio.h>

#include "policy/index.h"
#include "sealsd/store-ledger.h"
#include "tests/unit/register.h"

#define OLD_INDEX 0x01800002U
#define NOW 50000

/* What was handed out. */
typedef struct Seen {
        size_t count;
        InspectedSeal seals[8];
        size_t grants[8];
        InspectedGrant first_grant;
        size_t request_count;
        InspectedRequest requests[8];
        size_t stop_after; /* 0: never */
} Seen;

static int see_seal(void *userdata, InspectedSeal *seal, InspectedGrant *grants, size_t count) {
        Seen *seen = userdata;

        if (count > 0)
                seen->first_grant = grants[0];
        seen->grants[seen->count] = count;
        seen->seals[seen->count++] = *seal;
        return seen->count == seen->stop_after ? SEAL_E_BUSY : 0;
}

static int see_request(void *userdata, const InspectedRequest *request) {
        Seen *seen = userdata;

        seen->requests[seen->request_count++] = *request;
        return 0;
}

static void add_request(Register *r, const char *kind, RequestState state, const char *target) {
        Request request = a_request(1000);

        strcpy(request.kind, kind);
        strcpy(request.target, target);
        request.state = state;
        assert_int_equal(store_request_add(r->store, &request), 0);
}

static void add_seal(Register *r, const char *number, SealState state, TPM2_HANDLE index,
                     unsigned bit) {
        Seal seal = {
                .request = 1,
                .state = state,
                .separation = SEPARATION_DUAL,
                .applicant = a_user(1000, "user:alice"),
                .created = 1000,
                .index = index,
                .bit = bit,
                .facts = a_request(1000).application,
        };

        strcpy(seal.number, number);
        seal.facts.not_after = bit == 0 ? NOW - 1 : bit == 1 ? NOW + 10 : NOW + 1000000;
        seal.facts.use_limit = 9;
        seal.delivered = seal.accepted = (Act){ .by = a_user(1001, "user:bob"),
                                                .time = 2000 + bit };
        seal.named_keeper = a_user(1002, "user:carol");
        assert_int_equal(store_seal_add(r->store, &seal), 0);
}

static uint64_t add_grant(Register *r, const char *number, uint64_t until) {
        Grant grant = {
                .subject = a_user(4000, "user:holder"),
                .purposes = PURPOSE_ENDORSEMENT,
                .not_before = 5,
                .until = until,
                .given = 4,
                .giver = a_user(1000, "user:alice"),
        };

        strcpy(grant.number, number);
        assert_int_equal(store_grant_add(r->store, &grant), 0);
        return grant.id;
}

/* Three seals on an index in use, one that was destroyed on a retired one. */
static void prepare(Register *r) {
        static const uint8_t genesis[LEDGER_HASH_SIZE] = {};
        const Event begins = { .code = EVENT_INITIALIZED };

        index_add(r, REGISTER_INDEX, 0, 64, true);
        index_add(r, OLD_INDEX, 1, 64, true);
        add_request(r, "make", REQUEST_COMPLETED, "");
        add_seal(r, "3", SEAL_ACTIVE, REGISTER_INDEX, 0);
        add_seal(r, "1", SEAL_SUSPENDED, REGISTER_INDEX, 1);
        add_seal(r, "2", SEAL_REVOKED, REGISTER_INDEX, 2);
        add_seal(r, "4", SEAL_DESTROYED, OLD_INDEX, 0);
        assert_int_equal(store_index_retire(r->store, OLD_INDEX), 0);
        assert_int_equal(store_ledger_begin(r->store, genesis, &begins), 0);
}

static void assert_person(const InspectedPerson *person, uint32_t id) {
        assert_int_equal(person->subject.id, id);
        assert_int_equal(person->account, ACCOUNT_UNKNOWN);
}

static void seals_of_indices_in_use_are_given_by_number(void **state) {
        Register *r = *state;
        Seen seen = {};
        uint64_t count;

        prepare(r);
        assert_int_equal(store_inspect_seals(r->store, NULL, NOW, see_seal, &seen), 0);
        assert_int_equal(seen.count, 3);
        assert_string_equal(seen.seals[0].number, "1");
        assert_string_equal(seen.seals[1].number, "2");
        assert_int_equal(seen.seals[0].state, SEAL_SUSPENDED);
        assert_int_equal(seen.seals[2].index, REGISTER_INDEX);
        assert_int_equal(seen.seals[0].bit, 1);
        assert_int_equal(seen.seals[0].not_after, NOW + 10);
        assert_int_equal(seen.seals[0].delivered, 2001);
        assert_int_equal(seen.seals[0].use_limit, 9);
        assert_int_equal(store_inspect_count(r->store, &count), 0);
        assert_int_equal(count, 3);
}

static void one_seal_alone_is_given_by_its_number(void **state) {
        Register *r = *state;
        Seen seen = {};

        prepare(r);
        assert_int_equal(store_inspect_seals(r->store, "2", NOW, see_seal, &seen), 0);
        assert_int_equal(seen.count, 1);
        assert_string_equal(seen.seals[0].number, "2");
        seen = (Seen){ .stop_after = 2 };
        assert_int_equal(store_inspect_seals(r->store, NULL, NOW, see_seal, &seen), SEAL_E_BUSY);
        assert_int_equal(seen.count, 2);
}

/* The applicant keeps it by default; to whom it was delivered is one more. */
static void keepers_are_given_each_once(void **state) {
        Register *r = *state;
        Seen seen = {};

        prepare(r);
        assert_int_equal(store_inspect_seals(r->store, "3", NOW, see_seal, &seen), 0);
        assert_int_equal(seen.seals[0].keeper_count, 2);
        assert_person(&seen.seals[0].keepers[0], 1000);
        assert_person(&seen.seals[0].keepers[1], 1002);
}

static void who_revoked_it_or_nobody_is_told(void **state) {
        Register *r = *state;
        const Act act = { .by = a_user(0, "user:root"), .time = 5 }, nobody = { .time = 6 };
        Seen seen = {};

        prepare(r);
        assert_int_equal(store_seal_mark_revoked(r->store, "1", &act, "over"), 0);
        assert_int_equal(store_seal_mark_revoked(r->store, "3", &nobody, "found"), 0);
        assert_int_equal(store_seal_settle_revoked(r->store, "3"), 0);
        assert_int_equal(store_inspect_seals(r->store, NULL, NOW, see_seal, &seen), 0);
        assert_false(seen.seals[0].found_revoked);
        assert_true(seen.seals[0].revocation_pending);
        assert_true(seen.seals[2].found_revoked);
        assert_false(seen.seals[2].revocation_pending);
}

static void uses_and_the_time_of_the_last_are_told(void **state) {
        Register *r = *state;
        Seen seen = {};
        uint64_t first;

        prepare(r);
        for (uint64_t i = 1; i <= 3; i++) {
                const Event use = { .code = EVENT_USE, .seal = "3", .use = i, .time = 7000 + i };

                assert_int_equal(store_begin(r->store), 0);
                assert_int_equal(store_use_take(r->store, "3", 0, 1, &first, NULL), 0);
                assert_int_equal(store_event(r->store, &use), 0);
                assert_int_equal(store_commit(r->store), 0);
        }
        const Event other = { .code = EVENT_SEAL_AMENDED, .seal = "3", .time = 9000 };
        assert_int_equal(store_event(r->store, &other), 0);
        assert_int_equal(store_inspect_seals(r->store, NULL, NOW, see_seal, &seen), 0);
        assert_int_equal(seen.seals[2].use_count, 3);
        assert_int_equal(seen.seals[2].last_use, 7003);
        assert_int_equal(seen.seals[0].last_use, 0);
}

static void grants_that_are_over_are_left_out(void **state) {
        Register *r = *state;
        const Act act = { .by = a_user(0, "user:root"), .time = 5 };
        Seen seen = {};

        prepare(r);
        (void) add_grant(r, "3", NOW - 1);
        uint64_t ended = add_grant(r, "3", 0);
        uint64_t kept = add_grant(r, "3", 0);
        (void) add_grant(r, "3", NOW);
        assert_int_equal(store_grant_end(r->store, ended, &act, "enough"), 0);
        assert_int_equal(store_inspect_seals(r->store, "3", NOW, see_seal, &seen), 0);
        assert_int_equal(seen.grants[0], 2);
        assert_int_equal(seen.seals[0].grants, 2);
        assert_int_equal(seen.first_grant.id, kept);
        assert_int_equal(seen.first_grant.given, 4);
        assert_person(&seen.first_grant.holder, 4000);
}

static void open_requests_are_given_with_the_seal_that_they_are_about(void **state) {
        Register *r = *state;
        Seen seen = {};

        prepare(r);
        add_request(r, "make", REQUEST_APPLIED, "");
        add_request(r, "review", REQUEST_APPLIED, "3");
        add_request(r, "renew", REQUEST_REJECTED, "3");
        add_request(r, "renew", REQUEST_FAILED, "1");
        assert_int_equal(store_inspect_requests(r->store, NULL, see_request, &seen), 0);
        assert_int_equal(seen.request_count, 3);
        assert_string_equal(seen.requests[0].seal, "");
        assert_false(seen.requests[0].review);
        assert_string_equal(seen.requests[1].seal, "3");
        assert_true(seen.requests[1].review);
        assert_int_equal(seen.requests[2].state, REQUEST_FAILED);
        seen = (Seen){};
        assert_int_equal(store_inspect_requests(r->store, "3", see_request, &seen), 0);
        assert_int_equal(seen.request_count, 1);
        assert_string_equal(seen.requests[0].kind, "review");
}

static void the_register_is_counted(void **state) {
        Register *r = *state;
        RegisterCounts counts;

        prepare(r);
        add_request(r, "make", REQUEST_APPLIED, "");
        add_request(r, "renew", REQUEST_FAILED, "1");
        add_request(r, "renew", REQUEST_CANCELLED, "1");
        (void) add_grant(r, "3", 0);
        (void) add_grant(r, "3", NOW - 1);
        assert_int_equal(store_register_counts(r->store, NOW, NOW + 10, &counts), 0);
        assert_int_equal(counts.seals[SEAL_ACTIVE], 1);
        assert_int_equal(counts.seals[SEAL_SUSPENDED], 1);
        assert_int_equal(counts.seals[SEAL_REVOKED], 1);
        assert_int_equal(counts.seals[SEAL_DESTROYED], 1);
        assert_int_equal(counts.seals[SEAL_MADE], 0);
        assert_int_equal(counts.expired, 1);
        assert_int_equal(counts.expiring, 1);
        assert_int_equal(counts.requests[KIND_MAKE], 1);
        assert_int_equal(counts.requests[KIND_RENEW], 1);
        assert_int_equal(counts.requests[KIND_REVOKE], 0);
        assert_int_equal(counts.grants, 1);
}

static void the_oldest_row_after_one_is_told_by_its_time(void **state) {
        Register *r = *state;
        const Event first = { .code = EVENT_STARTED, .time = 8000 };
        const Event second = { .code = EVENT_STOPPED, .time = 8001 };
        uint64_t time;

        prepare(r);
        assert_int_equal(store_event(r->store, &first), 0);
        assert_int_equal(store_event(r->store, &second), 0);
        assert_int_equal(store_ledger_time_after(r->store, 1, &time), 0);
        assert_int_equal(time, 8000);
        assert_int_equal(store_ledger_time_after(r->store, 2, &time), 0);
        assert_int_equal(time, 8001);
        assert_int_equal(store_ledger_time_after(r->store, 3, &time), 0);
        assert_int_equal(time, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                register_test(seals_of_indices_in_use_are_given_by_number),
                register_test(one_seal_alone_is_given_by_its_number),
                register_test(keepers_are_given_each_once),
                register_test(who_revoked_it_or_nobody_is_told),
                register_test(uses_and_the_time_of_the_last_are_told),
                register_test(grants_that_are_over_are_left_out),
                register_test(open_requests_are_given_with_the_seal_that_they_are_about),
                register_test(the_register_is_counted),
                register_test(the_oldest_row_after_one_is_told_by_its_time),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
