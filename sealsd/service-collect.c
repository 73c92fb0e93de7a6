/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collecting a use that approvers signed for: who may, now → take the use, once (register and
 * ledger, durable) → sign (chip) → keep the signature (register) → answer. What interrupts it after
 * the use was taken leaves the same use to the next call; the signature, once kept, is given again.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/log.h"
#include "policy/approval.h"
#include "policy/key.h"
#include "policy/signature.h"
#include "sealsd/approver.h"
#include "sealsd/json.h"
#include "sealsd/service-format.h"
#include "sealsd/service-life.h"
#include "sealsd/service-pin.h"
#include "sealsd/service-sign.h"
#include "sealsd/service-use.h"

struct CollectJob {
        ServiceJob head;
        Caller caller;
        Request *request; /* owned; as it is after what was done */
        char grant_name[32];
        SealKey key;
        SealPolicy policy;
        TpmIndex index;
        ApprovalSet *approvals;
        UseTarget target;
        ApproverSignature signatures[APPROVERS_MAX];
        UseApprovals signed_by;
        uint64_t live; /* key of the session that waits; 0 deferred */
        bool gone;     /* it was not there, or is used up without a signature */
        Secret pin;
        bool took;  /* the use: this call, and none before it */
        bool asked; /* the chip */
        SignStop stop;
        CollectJob *next; /* of the service's that are not answered yet */
};

static void collect_delist(CollectJob *job) {
        CollectJob **at = &job->head.service->collecting;

        while (*at && *at != job)
                at = &(*at)->next;
        if (*at)
                *at = job->next;
}

/* Before the job itself is wiped and freed. */
static void collect_release(CollectJob *job) {
        collect_delist(job);
        (void) approval_set_unref(job->approvals);
        free(job->request);
}

static void *collect_discard(CollectJob *job) {
        collect_release(job);
        return service_job_discard(job);
}

bool use_is_collected(const Service *service, uint64_t request) {
        for (const CollectJob *job = service->collecting; job; job = job->next)
                if (job->request->id == request)
                        return true;
        return false;
}

/* What comes of the signature that was kept; of raw that itself. Malloc'ed. */
static int result_make(Service *service, uint64_t id, const UseResult *result, uint8_t **ret,
                       size_t *ret_size) {
        const Bytes signature = { result->signature, result->size };
        _cleanup_structure_ UseStructure frozen = {};

        int r = store_use_structure_get(service->store, id, &frozen);
        if (r == 0)
                return format_thaw(&frozen, signature, ret, ret_size);
        if (r != SEAL_E_NOT_FOUND)
                return r;
        *ret = malloc(signature.size + 1);
        if (!*ret)
                return -ENOMEM;
        memcpy(*ret, signature.data, signature.size);
        *ret_size = signature.size;
        return 0;
}

/* Where it cannot be made now the signature is kept, and the next collection makes it. */
static int reply_result(Service *service, Reply reply, const Request *request) {
        _cleanup_free_ uint8_t *data = NULL;
        ErrorDetail detail = {};
        size_t size = 0;

        int r = result_make(service, request->id, &request->use.result, &data, &size);
        const Bytes signature = { data, size };
        const SignResult told = {
                .count = 1,
                .signatures = &signature,
                .use = request->use.result.use,
        };

        if (r != 0)
                service_explain(service, r, &detail);
        reply.done(reply.userdata, r, &detail, r == 0 ? &told : NULL);
        return r;
}

static void collect_finish(CollectJob *job, int code, const ErrorDetail *detail) {
        const ArrowObserver *arrows = job->head.arrows;
        Service *s = job->head.service;

        if (code == 0)
                code = reply_result(s, job->head.reply, job->request);
        else
                job->head.reply.done(job->head.reply.userdata, code, detail, NULL);
        (void) collect_discard(job);
        if (code == 0)
                arrow_pass(arrows, ARROW_USE_REPLIED);
        else if (!s->stopping)
                live_review(s);
}

/* --- at the chip ------------------------------------------------------------------------------ */

