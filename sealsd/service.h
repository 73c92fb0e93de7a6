/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What sealsd does, without the bus: every operation of section 5, in the order store, job,
 * continuation. Called in the main thread, by callers that the gates have let through; it checks
 * states, separation of duties and visibility itself.
 *
 * Operations that reach the chip are asynchronous: they return 0 and later call the Reply exactly
 * once, or return a code at once and never call it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "format/signed-format.h"
#include "policy/algorithm.h"
#include "policy/approval.h"
#include "policy/pcr.h"
#include "sealsd/application.h"
#include "sealsd/arrow.h"
#include "sealsd/caller.h"
#include "sealsd/certificate-chain.h"
#include "sealsd/config.h"
#include "sealsd/grant.h"
#include "sealsd/handed-file.h"
#include "sealsd/inspection.h"
#include "sealsd/installation.h"
#include "sealsd/maker.h"
#include "sealsd/request.h"
#include "sealsd/seal.h"
#include "sealsd/store-inspection.h"
#include "sealsd/store-ledger.h"
#include "sealsd/store.h"

typedef struct Service Service;

/* result is what the operation's comment says; it is only valid during the call. */
typedef struct Reply {
        void (*done)(void *userdata, int code, const ErrorDetail *detail, const void *result);
        void *userdata;
} Reply;

/* What happened, for those who announce it. Any member may be NULL. */
typedef struct Observer {
        /* kind "seal", "request" or "manager"; id the number, the decimal id, "". */
        void (*changed)(void *userdata, const char *kind, const char *id, const char *state);
        /*
         * severity "info", "warning" or "critical"; object a bus-independent "kind/id" or "". Of
         * kind custody, with a seal's number, it is for its keepers and those who look after all.
         */
        void (*attention)(void *userdata, const char *severity, const char *code,
                          const char *object, const char *text);
        void (*progress)(void *userdata, const char *operation, uint64_t done, uint64_t total);
        /* service_features() has others than before. */
        void (*features)(void *userdata);
        void *userdata;
} Observer;

/*
 * Opens the register in config->state_directory and starts the worker, finishes what a crash left
 * open: a revocation begun, a key whose making was interrupted. Challenges that were on offer died
 * with the connection; ListChallenges offers fresh ones. config and clock are copied or borrowed
 * for the Service's life, and so is arrows, which may be NULL.
 */
int service_new(Service **ret, sd_event *event, const Config *config, Clock clock,
                const ArrowObserver *arrows, ErrorDetail *detail);
Service *service_free(Service *service);
DEFINE_CLEANUP(Service, service_free)

void service_observe(Service *service, Observer observer);

/*
 * The end: the ledger's last rows are written, anchored and signed by the chip, then done is
 * called; without a chip after STOP_PATIENCE. service_free() without it only writes them.
 */
void service_stop(Service *service, void (*done)(void *userdata), void *userdata);

/* The sentence for a failure of the register, where the place that met it left detail empty. */
void service_explain(const Service *service, int code, ErrorDetail *detail);

/* --- the Manager's properties --------------------------------------------------------------- */

const char *service_state(const Service *service); /* uninitialized, ready, unapproved, no-tpm, … */
Separation service_separation(const Service *service);
/* What the chip has; while it is away, what it had. 0 before it was reached. */
FeatureSet service_features(const Service *service);

/* --- installation --------------------------------------------------------------------------- */

typedef struct InitOptions {
        Separation separation;     /* NONE: dual */
        const char *authority_pem; /* external; NULL: resident */
        size_t authority_pem_size;
        Secret passphrase;   /* resident */
        const char *pcrs;    /* NULL: the default */
        const char *profile; /* NULL: "default" */
        uint32_t capacity;   /* 0: 64 */
        Secret owner_auth, lockout_auth;
        bool set_owner_auth;
        bool machine_states;    /* that can be retired */
        const char *escrow_pem; /* certificate; NULL: none */
        size_t escrow_pem_size;
} InitOptions;

