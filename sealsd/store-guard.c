/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What guards the rows: SQLite tells of every row of a guarded table that a transaction changes, so
 * that no function can forget one. Its hash goes into the ledger and, to be found again, into the
 * table guard.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/bytes.h"
#include "policy/openssl.h"
#include "sealsd/store-internal.h"

DEFINE_CLEANUP(EVP_MD_CTX, EVP_MD_CTX_free)

#define TOUCHES_FIRST 16

const char *const guard_tables[] = {
        "installation", "nv_index", "counter", "machine_state", "request",  "decision",
        "seal",         "seal_use", "keeper",  "use_grant",     "reviewer",
};

#define TABLES (sizeof(guard_tables) / sizeof(guard_tables[0]))
const unsigned guard_table_count = TABLES;

#define ROW_OF(table) "SELECT * FROM main." table " WHERE rowid = ?"

static const char *const row_statements[TABLES] = {
        ROW_OF("installation"), ROW_OF("nv_index"),  ROW_OF("counter"),  ROW_OF("machine_state"),
        ROW_OF("request"),      ROW_OF("decision"),  ROW_OF("seal"),     ROW_OF("seal_use"),
        ROW_OF("keeper"),       ROW_OF("use_grant"), ROW_OF("reviewer"),
};

#define ROWS_OF(table) "SELECT rowid FROM main." table

static const char *const rowid_statements[TABLES] = {
        ROWS_OF("installation"),  ROWS_OF("nv_index"), ROWS_OF("counter"),
        ROWS_OF("machine_state"), ROWS_OF("request"),  ROWS_OF("decision"),
        ROWS_OF("seal"),          ROWS_OF("seal_use"), ROWS_OF("keeper"),
        ROWS_OF("use_grant"),     ROWS_OF("reviewer"),
};

static unsigned table_find(const char *name) {
        unsigned i = 0;

        while (i < TABLES && strcmp(guard_tables[i], name) != 0)
                i++;
        return i;
}

int store_tampered(Store *store, const char *table, uint64_t row, const char *how) {
        return error_set(&store->damage, SEAL_E_REGISTER_TAMPERED,
                         "The register was changed behind sealsd's back: row %" PRIu64
                         " of table %s: %s; an administrator looks at it with 'sealctl ledger "
                         "verify'",
                         row, table, how);
}

/* --- what changes ----------------------------------------------------------------------------- */

static void touch(Store *store, unsigned table, int64_t row) {
        Pending *pending = &store->pending;
        const Touch *last = pending->touch_count > 0 ? &pending->touches[pending->touch_count - 1]
                                                     : NULL;

        if (last && last->table == table && last->row == row)
                return;
        if (pending->touch_count == pending->touch_size) {
                size_t size = pending->touch_size > 0 ? 2 * pending->touch_size : TOUCHES_FIRST;
                Touch *touches = reallocarray(pending->touches, size, sizeof(*touches));

                if (!touches) {
                        pending->short_of_memory = true;
                        return;
                }
                pending->touches = touches;
                pending->touch_size = size;
        }
        pending->touches[pending->touch_count++] = (Touch){ table, row };
}

/* SQLite: not for tables without row ids, and not for a DELETE without WHERE. */
static void on_update(void *userdata, int operation, const char *database, const char *name,
                      sqlite3_int64 row) {
        Store *store = userdata;
        unsigned table = table_find(name);

        (void) operation;
        if ((store->begun || store->pending.begins) && table < TABLES &&
            strcmp(database, "main") == 0)
                touch(store, table, row);
}

void guard_watch(Store *store) {
        (void) sqlite3_update_hook(store->db, on_update, store);
}

static int table_touch_all(Store *store, unsigned table) {
        _cleanup_query_ Query query = query_new(store, rowid_statements[table]);
        bool row = true;

        for (;;) {
                int r = query_row(&query, &row);
                if (r != 0 || !row)
                        return r;
                touch(store, table, sqlite3_column_int64(query.statement, 0));
        }
}

int guard_touch_all(Store *store) {
        int r = 0;

        for (unsigned i = 0; i < TABLES && r == 0; i++)
                r = table_touch_all(store, i);
        return r;
}

/* --- hashes ----------------------------------------------------------------------------------- */

