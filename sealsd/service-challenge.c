/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the external authority is asked to sign until initialization is complete, the machine's
 * state and the first write of each index; and after it the first write of each index by which the
 * capacity is extended. A challenge is two jobs, offer and answer; between them its session stays
 * in the worker's table.
 */
#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/utc.h"
#include "policy/approval.h"
#include "policy/key.h"
#include "policy/ref.h"
#include "sealsd/service-authority.h"
#include "sealsd/service-capacity.h"
#include "sealsd/service-internal.h"
#include "sealsd/service-use.h"
#include "tpm/machine.h"

static const char *kind_of(const OfferedChallenge *challenge) {
        return challenge->handle == 0 ? "machine-state" : "index";
}

/* A resident authority signs within Initialize, and within ExtendCapacity. */
static int require_external(const Service *service, ErrorDetail *detail) {
        if (!service->installation.resident)
                return 0;
        return error_set(detail, SEAL_E_INVALID_STATE,
                         service->installation.phase == INIT_COMPLETE
                                 ? "The authority lives in the TPM; extend the capacity again with "
                                   "its passphrase"
                                 : "The authority lives in the TPM; run 'sealctl init' again with "
                                   "its passphrase");
}

int service_index_waits(Service *service, bool *ret) {
        RegisterIndex rows[INDICES_MAX + 1];
        size_t count;

        *ret = false;
        int r = service_indices(service, rows, &count);
        for (size_t i = 0; r == 0 && i < count; i++)
                *ret |= !rows[i].written;
        OPENSSL_cleanse(rows, sizeof(rows));
        return r;
}

/*
 * Whether the authority is asked for anything. SEAL_E_NOT_INITIALIZED before there is an index to
 * write.
 */
static int challenge_expected(Service *service, bool *ret, ErrorDetail *detail) {
        InitPhase phase = service->installation.phase;

        *ret = phase == INIT_DEFINED;
        if (phase == INIT_COMPLETE)
                return service_index_waits(service, ret);
        return *ret ? 0 : service_require_ready(service, detail);
}

static int keep_written(Service *service, const Caller *caller, TPM2_HANDLE handle) {
        if (service->installation.phase == INIT_COMPLETE)
                return service_capacity_keep(service, caller, handle);
        return store_index_mark_written(service->store, handle);
}

/* --- offer -------------------------------------------------------------------------------- */

typedef struct OfferJob {
        ServiceJob head;
        Caller by;
        bool state_missing;
        bool extending; /* Initialize is complete: seals sign meanwhile */
        bool crowded;   /* there was no room for the challenge of an index that waits for it */
        PcrSelection pcrs;
        ApprovalSet *approvals;
        TPM2B_DIGEST ref; /* of the profile */
        size_t count;
        RegisterIndex rows[INDICES_MAX + 1]; /* unwritten by the register */
        uint64_t now;
        size_t offered_count;
        OfferedChallenge offered[CHALLENGES_OFFERED_MAX]; /* copies; sessions stay in the table */
} OfferJob;

static int offer_state(OfferJob *job, Chip *chip, ErrorDetail *detail) {
        OfferedChallenge *c = challenges_find_handle(chip->challenges, 0);
        uint8_t bytes[APPROVAL_BYTES_MAX];
        Writer w = writer_over(bytes, sizeof(bytes));
        MachineApproval state = {};
        int r;

        r = tpm_pcr_read(chip->tpm, &job->pcrs, &state.values, detail);
        if (r == 0)
                r = approval_set_place(job->approvals, &state, detail);
        if (r != 0)
                return r;
        approval_authorize_bytes(&state.policy, &job->ref, &w);
        if (c && c->size == w.used && memcmp(c->bytes, bytes, w.used) == 0)
                return 0;
        if (c) /* the machine has moved on: what was offered approves a state that is gone */
                challenge_drop(c);
        c = challenges_take(chip->challenges, "machine-state");
        if (!c)
                return 0;
        memcpy(c->bytes, bytes, w.used);
        c->size = w.used;
        c->values = state.values;
        c->expires = job->now + CHALLENGE_LIFETIME;
        return 0;
}