typedef struct InitReport {
        const char *state;
        Separation separation;
        bool resident;
        TPM2B_NAME authority_name;
        unsigned challenges; /* answers still needed */
        size_t index_count;
        TPM2_HANDLE indices[INDICES_MAX];
        TPM2_HANDLE ledger_index;
        TPM2_HANDLE state_index; /* 0: none */
        unsigned capacity;
        const char *lockout_auth; /* "set", "taken" */
        const char *owner_auth;   /* "unchanged", "empty", "set" */
        Bytes escrowed;           /* DER CMS, size 0 without escrow */
} InitReport;

/* Result: InitReport. SEAL_E_ALREADY_INITIALIZED. options is copied. */
int service_initialize(Service *service, const Caller *caller, const InitOptions *options,
                       Reply reply, ErrorDetail *detail);

typedef struct Challenge {
        char id[32];
        const char *kind; /* "machine-state", "index", "separation" */
        Bytes bytes;
        uint64_t expires;
} Challenge;

typedef struct ChallengeList {
        size_t count;
        Challenge challenges[CHALLENGES_OFFERED_MAX + 1]; /* one needs no session */
} ChallengeList;

/*
 * Result: ChallengeList, empty when nothing waits. SEAL_E_INVALID_STATE: the authority is resident.
 */
int service_list_challenges(Service *service, const Caller *caller, Reply reply,
                            ErrorDetail *detail);

/* Result: NULL. SEAL_E_NOT_FOUND (no such challenge now), SEAL_E_APPROVAL_INVALID, …_EXPIRED. */
int service_answer(Service *service, const Caller *caller, const char *id, Bytes signature,
                   Reply reply, ErrorDetail *detail);

typedef struct ExtendOptions {
        uint32_t seals;    /* room for at least so many more */
        Secret passphrase; /* resident authority */
        Secret owner_auth;
        bool measure;        /* whether they fit, and nothing else */
        bool machine_states; /* one more state index, beside what the seals need */
} ExtendOptions;

/*
 * Result: NULL: with an external authority once challenges are offered, and its last Answer
 * completes it. SEAL_E_TPM_FULL tells how many fit, and nothing was changed. options is copied.
 */
int service_extend_capacity(Service *service, const Caller *caller, const ExtendOptions *options,
                            Reply reply, ErrorDetail *detail);

/* How many more indices the chip took when somebody tried. */
typedef struct IndexRoom {
        uint64_t measured; /* when; 0: not since the daemon was started */
        unsigned indices;
        bool exact; /* it had no room for one more */
} IndexRoom;
/* --- the register's key ---------------------------------------------------------------------- */

/* Are the confidential fields of the register open? */
bool service_has_key(const Service *service);
/*
 * Have the register's key unsealed for a call that was refused for want of it. Result: NULL.
 * SEAL_E_MACHINE_STATE_REFUSED names the PCRs.
 */
int service_demand_key(Service *service, const Caller *caller, Reply reply, ErrorDetail *detail);

/* --- the ledger ------------------------------------------------------------------------------- */

/*
 * A use of a seal was refused to this caller, with this condition. Repeats within a minute are one
 * row.
 */
void service_ledger_refused(Service *service, const Caller *caller, const char *seal, int code);
/* The register was shown as a whole, through this member, to one who sees everything. */
void service_ledger_disclosed(Service *service, const Caller *caller, const char *member);

/* False when the clock is behind the newest row of the ledger by more than five minutes. */
bool service_clock_trusted(const Service *service);

/* SEAL_E_REGISTER_TAMPERED, with what was found, until it is acknowledged. */
int service_require_sound(const Service *service, ErrorDetail *detail);

/* Texts of rows, malloc'ed (texts_free). */
int service_read_ledger(Service *service, const Caller *caller, const LedgerFilter *filter,
                        char ***ret, size_t *ret_count, ErrorDetail *detail);

typedef struct LedgerReport {
        uint64_t rows;     /* that were checked */
        uint64_t head_seq; /* the last of them */
        uint8_t head[LEDGER_HASH_SIZE];
        uint64_t breaks, acknowledged;
        const char *place, *text; /* of the first break that nobody acknowledged, "" without one */
        const char *chip;         /* what is wrong with the chip's value, "" when it is right */
        uint64_t checkpoint;      /* row up to which the chip has signed; 0: none */
} LedgerReport;