/* SQLite's type, the length of what follows, and that: numbers in 8 bytes. */
static bool column_hash(EVP_MD_CTX *context, sqlite3_stmt *statement, int column) {
        int type = sqlite3_column_type(statement, column);
        uint8_t head[1 + 4 + 8];
        Writer writer = writer_over(head, sizeof(head));
        const void *data = NULL;
        size_t size = 0;

        if (type == SQLITE_TEXT || type == SQLITE_BLOB) {
                data = sqlite3_column_blob(statement, column);
                size = (size_t) sqlite3_column_bytes(statement, column);
        }
        writer_put_u8(&writer, (uint8_t) type);
        writer_put_u32(&writer, type == SQLITE_INTEGER ? 8 : (uint32_t) size);
        if (type == SQLITE_INTEGER)
                writer_put_u64(&writer, (uint64_t) sqlite3_column_int64(statement, column));
        return EVP_DigestUpdate(context, head, writer.used) == 1 &&
               (size == 0 || (data && EVP_DigestUpdate(context, data, size) == 1));
}

static bool row_hash(EVP_MD_CTX *context, const char *table, int64_t row, sqlite3_stmt *statement,
                     uint8_t *ret) {
        uint8_t head[64];
        Writer writer = writer_over(head, sizeof(head));

        writer_put(&writer, "sealsd/row", sizeof("sealsd/row"));
        writer_put(&writer, table, strlen(table) + 1);
        writer_put_u64(&writer, (uint64_t) row);
        if (writer.overflow || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1 ||
            EVP_DigestUpdate(context, head, writer.used) != 1)
                return false;
        for (int i = 0; i < sqlite3_column_count(statement); i++)
                if (!column_hash(context, statement, i))
                        return false;
        return EVP_DigestFinal_ex(context, ret, NULL) == 1;
}

int guard_hash(Store *store, unsigned table, int64_t row, uint8_t ret[static LEDGER_HASH_SIZE],
               bool *ret_there) {
        _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *context = NULL;
        _cleanup_query_ Query query = query_kept(store, row_statements[table]);
        bool there;

        if (query.code == 0 && sqlite3_bind_int64(query.statement, 1, row) != SQLITE_OK)
                return -ENOMEM;
        int r = query_row(&query, &there);
        if (r != 0)
                return r;
        if (there) {
                context = EVP_MD_CTX_new();
                if (!context || !row_hash(context, guard_tables[table], row, query.statement, ret))
                        return openssl_short();
        }
        *ret_there = there;
        return 0;
}

/* --- at the end of a transaction -------------------------------------------------------------- */

static int touch_compare(const void *a, const void *b) {
        const Touch *x = a, *y = b;

        if (x->table != y->table)
                return x->table < y->table ? -1 : 1;
        return x->row < y->row ? -1 : x->row > y->row;
}

static size_t touches_unite(Touch *touches, size_t count) {
        size_t used = 0;

        if (count > 1)
                qsort(touches, count, sizeof(*touches), touch_compare);
        for (size_t i = 0; i < count; i++)
                if (used == 0 || touch_compare(&touches[used - 1], &touches[i]) != 0)
                        touches[used++] = touches[i];
        return used;
}

int guard_collect(Store *store, LedgerTouch **ret, size_t *ret_count) {
        Pending *pending = &store->pending;
        _cleanup_free_ LedgerTouch *touches = NULL;

        pending->touch_count = touches_unite(pending->touches, pending->touch_count);
        touches = calloc(pending->touch_count + 1, sizeof(*touches));
        if (!touches)
                return -ENOMEM;
        for (size_t i = 0; i < pending->touch_count; i++) {
                const Touch *from = &pending->touches[i];
                bool there = false;

                touches[i].table = guard_tables[from->table];
                touches[i].row = from->row;
                int r = guard_hash(store, from->table, from->row, touches[i].hash, &there);
                if (r != 0)
                        return r;
                touches[i].deleted = !there;
        }
        *ret = steal_ptr(touches);
        *ret_count = pending->touch_count;
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

/* *ret_size 0: the row was deleted, by what the guard says. */
static int guard_read(Store *store, const char *table, uint64_t row,
                      uint8_t ret[static LEDGER_HASH_SIZE], bool *ret_there) {
        _cleanup_query_ Query query = query_kept(
                store, "SELECT hash FROM guard WHERE tbl = ? AND row = ? AND hash IS NOT NULL");

        put_text(&query, table);
        put_number(&query, row);
        int r = query_row(&query, ret_there);
        if (r != 0 || !*ret_there)
                return r;
        take_array(&query, ret, LEDGER_HASH_SIZE);
        return query_check(&query);
}

int guard_check(Store *store, const char *name, uint64_t row) {
        uint8_t known[LEDGER_HASH_SIZE], found[LEDGER_HASH_SIZE];
        unsigned table = table_find(name);
        bool is_known = false, there = false;

        if (!store->begun || touched(store, table, (int64_t) row))
                return 0;
        int r = guard_read(store, name, row, known, &is_known);
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
