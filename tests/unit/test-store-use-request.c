/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/store.h"
#include "tests/unit/register.h"

enum { KEEPER = 1000, ALICE = 2000, BOB = 2001, STRANGER = 3000, TEAM = 500 };

#define INDEX 0x01800001
#define NUMBER "00000000000001"

/* A seal whose approvers are alice, bob and a team. */
static void prepare(Register *r) {
        Request request = a_request(KEEPER);
        Seal seal = {
                .request = 1,
                .state = SEAL_ACTIVE,
                .separation = SEPARATION_DUAL,
                .applicant = request.applicant,
                .facts = request.application,
                .number = NUMBER,
                .profile = "default",
                .index = INDEX,
        };

        seal.facts.approver_count = 3;
        seal.facts.threshold = 2;
        seal.facts.approvers[0] = (Approver){ .subject = a_user(ALICE, "user:alice"), .pem = "1" };
        seal.facts.approvers[1] = (Approver){ .subject = a_user(BOB, "user:bob"), .pem = "2" };
        seal.facts.approvers[2] = (Approver){ .subject = { SUBJECT_GROUP, TEAM, "group:team" },
                                              .pem = "3" };
        index_add(r, INDEX, 0, 64, true);
        assert_int_equal(store_request_add(r->store, &request), 0);
        assert_int_equal(store_seal_add(r->store, &seal), 0);
}

static Request ask(Register *r, bool live) {
        Request request = {
                .kind = "use",
                .target = NUMBER,
                .state = REQUEST_APPLIED,
                .created = 1000,
                .reviewers_needed = 2,
                .use.facts = { .digest = { .size = 32, .buffer = { 5 } },
                               .hash = "sha256",
                               .scheme = "ecdsa",
                               .purpose = PURPOSE_DOCUMENT_SIGNING,
                               .live = live },
        };

        if (live)
                request.use.facts.nonce = (TPM2B_NONCE){ .size = 32, .buffer = { 6 } };
        subject_from_uid(KEEPER, &request.applicant);
        assert_int_equal(store_request_add(r->store, &request), 0);
        assert_int_equal(store_use_add(r->store, &request), 0);
        return request;
}

static Request *get(Register *r, uint64_t id) {
        static Request request;

        assert_int_equal(store_request_get(r->store, id, &request), 0);
        return &request;
}

static void approve(Register *r, uint64_t id, unsigned approver, uint8_t byte) {
        UseApproval approval = { .approver = approver,
                                 .by = a_user(9, "user:carrier"),
                                 .login = LOGIN_NONE,
                                 .time = 7,
                                 .size = 2,
                                 .signature = { byte, byte } };

        assert_int_equal(store_use_approve(r->store, id, &approval), 0);
}

static void what_is_asked_and_who_approves_is_read_as_it_was_written(void **state) {
        Register *r = *state;

        prepare(r);
        Request asked = ask(r, true);
        approve(r, asked.id, 2, 0x33);
        approve(r, asked.id, 0, 0x11);
        register_reopen(r);
        const Request *read = get(r, asked.id);
        assert_memory_equal(&read->use.facts, &asked.use.facts, sizeof(asked.use.facts));
        assert_true(read->use.live);
        assert_int_equal(read->use.approver_count, 3);
        assert_string_equal(read->use.approvers[2].text, "group:team");
        assert_int_equal(read->use.approval_count, 2);
        assert_int_equal(read->use.approvals[0].approver, 0);
        assert_int_equal(read->use.approvals[1].approver, 2);
        assert_int_equal(read->use.approvals[1].signature[1], 0x33);
        assert_string_equal(read->use.approvals[1].by.text, "user:carrier");
        assert_int_equal(request_missing(read), 0);
}

static void an_approval_replaces_the_one_before_and_a_withdrawn_one_is_gone(void **state) {
        Register *r = *state;

        prepare(r);
        uint64_t id = ask(r, false).id;
        approve(r, id, 1, 0x11);
        approve(r, id, 1, 0x22);
        assert_int_equal(get(r, id)->use.approval_count, 1);
        assert_int_equal(get(r, id)->use.approvals[0].signature[0], 0x22);
        assert_int_equal(store_use_withdraw(r->store, id, 0, 8), SEAL_E_NOT_FOUND);
        assert_int_equal(store_use_withdraw(r->store, id, 1, 8), 0);
        assert_int_equal(store_use_withdraw(r->store, id, 1, 9), SEAL_E_NOT_FOUND);
        assert_int_equal(get(r, id)->use.approval_count, 0);
        approve(r, id, 1, 0x33);
        assert_int_equal(get(r, id)->use.approvals[0].signature[0], 0x33);
}

