/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/service-anchor.h"

#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/log.h"
#include "policy/index.h"
#include "sealsd/service-internal.h"
#include "sealsd/service-ledger.h"
#include "tpm/index.h"

#define ANCHORS_AT_ONCE 50               /* without a wait */
#define ANCHOR_EVERY (10 * USEC_PER_SEC) /* beyond that */

_Static_assert(LEDGER_HASH_SIZE == LEDGER_VALUE_SIZE, "a head is what is extended");

typedef struct AnchorJob {
        ServiceJob head;
        TpmIndex index;
        uint8_t before[LEDGER_VALUE_SIZE], after[LEDGER_VALUE_SIZE];
        uint8_t row[LEDGER_HASH_SIZE]; /* the ledger's head */
        uint8_t found[LEDGER_VALUE_SIZE];
        bool foreign;
} AnchorJob;

/* --- who waits ------------------------------------------------------------------------------ */

static void waiters_tell(AnchorWaiter *waiting, int code, const ErrorDetail *detail) {
        while (waiting) {
                AnchorWaiter *next = waiting->next; /* done may free it */

                waiting->done(waiting->userdata, code, detail);
                waiting = next;
        }
}

/* --- where the chain stands ----------------------------------------------------------------- */

int anchor_index(Service *service, TpmIndex *ret) {
        RegisterIndex rows[INDICES_MAX + 1];
        size_t count = 0;

        int r = service_indices(service, rows, &count);
        if (r == 0)
                r = SEAL_E_REGISTER_TAMPERED;
        for (size_t i = 0; i < count; i++)
                if (rows[i].kind == INDEX_LEDGER) {
                        service_tpm_index(&service->authority_name, &rows[i], ret);
                        r = 0;
                }
        OPENSSL_cleanse(rows, sizeof(rows));
        return r;
}

static int load_last(Service *service) {
        Anchoring *a = &service->anchoring;
        TpmIndex index = {};

        int r = store_anchor_last(service->store, true, &a->last);
        if (r != SEAL_E_NOT_FOUND)
                return r;
        a->last = (LedgerAnchor){};
        r = anchor_index(service, &index);
        if (r == 0)
                r = ledger_value_first(&index.authority, index.handle, a->last.value);
        OPENSSL_cleanse(&index, sizeof(index));
        return r;
}

static int load_pending(Service *service) {
        Anchoring *a = &service->anchoring;
        int r = store_anchor_last(service->store, false, &a->pending);

        if (r != SEAL_E_NOT_FOUND)
                return r;
        a->pending = (LedgerAnchor){};
        return 0;
}

/* --- in the worker -------------------------------------------------------------------------- */

/* Looks first: it may be done already, by a command whose answer was lost. */
static int anchor_run(Job *job, Chip *chip, ErrorDetail *detail) {
        AnchorJob *j = (AnchorJob *) job;
        int r;

        j->foreign = false;
        r = service_job_begin(&j->head, chip, detail);
        if (r == 0)
                r = tpm_index_read_value(chip->tpm, &j->index, j->found, detail);
        if (r != 0 || memcmp(j->found, j->after, sizeof(j->after)) == 0)
                return r;
        j->foreign = memcmp(j->found, j->before, sizeof(j->before)) != 0;
        if (j->foreign)
                return SEAL_E_REGISTER_TAMPERED;
        r = tpm_index_extend(chip->tpm, &j->index, j->row, detail);
        if (r == 0)
                arrow_pass(j->head.arrows, ARROW_ANCHOR_EXTENDED);
        return r;
}

/* --- one anchor ----------------------------------------------------------------------------- */

/* Of the ledger as it is now. SEAL_E_NOT_FOUND when nothing is new. */
static int anchor_write(Service *service) {
        Anchoring *a = &service->anchoring;
        LedgerAnchor next = { .time = service_now(service) };
        LedgerHead head;
        int r;

        store_ledger_head(service->store, &head);
        /* What was acknowledged last is extended itself: only that proves who was there. */
        if (head.seq < a->last.seq || (head.seq == a->last.seq && !a->last.rebase))
                return SEAL_E_NOT_FOUND;
        next.seq = head.seq;
        memcpy(next.head, head.hash, sizeof(next.head));
        r = ledger_value_next(a->last.value, next.head, next.value);
        if (r == 0)
                r = store_anchor_add(service->store, &next);
        if (r != 0)
                return r;
        a->pending = next;
        arrow_pass(service->arrows, ARROW_ANCHOR_WRITTEN);
        return 0;
}

static void anchor_go(Service *service);