static int collect_sign(CollectJob *job, Chip *chip, ErrorDetail *detail) {
        const SealUse use = {
                .key = &job->key,
                .policy = &job->policy,
                .index = &job->index,
                .approvals = job->approvals->approvals,
                .approval_count = job->approvals->count,
                .scheme = job->target.scheme,
                .digest = job->target.digest,
                .pin = job->pin.set ? &job->pin : NULL,
                .signed_by = &job->signed_by,
                .asked = &job->asked,
        };
        UseResult *result = &job->request->use.result;
        TPMT_SIGNATURE structure;
        uint8_t *der = NULL;
        size_t size = 0, approval;

        int r = tpm_seal_sign(chip->tpm, &use, &structure, &approval, detail);
        if (r == 0)
                r = signature_to_openssl(&structure, &der, &size);
        if (r == 0 && size > sizeof(result->signature))
                r = -EIO;
        if (r == 0)
                r = format_check_value(&job->request->use.facts, &job->key.public,
                                       (Bytes){ der, size }, detail);
        if (r == 0) {
                memcpy(result->signature, der, size);
                result->size = size;
        }
        free(der);
        return r;
}

static int collect_run(Job *job, Chip *chip, ErrorDetail *detail) {
        CollectJob *j = (CollectJob *) job;

        int r = service_job_begin(&j->head, chip, detail);
        if (r == 0)
                r = sign_stop_check(&j->stop, NULL);
        if (r == 0 && j->live != 0) {
                j->signed_by.live = held_use_find(chip->challenges, j->live);
                j->gone = j->signed_by.live == NULL;
                if (j->gone)
                        r = error_set(detail, SEAL_E_APPROVAL_EXPIRED,
                                      "The session of the chip that waited for it is gone: ask "
                                      "again");
        }
        if (r == 0)
                r = collect_sign(j, chip, detail);
        /* Also of a signature that is none of ours: nothing more is signed in that session. */
        j->gone |= held_use_drop_spent(chip->challenges, j->live) && r != 0;
        if (r != 0)
                return r;
        arrow_pass(j->head.arrows, ARROW_USE_SIGNED);
        return 0;
}

/* --- the register ----------------------------------------------------------------------------- */

static Event collect_event(EventCode code, CollectJob *job) {
        const UseResult *result = &job->request->use.result;
        Event event = event_of_use(code, &job->caller, job->request);

        (void) snprintf(job->grant_name, sizeof(job->grant_name), "grant:%" PRIu64, result->grant);
        event.object = result->grant != 0 ? job->grant_name : NULL;
        event.use = result->use;
        event.count = 1;
        return event;
}

static int take_write(CollectJob *job, ErrorDetail *detail) {
        Store *store = job->head.service->store;
        UseResult *result = &job->request->use.result;

        int r = store_use_take(store, job->request->target, result->grant, 1, &result->use, detail);
        if (r == 0)
                r = store_use_take_for(store, job->request->id, result);
        if (r != 0)
                return r;
        Event event = collect_event(EVENT_USE, job);
        event.state = NULL; /* the seal's and the request's stay */
        return service_event_use(job->head.service, event, job->request);
}

/* Durable before the chip is asked; once for all calls. */
static int collect_take(CollectJob *job, ErrorDetail *detail) {
        Service *s = job->head.service;
        UseResult *result = &job->request->use.result;

        if (result->use != 0)
                return 0;
        int r = store_begin(s->store);
        if (r != 0)
                return r;
        result->taken = service_now(s);
        r = store_end(s->store, take_write(job, detail));
        if (r != 0)
                result->use = 0;
        if (r == SEAL_E_LIMIT_REACHED)
                service_ledger_refused(s, &job->caller, job->request->target, r);
        job->took = r == 0;
        if (r == 0)
                arrow_pass(s->arrows, ARROW_USE_TAKEN);
        return r;
}

static int fail_write(CollectJob *job, int code) {
        Store *store = job->head.service->store;
        UseResult *result = &job->request->use.result;
        Event event = collect_event(EVENT_USE_FAILED, job);
        int r = 0;

        event.state = NULL;
        event.result = service_sign_result(code);
        if (job->took && !job->asked) {
                r = store_use_return(store, job->request->target, result->grant, result->use, 1);
                if (r == 0)
                        r = store_use_take_for(store, job->request->id, &(UseResult){});
        }
        return r == 0 ? service_event_use(job->head.service, event, job->request) : r;
}

