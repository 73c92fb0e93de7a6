/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/store-verify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/text.h"
#include "policy/index.h"
#include "sealsd/store-internal.h"
#include "sealsd/touch-map.h"

#define TELL_EVERY 500 /* rows and records */
#define TAMPERED SEAL_E_REGISTER_TAMPERED

typedef struct Verifier {
        Store *store;
        const VerifyOptions *options;
        VerifyReport *report;
        TouchMap *map;
        uint64_t seq; /* of the row read last */
        uint8_t head[LEDGER_HASH_SIZE], value[LEDGER_HASH_SIZE];
        bool acknowledges; /* that row is a tampering-acknowledged that counts */
        Query anchors;
        bool anchor_there; /* the next one is in anchor */
        LedgerAnchor anchor;
        uint64_t anchored; /* row of the anchor before it */
        uint64_t rebased;  /* anchors that go on from another value, as acknowledged */
        uint64_t done, total;
} Verifier;

void verify_report_done(VerifyReport *report) {
        free(report->chain);
        free(report->records);
        free(report->columns);
        *report = (VerifyReport){};
}

/* --- what is found ------------------------------------------------------------------------------ */

static void tell_first(VerifyReport *report, const char *place, uint64_t row, const char *text) {
        if (report->place[0] != '\0')
                return;
        (void) snprintf(report->place, sizeof(report->place), "%s %" PRIu64, place, row);
        text_copy(report->text, sizeof(report->text), text);
}

static int grow(void **items, size_t count, size_t *size, size_t each) {
        if (count < *size)
                return 0;
        size_t wanted = *size > 0 ? 2 * *size : 64;
        void *grown = reallocarray(*items, wanted, each);
        if (!grown)
                return -ENOMEM;
        *items = grown;
        *size = wanted;
        return 0;
}

static int found_record(VerifyReport *report, unsigned table, int64_t row, const char *what) {
        char text[ERROR_TEXT_MAX];

        int r = grow((void **) &report->records, report->record_count, &report->record_size,
                     sizeof(RecordBreak));
        if (r != 0)
                return r;
        report->records[report->record_count++] = (RecordBreak){ table, row };
        (void) snprintf(text, sizeof(text),
                        "The register was changed behind sealsd's back: row %" PRId64
                        " of table %s %s",
                        row, guard_tables[table], what);
        tell_first(report, guard_tables[table], (uint64_t) row, text);
        return 0;
}

static int found_guard(VerifyReport *report, unsigned table, int64_t row) {
        char text[ERROR_TEXT_MAX];

        (void) snprintf(text, sizeof(text),
                        "The register was changed behind sealsd's back: the guard of row %" PRId64
                        " of table %s is not what the ledger says",
                        row, guard_tables[table]);
        tell_first(report, "guard", (uint64_t) row, text);
        return found_record(report, table, row, "");
}

static int found_column(VerifyReport *report, uint64_t seq) {
        char text[ERROR_TEXT_MAX];

        int r = grow((void **) &report->columns, report->column_count, &report->column_size,
                     sizeof(uint64_t));
        if (r != 0)
                return r;
        report->columns[report->column_count++] = seq;
        (void) snprintf(text, sizeof(text),
                        "The ledger was changed behind sealsd's back: the columns of row %" PRIu64
                        " are not what its text says",
                        seq);
        tell_first(report, "ledger", seq, text);
        return 0;
}

static void found_schema(VerifyReport *report, const char *object) {
        report->schema = true;
        (void) snprintf(report->place, sizeof(report->place), "schema");
        (void) snprintf(report->text, sizeof(report->text),
                        "The register was changed behind sealsd's back: its schema has another "
                        "'%.128s' than sealsd makes; put it right with the sqlite3 program while "
                        "sealsd is stopped",
                        object);
}

static void found_damage(VerifyReport *report, const char *what) {
        report->indices = true;
        if (report->place[0] != '\0')
                return;
        (void) snprintf(report->place, sizeof(report->place), "index");
        (void) snprintf(report->text, sizeof(report->text),
                        "The register's pages or indices do not fit its tables: %.256s", what);
}