static void what_an_approver_has_signed_for_is_known_for_good(void **state) {
        const TPM2B_DIGEST given = { .size = 32, .buffer = { 1 } };
        const TPM2B_DIGEST other = { .size = 32, .buffer = { 2 } };
        Register *r = *state;
        uint64_t request = 0;

        prepare(r);
        uint64_t first = ask(r, false).id, second = ask(r, false).id;
        assert_int_equal(store_use_given(r->store, &given, 1, &request), SEAL_E_NOT_FOUND);
        assert_int_equal(store_use_give(r->store, &given, 1, first), 0);
        assert_int_equal(store_use_give(r->store, &given, 1, second), 0);
        register_reopen(r);
        assert_int_equal(store_use_given(r->store, &given, 1, &request), 0);
        assert_int_equal(request, first);
        assert_int_equal(store_use_given(r->store, &given, 0, &request), SEAL_E_NOT_FOUND);
        assert_int_equal(store_use_given(r->store, &other, 1, &request), SEAL_E_NOT_FOUND);
}

static void a_use_that_was_taken_stands_until_it_is_given_back(void **state) {
        const UseResult taken = { .use = 5, .grant = 3, .taken = 77 };
        const UseResult kept = { .size = 3, .signature = { 1, 2, 3 }, .done = 88 };
        Register *r = *state;

        prepare(r);
        uint64_t id = ask(r, false).id;
        assert_int_equal(get(r, id)->use.result.use, 0);
        assert_int_equal(store_use_take_for(r->store, id, &taken), 0);
        assert_memory_equal(&get(r, id)->use.result, &taken, sizeof(taken));
        assert_int_equal(store_use_take_for(r->store, id, &(UseResult){}), 0);
        assert_int_equal(get(r, id)->use.result.use, 0);
        assert_int_equal(store_use_take_for(r->store, id, &taken), 0);
        assert_int_equal(store_use_keep(r->store, id, &kept), 0);
        register_reopen(r);
        assert_int_equal(get(r, id)->use.result.use, 5);
        assert_int_equal(get(r, id)->use.result.done, 88);
        assert_int_equal(get(r, id)->use.result.size, 3);
        assert_memory_equal(get(r, id)->use.result.signature, kept.signature, 3);
        assert_int_equal(store_use_take_for(r->store, 99, &taken), SEAL_E_NOT_FOUND);
        assert_int_equal(store_use_keep(r->store, 99, &kept), SEAL_E_NOT_FOUND);
}

static size_t listed(Register *r, const Caller *viewer, const Caller *awaiting, uint64_t *ret) {
        const RequestFilter filter = { .state = -1,
                                       .kind = "use",
                                       .viewer = viewer,
                                       .awaiting = awaiting ? AWAITING_ME : 0,
                                       .awaiting_uid = awaiting ? awaiting->uid : 0,
                                       .awaiting_caller = awaiting };
        _cleanup_free_ RequestRow *rows = NULL;
        size_t count = 0;

        assert_int_equal(store_request_list(r->store, &filter, &rows, &count), 0);
        for (size_t i = 0; i < count; i++)
                ret[i] = rows[i].id;
        return count;
}

static void approvers_and_their_groups_see_it_and_it_waits_for_each(void **state) {
        const Caller alice = { .uid = ALICE },
                     member = { .uid = 7, .group_count = 1, .groups = { TEAM } };
        const Caller stranger = { .uid = STRANGER, .group_count = 1, .groups = { ALICE } };
        const Caller keeper = { .uid = KEEPER };
        Register *r = *state;
        uint64_t ids[PAGE_MAX];
        bool visible = false;

        prepare(r);
        Request asked = ask(r, false);
        const Caller *const seeing[] = { &alice, &member, &keeper };
        for (size_t i = 0; i < 3; i++) {
                assert_int_equal(store_request_visible(r->store, asked.id, seeing[i], &visible), 0);
                assert_true(visible);
                assert_int_equal(listed(r, seeing[i], NULL, ids), 1);
        }
        assert_int_equal(store_request_visible(r->store, asked.id, &stranger, &visible), 0);
        assert_false(visible);
        assert_int_equal(listed(r, &stranger, NULL, ids), 0);
        /* Of the request that the seal was made for they see nothing. */
        assert_int_equal(store_request_visible(r->store, 1, &alice, &visible), 0);
        assert_false(visible);
        approve(r, asked.id, 0, 1);
        assert_int_equal(listed(r, &alice, &alice, ids), 0);
        assert_int_equal(listed(r, NULL, &member, ids), 1);
        assert_int_equal(listed(r, &keeper, &keeper, ids), 0);
        asked.state = REQUEST_APPROVED;
        assert_int_equal(store_request_update(r->store, &asked), 0);
        assert_int_equal(listed(r, NULL, &member, ids), 0);
        assert_int_equal(listed(r, &keeper, &keeper, ids), 1);
}

