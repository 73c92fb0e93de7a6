/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ExtendCapacity: more revocation indices, by the same steps as Initialize takes, each of which
 * ends in a commit:
 *
 *   look     (chip) what authorisations are set; free handles       nothing is changed
 *   plan     (register) the new indices, unwritten                  before the chip changes
 *   define   (chip) the NV indices; all of them, or none where they do not fit
 *   answers  resident: one job per first write; external: challenges are offered
 *   grow     (register) the capacity, with each first write
 *
 * Unwritten indices are those of an extension that is not complete: a call that comes after an
 * interruption goes on with them, and defines what the chip has not. What is given away are bits of
 * written ones only, and only those count as capacity.
 *
 * How much memory a chip has left for indices it does not tell: what TPM2_GetCapability says of
 * free counters and objects has nothing to do with it (seen on swtpm). So room is measured, by
 * defining indices and removing them again.
 */
#include "sealsd/service-capacity.h"

#include <errno.h>

#include <openssl/crypto.h>

#include "sealsd/service-index.h"
#include "sealsd/store-ledger.h"

typedef struct ExtendOperation {
        ServiceJob head;
        Caller caller;
        bool measure;
        Secret passphrase, given_owner;
        TpmAuthority authority;
        size_t count; /* unwritten indices, those of an earlier call first */
        size_t old;   /* of an earlier call */
        RegisterIndex rows[INDICES_MAX + 1];
        size_t fit; /* new ones that the chip had room for */
        bool full;  /* it had no room for one more */
        size_t step;
} ExtendOperation;

/* --- the end ---------------------------------------------------------------------------------- */

static void extend_end(ExtendOperation *op, int code, const ErrorDetail *detail) {
        op->head.service->extending = false;
        service_job_finish(&op->head, code, detail, NULL);
}

static void extend_next(ExtendOperation *op, JobRun run, JobDone done) {
        int r = service_job_submit(&op->head, run, done);

        if (r != 0)
                extend_end(op, r, NULL);
}

/* --- grow ------------------------------------------------------------------------------------- */

/* Room for seals in so many indices. */
static unsigned capacity_of(size_t indices) {
        return (unsigned) indices * SEALS_PER_INDEX - MAKER_BITS;
}

/* What the written indices hold, in the open transaction; it never shrinks. */
static int capacity_save(Service *service) {
        RegisterIndex rows[INDICES_MAX + 1];
        Installation larger = service->installation;
        size_t count, written = 0;

        int r = service_indices(service, rows, &count);
        for (size_t i = 0; r == 0 && i < count; i++)
                written += rows[i].kind == INDEX_REVOCATION && rows[i].written;
        if (r == 0 && written > installation_index_count(larger.capacity)) {
                larger.capacity = capacity_of(written);
                r = store_installation_save(service->store, &larger);
        }
        OPENSSL_cleanse(rows, sizeof(rows));
        OPENSSL_cleanse(&larger, sizeof(larger));
        return r;
}

static int capacity_record(Service *service, const Caller *caller, TPM2_HANDLE handle) {
        Event event = {
                .code = EVENT_CAPACITY_EXTENDED,
                .caller = caller,
                .facts = json_pack("{s:[I]}", "indices", (json_int_t) handle),
        };

        int r = event.facts ? store_event(service->store, &event) : -ENOMEM;
        json_decref(event.facts);
        return r;
}

int service_capacity_keep(Service *service, const Caller *caller, TPM2_HANDLE handle) {
        int r = store_begin(service->store);
        if (r != 0)
                return r;
        r = store_index_mark_written(service->store, handle);
        if (r == 0)
                r = capacity_save(service);
        if (r == 0)
                r = capacity_record(service, caller, handle);
        r = store_end(service->store, r);
        return r == 0 ? service_reload(service) : r;
}

/* --- answers ---------------------------------------------------------------------------------- */

static int write_run(Job *job, Chip *chip, ErrorDetail *detail) {
        ExtendOperation *op = (ExtendOperation *) job;
        RegisterIndex *row = &op->rows[op->step];

        int r = service_job_begin(&op->head, chip, detail);
        if (r == 0 && !row->written)
                r = index_write_resident(&op->head, chip, &op->authority, &op->passphrase, row,
                                         detail);
        if (r == 0)
                arrow_pass(op->head.arrows, ARROW_INIT_INDEX_WRITTEN);
        return r;
}

