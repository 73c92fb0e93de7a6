/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite3_step and sqlite3_exec for LD_PRELOAD: one that fails has
 * done nothing, and what its statement did before is undone, as SQLite does it. Also counts how the
 * program ends.
 */
#include <dlfcn.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "tests/inject/inject.h"

typedef int (*Step)(sqlite3_stmt *statement);

typedef int (*Exec)(sqlite3 *db, const char *sql, int (*row)(void *, int, char **, char **),
                    void *userdata, char **ret_message);

static InjectControl *control;
static Step real_step;
static Exec real_exec;

/* sqlite3_exec steps too, and believes sqlite3_finalize, not the step: it is one event itself. */
static _Thread_local bool executing;

/* The program's own hook, which stands aside for a moment. */
typedef int (*Hook)(void *userdata);

static void *(*real_hook)(sqlite3 *db, Hook hook, void *userdata);
static Hook own_hook;
static void *own_userdata;

__attribute__((constructor)) static void step_open(void) {
        control = inject_map();
        real_step = (Step) (uintptr_t) dlsym(RTLD_NEXT, "sqlite3_step");
        real_exec = (Exec) (uintptr_t) dlsym(RTLD_NEXT, "sqlite3_exec");
        real_hook = (void *(*) (sqlite3 *, Hook, void *) )(uintptr_t) dlsym(RTLD_NEXT,
                                                                            "sqlite3_commit_hook");
        if (!control || !real_step || !real_exec || !real_hook)
                abort();
        control->starts++;
}

__attribute__((destructor)) static void step_close(void) {
        control->ends++;
}

__attribute__((visibility("default"))) void *sqlite3_commit_hook(sqlite3 *db, Hook hook,
                                                                 void *userdata) {
        own_hook = hook;
        own_userdata = userdata;
        return real_hook(db, hook, userdata);
}

static int commit_refuse(void *userdata) {
        (void) userdata;
        return 1;
}

/*
 * A write that has given rows already (RETURNING) is done, and its last step commits it. When that
 * fails SQLite rolls back; left in mid-way it would be committed by sqlite3_finalize().
 */
static void statement_undo(sqlite3_stmt *statement) {
        sqlite3 *db = sqlite3_db_handle(statement);

        if (!sqlite3_stmt_busy(statement) || sqlite3_stmt_readonly(statement) ||
            !sqlite3_get_autocommit(db))
                return;
        (void) real_hook(db, commit_refuse, NULL);
        while (real_step(statement) == SQLITE_ROW)
                ;
        (void) real_hook(db, own_hook, own_userdata);
}

__attribute__((visibility("default"))) int sqlite3_step(sqlite3_stmt *statement) {
        if (executing || !inject_strikes(control, INJECT_STEP))
                return real_step(statement);
        statement_undo(statement);
        return (int) control->faults[INJECT_STEP].how;
}

__attribute__((visibility("default"))) int sqlite3_exec(sqlite3 *db, const char *sql,
                                                        int (*row)(void *, int, char **, char **),
                                                        void *userdata, char **ret_message) {
        if (inject_strikes(control, INJECT_STEP))
                return (int) control->faults[INJECT_STEP].how;
        executing = true;
        int code = real_exec(db, sql, row, userdata, ret_message);
        executing = false;
        return code;
}
