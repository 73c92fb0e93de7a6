/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger's rows, and its anchors between them, read once. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "policy/index.h"
#include "sealsd/store-verifier.h"

#define TAMPERED SEAL_E_REGISTER_TAMPERED

/* --- anchors ---------------------------------------------------------------------------------- */

static int anchor_next(Verifier *v) {
        static const char *const kinds[] = { "extend", "rebase" };
        char kind[WORD_MAX + 1] = "";

        int r = query_row(&v->anchors, &v->anchor_there);
        if (r != 0 || !v->anchor_there)
                return r;
        v->anchor = (LedgerAnchor){};
        take_number(&v->anchors, &v->anchor.id);
        take_number(&v->anchors, &v->anchor.seq);
        take_array(&v->anchors, v->anchor.head, sizeof(v->anchor.head));
        take_array(&v->anchors, v->anchor.value, sizeof(v->anchor.value));
        take_text(&v->anchors, kind, sizeof(kind));
        take_bool(&v->anchors, &v->anchor.done);
        v->anchor.rebase = strcmp(kind, kinds[1]) == 0;
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

/* --- rows ------------------------------------------------------------------------------------- */

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

/* What is said of a table that this version does not know binds nothing here. */
static int touches_note(Verifier *v, const LedgerRow *row) {
        for (size_t i = 0; i < row->touch_count; i++) {
                const LedgerTouch *touch = &row->touches[i];
                unsigned table = guard_table_find(touch->table);

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
                r = report_column(v->report, row->seq);
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
                        r = verifier_tell(v);
                if (r != 0 || !row)
                        return r;
        }
}

int verify_ledger(Verifier *v) {
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
