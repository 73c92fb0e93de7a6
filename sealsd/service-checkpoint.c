/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/service-checkpoint.h"

#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>
#include <tss2/tss2_mu.h>

#include "base/log.h"
#include "format/ledger-export.h"
#include "policy/attest.h"
#include "sealsd/service-internal.h"
#include "tpm/attestation.h"

#define CANDIDATES 8 /* checkpoints that a start looks at, newest first */

typedef struct CheckpointJob {
        ServiceJob head;
        AnchorWaiter waiter;
        TpmIndex index;
        TPM2B_NAME name; /* of the written index */
        LedgerAnchor anchor;
        TPM2B_DATA qualifying;
        TPM2B_PUBLIC ak;
        TPM2B_ATTEST attest;
        TPMT_SIGNATURE signature;
} CheckpointJob;

/* --- judging ---------------------------------------------------------------------------------- */

static int written_name(const TpmIndex *index, TPM2B_NAME *ret) {
        TPMS_NV_PUBLIC public;

        int r = index_public(index->kind, index->handle, &index->authority, &public);
        return r == 0 ? index_name(&public, true, ret) : r;
}

static int judge(const TPM2B_PUBLIC *ak, const TPM2B_NAME *index, const LedgerCheckpoint *row,
                 const uint8_t *value, ErrorDetail *detail) {
        uint8_t key[sizeof(*ak)];
        size_t used = 0;
        AttestWanted wanted = { .index = *index, .contents = value };
        IndexAttested attested;

        if (Tss2_MU_TPM2B_PUBLIC_Marshal(ak, key, sizeof(key), &used) != TSS2_RC_SUCCESS)
                return -EINVAL;
        const AttestProof proof = {
                .attest = { row->attest, row->attest_size },
                .signature = { row->signature, row->signature_size },
                .key = { key, used },
        };
        int r = ledger_head_qualifying(row->seq, row->head, &wanted.extra);
        return r == 0 ? attest_index_verify(&proof, &wanted, &attested, detail) : r;
}

/* --- making one ------------------------------------------------------------------------------- */

static int checkpoint_run(Job *job, Chip *chip, ErrorDetail *detail) {
        CheckpointJob *j = (CheckpointJob *) job;
        int r;

        r = service_job_begin(&j->head, chip, detail);
        if (r == 0 && j->ak.size == 0)
                r = tpm_ak_public(chip->tpm, &j->ak, detail);
        if (r == 0)
                r = tpm_index_certify(chip->tpm, &j->index, &j->qualifying, &j->attest,
                                      &j->signature, detail);
        return r;
}

static int row_fill(const CheckpointJob *job, LedgerCheckpoint *ret) {
        size_t used = 0;

        *ret = (LedgerCheckpoint){
                .seq = job->anchor.seq,
                .anchor = job->anchor.id,
                .time = service_now(job->head.service),
        };
        memcpy(ret->head, job->anchor.head, sizeof(ret->head));
        if (job->attest.size > sizeof(ret->attest) ||
            Tss2_MU_TPMT_SIGNATURE_Marshal(&job->signature, ret->signature, sizeof(ret->signature),
                                           &used) != TSS2_RC_SUCCESS)
                return -EINVAL;
        memcpy(ret->attest, job->attest.attestationData, job->attest.size);
        ret->attest_size = job->attest.size;
        ret->signature_size = used;
        return 0;
}

static void checkpoint_note(Service *service, const LedgerCheckpoint *row, const uint8_t *value) {
        Checkpoints *c = &service->checkpoints;

        c->seq = row->seq;
        c->time = row->time;
        memcpy(c->head, row->head, sizeof(c->head));
        memcpy(c->value, value, sizeof(c->value));
}

/* The value may be another by now; then it is no checkpoint, and the next one will be. */
static int checkpoint_keep(const CheckpointJob *job, LedgerCheckpoint *row, ErrorDetail *detail) {
        Service *s = job->head.service;

        int r = row_fill(job, row);
        if (r == 0)
                r = judge(&job->ak, &job->name, row, job->anchor.value, detail);
        if (r == 0)
                r = store_checkpoint_add(s->store, row);
        if (r != 0)
                return r;
        s->checkpoints.ak = job->ak;
        checkpoint_note(s, row, job->anchor.value);
        return 0;
}

/*
 * A chip whose endorsement hierarchy is closed to us makes none, ever: the start verifies it all.
 */
static void tell_refusal(Service *service, int code, const ErrorDetail *detail) {
        bool lasting = code == SEAL_E_PIN_REQUIRED || code == SEAL_E_UNSUPPORTED;

        if (code == 0 || code == -ECANCELED || (lasting && service->checkpoints.refused))
                return;
        service->checkpoints.refused |= lasting;
        log_warning("no checkpoint of the ledger: %s", error_describe(code, detail));
}