/* --- anchors ------------------------------------------------------------------------------------ */

static int anchor_next(Verifier *v) {
        static const char *const kinds[] = { "extend", "rebase" };
        char kind[WORD_MAX + 1];
        bool done;

        int r = query_row(&v->anchors, &v->anchor_there);
        if (r != 0 || !v->anchor_there)
                return r;
        v->anchor = (LedgerAnchor){};
        take_number(&v->anchors, &v->anchor.id);
        take_number(&v->anchors, &v->anchor.seq);
        take_array(&v->anchors, v->anchor.head, sizeof(v->anchor.head));
        take_array(&v->anchors, v->anchor.value, sizeof(v->anchor.value));
        take_text(&v->anchors, kind, sizeof(kind));
        take_bool(&v->anchors, &done);
        v->anchor.rebase = strcmp(kind, kinds[1]) == 0;
        v->anchor.done = done;
        r = query_check(&v->anchors);
        if (r != TAMPERED)
                return r;
        v->anchors.code = 0; /* what it has is of no row and no value, and fits nothing */
        return 0;
}

static int anchor_fits(Verifier *v, bool *ret) {
        const LedgerAnchor *a = &v->anchor;
        uint8_t wanted[LEDGER_VALUE_SIZE];

        *ret = v->acknowledges;
        if (a->rebase) {
                v->rebased += v->acknowledges;
                return 0;
        }
        int r = ledger_value_next(v->value, v->head, wanted);
        *ret = memcmp(wanted, a->value, sizeof(wanted)) == 0 &&
               memcmp(a->head, v->head, sizeof(a->head)) == 0;
        return r;
}

/* The row before its break is the one that the anchor covers (format/ledger-breaks.h). */
static int anchor_judge(Verifier *v) {
        ErrorDetail why = {};
        bool fits = false;

        int r = anchor_fits(v, &fits);
        if (r != 0)
                return r;
        memcpy(v->value, v->anchor.value, sizeof(v->value));
        if (fits)
                return 0;
        (void) error_set(&why, 0,
                         "Row %" PRIu64 " of the ledger is not the one that anchor %" PRIu64
                         " put into the chip",
                         v->seq, v->anchor.id);
        ledger_breaks_add(v->report->chain, v->seq + 1, v->head, why.text);
        return 0;
}

static void anchor_astray(Verifier *v) {
        ErrorDetail why = {};

        (void) error_set(&why, 0,
                         "Anchor %" PRIu64 " of row %" PRIu64
                         " stands behind an anchor of a later row, %" PRIu64,
                         v->anchor.id, v->anchor.seq, v->anchored);
        ledger_breaks_add(v->report->chain, v->seq + 1, v->head, why.text);
}

/*
 * Those of the row that was read. One whose row is missing is passed over: the next one does not
 * follow from what is before it then, and that is the break.
 */
static int anchors_take(Verifier *v) {
        while (v->anchor_there && v->anchor.seq <= v->seq) {
                int r = 0;

                if (v->anchor.seq < v->anchored)
                        anchor_astray(v);
                else if (v->anchor.seq == v->seq)
                        r = anchor_judge(v);
                if (v->anchor.seq > v->anchored)
                        v->anchored = v->anchor.seq;
                if (r == 0)
                        r = anchor_next(v);
                if (r != 0)
                        return r;
        }
        return 0;
}

/* Any that is left is of a row that is not there any more. */
static void anchors_end(Verifier *v) {
        ErrorDetail why = {};

        if (!v->anchor_there)
                return;
        (void) error_set(&why, 0,
                         "The ledger ends with row %" PRIu64 ", and row %" PRIu64
                         " was put into the chip by anchor %" PRIu64,
                         v->seq, v->anchor.seq, v->anchor.id);
        ledger_breaks_add(v->report->chain, v->seq + 1, v->head, why.text);
}

/* --- rows --------------------------------------------------------------------------------------- */

