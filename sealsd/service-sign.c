/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sign and SignMany: who may → take the uses (register and ledger, durable) → satisfy the policy
 * and sign (chip) → answer. Whether the seal may sign is for the chip to say; what is checked here
 * first saves it the trouble and gives a better sentence.
 *
 * Many signatures are many short jobs, one after the other, so that others have their turn between.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>

#include "base/log.h"
#include "base/text.h"
#include "policy/algorithm.h"
#include "policy/key.h"
#include "sealsd/json.h"
#include "sealsd/service-format.h"
#include "sealsd/service-ledger.h"
#include "sealsd/service-life.h"
#include "sealsd/service-pin.h"
#include "sealsd/service-sign.h"
#include "tpm/index.h"

/* A turn at the chip ends with the signature that reaches either. */
#define TURN_SIGNATURES 32
#define TURN_TIME (100 * USEC_PER_SEC / 1000)
/* Digests in one row of the ledger, which has room for LEDGER_ROW_MAX. */
#define DIGESTS_PER_ROW 1000

typedef struct SignJob {
        ServiceJob head;
        char number[NUMBER_MAX + 1];
        char document_name[TEXT_MAX + 1];
        char hash[WORD_MAX + 1];
        SignAim aim;
        Caller caller;
        uint64_t grant; /* 0: as keeper */
        char grant_name[32];
        uint64_t use; /* number of the first; 0 none taken */
        SealKey key;
        SealPolicy policy;
        Secret pin; /* not set where the seal has none */
        TpmIndex index;
        ApprovalSet *approvals;
        TPMT_SIG_SCHEME scheme;
        FormatUse format;
        size_t count, done;
        TPM2B_DIGEST *digests; /* of the documents */
        Bytes *signatures;     /* the first `done` are there, each malloc'ed */
        bool asked;            /* the chip, for any of them */
        SignStop stop;
        struct SignJob *next; /* of the service's that are not answered yet */
} SignJob;

static void sign_enlist(SignJob *job) {
        Service *s = job->head.service;

        job->next = s->signing;
        s->signing = job;
}

static void sign_delist(SignJob *job) {
        SignJob **at = &job->head.service->signing;

        while (*at && *at != job)
                at = &(*at)->next;
        if (*at)
                *at = job->next;
}

/* What the job owns beside its own memory. */
static void sign_release(SignJob *job) {
        for (size_t i = 0; job->signatures && i < job->done; i++)
                free((void *) job->signatures[i].data);
        sign_delist(job);
        free(job->signatures);
        free(job->digests);
        format_use_clear(&job->format);
        (void) approval_set_unref(job->approvals);
}

static void sign_finish(SignJob *job, int code, const ErrorDetail *detail) {
        const SignResult result = {
                .count = job->done,
                .signatures = job->signatures,
                .use = job->use,
        };

        if (job->head.reply.done)
                job->head.reply.done(job->head.reply.userdata, code, detail, &result);
        sign_release(job);
        (void) service_job_discard(job);
}

/* --- at the chip -------------------------------------------------------------------------- */

static uint64_t monotonic(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * USEC_PER_SEC + (uint64_t) now.tv_nsec / 1000;
}

/* The value, malloc'ed. */
static int sign_digest(SignJob *job, Chip *chip, const TPM2B_DIGEST *digest, uint8_t **ret,
                       size_t *ret_size, ErrorDetail *detail) {
        SealUse use = {
                .key = &job->key,
                .policy = &job->policy,
                .index = &job->index,
                .approvals = job->approvals->approvals,
                .approval_count = job->approvals->count,
                .scheme = job->scheme,
                .digest = *digest,
                .pin = job->pin.set ? &job->pin : NULL,
                .asked = &job->asked,
        };
        TPMT_SIGNATURE signature;
        size_t approval;

        int r = tpm_seal_sign(chip->tpm, &use, &signature, &approval, detail);
        return r == 0 ? signature_to_openssl(&signature, ret, ret_size) : r;
}

static int sign_one(SignJob *job, Chip *chip, ErrorDetail *detail) {
        _cleanup_free_ uint8_t *structure = NULL, *value = NULL;
        Bytes *signature = &job->signatures[job->done];
        size_t structure_size = 0, size = 0;
        uint8_t *result = NULL;
        TPM2B_DIGEST digest;

        int r = format_use_prepare(&job->format, &job->digests[job->done], &structure,
                                   &structure_size, &digest);
        if (r == 0)
                r = sign_digest(job, chip, &digest, &value, &size, detail);
        if (r == 0)
                r = format_use_finish(&job->format, (Bytes){ structure, structure_size }, &digest,
                                      (Bytes){ value, size }, &result, &signature->size, detail);
        if (r != 0)
                return r;
        signature->data = result;
        job->done++;
        return 0;
}

