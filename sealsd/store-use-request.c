/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request of kind use has beside its row: the approvers of its seal, their approvals, and
 * the use that was taken for it. Which requests waited in a session of the chip stands in the
 * clear, since they are over before there is a register key.
 */
#include <errno.h>
#include <stdlib.h>

#include "sealsd/store-internal.h"

#define OPEN "r.kind = 'use' AND r.state IN ('applied', 'approved')"

/* --- read ------------------------------------------------------------------------------------- */

static int approvers_load(Store *store, Request *request) {
        _cleanup_free_ Application *facts = calloc(1, sizeof(*facts));
        UseRequest *use = &request->use;
        uint64_t seal = 0;

        if (!facts)
                return -ENOMEM;
        int r = seal_row(store, request->target, &seal);
        if (r == 0)
                r = approvers_read(store, seal, facts);
        if (r != 0)
                return r == SEAL_E_NOT_FOUND ? SEAL_E_REGISTER_TAMPERED : r;
        for (size_t i = 0; i < facts->approver_count; i++)
                use->approvers[i] = facts->approvers[i].subject;
        use->approver_count = facts->approver_count;
        return 0;
}

static int approval_load(Store *store, Query *query, const Request *request, UseApproval *ret) {
        _cleanup_sealed_ Sealed sealed = {};
        _cleanup_plain_ char *text = NULL;
        uint64_t row = 0;

        take_number(query, &row);
        take_unsigned(query, &ret->approver, APPROVERS_MAX - 1);
        take_person(query, &ret->by, &ret->login);
        take_number(query, &ret->time);
        take_sealed(query, &sealed);
        int r = query_check(query);
        if (r == 0)
                r = guard_check(store, "use_approval", row);
        if (r == 0 && ret->approver >= request->use.approver_count)
                r = SEAL_E_REGISTER_TAMPERED;
        if (r == 0)
                r = sealed_open(store, "use_approval", row, &sealed, &text);
        return r == 0 && text ? use_approval_from_json(text, ret) : r;
}

static int approvals_load(Store *store, Request *request) {
        _cleanup_query_ Query query = query_kept(
                store, "SELECT row, approver, by_text, by_kind, by_id, by_login, time, version,"
                       " sealed FROM use_approval WHERE request = ? AND withdrawn = 0"
                       " ORDER BY approver");
        UseRequest *use = &request->use;
        bool row = true;

        put_number(&query, request->id);
        for (;;) {
                int r = query_row(&query, &row);
                if (r != 0 || !row)
                        return r;
                if (use->approval_count >= APPROVERS_MAX)
                        return SEAL_E_REGISTER_TAMPERED;
                r = approval_load(store, &query, request, &use->approvals[use->approval_count++]);
                if (r != 0)
                        return r;
        }
}

static int result_load(Store *store, Request *request) {
        _cleanup_query_ Query query = query_kept(
                store, "SELECT live, use, use_grant, taken, result, done FROM use_result"
                       " WHERE request = ?");
        UseResult *result = &request->use.result;

        put_number(&query, request->id);
        int r = query_one(&query);
        if (r == 0)
                r = guard_check(store, "use_result", request->id);
        if (r != 0)
                return r == SEAL_E_NOT_FOUND ? SEAL_E_REGISTER_TAMPERED : r;
        take_bool(&query, &request->use.live);
        take_number(&query, &result->use);
        take_number(&query, &result->grant);
        take_number(&query, &result->taken);
        take_bytes(&query, result->signature, sizeof(result->signature), &result->size);
        take_number(&query, &result->done);
        return query_check(&query);
}

int use_load(Store *store, Request *request) {
        int r = approvers_load(store, request);

        if (r == 0)
                r = approvals_load(store, request);
        return r == 0 ? result_load(store, request) : r;
}

/* --- write ------------------------------------------------------------------------------------ */

int store_use_add(Store *store, const Request *request) {
        _cleanup_query_ Query query = query_kept(
                store, "INSERT INTO use_result (request, live, use, use_grant, taken, result, done)"
                       " VALUES (?, ?, 0, 0, 0, x'', 0)");

        put_number(&query, request->id);
        put_number(&query, request->use.facts.live);
        return query_run(&query);
}

static int approval_put(Store *store, uint64_t request, const UseApproval *approval,
                        uint64_t *ret_row) {
        _cleanup_query_ Query query = query_kept(
                store, "INSERT INTO use_approval (request, approver, by_text, by_kind, by_id,"
                       " by_login, time, withdrawn, version, sealed)"
                       " VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, x'')"
                       " ON CONFLICT (request, approver) DO UPDATE SET"
                       " (by_text, by_kind, by_id, by_login, time, withdrawn) = (excluded.by_text,"
                       "  excluded.by_kind, excluded.by_id, excluded.by_login, excluded.time, 0)"
                       " RETURNING row");

        put_number(&query, request);
        put_number(&query, approval->approver);
        put_person(&query, &approval->by, approval->login);
        put_number(&query, approval->time);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_number(&query, ret_row);
        return query_taken(&query);
}

