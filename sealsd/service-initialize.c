/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Initialize, in steps that each end in a commit, so that an interruption anywhere is followed by the
 * same call again:
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
#include <openssl/rand.h>

#include "base/log.h"
#include "format/envelope.h"
#include "policy/approval.h"
#include "policy/key.h"
#include "policy/ref.h"
#include "sealsd/service-internal.h"
#include "tpm/machine.h"
#include "tpm/srk.h"

#define DEFAULT_PCRS "sha256:0,2,7"
#define DEFAULT_PROFILE "default"
#define DEFAULT_CAPACITY 64

typedef struct InitOperation {
        ServiceJob head;
        Subject by;
        Installation plan;
        bool set_owner_auth;
        Secret given_owner, given_lockout, passphrase;
        char *escrow_pem;
        size_t escrow_pem_size;
        TpmHierarchies hierarchies; /* before anything was changed */
        size_t index_count;
        RegisterIndex indices[INDICES_MAX + 1];
        TPM2_HANDLE drawn[INDICES_MAX + 1]; /* handles that are free in the chip */
        size_t step;                        /* resident: which signature is next */
        bool state_approved;
        MachineState state;
        uint8_t *envelope;
        size_t envelope_size;
} InitOperation;

/* --- the end ------------------------------------------------------------------------------ */

static void init_end(InitOperation *op, int code, const ErrorDetail *detail,
                     const InitReport *report) {
        _cleanup_free_ char *escrow_pem = op->escrow_pem;
        _cleanup_free_ uint8_t *envelope = op->envelope; /* the report points into it */

        op->head.service->initializing = false;
        service_job_finish(&op->head, code, detail, report);
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
                else
                        ret->indices[ret->index_count++] = op->indices[i].handle;
                ret->challenges += !op->plan.resident && !op->indices[i].written;
        }
}

