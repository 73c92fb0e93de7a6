/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inspect, of one seal or of all:
 *
 *   look       (chip) authorisations, machine state, indices, the ledger's value: service_look()
 *   bits       (chip) each revocation index, once
 *   register   (thread of its own; of one seal here) seals, grants, requests, people's accounts
 *   keys       (chip) one job for each live seal: others' calls come in between
 *   end        findings are judged together, told, recorded; the callers are answered
 *
 * The rules are in inspection*.c. A chip that goes away in between leaves what the register tells.
 */
#include "sealsd/service-inspect.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/log.h"
#include "sealsd/accounts.h"
#include "sealsd/service-internal.h"
#include "sealsd/store-inspection.h"
#include "tpm/key.h"

#define FIRST_INSPECTION (10 * 60 * USEC_PER_SEC) /* after the start */
#define PROGRESS_STEP 16                          /* seals between two signals */

typedef struct InspectWaiter {
        Reply reply;
        struct InspectWaiter *next;
} InspectWaiter;

/* A seal, and what the chip says of it. */
typedef struct Inspected {
        InspectedSeal seal;
        InspectedKey key;
} Inspected;

typedef struct Inspection {
        ServiceJob head; /* of its jobs, one after the other */
        Task task;
        char number[NUMBER_MAX + 1]; /* "": all */
        Caller caller;
        bool called; /* else the timer's */
        InspectWaiter *waiters;
        InspectionRules rules;
        Findings findings;

        /* The register's part: the task's, until it is done. */
        char path[CONFIG_PATH_MAX + 16];
        uint64_t total;
        Accounts *accounts;
        Findings of_register;
        Inspected *seals;
        size_t seal_count, seal_room;

        /* The chip's part. */
        bool reached;
        ErrorDetail problem; /* why not, or no further */
        size_t index_count;
        TpmIndex indices[INDICES_MAX + 1];
        bool read[INDICES_MAX + 1];
        uint64_t bits[INDICES_MAX + 1];
        size_t next; /* seal whose key is looked at */
        SealKey key;
        TPM2B_DIGEST policy;
        unsigned unchecked;
} Inspection;

static void inspection_keys(Inspection *i);

static Inspection *inspection_of(Task *task) {
        return (Inspection *) ((char *) task - offsetof(Inspection, task));
}

static bool inspects_all(const Inspection *i) {
        return i->number[0] == '\0';
}

/* --- the end ---------------------------------------------------------------------------------- */

static void waiters_answer(Inspection *i, int code, const ErrorDetail *detail) {
        const InspectReport report = { .count = i->findings.count, .findings = i->findings.list };

        while (i->waiters) {
                InspectWaiter *waiter = i->waiters;

                i->waiters = waiter->next;
                if (waiter->reply.done)
                        waiter->reply.done(waiter->reply.userdata, code, detail,
                                           code == 0 ? &report : NULL);
                free(waiter);
        }
}

/* Code 0, or why there is no report at all. */
static void inspection_end(Inspection *i, int code, const ErrorDetail *detail) {
        Service *s = i->head.service;

        if (s->inspections.running == i)
                s->inspections.running = NULL;
        s->inspections.count--;
        waiters_answer(i, code, detail);
        findings_done(&i->findings);
        findings_done(&i->of_register);
        (void) accounts_free(i->accounts);
        free(i->seals);
        (void) service_job_discard(i);
}

static unsigned findings_of(const Findings *findings, Severity severity) {
        unsigned count = 0;

        for (unsigned code = 0; code < FINDING_MAX; code++)
                if (finding_severity((FindingCode) code) == severity)
                        count += findings->counts[code];
        return count;
}

