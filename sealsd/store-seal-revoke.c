/* SPDX-License-Identifier: Apache-2.0 */
/* What revoking needs of a seal, whatever else of its row is damaged. */
#include "base/text.h"
#include "sealsd/store-internal.h"

int store_seal_get_brief(Store *store, const char *number, SealBrief *ret) {
        _cleanup_query_ Query query = query_new(
                store, "SELECT number, state, revocation_pending, nv_index, bit FROM seal"
                       " WHERE number = ?");
        SealBrief brief = {};
        int state = 0;

        put_text(&query, number);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_text(&query, brief.number, sizeof(brief.number));
        take_word(&query, seal_state_from_name, &state);
        take_bool(&query, &brief.revocation_pending);
        take_u32(&query, &brief.index);
        take_unsigned(&query, &brief.bit, SEALS_PER_INDEX - 1);
        brief.state = (SealState) state;
        r = query_check(&query);
        if (r == 0)
                *ret = brief;
        return r;
}

int store_seal_by_bit(Store *store, TPM2_HANDLE index, unsigned bit,
                      char ret[static NUMBER_MAX + 1]) {
        _cleanup_query_ Query query = query_new(
                store, "SELECT number FROM seal WHERE nv_index = ? AND bit = ?");

        put_number(&query, index);
        put_number(&query, bit);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_text(&query, ret, NUMBER_MAX + 1);
        return query_check(&query);
}

static int revoked_mark(Store *store, const char *number, const Act *act, const char *reason) {
        char text[TEXT_MAX + 1];

        int r = store_revocation_list_owe(store, number);
        if (r != 0)
                return r;
        text_copy(text, sizeof(text), reason);
        _cleanup_query_ Query query = query_new(
                store, "UPDATE seal SET state = 'revoked', revocation_pending = 1, (revoked_text,"
                       " revoked_kind, revoked_id, revoked_login, revoked_time) = (?, ?, ?, ?, ?),"
                       " revocation_reason = ? WHERE number = ? RETURNING 1");
        put_act(&query, act);
        put_text(&query, text);
        put_text(&query, number);
        return query_change(&query);
}

static int revoked_settle(Store *store, const char *number) {
        _cleanup_query_ Query query = query_new(
                store, "UPDATE seal SET revocation_pending = 0 WHERE number = ? RETURNING 1");

        put_text(&query, number);
        return query_change(&query);
}

/* A row that somebody else has written into is revoked too, and stays marked as his. */
int store_seal_mark_revoked(Store *store, const char *number, const Act *act, const char *reason) {
        bool own;

        int r = store_begin_own(store, &own);
        if (r != 0)
                return r;
        store->pending.forced = true;
        return store_end_own(store, own, revoked_mark(store, number, act, reason));
}

int store_seal_settle_revoked(Store *store, const char *number) {
        bool own;

        int r = store_begin_own(store, &own);
        if (r != 0)
                return r;
        store->pending.forced = true;
        return store_end_own(store, own, revoked_settle(store, number));
}
