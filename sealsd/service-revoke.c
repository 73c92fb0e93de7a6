/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Revocation: mark (register) → set the bit, then the fence (chip) → say so (register) → announce →
 * have it on the maker's list (service-crl.h) where that can be issued now, else it stays owed.
 * Between mark and bit the daemon refuses already; a bit still owed is set at the next chance.
 */
#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/log.h"
#include "sealsd/service-life.h"
#include "tpm/index.h"
#include "tpm/machine.h"

typedef struct RevokeJob {
        ServiceJob head;
        char number[NUMBER_MAX + 1];
        TpmIndex index;
        unsigned bit;
        unsigned fence_pcr;
        bool unmarked; /* the register could not be written before */
        bool known;    /* caller is who revokes it */
        Caller caller;
        Act act;
        char reason[TEXT_MAX + 1];
} RevokeJob;

static int revoke_run(Job *job, Chip *chip, ErrorDetail *detail) {
        RevokeJob *j = (RevokeJob *) job;
        int r;

        r = service_job_begin(&j->head, chip, detail);
        if (r == 0)
                r = tpm_index_set_bits(chip->tpm, &j->index, UINT64_C(1) << j->bit, detail);
        if (r == SEAL_E_NOT_FOUND) /* the index, not the seal */
                r = SEAL_E_REGISTER_TAMPERED;
        if (r == 0)
                arrow_pass(j->head.arrows, ARROW_REVOKE_BIT_SET);
        /* A session prepared before would sign once more: the fence ends it. */
        if (r == 0)
                r = tpm_fence(chip->tpm, j->fence_pcr, detail);
        if (r == 0)
                arrow_pass(j->head.arrows, ARROW_REVOKE_FENCED);
        return r;
}

/* Mark and event in one; caller NULL: nobody that is known. */
static int revoke_write(Service *service, const Caller *caller, const Act *act, const char *number,
                        const char *reason) {
        const Event event = {
                .code = EVENT_SEAL_REVOKED,
                .caller = caller,
                .seal = number,
                .state = seal_state_name(SEAL_REVOKED),
                .reason = reason,
        };
        int r = store_begin(service->store);

        if (r != 0)
                return r;
        r = store_seal_mark_revoked(service->store, number, act, reason);
        if (r == 0)
                r = store_event(service->store, &event);
        return store_end(service->store, r);
}

static int revoke_mark(Service *service, const Caller *caller, const Act *act, const char *number,
                       const char *reason) {
        int r = revoke_write(service, caller, act, number, reason);
        if (r != 0)
                return r;
        arrow_pass(service->arrows, ARROW_REVOKE_MARKED);
        service_changed(service, "seal", number, seal_state_name(SEAL_REVOKED));
        arrow_pass(service->arrows, ARROW_REVOKE_ANNOUNCED);
        return 0;
}

/* Two may have set the same bit: who revoked, and the daemon at a look meanwhile. One tells. */
static bool is_settled(Store *store, const char *number) {
        SealBrief seal;

        return store_seal_get_brief(store, number, &seal) == 0 && seal.state >= SEAL_REVOKED &&
               !seal.revocation_pending;
}

static int settle_write(Service *service, const Caller *caller, const char *number) {
        const Event event = {
                .code = EVENT_SEAL_REVOCATION_SETTLED,
                .caller = caller,
                .seal = number,
                .state = seal_state_name(SEAL_REVOKED),
        };
        int r = store_begin(service->store);

        if (r != 0)
                return r;
        r = store_seal_settle_revoked(service->store, number);
        if (r == 0)
                r = store_event(service->store, &event);
        return store_end(service->store, r);
}

/*
 * With a disk that was full the bit is set all the same: the register may catch up now, or at a
 * use.
 */
static int revoke_settle(const RevokeJob *job, ErrorDetail *detail) {
        Service *s = job->head.service;
        const Caller *caller = job->known ? &job->caller : NULL;
        int r = 0;

        if (job->unmarked)
                r = revoke_mark(s, caller, &job->act, job->number, job->reason);
        if (r == 0 && !is_settled(s->store, job->number))
                r = settle_write(s, caller, job->number);
        if (r == 0)
                arrow_pass(s->arrows, ARROW_REVOKE_SETTLED);
        if (r != 0) {
                ErrorDetail why = {};

                service_explain(s, r, &why);
                (void) error_set(detail, r,
                                 "The chip refuses seal %s from now on, but that could not be "
                                 "recorded: %s. Then revoke it again",
                                 job->number, error_describe(r, &why));
        }
        return r;
}

static void revoke_owe(Service *service) {
        service->owed = true;
        if (!service->stopping)
                service_look_soon(service);
}

/* The list is on its way to everybody, or is owed: the seal is revoked all the same. */
static void revoke_listed(void *userdata, int code, const ErrorDetail *detail, const void *result) {
        RevokeJob *job = userdata;
        const Service *s = job->head.service;

        (void) code;
        (void) detail;
        (void) result;
        service_job_finish(&job->head, 0, NULL, NULL);
        arrow_pass(s->arrows, ARROW_REVOKE_REPLIED);
}

/* Revoked before: who asks again waits as well for a list that another call, or a failure, left. */
static int revoke_wait(Service *service, const Caller *caller, Reply reply) {
        RevokeJob *job = service_job_new(service, sizeof(*job), caller->uid, reply);

        if (!job)
                return -ENOMEM;
        lists_wait(service, (Reply){ .done = revoke_listed, .userdata = job });
        return 0;
}

