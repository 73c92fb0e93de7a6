/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/service-maker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/log.h"
#include "base/text.h"
#include "policy/index.h"
#include "sealsd/maker-job.h"
#include "sealsd/service-life.h"

/* A kind's place is its bit of the first revocation index. */
static const char *const kinds[MAKER_KINDS] = { "ecdsa-p256", "sm2" };
_Static_assert(MAKER_KINDS <= MAKER_BITS, "a bit for each");
_Static_assert(MAKER_KINDS <= MAKERS_MAX, "a row for each");

struct MakerWaiter {
        unsigned kind;
        uint32_t uid;
        Reply reply;
        struct MakerWaiter *next;
};

static int makers_submit(Service *service, unsigned kind, const Maker *renewed, uint32_t uid);

/* --- which one -------------------------------------------------------------------------------- */

static unsigned kind_find(const char *algorithm) {
        return strcmp(algorithm, kinds[1]) == 0;
}

/* Of those that the chip has; SM2's without a bit leaves its seals to the other. */
static unsigned kind_for(const Service *service, const char *algorithm) {
        unsigned kind = kind_find(algorithm);

        return service->makers.dead[kind] ? 0 : kind;
}

static bool kind_is_wanted(const Service *service, unsigned kind) {
        return !service->makers.dead[kind] &&
               features_check(service->features, algorithm_find(kinds[kind]), NULL, NULL) == 0;
}

/* Into makers, which has room for MAKERS_MAX: the one of that kind, NULL when there is none. */
static int maker_find(Service *service, unsigned kind, Maker *makers, const Maker **ret) {
        size_t count = 0;

        int r = store_maker_list(service->store, makers, &count);
        *ret = NULL;
        for (size_t i = 0; r == 0 && i < count; i++)
                if (kind_find(makers[i].algorithm) == kind)
                        *ret = &makers[i];
        return r;
}

static int policy_of(const Service *service, const Maker *maker, SealPolicy *ret) {
        TPMS_NV_PUBLIC public;

        *ret = (SealPolicy){ .authority = service->authority_name, .bit = maker->bit };
        memcpy(ret->profile, maker->profile, sizeof(ret->profile));
        memcpy(ret->number, "MAKER", sizeof("MAKER"));
        int r = index_public(INDEX_REVOCATION, maker->index, &service->authority_name, &public);
        return r == 0 ? index_name(&public, true, &ret->index) : r;
}

static int use_certificate(Service *service, const Maker *maker, MakerUse *ret) {
        _cleanup_certificate_ CertificateRecord record = {};

        int r = store_maker_certificate_get(service->store, maker->id, &record);
        if (r != 0)
                return r;
        if (record.der_size > sizeof(ret->certificate))
                return SEAL_E_REGISTER_TAMPERED;
        memcpy(ret->certificate, record.der, record.der_size);
        ret->certificate_size = record.der_size;
        ret->not_before = record.not_before;
        ret->not_after = record.not_after;
        return 0;
}

int makers_use_fill(Service *service, const Maker *maker, MakerUse *ret) {
        *ret = (MakerUse){ .maker = maker->id, .subject_size = maker->subject_size };
        memcpy(ret->algorithm, maker->algorithm, sizeof(ret->algorithm));
        memcpy(ret->subject, maker->subject, maker->subject_size);
        int r = policy_of(service, maker, &ret->policy);
        if (r == 0)
                r = service_seal_index(service, maker->index, &ret->index);
        if (r == 0)
                ret->approvals = approval_set_ref(service->approvals);
        return r;
}

int makers_use_of(Service *service, const Maker *maker, MakerUse *ret) {
        if (maker->opaque)
                return SEAL_E_MACHINE_STATE_REFUSED;
        int r = makers_use_fill(service, maker, ret);
        if (r == 0)
                r = use_certificate(service, maker, ret);
        if (r != 0) {
                maker_use_clear(ret);
                return r;
        }
        ret->key = (SealKey){ .public = maker->public, .private = maker->private };
        return 0;
}

