/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody else writes into the register is not read, and no change of ours makes it good. */
#include "sealsd/lifecycle.h"
#include "sealsd/store-internal.h"
#include "tests/unit/register.h"

#define SEAL_1 "00000000000001"

static const Act act = { .by = { .kind = SUBJECT_USER, .id = 0, .text = "user:root" }, .time = 99 };

static void machine_state_insert(Register *r) {
        MachineState machine = {
                .profile = "default",
                .approval = { .values.selection = { .bank = TPM2_ALG_SHA256 },
                              .policy = { .size = 32, .buffer = { 1 } },
                              .signature = { .sigAlg = TPM2_ALG_ECDSA },
                              .ticket = { .tag = TPM2_ST_VERIFIED, .hierarchy = TPM2_RH_OWNER } },
                .approved = 77,
                .by = a_user(5, "user:admin"),
        };

        machine.approval.signature.signature.ecdsa.hash = TPM2_ALG_SHA256;
        assert_int_equal(store_machine_state_add(r->store, &machine), 0);
}

static void seal_insert(Register *r, const char *number, unsigned bit) {
        Request request;

        assert_int_equal(store_request_get(r->store, 1, &request), 0);
        Seal seal = { .request = 1,
                      .state = SEAL_ACTIVE,
                      .separation = SEPARATION_DUAL,
                      .applicant = request.applicant,
                      .facts = request.application,
                      .created = 1000,
                      .index = REGISTER_INDEX,
                      .bit = bit };
        strcpy(seal.number, number);
        assert_int_equal(store_seal_add(r->store, &seal), 0);
}

/* Two rows of every guarded table that may have two. */
static void fill(Register *r) {
        Installation installation = { .phase = INIT_COMPLETE, .separation = SEPARATION_DUAL };
        Decision decision = { .by = a_user(2000, "user:rev"), .time = 5 };
        Grant grant = { .number = SEAL_1,
                        .subject = a_user(5, "user:five"),
                        .purposes = PURPOSE_ALL,
                        .giver = a_user(6, "user:six") };
        Reviewer reviewer = { .subject = a_user(2000, "user:rev"), .pem = "key" };

        assert_int_equal(store_installation_save(r->store, &installation), 0);
        index_add(r, REGISTER_INDEX, 0, 64, true);
        index_add(r, REGISTER_INDEX + 1, 1, 64, true);
        machine_state_insert(r);
        for (unsigned i = 0; i < 2; i++) {
                Request request = a_request(1000);

                assert_int_equal(store_request_add(r->store, &request), 0);
                assert_int_equal(store_decision_add(r->store, 1, &decision), 0);
                seal_insert(r, i == 0 ? SEAL_1 : "00000000000002", i + 1);
                assert_int_equal(store_grant_add(r->store, &grant), 0);
                assert_int_equal(store_reviewer_set(r->store, &reviewer), 0);
                reviewer.subject.id++;
        }
}

static void begin(Register *r) {
        fill(r);
        assert_int_equal(store_ledger_begin(r->store, (const uint8_t[LEDGER_HASH_SIZE]){},
                                            &(Event){ .code = EVENT_INITIALIZED, .time = 5 }),
                         0);
}

/* By another program, while the register is closed. */
static void tamper(Register *r, const char *sql) {
        register_tamper(r, sql);
        register_open(r);
}

static void assert_says(Register *r, const char *says) {
        ErrorDetail detail = {};

        store_explain(r->store, SEAL_E_REGISTER_TAMPERED, &detail);
        if (!strstr(detail.text, says))
                fail_msg("\"%s\" does not say \"%s\"", detail.text, says);
}

/* --- reading ---------------------------------------------------------------------------------- */

static int read_seal(Store *store) {
        Seal seal;

        return store_seal_get(store, SEAL_1, &seal);
}

static int read_request(Store *store) {
        Request request;

        return store_request_get(store, 1, &request);
}

static int read_grant(Store *store) {
        Grant grant;

        return store_grant_get(store, 1, &grant);
}

static int read_reviewer(Store *store) {
        const Subject subject = { .kind = SUBJECT_USER, .id = 2000 };
        Reviewer reviewer;

        return store_reviewer_get(store, &subject, &reviewer);
}

