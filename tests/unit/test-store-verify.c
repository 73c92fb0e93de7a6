/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever another program does to the register's file is found, named, and can be acknowledged. */
#include "sealsd/store-verify.h"

#include <errno.h>

#include "policy/index.h"
#include "sealsd/lifecycle.h"
#include "sealsd/store-internal.h"
#include "tests/unit/register.h"

#define SEAL_1 "00000000000001"

static const uint8_t genesis[LEDGER_HASH_SIZE] = { 1, 2, 3 };
static const uint8_t first_value[LEDGER_HASH_SIZE] = { 4, 5, 6 };

/*
 * A guarded table: the column of its row's number, its first two rows, and what is changed in it.
 */
typedef struct Table {
        const char *name, *key;
        int64_t rows[2]; /* 0: it has no second */
        const char *change;
        const char *copy; /* makes of a row another one that the schema lets in; NULL: none */
} Table;

static const Table tables[] = {
        { "installation", "id", { 1, 0 }, "capacity = capacity + 1", NULL },
        { "nv_index",
          "handle",
          { REGISTER_INDEX, REGISTER_INDEX + 1 },
          "used = used - 1",
          "ordinal = 30" },
        { "counter", "id", { 1, 0 }, "value = value + 1", "name = 'x'" },
        { "machine_state", "id", { 1, 2 }, "approved = approved + 1", "policy = x'09'" },
        { "request", "id", { 1, 2 }, "error = error || 'x'", "number = '9'" },
        { "decision", "row", { 1, 2 }, "time = time + 1", "ordinal = 9" },
        { "seal", "id", { 1, 2 }, "name = name || 'x'", "number = '9', bit = 60" },
        { "seal_use", "seal", { 1, 2 }, "count = count + 1", "count = 0" },
        { "keeper", "row", { 1, 2 }, "text = text || 'x'", "ordinal = 5" },
        { "use_grant", "id", { 1, 2 }, "used = used + 1", "used = 0" },
        { "reviewer", "id", { 1, 2 }, "pem = pem || 'x'", "subject = 99" },
        { "seal_policy", "seal", { 1, 2 }, "pin = 1 - pin", NULL },
        { "approver", "row", { 1, 2 }, "pem = pem || 'x'", "ordinal = 3" },
        { "seal_birth", "seal", { 1, 2 }, "sealed = CAST(sealed || ' ' AS BLOB)", NULL },
        { "maker", "id", { 1, 2 }, "created = created + 1", "algorithm = 'x', bit = 61" },
        { "certificate", "row", { 1, 2 }, "not_after = not_after + 1", "serial = x'09'" },
        { "revocation_list", "maker", { 1, 2 }, "number = number + 1", "number = 0" },
        { "picture", "request", { 1, 2 }, "data = CAST(data || 'x' AS BLOB)", NULL },
        { "use_structure", "request", { 1, 2 }, "format = format || 'x'", NULL },
};
#define TABLES (sizeof(tables) / sizeof(tables[0]))

/* --- a register with a past ------------------------------------------------------------------- */

