/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/store-internal.h"

#include <sys/wait.h>

#include "base/bytes.h"
#include "tests/unit/register.h"

static const uint8_t genesis[LEDGER_HASH_SIZE] = { 1, 2, 3 };

static void begin(Register *r) {
        const Event event = { .code = EVENT_INITIALIZED, .time = 5 };

        index_add(r, REGISTER_INDEX, 0, 64, true);
        assert_int_equal(store_ledger_begin(r->store, genesis, &event), 0);
}

/* The rows as they are: parsed, and following on each other. */
static size_t rows(Register *r, char ***ret) {
        const LedgerFilter all = {};
        uint8_t previous[LEDGER_HASH_SIZE];
        size_t count = 0;

        assert_int_equal(store_ledger_list(r->store, &all, ret, &count), 0);
        memcpy(previous, genesis, sizeof(previous));
        for (size_t i = 0; i < count; i++) {
                LedgerParsed parsed = {};
                ErrorDetail detail = {};

                if (ledger_row_parse((*ret)[i], strlen((*ret)[i]), &parsed, &detail) != 0 ||
                    ledger_row_follows(&parsed.row, i + 1, previous, &detail) != 0)
                        fail_msg("row %zu: %s", i + 1, detail.text);
                memcpy(previous, parsed.hash, sizeof(previous));
                ledger_parsed_done(&parsed);
        }
        return count;
}

/* How many rows there are; says has to stand in the last. */
static size_t last_row(Register *r, const char *says) {
        char **texts = NULL;
        size_t count = rows(r, &texts);

        assert_true(count > 0);
        if (!strstr(texts[count - 1], says))
                fail_msg("\"%s\" does not say \"%s\"", texts[count - 1], says);
        texts_free(texts, count);
        return count;
}

/* --- the beginning --------------------------------------------------------------------------- */

static void before_the_ledger_begins_nothing_is_written(void **state) {
        const Event event = { .code = EVENT_STARTED };
        Register *r = *state;
        char **texts = NULL;
        LedgerHead head = { .seq = 7 };
        Request request = a_request(1);

        assert_int_equal(store_event(r->store, &event), 0);
        assert_int_equal(store_request_add(r->store, &request), 0);
        assert_int_equal(rows(r, &texts), 0);
        texts_free(texts, 0);
        store_ledger_head(r->store, &head);
        assert_int_equal(head.seq, 0);
}

static void the_first_row_names_every_row_of_the_register(void **state) {
        Register *r = *state;
        Request request = a_request(1);

        assert_int_equal(store_request_add(r->store, &request), 0);
        begin(r);
        (void) last_row(r, "[\"request\",1,\"");
        (void) last_row(r, "[\"counter\",1,\"");
        assert_int_equal(last_row(r, "[\"nv_index\",25165825,\""), 1);
        assert_int_equal(store_ledger_begin(r->store, genesis, &(Event){ .code = EVENT_ADOPTED }),
                         SEAL_E_ALREADY_EXISTS);
}

static void a_beginning_that_is_rolled_back_has_not_been(void **state) {
        const Event event = { .code = EVENT_INITIALIZED };
        Register *r = *state;
        Request request = a_request(1);
        char **texts = NULL;

        assert_int_equal(store_begin(r->store), 0);
        assert_int_equal(store_ledger_begin(r->store, genesis, &event), 0);
        store_rollback(r->store);
        assert_int_equal(store_request_add(r->store, &request), 0);
        assert_int_equal(rows(r, &texts), 0);
        texts_free(texts, 0);
        begin(r);
        (void) last_row(r, "initialized");
}

/* --- events ---------------------------------------------------------------------------------- */