static int sign_run(Job *job, Chip *chip, ErrorDetail *detail) {
        SignJob *j = (SignJob *) job;
        uint64_t end = monotonic() + TURN_TIME;

        int r = service_job_begin(&j->head, chip, detail);
        for (size_t n = 0; r == 0 && j->done < j->count && n < TURN_SIGNATURES; n++) {
                if (n > 0 && monotonic() >= end)
                        break;
                r = sign_stop_check(&j->stop, NULL);
                if (r == 0)
                        r = sign_one(j, chip, detail);
        }
        return r;
}

/* --- the ledger --------------------------------------------------------------------------- */

static json_t *digests_facts(const SignJob *job, size_t first, size_t count) {
        char hex[2 * sizeof(job->digests->buffer) + 1];
        _cleanup_json_ json_t *array = json_array();

        for (size_t i = first; array && i < first + count; i++) {
                const TPM2B_DIGEST *digest = &job->digests[i];

                hex_encode(digest->buffer, digest->size, hex);
                if (json_array_append_new(array, json_string(hex)) != 0)
                        return NULL;
        }
        return json_pack("{s:O}", "digests", array);
}

/* What else there is to tell; NULL for nothing. */
static int use_facts(const SignJob *job, size_t first, size_t count, json_t **ret) {
        _cleanup_json_ json_t *facts = count == 1 ? json_object()
                                                  : digests_facts(job, first, count);

        if (!facts)
                return -ENOMEM;
        if (job->format.format != FORMAT_RAW &&
            json_object_set_new(facts, "format",
                                json_string(sign_format_name(job->format.format))) != 0)
                return -ENOMEM;
        *ret = json_object_size(facts) > 0 ? steal_ptr(facts) : NULL;
        return 0;
}

/* A row about the uses from this one on: with the digest of one, or the list of several. */
static int use_event(const SignJob *job, EventCode code, size_t first, size_t count,
                     const char *result) {
        _cleanup_json_ json_t *facts = NULL;
        Event event = {
                .code = code,
                .caller = &job->caller,
                .seal = job->number,
                .object = job->grant != 0 ? job->grant_name : NULL,
                .purpose = purpose_name(job->aim.purpose),
                .hash = job->hash,
                .document = job->document_name[0] != '\0' ? job->document_name : NULL,
                .use = job->use + first,
                .count = count,
                .result = result,
        };

        if (count == 1)
                event.digest = (Bytes){ job->digests[first].buffer, job->digests[first].size };
        int r = use_facts(job, first, count, &facts);
        if (r != 0)
                return r;
        event.facts = facts;
        return store_event(job->head.service->store, &event);
}

static int use_events(const SignJob *job, EventCode code, size_t first, const char *result) {
        int r = 0;

        for (size_t at = first, n; r == 0 && at < job->count; at += n) {
                n = job->count - at < DIGESTS_PER_ROW ? job->count - at : DIGESTS_PER_ROW;
                r = use_event(job, code, at, n, result);
        }
        return r;
}

/* All of them or none, durable before the chip is asked: a crash wastes uses and never adds one. */
static int uses_take(SignJob *job, ErrorDetail *detail) {
        Store *store = job->head.service->store;

        int r = store_begin(store);
        if (r != 0)
                return r;
        r = store_use_take(store, job->number, job->grant, job->count, &job->use, detail);
        if (r == 0)
                r = use_events(job, EVENT_USE, 0, NULL);
        r = store_end(store, r);
        if (r != 0)
                job->use = 0;
        return r;
}

/*
 * A use counts from when the chip was asked to sign: its answer may have been lost, or kept by who
 * altered it, and refusals have no HMAC. Those that never came so far are given back.
 */
static int uses_fail(const SignJob *job, int code) {
        Store *store = job->head.service->store;

        int r = store_begin(store);
        if (r != 0)
                return r;
        if (!job->asked)
                r = store_use_return(store, job->number, job->grant, job->use, job->count);
        if (r == 0)
                r = use_events(job, EVENT_USE_FAILED, job->done, service_sign_result(code));
        return store_end(store, r);
}