static void machine_state_insert(Register *r, uint8_t mark) {
        MachineState machine = {
                .profile = "default",
                .approval = { .values.selection = { .bank = TPM2_ALG_SHA256 },
                              .policy = { .size = 32, .buffer = { mark } },
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
        const Secret auth = { .size = BIRTH_AUTH_SIZE, .set = true, .data = { (uint8_t) bit } };

        strcpy(seal.number, number);
        seal.facts.pin = bit == 1;
        seal.facts.approver_count = seal.facts.threshold = 1;
        seal.facts.approvers[0] = (Approver){ .subject = a_user(8 + bit, "user:eight"),
                                              .pem = "key" };
        assert_int_equal(store_seal_add(r->store, &seal), 0);
        assert_int_equal(store_birth_auth_set(r->store, number, &auth), 0);
}

static void maker_insert(Register *r, unsigned bit) {
        Maker maker = { .index = REGISTER_INDEX, .bit = 50 + bit, .private = { .size = 1 } };
        CertificateRecord record = { .der = (uint8_t *) "der", .der_size = 3 };
        const SealPicture picture = { .type = "png", .data = (uint8_t *) "p", .size = 1 };
        const UseStructure structure = { .format = "cades" };

        (void) snprintf(maker.algorithm, sizeof(maker.algorithm), "maker-%u", bit);
        assert_int_equal(store_maker_add(r->store, &maker), 0);
        record.issuer = maker.id;
        assert_int_equal(store_seal_certificate_add(r->store, SEAL_1, &record), 0);
        assert_int_equal(store_picture_add(r->store, bit, &picture), 0);
        assert_int_equal(store_use_structure_add(r->store, bit, &structure), 0);
}

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
        for (unsigned i = 0; i < 2; i++) {
                Request request = a_request(1000);

                machine_state_insert(r, (uint8_t) (i + 1));
                assert_int_equal(store_request_add(r->store, &request), 0);
                assert_int_equal(store_decision_add(r->store, 1, &decision), 0);
                seal_insert(r, i == 0 ? SEAL_1 : "00000000000002", i + 1);
                maker_insert(r, i + 1);
                assert_int_equal(store_grant_add(r->store, &grant), 0);
                assert_int_equal(store_reviewer_set(r->store, &reviewer), 0);
                reviewer.subject.id++;
        }
}

static void anchor(Register *r) {
        LedgerAnchor last = {}, next = { .time = 5 };
        LedgerHead head;

        memcpy(last.value, first_value, sizeof(last.value));
        int found = store_anchor_last(r->store, true, &last);
        assert_true(found == 0 || found == SEAL_E_NOT_FOUND);
        store_ledger_head(r->store, &head);
        next.seq = head.seq;
        memcpy(next.head, head.hash, sizeof(next.head));
        assert_int_equal(ledger_value_next(last.value, head.hash, next.value), 0);
        assert_int_equal(store_anchor_add(r->store, &next), 0);
        assert_int_equal(store_anchor_done(r->store, next.id), 0);
}

/* A change of the table as the daemon would make it. */
static void change(Register *r, const Table *table) {
        char sql[160];

        (void) snprintf(sql, sizeof(sql), "UPDATE %s SET %s WHERE %s = %lld", table->name,
                        table->change, table->key, (long long) table->rows[0]);
        assert_int_equal(store_begin(r->store), 0);
        assert_int_equal(sqlite3_exec(r->store->db, sql, NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(store_event(r->store, &(Event){ .code = EVENT_INSPECTED, .seal = SEAL_1 }),
                         0);
        assert_int_equal(store_commit(r->store), 0);
}

typedef struct Past {
        Register *r;
        char before[128]; /* the file as it was before the last change of each table */
        LedgerHead middle;
        uint8_t middle_value[LEDGER_HASH_SIZE];
} Past;

static void file_copy(const char *from, const char *to) {
        char command[320];

        (void) snprintf(command, sizeof(command), "cp %s %s", from, to);
        assert_int_equal(system(command), 0);
}

static int past_setup(void **state) {
        Past *past = calloc(1, sizeof(*past));
        LedgerAnchor last;

        if (!past || register_setup((void **) &past->r) != 0)
                return -1;
        Register *r = past->r;
        fill(r);
        assert_int_equal(store_ledger_begin(r->store, genesis,
                                            &(Event){ .code = EVENT_INITIALIZED, .time = 5 }),
                         0);
        anchor(r);
        for (size_t i = 0; i < TABLES; i++)
                change(r, &tables[i]);
        anchor(r);
        store_ledger_head(r->store, &past->middle);
        assert_int_equal(store_anchor_last(r->store, true, &last), 0);
        memcpy(past->middle_value, last.value, sizeof(last.value));
        register_close(r);
        (void) snprintf(past->before, sizeof(past->before), "%s/before.db", r->folder);
        file_copy(r->path, past->before);
        register_open(r);
        for (size_t i = 0; i < TABLES; i++)
                change(r, &tables[i]);
        anchor(r);
        assert_int_equal(store_event(r->store, &(Event){ .code = EVENT_STARTED }), 0);
        *state = past;
        return 0;
}

static int past_teardown(void **state) {
        Past *past = *state;

        (void) unlink(past->before);
        int code = register_teardown((void **) &past->r);
        free(past);
        return code;
}

#define past_test(function) cmocka_unit_test_setup_teardown(function, past_setup, past_teardown)

/* --- verifying -------------------------------------------------------------------------------- */

static void verify(Past *past, bool whole, VerifyReport *ret) {
        _cleanup_(store_closep) Store *reader = NULL;
        VerifyOptions options = { .from = whole ? 0 : past->middle.seq };
        ErrorDetail detail = {};

        memcpy(options.head, whole ? genesis : past->middle.hash, sizeof(options.head));
        memcpy(options.value, whole ? first_value : past->middle_value, sizeof(options.value));
        assert_int_equal(store_reader_open(&reader, past->r->path, &detail), 0);
        assert_int_equal(store_verify(reader, &options, ret, &detail), 0);
}

static void assert_sound(Past *past) {
        for (int whole = 0; whole <= 1; whole++) {
                _cleanup_(verify_report_done) VerifyReport report = {};

                verify(past, whole, &report);
                if (report.breaks > 0)
                        fail_msg("%s: %s", report.place, report.text);
        }
}

/* It is found, by its name; once acknowledged it is not any more. */
static void assert_found(Past *past, const char *sql, bool whole, const char *place) {
        _cleanup_(verify_report_done) VerifyReport report = {}, after = {};
        const Event event = { .code = EVENT_TAMPERING_ACKNOWLEDGED, .reason = "looked at" };

        verify(past, whole, &report);
        if (report.breaks == 0)
                fail_msg("%s was not found", sql);
        if (strncmp(report.place, place, strlen(place)) != 0 || report.text[0] == '\0')
                fail_msg("%s: \"%s\" (%s) is not \"%s\"", sql, report.place, report.text, place);
        assert_int_equal(store_acknowledge(past->r->store, &event, &report), 0);
        verify(past, whole, &after);
        if (after.breaks > 0)
                fail_msg("%s, acknowledged: %s: %s", sql, after.place, after.text);
}

/* In a register of its own: every edit begins with one that is as it should be. */
static void edit_found(const char *sql, bool whole, const char *place) {
        Past *past = NULL;
        char attach[4096];

        assert_int_equal(past_setup((void **) &past), 0);
        assert_sound(past);
        (void) snprintf(attach, sizeof(attach), "ATTACH '%s' AS old; %s", past->before, sql);
        register_tamper(past->r, attach);
        register_open(past->r);
        assert_found(past, sql, whole, place);
        assert_int_equal(past_teardown((void **) &past), 0);
}

/* The first of the words that text begins with, -1. */
static int word_find(const char *text, const char *const *words) {
        for (int i = 0; words[i]; i++)
                if (strncmp(text, words[i], strlen(words[i])) == 0)
                        return i;
        return -1;
}

/* $table, $key, $first and $second (rows), $change and $copy are those of the table. */
static void expand(const char *format, const Table *table, char *ret, size_t size) {
        static const char *const words[] = { "$table",  "$key",  "$first", "$second",
                                             "$change", "$copy", NULL };
        char first[24], second[24];
        const char *const values[] = { table->name, table->key,    first,
                                       second,      table->change, table->copy ? table->copy : "" };
        size_t used = 0;

        (void) snprintf(first, sizeof(first), "%lld", (long long) table->rows[0]);
        (void) snprintf(second, sizeof(second), "%lld", (long long) table->rows[1]);
        while (*format) {
                int word = word_find(format, words);

                used += (size_t) snprintf(ret + used, size - used, "%.*s", word < 0 ? 1 : 99,
                                          word < 0 ? format : values[word]);
                assert_true(used < size);
                format += word < 0 ? 1 : strlen(words[word]);
        }
}

/*
 * two: only those that have two rows; copy: that let a copy in. place: what is named, NULL for the
 * table itself; part: when only the rows from the middle on are read.
 */
static void each_table(const char *format, bool two, bool copy, const char *place,
                       const char *part) {
        for (size_t i = 0; i < TABLES; i++) {
                const Table *t = &tables[i];
                char sql[768], expected[64];

                if ((two && t->rows[1] == 0) || (copy && !t->copy))
                        continue;
                expand(format, t, sql, sizeof(sql));
                (void) snprintf(expected, sizeof(expected), "%s ", place ? place : t->name);
                edit_found(sql, true, expected);
                (void) snprintf(expected, sizeof(expected), "%s ", part ? part : t->name);
                edit_found(sql, false, expected);
        }
}

/* --- records ---------------------------------------------------------------------------------- */

static void a_register_that_nobody_edited_is_sound(void **state) {
        Past *past = *state;

        assert_sound(past);
        register_reopen(past->r);
        assert_sound(past);
}

static void a_record_that_was_changed_is_found(void **state) {
        (void) state;
        each_table("UPDATE $table SET $change WHERE $key = $first", false, false, NULL, NULL);
}

static void a_record_that_was_deleted_is_found(void **state) {
        (void) state;
        each_table("DELETE FROM $table WHERE $key = $first", false, false, NULL, NULL);
}

static void a_record_that_was_added_is_found(void **state) {
        (void) state;
        each_table("CREATE TEMP TABLE another AS SELECT * FROM $table WHERE $key = $first;"
                   "UPDATE another SET $key = $key + 100, $copy;"
                   "INSERT INTO main.$table SELECT * FROM another",
                   false, true, NULL, NULL);
}

static void records_that_were_swapped_are_found(void **state) {
        (void) state;
        each_table("UPDATE $table SET $key = -1 WHERE $key = $first;"
                   "UPDATE $table SET $key = $first WHERE $key = $second;"
                   "UPDATE $table SET $key = $second WHERE $key = -1",
                   true, false, NULL, NULL);
}

static void two_records_that_were_changed_are_found(void **state) {
        (void) state;
        each_table("UPDATE $table SET $change WHERE $key IN ($first, $second)", true, false, NULL,
                   NULL);
}

static void an_older_version_of_a_record_is_found(void **state) {
        (void) state;
        each_table("DELETE FROM main.$table WHERE $key = $first;"
                   "INSERT INTO main.$table SELECT * FROM old.$table WHERE $key = $first",
                   false, false, NULL, NULL);
}

/* With what guards it: only the ledger knows better. */
static void an_older_version_of_a_record_and_its_guard_is_found(void **state) {
        (void) state;
        each_table("DELETE FROM main.$table WHERE $key = $first;"
                   "INSERT INTO main.$table SELECT * FROM old.$table WHERE $key = $first;"
                   "REPLACE INTO main.guard SELECT * FROM old.guard WHERE tbl = '$table' AND row = "
                   "$first",
                   false, false, NULL, "guard");
}

static void an_older_version_of_every_record_is_found(void **state) {
        char sql[3072] = "";

        for (size_t i = 0; i < TABLES; i++)
                expand("DELETE FROM main.$table; INSERT INTO main.$table SELECT * FROM old.$table;",
                       &tables[i], sql + strlen(sql), sizeof(sql) - strlen(sql));
        edit_found(sql, true, "installation 1");
        strcat(sql, "DELETE FROM main.guard; INSERT INTO main.guard SELECT * FROM old.guard");
        edit_found(sql, true, "installation 1");
        edit_found(sql, false, "");
        (void) state;
}

/* The sentence says what was done, so that whoever reads it knows what to look for. */
static void the_first_is_told_by_what_was_done_to_it(void **state) {
        const struct {
                const char *sql, *says;
        } edits[] = {
                { "UPDATE seal SET name = 'Other' WHERE id = 1",
                  "row 1 of table seal is not as the ledger has it" },
                { "DELETE FROM seal_use WHERE seal = 1", "row 1 of table seal_use is missing" },
                { "INSERT INTO counter VALUES (7, 'x', 0)", "row 7 of table counter was added" },
                { ("DELETE FROM main.seal WHERE id = 1;"
                   "INSERT INTO main.seal SELECT * FROM old.seal WHERE id = 1"),
                  "row 1 of table seal is an older version, as row 8 of the ledger" },
                { "DELETE FROM ledger WHERE seq = 5", "row 5 is missing" },
        };

        for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
                _cleanup_(verify_report_done) VerifyReport report = {};
                Past *past = NULL;
                char sql[512];

                assert_int_equal(past_setup((void **) &past), 0);
                (void) snprintf(sql, sizeof(sql), "ATTACH '%s' AS old; %s", past->before,
                                edits[i].sql);
                register_tamper(past->r, sql);
                register_open(past->r);
                verify(past, true, &report);
                if (!strstr(report.text, edits[i].says))
                        fail_msg("\"%s\" does not say \"%s\"", report.text, edits[i].says);
                assert_int_equal(past_teardown((void **) &past), 0);
        }
        (void) state;
}

/* --- what guards them ------------------------------------------------------------------------- */

static void a_guard_that_was_edited_is_found(void **state) {
        (void) state;
        each_table("UPDATE guard SET hash = zeroblob(32) WHERE tbl = '$table' AND row = $first",
                   false, false, "guard", "guard");
        each_table("UPDATE guard SET hash = NULL WHERE tbl = '$table' AND row = $first", false,
                   false, "guard", "guard");
        each_table("DELETE FROM guard WHERE tbl = '$table' AND row = $first", false, false, "guard",
                   "guard");
}

static void a_guard_of_nothing_is_found(void **state) {
        (void) state;
        edit_found("INSERT INTO guard VALUES ('nothing', 1, zeroblob(32), 1)", true, "guard 1");
        edit_found("INSERT INTO guard VALUES ('seal', 77, zeroblob(32), 1)", true, "guard 77");
        edit_found("UPDATE guard SET seq = 1 WHERE tbl = 'seal' AND row = 1", true, "guard 1");
        edit_found("UPDATE guard SET hash = x'00' WHERE tbl = 'seal' AND row = 1", true, "guard 1");
}

/* --- the ledger ------------------------------------------------------------------------------- */

static void a_row_of_the_ledger_that_was_edited_is_found(void **state) {
        const char *const edits[] = {
                "UPDATE ledger SET text = replace(text, 'inspected', 'inspecteD') WHERE seq = 5",
                "UPDATE ledger SET text = '' WHERE seq = 5",
                "UPDATE ledger SET text = replace(text, '\"time\":', '\"time\": ') WHERE seq = 5",
                "UPDATE ledger SET text = (SELECT text FROM ledger WHERE seq = 4) WHERE seq = 5",
        };

        for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++)
                edit_found(edits[i], true, "ledger ");
        (void) state;
}

static void a_row_of_the_ledger_that_was_deleted_is_found(void **state) {
        (void) state;
        edit_found("DELETE FROM ledger WHERE seq = 1", true, "ledger 2");
        edit_found("DELETE FROM ledger WHERE seq = 5", true, "ledger 6");
        edit_found("DELETE FROM ledger WHERE seq = 25", false, "ledger 26");
}

static void a_row_of_the_ledger_that_was_added_is_found(void **state) {
        (void) state;
        edit_found("INSERT INTO ledger SELECT 99, time, event, seal, subject, state, text, hash"
                   " FROM ledger WHERE seq = 3",
                   true, "ledger");
        edit_found("INSERT INTO ledger SELECT (SELECT max(seq) + 1 FROM ledger), time, event, seal,"
                   " subject, state, text, hash FROM ledger WHERE seq = 3",
                   false, "ledger");
}

static void rows_of_the_ledger_that_were_swapped_are_found(void **state) {
        (void) state;
        edit_found(
                "UPDATE ledger SET seq = 99 WHERE seq = 5; UPDATE ledger SET seq = 5 WHERE seq = 6;"
                "UPDATE ledger SET seq = 6 WHERE seq = 99",
                true, "ledger 6");
}

static void columns_that_say_something_else_are_found(void **state) {
        const char *const edits[] = {
                "UPDATE ledger SET time = time + 1 WHERE seq = 5",
                "UPDATE ledger SET event = 'use' WHERE seq = 5",
                "UPDATE ledger SET seal = '9' WHERE seq = 5",
                "UPDATE ledger SET subject = 'user:x' WHERE seq = 5",
                "UPDATE ledger SET state = 'active' WHERE seq = 5",
                "UPDATE ledger SET hash = zeroblob(32) WHERE seq = 5",
                "UPDATE ledger SET hash = x'' WHERE seq = 5",
        };

        for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++)
                edit_found(edits[i], true, "ledger 5");
        (void) state;
}