/* A row as it stands in the table. */
typedef struct StoredRow {
        uint64_t seq, time;
        char event[LEDGER_WORD_MAX + 1], seal[NUMBER_MAX + 1], subject[SUBJECT_MAX + 1],
                state[WORD_MAX + 1];
        uint8_t hash[LEDGER_HASH_SIZE];
        bool readable; /* the columns but the text */
} StoredRow;

static bool same(const char *column, const char *value) {
        return strcmp(column, value ? value : "") == 0;
}

static bool columns_fit(const StoredRow *row, const LedgerParsed *parsed) {
        const LedgerRow *said = &parsed->row;

        return row->readable && row->time == said->time && same(row->event, said->event) &&
               same(row->seal, said->seal) && same(row->subject, said->subject) &&
               same(row->state, said->state) &&
               memcmp(row->hash, parsed->hash, sizeof(row->hash)) == 0;
}

static unsigned table_find(const char *name) {
        unsigned i = 0;

        while (i < guard_table_count && strcmp(guard_tables[i], name) != 0)
                i++;
        return i;
}

/* What is said of a table that this version does not know binds nothing here. */
static int touches_note(Verifier *v, const LedgerRow *row) {
        for (size_t i = 0; i < row->touch_count; i++) {
                const LedgerTouch *touch = &row->touches[i];
                unsigned table = table_find(touch->table);

                if (table == guard_table_count)
                        continue;
                int r = touch_map_set(v->map, (uint8_t) table, touch->row,
                                      touch->deleted ? NULL : touch->hash, row->seq);
                if (r != 0)
                        return r;
        }
        return 0;
}

static void row_passed(Verifier *v, uint64_t seq, const uint8_t *hash) {
        v->report->rows++;
        v->seq = seq;
        memcpy(v->head, hash, LEDGER_HASH_SIZE);
}

static int row_judge(Verifier *v, const StoredRow *row, const LedgerParsed *parsed) {
        ErrorDetail why = {};

        bool follows = ledger_row_follows(&parsed->row, v->seq + 1, v->head, &why) == 0;
        if (!follows)
                ledger_breaks_add(v->report->chain, parsed->row.seq, v->head, why.text);
        v->acknowledges = parsed->code == EVENT_TAMPERING_ACKNOWLEDGED &&
                          (follows ||
                           ledger_breaks_named(parsed->row.facts, parsed->row.seq, v->head));
        if (v->acknowledges)
                ledger_breaks_acknowledge(v->report->chain, parsed->row.facts);
        int r = touches_note(v, &parsed->row);
        if (r == 0 && !columns_fit(row, parsed))
                r = found_column(v->report, row->seq);
        row_passed(v, parsed->row.seq, parsed->hash);
        return r;
}

static int row_unreadable(Verifier *v, const char *text, size_t size, const char *because) {
        uint8_t hash[LEDGER_HASH_SIZE];
        ErrorDetail why = {};

        int r = ledger_row_hash(text, size, hash);
        if (r != 0)
                return r;
        (void) error_set(&why, 0, "Row %" PRIu64 " of the ledger cannot be read: %s", v->seq + 1,
                         because);
        ledger_breaks_add(v->report->chain, v->seq + 1, v->head, why.text);
        v->acknowledges = false;
        row_passed(v, v->seq + 1, hash);
        return 0;
}

static void columns_take(Query *query, StoredRow *ret) {
        *ret = (StoredRow){};
        take_number(query, &ret->seq);
        take_number(query, &ret->time);
        take_text(query, ret->event, sizeof(ret->event));
        take_text(query, ret->seal, sizeof(ret->seal));
        take_text(query, ret->subject, sizeof(ret->subject));
        take_text(query, ret->state, sizeof(ret->state));
        take_array(query, ret->hash, sizeof(ret->hash));
        ret->readable = query_check(query) == 0;
        query->code = 0;
}

