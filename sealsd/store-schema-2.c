/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Version 2 of the register: what is confidential stands in one record of a row ("sealed"), every
 * guarded table has an integer for its row, and the ledger is there with what guards the rows.
 *
 * Tables whose columns or keys change are made anew beside the old ones: parents before children,
 * and the old ones go children first, so that foreign keys hold all the way. canonical() gives a
 * text as a canonical JSON string (store-schema.c).
 */
#include "sealsd/store-internal.h"

/* Three columns, and the two more of an act: who by login, and when. */
#define SUBJECT(name)                                                                          \
        "  " name "_text TEXT NOT NULL, " name "_kind TEXT NOT NULL, " name "_id INTEGER NOT " \
        "NULL,"
#define LOGIN(name) "  " name "_login INTEGER NOT NULL DEFAULT 4294967295,"
#define ACT(name) SUBJECT(name) LOGIN(name) "  " name "_time INTEGER NOT NULL,"
#define NEVER "'', 'user', 0, 4294967295, 0, "
#define DONE(name) name "_text, " name "_kind, " name "_id, 4294967295, " name "_time, "

/* Facts of a damaged row are as absent ones: the row is refused when it is read. */
#define FACT(name)                                                                 \
        "CAST(coalesce(json_extract(iif(json_valid(facts), facts, '{}'), '$." name \
        "'), '') AS TEXT)"
#define FACT_TIME                                                                                 \
        "CAST(coalesce(json_extract(iif(json_valid(facts), facts, '{}'), '$.not-before'), 0) AS " \
        "INTEGER)"
#define FACT_PURPOSES                                                                    \
        "(SELECT coalesce(sum(DISTINCT CASE value WHEN 'identity-authentication' THEN 1" \
        "  WHEN 'document-signing' THEN 2 WHEN 'endorsement' THEN 4 ELSE 0 END), 0)"     \
        "  FROM json_each(iif(json_valid(facts), facts, '{}'), '$.purposes'))"