static void a_tail_that_was_cut_off_is_found(void **state) {
        (void) state;
        edit_found("DELETE FROM ledger WHERE seq > 21", true, "");
        edit_found("DELETE FROM ledger WHERE seq > 21", false, "");
        edit_found("DELETE FROM ledger WHERE seq > 1", true, "");
}

/* The guard and the anchors after it as well, so that only the chip is left to know. */
static void a_tail_that_was_cut_off_with_its_traces_is_told_by_the_records(void **state) {
        (void) state;
        edit_found(
                "DELETE FROM main.ledger WHERE seq > 21; DELETE FROM main.anchor WHERE seq > 21;",
                true, "");
}

/* --- anchors ---------------------------------------------------------------------------------- */

static void an_anchor_that_was_edited_is_found(void **state) {
        const char *const edits[] = {
                "UPDATE anchor SET value = zeroblob(32) WHERE id = 2",
                "UPDATE anchor SET head = zeroblob(32) WHERE id = 2",
                "UPDATE anchor SET seq = seq + 1 WHERE id = 2",
                "UPDATE anchor SET kind = 'rebase' WHERE id = 2",
                "DELETE FROM anchor WHERE id = 2",
                "DELETE FROM anchor WHERE id = 1",
                ("INSERT INTO anchor SELECT 9, seq, head, value, kind, done, time FROM anchor "
                 "WHERE id = 1"),
        };

        for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++)
                edit_found(edits[i], true, "");
        (void) state;
}

