/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A row of the register whose columns somebody else wrote: of any type, size and content, also of
 * those that the schema would not let in. Each is read within its bounds or refused by name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "sealsd/store-internal.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/register.h"

const unsigned fuzz_mutations = 3;

#define COLUMNS_MAX 128
#define CHANGES_MAX 8

/* The order is that of the seeds' first byte. */
static const char *const tables[] = {
        "installation", "nv_index", "machine_state", "request",  "decision", "seal",   "keeper",
        "counter",      "seal_use", "use_grant",     "reviewer", "ledger",   "anchor", "checkpoint",
};

#define TABLES (sizeof(tables) / sizeof(tables[0]))

typedef struct Columns {
        int count;
        char *names[COLUMNS_MAX];
} Columns;

/*
 * A temporary table stands before that of the same name in the register: the same columns and rows
 * without the types and checks of the schema.
 */
static void table_loosen(Store *store, const char *table, Columns *ret) {
        char sql[160];
        sqlite3_stmt *statement = NULL;

        (void) snprintf(sql, sizeof(sql), "SELECT * FROM main.%s", table);
        fuzz_demand(sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) == SQLITE_OK);
        ret->count = sqlite3_column_count(statement);
        fuzz_demand(ret->count <= COLUMNS_MAX);
        for (int i = 0; i < ret->count; i++)
                ret->names[i] = strdup(sqlite3_column_name(statement, i));
        (void) sqlite3_finalize(statement);
        (void) snprintf(sql, sizeof(sql), "CREATE TEMP TABLE %s AS SELECT * FROM main.%s", table,
                        table);
        fuzz_demand(store_execute(store, sql) == 0);
}

static Store *loose_register(Columns *columns) {
        Store *store = register_make(register_path(), true);

        store->begun = false; /* else what is changed is refused before it is read */

        for (size_t i = 0; i < TABLES; i++)
                table_loosen(store, tables[i], &columns[i]);
        return store;
}

static void bind(sqlite3_stmt *statement, Input *input) {
        uint8_t type = input_u8(input);
        Bytes bytes;

        switch (type % 6) {
        case 0:
                (void) sqlite3_bind_null(statement, 1);
                return;
        case 1:
                (void) sqlite3_bind_int64(statement, 1, (sqlite3_int64) input_u64(input));
                return;
        case 2:
                (void) sqlite3_bind_double(statement, 1, (double) input_u32(input) / 8);
                return;
        case 3:
                (void) sqlite3_bind_zeroblob(statement, 1, input_u16(input));
                return;
        case 4:
                bytes = input_field(input);
                (void) sqlite3_bind_text64(statement, 1, (const char *) bytes.data, bytes.size,
                                           SQLITE_TRANSIENT, SQLITE_UTF8);
                return;
        default:
                bytes = input_field(input);
                (void) sqlite3_bind_blob64(statement, 1, bytes.data, bytes.size, SQLITE_TRANSIENT);
        }
}

static void column_set(Store *store, const char *table, const char *column, Input *input) {
        sqlite3_stmt *statement = NULL;
        char sql[160];

        (void) snprintf(sql, sizeof(sql), "UPDATE temp.%s SET %s = ?", table, column);
        fuzz_demand(sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) == SQLITE_OK);
        bind(statement, input);
        fuzz_demand(sqlite3_step(statement) == SQLITE_DONE);
        (void) sqlite3_finalize(statement);
}

/* The table, then column and value in turn. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static Columns columns[TABLES];
        static Store *store;
        Input input = { .data = data, .size = size };

        if (!store)
                store = loose_register(columns);
        fuzz_demand(store_begin(store) == 0);
        size_t table = input_u8(&input) % TABLES;
        for (int i = 0; i < CHANGES_MAX && input.size > 0; i++) {
                int column = input_u8(&input) % columns[table].count;

                column_set(store, tables[table], columns[table].names[column], &input);
        }
        register_read_all(store);
        store_rollback(store);
        return 0;
}
