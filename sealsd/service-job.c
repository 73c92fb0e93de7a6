/* SPDX-License-Identifier: Apache-2.0 */
/* What the jobs of a service have in common, from their making to their answer. */
#include <stdlib.h>

#include <openssl/crypto.h>

#include "sealsd/service-internal.h"
#include "tpm/srk.h"

void *service_job_new(Service *service, size_t size, uint32_t uid, Reply reply) {
        ServiceJob *job = calloc(1, size);

        if (!job)
                return NULL;
        job->job.uid = uid;
        job->service = service;
        job->reply = reply;
        job->size = size;
        job->arrows = service->arrows;
        job->authority = service->authority_name;
        job->srk = service->installation.srk;
        if (service->installation.owner_auth_ours)
                job->owner_auth = service->installation.owner_auth;
        return job;
}

int service_job_submit(ServiceJob *job, JobRun run, JobDone done) {
        job->job.run = run;
        job->job.done = done;
        return worker_submit(job->service->worker, &job->job);
}

int service_job_begin(ServiceJob *job, Chip *chip, ErrorDetail *detail) {
        TPM2B_NAME name;

        return tpm_srk_ensure(chip->tpm, job->srk.size > 0 ? &job->srk : NULL,
                              job->owner_auth.set ? &job->owner_auth : NULL, &name, detail);
}

void *service_job_discard(void *job) {
        ServiceJob *j = job;

        if (j) {
                OPENSSL_cleanse(j, j->size);
                free(j);
        }
        return NULL;
}

void service_job_finish(ServiceJob *job, int code, const ErrorDetail *detail, const void *result) {
        if (job->reply.done)
                job->reply.done(job->reply.userdata, code, detail, result);
        (void) service_job_discard(job);
}
