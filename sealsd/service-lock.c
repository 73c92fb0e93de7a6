/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lock: read-lock every revocation index, then the fence (chip) → say so (register) → announce.
 * From the call on the daemon signs nothing; from the fence on the chip does not either, whoever
 * asks it, until TPM Reset or Restart. What was done in part is finished by the next call.
 */
#include "sealsd/service-lock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/log.h"
#include "base/text.h"
#include "sealsd/service-life.h"
#include "sealsd/service-sign.h"
#include "tpm/index.h"
#include "tpm/machine.h"

typedef struct LockJob {
        ServiceJob head;
        Caller caller;
        char reason[TEXT_MAX + 1];
        unsigned fence_pcr;
        size_t count;
        TpmIndex indices[INDICES_MAX];
        size_t locked; /* of them, so far */
} LockJob;

/* --- at the chip -------------------------------------------------------------------------- */

/* One that fails does not keep the others from it. */
static int lock_indices(LockJob *job, Chip *chip, ErrorDetail *detail) {
        int failure = 0;

        job->locked = 0;
        for (size_t i = 0; i < job->count && failure != SEAL_E_TPM_UNAVAILABLE; i++) {
                ErrorDetail why = {};

                int r = tpm_index_read_lock(chip->tpm, &job->indices[i], &why);
                if (r == 0) {
                        job->locked++;
                        arrow_pass(job->head.arrows, ARROW_LOCK_INDEX_LOCKED);
                } else if (failure == 0 || r == SEAL_E_TPM_UNAVAILABLE) {
                        failure = r == SEAL_E_NOT_FOUND ? SEAL_E_REGISTER_TAMPERED : r;
                        (void) error_set(detail, failure, "%s", error_describe(r, &why));
                }
        }
        return failure;
}

static int lock_run(Job *job, Chip *chip, ErrorDetail *detail) {
        LockJob *j = (LockJob *) job;

        int r = service_job_begin(&j->head, chip, detail);
        if (r == 0)
                r = lock_indices(j, chip, detail);
        if (j->locked == 0 || r == SEAL_E_TPM_UNAVAILABLE)
                return r;
        /* A session prepared before would sign once more. */
        int fenced = tpm_fence(chip->tpm, j->fence_pcr, r == 0 ? detail : NULL);
        if (r == 0)
                r = fenced;
        if (r == 0)
                arrow_pass(j->head.arrows, ARROW_LOCK_FENCED);
        return r;
}

/* --- in the register ---------------------------------------------------------------------- */

static int lock_record(LockJob *job, int code) {
        Service *s = job->head.service;
        Event event = {
                .code = EVENT_LOCKED,
                .caller = &job->caller,
                .reason = job->reason,
                .result = code == 0 ? NULL : service_sign_result(code),
        };

        int r = service_event(s, event,
                              json_pack("{sIsI}", "indices", (json_int_t) job->count, "locked",
                                        (json_int_t) job->locked));
        if (r == 0)
                arrow_pass(s->arrows, ARROW_LOCK_RECORDED);
        return r;
}

static void lock_note_part(Service *service, bool in_part) {
        if (in_part && !service->health.locked_in_part)
                service_attention(service, "critical", "locked-in-part", "",
                                  "Not every revocation index is locked: sealsd signs nothing, but "
                                  "who bypasses it can use the seals of the others; lock again");
        service->health.locked_in_part = in_part;
}

/* What was done and what was not, in one sentence. */
static void lock_explain(const LockJob *job, int code, const ErrorDetail *detail,
                         ErrorDetail *told) {
        const char *why = error_describe(code, detail);

        if (job->locked == 0)
                (void) error_set(told, code, "No seal is locked: %s", why);
        else if (job->locked < job->count)
                (void) error_set(
                        told, code,
                        "sealsd signs nothing, but only %zu of %zu revocation indices are "
                        "locked in the chip, where the seals of the others still sign: %s. "
                        "Lock again",
                        job->locked, job->count, why);
        else
                (void) error_set(
                        told, code,
                        "The seals are locked, but a session that somebody prepared before "
                        "may still sign once: %s. Lock again",
                        why);
        log_error("%s", told->text);
}

