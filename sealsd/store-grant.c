/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "sealsd/json.h"
#include "sealsd/store-internal.h"

#define GRANTS_FIRST 8

#define GRANT_COLUMNS                                                                            \
        "g.id, s.number, g.text, g.kind, g.subject, g.purposes, g.not_before, g.until, g.count," \
        " g.used, g.keeper, g.emergency, g.giver_text, g.giver_kind, g.giver_id, g.via,"         \
        " g.given, g.ended_text, g.ended_kind, g.ended_id, g.ended, g.version, g.sealed"
#define GRANT_TABLES "use_grant AS g JOIN seal AS s ON s.id = g.seal"

/* --- what is confidential --------------------------------------------------------------------- */

static int reasons_to_json(const Grant *grant, char **ret) {
        _cleanup_json_ json_t *object = json_pack("{s:s, s:s}", "reason", grant->reason,
                                                  "end-reason", grant->end_reason);

        return json_to_text(object, ret);
}

static int reasons_from_json(const char *text, Grant *grant) {
        _cleanup_json_ json_t *object = NULL;

        int r = json_parse(text, &object);
        if (r != 0)
                return r;
        return json_read_text(object, "reason", grant->reason, sizeof(grant->reason)) &&
                               json_read_text(object, "end-reason", grant->end_reason,
                                              sizeof(grant->end_reason))
                       ? 0
                       : SEAL_E_REGISTER_TAMPERED;
}

static int reasons_write(Store *store, const Grant *grant) {
        _cleanup_plain_ char *text = NULL;

        if (!text_is_utf8(grant->reason, strlen(grant->reason)) ||
            !text_is_utf8(grant->end_reason, strlen(grant->end_reason)))
                return SEAL_E_INVALID_ARGS;
        int r = reasons_to_json(grant, &text);
        return r != 0 ? r : sealed_write(store, "use_grant", grant->id, text);
}

/* --- write ------------------------------------------------------------------------------------ */

static int grant_insert(Store *store, Grant *grant) {
        _cleanup_query_ Query query = query_kept(
                store, "INSERT INTO use_grant (seal, text, kind, subject, purposes, not_before,"
                       " until, count, used, keeper, emergency, giver_text, giver_kind, giver_id,"
                       " via, given, ended_text, ended_kind, ended_id, ended, version, sealed)"
                       " SELECT id, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, x''"
                       " FROM seal WHERE number = ? RETURNING id");

        put_subject(&query, &grant->subject);
        put_number(&query, grant->purposes);
        put_number(&query, grant->not_before);
        put_number(&query, grant->until);
        put_number(&query, grant->count);
        put_number(&query, grant->used);
        put_number(&query, grant->keeper);
        put_number(&query, grant->emergency);
        put_subject(&query, &grant->giver);
        put_number(&query, grant->via);
        put_number(&query, grant->given);
        put_subject(&query, &grant->ended_by);
        put_number(&query, grant->ended);
        put_text(&query, grant->number);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_number(&query, &grant->id);
        return query_taken(&query);
}

static int grant_room(Store *store, const char *number) {
        _cleanup_query_ Query query = query_kept(store, "SELECT count(*) FROM " GRANT_TABLES
                                                        " WHERE s.number = ? AND g.ended = 0");
        uint64_t count = 0;

        put_text(&query, number);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_number(&query, &count);
        r = query_check(&query);
        return r == 0 && count >= GRANTS_MAX ? SEAL_E_LIMITS_EXCEEDED : r;
}

int store_grant_add(Store *store, Grant *grant) {
        uint64_t before = grant->id;
        bool own;

        int r = store_begin_own(store, &own);
        if (r != 0)
                return r;
        r = grant_room(store, grant->number);
        if (r == 0)
                r = grant_insert(store, grant);
        if (r == 0)
                r = reasons_write(store, grant);
        r = store_end_own(store, own, r);
        if (r != 0)
                grant->id = before;
        return r;
}

/* --- read ------------------------------------------------------------------------------------- */

