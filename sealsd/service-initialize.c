/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Initialize, in steps that each end in a commit, so that an interruption anywhere is followed by
 * the same call again:
 *
 *   inspect    (chip) what authorisations are set; free handles           nothing is changed
 *   plan       (register) options, secrets, handles: phase STARTED        before the chip changes
 *   provision  (chip) SRK, lockout auth, owner auth, resident authority
 *   keep       (register) the SRK's Name, the authority
 *   define     (chip) the NV indices
 *   defined    (register) phase DEFINED
 *   answers    resident: one job per signature; external: challenges are offered
 *   complete   (register) phase COMPLETE
 */
#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/log.h"
#include "policy/approval.h"
#include "policy/key.h"
#include "policy/ref.h"
#include "sealsd/service-index.h"
#include "sealsd/service-initialize.h"
#include "tpm/machine.h"
#include "tpm/srk.h"

/* --- the end ------------------------------------------------------------------------------ */

static void init_end(InitOperation *op, int code, const ErrorDetail *detail,
                     const InitReport *report) {
        char *escrow_pem = op->escrow_pem;
        uint8_t *envelope = op->envelope; /* the report points into it */

        op->head.service->initializing = false;
        (void) approval_set_unref(op->approvals);
        service_job_finish(&op->head, code, detail, report);
        free(escrow_pem);
        free(envelope);
}

static void report_fill(const InitOperation *op, InitReport *ret) {
        const Service *s = op->head.service;

        *ret = (InitReport){
                .state = s->state,
                .separation = op->plan.separation,
                .resident = op->plan.resident,
                .authority_name = s->authority_name,
                .capacity = op->plan.capacity,
                .lockout_auth = op->plan.lockout_auth_taken ? "taken" : "set",
                .owner_auth = op->plan.owner_auth_ours         ? "set"
                              : op->hierarchies.owner_auth_set ? "unchanged"
                                                               : "empty",
                .escrowed = { op->envelope, op->envelope_size },
                .challenges = !op->plan.resident, /* of the machine's state */
        };
        for (size_t i = 0; i < op->index_count; i++) {
                if (op->indices[i].kind == INDEX_LEDGER)
                        ret->ledger_index = op->indices[i].handle;
                else if (op->indices[i].kind == INDEX_STATE)
                        ret->state_index = op->indices[i].handle;
                else
                        ret->indices[ret->index_count++] = op->indices[i].handle;
                ret->challenges += !op->plan.resident && !op->indices[i].written;
        }
}

static void init_report(InitOperation *op) {
        const ArrowObserver *arrows = op->head.arrows;
        InitReport report;

        report_fill(op, &report);
        init_end(op, 0, NULL, &report);
        arrow_pass(arrows, ARROW_INIT_REPLIED);
}

/* Submit the next step, or end. */
static void init_next(InitOperation *op, JobRun run, JobDone done) {
        int r = service_job_submit(&op->head, run, done);

        if (r != 0)
                init_end(op, r, NULL, NULL);
}

/* --- answers ------------------------------------------------------------------------------ */

static int resident_approve(InitOperation *op, Chip *chip, const TpmAuthority *authority,
                            ErrorDetail *detail) {
        MachineApproval *a = &op->state.approval;
        uint8_t buffer[APPROVAL_BYTES_MAX];
        Writer w = writer_over(buffer, sizeof(buffer));
        TPM2B_DIGEST ref;
        int r;

        r = tpm_pcr_read(chip->tpm, &op->plan.pcrs, &a->values, detail);
        if (r == 0)
                r = approval_set_place(op->approvals, a, detail);
        if (r == 0)
                r = policy_ref(REF_PROFILE, op->plan.profile, &ref);
        if (r != 0)
                return r;
        approval_authorize_bytes(&a->policy, &ref, &w);
        r = tpm_authority_sign(chip->tpm, authority, &op->passphrase, (Bytes){ buffer, w.used },
                               &a->signature, detail);
        if (r != 0)
                return r;
        return tpm_authority_ticket(chip->tpm, authority, &a->policy, &ref, &a->signature,
                                    &a->ticket, detail);
}

/* The indices first, the machine's state last. */
static Arrow resident_arrow(const InitOperation *op, Arrow index, Arrow state) {
        return op->step < op->index_count ? index : state;
}

