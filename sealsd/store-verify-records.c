/* SPDX-License-Identifier: Apache-2.0 */
/* The guard, and the records, against what the ledger's rows have said of them. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "sealsd/store-verifier.h"

/*
 * A row of the guard against what the ledger has said; with the first rows unread it says itself.
 */
static int guard_judge(Verifier *v, unsigned table, int64_t row, const uint8_t *hash,
                       uint64_t seq) {
        TouchEntry *entry = touch_map_find(v->map, (uint8_t) table, row);

        if (!entry && seq <= v->options->from)
                return touch_map_set(v->map, (uint8_t) table, row, hash, seq);
        if (!entry || entry->seq != seq || entry->deleted != !hash ||
            (hash && memcmp(hash, entry->hash, LEDGER_HASH_SIZE) != 0))
                return report_guard(v->report, table, row);
        return 0;
}

static int guard_take(Verifier *v, Query *query, TouchMap *seen) {
        const void *hash = sqlite3_column_blob(query->statement, 2);
        int size = sqlite3_column_bytes(query->statement, 2);
        const char *name = (const char *) sqlite3_column_text(query->statement, 0);
        int64_t row = sqlite3_column_int64(query->statement, 1);
        uint64_t seq = (uint64_t) sqlite3_column_int64(query->statement, 3);
        unsigned table = name ? guard_table_find(name) : guard_table_count;

        if (table == guard_table_count) {
                v->report->strangers = true;
                report_first(
                        v->report, "guard", (uint64_t) row,
                        "The register was changed behind sealsd's back: the guard has a row of "
                        "no table");
                return 0;
        }
        int r = touch_map_set(seen, (uint8_t) table, row, NULL, seq);
        if (r == 0 && hash && size != LEDGER_HASH_SIZE)
                return report_guard(v->report, table, row);
        return r == 0 ? guard_judge(v, table, row, hash, seq) : r;
}

/* Of what the ledger has spoken, and the guard does not. */
static int guard_missing(Verifier *v, TouchMap *seen) {
        size_t position = 0;
        int r = 0;

        for (TouchEntry *e; r == 0 && (e = touch_map_next(v->map, &position));)
                if (!touch_map_find(seen, e->table, e->row))
                        r = report_guard(v->report, e->table, e->row);
        return r;
}

int verify_guard(Verifier *v) {
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
                        r = verifier_tell(v);
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
        return report_record(v->report, table, row, what);
}

static int record_judge(Verifier *v, unsigned table, int64_t row) {
        TouchEntry *entry = touch_map_find(v->map, (uint8_t) table, row);
        uint8_t hash[LEDGER_HASH_SIZE];
        bool there = false;

        if (!entry || entry->deleted)
                return report_record(v->report, table, row, "was added");
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
                        r = verifier_tell(v);
                if (r != 0)
                        return r;
        }
}

static int records_missing(Verifier *v) {
        size_t position = 0;
        int r = 0;

        for (TouchEntry *e; r == 0 && (e = touch_map_next(v->map, &position));)
                if (!e->seen && !e->deleted)
                        r = report_record(v->report, e->table, e->row, "is missing");
        return r;
}

int verify_records(Verifier *v) {
        int r = 0;

        for (unsigned i = 0; r == 0 && i < guard_table_count; i++)
                r = table_verify(v, i);
        return r == 0 ? records_missing(v) : r;
}