static void what_was_edited_is_not_read(void **state) {
        const struct {
                const char *sql;
                int (*read)(Store *store);
                const char *says;
        } edits[] = {
                { "UPDATE seal SET name = 'Other' WHERE id = 1", read_seal, "row 1 of table seal" },
                { "UPDATE seal SET not_after = not_after + 1 WHERE id = 1", read_seal, "seal" },
                { "UPDATE seal_use SET count = 7 WHERE seal = 1", read_seal, "table seal_use" },
                { "DELETE FROM seal_use WHERE seal = 1", read_seal, "is missing" },
                { "UPDATE keeper SET id = 5 WHERE seal = 1", read_seal, "table keeper" },
                { "INSERT INTO keeper (seal, ordinal, text, kind, id) VALUES (1, 5, 'user:x', "
                  "'user', 5)",
                  read_seal, "was added" },
                { "UPDATE request SET state = 'approved' WHERE id = 1", read_request,
                  "row 1 of table request" },
                { "UPDATE decision SET approve = 1 WHERE row = 1", read_request, "table decision" },
                { "UPDATE use_grant SET used = 0, count = 9 WHERE id = 1", read_grant,
                  "row 1 of table use_grant" },
                { "UPDATE reviewer SET pem = 'mine' WHERE id = 1", read_reviewer,
                  "row 1 of table reviewer" },
        };

        for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
                Register *r = NULL;

                assert_int_equal(register_setup((void **) &r), 0);
                begin(r);
                assert_int_equal(edits[i].read(r->store), 0);
                tamper(r, edits[i].sql);
                if (edits[i].read(r->store) != SEAL_E_REGISTER_TAMPERED)
                        fail_msg("%s was not found", edits[i].sql);
                assert_says(r, edits[i].says);
                assert_int_equal(register_teardown((void **) &r), 0);
        }
        (void) state;
}

/* Under the daemon that has it open, without a restart. */
static void what_is_edited_under_the_daemon_is_not_read(void **state) {
        Register *r = *state;
        sqlite3 *other = NULL;

        begin(r);
        assert_int_equal(read_seal(r->store), 0);
        assert_int_equal(sqlite3_open(r->path, &other), SQLITE_OK);
        assert_int_equal(sqlite3_exec(other, "UPDATE seal SET state = 'made'", NULL, NULL, NULL),
                         SQLITE_OK);
        assert_int_equal(sqlite3_close(other), SQLITE_OK);
        assert_int_equal(read_seal(r->store), SEAL_E_REGISTER_TAMPERED);
}

static void what_the_transaction_itself_has_changed_is_read(void **state) {
        Register *r = *state;
        Seal seal;

        begin(r);
        assert_int_equal(store_seal_get(r->store, SEAL_1, &seal), 0);
        assert_int_equal(store_begin(r->store), 0);
        seal.state = SEAL_SUSPENDED;
        assert_int_equal(store_seal_update(r->store, &seal), 0);
        assert_int_equal(store_seal_get(r->store, SEAL_1, &seal), 0);
        assert_int_equal(seal.state, SEAL_SUSPENDED);
        store_rollback(r->store);
        assert_int_equal(store_seal_get(r->store, SEAL_1, &seal), 0);
        assert_int_equal(seal.state, SEAL_ACTIVE);
}

/* To empty the ledger does not make the rows free. */
static void a_ledger_without_rows_has_begun_all_the_same(void **state) {
        Register *r = *state;
        LedgerHead head;

        begin(r);
        tamper(r, "DELETE FROM ledger; UPDATE seal SET state = 'made'");
        assert_int_equal(read_seal(r->store), SEAL_E_REGISTER_TAMPERED);
        store_ledger_head(r->store, &head);
        assert_int_equal(head.seq, 1);
        assert_int_equal(store_event(r->store, &(Event){ .code = EVENT_STARTED }), 0);
        store_ledger_head(r->store, &head);
        assert_int_equal(head.seq, 2);
        tamper(r, "DELETE FROM ledger; DELETE FROM guard");
        assert_int_equal(store_anchor_add(r->store, &(LedgerAnchor){ .seq = 2 }), 0);
        register_reopen(r);
        assert_int_equal(read_seal(r->store), SEAL_E_REGISTER_TAMPERED);
}