static int resident_run(Job *job, Chip *chip, ErrorDetail *detail) {
        InitOperation *op = (InitOperation *) job;
        TpmAuthority authority = {
                .resident = true,
                .public = op->plan.authority,
                .private = op->plan.authority_private,
        };
        int r;

        r = service_job_begin(&op->head, chip, detail);
        if (r != 0)
                return r;
        if (op->step < op->index_count && op->indices[op->step].written)
                return 0;
        if (op->step < op->index_count)
                r = index_write_resident(&op->head, chip, &authority, &op->passphrase,
                                         &op->indices[op->step], detail);
        else
                r = resident_approve(op, chip, &authority, detail);
        if (r == 0)
                arrow_pass(op->head.arrows,
                           resident_arrow(op, ARROW_INIT_INDEX_WRITTEN, ARROW_INIT_STATE_APPROVED));
        return r;
}

static int resident_keep(InitOperation *op) {
        Service *s = op->head.service;

        if (op->step < op->index_count) {
                op->indices[op->step].written = true;
                return store_index_mark_written(s->store, op->indices[op->step].handle);
        }
        op->state.approved = service_now(s);
        op->state.by = op->by.subject;
        memcpy(op->state.profile, op->plan.profile, sizeof(op->state.profile));
        return store_machine_state_add(s->store, &op->state);
}

static void init_progress(const InitOperation *op) {
        const Service *s = op->head.service;

        if (s->observer.progress && !s->stopping)
                s->observer.progress(s->observer.userdata, "initialize", op->step,
                                     op->index_count + 1);
}

static void init_settled(void *userdata, int code, const ErrorDetail *detail, const void *result) {
        (void) code;
        (void) detail;
        (void) result;
        init_report(userdata);
}

static void resident_done(Job *job, int code, const ErrorDetail *detail) {
        InitOperation *op = (InitOperation *) job;

        if (code == 0)
                code = resident_keep(op);
        if (code != 0) {
                init_end(op, code, detail, NULL);
                return;
        }
        arrow_pass(op->head.arrows,
                   resident_arrow(op, ARROW_INIT_WRITE_KEPT, ARROW_INIT_APPROVAL_KEPT));
        op->step++;
        init_progress(op);
        if (op->step <= op->index_count) {
                init_next(op, resident_run, resident_done);
                return;
        }
        code = service_initialize_try_complete(op->head.service, &op->by);
        if (code != 0)
                init_end(op, code, NULL, NULL);
        else
                makers_settle(op->head.service, (Reply){ .done = init_settled, .userdata = op });
}

/* The first challenges are on offer: the external authority can begin. */
static void offered_done(void *userdata, int code, const ErrorDetail *detail, const void *result) {
        InitOperation *op = userdata;

        (void) result;
        if (code != 0) {
                init_end(op, code, detail, NULL);
                return;
        }
        arrow_pass(op->head.arrows, ARROW_INIT_OFFERED);
        init_report(op);
}

static void init_answers(InitOperation *op) {
        ErrorDetail detail = {};

        if (op->plan.resident) {
                op->approvals = approval_set_ref(op->head.service->approvals);
                init_next(op, resident_run, resident_done);
                return;
        }
        int r = service_list_challenges(op->head.service, &op->by,
                                        (Reply){ .done = offered_done, .userdata = op }, &detail);
        if (r != 0)
                init_end(op, r, &detail, NULL);
}

/* --- define ------------------------------------------------------------------------------- */

static const Secret *init_owner(const InitOperation *op) {
        if (op->plan.owner_auth_ours)
                return &op->plan.owner_auth;
        return op->given_owner.set ? &op->given_owner : NULL;
}

static int define_run(Job *job, Chip *chip, ErrorDetail *detail) {
        InitOperation *op = (InitOperation *) job;
        int r;

        /* What an earlier try offered was for its authority, indices and PCRs. */
        challenges_clear(chip->challenges);
        r = service_job_begin(&op->head, chip, detail);
        for (size_t i = 0; r == 0 && i < op->index_count; i++)
                r = index_define(&op->head, chip, &op->indices[i], init_owner(op), detail);
        /* Anew by every try: it is bound to the authority and the profile. */
        if (r == 0)
                r = key_seal(&op->head, chip, op->plan.profile, &op->plan.register_public,
                             &op->plan.register_private, NULL, detail);
        return r;
}

static int define_keep(InitOperation *op) {
        Store *store = op->head.service->store;

        int r = store_begin(store);
        if (r != 0)
                return r;
        for (size_t i = 0; r == 0 && i < op->index_count; i++)
                if (op->indices[i].written)
                        r = store_index_mark_written(store, op->indices[i].handle);
        op->plan.phase = INIT_DEFINED;
        if (r == 0)
                r = store_installation_save(store, &op->plan);
        r = store_end(store, r);
        return r == 0 ? service_reload(op->head.service) : r;
}