/* --- the check itself ------------------------------------------------------------------------- */

static int stop(void *userdata, uint64_t done, uint64_t total) {
        unsigned *calls = userdata;

        assert_true(done <= total);
        (*calls)++;
        return -ECANCELED;
}

static void a_check_can_be_stopped(void **state) {
        Past *past = *state;
        _cleanup_(store_closep) Store *reader = NULL;
        _cleanup_(verify_report_done) VerifyReport report = {};
        unsigned calls = 0;
        VerifyOptions options = { .progress = stop, .userdata = &calls };

        memcpy(options.head, genesis, sizeof(genesis));
        memcpy(options.value, first_value, sizeof(first_value));
        assert_int_equal(store_reader_open(&reader, past->r->path, NULL), 0);
        assert_int_equal(store_verify(reader, &options, &report, NULL), -ECANCELED);
        assert_int_equal(calls, 1);
}

static void another_genesis_is_found(void **state) {
        Past *past = *state;
        _cleanup_(store_closep) Store *reader = NULL;
        _cleanup_(verify_report_done) VerifyReport report = {};
        VerifyOptions options = {};

        memcpy(options.value, first_value, sizeof(first_value));
        assert_int_equal(store_reader_open(&reader, past->r->path, NULL), 0);
        assert_int_equal(store_verify(reader, &options, &report, NULL), 0);
        assert_true(report.breaks > 0);
        assert_string_equal(report.place, "ledger 1");
}

