/* SPDX-License-Identifier: Apache-2.0 */
/* What the service's files share; nobody else includes it. */
#pragma once

#include "base/text.h"
#include "sealsd/approval-set.h"
#include "sealsd/background.h"
#include "sealsd/separation.h"
#include "sealsd/service-anchor.h"
#include "sealsd/service-audit.h"
#include "sealsd/service-checkpoint.h"
#include "sealsd/service-crl.h"
#include "sealsd/service-inspect.h"
#include "sealsd/service-key.h"
#include "sealsd/service-ledger.h"
#include "sealsd/service-lock.h"
#include "sealsd/service-maker.h"
#include "sealsd/service-picture.h"
#include "sealsd/service-use.h"
#include "sealsd/service-verify.h"
#include "sealsd/service.h"
#include "sealsd/worker.h"
#include "tpm/hierarchy.h"
#include "tpm/sign.h"

#define CHALLENGE_LIFETIME (10 * 60 * USEC_PER_SEC)
#define PROBE_INTERVAL (60 * USEC_PER_SEC)
#define PROBE_SOON (2 * USEC_PER_SEC) /* while the chip is away, or owes a revocation */
#define FIRST_PROBE_PATIENCE (10 * USEC_PER_SEC)
#define CHIP_PATIENCE (180 * USEC_PER_SEC) /* as long as callers wait (design, section 5.2) */
#define KEY_PATIENCE (330 * USEC_PER_SEC)  /* the kernel waits 300 s for a chip to make a key */
#define INDEX_AUTH_SIZE 32
#define FIRST_VERIFY_PATIENCE (30 * USEC_PER_SEC)
#define END_PATIENCE (5 * USEC_PER_SEC) /* for the last anchor */
#define NUMBERS_SKIPPED 100000 /* after a register that was put back: none is given twice */

/* What the last look at the chip found. */
typedef struct Health {
        bool probed;
        bool approved;       /* the machine state */
        uint32_t differing;  /* else: PCRs that differ from the nearest approval */
        bool locked;         /* a revocation index is read-locked */
        bool locked_in_part; /* and another is not */
        bool tampered;       /* SRK or an index is not ours any more */
        unsigned challenges; /* on offer */
        TpmHierarchies hierarchies;
        char problem[ERROR_TEXT_MAX]; /* why tampered */
        uint64_t state_id;            /* of the approved state that the machine is in; 0: none */
        char retired[ERROR_TEXT_MAX]; /* who retired the machine's state, "" when nobody did */
} Health;

typedef struct SuspendRun SuspendRun;

/* A lower separation, waiting for the external authority's signature; size 0: none. */
typedef struct SeparationOffer {
        char id[32];
        Separation mode;
        size_t size;
        uint8_t bytes[128];
        uint64_t expires;
} SeparationOffer;

struct Service {
        sd_event *event;
        const Config *config;
        Clock clock;
        const ArrowObserver *arrows; /* NULL: nobody listens */
        Store *store;
        Worker *worker;
        Observer observer;
        sd_event_source *timer;

        Installation installation;
        TPM2B_NAME authority_name; /* size 0 before there is one */
        ApprovalSet *approvals;
        bool initializing; /* an Initialize is under way */
        bool extending;    /* an ExtendCapacity is */
        unsigned retiring; /* jobs that set bits of machine states */
        IndexRoom room;    /* as measured last */
        Inspections inspections;
        unsigned making; /* jobs that make a key */
        bool probing;
        bool stuck; /* the chip has not answered a job for minutes */
        char failure
                [ERROR_TEXT_MAX]; /* why the last look found it out of order, "" when it was not */
        unsigned revoking;        /* jobs that set bits which are still owed */
        bool owed;                /* some may be: look again soon */
        bool stopping;

        bool tpm_available;
        char tcti[128];
        char tpm_name[128];
        FeatureSet features; /* of the chip that was there last */
        Health health;
        const char *state;      /* as last announced */
        SuspendRun *suspending; /* NULL: none */
        bool purge_owed;        /* the journal may hold what was erased */