static void init_report(InitOperation *op) {
        InitReport report;

        report_fill(op, &report);
        init_end(op, 0, NULL, &report);
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
                r = machine_state_policy(&a->values, &a->policy);
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

static int resident_write(InitOperation *op, Chip *chip, const TpmAuthority *authority,
                          const RegisterIndex *row, ErrorDetail *detail) {
        _cleanup_(tpm_challenge_freep) TpmChallenge *challenge = NULL;
        TPM2B_DIGEST value = { .size = 8 }; /* no bit set */
        TPMT_SIGNATURE signature;
        TpmIndex index;
        int r;

        r = service_tpm_index(op->head.service, row, &index);
        if (r == 0 && row->kind == INDEX_LEDGER)
                r = ledger_genesis(&index.authority, row->handle, &value);
        if (r == 0)
                r = tpm_challenge_new(&challenge, chip->tpm, &index,
                                      (Bytes){ value.buffer, value.size }, detail);
        if (r == 0)
                r = tpm_authority_sign(chip->tpm, authority, &op->passphrase,
                                       tpm_challenge_bytes(challenge), &signature, detail);
        if (r == 0)
                r = tpm_challenge_answer(challenge, authority, &signature, detail);
        OPENSSL_cleanse(&index, sizeof(index));
        return r;
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
        if (op->step == op->index_count)
                return resident_approve(op, chip, &authority, detail);
        if (op->indices[op->step].written)
                return 0;
        return resident_write(op, chip, &authority, &op->indices[op->step], detail);
}

static int resident_keep(InitOperation *op) {
        Service *s = op->head.service;

        if (op->step < op->index_count) {
                op->indices[op->step].written = true;
                return store_index_mark_written(s->store, op->indices[op->step].handle);
        }
        op->state.approved = service_now(s);
        op->state.by = op->by;
        memcpy(op->state.profile, op->plan.profile, sizeof(op->state.profile));
        return store_machine_state_add(s->store, &op->state);
}

static void init_progress(const InitOperation *op) {
        const Service *s = op->head.service;

        if (s->observer.progress && !s->stopping)
                s->observer.progress(s->observer.userdata, "initialize", op->step,
                                     op->index_count + 1);
}

static void resident_done(Job *job, int code, const ErrorDetail *detail) {
        InitOperation *op = (InitOperation *) job;

        if (code == 0)
                code = resident_keep(op);
        if (code != 0) {
                init_end(op, code, detail, NULL);
                return;
        }
        op->step++;
        init_progress(op);
        if (op->step <= op->index_count) {
                init_next(op, resident_run, resident_done);
                return;
        }
        code = service_initialize_try_complete(op->head.service);
        if (code != 0)
                init_end(op, code, NULL, NULL);
        else
                init_report(op);
}

/* The first challenges are on offer: the external authority can begin. */
static void offered_done(void *userdata, int code, const ErrorDetail *detail, const void *result) {
        InitOperation *op = userdata;

        (void) result;
        if (code != 0)
                init_end(op, code, detail, NULL);
        else
                init_report(op);
}

static void init_answers(InitOperation *op) {
        Caller self = { .uid = op->head.job.uid };
        ErrorDetail detail = {};

        if (op->plan.resident) {
                init_next(op, resident_run, resident_done);
                return;
        }
        int r = service_list_challenges(op->head.service, &self,
                                        (Reply){ .done = offered_done, .userdata = op }, &detail);
        if (r != 0)
                init_end(op, r, &detail, NULL);
}

/* --- define ------------------------------------------------------------------------------- */

static int define_index(InitOperation *op, Chip *chip, RegisterIndex *row, const Secret *owner,
                        ErrorDetail *detail) {
        TpmIndexState state;
        TpmIndex index;
        int r;

        r = service_tpm_index(op->head.service, row, &index);
        if (r == 0)
                r = tpm_index_state(chip->tpm, &index, &state, detail);
        /* The handle is in our register, so what has another policy is ours of an earlier try. */
        if (r == 0 && state == TPM_INDEX_FOREIGN) {
                r = tpm_index_undefine(chip->tpm, row->handle, owner, detail);
                state = TPM_INDEX_ABSENT;
        }
        if (r == 0 && state == TPM_INDEX_ABSENT)
                r = tpm_index_define(chip->tpm, &index, owner, detail);
        if (r == 0)
                row->written = state == TPM_INDEX_WRITTEN || state == TPM_INDEX_LOCKED;
        OPENSSL_cleanse(&index, sizeof(index));
        return r;
}

static const Secret *init_owner(const InitOperation *op) {
        if (op->plan.owner_auth_ours)
                return &op->plan.owner_auth;
        return op->given_owner.set ? &op->given_owner : NULL;
}

static int define_run(Job *job, Chip *chip, ErrorDetail *detail) {
        InitOperation *op = (InitOperation *) job;
        int r;

        r = service_job_begin(&op->head, chip, detail);
        for (size_t i = 0; r == 0 && i < op->index_count; i++)
                r = define_index(op, chip, &op->indices[i], init_owner(op), detail);
        return r;
}

static int define_keep(InitOperation *op) {
        _cleanup_(store_rollbackp) Store *tx = NULL;
        Store *store = op->head.service->store;
        int r;

        r = store_begin(store);
        if (r != 0)
                return r;
        tx = store;
        for (size_t i = 0; r == 0 && i < op->index_count; i++)
                if (op->indices[i].written)
                        r = store_index_mark_written(store, op->indices[i].handle);
        op->plan.phase = INIT_DEFINED;
        if (r == 0)
                r = store_installation_save(store, &op->plan);
        if (r == 0)
                r = store_commit(store);
        if (r != 0)
                return r;
        tx = NULL;
        return service_reload(op->head.service);
}

static void define_done(Job *job, int code, const ErrorDetail *detail) {
        InitOperation *op = (InitOperation *) job;

        if (code == 0)
                code = define_keep(op);
        if (code != 0)
                init_end(op, code, detail, NULL);
        else
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
        return tpm_hierarchy_set_auth(chip->tpm, TPM_OWNER, old, &op->plan.owner_auth, detail);
}

static int provision_srk(InitOperation *op, Chip *chip, ErrorDetail *detail) {
        const Secret *owner = init_owner(op);

        /* Salting needs the SRK, making the SRK the owner's auth as it was until now. */
        if (op->plan.owner_auth_ours &&
            tpm_hierarchy_check_auth(chip->tpm, TPM_OWNER, owner, NULL) != 0)
                owner = op->plan.owner_auth_old.set ? &op->plan.owner_auth_old : NULL;
        return tpm_srk_ensure(chip->tpm, op->plan.srk.size > 0 ? &op->plan.srk : NULL, owner,
                              &op->plan.srk, detail);
}

static int provision_authority(InitOperation *op, Chip *chip, ErrorDetail *detail) {
        TpmAuthority authority;
        int r;

        if (!op->plan.resident)
                return 0;
        r = tpm_authority_create(chip->tpm, &op->passphrase, &authority, detail);
        if (r != 0)
                return r;
        op->plan.authority = authority.public;
        op->plan.authority_private = authority.private;
        return 0;
}

static int provision_run(Job *job, Chip *chip, ErrorDetail *detail) {
        InitOperation *op = (InitOperation *) job;
        int r;

        r = provision_srk(op, chip, detail);
        if (r == 0)
                r = provision_lockout(op, chip, detail);
        if (r == 0)
                r = provision_owner(op, chip, detail);
        if (r == 0)
                r = provision_authority(op, chip, detail);
        return r;
}

static void provision_done(Job *job, int code, const ErrorDetail *detail) {
        InitOperation *op = (InitOperation *) job;
        Service *s = op->head.service;

        if (code == 0)
                code = store_installation_save(s->store, &op->plan);
        if (code == 0)
                code = service_reload(s);
        if (code != 0) {
                init_end(op, code, detail, NULL);
                return;
        }
        op->head.srk = op->plan.srk;
        if (op->plan.owner_auth_ours)
                op->head.owner_auth = op->plan.owner_auth;
        init_next(op, define_run, define_done);
}

/* --- plan --------------------------------------------------------------------------------- */

static int plan_lockout(InitOperation *op, const Installation *stored, ErrorDetail *detail) {
        Installation *plan = &op->plan;

        if (op->given_lockout.set) {
                if (!op->hierarchies.lockout_auth_set)
                        return error_set(
                                detail, SEAL_E_INVALID_ARGS,
                                "lockout-auth: the TPM has none yet; leave the option away "
                                "and one is set");
                plan->lockout_auth = op->given_lockout;
                plan->lockout_auth_taken = true;
                return 0;
        }
        if (stored->lockout_auth.set) {
                plan->lockout_auth = stored->lockout_auth;
                plan->lockout_auth_taken = stored->lockout_auth_taken;
                return 0;
        }
        if (op->hierarchies.lockout_auth_set)
                return error_set(detail, SEAL_E_PIN_REQUIRED,
                                 "The TPM has a lockout authorisation already: give it as the "
                                 "option lockout-auth");
        return secret_random(&plan->lockout_auth, INDEX_AUTH_SIZE);
}

static int plan_owner(InitOperation *op, const Installation *stored, ErrorDetail *detail) {
        Installation *plan = &op->plan;

        if (stored->owner_auth_ours) {
                plan->owner_auth_ours = true;
                plan->owner_auth = stored->owner_auth;
                plan->owner_auth_old = op->given_owner.set ? op->given_owner
                                                           : stored->owner_auth_old;
                return 0;
        }
        if (op->hierarchies.owner_auth_set && !op->given_owner.set)
                return error_set(detail, SEAL_E_PIN_REQUIRED,
                                 "The TPM has an owner authorisation: give it as the option "
                                 "owner-auth");
        if (!op->set_owner_auth)
                return 0;
        plan->owner_auth_ours = true;
        plan->owner_auth_old = op->given_owner;
        return secret_random(&plan->owner_auth, INDEX_AUTH_SIZE);
}

/* The handles of an earlier try are kept: what stands there is ours to define anew. */
static int plan_indices(InitOperation *op) {
        size_t want = installation_index_count(op->plan.capacity), have = 0, ledger = 0, drawn = 0;
        int r = service_indices(op->head.service, op->indices, &op->index_count);

        for (size_t i = 0; i < op->index_count; i++) {
                op->indices[i].written = false;
                ledger += op->indices[i].kind == INDEX_LEDGER;
        }
        have = op->index_count - ledger;
        while (r == 0 && (have < want || ledger == 0)) {
                RegisterIndex *row = &op->indices[op->index_count++];
                bool revocation = have < want;

                *row = (RegisterIndex){
                        .kind = revocation ? INDEX_REVOCATION : INDEX_LEDGER,
                        .handle = op->drawn[drawn++],
                        .ordinal = revocation ? (unsigned) have : 0,
                        .used = revocation && have == 0 ? MAKER_BITS : 0,
                };
                r = secret_random(&row->auth, INDEX_AUTH_SIZE);
                have += revocation;
                ledger += !revocation;
        }
        return r;
}

static int plan_save(InitOperation *op) {
        _cleanup_(store_rollbackp) Store *tx = NULL;
        Store *store = op->head.service->store;
        int r;

        r = store_begin(store);
        if (r != 0)
                return r;
        tx = store;
        op->plan.phase = INIT_STARTED;
        r = store_installation_save(store, &op->plan);
        if (r == 0)
                r = store_index_remove_all(store);
        for (size_t i = 0; r == 0 && i < op->index_count; i++)
                r = store_index_add(store, &op->indices[i]);
        if (r == 0)
                r = store_commit(store);
        if (r == 0)
                tx = NULL;
        return r;
}

/* What the escrow holder receives: the authorisations that Initialize sets. */
static int plan_escrow(InitOperation *op, ErrorDetail *detail) {
        char text[2 * SECRET_MAX * 2 + 64], hex[2 * SECRET_MAX + 1];
        int n = 0;

        if (!op->escrow_pem)
                return 0;
        n = snprintf(text, sizeof(text), "lockout-auth %s\n",
                     hex_encode(op->plan.lockout_auth.data, op->plan.lockout_auth.size, hex));
        if (op->plan.owner_auth_ours)
                n += snprintf(text + n, sizeof(text) - (size_t) n, "owner-auth %s\n",
                              hex_encode(op->plan.owner_auth.data, op->plan.owner_auth.size, hex));
        int r = envelope_encrypt(op->escrow_pem, op->escrow_pem_size,
                                 (Bytes){ (uint8_t *) text, (size_t) n }, &op->envelope,
                                 &op->envelope_size, detail);
        OPENSSL_cleanse(text, sizeof(text));
        OPENSSL_cleanse(hex, sizeof(hex));
        return r;
}

static int init_plan(InitOperation *op, ErrorDetail *detail) {
        const Installation *stored = &op->head.service->installation;
        int r;

        op->plan.srk = stored->srk;
        r = plan_lockout(op, stored, detail);
        if (r == 0)
                r = plan_owner(op, stored, detail);
        if (r == 0)
                r = plan_escrow(op, detail);
        if (r == 0)
                r = plan_indices(op);
        if (r == 0)
                r = plan_save(op);
        return r;
}

static int inspect_handle(Chip *chip, TPM2_HANDLE *ret, ErrorDetail *detail) {
        TpmIndex candidate = { .kind = INDEX_REVOCATION };
        TpmIndexState state = TPM_INDEX_FOREIGN;
        uint32_t random;
        int r = 0;

        while (r == 0 && state != TPM_INDEX_ABSENT) {
                if (RAND_bytes((uint8_t *) &random, sizeof(random)) != 1)
                        return -EIO;
                candidate.handle = INDEX_HANDLE_FIRST +
                                   random % (INDEX_HANDLE_LAST - INDEX_HANDLE_FIRST + 1);
                r = tpm_index_state(chip->tpm, &candidate, &state, detail);
        }
        *ret = candidate.handle;
        return r;
}

static int inspect_run(Job *job, Chip *chip, ErrorDetail *detail) {
        InitOperation *op = (InitOperation *) job;
        size_t count = installation_index_count(op->plan.capacity) + 1;
        PcrValues values;
        int r;

        r = tpm_hierarchies(chip->tpm, &op->hierarchies, detail);
        if (r == 0) /* a bank that the chip lacks is told before anything changes */
                r = tpm_pcr_read(chip->tpm, &op->plan.pcrs, &values, detail);
        for (size_t i = 0; r == 0 && i < count; i++)
                r = inspect_handle(chip, &op->drawn[i], detail);
        return r;
}

static void inspect_done(Job *job, int code, const ErrorDetail *detail) {
        InitOperation *op = (InitOperation *) job;
        ErrorDetail found = {};

        if (code != 0) {
                init_end(op, code, detail, NULL);
                return;
        }
        code = init_plan(op, &found);
        if (code == 0)
                code = service_reload(op->head.service);
        if (code != 0) {
                init_end(op, code, &found, NULL);
                return;
        }
        /* A resident authority is made anew by every try, since its passphrase may be another. */
        init_next(op, provision_run, provision_done);
}

/* --- options ------------------------------------------------------------------------------ */

static bool profile_is_valid(const char *profile) {
        size_t n = strspn(profile, "abcdefghijklmnopqrstuvwxyz0123456789-");

        return n > 0 && n <= PROFILE_MAX && profile[n] == '\0';
}

static int options_authority(Installation *plan, const InitOptions *options, ErrorDetail *detail) {
        if ((options->authority_pem != NULL) == options->passphrase.set)
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "Give either authority (the PEM of its public key) or passphrase "
                                 "(the authority then lives in the TPM)");
        plan->resident = options->authority_pem == NULL;
        if (plan->resident && options->passphrase.size == 0)
                return error_set(detail, SEAL_E_INVALID_ARGS, "passphrase is empty");
        if (plan->resident)
                return 0;
        return external_key_parse(options->authority_pem, options->authority_pem_size,
                                  &plan->authority, detail);
}