int makers_use(Service *service, const char *algorithm, MakerUse *ret) {
        _cleanup_free_ Maker *makers = calloc(MAKERS_MAX, sizeof(*makers));
        const Maker *maker;

        if (!makers)
                return -ENOMEM;
        int r = maker_find(service, kind_for(service, algorithm), makers, &maker);
        if (r == 0)
                r = maker ? makers_use_of(service, maker, ret) : SEAL_E_NOT_FOUND;
        OPENSSL_cleanse(makers, MAKERS_MAX * sizeof(*makers));
        return r;
}

/* --- who waits -------------------------------------------------------------------------------- */

static void waiters_answer(Service *service, unsigned kind, int code, const ErrorDetail *detail) {
        MakerWaiter **at = &service->makers.waiters;

        while (*at) {
                MakerWaiter *waiter = *at;

                if (waiter->kind != kind) {
                        at = &waiter->next;
                        continue;
                }
                *at = waiter->next;
                waiter->reply.done(waiter->reply.userdata, code, detail, NULL);
                free(waiter);
                at = &service->makers.waiters; /* whoever was answered may wait for another */
        }
}

/* Whoever still waits needs the next job. */
static void waiters_serve(Service *service) {
        MakerWaiter *waiter;

        while ((waiter = service->makers.waiters) && !service->makers.busy) {
                int r = makers_submit(service, waiter->kind, NULL, waiter->uid);
                if (r != 0)
                        waiters_answer(service, waiter->kind, r, NULL);
        }
}

static void maker_failed(const MakerJob *job, int code, const ErrorDetail *detail) {
        Makers *all = &job->head.service->makers;
        const bool before = all->problem[0] != '\0';

        (void) snprintf(all->problem, sizeof(all->problem), "%s", error_describe(code, detail));
        log_warning("the %s maker %s: %s", job->maker.algorithm,
                    job->renews ? "has no new certificate" : "is not made", all->problem);
        if (!before && job->dead)
                service_attention(job->head.service, "critical", "register-older-than-chip", "",
                                  "%s: there was one, whose key is not in the register",
                                  all->problem);
}

static void maker_done(Job *job, int code, const ErrorDetail *detail) {
        MakerJob *j = (MakerJob *) job;
        Service *s = j->head.service;
        ErrorDetail told = *detail;

        s->makers.busy = false;
        s->makers.dead[j->kind] |= j->dead;
        if (code == 0) {
                code = maker_job_keep(j);
                service_explain(s, code, &told);
        }
        if (code == 0)
                s->makers.problem[0] = '\0';
        else if (code != -ECANCELED)
                maker_failed(j, code, &told);
        const unsigned kind = j->kind;
        maker_job_free(j);
        waiters_answer(s, kind, code, &told);
        if (s->stopping)
                return;
        waiters_serve(s);
        if (code != 0) {
                makers_settled(s);
                return;
        }
        lists_tend(s);
        makers_tend(s);
        makers_settled(s);
}

/* --- beginning -------------------------------------------------------------------------------- */

/* renewed NULL: its key is made. */
static int makers_submit(Service *service, unsigned kind, const Maker *renewed, uint32_t uid) {
        MakerJob *job;

        int r = maker_job_new(service, kind, kinds[kind], renewed, uid, &job);
        if (r != 0)
                return r;
        r = service_job_submit(&job->head, maker_job_run, maker_done);
        service->makers.busy = r == 0;
        if (r != 0)
                maker_job_free(job);
        return r;
}

/* Of its own certificate: a seal that is made now would end with it before its time. */
static bool ends_too_soon(Service *service, const Maker *maker) {
        const Config *config = service->config;
        _cleanup_certificate_ CertificateRecord record = {};
        unsigned days = config->validity_days < config->maker.validity_days / 2
                                ? config->validity_days
                                : config->maker.validity_days / 2;

        return store_maker_certificate_get(service->store, maker->id, &record) == 0 &&
               record.issuer == maker->id &&
               record.not_after < service_now(service) + days * USEC_PER_DAY;
}

