/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The birth of a seal: take a bit (register) → create the key under its policy, and have the
 * maker's key certify it (chip) → commit the rows → announce. A key whose row was not committed
 * never leaves the chip's answer; its request fails and can be made again.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/log.h"
#include "base/text.h"
#include "policy/index.h"
#include "sealsd/approver.h"
#include "sealsd/separation.h"
#include "sealsd/service-certify.h"
#include "sealsd/service-life.h"
#include "tpm/index.h"
#include "tpm/use-approvals.h"

typedef struct MakeJob {
        ServiceJob head;
        Request request;
        Caller by;
        bool self; /* in single mode: a maker's duty done by another */
        Seal seal;
        Seal old; /* the one that it renews, if any: number "" else */
        const Algorithm *algorithm;
        TpmIndex index;
        TPM2B_DIGEST policy;
        bool bit_is_set;   /* the chip says that the bit given is a dead seal's */
        Secret birth_auth; /* of a seal with a PIN: until its keeper sets his */
        SealKey key;
        Certification certification;
} MakeJob;

#define CAPACITY_WARN_PERCENT 80 /* design, section 4 */

/* --- policy ------------------------------------------------------------------------------- */

int service_build_policy(const Service *service, const Seal *seal, SealPolicy *ret) {
        TPMS_NV_PUBLIC public;
        int r;

        *ret = (SealPolicy){ .authority = service->authority_name, .bit = seal->bit };
        memcpy(ret->profile, seal->profile, sizeof(ret->profile));
        memcpy(ret->number, seal->number, sizeof(ret->number));
        ret->pin = seal->facts.pin;
        ret->approver_count = seal->facts.approver_count;
        ret->threshold = seal->facts.threshold;
        r = index_public(INDEX_REVOCATION, seal->index, &service->authority_name, &public);
        if (r == 0)
                r = index_name(&public, true, &ret->index);
        for (size_t i = 0; i < ret->approver_count && r == 0; i++)
                r = approver_name(&seal->facts.approvers[i], &ret->approvers[i]);
        return r;
}

int service_algorithm(const Service *service, const char *name, const Algorithm **ret,
                      ErrorDetail *detail) {
        const Algorithm *algorithm = algorithm_find(name);

        if (!algorithm)
                return error_set(detail, SEAL_E_UNSUPPORTED,
                                 "This sealsd does not know the algorithm %s; a newer one wrote it",
                                 name);
        int r = features_check(service->features, algorithm, NULL, detail);
        if (r == 0)
                *ret = algorithm;
        return r;
}

/* --- the row ------------------------------------------------------------------------------ */

/*
 * What the mode leaves to people: strict all, dual the acceptance, single nothing, but of a seal
 * with a PIN the acceptance, which sets it.
 */
static void seal_advance(MakeJob *job) {
        Seal *s = &job->seal;

        s->made = service_act(job->head.service, &job->by);
        s->state = SEAL_MADE;
        if (s->separation == SEPARATION_STRICT)
                return;
        s->filing.filed = s->made.time;
        memcpy(s->filing.number, s->number, sizeof(s->number));
        s->filed = s->made;
        seal_deliver(s, &s->facts.keepers[0], s->made);
        s->state = SEAL_DELIVERED;
        if (s->separation != SEPARATION_SINGLE || s->facts.pin)
                return;
        s->accepted = s->made;
        s->state = SEAL_ACTIVE;
}

static int make_event(MakeJob *job, EventCode code, SealState state, json_t *facts) {
        Event event = event_of_seal(code, &job->by, &job->seal);

        event.state = seal_state_name(state);
        event.request = job->request.id;
        event.self = job->self;
        if (state == SEAL_DELIVERED || state == SEAL_ACTIVE)
                event.object = job->seal.named_keeper.text;
        return service_event(job->head.service, event, facts);
}

/* One event for each step of the life cycle that the mode took at once, and for the certificate. */
static int make_events(MakeJob *job) {
        const Seal *seal = &job->seal;

        int r = make_event(job, EVENT_SEAL_MADE, SEAL_MADE, birth_facts(seal));
        if (r == 0)
                r = certification_keep(job->head.service, &job->by, seal->number,
                                       &job->certification);
        if (r == 0 && seal->filed.time != 0)
                r = make_event(job, EVENT_SEAL_FILED, SEAL_FILED, filing_facts(seal));
        if (r == 0 && seal->delivered.time != 0)
                r = make_event(job, EVENT_SEAL_DELIVERED, SEAL_DELIVERED, json_object());
        if (r == 0 && seal->accepted.time != 0)
                r = make_event(job, EVENT_SEAL_ACCEPTED, SEAL_ACTIVE,
                               json_pack("{s:o}", "keepers", keepers_array(&seal->facts)));
        return r;
}

