/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/store.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/bytes.h"
#include "sealsd/lifecycle.h"
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

/* --- installation ---------------------------------------------------------------------------- */

static void before_initialize_the_installation_is_empty(void **state) {
        Register *r = *state;
        Installation installation;

        memset(&installation, 0xff, sizeof(installation));
        assert_int_equal(store_installation_load(r->store, &installation), 0);
        assert_int_equal(installation.phase, INIT_NONE);
        assert_int_equal(installation.authority.size, 0);
        assert_false(installation.owner_auth.set);
}

static Installation an_installation(void) {
        Installation installation = {
                .phase = INIT_DEFINED,
                .separation = SEPARATION_STRICT,
                .resident = true,
                .authority = { .publicArea = {
                                       .type = TPM2_ALG_ECC,
                                       .nameAlg = TPM2_ALG_SHA256,
                                       .parameters.eccDetail = {
                                               .symmetric.algorithm = TPM2_ALG_NULL,
                                               .scheme.scheme = TPM2_ALG_NULL,
                                               .curveID = TPM2_ECC_NIST_P256,
                                               .kdf.scheme = TPM2_ALG_NULL,
                                       },
                                       .unique.ecc.x = { .size = 32, .buffer = { 1, 2, 3 } },
                                       .unique.ecc.y = { .size = 32, .buffer = { 4, 5, 6 } },
                               } },
                .authority_private = { .size = 5, .buffer = { 9, 8, 7, 6, 5 } },
                .pcrs = { .bank = TPM2_ALG_SHA256, .mask = 0x85 },
                .profile = "default",
                .capacity = 64,
                .srk = { .size = 34, .name = { 0, 0x0b, 1 } },
                .owner_auth_ours = true,
                .lockout_auth_taken = true,
        };

        installation.authority.size = 1; /* not 0: there is one; marshalling counts it */
        assert_int_equal(secret_set(&installation.owner_auth, "a\0b", 3), 0);
        assert_int_equal(secret_set(&installation.lockout_auth, "", 0), 0);
        return installation;
}

static void an_installation_is_read_as_it_was_written(void **state) {
        Register *r = *state;
        Installation written = an_installation(), read;

        assert_int_equal(store_installation_save(r->store, &written), 0);
        register_reopen(r);
        assert_int_equal(store_installation_load(r->store, &read), 0);
        assert_int_equal(read.phase, INIT_DEFINED);
        assert_int_equal(read.separation, SEPARATION_STRICT);
        assert_true(read.resident && read.owner_auth_ours && read.lockout_auth_taken);
        assert_memory_equal(&read.authority.publicArea, &written.authority.publicArea,
                            sizeof(written.authority.publicArea));
        assert_int_equal(read.authority_private.size, 5);
        assert_memory_equal(read.authority_private.buffer, written.authority_private.buffer, 5);
        assert_memory_equal(&read.pcrs, &written.pcrs, sizeof(read.pcrs));
        assert_string_equal(read.profile, "default");
        assert_int_equal(read.capacity, 64);
        assert_memory_equal(&read.srk, &written.srk, sizeof(read.srk));
        assert_true(secret_equal(&read.owner_auth, &written.owner_auth));
        assert_true(read.lockout_auth.set);
        assert_int_equal(read.lockout_auth.size, 0);
        assert_false(read.owner_auth_old.set);
}

static void saving_again_replaces_what_was_there(void **state) {
        Register *r = *state;
        Installation installation = an_installation();

        assert_int_equal(store_installation_save(r->store, &installation), 0);
        installation.phase = INIT_COMPLETE;
        secret_wipe(&installation.owner_auth);
        assert_int_equal(store_installation_save(r->store, &installation), 0);
        assert_int_equal(store_installation_load(r->store, &installation), 0);
        assert_int_equal(installation.phase, INIT_COMPLETE);
        assert_false(installation.owner_auth.set);
}