static int inspection_record(const Inspection *i) {
        Event event = {
                .code = EVENT_INSPECTED,
                .caller = i->called ? &i->caller : NULL,
                .seal = inspects_all(i) ? NULL : i->number,
                .facts = json_pack("{s:i, s:i, s:i, s:i}", "findings",
                                   (int) (findings_of(&i->findings, SEVERITY_CRITICAL) +
                                          findings_of(&i->findings, SEVERITY_WARNING) +
                                          findings_of(&i->findings, SEVERITY_INFO)),
                                   "critical", (int) findings_of(&i->findings, SEVERITY_CRITICAL),
                                   "warning", (int) findings_of(&i->findings, SEVERITY_WARNING),
                                   "info", (int) findings_of(&i->findings, SEVERITY_INFO)),
        };

        if (!event.facts)
                return -ENOMEM;
        int r = store_event(i->head.service->store, &event);
        json_decref(event.facts);
        return r;
}

static void inspection_note(Inspection *i) {
        Inspections *all = &i->head.service->inspections;

        inspections_tell(i->head.service, i->number, &i->findings);
        if (!inspects_all(i))
                return;
        all->last = i->rules.now;
        i->head.service->audit.unexplained = false; /* it is told */
        for (int severity = 0; severity <= SEVERITY_CRITICAL; severity++)
                all->severities[severity] = findings_of(&i->findings, (Severity) severity);
        (void) service_checkpoint(i->head.service, (Reply){});
}

/* An answer that lacks a finding is none. */
static void inspection_finish(Inspection *i) {
        InspectedInstallation facts;
        ErrorDetail tampered = {};

        findings_take(&i->findings, &i->of_register);
        for (size_t k = 0; k < i->seal_count; k++)
                inspect_key(&i->seals[k].seal, &i->seals[k].key, &i->findings);
        if (inspects_all(i)) {
                inspections_facts(i->head.service, i->reached ? NULL : i->problem.text, &tampered,
                                  &facts);
                facts.keys_unchecked = i->unchecked;
                inspect_installation(&i->rules, &facts, &i->findings);
        }
        findings_close(&i->findings);
        int r = i->findings.incomplete ? -ENOMEM : inspection_record(i);
        if (r == 0)
                inspection_note(i);
        inspection_end(i, r, NULL);
}

/* --- keys ------------------------------------------------------------------------------------- */

/* The chip is gone, or does not answer: what is left is not looked at. */
static void chip_lost(Inspection *i, int code, const ErrorDetail *detail) {
        i->reached = false;
        text_copy(i->problem.text, sizeof(i->problem.text), error_describe(code, detail));
        inspection_finish(i);
}

static int key_run(Job *job, Chip *chip, ErrorDetail *detail) {
        Inspection *i = (Inspection *) job;

        int r = service_job_begin(&i->head, chip, detail);
        if (r == 0)
                r = tpm_key_check(chip->tpm, &i->key.public, &i->key.private, &i->policy, detail);
        return r;
}

static void key_done(Job *job, int code, const ErrorDetail *detail) {
        Inspection *i = (Inspection *) job;
        Inspected *one = &i->seals[i->next];

        OPENSSL_cleanse(&i->key, sizeof(i->key));
        if (i->head.service->stopping || code == -ECANCELED) {
                inspection_end(i, -ECANCELED, detail);
                return;
        }
        if (code != 0 && code != SEAL_E_REGISTER_TAMPERED) {
                chip_lost(i, code, detail);
                return;
        }
        one->key.key = code == 0 ? KEY_GOOD : KEY_DIFFERS;
        text_copy(one->key.why, sizeof(one->key.why), error_describe(code, detail));
        i->next++;
        inspection_keys(i);
}

/*
 * The key of the next seal, from the record as it is now: 0, or SEAL_E_NOT_FOUND when there is
 * nothing to be loaded.
 */
