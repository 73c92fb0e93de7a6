/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Suspending many seals at once: a batch a turn of the event loop, each one transaction, so that a
 * register of any size keeps answering meanwhile.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "sealsd/service-life.h"

#define BATCH 64
#define FILTER_TEXTS 4

struct SuspendRun {
        Service *service;
        sd_event_source *source;
        Reply reply;
        Caller caller;
        char reason[TEXT_MAX + 1];
        SealFilter filter;
        char texts[FILTER_TEXTS][NAME_BYTES_MAX + 1]; /* what the filter points to */
        Subject keeper;
        char after[NUMBER_MAX + 1];
        uint32_t count;
        uint32_t damaged; /* rows that could not be read */
        char first_damaged[NUMBER_MAX + 1];
};

SuspendRun *service_suspend_free(SuspendRun *run) {
        if (run)
                (void) sd_event_source_disable_unref(run->source);
        free(run);
        return NULL;
}

/* One damaged row must not keep the others from suspension. */
static void suspend_skip(SuspendRun *run, const char *number) {
        if (run->damaged++ == 0)
                text_copy(run->first_damaged, sizeof(run->first_damaged), number);
}

/* One that has left active since the list was read is not ours any more. */
static int suspend_one(SuspendRun *run, const char *number, Seal *seal, bool *ret_done) {
        Service *s = run->service;
        SealState next;

        *ret_done = false;
        int r = store_seal_get(s->store, number, seal);
        if (r == SEAL_E_REGISTER_TAMPERED) {
                suspend_skip(run, number);
                return 0;
        }
        if (r != 0 || seal_transition(seal->state, SEAL_SUSPEND, &next, NULL) != 0)
                return r;
        seal->state = next;
        seal->suspended = service_act(s, &run->caller);
        r = store_seal_update(s->store, seal);
        Event event = event_of_seal(EVENT_SEAL_SUSPENDED, &run->caller, seal);
        event.reason = run->reason;
        if (r == 0)
                r = store_event(s->store, &event);
        *ret_done = r == 0;
        return r;
}

static int suspend_batch(SuspendRun *run, const SealRow *rows, size_t count, bool *done) {
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));

        if (!seal)
                return -ENOMEM;
        int r = store_begin(run->service->store);
        if (r != 0)
                return r;
        for (size_t i = 0; r == 0 && i < count; i++)
                r = suspend_one(run, rows[i].number, seal, &done[i]);
        return store_end(run->service->store, r);
}

static void suspend_finish(SuspendRun *run, int code) {
        Service *s = run->service;
        ErrorDetail why = {}, told = {};

        if (code != 0) {
                service_explain(s, code, &why);
                (void) error_set(&told, code, "%u seals are suspended, then: %s", run->count,
                                 error_describe(code, &why));
        }
        if (code == 0 && run->damaged > 0)
                code = error_set(&told, SEAL_E_REGISTER_TAMPERED,
                                 "%u seals are suspended; %u have a damaged row, seal %s first: "
                                 "revoke them, which the chip then heeds",
                                 run->count, run->damaged, run->first_damaged);
        s->suspending = NULL;
        run->reply.done(run->reply.userdata, code, &told, &run->count);
        (void) service_suspend_free(run);
}

static int on_turn(sd_event_source *source, void *userdata) {
        SuspendRun *run = userdata;
        Service *s = run->service;
        _cleanup_free_ SealRow *rows = NULL;
        bool done[BATCH] = {};
        size_t count = 0;

        (void) source;
        int r = store_seal_list(s->store, &run->filter, &rows, &count);
        if (r == 0 && count > 0)
                r = suspend_batch(run, rows, count, done);
        for (size_t i = 0; r == 0 && i < count; i++)
                if (done[i]) {
                        run->count++;
                        service_changed(s, "seal", rows[i].number, seal_state_name(SEAL_SUSPENDED));
                }
        if (r != 0 || count < BATCH) {
                suspend_finish(run, r);
                return 0;
        }
        memcpy(run->after, rows[count - 1].number, sizeof(run->after));
        run->filter.after = run->after;
        if (s->observer.progress)
                s->observer.progress(s->observer.userdata, "SuspendSeals", run->count, 0);
        return 0;
}

/* The filter's texts belong to the call, which may be answered much later. */
static void filter_copy(SuspendRun *run, const SealFilter *filter) {
        const char **places[FILTER_TEXTS] = { &run->filter.type, &run->filter.class,
                                              &run->filter.holder, &run->filter.name };

        run->filter = *filter;
        for (size_t i = 0; i < FILTER_TEXTS; i++)
                if (*places[i]) {
                        text_copy(run->texts[i], sizeof(run->texts[i]), *places[i]);
                        *places[i] = run->texts[i];
                }
        if (filter->keeper) {
                run->keeper = *filter->keeper;
                run->filter.keeper = &run->keeper;
        }
        run->filter.viewer = NULL;
        run->filter.state = SEAL_ACTIVE;
        run->filter.after = NULL;
        run->filter.limit = BATCH;
}

int service_suspend_seals(Service *service, const Caller *caller, const SealFilter *filter,
                          const char *reason, Reply reply, ErrorDetail *detail) {
        int r = service_require_ready(service, detail);

        if (r != 0)
                return r;
        if (service->suspending)
                return error_set(detail, SEAL_E_BUSY, "Seals are being suspended already");
        SuspendRun *run = calloc(1, sizeof(*run));
        if (!run)
                return -ENOMEM;
        run->service = service;
        run->reply = reply;
        run->caller = *caller;
        text_copy(run->reason, sizeof(run->reason), reason);
        filter_copy(run, filter);
        r = sd_event_add_defer(service->event, &run->source, on_turn, run);
        if (r >= 0)
                r = sd_event_source_set_enabled(run->source, SD_EVENT_ON);
        if (r < 0) {
                (void) service_suspend_free(run);
                return r;
        }
        service->suspending = run;
        return 0;
}