        SeparationOffer separation_offer;
        struct SignJob *signing; /* signatures that were asked for and not answered yet */
        CollectJob *collecting;  /* the same, of those that approvers signed for */
        LiveRequests live;
        Pictures pictures; /* of applications, that are looked at */

        RegisterKey key;
        Makers makers;
        Lists lists;
        Lock lock;
        CommandAudit audit;
        Ledger ledger;
        Anchoring anchoring;
        Checkpoints checkpoints;
        Verification verification;
        Background *background;
        bool checking; /* at the start */
        sd_event_source *end;
        void (*ended)(void *userdata); /* who waits for service_stop() */
        void *ended_userdata;
};

/* --- jobs (service-job.c) ----------------------------------------------------------------- */

/*
 * The head of every job of the service: who waits for it, and what each needs to begin. The worker
 * thread reads these copies and nothing of the Service, which the main thread changes meanwhile.
 */
typedef struct ServiceJob {
        Job job;
        Service *service;
        const ArrowObserver *arrows; /* borrowed; calls it from either thread */
        Reply reply;                 /* done NULL: nobody waits */
        size_t size;                 /* of the whole struct, to wipe it */
        TPM2B_NAME authority;        /* size 0 before there is one */
        TPM2B_NAME srk;              /* pinned; size 0 before Initialize */
        Secret owner_auth;
} ServiceJob;

typedef int (*JobRun)(Job *job, Chip *chip, ErrorDetail *detail);
typedef void (*JobDone)(Job *job, int code, const ErrorDetail *detail);

/* A zeroed job of size bytes whose head is a ServiceJob, NULL without memory. */
void *service_job_new(Service *service, size_t size, uint32_t uid, Reply reply);
/*
 * Queue it (again, with other functions, for the next step). On failure the job stays the caller's.
 */
int service_job_submit(ServiceJob *job, JobRun run, JobDone done);
/* In the worker: the SRK is there and the pinned one. */
int service_job_begin(ServiceJob *job, Chip *chip, ErrorDetail *detail);
/* Answer who waits, wipe and free. */
void service_job_finish(ServiceJob *job, int code, const ErrorDetail *detail, const void *result);
/* Wipe and free without an answer: submitting failed. */
void *service_job_discard(void *job);

/* --- shared steps --------------------------------------------------------------------------- */

uint64_t service_now(const Service *service);

/* The installation's, by which people's acts are judged. */
SeparationRule service_separation_rule(const Service *service);

/* SEAL_E_NOT_INITIALIZED before Initialize is complete. */
int service_require_ready(const Service *service, ErrorDetail *detail);

