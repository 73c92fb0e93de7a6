/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live uses: of each a session waits in the chip, and beside it here whose it is, and his PIN. They
 * end with their time, with the connection and with the daemon.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/utc.h"
#include "sealsd/service-life.h"
#include "sealsd/service-use.h"

#define LIVE_RETRY (1 * USEC_PER_SEC) /* where memory was out */

typedef struct LiveJob {
        ServiceJob head;
        Caller caller;
        Request *request;    /* owned */
        UseStructure frozen; /* owned */
        uint64_t key;
        bool index_waits;    /* for an answer of the external authority */
        uint64_t frees;      /* the session that makes room; 0 none */
        unsigned max;        /* that the chip has room for */
        unsigned connection; /* that it was opened in */
        TPM2B_NONCE nonce;
} LiveJob;

/* --- places ----------------------------------------------------------------------------------- */

static LiveRequest *place_of(Service *service, uint64_t key) {
        LiveRequests *live = &service->live;

        for (size_t i = 0; i < CHALLENGES_OFFERED_MAX; i++)
                if (live->places[i].key == key)
                        return &live->places[i];
        return NULL;
}

LiveRequest *live_find(Service *service, uint64_t request) {
        LiveRequests *live = &service->live;

        for (size_t i = 0; i < CHALLENGES_OFFERED_MAX; i++)
                if (live->places[i].key != 0 && live->places[i].request == request)
                        return &live->places[i];
        return NULL;
}

static bool live_has(const Service *service, uint32_t uid) {
        const LiveRequests *live = &service->live;

        for (size_t i = 0; i < CHALLENGES_OFFERED_MAX; i++)
                if (live->places[i].key != 0 && live->places[i].caller.uid == uid)
                        return true;
        return false;
}

/* --- when their time is over ------------------------------------------------------------------ */

static void live_arm(Service *service);

static int on_expired(sd_event_source *source, uint64_t usec, void *userdata) {
        _cleanup_free_ Request *request = malloc(sizeof(*request));
        Service *s = userdata;
        const uint64_t now = service_now(s);

        (void) usec;
        if (!request) { /* no timer for now again: it would be called at once */
                (void) sd_event_source_set_time_relative(source, LIVE_RETRY);
                return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT) < 0 ? -ENOMEM : 0;
        }
        for (size_t i = 0; i < CHALLENGES_OFFERED_MAX; i++) {
                const LiveRequest *place = &s->live.places[i];

                if (place->request == 0 || place->expires > now)
                        continue;
                int r = store_request_get(s->store, place->request, request);
                if (r == 0)
                        r = service_expire_request(s, request, NULL);
                if (r < 0 || r == SEAL_E_STORAGE_FAILURE)
                        log_error("request %" PRIu64 ": %s", place->request, error_text(r));
                live_forget(s, place->request);
        }
        live_arm(s);
        return 0;
}

unsigned live_count(const Service *service) {
        unsigned n = 0;

        for (size_t i = 0; i < CHALLENGES_OFFERED_MAX; i++)
                n += service->live.places[i].request != 0;
        return n;
}

uint64_t live_first_end(const Service *service) {
        uint64_t first = 0;

        for (size_t i = 0; i < CHALLENGES_OFFERED_MAX; i++) {
                const LiveRequest *place = &service->live.places[i];

                if (place->request != 0 && (first == 0 || place->expires < first))
                        first = place->expires;
        }
        return first;
}

/* For the one that is over first; sd-event waits by a clock that nobody sets. */
static void live_arm(Service *service) {
        LiveRequests *live = &service->live;
        const uint64_t now = service_now(service), first = live_first_end(service);

        live->timer = sd_event_source_disable_unref(live->timer);
        if (first == 0)
                return;
        int r = sd_event_add_time_relative(service->event, &live->timer, CLOCK_MONOTONIC,
                                           first > now ? first - now : 0, 0, on_expired, service);
        if (r < 0)
                log_error("live uses: %s", error_text(r)); /* the minute's look ends them */
}

/* --- the end ---------------------------------------------------------------------------------- */

static int drop_run(Job *job, Chip *chip, ErrorDetail *detail) {
        LiveJob *j = (LiveJob *) job;

        (void) detail;
        held_use_drop(chip->challenges, j->key);
        return 0;
}

static void drop_done(Job *job, int code, const ErrorDetail *detail) {
        (void) code;
        (void) detail;
        (void) service_job_discard(job);
}

/* Where it cannot be told now the session goes with the connection. */
static void session_drop(Service *service, uint64_t key) {
        LiveJob *job = service_job_new(service, sizeof(*job), UINT32_MAX, (Reply){});

        if (!job)
                return;
        job->key = key;
        if (service_job_submit(&job->head, drop_run, drop_done) != 0)
                (void) service_job_discard(job);
}