static void define_done(Job *job, int code, const ErrorDetail *detail) {
        InitOperation *op = (InitOperation *) job;

        if (code == 0)
                code = define_keep(op);
        if (code != 0) {
                init_end(op, code, detail, NULL);
                return;
        }
        arrow_pass(op->head.arrows, ARROW_INIT_DEFINED);
        init_answers(op);
}

/* --- provision ---------------------------------------------------------------------------- */

static int provision_lockout(InitOperation *op, Chip *chip, ErrorDetail *detail) {
        if (!op->hierarchies.lockout_auth_set)
                return tpm_hierarchy_set_auth(chip->tpm, TPM_LOCKOUT, NULL, &op->plan.lockout_auth,
                                              detail);
        return tpm_hierarchy_check_auth(chip->tpm, TPM_LOCKOUT, &op->plan.lockout_auth, detail);
}

static int provision_owner(InitOperation *op, Chip *chip, ErrorDetail *detail) {
        const Secret *old = op->plan.owner_auth_old.set ? &op->plan.owner_auth_old : NULL;

        if (!op->plan.owner_auth_ours)
                return 0;
        /* Set by an earlier try that was interrupted after the chip had it? */
        if (op->hierarchies.owner_auth_set &&
            tpm_hierarchy_check_auth(chip->tpm, TPM_OWNER, &op->plan.owner_auth, NULL) == 0)
                return 0;
        int r = tpm_hierarchy_set_auth(chip->tpm, TPM_OWNER, old, &op->plan.owner_auth, detail);
        if (r == 0)
                arrow_pass(op->head.arrows, ARROW_INIT_OWNER_SET);
        return r;
}

/* Salting needs the SRK, making the SRK the owner's auth: as it was before, or ours already. */
static int provision_srk(InitOperation *op, Chip *chip, ErrorDetail *detail) {
        const TPM2B_NAME *expected = op->plan.srk.size > 0 ? &op->plan.srk : NULL;
        const Secret *before = op->plan.owner_auth_ours ? &op->plan.owner_auth_old
                                                        : &op->given_owner;
        TPM2B_NAME name;

        int r = tpm_srk_ensure(chip->tpm, expected, before->set ? before : NULL, &name, detail);
        if (r == SEAL_E_WRONG_PIN && op->plan.owner_auth_ours)
                r = tpm_srk_ensure(chip->tpm, expected, &op->plan.owner_auth, &name, detail);
        if (r == 0)
                op->plan.srk = name;
        return r;
}

static int provision_authority(InitOperation *op, Chip *chip, ErrorDetail *detail) {
        TpmAuthority authority;
        int r;

        if (!op->plan.resident)
                return 0;
        r = tpm_authority_create(chip->tpm, &op->passphrase, &authority, detail);
        if (r != 0)
                return r;
        arrow_pass(op->head.arrows, ARROW_INIT_AUTHORITY_MADE);
        op->plan.authority = authority.public;
        op->plan.authority_private = authority.private;
        return 0;
}

static int provision_run(Job *job, Chip *chip, ErrorDetail *detail) {
        InitOperation *op = (InitOperation *) job;
        int r;

        r = provision_srk(op, chip, detail);
        if (r == 0)
                arrow_pass(op->head.arrows, ARROW_INIT_SRK_MADE);
        if (r == 0)
                r = provision_lockout(op, chip, detail);
        if (r == 0)
                arrow_pass(op->head.arrows, ARROW_INIT_LOCKOUT_SET);
        if (r == 0)
                r = provision_owner(op, chip, detail);
        if (r == 0)
                r = provision_authority(op, chip, detail);
        return r;
}

/* A lockout auth that an earlier try kept and that is wrong now must not be tried by the next. */
static void provision_forget_lockout(InitOperation *op) {
        const Installation *kept = &op->head.service->installation;

        if (!kept->lockout_auth_taken || !secret_equal(&kept->lockout_auth, &op->plan.lockout_auth))
                return;
        arrow_pass(op->head.arrows, ARROW_INIT_LOCKOUT_REFUSED);
        secret_wipe(&op->plan.lockout_auth);
        op->plan.lockout_auth_taken = false;
        if (store_installation_save(op->head.service->store, &op->plan) != 0 ||
            service_reload(op->head.service) != 0)
                log_error("the lockout auth that was refused could not be forgotten");
        else
                arrow_pass(op->head.arrows, ARROW_INIT_LOCKOUT_FORGOTTEN);
}

