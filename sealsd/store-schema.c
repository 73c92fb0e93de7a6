/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "format/json.h"
#include "sealsd/store-internal.h"

/*
 * Words, not numbers, for states and kinds: the enumerations will grow in their middle. A subject
 * is three columns: text as it was, kind and id. Times are microseconds since the epoch, 0 for
 * never. Columns that lists read stand before the large ones, or in an index of their own.
 */
static const char version_1[] =
        "CREATE TABLE installation ("
        "  id INTEGER PRIMARY KEY CHECK (id = 1),"
        "  phase TEXT NOT NULL,"
        "  separation TEXT NOT NULL,"
        "  resident INTEGER NOT NULL,"
        "  authority BLOB NOT NULL,"
        "  authority_private BLOB NOT NULL,"
        "  pcr_bank INTEGER NOT NULL,"
        "  pcr_mask INTEGER NOT NULL,"
        "  profile TEXT NOT NULL,"
        "  capacity INTEGER NOT NULL,"
        "  srk BLOB NOT NULL,"
        "  owner_auth BLOB,"
        "  owner_auth_ours INTEGER NOT NULL,"
        "  owner_auth_old BLOB,"
        "  lockout_auth BLOB,"
        "  lockout_auth_taken INTEGER NOT NULL"
        ") STRICT;"

        "CREATE TABLE nv_index ("
        "  handle INTEGER PRIMARY KEY,"
        "  kind TEXT NOT NULL,"
        "  ordinal INTEGER NOT NULL,"
        "  auth BLOB,"
        "  written INTEGER NOT NULL,"
        "  used INTEGER NOT NULL CHECK (used BETWEEN 0 AND 64),"
        "  UNIQUE (kind, ordinal)"
        ") STRICT;"

        /* The last value given. */
        "CREATE TABLE counter ("
        "  name TEXT PRIMARY KEY,"
        "  value INTEGER NOT NULL"
        ") STRICT, WITHOUT ROWID;"
        "INSERT INTO counter VALUES ('serial', 0);"

        "CREATE TABLE machine_state ("
        "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
        "  profile TEXT NOT NULL,"
        "  policy BLOB NOT NULL,"
        "  pcr_bank INTEGER NOT NULL,"
        "  pcr_mask INTEGER NOT NULL,"
        "  pcr_values BLOB NOT NULL,"
        "  signature BLOB NOT NULL,"
        "  ticket BLOB NOT NULL,"
        "  approved INTEGER NOT NULL,"
        "  by_text TEXT NOT NULL, by_kind TEXT NOT NULL, by_id INTEGER NOT NULL,"
        "  UNIQUE (profile, policy)"
        ") STRICT;"

        /* AUTOINCREMENT: an id is on paper and in signatures, and never means another request. */
        "CREATE TABLE request ("
        "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
        "  kind TEXT NOT NULL,"
        "  state TEXT NOT NULL,"
        "  applicant_text TEXT NOT NULL, applicant_kind TEXT NOT NULL, applicant_id INTEGER NOT "
        "NULL,"
        "  number TEXT NOT NULL,"
        "  created INTEGER NOT NULL,"
        "  expires INTEGER NOT NULL,"
        "  digest BLOB NOT NULL,"
        "  reviewers_needed INTEGER NOT NULL,"
        "  error TEXT NOT NULL,"
        "  token TEXT NOT NULL,"
        "  application TEXT NOT NULL"
        ") STRICT;"
        "CREATE INDEX request_state ON request (state, id);"
        "CREATE INDEX request_applicant ON request (applicant_id, state, id);"
        "CREATE INDEX request_number ON request (number, id) WHERE number <> '';"
        "CREATE INDEX request_token ON request (applicant_id, token, id) WHERE token <> '';"

        "CREATE TABLE decision ("
        "  request INTEGER NOT NULL REFERENCES request (id),"
        "  ordinal INTEGER NOT NULL,"
        "  by_text TEXT NOT NULL, by_kind TEXT NOT NULL, by_id INTEGER NOT NULL,"
        "  approve INTEGER NOT NULL,"
        "  comment TEXT NOT NULL,"
        "  time INTEGER NOT NULL,"
        "  PRIMARY KEY (request, ordinal)"
        ") STRICT, WITHOUT ROWID;"
        "CREATE INDEX decision_by ON decision (by_id, request);"

        /* id is the order of birth. facts is the application; the columns after it repeat what is
         * searched by. UNIQUE (nv_index, bit): no two seals share a revocation bit. */
        "CREATE TABLE seal ("
        "  id INTEGER PRIMARY KEY,"
        "  number TEXT NOT NULL UNIQUE,"
        "  request INTEGER NOT NULL REFERENCES request (id),"
        "  state TEXT NOT NULL,"
        "  revocation_pending INTEGER NOT NULL,"
        "  separation TEXT NOT NULL,"
        "  applicant_text TEXT NOT NULL, applicant_kind TEXT NOT NULL, applicant_id INTEGER NOT "
        "NULL,"
        "  created INTEGER NOT NULL,"
        "  use_limit INTEGER NOT NULL,"
        "  use_count INTEGER NOT NULL,"
        "  nv_index INTEGER NOT NULL REFERENCES nv_index (handle),"
        "  bit INTEGER NOT NULL CHECK (bit BETWEEN 0 AND 63),"
        "  name TEXT NOT NULL,"
        "  holder TEXT NOT NULL,"
        "  class TEXT NOT NULL,"
        "  type TEXT NOT NULL,"
        "  not_after INTEGER NOT NULL,"
        "  profile TEXT NOT NULL,"
        "  filing_number TEXT NOT NULL,"
        "  filing_authority TEXT NOT NULL,"
        "  filing_filed INTEGER NOT NULL,"
        "  filing_documents TEXT NOT NULL," /* JSON, as in facts */
        "  made_text TEXT NOT NULL, made_kind TEXT NOT NULL, made_id INTEGER NOT NULL,"
        "  made_time INTEGER NOT NULL,"
        "  filed_text TEXT NOT NULL, filed_kind TEXT NOT NULL, filed_id INTEGER NOT NULL,"
        "  filed_time INTEGER NOT NULL,"
        "  delivered_text TEXT NOT NULL, delivered_kind TEXT NOT NULL, delivered_id INTEGER NOT "
        "NULL,"
        "  delivered_time INTEGER NOT NULL,"
        "  accepted_text TEXT NOT NULL, accepted_kind TEXT NOT NULL, accepted_id INTEGER NOT NULL,"
        "  accepted_time INTEGER NOT NULL,"
        "  revoked_text TEXT NOT NULL, revoked_kind TEXT NOT NULL, revoked_id INTEGER NOT NULL,"
        "  revoked_time INTEGER NOT NULL,"
        "  revocation_reason TEXT NOT NULL,"
        "  named_text TEXT NOT NULL, named_kind TEXT NOT NULL, named_id INTEGER NOT NULL,"
        "  facts TEXT NOT NULL,"
        "  public BLOB NOT NULL,"
        "  private BLOB NOT NULL,"
        "  UNIQUE (nv_index, bit)"
        ") STRICT;"
        "CREATE INDEX seal_list ON seal (number, state, name, not_after, class, type, holder);"
        "CREATE INDEX seal_state ON seal (state, number, name, not_after);"
        "CREATE INDEX seal_applicant ON seal (applicant_id, number);"
        "CREATE INDEX seal_request ON seal (request, number);"
        "CREATE INDEX seal_pending ON seal (number) WHERE revocation_pending = 1;"

        /* Who sees a seal as its keeper: those of facts, then the one it was delivered to. */
        "CREATE TABLE keeper ("
        "  seal TEXT NOT NULL REFERENCES seal (number),"
        "  ordinal INTEGER NOT NULL,"
        "  text TEXT NOT NULL, kind TEXT NOT NULL, id INTEGER NOT NULL,"
        "  PRIMARY KEY (seal, ordinal)"
        ") STRICT, WITHOUT ROWID;"
        "CREATE INDEX keeper_subject ON keeper (kind, id, seal);";

