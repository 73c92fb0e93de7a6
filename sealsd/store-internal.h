/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the store share: the connection, the schema, and a query whose parameters are
 * put and whose columns are taken in order. A Query remembers its first error, so that a sequence
 * is checked once at its end.
 *
 * Statements are prepared for each call: that costs a fraction of a commit; those of a use, of an
 * event and of what is added by the thousand are kept.
 */
#pragma once

#include <sys/types.h>

/* Debian's library has it, as most do: a change is told with the row as it was before. */
#define SQLITE_ENABLE_PREUPDATE_HOOK
#include <sqlite3.h>

#include <tss2/tss2_tpm2_types.h>

#include "sealsd/store-ledger.h"
#include "sealsd/store.h"

#define KEPT_MAX 96
#define SEALED_TABLES 7 /* that have a confidential record */

/* A statement that is prepared once. */
typedef struct Kept {
        const char *sql; /* a literal, known by its address */
        sqlite3_stmt *statement;
        bool busy;
} Kept;

/* A row of a guarded table that the open transaction has changed, and what it was before. */
typedef struct Touch {
        unsigned table; /* of guard_tables */
        int64_t row;
        size_t order;
        bool was;      /* there */
        bool accepted; /* whatever it was: an administrator has acknowledged it */
        uint8_t before[LEDGER_HASH_SIZE];
} Touch;

#define SEAMS_MAX 8

/*
 * Where a row of ours does not follow on the row before it as that stands: a break of the chain
 * that is there from the moment we write (format/ledger-breaks.h).
 */
typedef struct Seam {
        uint64_t seq; /* of ours; 0: none */
        bool first;   /* no row is before it, hash is not known here: it is the genesis */
        uint8_t hash[LEDGER_HASH_SIZE]; /* of the text before it */
} Seam;

/* What the open transaction has to tell at its end. */
typedef struct Pending {
        Touch *touches;
        size_t touch_count, touch_size;
        struct EventCopy **events;
        size_t event_count;
        bool short_of_memory; /* something of it was lost: it must not be committed */
        bool forced;          /* rows that were tampered with are changed, and stay so marked */
        bool begins;          /* it begins the ledger */
        bool written;         /* events and guard are in their tables, only the commit is missing */
        bool joins;           /* its first row was looked at */
        Seam seam;            /* that it makes */
        LedgerHead head;      /* with it */
} Pending;

struct Store {
        sqlite3 *db;
        char *path;
        Clock clock;
        bool reader;     /* only reads */
        uint64_t serial; /* the last one given in this process: a rollback gives none again */
        bool stale;      /* a transaction could not be rolled back: nothing may join it */
        ErrorDetail problem, damage; /* the last of either, for store_explain() */
        const char *wal;             /* path, SQLite's memory */
        dev_t wal_device;
        ino_t wal_inode;
        Kept kept[KEPT_MAX];
        const Vault *key;                     /* NULL: not known now */
        uint64_t sealed_up_to[SEALED_TABLES]; /* row of each table that store_seal_rows is at */