/*
 * What the chip was never asked for is given back. Of a use that an earlier call took nobody knows
 * that: it stays taken for this request, and its next collection makes it.
 */
static void collect_failed(CollectJob *job, int code) {
        Service *s = job->head.service;

        if (job->request->use.result.use == 0)
                return;
        int r = store_begin(s->store);
        if (r == 0)
                r = store_end(s->store, fail_write(job, code));
        if (r != 0)
                log_error("request %" PRIu64 ": that its use failed could not be recorded: %s",
                          job->request->id, error_text(r));
}

static int keep_write(CollectJob *job) {
        Store *store = job->head.service->store;
        Request *request = job->request;

        int r = store_use_keep(store, request->id, &request->use.result);
        if (r == 0)
                r = store_request_update(store, request);
        if (r != 0)
                return r;
        Event event = collect_event(EVENT_USE_COMPLETED, job);
        event.count = 0; /* counted when it was taken */
        return service_event_use(job->head.service, event, request);
}

static int collect_keep(CollectJob *job, ErrorDetail *detail) {
        Service *s = job->head.service;
        Request *request = job->request;
        RequestState before = request->state;

        int r = request_transition(KIND_USE, request->state, REQUEST_COLLECT, &request->state,
                                   detail);
        if (r == 0)
                r = store_begin(s->store);
        if (r != 0)
                return r;
        request->use.result.done = service_now(s);
        r = store_end(s->store, keep_write(job));
        if (r != 0) {
                request->state = before;
                return r;
        }
        arrow_pass(s->arrows, ARROW_USE_KEPT);
        service_changed_request(s, request);
        arrow_pass(s->arrows, ARROW_USE_ANNOUNCED);
        return 0;
}

/* --- the answer ------------------------------------------------------------------------------- */

/* What others left alone while the chip was asked: the end of the session, and that of the seal. */
static void collect_settle(Service *service, uint64_t id, int code, bool gone) {
        LiveRequest *live = live_find(service, id);

        /* The next try is its applicant's, and not that of whoever approves once more. */
        if (live && code == SEAL_E_WRONG_PIN)
                live->pin = vault_free(live->pin);
        if (gone && live)
                live_lost(service, id, "The session of the TPM that waited for it is gone");
        if (code == SEAL_E_REVOKED || code == SEAL_E_INVALID_STATE)
                use_settle(service);
}

static void collect_done(Job *job, int code, const ErrorDetail *detail) {
        CollectJob *j = (CollectJob *) job;
        Service *s = j->head.service;
        const uint64_t id = j->request->id;
        ErrorDetail own = *detail;

        if (code != 0 && code == sign_stop_check(&j->stop, NULL))
                own = j->stop.why;
        else
                service_sign_learn(s, j->request->target, code);
        if (code != 0)
                collect_failed(j, code);
        else
                code = collect_keep(j, &own);
        if (code != 0)
                service_explain(s, code, &own);
        const bool gone = j->gone;
        collect_finish(j, code, &own);
        if (code == 0)
                live_forget(s, id);
        else if (!s->stopping)
                collect_settle(s, id, code, gone);
}

void use_review(Service *service, const char *number) {
        for (CollectJob *job = service->collecting; job; job = job->next)
                if (!number || strcmp(job->request->target, number) == 0) {
                        const SignAim aim = use_aim(&job->request->use.facts);

                        sign_stop_review(&job->stop, service, &job->caller, job->request->target,
                                         &aim, job->request->use.result.grant);
                }
}

/* --- beginning -------------------------------------------------------------------------------- */

static int collect_start(CollectJob *job, ErrorDetail *detail) {
        Service *s = job->head.service;

        int r = sign_stop_check(&job->stop, detail);
        if (r == 0)
                r = worker_check(s->worker, job->caller.uid);
        if (r == 0)
                r = collect_take(job, detail);
        if (r != 0)
                return r;
        r = service_job_submit(&job->head, collect_run, collect_done);
        if (r != 0)
                collect_failed(job, r);
        return r;
}