static void an_event_has_all_that_it_was_given(void **state) {
        const uint8_t digest[32] = { 0xab };
        Caller caller = {
                .uid = 1000, .login_uid = 1001, .process = "/usr/bin/x", .unit = "x.service"
        };
        _cleanup_json_ json_t *facts = json_pack("{s:i}", "id", 7);
        const Event event = {
                .code = EVENT_USE,
                .time = 123,
                .caller = &caller,
                .self = true,
                .seal = "00000000000001",
                .request = 9,
                .object = "grant:7",
                .state = "active",
                .purpose = "document-signing",
                .digest = { digest, sizeof(digest) },
                .hash = "sha256",
                .document = "a.pdf",
                .use = 3,
                .count = 2,
                .result = "Revoked",
                .reason = "because",
                .facts = facts,
        };
        const char *const says[] = {
                "\"event\":\"use\"",
                "\"time\":123",
                "\"subject\":\"user:alice\"",
                "\"uid\":1000",
                "\"login-uid\":1001",
                "\"process\":\"/usr/bin/x\"",
                "\"unit\":\"x.service\"",
                "\"self\":true",
                "\"seal\":\"00000000000001\"",
                "\"request\":9",
                "\"object\":\"grant:7\"",
                "\"state\":\"active\"",
                "\"purpose\":\"document-signing\"",
                "\"document-hash\":\"ab00",
                "\"hash\":\"sha256\"",
                "\"document\":\"a.pdf\"",
                "\"use\":3",
                "\"count\":2",
                "\"result\":\"Revoked\"",
                "\"reason\":\"because\"",
                "\"facts\":{\"id\":7}",
        };
        Register *r = *state;

        caller.subject = a_user(1000, "user:alice");
        begin(r);
        assert_int_equal(store_event(r->store, &event), 0);
        for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++)
                assert_int_equal(last_row(r, says[i]), 2);
        register_reopen(r);
        assert_int_equal(store_event(r->store, &event), 0);
        assert_int_equal(last_row(r, "\"seq\":3"), 3);
}

static void a_change_stands_in_its_event(void **state) {
        const Event first = { .code = EVENT_REQUEST_APPLIED, .request = 1 };
        const Event last = { .code = EVENT_REQUEST_APPROVED, .request = 1 };
        Register *r = *state;
        Request request = a_request(1);
        char **texts = NULL;

        begin(r);
        assert_int_equal(store_begin(r->store), 0);
        assert_int_equal(store_event(r->store, &first), 0);
        assert_int_equal(store_request_add(r->store, &request), 0);
        assert_int_equal(store_event(r->store, &last), 0);
        request.state = REQUEST_APPROVED;
        assert_int_equal(store_request_update(r->store, &request), 0); /* also after the event */
        assert_int_equal(store_commit(r->store), 0);
        assert_int_equal(rows(r, &texts), 3);
        assert_null(strstr(texts[1], "\"rows\""));
        assert_non_null(strstr(texts[2], "\"rows\":[[\"request\",1,\""));
        assert_null(strstr(strstr(texts[2], "[\"request\",1,\"") + 1, "[\"request\",1,\""));
        texts_free(texts, 3);
}

static void a_change_without_an_event_is_a_row_of_its_own(void **state) {
        Register *r = *state;
        Request request = a_request(1);

        begin(r);
        assert_int_equal(store_request_add(r->store, &request), 0);
        assert_int_equal(last_row(r, "register-changed"), 2);
        assert_int_equal(store_index_mark_written(r->store, REGISTER_INDEX), 0);
        assert_int_equal(last_row(r, "[\"nv_index\",25165825,\""), 3);
}

static void what_is_deleted_is_said(void **state) {
        Register *r = *state;

        begin(r);
        assert_int_equal(store_index_remove_all(r->store), 0);
        assert_int_equal(last_row(r, "[\"nv_index\",25165825,null]"), 2);
}

static void a_rollback_leaves_no_row(void **state) {
        const Event event = { .code = EVENT_STARTED };
        Register *r = *state;
        Request request = a_request(1);

        begin(r);
        assert_int_equal(store_begin(r->store), 0);
        assert_int_equal(store_request_add(r->store, &request), 0);
        assert_int_equal(store_event(r->store, &event), 0);
        store_rollback(r->store);
        assert_int_equal(last_row(r, "initialized"), 1);
        assert_int_equal(store_event(r->store, &event), 0);
        assert_int_equal(last_row(r, "started"), 2);
}

/* In a process of its own, which ends as if killed. */
static void in_a_killed_process(Register *r, void (*fn)(Store *)) {
        int status;

        register_close(r);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
                Store *store = NULL;

                if (store_open(&store, r->path, NULL) == 0)
                        fn(store);
                _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        register_open(r);
}