static void write_done(Job *job, int code, const ErrorDetail *detail) {
        ExtendOperation *op = (ExtendOperation *) job;
        Service *s = op->head.service;

        if (code == 0)
                code = service_capacity_keep(s, &op->caller, op->rows[op->step].handle);
        if (code == 0)
                arrow_pass(op->head.arrows, ARROW_INIT_WRITE_KEPT);
        if (code == 0 && ++op->step < op->count) {
                extend_next(op, write_run, write_done);
                return;
        }
        extend_end(op, code, detail);
}

/* The external authority can begin; where live uses leave it no room, ListChallenges says when. */
static void offered(void *userdata, int code, const ErrorDetail *detail, const void *result) {
        (void) result;
        if (code == SEAL_E_BUSY)
                code = 0;
        extend_end(userdata, code, detail);
}

static void extend_answers(ExtendOperation *op) {
        ErrorDetail detail = {};

        if (op->authority.resident) {
                extend_next(op, write_run, write_done);
                return;
        }
        int r = service_list_challenges(op->head.service, &op->caller,
                                        (Reply){ .done = offered, .userdata = op }, &detail);
        if (r != 0)
                extend_end(op, r, &detail);
}

/* --- define ----------------------------------------------------------------------------------- */

static const Secret *extend_owner(const ExtendOperation *op) {
        if (op->head.owner_auth.set)
                return &op->head.owner_auth;
        return op->given_owner.set ? &op->given_owner : NULL;
}

/* What this call has defined goes again: where not all fit, or only room was asked for. */
static int define_undo(ExtendOperation *op, Chip *chip, ErrorDetail *detail) {
        int r = 0;

        for (size_t i = op->old; r == 0 && i < op->old + op->fit; i++)
                r = tpm_index_undefine(chip->tpm, op->rows[i].handle, extend_owner(op), detail);
        return r;
}

static int define_run(Job *job, Chip *chip, ErrorDetail *detail) {
        ExtendOperation *op = (ExtendOperation *) job;
        int r = service_job_begin(&op->head, chip, detail);

        op->fit = 0;
        op->full = false;
        /* Only measuring leaves those of an earlier call alone. */
        for (size_t i = op->measure ? op->old : 0; r == 0 && i < op->count; i++) {
                r = index_define(&op->head, chip, &op->rows[i], extend_owner(op), detail);
                op->fit += r == 0 && i >= op->old;
                op->full = r == SEAL_E_TPM_FULL && i >= op->old;
        }
        if (op->full || (r == 0 && op->measure))
                r = define_undo(op, chip, detail);
        return r;
}

/* The register as it was: nothing of the new ones is in the chip. */
static int define_forget(ExtendOperation *op) {
        Store *store = op->head.service->store;

        int r = store_begin(store);
        if (r != 0)
                return r;
        for (size_t i = op->old; r == 0 && i < op->count; i++)
                r = store_index_remove(store, op->rows[i].handle);
        return store_end(store, r);
}

static void extend_measured(ExtendOperation *op) {
        op->head.service->room = (IndexRoom){
                .measured = service_now(op->head.service),
                .indices = (unsigned) op->fit,
                .exact = op->full,
        };
}

static void define_done(Job *job, int code, const ErrorDetail *detail) {
        ExtendOperation *op = (ExtendOperation *) job;
        ErrorDetail full = {};

        if (code != 0) {
                extend_end(op, code, detail);
                return;
        }
        if (!op->full && !op->measure) {
                arrow_pass(op->head.arrows, ARROW_CAPACITY_DEFINED);
                extend_answers(op);
                return;
        }
        extend_measured(op);
        code = define_forget(op);
        if (code == 0)
                arrow_pass(op->head.arrows, ARROW_CAPACITY_UNDONE);
        if (code == 0 && op->full && !op->measure)
                code = error_set(&full, SEAL_E_TPM_FULL,
                                 "The TPM has room for %zu more revocation indices, %zu seals, and "
                                 "%zu were asked for; nothing was changed",
                                 op->fit, op->fit * SEALS_PER_INDEX, op->count - op->old);
        extend_end(op, code, &full);
}

/* --- plan ------------------------------------------------------------------------------------- */

/* Before the chip changes, so that what is in it is known whatever happens. */
static int plan_save(ExtendOperation *op) {
        Store *store = op->head.service->store;

        int r = store_begin(store);
        if (r != 0)
                return r;
        for (size_t i = op->old; r == 0 && i < op->count; i++) {
                r = secret_random(&op->rows[i].auth, INDEX_AUTH_SIZE);
                if (r == 0)
                        r = store_index_add(store, &op->rows[i]);
        }
        return store_end(store, r);
}