static void collect_looked(void *userdata, int code, const ErrorDetail *detail,
                           const void *result) {
        CollectJob *job = userdata;
        ErrorDetail own = {};

        (void) result;
        if (code != 0 && detail)
                own = *detail;
        code = service_sign_looked(job->head.service, &job->caller, job->request->target,
                                   job->policy.pin, code, &own);
        if (code == 0)
                code = collect_start(job, &own);
        if (code != 0)
                collect_finish(job, code, &own);
}

/* The first of them, in the order of the policy. */
static int collect_approvals(CollectJob *job, const Seal *seal) {
        const UseRequest *use = &job->request->use;
        uint8_t bytes[APPROVAL_BYTES_MAX];
        Writer writer = writer_over(bytes, sizeof(bytes));
        UseApprovals *signed_by = &job->signed_by;

        int r = use_approval_bytes(&job->target, &writer);
        for (size_t i = 0; r == 0 && i < use->approval_count && i < seal->facts.threshold; i++) {
                const UseApproval *approval = &use->approvals[i];
                ApproverSignature *out = &job->signatures[signed_by->count++];

                out->approver = approval->approver;
                signed_by->approvers |= 1U << approval->approver;
                r = approver_key(&seal->facts.approvers[approval->approver], &out->key);
                if (r == 0)
                        r = signature_accept(&out->key, (Bytes){ bytes, writer.used },
                                             (Bytes){ approval->signature, approval->size },
                                             &out->signature);
        }
        signed_by->signatures = job->signatures;
        signed_by->expiration = job->target.expiration;
        /* It was accepted when it came: what it is for has changed behind our back. */
        return r == SEAL_E_APPROVAL_INVALID ? SEAL_E_REGISTER_TAMPERED : r;
}

/* What was approved is what is kept beside it. */
static int collect_check_frozen(Service *service, const Request *request, const Seal *seal) {
        const UseFacts *facts = &request->use.facts;
        _cleanup_structure_ UseStructure frozen = {};
        TPM2B_DIGEST signs = {};

        if (facts->format == FORMAT_RAW)
                return 0;
        int r = store_use_structure_get(service->store, request->id, &frozen);
        if (r == 0)
                r = format_signs(&frozen, &seal->public, &signs);
        if (r != 0)
                return r == SEAL_E_NOT_FOUND ? SEAL_E_REGISTER_TAMPERED : r;
        return signs.size == facts->signs.size &&
                               memcmp(signs.buffer, facts->signs.buffer, signs.size) == 0
                       ? 0
                       : SEAL_E_REGISTER_TAMPERED;
}

/* The one that is given now before the one that waits. */
static int collect_fill_pin(CollectJob *job, const LiveRequest *live, const Secret *pin) {
        if (pin && pin->set)
                return secret_set(&job->pin, pin->data, pin->size);
        return live && live->pin
                       ? secret_set(&job->pin, vault_data(live->pin), vault_size(live->pin))
                       : 0;
}

static int collect_fill(CollectJob *job, const Seal *seal, const Secret *pin) {
        Service *s = job->head.service;
        const LiveRequest *live = live_find(s, job->request->id);

        job->key = (SealKey){ .public = seal->public, .private = seal->private };
        job->approvals = approval_set_ref(s->approvals);
        job->live = live ? live->key : 0;
        int r = collect_fill_pin(job, live, pin);
        if (r == 0)
                r = use_target(job->request, seal, &job->target);
        if (r == 0)
                r = collect_check_frozen(s, job->request, seal);
        if (r == 0)
                r = collect_approvals(job, seal);
        if (r == 0)
                r = service_build_policy(s, seal, &job->policy);
        return r == 0 ? service_seal_index(s, seal->index, &job->index) : r;
}

/* Whose use it is does not change once it is taken. */
static int collect_may(CollectJob *job, const Seal *seal, int *ret_chip, ErrorDetail *detail) {
        Service *s = job->head.service;
        const SignAim aim = use_aim(&job->request->use.facts);
        UseResult *result = &job->request->use.result;

        *ret_chip = 0;
        if (result->use == 0)
                return service_sign_may(s, &job->caller, seal, &aim, &result->grant, ret_chip,
                                        detail);
        int r = service_sign_still_may(s, &job->caller, seal->number, &aim, result->grant, detail);
        if (r == 0)
                *ret_chip = service_machine_why_not(s, NULL);
        if (r == 0 && *ret_chip == 0)
                *ret_chip = service_pin_why_not(s, seal->facts.pin, NULL);
        return r;
}

