/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "sealsd/store-internal.h"

#define OPEN_STATES "('applied', 'approved', 'making', 'failed')"

/* --- write ---------------------------------------------------------------------------------- */

static int request_insert(Store *store, const Request *request, const char *application,
                          uint64_t *ret_id) {
        _cleanup_query_ Query query = query_new(
                store, "INSERT INTO request (kind, state, applicant_text, applicant_kind,"
                       " applicant_id, number, created, expires, digest, reviewers_needed, error,"
                       " token, application) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                       " RETURNING id");

        put_text(&query, request->kind);
        put_text(&query, request_state_name(request->state));
        put_subject(&query, &request->applicant);
        put_text(&query, request->number);
        put_number(&query, request->created);
        put_number(&query, request->expires);
        put_bytes(&query, request->digest, sizeof(request->digest));
        put_number(&query, request->reviewers_needed);
        put_text(&query, request->error);
        put_text(&query, request->application.token);
        put_text(&query, application);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_number(&query, ret_id);
        r = query_check(&query);
        return r != 0 ? r : query_run(&query);
}

int store_request_add(Store *store, Request *request) {
        _cleanup_free_ char *application = NULL;
        uint64_t id = 0;

        int r = application_to_json(&request->application, &application);
        if (r == 0)
                r = request_insert(store, request, application, &id);
        if (r == 0)
                request->id = id;
        return r;
}

int store_request_update(Store *store, const Request *request) {
        _cleanup_query_ Query query = query_new(
                store, "UPDATE request SET state = ?, number = ?, error = ? WHERE id = ?"
                       " RETURNING 1");

        put_text(&query, request_state_name(request->state));
        put_text(&query, request->number);
        put_text(&query, request->error);
        put_number(&query, request->id);
        int r = query_one(&query);
        return r != 0 ? r : query_run(&query);
}

int store_request_fail_all_making(Store *store, const char *why) {
        char error[TEXT_MAX + 1];

        text_copy(error, sizeof(error), why);
        _cleanup_query_ Query query = query_new(
                store, "UPDATE request SET state = 'failed', error = ? WHERE state = 'making'");
        put_text(&query, error);
        return query_run(&query);
}

int store_decision_add(Store *store, uint64_t request, const Decision *decision) {
        _cleanup_query_ Query query = query_new(
                store, "INSERT INTO decision (request, ordinal, by_text, by_kind, by_id, approve,"
                       " comment, time) VALUES (?1,"
                       " (SELECT count(*) FROM decision WHERE request = ?1), ?, ?, ?, ?, ?, ?)");

        put_number(&query, request);
        put_subject(&query, &decision->by);
        put_number(&query, decision->approve);
        put_text(&query, decision->comment);
        put_number(&query, decision->time);
        return query_run(&query);
}

/* --- read ----------------------------------------------------------------------------------- */

static void take_request(Query *query, Request *ret, char **ret_application) {
        int state = 0;

        take_number(query, &ret->id);
        take_text(query, ret->kind, sizeof(ret->kind));
        take_word(query, request_state_from_name, &state);
        take_subject(query, &ret->applicant);
        take_text(query, ret->number, sizeof(ret->number));
        take_number(query, &ret->created);
        take_number(query, &ret->expires);
        take_array(query, ret->digest, sizeof(ret->digest));
        take_unsigned(query, &ret->reviewers_needed, REVIEWERS_MAX);
        take_text(query, ret->error, sizeof(ret->error));
        take_text(query, ret->application.token, sizeof(ret->application.token));
        take_long_text(query, ret_application, APPLICATION_JSON_MAX);
        ret->state = (RequestState) state;
}

/* The two statements that read requests, one after the other. */
typedef struct RequestReader {
        Query row, decisions;
} RequestReader;

static RequestReader reader_new(Store *store) {
        return (RequestReader){
                .row = query_new(store, "SELECT id, kind, state, applicant_text, applicant_kind,"
                                        " applicant_id, number, created, expires, digest,"
                                        " reviewers_needed, error, token, application"
                                        " FROM request WHERE id = ?"),
                .decisions = query_new(store, "SELECT by_text, by_kind, by_id, approve, comment,"
                                              " time FROM decision WHERE request = ?"
                                              " ORDER BY ordinal"),
        };
}

static void reader_end(RequestReader *reader) {
        query_end(&reader->row);
        query_end(&reader->decisions);
}

static int decisions_load(Query *query, Request *request) {
        bool row = true;

        query_rewind(query);
        put_number(query, request->id);
        while (row) {
                int r = query_row(query, &row);
                if (r != 0 || !row)
                        return r;
                if (request->decision_count >= DECISIONS_MAX)
                        return SEAL_E_REGISTER_TAMPERED;
                Decision *decision = &request->decisions[request->decision_count++];
                take_subject(query, &decision->by);
                take_bool(query, &decision->approve);
                take_text(query, decision->comment, sizeof(decision->comment));
                take_number(query, &decision->time);
                if (query_check(query) != 0)
                        return query_check(query);
        }
        return 0;
}

/* The token is no part of the JSON and is kept over it. */
static int application_load(const char *json, Application *application) {
        char token[sizeof(application->token)];

        strcpy(token, application->token);
        int r = application_from_json(json, application);
        if (r == 0)
                strcpy(application->token, token);
        return r;
}

/* Into a zeroed Request. */
static int request_load(RequestReader *reader, uint64_t id, Request *request) {
        _cleanup_free_ char *application = NULL;

        query_rewind(&reader->row);
        put_number(&reader->row, id);
        int r = query_one(&reader->row);
        if (r != 0)
                return r;
        take_request(&reader->row, request, &application);
        r = query_check(&reader->row);
        if (r == 0)
                r = application_load(application, &request->application);
        return r != 0 ? r : decisions_load(&reader->decisions, request);
}

int store_request_get(Store *store, uint64_t id, Request *ret) {
        _cleanup_free_ Request *request = calloc(1, sizeof(*request));

        if (!request)
                return -ENOMEM;
        _cleanup_(reader_end) RequestReader reader = reader_new(store);
        int r = request_load(&reader, id, request);
        if (r == 0)
                *ret = *request;
        return r;
}

int store_request_visible(Store *store, uint64_t id, const Caller *viewer, bool *ret) {
        _cleanup_query_ Query query = query_new(
                store, viewer ? "SELECT 1 FROM request WHERE id = ? AND applicant_id = ?"
                                " AND applicant_kind = 'user'"
                              : "SELECT 1 FROM request WHERE id = ?");
        bool row;

        put_number(&query, id);
        if (viewer)
                put_number(&query, viewer->uid);
        int r = query_row(&query, &row);
        if (r == 0)
                *ret = row;
        return r;
}

/* --- lists ---------------------------------------------------------------------------------- */

static const char *awaiting_states(unsigned awaiting) {
        const bool decision = awaiting & AWAITING_DECISION, making = awaiting & AWAITING_MAKING;

        if (decision && making)
                return " AND state IN ('applied', 'approved')";
        return decision ? " AND state = 'applied'" : making ? " AND state = 'approved'" : " AND 0";
}

/* Only the clauses that the filter has, so that the planner picks the index that fits them. */
static void list_compose(const RequestFilter *filter, char *ret, size_t size) {
        const char *clauses[] = {
                filter->viewer ? " AND applicant_id = ? AND applicant_kind = 'user'" : "",
                filter->state >= 0 ? " AND state = ?" : "",
                filter->kind ? " AND kind = ?" : "",
                filter->seal ? " AND number = ? AND number <> ''" : "",
                filter->awaiting ? awaiting_states(filter->awaiting) : "",
                filter->awaiting ? " AND applicant_id <> ? AND NOT EXISTS"
                                   " (SELECT 1 FROM decision WHERE request = request.id"
                                   "  AND by_id = ? AND by_kind = 'user')"
                                 : "",
                filter->after > 0 ? " AND id < ?" : "",
        };
        size_t used = (size_t) snprintf(
                ret, size,
                "SELECT id, kind, state, number, applicant_text,"
                " applicant_kind, applicant_id, created FROM request WHERE 1");

        for (size_t i = 0; i < sizeof(clauses) / sizeof(clauses[0]) && used < size; i++)
                used += (size_t) snprintf(ret + used, size - used, "%s", clauses[i]);
        if (used < size)
                (void) snprintf(ret + used, size - used, " ORDER BY id DESC LIMIT ?");
}

static void list_put(Query *query, const RequestFilter *filter, size_t limit) {
        if (filter->viewer)
                put_number(query, filter->viewer->uid);
        if (filter->state >= 0)
                put_text(query, request_state_name((RequestState) filter->state));
        if (filter->kind)
                put_text(query, filter->kind);
        if (filter->seal)
                put_text(query, filter->seal);
        if (filter->awaiting) {
                put_number(query, filter->awaiting_uid);
                put_number(query, filter->awaiting_uid);
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
        take_subject(query, &ret->applicant);
        take_number(query, &ret->created);
        ret->state = (RequestState) state;
}

int store_request_list(Store *store, const RequestFilter *filter, RequestRow **ret,
                       size_t *ret_count) {
        size_t limit = filter->limit == 0 || filter->limit > PAGE_MAX ? PAGE_MAX : filter->limit;
        _cleanup_free_ RequestRow *rows = calloc(limit, sizeof(*rows));
        size_t count = 0;
        char sql[768];

        if (!rows)
                return -ENOMEM;
        list_compose(filter, sql, sizeof(sql));
        _cleanup_query_ Query query = query_new(store, sql);
        list_put(&query, filter, limit);
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

int store_request_count_open(Store *store, const uint32_t *uid, unsigned *ret) {
        _cleanup_query_ Query query = query_new(
                store, uid ? "SELECT count(*) FROM request WHERE state IN " OPEN_STATES
                             " AND applicant_id = ? AND applicant_kind = 'user'"
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
