/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include <tss2/tss2_mu.h>

#include "sealsd/store-internal.h"

#define VALUES_MAX (PCR_COUNT * sizeof(TPM2B_DIGEST))

#define STATE_COLUMNS                                                                   \
        "profile, policy, pcr_bank, pcr_mask, pcr_values, signature, ticket, approved," \
        " by_text, by_kind, by_id"
/* The same and its bit, for reading. */
#define LISTED_COLUMNS                                                                      \
        "id, profile, policy, pcr_bank, pcr_mask, pcr_values, signature, ticket, approved," \
        " machine_state.by_text, machine_state.by_kind, machine_state.by_id,"               \
        " ifnull(nv_index, 0), ifnull(bit, 0), ifnull(retired, 0),"                         \
        " ifnull(state_bit.by_text, ''), ifnull(state_bit.by_kind, 'user'),"                \
        " ifnull(state_bit.by_id, 0), ifnull(reason, '')"

/* A MachineApproval as its columns have it. */
typedef struct ApprovalBlobs {
        uint8_t values[VALUES_MAX]; /* TPM2B_DIGEST of each selected PCR, ascending */
        size_t values_size;
        uint8_t signature[sizeof(TPMT_SIGNATURE)];
        size_t signature_size;
        uint8_t ticket[TICKET_MAX];
        size_t ticket_size;
} ApprovalBlobs;

static int approval_marshal(const MachineApproval *approval, ApprovalBlobs *ret) {
        for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++)
                if (approval->values.selection.mask & 1U << pcr &&
                    Tss2_MU_TPM2B_DIGEST_Marshal(&approval->values.values[pcr], ret->values,
                                                 sizeof(ret->values),
                                                 &ret->values_size) != TSS2_RC_SUCCESS)
                        return -EINVAL;
        if (Tss2_MU_TPMT_SIGNATURE_Marshal(&approval->signature, ret->signature,
                                           sizeof(ret->signature),
                                           &ret->signature_size) != TSS2_RC_SUCCESS ||
            Tss2_MU_TPMT_TK_VERIFIED_Marshal(&approval->ticket, ret->ticket, sizeof(ret->ticket),
                                             &ret->ticket_size) != TSS2_RC_SUCCESS)
                return -EINVAL;
        return 0;
}

static bool values_unmarshal(const ApprovalBlobs *blobs, PcrValues *values) {
        size_t used = 0;

        for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++)
                if (values->selection.mask & 1U << pcr &&
                    Tss2_MU_TPM2B_DIGEST_Unmarshal(blobs->values, blobs->values_size, &used,
                                                   &values->values[pcr]) != TSS2_RC_SUCCESS)
                        return false;
        return used == blobs->values_size;
}

static int approval_unmarshal(const ApprovalBlobs *blobs, MachineApproval *approval) {
        size_t signature = 0, ticket = 0;

        if (!values_unmarshal(blobs, &approval->values) ||
            Tss2_MU_TPMT_SIGNATURE_Unmarshal(blobs->signature, blobs->signature_size, &signature,
                                             &approval->signature) != TSS2_RC_SUCCESS ||
            Tss2_MU_TPMT_TK_VERIFIED_Unmarshal(blobs->ticket, blobs->ticket_size, &ticket,
                                               &approval->ticket) != TSS2_RC_SUCCESS ||
            signature != blobs->signature_size || ticket != blobs->ticket_size)
                return SEAL_E_REGISTER_TAMPERED;
        return 0;
}

/* --- add ------------------------------------------------------------------------------------ */

static int older_remove(Store *store, const MachineState *state) {
        _cleanup_query_ Query query = query_new(
                store, "DELETE FROM machine_state WHERE profile = ? AND policy = ?");

        put_text(&query, state->profile);
        put_bytes(&query, state->approval.policy.buffer, state->approval.policy.size);
        return query_run(&query);
}

static int oldest_remove(Store *store, const char *profile) {
        _cleanup_query_ Query query = query_new(
                store,
                "DELETE FROM machine_state WHERE id ="
                " (SELECT id FROM machine_state LEFT JOIN state_bit ON state = id"
                "  WHERE profile = ? ORDER BY ifnull(retired, 0) = 0, id LIMIT 1) RETURNING 1");

        put_text(&query, profile);
        int r = query_one(&query);
        if (r != 0)
                return r == SEAL_E_NOT_FOUND ? SEAL_E_LIMITS_EXCEEDED : r;
        return query_run(&query);
}

