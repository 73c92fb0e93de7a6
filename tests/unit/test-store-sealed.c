/* SPDX-License-Identifier: Apache-2.0 */
/* What is confidential: under the register key, and without it. */
#include "base/vault.h"
#include "sealsd/lifecycle.h"
#include "sealsd/store-ledger.h"
#include "tests/unit/register.h"

#define SEAL_1 "00000000000001"

static const Act act = { .by = { .kind = SUBJECT_USER, .id = 0, .text = "user:root" }, .time = 99 };

static Vault *a_key(uint8_t fill) {
        _cleanup_(secret_wipe) Secret secret = { .size = 32, .set = true };
        Vault *key = NULL;

        memset(secret.data, fill, 32);
        assert_int_equal(vault_new(&key, 32, VAULT_PLAIN), 0);
        assert_int_equal(vault_set(key, &secret), 0);
        return key;
}

/* The installation has a register key from now on. */
static void key_install(Register *r) {
        Installation installation = { .phase = INIT_COMPLETE, .separation = SEPARATION_DUAL };

        installation.register_public.publicArea = (TPMT_PUBLIC){
                .type = TPM2_ALG_KEYEDHASH,
                .nameAlg = TPM2_ALG_SHA256,
                .parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL,
        };
        installation.register_public.size = 1;
        assert_int_equal(store_installation_save(r->store, &installation), 0);
}

static void add_request(Register *r) {
        Request request = a_request(1000);
        Decision decision = { .by = a_user(2000, "user:rev"), .comment = "looked at", .time = 5 };

        strcpy(request.reason, "confidential reason");
        assert_int_equal(store_request_add(r->store, &request), 0);
        assert_int_equal(store_decision_add(r->store, request.id, &decision), 0);
}

static Seal a_seal(Register *r) {
        Request request;

        assert_int_equal(store_request_get(r->store, 1, &request), 0);
        Seal seal = { .number = SEAL_1,
                      .request = 1,
                      .state = SEAL_ACTIVE,
                      .separation = SEPARATION_DUAL,
                      .applicant = request.applicant,
                      .facts = request.application,
                      .created = 1000,
                      .index = REGISTER_INDEX,
                      .bit = 1,
                      .filing = { .number = "F", .filed = 7, .document_count = 1 },
                      .private = { .size = 3, .buffer = { 7, 8, 9 } } };
        strcpy(seal.filing.documents[0].title, "Receipt");
        seal.filing.documents[0].hash_size = 32;
        seal.facts.document_count = 1;
        strcpy(seal.facts.documents[0].title, "Licence");
        seal.facts.documents[0].hash_size = 32;
        return seal;
}

static Grant a_grant(void) {
        return (Grant){ .number = SEAL_1,
                        .subject = { .kind = SUBJECT_USER, .id = 5, .text = "user:five" },
                        .purposes = PURPOSE_ALL,
                        .giver = { .kind = SUBJECT_USER, .id = 6, .text = "user:six" },
                        .reason = "confidential grant" };
}

/* A row of every kind that has something confidential. */
static void fill(Register *r) {
        Grant grant = a_grant();

        index_add(r, REGISTER_INDEX, 0, 64, true);
        add_request(r);
        Seal seal = a_seal(r);
        assert_int_equal(store_seal_add(r->store, &seal), 0);
        assert_int_equal(store_grant_add(r->store, &grant), 0);
}

static Seal get(Register *r) {
        Seal seal;

        assert_int_equal(store_seal_get(r->store, SEAL_1, &seal), 0);
        return seal;
}

static void all_is_read(Register *r) {
        Request request;
        Grant grant;

        assert_int_equal(store_request_get(r->store, 1, &request), 0);
        assert_false(request.opaque);
        assert_string_equal(request.reason, "confidential reason");
        assert_string_equal(request.decisions[0].comment, "looked at");
        assert_int_equal(store_grant_get(r->store, 1, &grant), 0);
        assert_false(grant.opaque);
        assert_string_equal(grant.reason, "confidential grant");
        Seal seal = get(r);
        assert_false(seal.opaque);
        assert_int_equal(seal.private.size, 3);
        assert_string_equal(seal.filing.documents[0].title, "Receipt");
        assert_string_equal(seal.facts.documents[0].title, "Licence");
}

static void all_is_opaque(Register *r) {
        Request request;
        Grant grant;

        assert_int_equal(store_request_get(r->store, 1, &request), 0);
        assert_true(request.opaque);
        assert_string_equal(request.reason, "");
        assert_int_equal(request.decision_count, 1);
        assert_string_equal(request.decisions[0].comment, "");
        assert_int_equal(request.decisions[0].by.id, 2000);
        assert_int_equal(store_grant_get(r->store, 1, &grant), 0);
        assert_true(grant.opaque);
        assert_int_equal(grant.subject.id, 5);
        assert_string_equal(grant.reason, "");
        Seal seal = get(r);
        assert_true(seal.opaque);
        assert_int_equal(seal.private.size, 0);
        assert_int_equal(seal.filing.document_count, 0);
        assert_string_equal(seal.filing.number, "F");
        assert_string_equal(seal.facts.name, "Acme");
        assert_int_equal(seal.facts.keeper_count, 1);
        assert_int_equal(seal.facts.purposes, PURPOSE_ALL);
}

