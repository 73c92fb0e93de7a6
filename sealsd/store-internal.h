/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the store share: the connection, the schema, and a query whose parameters are
 * put and whose columns are taken in order. A Query remembers its first error, so that a sequence
 * is checked once at its end.
 *
 * Statements are prepared for each call: that costs a fraction of a commit, and nothing is kept.
 */
#pragma once

#include <sys/types.h>

#include <sqlite3.h>

#include <tss2/tss2_tpm2_types.h>

#include "sealsd/store.h"

struct Store {
        sqlite3 *db;
        char *path;
        uint64_t serial; /* the last one given in this process: a rollback gives none again */
        bool stale;      /* a transaction could not be rolled back: nothing may join it */
        ErrorDetail problem, damage; /* the last of either, for store_explain() */
        const char *wal;             /* path, SQLite's memory */
        dev_t wal_device;
        ino_t wal_inode;
};

/* --- failures (store-failure.c) ------------------------------------------------------------- */

/*
 * The condition of an SQLite result code; logged with what SQLite says, and kept for
 * store_explain(). 0 for SQLITE_OK. SEAL_E_REGISTER_TAMPERED for a damaged file.
 */
int store_failure(Store *store, int code, const char *what);

/* What to do about an errno of the register's files; strerror's text for those nobody foresaw. */
const char *store_errno_text(int error);

/*
 * From now on nothing is committed into files that were moved, replaced or removed. The connection
 * is in WAL mode and has read.
 */
int store_watch_files(Store *store);

/* --- schema (store-schema.c) ---------------------------------------------------------------- */

/* SEAL_E_UNSUPPORTED for a newer version; nothing is written then. */
int schema_check(Store *store, ErrorDetail *detail);
int schema_migrate(Store *store);

/* --- queries (store-query.c) ---------------------------------------------------------------- */

/* End a transaction that could not be rolled back before; first step of every statement. */
int store_recover(Store *store);

/* Statements without parameters and rows. */
int store_execute(Store *store, const char *sql);

/* A pragma's or a count's one value. */
int store_read_number(Store *store, const char *sql, uint64_t *ret);

typedef struct Query {
        Store *store;
        sqlite3_stmt *statement;
        int parameter; /* put last */
        int column;    /* to be taken next */
        int code;      /* the first error */
} Query;

/* Errors show at query_run or query_row. sql stays the caller's. */
Query query_new(Store *store, const char *sql);
/* As new, for other parameters of the same statement. */
void query_rewind(Query *query);
void query_end(Query *query);
#define _cleanup_query_ _cleanup_(query_end)

/*
 * Text and bytes are not copied: they have to live until query_end. What take_number and take_text
 * would refuse is SEAL_E_INVALID_ARGS: a row once written has to be readable.
 */
void put_number(Query *query, uint64_t value);
void put_text(Query *query, const char *text);
void put_bytes(Query *query, const void *data, size_t size);
void put_secret(Query *query, const Secret *secret);    /* NULL when unset */
void put_subject(Query *query, const Subject *subject); /* three: text, kind, id */

/* Step once; *ret says whether there is a row. Columns are then taken from the first on. */
int query_row(Query *query, bool *ret);
/* Step to the end of a statement whose rows nobody wants. */
int query_run(Query *query);
/* As query_row, SEAL_E_NOT_FOUND without a row. */
int query_one(Query *query);
/* The first error of the columns taken. */
int query_check(const Query *query);

/* What does not fit its bounds is SEAL_E_REGISTER_TAMPERED. */
void take_number(Query *query, uint64_t *ret);
void take_unsigned(Query *query, unsigned *ret, unsigned max);
void take_u32(Query *query, uint32_t *ret);
void take_bool(Query *query, bool *ret);
void take_text(Query *query, char *ret, size_t size);
/* Exactly a word that find knows. */
void take_word(Query *query, int (*find)(const char *), int *ret);
void take_bytes(Query *query, void *ret, size_t max, size_t *ret_size);
void take_array(Query *query, void *ret, size_t size); /* exactly size bytes */
void take_secret(Query *query, Secret *ret);
void take_subject(Query *query, Subject *ret);
/* Text of any length up to max; *ret is malloc'ed. */
void take_long_text(Query *query, char **ret, size_t max);

/* A transaction unless one is open already: `own` says which. store_end_own ends only its own. */
int store_begin_own(Store *store, bool *ret_own);
int store_end_own(Store *store, bool own, int code);

/* Longer than any application, or the documents of any filing, each byte escaped. */
#define APPLICATION_JSON_MAX (256 * 1024)
#define DOCUMENTS_JSON_MAX (128 * 1024)

/* --- the chip's structures (store-tpm.c), marshalled as TPM 2.0 Part 2 has them --------------- */

typedef struct TpmBlob {
        size_t size;
        uint8_t data[TPM_BLOB_MAX];
} TpmBlob;

int blob_from_public(const TPM2B_PUBLIC *public, TpmBlob *ret); /* empty for size 0 */
int blob_from_private(const TPM2B_PRIVATE *private, TpmBlob *ret);
void take_public(Query *query, TPM2B_PUBLIC *ret);
void take_private(Query *query, TPM2B_PRIVATE *ret);