/* The seal that this one renews, as it is now: it may have changed while the key was made. */
static int make_renews(Service *service, const Request *request, Seal *ret, ErrorDetail *detail) {
        SealState same;

        ret->number[0] = '\0';
        if (request->target[0] == '\0')
                return 0;
        int r = store_seal_get(service->store, request->target, ret);
        return r == 0 ? seal_transition(ret->state, SEAL_RENEW, &same, detail) : r;
}

static int make_link(MakeJob *job) {
        Service *s = job->head.service;

        if (job->old.number[0] == '\0')
                return 0;
        memcpy(job->old.replaced_by, job->seal.number, sizeof(job->seal.number));
        int r = store_seal_update(s->store, &job->old);
        return r == 0 && job->seal.state == SEAL_ACTIVE ? service_supersede(s, &job->by, &job->seal)
                                                        : r;
}

static int make_write(MakeJob *job, ErrorDetail *detail) {
        Service *s = job->head.service;

        int r = make_renews(s, &job->request, &job->old, detail);
        if (r == 0)
                r = store_seal_add(s->store, &job->seal);
        if (r == 0 && job->birth_auth.set)
                r = store_birth_auth_set(s->store, job->seal.number, &job->birth_auth);
        if (r == 0)
                r = make_events(job);
        if (r == 0)
                r = make_link(job);
        job->request.state = REQUEST_COMPLETED;
        job->request.error[0] = '\0';
        if (r == 0)
                r = store_request_update(s->store, &job->request);
        Event event = event_of_request(EVENT_REQUEST_COMPLETED, &job->by, &job->request);
        event.self = job->self;
        return r == 0 ? service_event_request(s, event, &job->request) : r;
}

static int make_commit(MakeJob *job, ErrorDetail *detail) {
        Store *store = job->head.service->store;
        int r = store_begin(store);

        return r != 0 ? r : store_end(store, make_write(job, detail));
}

/* A bit that the chip has set is used, whatever the register says. */
static int make_undo(MakeJob *job) {
        Service *s = job->head.service;
        Event event = event_of_request(EVENT_REQUEST_FAILED, &job->by, &job->request);
        int r;

        event.reason = job->request.error;
        r = store_begin(s->store);
        if (r != 0)
                return r;
        if (!job->bit_is_set)
                r = store_bit_return(s->store, job->seal.index, job->seal.bit);
        if (r == 0)
                r = store_request_update(s->store, &job->request);
        if (r == 0)
                r = service_event_request(s, event, &job->request);
        return store_end(s->store, r);
}

/* Where not even this can be written, the request stays in the making until it is recovered. */
static void make_fail(MakeJob *job, const char *why) {
        Request *request = &job->request;
        int r;

        request->state = REQUEST_FAILED;
        text_copy(request->error, sizeof(request->error), why);
        r = make_undo(job);
        if (r != 0) {
                log_error("request %" PRIu64 ": '%s' could not be recorded: %s", request->id, why,
                          error_text(r));
                return;
        }
        arrow_pass(job->head.arrows, ARROW_MAKE_UNDONE);
        service_changed_request(job->head.service, request);
        arrow_pass(job->head.arrows, ARROW_MAKE_FAILURE_ANNOUNCED);
}

static void warn_capacity(Service *service) {
        RegisterIndex rows[INDICES_MAX + 1];
        unsigned used = 0, bits = 0;
        size_t count;

        if (service_indices(service, rows, &count) != 0)
                return;
        for (size_t i = 0; i < count; i++) {
                if (rows[i].kind != INDEX_REVOCATION)
                        continue;
                unsigned kept = rows[i].ordinal == 0 ? MAKER_BITS : 0;

                used += rows[i].used - kept;
                bits += SEALS_PER_INDEX - kept;
        }
        OPENSSL_cleanse(rows, sizeof(rows));
        if (bits == 0 || used * 100 < bits * CAPACITY_WARN_PERCENT)
                return;
        service_attention(service, used == bits ? "critical" : "warning", "capacity", "",
                          "%u of %u revocation bits are used; every seal made takes one", used,
                          bits);
}

/* --- chip --------------------------------------------------------------------------------- */

static int approvers_try(const Seal *seal, Tpm *tpm, ErrorDetail *detail) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < seal->facts.approver_count; i++) {
                TPM2B_PUBLIC key;

                r = approver_key(&seal->facts.approvers[i], &key);
                if (r == 0)
                        r = tpm_approver_try(tpm, &key, detail);
        }
        return r;
}