static void values_beyond_their_bounds_are_tampering(void **state) {
        const char *const changes[] = {
                "UPDATE installation SET phase = 'done'",
                "UPDATE installation SET separation = 'triple'",
                "UPDATE installation SET resident = 2",
                "UPDATE installation SET capacity = -1",
                "UPDATE installation SET capacity = 1000000",
                "UPDATE installation SET profile = printf('%.*c', 65, 'x')",
                "UPDATE installation SET profile = CAST(x'ff' AS TEXT)",
                "UPDATE installation SET profile = CAST(x'610062' AS TEXT)",
                "UPDATE installation SET owner_auth = zeroblob(1025)",
                "UPDATE installation SET authority = zeroblob(5000)",
                "UPDATE installation SET authority = x'0002'",
                ("UPDATE installation SET authority_private ="
                 " CAST(authority_private || x'00' AS BLOB)"),
                "UPDATE installation SET srk = zeroblob(200)",
                "UPDATE installation SET pcr_bank = 65536",
                "UPDATE installation SET pcr_mask = 16777216",
        };
        Register *r = *state;
        Installation good = an_installation(), read = { .capacity = 5 };

        for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
                assert_int_equal(store_installation_save(r->store, &good), 0);
                register_tamper(r, changes[i]);
                register_open(r);
                if (store_installation_load(r->store, &read) != SEAL_E_REGISTER_TAMPERED)
                        fail_msg("%s was not found", changes[i]);
                assert_int_equal(read.capacity, 5);
        }
}

/* --- indices, bits, numbers ------------------------------------------------------------------ */

static void indices_are_listed_in_order_of_use(void **state) {
        Register *r = *state;
        RegisterIndex ledger = { .kind = INDEX_LEDGER, .handle = 0x01800000 }, rows[3], one;
        size_t count = 0;

        assert_int_equal(store_index_add(r->store, &ledger), 0);
        index_add(r, 0x01900000, 1, 0, false);
        index_add(r, 0x01a00000, 0, 2, false);
        assert_int_equal(store_index_list(r->store, rows, 3, &count), 0);
        assert_int_equal(count, 3);
        assert_int_equal(rows[0].handle, 0x01a00000);
        assert_int_equal(rows[0].used, 2);
        assert_int_equal(rows[1].handle, 0x01900000);
        assert_int_equal(rows[2].kind, INDEX_LEDGER);
        assert_false(rows[2].auth.set);
        assert_true(rows[1].auth.set && rows[1].auth.size == 6);
        assert_int_equal(store_index_list(r->store, rows, 2, &count), SEAL_E_REGISTER_TAMPERED);
        assert_false(rows[0].auth.set);
        assert_int_equal(store_index_mark_written(r->store, 0x01900000), 0);
        assert_int_equal(store_index_get(r->store, 0x01900000, &one), 0);
        assert_true(one.written);
        assert_int_equal(store_index_mark_written(r->store, 0x01900001), SEAL_E_NOT_FOUND);
        assert_int_equal(store_index_get(r->store, 0x01900001, &one), SEAL_E_NOT_FOUND);
        assert_int_equal(store_index_remove_all(r->store), 0);
        assert_int_equal(store_index_list(r->store, rows, 3, &count), 0);
        assert_int_equal(count, 0);
}

static void an_index_is_added_once(void **state) {
        Register *r = *state;
        RegisterIndex again = { .kind = INDEX_REVOCATION, .handle = REGISTER_INDEX, .ordinal = 1 };

        index_add(r, REGISTER_INDEX, 0, 0, true);
        assert_int_equal(store_index_add(r->store, &again), SEAL_E_ALREADY_EXISTS);
        again.handle++;
        again.ordinal = 0;
        assert_int_equal(store_index_add(r->store, &again), SEAL_E_ALREADY_EXISTS);
}

