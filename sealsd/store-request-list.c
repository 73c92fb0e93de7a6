/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sealsd/store-internal.h"

#define OPEN_STATES "('applied', 'approved', 'making', 'failed')"

typedef struct Clause {
        char text[1536];
} Clause;

/* Whether approver `a` is the caller: two parameters, UID and groups. */
#define IS_APPROVER                          \
        "((a.kind = 'user' AND a.id = ?) OR" \
        " (a.kind = 'group' AND a.id IN (SELECT value FROM json_each(?))))"

/* What he applied for, and the uses of seals whose approver he is; each part is a keyed lookup. */
#define VIEWER_REQUESTS                                                                    \
        " AND id IN (SELECT id FROM request WHERE applicant_id = ? AND applicant_kind ="   \
        "  'user' UNION SELECT r.id FROM approver AS a JOIN seal AS s ON s.id = a.seal"    \
        "  JOIN request AS r ON r.target = s.number AND r.target <> '' AND r.kind = 'use'" \
        "  WHERE " IS_APPROVER ")"

/* Uses that he has not approved, and those that he can collect. */
#define AWAITING_USE                                                                       \
        " OR (kind = 'use' AND state = 'applied' AND EXISTS (SELECT 1 FROM seal AS s"      \
        "  JOIN approver AS a ON a.seal = s.id WHERE s.number = request.target AND"        \
        "  " IS_APPROVER " AND NOT EXISTS (SELECT 1 FROM use_approval AS u WHERE"          \
        "   u.request = request.id AND u.approver = a.ordinal AND u.withdrawn = 0)))"      \
        " OR (kind = 'use' AND state = 'approved' AND applicant_id = ? AND applicant_kind" \
        " = 'user')"

/* The requests in these states; without own, those that he neither applied for nor decided. */
static size_t awaiting_part(const char *states, bool own, uint32_t uid, char *ret, size_t size) {
        if (own)
                return (size_t) snprintf(ret, size, " OR (state IN (%s) AND kind <> 'use')",
                                         states);
        return (size_t) snprintf(ret, size,
                                 " OR (state IN (%s) AND kind <> 'use' AND applicant_id <> %" PRIu32
                                 " AND NOT EXISTS (SELECT 1 FROM decision WHERE"
                                 "  request = request.id AND by_id = %" PRIu32
                                 "  AND by_kind = 'user'))",
                                 states, uid, uid);
}

static const char *awaiting_clause(const RequestFilter *filter, Clause *ret) {
        const unsigned awaiting = filter->awaiting;
        char *text = ret->text;
        size_t size = sizeof(ret->text), used = 0;

        if (!awaiting)
                return "";
        used += (size_t) snprintf(text, size, " AND (0");
        if (awaiting & AWAITING_DECISION)
                used += awaiting_part("'applied'", awaiting & AWAITING_OWN_DECISION,
                                      filter->awaiting_uid, text + used, size - used);
        if (awaiting & AWAITING_MAKING)
                used += awaiting_part("'approved', 'failed'", awaiting & AWAITING_OWN_MAKING,
                                      filter->awaiting_uid, text + used, size - used);
        (void) snprintf(text + used, size - used, "%s)",
                        filter->awaiting_caller ? AWAITING_USE : "");
        return text;
}

/* Only the clauses that the filter has, so that the planner picks the index that fits them. */
static void list_compose(const RequestFilter *filter, char *ret, size_t size) {
        Clause awaiting;
        const char *clauses[] = {
                filter->viewer ? VIEWER_REQUESTS : "",
                filter->state >= 0 ? " AND state = ?" : "",
                filter->kind ? " AND kind = ?" : "",
                filter->open ? " AND state IN " OPEN_STATES : "",
                filter->seal ? " AND ((number = ? AND number <> '')"
                               " OR (target = ? AND target <> ''))"
                             : "",
                awaiting_clause(filter, &awaiting),
                filter->after > 0 ? " AND id < ?" : "",
        };
        size_t used = (size_t) snprintf(
                ret, size,
                "SELECT id, kind, state, number, target, applicant_text,"
                " applicant_kind, applicant_id, created FROM request WHERE 1");

        for (size_t i = 0; i < sizeof(clauses) / sizeof(clauses[0]) && used < size; i++)
                used += (size_t) snprintf(ret + used, size - used, "%s", clauses[i]);
        if (used < size)
                (void) snprintf(ret + used, size - used, " ORDER BY id DESC LIMIT ?");
}

/* The text has to live as long as the query. */
typedef struct ListGroups {
        GroupsText viewer, awaiting;
} ListGroups;

