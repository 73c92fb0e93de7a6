/* SPDX-License-Identifier: Apache-2.0 */
/* A register as version 1 of it was, with a row of every kind, opened by this version. */
#include "sealsd/lifecycle.h"
#include "sealsd/store-ledger.h"
#include "tests/unit/register.h"

/* Released, and written out here: what is tested is that files of it are read. */
static const char version_1[] =
        "CREATE TABLE installation (id INTEGER PRIMARY KEY CHECK (id = 1), phase TEXT NOT NULL,"
        " separation TEXT NOT NULL, resident INTEGER NOT NULL, authority BLOB NOT NULL,"
        " authority_private BLOB NOT NULL, pcr_bank INTEGER NOT NULL, pcr_mask INTEGER NOT NULL,"
        " profile TEXT NOT NULL, capacity INTEGER NOT NULL, srk BLOB NOT NULL, owner_auth BLOB,"
        " owner_auth_ours INTEGER NOT NULL, owner_auth_old BLOB, lockout_auth BLOB,"
        " lockout_auth_taken INTEGER NOT NULL) STRICT;"
        "CREATE TABLE nv_index (handle INTEGER PRIMARY KEY, kind TEXT NOT NULL, ordinal INTEGER NOT"
        " NULL, auth BLOB, written INTEGER NOT NULL, used INTEGER NOT NULL CHECK (used BETWEEN 0"
        " AND 64), UNIQUE (kind, ordinal)) STRICT;"
        "CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT "
        "ROWID;"
        "CREATE TABLE machine_state (id INTEGER PRIMARY KEY AUTOINCREMENT, profile TEXT NOT NULL,"
        " policy BLOB NOT NULL, pcr_bank INTEGER NOT NULL, pcr_mask INTEGER NOT NULL, pcr_values"
        " BLOB NOT NULL, signature BLOB NOT NULL, ticket BLOB NOT NULL, approved INTEGER NOT NULL,"
        " by_text TEXT NOT NULL, by_kind TEXT NOT NULL, by_id INTEGER NOT NULL,"
        " UNIQUE (profile, policy)) STRICT;"
        "CREATE TABLE request (id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, state TEXT"
        " NOT NULL, applicant_text TEXT NOT NULL, applicant_kind TEXT NOT NULL, applicant_id"
        " INTEGER NOT NULL, number TEXT NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT"
        " NULL, digest BLOB NOT NULL, reviewers_needed INTEGER NOT NULL, error TEXT NOT NULL, token"
        " TEXT NOT NULL, application TEXT NOT NULL) STRICT;"
        "CREATE INDEX request_state ON request (state, id);"
        "CREATE INDEX request_applicant ON request (applicant_id, state, id);"
        "CREATE INDEX request_number ON request (number, id) WHERE number <> '';"
        "CREATE INDEX request_token ON request (applicant_id, token, id) WHERE token <> '';"
        "CREATE TABLE decision (request INTEGER NOT NULL REFERENCES request (id), ordinal INTEGER"
        " NOT NULL, by_text TEXT NOT NULL, by_kind TEXT NOT NULL, by_id INTEGER NOT NULL, approve"
        " INTEGER NOT NULL, comment TEXT NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (request,"
        " ordinal)) STRICT, WITHOUT ROWID;"
        "CREATE INDEX decision_by ON decision (by_id, request);"
        "CREATE TABLE seal (id INTEGER PRIMARY KEY, number TEXT NOT NULL UNIQUE, request INTEGER"
        " NOT NULL REFERENCES request (id), state TEXT NOT NULL, revocation_pending INTEGER NOT"
        " NULL, separation TEXT NOT NULL, applicant_text TEXT NOT NULL, applicant_kind TEXT NOT"
        " NULL, applicant_id INTEGER NOT NULL, created INTEGER NOT NULL, use_limit INTEGER NOT"
        " NULL, use_count INTEGER NOT NULL, nv_index INTEGER NOT NULL REFERENCES nv_index (handle),"
        " bit INTEGER NOT NULL CHECK (bit BETWEEN 0 AND 63), name TEXT NOT NULL, holder TEXT NOT"
        " NULL, class TEXT NOT NULL, type TEXT NOT NULL, not_after INTEGER NOT NULL, profile TEXT"
        " NOT NULL, filing_number TEXT NOT NULL, filing_authority TEXT NOT NULL, filing_filed"
        " INTEGER NOT NULL, filing_documents TEXT NOT NULL,"
        " made_text TEXT NOT NULL, made_kind TEXT NOT NULL, made_id INTEGER NOT NULL, made_time"
        " INTEGER NOT NULL, filed_text TEXT NOT NULL, filed_kind TEXT NOT NULL, filed_id INTEGER"
        " NOT NULL, filed_time INTEGER NOT NULL, delivered_text TEXT NOT NULL, delivered_kind TEXT"
        " NOT NULL, delivered_id INTEGER NOT NULL, delivered_time INTEGER NOT NULL, accepted_text"
        " TEXT NOT NULL, accepted_kind TEXT NOT NULL, accepted_id INTEGER NOT NULL, accepted_time"
        " INTEGER NOT NULL, revoked_text TEXT NOT NULL, revoked_kind TEXT NOT NULL, revoked_id"
        " INTEGER NOT NULL, revoked_time INTEGER NOT NULL, revocation_reason TEXT NOT NULL,"
        " named_text TEXT NOT NULL, named_kind TEXT NOT NULL, named_id INTEGER NOT NULL, facts TEXT"
        " NOT NULL, public BLOB NOT NULL, private BLOB NOT NULL, UNIQUE (nv_index, bit)) STRICT;"
        "CREATE INDEX seal_list ON seal (number, state, name, not_after, class, type, holder);"
        "CREATE INDEX seal_state ON seal (state, number, name, not_after);"
        "CREATE INDEX seal_applicant ON seal (applicant_id, number);"
        "CREATE INDEX seal_request ON seal (request, number);"
        "CREATE INDEX seal_pending ON seal (number) WHERE revocation_pending = 1;"
        "CREATE TABLE keeper (seal TEXT NOT NULL REFERENCES seal (number), ordinal INTEGER NOT"
        " NULL, text TEXT NOT NULL, kind TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (seal,"
        " ordinal)) STRICT, WITHOUT ROWID;"
        "CREATE INDEX keeper_subject ON keeper (kind, id, seal);"
        "PRAGMA user_version=1;";

