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
 *
 * What is confidential of a row is one record, encrypted once there is a register key. Without the
 * key such a row is read opaque, with what its clear columns have; writing what is confidential is
 * SEAL_E_MACHINE_STATE_REFUSED then, and changing the clear columns works.
 *
 * The ledger, and what guards the rows, is in store-ledger.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/vault.h"
#include "sealsd/caller.h"
#include "sealsd/grant.h"
#include "sealsd/installation.h"
#include "sealsd/maker.h"
#include "sealsd/request.h"
#include "sealsd/reviewer.h"
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

/* Whose time the store writes: clock_system() unless told otherwise. */
void store_set_clock(Store *store, Clock clock);

/* The register key, 32 bytes, borrowed as long as it is set; NULL takes it away. */
void store_set_key(Store *store, const Vault *key);
bool store_has_key(const Store *store);

/*
 * Encrypt up to max rows that were written before there was a key; *ret_left says how many are
 * still to be done. Damaged ones are passed over. SEAL_E_MACHINE_STATE_REFUSED without the key.
 */
int store_seal_rows(Store *store, size_t max, uint64_t *ret_left);

/*
 * Write what is in the journal into the register and empty it, so that nothing of an erased record
 * stays on the disk. SEAL_E_BUSY while somebody reads.
 */
int store_purge(Store *store);

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
/* All its seals are dead and the chip has it no more; its seals' records stay. SEAL_E_NOT_FOUND. */
int store_index_retire(Store *store, TPM2_HANDLE handle);
/*
 * At most INDICES_MAX + 1 that are not retired, the revocation indices by ordinal, then the ledger
 * index.
 */
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

/* Leave out so many numbers: they may have been given before an older register was put back. */
int store_number_skip(Store *store, uint64_t count);

/* --- machine states ----------------------------------------------------------------------- */

typedef struct MachineState {
        uint64_t id; /* set by add */
        char profile[PROFILE_MAX + 1];
        MachineApproval approval;
        uint64_t approved; /* when */
        Subject by;
        uint64_t retired; /* when; 0: it is not */
        Subject retired_by;
        char retired_why[TEXT_MAX + 1];
} MachineState;

/*
 * The same policy and profile approved again replaces the older row; beyond MACHINE_STATES_MAX a
 * retired one of the profile, else its oldest, makes room. SEAL_E_LIMITS_EXCEEDED when other
 * profiles have taken it all; SEAL_E_BUSY when its bit was given to another state meanwhile.
 */
int store_machine_state_add(Store *store, MachineState *state);
int store_machine_state_remove_all(Store *store);
/*
 * With retired, retired_by and retired_why: the state that has this index and bit, whose id, which
 * is another one where it was approved again meanwhile, is in state afterwards. SEAL_E_NOT_FOUND.
 */
int store_machine_state_retire(Store *store, MachineState *state);
/* How many bits of a state index are given away, in order; and how many of those are retired. */
int store_state_bits_used(Store *store, TPM2_HANDLE index, unsigned *ret, unsigned *ret_retired);
/*
 * Newest first, at most MACHINE_STATES_MAX. *ret is malloc'ed. Of a bit's index there is no more
 * than kind and handle.
 */
int store_machine_state_list(Store *store, MachineState **ret, size_t *ret_count);
/* SEAL_E_REGISTER_TAMPERED when its row, or that of its bit, is not as the ledger has it. */
int store_machine_state_check(Store *store, uint64_t id);

/* --- requests ----------------------------------------------------------------------------- */

/* Whose view: NULL is everybody's (reviewers, makers, administrators, auditors). */
typedef enum Awaiting {
        AWAITING_ME = 1 << 0,       /* asked for at all; alone it matches nothing */
        AWAITING_DECISION = 1 << 1, /* applied */
        AWAITING_MAKING = 1 << 2,   /* approved or failed */
        /* Also what he applied for or decided himself: the mode lets him. */
        AWAITING_OWN_DECISION = 1 << 3,
        AWAITING_OWN_MAKING = 1 << 4,
} Awaiting;

typedef struct RequestFilter {
        const Caller *viewer; /* only what this caller applied for */
        int state;            /* of RequestState, -1 any */
        const char *kind;     /* NULL any */
        const char *seal;     /* number of the seal that is made or concerned, NULL any */
        bool open;            /* only those that can still become something */
        unsigned awaiting;    /* of Awaiting, 0 any: for awaiting_uid to act on */
        uint32_t awaiting_uid;
        const Caller *awaiting_caller; /* also what waits for his approval, or to be collected */
        uint64_t after;                /* only ids below this one; 0 from the newest */
        size_t limit;                  /* 0: PAGE_MAX */
} RequestFilter;

/* Sets request->id; decisions are added apart. Fields but id, state, number, error never change. */
int store_request_add(Store *store, Request *request);
/* State, number and error; works without the register key. */
int store_request_update(Store *store, const Request *request);
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
        char target[NUMBER_MAX + 1];
        Subject applicant;
        uint64_t created;
} RequestRow;

