/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "sealsd/store-internal.h"

#define REQUEST_COLUMNS                                                                       \
        "kind, state, applicant_text, applicant_kind, applicant_id, applicant_login, number," \
        " target, type, created, expires, digest, reviewers_needed, error, token"

/* --- write ---------------------------------------------------------------------------------- */

static int request_insert(Store *store, const Request *request, uint64_t *ret_id) {
        _cleanup_query_ Query query = query_kept(
                store, "INSERT INTO request (" REQUEST_COLUMNS ", version, sealed) VALUES"
                       " (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, x'') RETURNING id");

        put_text(&query, request->kind);
        put_text(&query, request_state_name(request->state));
        put_person(&query, &request->applicant, request->applicant_login);
        put_text(&query, request->number);
        put_text(&query, request->target);
        put_text(&query, request->type);
        put_number(&query, request->created);
        put_number(&query, request->expires);
        put_bytes(&query, request->digest, sizeof(request->digest));
        put_number(&query, request->reviewers_needed);
        put_text(&query, request->error);
        put_text(&query, request->application.token);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_number(&query, ret_id);
        return query_taken(&query);
}

static int request_write(Store *store, const Request *request, uint64_t *ret_id) {
        _cleanup_plain_ char *text = NULL;

        if (!text_is_utf8(request->reason, strlen(request->reason)))
                return SEAL_E_INVALID_ARGS;
        int r = request_to_json(request, &text);
        if (r == 0)
                r = request_insert(store, request, ret_id);
        return r != 0 ? r : sealed_write(store, "request", *ret_id, text);
}

int store_request_add(Store *store, Request *request) {
        uint64_t id = 0;
        bool own;

        int r = store_begin_own(store, &own);
        if (r != 0)
                return r;
        r = store_end_own(store, own, request_write(store, request, &id));
        if (r == 0)
                request->id = id;
        return r;
}

int store_request_update(Store *store, const Request *request) {
        _cleanup_query_ Query query = query_kept(
                store, "UPDATE request SET state = ?, number = ?, error = ? WHERE id = ?"
                       " RETURNING 1");

        put_text(&query, request_state_name(request->state));
        put_text(&query, request->number);
        put_text(&query, request->error);
        put_number(&query, request->id);
        return query_change(&query);
}

static int all_making_fail(Store *store, const char *why) {
        char error[TEXT_MAX + 1];

        text_copy(error, sizeof(error), why);
        _cleanup_query_ Query query = query_new(
                store, "UPDATE request SET state = 'failed', error = ? WHERE state = 'making'");
        put_text(&query, error);
        return query_run(&query);
}

/* One that somebody else has written into keeps no other from it, and stays marked as his. */
int store_request_fail_all_making(Store *store, const char *why) {
        bool own;

        int r = store_begin_own(store, &own);
        if (r != 0)
                return r;
        store->pending.forced = true;
        return store_end_own(store, own, all_making_fail(store, why));
}

static int decision_insert(Store *store, uint64_t request, const Decision *decision,
                           uint64_t *ret_row) {
        _cleanup_query_ Query query = query_kept(
                store, "INSERT INTO decision (request, ordinal, by_text, by_kind, by_id, by_login,"
                       " approve, time, version, sealed) VALUES (?1,"
                       " (SELECT count(*) FROM decision WHERE request = ?1), ?, ?, ?, ?, ?, ?, 0,"
                       " x'') RETURNING row");

        put_number(&query, request);
        put_person(&query, &decision->by, decision->login);
        put_number(&query, decision->approve);
        put_number(&query, decision->time);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_number(&query, ret_row);
        return query_taken(&query);
}

static int decision_write(Store *store, uint64_t request, const Decision *decision) {
        _cleanup_plain_ char *text = NULL;
        uint64_t row = 0;

        if (!text_is_utf8(decision->comment, strlen(decision->comment)))
                return SEAL_E_INVALID_ARGS;
        int r = decision_to_json(decision, &text);
        if (r == 0)
                r = decision_insert(store, request, decision, &row);
        return r != 0 ? r : sealed_write(store, "decision", row, text);
}

int store_decision_add(Store *store, uint64_t request, const Decision *decision) {
        bool own;

        int r = store_begin_own(store, &own);
        return r != 0 ? r : store_end_own(store, own, decision_write(store, request, decision));
}

/* --- read ----------------------------------------------------------------------------------- */