/* Result: LedgerReport. */
int service_verify_ledger(Service *service, const Caller *caller, Reply reply, ErrorDetail *detail);

typedef struct LedgerExport LedgerExport;

/*
 * The rows from first on. Result: LedgerExport, which is the receiver's, and not const. It is gone
 * before the service.
 */
int service_export_ledger(Service *service, const Caller *caller, uint64_t first, Reply reply,
                          ErrorDetail *detail);
/* The next line of the file, valid until the next call; none at the end. */
int ledger_export_next(LedgerExport *export, Bytes *ret, ErrorDetail *detail);
LedgerExport *ledger_export_free(LedgerExport *export);

/* Result: NULL. SEAL_E_INVALID_STATE when nothing was found, or what was found has to be mended. */
int service_acknowledge(Service *service, const Caller *caller, const char *reason, Reply reply,
                        ErrorDetail *detail);

/* --- status ----------------------------------------------------------------------------------- */

/*
 * Result: NULL. Raising is done at once; lowering with the resident authority's passphrase, or,
 * with an external one, when the challenge that is then on offer is answered.
 */
int service_set_separation(Service *service, const Caller *caller, Separation mode,
                           const Secret *passphrase, Reply reply, ErrorDetail *detail);

typedef struct ReviewerOptions {
        Subject subject;
        Bytes pem;
        Bytes signature;   /* of the present key, or the external authority */
        Secret passphrase; /* of the resident one */
} ReviewerOptions;

/*
 * Result: NULL. SEAL_E_APPROVAL_REQUIRED or SEAL_E_APPROVAL_INVALID where another key is to be
 * replaced.
 */
int service_register_reviewer(Service *service, const Caller *caller,
                              const ReviewerOptions *options, Reply reply, ErrorDetail *detail);

typedef struct IndexStatus {
        TPM2_HANDLE handle;
        unsigned used, bits;
} IndexStatus;

typedef struct Status {
        const char *state;
        const Installation *installation;
        const char *authority_pem; /* "" before there is one */
        TPM2B_NAME authority_name;
        size_t index_count;
        IndexStatus indices[INDICES_MAX];
        TPM2_HANDLE ledger_index; /* 0 before there is one */
        size_t state_index_count;
        IndexStatus state_indices[INDICES_MAX]; /* bits: how many of those used are retired */
        size_t list_count;
        ListStatus lists[MAKERS_MAX];
        TPM2B_DIGEST genesis;
        TPM2B_NAME ak_name; /* of the attestation key; size 0 before the chip was asked */
        unsigned capacity_used;
        IndexRoom room;
        uint64_t seals;
        unsigned requests_open;
        unsigned challenges;
        unsigned live_uses; /* that wait in a session of the chip */
        unsigned queue;
        unsigned fence_pcr;
        const char *tcti, *tpm;
        FeatureSet features;
        const char *lockout_auth, *owner_auth; /* as in the report, "unknown" without a chip */
        LedgerHead ledger;
        uint64_t anchored, anchor_time;       /* the last row in the chip, and since when */
        uint64_t checkpoint, checkpoint_time; /* the last row that the chip has signed */
        const char *key_memory; /* where the register's key is, "" while it is not there */
        char command_audit[ERROR_TEXT_MAX]; /* audit_status() */
        const char *audit;                  /* "present", or why the kernel's audit is not */
        RegisterCounts counts;
        uint64_t inspected;                       /* when all was; 0: not since the start */
        uint64_t findings[SEVERITY_CRITICAL + 1]; /* then */
        size_t attention_count;
        const char *attention[16];
} Status;

/* Result: Status. */
int service_get_status(Service *service, const Caller *caller, Reply reply, ErrorDetail *detail);

typedef struct MachineReport {
        const char *profile;
        PcrValues values;
        bool approved;
        uint32_t differing; /* PCR mask against the nearest approved state */
        TPM2B_DIGEST policy, ref;
        TPM2_HANDLE state_index; /* by which an approval of it can be retired; 0: it cannot */
        unsigned state_bit;
        uint64_t id;  /* of the approved state; 0: it is not */
        bool retired; /* it was approved, and is retired */
        unsigned approvals;
} MachineReport;