static void tend_kind(Service *service, unsigned kind, Maker *makers) {
        const Maker *maker;
        int r = maker_find(service, kind, makers, &maker);

        if (r != 0 || (maker && (maker->opaque || !ends_too_soon(service, maker))))
                return;
        (void) makers_submit(service, kind, maker, UINT32_MAX);
}

void makers_tend(Service *service) {
        if (service->installation.phase != INIT_COMPLETE || !service_has_key(service) ||
            !service->health.approved || service_is_locked(service) || service->stopping ||
            service_ledger_why_not(service, NULL) != 0)
                return;
        _cleanup_free_ Maker *makers = calloc(MAKERS_MAX, sizeof(*makers));
        for (unsigned kind = 0; makers && kind < MAKER_KINDS && !service->makers.busy; kind++)
                if (kind_is_wanted(service, kind))
                        tend_kind(service, kind, makers);
        if (makers)
                OPENSSL_cleanse(makers, MAKERS_MAX * sizeof(*makers));
}

int makers_demand(Service *service, const char *algorithm, uint32_t uid, Reply reply) {
        MakerWaiter *waiter = calloc(1, sizeof(*waiter));

        if (!waiter)
                return -ENOMEM;
        *waiter = (MakerWaiter){ .kind = kind_for(service, algorithm), .uid = uid, .reply = reply };
        if (!service->makers.busy) {
                int r = makers_submit(service, waiter->kind, NULL, uid);
                if (r != 0) {
                        free(waiter);
                        return r;
                }
        }
        MakerWaiter **end = &service->makers.waiters;
        while (*end)
                end = &(*end)->next;
        *end = waiter;
        return 0;
}

static int inspect_made(Service *service, const Maker *maker, InspectedMaker *ret) {
        _cleanup_certificate_ CertificateRecord record = {};
        _cleanup_list_ RevocationList list = {};

        int r = store_maker_certificate_get(service->store, maker->id, &record);
        if (r == 0)
                r = store_revocation_list_get(service->store, maker->id, &list);
        if (r != 0)
                return r;
        ret->made = true;
        ret->self = record.issuer == maker->id;
        ret->until = record.not_after;
        ret->owed = list.owed;
        ret->list_until = list.number != 0 ? list.next_update : 0;
        return 0;
}

size_t makers_inspect(Service *service, InspectedMaker ret[static MAKERS_MAX]) {
        _cleanup_free_ Maker *makers = calloc(MAKERS_MAX, sizeof(*makers));
        const Maker *maker;
        size_t count = 0;

        for (unsigned kind = 0; makers && kind < MAKER_KINDS; kind++) {
                int r = maker_find(service, kind, makers, &maker);

                if (r != 0 || (!maker && !kind_is_wanted(service, kind)))
                        continue;
                ret[count] = (InspectedMaker){};
                text_copy(ret[count].algorithm, sizeof(ret[count].algorithm), kinds[kind]);
                if (!maker || inspect_made(service, maker, &ret[count]) == 0)
                        count++;
        }
        if (makers)
                OPENSSL_cleanse(makers, MAKERS_MAX * sizeof(*makers));
        return count;
}

void makers_settle(Service *service, Reply reply) {
        MakerWaiter *waiter = calloc(1, sizeof(*waiter));

        if (!waiter) {
                reply.done(reply.userdata, 0, NULL, NULL);
                return;
        }
        *waiter = (MakerWaiter){ .reply = reply, .next = service->makers.settling };
        service->makers.settling = waiter;
        makers_settled(service);
}

static void settling_answer(Service *service) {
        while (service->makers.settling) {
                MakerWaiter *waiter = service->makers.settling;

                service->makers.settling = waiter->next;
                waiter->reply.done(waiter->reply.userdata, 0, NULL, NULL);
                free(waiter);
        }
}

void makers_settled(Service *service) {
        if (!service->makers.busy && !service->key.asked && !service->lists.running &&
            !service->lists.noted)
                settling_answer(service);
}

void makers_stop(Service *service) {
        settling_answer(service);
        for (unsigned kind = 0; kind < MAKER_KINDS; kind++)
                waiters_answer(service, kind, -ECANCELED, NULL);
}
