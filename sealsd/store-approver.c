/* SPDX-License-Identifier: Apache-2.0 */
/* What the use of a seal takes beside the machine: its PIN, and its approvers in their order. */
#include <errno.h>
#include <string.h>

#include "sealsd/store-internal.h"

static int policy_insert(Store *store, uint64_t seal, const Application *facts) {
        _cleanup_query_ Query query = query_kept(
                store, "INSERT INTO seal_policy (seal, pin, threshold) VALUES (?, ?, ?)");

        put_number(&query, seal);
        put_number(&query, facts->pin);
        put_number(&query, facts->threshold);
        return query_run(&query);
}

static int approver_insert(Store *store, uint64_t seal, size_t ordinal, const Approver *approver) {
        _cleanup_query_ Query query = query_kept(
                store, "INSERT INTO approver (seal, ordinal, text, kind, id, pem)"
                       " VALUES (?, ?, ?, ?, ?, ?)");

        put_number(&query, seal);
        put_number(&query, ordinal);
        put_subject(&query, &approver->subject);
        put_text(&query, approver->pem);
        return query_run(&query);
}

int approvers_write(Store *store, uint64_t seal, const Application *facts) {
        if (!facts->pin && facts->approver_count == 0)
                return 0;
        int r = policy_insert(store, seal, facts);
        for (size_t i = 0; i < facts->approver_count && r == 0; i++)
                r = approver_insert(store, seal, i, &facts->approvers[i]);
        return r;
}

static int policy_read(Store *store, uint64_t seal, Application *facts) {
        _cleanup_query_ Query query = query_kept(
                store, "SELECT pin, threshold FROM seal_policy WHERE seal = ?");
        bool row = false;

        put_number(&query, seal);
        int r = query_row(&query, &row);
        if (r != 0 || !row)
                return r;
        take_bool(&query, &facts->pin);
        take_unsigned(&query, &facts->threshold, APPROVERS_MAX);
        return query_check(&query);
}

/* The next row of approvers, checked for its place. */
static int approver_take(Store *store, Query *query, Application *facts) {
        uint64_t row = 0, ordinal = 0;

        if (facts->approver_count == APPROVERS_MAX)
                return SEAL_E_REGISTER_TAMPERED;
        Approver *approver = &facts->approvers[facts->approver_count];
        take_number(query, &row);
        take_number(query, &ordinal);
        take_subject(query, &approver->subject);
        take_text(query, approver->pem, sizeof(approver->pem));
        int r = query_check(query);
        if (r == 0 && ordinal != facts->approver_count)
                r = SEAL_E_REGISTER_TAMPERED;
        if (r == 0)
                r = guard_check(store, "approver", row);
        facts->approver_count += r == 0;
        return r;
}

int approvers_read(Store *store, uint64_t seal, Application *facts) {
        _cleanup_query_ Query query = query_kept(
                store, "SELECT row, ordinal, text, kind, id, pem FROM approver WHERE seal = ?"
                       " ORDER BY ordinal");
        bool row = true;

        int r = guard_check(store, "seal_policy", seal);
        if (r == 0)
                r = policy_read(store, seal, facts);
        put_number(&query, seal);
        while (r == 0 && row) {
                r = query_row(&query, &row);
                if (r == 0 && row)
                        r = approver_take(store, &query, facts);
        }
        if (r == 0 && (facts->threshold > facts->approver_count ||
                       (facts->threshold == 0) != (facts->approver_count == 0)))
                r = SEAL_E_REGISTER_TAMPERED;
        return r;
}