static int anchor_mark(Service *service) {
        Anchoring *a = &service->anchoring;

        int r = store_anchor_done(service->store, a->pending.id);
        if (r != 0)
                return r;
        a->last = a->pending;
        a->last.done = true;
        a->pending = (LedgerAnchor){};
        arrow_pass(service->arrows, ARROW_ANCHOR_MARKED);
        checkpoint_wish(service);
        return 0;
}

static void anchor_done(Job *job, int code, const ErrorDetail *detail) {
        AnchorJob *j = (AnchorJob *) job;
        Service *s = j->head.service;
        Anchoring *a = &s->anchoring;
        AnchorWaiter *waiting = steal_ptr(a->waiting);

        a->running = false;
        a->waiting = steal_ptr(a->late);
        if (code == 0)
                code = anchor_mark(s);
        else if (j->foreign && !s->stopping)
                anchor_compare(s, j->found);
        if (code != 0 && code != -ECANCELED)
                log_warning("the ledger's head is not anchored yet: %s",
                            error_describe(code, detail));
        waiters_tell(waiting, code, detail);
        service_job_finish(&j->head, code, detail, NULL);
        /* After a failure the next look at the chip tries again, and whoever asks. */
        if (a->waiting || (code == 0 && a->wished))
                anchor_go(s);
}

static int anchor_submit(Service *service) {
        Anchoring *a = &service->anchoring;
        AnchorJob *job = service_job_new(service, sizeof(*job), UINT32_MAX, (Reply){});

        if (!job)
                return -ENOMEM;
        memcpy(job->before, a->last.value, sizeof(job->before));
        memcpy(job->after, a->pending.value, sizeof(job->after));
        memcpy(job->row, a->pending.head, sizeof(job->row));
        int r = anchor_index(service, &job->index);
        if (r == 0)
                r = service_job_submit(&job->head, anchor_run, anchor_done);
        if (r != 0) {
                (void) service_job_discard(job);
        } else {
                a->running = true;
                a->spent++;
        }
        return r;
}

/* The chip's value is of no anchor: the ledger cannot say what it should be extended to. */
static int anchor_possible(const Service *service) {
        if (service->installation.phase != INIT_COMPLETE)
                return SEAL_E_NOT_INITIALIZED;
        return service->anchoring.foreign ? SEAL_E_REGISTER_TAMPERED : 0;
}

static void anchor_go(Service *service) {
        Anchoring *a = &service->anchoring;
        int r = anchor_possible(service);

        if (a->running)
                return;
        a->wished = false;
        if (r == 0 && a->pending.id == 0)
                r = anchor_write(service);
        if (r == 0)
                r = anchor_submit(service);
        if (r == 0)
                return;
        waiters_tell(steal_ptr(a->waiting), r == SEAL_E_NOT_FOUND ? 0 : r, NULL);
}

/* --- when ----------------------------------------------------------------------------------- */

static int on_soon(sd_event_source *source, void *userdata) {
        (void) source;
        anchor_go(userdata);
        return 0;
}

static int on_later(sd_event_source *source, uint64_t usec, void *userdata) {
        Service *s = userdata;

        (void) source;
        (void) usec;
        s->anchoring.put_off = false;
        s->anchoring.wished = true;
        anchor_go(s);
        return 0;
}

/*
 * A chip's memory wears out with some 100,000 writes, and a keeper alone can have each act of his
 * anchored: beyond the first of them an anchor waits, with all that has come meanwhile.
 */
bool anchor_is_flooded(Service *service) {
        Anchoring *a = &service->anchoring;
        uint64_t now = 0;

        if (sd_event_now(service->event, CLOCK_MONOTONIC, &now) < 0)
                return false;
        const uint64_t regained = (now - a->spent_since) / ANCHOR_EVERY;
        a->spent = regained < a->spent ? a->spent - regained : 0;
        a->spent_since = a->spent > 0 ? a->spent_since + regained * ANCHOR_EVERY : now;
        return a->spent >= ANCHORS_AT_ONCE;
}

static void anchor_wish_later(Service *service, uint64_t usec) {
        Anchoring *a = &service->anchoring;

        (void) sd_event_source_set_time_relative(a->later, usec);
        (void) sd_event_source_set_enabled(a->later, SD_EVENT_ONESHOT);
}

void anchor_wish(Service *service, bool now) {
        Anchoring *a = &service->anchoring;
        int enabled = SD_EVENT_OFF;

        if (service->stopping || !a->soon)
                return;
        if (now && anchor_is_flooded(service)) {
                if (!a->put_off)
                        anchor_wish_later(service, ANCHOR_EVERY);
                a->put_off = true;
                return;
        }
        if (now) {
                a->put_off = false;
                a->wished = true;
                (void) sd_event_source_set_enabled(a->soon, SD_EVENT_ONESHOT);
                (void) sd_event_source_set_enabled(a->later, SD_EVENT_OFF);
                return;
        }
        (void) sd_event_source_get_enabled(a->later, &enabled);
        if (enabled != SD_EVENT_OFF)
                return;
        anchor_wish_later(service, service->config->anchor_minutes * 60 * USEC_PER_SEC);
}