/*
 * Every update of the machine adds a state: one that counts no more, else the oldest, makes room.
 */
static int room_make(Store *store, const char *profile) {
        uint64_t count = 0;

        int r = store_read_number(store, "SELECT count(*) FROM machine_state", &count);
        return r == 0 && count >= MACHINE_STATES_MAX ? oldest_remove(store, profile) : r;
}

static int state_insert(Store *store, const MachineState *state, const ApprovalBlobs *blobs,
                        uint64_t *ret_id) {
        _cleanup_query_ Query query = query_new(
                store, "INSERT INTO machine_state (" STATE_COLUMNS ")"
                       " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id");
        const MachineApproval *approval = &state->approval;

        put_text(&query, state->profile);
        put_bytes(&query, approval->policy.buffer, approval->policy.size);
        put_number(&query, approval->values.selection.bank);
        put_number(&query, approval->values.selection.mask);
        put_bytes(&query, blobs->values, blobs->values_size);
        put_bytes(&query, blobs->signature, blobs->signature_size);
        put_bytes(&query, blobs->ticket, blobs->ticket_size);
        put_number(&query, state->approved);
        put_subject(&query, &state->by);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_number(&query, ret_id);
        return query_taken(&query);
}

/* The row of the state that this one replaces gives its bit to it; anybody else's stays his. */
static int bit_free(Store *store, const MachineState *state) {
        _cleanup_query_ Query query = query_new(
                store, "DELETE FROM state_bit WHERE nv_index = ? AND bit = ? AND retired = 0 AND"
                       " state NOT IN (SELECT id FROM machine_state)");

        put_number(&query, state->approval.retire.index.handle);
        put_number(&query, state->approval.retire.bit);
        return query_run(&query);
}

static int bit_is_taken(Store *store, const MachineState *state, bool *ret) {
        _cleanup_query_ Query query = query_new(
                store, "SELECT count(*) FROM state_bit WHERE nv_index = ? AND bit = ?");
        uint64_t count = 0;

        put_number(&query, state->approval.retire.index.handle);
        put_number(&query, state->approval.retire.bit);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_number(&query, &count);
        *ret = count > 0;
        return query_check(&query);
}

static int bit_insert(Store *store, const MachineState *state, uint64_t id) {
        _cleanup_query_ Query query = query_new(
                store,
                "INSERT INTO state_bit (state, nv_index, bit, retired, by_text, by_kind, by_id,"
                " reason) VALUES (?, ?, ?, 0, '', 'user', 0, '')");

        put_number(&query, id);
        put_number(&query, state->approval.retire.index.handle);
        put_number(&query, state->approval.retire.bit);
        return query_run(&query);
}

static int bit_add(Store *store, const MachineState *state, uint64_t id) {
        bool taken = false;

        if (state->approval.retire.index.handle == 0)
                return 0;
        int r = bit_free(store, state);
        if (r == 0)
                r = bit_is_taken(store, state, &taken);
        if (r == 0 && taken)
                return SEAL_E_BUSY;
        return r == 0 ? bit_insert(store, state, id) : r;
}

int store_machine_state_retire(Store *store, MachineState *state) {
        const StateBit *retire = &state->approval.retire;
        _cleanup_query_ Query query = query_new(
                store, "UPDATE state_bit SET retired = ?, by_text = ?, by_kind = ?, by_id = ?,"
                       " reason = ? WHERE nv_index = ? AND bit = ? RETURNING state");
        uint64_t id = 0;

        put_number(&query, state->retired);
        put_subject(&query, &state->retired_by);
        put_text(&query, state->retired_why);
        put_number(&query, retire->index.handle);
        put_number(&query, retire->bit);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_number(&query, &id);
        r = query_taken(&query);
        if (r == 0)
                state->id = id;
        return r;
}