static int row_take(Verifier *v, Query *query) {
        _cleanup_(ledger_parsed_done) LedgerParsed parsed = {};
        ErrorDetail why = {};
        StoredRow row;

        columns_take(query, &row);
        const char *text = (const char *) sqlite3_column_text(query->statement, query->column);
        size_t size = (size_t) sqlite3_column_bytes(query->statement, query->column);
        if (!text) /* of no bytes, or memory is short */
                return sqlite3_errcode(v->store->db) == SQLITE_NOMEM
                               ? -ENOMEM
                               : row_unreadable(v, "", 0, "it is empty");
        int r = ledger_row_parse(text, size, &parsed, &why);
        if (r == 0)
                return row_judge(v, &row, &parsed);
        return r == TAMPERED ? row_unreadable(v, text, size, why.text) : r;
}

static int verify_tell(Verifier *v) {
        const VerifyOptions *o = v->options;

        if (v->done++ % TELL_EVERY != 0 || !o->progress)
                return 0;
        return o->progress(o->userdata, v->done, v->total > v->done ? v->total : v->done);
}

static int rows_verify(Verifier *v) {
        _cleanup_query_ Query query = query_new(
                v->store, "SELECT seq, time, event, seal, subject, state, hash, text FROM ledger"
                          " WHERE seq > ? ORDER BY seq");
        bool row = true;

        put_number(&query, v->options->from);
        for (;;) {
                int r = query_row(&query, &row);
                if (r == 0 && row)
                        r = row_take(v, &query);
                if (r == 0 && row)
                        r = anchors_take(v);
                if (r == 0 && row)
                        r = verify_tell(v);
                if (r != 0 || !row)
                        return r;
        }
}

static int ledger_verify(Verifier *v) {
        v->anchors = query_new(v->store, "SELECT id, seq, head, value, kind, done FROM anchor"
                                         " WHERE seq > ? ORDER BY id");
        put_number(&v->anchors, v->options->from);
        int r = anchor_next(v);
        if (r == 0)
                r = rows_verify(v);
        if (r == 0)
                anchors_end(v);
        query_end(&v->anchors);
        v->report->head_seq = v->seq;
        memcpy(v->report->head, v->head, sizeof(v->head));
        return r;
}

/* --- records ------------------------------------------------------------------------------------ */

/* A row of the guard against what the ledger has said; with the first rows unread it says itself. */
static int guard_judge(Verifier *v, unsigned table, int64_t row, const uint8_t *hash,
                       uint64_t seq) {
        TouchEntry *entry = touch_map_find(v->map, (uint8_t) table, row);

        if (!entry && seq <= v->options->from)
                return touch_map_set(v->map, (uint8_t) table, row, hash, seq);
        if (!entry || entry->seq != seq || entry->deleted != !hash ||
            (hash && memcmp(hash, entry->hash, LEDGER_HASH_SIZE) != 0))
                return found_guard(v->report, table, row);
        return 0;
}

static int guard_take(Verifier *v, Query *query, TouchMap *seen) {
        const void *hash = sqlite3_column_blob(query->statement, 2);
        int size = sqlite3_column_bytes(query->statement, 2);
        const char *name = (const char *) sqlite3_column_text(query->statement, 0);
        int64_t row = sqlite3_column_int64(query->statement, 1);
        uint64_t seq = (uint64_t) sqlite3_column_int64(query->statement, 3);
        unsigned table = name ? table_find(name) : guard_table_count;

        if (table == guard_table_count) {
                v->report->strangers = true;
                tell_first(v->report, "guard", (uint64_t) row,
                           "The register was changed behind sealsd's back: the guard has a row of "
                           "no table");
                return 0;
        }
        int r = touch_map_set(seen, (uint8_t) table, row, NULL, seq);
        if (r == 0 && hash && size != LEDGER_HASH_SIZE)
                return found_guard(v->report, table, row);
        return r == 0 ? guard_judge(v, table, row, hash, seq) : r;
}

/* Of what the ledger has spoken, and the guard does not. */
static int guard_missing(Verifier *v, TouchMap *seen) {
        size_t position = 0;
        int r = 0;

        for (TouchEntry *e; r == 0 && (e = touch_map_next(v->map, &position));)
                if (!touch_map_find(seen, e->table, e->row))
                        r = found_guard(v->report, e->table, e->row);
        return r;
}