static void checkpoint_end(CheckpointJob *job, int code, const ErrorDetail *detail,
                           const LedgerCheckpoint *row) {
        Service *s = job->head.service;
        const Checkpoint result = { row, &job->ak };

        s->checkpoints.running = false;
        tell_refusal(s, code, detail);
        service_job_finish(&job->head, code, detail, &result);
}

static void checkpoint_done(Job *job, int code, const ErrorDetail *detail) {
        CheckpointJob *j = (CheckpointJob *) job;
        LedgerCheckpoint row;
        ErrorDetail why = *detail;

        if (code == 0)
                code = checkpoint_keep(j, &row, &why);
        checkpoint_end(j, code, &why, &row);
}

static int checkpoint_submit(CheckpointJob *job) {
        Service *s = job->head.service;

        job->anchor = s->anchoring.last;
        job->ak = s->checkpoints.ak;
        int r = ledger_head_qualifying(job->anchor.seq, job->anchor.head, &job->qualifying);
        if (r == 0)
                r = anchor_index(s, &job->index);
        if (r == 0)
                r = written_name(&job->index, &job->name);
        return r == 0 ? service_job_submit(&job->head, checkpoint_run, checkpoint_done) : r;
}

static void anchored(void *userdata, int code, const ErrorDetail *detail) {
        CheckpointJob *job = userdata;

        if (code == 0)
                code = checkpoint_submit(job);
        if (code != 0)
                checkpoint_end(job, code, detail, NULL);
}

int service_checkpoint(Service *service, Reply reply) {
        int r = service_require_ready(service, NULL);

        if (r != 0)
                return r;
        CheckpointJob *job = service_job_new(service, sizeof(*job), UINT32_MAX, reply);
        if (!job)
                return -ENOMEM;
        service->checkpoints.running = true;
        job->waiter = (AnchorWaiter){ .done = anchored, .userdata = job };
        anchor_all(service, &job->waiter);
        return 0;
}

void checkpoint_wish(Service *service) {
        const Checkpoints *c = &service->checkpoints;

        if (c->running || c->refused || service->stopping ||
            service->anchoring.last.seq < c->seq + CHECKPOINT_ROWS)
                return;
        (void) service_checkpoint(service, (Reply){});
}

/* --- the last good one ------------------------------------------------------------------------ */

typedef struct SeekJob {
        ServiceJob head;
        TPM2B_NAME name;
        TPM2B_PUBLIC ak;
} SeekJob;

static int seek_run(Job *job, Chip *chip, ErrorDetail *detail) {
        SeekJob *j = (SeekJob *) job;

        int r = service_job_begin(&j->head, chip, detail);
        return r == 0 ? tpm_ak_public(chip->tpm, &j->ak, detail) : r;
}

/* Signed for the value of a marked anchor of that row, whose id it names. */
static int seek_judge(const SeekJob *job, const LedgerCheckpoint *row, uint8_t *ret_value) {
        LedgerAnchor anchor;
        ErrorDetail why = {};

        int r = store_anchor_get(job->head.service->store, row->anchor, &anchor);
        if (r == 0 && (!anchor.done || anchor.seq != row->seq ||
                       memcmp(anchor.head, row->head, sizeof(anchor.head)) != 0))
                r = SEAL_E_REGISTER_TAMPERED;
        if (r == 0)
                r = judge(&job->ak, &job->name, row, anchor.value, &why);
        if (r != 0) {
                log_warning("the checkpoint at row %" PRIu64 " of the ledger does not count: %s",
                            row->seq, error_describe(r, &why));
                return r;
        }
        memcpy(ret_value, anchor.value, sizeof(anchor.value));
        return 0;
}

static void seek_done(Job *job, int code, const ErrorDetail *detail) {
        SeekJob *j = (SeekJob *) job;
        Service *s = j->head.service;
        LedgerCheckpoint rows[CANDIDATES];
        uint8_t value[LEDGER_HASH_SIZE];
        size_t count = 0;

        tell_refusal(s, code, detail);
        if (code == 0) {
                s->checkpoints.ak = j->ak;
                code = store_checkpoint_list(s->store, CANDIDATES, rows, &count);
        }
        for (size_t i = 0; code == 0 && i < count; i++)
                if (seek_judge(j, &rows[i], value) == 0) {
                        checkpoint_note(s, &rows[i], value);
                        break;
                }
        service_job_finish(&j->head, 0, NULL, NULL);
}

int checkpoint_seek(Service *service, Reply reply) {
        SeekJob *job = service_job_new(service, sizeof(*job), UINT32_MAX, reply);
        TpmIndex index = {};

        if (!job)
                return -ENOMEM;
        int r = anchor_index(service, &index);
        if (r == 0)
                r = written_name(&index, &job->name);
        OPENSSL_cleanse(&index, sizeof(index));
        if (r == 0)
                r = service_job_submit(&job->head, seek_run, seek_done);
        if (r != 0)
                (void) service_job_discard(job);
        return r;
}
