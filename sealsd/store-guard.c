/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What guards the rows: SQLite tells of every row of a guarded table that a transaction changes, so
 * that no function can forget one. Its hash goes into the ledger and, to be found again, into the
 * table guard. The row as it was before has to be what the ledger says, else changing it would make
 * good what somebody else wrote into it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/bytes.h"
#include "base/log.h"
#include "policy/openssl.h"
#include "sealsd/store-internal.h"

#define TOUCHES_FIRST 16

const char *const guard_tables[] = {
        "installation",    "nv_index",    "counter",       "machine_state", "request",
        "decision",        "seal",        "seal_use",      "keeper",        "use_grant",
        "reviewer",        "seal_policy", "approver",      "seal_birth",    "use_approval",
        "use_result",      "state_bit",   "use_given",     "maker",         "certificate",
        "revocation_list", "picture",     "use_structure",
};

#define TABLES (sizeof(guard_tables) / sizeof(guard_tables[0]))
const unsigned guard_table_count = TABLES;

#define ROW_OF(table) "SELECT * FROM main." table " WHERE rowid = ?"

static const char *const row_statements[TABLES] = {
        ROW_OF("installation"),  ROW_OF("nv_index"),      ROW_OF("counter"),
        ROW_OF("machine_state"), ROW_OF("request"),       ROW_OF("decision"),
        ROW_OF("seal"),          ROW_OF("seal_use"),      ROW_OF("keeper"),
        ROW_OF("use_grant"),     ROW_OF("reviewer"),      ROW_OF("seal_policy"),
        ROW_OF("approver"),      ROW_OF("seal_birth"),    ROW_OF("use_approval"),
        ROW_OF("use_result"),    ROW_OF("state_bit"),     ROW_OF("use_given"),
        ROW_OF("maker"),         ROW_OF("certificate"),   ROW_OF("revocation_list"),
        ROW_OF("picture"),       ROW_OF("use_structure"),
};

#define ROWS_OF(table) "SELECT rowid FROM main." table

static const char *const rowid_statements[TABLES] = {
        ROWS_OF("installation"),  ROWS_OF("nv_index"),      ROWS_OF("counter"),
        ROWS_OF("machine_state"), ROWS_OF("request"),       ROWS_OF("decision"),
        ROWS_OF("seal"),          ROWS_OF("seal_use"),      ROWS_OF("keeper"),
        ROWS_OF("use_grant"),     ROWS_OF("reviewer"),      ROWS_OF("seal_policy"),
        ROWS_OF("approver"),      ROWS_OF("seal_birth"),    ROWS_OF("use_approval"),
        ROWS_OF("use_result"),    ROWS_OF("state_bit"),     ROWS_OF("use_given"),
        ROWS_OF("maker"),         ROWS_OF("certificate"),   ROWS_OF("revocation_list"),
        ROWS_OF("picture"),       ROWS_OF("use_structure"),
};

unsigned guard_table_find(const char *name) {
        unsigned i = 0;

        while (i < TABLES && strcmp(guard_tables[i], name) != 0)
                i++;
        return i;
}

int store_tampered(Store *store, const char *table, uint64_t row, const char *how) {
        return error_set(
                &store->damage, SEAL_E_REGISTER_TAMPERED,
                "The register was changed behind sealsd's back: row %" PRIu64
                " of table %s: %s; an administrator looks at it with 'sealctl ledger check'",
                row, table, how);
}

/* --- hashes ----------------------------------------------------------------------------------- */

typedef struct Cell {
        int type; /* SQLite's */
        int64_t number;
        const void *data;
        int size;
} Cell;

