/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "sealsd/store-internal.h"

/* Somebody looking in with the sqlite3 program must not make a call fail. */
#define BUSY_TIMEOUT_MS 2000

/*
 * SQLite would create the file by the process's umask. Its journals take the file's mode. An
 * existing file is not opened here: closing it would drop the locks of other connections
 * (fcntl(2)).
 */
static int file_prepare(const char *path) {
        struct stat st;

        _cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd >= 0)
                return 0;
        if (errno != EEXIST || lstat(path, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EINVAL;
        /*
         * SQLite would make do with reading, and its journals would be as unwritable from then on.
         */
        if ((st.st_mode & 0600) != 0600)
                return -EACCES;
        if (st.st_mode & 0077 && chmod(path, 0600) < 0)
                return -errno;
        return 0;
}

static int config_set(Store *store, int option, int value) {
        return store_failure(store, sqlite3_db_config(store->db, option, value, NULL),
                             "configuration");
}

/* Nothing here writes to the file. */
static int connection_open(Store *store, const char *path) {
        int code = sqlite3_open_v2(
                path, &store->db,
                SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
        if (code != SQLITE_OK)
                return store_failure(store, code, path);
        int r = store_failure(store, sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS), "timeout");
        if (r == 0)
                r = config_set(store, SQLITE_DBCONFIG_DEFENSIVE, 1);
        if (r == 0)
                r = config_set(store, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0);
        /* The schema has neither: whoever put one there would have each write do his will. */
        if (r == 0)
                r = config_set(store, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0);
        if (r == 0)
                r = config_set(store, SQLITE_DBCONFIG_ENABLE_VIEW, 0);
        if (r == 0)
                r = config_set(store, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1);
        return r;
}

static int journal_set(Store *store) {
        _cleanup_query_ Query query = query_new(store, "PRAGMA journal_mode=WAL");
        char mode[16] = "";

        query.alone = true;
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_text(&query, mode, sizeof(mode));
        if (query_check(&query) != 0 || strcmp(mode, "wal") != 0) {
                log_error("Register: journal mode is '%s', not wal", mode);
                return SEAL_E_STORAGE_FAILURE;
        }
        return 0;
}

/*
 * Set, then read back: SQLite ignores a pragma that it does not know or cannot set.
 * synchronous=FULL makes each commit durable in WAL mode too; secure_delete leaves no erased blob
 * in the file.
 */
static int pragmas_set(Store *store) {
        static const struct {
                const char *set, *get;
                uint64_t value;
        } pragmas[] = {
                { "PRAGMA synchronous=FULL", "PRAGMA synchronous", 2 },
                { "PRAGMA foreign_keys=ON", "PRAGMA foreign_keys", 1 },
                { "PRAGMA secure_delete=ON", "PRAGMA secure_delete", 1 },
                { "PRAGMA trusted_schema=OFF", "PRAGMA trusted_schema", 0 },
                { "PRAGMA cell_size_check=ON", "PRAGMA cell_size_check", 1 },
                { "PRAGMA temp_store=MEMORY", "PRAGMA temp_store", 2 },
        };

        for (size_t i = 0; i < sizeof(pragmas) / sizeof(pragmas[0]); i++) {
                uint64_t value = UINT64_MAX;
                int r = store_execute(store, pragmas[i].set);

                if (r == 0)
                        r = store_read_number(store, pragmas[i].get, &value);
                if (r != 0)
                        return r;
                if (value != pragmas[i].value) {
                        log_error("Register: '%s' has no effect", pragmas[i].set);
                        return SEAL_E_STORAGE_FAILURE;
                }
        }
        return journal_set(store);
}

static int store_prepare(Store *store, const char *path, ErrorDetail *detail) {
        int r = connection_open(store, path);
        if (r == 0)
                r = schema_check(store, detail);
        if (r == 0)
                r = config_set(store, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0);
        if (r == 0)
                r = pragmas_set(store);
        if (r == 0)
                r = schema_migrate(store);
        if (r == 0)
                r = ledger_load(store);
        if (r == 0)
                r = store_watch_files(store);
        if (r == 0)
                r = store_foreign_write(store, &(bool){ false });
        guard_watch(store);
        if (r == SEAL_E_STORAGE_FAILURE || r == SEAL_E_REGISTER_TAMPERED) {
                ErrorDetail why = {};

                store_explain(store, r, &why);
                return error_set(detail, r, "%s: %s", path, error_describe(r, &why));
        }
        return r;
}

int store_open(Store **ret, const char *path, ErrorDetail *detail) {
        _cleanup_(store_closep) Store *store = calloc(1, sizeof(*store));
        if (!store)
                return -ENOMEM;
        store->clock = clock_system();
        store->path = strdup(path);
        if (!store->path)
                return -ENOMEM;
        int r = file_prepare(path);
        if (r != 0)
                return error_set(detail, SEAL_E_STORAGE_FAILURE, "The register %s: %s", path,
                                 store_errno_text(-r));
        r = store_prepare(store, path, detail);
        if (r == 0)
                *ret = steal_ptr(store);
        return r;
}

Store *store_close(Store *store) {
        if (!store)
                return NULL;
        query_forget_all(store);
        int code = sqlite3_close(store->db);
        if (code != SQLITE_OK)
                log_error("Register: close: %s", sqlite3_errstr(code));
        pending_drop(store);
        free(store->path);
        free(store);
        return NULL;
}

void store_set_clock(Store *store, Clock clock) {
        store->clock = clock;
}

int store_purge(Store *store) {
        int r = store_recover(store);
        if (r != 0)
                return r;
        int code = sqlite3_wal_checkpoint_v2(store->db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL,
                                             NULL);
        return (code & 0xff) == SQLITE_BUSY ? SEAL_E_BUSY
                                            : store_failure(store, code, "checkpoint");
}

/* IMMEDIATE: a transaction that cannot write fails here, and not in its middle. */
int store_begin(Store *store) {
        int r = store_execute(store, "BEGIN IMMEDIATE");

        if (r == 0)
                pending_drop(store);
        return r;
}

int store_commit(Store *store) {
        int r = pending_write(store);

        if (r == 0)
                r = store_execute(store, "COMMIT");
        if (r == 0)
                pending_settle(store);
        return r;
}

void store_rollback(Store *store) {
        store->stale = true;
        (void) store_recover(store); /* else before the next statement */
}

int store_end(Store *store, int code) {
        if (code == 0)
                code = store_commit(store);
        if (code != 0)
                store_rollback(store);
        return code;
}

int store_begin_own(Store *store, bool *ret_own) {
        int r = store_recover(store);
        if (r != 0)
                return r;
        bool own = sqlite3_get_autocommit(store->db) != 0;
        r = own ? store_begin(store) : 0;
        if (r == 0)
                *ret_own = own;
        return r;
}

int store_end_own(Store *store, bool own, int code) {
        return own ? store_end(store, code) : code;
}