#define FACTS                                                                                     \
        "{\"algorithm\":\"ecdsa-p256\",\"class\":\"institution\",\"documents\":[{\"hash\":"       \
        "\"0a0b\","                                                                               \
        "\"title\":\"Licence\"}],\"holder\":\"Acme Ltd\",\"keeper-ids\":[3000,300],\"keepers\":[" \
        "\"user:keeper\",\"group:keepers\"],\"name\":\"Acme\",\"not-after\":9000,\"not-before\":" \
        "1000,\"purposes\":[\"identity-authentication\",\"endorsement\"],\"type\":\"finance\","   \
        "\"use-limit\":7}"

static const char rows_1[] =
        "INSERT INTO installation VALUES (1, 'complete', 'dual', 0, x'', x'', 11, 133, 'default',"
        " 62, x'000b', NULL, 0, NULL, x'0102', 1);"
        "INSERT INTO nv_index VALUES (25165825, 'revocation', 0, x'03', 1, 4);"
        "INSERT INTO counter VALUES ('serial', 41);"
        "INSERT INTO machine_state VALUES (5, 'default', x'01', 11, 0, x'', x'0010',"
        " x'802200000000', 5, 'user:root', 'user', 0);"
        "DELETE FROM machine_state;"
        "INSERT INTO request VALUES (7, 'make', 'completed', 'user:app', 'user', 1000,"
        " '00000000000041', 1000, 0, zeroblob(32), 1, '', 'token', '" FACTS "');"
        "INSERT INTO request VALUES (9, 'make', 'rejected', 'user:app', 'user', 1000, '', 1001, 0,"
        " zeroblob(32), 1, 'no', '', '" FACTS "');"
        "INSERT INTO request VALUES (12, 'make', 'applied', 'user:app', 'user', 1000, '', 1001, 0,"
        " zeroblob(32), 1, '', '', '" FACTS "');"
        "DELETE FROM request WHERE id = 12;"
        "INSERT INTO decision VALUES (7, 0, 'user:rev', 'user', 2000, 1, 'said \"yes\"' || char(31)"
        " || char(10) || 'é', 1500);"
        "INSERT INTO seal VALUES (3, '00000000000041', 7, 'active', 0, 'dual', 'user:app', 'user',"
        " 1000, 1000, 7, 2, 25165825, 3, 'Acme', 'Acme Ltd', 'institution', 'finance', 9000,"
        " 'default', 'F-1', 'Bureau', 1600, '[{\"hash\":\"0c\",\"title\":\"Receipt\"}]',"
        " 'user:rev', 'user', 2000, 1600, 'user:rev', 'user', 2000, 1601, 'user:rev', 'user', 2000,"
        " 1602, 'user:keeper', 'user', 3000, 1700, '', 'user', 0, 0, '', 'user:keeper', 'user',"
        " 3000, '" FACTS "', x'', x'0003070809');"
        "INSERT INTO keeper VALUES ('00000000000041', 0, 'user:keeper', 'user', 3000);"
        "INSERT INTO keeper VALUES ('00000000000041', 1, 'group:keepers', 'group', 300);"
        "INSERT INTO keeper VALUES ('00000000000041', 8, 'user:keeper', 'user', 3000);";