/* SQLite's type, the length of what follows, and that: numbers in 8 bytes. */
static bool cell_hash(EVP_MD_CTX *context, const Cell *cell) {
        bool number = cell->type == SQLITE_INTEGER;
        bool bytes = cell->type == SQLITE_TEXT || cell->type == SQLITE_BLOB;
        size_t size = bytes ? (size_t) cell->size : 0;
        uint8_t head[1 + 4 + 8];
        Writer writer = writer_over(head, sizeof(head));

        writer_put_u8(&writer, (uint8_t) cell->type);
        writer_put_u32(&writer, number ? 8 : (uint32_t) size);
        if (number)
                writer_put_u64(&writer, (uint64_t) cell->number);
        return EVP_DigestUpdate(context, head, writer.used) == 1 &&
               (size == 0 || (cell->data && EVP_DigestUpdate(context, cell->data, size) == 1));
}

static EVP_MD_CTX *hash_begin(const char *table, int64_t row) {
        _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *context = EVP_MD_CTX_new();
        uint8_t head[64];
        Writer writer = writer_over(head, sizeof(head));

        writer_put(&writer, "sealsd/row", sizeof("sealsd/row"));
        writer_put(&writer, table, strlen(table) + 1);
        writer_put_u64(&writer, (uint64_t) row);
        if (!context || writer.overflow || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1 ||
            EVP_DigestUpdate(context, head, writer.used) != 1)
                return NULL;
        return steal_ptr(context);
}

static bool row_hash(sqlite3_stmt *statement, const char *table, int64_t row, uint8_t *ret) {
        _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *context = hash_begin(table, row);

        for (int i = 0; context && i < sqlite3_column_count(statement); i++) {
                Cell cell = { .type = sqlite3_column_type(statement, i) };

                if (cell.type == SQLITE_INTEGER)
                        cell.number = sqlite3_column_int64(statement, i);
                else {
                        cell.data = sqlite3_column_blob(statement, i);
                        cell.size = sqlite3_column_bytes(statement, i);
                }
                if (!cell_hash(context, &cell))
                        return false;
        }
        return context && EVP_DigestFinal_ex(context, ret, NULL) == 1;
}

/* In the hook: the row as it was. */
static bool row_hash_before(sqlite3 *db, const char *table, int64_t row, uint8_t *ret) {
        _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *context = hash_begin(table, row);

        for (int i = 0; context && i < sqlite3_preupdate_count(db); i++) {
                sqlite3_value *value = NULL;

                if (sqlite3_preupdate_old(db, i, &value) != SQLITE_OK)
                        return false;
                Cell cell = { .type = sqlite3_value_type(value) };
                if (cell.type == SQLITE_INTEGER)
                        cell.number = sqlite3_value_int64(value);
                else {
                        cell.data = sqlite3_value_blob(value);
                        cell.size = sqlite3_value_bytes(value);
                }
                if (!cell_hash(context, &cell))
                        return false;
        }
        return context && EVP_DigestFinal_ex(context, ret, NULL) == 1;
}

int guard_hash(Store *store, unsigned table, int64_t row, uint8_t ret[static LEDGER_HASH_SIZE],
               bool *ret_there) {
        _cleanup_query_ Query query = query_kept(store, row_statements[table]);
        bool there;

        if (query.code == 0 && sqlite3_bind_int64(query.statement, 1, row) != SQLITE_OK)
                return -ENOMEM;
        int r = query_row(&query, &there);
        if (r != 0)
                return r;
        if (there && !row_hash(query.statement, guard_tables[table], row, ret))
                return openssl_short();
        *ret_there = there;
        return 0;
}

/* --- what changes ----------------------------------------------------------------------------- */

/* The place of the next touch, NULL without memory. */
static Touch *touch_next(Pending *pending) {
        if (pending->touch_count == pending->touch_size) {
                size_t size = pending->touch_size > 0 ? 2 * pending->touch_size : TOUCHES_FIRST;
                Touch *touches = reallocarray(pending->touches, size, sizeof(*touches));

                if (!touches)
                        return NULL;
                pending->touches = touches;
                pending->touch_size = size;
        }
        return &pending->touches[pending->touch_count];
}