static int offer_new(OfferJob *job, Chip *chip, const TpmIndex *index, ErrorDetail *detail) {
        TPM2B_DIGEST value = { .size = 8 }; /* no bit set */
        TpmChallenge *session;
        int r = 0;

        if (index->kind == INDEX_LEDGER)
                r = ledger_genesis(&index->authority, index->handle, &value);
        if (r == 0)
                r = tpm_challenge_new(&session, chip->tpm, index,
                                      (Bytes){ value.buffer, value.size }, detail);
        if (r != 0)
                return r;
        OfferedChallenge *c = challenges_take(chip->challenges, "index");
        Bytes bytes = tpm_challenge_bytes(session);
        if (!c || bytes.size > sizeof(c->bytes)) {
                (void) tpm_challenge_free(session);
                return -EIO;
        }
        c->session = session;
        c->handle = index->handle;
        c->size = bytes.size;
        memcpy(c->bytes, bytes.data, bytes.size);
        c->expires = job->now + CHALLENGE_LIFETIME;
        return 0;
}

/* Before a seal is there nothing has to be left to its signature. */
static bool offer_has_room(const OfferJob *job, const Chip *chip) {
        if (job->extending)
                return challenges_room(chip->challenges, chip->tpm) > 0;
        return challenges_count(chip->challenges) < CHALLENGES_OFFERED_MAX;
}

static int offer_index(OfferJob *job, Chip *chip, RegisterIndex *row, ErrorDetail *detail) {
        TpmIndexState state;
        TpmIndex index;
        int r;

        if (challenges_find_handle(chip->challenges, row->handle))
                return 0;
        service_tpm_index(&job->head.authority, row, &index);
        r = tpm_index_state(chip->tpm, &index, &state, detail);
        if (r == 0)
                /* Written although the register does not know: killed between chip and commit. */
                row->written = state == TPM_INDEX_WRITTEN || state == TPM_INDEX_LOCKED;
        bool gone = state == TPM_INDEX_ABSENT || state == TPM_INDEX_FOREIGN;
        if (r == 0 && gone && job->extending) {
                OPENSSL_cleanse(&index, sizeof(index));
                return 0; /* a call of ExtendCapacity was interrupted before it was there */
        }
        if (r == 0 && gone)
                r = error_set(
                        detail, SEAL_E_REGISTER_TAMPERED,
                        "NV index 0x%08x is not in the chip any more; run 'sealctl init' again",
                        row->handle);
        const bool room = offer_has_room(job, chip);
        job->crowded |= !row->written && !room;
        if (r == 0 && !row->written && room)
                r = offer_new(job, chip, &index, detail);
        OPENSSL_cleanse(&index, sizeof(index));
        return r;
}

static void offer_copy(OfferJob *job, const Challenges *challenges) {
        for (size_t i = 0; i < CHALLENGES_OFFERED_MAX; i++) {
                if (challenges->slots[i].id[0] == '\0')
                        continue;
                job->offered[job->offered_count] = challenges->slots[i];
                job->offered[job->offered_count++].session = NULL;
        }
}

static int offer_run(Job *job, Chip *chip, ErrorDetail *detail) {
        OfferJob *j = (OfferJob *) job;
        int r;

        j->offered_count = 0;
        j->crowded = false;
        r = service_job_begin(&j->head, chip, detail);
        challenges_expire(chip->challenges, j->now);
        if (r == 0 && j->state_missing)
                r = offer_state(j, chip, detail);
        for (size_t i = 0; r == 0 && i < j->count; i++)
                r = offer_index(j, chip, &j->rows[i], detail);
        if (r == 0)
                offer_copy(j, chip->challenges);
        return r;
}

static int offer_keep(OfferJob *job) {
        Service *s = job->head.service;
        int r = 0;

        for (size_t i = 0; r == 0 && i < job->count; i++)
                if (job->rows[i].written && (r = keep_written(s, NULL, job->rows[i].handle)) == 0)
                        arrow_pass(s->arrows, ARROW_INIT_WRITE_FOUND);
        return r == 0 ? service_initialize_try_complete(s, &job->by) : r;
}

/* Nothing can be offered: until when. No further live use begins as long as the index waits. */
static int offer_crowded(const Service *service, ErrorDetail *detail) {
        const uint64_t end = live_first_end(service);
        char when[TIME_TEXT_SIZE] = "soon";

        if (end != 0)
                (void) time_format_rfc3339(end, when);
        return error_set(detail, SEAL_E_BUSY,
                         "An NV index waits for the authority, but live uses hold the sessions of "
                         "the chip that its challenge needs; the first of them is over at %s, or "
                         "when it is signed or cancelled: ask again then",
                         when);
}