static void place_free(LiveRequest *place) {
        (void) vault_free(place->pin);
        *place = (LiveRequest){};
}

/* For up to an hour, so not where swap and core dumps have it. */
static int place_keep_pin(LiveRequest *place, const Secret *pin) {
        if (!pin->set)
                return 0;
        int r = vault_new(&place->pin, pin->size, VAULT_MEMFD_SECRET);
        return r == 0 ? vault_set(place->pin, pin) : r;
}

void live_forget(Service *service, uint64_t request) {
        LiveRequest *place = request == 0 ? NULL : live_find(service, request);

        if (!place)
                return;
        if (!service->stopping)
                session_drop(service, place->key);
        place_free(place);
}

static int lost_write(Service *service, Request *request, uint64_t id, const char *why) {
        char reason[TEXT_MAX + 1];
        RequestState next;

        int r = store_request_get(service->store, id, request);
        if (r == 0)
                r = request_transition(KIND_USE, request->state, REQUEST_EXPIRE, &next, NULL);
        if (r == 0)
                r = store_begin(service->store);
        if (r != 0)
                return r;
        (void) snprintf(reason, sizeof(reason), "%s: ask again, and the approvers sign anew", why);
        return store_end(service->store, service_request_end_in(service, NULL, request,
                                                                EVENT_USE_EXPIRED, next, reason));
}

void live_lost(Service *service, uint64_t id, const char *why) {
        _cleanup_free_ Request *request = malloc(sizeof(*request));
        char object[32];

        live_forget(service, id);
        if (!request)
                return;
        int r = lost_write(service, request, id, why);
        if (r != 0) {
                log_error("request %" PRIu64 ": that it is over could not be recorded: %s", id,
                          error_text(r));
                return;
        }
        service_changed_request(service, request);
        (void) snprintf(object, sizeof(object), "request/%" PRIu64, id);
        service_attention(service, "warning", "live-use-lost", object,
                          "Request %" PRIu64 " for a use of seal %s has ended: %s", id,
                          request->target, request->error);
}

void live_review(Service *service) {
        LiveRequests *live = &service->live;

        for (size_t i = 0; i < CHALLENGES_OFFERED_MAX; i++) {
                const LiveRequest *place = &live->places[i];

                if (place->request != 0 && place->connection != live->connection &&
                    !use_is_collected(service, place->request))
                        live_lost(service, place->request,
                                  "The connection to the TPM in which it waited is gone");
        }
}

void live_connection(Service *service, unsigned connection) {
        service->live.connection = connection;
        live_review(service);
}

/* Nobody listens yet; the Error says it. */
int live_recover(Service *service) {
        _cleanup_free_ uint64_t *ids = NULL;
        size_t count = 0;

        int r = store_use_list_live(service->store, &ids, &count);
        for (size_t i = 0; r == 0 && i < count; i++)
                if (!live_find(service, ids[i]))
                        live_lost(service, ids[i], "sealsd was started anew");
        return r;
}

void live_stop(Service *service) {
        LiveRequests *live = &service->live;

        live->timer = sd_event_source_disable_unref(live->timer);
        for (size_t i = 0; i < CHALLENGES_OFFERED_MAX; i++)
                place_free(&live->places[i]);
}

/* --- the beginning ---------------------------------------------------------------------------- */

static int live_run(Job *job, Chip *chip, ErrorDetail *detail) {
        LiveJob *j = (LiveJob *) job;

        int r = service_job_begin(&j->head, chip, detail);
        if (r != 0)
                return r;
        j->max = tpm_live_uses_max(chip->tpm);
        held_use_drop(chip->challenges, j->frees);
        r = held_use_open(chip->challenges, chip->tpm, j->key, j->index_waits, &j->nonce, detail);
        j->connection = chip->connection;
        return r;
}

static int live_keep(LiveJob *job, LiveRequest *place, ErrorDetail *detail) {
        Service *s = job->head.service;

        if (job->connection != s->live.connection)
                return error_set(detail, SEAL_E_TPM_UNAVAILABLE,
                                 "The TPM was lost while it was asked for a session: try again");
        job->request->use.facts.nonce = job->nonce;
        int r = use_commit(s, &job->caller, job->request, &job->frozen);
        if (r != 0)
                return r;
        place->request = job->request->id;
        place->expires = job->request->expires;
        place->connection = job->connection;
        live_turn_end(&s->live.turns, job->caller.uid);
        live_arm(s);
        return 0;
}

/* When there is a place for one more, at the latest. */
static uint64_t place_next(const Service *service) {
        const uint64_t own = LIVE_USE_SECONDS * USEC_PER_SEC, now = service_now(service);
        uint64_t next = now + own;

        for (size_t i = 0; i < CHALLENGES_OFFERED_MAX; i++) {
                const LiveRequest *place = &service->live.places[i];

                if (place->key != 0 && place->given + own < next)
                        next = place->given + own;
                if (place->request != 0 && place->expires < next)
                        next = place->expires;
        }
        return next > now ? next : now;
}