/* Result: MachineReport. */
int service_get_machine_state(Service *service, const Caller *caller, Reply reply,
                              ErrorDetail *detail);

typedef struct MachineApproveOptions {
        Bytes signature;      /* external authority */
        Secret passphrase;    /* resident authority */
        const char *profile;  /* NULL: the installation's; another is NotFound */
        bool predicted;       /* values given instead of read */
        PcrValues values;     /* its selection is filled in by the service */
        uint32_t values_mask; /* which of values were given */
} MachineApproveOptions;

/* Result: NULL. options is copied. */
int service_approve_machine_state(Service *service, const Caller *caller,
                                  const MachineApproveOptions *options, Reply reply,
                                  ErrorDetail *detail);

/* ret is malloc'ed, newest first. */
int service_list_machine_states(Service *service, const Caller *caller, MachineState **ret,
                                size_t *ret_count, ErrorDetail *detail);

/*
 * Result: NULL. In that state no seal signs any more and the register does not open, whoever asks
 * the chip, until the authority approves it anew. SEAL_E_NOT_FOUND; SEAL_E_INVALID_STATE for one
 * that was approved before there was a state index. One that is retired: 0.
 */
int service_retire_machine_state(Service *service, const Caller *caller, uint64_t id,
                                 const char *reason, Reply reply, ErrorDetail *detail);

/* --- the lock --------------------------------------------------------------------------------- */

/*
 * No seal signs until TPM Reset or Restart, whoever asks the chip. Result: NULL. Again: the same
 * once more, which finishes what was done in part; the detail of a failure says what was done.
 */
int service_lock(Service *service, const Caller *caller, const char *reason, Reply reply,
                 ErrorDetail *detail);

/* --- inspection ------------------------------------------------------------------------------ */

typedef struct InspectReport {
        size_t count;
        const Finding *findings; /* the worst first */
} InspectReport;

/*
 * Of the installation and all seals. Result: InspectReport. Who asks while one runs is answered
 * with it. SEAL_E_BUSY when too much is verified and inspected already.
 */
int service_inspect(Service *service, const Caller *caller, Reply reply, ErrorDetail *detail);
/* Of one seal. Result: InspectReport. */
int service_seal_inspect(Service *service, const Caller *caller, const char *number, Reply reply,
                         ErrorDetail *detail);

/* --- requests ------------------------------------------------------------------------------- */

/*
 * Of all three: picture is not given for none; it is looked at first. What they are given is
 * copied. The same token again: the same request. Result: const uint64_t *, the request.
 */
int service_apply(Service *service, const Caller *caller, const Application *application,
                  const HandedFile *picture, Reply reply, ErrorDetail *detail);

/* Result: const char *, the seal's number. */
int service_create_seal(Service *service, const Caller *caller, const Application *application,
                        const HandedFile *picture, Reply reply, ErrorDetail *detail);

/* The picture that came with a request, the caller's to free. SEAL_E_NOT_FOUND for none. */
int service_request_picture(Service *service, const Caller *caller, uint64_t id, SealPicture *ret,
                            ErrorDetail *detail);

/* SEAL_E_NOT_FOUND also for what the caller may not see. */
int service_request_get(Service *service, const Caller *caller, uint64_t id, Request *ret);
/* The same question for sd-bus's find, without reading the whole row. */
int service_request_visible(Service *service, const Caller *caller, uint64_t id, bool *ret);
/* The filter's viewer is set by the service. *ret is malloc'ed. */
int service_request_list(Service *service, const Caller *caller, RequestFilter filter,
                         RequestRow **ret, size_t *ret_count);

/*
 * The decision that completes it makes the seal in dual mode, and in every mode carries out what
 * makes no key. signature has size 0 without one. Result: NULL.
 */
int service_request_approve(Service *service, const Caller *caller, uint64_t id,
                            const char *comment, Bytes signature, Reply reply, ErrorDetail *detail);
int service_request_reject(Service *service, const Caller *caller, uint64_t id, const char *reason,
                           Bytes signature, ErrorDetail *detail);
int service_request_cancel(Service *service, const Caller *caller, uint64_t id, const char *reason,
                           ErrorDetail *detail);
