/* SPDX-License-Identifier: Apache-2.0 */
/* The machine's state: what it is, and the authority's approval of it. */
#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>

#include "policy/approval.h"
#include "policy/key.h"
#include "policy/ref.h"
#include "sealsd/service-internal.h"
#include "tpm/machine.h"

typedef struct ReadJob {
        ServiceJob head;
        PcrSelection selection;
        ApprovalSet *approvals;
        PcrValues values;
} ReadJob;

static int read_run(Job *job, Chip *chip, ErrorDetail *detail) {
        ReadJob *j = (ReadJob *) job;

        return tpm_pcr_read(chip->tpm, &j->selection, &j->values, detail);
}

static int report_fill(const ReadJob *job, MachineReport *ret, ErrorDetail *detail) {
        const Installation *i = &job->head.service->installation;
        int r;

        ret->profile = i->profile;
        ret->values = job->values;
        ret->approvals = (unsigned) job->approvals->count;
        ret->approved = approval_set_match(job->approvals, &job->values, &ret->differing);
        ret->id = approval_set_id(job->approvals, &job->values);
        ret->retired = approval_set_retired(job->approvals, &job->values) != NULL;
        MachineApproval next = { .values = job->values };
        r = approval_set_place(job->approvals, &next, detail);
        if (r ==
            SEAL_E_CAPACITY_EXHAUSTED) /* nothing can be signed for; ApproveMachineState says why */
                return 0;
        if (r != 0)
                return r;
        ret->policy = next.policy;
        ret->state_index = next.retire.index.handle;
        ret->state_bit = next.retire.bit;
        OPENSSL_cleanse(&next, sizeof(next));
        return policy_ref(REF_PROFILE, i->profile, &ret->ref);
}

static void read_done(Job *job, int code, const ErrorDetail *detail) {
        ReadJob *j = (ReadJob *) job;
        Service *s = j->head.service;
        MachineReport report = {};
        ErrorDetail why = {};

        if (code == 0) {
                code = report_fill(j, &report, &why);
                detail = &why;
        }
        if (code == 0 && s->health.probed && s->health.approved != report.approved)
                service_note_approved(s, report.approved);
        (void) approval_set_unref(j->approvals);
        service_job_finish(&j->head, code, detail, &report);
}

int service_get_machine_state(Service *service, const Caller *caller, Reply reply,
                              ErrorDetail *detail) {
        if (service->installation.phase < INIT_DEFINED)
                return service_require_ready(service, detail);

        ReadJob *job = service_job_new(service, sizeof(*job), caller->uid, reply);
        if (!job)
                return -ENOMEM;
        job->selection = service->installation.pcrs;
        job->approvals = approval_set_ref(service->approvals);
        int r = service_job_submit(&job->head, read_run, read_done);
        if (r != 0) {
                (void) approval_set_unref(job->approvals);
                (void) service_job_discard(job);
        }
        return r;
}

/* --- approving ---------------------------------------------------------------------------- */

typedef struct ApproveJob {
        ServiceJob head;
        Caller by;
        TpmAuthority authority;
        Secret passphrase;
        size_t signature_size;
        uint8_t signature[SIGNATURE_MAX];
        bool predicted;
        uint32_t predicted_mask;
        PcrValues given;
        TPM2B_DIGEST ref;
        ApprovalSet *approvals;
        MachineState state;
} ApproveJob;

/* The values to approve: read, and where the caller predicts, his own. */
static int approve_values(ApproveJob *job, Chip *chip, ErrorDetail *detail) {
        MachineApproval *a = &job->state.approval;
        PcrSelection selection = job->given.selection;
        int r;

        r = tpm_pcr_read(chip->tpm, &selection, &a->values, detail);
        if (r != 0)
                return r;
        for (unsigned i = 0; job->predicted && i < PCR_COUNT; i++)
                if (job->predicted_mask >> i & 1)
                        a->values.values[i] = job->given.values[i];
        return approval_set_place(job->approvals, a, detail);
}

static int approve_signature(ApproveJob *job, Chip *chip, ErrorDetail *detail) {
        MachineApproval *a = &job->state.approval;
        uint8_t buffer[APPROVAL_BYTES_MAX];
        Writer w = writer_over(buffer, sizeof(buffer));
        Bytes der = { job->signature, job->signature_size };

        approval_authorize_bytes(&a->policy, &job->ref, &w);
        Bytes message = { buffer, w.used };
        if (job->authority.resident)
                return tpm_authority_sign(chip->tpm, &job->authority, &job->passphrase, message,
                                          &a->signature, detail);
        int r = signature_verify(&job->authority.public, message, der);
        if (r == SEAL_E_APPROVAL_INVALID)
                return error_set(detail, SEAL_E_APPROVAL_INVALID,
                                 "The signature is not the authority's over this machine state and "
                                 "profile; sign the bytes 'to-sign' of GetMachineState");
        return r == 0 ? signature_from_openssl(&job->authority.public, der, &a->signature) : r;
}

static int approve_run(Job *job, Chip *chip, ErrorDetail *detail) {
        ApproveJob *j = (ApproveJob *) job;
        MachineApproval *a = &j->state.approval;
        int r;

        r = service_job_begin(&j->head, chip, detail);
        if (r == 0)
                r = approve_values(j, chip, detail);
        if (r == 0)
                r = approve_signature(j, chip, detail);
        if (r != 0)
                return r;
        return tpm_authority_ticket(chip->tpm, &j->authority, &a->policy, &j->ref, &a->signature,
                                    &a->ticket, detail);
}

