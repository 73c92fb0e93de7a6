/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other certificates for a key that stays: an approved recertification has the maker certify it
 * anew (chip), then changes the seal and completes the request with it (register); certificates of
 * another authority are checked and taken in.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "format/x509-chain.h"
#include "policy/key.h"
#include "policy/openssl.h"
#include "sealsd/change.h"
#include "sealsd/eseal-issue.h"
#include "sealsd/service-certify.h"
#include "sealsd/service-life.h"
#include "sealsd/service-maker.h"

/* --- recertification -------------------------------------------------------------------------- */

typedef struct RecertifyJob {
        ServiceJob head;
        Caller caller;
        uint64_t request;
        Seal seal; /* as it is to be */
        Certification certification;
} RecertifyJob;

static void recertify_finish(RecertifyJob *job, int code, const ErrorDetail *detail) {
        certification_clear(&job->certification);
        service_job_finish(&job->head, code, detail, code == 0 ? job->seal.number : NULL);
}

static void recertify_failed(RecertifyJob *job, int code, ErrorDetail *detail) {
        service_explain(job->head.service, code, detail);
        service_request_failed(job->head.service, &job->caller, job->request,
                               error_describe(code, detail));
        recertify_finish(job, code, detail);
}

static int recertify_run(Job *job, Chip *chip, ErrorDetail *detail) {
        RecertifyJob *j = (RecertifyJob *) job;

        int r = service_job_begin(&j->head, chip, detail);
        if (r == 0)
                r = certification_run(&j->certification, chip, &j->seal.public, detail);
        if (r == 0)
                arrow_pass(j->head.arrows, ARROW_CERTIFY_SIGNED);
        return r;
}

/* The seal is looked at again: what has changed meanwhile makes the certificate nobody's. */
static int recertify_write(RecertifyJob *job, Request *request, Seal *seal, ErrorDetail *detail) {
        Service *s = job->head.service;

        int r = store_request_get(s->store, job->request, request);
        if (r == 0)
                r = service_execute(s, &job->caller, request, seal, detail);
        return r == 0 ? certification_keep(s, &job->caller, job->seal.number, &job->certification)
                      : r;
}

static int recertify_commit(RecertifyJob *job, Request *request, Seal *seal, ErrorDetail *detail) {
        Store *store = job->head.service->store;
        int r = store_begin(store);

        return r != 0 ? r : store_end(store, recertify_write(job, request, seal, detail));
}

static void recertify_done(Job *job, int code, const ErrorDetail *detail) {
        RecertifyJob *j = (RecertifyJob *) job;
        Service *s = j->head.service;
        _cleanup_free_ Request *request = calloc(1, sizeof(*request));
        _cleanup_free_ Seal *seal = calloc(1, sizeof(*seal));
        ErrorDetail told = *detail;

        if (code == 0 && (!request || !seal))
                code = -ENOMEM;
        if (code == 0)
                code = recertify_commit(j, request, seal, &told);
        if (code != 0) {
                recertify_failed(j, code, &told);
                return;
        }
        arrow_pass(s->arrows, ARROW_CERTIFY_COMMITTED);
        service_changed_request(s, request);
        service_changed_seal(s, seal);
        arrow_pass(s->arrows, ARROW_CERTIFY_ANNOUNCED);
        recertify_finish(j, 0, NULL);
        arrow_pass(s->arrows, ARROW_CERTIFY_REPLIED);
}

/* To the chip, once there is who certifies; SEAL_E_NOT_FOUND while there is nobody. */
static int recertify_submit(RecertifyJob *job, ErrorDetail *detail) {
        certification_clear(&job->certification);
        int r = certification_fill(job->head.service, &job->seal, &job->caller, &job->certification,
                                   detail);
        return r == 0 ? service_job_submit(&job->head, recertify_run, recertify_done) : r;
}

static void recertify_maker_there(void *userdata, int code, const ErrorDetail *detail,
                                  const void *result) {
        RecertifyJob *job = userdata;
        ErrorDetail told = {};

        (void) result;
        if (code == 0)
                code = recertify_submit(job, &told);
        else if (detail)
                told = *detail;
        if (code != 0)
                recertify_failed(job, code, &told);
}

static int recertify_go(RecertifyJob *job, ErrorDetail *detail) {
        int r = recertify_submit(job, detail);

        if (r != SEAL_E_NOT_FOUND)
                return r;
        return makers_demand(job->head.service, job->seal.facts.algorithm, job->caller.uid,
                             (Reply){ .done = recertify_maker_there, .userdata = job });
}

static int recertify_fill(RecertifyJob *job, const Request *request, ErrorDetail *detail) {
        SealState next;

        int r = store_seal_get(job->head.service->store, request->target, &job->seal);
        if (r == 0)
                r = seal_transition(job->seal.state, SEAL_RECERTIFY, &next, detail);
        if (r == 0 && job->seal.opaque) /* what the subject says is not known */
                r = SEAL_E_MACHINE_STATE_REFUSED;
        if (r == 0)
                change_apply(KIND_RECERTIFY, &request->application, &job->seal.facts);
        return r;
}