/* was: there before, and still what it was then. */
static void touch(Store *store, unsigned table, int64_t row, bool was) {
        Pending *pending = &store->pending;
        const Touch *last = pending->touch_count > 0 ? &pending->touches[pending->touch_count - 1]
                                                     : NULL;

        if (last && last->table == table && last->row == row)
                return;
        Touch *next = touch_next(pending);
        if (!next) {
                pending->short_of_memory = true;
                return;
        }
        *next = (Touch){ .table = table, .row = row, .order = pending->touch_count, .was = was };
        if (was && !row_hash_before(store->db, guard_tables[table], row, next->before))
                pending->short_of_memory = true;
        pending->touch_count++;
}

/* SQLite, before each change: row is the old one's number, and to that of the new one. */
static void on_change(void *userdata, sqlite3 *db, int operation, const char *database,
                      const char *name, sqlite3_int64 row, sqlite3_int64 to) {
        Store *store = userdata;
        unsigned table = guard_table_find(name);

        (void) db;
        if ((!store->begun && !store->pending.begins) || table == TABLES ||
            strcmp(database, "main") != 0)
                return;
        touch(store, table, operation == SQLITE_INSERT ? to : row, operation != SQLITE_INSERT);
        if (operation == SQLITE_UPDATE && to != row)
                touch(store, table, to, false);
}

void guard_watch(Store *store) {
        (void) sqlite3_preupdate_hook(store->db, on_change, store);
}

int guard_touch(Store *store, unsigned table, int64_t row) {
        Touch *next = touch_next(&store->pending);

        if (!next)
                return -ENOMEM;
        *next = (Touch){
                .table = table,
                .row = row,
                .order = store->pending.touch_count++,
                .accepted = true,
        };
        return 0;
}

static int table_touch_all(Store *store, unsigned table) {
        _cleanup_query_ Query query = query_new(store, rowid_statements[table]);
        bool row = true;

        for (;;) {
                int r = query_row(&query, &row);
                if (r != 0 || !row)
                        return r;
                touch(store, table, sqlite3_column_int64(query.statement, 0), false);
        }
}

int guard_touch_all(Store *store) {
        int r = 0;

        for (unsigned i = 0; i < TABLES && r == 0; i++)
                r = table_touch_all(store, i);
        return r;
}

/* --- at the end of a transaction -------------------------------------------------------------- */

/* What the guard says; not there: it knows of no such row, or that it was deleted. */
static int guard_read(Store *store, const char *table, int64_t row,
                      uint8_t ret[static LEDGER_HASH_SIZE], bool *ret_there) {
        _cleanup_query_ Query query = query_kept(
                store, "SELECT hash FROM guard WHERE tbl = ? AND row = ? AND hash IS NOT NULL");

        put_text(&query, table);
        if (query.code == 0 &&
            sqlite3_bind_int64(query.statement, ++query.parameter, row) != SQLITE_OK)
                return -ENOMEM;
        int r = query_row(&query, ret_there);
        if (r != 0 || !*ret_there)
                return r;
        take_array(&query, ret, LEDGER_HASH_SIZE);
        return query_check(&query);
}

static int touch_compare(const void *a, const void *b) {
        const Touch *x = a, *y = b;

        if (x->table != y->table)
                return x->table < y->table ? -1 : 1;
        if (x->row != y->row)
                return x->row < y->row ? -1 : 1;
        return x->order < y->order ? -1 : x->order > y->order;
}

/* Each row once, with what it was before the first change. */
static size_t touches_unite(Touch *touches, size_t count) {
        size_t used = 0;

        if (count > 1)
                qsort(touches, count, sizeof(*touches), touch_compare);
        for (size_t i = 0; i < count; i++) {
                Touch *last = used > 0 ? &touches[used - 1] : NULL;

                if (!last || last->table != touches[i].table || last->row != touches[i].row)
                        touches[used++] = touches[i];
                else
                        last->accepted = last->accepted || touches[i].accepted;
        }
        return used;
}

