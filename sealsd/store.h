/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The register: one SQLite database (WAL, synchronous=FULL, foreign keys, user_version migrations),
 * used from the main thread only. The only place that knows SQL.
 *
 * Every function may return SEAL_E_STORAGE_FAILURE (disk full, read-only, locked by another
 * program; store_explain() says which), SEAL_E_REGISTER_TAMPERED (the file is damaged) and -ENOMEM.
 * What is read back is bounded by base/limits.h: a longer field is SEAL_E_REGISTER_TAMPERED. A
 * number beyond 2^63 − 1 or text that is not UTF-8 could not be read back and is
 * SEAL_E_INVALID_ARGS. Writes outside a transaction are a transaction each.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "sealsd/caller.h"
#include "sealsd/installation.h"
#include "sealsd/request.h"
#include "sealsd/seal.h"
#include "tpm/sign.h"

typedef struct Store Store;

/*
 * Open or create path (mode 0600) and bring its schema up to date. SEAL_E_UNSUPPORTED for a
 * register of a newer version, which is left untouched.
 */
int store_open(Store **ret, const char *path, ErrorDetail *detail);
Store *store_close(Store *store);
DEFINE_CLEANUP(Store, store_close)

/*
 * The sentence of the last SEAL_E_STORAGE_FAILURE, or of the damage behind a
 * SEAL_E_REGISTER_TAMPERED, where detail has none yet.
 */
void store_explain(const Store *store, int code, ErrorDetail *detail);

/* Transactions do not nest. Rollback without a transaction does nothing. */
int store_begin(Store *store);
int store_commit(Store *store);
void store_rollback(Store *store);
/* Commit when code is 0, else roll back: code, or why it could not be committed. */
int store_end(Store *store, int code);

/* For an owned `Store *transaction` local: what was not committed is rolled back. */
static inline void store_rollbackp(Store **store) {
        if (*store)
                store_rollback(*store);
}

/* --- installation ------------------------------------------------------------------------- */

/* Zeroed with phase INIT_NONE before the first save. The caller wipes it. */
int store_installation_load(Store *store, Installation *ret);
int store_installation_save(Store *store, const Installation *installation);

int store_index_add(Store *store, const RegisterIndex *index);
int store_index_mark_written(Store *store, TPM2_HANDLE handle);
int store_index_remove_all(Store *store);
/* One of which no bit was given away. Of none, 0. */
int store_index_remove(Store *store, TPM2_HANDLE handle);
/* At most INDICES_MAX + 1, the revocation indices by ordinal, then the ledger index. */
int store_index_list(Store *store, RegisterIndex *ret, size_t size, size_t *ret_count);
int store_index_get(Store *store, TPM2_HANDLE handle, RegisterIndex *ret);

/*
 * Give the next free bit of the written revocation indices away, for ever.
 * SEAL_E_CAPACITY_EXHAUSTED.
 */
int store_bit_take(Store *store, TPM2_HANDLE *ret_index, unsigned *ret_bit);

/*
 * Give a bit back whose key was never made. Only the one given last can be reused; any other stays
 * burnt.
 */
int store_bit_return(Store *store, TPM2_HANDLE index, unsigned bit);

/*
 * The next number: region and an 8-digit serial, never given twice, not even after a rollback.
 * SEAL_E_CAPACITY_EXHAUSTED.
 */
int store_number_take(Store *store, const char *region, char ret[static NUMBER_MAX + 1]);

/* --- machine states ----------------------------------------------------------------------- */

typedef struct MachineState {
        uint64_t id; /* set by add */
        char profile[PROFILE_MAX + 1];
        MachineApproval approval;
        uint64_t approved; /* when */
        Subject by;
} MachineState;

/*
 * The same policy and profile approved again replaces the older row; beyond MACHINE_STATES_MAX the
 * oldest of the profile makes room. SEAL_E_LIMITS_EXCEEDED when other profiles have taken it all.
 */
int store_machine_state_add(Store *store, MachineState *state);
int store_machine_state_remove_all(Store *store);
/* Newest first, at most MACHINE_STATES_MAX. *ret is malloc'ed. */
int store_machine_state_list(Store *store, MachineState **ret, size_t *ret_count);

/* --- requests ----------------------------------------------------------------------------- */

/* Whose view: NULL is everybody's (reviewers, makers, administrators, auditors). */
typedef enum Awaiting {
        AWAITING_ME = 1 << 0,       /* asked for at all; alone it matches nothing */
        AWAITING_DECISION = 1 << 1, /* applied */
        AWAITING_MAKING = 1 << 2,   /* approved */
} Awaiting;