static int key_fetch(Inspection *i, const InspectedSeal *inspected) {
        Service *s = i->head.service;
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));
        ErrorDetail why = {};
        SealPolicy policy;

        if (!seal)
                return -ENOMEM;
        int r = store_seal_get(s->store, inspected->number, seal);
        if (r == SEAL_E_REGISTER_TAMPERED) {
                service_explain(s, r, &why);
                findings_add(&i->findings, FINDING_RECORD_DIFFERS, inspected->number, 0,
                             "The record is not as the ledger has it: %s", error_describe(r, &why));
                return SEAL_E_NOT_FOUND;
        }
        if (r != 0)
                return r;
        if (seal->state == SEAL_REVOKED || seal->state == SEAL_DESTROYED)
                return SEAL_E_NOT_FOUND; /* since it was listed */
        i->unchecked += seal->opaque;
        if (seal->opaque)
                return SEAL_E_NOT_FOUND;
        i->key = (SealKey){ .public = seal->public, .private = seal->private };
        OPENSSL_cleanse(&seal->private, sizeof(seal->private));
        r = service_build_policy(s, seal, &policy);
        return r == 0 ? seal_policy_digest(&policy, &i->policy) : r;
}

static void keys_progress(const Inspection *i) {
        const Service *s = i->head.service;

        if (inspects_all(i) && i->next % PROGRESS_STEP == 0 && s->observer.progress && !s->stopping)
                s->observer.progress(s->observer.userdata, "inspect", i->total + i->next,
                                     i->total + i->seal_count);
}

static void inspection_keys(Inspection *i) {
        int r = SEAL_E_NOT_FOUND;

        for (; r == SEAL_E_NOT_FOUND && i->next < i->seal_count; i->next++) {
                keys_progress(i);
                if (inspected_is_live(&i->seals[i->next].seal) &&
                    (r = key_fetch(i, &i->seals[i->next].seal)) == 0)
                        break;
        }
        if (r == SEAL_E_NOT_FOUND) {
                inspection_finish(i);
                return;
        }
        if (r == 0)
                r = service_job_submit(&i->head, key_run, key_done);
        if (r != 0)
                inspection_end(i, r, NULL);
}

/* --- register --------------------------------------------------------------------------------- */

static int inspected_add(Inspection *i, const InspectedSeal *seal) {
        if (i->seal_count == i->seal_room) {
                size_t room = i->seal_room == 0 ? 64 : 2 * i->seal_room;
                Inspected *seals = reallocarray(i->seals, room, sizeof(*seals));

                if (!seals)
                        return -ENOMEM;
                i->seals = seals;
                i->seal_room = room;
        }
        i->seals[i->seal_count++] = (Inspected){ .seal = *seal };
        return 0;
}

static int register_seal(void *userdata, InspectedSeal *seal, InspectedGrant *grants,
                         size_t grant_count) {
        Inspection *i = userdata;
        Findings *found = &i->of_register;

        for (size_t k = 0; k < seal->keeper_count; k++)
                seal->keepers[k].account = accounts_check(i->accounts, &seal->keepers[k].subject);
        inspect_seal(&i->rules, seal, found);
        for (size_t k = 0; k < grant_count; k++) {
                grants[k].holder.account = accounts_check(i->accounts, &grants[k].holder.subject);
                inspect_grant(&i->rules, seal, &grants[k], found);
        }
        int r = inspected_add(i, seal);
        if (r == 0 && inspects_all(i))
                r = task_report(&i->task, i->seal_count, 2 * i->total);
        return r;
}

static int register_request(void *userdata, const InspectedRequest *request) {
        Inspection *i = userdata;

        inspect_request(&i->rules, request, &i->of_register);
        return 0;
}

static int register_read(Inspection *i, Store *store) {
        const char *number = inspects_all(i) ? NULL : i->number;

        int r = store_inspect_seals(store, number, i->rules.now, register_seal, i);
        return r == 0 ? store_inspect_requests(store, number, register_request, i) : r;
}

static int register_run(Task *task, ErrorDetail *detail) {
        _cleanup_(store_closep) Store *store = NULL;
        Inspection *i = inspection_of(task);

        int r = store_reader_open(&store, i->path, detail);
        if (r == 0)
                r = store_inspect_count(store, &i->total);
        if (r == 0)
                r = register_read(i, store);
        if (r != 0 && store)
                store_explain(store, r, detail);
        return r;
}