        bool begun; /* the ledger; rows are guarded */
        LedgerHead head;
        bool joined; /* to what the ledger had before this process: a row was written */
        Seam seams[SEAMS_MAX];
        size_t seam_count;
        Pending pending;
        StoreObserve observe;
        void *observe_userdata;
        uint64_t data_version;
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
extern const char schema_version_2[];
extern const char schema_version_3[];
extern const char schema_version_4[];

/*
 * The first object of the schema that is not as sealsd makes it, "trigger mine"; "" without one
 * (store-schema-check.c).
 */
int schema_compare(Store *store, char *ret, size_t size);
/* What SQLite finds wrong first in pages and indices; "" without anything. tell may end it. */
int schema_integrity(Store *store, int (*tell)(void *userdata), void *userdata, char *ret,
                     size_t size);

/* --- queries (store-query.c) ---------------------------------------------------------------- */

/* End a transaction that could not be rolled back before; first step of every statement. */
int store_recover(Store *store);

/* Statements without parameters and rows. */
int store_execute(Store *store, const char *sql);

/* A pragma's or a count's one value. */
int store_read_number(Store *store, const char *sql, uint64_t *ret);

/*
 * A statement that writes outside a transaction is one of its own, which begins with its first step
 * and is committed when it comes to its end: an earlier query_end undoes it.
 */
typedef struct Query {
        Store *store;
        Kept *kept; /* NULL: prepared for this query alone */
        bool own;   /* its transaction */
        bool alone; /* it may not stand in one */
        sqlite3_stmt *statement;
        int parameter; /* put last */
        int column;    /* to be taken next */
        int code;      /* the first error */
} Query;

/* Errors show at query_run or query_row. sql stays the caller's. */
Query query_new(Store *store, const char *sql);
/* The same for a literal whose statement is kept for the next time. */
Query query_kept(Store *store, const char *sql);
void query_forget_all(Store *store);
void query_end(Query *query);
#define _cleanup_query_ _cleanup_(query_end)

/*
 * Text and bytes are not copied: they have to live until query_end. What take_number and take_text
 * would refuse is SEAL_E_INVALID_ARGS: a row once written has to be readable.
 */
void put_number(Query *query, uint64_t value);
void put_text(Query *query, const char *text);
void put_bytes(Query *query, const void *data, size_t size);
/* The same where data may be NULL: no bytes are x'' and not NULL. */
void put_long_bytes(Query *query, const void *data, size_t size);
void put_secret(Query *query, const Secret *secret);    /* NULL when unset */
void put_subject(Query *query, const Subject *subject); /* three: text, kind, id */
void put_kind(Query *query, SubjectKind kind);
/* Subject and login. */
void put_person(Query *query, const Subject *subject, uint32_t login);
void put_act(Query *query, const Act *act); /* person and time */

/* Step once; *ret says whether there is a row. Columns are then taken from the first on. */
int query_row(Query *query, bool *ret);
/* Step to the end of a statement whose rows nobody wants. */
int query_run(Query *query);
/* As query_row, SEAL_E_NOT_FOUND without a row. */
int query_one(Query *query);
/* The first error of the columns taken. */
int query_check(const Query *query);
/*
 * Of INSERT, UPDATE and DELETE with RETURNING, which are committed when they come to their end:
 * with `RETURNING 1`, SEAL_E_NOT_FOUND when no row was changed; and once query_one() has given the
 * row and its columns are taken, as query_check().
 */
int query_change(Query *query);
int query_taken(Query *query);

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
void take_person(Query *query, Subject *ret, uint32_t *ret_login);
void take_act(Query *query, Act *ret);
/* Text of any length up to max; *ret is malloc'ed. */
void take_long_text(Query *query, char **ret, size_t max);
/* Bytes likewise; *ret stays NULL where there are none. */
void take_long_bytes(Query *query, uint8_t **ret, size_t max, size_t *ret_size);

/* A transaction unless one is open already: `own` says which. store_end_own ends only its own. */
int store_begin_own(Store *store, bool *ret_own);
int store_end_own(Store *store, bool own, int code);

/* --- confidential records (store-sealed.c) --------------------------------------------------- */

/* Longer than any: an application and the documents of a filing, each byte escaped, and a key. */
#define SEALED_MAX (512 * 1024)

typedef struct Sealed {
        uint64_t version; /* 0: data is the plaintext */
        size_t size;
        uint8_t *data; /* owned */
} Sealed;

/* Wipes. */
void sealed_free(Sealed *sealed);
void plain_freep(char **text);
#define _cleanup_sealed_ _cleanup_(sealed_free)
#define _cleanup_plain_ _cleanup_(plain_freep)

/* Two columns: version, sealed. */
void take_sealed(Query *query, Sealed *ret);

/*
 * The plaintext; *ret stays NULL where it is encrypted and there is no key.
 * SEAL_E_REGISTER_TAMPERED for what was not written for this row and version.
 */
int sealed_open(Store *store, const char *table, uint64_t row, const Sealed *sealed, char **ret);

/* Of the row of the table of that name that is there; *ret as of sealed_open. */
int sealed_read(Store *store, const char *name, uint64_t row, char **ret);

/* Make and write it: the row has a version, or 0 when it was just inserted. */
int sealed_write(Store *store, const char *name, uint64_t row, const char *text);

/* --- seals (store-seal*.c, store-keeper.c) ---------------------------------------------------- */

/* "[0,27,100]" for json_each. */
typedef struct GroupsText {
        char text[CALLER_GROUPS_MAX * 11 + 3];
} GroupsText;

void groups_format(const Caller *viewer, GroupsText *ret);

/* The row of a seal. SEAL_E_NOT_FOUND. */
int seal_row(Store *store, const char *number, uint64_t *ret);
/* Those of facts, then the one it was delivered to; rows that are as they were stay untouched. */
int keepers_write(Store *store, uint64_t seal, const Subject *keepers, size_t count);
int named_keeper_write(Store *store, uint64_t seal, const Subject *named);
int keepers_read(Store *store, uint64_t seal, Subject *ret, size_t *ret_count);
/* Of the seal's rows beside its own. */
int keepers_check(Store *store, uint64_t seal);

/* --- approvers and PINs (store-approver.c) ---------------------------------------------------- */

/* At birth. Nothing stands where neither is. */
int approvers_write(Store *store, uint64_t seal, const Application *facts);
/* Into zeroed facts; the rows are checked against the ledger. */
int approvers_read(Store *store, uint64_t seal, Application *facts);

/* --- uses (store-use-request.c) --------------------------------------------------------------- */

/* What a request of kind use has beside its row. */
int use_load(Store *store, Request *request);

/* --- guard (store-guard.c) -------------------------------------------------------------------- */

extern const char *const guard_tables[];
extern const unsigned guard_table_count;
/* Its place in the list; guard_table_count when it is not in it. */
unsigned guard_table_find(const char *name);

/* From now on what changes is noted. */
void guard_watch(Store *store);
/*
 * The row, as it stands, is what it should be from now on: in a transaction of an acknowledgement.
 */
int guard_touch(Store *store, unsigned table, int64_t row);
/* Every row that there is counts as changed. */
int guard_touch_all(Store *store);
/*
 * The touches of the open transaction, each once, in order; with their hashes. malloc'ed.
 * SEAL_E_REGISTER_TAMPERED when a row was, before it, not what the ledger says: to change it would
 * make it good. Of a forced transaction such a row is left out.
 */
int guard_collect(Store *store, LedgerTouch **ret, size_t *ret_count);
int guard_write(Store *store, const LedgerTouch *touch, uint64_t seq);
/*
 * Is the row what the ledger says? SEAL_E_REGISTER_TAMPERED, and store_explain() names it. A row
 * that the open transaction has changed passes.
 */
int guard_check(Store *store, const char *name, uint64_t row);
/* The hash of the row as it is; *ret_there false when there is none. */
int guard_hash(Store *store, unsigned table, int64_t row, uint8_t ret[static LEDGER_HASH_SIZE],
               bool *ret_there);

/* SEAL_E_REGISTER_TAMPERED, and store_explain() names the row. */
int store_tampered(Store *store, const char *table, uint64_t row, const char *how);

/* --- revocation lists (store-maker.c) --------------------------------------------------------- */

/* Before a seal's row is written with that state: lists that tell of it are owed. */
int list_follow(Store *store, const char *number, SealState next);

/* --- events (store-ledger.c) ------------------------------------------------------------------ */

/* The head, from the file. */
int ledger_load(Store *store);
/* The one that the next row would make. */
int ledger_seam(Store *store, Seam *ret);
/* Write what the open transaction has to tell, before its commit. */
int pending_write(Store *store);
/* Tell the observer, after its commit. */
void pending_settle(Store *store);
/* It was rolled back. */
void pending_drop(Store *store);

/* --- the chip's structures (store-tpm.c), marshalled as TPM 2.0 Part 2 has them --------------- */

typedef struct TpmBlob {
        size_t size;
        uint8_t data[TPM_BLOB_MAX];
} TpmBlob;

int blob_from_public(const TPM2B_PUBLIC *public, TpmBlob *ret); /* empty for size 0 */
int blob_from_private(const TPM2B_PRIVATE *private, TpmBlob *ret);
bool private_from_blob(const TpmBlob *blob, TPM2B_PRIVATE *ret);
/* creationHash, then the ticket. */
int blob_from_birth(const SealBirth *birth, TpmBlob *ret);
bool birth_from_blob(const TpmBlob *blob, SealBirth *ret);
void take_public(Query *query, TPM2B_PUBLIC *ret);
void take_private(Query *query, TPM2B_PRIVATE *ret);