static void look_done(Job *job, int code, const ErrorDetail *detail) {
        ExtendOperation *op = (ExtendOperation *) job;

        if (code == 0)
                code = plan_save(op);
        if (code != 0) {
                extend_end(op, code, detail);
                return;
        }
        arrow_pass(op->head.arrows, ARROW_CAPACITY_PLANNED);
        extend_next(op, define_run, define_done);
}

static int look_run(Job *job, Chip *chip, ErrorDetail *detail) {
        ExtendOperation *op = (ExtendOperation *) job;
        TpmHierarchies hierarchies;

        int r = tpm_hierarchies(chip->tpm, &hierarchies, detail);
        if (r == 0 && hierarchies.owner_auth_set && !extend_owner(op))
                r = error_set(detail, SEAL_E_PIN_REQUIRED,
                              "The TPM has an owner authorisation: give it as the option "
                              "owner-auth");
        if (r == 0)
                r = service_job_begin(&op->head, chip, detail);
        for (size_t i = op->old; r == 0 && i < op->count; i++)
                r = index_draw(chip, &op->rows[i].handle, detail);
        return r;
}

/* --- start ------------------------------------------------------------------------------------ */

/* The unwritten ones that are there, and as many new ones as the seals need beside them. */
static int extend_plan(ExtendOperation *op, uint32_t seals, bool states, ErrorDetail *detail) {
        size_t want = ((size_t) seals + SEALS_PER_INDEX - 1) / SEALS_PER_INDEX, all, ordinal = 0;
        size_t revocation = 0; /* unwritten ones of an earlier call */

        int r = service_indices(op->head.service, op->rows, &all);
        if (r != 0)
                return r;
        for (size_t i = 0; i < all; i++) {
                const RegisterIndex row = op->rows[i];

                if (row.kind == INDEX_REVOCATION)
                        ordinal = row.ordinal + 1;
                if (row.kind == INDEX_LEDGER || row.written)
                        continue;
                revocation += row.kind == INDEX_REVOCATION;
                op->rows[op->old++] = row;
        }
        bool waiting = op->old > revocation; /* a state index is on its way */
        size_t more = op->measure ? want : want > revocation ? want - revocation : 0;
        states = states && (op->measure || !waiting);
        more += states;
        if (all - 1 + more > INDICES_MAX)
                return error_set(detail, SEAL_E_LIMITS_EXCEEDED,
                                 "An installation has at most %d revocation indices, this has %zu",
                                 INDICES_MAX, all - 1);
        op->count = op->old + more;
        for (size_t i = op->old; i < op->count; i++, ordinal++)
                op->rows[i] = (RegisterIndex){ .kind = INDEX_REVOCATION,
                                               .ordinal = (unsigned) ordinal };
        if (states)
                op->rows[op->count - 1] = (RegisterIndex){ .kind = INDEX_STATE,
                                                           .ordinal = (unsigned) ordinal };
        return 0;
}

static int extend_options(ExtendOperation *op, const ExtendOptions *options, ErrorDetail *detail) {
        const Installation *i = &op->head.service->installation;

        if (options->seals == 0 && !options->machine_states)
                return error_set(detail, SEAL_E_INVALID_ARGS, "seals is at least 1");
        op->measure = options->measure;
        op->given_owner = options->owner_auth;
        op->passphrase = options->passphrase;
        op->authority = (TpmAuthority){
                .resident = i->resident,
                .public = i->authority,
                .private = i->authority_private,
        };
        if (i->resident && !options->passphrase.set && !options->measure)
                return error_set(
                        detail, SEAL_E_PIN_REQUIRED,
                        "The authority lives in the TPM: give its passphrase as the option "
                        "passphrase");
        if (!i->resident && options->passphrase.set)
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "passphrase: the authority is external, and answers challenges");
        return extend_plan(op, options->seals, options->machine_states, detail);
}

int service_extend_capacity(Service *service, const Caller *caller, const ExtendOptions *options,
                            Reply reply, ErrorDetail *detail) {
        int r = service_require_ready(service, detail);

        if (r != 0)
                return r;
        if (service->extending)
                return error_set(detail, SEAL_E_BUSY, "The capacity is being extended already");
        ExtendOperation *op = service_job_new(service, sizeof(*op), caller->uid, reply);
        if (!op)
                return -ENOMEM;
        op->caller = *caller;
        r = extend_options(op, options, detail);
        if (r == 0)
                r = service_job_submit(&op->head, look_run, look_done);
        if (r != 0) {
                (void) service_job_discard(op);
                return r;
        }
        service->extending = true;
        return 0;
}