static void change_twice_and_die(Store *store) {
        Request request = a_request(1);

        (void) store_request_add(store, &request);
        (void) store_begin(store);
        request.state = REQUEST_APPROVED;
        (void) store_request_update(store, &request);
        (void) store_event(store, &(Event){ .code = EVENT_REQUEST_APPROVED, .request = 1 });
}

static void a_crash_leaves_what_was_committed_with_its_row_and_nothing_else(void **state) {
        Register *r = *state;
        Request request;

        begin(r);
        in_a_killed_process(r, change_twice_and_die);
        assert_int_equal(last_row(r, "register-changed"), 2);
        assert_int_equal(store_request_get(r->store, 1, &request), 0); /* as the ledger has it */
        assert_int_equal(request.state, REQUEST_APPLIED);
        assert_int_equal(store_event(r->store, &(Event){ .code = EVENT_STARTED }), 0);
        assert_int_equal(last_row(r, "started"), 3);
}

/* The chain goes on from what this process wrote, and shows the place. */
static void a_row_that_another_program_added_is_not_followed(void **state) {
        Register *r = *state;
        sqlite3 *other = NULL;
        LedgerHead before, after;

        begin(r);
        store_ledger_head(r->store, &before);
        assert_int_equal(sqlite3_open(r->path, &other), SQLITE_OK);
        assert_int_equal(sqlite3_exec(other,
                                      "INSERT INTO ledger SELECT 2, time, event, seal, subject,"
                                      " state, text, hash FROM ledger WHERE seq = 1",
                                      NULL, NULL, NULL),
                         SQLITE_OK);
        assert_int_equal(sqlite3_close(other), SQLITE_OK);
        assert_int_equal(store_event(r->store, &(Event){ .code = EVENT_STARTED }), 0);
        store_ledger_head(r->store, &after);
        assert_int_equal(after.seq, 3);
        LedgerFilter filter = { .first = 3 };
        char **texts = NULL;
        size_t count = 0;
        char hash[2 * LEDGER_HASH_SIZE + 1];
        assert_int_equal(store_ledger_list(r->store, &filter, &texts, &count), 0);
        assert_int_equal(count, 1);
        assert_non_null(strstr(texts[0], hex_encode(before.hash, sizeof(before.hash), hash)));
        texts_free(texts, count);
}

static void what_is_more_than_a_row_may_say_follows_in_rows_of_its_own(void **state) {
        Register *r = *state;
        char **texts = NULL;
        uint64_t touches = 0;

        assert_int_equal(store_begin(r->store), 0);
        for (unsigned i = 0; i < LEDGER_TOUCHES_MAX; i++) {
                Request request = a_request(1);

                assert_int_equal(store_request_add(r->store, &request), 0);
        }
        assert_int_equal(store_commit(r->store), 0);
        begin(r); /* an index and the counter beside them */
        size_t count = rows(r, &texts);
        assert_int_equal(count, 2);
        assert_non_null(strstr(texts[0], "initialized"));
        assert_non_null(strstr(texts[1], "register-changed"));
        for (size_t i = 0; i < count; i++)
                for (const char *at = texts[i]; (at = strstr(at, "[\"request\",")) != NULL; at++)
                        touches++;
        assert_int_equal(touches, LEDGER_TOUCHES_MAX);
        texts_free(texts, count);
}

/* --- who is told ------------------------------------------------------------------------------ */

typedef struct Told {
        Register *r;
        unsigned count;
        uint64_t last;
        bool again;
} Told;

static void tell(void *userdata, const StoredEvent *event) {
        Told *told = userdata;
        uint8_t hash[LEDGER_HASH_SIZE];

        told->count++;
        assert_true(event->row->seq > told->last);
        told->last = event->row->seq;
        assert_int_equal(ledger_row_hash(event->text, event->size, hash), 0);
        assert_memory_equal(hash, event->hash, sizeof(hash));
        if (told->again) {
                told->again = false;
                assert_int_equal(store_event(told->r->store, &(Event){ .code = EVENT_STOPPED }), 0);
        }
}