static void bits_are_given_in_order_and_end(void **state) {
        Register *r = *state;
        TPM2_HANDLE index = 0;
        unsigned bit = 0;

        assert_int_equal(store_bit_take(r->store, &index, &bit), SEAL_E_CAPACITY_EXHAUSTED);
        index_add(r, 0x01900000, 0, MAKER_BITS, true);
        index_add(r, 0x01800000, 1, 0, false);
        for (unsigned i = MAKER_BITS; i < SEALS_PER_INDEX; i++) {
                assert_int_equal(store_bit_take(r->store, &index, &bit), 0);
                assert_int_equal(index, 0x01900000);
                assert_int_equal(bit, i);
        }
        assert_int_equal(store_bit_take(r->store, &index, &bit), SEAL_E_CAPACITY_EXHAUSTED);
        assert_int_equal(store_index_mark_written(r->store, 0x01800000), 0);
        register_reopen(r);
        assert_int_equal(store_bit_take(r->store, &index, &bit), 0);
        assert_int_equal(index, 0x01800000);
        assert_int_equal(bit, 0);
}

static void only_the_last_bit_given_can_be_returned(void **state) {
        Register *r = *state;
        TPM2_HANDLE index = 0;
        unsigned bit = 0;

        index_add(r, REGISTER_INDEX, 0, 2, true);
        assert_int_equal(store_bit_take(r->store, &index, &bit), 0);
        assert_int_equal(store_bit_take(r->store, &index, &bit), 0);
        assert_int_equal(bit, 3);
        assert_int_equal(store_bit_return(r->store, index, 2), 0);
        assert_int_equal(store_bit_return(r->store, index, 3), 0);
        assert_int_equal(store_bit_take(r->store, &index, &bit), 0);
        assert_int_equal(bit, 3);
}

static void numbers_are_never_given_twice(void **state) {
        Register *r = *state;
        char number[NUMBER_MAX + 1];

        assert_int_equal(store_number_take(r->store, "110108", number), 0);
        assert_string_equal(number, "11010800000001");
        assert_int_equal(store_begin(r->store), 0);
        assert_int_equal(store_number_take(r->store, "110108", number), 0);
        assert_string_equal(number, "11010800000002");
        store_rollback(r->store);
        assert_int_equal(store_number_take(r->store, "000000", number), 0);
        assert_string_equal(number, "00000000000003");
        register_reopen(r);
        assert_int_equal(store_number_take(r->store, "000000", number), 0);
        assert_string_equal(number, "00000000000004");
}

static void numbers_end_with_eight_digits(void **state) {
        Register *r = *state;
        char number[NUMBER_MAX + 1] = "before";

        register_tamper(r, "UPDATE counter SET value = 99999998");
        register_open(r);
        assert_int_equal(store_number_take(r->store, "000000", number), 0);
        assert_string_equal(number, "00000099999999");
        strcpy(number, "before");
        assert_int_equal(store_number_take(r->store, "000000", number), SEAL_E_CAPACITY_EXHAUSTED);
        assert_int_equal(store_number_take(r->store, "000000", number), SEAL_E_CAPACITY_EXHAUSTED);
        assert_string_equal(number, "before");
}

/* --- machine states -------------------------------------------------------------------------- */

static MachineState a_machine_state(uint8_t mark) {
        MachineState machine = {
                .profile = "default",
                .approval = {
                        .values.selection = { .bank = TPM2_ALG_SHA256, .mask = 1U << 0 | 1U << 23 },
                        .policy = { .size = 32, .buffer = { mark } },
                        .signature = { .sigAlg = TPM2_ALG_ECDSA },
                        .ticket = { .tag = TPM2_ST_VERIFIED,
                                    .hierarchy = TPM2_RH_OWNER,
                                    .digest = { .size = 64, .buffer = { 3, mark } } },
                },
                .approved = 77,
                .by = a_user(5, "user:admin"),
        };
        TPMS_SIGNATURE_ECDSA *ecdsa = &machine.approval.signature.signature.ecdsa;

        ecdsa->hash = TPM2_ALG_SHA256;
        ecdsa->signatureR = (TPM2B_ECC_PARAMETER){ .size = 32, .buffer = { 1, mark } };
        ecdsa->signatureS = (TPM2B_ECC_PARAMETER){ .size = 32, .buffer = { 2, mark } };
        machine.approval.values.values[0] = (TPM2B_DIGEST){ .size = 32, .buffer = { mark } };
        machine.approval.values.values[23] = (TPM2B_DIGEST){ .size = 32, .buffer = { 9 } };
        return machine;
}