/* A released migration is history and says its numbers itself; these are the ones it has. */
_Static_assert(SEALS_PER_INDEX == 64, "version_1 bounds used and bit by it");

/* In order, never changed once released: migrations[n] leads from version n to n + 1. */
static const char *const migrations[] = { version_1, schema_version_2, schema_version_3,
                                          schema_version_4 };

#define VERSION (sizeof(migrations) / sizeof(migrations[0]))

static int version_read(Store *store, uint64_t *ret) {
        return store_read_number(store, "PRAGMA user_version", ret);
}

int schema_check(Store *store, ErrorDetail *detail) {
        uint64_t version;

        int r = version_read(store, &version);
        if (r == 0 && version > VERSION)
                return error_set(detail, SEAL_E_UNSUPPORTED,
                                 "The register has version %" PRIu64 ", this sealsd knows %zu: "
                                 "install the newer sealsd",
                                 version, VERSION);
        return r;
}

/* canonical(text): the text as a canonical JSON string. */
static void canonical(sqlite3_context *context, int count, sqlite3_value **values) {
        _cleanup_json_ json_t *string = NULL;
        _cleanup_free_ char *text = NULL;

        if (count == 1 && sqlite3_value_type(values[0]) == SQLITE_TEXT)
                string = json_string((const char *) sqlite3_value_text(values[0]));
        if (json_to_text(string, &text) == 0)
                sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
        else
                sqlite3_result_error_nomem(context);
}

static int functions_add(Store *store) {
        int code = sqlite3_create_function_v2(store->db, "canonical", 1,
                                              SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, canonical,
                                              NULL, NULL, NULL);

        return store_failure(store, code, "canonical");
}

static int migrate_step(Store *store, size_t from) {
        _cleanup_(store_rollbackp) Store *transaction = NULL;
        char pragma[48];

        int r = store_begin(store);
        if (r != 0)
                return r;
        transaction = store;
        r = store_execute(store, migrations[from]);
        (void) snprintf(pragma, sizeof(pragma), "PRAGMA user_version=%zu", from + 1);
        if (r == 0)
                r = store_execute(store, pragma);
        if (r == 0)
                r = store_commit(store);
        if (r == 0)
                transaction = NULL;
        return r;
}

int schema_migrate(Store *store) {
        uint64_t version;

        int r = version_read(store, &version);
        if (r == 0)
                r = functions_add(store);
        while (r == 0 && version < VERSION)
                r = migrate_step(store, (size_t) version++);
        return r;
}
