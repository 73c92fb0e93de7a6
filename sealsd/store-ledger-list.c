/* SPDX-License-Identifier: Apache-2.0 */
/* What is read of the ledger: its rows in pages, and the states of a seal in the past. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sealsd/store-internal.h"

/* --- rows ------------------------------------------------------------------------------------- */

void texts_free(char **texts, size_t count) {
        for (size_t i = 0; texts && i < count; i++)
                free(texts[i]);
        free(texts);
}

/* Only the clauses that the filter has, so that the planner picks the index that fits them. */
static void list_compose(const LedgerFilter *filter, char *ret, size_t size) {
        (void) snprintf(
                ret, size, "SELECT text FROM ledger WHERE 1%s%s%s%s%s%s%s ORDER BY seq%s LIMIT ?",
                filter->first > 0 ? " AND seq >= ?" : "", filter->since > 0 ? " AND time >= ?" : "",
                filter->until > 0 ? " AND time <= ?" : "",
                filter->seal ? " AND seal = ? AND seal <> ''" : "",
                filter->subject ? " AND subject = ? AND subject <> ''" : "",
                filter->event ? " AND event = ?" : "", filter->states ? " AND state <> ''" : "",
                filter->newest_first ? " DESC" : "");
}

static void list_put(Query *query, const LedgerFilter *filter, size_t limit) {
        if (filter->first > 0)
                put_number(query, filter->first);
        if (filter->since > 0)
                put_number(query, filter->since);
        if (filter->until > 0)
                put_number(query, filter->until);
        if (filter->seal)
                put_text(query, filter->seal);
        if (filter->subject)
                put_text(query, filter->subject);
        if (filter->event)
                put_text(query, filter->event);
        put_number(query, limit);
}

/* texts has room for limit. */
static int texts_read(Query *query, size_t limit, char **texts, size_t *ret_count) {
        bool row = true;

        while (*ret_count < limit) {
                int r = query_row(query, &row);
                if (r != 0 || !row)
                        return r;
                take_long_text(query, &texts[*ret_count], LEDGER_ROW_MAX);
                if (query_check(query) != 0)
                        return query_check(query);
                (*ret_count)++;
        }
        return 0;
}

int store_ledger_latest(Store *store, uint64_t first, uint64_t *ret) {
        _cleanup_query_ Query query = query_new(
                store, "SELECT coalesce(max(time), 0) FROM ledger WHERE seq >= ?");
        uint64_t latest = 0;

        put_number(&query, first);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_number(&query, &latest);
        r = query_check(&query);
        if (r == 0)
                *ret = latest;
        return r;
}

int store_ledger_list(Store *store, const LedgerFilter *filter, char ***ret, size_t *ret_count) {
        size_t limit = filter->limit == 0 || filter->limit > PAGE_MAX ? PAGE_MAX : filter->limit;
        char **texts = calloc(limit, sizeof(*texts));
        size_t count = 0;
        char sql[384];

        if (!texts)
                return -ENOMEM;
        list_compose(filter, sql, sizeof(sql));
        _cleanup_query_ Query query = query_new(store, sql);
        list_put(&query, filter, limit);
        int r = texts_read(&query, limit, texts, &count);
        if (r != 0) {
                texts_free(texts, count);
                return r;
        }
        *ret = texts;
        *ret_count = count;
        return 0;
}

/* --- the past --------------------------------------------------------------------------------- */

/*
 * The order is that of the numbers. What was written while the clock was set back counts from when
 * the clock had caught up with the rows before; and what was written while it was ahead from when
 * somebody acknowledged that, at the latest. Only the seal's own few rows with a state are read,
 * unless they show that the clock was set back.
 */
#define ACKNOWLEDGED "event = 'tampering-acknowledged'"
#define STATE_BY_LEDGER                                                           \
        "SELECT state FROM ledger AS l INDEXED BY ledger_state"                   \
        " WHERE seal = ?1 AND seal <> '' AND state <> '' AND event LIKE 'seal-%'" \
        " AND (time <= ?2 OR EXISTS (SELECT 1 FROM ledger"                        \
        "   WHERE " ACKNOWLEDGED " AND seq > l.seq AND time <= ?2))"              \
        " AND NOT (EXISTS (SELECT 1 FROM ledger AS own INDEXED BY ledger_state"   \
        "   WHERE own.seal = ?1 AND own.seal <> '' AND own.state <> ''"           \
        "   AND own.time > l.time AND own.seq < l.seq)"                           \
        "  AND EXISTS (SELECT 1 FROM ledger AS before INDEXED BY ledger_time"     \
        "   WHERE before.time > ?2 AND before.seq < l.seq"                        \
        "   AND before.seq >= coalesce((SELECT max(seq) FROM ledger"              \
        "    WHERE " ACKNOWLEDGED " AND seq <= l.seq), 0)))"                      \
        " ORDER BY seq DESC LIMIT 1"

static int state_by_ledger(Store *store, const char *number, uint64_t time, SealState *ret) {
        _cleanup_query_ Query query = query_new(store, STATE_BY_LEDGER);
        int state = 0;

        put_text(&query, number);
        put_number(&query, time);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_word(&query, seal_state_from_name, &state);
        r = query_check(&query);
        if (r == 0)
                *ret = (SealState) state;
        return r;
}

/* For what happened before the ledger began: the newest act that had been done by then. */
static int state_by_acts(Store *store, const char *number, uint64_t time, SealState *ret) {
        _cleanup_free_ Seal *seal = calloc(1, sizeof(*seal));
        uint64_t newest = 0;

        if (!seal)
                return -ENOMEM;
        int r = store_seal_get(store, number, seal);
        if (r != 0)
                return r;
        const struct {
                SealState state;
                uint64_t time;
        } acts[] = {
                { SEAL_MADE, seal->made.time > 0 ? seal->made.time : seal->created },
                { SEAL_FILED, seal->filed.time },
                { SEAL_DELIVERED, seal->delivered.time },
                { SEAL_ACTIVE, seal->accepted.time },
                { SEAL_SUSPENDED, seal->suspended.time },
                { SEAL_LOST, seal->lost.time },
                { SEAL_SURRENDERED, seal->surrendered.time },
                { SEAL_REVOKED, seal->revoked.time },
                { SEAL_DESTROYED, seal->destroyed.time },
        };
        for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
                if (acts[i].time > 0 && acts[i].time <= time && acts[i].time >= newest) {
                        newest = acts[i].time;
                        *ret = acts[i].state;
                }
        return newest > 0 ? 0 : SEAL_E_NOT_FOUND;
}

int store_state_at(Store *store, const char *number, uint64_t time, SealState *ret) {
        int r = state_by_ledger(store, number, time, ret);

        return r == SEAL_E_NOT_FOUND ? state_by_acts(store, number, time, ret) : r;
}