static void the_observer_hears_what_is_committed_and_nothing_else(void **state) {
        const Event event = { .code = EVENT_STARTED };
        Register *r = *state;
        Told told = { .r = r, .again = true };

        begin(r);
        store_observe(r->store, tell, &told);
        assert_int_equal(store_begin(r->store), 0);
        assert_int_equal(store_event(r->store, &event), 0);
        assert_int_equal(told.count, 0);
        store_rollback(r->store);
        assert_int_equal(told.count, 0);
        assert_int_equal(store_begin(r->store), 0);
        assert_int_equal(store_event(r->store, &event), 0);
        assert_int_equal(store_commit(r->store), 0);
        assert_int_equal(told.count, 2); /* the one that it wrote itself, too */
        assert_int_equal(last_row(r, "stopped"), 3);
}

/* --- reading ---------------------------------------------------------------------------------- */

static void assert_found(Register *r, LedgerFilter filter, size_t expected) {
        char **texts = NULL;
        size_t count = 0;

        assert_int_equal(store_ledger_list(r->store, &filter, &texts, &count), 0);
        texts_free(texts, count);
        assert_int_equal(count, expected);
}

static void rows_are_found_by_what_they_have(void **state) {
        Register *r = *state;
        Event event = { .code = EVENT_SEAL_SUSPENDED,
                        .time = 100,
                        .seal = "1",
                        .state = "suspended",
                        .subject = "user:alice" };

        begin(r);
        assert_int_equal(store_event(r->store, &event), 0);
        event.time = 200;
        event.seal = "2";
        event.subject = "user:bob";
        event.code = EVENT_SEAL_RESUMED;
        assert_int_equal(store_event(r->store, &event), 0);
        assert_found(r, (LedgerFilter){}, 3);
        assert_found(r, (LedgerFilter){ .first = 3 }, 1);
        assert_found(r, (LedgerFilter){ .since = 100 }, 2);
        assert_found(r, (LedgerFilter){ .since = 100, .until = 199 }, 1);
        assert_found(r, (LedgerFilter){ .seal = "1" }, 1);
        assert_found(r, (LedgerFilter){ .subject = "user:bob" }, 1);
        assert_found(r, (LedgerFilter){ .event = "seal-resumed" }, 1);
        assert_found(r, (LedgerFilter){ .event = "seal-resumed", .seal = "1" }, 0);
        assert_found(r, (LedgerFilter){ .limit = 2, .newest_first = true }, 2);
}

static int count_steps(void *userdata) {
        ++*(unsigned *) userdata;
        return 0;
}

/* Whoever may ask for a seal's past must not hold up the daemon by it. */
static void the_past_of_a_seal_is_not_looked_for_among_its_uses(void **state) {
        Register *r = *state;
        LedgerFilter filter = { .seal = "1",
                                .event = "seal-recertified",
                                .until = 1000000,
                                .states = true,
                                .limit = 1,
                                .newest_first = true };
        unsigned steps = 0;

        begin(r);
        register_tamper(r, "WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n"
                           "  WHERE i < 5000) INSERT INTO ledger"
                           "  SELECT i, i, CASE i WHEN 9 THEN 'seal-recertified' ELSE 'use' END,"
                           "  '1', '', CASE i WHEN 9 THEN 'active' ELSE '' END, '{}', x'' FROM n");
        register_open(r);
        sqlite3_progress_handler(r->store->db, 100, count_steps, &steps);
        assert_found(r, filter, 1);
        filter.event = "seal-amended";
        assert_found(r, filter, 0);
        sqlite3_progress_handler(r->store->db, 0, NULL, NULL);
        assert_true(steps < 10);
}