static void uses_are_counted_apart_and_found_when_they_are_over(void **state) {
        _cleanup_free_ uint64_t *live = NULL, *over = NULL, *none = NULL;
        const uint32_t uid = KEEPER;
        Register *r = *state;
        UsesOpen uses = {};
        unsigned open = 0;
        size_t count = 9;

        prepare(r);
        Request first = ask(r, false), second = ask(r, true);
        assert_int_equal(store_use_count_open(r->store, uid, &uses), 0);
        assert_int_equal(store_request_count_open(r->store, &uid, &open), 0);
        assert_int_equal(uses.count, 2);
        assert_int_equal(uses.bytes, 0);
        assert_int_equal(open, 1); /* that of the seal, which nobody has decided */
        assert_int_equal(store_use_list_live(r->store, &live, &count), 0);
        assert_int_equal(count, 1);
        assert_int_equal(live[0], second.id);
        assert_int_equal(store_use_list_over(r->store, &none, &count), 0);
        assert_int_equal(count, 0);
        register_tamper(r, "UPDATE seal SET state = 'revoked'");
        register_open(r);
        assert_int_equal(store_use_list_over(r->store, &over, &count), 0);
        assert_int_equal(count, 2);
        assert_int_equal(over[0], first.id);
}

static void what_is_frozen_for_open_uses_is_counted_with_its_certificates(void **state) {
        uint8_t bytes[] = "frozen";
        const UseStructure frozen = {
                .format = "cades",
                .algorithm = "ecdsa-sha256",
                .structure = bytes,
                .size = 3,
                .certificates = bytes,
                .certificates_size = 5,
        };
        Register *r = *state;
        UsesOpen uses = {};

        prepare(r);
        const Request frozen_one = ask(r, false);
        (void) ask(r, false);
        assert_int_equal(store_use_structure_add(r->store, frozen_one.id, &frozen), 0);
        assert_int_equal(store_use_count_open(r->store, KEEPER, &uses), 0);
        assert_int_equal(uses.count, 2);
        assert_int_equal(uses.bytes, 3 + 5);
}

static void rows_that_do_not_fit_together_are_tampering(void **state) {
        static const char *const edits[] = {
                "UPDATE use_approval SET approver = 3",
                "DELETE FROM approver WHERE ordinal > 0",
                "DELETE FROM use_result",
                "UPDATE use_result SET result = zeroblob(5000)",
                "UPDATE use_approval SET sealed = x''",
                "UPDATE use_approval SET by_kind = 'robot'",
                "UPDATE use_result SET live = 7",
        };
        Request request;

        (void) state;
        for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
                void *fresh = NULL;

                assert_int_equal(register_setup(&fresh), 0);
                Register *r = fresh;
                prepare(r);
                uint64_t id = ask(r, false).id;
                approve(r, id, 2, 1);
                register_tamper(r, edits[i]);
                register_open(r);
                int code = store_request_get(r->store, id, &request);
                if (code != SEAL_E_REGISTER_TAMPERED)
                        fail_msg("%s: %d", edits[i], code);
                assert_int_equal(register_teardown(&fresh), 0);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                register_test(what_is_asked_and_who_approves_is_read_as_it_was_written),
                register_test(an_approval_replaces_the_one_before_and_a_withdrawn_one_is_gone),
                register_test(what_an_approver_has_signed_for_is_known_for_good),
                register_test(a_use_that_was_taken_stands_until_it_is_given_back),
                register_test(approvers_and_their_groups_see_it_and_it_waits_for_each),
                register_test(uses_are_counted_apart_and_found_when_they_are_over),
                register_test(what_is_frozen_for_open_uses_is_counted_with_its_certificates),
                register_test(rows_that_do_not_fit_together_are_tampering),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