static void machine_states_are_read_as_they_were_written(void **state) {
        Register *r = *state;
        MachineState first = a_machine_state(1), second = a_machine_state(2);
        _cleanup_free_ MachineState *found = NULL;
        size_t count = 0;

        assert_int_equal(store_machine_state_add(r->store, &first), 0);
        assert_int_equal(store_machine_state_add(r->store, &second), 0);
        register_reopen(r);
        assert_int_equal(store_machine_state_list(r->store, &found, &count), 0);
        assert_int_equal(count, 2);
        assert_int_equal(found[0].id, second.id);
        assert_memory_equal(&found[0].approval.values, &second.approval.values,
                            sizeof(second.approval.values));
        assert_memory_equal(&found[0].approval.policy, &second.approval.policy,
                            sizeof(second.approval.policy));
        assert_memory_equal(&found[0].approval.ticket, &second.approval.ticket,
                            sizeof(second.approval.ticket));
        assert_memory_equal(&found[1].approval.signature.signature.ecdsa,
                            &first.approval.signature.signature.ecdsa,
                            sizeof(TPMS_SIGNATURE_ECDSA));
        assert_int_equal(found[1].approved, 77);
        assert_string_equal(found[1].by.text, "user:admin");
        assert_int_equal(found[1].by.id, 5);
}

static void the_same_state_again_replaces_the_older(void **state) {
        Register *r = *state;
        MachineState first = a_machine_state(1), second = a_machine_state(2),
                     again = a_machine_state(1);
        _cleanup_free_ MachineState *found = NULL;
        size_t count = 0;

        assert_int_equal(store_machine_state_add(r->store, &first), 0);
        assert_int_equal(store_machine_state_add(r->store, &second), 0);
        again.approved = 99;
        assert_int_equal(store_machine_state_add(r->store, &again), 0);
        assert_int_equal(store_machine_state_list(r->store, &found, &count), 0);
        assert_int_equal(count, 2);
        assert_int_equal(found[0].approved, 99);
        assert_true(found[0].id > second.id);
        strcpy(again.profile, "other");
        assert_int_equal(store_machine_state_add(r->store, &again), 0);
        free(steal_ptr(found));
        assert_int_equal(store_machine_state_list(r->store, &found, &count), 0);
        assert_int_equal(count, 3);
}

/* Who retired it, and why, was lost: the row had another id by then. */
static void a_state_approved_again_while_it_is_retired_is_retired(void **state) {
        Register *r = *state;
        MachineState first = a_machine_state(1), other = a_machine_state(2), again;
        _cleanup_free_ MachineState *found = NULL;
        size_t count = 0;

        first.approval.retire = (StateBit){ .index = { .handle = 0x01800009 }, .bit = 3 };
        other.approval.retire = (StateBit){ .index = { .handle = 0x01800009 }, .bit = 4 };
        again = first;
        index_add(r, 0x01800009, 0, 64, true);
        assert_int_equal(store_machine_state_add(r->store, &other), 0);
        assert_int_equal(store_machine_state_add(r->store, &first), 0);
        assert_int_equal(store_machine_state_add(r->store, &again), 0);
        first.retired = 88;
        first.retired_by = first.by;
        strcpy(first.retired_why, "a hole");
        assert_int_equal(store_machine_state_retire(r->store, &first), 0);
        assert_int_equal(first.id, again.id);
        assert_int_equal(store_machine_state_list(r->store, &found, &count), 0);
        assert_int_equal(count, 2);
        assert_int_equal(found[0].id, again.id);
        assert_int_equal(found[0].retired, 88);
        assert_string_equal(found[0].retired_by.text, "user:admin");
        assert_string_equal(found[0].retired_why, "a hole");
        assert_int_equal(found[1].retired, 0);
        first.approval.retire.bit = 5;
        assert_int_equal(store_machine_state_retire(r->store, &first), SEAL_E_NOT_FOUND);
        assert_int_equal(first.id, again.id);
}