static int guard_verify(Verifier *v) {
        _cleanup_(touch_map_freep) TouchMap *seen = NULL;
        _cleanup_query_ Query query = query_new(v->store, "SELECT tbl, row, hash, seq FROM guard");
        bool row = true;

        int r = touch_map_new(&seen);
        while (r == 0) {
                r = query_row(&query, &row);
                if (r != 0 || !row)
                        break;
                r = guard_take(v, &query, seen);
                if (r == 0)
                        r = verify_tell(v);
        }
        return r == 0 ? guard_missing(v, seen) : r;
}

/* The row of the ledger that gave a record this hash; 0: none did. Reads all of them. */
static int touch_find(Verifier *v, unsigned table, int64_t row, const uint8_t *hash,
                      uint64_t *ret) {
        _cleanup_query_ Query query = query_new(v->store, "SELECT coalesce(max(seq), 0) FROM ledger"
                                                          " WHERE instr(text, ?) > 0");
        char hex[2 * LEDGER_HASH_SIZE + 1], touch[160];

        (void) snprintf(touch, sizeof(touch), "[\"%s\",%" PRId64 ",\"%s\"]", guard_tables[table],
                        row, hex_encode(hash, LEDGER_HASH_SIZE, hex));
        put_text(&query, touch);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_number(&query, ret);
        return query_check(&query);
}

/* Of the first that is found it is worth to know whether it is put back or made up. */
static int record_differs(Verifier *v, unsigned table, int64_t row, const uint8_t *hash) {
        char what[96] = "is not as the ledger has it";
        uint64_t seq = 0;

        int r = v->report->place[0] == '\0' ? touch_find(v, table, row, hash, &seq) : 0;
        if (r != 0)
                return r;
        if (seq > 0)
                (void) snprintf(what, sizeof(what),
                                "is an older version, as row %" PRIu64 " of the ledger has it",
                                seq);
        return found_record(v->report, table, row, what);
}

static int record_judge(Verifier *v, unsigned table, int64_t row) {
        TouchEntry *entry = touch_map_find(v->map, (uint8_t) table, row);
        uint8_t hash[LEDGER_HASH_SIZE];
        bool there = false;

        if (!entry || entry->deleted)
                return found_record(v->report, table, row, "was added");
        entry->seen = true;
        int r = guard_hash(v->store, table, row, hash, &there);
        if (r != 0 || !there)
                return r;
        return memcmp(hash, entry->hash, sizeof(hash)) == 0 ? 0
                                                            : record_differs(v, table, row, hash);
}

static int table_verify(Verifier *v, unsigned table) {
        char sql[96];
        bool row = true;

        (void) snprintf(sql, sizeof(sql), "SELECT rowid FROM main.%s", guard_tables[table]);
        _cleanup_query_ Query query = query_new(v->store, sql);
        for (;;) {
                int r = query_row(&query, &row);
                if (r != 0 || !row)
                        return r;
                r = record_judge(v, table, sqlite3_column_int64(query.statement, 0));
                if (r == 0)
                        r = verify_tell(v);
                if (r != 0)
                        return r;
        }
}

static int records_missing(Verifier *v) {
        size_t position = 0;
        int r = 0;

        for (TouchEntry *e; r == 0 && (e = touch_map_next(v->map, &position));)
                if (!e->seen && !e->deleted)
                        r = found_record(v->report, e->table, e->row, "is missing");
        return r;
}

static int records_verify(Verifier *v) {
        int r = 0;

        for (unsigned i = 0; r == 0 && i < guard_table_count; i++)
                r = table_verify(v, i);
        return r == 0 ? records_missing(v) : r;
}

/* --- all of it ---------------------------------------------------------------------------------- */

/*
 * Who reaches the chip and the register can go on from another value as an acknowledgement does, but not
 * without the row: where nothing is broken it is counted all the same.
 */