static void revoke_done(Job *job, int code, const ErrorDetail *detail) {
        RevokeJob *j = (RevokeJob *) job;
        Service *s = j->head.service;
        ErrorDetail told = {};

        s->revoking -= job->uid == UINT32_MAX;
        if (code == 0) {
                code = revoke_settle(j, &told);
                if (code != 0)
                        revoke_owe(s);
        } else {
                revoke_owe(s);
                (void) error_set(
                        &told, code,
                        "Seal %s is revoked in the register and refused by the daemon, but "
                        "its bit in the chip is not set yet: %s. It is set as soon as the "
                        "chip answers",
                        j->number, error_describe(code, detail));
                log_error("%s", told.text);
        }
        if (code == 0) {
                lists_wait(s, (Reply){ .done = revoke_listed, .userdata = j });
                return;
        }
        service_job_finish(&j->head, code, &told, NULL);
        lists_note(s);
}

/* caller NULL: the daemon itself, for what is owed. */
static int revoke_submit(Service *service, const Caller *caller, const SealBrief *seal,
                         const Act *unmarked, const char *reason, Reply reply) {
        RevokeJob *job = service_job_new(service, sizeof(*job), caller ? caller->uid : UINT32_MAX,
                                         reply);

        if (!job)
                return -ENOMEM;
        job->known = caller != NULL;
        if (caller)
                job->caller = *caller;
        job->unmarked = unmarked != NULL;
        if (unmarked)
                job->act = *unmarked;
        (void) snprintf(job->reason, sizeof(job->reason), "%s", reason);
        memcpy(job->number, seal->number, sizeof(job->number));
        job->bit = seal->bit;
        job->fence_pcr = service->config->fence_pcr;
        int r = service_seal_index(service, seal->index, &job->index);
        if (r == 0)
                r = service_job_submit(&job->head, revoke_run, revoke_done);
        if (r != 0)
                (void) service_job_discard(job);
        return r;
}

/*
 * What only describes the seal is not read: a damaged description must not keep it from revocation.
 */
static int revoke_find(Service *service, const Caller *caller, const char *number, SealBrief *ret,
                       ErrorDetail *detail) {
        bool visible = false;

        int r = service_require_ready(service, detail);
        if (r == 0)
                r = service_seal_visible(service, caller, number, &visible);
        if (r == 0 && !visible)
                r = SEAL_E_NOT_FOUND;
        return r == 0 ? store_seal_get_brief(service->store, number, ret) : r;
}

int service_seal_revoke(Service *service, const Caller *caller, const char *number,
                        const char *reason, Reply reply, ErrorDetail *detail) {
        const Act act = service_act(service, caller);
        const Act *unmarked = NULL;
        SealState next;
        SealBrief seal;

        int r = revoke_find(service, caller, number, &seal, detail);
        if (r != 0)
                return r;
        if (seal.state == SEAL_REVOKED && !seal.revocation_pending)
                return revoke_wait(service, caller, reply);
        if (seal.state != SEAL_REVOKED) {
                r = seal_transition(seal.state, SEAL_REVOKE, &next, detail);
                if (r == 0)
                        r = revoke_mark(service, caller, &act, number, reason);
        }
        if (r == SEAL_E_STORAGE_FAILURE || r == SEAL_E_REGISTER_TAMPERED) {
                unmarked = &act;
                r = 0;
        }
        if (r == 0)
                r = revoke_submit(service, caller, &seal, unmarked, reason, reply);
        if (r != 0)
                revoke_owe(service); /* it may be marked */
        return r;
}

/* The decision stands whatever becomes of the bit, which is owed then. */
int service_revoke_marked(Service *service, const Caller *caller, const char *number, Reply reply) {
        ErrorDetail told = {};
        SealBrief seal;

        arrow_pass(service->arrows, ARROW_REVOKE_MARKED);
        int r = store_seal_get_brief(service->store, number, &seal);
        if (r == 0)
                r = revoke_submit(service, caller, &seal, NULL, "", reply);
        if (r == 0)
                return 0;
        revoke_owe(service);
        (void) error_set(&told, r,
                         "Seal %s is revoked in the register and refused by the daemon; its bit in "
                         "the chip is set as soon as that answers",
                         number);
        reply.done(reply.userdata, r, &told, NULL);
        return 0;
}

static int revoke_again(Service *service, const char *number) {
        SealBrief seal;

        int r = store_seal_get_brief(service->store, number, &seal);
        if (r == 0)
                r = revoke_submit(service, NULL, &seal, NULL, "", (Reply){});
        service->revoking += r == 0;
        return r;
}

/* One batch at a time: the next look at the chip comes back to what this one leaves. */
void service_revoke_pending(Service *service) {
        _cleanup_free_ SealRow *rows = NULL;
        size_t count = 0;

        if (service->revoking > 0)
                return;
        int r = store_seal_list_pending(service->store, &rows, &count);
        service->owed = r != 0 || count > 0;
        for (size_t i = 0; r == 0 && i < count; i++)
                r = revoke_again(service, rows[i].number);
        if (r != 0)
                log_error("revocations that are owed to the chip: %s", error_text(r));
}

void service_revoke_found(Service *service, const char *number) {
        const Act act = service_act(service, NULL);
        SealBrief seal;

        if (store_seal_get_brief(service->store, number, &seal) != 0 || seal.state >= SEAL_REVOKED)
                return;
        service_attention_seal(service, "critical", "register-older-than-chip", number,
                               "Seal %s is revoked in the chip but was not in the register: the "
                               "register was put back to an older copy",
                               number);
        if (revoke_mark(service, NULL, &act, number,
                        "found revoked in the chip; the register was older") != 0)
                log_error("seal %s: the register could not be corrected", number);
}