/* --- changing --------------------------------------------------------------------------------- */

static int use_seal(Store *store) {
        uint64_t first;

        return store_use_take(store, SEAL_1, 0, 1, &first, NULL);
}

static int use_grant(Store *store) {
        uint64_t first;

        return store_use_take(store, SEAL_1, 1, 1, &first, NULL);
}

static int update_request(Store *store) {
        Request request = a_request(1000);

        request.id = 1;
        return store_request_update(store, &request);
}

static int end_grant(Store *store) {
        return store_grant_end(store, 1, &act, "");
}

static int next_number(Store *store) {
        char number[NUMBER_MAX + 1];

        return store_number_take(store, "000000", number);
}

static int mark_index(Store *store) {
        return store_index_mark_written(store, REGISTER_INDEX);
}

static int set_keepers(Store *store) {
        const Subject keeper = { .kind = SUBJECT_USER, .id = 5, .text = "user:five" };

        return store_keepers_set(store, SEAL_1, &keeper, 1);
}

static int remove_machine_states(Store *store) {
        return store_machine_state_remove_all(store);
}

static int save_installation(Store *store) {
        Installation installation = { .phase = INIT_COMPLETE, .separation = SEPARATION_SINGLE };

        return store_installation_save(store, &installation);
}

static int set_reviewer(Store *store) {
        Reviewer reviewer = { .subject = { .id = 2000, .text = "user:rev" }, .pem = "other" };

        return store_reviewer_set(store, &reviewer);
}

static uint64_t rows_of_ledger(Register *r) {
        LedgerHead head;

        store_ledger_head(r->store, &head);
        return head.seq;
}

static void what_was_edited_is_not_made_good_by_a_change(void **state) {
        const struct {
                const char *sql;
                int (*change)(Store *store);
        } edits[] = {
                { "UPDATE installation SET capacity = 5", save_installation },
                { "UPDATE nv_index SET used = 0 WHERE ordinal = 0", mark_index },
                { "UPDATE counter SET value = 100", next_number },
                { "UPDATE machine_state SET approved = 5", remove_machine_states },
                { "UPDATE request SET applicant_id = 5 WHERE id = 1", update_request },
                { "UPDATE seal_use SET count = 0, seal = 1 WHERE seal = 1; UPDATE seal_use SET "
                  "count = 9",
                  use_seal },
                { "UPDATE keeper SET id = 5, text = 'user:x' WHERE seal = 1", set_keepers },
                { "UPDATE use_grant SET used = 3 WHERE id = 1", use_grant },
                { "UPDATE use_grant SET until = 3 WHERE id = 1", end_grant },
                { "UPDATE reviewer SET by_id = 3 WHERE id = 1", set_reviewer },
                { "DELETE FROM guard WHERE tbl = 'request'", update_request },
                { "UPDATE guard SET hash = x'00' WHERE tbl = 'request'", update_request },
                { "UPDATE guard SET hash = NULL WHERE tbl = 'counter'", next_number },
        };

        for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
                Register *r = NULL;

                assert_int_equal(register_setup((void **) &r), 0);
                begin(r);
                tamper(r, edits[i].sql);
                if (edits[i].change(r->store) != SEAL_E_REGISTER_TAMPERED)
                        fail_msg("%s was made good", edits[i].sql);
                assert_int_equal(rows_of_ledger(r), 1);
                assert_int_equal(register_teardown((void **) &r), 0);
        }
        (void) state;
}

/* The same changes of rows that nobody touched are written. */
static void changes_of_rows_as_they_were_are_rows_of_the_ledger(void **state) {
        int (*const changes[])(Store * store) = {
                save_installation, mark_index, next_number, update_request, use_seal,
                set_keepers,       use_grant,  end_grant,   set_reviewer,   remove_machine_states,
        };
        Register *r = *state;

        begin(r);
        for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
                assert_int_equal(changes[i](r->store), 0);
                assert_int_equal(rows_of_ledger(r), 2 + i);
        }
        assert_int_equal(read_seal(r->store), 0);
        assert_int_equal(read_request(r->store), 0);
        assert_int_equal(read_grant(r->store), 0);
        assert_int_equal(read_reviewer(r->store), 0);
}

