/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/store.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/unit/register.h"

#define FILE_MAX (1024 * 1024)

static mode_t mode_of(const char *path) {
        struct stat st;

        assert_int_equal(stat(path, &st), 0);
        return st.st_mode & 07777;
}

static size_t file_load(const char *path, uint8_t *ret) {
        _cleanup_close_ int fd = open(path, O_RDONLY);

        assert_true(fd >= 0);
        ssize_t n = pread(fd, ret, FILE_MAX, 0);
        assert_true(n >= 0 && n < FILE_MAX);
        return (size_t) n;
}

/* --- the file -------------------------------------------------------------------------------- */

static void the_file_is_the_daemons_alone(void **state) {
        Register *r = *state;
        char path[128];
        mode_t before = umask(0);

        register_close(r);
        assert_int_equal(unlink(r->path), 0);
        register_open(r);
        assert_int_equal(mode_of(r->path), 0600);
        index_add(r, REGISTER_INDEX, 0, 0, true);
        (void) snprintf(path, sizeof(path), "%s-wal", r->path);
        assert_int_equal(mode_of(path), 0600);
        (void) umask(before);
        register_close(r);
        assert_int_equal(chmod(r->path, 0644), 0);
        register_open(r);
        assert_int_equal(mode_of(r->path), 0600);
}

static void a_newer_register_is_left_untouched(void **state) {
        static uint8_t before[FILE_MAX], after[FILE_MAX];
        Register *r = *state;
        ErrorDetail detail = {};

        register_tamper(r, "PRAGMA user_version=5");
        size_t size = file_load(r->path, before);
        assert_int_equal(store_open(&r->store, r->path, &detail), SEAL_E_UNSUPPORTED);
        assert_null(r->store);
        assert_non_null(strstr(detail.text, "version 5, this sealsd knows 4"));
        assert_int_equal(file_load(r->path, after), size);
        assert_memory_equal(before, after, size);
}

static void what_is_no_register_is_refused(void **state) {
        Register *r = *state;
        ErrorDetail detail = {};

        register_close(r);
        _cleanup_fclose_ FILE *file = fopen(r->path, "w");
        assert_non_null(file);
        for (int i = 0; i < 1000; i++)
                assert_true(fputs("this is no database\n", file) >= 0);
        assert_int_equal(fflush(file), 0);
        assert_int_equal(store_open(&r->store, r->path, &detail), SEAL_E_REGISTER_TAMPERED);
        assert_non_null(strstr(detail.text, r->path));
        assert_non_null(strstr(detail.text, "not a database"));
        assert_int_equal(store_open(&r->store, r->folder, &detail), SEAL_E_STORAGE_FAILURE);
        assert_int_equal(store_open(&r->store, "/nonexistent/register.db", &detail),
                         SEAL_E_STORAGE_FAILURE);
        assert_null(r->store);
}

static void assert_problem(const Register *r, int code, const char *says) {
        ErrorDetail detail = {};

        store_explain(r->store, code, &detail);
        if (!strstr(detail.text, says))
                fail_msg("\"%s\" does not say \"%s\"", detail.text, says);
}

/* Overwrite a page of the closed register. */
static void page_damage(Register *r, off_t page) {
        _cleanup_close_ int fd = open(r->path, O_RDWR);
        uint8_t garbage[4096];

        memset(garbage, 0xa5, sizeof(garbage));
        assert_int_equal(pwrite(fd, garbage, sizeof(garbage), (page - 1) * 4096), 4096);
}