static int approval_write(Store *store, uint64_t request, const UseApproval *approval) {
        _cleanup_plain_ char *text = NULL;
        uint64_t row = 0;

        int r = use_approval_to_json(approval, &text);
        if (r == 0)
                r = approval_put(store, request, approval, &row);
        return r != 0 ? r : sealed_write(store, "use_approval", row, text);
}

int store_use_approve(Store *store, uint64_t request, const UseApproval *approval) {
        bool own;

        int r = store_begin_own(store, &own);
        return r != 0 ? r : store_end_own(store, own, approval_write(store, request, approval));
}

int store_use_give(Store *store, const TPM2B_DIGEST *given, unsigned approver, uint64_t request) {
        _cleanup_query_ Query query = query_kept(
                store, "INSERT INTO use_given (given, approver, request) VALUES (?, ?, ?)"
                       " ON CONFLICT (given, approver) DO NOTHING");

        put_bytes(&query, given->buffer, given->size);
        put_number(&query, approver);
        put_number(&query, request);
        return query_run(&query);
}

int store_use_given(Store *store, const TPM2B_DIGEST *given, unsigned approver,
                    uint64_t *ret_request) {
        _cleanup_query_ Query query = query_kept(
                store, "SELECT row, request FROM use_given WHERE given = ? AND approver = ?");
        uint64_t row = 0, request = 0;

        put_bytes(&query, given->buffer, given->size);
        put_number(&query, approver);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_number(&query, &row);
        take_number(&query, &request);
        r = query_check(&query);
        if (r == 0)
                r = guard_check(store, "use_given", row);
        if (r == 0)
                *ret_request = request;
        return r;
}

/* The version stays: no later record opens as this one. */
int store_use_withdraw(Store *store, uint64_t request, unsigned approver, uint64_t time) {
        _cleanup_query_ Query query = query_kept(
                store, "UPDATE use_approval SET (withdrawn, sealed) = (?, x'')"
                       " WHERE request = ? AND approver = ? AND withdrawn = 0 RETURNING 1");

        put_number(&query, time);
        put_number(&query, request);
        put_number(&query, approver);
        return query_change(&query);
}

int store_use_take_for(Store *store, uint64_t request, const UseResult *result) {
        _cleanup_query_ Query query = query_kept(
                store, "UPDATE use_result SET (use, use_grant, taken) = (?, ?, ?)"
                       " WHERE request = ? RETURNING 1");

        put_number(&query, result->use);
        put_number(&query, result->grant);
        put_number(&query, result->taken);
        put_number(&query, request);
        return query_change(&query);
}

int store_use_keep(Store *store, uint64_t request, const UseResult *result) {
        _cleanup_query_ Query query = query_kept(
                store, "UPDATE use_result SET (result, done) = (?, ?) WHERE request = ?"
                       " RETURNING 1");

        put_bytes(&query, result->signature, result->size);
        put_number(&query, result->done);
        put_number(&query, request);
        return query_change(&query);
}

/* --- lists ------------------------------------------------------------------------------------ */

static int list_read(Query *query, uint64_t **ret, size_t *ret_count) {
        _cleanup_free_ uint64_t *ids = calloc(PAGE_MAX, sizeof(*ids));
        size_t count = 0;
        bool row = true;

        if (!ids)
                return -ENOMEM;
        put_number(query, PAGE_MAX);
        while (count < PAGE_MAX) {
                int r = query_row(query, &row);
                if (r != 0)
                        return r;
                if (!row)
                        break;
                take_number(query, &ids[count++]);
                r = query_check(query);
                if (r != 0)
                        return r;
        }
        *ret = steal_ptr(ids);
        *ret_count = count;
        return 0;
}

int store_use_list_over(Store *store, uint64_t **ret, size_t *ret_count) {
        _cleanup_query_ Query query = query_new(
                store, "SELECT r.id FROM request AS r JOIN seal AS s ON s.number = r.target"
                       " WHERE " OPEN " AND s.state IN ('revoked', 'destroyed') ORDER BY r.id"
                       " LIMIT ?");

        return list_read(&query, ret, ret_count);
}

int store_use_list_live(Store *store, uint64_t **ret, size_t *ret_count) {
        _cleanup_query_ Query query = query_new(
                store, "SELECT r.id FROM request AS r JOIN use_result AS u ON u.request = r.id"
                       " WHERE " OPEN " AND u.live = 1 ORDER BY r.id LIMIT ?");

        return list_read(&query, ret, ret_count);
}

int store_use_count_open(Store *store, uint32_t uid, UsesOpen *ret) {
        _cleanup_query_ Query query = query_new(
                store, "SELECT count(*), coalesce(sum(length(s.structure)"
                       " + length(s.certificates)), 0) FROM request AS r"
                       " LEFT JOIN use_structure AS s ON s.request = r.id WHERE " OPEN
                       " AND r.applicant_id = ? AND r.applicant_kind = 'user'");
        UsesOpen open = {};

        put_number(&query, uid);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_u32(&query, &open.count);
        take_number(&query, &open.bytes);
        r = query_check(&query);
        if (r == 0)
                *ret = open;
        return r;
}