/* Revoking is for seals that somebody has his hands in; what he wrote stays found. */
static void a_seal_that_was_edited_is_revoked_and_stays_marked(void **state) {
        Register *r = *state;
        SealBrief brief;

        begin(r);
        tamper(r, "UPDATE seal SET name = 'Other' WHERE id = 1");
        assert_int_equal(store_seal_mark_revoked(r->store, SEAL_1, &act, "theft"), 0);
        assert_int_equal(store_seal_settle_revoked(r->store, SEAL_1), 0);
        assert_int_equal(store_seal_get_brief(r->store, SEAL_1, &brief), 0);
        assert_int_equal(brief.state, SEAL_REVOKED);
        assert_int_equal(read_seal(r->store), SEAL_E_REGISTER_TAMPERED);
        assert_int_equal(store_seal_mark_revoked(r->store, "00000000000002", &act, "theft"), 0);
        assert_int_equal(store_seal_get_brief(r->store, "00000000000002", &brief), 0);
        assert_int_equal(brief.state, SEAL_REVOKED);
}

static void a_request_that_was_edited_keeps_no_other_from_failing(void **state) {
        Register *r = *state;
        Request request;

        begin(r);
        for (uint64_t id = 1; id <= 2; id++) {
                assert_int_equal(store_request_get(r->store, id, &request), 0);
                request.state = REQUEST_MAKING;
                assert_int_equal(store_request_update(r->store, &request), 0);
        }
        tamper(r, "UPDATE request SET type = 'x' WHERE id = 1");
        assert_int_equal(store_request_fail_all_making(r->store, "interrupted"), 0);
        assert_int_equal(read_request(r->store), SEAL_E_REGISTER_TAMPERED);
        assert_int_equal(store_request_get(r->store, 2, &request), 0);
        assert_int_equal(request.state, REQUEST_FAILED);
}

/* Whoever ends a transaction past store_commit, or writes past the store's functions. */
static void a_change_that_the_ledger_does_not_have_is_not_committed(void **state) {
        Register *r = *state;

        begin(r);
        assert_int_not_equal(
                sqlite3_exec(r->store->db, "UPDATE seal SET name = 'Other'", NULL, NULL, NULL),
                SQLITE_OK);
        assert_int_equal(read_seal(r->store), 0);
        assert_int_equal(store_begin(r->store), 0);
        assert_int_equal(sqlite3_exec(r->store->db, "DELETE FROM reviewer", NULL, NULL, NULL),
                         SQLITE_OK);
        assert_int_equal(store_commit(r->store), 0); /* noted, without a WHERE too */
        assert_int_equal(rows_of_ledger(r), 2);
        assert_int_equal(read_reviewer(r->store), SEAL_E_NOT_FOUND);
}

static void what_an_administrator_accepts_is_good_from_then_on(void **state) {
        Register *r = *state;

        begin(r);
        tamper(r, "UPDATE seal SET name = 'Other' WHERE id = 1; DELETE FROM guard WHERE row = 2");
        assert_int_equal(store_begin(r->store), 0);
        for (unsigned i = 0; i < guard_table_count; i++)
                for (int64_t row = 1; row <= 2; row++)
                        assert_int_equal(guard_touch(r->store, i, row), 0);
        assert_int_equal(store_event(r->store, &(Event){ .code = EVENT_TAMPERING_ACKNOWLEDGED }),
                         0);
        assert_int_equal(store_commit(r->store), 0);
        assert_int_equal(read_seal(r->store), 0);
        assert_int_equal(update_request(r->store), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_was_edited_is_not_read),
                register_test(what_is_edited_under_the_daemon_is_not_read),
                register_test(what_the_transaction_itself_has_changed_is_read),
                register_test(a_ledger_without_rows_has_begun_all_the_same),
                cmocka_unit_test(what_was_edited_is_not_made_good_by_a_change),
                register_test(changes_of_rows_as_they_were_are_rows_of_the_ledger),
                register_test(a_seal_that_was_edited_is_revoked_and_stays_marked),
                register_test(a_request_that_was_edited_keeps_no_other_from_failing),
                register_test(a_change_that_the_ledger_does_not_have_is_not_committed),
                register_test(what_an_administrator_accepts_is_good_from_then_on),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