static void sign_failed(const SignJob *job, int code) {
        if (job->use == 0)
                return;
        if (job->asked)
                log_warning("seal %s use %" PRIu64 " by %s: the chip may have signed: %s",
                            job->number, job->use + job->done, job->caller.subject.text,
                            error_text(code));
        int r = uses_fail(job, code);
        if (r != 0)
                log_error("seal %s use %" PRIu64 ": that it failed could not be recorded: %s",
                          job->number, job->use + job->done, error_text(r));
}

/* --- what has come up since ----------------------------------------------------------------- */

void service_sign_review(Service *service, const char *number) {
        for (SignJob *job = service->signing; job; job = job->next)
                if (!number || strcmp(job->number, number) == 0)
                        sign_stop_review(&job->stop, service, &job->caller, job->number, &job->aim,
                                         job->grant);
        use_review(service, number);
}

/* --- in turns ----------------------------------------------------------------------------- */

static void sign_done(Job *job, int code, const ErrorDetail *detail);

/*
 * The next turn has its place, whoever has come since: what has begun is not refused half-way. It
 * stands in its caller's line as long as there is room, and else in the daemon's own.
 */
static int sign_next(SignJob *job) {
        job->head.job.uid = job->caller.uid;
        int r = service_sign_still_may(job->head.service, &job->caller, job->number, &job->aim,
                                       job->grant, &job->stop.why);
        if (r != 0)
                return r;
        r = service_job_submit(&job->head, sign_run, sign_done);
        if (r == SEAL_E_BUSY || r == SEAL_E_QUOTA_EXCEEDED) {
                job->head.job.uid = UINT32_MAX;
                r = service_job_submit(&job->head, sign_run, sign_done);
        }
        return r;
}

static void sign_progress(const SignJob *job) {
        const Service *s = job->head.service;

        if (job->count > 1 && s->observer.progress && !s->stopping)
                s->observer.progress(s->observer.userdata, "SignMany", job->done, job->count);
}

static void sign_done(Job *job, int code, const ErrorDetail *detail) {
        SignJob *j = (SignJob *) job;
        Service *s = j->head.service;

        if (code == 0 && j->done > 0)
                sign_progress(j);
        if (code == 0 && j->done < j->count) {
                code = sign_next(j);
                if (code == 0)
                        return;
                detail = &j->stop.why;
        } else if (code != 0 && code == sign_stop_check(&j->stop, NULL)) {
                detail = &j->stop.why;
        } else {
                service_sign_learn(s, j->number, code);
        }
        if (code == 0)
                log_info("seal %s use %" PRIu64 " by %s%s%s", j->number, j->use,
                         j->caller.subject.text, j->document_name[0] ? ": " : "", j->document_name);
        else
                sign_failed(j, code);
        sign_finish(j, code, detail);
}

/* --- checks ------------------------------------------------------------------------------- */

static int sign_digests(SignJob *job, const Seal *seal, const SignOptions *options,
                        ErrorDetail *detail) {
        size_t size = 0;

        int r = service_sign_scheme(job->head.service, seal, options->hash, options->scheme,
                                    &job->scheme, &size, detail);
        if (r == 0)
                r = format_options_check(options, &job->scheme, detail);
        if (r != 0)
                return r;
        text_copy(job->hash, sizeof(job->hash),
                  options->hash ? options->hash : algorithm_of(&seal->public)->hash);
        job->digests = calloc(options->count, sizeof(*job->digests));
        job->signatures = calloc(options->count, sizeof(*job->signatures));
        if (!job->digests || !job->signatures)
                return -ENOMEM;
        job->count = options->count;
        for (size_t i = 0; i < options->count && options->format != FORMAT_PKCS10; i++) {
                if (options->digests[i].size != size)
                        return error_set(detail, SEAL_E_INVALID_ARGS,
                                         "A digest of %s has %zu bytes, this one %zu", job->hash,
                                         size, options->digests[i].size);
                job->digests[i].size = (UINT16) size;
                memcpy(job->digests[i].buffer, options->digests[i].data, size);
        }
        return 0;
}

/* Of a request for a certificate the ledger has its hash. */
static int sign_fill_format(SignJob *job, const Seal *seal, const SignOptions *options,
                            ErrorDetail *detail) {
        _cleanup_free_ uint8_t *structure = NULL;
        TPM2B_DIGEST signs;
        size_t size = 0;

        int r = service_format_fill(job->head.service, seal, options, job->hash, &job->scheme,
                                    &job->format, detail);
        if (r != 0 || options->format != FORMAT_PKCS10)
                return r;
        return format_use_prepare(&job->format, &job->digests[0], &structure, &size, &signs);
}

