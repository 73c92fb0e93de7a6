/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the lists of revoked certificates say. Whether the rows are as the ledger has them is not
 * asked here: a damaged one must not keep the others from being revoked, nor itself.
 */
#include <errno.h>
#include <stdlib.h>

#include "sealsd/store-internal.h"

/* --- what was before -------------------------------------------------------------------------- */

static bool is_dead(SealState state) {
        return state == SEAL_REVOKED || state == SEAL_DESTROYED;
}

static bool is_on_hold(SealState state) {
        return state == SEAL_SUSPENDED || state == SEAL_LOST;
}

/*
 * One row of the ledger, and each is older than the one before: the state that the seal was in from
 * then on. False once the rest of them does not matter.
 */
static bool entry_follow(RevocationEntry *entry, SealState state, uint64_t time) {
        if (!is_dead(state) && is_dead(entry->state) && entry->before == SEAL_REVOKED)
                entry->before = state;
        if (!is_on_hold(state) && state != SEAL_REVOKED)
                return state == SEAL_DESTROYED;
        entry->since = time;
        return true;
}

/*
 * The acts in the seal's own row do not tell which of them is over: a resumption leaves none, a
 * declined delivery takes one back, and a clock that was set puts them in another order. The ledger
 * has all of them, one behind the other.
 */
static int entry_trace(Store *store, const char *number, RevocationEntry *entry) {
        _cleanup_query_ Query query = query_kept(
                store, "SELECT state, time FROM ledger WHERE seal = ? AND seal <> ''"
                       " AND state <> '' AND event LIKE 'seal-%' ORDER BY seq DESC");
        bool row = true;

        put_text(&query, number);
        for (;;) {
                uint64_t time = 0;
                int state = 0;

                int r = query_row(&query, &row);
                if (r != 0 || !row)
                        return r;
                take_word(&query, seal_state_from_name, &state);
                take_number(&query, &time);
                r = query_check(&query);
                if (r != 0 || !entry_follow(entry, (SealState) state, time))
                        return r;
        }
}

/* --- entries ---------------------------------------------------------------------------------- */

typedef struct EntryRow {
        char number[NUMBER_MAX + 1];
        RevocationEntry entry;
        bool plain; /* it was never suspended, lost or surrendered: nothing to look for */
} EntryRow;

/* As far as the seal's row tells. */
static int row_take(Query *query, EntryRow *ret) {
        uint64_t revoked, suspended, lost, surrendered;
        RevocationEntry *entry = &ret->entry;
        int state = 0;

        *ret = (EntryRow){ .entry.before = SEAL_REVOKED };
        take_bytes(query, entry->serial, sizeof(entry->serial), &entry->serial_size);
        take_text(query, ret->number, sizeof(ret->number));
        take_word(query, seal_state_from_name, &state);
        take_number(query, &revoked);
        take_number(query, &suspended);
        take_number(query, &lost);
        take_number(query, &surrendered);
        take_bool(query, &entry->replaced);
        entry->state = (SealState) state;
        entry->since = entry->state == SEAL_SUSPENDED ? suspended
                       : entry->state == SEAL_LOST    ? lost
                                                      : revoked;
        ret->plain = suspended == 0 && lost == 0 && surrendered == 0;
        return query_check(query);
}

typedef struct EntryList {
        RevocationEntry *items;
        size_t count, room;
} EntryList;

static int list_add(EntryList *list, const RevocationEntry *entry) {
        if (list->count == list->room) {
                const size_t room = list->room == 0 ? 64 : 2 * list->room;
                void *more = reallocarray(list->items, room, sizeof(*list->items));

                if (!more)
                        return -ENOMEM;
                list->items = more;
                list->room = room;
        }
        list->items[list->count++] = *entry;
        return 0;
}

static int list_read(Store *store, Query *query, EntryList *list) {
        EntryRow row;
        bool more;

        for (;;) {
                int r = query_row(query, &more);
                if (r != 0 || !more)
                        return r;
                r = row_take(query, &row);
                if (r == 0 && !row.plain)
                        r = entry_trace(store, row.number, &row.entry);
                if (r == 0)
                        r = list_add(list, &row.entry);
                if (r != 0)
                        return r;
        }
}

int store_revocation_entries(Store *store, uint64_t maker, RevocationEntry **ret,
                             size_t *ret_count) {
        _cleanup_query_ Query query = query_new(
                store, "SELECT serial, number, state, revoked_time, suspended_time, lost_time,"
                       " surrendered_time, replaced_by <> '' FROM certificate JOIN seal"
                       " ON seal.id = certificate.seal WHERE issuer = ? AND certificate.seal <> 0"
                       " AND state IN ('revoked', 'destroyed', 'suspended', 'lost')"
                       " ORDER BY certificate.row");
        EntryList list = {};

        put_number(&query, maker);
        int r = list_read(store, &query, &list);
        if (r != 0) {
                free(list.items);
                return r;
        }
        *ret = list.items;
        *ret_count = list.count;
        return 0;
}
