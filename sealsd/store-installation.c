/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sealsd/store-internal.h"

/* --- installation --------------------------------------------------------------------------- */

static const char *const phases[] = {
        [INIT_NONE] = "none",
        [INIT_STARTED] = "started",
        [INIT_DEFINED] = "defined",
        [INIT_COMPLETE] = "complete",
};

static int phase_find(const char *word) {
        for (int i = INIT_NONE; i <= INIT_COMPLETE; i++)
                if (strcmp(phases[i], word) == 0)
                        return i;
        return -1;
}

/* Here "none" is a word too: a phase that has just begun has no separation yet. */
static int separation_find(const char *word) {
        return strcmp(word, separation_name(SEPARATION_NONE)) == 0 ? SEPARATION_NONE
                                                                   : separation_from_name(word);
}

static void take_installation(Query *query, Installation *ret) {
        int phase = 0, separation = 0;
        unsigned bank = 0;
        size_t srk_size = 0;

        take_word(query, phase_find, &phase);
        take_word(query, separation_find, &separation);
        take_bool(query, &ret->resident);
        take_public(query, &ret->authority);
        take_private(query, &ret->authority_private);
        take_unsigned(query, &bank, UINT16_MAX);
        take_unsigned(query, &ret->pcrs.mask, (1U << PCR_COUNT) - 1);
        take_text(query, ret->profile, sizeof(ret->profile));
        take_unsigned(query, &ret->capacity, CAPACITY_MAX);
        take_bytes(query, ret->srk.name, sizeof(ret->srk.name), &srk_size);
        take_secret(query, &ret->owner_auth);
        take_bool(query, &ret->owner_auth_ours);
        take_secret(query, &ret->owner_auth_old);
        take_secret(query, &ret->lockout_auth);
        take_bool(query, &ret->lockout_auth_taken);
        take_public(query, &ret->register_public);
        take_private(query, &ret->register_private);
        ret->phase = (InitPhase) phase;
        ret->separation = (Separation) separation;
        ret->pcrs.bank = (TPMI_ALG_HASH) bank;
        ret->srk.size = (UINT16) srk_size;
}

static void installation_wipe(Installation *installation) {
        secret_wipe(&installation->owner_auth);
        secret_wipe(&installation->owner_auth_old);
        secret_wipe(&installation->lockout_auth);
}

int store_installation_load(Store *store, Installation *ret) {
        _cleanup_query_ Query query = query_new(
                store, "SELECT phase, separation, resident, authority, authority_private,"
                       " pcr_bank, pcr_mask, profile, capacity, srk, owner_auth,"
                       " owner_auth_ours, owner_auth_old, lockout_auth,"
                       " lockout_auth_taken, register_public, register_private"
                       " FROM installation");
        _cleanup_(installation_wipe) Installation installation = {};
        bool row;

        int r = query_row(&query, &row);
        if (r == 0 && row) {
                take_installation(&query, &installation);
                r = query_check(&query);
        }
        if (r == 0)
                *ret = installation;
        return r;
}

/* Its structures of the chip; the query borrows them. */
typedef struct InstallationBlobs {
        TpmBlob authority, authority_private, public, private;
} InstallationBlobs;

static void put_installation(Query *query, const Installation *installation,
                             const InstallationBlobs *blobs) {
        put_text(query, phases[installation->phase]);
        put_text(query, separation_name(installation->separation));
        put_number(query, installation->resident);
        put_bytes(query, blobs->authority.data, blobs->authority.size);
        put_bytes(query, blobs->authority_private.data, blobs->authority_private.size);
        put_number(query, installation->pcrs.bank);
        put_number(query, installation->pcrs.mask);
        put_text(query, installation->profile);
        put_number(query, installation->capacity);
        put_bytes(query, installation->srk.name, installation->srk.size);
        put_secret(query, &installation->owner_auth);
        put_number(query, installation->owner_auth_ours);
        put_secret(query, &installation->owner_auth_old);
        put_secret(query, &installation->lockout_auth);
        put_number(query, installation->lockout_auth_taken);
        put_bytes(query, blobs->public.data, blobs->public.size);
        put_bytes(query, blobs->private.data, blobs->private.size);
}

static int blobs_make(const Installation *installation, InstallationBlobs *ret) {
        int r = blob_from_public(&installation->authority, &ret->authority);

        if (r == 0)
                r = blob_from_private(&installation->authority_private, &ret->authority_private);
        if (r == 0)
                r = blob_from_public(&installation->register_public, &ret->public);
        return r != 0 ? r : blob_from_private(&installation->register_private, &ret->private);
}