static int sign_fill(SignJob *job, const Seal *seal) {
        Service *s = job->head.service;

        memcpy(job->number, seal->number, sizeof(job->number));
        (void) snprintf(job->grant_name, sizeof(job->grant_name), "grant:%" PRIu64, job->grant);
        job->key = (SealKey){ .public = seal->public, .private = seal->private };
        job->approvals = approval_set_ref(s->approvals);
        int r = service_build_policy(s, seal, &job->policy);
        return r == 0 ? service_seal_index(s, seal->index, &job->index) : r;
}

/* --- beginning ---------------------------------------------------------------------------- */

/* No use is taken for a call that is turned away at the queue. */
static int sign_start(SignJob *job, ErrorDetail *detail) {
        Service *s = job->head.service;

        int r = sign_stop_check(&job->stop, detail);
        if (r == 0)
                r = worker_check(s->worker, job->caller.uid);
        if (r == 0)
                r = uses_take(job, detail);
        if (r == SEAL_E_LIMIT_REACHED)
                service_ledger_refused(s, &job->caller, job->number, r);
        if (r != 0)
                return r;
        r = service_job_submit(&job->head, sign_run, sign_done);
        if (r != 0)
                sign_failed(job, r);
        return r;
}

static void sign_looked(void *userdata, int code, const ErrorDetail *detail, const void *result) {
        SignJob *job = userdata;
        ErrorDetail own = {};

        (void) result;
        if (code != 0 && detail)
                own = *detail;
        code = service_sign_looked(job->head.service, &job->caller, job->number, job->policy.pin,
                                   code, &own);
        if (code == 0)
                code = sign_start(job, &own);
        if (code != 0)
                sign_finish(job, code, &own);
}

static int sign_begin(SignJob *job, int chip, ErrorDetail *detail) {
        if (chip == 0)
                return sign_start(job, detail);
        return service_look(job->head.service, job->caller.uid,
                            (Reply){ .done = sign_looked, .userdata = job });
}

static int sign_prepare(SignJob *job, const Seal *seal, const SignOptions *options, int *ret_chip,
                        ErrorDetail *detail) {
        Service *s = job->head.service;

        job->aim = (SignAim){
                .format = options->format,
                .purpose = options->purpose ? options->purpose : PURPOSE_DOCUMENT_SIGNING,
                .count = options->count,
        };
        if (options->document_name)
                text_copy(job->document_name, sizeof(job->document_name), options->document_name);
        int r = sign_digests(job, seal, options, detail);
        if (r != 0)
                return r;
        r = service_sign_may(s, &job->caller, seal, &job->aim, &job->grant, ret_chip, detail);
        if (r > 0)
                service_ledger_refused(s, &job->caller, seal->number, r);
        if (r == 0 && seal->facts.approver_count > 0) {
                r = error_set(
                        detail, SEAL_E_APPROVAL_REQUIRED,
                        "Seal %s signs what %u of its %zu approvers signed for: RequestUse asks "
                        "them",
                        seal->number, seal->facts.threshold, seal->facts.approver_count);
                service_ledger_refused(s, &job->caller, seal->number, r);
        }
        if (r == 0)
                r = service_pin_for_use(seal, &options->pin, detail);
        job->pin = options->pin;
        /*
         * Without the register's key there is none of the seal: the caller's caller sees to that.
         */
        if (r == 0 && seal->opaque)
                r = SEAL_E_MACHINE_STATE_REFUSED;
        if (r == 0)
                r = sign_fill_format(job, seal, options, detail);
        return r == 0 ? sign_fill(job, seal) : r;
}

int service_seal_sign(Service *service, const Caller *caller, const char *number,
                      const SignOptions *options, Reply reply, ErrorDetail *detail) {
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));
        int chip = 0;

        if (!seal)
                return -ENOMEM;
        int r = service_seal_fetch(service, caller, number, seal, detail);
        if (r != 0)
                return r;
        if (options->count == 0 || options->count > SIGN_MANY_MAX)
                return error_set(detail, SEAL_E_INVALID_ARGS, "1 to %d digests, not %zu",
                                 SIGN_MANY_MAX, options->count);
        SignJob *job = service_job_new(service, sizeof(*job), caller->uid, reply);
        if (!job)
                return -ENOMEM;
        job->caller = *caller;
        sign_enlist(job);
        r = sign_prepare(job, seal, options, &chip, detail);
        if (r == 0)
                r = sign_begin(job, chip, detail);
        if (r != 0) {
                sign_release(job);
                (void) service_job_discard(job);
        }
        return r;
}
