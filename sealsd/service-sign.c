/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sign: take a use (register, durable) → satisfy the policy and sign (chip) → answer. Whether the
 * seal may sign is for the chip to say; what is checked here first saves it the trouble and gives
 * a better sentence.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/log.h"
#include "policy/algorithm.h"
#include "policy/key.h"
#include "sealsd/service-internal.h"
#include "tpm/index.h"

typedef struct SignJob {
        ServiceJob head;
        char number[NUMBER_MAX + 1];
        char document_name[TEXT_MAX + 1];
        Subject by;
        uint64_t use;
        SealKey key;
        SealPolicy policy;
        TpmIndex index;
        ApprovalSet *approvals;
        TPMT_SIG_SCHEME scheme;
        TPM2B_DIGEST digest;
        TPMT_SIGNATURE signature;
        bool asked; /* in any run */
} SignJob;

static int sign_run(Job *job, Chip *chip, ErrorDetail *detail) {
        SignJob *j = (SignJob *) job;
        SealUse use = {
                .key = &j->key,
                .policy = &j->policy,
                .index = &j->index,
                .approvals = j->approvals->approvals,
                .approval_count = j->approvals->count,
                .scheme = j->scheme,
                .digest = j->digest,
                .asked = &j->asked,
        };
        size_t approval;
        int r;

        r = service_job_begin(&j->head, chip, detail);
        if (r == 0)
                r = tpm_seal_sign(chip->tpm, &use, &j->signature, &approval, detail);
        return r;
}

/* What a refusal by the chip tells the rest of the daemon. */
static void sign_learn(SignJob *job, int code) {
        Service *s = job->head.service;

        if (s->stopping)
                return;
        switch (code) {
        case 0:
                if (!s->health.approved)
                        service_note_approved(s, true);
                break;
        case SEAL_E_MACHINE_STATE_REFUSED:
                service_note_approved(s, false);
                break;
        case SEAL_E_REVOKED:
                service_revoke_found(s, job->number);
                break;
        case SEAL_E_REGISTER_TAMPERED:
        case SEAL_E_LOCKED:
        case SEAL_E_TPM_FAILURE:
                service_probe(s);
                break;
        default:
                break;
        }
}

/*
 * A use counts from when the chip was asked to sign: its answer may have been lost, or kept by who
 * altered it, and refusals have no HMAC. One that never came so far is given back.
 */
static void sign_failed(const SignJob *job, int code) {
        if (job->asked)
                log_warning("seal %s use %" PRIu64 " by %s: the chip may have signed: %s",
                            job->number, job->use, job->by.text, error_text(code));
        else
                (void) store_use_return(job->head.service->store, job->number, 0, job->use, 1);
}

static void sign_done(Job *job, int code, const ErrorDetail *detail) {
        SignJob *j = (SignJob *) job;
        _cleanup_free_ uint8_t *der = NULL;
        SignResult result = { .use = j->use };

        sign_learn(j, code);
        if (code == 0)
                code = signature_to_openssl(&j->signature, &der, &result.signature.size);
        if (code == 0)
                log_info("seal %s use %" PRIu64 " by %s%s%s", j->number, j->use, j->by.text,
                         j->document_name[0] ? ": " : "", j->document_name);
        else
                sign_failed(j, code);
        result.signature.data = der;
        (void) approval_set_unref(j->approvals);
        service_job_finish(&j->head, code, detail, &result);
}

/* --- checks ------------------------------------------------------------------------------- */

/* The key says what it is; the row's word is only what was applied for. */
static int sign_digest(SignJob *job, const Seal *seal, const SignOptions *options,
                       ErrorDetail *detail) {
        const Algorithm *algorithm = algorithm_of(&seal->public);
        size_t size;

        if (!algorithm)
                return error_set(detail, SEAL_E_UNSUPPORTED,
                                 "The key of seal %s is of an algorithm that this sealsd does not "
                                 "know; a newer one made it",
                                 seal->number);
        int r = algorithm_scheme(algorithm, options->hash, options->scheme, &job->scheme, &size,
                                 detail);
        if (r == 0)
                r = features_check(job->head.service->features, algorithm, &job->scheme, detail);
        if (r != 0)
                return r;
        if (options->digest.size != size)
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "A digest of %s has %zu bytes, this one %zu",
                                 options->hash ? options->hash : algorithm->hash, size,
                                 options->digest.size);
        job->digest.size = (UINT16) size;
        memcpy(job->digest.buffer, options->digest.data, size);
        return 0;
}