static int approve_keep(ApproveJob *job) {
        Service *s = job->head.service;
        char policy[2 * TPM2_SHA256_DIGEST_SIZE + 1];
        _cleanup_json_ json_t *facts = NULL;
        int r;

        job->state.approved = service_now(s);
        (void) hex_encode(job->state.approval.policy.buffer, TPM2_SHA256_DIGEST_SIZE, policy);
        facts = json_pack("{s:s, s:s, s:b}", "policy", policy, "profile", job->state.profile,
                          "predicted", (int) job->predicted);
        const StateBit *retire = &job->state.approval.retire;
        if (!facts ||
            (retire->index.handle != 0 &&
             (json_object_set_new(facts, "state-index", json_integer(retire->index.handle)) != 0 ||
              json_object_set_new(facts, "bit", json_integer(retire->bit)) != 0)))
                return -ENOMEM;
        const Event event = { .code = EVENT_MACHINE_STATE_APPROVED,
                              .caller = &job->by,
                              .facts = facts };
        r = store_begin(s->store);
        if (r != 0)
                return r;
        r = store_machine_state_add(s->store, &job->state);
        if (r == 0)
                r = store_event(s->store, &event);
        return store_end(s->store, r);
}

static void approve_done(Job *job, int code, const ErrorDetail *detail) {
        ApproveJob *j = (ApproveJob *) job;
        Service *s = j->head.service;

        if (code == 0)
                code = approve_keep(j);
        if (code == 0)
                code = service_reload(s);
        if (code == 0)
                service_probe(s);
        if (code == 0 && !j->predicted)
                service_note_approved(s, true);
        (void) approval_set_unref(j->approvals);
        service_job_finish(&j->head, code, detail, NULL);
}

static int approve_check_predicted(const Installation *installation,
                                   const MachineApproveOptions *options, ErrorDetail *detail) {
        const size_t size = installation->pcrs.bank == TPM2_ALG_SHA384 ? TPM2_SHA384_DIGEST_SIZE
                                                                       : TPM2_SHA256_DIGEST_SIZE;

        if ((options->values_mask & ~installation->pcrs.mask) != 0)
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "predicted names a PCR that the profile does not bind");
        for (unsigned i = 0; i < PCR_COUNT; i++)
                if ((options->values_mask >> i & 1) && options->values.values[i].size != size)
                        return error_set(detail, SEAL_E_INVALID_ARGS,
                                         "predicted: a value of PCR %u has %zu bytes", i, size);
        return 0;
}

static int approve_check(const Service *service, const MachineApproveOptions *options,
                         ErrorDetail *detail) {
        const Installation *i = &service->installation;

        int r = service_require_ready(service, detail);
        if (r != 0)
                return r;
        if (options->profile && strcmp(options->profile, i->profile) != 0)
                return error_set(detail, SEAL_E_NOT_FOUND, "There is one profile, \"%s\"",
                                 i->profile);
        if (i->resident && !options->passphrase.set)
                return error_set(detail, SEAL_E_PIN_REQUIRED,
                                 "The authority lives in the TPM: give its passphrase");
        if (!i->resident && options->signature.size == 0)
                return error_set(detail, SEAL_E_APPROVAL_REQUIRED,
                                 "The authority is external: give its signature over the bytes "
                                 "'to-sign' of GetMachineState");
        if (options->signature.size > SIGNATURE_MAX)
                return SEAL_E_LIMITS_EXCEEDED;
        return options->predicted ? approve_check_predicted(i, options, detail) : 0;
}

static int approve_fill(ApproveJob *job, const Caller *caller,
                        const MachineApproveOptions *options) {
        const Installation *i = &job->head.service->installation;

        job->authority = (TpmAuthority){
                .resident = i->resident,
                .public = i->authority,
                .private = i->authority_private,
        };
        job->passphrase = options->passphrase;
        job->signature_size = options->signature.size;
        if (options->signature.size > 0)
                memcpy(job->signature, options->signature.data, options->signature.size);
        job->predicted = options->predicted;
        job->predicted_mask = options->values_mask;
        job->given = options->values;
        job->given.selection = i->pcrs;
        job->by = *caller;
        job->state.by = caller->subject;
        memcpy(job->state.profile, i->profile, sizeof(job->state.profile));
        return policy_ref(REF_PROFILE, i->profile, &job->ref);
}

int service_approve_machine_state(Service *service, const Caller *caller,
                                  const MachineApproveOptions *options, Reply reply,
                                  ErrorDetail *detail) {
        int r = approve_check(service, options, detail);
        if (r != 0)
                return r;

        ApproveJob *job = service_job_new(service, sizeof(*job), caller->uid, reply);
        if (!job)
                return -ENOMEM;
        r = approve_fill(job, caller, options);
        job->approvals = approval_set_ref(service->approvals);
        if (r == 0)
                r = service_job_submit(&job->head, approve_run, approve_done);
        if (r != 0) {
                (void) approval_set_unref(job->approvals);
                (void) service_job_discard(job);
        }
        return r;
}
