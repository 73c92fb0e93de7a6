/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Destruction: see that the seal's bit is set, else set it (chip) → erase the key from the row
 * (register) → empty the journal, which may hold it still → announce. The record stays, for
 * auditors. What a kill leaves in the journal the next start empties.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/log.h"
#include "base/text.h"
#include "sealsd/separation.h"
#include "sealsd/service-life.h"
#include "tpm/index.h"
#include "tpm/machine.h"

typedef struct DestroyJob {
        ServiceJob head;
        Caller caller;
        char number[NUMBER_MAX + 1];
        char reason[TEXT_MAX + 1];
        uint64_t request; /* 0: without one */
        TpmIndex index;
        unsigned bit, fence_pcr;
} DestroyJob;

/* --- chip --------------------------------------------------------------------------------- */

static int destroy_run(Job *job, Chip *chip, ErrorDetail *detail) {
        DestroyJob *j = (DestroyJob *) job;
        uint64_t bits;
        int r;

        r = service_job_begin(&j->head, chip, detail);
        if (r == 0)
                r = tpm_index_read_bits(chip->tpm, &j->index, &bits, detail);
        if (r == SEAL_E_LOCKED) { /* then it cannot be seen, but still be set */
                bits = 0;
                r = 0;
        }
        if (r == 0 && !(bits >> j->bit & 1)) {
                r = tpm_index_set_bits(chip->tpm, &j->index, UINT64_C(1) << j->bit, detail);
                if (r == 0)
                        r = tpm_fence(chip->tpm, j->fence_pcr, detail);
        }
        if (r == SEAL_E_NOT_FOUND) /* the index, not the seal */
                r = SEAL_E_REGISTER_TAMPERED;
        if (r == 0)
                arrow_pass(j->head.arrows, ARROW_DESTROY_SEEN);
        return r;
}

/* --- register ----------------------------------------------------------------------------- */

static int destroy_seal(DestroyJob *job, Seal *seal, ErrorDetail *detail) {
        Service *s = job->head.service;
        SealState next;

        int r = store_seal_get(s->store, job->number, seal);
        if (r == 0)
                r = seal_transition(seal->state, SEAL_DESTROY, &next, detail);
        if (r == 0 && seal->opaque) /* the record that has the key is to be written anew */
                r = SEAL_E_MACHINE_STATE_REFUSED;
        if (r != 0)
                return r;
        seal->state = next;
        seal->revocation_pending = false;
        seal->destroyed = service_act(s, &job->caller);
        OPENSSL_cleanse(&seal->private, sizeof(seal->private));
        r = store_seal_update(s->store, seal);
        if (r == 0)
                r = store_birth_auth_erase(s->store, seal->number);
        Event event = event_of_seal(EVENT_SEAL_DESTROYED, &job->caller, seal);
        event.reason = job->reason;
        event.request = job->request;
        event.self = service_is_self(s,
                                     separation_destroy(&service_strict, seal, &job->caller, NULL));
        return r == 0 ? store_event(s->store, &event) : r;
}

static int destroy_write(DestroyJob *job, Seal *seal, Request *request, ErrorDetail *detail) {
        Service *s = job->head.service;

        int r = destroy_seal(job, seal, detail);
        if (r != 0 || job->request == 0)
                return r;
        r = store_request_get(s->store, job->request, request);
        return r == 0 ? service_complete(s, &job->caller, request, detail) : r;
}

static int destroy_commit(DestroyJob *job, Seal *seal, Request *request, ErrorDetail *detail) {
        Store *store = job->head.service->store;
        int r = store_begin(store);

        return r != 0 ? r : store_end(store, destroy_write(job, seal, request, detail));
}

/* A reader that keeps the journal in use lets it go again: the timer comes back to it. */
void service_purge(Service *service) {
        int r = store_purge(service->store);

        service->purge_owed = r != 0;
        if (r != 0)
                log_warning("The register's journal cannot be emptied now: %s", error_text(r));
}

static void destroy_finish(DestroyJob *job, const Seal *seal, const Request *request) {
        Service *s = job->head.service;

        arrow_pass(s->arrows, ARROW_DESTROY_ERASED);
        service_purge(s);
        arrow_pass(s->arrows, ARROW_DESTROY_PURGED);
        if (job->request != 0)
                service_changed_request(s, request);
        service_changed_seal(s, seal);
        arrow_pass(s->arrows, ARROW_DESTROY_ANNOUNCED);
}

static void destroy_done(Job *job, int code, const ErrorDetail *detail) {
        DestroyJob *j = (DestroyJob *) job;
        Service *s = j->head.service;
        _cleanup_free_ Request *request = calloc(1, sizeof(*request));
        _cleanup_free_ Seal *seal = calloc(1, sizeof(*seal));
        ErrorDetail told = *detail;

        if (code == 0 && (!request || !seal))
                code = -ENOMEM;
        if (code == 0)
                code = destroy_commit(j, seal, request, &told);
        if (code != 0) {
                service_explain(s, code, &told);
                if (j->request != 0)
                        service_request_failed(s, &j->caller, j->request,
                                               error_describe(code, &told));
                service_job_finish(&j->head, code, &told, NULL);
                return;
        }
        destroy_finish(j, seal, request);
        service_job_finish(&j->head, 0, NULL, j->number);
        arrow_pass(s->arrows, ARROW_DESTROY_REPLIED);
}

/* --- start -------------------------------------------------------------------------------- */

static int destroy_submit(Service *service, const Caller *caller, const Seal *seal,
                          uint64_t request, const char *reason, Reply reply) {
        DestroyJob *job = service_job_new(service, sizeof(*job), caller->uid, reply);

        if (!job)
                return -ENOMEM;
        job->caller = *caller;
        job->request = request;
        job->bit = seal->bit;
        job->fence_pcr = service->config->fence_pcr;
        memcpy(job->number, seal->number, sizeof(job->number));
        text_copy(job->reason, sizeof(job->reason), reason);
        int r = service_seal_index(service, seal->index, &job->index);
        if (r == 0)
                r = service_job_submit(&job->head, destroy_run, destroy_done);
        if (r != 0)
                (void) service_job_discard(job);
        return r;
}

int service_destroy_for(Service *service, const Caller *caller, const Request *request, Reply reply,
                        ErrorDetail *detail) {
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));
        SealState next;

        if (!seal)
                return -ENOMEM;
        int r = store_seal_get(service->store, request->target, seal);
        if (r == 0)
                r = seal_transition(seal->state, SEAL_DESTROY, &next, detail);
        if (r == 0 && seal->opaque)
                r = SEAL_E_MACHINE_STATE_REFUSED;
        return r == 0 ? destroy_submit(service, caller, seal, request->id, request->reason, reply)
                      : r;
}

int service_seal_destroy(Service *service, const Caller *caller, const char *number,
                         const char *reason, Reply reply, ErrorDetail *detail) {
        const SeparationRule rule = service_separation_rule(service);
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));
        SealState next;

        if (!seal)
                return -ENOMEM;
        int r = service_seal_fetch(service, caller, number, seal, detail);
        if (r == 0)
                r = seal_transition(seal->state, SEAL_DESTROY, &next, detail);
        if (r == 0)
                r = separation_destroy(&rule, seal, caller, detail);
        if (r == 0 && seal->opaque)
                r = SEAL_E_MACHINE_STATE_REFUSED;
        return r == 0 ? destroy_submit(service, caller, seal, 0, reason, reply) : r;
}
