/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Revocation: mark (register) → set the bit, then the fence (chip) → say so (register) → announce.
 * Between mark and bit the daemon refuses already; a bit still owed is set at the next chance.
 */
#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/log.h"
#include "sealsd/service-internal.h"
#include "tpm/index.h"
#include "tpm/machine.h"

typedef struct RevokeJob {
        ServiceJob head;
        char number[NUMBER_MAX + 1];
        TpmIndex index;
        unsigned bit;
        unsigned fence_pcr;
} RevokeJob;

static int revoke_run(Job *job, Chip *chip, ErrorDetail *detail) {
        RevokeJob *j = (RevokeJob *) job;
        int r;

        r = service_job_begin(&j->head, chip, detail);
        if (r == 0)
                r = tpm_index_set_bits(chip->tpm, &j->index, UINT64_C(1) << j->bit, detail);
        if (r == SEAL_E_NOT_FOUND) /* the index, not the seal */
                r = SEAL_E_REGISTER_TAMPERED;
        /* A session prepared before would sign once more: the fence ends it. */
        if (r == 0)
                r = tpm_fence(chip->tpm, j->fence_pcr, detail);
        return r;
}

static int revoke_settle(RevokeJob *job) {
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));
        Service *s = job->head.service;
        int r;

        if (!seal)
                return -ENOMEM;
        r = store_seal_get(s->store, job->number, seal);
        if (r != 0)
                return r;
        seal->revocation_pending = false;
        return store_seal_update(s->store, seal);
}

static void revoke_done(Job *job, int code, const ErrorDetail *detail) {
        RevokeJob *j = (RevokeJob *) job;
        ErrorDetail told = {};

        if (code == 0) {
                code = revoke_settle(j);
        } else {
                (void) error_set(
                        &told, code,
                        "Seal %s is revoked in the register and refused by the daemon, but "
                        "its bit in the chip is not set yet: %s. It is set as soon as the "
                        "chip answers",
                        j->number, error_describe(code, detail));
                log_error("%s", told.text);
        }
        service_job_finish(&j->head, code, &told, NULL);
}

static int revoke_submit(Service *service, const Seal *seal, uint32_t uid, Reply reply) {
        RevokeJob *job = service_job_new(service, sizeof(*job), uid, reply);
        RegisterIndex row = {};
        int r;

        if (!job)
                return -ENOMEM;
        memcpy(job->number, seal->number, sizeof(job->number));
        job->bit = seal->bit;
        job->fence_pcr = service->config->fence_pcr;
        r = store_index_get(service->store, seal->index, &row);
        if (r == 0)
                r = service_tpm_index(service, &row, &job->index);
        OPENSSL_cleanse(&row, sizeof(row));
        if (r == 0)
                r = service_job_submit(&job->head, revoke_run, revoke_done);
        if (r != 0)
                (void) service_job_discard(job);
        return r;
}

static int revoke_mark(Service *service, const Subject *by, const char *reason, Seal *seal) {
        seal->state = SEAL_REVOKED;
        seal->revocation_pending = true;
        seal->revoked = (Act){ .by = *by, .time = service_now(service) };
        (void) snprintf(seal->revocation_reason, sizeof(seal->revocation_reason), "%s", reason);
        int r = store_seal_update(service->store, seal);
        if (r == 0)
                service_changed_seal(service, seal);
        return r;
}

int service_seal_revoke(Service *service, const Caller *caller, const char *number,
                        const char *reason, Reply reply, ErrorDetail *detail) {
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));
        SealState next;
        int r;

        if (!seal)
                return -ENOMEM;
        r = service_seal_fetch(service, caller, number, seal, detail);
        if (r != 0)
                return r;
        if (seal->state == SEAL_REVOKED && !seal->revocation_pending) {
                reply.done(reply.userdata, 0, NULL, NULL);
                return 0;
        }
        if (seal->state != SEAL_REVOKED) {
                r = seal_transition(seal->state, SEAL_REVOKE, &next, detail);
                if (r == 0)
                        r = revoke_mark(service, &caller->subject, reason, seal);
        }
        return r == 0 ? revoke_submit(service, seal, caller->uid, reply) : r;
}

void service_revoke_pending(Service *service) {
        _cleanup_free_ SealRow *rows = NULL;
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));
        size_t count = 0;
        int r = -ENOMEM;

        if (seal)
                r = store_seal_list_pending(service->store, &rows, &count);
        for (size_t i = 0; r == 0 && i < count; i++) {
                r = store_seal_get(service->store, rows[i].number, seal);
                if (r == 0)
                        r = revoke_submit(service, seal, UINT32_MAX, (Reply){});
        }
        if (r != 0)
                log_error("revocations that are owed to the chip: %s", error_text(r));
}

void service_revoke_found(Service *service, const char *number) {
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));
        const Subject nobody = { .text = "" };

        if (!seal || store_seal_get(service->store, number, seal) != 0 ||
            seal->state == SEAL_REVOKED)
                return;
        service_attention(
                service, "critical", "register-older-than-chip", number,
                "Seal %s is revoked in the chip but was not in the register: the register "
                "was put back to an older copy",
                number);
        if (revoke_mark(service, &nobody, "found revoked in the chip; the register was older",
                        seal) != 0)
                log_error("seal %s: the register could not be corrected", number);
}
