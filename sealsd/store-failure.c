/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/log.h"
#include "sealsd/store-internal.h"

static const char disk_full[] =
        "The disk is full, so the register cannot be written; make room and try again";
static const char read_only[] = "The register is read-only; make its file system writable, or give "
                                "its files back to sealsd's user, and try again";
static const char forbidden[] = "sealsd may not open the register; give its folder (mode 0700) "
                                "and its files (mode 0600) to sealsd's user";
static const char locked[] =
        "Another program holds the register locked; end it (see 'fuser') and try again";
static const char moved[] = "The register's files were moved or removed while sealsd used them; "
                            "put them back where they were, and restart sealsd";

static const char *reason_from_errno(int error) {
        switch (error) {
        case ENOSPC:
        case EDQUOT:
                return disk_full;
        case EROFS:
                return read_only;
        case EACCES:
        case EPERM:
                return forbidden;
        default:
                return NULL;
        }
}

const char *store_errno_text(int error) {
        const char *reason = reason_from_errno(error);

        return reason ? reason : strerror(error);
}

static int file_errno(sqlite3 *db, int which) {
        sqlite3_file *file = NULL;
        int error = 0;

        if (sqlite3_file_control(db, "main", which, &file) == SQLITE_OK && file && file->pMethods)
                (void) file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &error);
        return error;
}

/*
 * What the kernel said last of the journal or of the database; sqlite3_system_errno() forgets it.
 */
static const char *reason_from_files(sqlite3 *db) {
        const char *reason = reason_from_errno(file_errno(db, SQLITE_FCNTL_JOURNAL_POINTER));

        return reason ? reason : reason_from_errno(file_errno(db, SQLITE_FCNTL_FILE_POINTER));
}

/* What the kernel says now: a file that could not be opened keeps no errno. */
static const char *reason_from_system(const char *path) {
        struct statvfs fs;

        if (access(path, R_OK | W_OK) < 0)
                return reason_from_errno(errno);
        if (statvfs(path, &fs) < 0)
                return reason_from_errno(errno);
        return fs.f_flag & ST_RDONLY ? read_only : fs.f_bavail == 0 ? disk_full : NULL;
}

static const char *reason_from_io(const Store *store) {
        const char *reason = store->db ? reason_from_files(store->db) : NULL;

        return reason ? reason : reason_from_system(store->path);
}

/* What to do about it, NULL where nobody can say. */
static const char *reason_find(Store *store, int code) {
        if (code == SQLITE_READONLY_DBMOVED || code == SQLITE_CONSTRAINT_COMMITHOOK)
                return moved;
        switch (code & 0xff) {
        case SQLITE_FULL:
                return disk_full;
        case SQLITE_READONLY:
                return read_only;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                return locked;
        case SQLITE_IOERR:
        case SQLITE_CANTOPEN:
                return reason_from_io(store);
        default:
                return NULL;
        }
}

static int damage_note(Store *store, int code) {
        (void) error_set(&store->damage, SEAL_E_REGISTER_TAMPERED,
                         "The register's file is damaged (%s); stop sealsd and put a good copy in "
                         "its place",
                         sqlite3_errstr(code));
        return SEAL_E_REGISTER_TAMPERED;
}

static int problem_note(Store *store, int code) {
        const char *reason = reason_find(store, code);

        if (reason)
                return error_set(&store->problem, SEAL_E_STORAGE_FAILURE, "%s", reason);
        return error_set(&store->problem, SEAL_E_STORAGE_FAILURE,
                         "The register cannot be read or written: %s; check the disk",
                         sqlite3_errstr(code));
}

/* SQLite's two sentences are often the same one. */
static void failure_log(const Store *store, int code, const char *what) {
        const char *known = sqlite3_errstr(code);
        const char *told = store->db ? sqlite3_errmsg(store->db) : known;

        if (strcmp(told, known) == 0)
                log_error("Register: %.100s: %s", what, known);
        else
                log_error("Register: %.100s: %s (%s)", what, told, known);
}

int store_failure(Store *store, int code, const char *what) {
        switch (code & 0xff) {
        case SQLITE_OK:
        case SQLITE_DONE:
        case SQLITE_ROW:
                return 0;
        case SQLITE_NOMEM:
                return -ENOMEM;
        }
        if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY)
                return SEAL_E_ALREADY_EXISTS;
        failure_log(store, code, what);
        if ((code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB)
                return damage_note(store, code);
        return problem_note(store, code);
}

void store_explain(const Store *store, int code, ErrorDetail *detail) {
        const ErrorDetail *known = code == SEAL_E_STORAGE_FAILURE     ? &store->problem
                                   : code == SEAL_E_REGISTER_TAMPERED ? &store->damage
                                                                      : NULL;

        if (known && detail && detail->text[0] == '\0')
                *detail = *known;
}

/* --- files that go away --------------------------------------------------------------------- */

/* SQLite would go on writing into files that have no name any more, and call it durable. */
static bool files_moved(const Store *store) {
        struct stat st;
        int db_moved = 0;

        if (sqlite3_file_control(store->db, "main", SQLITE_FCNTL_HAS_MOVED, &db_moved) !=
                    SQLITE_OK ||
            db_moved)
                return true;
        return stat(store->wal, &st) < 0 || st.st_dev != store->wal_device ||
               st.st_ino != store->wal_inode;
}

/*
 * Not 0: the commit becomes a rollback. So it does when rows were changed that the ledger was not
 * told of: whoever ends a transaction without store_commit changes nothing.
 */
static int on_commit(void *userdata) {
        const Store *store = userdata;
        const Pending *pending = &store->pending;

        if ((pending->touch_count > 0 || pending->short_of_memory) && !pending->written) {
                log_error("Register: a change that the ledger does not have was not committed");
                return 1;
        }
        return files_moved(store);
}

/* Also when SQLite itself ends a transaction that cannot go on. */
static void on_rollback(void *userdata) {
        pending_drop(userdata);
}

int store_watch_files(Store *store) {
        struct stat st;

        store->wal = sqlite3_filename_wal(sqlite3_db_filename(store->db, "main"));
        if (stat(store->wal, &st) < 0)
                return store_failure(store, SQLITE_CANTOPEN, store->wal);
        store->wal_device = st.st_dev;
        store->wal_inode = st.st_ino;
        (void) sqlite3_commit_hook(store->db, on_commit, store);
        (void) sqlite3_rollback_hook(store->db, on_rollback, store);
        return 0;
}