static off_t page_of(Register *r, const char *table) {
        sqlite3 *db = NULL;
        sqlite3_stmt *statement = NULL;

        register_close(r);
        assert_int_equal(sqlite3_open(r->path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_prepare_v2(db, "SELECT rootpage FROM sqlite_schema WHERE name = ?",
                                            -1, &statement, NULL),
                         SQLITE_OK);
        assert_int_equal(sqlite3_bind_text(statement, 1, table, -1, SQLITE_STATIC), SQLITE_OK);
        assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
        off_t page = sqlite3_column_int64(statement, 0);
        assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        return page;
}

static void a_damaged_page_is_tampering(void **state) {
        Register *r = *state;
        RegisterIndex index;
        uint64_t count;

        index_add(r, REGISTER_INDEX, 0, 0, true);
        page_damage(r, page_of(r, "nv_index"));
        register_open(r);
        assert_int_equal(store_index_get(r->store, REGISTER_INDEX, &index),
                         SEAL_E_REGISTER_TAMPERED);
        assert_problem(r, SEAL_E_REGISTER_TAMPERED, "damaged");
        assert_int_equal(store_seal_count(r->store, &count), 0);
}

static void a_damaged_schema_is_tampering(void **state) {
        Register *r = *state;
        ErrorDetail detail = {};
        struct stat st;

        register_close(r);
        assert_int_equal(stat(r->path, &st), 0);
        for (off_t page = 2; page <= st.st_size / 4096; page++)
                page_damage(r, page);
        assert_int_equal(store_open(&r->store, r->path, &detail), SEAL_E_REGISTER_TAMPERED);
        assert_non_null(strstr(detail.text, "malformed"));
}

/* A migration is one transaction with its version: killed within it, the file is as before. */
static void an_empty_file_becomes_a_register(void **state) {
        Register *r = *state;
        uint64_t count = 7;

        register_close(r);
        assert_int_equal(truncate(r->path, 0), 0);
        register_open(r);
        assert_int_equal(store_seal_count(r->store, &count), 0);
        assert_int_equal(count, 0);
        register_reopen(r);
        assert_int_equal(store_seal_count(r->store, &count), 0);
}

static void a_full_disk_is_a_storage_failure(void **state) {
        Register *r = *state;
        struct rlimit before, small = { .rlim_cur = 512, .rlim_max = RLIM_INFINITY };
        Request request = a_request(1);

        (void) signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
        small.rlim_max = before.rlim_max;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        int code = store_request_add(r->store, &request);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(code, SEAL_E_STORAGE_FAILURE);
        assert_int_equal(request.id, 0);
        assert_int_equal(store_request_add(r->store, &request), 0);
}

/* In another connection of this process, which SQLite keeps apart as if it were another's. */
static void a_register_locked_by_another_says_so(void **state) {
        Register *r = *state;
        Request request = a_request(1);
        sqlite3 *other = NULL;

        assert_int_equal(sqlite3_open(r->path, &other), SQLITE_OK);
        assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(store_request_add(r->store, &request), SEAL_E_STORAGE_FAILURE);
        assert_problem(r, SEAL_E_STORAGE_FAILURE, "locked");
        assert_int_equal(sqlite3_close(other), SQLITE_OK);
        assert_int_equal(store_request_add(r->store, &request), 0);
}

/* SQLite itself would go on, and lose at the next start what it called durable. */
static void nothing_is_committed_into_a_file_that_was_removed(void **state) {
        static const char *const suffixes[] = { "", "-wal" };
        Register *r = *state;
        char path[128], aside[136];

        for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
                Request request = a_request(1), found;

                (void) snprintf(path, sizeof(path), "%s%s", r->path, suffixes[i]);
                (void) snprintf(aside, sizeof(aside), "%s-aside", path);
                assert_int_equal(rename(path, aside), 0);
                assert_int_equal(store_request_add(r->store, &request), SEAL_E_STORAGE_FAILURE);
                assert_problem(r, SEAL_E_STORAGE_FAILURE, "moved or removed");
                assert_int_equal(rename(aside, path), 0);
                assert_int_equal(store_request_add(r->store, &request), 0);
                register_reopen(r);
                assert_int_equal(store_request_get(r->store, request.id, &found), 0);
        }
}

static void a_sentence_that_is_there_stays(void **state) {
        Register *r = *state;
        ErrorDetail detail = { .text = "as it was" };

        assert_int_equal(store_commit(r->store), SEAL_E_STORAGE_FAILURE);
        store_explain(r->store, SEAL_E_STORAGE_FAILURE, &detail);
        assert_string_equal(detail.text, "as it was");
        detail = (ErrorDetail){};
        store_explain(r->store, SEAL_E_BUSY, &detail);
        assert_string_equal(detail.text, "");
}

/* --- transactions ---------------------------------------------------------------------------- */