static void take_grant(Query *query, Grant *ret, Sealed *ret_sealed) {
        take_number(query, &ret->id);
        take_text(query, ret->number, sizeof(ret->number));
        take_subject(query, &ret->subject);
        take_unsigned(query, &ret->purposes, PURPOSE_ALL);
        take_number(query, &ret->not_before);
        take_number(query, &ret->until);
        take_number(query, &ret->count);
        take_number(query, &ret->used);
        take_bool(query, &ret->keeper);
        take_bool(query, &ret->emergency);
        take_subject(query, &ret->giver);
        take_number(query, &ret->via);
        take_number(query, &ret->given);
        take_subject(query, &ret->ended_by);
        take_number(query, &ret->ended);
        take_sealed(query, ret_sealed);
}

/* The row that the query is at, into a zeroed Grant. */
static int grant_read(Store *store, Query *query, Grant *grant) {
        _cleanup_sealed_ Sealed sealed = {};
        _cleanup_plain_ char *text = NULL;

        take_grant(query, grant, &sealed);
        int r = query_check(query);
        if (r == 0)
                r = sealed_open(store, "use_grant", grant->id, &sealed, &text);
        if (r != 0)
                return r;
        grant->opaque = text == NULL;
        return text ? reasons_from_json(text, grant) : 0;
}

int store_grant_get(Store *store, uint64_t id, Grant *ret) {
        _cleanup_query_ Query query = query_new(store, "SELECT " GRANT_COLUMNS " FROM " GRANT_TABLES
                                                       " WHERE g.id = ?");
        Grant grant = {};

        put_number(&query, id);
        int r = query_one(&query);
        if (r == 0)
                r = guard_check(store, "use_grant", id);
        if (r == 0)
                r = grant_read(store, &query, &grant);
        if (r == 0)
                *ret = grant;
        return r;
}

/* --- lists ------------------------------------------------------------------------------------ */

static void list_compose(const GrantFilter *filter, char *ret, size_t size) {
        (void) snprintf(ret, size,
                        "SELECT " GRANT_COLUMNS " FROM " GRANT_TABLES
                        " WHERE 1%s%s%s%s%s%s ORDER BY g.id LIMIT ?",
                        filter->seal ? " AND s.number = ?" : "",
                        filter->holder ? " AND ((g.kind = 'user' AND g.subject = ?)"
                                         " OR (g.kind = 'group' AND g.subject IN"
                                         "  (SELECT value FROM json_each(?))))"
                                       : "",
                        filter->giver ? " AND g.giver_kind = ? AND g.giver_id = ?" : "",
                        filter->via > 0 ? " AND g.via = ? AND g.via <> 0" : "",
                        filter->live ? " AND g.ended = 0" : "",
                        filter->after > 0 ? " AND g.id > ?" : "");
}

static void list_put(Query *query, const GrantFilter *filter, const GroupsText *groups,
                     size_t limit) {
        if (filter->seal)
                put_text(query, filter->seal);
        if (filter->holder) {
                put_number(query, filter->holder->uid);
                put_text(query, groups->text);
        }
        if (filter->giver) {
                put_kind(query, filter->giver->kind);
                put_number(query, filter->giver->id);
        }
        if (filter->via > 0)
                put_number(query, filter->via);
        if (filter->after > 0)
                put_number(query, filter->after);
        put_number(query, limit);
}

typedef struct GrantList {
        Grant *rows;
        size_t count, size;
} GrantList;

static void grant_list_free(GrantList *list) {
        free(list->rows);
}

/* The next place, zeroed. */
static Grant *grant_list_next(GrantList *list) {
        if (list->count == list->size) {
                size_t size = list->size == 0 ? GRANTS_FIRST : 2 * list->size;
                Grant *rows = reallocarray(list->rows, size, sizeof(*rows));

                if (!rows)
                        return NULL;
                list->rows = rows;
                list->size = size;
        }
        list->rows[list->count] = (Grant){};
        return &list->rows[list->count];
}

static int grants_read(Store *store, Query *query, Grant **ret, size_t *ret_count) {
        _cleanup_(grant_list_free) GrantList list = {};
        bool row = true;

        for (;;) {
                Grant *grant = grant_list_next(&list);
                int r = grant ? query_row(query, &row) : -ENOMEM;
                if (r == 0 && row)
                        r = grant_read(store, query, grant);
                if (r != 0)
                        return r;
                if (!row)
                        break;
                list.count++;
        }
        *ret = steal_ptr(list.rows);
        *ret_count = list.count;
        return 0;
}

