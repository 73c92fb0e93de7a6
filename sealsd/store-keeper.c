/* SPDX-License-Identifier: Apache-2.0 */
/* Who keeps a seal: its keepers in their order, and the one whom it was delivered to. */
#include <errno.h>
#include <string.h>

#include "sealsd/store-internal.h"

/* The place of the one the seal was delivered to, after those of facts. */
#define NAMED_ORDINAL KEEPERS_MAX

int seal_row(Store *store, const char *number, uint64_t *ret) {
        _cleanup_query_ Query query = query_kept(store, "SELECT id FROM seal WHERE number = ?");
        uint64_t id = 0;

        put_text(&query, number);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_number(&query, &id);
        r = query_check(&query);
        if (r == 0)
                *ret = id;
        return r;
}

static int keeper_is(Store *store, uint64_t seal, size_t ordinal, const Subject *keeper,
                     bool *ret) {
        _cleanup_query_ Query query = query_kept(
                store, "SELECT 1 FROM keeper WHERE seal = ? AND ordinal = ? AND text = ?"
                       " AND kind = ? AND id = ?");

        put_number(&query, seal);
        put_number(&query, ordinal);
        put_subject(&query, keeper);
        return query_row(&query, ret);
}

static int keeper_insert(Store *store, uint64_t seal, size_t ordinal, const Subject *keeper) {
        _cleanup_query_ Query query = query_kept(
                store, "INSERT INTO keeper (seal, ordinal, text, kind, id) VALUES (?, ?, ?, ?, ?)");

        put_number(&query, seal);
        put_number(&query, ordinal);
        put_subject(&query, keeper);
        return query_run(&query);
}

static int keepers_remove(Store *store, uint64_t seal, size_t from, size_t to) {
        _cleanup_query_ Query query = query_kept(
                store, "DELETE FROM keeper WHERE seal = ? AND ordinal >= ? AND ordinal < ?");

        put_number(&query, seal);
        put_number(&query, from);
        put_number(&query, to);
        return query_run(&query);
}

static int keeper_put(Store *store, uint64_t seal, size_t ordinal, const Subject *keeper) {
        bool same = false;

        int r = keeper_is(store, seal, ordinal, keeper, &same);
        if (r != 0 || same)
                return r;
        r = keepers_remove(store, seal, ordinal, ordinal + 1);
        return r != 0 ? r : keeper_insert(store, seal, ordinal, keeper);
}

int keepers_write(Store *store, uint64_t seal, const Subject *keepers, size_t count) {
        int r = 0;

        for (size_t i = 0; i < count && r == 0; i++)
                r = keeper_put(store, seal, i, &keepers[i]);
        return r != 0 ? r : keepers_remove(store, seal, count, NAMED_ORDINAL);
}

/* As it is now: a keeper named before, who declined, does not see the seal any more. */
int named_keeper_write(Store *store, uint64_t seal, const Subject *named) {
        if (named->text[0] == '\0')
                return keepers_remove(store, seal, NAMED_ORDINAL, NAMED_ORDINAL + 1);
        return keeper_put(store, seal, NAMED_ORDINAL, named);
}

int store_keepers_set(Store *store, const char *number, const Subject *keepers, size_t count) {
        uint64_t seal = 0;
        bool own;

        if (count == 0 || count > KEEPERS_MAX)
                return SEAL_E_INVALID_ARGS;
        int r = store_begin_own(store, &own);
        if (r != 0)
                return r;
        r = seal_row(store, number, &seal);
        if (r == 0)
                r = keepers_write(store, seal, keepers, count);
        return store_end_own(store, own, r);
}

int keepers_read(Store *store, uint64_t seal, Subject *ret, size_t *ret_count) {
        _cleanup_query_ Query query = query_kept(
                store, "SELECT text, kind, id FROM keeper WHERE seal = ? AND ordinal < ?"
                       " ORDER BY ordinal");
        bool row = true;
        size_t count = 0;

        put_number(&query, seal);
        put_number(&query, NAMED_ORDINAL);
        for (;;) {
                int r = query_row(&query, &row);
                if (r != 0)
                        return r;
                if (!row)
                        break;
                if (count == KEEPERS_MAX)
                        return SEAL_E_REGISTER_TAMPERED;
                take_subject(&query, &ret[count++]);
                if (query_check(&query) != 0)
                        return query_check(&query);
        }
        *ret_count = count;
        return 0;
}

int keepers_check(Store *store, uint64_t seal) {
        _cleanup_query_ Query query = query_kept(store, "SELECT row FROM keeper WHERE seal = ?");
        uint64_t id = 0;
        bool row = true;

        put_number(&query, seal);
        for (;;) {
                int r = query_row(&query, &row);
                if (r != 0 || !row)
                        return r;
                take_number(&query, &id);
                r = query_check(&query);
                if (r == 0)
                        r = guard_check(store, "keeper", id);
                if (r != 0)
                        return r;
        }
}