int service_recertify_for(Service *service, const Caller *caller, const Request *request,
                          Reply reply, ErrorDetail *detail) {
        RecertifyJob *job = service_job_new(service, sizeof(*job), caller->uid, reply);

        if (!job)
                return -ENOMEM;
        job->caller = *caller;
        job->request = request->id;
        int r = recertify_fill(job, request, detail);
        if (r == 0)
                r = recertify_go(job, detail);
        if (r != 0) {
                certification_clear(&job->certification);
                (void) service_job_discard(job);
        }
        return r;
}

/* --- certificates of another authority -------------------------------------------------------- */

static int set_check(Service *service, const Seal *seal, const Bytes *chain, size_t count,
                     X509 **ret_leaf, ErrorDetail *detail) {
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;

        if (count == 0)
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "Give the seal's certificate first, then those above it");
        int r = public_to_pkey(&seal->public, &key);
        if (r == 0)
                r = x509_chain_check(chain, count, key, X509_USE_SEAL, service_now(service),
                                     detail);
        return r == 0 ? x509_read(chain[0], ret_leaf, detail) : r;
}

static int set_write(Service *service, const Caller *caller, const Seal *seal,
                     const CertificateRecord *record) {
        int r = store_begin(service->store);

        if (r != 0)
                return r;
        r = store_seal_certificate_add(service->store, seal->number, record);
        if (r == 0)
                r = service_event_certificate(service, EVENT_CERTIFICATES_SET, caller, NULL,
                                              seal->number, record);
        return store_end(service->store, r);
}

/* Of a seal with a picture: its structure is made out to the new certificate, by the maker. */
typedef struct SetJob {
        ServiceJob head;
        Caller caller;
        Seal seal;
        MakerUse maker;
        ESealIssue issue;
        CertificateRecord record;
} SetJob;

static void set_free(SetJob *job) {
        eseal_issue_clear(&job->issue);
        certificate_record_free(&job->record);
        maker_use_clear(&job->maker);
        (void) service_job_discard(job);
}

static int set_run(Job *job, Chip *chip, ErrorDetail *detail) {
        SetJob *j = (SetJob *) job;

        int r = service_job_begin(&j->head, chip, detail);
        return r == 0 ? eseal_issue_run(&j->issue, &j->maker, chip, &j->record, detail) : r;
}

/* What became of the seal meanwhile counts. */
static int set_keep(SetJob *job, ErrorDetail *detail) {
        Service *s = job->head.service;
        SealState next;

        int r = store_seal_get(s->store, job->seal.number, &job->seal);
        if (r == 0)
                r = seal_transition(job->seal.state, SEAL_RECERTIFY, &next, detail);
        return r == 0 ? set_write(s, &job->caller, &job->seal, &job->record) : r;
}

static void set_done(Job *job, int code, const ErrorDetail *detail) {
        SetJob *j = (SetJob *) job;
        Service *s = j->head.service;
        ErrorDetail told = *detail;

        if (code == 0) {
                code = set_keep(j, &told);
                service_explain(s, code, &told);
        }
        if (code == 0)
                service_changed_seal(s, &j->seal);
        if (j->head.reply.done)
                j->head.reply.done(j->head.reply.userdata, code, &told, NULL);
        set_free(j);
}

/* Takes the record over. */
static int set_structure(Service *service, const Caller *caller, const Seal *seal,
                         CertificateRecord *record, Reply reply) {
        SetJob *job = service_job_new(service, sizeof(*job), caller->uid, reply);

        if (!job)
                return -ENOMEM;
        job->caller = *caller;
        job->seal = *seal;
        int r = seal->opaque ? SEAL_E_MACHINE_STATE_REFUSED
                             : eseal_issue_fill(service, seal, &job->issue);
        if (r == 0)
                r = makers_use(service, seal->facts.algorithm, &job->maker);
        job->record = *record;
        *record = (CertificateRecord){};
        if (r == 0)
                r = service_job_submit(&job->head, set_run, set_done);
        if (r != 0)
                set_free(job);
        return r;
}

int service_seal_set_certificates(Service *service, const Caller *caller, const char *number,
                                  const Bytes *chain, size_t count, Reply reply,
                                  ErrorDetail *detail) {
        _cleanup_certificate_ CertificateRecord record = { .by = service_act(service, caller) };
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));
        _cleanup_(X509_freep) X509 *leaf = NULL;
        SealState next;

        if (!seal)
                return -ENOMEM;
        int r = service_seal_fetch(service, caller, number, seal, detail);
        if (r == 0)
                r = service_require_sound(service, detail);
        if (r == 0)
                r = seal_transition(seal->state, SEAL_RECERTIFY, &next, detail);
        if (r == 0)
                r = set_check(service, seal, chain, count, &leaf, detail);
        if (r == 0)
                r = certificate_record_of(chain, count, leaf, &record);
        if (r == 0 && (seal->opaque || seal->facts.picture.type[0] != '\0'))
                return set_structure(service, caller, seal, &record, reply);
        if (r == 0)
                r = set_write(service, caller, seal, &record);
        if (r != 0)
                return r;
        service_changed_seal(service, seal);
        reply.done(reply.userdata, 0, NULL, NULL);
        return 0;
}