/* *ret false: a row that was not what the ledger says and that stays marked so. */
static int touch_judge(Store *store, const Touch *touch, bool *ret) {
        uint8_t known[LEDGER_HASH_SIZE];
        const char *table = guard_tables[touch->table];
        bool is_known = false;

        *ret = true;
        if (store->pending.begins || touch->accepted)
                return 0;
        int r = guard_read(store, table, touch->row, known, &is_known);
        if (r == SEAL_E_REGISTER_TAMPERED)
                is_known = !touch->was;
        else if (r != 0)
                return r;
        if (is_known == touch->was &&
            (!is_known || memcmp(known, touch->before, sizeof(known)) == 0))
                return 0;
        r = store_tampered(store, table, (uint64_t) touch->row, "it was not as the ledger has it");
        log_error("%s", store->damage.text);
        *ret = false;
        return store->pending.forced ? 0 : r;
}

static int touch_finish(Store *store, const Touch *touch, LedgerTouch *ret) {
        bool there = false;

        int r = guard_hash(store, touch->table, touch->row, ret->hash, &there);
        ret->table = guard_tables[touch->table];
        ret->row = touch->row;
        ret->deleted = !there;
        return r;
}

int guard_collect(Store *store, LedgerTouch **ret, size_t *ret_count) {
        Pending *pending = &store->pending;
        _cleanup_free_ LedgerTouch *touches = NULL;
        size_t count = 0;

        pending->touch_count = touches_unite(pending->touches, pending->touch_count);
        touches = calloc(pending->touch_count + 1, sizeof(*touches));
        if (!touches)
                return -ENOMEM;
        for (size_t i = 0; i < pending->touch_count; i++) {
                bool good = false;

                int r = touch_judge(store, &pending->touches[i], &good);
                if (r == 0 && good)
                        r = touch_finish(store, &pending->touches[i], &touches[count++]);
                if (r != 0)
                        return r;
        }
        *ret = steal_ptr(touches);
        *ret_count = count;
        return 0;
}

int guard_write(Store *store, const LedgerTouch *touch, uint64_t seq) {
        _cleanup_query_ Query query = query_kept(
                store, "INSERT INTO guard (tbl, row, hash, seq) VALUES (?, ?, ?, ?)"
                       " ON CONFLICT (tbl, row) DO UPDATE SET hash = excluded.hash,"
                       " seq = excluded.seq");

        put_text(&query, touch->table);
        if (query.code == 0 &&
            sqlite3_bind_int64(query.statement, ++query.parameter, touch->row) != SQLITE_OK)
                return -ENOMEM;
        put_bytes(&query, touch->deleted ? NULL : touch->hash,
                  touch->deleted ? 0 : sizeof(touch->hash));
        put_number(&query, seq);
        return query_run(&query);
}

/* --- rows that are read ----------------------------------------------------------------------- */

static bool touched(const Store *store, unsigned table, int64_t row) {
        for (size_t i = 0; i < store->pending.touch_count; i++)
                if (store->pending.touches[i].table == table &&
                    store->pending.touches[i].row == row)
                        return true;
        return false;
}

int guard_check(Store *store, const char *name, uint64_t row) {
        uint8_t known[LEDGER_HASH_SIZE], found[LEDGER_HASH_SIZE];
        unsigned table = guard_table_find(name);
        bool is_known = false, there = false;

        if (!store->begun || touched(store, table, (int64_t) row))
                return 0;
        int r = guard_read(store, name, (int64_t) row, known, &is_known);
        if (r == 0)
                r = guard_hash(store, table, (int64_t) row, found, &there);
        if (r != 0)
                return r;
        if (is_known != there)
                return store_tampered(store, name, row, there ? "it was added" : "it is missing");
        if (there && memcmp(known, found, sizeof(known)) != 0)
                return store_tampered(store, name, row, "it is not as the ledger has it");
        return 0;
}