/* Newest first. *ret is malloc'ed. */
int store_request_list(Store *store, const RequestFilter *filter, RequestRow **ret,
                       size_t *ret_count);
/* The ids of those applied or approved that expired before now, at most PAGE_MAX; malloc'ed. */
int store_request_list_due(Store *store, uint64_t now, uint64_t **ret, size_t *ret_count);
/* Requests of this applicant that are open, but for those of kind use; all with uid NULL. */
int store_request_count_open(Store *store, const uint32_t *uid, unsigned *ret);
/* CreateSeal's token of this UID: the request that it made; SEAL_E_NOT_FOUND. */
int store_request_by_token(Store *store, uint32_t uid, const char *token, uint64_t *ret);

/* --- uses that approvers sign for (use.h) --------------------------------------------------- */

/* What else there is of a request of kind use that was just added; in its transaction. */
int store_use_add(Store *store, const Request *request);

/* What is open of one applicant, and what is frozen for it. */
typedef struct UsesOpen {
        unsigned count;
        uint64_t bytes;
} UsesOpen;

int store_use_count_open(Store *store, uint32_t uid, UsesOpen *ret);
/* In place of an earlier one of the same approver. */
int store_use_approve(Store *store, uint64_t request, const UseApproval *approval);
/*
 * given is the SHA-256 of what an approver signed: remember, for good, that his signature was
 * handed in for this request; one that was before stays. And the request that it was first handed
 * in for, SEAL_E_NOT_FOUND for none.
 */
int store_use_give(Store *store, const TPM2B_DIGEST *given, unsigned approver, uint64_t request);
int store_use_given(Store *store, const TPM2B_DIGEST *given, unsigned approver,
                    uint64_t *ret_request);
/* Erased; works without the register key. SEAL_E_NOT_FOUND when there is none. */
int store_use_withdraw(Store *store, uint64_t request, unsigned approver, uint64_t time);
/* A use was taken for it; with result->use 0: given back. */
int store_use_take_for(Store *store, uint64_t request, const UseResult *result);
/* The signature, which is kept. */
int store_use_keep(Store *store, uint64_t request, const UseResult *result);
/* Open ones of seals that are revoked or destroyed; at most PAGE_MAX, malloc'ed. */
int store_use_list_over(Store *store, uint64_t **ret, size_t *ret_count);
/* Open ones that waited in a session of the chip. */
int store_use_list_live(Store *store, uint64_t **ret, size_t *ret_count);

/* --- seals -------------------------------------------------------------------------------- */

