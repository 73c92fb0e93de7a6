/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accept, and ChangePin: a key with a PIN gets another authValue (chip) → its new blob is kept, the
 * old one and what it was born with erased (register) → empty the journal, which may hold them
 * still → announce. A kill before the commit leaves the seal as it was, with the authValue that it
 * had: nothing is lost but a blob that nobody else has seen. What a kill leaves in the journal the
 * next start empties.
 */
#include "sealsd/service-pin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/log.h"
#include "sealsd/service-grant.h"
#include "sealsd/service-life.h"
#include "tpm/pin.h"

typedef struct PinJob {
        ServiceJob head;
        Caller caller;
        char number[NUMBER_MAX + 1];
        bool accepts;    /* else the PIN changes, and nothing else */
        bool birth;      /* old is what the key was born with */
        SealKey key;     /* as it was when the call came */
        Secret old, new; /* authValues */
        TPM2B_PRIVATE changed;
} PinJob;

/* --- rules -------------------------------------------------------------------------------- */

int service_pin_check(const Secret *pin, const char *option, ErrorDetail *detail) {
        if (pin->size >= PIN_MIN && pin->size <= PIN_MAX)
                return 0;
        return error_set(detail, SEAL_E_INVALID_ARGS, "'%s': a PIN has %d to %d bytes", option,
                         PIN_MIN, PIN_MAX);
}

int service_pin_for_use(const Seal *seal, const Secret *pin, ErrorDetail *detail) {
        bool given = pin && pin->set;

        if (!seal->facts.pin && given)
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "'pin': seal %s has no PIN; leave it out", seal->number);
        if (!seal->facts.pin)
                return 0;
        if (!given)
                return error_set(detail, SEAL_E_PIN_REQUIRED,
                                 "Seal %s needs its keeper's PIN; give 'pin'", seal->number);
        return service_pin_check(pin, "pin", detail);
}

int service_pin_why_not(const Service *service, bool has_pin, ErrorDetail *detail) {
        const TpmHierarchies *h = &service->health.hierarchies;

        if (!has_pin || !service->health.probed || !h->in_lockout)
                return 0;
        return error_set(detail, SEAL_E_TPM_LOCKOUT,
                         "After too many wrong PINs the TPM refuses all; it forgets one every %u "
                         "seconds",
                         h->lockout_interval);
}

/* --- chip --------------------------------------------------------------------------------- */

static int pin_run(Job *job, Chip *chip, ErrorDetail *detail) {
        PinJob *j = (PinJob *) job;

        int r = service_job_begin(&j->head, chip, detail);
        if (r == 0)
                r = tpm_seal_change_auth(chip->tpm, &j->key, &j->old, &j->new, &j->changed, detail);
        if (r == 0)
                arrow_pass(j->head.arrows, ARROW_PIN_CHANGED);
        if (r == SEAL_E_WRONG_PIN && j->birth)
                r = error_set(detail, SEAL_E_REGISTER_TAMPERED,
                              "The chip does not take the authorisation that the register keeps "
                              "for this key: one of them was exchanged");
        return r;
}

/* --- register ----------------------------------------------------------------------------- */

/* All that was asked when the call came. */
static int still_may(const PinJob *job, Seal *seal, ErrorDetail *detail) {
        Service *s = job->head.service;
        unsigned relations = 0;
        SealState same;

        int r = service_seal_fetch(s, &job->caller, job->number, seal, detail);
        if (r == 0)
                r = service_seal_relations(s, &job->caller, seal, &relations);
        if (r == 0 && !(relations & ROLE_KEEPER))
                r = error_set(detail, SEAL_E_ACCESS_DENIED,
                              "You are not a keeper of seal %s any more", seal->number);
        if (r == 0)
                r = job->accepts ? service_accept_begin(s, &job->caller, seal, detail)
                                 : seal_transition(seal->state, SEAL_CHANGE_PIN, &same, detail);
        if (r == 0 && seal->opaque) /* the record that has the key is to be written anew */
                r = SEAL_E_MACHINE_STATE_REFUSED;
        if (r == 0 && CRYPTO_memcmp(&seal->private, &job->key.private, sizeof(seal->private)) != 0)
                r = error_set(detail, SEAL_E_INVALID_STATE,
                              "Another call changed the PIN of seal %s meanwhile", seal->number);
        return r;
}

static int change_write(const PinJob *job, const Seal *seal) {
        const Event event = event_of_seal(EVENT_PIN_CHANGED, &job->caller, seal);
        Store *store = job->head.service->store;

        int r = store_seal_update(store, seal);
        return r == 0 ? store_event(store, &event) : r;
}

static int pin_write(const PinJob *job, Seal *seal, ErrorDetail *detail) {
        Service *s = job->head.service;

        int r = still_may(job, seal, detail);
        if (r != 0)
                return r;
        seal->private = job->changed;
        r = store_birth_auth_erase(s->store, seal->number);
        if (r != 0)
                return r;
        return job->accepts ? service_accept_write(s, &job->caller, seal) : change_write(job, seal);
}

static int pin_commit(const PinJob *job, Seal *seal, ErrorDetail *detail) {
        Store *store = job->head.service->store;
        int r = store_begin(store);

        return r != 0 ? r : store_end(store, pin_write(job, seal, detail));
}

