/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that were written before there was a register key, encrypted a page at a time. */
#include <errno.h>
#include <stdlib.h>

#include "sealsd/store-internal.h"

typedef struct PlainTable {
        const char *name;
        const char *list, *count;
} PlainTable;

#define PLAIN_TABLE(name, id)                                                            \
        {                                                                                \
                name,                                                                    \
                        "SELECT " id " FROM " name " WHERE version = 0 AND " id          \
                        " > ? ORDER BY " id " LIMIT ?",                                  \
                        "SELECT count(*) FROM " name " WHERE version = 0 AND " id " > ?" \
        }

static const PlainTable tables[SEALED_TABLES] = {
        PLAIN_TABLE("request", "id"),      PLAIN_TABLE("decision", "row"),
        PLAIN_TABLE("seal", "id"),         PLAIN_TABLE("use_grant", "id"),
        PLAIN_TABLE("seal_birth", "seal"), PLAIN_TABLE("use_approval", "row"),
        PLAIN_TABLE("maker", "id"),
};

static int row_seal(Store *store, const char *table, uint64_t row) {
        _cleanup_plain_ char *text = NULL;

        int r = guard_check(store, table, row);
        if (r == 0)
                r = sealed_read(store, table, row, &text);
        return r != 0 ? r : sealed_write(store, table, row, text);
}

/* The rows are listed before the first is written: a list must not move under its reader. */
static int rows_find(Store *store, unsigned table, uint64_t *ids, size_t max, size_t *ret_count) {
        _cleanup_query_ Query query = query_new(store, tables[table].list);
        bool row = true;

        put_number(&query, store->sealed_up_to[table]);
        put_number(&query, max);
        for (*ret_count = 0; *ret_count < max;) {
                int r = query_row(&query, &row);
                if (r != 0 || !row)
                        return r;
                take_number(&query, &ids[*ret_count]);
                if (query_check(&query) != 0)
                        return query_check(&query);
                (*ret_count)++;
        }
        return 0;
}

/*
 * A row that is damaged, or not what the ledger says, is passed over: it is told of when it is
 * read.
 */
static int table_seal(Store *store, unsigned table, size_t max, size_t *ret_count,
                      uint64_t *ret_at) {
        _cleanup_free_ uint64_t *ids = calloc(max, sizeof(*ids));

        if (!ids)
                return -ENOMEM;
        int r = rows_find(store, table, ids, max, ret_count);
        for (size_t i = 0; i < *ret_count && r == 0; i++) {
                r = row_seal(store, tables[table].name, ids[i]);
                if (r == SEAL_E_REGISTER_TAMPERED)
                        r = 0;
                *ret_at = ids[i];
        }
        return r;
}

static int tables_seal(Store *store, size_t max, uint64_t *at) {
        int r = 0;

        for (unsigned i = 0; i < SEALED_TABLES && max > 0 && r == 0; i++) {
                size_t count = 0;

                r = table_seal(store, i, max, &count, &at[i]);
                max -= count;
        }
        return r;
}

static int rows_left(Store *store, unsigned table, uint64_t *left) {
        _cleanup_query_ Query query = query_new(store, tables[table].count);
        uint64_t count = 0;

        put_number(&query, store->sealed_up_to[table]);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_number(&query, &count);
        *left += count;
        return query_check(&query);
}

int store_seal_rows(Store *store, size_t max, uint64_t *ret_left) {
        uint64_t at[SEALED_TABLES], left = 0;
        bool own;

        if (!store_has_key(store))
                return SEAL_E_MACHINE_STATE_REFUSED;
        for (unsigned i = 0; i < SEALED_TABLES; i++)
                at[i] = store->sealed_up_to[i];
        int r = store_begin_own(store, &own);
        if (r == 0)
                r = store_end_own(store, own, tables_seal(store, max, at));
        for (unsigned i = 0; i < SEALED_TABLES && r == 0; i++) {
                store->sealed_up_to[i] = at[i];
                r = rows_left(store, i, &left);
        }
        if (r == 0)
                *ret_left = left;
        return r;
}