static void chain_tell(const Verifier *v) {
        VerifyReport *report = v->report;
        const LedgerBreaks *chain = report->chain;

        report->acknowledged = chain->acknowledged + v->rebased;
        report->breaks = chain->count + chain->beyond + report->record_count +
                         report->column_count + report->strangers + report->schema +
                         report->indices;
        if (chain->count > 0 && !report->schema) {
                report->place[0] = '\0'; /* the chain before what hangs on it */
                tell_first(report, "ledger", chain->items[0].seq, chain->items[0].detail.text);
        }
}

static int on_integrity(void *userdata) {
        const Verifier *v = userdata;
        const VerifyOptions *o = v->options;

        return o->progress ? o->progress(o->userdata, v->done, v->total) : 0;
}

static int schema_verify(Verifier *v) {
        char what[ERROR_TEXT_MAX];

        int r = schema_compare(v->store, what, sizeof(what));
        if (r == 0 && what[0] != '\0')
                found_schema(v->report, what);
        return r;
}

static int indices_verify(Verifier *v) {
        char what[ERROR_TEXT_MAX];

        int r = schema_integrity(v->store, on_integrity, v, what, sizeof(what));
        if (r == 0 && what[0] != '\0')
                found_damage(v->report, what);
        return r;
}

static int contents_verify(Verifier *v) {
        const bool whole = v->options->from == 0;
        int r = ledger_verify(v);

        /* Where the first rows were not read, the guard stands for what they say. */
        if (r == 0 && !whole)
                r = guard_verify(v);
        if (r == 0)
                r = records_verify(v);
        /* Else last, so that an edited record is named by itself. */
        if (r == 0 && whole)
                r = guard_verify(v);
        /* As slow as all the rows. */
        return r == 0 && whole ? indices_verify(v) : r;
}

static int verify_all(Verifier *v) {
        int r = schema_verify(v);

        if (r == 0)
                r = store_read_number(v->store,
                                      "SELECT (SELECT count(*) FROM ledger) +"
                                      " 2 * (SELECT count(*) FROM guard)",
                                      &v->total);
        if (r == 0)
                r = contents_verify(v);
        /* What stands in a table's place cannot be read, and that is found. */
        return r != -ECANCELED && v->report->schema ? 0 : r;
}

int store_verify(Store *reader, const VerifyOptions *options, VerifyReport *ret,
                 ErrorDetail *detail) {
        _cleanup_(touch_map_freep) TouchMap *map = NULL;
        bool held = sqlite3_get_autocommit(reader->db) == 0;
        Verifier v = { .store = reader, .options = options, .report = ret, .seq = options->from };

        *ret = (VerifyReport){ .chain = calloc(1, sizeof(*ret->chain)) };
        memcpy(v.head, options->head, sizeof(v.head));
        memcpy(v.value, options->value, sizeof(v.value));
        int r = ret->chain ? touch_map_new(&map) : -ENOMEM;
        v.map = map;
        if (r == 0 && !held)
                r = store_execute(reader, "BEGIN"); /* one view of all tables */
        if (r == 0)
                r = verify_all(&v);
        if (!held)
                store_rollback(reader);
        if (r == 0)
                chain_tell(&v);
        else
                store_explain(reader, r, detail);
        return r;
}

/* --- acknowledging ------------------------------------------------------------------------------ */

static int break_append(json_t *breaks, uint64_t seq, const uint8_t *hash) {
        json_t *item = json_pack("{s:o, s:I}", "hash", json_hex(hash, LEDGER_HASH_SIZE), "seq",
                                 (json_int_t) seq);

        return json_array_append_new(breaks, item) == 0 ? 0 : -ENOMEM;
}

/* Breaks of ours: some are not found yet, and the acknowledgement itself may make one. */
static int seam_append(json_t *breaks, const Seam *seam, const VerifyReport *report) {
        return seam->seq == 0
                       ? 0
                       : break_append(breaks, seam->seq, seam->first ? report->head : seam->hash);
}