static void machine_states_fill(Register *r) {
        assert_int_equal(store_begin(r->store), 0);
        for (unsigned i = 0; i < MACHINE_STATES_MAX; i++) {
                MachineState machine = a_machine_state((uint8_t) i);

                assert_int_equal(store_machine_state_add(r->store, &machine), 0);
        }
        assert_int_equal(store_commit(r->store), 0);
}

/* After 64 updates of a machine nothing could be approved any more. */
static void the_oldest_machine_state_makes_room(void **state) {
        Register *r = *state;
        MachineState machine = a_machine_state(MACHINE_STATES_MAX);
        _cleanup_free_ MachineState *found = NULL;
        size_t count = 0;

        machine_states_fill(r);
        assert_int_equal(store_machine_state_add(r->store, &machine), 0);
        assert_int_equal(store_machine_state_list(r->store, &found, &count), 0);
        assert_int_equal(count, MACHINE_STATES_MAX);
        assert_int_equal(found[0].id, machine.id);
        assert_int_equal(found[count - 1].approval.policy.buffer[0], 1);
        machine = a_machine_state(1); /* again: nothing has to go for it */
        assert_int_equal(store_machine_state_add(r->store, &machine), 0);
        free(steal_ptr(found));
        assert_int_equal(store_machine_state_list(r->store, &found, &count), 0);
        assert_int_equal(count, MACHINE_STATES_MAX);
        assert_int_equal(found[count - 1].approval.policy.buffer[0], 2);
}

static void another_profiles_states_make_no_room(void **state) {
        Register *r = *state;
        MachineState machine = a_machine_state(0);

        machine_states_fill(r);
        strcpy(machine.profile, "other");
        assert_int_equal(store_machine_state_add(r->store, &machine), SEAL_E_LIMITS_EXCEEDED);
        assert_int_equal(machine.id, 0);
        assert_int_equal(store_machine_state_remove_all(r->store), 0);
        assert_int_equal(store_machine_state_add(r->store, &machine), 0);
}

static void damaged_approvals_are_tampering(void **state) {
        const char *const changes[] = {
                "UPDATE machine_state SET pcr_mask = 3 | 1 << 23",
                "UPDATE machine_state SET pcr_mask = 1 << 24",
                "UPDATE machine_state SET pcr_values = zeroblob(9000)",
                "UPDATE machine_state SET ticket = zeroblob(200)",
                "UPDATE machine_state SET signature = x'0018'",
                "UPDATE machine_state SET by_kind = 'robot'",
                "UPDATE machine_state SET by_id = 4294967296",
        };
        Register *r = *state;
        MachineState *found = NULL;
        size_t count = 0;

        for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
                MachineState machine = a_machine_state(1);

                assert_int_equal(store_machine_state_add(r->store, &machine), 0);
                register_tamper(r, changes[i]);
                register_open(r);
                if (store_machine_state_list(r->store, &found, &count) != SEAL_E_REGISTER_TAMPERED)
                        fail_msg("%s was not found", changes[i]);
                assert_null(found);
        }
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
                register_test(before_initialize_the_installation_is_empty),
                register_test(an_installation_is_read_as_it_was_written),
                register_test(saving_again_replaces_what_was_there),
                register_test(values_beyond_their_bounds_are_tampering),
                register_test(indices_are_listed_in_order_of_use),
                register_test(an_index_is_added_once),
                register_test(bits_are_given_in_order_and_end),
                register_test(only_the_last_bit_given_can_be_returned),
                register_test(numbers_are_never_given_twice),
                register_test(numbers_end_with_eight_digits),
                register_test(machine_states_are_read_as_they_were_written),
                register_test(the_same_state_again_replaces_the_older),
                register_test(a_state_approved_again_while_it_is_retired_is_retired),
                register_test(the_oldest_machine_state_makes_room),
                register_test(another_profiles_states_make_no_room),
                register_test(damaged_approvals_are_tampering),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