static void register_progress(Task *task, uint64_t done, uint64_t total) {
        const Service *s = inspection_of(task)->head.service;

        if (s->observer.progress && !s->stopping)
                s->observer.progress(s->observer.userdata, "inspect", done, total);
}

/* What the chip has of each seal's bit. */
static void bits_assign(Inspection *i) {
        for (size_t k = 0; k < i->seal_count; k++) {
                const InspectedSeal *seal = &i->seals[k].seal;

                for (size_t n = 0; n < i->index_count; n++)
                        if (i->read[n] && i->indices[n].handle == seal->index)
                                i->seals[k].key = (InspectedKey){
                                        .bit_known = true,
                                        .bit = i->bits[n] >> seal->bit & 1,
                                };
        }
}

static void register_done(Task *task, int code, const ErrorDetail *detail) {
        Inspection *i = inspection_of(task);

        if (i->head.service->stopping)
                code = -ECANCELED;
        if (code != 0) {
                inspection_end(i, code, detail);
                return;
        }
        bits_assign(i);
        if (i->reached)
                inspection_keys(i);
        else
                inspection_finish(i);
}

/* One seal is read here, as other calls read it; all are read beside them. */
static void inspection_register(Inspection *i) {
        Service *s = i->head.service;
        ErrorDetail detail = {};
        int r;

        if (inspects_all(i)) {
                i->task = (Task){ .run = register_run,
                                  .progress = register_progress,
                                  .done = register_done };
                service_register_path(s, i->path, sizeof(i->path));
                r = background_start(s->background, &i->task, &detail);
                if (r != 0)
                        inspection_end(i, r, &detail);
                return;
        }
        r = register_read(i, s->store);
        service_explain(s, r, &detail);
        register_done(&i->task, r, &detail);
}

/* --- bits ------------------------------------------------------------------------------------- */

static int bits_run(Job *job, Chip *chip, ErrorDetail *detail) {
        Inspection *i = (Inspection *) job;
        int r = service_job_begin(&i->head, chip, detail);

        for (size_t n = 0; r == 0 && n < i->index_count; n++) {
                r = tpm_index_read_bits(chip->tpm, &i->indices[n], &i->bits[n], detail);
                i->read[n] = r == 0;
                /* One that is locked, gone or not ours is told by the look at the chip. */
                if (r == SEAL_E_LOCKED || r == SEAL_E_NOT_FOUND || r == SEAL_E_REGISTER_TAMPERED)
                        r = 0;
        }
        return r;
}

static void bits_done(Job *job, int code, const ErrorDetail *detail) {
        Inspection *i = (Inspection *) job;

        for (size_t n = 0; n < i->index_count; n++)
                secret_wipe(&i->indices[n].auth);
        if (i->head.service->stopping || code == -ECANCELED) {
                inspection_end(i, -ECANCELED, detail);
                return;
        }
        i->reached = code == 0;
        if (code != 0)
                text_copy(i->problem.text, sizeof(i->problem.text), error_describe(code, detail));
        inspection_register(i);
}

static int bits_fill(Inspection *i) {
        Service *s = i->head.service;
        RegisterIndex rows[INDICES_MAX + 1];
        size_t count;

        int r = service_indices(s, rows, &count);
        for (size_t n = 0; r == 0 && n < count; n++)
                if (rows[n].kind == INDEX_REVOCATION && rows[n].written)
                        service_tpm_index(&s->authority_name, &rows[n],
                                          &i->indices[i->index_count++]);
        OPENSSL_cleanse(rows, sizeof(rows));
        return r;
}

/* --- look ------------------------------------------------------------------------------------- */