static int sign_may(Service *service, const Caller *caller, const Seal *seal,
                    const SignOptions *options, ErrorDetail *detail) {
        const SeparationRule rule = service_separation_rule(service);
        Purpose purpose = options->purpose ? options->purpose : PURPOSE_DOCUMENT_SIGNING;
        SealState same;
        int r;

        r = seal_transition(seal->state, SEAL_SIGN, &same, detail);
        if (r == 0 && !seal_is_keeper(seal, caller))
                r = error_set(detail, SEAL_E_ACCESS_DENIED, "You are not a keeper of seal %s",
                              seal->number);
        if (r == 0)
                r = separation_keep(&rule, seal, caller, detail);
        /* The machine's state is for the chip to judge, now; all else is as WhyNot says. */
        if (r == 0)
                r = service_seal_why_not(service, seal, detail);
        if (r == SEAL_E_MACHINE_STATE_REFUSED || r == SEAL_E_LOCKED ||
            r == SEAL_E_TPM_UNAVAILABLE || r == SEAL_E_TPM_FAILURE) {
                r = 0;
                if (detail)
                        detail->text[0] = '\0';
        }
        if (r ==
            SEAL_E_REGISTER_TAMPERED) /* perhaps it is mended by now: look, for the next call */
                service_probe(service);
        if (r == 0 && !(seal->facts.purposes & purpose))
                r = error_set(detail, SEAL_E_PURPOSE_NOT_ALLOWED,
                              "Seal %s is not for the purpose %s", seal->number,
                              purpose_name(purpose));
        return r;
}

static int sign_fill(SignJob *job, const Seal *seal) {
        Service *s = job->head.service;
        RegisterIndex row;
        int r;

        memcpy(job->number, seal->number, sizeof(job->number));
        job->key = (SealKey){ .public = seal->public, .private = seal->private };
        job->approvals = approval_set_ref(s->approvals);
        r = service_build_policy(s, seal, &job->policy);
        if (r == 0)
                r = store_index_get(s->store, seal->index, &row);
        if (r == SEAL_E_NOT_FOUND)
                return SEAL_E_REGISTER_TAMPERED;
        if (r == 0)
                service_tpm_index(&s->authority_name, &row, &job->index);
        OPENSSL_cleanse(&row, sizeof(row));
        return r;
}

static int sign_start(SignJob *job) {
        Store *store = job->head.service->store;
        int r;

        r = store_use_take(store, job->number, 0, 1, &job->use, NULL);
        if (r != 0)
                return r;
        r = service_job_submit(&job->head, sign_run, sign_done);
        if (r != 0)
                (void) store_use_return(store, job->number, 0, job->use, 1);
        return r;
}

int service_seal_sign(Service *service, const Caller *caller, const char *number,
                      const SignOptions *options, Reply reply, ErrorDetail *detail) {
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));
        int r;

        if (!seal)
                return -ENOMEM;
        r = service_seal_fetch(service, caller, number, seal, detail);
        if (r == 0)
                r = sign_may(service, caller, seal, options, detail);
        if (r != 0)
                return r;
        SignJob *job = service_job_new(service, sizeof(*job), caller->uid, reply);
        if (!job)
                return -ENOMEM;
        job->by = caller->subject;
        if (options->document_name)
                (void) snprintf(job->document_name, sizeof(job->document_name), "%s",
                                options->document_name);
        r = sign_digest(job, seal, options, detail);
        if (r == 0)
                r = sign_fill(job, seal);
        if (r == 0)
                r = sign_start(job);
        if (r != 0) {
                (void) approval_set_unref(job->approvals);
                (void) service_job_discard(job);
        }
        return r;
}
