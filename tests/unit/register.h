/* SPDX-License-Identifier: Apache-2.0 */
/* A register in a folder of its own, for the tests of the store; and a look behind its back. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/cleanup.h"
#include "sealsd/store.h"
#include "tests/unit/unit.h"

typedef struct Register {
        char folder[64];
        char path[96];
        Store *store;
} Register;

static inline void register_open(Register *r) {
        assert_int_equal(store_open(&r->store, r->path, NULL), 0);
}

static inline void register_close(Register *r) {
        r->store = store_close(r->store);
}

static inline void register_reopen(Register *r) {
        register_close(r);
        register_open(r);
}

static inline int register_setup(void **state) {
        Register *r = calloc(1, sizeof(*r));

        if (!r)
                return -1;
        /* In memory where there is such a place: a commit waits for no disk there. */
        (void) snprintf(r->folder, sizeof(r->folder), "%s/sealsd-test-store-XXXXXX",
                        access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        if (!mkdtemp(r->folder))
                return -1;
        (void) snprintf(r->path, sizeof(r->path), "%s/register.db", r->folder);
        register_open(r);
        *state = r;
        return 0;
}

static inline int register_teardown(void **state) {
        const char *const suffixes[] = { "", "-wal", "-shm" };
        Register *r = *state;
        char path[128];

        register_close(r);
        for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
                (void) snprintf(path, sizeof(path), "%s%s", r->path, suffixes[i]);
                (void) unlink(path);
        }
        int code = rmdir(r->folder);
        free(r);
        return code;
}

/* What somebody with the sqlite3 program does to it; the register is closed then. */
static inline void register_tamper(Register *r, const char *sql) {
        sqlite3 *db = NULL;
        char *error = NULL;

        register_close(r);
        assert_int_equal(sqlite3_open(r->path, &db), SQLITE_OK);
        if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK)
                fail_msg("%s: %s", sql, error);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

#define register_test(function) \
        cmocka_unit_test_setup_teardown(function, register_setup, register_teardown)

/* --- values ---------------------------------------------------------------------------------- */

#define REGISTER_INDEX 0x01800001U

static inline Subject a_user(uint32_t id, const char *text) {
        Subject subject = { .kind = SUBJECT_USER, .id = id };

        strcpy(subject.text, text);
        return subject;
}

static inline void index_add(Register *r, TPM2_HANDLE handle, unsigned ordinal, unsigned used,
                             bool written) {
        RegisterIndex index = {
                .kind = INDEX_REVOCATION,
                .handle = handle,
                .ordinal = ordinal,
                .used = used,
                .written = written,
        };

        assert_int_equal(secret_set(&index.auth, "secret", 6), 0);
        assert_int_equal(store_index_add(r->store, &index), 0);
}

static inline Request a_request(uint32_t uid) {
        Request request = {
                .kind = REQUEST_KIND_MAKE,
                .state = REQUEST_APPLIED,
                .created = 1000,
                .reviewers_needed = 1,
                .application = { .name = "Acme" },
        };

        subject_from_uid(uid, &request.applicant);
        assert_int_equal(
                application_complete(&request.application, &request.applicant, 1000, 10, NULL), 0);
        assert_int_equal(request_digest(&request, request.digest), 0);
        return request;
}
