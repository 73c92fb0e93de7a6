/* SPDX-License-Identifier: Apache-2.0 */
/* What the chip was told of the ledger, and what it signed of it. */
#include <string.h>

#include "sealsd/store-internal.h"

/* --- anchors ---------------------------------------------------------------------------------- */

static const char *const kinds[] = { "extend", "rebase" };

static int kind_find(const char *word) {
        if (strcmp(word, kinds[0]) == 0)
                return 0;
        return strcmp(word, kinds[1]) == 0 ? 1 : -1;
}

#define ANCHOR_COLUMNS "id, seq, head, value, kind, done, time"

static int take_columns(Query *query, LedgerAnchor *ret) {
        LedgerAnchor anchor = {};
        int kind = 0;

        take_number(query, &anchor.id);
        take_number(query, &anchor.seq);
        take_array(query, anchor.head, sizeof(anchor.head));
        take_array(query, anchor.value, sizeof(anchor.value));
        take_word(query, kind_find, &kind);
        take_bool(query, &anchor.done);
        take_number(query, &anchor.time);
        anchor.rebase = kind == 1;
        int r = query_check(query);
        if (r == 0)
                *ret = anchor;
        return r;
}

/*
 * The next that can be read. A damaged one proves nothing and is passed over: the check of the
 * register finds it, and once it is acknowledged it must be in nobody's way.
 */
static int anchor_next(Query *query, LedgerAnchor *ret, bool *ret_there) {
        *ret_there = true;
        for (;;) {
                int r = query_row(query, ret_there);
                if (r != 0 || !*ret_there)
                        return r;
                r = take_columns(query, ret);
                if (r != SEAL_E_REGISTER_TAMPERED)
                        return r;
                query->code = 0;
        }
}

static int take_anchor(Query *query, LedgerAnchor *ret) {
        bool there;

        int r = anchor_next(query, ret, &there);
        return r == 0 && !there ? SEAL_E_NOT_FOUND : r;
}

int store_anchor_add(Store *store, LedgerAnchor *anchor) {
        _cleanup_query_ Query query = query_new(store,
                                                "INSERT INTO anchor (seq, head, value, kind, done,"
                                                " time) VALUES (?, ?, ?, ?, ?, ?) RETURNING id");
        uint64_t id = 0;

        put_number(&query, anchor->seq);
        put_bytes(&query, anchor->head, sizeof(anchor->head));
        put_bytes(&query, anchor->value, sizeof(anchor->value));
        put_text(&query, kinds[anchor->rebase]);
        put_number(&query, anchor->done);
        put_number(&query, anchor->time);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_number(&query, &id);
        r = query_taken(&query);
        if (r == 0)
                anchor->id = id;
        return r;
}

int store_anchor_done(Store *store, uint64_t id) {
        _cleanup_query_ Query query = query_new(
                store, "UPDATE anchor SET done = 1 WHERE id = ? RETURNING 1");

        put_number(&query, id);
        return query_change(&query);
}

int store_anchor_last(Store *store, bool done, LedgerAnchor *ret) {
        _cleanup_query_ Query query = query_new(store, "SELECT " ANCHOR_COLUMNS
                                                       " FROM anchor WHERE done = ?"
                                                       " ORDER BY id DESC");

        put_number(&query, done);
        return take_anchor(&query, ret);
}

int store_anchor_by_value(Store *store, const uint8_t value[static LEDGER_HASH_SIZE],
                          LedgerAnchor *ret) {
        _cleanup_query_ Query query = query_new(store, "SELECT " ANCHOR_COLUMNS
                                                       " FROM anchor WHERE value = ?"
                                                       " ORDER BY id DESC");

        put_bytes(&query, value, LEDGER_HASH_SIZE);
        return take_anchor(&query, ret);
}

int store_anchor_get(Store *store, uint64_t id, LedgerAnchor *ret) {
        _cleanup_query_ Query query = query_new(store, "SELECT " ANCHOR_COLUMNS
                                                       " FROM anchor WHERE id = ?");

        put_number(&query, id);
        return take_anchor(&query, ret);
}

int store_anchor_list(Store *store, uint64_t after, size_t max, LedgerAnchor *ret,
                      size_t *ret_count) {
        _cleanup_query_ Query query = query_new(store,
                                                "SELECT " ANCHOR_COLUMNS " FROM anchor WHERE id > ?"
                                                " ORDER BY id");
        bool there = true;
        size_t count = 0;

        put_number(&query, after);
        while (count < max) {
                int r = anchor_next(&query, &ret[count], &there);
                if (r != 0)
                        return r;
                if (!there)
                        break;
                count++;
        }
        *ret_count = count;
        return 0;
}

int store_anchor_remove_pending(Store *store) {
        _cleanup_query_ Query query = query_new(store, "DELETE FROM anchor WHERE done = 0");

        return query_run(&query);
}

/* --- checkpoints ------------------------------------------------------------------------------ */

int store_checkpoint_add(Store *store, LedgerCheckpoint *checkpoint) {
        _cleanup_query_ Query query = query_new(
                store, "INSERT INTO checkpoint (seq, head, anchor, attest, signature, time)"
                       " VALUES (?, ?, ?, ?, ?, ?) RETURNING id");
        uint64_t id = 0;

        put_number(&query, checkpoint->seq);
        put_bytes(&query, checkpoint->head, sizeof(checkpoint->head));
        put_number(&query, checkpoint->anchor);
        put_bytes(&query, checkpoint->attest, checkpoint->attest_size);
        put_bytes(&query, checkpoint->signature, checkpoint->signature_size);
        put_number(&query, checkpoint->time);
        int r = query_one(&query);
        if (r != 0)
                return r;
        take_number(&query, &id);
        r = query_taken(&query);
        if (r == 0)
                checkpoint->id = id;
        return r;
}

static void take_checkpoint(Query *query, LedgerCheckpoint *ret) {
        take_number(query, &ret->id);
        take_number(query, &ret->seq);
        take_array(query, ret->head, sizeof(ret->head));
        take_number(query, &ret->anchor);
        take_bytes(query, ret->attest, sizeof(ret->attest), &ret->attest_size);
        take_bytes(query, ret->signature, sizeof(ret->signature), &ret->signature_size);
        take_number(query, &ret->time);
}

/* A damaged one proves nothing and is passed over. */
int store_checkpoint_list(Store *store, size_t max, LedgerCheckpoint *ret, size_t *ret_count) {
        _cleanup_query_ Query query = query_new(
                store, "SELECT id, seq, head, anchor, attest, signature, time FROM checkpoint"
                       " ORDER BY id DESC");
        bool row = true;
        size_t count = 0;

        while (count < max) {
                int r = query_row(&query, &row);
                if (r != 0)
                        return r;
                if (!row)
                        break;
                ret[count] = (LedgerCheckpoint){};
                take_checkpoint(&query, &ret[count]);
                r = query_check(&query);
                if (r == SEAL_E_REGISTER_TAMPERED)
                        query.code = 0;
                else if (r != 0)
                        return r;
                else
                        count++;
        }
        *ret_count = count;
        return 0;
}