static void a_rollback_undoes_and_a_commit_stays(void **state) {
        Register *r = *state;
        Request request = a_request(1), found;

        store_rollback(r->store); /* without one: nothing */
        assert_int_equal(store_begin(r->store), 0);
        assert_int_equal(store_request_add(r->store, &request), 0);
        store_rollback(r->store);
        assert_int_equal(store_request_get(r->store, request.id, &found), SEAL_E_NOT_FOUND);
        assert_int_equal(store_begin(r->store), 0);
        assert_int_equal(store_request_add(r->store, &request), 0);
        assert_int_equal(store_commit(r->store), 0);
        register_reopen(r);
        assert_int_equal(store_request_get(r->store, request.id, &found), 0);
}

static void a_transaction_ends_as_its_steps_did(void **state) {
        Register *r = *state;
        Request request = a_request(1), found;

        assert_int_equal(store_begin(r->store), 0);
        assert_int_equal(store_request_add(r->store, &request), 0);
        assert_int_equal(store_end(r->store, SEAL_E_BUSY), SEAL_E_BUSY);
        assert_int_equal(store_request_get(r->store, request.id, &found), SEAL_E_NOT_FOUND);
        assert_int_equal(store_begin(r->store), 0);
        assert_int_equal(store_request_add(r->store, &request), 0);
        assert_int_equal(store_end(r->store, 0), 0);
        assert_int_equal(store_request_get(r->store, request.id, &found), 0);
        assert_int_equal(store_end(r->store, 0), SEAL_E_STORAGE_FAILURE);
}

static void transactions_do_not_nest(void **state) {
        Register *r = *state;

        assert_int_equal(store_begin(r->store), 0);
        assert_int_equal(store_begin(r->store), SEAL_E_STORAGE_FAILURE);
        assert_int_equal(store_commit(r->store), 0);
        assert_int_equal(store_commit(r->store), SEAL_E_STORAGE_FAILURE);
}

static void leave_by_goto(Store *store, Request *request) {
        _cleanup_(store_rollbackp) Store *transaction = NULL;

        assert_int_equal(store_begin(store), 0);
        transaction = store;
        assert_int_equal(store_request_add(store, request), 0);
}

static void an_abandoned_transaction_is_rolled_back(void **state) {
        Register *r = *state;
        Request request = a_request(1), found;

        leave_by_goto(r->store, &request);
        assert_int_equal(store_request_get(r->store, request.id, &found), SEAL_E_NOT_FOUND);
        assert_int_equal(store_begin(r->store), 0);
}

/* In a process of its own, which ends as if killed. */
static void in_a_killed_process(Register *r, void (*act)(Store *)) {
        int status;

        register_close(r);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
                Store *store = NULL;

                if (store_open(&store, r->path, NULL) == 0)
                        act(store);
                _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        register_open(r);
}

static void take_number_and_leave_open(Store *store) {
        char number[NUMBER_MAX + 1];
        Request request = a_request(1);

        (void) store_number_take(store, "000000", number);
        (void) store_begin(store);
        (void) store_request_add(store, &request);
}

static void a_crash_keeps_what_was_committed_and_nothing_else(void **state) {
        Register *r = *state;
        char number[NUMBER_MAX + 1];
        Request found;

        in_a_killed_process(r, take_number_and_leave_open);
        assert_int_equal(store_number_take(r->store, "000000", number), 0);
        assert_string_equal(number, "00000000000002");
        assert_int_equal(store_request_get(r->store, 1, &found), SEAL_E_NOT_FOUND);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                register_test(the_file_is_the_daemons_alone),
                register_test(a_newer_register_is_left_untouched),
                register_test(what_is_no_register_is_refused),
                register_test(a_damaged_page_is_tampering),
                register_test(a_damaged_schema_is_tampering),
                register_test(a_register_locked_by_another_says_so),
                register_test(nothing_is_committed_into_a_file_that_was_removed),
                register_test(a_sentence_that_is_there_stays),
                register_test(an_empty_file_becomes_a_register),
                register_test(a_full_disk_is_a_storage_failure),
                register_test(a_rollback_undoes_and_a_commit_stays),
                register_test(a_transaction_ends_as_its_steps_did),
                register_test(transactions_do_not_nest),
                register_test(an_abandoned_transaction_is_rolled_back),
                register_test(a_crash_keeps_what_was_committed_and_nothing_else),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
