/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uses, counted before they are made: a crash wastes one and never adds one. The count of a seal
 * stands in a row of its own, so that a use writes little.
 */
#include <inttypes.h>

#include "sealsd/store-internal.h"

static int limit_reached(const char *whose, const char *number, uint64_t limit,
                         ErrorDetail *detail) {
        return error_set(detail, SEAL_E_LIMIT_REACHED,
                         "The limit of the %s for seal %s is %" PRIu64
                         " uses, and so many do not remain",
                         whose, number, limit);
}

/* --- the seal --------------------------------------------------------------------------------- */

typedef struct Uses {
        uint64_t seal; /* row */
        uint64_t limit, count;
} Uses;

static int uses_read(Store *store, const char *number, Uses *ret) {
        _cleanup_query_ Query query = query_kept(
                store, "SELECT s.id, s.use_limit, u.count FROM seal AS s"
                       " LEFT JOIN seal_use AS u ON u.seal = s.id WHERE s.number = ?");

        put_text(&query, number);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_number(&query, &ret->seal);
        take_number(&query, &ret->limit);
        take_number(&query, &ret->count);
        return query_check(&query);
}

static int uses_write(Store *store, uint64_t seal, uint64_t count) {
        _cleanup_query_ Query query = query_kept(store,
                                                 "UPDATE seal_use SET count = ? WHERE seal = ?");

        put_number(&query, count);
        put_number(&query, seal);
        return query_run(&query);
}

/* Numbers beyond INT64_MAX could not be read back. */
static bool uses_fit(uint64_t limit, uint64_t used, uint64_t count) {
        uint64_t end = limit > 0 ? limit : INT64_MAX;

        return used <= end && count <= end - used;
}

/* The row that counts was not changed behind our back: else it starts anew. */
static int seal_take(Store *store, const char *number, uint64_t count, Uses *uses,
                     ErrorDetail *detail) {
        int r = uses_read(store, number, uses);

        if (r == 0)
                r = guard_check(store, "seal_use", uses->seal);
        if (r != 0)
                return r;
        if (!uses_fit(uses->limit, uses->count, count))
                return limit_reached("seal", number, uses->limit, detail);
        return uses_write(store, uses->seal, uses->count + count);
}

/* --- the grant -------------------------------------------------------------------------------- */

typedef struct GrantUses {
        uint64_t limit, used;
} GrantUses;

static int grant_read(Store *store, uint64_t grant, uint64_t seal, bool ended, GrantUses *ret) {
        _cleanup_query_ Query query = query_kept(
                store, "SELECT count, used FROM use_grant WHERE id = ? AND seal = ?"
                       " AND (ended = 0 OR ?)");

        put_number(&query, grant);
        put_number(&query, seal);
        put_number(&query, ended);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_number(&query, &ret->limit);
        take_number(&query, &ret->used);
        return query_check(&query);
}

static int grant_write(Store *store, uint64_t grant, uint64_t used) {
        _cleanup_query_ Query query = query_kept(store,
                                                 "UPDATE use_grant SET used = ? WHERE id = ?");

        put_number(&query, used);
        put_number(&query, grant);
        return query_run(&query);
}

static int grant_take(Store *store, const char *number, uint64_t seal, uint64_t grant,
                      uint64_t count, ErrorDetail *detail) {
        GrantUses uses = {};

        int r = grant_read(store, grant, seal, false, &uses);
        if (r == 0)
                r = guard_check(store, "use_grant", grant);
        if (r != 0)
                return r;
        if (!uses_fit(uses.limit, uses.used, count))
                return limit_reached("grant", number, uses.limit, detail);
        return grant_write(store, grant, uses.used + count);
}

/* --- both ------------------------------------------------------------------------------------- */

int store_use_take(Store *store, const char *number, uint64_t grant, uint64_t count,
                   uint64_t *ret_first, ErrorDetail *detail) {
        Uses uses = {};
        bool own;

        if (count == 0)
                return SEAL_E_INVALID_ARGS;
        int r = store_begin_own(store, &own);
        if (r != 0)
                return r;
        r = seal_take(store, number, count, &uses, detail);
        if (r == 0 && grant > 0)
                r = grant_take(store, number, uses.seal, grant, count, detail);
        r = store_end_own(store, own, r);
        if (r == 0)
                *ret_first = uses.count + 1;
        return r;
}

static int grant_return(Store *store, uint64_t seal, uint64_t grant, uint64_t count) {
        GrantUses uses = {};

        int r = grant_read(store, grant, seal, true, &uses);
        if (r == 0 && uses.used >= count)
                r = grant_write(store, grant, uses.used - count);
        return r == SEAL_E_NOT_FOUND ? 0 : r;
}

/* A grant's count goes back even where later uses keep the seal's: it has no numbers to repeat. */
static int use_return(Store *store, const char *number, uint64_t grant, uint64_t first,
                      uint64_t count) {
        Uses uses = {};

        int r = uses_read(store, number, &uses);
        if (r == 0 && first > 0 && count > 0 && uses.count == first + count - 1)
                r = uses_write(store, uses.seal, first - 1);
        if (r == 0 && grant > 0)
                r = grant_return(store, uses.seal, grant, count);
        return r == SEAL_E_NOT_FOUND ? 0 : r;
}

int store_use_return(Store *store, const char *number, uint64_t grant, uint64_t first,
                     uint64_t count) {
        bool own;

        int r = store_begin_own(store, &own);
        return r != 0 ? r
                      : store_end_own(store, own, use_return(store, number, grant, first, count));
}