static int lock_settle(LockJob *job, int code, const ErrorDetail *detail, ErrorDetail *told) {
        Service *s = job->head.service;

        if (code != 0)
                lock_explain(job, code, detail, told);
        if (job->locked == 0)
                return code;
        int r = lock_record(job, code);
        s->lock.known |= r == 0;
        s->health.locked = true;
        lock_note_part(s, job->locked < job->count);
        if (r == 0 || code != 0)
                return code;
        service_explain(s, r, told);
        ErrorDetail why = *told;
        return error_set(told, r,
                         "The chip refuses all seals from now on, but that could not be recorded: "
                         "%s. Then lock again",
                         error_describe(r, &why));
}

static void lock_done(Job *job, int code, const ErrorDetail *detail) {
        LockJob *j = (LockJob *) job;
        Service *s = j->head.service;
        ErrorDetail told = {};

        s->lock.locking--;
        code = lock_settle(j, code, detail, &told);
        service_update_state(s);
        if (code == 0)
                arrow_pass(s->arrows, ARROW_LOCK_ANNOUNCED);
        else if (!s->stopping)
                service_probe(s);
        service_job_finish(&j->head, code, &told, NULL);
        if (code == 0)
                arrow_pass(s->arrows, ARROW_LOCK_REPLIED);
}

/* --- beginning ---------------------------------------------------------------------------- */

static int lock_fill(LockJob *job) {
        Service *s = job->head.service;
        RegisterIndex rows[INDICES_MAX + 1];
        size_t count;

        job->fence_pcr = s->config->fence_pcr;
        int r = service_indices(s, rows, &count);
        for (size_t i = 0; r == 0 && i < count; i++)
                if (rows[i].kind == INDEX_REVOCATION && rows[i].written)
                        service_tpm_index(&s->authority_name, &rows[i],
                                          &job->indices[job->count++]);
        OPENSSL_cleanse(rows, sizeof(rows));
        return r;
}

int service_lock(Service *service, const Caller *caller, const char *reason, Reply reply,
                 ErrorDetail *detail) {
        int r = service_require_ready(service, detail);
        if (r != 0)
                return r;
        LockJob *job = service_job_new(service, sizeof(*job), caller->uid, reply);
        if (!job)
                return -ENOMEM;
        job->caller = *caller;
        text_copy(job->reason, sizeof(job->reason), reason);
        r = lock_fill(job);
        if (r == 0)
                r = service_job_submit(&job->head, lock_run, lock_done);
        if (r != 0) {
                (void) service_job_discard(job);
                return r;
        }
        service->lock.locking++;
        service_sign_review(service, NULL); /* what waits to be signed does not overtake it */
        return 0;
}

/* --- what is found ------------------------------------------------------------------------ */

int lock_start(Service *service) {
        _cleanup_(ledger_parsed_done) LedgerParsed locked = {}, ended = {};

        int r = ledger_newest(service, EVENT_LOCKED, &locked);
        if (r == 0)
                r = ledger_newest(service, EVENT_LOCK_ENDED, &ended);
        service->lock.known = locked.row.seq > ended.row.seq;
        return r;
}

static void lock_note(Service *service, EventCode code, const char *reason) {
        int r = service_event(service, (Event){ .code = code, .reason = reason }, json_object());

        if (r == 0)
                service->lock.known = code == EVENT_LOCKED;
        else
                log_error("the lock as it was found is not in the ledger: %s", error_text(r));
}

void lock_compare(Service *service, const Health *before) {
        Health *now = &service->health;
        bool in_part = now->locked_in_part;

        if (service->lock.locking > 0)
                return;
        if (now->locked && !service->lock.known) {
                service_attention(
                        service, "warning", "locked-found", "",
                        "The seals were found locked in the chip, by somebody who did not "
                        "ask sealsd; they sign after the next boot");
                lock_note(service, EVENT_LOCKED, "found locked in the chip");
        } else if (!now->locked && service->lock.known) {
                lock_note(service, EVENT_LOCK_ENDED, "found unlocked in the chip");
        }
        now->locked_in_part = before->locked_in_part;
        lock_note_part(service, in_part);
        if (now->locked && !before->locked)
                service_sign_review(service, NULL);
}