static int collect_check_pin(const CollectJob *job, const Seal *seal, ErrorDetail *detail) {
        if (seal->facts.pin && !job->pin.set)
                return error_set(
                        detail, SEAL_E_PIN_REQUIRED,
                        "Seal %s has a PIN: collect it with CollectWith and the option pin",
                        seal->number);
        return service_pin_for_use(seal, &job->pin, detail);
}

static int collect_prepare(CollectJob *job, const Secret *pin, int *ret_chip, ErrorDetail *detail) {
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));

        if (!seal)
                return -ENOMEM;
        int r = use_read_seal(job->head.service, job->request, seal);
        if (r != 0)
                return r;
        r = collect_may(job, seal, ret_chip, detail);
        if (r > 0)
                service_ledger_refused(job->head.service, &job->caller, seal->number, r);
        if (r == 0)
                r = collect_fill(job, seal, pin);
        if (r == 0)
                r = collect_check_pin(job, seal, detail);
        OPENSSL_cleanse(&seal->private, sizeof(seal->private));
        return r;
}

/* Takes the request over where it returns 0. */
static int collect_begin(Service *service, const Caller *caller, Request *request,
                         const Secret *pin, Reply reply, ErrorDetail *detail) {
        CollectJob *job = service_job_new(service, sizeof(*job), caller->uid, reply);
        int chip = 0;

        if (!job)
                return -ENOMEM;
        job->caller = *caller;
        job->request = malloc(sizeof(*request));
        if (!job->request) {
                (void) service_job_discard(job);
                return -ENOMEM;
        }
        *job->request = *request;
        job->next = service->collecting;
        service->collecting = job;
        int r = collect_prepare(job, pin, &chip, detail);
        if (r == 0 && chip == 0)
                r = collect_start(job, detail);
        else if (r == 0)
                r = service_look(service, caller->uid,
                                 (Reply){ .done = collect_looked, .userdata = job });
        if (r != 0)
                (void) collect_discard(job);
        return r;
}

static int collect_check(Service *service, Request *request, ErrorDetail *detail) {
        RequestState next;

        int r = use_check_open(service, request, detail);
        if (r == 0 && request_kind(request) == KIND_USE && request->state == REQUEST_APPLIED)
                return error_set(detail, SEAL_E_APPROVAL_REQUIRED,
                                 "Request %" PRIu64 " waits for %u more approval%s of seal %s",
                                 request->id, request_missing(request),
                                 request_missing(request) == 1 ? "" : "s", request->target);
        if (r == 0)
                r = request_transition((RequestKind) request_kind(request), request->state,
                                       REQUEST_COLLECT, &next, detail);
        if (r == 0 && use_is_collected(service, request->id))
                r = error_set(detail, SEAL_E_BUSY,
                              "Request %" PRIu64 " is being signed; collect it again", request->id);
        return r;
}

int service_use_collect(Service *service, const Caller *caller, uint64_t id, const Secret *pin,
                        Reply reply, ErrorDetail *detail) {
        _cleanup_free_ Request *request = malloc(sizeof(*request));

        if (!request)
                return -ENOMEM;
        int r = service_request_get(service, caller, id, request);
        if (r == 0)
                r = service_require_ready(service, detail);
        if (r == 0 && request_kind(request) == KIND_USE && request->state == REQUEST_COMPLETED) {
                (void) reply_result(service, reply, request);
                return 0;
        }
        if (r == 0)
                r = collect_check(service, request, detail);
        return r == 0 ? collect_begin(service, caller, request, pin, reply, detail) : r;
}

int use_collect_live(Service *service, Request *request, Reply reply, ErrorDetail *detail) {
        const LiveRequest *live = live_find(service, request->id);

        if (!live)
                return error_set(detail, SEAL_E_APPROVAL_EXPIRED, "Nothing waits for it any more");
        int r = collect_check(service, request, detail);
        return r == 0 ? collect_begin(service, &live->caller, request, NULL, reply, detail) : r;
}