/* Result: const char *, the seal's number; of a completed request, at once. */
int service_request_make(Service *service, const Caller *caller, uint64_t id, Reply reply,
                         ErrorDetail *detail);

/* --- seals ---------------------------------------------------------------------------------- */

/* SEAL_E_NOT_FOUND also for what the caller may not see. */
int service_seal_get(Service *service, const Caller *caller, const char *number, Seal *ret);
int service_seal_visible(Service *service, const Caller *caller, const char *number, bool *ret);
int service_seal_list(Service *service, const Caller *caller, SealFilter filter, SealRow **ret,
                      size_t *ret_count);

/* The request that it was made for: whoever sees custody may know what became of it. */
int service_seal_request(Service *service, const Seal *seal, Request *ret);

/*
 * 0 when the seal can sign for its keepers now, in this format, else the condition that says why
 * not: a certificate that is over keeps it from all but a request for another (FORMAT_PKCS10).
 */
int service_seal_why_not(Service *service, const Seal *seal, SignFormat format,
                         ErrorDetail *detail);
/* One text per policy term, NULL-terminated, malloc'ed strings in a malloc'ed array. */
int service_seal_policy(Service *service, const Seal *seal, char ***ret);

int service_seal_record_filing(Service *service, const Caller *caller, const char *number,
                               const Filing *filing, ErrorDetail *detail);
int service_seal_deliver(Service *service, const Caller *caller, const char *number,
                         const Subject *keeper, ErrorDetail *detail);

typedef struct AcceptOptions {
        Secret new_pin; /* required where the seal has a PIN, refused where it has none */
        Secret pin;     /* the present one, where a former keeper had set one */
} AcceptOptions;

/*
 * Result: NULL. A seal with a PIN gets it in the chip: nobody has the authValue that it was born
 * with, and afterwards the register neither. SEAL_E_PIN_REQUIRED, SEAL_E_WRONG_PIN with the tries
 * left, SEAL_E_TPM_LOCKOUT with the seconds.
 */
int service_seal_accept(Service *service, const Caller *caller, const char *number,
                        const AcceptOptions *options, Reply reply, ErrorDetail *detail);
/* Result: NULL. Conditions as above. */
int service_seal_change_pin(Service *service, const Caller *caller, const char *number,
                            const Secret *old, const Secret *new, Reply reply, ErrorDetail *detail);
int service_seal_decline(Service *service, const Caller *caller, const char *number,
                         const char *reason, ErrorDetail *detail);
int service_seal_suspend(Service *service, const Caller *caller, const char *number,
                         const char *reason, ErrorDetail *detail);
int service_seal_resume(Service *service, const Caller *caller, const char *number,
                        const char *reason, ErrorDetail *detail);
int service_seal_report_lost(Service *service, const Caller *caller, const char *number,
                             const char *reason, ErrorDetail *detail);
int service_seal_report_found(Service *service, const Caller *caller, const char *number,
                              const char *reason, ErrorDetail *detail);
int service_seal_surrender(Service *service, const Caller *caller, const char *number,
                           const char *reason, ErrorDetail *detail);

/*
 * Active ones that the filter has; its state, viewer, after and limit do not count. Result:
 * uint32_t *.
 */
int service_suspend_seals(Service *service, const Caller *caller, const SealFilter *filter,
                          const char *reason, Reply reply, ErrorDetail *detail);

typedef struct ChangeOptions {
        RequestKind kind;
        const Application *change; /* change.h */
        const HandedFile *picture; /* of a renewal */
        const char *reason;
} ChangeOptions;

/*
 * Apply for what is to become of a seal, as above. SEAL_E_ALREADY_EXISTS when such a request is
 * open.
 */
int service_seal_apply(Service *service, const Caller *caller, const char *number,
                       const ChangeOptions *options, Reply reply, ErrorDetail *detail);

/* "active", or with what the clock made of it then "active expired". SEAL_E_NOT_FOUND before it. */
#define STATE_TEXT_MAX 32
int service_seal_state_at(Service *service, const Caller *caller, const char *number, uint64_t time,
                          char ret[static STATE_TEXT_MAX], ErrorDetail *detail);