static int make_run(Job *job, Chip *chip, ErrorDetail *detail) {
        MakeJob *j = (MakeJob *) job;
        uint64_t bits;
        int r;

        r = features_check(chip->features, j->algorithm, NULL, detail);
        if (r == 0)
                r = service_job_begin(&j->head, chip, detail);
        if (r == 0)
                r = tpm_index_read_bits(chip->tpm, &j->index, &bits, detail);
        if (r == SEAL_E_NOT_FOUND) /* the index, not the seal */
                r = SEAL_E_REGISTER_TAMPERED;
        if (r != 0)
                return r;
        /* A register put back to an older copy gives bits that are used already. */
        j->bit_is_set = bits >> j->seal.bit & 1;
        if (j->bit_is_set)
                return 0;
        r = approvers_try(&j->seal, chip->tpm, detail);
        if (r != 0)
                return r;
        r = tpm_seal_create(chip->tpm, j->algorithm, &j->policy,
                            j->birth_auth.set ? &j->birth_auth : NULL, &j->key, detail);
        if (r != 0)
                return r;
        arrow_pass(j->head.arrows, ARROW_MAKE_KEY_CREATED);
        r = certification_run(&j->certification, chip, &j->key.public, detail);
        if (r == 0)
                arrow_pass(j->head.arrows, ARROW_MAKE_CERTIFIED);
        return r;
}

static void make_done(Job *job, int code, const ErrorDetail *detail);

static int make_take_bit(MakeJob *job) {
        Service *s = job->head.service;
        SealPolicy policy;

        int r = store_bit_take(s->store, &job->seal.index, &job->seal.bit);
        if (r == 0)
                r = service_seal_index(s, job->seal.index, &job->index);
        if (r == 0)
                r = service_build_policy(s, &job->seal, &policy);
        return r == 0 ? seal_policy_digest(&policy, &job->policy) : r;
}

/* The chip says that the bit is set: take the next one. */
static int make_again(MakeJob *job) {
        Service *s = job->head.service;
        int r;

        service_attention(s, "critical", "register-older-than-chip", "",
                          "Bit %u of index 0x%08x is set in the chip but was free in the register",
                          job->seal.bit, job->seal.index);
        r = make_take_bit(job);
        if (r != 0)
                return r;
        arrow_pass(job->head.arrows, ARROW_MAKE_NEXT_BIT_TAKEN);
        job->bit_is_set = false;
        return service_job_submit(&job->head, make_run, make_done);
}

/* Answer, and let go of what the job owns beside its own memory. */
static void make_finish(MakeJob *job, int code, const ErrorDetail *detail) {
        certification_clear(&job->certification);
        service_job_finish(&job->head, code, detail, code == 0 ? job->seal.number : NULL);
}

static void make_failed(MakeJob *job, int code, ErrorDetail *detail) {
        job->head.service->making--;
        service_explain(job->head.service, code, detail);
        make_fail(job, error_describe(code, detail));
        make_finish(job, code, detail);
}

static void make_done(Job *job, int code, const ErrorDetail *detail) {
        MakeJob *j = (MakeJob *) job;
        Service *s = j->head.service;
        ErrorDetail told = *detail;

        if (code == 0 && j->bit_is_set) {
                code = make_again(j);
                if (code == 0)
                        return;
        }
        if (code == 0) {
                j->seal.public = j->key.public;
                j->seal.private = j->key.private;
                j->seal.birth = j->key.birth;
                seal_advance(j);
                code = make_commit(j, &told);
        }
        if (code != 0) {
                make_failed(j, code, &told);
                return;
        }
        s->making--;
        arrow_pass(s->arrows, ARROW_MAKE_COMMITTED);
        service_changed_request(s, &j->request);
        arrow_pass(s->arrows, ARROW_MAKE_REQUEST_ANNOUNCED);
        service_changed_seal(s, &j->seal);
        if (j->old.number[0] != '\0')
                service_changed_seal(s, &j->old);
        arrow_pass(s->arrows, ARROW_MAKE_ANNOUNCED);
        warn_capacity(s);
        make_finish(j, 0, NULL);
        arrow_pass(s->arrows, ARROW_MAKE_REPLIED);
}

/* --- start -------------------------------------------------------------------------------- */

static void make_fill(MakeJob *job, const Request *request, const Caller *by) {
        const Installation *i = &job->head.service->installation;

        Seal *s = &job->seal;

        job->head.job.slow = true;
        job->request = *request;
        job->by = *by;
        job->self = service_is_self(job->head.service,
                                    separation_make(&service_strict, request, by, NULL));
        s->request = request->id;
        s->separation = i->separation;
        s->applicant = request->applicant;
        s->facts = request->application;
        s->created = service_now(job->head.service);
        memcpy(s->number, request->number, sizeof(s->number));
        memcpy(s->replaces, request->target, sizeof(s->replaces));
        memcpy(s->profile, i->profile, sizeof(s->profile));
}