typedef struct RequestFilter {
        const Caller *viewer; /* only what this caller applied for */
        int state;            /* of RequestState, -1 any */
        const char *kind;     /* NULL any */
        const char *seal;     /* number, NULL any */
        unsigned awaiting; /* of Awaiting, 0 any: neither decided nor applied for by awaiting_uid */
        uint32_t awaiting_uid;
        uint64_t after; /* only ids below this one; 0 from the newest */
        size_t limit;   /* 0: PAGE_MAX */
} RequestFilter;

/* Sets request->id; decisions are added apart. Fields but id, state, number, error never change. */
int store_request_add(Store *store, Request *request);
int store_request_update(Store *store, const Request *request); /* state, number, error */
int store_request_get(Store *store, uint64_t id, Request *ret); /* SEAL_E_NOT_FOUND */
/* Those in the making have failed: one statement, which no damaged row stops. */
int store_request_fail_all_making(Store *store, const char *why);
/* Does the request exist and, unless viewer is NULL, did he apply for it? */
int store_request_visible(Store *store, uint64_t id, const Caller *viewer, bool *ret);
int store_decision_add(Store *store, uint64_t request, const Decision *decision);
/* What a list shows of a request; the whole of it is forty times as large. */
typedef struct RequestRow {
        uint64_t id;
        char kind[KIND_MAX + 1];
        RequestState state;
        char number[NUMBER_MAX + 1];
        Subject applicant;
        uint64_t created;
} RequestRow;

/* Newest first. *ret is malloc'ed. */
int store_request_list(Store *store, const RequestFilter *filter, RequestRow **ret,
                       size_t *ret_count);
/* Requests of this applicant that are open; of everybody with uid NULL. */
int store_request_count_open(Store *store, const uint32_t *uid, unsigned *ret);
/* CreateSeal's token of this UID: the request that it made; SEAL_E_NOT_FOUND. */
int store_request_by_token(Store *store, uint32_t uid, const char *token, uint64_t *ret);

/* --- seals -------------------------------------------------------------------------------- */

typedef struct SealFilter {
        const Caller *viewer; /* only seals that this caller keeps, applied for or decided */
        int state;            /* of SealState, -1 any */
        const char *type, *class, *holder, *name; /* NULL any; name is a substring */
        const Subject *keeper;                    /* NULL any */
        uint64_t expires_before;                  /* 0 any */
        const char *after; /* numbers after this one in the list's order; NULL from the start */
        size_t limit;      /* 0: PAGE_MAX */
        bool newest_first; /* else ascending by number */
} SealFilter;

typedef struct SealRow {
        char number[NUMBER_MAX + 1];
        char name[NAME_BYTES_MAX + 1];
        SealState state;
        uint64_t not_after;
} SealRow;

/* SEAL_E_ALREADY_EXISTS for a number in use. Keepers are taken from facts. */
int store_seal_add(Store *store, const Seal *seal);
/*
 * Everything but number, request, separation, applicant, facts, created, index, bit and use_count.
 */
int store_seal_update(Store *store, const Seal *seal);
int store_seal_get(Store *store, const char *number, Seal *ret); /* SEAL_E_NOT_FOUND */
int store_seal_exists(Store *store, const char *number, bool *ret);

/* What revoking needs of a seal, read and written though the rest of its row be damaged. */
typedef struct SealBrief {
        char number[NUMBER_MAX + 1];
        SealState state;
        bool revocation_pending;
        TPM2_HANDLE index;
        unsigned bit;
} SealBrief;

int store_seal_get_brief(Store *store, const char *number, SealBrief *ret); /* SEAL_E_NOT_FOUND */
/* The seal that has this bit. SEAL_E_NOT_FOUND. */
int store_seal_by_bit(Store *store, TPM2_HANDLE index, unsigned bit,
                      char ret[static NUMBER_MAX + 1]);
/* Revoked by this act, the bit still to be set. reason is cut at TEXT_MAX. SEAL_E_NOT_FOUND. */
int store_seal_mark_revoked(Store *store, const char *number, const Act *act, const char *reason);
/* The bit is set. SEAL_E_NOT_FOUND. */
int store_seal_settle_revoked(Store *store, const char *number);

/* Does the caller see it as keeper, applicant or decider? */
int store_seal_visible(Store *store, const char *number, const Caller *viewer, bool *ret);
int store_seal_list(Store *store, const SealFilter *filter, SealRow **ret, size_t *ret_count);
int store_seal_count(Store *store, uint64_t *ret);
/* Numbers, and nothing else, of seals whose bit is still to be set. *ret is malloc'ed rows. */
int store_seal_list_pending(Store *store, SealRow **ret, size_t *ret_count);
/* Take one use before signing, durable: the new count. SEAL_E_LIMIT_REACHED at the seal's limit. */
int store_seal_take_use(Store *store, const char *number, uint64_t *ret_use);

/*
 * The chip refused, nothing was signed: give the use back. Only the one taken last can be; any
 * other stays wasted, so that no number of use is given twice.
 */
int store_seal_return_use(Store *store, const char *number, uint64_t use);