/* What an interrupted try fixed is the default of the next. */
static void options_default(Installation *plan, const Installation *stored) {
        if (stored->phase == INIT_NONE) {
                plan->separation = SEPARATION_DUAL;
                plan->capacity = DEFAULT_CAPACITY;
                (void) snprintf(plan->profile, sizeof(plan->profile), "%s", DEFAULT_PROFILE);
                return;
        }
        plan->separation = stored->separation;
        plan->capacity = stored->capacity;
        plan->pcrs = stored->pcrs;
        memcpy(plan->profile, stored->profile, sizeof(plan->profile));
}

static int options_profile(Installation *plan, const char *profile, ErrorDetail *detail) {
        if (!profile)
                return 0;
        if (!profile_is_valid(profile))
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "profile is 1 to %d of a-z, 0-9 and -", PROFILE_MAX);
        (void) snprintf(plan->profile, sizeof(plan->profile), "%s", profile);
        return 0;
}

static int options_plan(Installation *plan, const Service *service, const InitOptions *options,
                        ErrorDetail *detail) {
        const char *pcrs = options->pcrs;
        int r;

        options_default(plan, &service->installation);
        if (options->separation != SEPARATION_NONE)
                plan->separation = options->separation;
        if (options->capacity > 0)
                plan->capacity = options->capacity;
        if (plan->capacity > CAPACITY_MAX)
                return error_set(detail, SEAL_E_INVALID_ARGS, "capacity is at most %d seals",
                                 CAPACITY_MAX);
        if (!pcrs && plan->pcrs.mask == 0)
                pcrs = DEFAULT_PCRS;
        r = options_profile(plan, options->profile, detail);
        if (r == 0 && pcrs)
                r = pcr_selection_parse(pcrs, service->config->fence_pcr, &plan->pcrs, detail);
        if (r == 0)
                r = options_authority(plan, options, detail);
        return r;
}