/* Does the file have these bytes anywhere? */
static bool file_says(const Register *r, const char *says) {
        char command[256];

        (void) snprintf(command, sizeof(command), "grep -q '%s' %s %s-wal", says, r->path, r->path);
        return system(command) == 0;
}

static void what_is_confidential_is_not_in_the_file(void **state) {
        _cleanup_(vault_freep) Vault *key = a_key(1);
        Register *r = *state;

        key_install(r);
        store_set_key(r->store, key);
        fill(r);
        assert_true(file_says(r, "user:five"));
        assert_false(file_says(r, "confidential"));
        assert_false(file_says(r, "looked at"));
        assert_false(file_says(r, "Receipt"));
        all_is_read(r);
        register_reopen(r);
        all_is_opaque(r);
        store_set_key(r->store, key);
        all_is_read(r);
        store_set_key(r->store, NULL);
        all_is_opaque(r);
}

static void another_key_opens_nothing(void **state) {
        _cleanup_(vault_freep) Vault *key = a_key(1), *other = a_key(2);
        Register *r = *state;
        ErrorDetail detail = {};
        Request request;
        Grant grant;
        Seal seal;

        store_set_key(r->store, key);
        fill(r);
        store_set_key(r->store, other);
        assert_int_equal(store_seal_get(r->store, SEAL_1, &seal), SEAL_E_REGISTER_TAMPERED);
        store_explain(r->store, SEAL_E_REGISTER_TAMPERED, &detail);
        assert_non_null(strstr(detail.text, "row 1 of table seal"));
        assert_int_equal(store_request_get(r->store, 1, &request), SEAL_E_REGISTER_TAMPERED);
        assert_int_equal(store_grant_get(r->store, 1, &grant), SEAL_E_REGISTER_TAMPERED);
}

static void without_the_key_nothing_confidential_is_written(void **state) {
        _cleanup_(vault_freep) Vault *key = a_key(1);
        Register *r = *state;
        Request request = a_request(1);
        Decision decision = { .by = a_user(2000, "user:rev") };
        Grant grant = a_grant();
        uint64_t left;

        key_install(r);
        store_set_key(r->store, key);
        fill(r);
        Seal seal = get(r);
        store_set_key(r->store, NULL);
        assert_int_equal(store_request_add(r->store, &request), SEAL_E_MACHINE_STATE_REFUSED);
        assert_int_equal(request.id, 0);
        assert_int_equal(store_decision_add(r->store, 1, &decision), SEAL_E_MACHINE_STATE_REFUSED);
        assert_int_equal(store_grant_add(r->store, &grant), SEAL_E_MACHINE_STATE_REFUSED);
        assert_int_equal(grant.id, 0);
        assert_int_equal(store_seal_update(r->store, &seal), SEAL_E_MACHINE_STATE_REFUSED);
        assert_int_equal(store_seal_rows(r->store, 1, &left), SEAL_E_MACHINE_STATE_REFUSED);
        seal.opaque = true;
        assert_int_equal(store_seal_update(r->store, &seal), SEAL_E_MACHINE_STATE_REFUSED);
        strcpy(seal.number, "2");
        seal.bit = 2;
        assert_int_equal(store_seal_add(r->store, &seal), SEAL_E_MACHINE_STATE_REFUSED);
        seal.opaque = false;
        assert_int_equal(store_seal_add(r->store, &seal), SEAL_E_MACHINE_STATE_REFUSED);
        store_set_key(r->store, key);
        all_is_read(r); /* nothing of it was written */
}

static void without_the_key_the_life_of_a_seal_goes_on(void **state) {
        const Subject other = a_user(77, "user:other");
        _cleanup_(vault_freep) Vault *key = a_key(1);
        _cleanup_free_ uint64_t *ids = NULL;
        Register *r = *state;
        size_t count = 0;
        uint64_t first;

        key_install(r);
        store_set_key(r->store, key);
        fill(r);
        store_set_key(r->store, NULL);
        Seal seal = get(r);
        seal.state = SEAL_SUSPENDED;
        seal.suspended = act;
        assert_int_equal(store_seal_update(r->store, &seal), 0);
        assert_int_equal(store_keepers_set(r->store, SEAL_1, &other, 1), 0);
        assert_int_equal(store_use_take(r->store, SEAL_1, 1, 1, &first, NULL), 0);
        assert_int_equal(store_grants_end(r->store, SEAL_1, NULL, &act, "gone", &ids, &count), 0);
        assert_int_equal(count, 1);
        assert_int_equal(store_seal_mark_revoked(r->store, SEAL_1, &act, "why"), 0);
        store_set_key(r->store, key);
        all_is_read(r);
        seal = get(r);
        assert_int_equal(seal.state, SEAL_REVOKED);
        assert_int_equal(seal.suspended.time, 99);
        assert_int_equal(seal.facts.keepers[0].id, 77);
        assert_int_equal(seal.use_count, 1);
}