int store_grant_list(Store *store, const GrantFilter *filter, Grant **ret, size_t *ret_count) {
        GroupsText groups = {};
        char sql[1024];

        if (filter->holder)
                groups_format(filter->holder, &groups);
        list_compose(filter, sql, sizeof(sql));
        _cleanup_query_ Query query = query_new(store, sql);
        list_put(&query, filter, &groups,
                 filter->limit == 0 || filter->limit > PAGE_MAX ? PAGE_MAX : filter->limit);
        return grants_read(store, &query, ret, ret_count);
}

/* --- end -------------------------------------------------------------------------------------- */

static int grant_mark_ended(Store *store, uint64_t id, const Act *act) {
        _cleanup_query_ Query query = query_new(
                store, "UPDATE use_grant SET (ended_text, ended_kind, ended_id, ended) ="
                       " (?, ?, ?, ?) WHERE id = ? AND ended = 0 RETURNING 1");

        put_subject(&query, &act->by);
        put_number(&query, act->time);
        put_number(&query, id);
        return query_change(&query);
}

/* A right is taken away in any machine state; the ledger has the reason. */
static int grant_end(Store *store, uint64_t id, const Act *act, const char *reason) {
        Grant grant = {};

        int r = store_grant_get(store, id, &grant);
        if (r == 0)
                r = grant_mark_ended(store, id, act);
        if (r != 0 || grant.opaque)
                return r;
        text_copy(grant.end_reason, sizeof(grant.end_reason), reason);
        r = reasons_write(store, &grant);
        return r == SEAL_E_MACHINE_STATE_REFUSED ? 0 : r;
}

int store_grant_end(Store *store, uint64_t id, const Act *act, const char *reason) {
        bool own;

        int r = store_begin_own(store, &own);
        return r != 0 ? r : store_end_own(store, own, grant_end(store, id, act, reason));
}

static int live_ids(Store *store, const char *number, const Subject *giver, uint64_t *ids,
                    size_t *ret_count) {
        _cleanup_query_ Query query = query_new(
                store, giver ? "SELECT g.id FROM " GRANT_TABLES " WHERE s.number = ?"
                               " AND g.giver_kind = ? AND g.giver_id = ? AND g.ended = 0"
                               " ORDER BY g.id"
                             : "SELECT g.id FROM " GRANT_TABLES " WHERE s.number = ?"
                               " AND g.ended = 0 ORDER BY g.id");
        bool row = true;

        put_text(&query, number);
        if (giver) {
                put_kind(&query, giver->kind);
                put_number(&query, giver->id);
        }
        for (*ret_count = 0; *ret_count < GRANTS_MAX;) {
                int r = query_row(&query, &row);
                if (r != 0 || !row)
                        return r;
                take_number(&query, &ids[*ret_count]);
                if (query_check(&query) != 0)
                        return query_check(&query);
                (*ret_count)++;
        }
        return 0;
}

static int live_end(Store *store, const Act *act, const char *reason, const uint64_t *ids,
                    size_t count) {
        int r = 0;

        for (size_t i = 0; i < count && r == 0; i++)
                r = grant_end(store, ids[i], act, reason);
        return r;
}

int store_grants_end(Store *store, const char *number, const Subject *giver, const Act *act,
                     const char *reason, uint64_t **ret, size_t *ret_count) {
        _cleanup_free_ uint64_t *ids = calloc(GRANTS_MAX, sizeof(*ids));
        size_t count = 0;
        bool own;

        if (!ids)
                return -ENOMEM;
        int r = store_begin_own(store, &own);
        if (r != 0)
                return r;
        r = live_ids(store, number, giver, ids, &count);
        if (r == 0)
                r = live_end(store, act, reason, ids, count);
        r = store_end_own(store, own, r);
        if (r != 0)
                return r;
        *ret = steal_ptr(ids);
        *ret_count = count;
        return 0;
}