static int options_copy(InitOperation *op, const InitOptions *options, ErrorDetail *detail) {
        if (options->owner_auth.size > TPM2_SHA256_DIGEST_SIZE * 2 ||
            options->lockout_auth.size > TPM2_SHA256_DIGEST_SIZE * 2)
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "An authorisation value is at most %d bytes",
                                 TPM2_SHA256_DIGEST_SIZE * 2);
        op->set_owner_auth = options->set_owner_auth;
        op->given_owner = options->owner_auth;
        op->given_lockout = options->lockout_auth;
        op->passphrase = options->passphrase;
        if (!options->escrow_pem)
                return 0;
        op->escrow_pem = strndup(options->escrow_pem, options->escrow_pem_size);
        op->escrow_pem_size = options->escrow_pem_size;
        return op->escrow_pem ? envelope_check(op->escrow_pem, op->escrow_pem_size, detail)
                              : -ENOMEM;
}

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
        op->by = caller->subject;
        r = options_plan(&op->plan, service, options, detail);
        if (r == 0)
                r = options_copy(op, options, detail);
        if (r == 0)
                r = service_job_submit(&op->head, inspect_run, inspect_done);
        if (r != 0) {
                free(op->escrow_pem);
                (void) service_job_discard(op);
                return r;
        }
        service->initializing = true;
        return 0;
}

/* --- complete ----------------------------------------------------------------------------- */

int service_initialize_try_complete(Service *service) {
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

        Installation done = service->installation;
        done.phase = INIT_COMPLETE;
        OPENSSL_cleanse(&done.owner_auth_old, sizeof(done.owner_auth_old));
        r = store_installation_save(service->store, &done);
        OPENSSL_cleanse(&done, sizeof(done));
        if (r == 0)
                r = service_reload(service);
        if (r != 0)
                return r;
        service->health = (Health){ .probed = true, .approved = true };
        service_update_state(service);
        service_probe(service);
        return 0;
}