static int breaks_collect(Store *store, const VerifyReport *report, json_t *breaks) {
        const LedgerBreaks *chain = report->chain;
        Seam next = {};

        int r = ledger_seam(store, &next);
        if (r == 0)
                r = seam_append(breaks, &next, report);
        for (size_t i = 0; i < store->seam_count && r == 0; i++)
                r = seam_append(breaks, &store->seams[i], report);
        for (size_t i = 0; i < chain->count && r == 0; i++)
                r = break_append(breaks, chain->items[i].seq, chain->items[i].hash);
        return r;
}

static int facts_with_breaks(Store *store, const Event *event, const VerifyReport *report,
                             json_t **ret) {
        _cleanup_json_ json_t *facts = event->facts ? json_deep_copy(event->facts) : json_object();
        _cleanup_json_ json_t *breaks = json_array();

        int r = facts && breaks ? breaks_collect(store, report, breaks) : -ENOMEM;
        if (r != 0)
                return r;
        if (json_array_size(breaks) > 0 && json_object_set(facts, "breaks", breaks) < 0)
                return -ENOMEM;
        *ret = steal_ptr(facts);
        return 0;
}

/* The columns say what the text says; who reads by them finds the row where it belongs. */
static int column_mend(Store *store, uint64_t seq) {
        _cleanup_query_ Query read = query_new(store, "SELECT text FROM ledger WHERE seq = ?");
        _cleanup_query_ Query write = query_new(
                store, "UPDATE ledger SET time = ?, event = ?, seal = ?, subject = ?, state = ?,"
                       " hash = ? WHERE seq = ?");
        _cleanup_(ledger_parsed_done) LedgerParsed parsed = {};
        _cleanup_free_ char *text = NULL;

        put_number(&read, seq);
        int r = query_one(&read);
        if (r == 0)
                take_long_text(&read, &text, LEDGER_ROW_MAX);
        if (r == 0)
                r = query_check(&read);
        if (r == 0)
                r = ledger_row_parse(text, strlen(text), &parsed, NULL);
        if (r != 0) /* it has changed once more: then it is found once more */
                return r == TAMPERED || r == SEAL_E_NOT_FOUND ? 0 : r;
        put_number(&write, parsed.row.time);
        put_text(&write, parsed.row.event);
        put_text(&write, parsed.row.seal ? parsed.row.seal : "");
        put_text(&write, parsed.row.subject ? parsed.row.subject : "");
        put_text(&write, parsed.row.state ? parsed.row.state : "");
        put_bytes(&write, parsed.hash, sizeof(parsed.hash));
        put_number(&write, seq);
        return query_run(&write);
}

static int strangers_remove(Store *store) {
        char sql[512] = "DELETE FROM guard WHERE tbl NOT IN (''";
        size_t used = strlen(sql);

        for (unsigned i = 0; i < guard_table_count; i++)
                used += (size_t) snprintf(sql + used, sizeof(sql) - used, ", '%s'",
                                          guard_tables[i]);
        (void) snprintf(sql + used, sizeof(sql) - used, ")");
        return store_execute(store, sql);
}

static int acknowledge(Store *store, const Event *event, const VerifyReport *report) {
        _cleanup_json_ json_t *facts = NULL;
        Event with = *event;

        int r = facts_with_breaks(store, event, report, &facts);
        for (size_t i = 0; r == 0 && i < report->record_count; i++)
                r = guard_touch(store, report->records[i].table, report->records[i].row);
        for (size_t i = 0; r == 0 && i < report->column_count; i++)
                r = column_mend(store, report->columns[i]);
        if (r == 0 && report->strangers)
                r = strangers_remove(store);
        if (r == 0 && report->indices)
                r = store_execute(store, "REINDEX");
        with.facts = facts;
        return r == 0 ? store_event(store, &with) : r;
}

int store_acknowledge(Store *store, const Event *event, const VerifyReport *report) {
        bool own;

        if (report->chain->beyond > 0)
                return SEAL_E_LIMITS_EXCEEDED;
        int r = store_begin_own(store, &own);
        if (r == 0)
                r = store_end_own(store, own, acknowledge(store, event, report));
        if (r == 0)
                store->seam_count = 0;
        return r;
}