static void looked(void *userdata, int code, const ErrorDetail *detail, const void *result) {
        Inspection *i = userdata;

        (void) result;
        if (i->head.service->stopping || code == -ECANCELED) {
                inspection_end(i, -ECANCELED, detail);
                return;
        }
        /* A chip that is not as it was left was reached. */
        if (code != 0 && code != SEAL_E_REGISTER_TAMPERED) {
                text_copy(i->problem.text, sizeof(i->problem.text), error_describe(code, detail));
                inspection_register(i);
                return;
        }
        if (inspects_all(i))
                audit_inspect(i->head.service);
        int r = bits_fill(i);
        if (r == 0)
                r = service_job_submit(&i->head, bits_run, bits_done);
        if (r != 0)
                inspection_end(i, r, NULL);
}

/* --- start ------------------------------------------------------------------------------------ */

static int waiter_add(Inspection *i, Reply reply) {
        InspectWaiter *waiter = calloc(1, sizeof(*waiter));

        if (!waiter)
                return -ENOMEM;
        *waiter = (InspectWaiter){ .reply = reply, .next = i->waiters };
        i->waiters = waiter;
        return 0;
}

static int inspection_start(Service *service, const Caller *caller, const char *number,
                            Reply reply) {
        Inspection *i = service_job_new(service, sizeof(*i), caller ? caller->uid : UINT32_MAX,
                                        (Reply){});
        int r;

        if (!i)
                return -ENOMEM;
        (void) snprintf(i->number, sizeof(i->number), "%s", number);
        i->called = caller != NULL;
        if (caller)
                i->caller = *caller;
        i->rules = inspections_rules(service);
        r = accounts_new(&i->accounts);
        if (r == 0)
                r = waiter_add(i, reply);
        if (r == 0)
                r = service_look(service, i->head.job.uid,
                                 (Reply){ .done = looked, .userdata = i });
        if (r == 0) {
                service->inspections.count++;
                if (inspects_all(i))
                        service->inspections.running = i;
                return 0;
        }
        free(i->waiters);
        (void) accounts_free(i->accounts);
        (void) service_job_discard(i);
        return r;
}

int service_inspect(Service *service, const Caller *caller, Reply reply, ErrorDetail *detail) {
        int r = service_require_ready(service, detail);

        if (r != 0)
                return r;
        if (service->inspections.running)
                return waiter_add(service->inspections.running, reply);
        return inspection_start(service, caller, "", reply);
}

int service_seal_inspect(Service *service, const Caller *caller, const char *number, Reply reply,
                         ErrorDetail *detail) {
        bool visible = false;

        int r = service_require_ready(service, detail);
        if (r == 0)
                r = service_seal_visible(service, caller, number, &visible);
        if (r == 0 && !visible)
                r = SEAL_E_NOT_FOUND;
        return r == 0 ? inspection_start(service, caller, number, reply) : r;
}

/* --- by itself -------------------------------------------------------------------------------- */

static uint64_t interval(const Service *service) {
        return service->config->inspection.every_hours * 3600 * USEC_PER_SEC;
}

static int on_inspection_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        Service *s = userdata;
        ErrorDetail detail = {};

        (void) usec;
        int r = s->installation.phase == INIT_COMPLETE
                        ? service_inspect(s, NULL, (Reply){}, &detail)
                        : 0;
        if (r != 0)
                log_error("the inspection could not begin: %s", error_describe(r, &detail));
        (void) sd_event_source_set_time_relative(source, interval(s));
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int inspections_start(Service *service) {
        uint64_t first = interval(service) < FIRST_INSPECTION ? interval(service)
                                                              : FIRST_INSPECTION;

        if (interval(service) == 0)
                return 0;
        return sd_event_add_time_relative(service->event, &service->inspections.timer,
                                          CLOCK_MONOTONIC, first, 0, on_inspection_timer, service);
}

void inspections_stop(Service *service) {
        (void) sd_event_source_disable_unref(service->inspections.timer);
        free(service->inspections.told);
        service->inspections = (Inspections){};
}