/* What is written while it runs is not seen by halves. */
static void a_check_sees_the_register_as_it_began(void **state) {
        Past *past = *state;
        _cleanup_(store_closep) Store *reader = NULL;
        _cleanup_(verify_report_done) VerifyReport report = {};
        VerifyOptions options = {};
        LedgerHead head;

        memcpy(options.head, genesis, sizeof(genesis));
        memcpy(options.value, first_value, sizeof(first_value));
        assert_int_equal(store_reader_open(&reader, past->r->path, NULL), 0);
        assert_int_equal(store_reader_hold(reader), 0);
        store_ledger_head(past->r->store, &head);
        change(past->r, &tables[6]);
        assert_int_equal(store_verify(reader, &options, &report, NULL), 0);
        assert_int_equal(report.breaks, 0);
        assert_int_equal(report.head_seq, head.seq);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                past_test(a_register_that_nobody_edited_is_sound),
                cmocka_unit_test(a_record_that_was_changed_is_found),
                cmocka_unit_test(a_record_that_was_deleted_is_found),
                cmocka_unit_test(a_record_that_was_added_is_found),
                cmocka_unit_test(records_that_were_swapped_are_found),
                cmocka_unit_test(two_records_that_were_changed_are_found),
                cmocka_unit_test(an_older_version_of_a_record_is_found),
                cmocka_unit_test(an_older_version_of_a_record_and_its_guard_is_found),
                cmocka_unit_test(an_older_version_of_every_record_is_found),
                cmocka_unit_test(the_first_is_told_by_what_was_done_to_it),
                cmocka_unit_test(a_guard_that_was_edited_is_found),
                cmocka_unit_test(a_guard_of_nothing_is_found),
                cmocka_unit_test(a_row_of_the_ledger_that_was_edited_is_found),
                cmocka_unit_test(a_row_of_the_ledger_that_was_deleted_is_found),
                cmocka_unit_test(a_row_of_the_ledger_that_was_added_is_found),
                cmocka_unit_test(rows_of_the_ledger_that_were_swapped_are_found),
                cmocka_unit_test(columns_that_say_something_else_are_found),
                cmocka_unit_test(a_tail_that_was_cut_off_is_found),
                cmocka_unit_test(a_tail_that_was_cut_off_with_its_traces_is_told_by_the_records),
                cmocka_unit_test(an_anchor_that_was_edited_is_found),
                past_test(a_check_can_be_stopped),
                past_test(another_genesis_is_found),
                past_test(a_check_sees_the_register_as_it_began),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