static int make_begin(MakeJob *job) {
        Store *store = job->head.service->store;
        int r;

        r = store_begin(store);
        if (r != 0)
                return r;
        r = make_take_bit(job);
        job->request.state = REQUEST_MAKING;
        if (r == 0)
                r = store_request_update(store, &job->request);
        if (r == 0)
                r = service_event_request(
                        job->head.service,
                        event_of_request(EVENT_REQUEST_MAKING, &job->by, &job->request),
                        &job->request);
        return store_end(store, r);
}

/* The end of an earlier making could not be written: nothing makes it any more. */
static int make_unstick(Service *service, Request *request) {
        if (request->state != REQUEST_MAKING || service->making > 0)
                return 0;
        int r = service_make_recover(service);
        if (r == 0)
                request->state = REQUEST_FAILED;
        return r;
}

/* To the chip, once there is who certifies; SEAL_E_NOT_FOUND while there is nobody. */
static int make_submit(MakeJob *job, ErrorDetail *detail) {
        certification_clear(&job->certification);
        int r = certification_fill(job->head.service, &job->seal, &job->by, &job->certification,
                                   detail);
        return r == 0 ? service_job_submit(&job->head, make_run, make_done) : r;
}

static void make_maker_there(void *userdata, int code, const ErrorDetail *detail,
                             const void *result) {
        MakeJob *job = userdata;
        ErrorDetail told = {};

        (void) result;
        if (code == 0)
                code = make_submit(job, &told);
        else if (detail)
                told = *detail;
        if (code != 0)
                make_failed(job, code, &told);
}

static int make_go(MakeJob *job, ErrorDetail *detail) {
        int r = make_submit(job, detail);

        if (r != SEAL_E_NOT_FOUND)
                return r;
        return makers_demand(job->head.service, job->seal.facts.algorithm, job->by.uid,
                             (Reply){ .done = make_maker_there, .userdata = job });
}

int service_make(Service *service, Request *request, const Caller *by, Reply reply,
                 ErrorDetail *detail) {
        _cleanup_free_ Seal *old = malloc(sizeof(*old));
        RequestState next;

        if (!old)
                return -ENOMEM;
        int r = make_unstick(service, request);
        if (r == 0)
                r = request_transition((RequestKind) request_kind(request), request->state,
                                       REQUEST_MAKE, &next, detail);
        if (r == 0 && request->opaque)
                r = SEAL_E_MACHINE_STATE_REFUSED;
        if (r == 0)
                r = make_renews(service, request, old, detail);
        if (r != 0)
                return r;
        MakeJob *job = service_job_new(service, sizeof(*job), by->uid, reply);
        if (!job)
                return -ENOMEM;
        make_fill(job, request, by);
        if (request->application.pin)
                r = secret_random(&job->birth_auth, BIRTH_AUTH_SIZE);
        if (r == 0)
                r = service_algorithm(service, request->application.algorithm, &job->algorithm,
                                      detail);
        if (r == 0)
                r = make_begin(job);
        if (r != 0) {
                (void) service_job_discard(job);
                return r;
        }
        arrow_pass(service->arrows, ARROW_MAKE_BIT_TAKEN);
        service->making++;
        r = make_go(job, detail);
        if (r != 0) {
                service->making--;
                make_fail(job, error_describe(r, detail));
                certification_clear(&job->certification);
                (void) service_job_discard(job);
        }
        return r;
}

#define INTERRUPTED "The making was interrupted; Make it again"

/* Told for those that can be read: a damaged row does not stop the others. */
static int recover_events(Service *service, const RequestRow *rows, size_t count) {
        _cleanup_free_ Request *request = malloc(sizeof(*request));
        int r = request ? 0 : -ENOMEM;

        for (size_t i = 0; r == 0 && i < count; i++) {
                if (store_request_get(service->store, rows[i].id, request) != 0)
                        continue;
                Event event = event_of_request(EVENT_REQUEST_FAILED, NULL, request);
                event.reason = INTERRUPTED;
                r = service_event_request(service, event, request);
        }
        return r;
}

static int recover_write(Service *service, const RequestRow *rows, size_t count) {
        int r = store_begin(service->store);

        if (r != 0)
                return r;
        r = store_request_fail_all_making(service->store, INTERRUPTED);
        if (r == 0)
                r = recover_events(service, rows, count);
        return store_end(service->store, r);
}

int service_make_recover(Service *service) {
        const RequestFilter filter = { .state = REQUEST_MAKING };
        _cleanup_free_ RequestRow *rows = NULL;
        size_t count = 0;

        if (service->making > 0)
                return 0;
        if (store_request_list(service->store, &filter, &rows, &count) != 0)
                count = 0;
        int r = recover_write(service, rows, count);
        if (r == 0)
                arrow_pass(service->arrows, ARROW_MAKE_RECOVERED);
        return r;
}
