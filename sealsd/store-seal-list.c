/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sealsd/store-internal.h"

#define ROWS_FIRST 32

/* --- whose view ----------------------------------------------------------------------------- */

/*
 * The seals that a caller sees: as keeper or holder of a grant by himself or by a group, as
 * applicant, as decider. Each part is a keyed lookup. viewer_put gives the parameters.
 */
#define VIEWER_SEALS                                                                    \
        "(SELECT seal FROM keeper WHERE kind = 'user' AND id = ?"                       \
        " UNION SELECT seal FROM keeper WHERE kind = 'group' AND id IN"                 \
        "  (SELECT value FROM json_each(?))"                                            \
        " UNION SELECT seal FROM use_grant WHERE kind = 'user' AND subject = ?"         \
        "  AND ended = 0 AND (until = 0 OR until > ?)"                                  \
        " UNION SELECT seal FROM use_grant WHERE kind = 'group' AND subject IN"         \
        "  (SELECT value FROM json_each(?)) AND ended = 0 AND (until = 0 OR until > ?)" \
        " UNION SELECT id FROM seal WHERE applicant_id = ? AND applicant_kind = 'user'" \
        " UNION SELECT s.id FROM decision AS d JOIN seal AS s ON s.request = d.request" \
        "  WHERE d.by_id = ? AND d.by_kind = 'user')"

void groups_format(const Caller *viewer, GroupsText *ret) {
        size_t used = 0;

        for (size_t i = 0; i < viewer->group_count && i < CALLER_GROUPS_MAX; i++)
                used += (size_t) snprintf(ret->text + used, sizeof(ret->text) - used, "%c%" PRIu32,
                                          used == 0 ? '[' : ',', viewer->groups[i]);
        (void) snprintf(ret->text + used, sizeof(ret->text) - used, "%s", used == 0 ? "[]" : "]");
}

static void viewer_put(Query *query, const Caller *viewer, const GroupsText *groups, uint64_t now) {
        put_number(query, viewer->uid);
        put_text(query, groups->text);
        put_number(query, viewer->uid);
        put_number(query, now);
        put_text(query, groups->text);
        put_number(query, now);
        put_number(query, viewer->uid);
        put_number(query, viewer->uid);
}

int store_seal_exists(Store *store, const char *number, bool *ret) {
        _cleanup_query_ Query query = query_new(store, "SELECT 1 FROM seal WHERE number = ?");
        bool row;

        put_text(&query, number);
        int r = query_row(&query, &row);
        if (r == 0)
                *ret = row;
        return r;
}

/* For one seal the ways are asked from the seal's side, which is short whoever asks. */
int store_seal_visible(Store *store, const char *number, const Caller *viewer, bool *ret) {
        _cleanup_query_ Query query = query_new(
                store, "SELECT 1 FROM seal AS s WHERE s.number = ?1 AND ("
                       " (s.applicant_id = ?2 AND s.applicant_kind = 'user')"
                       " OR EXISTS (SELECT 1 FROM keeper AS k WHERE k.seal = s.id AND"
                       "  ((k.kind = 'user' AND k.id = ?2) OR (k.kind = 'group' AND k.id IN"
                       "   (SELECT value FROM json_each(?3)))))"
                       " OR EXISTS (SELECT 1 FROM use_grant AS g WHERE g.seal = s.id AND"
                       "  g.ended = 0 AND (g.until = 0 OR g.until > ?4) AND"
                       "  ((g.kind = 'user' AND g.subject = ?2) OR (g.kind = 'group' AND"
                       "   g.subject IN (SELECT value FROM json_each(?3)))))"
                       " OR EXISTS (SELECT 1 FROM decision AS d WHERE d.request = s.request"
                       "  AND d.by_id = ?2 AND d.by_kind = 'user'))");
        GroupsText groups = {};
        bool row;

        groups_format(viewer, &groups);
        put_text(&query, number);
        put_number(&query, viewer->uid);
        put_text(&query, groups.text);
        put_number(&query, clock_now(&store->clock));
        int r = query_row(&query, &row);
        if (r == 0)
                *ret = row;
        return r;
}

/* --- lists ---------------------------------------------------------------------------------- */

typedef struct RowList {
        SealRow *rows;
        size_t count, size;
} RowList;

static void row_list_free(RowList *list) {
        free(list->rows);
}