static void take_request(Query *query, Request *ret, Sealed *ret_sealed) {
        int state = 0;

        take_number(query, &ret->id);
        take_text(query, ret->kind, sizeof(ret->kind));
        take_word(query, request_state_from_name, &state);
        take_person(query, &ret->applicant, &ret->applicant_login);
        take_text(query, ret->number, sizeof(ret->number));
        take_text(query, ret->target, sizeof(ret->target));
        take_text(query, ret->type, sizeof(ret->type));
        take_number(query, &ret->created);
        take_number(query, &ret->expires);
        take_array(query, ret->digest, sizeof(ret->digest));
        take_unsigned(query, &ret->reviewers_needed, REVIEWERS_MAX);
        take_text(query, ret->error, sizeof(ret->error));
        take_text(query, ret->application.token, sizeof(ret->application.token));
        take_sealed(query, ret_sealed);
        ret->state = (RequestState) state;
}

/* The token is no part of the JSON and is kept over it. */
static int confidential_load(const char *text, Request *request) {
        char token[sizeof(request->application.token)];

        strcpy(token, request->application.token);
        int r = request_from_json(text, request);
        if (r == 0)
                strcpy(request->application.token, token);
        return r;
}

static int row_load(Store *store, uint64_t id, Request *request) {
        _cleanup_query_ Query query = query_kept(store, "SELECT id, " REQUEST_COLUMNS
                                                        ", version, sealed FROM request"
                                                        " WHERE id = ?");
        _cleanup_sealed_ Sealed sealed = {};
        _cleanup_plain_ char *text = NULL;

        put_number(&query, id);
        int r = query_one(&query);
        if (r == 0)
                r = guard_check(store, "request", id);
        if (r != 0)
                return r;
        take_request(&query, request, &sealed);
        r = query_check(&query);
        if (r == 0)
                r = sealed_open(store, "request", id, &sealed, &text);
        if (r != 0)
                return r;
        request->opaque = text == NULL;
        return text ? confidential_load(text, request) : 0;
}

static int decision_load(Store *store, Query *query, Decision *decision) {
        _cleanup_sealed_ Sealed sealed = {};
        _cleanup_plain_ char *text = NULL;
        uint64_t row = 0;

        take_number(query, &row);
        take_person(query, &decision->by, &decision->login);
        take_bool(query, &decision->approve);
        take_number(query, &decision->time);
        take_sealed(query, &sealed);
        int r = query_check(query);
        if (r == 0)
                r = guard_check(store, "decision", row);
        if (r == 0)
                r = sealed_open(store, "decision", row, &sealed, &text);
        return r == 0 && text ? decision_from_json(text, decision) : r;
}

static int decisions_load(Store *store, Request *request) {
        _cleanup_query_ Query query = query_kept(
                store, "SELECT row, by_text, by_kind, by_id, by_login, approve, time, version,"
                       " sealed FROM decision WHERE request = ? ORDER BY ordinal");
        bool row = true;

        put_number(&query, request->id);
        for (;;) {
                int r = query_row(&query, &row);
                if (r != 0 || !row)
                        return r;
                if (request->decision_count >= DECISIONS_MAX)
                        return SEAL_E_REGISTER_TAMPERED;
                r = decision_load(store, &query, &request->decisions[request->decision_count++]);
                if (r != 0)
                        return r;
        }
}

int store_request_get(Store *store, uint64_t id, Request *ret) {
        _cleanup_free_ Request *request = calloc(1, sizeof(*request));

        if (!request)
                return -ENOMEM;
        int r = row_load(store, id, request);
        if (r == 0)
                r = decisions_load(store, request);
        if (r == 0 && request_kind(request) == KIND_USE)
                r = use_load(store, request);
        if (r == 0)
                *ret = *request;
        return r;
}

int store_request_visible(Store *store, uint64_t id, const Caller *viewer, bool *ret) {
        _cleanup_query_ Query query = query_new(
                store, viewer ? "SELECT 1 FROM request WHERE id = ?1 AND ((applicant_id = ?2"
                                " AND applicant_kind = 'user') OR (kind = 'use' AND EXISTS"
                                " (SELECT 1 FROM seal AS s JOIN approver AS a ON a.seal = s.id"
                                "  WHERE s.number = request.target AND"
                                "  ((a.kind = 'user' AND a.id = ?2) OR (a.kind = 'group' AND a.id"
                                "   IN (SELECT value FROM json_each(?3)))))))"
                              : "SELECT 1 FROM request WHERE id = ?");
        GroupsText groups;
        bool row;

        put_number(&query, id);
        if (viewer) {
                groups_format(viewer, &groups);
                put_number(&query, viewer->uid);
                put_text(&query, groups.text);
        }
        int r = query_row(&query, &row);
        if (r == 0)
                *ret = row;
        return r;
}