void anchor_all(Service *service, AnchorWaiter *waiter) {
        Anchoring *a = &service->anchoring;

        /* The job that runs is for the rows of before: who asks now waits for the next one too. */
        if (a->running) {
                a->wished = true;
                waiter->next = a->late;
                a->late = waiter;
                return;
        }
        waiter->next = a->waiting;
        a->waiting = waiter;
        anchor_go(service);
}

/* --- what the chip has ---------------------------------------------------------------------- */

/* Who put what back? An anchor that is known tells that the chip is the older one. */
static void foreign_tell(Service *service) {
        LedgerAnchor known;

        int r = store_anchor_by_value(service->store, service->anchoring.found, &known);
        if (r == 0)
                finding_chip(service,
                             "The chip's ledger index stands where the ledger's row %" PRIu64
                             " was anchored, and the register has later anchors: the chip was put "
                             "back, or it is another",
                             known.seq);
        else
                finding_chip(service,
                             "The register is older than the chip: the ledger index has a value "
                             "that none of the ledger's anchors gives, so rows that were anchored "
                             "are missing (a register that was put back, a ledger that was cut) or "
                             "another program extended the index");
}

/*
 * A base that nothing was extended on says nothing of the rows: anybody could have written it. This
 * daemon knows that it did, and extends it next.
 */
static bool base_is_bare(const Service *service) {
        return service->anchoring.last.rebase && !service->anchoring.rebased;
}

void anchor_compare(Service *service, const uint8_t value[static LEDGER_HASH_SIZE]) {
        Anchoring *a = &service->anchoring;

        if (!a->soon || a->running)
                return;
        if (a->pending.id != 0 && memcmp(value, a->pending.value, LEDGER_HASH_SIZE) == 0) {
                a->foreign = false;
                if (anchor_mark(service) != 0)
                        log_warning("an anchor could not be marked");
        }
        if (!base_is_bare(service) && memcmp(value, a->last.value, LEDGER_HASH_SIZE) == 0) {
                a->foreign = false;
                if (a->pending.id != 0 || a->wished)
                        anchor_go(service);
                return;
        }
        bool known = a->foreign && memcmp(value, a->found, LEDGER_HASH_SIZE) == 0;
        a->foreign = true;
        memcpy(a->found, value, LEDGER_HASH_SIZE);
        if (!known)
                foreign_tell(service);
}

int anchor_rebase(Service *service) {
        Anchoring *a = &service->anchoring;
        LedgerAnchor base = { .rebase = true, .done = true, .time = service_now(service) };
        LedgerHead head;
        int r;

        if (!a->foreign)
                return 0;
        store_ledger_head(service->store, &head);
        base.seq = head.seq;
        memcpy(base.head, head.hash, sizeof(base.head));
        memcpy(base.value, a->found, sizeof(base.value));
        r = store_begin(service->store);
        if (r != 0)
                return r;
        r = store_anchor_remove_pending(service->store);
        if (r == 0)
                r = store_anchor_add(service->store, &base);
        r = store_end(service->store, r);
        if (r == 0)
                r = anchor_start(service);
        a->rebased = r == 0;
        return r;
}

/* --- life ----------------------------------------------------------------------------------- */

static int sources_new(Service *service) {
        Anchoring *a = &service->anchoring;
        int r = 0;

        if (a->soon)
                return 0;
        r = sd_event_add_time_relative(service->event, &a->later, CLOCK_MONOTONIC, 0, 0, on_later,
                                       service);
        if (r >= 0)
                r = sd_event_source_set_enabled(a->later, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_add_defer(service->event, &a->soon, on_soon, service);
        if (r >= 0)
                r = sd_event_source_set_enabled(a->soon, SD_EVENT_OFF);
        return r < 0 ? r : 0;
}

int anchor_start(Service *service) {
        int r = load_last(service);

        if (r == 0)
                r = load_pending(service);
        if (r == 0)
                r = sources_new(service);
        service->anchoring.foreign = false;
        return r;
}

void anchor_stop(Service *service) {
        Anchoring *a = &service->anchoring;

        a->soon = sd_event_source_disable_unref(a->soon);
        a->later = sd_event_source_disable_unref(a->later);
        waiters_tell(steal_ptr(a->waiting), -ECANCELED, NULL);
        waiters_tell(steal_ptr(a->late), -ECANCELED, NULL);
}