int store_state_bits_used(Store *store, TPM2_HANDLE index, unsigned *ret, unsigned *ret_retired) {
        _cleanup_query_ Query query = query_new(
                store, "SELECT ifnull(max(bit), -1) + 1, ifnull(sum(retired > 0), 0)"
                       " FROM state_bit WHERE nv_index = ?");

        put_number(&query, index);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_unsigned(&query, ret, SEALS_PER_INDEX);
        take_unsigned(&query, ret_retired, SEALS_PER_INDEX);
        return query_check(&query);
}

int store_machine_state_add(Store *store, MachineState *state) {
        ApprovalBlobs blobs = {};
        uint64_t id = 0;
        bool own;

        int r = approval_marshal(&state->approval, &blobs);
        if (r == 0)
                r = store_begin_own(store, &own);
        if (r != 0)
                return r;
        r = older_remove(store, state);
        if (r == 0)
                r = room_make(store, state->profile);
        if (r == 0)
                r = state_insert(store, state, &blobs, &id);
        if (r == 0)
                r = bit_add(store, state, id);
        r = store_end_own(store, own, r);
        if (r == 0)
                state->id = id;
        return r;
}

static int bits_remove_all(Store *store) {
        _cleanup_query_ Query query = query_new(store, "DELETE FROM state_bit WHERE 1");

        return query_run(&query);
}

int store_machine_state_remove_all(Store *store) {
        _cleanup_query_ Query query = query_new(store, "DELETE FROM machine_state WHERE 1");

        int r = query_run(&query);
        return r == 0 ? bits_remove_all(store) : r;
}

/* --- list ----------------------------------------------------------------------------------- */

static void take_retired(Query *query, MachineState *state) {
        StateBit *retire = &state->approval.retire;

        retire->index.kind = INDEX_STATE;
        take_unsigned(query, &retire->index.handle, UINT32_MAX);
        take_unsigned(query, &retire->bit, 63);
        take_number(query, &state->retired);
        take_subject(query, &state->retired_by);
        take_text(query, state->retired_why, sizeof(state->retired_why));
}

static int state_read(Query *query, MachineState *state) {
        MachineApproval *approval = &state->approval;
        ApprovalBlobs blobs = {};
        unsigned bank = 0;
        size_t policy_size = 0;

        take_number(query, &state->id);
        take_text(query, state->profile, sizeof(state->profile));
        take_bytes(query, approval->policy.buffer, sizeof(approval->policy.buffer), &policy_size);
        take_unsigned(query, &bank, UINT16_MAX);
        take_unsigned(query, &approval->values.selection.mask, (1U << PCR_COUNT) - 1);
        take_bytes(query, blobs.values, sizeof(blobs.values), &blobs.values_size);
        take_bytes(query, blobs.signature, sizeof(blobs.signature), &blobs.signature_size);
        take_bytes(query, blobs.ticket, sizeof(blobs.ticket), &blobs.ticket_size);
        take_number(query, &state->approved);
        take_subject(query, &state->by);
        take_retired(query, state);
        approval->policy.size = (UINT16) policy_size;
        approval->values.selection.bank = (TPMI_ALG_HASH) bank;
        int r = query_check(query);
        return r != 0 ? r : approval_unmarshal(&blobs, approval);
}

int store_machine_state_list(Store *store, MachineState **ret, size_t *ret_count) {
        _cleanup_query_ Query query = query_new(
                store, "SELECT " LISTED_COLUMNS " FROM machine_state"
                       " LEFT JOIN state_bit ON state = id ORDER BY id DESC");
        _cleanup_free_ MachineState *states = calloc(MACHINE_STATES_MAX, sizeof(*states));
        size_t count = 0;
        bool row = true;

        if (!states)
                return -ENOMEM;
        while (row) {
                int r = query_row(&query, &row);
                if (r == 0 && row && count >= MACHINE_STATES_MAX)
                        return SEAL_E_REGISTER_TAMPERED;
                if (r == 0 && row)
                        r = state_read(&query, &states[count++]);
                if (r != 0)
                        return r;
        }
        *ret = steal_ptr(states);
        *ret_count = count;
        return 0;
}

int store_machine_state_check(Store *store, uint64_t id) {
        int r = guard_check(store, "machine_state", id);

        return r == 0 ? guard_check(store, "state_bit", id) : r;
}