static void list_put(Query *query, const RequestFilter *filter, ListGroups *groups, size_t limit) {
        if (filter->viewer) {
                groups_format(filter->viewer, &groups->viewer);
                put_number(query, filter->viewer->uid);
                put_number(query, filter->viewer->uid);
                put_text(query, groups->viewer.text);
        }
        if (filter->state >= 0)
                put_text(query, request_state_name((RequestState) filter->state));
        if (filter->kind)
                put_text(query, filter->kind);
        if (filter->seal) {
                put_text(query, filter->seal);
                put_text(query, filter->seal);
        }
        if (filter->awaiting && filter->awaiting_caller) {
                groups_format(filter->awaiting_caller, &groups->awaiting);
                put_number(query, filter->awaiting_caller->uid);
                put_text(query, groups->awaiting.text);
                put_number(query, filter->awaiting_caller->uid);
        }
        if (filter->after > 0)
                put_number(query, filter->after);
        put_number(query, limit);
}

static void take_row(Query *query, RequestRow *ret) {
        int state = 0;

        take_number(query, &ret->id);
        take_text(query, ret->kind, sizeof(ret->kind));
        take_word(query, request_state_from_name, &state);
        take_text(query, ret->number, sizeof(ret->number));
        take_text(query, ret->target, sizeof(ret->target));
        take_subject(query, &ret->applicant);
        take_number(query, &ret->created);
        ret->state = (RequestState) state;
}

int store_request_list(Store *store, const RequestFilter *filter, RequestRow **ret,
                       size_t *ret_count) {
        size_t limit = filter->limit == 0 || filter->limit > PAGE_MAX ? PAGE_MAX : filter->limit;
        _cleanup_free_ RequestRow *rows = calloc(limit, sizeof(*rows));
        size_t count = 0;
        ListGroups groups;
        char sql[3072];

        if (!rows)
                return -ENOMEM;
        list_compose(filter, sql, sizeof(sql));
        _cleanup_query_ Query query = query_new(store, sql);
        list_put(&query, filter, &groups, limit);
        for (bool row = true; row && count < limit;) {
                int r = query_row(&query, &row);
                if (r == 0 && row) {
                        take_row(&query, &rows[count++]);
                        r = query_check(&query);
                }
                if (r != 0)
                        return r;
        }
        *ret = steal_ptr(rows);
        *ret_count = count;
        return 0;
}

int store_request_list_due(Store *store, uint64_t now, uint64_t **ret, size_t *ret_count) {
        _cleanup_query_ Query query = query_new(
                store, "SELECT id FROM request WHERE expires > 0 AND expires < ?"
                       " AND state IN ('applied', 'approved') ORDER BY expires, id LIMIT ?");
        _cleanup_free_ uint64_t *ids = calloc(PAGE_MAX, sizeof(*ids));
        size_t count = 0;

        if (!ids)
                return -ENOMEM;
        put_number(&query, now);
        put_number(&query, PAGE_MAX);
        for (bool row = true; count < PAGE_MAX;) {
                int r = query_row(&query, &row);
                if (r != 0)
                        return r;
                if (!row)
                        break;
                take_number(&query, &ids[count++]);
                if (query_check(&query) != 0)
                        return query_check(&query);
        }
        *ret = steal_ptr(ids);
        *ret_count = count;
        return 0;
}

int store_request_count_open(Store *store, const uint32_t *uid, unsigned *ret) {
        _cleanup_query_ Query query = query_new(
                store, uid ? "SELECT count(*) FROM request WHERE state IN " OPEN_STATES
                             " AND kind <> 'use' AND applicant_id = ? AND applicant_kind = 'user'"
                           : "SELECT count(*) FROM request WHERE state IN " OPEN_STATES);
        unsigned count = 0;

        if (uid)
                put_number(&query, *uid);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_u32(&query, &count);
        r = query_check(&query);
        if (r == 0)
                *ret = count;
        return r;
}

/* The newest, should there be several. */
int store_request_by_token(Store *store, uint32_t uid, const char *token, uint64_t *ret) {
        _cleanup_query_ Query query = query_new(
                store, "SELECT id FROM request WHERE applicant_id = ? AND token = ?"
                       " AND token <> '' AND applicant_kind = 'user'"
                       " ORDER BY id DESC LIMIT 1");
        uint64_t id = 0;

        put_number(&query, uid);
        put_text(&query, token);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_number(&query, &id);
        r = query_check(&query);
        if (r == 0)
                *ret = id;
        return r;
}