/* grant is completed in place, its id too. */
int service_grant_add(Service *service, const Caller *caller, const char *number, Grant *grant,
                      ErrorDetail *detail);
int service_grant_remove(Service *service, const Caller *caller, const char *number, uint64_t id,
                         const char *reason, ErrorDetail *detail);
/* Those that have not been ended, by id. *ret is malloc'ed. */
int service_grant_list(Service *service, const Caller *caller, const char *number, Grant **ret,
                       size_t *ret_count, ErrorDetail *detail);

typedef struct SignOptions {
        size_t count; /* 1 to SIGN_MANY_MAX */
        const Bytes *digests;
        const char *hash;          /* sha256, ...; NULL: the algorithm's own */
        const char *scheme;        /* rsassa, rsapss; NULL: the first */
        SignFormat format;         /* of FORMAT_PKCS10 one digest, which is empty */
        const char *property_info; /* NULL: PROPERTY_INFO_DEFAULT; of another than eseal none */
        Purpose purpose;           /* 0: document-signing */
        const char *document_name; /* NULL: none */
        Secret pin;                /* required where the seal has one, refused where it has none */
} SignOptions;

typedef struct SignResult {
        size_t count;
        const Bytes *signatures; /* as the format has them; raw: DER, or the plain block of RSA */
        uint64_t use;            /* number of the first; the others follow */
} SignResult;

/*
 * Result: SignResult. Each digest counts one use, all are counted or none, and all are counted
 * before the first is signed.
 */
int service_seal_sign(Service *service, const Caller *caller, const char *number,
                      const SignOptions *options, Reply reply, ErrorDetail *detail);

/* --- uses that approvers sign for ------------------------------------------------------------- */

typedef struct UseOptions {
        SignOptions sign; /* of one digest */
        uint64_t expires; /* 0: as the configuration has it; live ones in ten minutes */
        bool live;
        Secret pin; /* of a live one of a seal that has one */
} UseOptions;

/* Result: const uint64_t *, the request. SEAL_E_INVALID_STATE for a seal without approvers. */
int service_request_use(Service *service, const Caller *caller, const char *number,
                        const UseOptions *options, Reply reply, ErrorDetail *detail);

typedef struct UseChallenge {
        Request request;
        Seal seal;
        size_t size;
        uint8_t to_sign[APPROVAL_BYTES_MAX];
        TPM2B_DIGEST cphash, ref;
        UseStructure frozen; /* of another format than raw; format "" else */
        CertificateChain certificates;
} UseChallenge;

/* Frees what is owned and wipes the rest. */
void use_challenge_clear(UseChallenge *challenge);

/*
 * What approvers sign, into a zeroed one, which is cleared whatever comes of it. Of a request that
 * is over SEAL_E_APPROVAL_EXPIRED, SEAL_E_APPROVAL_USED or SEAL_E_INVALID_STATE.
 */
int service_use_challenge(Service *service, const Caller *caller, uint64_t id, UseChallenge *ret,
                          ErrorDetail *detail);
/*
 * The signature of the approver of this name; another one of his replaces it. Result: NULL; of a
 * live use whose last approval this is once it is signed. SEAL_E_APPROVAL_INVALID.
 */
int service_use_authorize(Service *service, const Caller *caller, uint64_t id, const char *approver,
                          Bytes signature, Reply reply, ErrorDetail *detail);
int service_use_withdraw(Service *service, const Caller *caller, uint64_t id, const char *approver,
                         ErrorDetail *detail);
/*
 * Sign what enough approvers signed for; once it is signed, the same again. pin may be NULL.
 * Result: SignResult. SEAL_E_APPROVAL_REQUIRED while some are missing.
 */
int service_use_collect(Service *service, const Caller *caller, uint64_t id, const Secret *pin,
                        Reply reply, ErrorDetail *detail);

/* Result: NULL, once bit and fence are done. */
int service_seal_revoke(Service *service, const Caller *caller, const char *number,
                        const char *reason, Reply reply, ErrorDetail *detail);

/* Result: const char *, the number, once the key is erased. */
int service_seal_destroy(Service *service, const Caller *caller, const char *number,
                         const char *reason, Reply reply, ErrorDetail *detail);