const char schema_version_2[] =
        "ALTER TABLE installation ADD COLUMN register_public BLOB NOT NULL DEFAULT x'';"
        "ALTER TABLE installation ADD COLUMN register_private BLOB NOT NULL DEFAULT x'';"
        "ALTER TABLE nv_index ADD COLUMN retired INTEGER NOT NULL DEFAULT 0;"
        /* Into the rows: of a default SQLite does not tell when it says what a row was before. */
        "UPDATE installation SET register_public = x'', register_private = x'';"
        "UPDATE nv_index SET retired = 0;"

        "DROP INDEX request_state; DROP INDEX request_applicant; DROP INDEX request_number;"
        "DROP INDEX request_token; DROP INDEX decision_by; DROP INDEX seal_list;"
        "DROP INDEX seal_state; DROP INDEX seal_applicant; DROP INDEX seal_request;"
        "DROP INDEX seal_pending; DROP INDEX keeper_subject;"
        "ALTER TABLE counter RENAME TO counter_1;"
        "ALTER TABLE request RENAME TO request_1;"
        "ALTER TABLE decision RENAME TO decision_1;"
        "ALTER TABLE seal RENAME TO seal_1;"
        "ALTER TABLE keeper RENAME TO keeper_1;"

        "CREATE TABLE counter ("
        "  id INTEGER PRIMARY KEY,"
        "  name TEXT NOT NULL UNIQUE,"
        "  value INTEGER NOT NULL"
        ") STRICT;"
        "INSERT INTO counter (name, value) SELECT name, value FROM counter_1 ORDER BY name;"

        /* AUTOINCREMENT: an id is on paper and in signatures, and never means another request. */
        "CREATE TABLE request ("
        "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
        "  kind TEXT NOT NULL,"
        "  state TEXT NOT NULL," SUBJECT("applicant") LOGIN(
                "applicant") "  number TEXT NOT NULL,"
                             "  target TEXT NOT NULL,"
                             "  type TEXT NOT NULL,"
                             "  created INTEGER NOT NULL,"
                             "  expires INTEGER NOT NULL,"
                             "  digest BLOB NOT NULL,"
                             "  reviewers_needed INTEGER NOT NULL,"
                             "  error TEXT NOT NULL,"
                             "  token TEXT NOT NULL,"
                             "  version INTEGER NOT NULL,"
                             "  sealed BLOB NOT NULL"
                             ") STRICT;"
                             "INSERT INTO request SELECT id, kind, state, applicant_text, "
                             "applicant_kind, applicant_id,"
                             "  4294967295, number, '',"
                             "  CAST(coalesce(json_extract(iif(json_valid(application), "
                             "application, '{}'), '$.type'),"
                             "   '') AS TEXT),"
                             "  created, expires, digest, reviewers_needed, error, token, 0,"
                             "  CAST('{\"application\":' || application || ',\"reason\":\"\"}' AS "
                             "BLOB)"
                             "  FROM request_1 ORDER BY id;"
                             "DELETE FROM sqlite_sequence WHERE name = 'request';"
                             "INSERT INTO sqlite_sequence (name, seq)"
                             "  SELECT 'request', seq FROM sqlite_sequence WHERE name = "
                             "'request_1';"
                             "CREATE INDEX request_state ON request (state, id);"
                             "CREATE INDEX request_applicant ON request (applicant_id, state, id);"
                             "CREATE INDEX request_number ON request (number, id) WHERE number <> "
                             "'';"
                             "CREATE INDEX request_target ON request (target, id) WHERE target <> "
                             "'';"
                             "CREATE INDEX request_token ON request (applicant_id, token, id) "
                             "WHERE token <> '';"
                             "CREATE INDEX request_plain ON request (id) WHERE version = 0;"
                             "CREATE INDEX request_due ON request (expires, id)"
                             "  WHERE expires > 0 AND state IN ('applied', 'approved');"

                             "CREATE TABLE decision ("
                             "  row INTEGER PRIMARY KEY,"
                             "  request INTEGER NOT NULL REFERENCES request (id),"
                             "  ordinal INTEGER NOT NULL," SUBJECT("by") LOGIN(
                                     "by") "  approve INTEGER NOT NULL,"
                                           "  time INTEGER NOT NULL,"
                                           "  version INTEGER NOT NULL,"
                                           "  sealed BLOB NOT NULL,"
                                           "  UNIQUE (request, ordinal)"
                                           ") STRICT;"
                                           "INSERT INTO decision (request, ordinal, by_text, "
                                           "by_kind, by_id, approve, time, version,"
                                           "  sealed) SELECT request, ordinal, by_text, by_kind, "
                                           "by_id, approve, time, 0,"
                                           "  CAST('{\"comment\":' || canonical(comment) || '}' AS "
                                           "BLOB)"
                                           "  FROM decision_1 ORDER BY request, ordinal;"
                                           "CREATE INDEX decision_by ON decision (by_id, request);"

                                           /*
         * id is the order of birth. What is searched by and what is in force stands in columns,
         * sealed has the application, the documents of the filing, and the key's private part.
         * UNIQUE (nv_index, bit): no two seals share a revocation bit.
         */
                                           "CREATE TABLE seal ("
                                           "  id INTEGER PRIMARY KEY,"
                                           "  number TEXT NOT NULL UNIQUE,"
                                           "  request INTEGER NOT NULL REFERENCES request (id),"
                                           "  state TEXT NOT NULL,"
                                           "  revocation_pending INTEGER NOT NULL,"
                                           "  separation TEXT NOT NULL," SUBJECT(
                                                   "applicant") "  created INTEGER NOT NULL,"
                                                                "  use_limit INTEGER NOT NULL,"
                                                                "  nv_index INTEGER NOT NULL "
                                                                "REFERENCES nv_index (handle),"
                                                                "  bit INTEGER NOT NULL CHECK (bit "
                                                                "BETWEEN 0 AND 63),"
                                                                "  name TEXT NOT NULL,"
                                                                "  holder TEXT NOT NULL,"
                                                                "  class TEXT NOT NULL,"
                                                                "  type TEXT NOT NULL,"
                                                                "  algorithm TEXT NOT NULL,"
                                                                "  purposes INTEGER NOT NULL,"
                                                                "  not_before INTEGER NOT NULL,"
                                                                "  not_after INTEGER NOT NULL,"
                                                                "  profile TEXT NOT NULL,"
                                                                "  replaces TEXT NOT NULL,"
                                                                "  replaced_by TEXT NOT NULL,"
                                                                "  superseded_at INTEGER NOT NULL,"
                                                                "  filing_number TEXT NOT NULL,"
                                                                "  filing_authority TEXT NOT NULL,"
                                                                "  filing_filed INTEGER NOT "
                                                                "NULL," ACT("made") ACT("filed") ACT("delivered") ACT(
                                                                        "accepted") ACT("suspended") ACT("surrendered")
                                                                        ACT("lost") ACT("revoked") ACT("destroyed") "  revocation_reason TEXT NOT NULL," SUBJECT(
                                                                                "named") "  public "
                                                                                         "BLOB NOT "
                                                                                         "NULL,"
                                                                                         "  "
                                                                                         "version "
                                                                                         "INTEGER "
                                                                                         "NOT NULL,"
                                                                                         "  sealed "
                                                                                         "BLOB NOT "
                                                                                         "NULL,"
                                                                                         "  UNIQUE "
                                                                                         "(nv_"
                                                                                         "index, "
                                                                                         "bit)"
                                                                                         ") STRICT;"
                                                                                         "INSERT "
                                                                                         "INTO "
                                                                                         "seal "
                                                                                         "SELECT "
                                                                                         "id, "
                                                                                         "number, "
                                                                                         "request, "
                                                                                         "state, "
                                                                                         "revocatio"
                                                                                         "n_"
                                                                                         "pending, "
                                                                                         "separatio"
                                                                                         "n,"
                                                                                         "  "
                                                                                         "applicant"
                                                                                         "_text, "
                                                                                         "applicant"
                                                                                         "_kind, "
                                                                                         "applicant"
                                                                                         "_id, "
                                                                                         "created, "
                                                                                         "use_"
                                                                                         "limit, "
                                                                                         "nv_index,"
                                                                                         " bit, "
                                                                                         "name,"
                                                                                         "  "
                                                                                         "holder, "
                                                                                         "class, "
                                                                                         "type,"
                                                                                         " " FACT(
                                                                                                 "a"
                                                                                                 "l"
                                                                                                 "g"
                                                                                                 "o"
                                                                                                 "r"
                                                                                                 "i"
                                                                                                 "t"
                                                                                                 "h"
                                                                                                 "m") ", " FACT_PURPOSES
                                                                                                      ", " FACT_TIME
                                                                                                      ", not_after,"
                                                                                                      "  profile, '', '', 0, filing_number, filing_authority, filing_filed, " DONE(
                                                                                                              "made") DONE("filed")
                                                                                                              DONE("delivered") DONE(
                                                                                                                      "accepted") NEVER NEVER
                                                                                                                      NEVER DONE(
                                                                                                                              "revoked")
                                                                                                                              NEVER
        "  revocation_reason, named_text, named_kind, named_id, public, 0,"
        "  CAST('{\"facts\":' || facts || ',\"filing-documents\":' || filing_documents ||"
        "   ',\"private\":\"' || lower(hex(private)) || '\"}' AS BLOB)"
        "  FROM seal_1 ORDER BY id;"
        "CREATE INDEX seal_list ON seal (number, state, name, not_after, class, type, holder);"
        "CREATE INDEX seal_state ON seal (state, number, name, not_after);"
        "CREATE INDEX seal_applicant ON seal (applicant_id, number);"
        "CREATE INDEX seal_request ON seal (request, number);"
        "CREATE INDEX seal_pending ON seal (number) WHERE revocation_pending = 1;"
        "CREATE INDEX seal_plain ON seal (id) WHERE version = 0;"

        /* Apart from the seal: a use changes this small row alone. */
        "CREATE TABLE seal_use ("
        "  seal INTEGER PRIMARY KEY REFERENCES seal (id),"
        "  count INTEGER NOT NULL"
        ") STRICT;"
        "INSERT INTO seal_use SELECT id, use_count FROM seal_1 ORDER BY id;"

        /* Who keeps a seal now, then the one it was delivered to. */
        "CREATE TABLE keeper ("
        "  row INTEGER PRIMARY KEY,"
        "  seal INTEGER NOT NULL REFERENCES seal (id),"
        "  ordinal INTEGER NOT NULL,"
        "  text TEXT NOT NULL, kind TEXT NOT NULL, id INTEGER NOT NULL,"
        "  UNIQUE (seal, ordinal)"
        ") STRICT;"
        "INSERT INTO keeper (seal, ordinal, text, kind, id)"
        "  SELECT s.id, k.ordinal, k.text, k.kind, k.id"
        "  FROM keeper_1 AS k JOIN seal_1 AS s ON s.number = k.seal ORDER BY s.id, k.ordinal;"
        "CREATE INDEX keeper_subject ON keeper (kind, id, seal);"

        "DROP TABLE keeper_1; DROP TABLE seal_1; DROP TABLE decision_1; DROP TABLE request_1;"
        "DROP TABLE counter_1;"

        /* Ended ones stay: who could use a seal on a day is asked years later. */
        "CREATE TABLE use_grant ("
        "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
        "  seal INTEGER NOT NULL REFERENCES seal (id),"
        "  text TEXT NOT NULL, kind TEXT NOT NULL, subject INTEGER NOT NULL,"
        "  purposes INTEGER NOT NULL,"
        "  not_before INTEGER NOT NULL,"
        "  until INTEGER NOT NULL,"
        "  count INTEGER NOT NULL,"
        "  used INTEGER NOT NULL,"
        "  keeper INTEGER NOT NULL,"
        "  emergency INTEGER NOT NULL," SUBJECT(
                "giver") "  via INTEGER NOT NULL,"
                         "  given INTEGER NOT NULL," SUBJECT(
                                 "ended") "  ended INTEGER NOT NULL,"
                                          "  version INTEGER NOT NULL,"
                                          "  sealed BLOB NOT NULL"
                                          ") STRICT;"
                                          "CREATE INDEX use_grant_seal ON use_grant (seal, id);"
                                          "CREATE INDEX use_grant_via ON use_grant (via) WHERE via "
                                          "<> 0 AND ended = 0;"
                                          "CREATE INDEX use_grant_plain ON use_grant (id) WHERE "
                                          "version = 0;"
                                          "CREATE INDEX use_grant_subject ON use_grant (kind, "
                                          "subject, seal) WHERE ended = 0;"

                                          "CREATE TABLE reviewer ("
                                          "  id INTEGER PRIMARY KEY,"
                                          "  text TEXT NOT NULL, kind TEXT NOT NULL, subject "
                                          "INTEGER NOT NULL,"
                                          "  pem TEXT NOT NULL,"
                                          "  registered INTEGER NOT NULL," SUBJECT(
                                                  "by") "  UNIQUE (kind, subject)"
                                                        ") STRICT;"

                                                        /* hash NULL: that row was deleted. */
                                                        "CREATE TABLE guard ("
                                                        "  tbl TEXT NOT NULL,"
                                                        "  row INTEGER NOT NULL,"
                                                        "  hash BLOB,"
                                                        "  seq INTEGER NOT NULL,"
                                                        "  PRIMARY KEY (tbl, row)"
                                                        ") STRICT, WITHOUT ROWID;"

                                                        /*
                                                         * text is what counts; the columns before
                                                         * it repeat what is searched by.
                                                         */
                                                        "CREATE TABLE ledger ("
                                                        "  seq INTEGER PRIMARY KEY,"
                                                        "  time INTEGER NOT NULL,"
                                                        "  event TEXT NOT NULL,"
                                                        "  seal TEXT NOT NULL,"
                                                        "  subject TEXT NOT NULL,"
                                                        "  state TEXT NOT NULL,"
                                                        "  text TEXT NOT NULL,"
                                                        "  hash BLOB NOT NULL"
                                                        ") STRICT;"
                                                        "CREATE INDEX ledger_time ON ledger (time);"
                                                        "CREATE INDEX ledger_event ON ledger "
                                                        "(event);"
                                                        "CREATE INDEX ledger_subject ON ledger "
                                                        "(subject) WHERE subject <> '';"
                                                        "CREATE INDEX ledger_seal ON ledger (seal) "
                                                        "WHERE seal <> '';"
                                                        "CREATE INDEX ledger_state ON ledger "
                                                        "(seal, time) WHERE seal <> '' AND state "
                                                        "<> '';"

                                                        "CREATE TABLE anchor ("
                                                        "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
                                                        "  seq INTEGER NOT NULL,"
                                                        "  head BLOB NOT NULL,"
                                                        "  value BLOB NOT NULL,"
                                                        "  kind TEXT NOT NULL,"
                                                        "  done INTEGER NOT NULL,"
                                                        "  time INTEGER NOT NULL"
                                                        ") STRICT;"
                                                        "CREATE INDEX anchor_value ON anchor "
                                                        "(value);"
                                                        "CREATE INDEX anchor_done ON anchor (done, "
                                                        "id);"

                                                        "CREATE TABLE checkpoint ("
                                                        "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
                                                        "  seq INTEGER NOT NULL,"
                                                        "  head BLOB NOT NULL,"
                                                        "  anchor INTEGER NOT NULL,"
                                                        "  attest BLOB NOT NULL,"
                                                        "  signature BLOB NOT NULL,"
                                                        "  time INTEGER NOT NULL"
                                                        ") STRICT;";