static void the_past_is_answered(void **state) {
        Register *r = *state;
        SealState found = SEAL_MADE;
        Request request = a_request(1);
        Event event = { .code = EVENT_SEAL_SUSPENDED,
                        .time = 3000,
                        .seal = "00000000000001",
                        .state = "suspended" };

        begin(r);
        assert_int_equal(store_request_add(r->store, &request), 0);
        Seal seal = { .number = "00000000000001",
                      .request = 1,
                      .state = SEAL_SUSPENDED,
                      .separation = SEPARATION_DUAL,
                      .applicant = request.applicant,
                      .facts = request.application,
                      .created = 1000,
                      .made = { .time = 1000 },
                      .accepted = { .time = 2000 },
                      .index = REGISTER_INDEX,
                      .bit = 1 };
        assert_int_equal(store_seal_add(r->store, &seal), 0);
        assert_int_equal(store_event(r->store, &event), 0);
        assert_int_equal(store_state_at(r->store, seal.number, 999, &found), SEAL_E_NOT_FOUND);
        assert_int_equal(store_state_at(r->store, seal.number, 1999, &found), 0);
        assert_int_equal(found, SEAL_MADE);
        assert_int_equal(store_state_at(r->store, seal.number, 2000, &found), 0);
        assert_int_equal(found, SEAL_ACTIVE);
        assert_int_equal(store_state_at(r->store, seal.number, 3000, &found), 0);
        assert_int_equal(found, SEAL_SUSPENDED);
        assert_int_equal(store_state_at(r->store, "9", 3000, &found), SEAL_E_NOT_FOUND);
}

/* A row of a seal, or of something else, as another clock has stamped it. */
static void add_at(Register *r, EventCode code, const char *seal, const char *word, uint64_t time) {
        const Event event = { .code = code, .time = time, .seal = seal, .state = word };

        assert_int_equal(store_event(r->store, &event), 0);
}

static void assert_state_at(Register *r, uint64_t time, SealState expected) {
        SealState found = SEAL_MADE;

        assert_int_equal(store_state_at(r->store, "1", time, &found), 0);
        assert_int_equal(found, expected);
}

static void a_seal_revoked_after_the_clock_was_set_back_was_active_ever_after(void **state) {
        Register *r = *state;

        begin(r);
        add_at(r, EVENT_SEAL_DELIVERED, "1", "delivered", 4000);
        add_at(r, EVENT_SEAL_ACCEPTED, "1", "active", 5000);
        add_at(r, EVENT_SEAL_REVOKED, "1", "revoked", 4500);
        assert_state_at(r, 4900, SEAL_DELIVERED);
        assert_state_at(r, 5000, SEAL_REVOKED);
        assert_state_at(r, INT64_MAX, SEAL_REVOKED);
}

static void a_clock_far_behind_changed_the_states_before(void **state) {
        Register *r = *state;

        begin(r);
        add_at(r, EVENT_SEAL_ACCEPTED, "1", "active", 5000);
        add_at(r, EVENT_STOPPED, NULL, NULL, 9000);
        add_at(r, EVENT_SEAL_REVOKED, "1", "revoked", 1000);
        assert_state_at(r, 8999, SEAL_ACTIVE);
        assert_state_at(r, 9000, SEAL_REVOKED);
}

static void states_from_a_clock_ahead_were_late_though_acknowledged(void **state) {
        Register *r = *state;

        begin(r);
        add_at(r, EVENT_SEAL_SUSPENDED, "1", "suspended", 4000);
        add_at(r, EVENT_SEAL_RESUMED, "1", "active", 90000);
        add_at(r, EVENT_TAMPERING_ACKNOWLEDGED, NULL, NULL, 5000);
        assert_state_at(r, 4999, SEAL_SUSPENDED);
        assert_state_at(r, 5000, SEAL_ACTIVE);
        add_at(r, EVENT_SEAL_REVOKED, "1", "revoked", 6000);
        assert_state_at(r, 5999, SEAL_ACTIVE);
        assert_state_at(r, 6000, SEAL_REVOKED);
}

/* --- anchors and checkpoints ------------------------------------------------------------------ */