void service_changed(Service *service, const char *kind, const char *id, const char *state);
void service_changed_request(Service *service, const Request *request);
void service_changed_seal(Service *service, const Seal *seal);
void service_attention(Service *service, const char *severity, const char *code, const char *object,
                       const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The register's file. */
void service_register_path(const Service *service, char *ret, size_t size);
/* "memfd_secret", "mlock" or "plain": the memory that is there for the key. */
const char *service_key_memory(const Service *service);
/*
 * Anchor what there is, and have the chip sign for it. Result: Checkpoint. reply may be {}, and may
 * be called at once.
 */
int service_checkpoint(Service *service, Reply reply);

/* Read the installation and the approved states again from the register. */
int service_reload(Service *service);
/* Announce the Manager's State when it changed. */
void service_update_state(Service *service);
/* Look at the chip as soon as the worker gets to it (one look at a time). */
void service_probe(Service *service);
/* Have the timer look in seconds: something is amiss that may end by itself. */
void service_look_soon(Service *service);
/* Look at the chip for a caller; the health is fresh when the Reply comes. */
int service_look(Service *service, uint32_t uid, Reply reply);
/* What the chip told in passing: a refused or an accepted machine state. */
void service_note_approved(Service *service, bool approved);

/* The same about one seal, for those who may see it: its number is the object. */
void service_attention_seal(Service *service, const char *severity, const char *code,
                            const char *number, const char *format, ...)
        __attribute__((format(printf, 5, 6)));

/* As the chip needs it: the row and the Name of the authority that its policy is about. */
void service_tpm_index(const TPM2B_NAME *authority, const RegisterIndex *row, TpmIndex *ret);
/* That of a seal's bit. SEAL_E_REGISTER_TAMPERED when the register has none of that handle. */
int service_seal_index(const Service *service, TPM2_HANDLE handle, TpmIndex *ret);

/*
 * The algorithm of that name. SEAL_E_UNSUPPORTED when it is none, or the chip lacks it; before the
 * chip was reached all pass, and making or signing tells.
 */
int service_algorithm(const Service *service, const char *name, const Algorithm **ret,
                      ErrorDetail *detail);

/* Why nothing signs in this machine as it was last seen: what the chip judges. */
int service_machine_why_not(const Service *service, ErrorDetail *detail);
/* A Lock was asked for, or the chip has shown one. */
bool service_is_locked(const Service *service);
/* Why nothing signs by the ledger: unsound, or the clock behind it. */
int service_ledger_why_not(const Service *service, ErrorDetail *detail);

/* The policy of a seal, from its row. */
int service_build_policy(const Service *service, const Seal *seal, SealPolicy *ret);

/* Seal with keepers and state checks for a mutation: visible, or SEAL_E_NOT_FOUND. */
int service_seal_fetch(Service *service, const Caller *caller, const char *number, Seal *ret,
                       ErrorDetail *detail);
bool service_sees_all(const Caller *caller);

/* --- making (service-make.c) --------------------------------------------------------------- */

/*
 * Make the key of an approved or failed request; by is recorded as the maker, and it is his job.
 * Result: const char *, the number.
 */
int service_make(Service *service, Request *request, const Caller *by, Reply reply,
                 ErrorDetail *detail);

/*
 * Requests that are in the making though nothing makes them have failed: after a restart, or when
 * the register could not be written at the end. Does nothing while a key is being made.
 */
int service_make_recover(Service *service);

/* --- suspending many (service-suspend.c) ----------------------------------------------------- */

/* Nobody is answered. */
SuspendRun *service_suspend_free(SuspendRun *run);

/* --- destroying (service-destroy.c) ---------------------------------------------------------- */

/* Empty the journal, now or when the timer comes back to it. */
void service_purge(Service *service);

/* --- signing (service-sign.c) -------------------------------------------------------------- */

/* The seal or a grant of it has changed (NULL: any): what is to be signed still is judged again. */
void service_sign_review(Service *service, const char *number);

/* --- retiring machine states (service-retire.c) -------------------------------------------- */

/* The bits of a state index as the chip has them: what the register does not know is made good. */
void retire_compare(Service *service, TPM2_HANDLE index, uint64_t bits);
/* "This machine state was retired …": when, by whom and why. */
void machine_retired_text(const MachineState *state, char ret[static ERROR_TEXT_MAX]);

/* --- revoking (service-revoke.c) ----------------------------------------------------------- */

/* Set the bits that are still owed to the chip. */
void service_revoke_pending(Service *service);
/* The chip says revoked, the register did not know. */
void service_revoke_found(Service *service, const char *number);

/* --- initialization ------------------------------------------------------------------------ */

/* Phase COMPLETE when nothing is missing any more; the ledger begins, and it is announced. */
int service_initialize_try_complete(Service *service, const Caller *caller);
/* Indices of the register; count is at most INDICES_MAX + 1. */
int service_indices(Service *service, RegisterIndex *ret, size_t *ret_count);
/* Whether one of them waits for its first write. */
int service_index_waits(Service *service, bool *ret);