/* In place of the register that the test began with. */
static void register_write_1(Register *r, const char *more) {
        sqlite3 *db = NULL;

        register_close(r);
        assert_int_equal(unlink(r->path), 0);
        assert_int_equal(sqlite3_open(r->path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, version_1, NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, rows_1, NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, more, NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void facts_check(const Application *facts) {
        assert_string_equal(facts->name, "Acme");
        assert_string_equal(facts->holder, "Acme Ltd");
        assert_string_equal(facts->type, "finance");
        assert_string_equal(facts->algorithm, "ecdsa-p256");
        assert_int_equal(facts->purposes, PURPOSE_IDENTITY_AUTHENTICATION | PURPOSE_ENDORSEMENT);
        assert_int_equal(facts->not_before, 1000);
        assert_int_equal(facts->not_after, 9000);
        assert_int_equal(facts->use_limit, 7);
        assert_int_equal(facts->keeper_count, 2);
        assert_string_equal(facts->keepers[0].text, "user:keeper");
        assert_int_equal(facts->keepers[1].kind, SUBJECT_GROUP);
        assert_int_equal(facts->keepers[1].id, 300);
        assert_int_equal(facts->document_count, 1);
        assert_string_equal(facts->documents[0].title, "Licence");
}

static void a_request_of_version_1_is_kept(void **state) {
        Register *r = *state;
        Request request;

        register_write_1(r, "");
        register_open(r);
        assert_int_equal(store_request_get(r->store, 7, &request), 0);
        assert_int_equal(request.state, REQUEST_COMPLETED);
        assert_false(request.opaque);
        assert_string_equal(request.number, "00000000000041");
        assert_string_equal(request.target, "");
        assert_string_equal(request.type, "finance");
        assert_string_equal(request.reason, "");
        assert_string_equal(request.application.token, "token");
        assert_int_equal(request.applicant_login, LOGIN_NONE);
        facts_check(&request.application);
        assert_int_equal(request.decision_count, 1);
        assert_string_equal(request.decisions[0].comment, "said \"yes\"\x1f\né");
        assert_int_equal(request.decisions[0].by.id, 2000);
        assert_int_equal(request.decisions[0].login, LOGIN_NONE);
        assert_int_equal(request.decisions[0].time, 1500);
        assert_int_equal(store_request_get(r->store, 9, &request), 0);
        assert_string_equal(request.error, "no");
}

static void a_seal_of_version_1_is_kept(void **state) {
        Register *r = *state;
        Seal seal;

        register_write_1(r, "");
        register_open(r);
        register_reopen(r);
        assert_int_equal(store_seal_get(r->store, "00000000000041", &seal), 0);
        assert_int_equal(seal.id, 3);
        assert_int_equal(seal.request, 7);
        assert_int_equal(seal.state, SEAL_ACTIVE);
        assert_int_equal(seal.use_count, 2);
        assert_int_equal(seal.index, 25165825);
        assert_int_equal(seal.bit, 3);
        facts_check(&seal.facts);
        assert_string_equal(seal.filing.number, "F-1");
        assert_int_equal(seal.filing.document_count, 1);
        assert_string_equal(seal.filing.documents[0].title, "Receipt");
        assert_int_equal(seal.made.time, 1600);
        assert_int_equal(seal.made.login, LOGIN_NONE);
        assert_int_equal(seal.accepted.by.id, 3000);
        assert_int_equal(seal.suspended.time, 0);
        assert_string_equal(seal.named_keeper.text, "user:keeper");
        assert_int_equal(seal.private.size, 3);
        assert_int_equal(seal.private.buffer[2], 9);
        assert_string_equal(seal.replaces, "");
}

static void the_rest_of_version_1_is_kept(void **state) {
        Register *r = *state;
        Installation installation;
        RegisterIndex index;
        Request request = a_request(1000);
        char number[NUMBER_MAX + 1];

        register_write_1(r, "");
        register_open(r);
        assert_int_equal(store_installation_load(r->store, &installation), 0);
        assert_int_equal(installation.phase, INIT_COMPLETE);
        assert_int_equal(installation.lockout_auth.size, 2);
        assert_int_equal(installation.register_public.size, 0);
        assert_int_equal(store_index_get(r->store, 25165825, &index), 0);
        assert_int_equal(index.used, 4);
        assert_false(index.retired);
        assert_int_equal(store_number_take(r->store, "000000", number), 0);
        assert_string_equal(number, "00000000000042");
        assert_int_equal(store_request_add(r->store, &request), 0);
        assert_int_equal(request.id, 13); /* never the id of a request that is gone */
}

/* It is refused when it is read, and keeps no other from being read or revoked. */
static void a_damaged_row_of_version_1_keeps_nothing_else_from_moving(void **state) {
        Register *r = *state;
        Request request;
        SealBrief brief;
        Seal seal;

        register_write_1(r, "UPDATE seal SET facts = '{'; UPDATE request SET application = ''"
                            " WHERE id = 9");
        register_open(r);
        assert_int_equal(store_seal_get(r->store, "00000000000041", &seal),
                         SEAL_E_REGISTER_TAMPERED);
        assert_int_equal(store_request_get(r->store, 9, &request), SEAL_E_REGISTER_TAMPERED);
        assert_int_equal(store_request_get(r->store, 7, &request), 0);
        assert_int_equal(store_seal_get_brief(r->store, "00000000000041", &brief), 0);
        assert_int_equal(brief.bit, 3);
}

static void a_register_of_version_1_without_rows_moves(void **state) {
        Register *r = *state;
        uint64_t count = 7;

        register_write_1(r, "DELETE FROM keeper; DELETE FROM seal; DELETE FROM decision;"
                            " DELETE FROM request; DELETE FROM nv_index; DELETE FROM installation");
        register_open(r);
        assert_int_equal(store_seal_count(r->store, &count), 0);
        assert_int_equal(count, 0);
}

/* SQLite tells nothing of a column's default when it says what a row was before. */
static void rows_of_version_1_can_be_changed_once_they_are_guarded(void **state) {
        Register *r = *state;
        Installation installation;

        register_write_1(r, "");
        register_open(r);
        assert_int_equal(store_ledger_begin(r->store, (const uint8_t[LEDGER_HASH_SIZE]){},
                                            &(Event){ .code = EVENT_ADOPTED, .time = 5 }),
                         0);
        assert_int_equal(store_index_mark_written(r->store, 25165825), 0);
        assert_int_equal(store_installation_load(r->store, &installation), 0);
        assert_int_equal(store_installation_save(r->store, &installation), 0);
        assert_int_equal(store_seal_settle_revoked(r->store, "00000000000041"), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                register_test(a_request_of_version_1_is_kept),
                register_test(a_seal_of_version_1_is_kept),
                register_test(the_rest_of_version_1_is_kept),
                register_test(a_damaged_row_of_version_1_keeps_nothing_else_from_moving),
                register_test(a_register_of_version_1_without_rows_moves),
                register_test(rows_of_version_1_can_be_changed_once_they_are_guarded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