static void offer_done(Job *job, int code, const ErrorDetail *detail) {
        OfferJob *j = (OfferJob *) job;
        ChallengeList list = {};
        ErrorDetail own = {};

        (void) approval_set_unref(j->approvals);

        if (code == 0)
                code = offer_keep(j);
        for (size_t i = 0; code == 0 && i < j->offered_count; i++) {
                const OfferedChallenge *c = &j->offered[i];
                Challenge *out = &list.challenges[list.count++];

                *out = (Challenge){
                        .kind = kind_of(c),
                        .bytes = { c->bytes, c->size },
                        .expires = c->expires,
                };
                memcpy(out->id, c->id, sizeof(out->id));
        }
        if (code == 0)
                service_separation_offered(j->head.service, &list);
        if (code == 0 && list.count == 0 && j->crowded) {
                code = offer_crowded(j->head.service, &own);
                detail = &own;
        }
        service_job_finish(&j->head, code, detail, &list);
}

static int offer_fill(OfferJob *job) {
        Service *s = job->head.service;
        RegisterIndex rows[INDICES_MAX + 1];
        size_t count;
        int r;

        job->now = service_now(s);
        job->pcrs = s->installation.pcrs;
        job->approvals = approval_set_ref(s->approvals);
        job->extending = s->installation.phase == INIT_COMPLETE;
        job->state_missing = !job->extending && s->approvals->count == 0;
        r = service_indices(s, rows, &count);
        for (size_t i = 0; r == 0 && i < count; i++)
                if (!rows[i].written)
                        job->rows[job->count++] = rows[i];
        OPENSSL_cleanse(rows, sizeof(rows));
        return r == 0 ? policy_ref(REF_PROFILE, s->installation.profile, &job->ref) : r;
}

int service_list_challenges(Service *service, const Caller *caller, Reply reply,
                            ErrorDetail *detail) {
        ChallengeList list = {};

        bool expected;
        int r = challenge_expected(service, &expected, detail);
        if (r == 0 && !expected) {
                service_separation_offered(service, &list);
                reply.done(reply.userdata, 0, NULL, &list);
                return 0;
        }
        if (r == 0)
                r = require_external(service, detail);
        if (r != 0)
                return r;

        OfferJob *job = service_job_new(service, sizeof(*job), caller->uid, reply);
        if (!job)
                return -ENOMEM;
        job->by = *caller;
        r = offer_fill(job);
        if (r == 0)
                r = service_job_submit(&job->head, offer_run, offer_done);
        if (r != 0) {
                (void) approval_set_unref(job->approvals);
                (void) service_job_discard(job);
        }
        return r;
}

/* --- answer ------------------------------------------------------------------------------- */

typedef struct AnswerJob {
        ServiceJob head;
        Caller by;
        char id[CHALLENGE_ID_MAX + 1];
        TpmAuthority authority;
        TPM2B_DIGEST ref;
        size_t size;
        uint8_t signature[SIGNATURE_MAX];
        uint64_t now;
        TPM2_HANDLE written; /* which index has had its first write */
        ApprovalSet *approvals;
        MachineState state; /* or the approved state */
        Caller caller;
} AnswerJob;

static int answer_state(AnswerJob *job, Chip *chip, OfferedChallenge *challenge,
                        const TPMT_SIGNATURE *signature, ErrorDetail *detail) {
        MachineApproval *a = &job->state.approval;
        int r;

        a->values = challenge->values;
        a->signature = *signature;
        r = approval_set_place(job->approvals, a, detail);
        if (r != 0)
                return r;
        return tpm_authority_ticket(chip->tpm, &job->authority, &a->policy, &job->ref, signature,
                                    &a->ticket, detail);
}

static int answer_challenge(AnswerJob *job, Chip *chip, OfferedChallenge *challenge,
                            ErrorDetail *detail) {
        Bytes der = { job->signature, job->size };
        TPMT_SIGNATURE signature;
        int r;

        r = signature_verify(&job->authority.public, (Bytes){ challenge->bytes, challenge->size },
                             der);
        if (r == SEAL_E_APPROVAL_INVALID)
                return error_set(detail, SEAL_E_APPROVAL_INVALID,
                                 "The signature is not the authority's over the bytes of this "
                                 "challenge");
        if (r == 0)
                r = signature_from_openssl(&job->authority.public, der, &signature);
        if (r != 0)
                return r;
        if (challenge->handle == 0)
                return answer_state(job, chip, challenge, &signature, detail);
        job->written = challenge->handle;
        return tpm_challenge_answer(challenge->session, &job->authority, &signature, detail);
}

