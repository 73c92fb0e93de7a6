/* SPDX-License-Identifier: Apache-2.0 */
/* A second connection that only reads, for what takes long beside the main thread. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sealsd/store-internal.h"
#include "sealsd/store-verify.h"

#define BUSY_TIMEOUT_MS 2000

static int reader_connect(Store *store) {
        int code = sqlite3_open_v2(
                store->path, &store->db,
                SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
        if (code == SQLITE_OK)
                code = sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
        if (code == SQLITE_OK)
                code = sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        if (code == SQLITE_OK)
                code = sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        if (code == SQLITE_OK)
                code = sqlite3_db_config(store->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
        return store_failure(store, code, store->path);
}

/* BEGIN alone takes no view; the first read does. */
int store_reader_hold(Store *reader) {
        uint64_t any;

        int r = store_execute(reader, "BEGIN");
        return r == 0 ? store_read_number(reader, "SELECT count(*) FROM installation", &any) : r;
}

int store_reader_open(Store **ret, const char *path, ErrorDetail *detail) {
        _cleanup_(store_closep) Store *store = calloc(1, sizeof(*store));

        if (!store)
                return -ENOMEM;
        store->reader = true;
        store->clock = clock_system();
        store->path = strdup(path);
        if (!store->path)
                return -ENOMEM;
        int r = reader_connect(store);
        if (r == 0)
                r = ledger_load(store);
        if (r != 0)
                store_explain(store, r, detail);
        else
                *ret = steal_ptr(store);
        return r;
}