static void provision_done(Job *job, int code, const ErrorDetail *detail) {
        InitOperation *op = (InitOperation *) job;
        Service *s = op->head.service;

        if (code == SEAL_E_WRONG_PIN)
                provision_forget_lockout(op);
        if (code == 0)
                code = store_installation_save(s->store, &op->plan);
        if (code == 0)
                code = service_reload(s);
        if (code != 0) {
                init_end(op, code, detail, NULL);
                return;
        }
        arrow_pass(op->head.arrows, ARROW_INIT_PROVISIONED);
        op->head.srk = op->plan.srk;
        op->head.authority = s->authority_name;
        if (op->plan.owner_auth_ours)
                op->head.owner_auth = op->plan.owner_auth;
        init_next(op, define_run, define_done);
}

/* --- inspect and plan --------------------------------------------------------------------- */

static void inspect_done(Job *job, int code, const ErrorDetail *detail) {
        InitOperation *op = (InitOperation *) job;
        ErrorDetail found = {};

        if (code != 0) {
                init_end(op, code, detail, NULL);
                return;
        }
        arrow_pass(op->head.arrows, ARROW_INIT_INSPECTED);
        code = init_plan(op, &found);
        if (code == 0)
                code = service_reload(op->head.service);
        if (code != 0) {
                init_end(op, code, &found, NULL);
                return;
        }
        arrow_pass(op->head.arrows, ARROW_INIT_PLANNED);
        /* A resident authority is made anew by every try, since its passphrase may be another. */
        init_next(op, provision_run, provision_done);
}

/* --- start ---------------------------------------------------------------------------------- */

int service_initialize(Service *service, const Caller *caller, const InitOptions *options,
                       Reply reply, ErrorDetail *detail) {
        InitOperation *op;
        int r;

        if (service->installation.phase == INIT_COMPLETE)
                return SEAL_E_ALREADY_INITIALIZED;
        if (service->initializing)
                return error_set(detail, SEAL_E_BUSY, "Initialize is under way already");
        op = service_job_new(service, sizeof(*op), caller->uid, reply);
        if (!op)
                return -ENOMEM;
        op->by = *caller;
        r = init_options(op, options, detail);
        if (r == 0)
                r = service_job_submit(&op->head, init_inspect, inspect_done);
        if (r != 0) {
                free(op->escrow_pem);
                (void) service_job_discard(op);
                return r;
        }
        service->initializing = true;
        return 0;
}

/* --- complete ----------------------------------------------------------------------------- */

/* One commit: the installation is complete, and the ledger begins. */
static int complete(Service *service, const Caller *caller) {
        Installation done = service->installation;
        int r;

        done.phase = INIT_COMPLETE;
        OPENSSL_cleanse(&done.owner_auth_old, sizeof(done.owner_auth_old));
        r = store_begin(service->store);
        if (r == 0) {
                r = store_installation_save(service->store, &done);
                if (r == 0)
                        r = ledger_initialized(service, caller);
                r = store_end(service->store, r);
        }
        /* Not read back: what cannot be read now is complete all the same. */
        if (r == 0)
                service->installation = done;
        OPENSSL_cleanse(&done, sizeof(done));
        return r;
}

int service_initialize_try_complete(Service *service, const Caller *caller) {
        RegisterIndex rows[INDICES_MAX + 1];
        size_t count, missing = 0;
        int r;

        r = service_indices(service, rows, &count);
        if (r == 0)
                r = service_reload(service);
        for (size_t i = 0; r == 0 && i < count; i++)
                missing += !rows[i].written;
        OPENSSL_cleanse(rows, sizeof(rows));
        if (r != 0 || missing > 0 || service->approvals->count == 0 ||
            service->installation.phase != INIT_DEFINED)
                return r;

        /* What may fail comes before the commit: after it nobody would be told of the new state. */
        r = anchor_start(service);
        if (r == 0)
                r = complete(service, caller);
        if (r != 0)
                return r;
        arrow_pass(service->arrows, ARROW_INIT_COMPLETED);
        service->health = (Health){ .probed = true, .approved = true };
        service_update_state(service);
        arrow_pass(service->arrows, ARROW_INIT_ANNOUNCED);
        key_look(service);
        anchor_wish(service, true);
        /* The auditor's key is known from the beginning. */
        (void) checkpoint_seek(service, (Reply){});
        service_probe(service);
        return 0;
}
