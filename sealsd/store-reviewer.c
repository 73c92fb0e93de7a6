/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "sealsd/store-internal.h"

#define REVIEWER_COLUMNS "text, kind, subject, pem, registered, by_text, by_kind, by_id"

int store_reviewer_set(Store *store, const Reviewer *reviewer) {
        _cleanup_query_ Query query = query_new(
                store, "INSERT INTO reviewer (" REVIEWER_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
                       " ON CONFLICT (kind, subject) DO UPDATE SET text = excluded.text,"
                       " pem = excluded.pem, registered = excluded.registered,"
                       " by_text = excluded.by_text, by_kind = excluded.by_kind,"
                       " by_id = excluded.by_id");

        put_subject(&query, &reviewer->subject);
        put_text(&query, reviewer->pem);
        put_number(&query, reviewer->registered);
        put_subject(&query, &reviewer->by);
        return query_run(&query);
}

/* The number of its row, which is guarded. */
static void take_reviewer(Query *query, Reviewer *ret, uint64_t *ret_id) {
        take_number(query, ret_id);
        take_subject(query, &ret->subject);
        take_text(query, ret->pem, sizeof(ret->pem));
        take_number(query, &ret->registered);
        take_subject(query, &ret->by);
}

int store_reviewer_get(Store *store, const Subject *subject, Reviewer *ret) {
        _cleanup_query_ Query query = query_new(store, "SELECT id, " REVIEWER_COLUMNS
                                                       " FROM reviewer WHERE kind = ?"
                                                       " AND subject = ?");
        Reviewer reviewer = {};
        uint64_t id = 0;

        put_kind(&query, subject->kind);
        put_number(&query, subject->id);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_reviewer(&query, &reviewer, &id);
        r = query_check(&query);
        if (r == 0)
                r = guard_check(store, "reviewer", id);
        if (r == 0)
                *ret = reviewer;
        return r;
}

int store_reviewer_list(Store *store, Reviewer **ret, size_t *ret_count) {
        _cleanup_query_ Query query = query_new(store, "SELECT id, " REVIEWER_COLUMNS
                                                       " FROM reviewer ORDER BY registered, id"
                                                       " LIMIT ?");
        _cleanup_free_ Reviewer *rows = calloc(PAGE_MAX, sizeof(*rows));
        size_t count = 0;
        uint64_t id;

        if (!rows)
                return -ENOMEM;
        put_number(&query, PAGE_MAX);
        for (bool row = true; count < PAGE_MAX;) {
                int r = query_row(&query, &row);
                if (r != 0)
                        return r;
                if (!row)
                        break;
                take_reviewer(&query, &rows[count++], &id);
                if (query_check(&query) != 0)
                        return query_check(&query);
        }
        *ret = steal_ptr(rows);
        *ret_count = count;
        return 0;
}