static uint64_t version_of(Register *r, const char *sql) {
        sqlite3 *db = NULL;
        sqlite3_stmt *statement = NULL;

        assert_int_equal(sqlite3_open(r->path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
        uint64_t version = (uint64_t) sqlite3_column_int64(statement, 0);
        assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        return version;
}

static void each_writing_is_another_version(void **state) {
        _cleanup_(vault_freep) Vault *key = a_key(1);
        Register *r = *state;

        store_set_key(r->store, key);
        fill(r);
        assert_int_equal(version_of(r, "SELECT version FROM seal"), 1);
        Seal seal = get(r);
        assert_int_equal(store_seal_update(r->store, &seal), 0);
        assert_int_equal(version_of(r, "SELECT version FROM seal"), 2);
        store_set_key(r->store, NULL);
        seal = get(r);
        assert_int_equal(store_seal_update(r->store, &seal), 0);
        assert_int_equal(version_of(r, "SELECT version FROM seal"), 2);
}

/* The record of another row, of another table, of another version; one that was cut or edited. */
static void a_record_opens_in_its_place_alone(void **state) {
        const char *const changes[] = {
                ("UPDATE request SET sealed = (SELECT sealed FROM request WHERE id = 2)"
                 " WHERE id = 1"),
                "UPDATE request SET sealed = (SELECT sealed FROM seal) WHERE id = 1",
                "UPDATE request SET version = 2 WHERE id = 1",
                "UPDATE request SET sealed = substr(sealed, 1, 27) WHERE id = 1",
                "UPDATE request SET sealed = x'' WHERE id = 1",
                ("UPDATE request SET sealed = CAST(substr(sealed, 1, 40) || x'00' ||"
                 " substr(sealed, 42) AS BLOB) WHERE id = 1"),
                "UPDATE request SET version = 0 WHERE id = 1",
        };
        _cleanup_(vault_freep) Vault *key = a_key(1);
        Register *r = *state;
        Request request;

        store_set_key(r->store, key);
        fill(r);
        add_request(r);
        register_tamper(r, "CREATE TABLE kept AS SELECT version, sealed FROM request WHERE id = 1");
        for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
                register_open(r);
                register_tamper(r, changes[i]);
                register_open(r);
                store_set_key(r->store, key);
                if (store_request_get(r->store, 1, &request) != SEAL_E_REGISTER_TAMPERED)
                        fail_msg("%s was not found", changes[i]);
                register_tamper(r, "UPDATE request SET (version, sealed) ="
                                   " (SELECT version, sealed FROM kept) WHERE id = 1");
        }
        register_open(r);
}

/* --- rows from before there was a key --------------------------------------------------------- */

static void rows_from_before_are_sealed_a_page_at_a_time(void **state) {
        _cleanup_(vault_freep) Vault *key = a_key(1);
        Register *r = *state;
        uint64_t left = 0;
        unsigned calls = 0;

        fill(r);
        assert_true(file_says(r, "confidential"));
        key_install(r);
        store_set_key(r->store, key);
        all_is_read(r);
        do {
                assert_int_equal(store_seal_rows(r->store, 1, &left), 0);
                assert_int_equal(left, 3 - calls);
                calls++;
        } while (left > 0);
        assert_int_equal(calls, 4);
        all_is_read(r);
        assert_int_equal(store_purge(r->store), 0);
        assert_false(file_says(r, "confidential"));
        store_set_key(r->store, NULL);
        all_is_opaque(r);
}

static void a_damaged_row_from_before_keeps_no_other_from_being_sealed(void **state) {
        _cleanup_(vault_freep) Vault *key = a_key(1);
        Register *r = *state;
        uint64_t left = 0;

        fill(r);
        assert_int_equal(store_ledger_begin(r->store, (const uint8_t[LEDGER_HASH_SIZE]){},
                                            &(Event){ .code = EVENT_INITIALIZED, .time = 5 }),
                         0);
        register_tamper(r, "UPDATE request SET sealed = CAST('x' AS BLOB)");
        register_open(r);
        store_set_key(r->store, key);
        for (unsigned i = 0; i < 4; i++)
                assert_int_equal(store_seal_rows(r->store, 1, &left), 0);
        assert_int_equal(left, 0);
        assert_int_equal(version_of(r, "SELECT version FROM seal"), 1);
        assert_int_equal(version_of(r, "SELECT version FROM request"), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                register_test(what_is_confidential_is_not_in_the_file),
                register_test(another_key_opens_nothing),
                register_test(without_the_key_nothing_confidential_is_written),
                register_test(without_the_key_the_life_of_a_seal_goes_on),
                register_test(each_writing_is_another_version),
                register_test(a_record_opens_in_its_place_alone),
                register_test(rows_from_before_are_sealed_a_page_at_a_time),
                register_test(a_damaged_row_from_before_keeps_no_other_from_being_sealed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