/* Who guesses has as many tries as the chip gives, and each is told of. */
static void pin_refused(const PinJob *job, int code) {
        Service *s = job->head.service;
        Event event = {
                .code = EVENT_PIN_REFUSED,
                .caller = &job->caller,
                .seal = job->number,
                .result = "WrongPin",
        };

        if (s->stopping)
                return;
        service_probe(s);
        if (code != SEAL_E_WRONG_PIN)
                return;
        int r = store_begin(s->store);
        if (r == 0)
                r = store_end(s->store, store_event(s->store, &event));
        if (r != 0)
                log_error("seal %s: that a PIN was wrong could not be recorded: %s", job->number,
                          error_text(r));
}

static void pin_finish(PinJob *job, const Seal *seal) {
        Service *s = job->head.service;

        arrow_pass(s->arrows, ARROW_PIN_KEPT);
        service_purge(s);
        arrow_pass(s->arrows, ARROW_PIN_PURGED);
        service_changed_seal(s, seal);
        if (job->accepts && seal->replaces[0] != '\0')
                service_announce(s, seal->replaces);
        arrow_pass(s->arrows, ARROW_PIN_ANNOUNCED);
}

static void pin_done(Job *job, int code, const ErrorDetail *detail) {
        PinJob *j = (PinJob *) job;
        Service *s = j->head.service;
        _cleanup_free_ Seal *seal = calloc(1, sizeof(*seal));
        ErrorDetail told = *detail;

        if (code == SEAL_E_WRONG_PIN || code == SEAL_E_TPM_LOCKOUT)
                pin_refused(j, code);
        if (code == 0 && !seal)
                code = -ENOMEM;
        if (code == 0)
                code = pin_commit(j, seal, &told);
        if (code == 0)
                pin_finish(j, seal);
        else
                service_explain(s, code, &told);
        if (seal)
                OPENSSL_cleanse(seal, sizeof(*seal));
        service_job_finish(&j->head, code, code == 0 ? NULL : &told, NULL);
        if (code == 0)
                arrow_pass(s->arrows, ARROW_PIN_REPLIED);
}

/* --- start -------------------------------------------------------------------------------- */

static int pin_submit(Service *service, const Caller *caller, const Seal *seal, const PinJob *how,
                      Reply reply) {
        PinJob *job = service_job_new(service, sizeof(*job), caller->uid, reply);

        if (!job)
                return -ENOMEM;
        job->caller = *caller;
        job->accepts = how->accepts;
        job->birth = how->birth;
        job->old = how->old;
        job->new = how->new;
        job->key = (SealKey){ .public = seal->public, .private = seal->private };
        memcpy(job->number, seal->number, sizeof(job->number));
        int r = service_job_submit(&job->head, pin_run, pin_done);
        if (r != 0)
                (void) service_job_discard(job);
        return r;
}

static void pin_job_wipe(PinJob *job) {
        OPENSSL_cleanse(job, sizeof(*job));
}

/* What the key answers to now: what it was born with, else the PIN that its keeper has set. */
static int accept_old(Service *service, const Seal *seal, const Secret *pin, PinJob *how,
                      ErrorDetail *detail) {
        int r = store_birth_auth_get(service->store, seal->number, &how->old);

        if (r == 0 && pin->set)
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "'pin': seal %s has had no keeper's PIN yet; leave it out",
                                 seal->number);
        how->birth = r == 0;
        if (r != SEAL_E_NOT_FOUND)
                return r;
        if (!pin->set)
                return error_set(detail, SEAL_E_PIN_REQUIRED,
                                 "Seal %s has the PIN of its former keeper; give it as 'pin', or "
                                 "apply for renewal where nobody knows it",
                                 seal->number);
        r = service_pin_check(pin, "pin", detail);
        return r == 0 ? tpm_pin_auth(pin, &how->old) : r;
}

int service_accept_pin(Service *service, const Caller *caller, const Seal *seal,
                       const AcceptOptions *options, Reply reply, ErrorDetail *detail) {
        _cleanup_(pin_job_wipe) PinJob how = { .accepts = true };

        if (!options->new_pin.set)
                return error_set(detail, SEAL_E_PIN_REQUIRED,
                                 "Seal %s gets its PIN when it is accepted; give 'new-pin'",
                                 seal->number);
        int r = service_pin_check(&options->new_pin, "new-pin", detail);
        if (r == 0 && seal->opaque)
                r = SEAL_E_MACHINE_STATE_REFUSED;
        if (r == 0)
                r = accept_old(service, seal, &options->pin, &how, detail);
        if (r == 0)
                r = tpm_pin_auth(&options->new_pin, &how.new);
        return r == 0 ? pin_submit(service, caller, seal, &how, reply) : r;
}

int service_seal_change_pin(Service *service, const Caller *caller, const char *number,
                            const Secret *old, const Secret *new, Reply reply,
                            ErrorDetail *detail) {
        _cleanup_(pin_job_wipe) PinJob how = {};
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));
        SealState same;

        if (!seal)
                return -ENOMEM;
        int r = service_seal_fetch(service, caller, number, seal, detail);
        if (r == 0 && !seal->facts.pin)
                r = error_set(detail, SEAL_E_INVALID_ARGS,
                              "Seal %s has no PIN; one that has is made by renewal", seal->number);
        if (r == 0)
                r = seal_transition(seal->state, SEAL_CHANGE_PIN, &same, detail);
        if (r == 0)
                r = service_pin_check(old, "old", detail);
        if (r == 0)
                r = service_pin_check(new, "new", detail);
        if (r == 0 && seal->opaque)
                r = SEAL_E_MACHINE_STATE_REFUSED;
        if (r == 0)
                r = tpm_pin_auth(old, &how.old);
        if (r == 0)
                r = tpm_pin_auth(new, &how.new);
        return r == 0 ? pin_submit(service, caller, seal, &how, reply) : r;
}