/* In place: the row's number stays, so that whoever watches the rows sees one that changed. */
int store_installation_save(Store *store, const Installation *installation) {
        _cleanup_query_ Query query = query_new(
                store, "INSERT OR REPLACE INTO installation VALUES"
                       " (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
        InstallationBlobs blobs;

        int r = blobs_make(installation, &blobs);
        if (r != 0)
                return r;
        put_installation(&query, installation, &blobs);
        return query_run(&query);
}

/* --- indices -------------------------------------------------------------------------------- */

static const char *const index_kinds[] = {
        [INDEX_REVOCATION] = "revocation",
        [INDEX_LEDGER] = "ledger",
        [INDEX_STATE] = "state",
};

static int index_kind_find(const char *word) {
        for (size_t i = 0; i < sizeof(index_kinds) / sizeof(index_kinds[0]); i++)
                if (strcmp(word, index_kinds[i]) == 0)
                        return (int) i;
        return -1;
}

#define INDEX_COLUMNS "kind, handle, ordinal, auth, written, used, retired"
#define RETIRED_ORDINAL_MAX UINT16_MAX

static void take_index(Query *query, RegisterIndex *ret) {
        int kind = 0;

        take_word(query, index_kind_find, &kind);
        take_u32(query, &ret->handle);
        take_unsigned(query, &ret->ordinal, RETIRED_ORDINAL_MAX);
        take_secret(query, &ret->auth);
        take_bool(query, &ret->written);
        take_unsigned(query, &ret->used, SEALS_PER_INDEX);
        take_bool(query, &ret->retired);
        ret->kind = (IndexKind) kind;
        if (query->code == 0 && !ret->retired && ret->ordinal > INDICES_MAX)
                query->code = SEAL_E_REGISTER_TAMPERED;
}

int store_index_add(Store *store, const RegisterIndex *index) {
        _cleanup_query_ Query query = query_new(store, "INSERT INTO nv_index (" INDEX_COLUMNS
                                                       ") VALUES (?, ?, ?, ?, ?, ?, ?)");

        put_text(&query, index_kinds[index->kind]);
        put_number(&query, index->handle);
        put_number(&query, index->ordinal);
        put_secret(&query, &index->auth);
        put_number(&query, index->written);
        put_number(&query, index->used);
        put_number(&query, index->retired);
        return query_run(&query);
}

int store_index_mark_written(Store *store, TPM2_HANDLE handle) {
        _cleanup_query_ Query query = query_new(
                store, "UPDATE nv_index SET written = 1 WHERE handle = ? RETURNING 1");

        put_number(&query, handle);
        return query_change(&query);
}

int store_index_retire(Store *store, TPM2_HANDLE handle) {
        _cleanup_query_ Query query = query_new(
                store, "UPDATE nv_index SET retired = 1 WHERE handle = ? RETURNING 1");

        put_number(&query, handle);
        return query_change(&query);
}

int store_index_remove_all(Store *store) {
        _cleanup_query_ Query query = query_new(store, "DELETE FROM nv_index WHERE 1");

        return query_run(&query);
}

int store_index_remove(Store *store, TPM2_HANDLE handle) {
        _cleanup_query_ Query query = query_new(store, "DELETE FROM nv_index WHERE handle = ?");

        put_number(&query, handle);
        return query_run(&query);
}

static int index_rows(Query *query, RegisterIndex *ret, size_t size, size_t *ret_count) {
        bool row = true;

        for (;;) {
                int r = query_row(query, &row);
                if (r != 0 || !row)
                        return r;
                if (*ret_count >= size)
                        return SEAL_E_REGISTER_TAMPERED;
                take_index(query, &ret[(*ret_count)++]);
                if (query_check(query) != 0)
                        return query_check(query);
        }
}

int store_index_list(Store *store, RegisterIndex *ret, size_t size, size_t *ret_count) {
        _cleanup_query_ Query query = query_new(store, "SELECT " INDEX_COLUMNS
                                                       " FROM nv_index WHERE retired = 0"
                                                       " ORDER BY kind = 'ledger', ordinal");
        size_t count = 0;

        for (size_t i = 0; i < size; i++)
                secret_wipe(&ret[i].auth);
        int r = index_rows(&query, ret, size, &count);
        for (size_t i = 0; r != 0 && i < size; i++)
                secret_wipe(&ret[i].auth);
        if (r == 0)
                *ret_count = count;
        return r;
}

int store_index_get(Store *store, TPM2_HANDLE handle, RegisterIndex *ret) {
        _cleanup_query_ Query query = query_new(store, "SELECT " INDEX_COLUMNS
                                                       " FROM nv_index WHERE handle = ?");
        RegisterIndex index = {};

        put_number(&query, handle);
        int r = query_one(&query);
        if (r == 0) {
                take_index(&query, &index);
                r = query_check(&query);
        }
        if (r == 0)
                *ret = index;
        secret_wipe(&index.auth);
        return r;
}

/* --- counters ------------------------------------------------------------------------------- */

int store_bit_take(Store *store, TPM2_HANDLE *ret_index, unsigned *ret_bit) {
        _cleanup_query_ Query query = query_new(
                store, "UPDATE nv_index SET used = used + 1 WHERE handle ="
                       " (SELECT handle FROM nv_index WHERE kind = 'revocation' AND written = 1"
                       "  AND retired = 0 AND used < ? ORDER BY ordinal LIMIT 1) RETURNING handle, "
                       "used - 1");
        TPM2_HANDLE handle = 0;
        unsigned bit = 0;

        put_number(&query, SEALS_PER_INDEX);
        int r = query_one(&query);
        if (r != 0)
                return r == SEAL_E_NOT_FOUND ? SEAL_E_CAPACITY_EXHAUSTED : r;
        take_u32(&query, &handle);
        take_unsigned(&query, &bit, SEALS_PER_INDEX - 1);
        r = query_taken(&query);
        if (r != 0)
                return r;
        *ret_index = handle;
        *ret_bit = bit;
        return 0;
}

/* The count goes back by one where this bit was the last one counted. */
int store_bit_return(Store *store, TPM2_HANDLE index, unsigned bit) {
        _cleanup_query_ Query query = query_new(
                store, "UPDATE nv_index SET used = used - 1 WHERE handle = ?1"
                       " AND used = ?2 + 1 AND NOT EXISTS"
                       " (SELECT 1 FROM seal WHERE nv_index = ?1 AND bit = ?2)");

        put_number(&query, index);
        put_number(&query, bit);
        return query_run(&query);
}

#define SERIAL_DIGITS 8
#define SERIAL_MAX 99999999U

/* One statement, so one transaction where none is open. */
static int serial_advance(Store *store, uint64_t *ret) {
        _cleanup_query_ Query query = query_new(store,
                                                "UPDATE counter SET value = max(value, ?) + 1"
                                                " WHERE name = 'serial' RETURNING value");
        uint64_t serial = 0;

        put_number(&query, store->serial);
        int r = query_one(&query);
        if (r != 0)
                return r == SEAL_E_NOT_FOUND ? SEAL_E_REGISTER_TAMPERED : r;
        take_number(&query, &serial);
        r = query_check(&query);
        if (r == 0 && serial > SERIAL_MAX)
                return SEAL_E_CAPACITY_EXHAUSTED;
        if (r == 0)
                r = query_run(&query);
        if (r == 0)
                *ret = serial;
        return r;
}

int store_number_skip(Store *store, uint64_t count) {
        _cleanup_query_ Query query = query_new(store,
                                                "UPDATE counter SET value = min(max(value, ?) + ?,"
                                                " ?) WHERE name = 'serial' RETURNING 1");

        if (count > SERIAL_MAX)
                return SEAL_E_INVALID_ARGS;
        put_number(&query, store->serial);
        put_number(&query, count);
        put_number(&query, SERIAL_MAX);
        int r = query_one(&query);
        if (r != 0)
                return r == SEAL_E_NOT_FOUND ? SEAL_E_REGISTER_TAMPERED : r;
        return query_run(&query);
}

int store_number_take(Store *store, const char *region, char ret[static NUMBER_MAX + 1]) {
        uint64_t serial = 0;

        if (strlen(region) + SERIAL_DIGITS > NUMBER_MAX)
                return SEAL_E_INVALID_ARGS;
        int r = serial_advance(store, &serial);
        if (r != 0)
                return r;
        store->serial = serial;
        (void) snprintf(ret, NUMBER_MAX + 1, "%s%0*" PRIu64, region, SERIAL_DIGITS, serial);
        return 0;
}
