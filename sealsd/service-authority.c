/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/service-authority.h"

#include <errno.h>
#include <string.h>

#include "sealsd/service-internal.h"
#include "tpm/machine.h"

typedef struct ProveJob {
        ServiceJob head;
        TpmAuthority authority;
        Secret passphrase;
        size_t size;
        uint8_t bytes[AUTHORITY_BYTES_MAX];
} ProveJob;

static int prove_run(Job *job, Chip *chip, ErrorDetail *detail) {
        ProveJob *j = (ProveJob *) job;
        TPMT_SIGNATURE signature;

        int r = service_job_begin(&j->head, chip, detail);
        if (r == 0)
                r = tpm_authority_sign(chip->tpm, &j->authority, &j->passphrase,
                                       (Bytes){ j->bytes, j->size }, &signature, detail);
        return r;
}

static void prove_done(Job *job, int code, const ErrorDetail *detail) {
        ProveJob *j = (ProveJob *) job;

        service_job_finish(&j->head, code, detail, NULL);
}

int service_authority_prove(Service *service, uint32_t uid, const Secret *passphrase, Bytes bytes,
                            Reply reply, ErrorDetail *detail) {
        const Installation *i = &service->installation;

        if (!passphrase->set)
                return error_set(detail, SEAL_E_PIN_REQUIRED,
                                 "The authority lives in the TPM: give its passphrase");
        if (bytes.size > AUTHORITY_BYTES_MAX)
                return -E2BIG;
        ProveJob *job = service_job_new(service, sizeof(*job), uid, reply);
        if (!job)
                return -ENOMEM;
        job->authority = (TpmAuthority){
                .resident = true,
                .public = i->authority,
                .private = i->authority_private,
        };
        job->passphrase = *passphrase;
        job->size = bytes.size;
        memcpy(job->bytes, bytes.data, bytes.size);
        int r = service_job_submit(&job->head, prove_run, prove_done);
        if (r != 0)
                (void) service_job_discard(job);
        return r;
}
