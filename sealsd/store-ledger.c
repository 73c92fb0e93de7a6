/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger's rows: written with the transaction that they are about, told of after its commit. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "sealsd/store-internal.h"

/* --- events that wait for the end of their transaction ---------------------------------------- */

/* A row before it has a place, with all that it borrows; then its text. */
typedef struct EventCopy {
        EventCode code;
        LedgerRow row;
        LedgerTouch *touches; /* owned, of the last event alone */
        json_t *facts;        /* owned */
        char *texts[16];      /* owned */
        size_t text_count;
        uint8_t digest[DIGEST_MAX];
        char *text; /* owned */
        size_t size;
        uint8_t hash[LEDGER_HASH_SIZE];
} EventCopy;

static EventCopy *copy_free(EventCopy *copy) {
        for (size_t i = 0; i < copy->text_count; i++)
                free(copy->texts[i]);
        json_decref(copy->facts);
        free(copy->touches);
        free(copy->text);
        free(copy);
        return NULL;
}
DEFINE_CLEANUP(EventCopy, copy_free)

static bool keep(EventCopy *copy, const char *text, const char **ret) {
        char *kept = text ? strdup(text) : NULL;

        if (text && !kept)
                return false;
        if (kept)
                copy->texts[copy->text_count++] = kept;
        *ret = kept;
        return true;
}

static bool keep_caller(EventCopy *copy, const Caller *caller) {
        LedgerRow *row = &copy->row;

        if (!caller)
                return true;
        row->has_uid = true;
        row->uid = caller->uid;
        row->has_login_uid = caller->login_uid != LOGIN_NONE;
        row->login_uid = caller->login_uid;
        return keep(copy, caller->process, &row->process) && keep(copy, caller->unit, &row->unit);
}

static bool keep_texts(EventCopy *copy, const Event *event) {
        LedgerRow *row = &copy->row;
        const char *subject = event->subject  ? event->subject
                              : event->caller ? event->caller->subject.text
                                              : NULL;

        return keep(copy, subject, &row->subject) && keep_caller(copy, event->caller) &&
               keep(copy, event->seal, &row->seal) && keep(copy, event->object, &row->object) &&
               keep(copy, event->state, &row->state) && keep(copy, event->purpose, &row->purpose) &&
               keep(copy, event->hash, &row->hash) && keep(copy, event->document, &row->document) &&
               keep(copy, event->result, &row->result) && keep(copy, event->reason, &row->reason);
}

static int copy_new(EventCopy **ret, const Store *store, const Event *event) {
        _cleanup_(copy_freep) EventCopy *copy = calloc(1, sizeof(*copy));

        if (!copy)
                return -ENOMEM;
        if (event->digest.size > sizeof(copy->digest))
                return -EINVAL;
        if (event->digest.size > 0)
                memcpy(copy->digest, event->digest.data, event->digest.size);
        copy->code = event->code;
        copy->row = (LedgerRow){
                .time = event->time > 0 ? event->time : clock_now(&store->clock),
                .event = event_name(event->code),
                .self = event->self,
                .request = event->request,
                .document_hash = { copy->digest, event->digest.size },
                .use = event->use,
                .count = event->count,
        };
        copy->facts = event->facts ? json_deep_copy(event->facts) : NULL;
        copy->row.facts = copy->facts;
        if (!keep_texts(copy, event) || (event->facts && !copy->facts))
                return -ENOMEM;
        *ret = steal_ptr(copy);
        return 0;
}

static int pending_add(Store *store, const Event *event) {
        Pending *pending = &store->pending;
        EventCopy *copy = NULL;

        EventCopy **events = reallocarray(pending->events, pending->event_count + 1,
                                          sizeof(EventCopy *));
        if (!events)
                return -ENOMEM;
        pending->events = events;
        int r = copy_new(&copy, store, event);
        if (r == 0)
                pending->events[pending->event_count++] = copy;
        return r;
}

void pending_drop(Store *store) {
        Pending *pending = &store->pending;

        for (size_t i = 0; i < pending->event_count; i++)
                (void) copy_free(pending->events[i]);
        free(pending->events);
        free(pending->touches);
        *pending = (Pending){};
}

int store_event(Store *store, const Event *event) {
        bool own;

        if (!store->begun && !store->pending.begins)
                return 0;
        int r = store_begin_own(store, &own);
        if (r != 0)
                return r;
        return store_end_own(store, own, pending_add(store, event));
}

/* --- written ---------------------------------------------------------------------------------- */