static int row_list_grow(RowList *list) {
        size_t size = list->size == 0 ? ROWS_FIRST : 2 * list->size;

        if (list->rows && list->count < list->size)
                return 0;
        SealRow *rows = reallocarray(list->rows, size, sizeof(*rows));
        if (!rows)
                return -ENOMEM;
        list->rows = rows;
        list->size = size;
        return 0;
}

static void take_row(Query *query, SealRow *ret) {
        int state = 0;

        take_text(query, ret->number, sizeof(ret->number));
        take_text(query, ret->name, sizeof(ret->name));
        take_word(query, seal_state_from_name, &state);
        take_number(query, &ret->not_after);
        ret->state = (SealState) state;
}

static int rows_read(Query *query, SealRow **ret, size_t *ret_count) {
        _cleanup_(row_list_free) RowList list = {};
        bool row = true;

        for (;;) {
                int r = row_list_grow(&list); /* also for no row: the caller gets an array */
                if (r == 0)
                        r = query_row(query, &row);
                if (r == 0 && row) {
                        take_row(query, &list.rows[list.count++]);
                        r = query_check(query);
                }
                if (r != 0)
                        return r;
                if (!row)
                        break;
        }
        *ret = steal_ptr(list.rows);
        *ret_count = list.count;
        return 0;
}

/*
 * Only the clauses that the filter has, so that the planner picks the index that fits them; values
 * are always parameters. by_birth: the order is that of id and not that of number.
 */
static void list_compose(const SealFilter *filter, char *ret, size_t size) {
        const bool keeper = filter->keeper != NULL, birth = filter->newest_first;
        const char *clauses[] = {
                filter->viewer ? " AND id IN " VIEWER_SEALS : "",
                filter->state >= 0 ? " AND state = ?" : "",
                filter->without_destroyed ? " AND state <> 'destroyed'" : "",
                filter->type ? " AND type = ?" : "",
                filter->class ? " AND class = ?" : "",
                filter->holder ? " AND holder = ?" : "",
                filter->name ? " AND instr(name, ?) > 0" : "",
                keeper ? " AND id IN (SELECT seal FROM keeper WHERE kind = ? AND id = ?)" : "",
                filter->expires_before > 0 ? " AND not_after < ?" : "",
                filter->after && !birth ? " AND number > ?" : "",
                filter->after && birth ? " AND id < (SELECT id FROM seal WHERE number = ?)" : "",
                birth ? " ORDER BY id DESC LIMIT ?" : " ORDER BY number LIMIT ?",
        };
        size_t used = (size_t) snprintf(ret, size,
                                        "SELECT number, name, state, not_after FROM seal WHERE 1");

        for (size_t i = 0; i < sizeof(clauses) / sizeof(clauses[0]) && used < size; i++)
                used += (size_t) snprintf(ret + used, size - used, "%s", clauses[i]);
}

static void list_put(Query *query, const SealFilter *filter, const GroupsText *groups,
                     uint64_t now) {
        const char *texts[] = { filter->type, filter->class, filter->holder, filter->name };

        if (filter->viewer)
                viewer_put(query, filter->viewer, groups, now);
        if (filter->state >= 0)
                put_text(query, seal_state_name((SealState) filter->state));
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
                if (texts[i])
                        put_text(query, texts[i]);
        if (filter->keeper) {
                put_kind(query, filter->keeper->kind);
                put_number(query, filter->keeper->id);
        }
        if (filter->expires_before > 0)
                put_number(query, filter->expires_before);
        if (filter->after)
                put_text(query, filter->after);
        put_number(query,
                   filter->limit == 0 || filter->limit > PAGE_MAX ? PAGE_MAX : filter->limit);
}

int store_seal_list(Store *store, const SealFilter *filter, SealRow **ret, size_t *ret_count) {
        GroupsText groups = {};
        char sql[1664];

        if (filter->viewer)
                groups_format(filter->viewer, &groups);
        list_compose(filter, sql, sizeof(sql));
        _cleanup_query_ Query query = query_new(store, sql);
        list_put(&query, filter, &groups, clock_now(&store->clock));
        return rows_read(&query, ret, ret_count);
}

/* Nothing but the number is read: one damaged row must not keep the others from revocation. */
int store_seal_list_pending(Store *store, SealRow **ret, size_t *ret_count) {
        _cleanup_query_ Query query = query_new(store, "SELECT number, '', 'revoked', 0 FROM seal"
                                                       " WHERE revocation_pending = 1"
                                                       " ORDER BY number");

        return rows_read(&query, ret, ret_count);
}