static void anchors_are_kept_in_order(void **state) {
        LedgerAnchor anchor = { .seq = 1, .head = { 1 }, .value = { 2 }, .time = 5 }, found;
        Register *r = *state;

        assert_int_equal(store_anchor_last(r->store, true, &found), SEAL_E_NOT_FOUND);
        assert_int_equal(store_anchor_add(r->store, &anchor), 0);
        assert_int_equal(store_anchor_last(r->store, false, &found), 0);
        assert_memory_equal(&found, &anchor, sizeof(found));
        assert_int_equal(store_anchor_done(r->store, anchor.id), 0);
        assert_int_equal(store_anchor_last(r->store, false, &found), SEAL_E_NOT_FOUND);
        assert_int_equal(store_anchor_last(r->store, true, &found), 0);
        anchor.value[0] = 3;
        anchor.rebase = true;
        assert_int_equal(store_anchor_add(r->store, &anchor), 0);
        register_reopen(r);
        assert_int_equal(store_anchor_by_value(r->store, anchor.value, &found), 0);
        assert_memory_equal(&found, &anchor, sizeof(found));
        assert_int_equal(store_anchor_remove_pending(r->store), 0);
        assert_int_equal(store_anchor_by_value(r->store, anchor.value, &found), SEAL_E_NOT_FOUND);
        assert_int_equal(store_anchor_done(r->store, 99), SEAL_E_NOT_FOUND);
}

static void checkpoints_are_listed_from_the_newest(void **state) {
        LedgerCheckpoint checkpoint = { .seq = 1,
                                        .attest_size = 3,
                                        .signature_size = 2,
                                        .time = 5 },
                         found[3];
        Register *r = *state;
        size_t count = 0;

        assert_int_equal(store_checkpoint_add(r->store, &checkpoint), 0);
        checkpoint.seq = 2;
        assert_int_equal(store_checkpoint_add(r->store, &checkpoint), 0);
        register_tamper(r, "INSERT INTO checkpoint SELECT 9, seq, x'00', anchor, attest, signature,"
                           " time FROM checkpoint LIMIT 1");
        register_open(r);
        assert_int_equal(store_checkpoint_list(r->store, 3, found, &count), 0);
        assert_int_equal(count, 2);
        assert_memory_equal(&found[0], &checkpoint, sizeof(checkpoint));
        assert_int_equal(found[1].seq, 1);
}

static void a_foreign_write_is_seen_once(void **state) {
        Register *r = *state;
        sqlite3 *other = NULL;
        bool foreign = true;

        index_add(r, REGISTER_INDEX, 0, 64, true);
        assert_int_equal(store_foreign_write(r->store, &foreign), 0);
        assert_false(foreign);
        assert_int_equal(sqlite3_open(r->path, &other), SQLITE_OK);
        assert_int_equal(sqlite3_exec(other, "UPDATE nv_index SET used = 3", NULL, NULL, NULL),
                         SQLITE_OK);
        assert_int_equal(sqlite3_close(other), SQLITE_OK);
        assert_int_equal(store_foreign_write(r->store, &foreign), 0);
        assert_true(foreign);
        assert_int_equal(store_foreign_write(r->store, &foreign), 0);
        assert_false(foreign);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                register_test(before_the_ledger_begins_nothing_is_written),
                register_test(the_first_row_names_every_row_of_the_register),
                register_test(a_beginning_that_is_rolled_back_has_not_been),
                register_test(an_event_has_all_that_it_was_given),
                register_test(a_change_stands_in_its_event),
                register_test(a_change_without_an_event_is_a_row_of_its_own),
                register_test(what_is_deleted_is_said),
                register_test(a_rollback_leaves_no_row),
                register_test(a_crash_leaves_what_was_committed_with_its_row_and_nothing_else),
                register_test(a_row_that_another_program_added_is_not_followed),
                register_test(what_is_more_than_a_row_may_say_follows_in_rows_of_its_own),
                register_test(the_observer_hears_what_is_committed_and_nothing_else),
                register_test(rows_are_found_by_what_they_have),
                register_test(the_past_of_a_seal_is_not_looked_for_among_its_uses),
                register_test(the_past_is_answered),
                register_test(a_seal_revoked_after_the_clock_was_set_back_was_active_ever_after),
                register_test(a_clock_far_behind_changed_the_states_before),
                register_test(states_from_a_clock_ahead_were_late_though_acknowledged),
                register_test(anchors_are_kept_in_order),
                register_test(checkpoints_are_listed_from_the_newest),
                register_test(a_foreign_write_is_seen_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