static int row_insert(Store *store, const EventCopy *copy) {
        _cleanup_query_ Query query = query_kept(
                store, "INSERT INTO ledger (seq, time, event, seal, subject, state, text, hash)"
                       " VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
        const LedgerRow *row = &copy->row;

        put_number(&query, row->seq);
        put_number(&query, row->time);
        put_text(&query, row->event);
        put_text(&query, row->seal ? row->seal : "");
        put_text(&query, row->subject ? row->subject : "");
        put_text(&query, row->state ? row->state : "");
        put_text(&query, copy->text);
        put_bytes(&query, copy->hash, sizeof(copy->hash));
        return query_run(&query);
}

/*
 * A row that somebody appended, or a tail that he cut, is not followed: the chain goes on from what
 * this process wrote last, and shows the place.
 */
static int seq_next(Store *store, uint64_t *ret, uint64_t *ret_last) {
        _cleanup_query_ Query query = query_kept(store, "SELECT coalesce(max(seq), 0) FROM ledger");
        uint64_t last = 0;

        int r = query_one(&query);
        if (r != 0)
                return r;
        take_number(&query, &last);
        r = query_check(&query);
        if (r != 0)
                return r;
        *ret = (last > store->pending.head.seq ? last : store->pending.head.seq) + 1;
        *ret_last = last;
        return 0;
}

/* The last row as it stands: the hash of its text, and whether that says the same number. */
static int last_read(Store *store, uint64_t seq, uint8_t ret[static LEDGER_HASH_SIZE],
                     bool *ret_placed) {
        _cleanup_query_ Query query = query_new(
                store, "SELECT text FROM ledger ORDER BY seq DESC LIMIT 1");
        _cleanup_(ledger_parsed_done) LedgerParsed parsed = {};

        int r = query_one(&query);
        if (r != 0)
                return r;
        const char *text = (const char *) sqlite3_column_text(query.statement, 0);
        size_t size = (size_t) sqlite3_column_bytes(query.statement, 0);
        r = ledger_row_hash(text ? text : "", size, ret);
        if (r != 0)
                return r;
        r = ledger_row_parse(text ? text : "", size, &parsed, NULL);
        *ret_placed = r != 0 || parsed.row.seq == seq;
        return r == SEAL_E_REGISTER_TAMPERED ? 0 : r;
}

/* Of a row with this number behind a head, when the last row of the table is this one. */
static int seam_find(Store *store, const LedgerHead *head, uint64_t seq, uint64_t last, Seam *ret) {
        Seam seam = { .seq = seq, .first = last == 0 };
        bool placed = true;

        int r = last > 0 ? last_read(store, last, seam.hash, &placed) : 0;
        if (r != 0)
                return r;
        if (last == head->seq && placed &&
            (last == 0 || memcmp(seam.hash, head->hash, sizeof(seam.hash)) == 0))
                seam = (Seam){};
        *ret = seam;
        return 0;
}

int ledger_seam(Store *store, Seam *ret) {
        uint64_t seq = 0, last = 0;

        store->pending.head = store->head;
        int r = seq_next(store, &seq, &last);
        return r != 0 ? r : seam_find(store, &store->head, seq, last, ret);
}

/*
 * To look costs a hash of the last row: for the first row of this process, and where one is
 * strange.
 */
static int seam_note(Store *store, uint64_t seq, uint64_t last) {
        const LedgerHead *head = &store->pending.head;
        Seam seam = {};

        if (store->pending.begins || ((store->joined || store->pending.joins) && last == head->seq))
                return 0;
        int r = seam_find(store, head, seq, last, &seam);
        if (r == 0 && seam.seq > 0 && store->pending.seam.seq == 0)
                store->pending.seam = seam;
        store->pending.joins = true;
        return r;
}

static int copy_write(Store *store, EventCopy *copy) {
        LedgerHead *head = &store->pending.head;
        LedgerRow *row = &copy->row;

        uint64_t last = 0;

        int r = seq_next(store, &row->seq, &last);
        if (r == 0)
                r = seam_note(store, row->seq, last);
        if (r != 0)
                return r;
        memcpy(row->previous, head->hash, sizeof(row->previous));
        r = ledger_row_encode(row, &copy->text, &copy->size, copy->hash);
        if (r == 0)
                r = row_insert(store, copy);
        for (size_t i = 0; i < row->touch_count && r == 0; i++)
                r = guard_write(store, &row->touches[i], row->seq);
        if (r != 0)
                return r;
        head->seq = row->seq;
        head->time = row->time;
        memcpy(head->hash, copy->hash, sizeof(head->hash));
        return 0;
}

static int touches_give(EventCopy *copy, const LedgerTouch *touches, size_t count) {
        copy->touches = calloc(count + 1, sizeof(*copy->touches));
        if (!copy->touches)
                return -ENOMEM;
        if (count > 0)
                memcpy(copy->touches, touches, count * sizeof(*touches));
        copy->row.touches = copy->touches;
        copy->row.touch_count = count;
        return 0;
}

/*
 * The last event has as many of the touches as a row may; what is more follows in rows of its own.
 */
static int touches_place(Store *store, const LedgerTouch *touches, size_t count) {
        const Event changed = { .code = EVENT_REGISTER_CHANGED };
        Pending *pending = &store->pending;
        bool more = pending->event_count == 0;
        int r = 0;

        while (count > 0 && r == 0) {
                size_t now = count < LEDGER_TOUCHES_MAX ? count : LEDGER_TOUCHES_MAX;

                r = more ? pending_add(store, &changed) : 0;
                if (r == 0)
                        r = touches_give(pending->events[pending->event_count - 1], touches, now);
                touches += now;
                count -= now;
                more = true;
        }
        return r;
}

int pending_write(Store *store) {
        Pending *pending = &store->pending;
        _cleanup_free_ LedgerTouch *touches = NULL;
        size_t count = 0;
        int r;

        if (pending->short_of_memory)
                return -ENOMEM;
        if (pending->written || (pending->touch_count == 0 && pending->event_count == 0))
                return 0;
        if (!pending->begins)
                pending->head = store->head;
        r = guard_collect(store, &touches, &count);
        if (r == 0)
                r = touches_place(store, touches, count);
        for (size_t i = 0; i < pending->event_count && r == 0; i++)
                r = copy_write(store, pending->events[i]);
        pending->written = r == 0;
        return r;
}

/* The list is taken over first: the observer may begin the next transaction. */
void pending_settle(Store *store) {
        Pending done = store->pending;

        store->pending = (Pending){};
        if (done.written) {
                store->head = done.head;
                store->joined = true;
        }
        if (done.seam.seq > 0 && store->seam_count < SEAMS_MAX)
                store->seams[store->seam_count++] = done.seam;
        store->begun = store->begun || done.begins;
        for (size_t i = 0; i < done.event_count; i++) {
                EventCopy *copy = done.events[i];
                StoredEvent event = {
                        .code = copy->code,
                        .row = &copy->row,
                        .text = copy->text,
                        .size = copy->size,
                };

                memcpy(event.hash, copy->hash, sizeof(event.hash));
                if (store->observe)
                        store->observe(store->observe_userdata, &event);
                (void) copy_free(copy);
        }
        free(done.events);
        free(done.touches);
}

void store_observe(Store *store, StoreObserve fn, void *userdata) {
        store->observe = fn;
        store->observe_userdata = userdata;
}

/* --- the beginning ---------------------------------------------------------------------------- */

static int begin_write(Store *store, const uint8_t *genesis, const Event *event) {
        Pending *pending = &store->pending;

        pending->begins = true;
        memcpy(pending->head.hash, genesis, LEDGER_HASH_SIZE);
        int r = guard_touch_all(store);
        return r != 0 ? r : pending_add(store, event);
}

int store_ledger_begin(Store *store, const uint8_t genesis[static LEDGER_HASH_SIZE],
                       const Event *event) {
        bool own;

        if (store->begun || store->pending.begins)
                return SEAL_E_ALREADY_EXISTS;
        int r = store_begin_own(store, &own);
        if (r != 0)
                return r;
        return store_end_own(store, own, begin_write(store, genesis, event));
}

void store_ledger_head(const Store *store, LedgerHead *ret) {
        *ret = store->head;
}

/*
 * A ledger without rows has begun all the same where anything else says so: to empty it must not
 * make the rows free. What cannot be read of the last row leaves zeros, which nothing follows on.
 */
static int head_read(Store *store, LedgerHead *head) {
        _cleanup_query_ Query query = query_new(
                store, "SELECT seq, time, hash FROM ledger ORDER BY seq DESC LIMIT 1");
        bool row;

        int r = query_row(&query, &row);
        if (r != 0 || !row)
                return r;
        take_number(&query, &head->seq);
        take_number(&query, &head->time);
        take_array(&query, head->hash, sizeof(head->hash));
        if (query_check(&query) != 0)
                log_error("Register: the last row of the ledger is damaged");
        return query_check(&query) == SEAL_E_REGISTER_TAMPERED ? 0 : query_check(&query);
}

int ledger_load(Store *store) {
        LedgerHead head = {};
        uint64_t guarded = 0;

        int r = head_read(store, &head);
        if (r == 0)
                r = store_read_number(store,
                                      "SELECT max((SELECT coalesce(max(seq), 0) FROM guard),"
                                      " (SELECT coalesce(max(seq), 0) FROM anchor))",
                                      &guarded);
        if (r != 0)
                return r;
        if (guarded > head.seq)
                head = (LedgerHead){ .seq = guarded };
        store->head = head;
        store->begun = head.seq > 0;
        return 0;
}

int store_foreign_write(Store *store, bool *ret) {
        uint64_t version = 0;

        int r = store_read_number(store, "PRAGMA data_version", &version);
        if (r != 0)
                return r;
        *ret = version != store->data_version;
        store->data_version = version;
        return 0;
}