/* Until when it is his turn. */
static uint64_t place_turn(Service *service, uint32_t uid) {
        const uint64_t until = place_next(service) + LIVE_TURN_SECONDS * USEC_PER_SEC;

        live_turn_give(&service->live.turns, uid, until);
        return until;
}

static unsigned places_free(const LiveRequests *live) {
        const unsigned max = live->max != 0 ? live->max : CHALLENGES_OFFERED_MAX;
        unsigned held = 0;

        for (size_t i = 0; i < CHALLENGES_OFFERED_MAX; i++)
                held += live->places[i].key != 0;
        return held < max ? max - held : 0;
}

/* The one that was given first of those that others need not wait for. */
static LiveRequest *place_overdue(Service *service) {
        const uint64_t own = LIVE_USE_SECONDS * USEC_PER_SEC, now = service_now(service);
        LiveRequest *first = NULL;

        for (size_t i = 0; i < CHALLENGES_OFFERED_MAX; i++) {
                LiveRequest *place = &service->live.places[i];

                if (place->request != 0 && place->given + own <= now &&
                    !use_is_collected(service, place->request) &&
                    (!first || place->given < first->given))
                        first = place;
        }
        return first;
}

/*
 * Who was turned away before is served before: NULL, SEAL_E_BUSY for the reason given. *ret_frees:
 * the session that ends for it, or 0.
 */
static LiveRequest *place_get(Service *service, uint32_t uid, uint64_t *ret_frees,
                              ErrorDetail *detail) {
        LiveRequests *live = &service->live;
        const size_t before = live_turns_before(&live->turns, uid, service_now(service));
        char when[TIME_TEXT_SIZE] = "";

        LiveRequest *over = before == 0 && places_free(live) == 0 ? place_overdue(service) : NULL;
        if (over) {
                *ret_frees = over->key;
                live_lost(service, over->request,
                          "Another user needed the session of the TPM, which is one's own for ten "
                          "minutes");
        }
        if (places_free(live) > before)
                return place_of(service, 0);
        (void) time_format_rfc3339(place_turn(service, uid), when);
        (void) error_set(
                detail, SEAL_E_BUSY,
                "Other live requests wait, and hold what sessions the TPM has, or are next: "
                "you stand in line until %s; ask again by then, or ask without 'live'",
                when);
        return NULL;
}

static void live_done(Job *job, int code, const ErrorDetail *detail) {
        LiveJob *j = (LiveJob *) job;
        Service *s = j->head.service;
        LiveRequest *place = place_of(s, j->key);
        ErrorDetail own = *detail;
        const bool opened = code == 0;

        if (j->max != 0)
                s->live.max = j->max;
        if (code == SEAL_E_BUSY)
                place_turn(s, j->caller.uid);
        if (code == 0 && !place)
                code = -ECANCELED;
        if (code == 0)
                code = live_keep(j, place, &own);
        if (code != 0) {
                service_explain(s, code, &own);
                if (opened && !s->stopping)
                        session_drop(s, j->key);
                if (place)
                        place_free(place);
        }
        const uint64_t id = j->request->id;
        free(j->request);
        use_structure_free(&j->frozen);
        service_job_finish(&j->head, code, &own, &id);
}

int live_begin(Service *service, const Caller *caller, Request *request, UseStructure *frozen,
               const Secret *pin, Reply reply, ErrorDetail *detail) {
        uint64_t frees = 0;

        if (live_has(service, caller->uid))
                return error_set(detail, SEAL_E_BUSY,
                                 "A live request of yours waits already: collect or cancel it, or "
                                 "ask without 'live'");
        int r = worker_check(service->worker, caller->uid);
        if (r != 0)
                return r;
        LiveRequest *place = place_get(service, caller->uid, &frees, detail);
        if (!place)
                return SEAL_E_BUSY;
        LiveJob *job = service_job_new(service, sizeof(*job), caller->uid, reply);
        if (!job)
                return -ENOMEM;
        job->frees = frees;
        job->caller = *caller;
        job->request = request;
        job->frozen = *frozen;
        job->key = ++service->live.serial;
        *place = (LiveRequest){
                .key = job->key,
                .given = service_now(service),
                .caller = *caller,
        };
        r = place_keep_pin(place, pin);
        if (r == 0 && !service->installation.resident)
                r = service_index_waits(service, &job->index_waits);
        if (r == 0)
                r = service_job_submit(&job->head, live_run, live_done);
        if (r != 0) {
                place_free(place);
                (void) service_job_discard(job);
                return r;
        }
        *frozen = (UseStructure){};
        return 0;
}