typedef struct SealFilter {
        /* Only seals that this caller keeps, may use, applied for or decided. */
        const Caller *viewer;
        int state;                                /* of SealState, -1 any */
        const char *type, *class, *holder, *name; /* NULL any; name is a substring */
        const Subject *keeper;                    /* NULL any */
        uint64_t expires_before;                  /* 0 any */
        bool without_destroyed;
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

/* Sets seal->id. SEAL_E_ALREADY_EXISTS for a number in use. Keepers are taken from facts. */
int store_seal_add(Store *store, Seal *seal);
/*
 * Everything but what is fixed at birth (number, request, separation, applicant, created, index,
 * bit, replaces; of the facts all but purposes, use_limit and not_after), use_count and the
 * keepers. An opaque one changes in its clear columns; SEAL_E_MACHINE_STATE_REFUSED when it has
 * filing documents or a key, which it was not read with.
 */
int store_seal_update(Store *store, const Seal *seal);
/* Who keeps it from now on; at most KEEPERS_MAX. The named keeper stays. SEAL_E_NOT_FOUND. */
int store_keepers_set(Store *store, const char *number, const Subject *keepers, size_t count);
/*
 * facts has what is in force now, and the keepers of now. Opaque: without documents and private
 * key.
 */
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

/*
 * The authValue, BIRTH_AUTH_SIZE bytes, that a key with a PIN was born with: kept until its keeper
 * has set his own. SEAL_E_NOT_FOUND when there is none (any more); store_purge() empties the
 * journal of it after it was erased.
 */
int store_birth_auth_set(Store *store, const char *number, const Secret *auth);
int store_birth_auth_get(Store *store, const char *number, Secret *ret);
int store_birth_auth_erase(Store *store, const char *number);

/* Does the caller see it as keeper, holder of a grant, applicant or decider? */
int store_seal_visible(Store *store, const char *number, const Caller *viewer, bool *ret);
int store_seal_list(Store *store, const SealFilter *filter, SealRow **ret, size_t *ret_count);
int store_seal_count(Store *store, uint64_t *ret);
/* Numbers, and nothing else, of seals whose bit is still to be set. *ret is malloc'ed rows. */
int store_seal_list_pending(Store *store, SealRow **ret, size_t *ret_count);

/*
 * Take count uses before signing, durable with the transaction: the number of the first.
 * SEAL_E_LIMIT_REACHED at the limit of the seal or of the grant, and the detail says whose;
 * SEAL_E_NOT_FOUND for a seal, or a grant of it (0: as keeper) that has not ended.
 */
int store_use_take(Store *store, const char *number, uint64_t grant, uint64_t count,
                   uint64_t *ret_first, ErrorDetail *detail);

/*
 * The chip refused, nothing was signed: give the uses back. Only those taken last can be; any other
 * stay wasted, so that no number of use is given twice.
 */
int store_use_return(Store *store, const char *number, uint64_t grant, uint64_t first,
                     uint64_t count);

/* --- the maker's keys, certificates and lists (maker.h) ------------------------------------- */

/* Sets maker->id; its first revocation list is owed. */
int store_maker_add(Store *store, Maker *maker);
/* In order of birth. Opaque ones are without private blob. */
int store_maker_list(Store *store, Maker ret[static MAKERS_MAX], size_t *ret_count);

/* From now on in force; what was before stays. SEAL_E_NOT_FOUND for a seal that is not there. */
int store_maker_certificate_add(Store *store, uint64_t maker, const CertificateRecord *record);
int store_seal_certificate_add(Store *store, const char *number, const CertificateRecord *record);
/* The one in force, the caller's to free. SEAL_E_NOT_FOUND. */
int store_maker_certificate_get(Store *store, uint64_t maker, CertificateRecord *ret);
int store_seal_certificate_get(Store *store, const char *number, CertificateRecord *ret);
/* The same, its times alone, for each signature. SEAL_E_NOT_FOUND. */
int store_seal_certificate_validity(Store *store, const char *number, uint64_t *ret_not_before,
                                    uint64_t *ret_not_after);
/* Newest first, at most CERTIFICATES_LISTED_MAX; certificate_records_free(). */
int store_seal_certificate_list(Store *store, const char *number, CertificateRecord **ret,
                                size_t *ret_count);
void certificate_records_free(CertificateRecord *records, size_t count);

/* The last list; the caller's to free. SEAL_E_NOT_FOUND for no maker. */
int store_revocation_list_get(Store *store, uint64_t maker, RevocationList *ret);
int store_revocation_list_set(Store *store, const RevocationList *list);
/*
 * What makers issued for this seal has changed: their lists are owed. Revoking does it, and so does
 * every change of a seal's state that a list tells of.
 */
int store_revocation_list_owe(Store *store, const char *number);
/* Is any of them? */
int store_revocation_list_is_owed(Store *store, bool *ret);
/* What maker certified and what is revoked of it, or on hold, since when and why; malloc'ed. */
int store_revocation_entries(Store *store, uint64_t maker, RevocationEntry **ret,
                             size_t *ret_count);

/* --- pictures and structures (maker.h) ------------------------------------------------------ */

/* In the transaction that adds the request; the caller's to free. SEAL_E_NOT_FOUND for none. */
int store_picture_add(Store *store, uint64_t request, const SealPicture *picture);
int store_picture_get(Store *store, uint64_t request, SealPicture *ret);
/* With the request's end, where nothing came of it. */
int store_picture_drop(Store *store, uint64_t request);
int store_use_structure_drop(Store *store, uint64_t request);
int store_use_structure_add(Store *store, uint64_t request, const UseStructure *structure);
int store_use_structure_get(Store *store, uint64_t request, UseStructure *ret);

/* --- grants ------------------------------------------------------------------------------- */

typedef struct GrantFilter {
        const char *seal;     /* number, NULL any */
        const Caller *holder; /* those of this user and his groups, NULL any */
        const Subject *giver; /* NULL any */
        uint64_t via;         /* given by who is a deputy by this grant; 0 any */
        bool live;            /* only those that have not ended */
        uint64_t after;       /* only ids above this one */
        size_t limit;         /* 0: PAGE_MAX */
} GrantFilter;

/* Sets grant->id. SEAL_E_NOT_FOUND for a seal that is not there, SEAL_E_LIMITS_EXCEEDED. */
int store_grant_add(Store *store, Grant *grant);
int store_grant_get(Store *store, uint64_t id, Grant *ret); /* SEAL_E_NOT_FOUND */
/* By id. *ret is malloc'ed. */
int store_grant_list(Store *store, const GrantFilter *filter, Grant **ret, size_t *ret_count);
/*
 * End one. SEAL_E_NOT_FOUND when it has ended before. Without the register key the reason is not
 * kept here.
 */
int store_grant_end(Store *store, uint64_t id, const Act *act, const char *reason);
/* End those of a seal, with giver not NULL only his: their ids, malloc'ed. */
int store_grants_end(Store *store, const char *number, const Subject *giver, const Act *act,
                     const char *reason, uint64_t **ret, size_t *ret_count);

/* --- reviewers ---------------------------------------------------------------------------- */

/* Replaces what the subject had before. */
int store_reviewer_set(Store *store, const Reviewer *reviewer);
int store_reviewer_get(Store *store, const Subject *subject, Reviewer *ret); /* SEAL_E_NOT_FOUND */
/* In order of registration, at most PAGE_MAX. *ret is malloc'ed. */
int store_reviewer_list(Store *store, Reviewer **ret, size_t *ret_count);