static int answer_run(Job *job, Chip *chip, ErrorDetail *detail) {
        AnswerJob *j = (AnswerJob *) job;
        OfferedChallenge *c;
        int r;

        r = service_job_begin(&j->head, chip, detail);
        if (r != 0)
                return r;
        c = challenges_find(chip->challenges, j->id);
        if (!c)
                return error_set(detail, SEAL_E_NOT_FOUND,
                                 "No challenge \"%s\" is on offer; see ListChallenges", j->id);
        if (c->expires <= j->now) {
                challenge_drop(c);
                return SEAL_E_APPROVAL_EXPIRED;
        }
        r = answer_challenge(j, chip, c, detail);
        if (r == 0)
                arrow_pass(j->head.arrows,
                           j->written ? ARROW_INIT_INDEX_WRITTEN : ARROW_INIT_STATE_APPROVED);
        if (r == 0)
                challenge_drop(c);
        return r;
}

static int answer_keep(AnswerJob *job) {
        Service *s = job->head.service;
        int r;

        if (job->written != 0) {
                r = keep_written(s, &job->caller, job->written);
        } else {
                job->state.approved = service_now(s);
                memcpy(job->state.profile, s->installation.profile, sizeof(job->state.profile));
                r = store_machine_state_add(s->store, &job->state);
        }
        if (r == 0)
                arrow_pass(s->arrows,
                           job->written ? ARROW_INIT_WRITE_KEPT : ARROW_INIT_APPROVAL_KEPT);
        return r == 0 ? service_initialize_try_complete(s, &job->by) : r;
}

/* After the last answer the makers' keys are there, if they can be. */
static void answer_settled(void *userdata, int code, const ErrorDetail *detail,
                           const void *result) {
        AnswerJob *job = userdata;
        const ArrowObserver *arrows = job->head.arrows;

        (void) code;
        (void) detail;
        (void) result;
        service_job_finish(&job->head, 0, NULL, NULL);
        arrow_pass(arrows, ARROW_INIT_ANSWERED);
}

static void answer_done(Job *job, int code, const ErrorDetail *detail) {
        AnswerJob *j = (AnswerJob *) job;
        Service *s = j->head.service;

        (void) approval_set_unref(j->approvals);
        if (code == 0)
                code = answer_keep(j);
        if (code != 0)
                service_job_finish(&j->head, code, detail, NULL);
        else if (s->installation.phase == INIT_COMPLETE)
                makers_settle(s, (Reply){ .done = answer_settled, .userdata = j });
        else
                answer_settled(j, 0, NULL, NULL);
}

int service_answer(Service *service, const Caller *caller, const char *id, Bytes signature,
                   Reply reply, ErrorDetail *detail) {
        const Installation *i = &service->installation;
        bool expected;

        int r = service_separation_answer(service, caller, id, signature, detail);
        if (r == 0)
                reply.done(reply.userdata, 0, NULL, NULL);
        if (r != SEAL_E_NOT_FOUND)
                return r;
        r = challenge_expected(service, &expected, detail);
        if (r == 0 && !expected)
                return error_set(detail, SEAL_E_NOT_FOUND,
                                 "No challenge \"%s\" is on offer; see ListChallenges", id);
        if (r == 0)
                r = require_external(service, detail);
        if (r != 0)
                return r;
        if (signature.size == 0 || signature.size > SIGNATURE_MAX)
                return error_set(detail, SEAL_E_APPROVAL_INVALID,
                                 "A signature has 1 to %d bytes, this has %zu", SIGNATURE_MAX,
                                 signature.size);

        AnswerJob *job = service_job_new(service, sizeof(*job), caller->uid, reply);
        if (!job)
                return -ENOMEM;
        (void) snprintf(job->id, sizeof(job->id), "%s", id);
        job->authority = (TpmAuthority){ .public = i->authority };
        job->now = service_now(service);
        job->size = signature.size;
        memcpy(job->signature, signature.data, signature.size);
        job->by = *caller;
        job->state.by = caller->subject;
        job->caller = *caller;
        job->approvals = approval_set_ref(service->approvals);
        r = policy_ref(REF_PROFILE, i->profile, &job->ref);
        if (r == 0)
                r = service_job_submit(&job->head, answer_run, answer_done);
        if (r != 0) {
                (void) approval_set_unref(job->approvals);
                (void) service_job_discard(job);
        }
        return r;
}
