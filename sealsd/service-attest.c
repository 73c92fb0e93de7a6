/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attest: the chip gets the ledger's last rows → what the register says is gathered → the chip
 * signs for exactly that (one job) → the file is verified → a row of the ledger names it → the
 * answer.
 */
#include "sealsd/service-attest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <tss2/tss2_mu.h>

#include "base/log.h"
#include "format/passport-verify.h"
#include "policy/digest.h"
#include "sealsd/json.h"
#include "sealsd/service-internal.h"
#include "sealsd/service-ledger.h"
#include "tpm/attestation.h"
#include "tpm/ek.h"

#define ATTEST_TRIES 4 /* while others have the ledger anchored in between */

typedef struct AttestJob {
        ServiceJob head;
        AnchorWaiter waiter;
        Caller caller;
        char number[NUMBER_MAX + 1];
        size_t nonce_size;
        uint8_t nonce[PASSPORT_NONCE_MAX];
        unsigned tries;
        SealKey key;
        AttestIndices indices;
        uint8_t anchored[LEDGER_VALUE_SIZE]; /* the ledger index, by the statement */
        TPM2B_DATA extra;
        Passport *passport;
        /* What the worker comes to. */
        TpmEkCertificates ek;
        bool moved; /* the ledger index has another value than the statement says */
        char *file;
        size_t file_size;
} AttestJob;

static void attest_finish(AttestJob *job, int code, const ErrorDetail *detail) {
        const Bytes file = { (const uint8_t *) job->file, job->file_size };

        if (job->head.reply.done)
                job->head.reply.done(job->head.reply.userdata, code, detail, &file);
        (void) passport_free(job->passport);
        free(job->file);
        (void) service_job_discard(job);
}

/* --- at the chip ------------------------------------------------------------------------------ */

static int proof_keep(const TpmAttestation *made, PassportProof *ret) {
        size_t used = 0;

        if (made->attest.size > sizeof(ret->attest) ||
            Tss2_MU_TPMT_SIGNATURE_Marshal(&made->signature, ret->signature, sizeof(ret->signature),
                                           &used) != TSS2_RC_SUCCESS)
                return -EINVAL;
        memcpy(ret->attest, made->attest.attestationData, made->attest.size);
        ret->attest_size = made->attest.size;
        ret->signature_size = used;
        return 0;
}

static int index_attest(const AttestJob *job, const TpmAk *ak, const TpmIndex *index,
                        PassportProof *ret, ErrorDetail *detail) {
        TpmAttestation made;

        int r = tpm_ak_certify_index(ak, index, &job->extra, &made, detail);
        return r == 0 ? proof_keep(&made, ret) : r;
}

/* Where the key's birth was kept, that it was born here is the stronger word. */
static int key_attest(const AttestJob *job, const TpmAk *ak, PassportAttestation *ret,
                      ErrorDetail *detail) {
        const bool born = job->key.birth.hash.size > 0;
        TpmAttestation made;

        ret->kind = born ? PASSPORT_CREATION : PASSPORT_CERTIFY;
        int r = born ? tpm_ak_certify_creation(ak, &job->key, &job->extra, &made, detail)
                     : tpm_ak_certify_key(ak, &job->key, &job->extra, &made, detail);
        return r == 0 ? proof_keep(&made, &ret->seal) : r;
}

/* The value is the last 32 bytes of what is attested: TPM2B_MAX_NV_BUFFER (Part 2 §10.12.8). */
static bool value_is(const PassportProof *proof, const uint8_t value[static LEDGER_VALUE_SIZE]) {
        return proof->attest_size > LEDGER_VALUE_SIZE &&
               memcmp(proof->attest + proof->attest_size - LEDGER_VALUE_SIZE, value,
                      LEDGER_VALUE_SIZE) == 0;
}

static int indices_attest(AttestJob *job, const TpmAk *ak, ErrorDetail *detail) {
        PassportAttestation *ret = &job->passport->attestation;

        int r = index_attest(job, ak, &job->indices.revocation, &ret->revocation, detail);
        if (r == 0)
                r = index_attest(job, ak, &job->indices.ledger, &ret->ledger, detail);
        if (r == 0)
                job->moved = !value_is(&ret->ledger, job->anchored);
        for (size_t i = 0; r == 0 && i < job->indices.state_count; i++)
                r = index_attest(job, ak, &job->indices.states[i], &ret->states[i], detail);
        ret->state_count = job->indices.state_count;
        return r;
}

/* Once: the job may be run a second time, and later ones are about the same chip. */
static int ek_take(AttestJob *job, const TpmAk *ak, ErrorDetail *detail) {
        PassportDers *ders = &job->passport->statement.ek_certificates;

        if (ders->count > 0)
                return 0;
        int r = tpm_ek_certificates(&ak->session, &job->ek, detail);
        for (size_t i = 0; r == 0 && i < job->ek.count; i++)
                r = passport_ders_add(ders, (Bytes){ job->ek.items[i].der, job->ek.items[i].size });
        return r;
}

/* What the attestations are bound to: the statement as it is now. */
static int extra_make(AttestJob *job) {
        const PassportStatement *statement = &job->passport->statement;
        _cleanup_free_ char *text = NULL;
        size_t size = 0;

        int r = passport_statement_encode(statement, &text, &size);
        if (r != 0)
                return r;
        return passport_extra((Bytes){ statement->nonce, statement->nonce_size },
                              (Bytes){ (const uint8_t *) text, size }, &job->extra);
}

static int attest_at_chip(AttestJob *job, Tpm *tpm, ErrorDetail *detail) {
        PassportAttestation *attestation = &job->passport->attestation;
        _cleanup_(tpm_ak_close) TpmAk ak = {};

        int r = tpm_ak_open(tpm, &ak, detail);
        if (r == 0)
                r = ek_take(job, &ak, detail);
        if (r == 0)
                r = extra_make(job);
        if (r == 0)
                r = key_attest(job, &ak, attestation, detail);
        if (r == 0)
                r = indices_attest(job, &ak, detail);
        attestation->key = ak.public;
        return r;
}

/* What does not convince us convinces nobody: register and chip do not go together. */
static int file_make(AttestJob *job, ErrorDetail *detail) {
        const PassportWanted wanted = { .nonce = { job->nonce, job->nonce_size } };
        _cleanup_(passport_freep) Passport *read = NULL;
        PassportFacts facts;

        free(steal_ptr(job->file));
        int r = passport_encode(job->passport, &job->file, &job->file_size);
        if (r == 0 && job->file_size > PASSPORT_MAX)
                r = error_set(detail, SEAL_E_LIMITS_EXCEEDED,
                              "The passport has more than %d bytes: too many machine states are "
                              "approved",
                              PASSPORT_MAX);
        if (r == 0)
                r = passport_verify((Bytes){ (const uint8_t *) job->file, job->file_size }, &wanted,
                                    &read, &facts, detail);
        return r;
}

static int attest_run(Job *job, Chip *chip, ErrorDetail *detail) {
        AttestJob *j = (AttestJob *) job;

        j->moved = false;
        int r = service_job_begin(&j->head, chip, detail);
        if (r == 0)
                r = attest_at_chip(j, chip->tpm, detail);
        return r == 0 && !j->moved ? file_make(j, detail) : r;
}

/* --- the ledger ------------------------------------------------------------------------------- */

static int attest_record(const AttestJob *job) {
        char nonce[2 * PASSPORT_NONCE_MAX + 1];
        _cleanup_json_ json_t *facts = NULL;
        TPM2B_DIGEST digest;

        int r = digest_bytes((Bytes){ (const uint8_t *) job->file, job->file_size }, &digest);
        if (r != 0)
                return r;
        facts = json_pack("{s:s}", "nonce", hex_encode(job->nonce, job->nonce_size, nonce));
        if (!facts)
                return -ENOMEM;
        return store_event(job->head.service->store,
                           &(Event){
                                   .code = EVENT_PASSPORT_ISSUED,
                                   .caller = &job->caller,
                                   .seal = job->number,
                                   .digest = { digest.buffer, digest.size },
                                   .hash = "sha256",
                                   .facts = facts,
                           });
}

/* --- in order --------------------------------------------------------------------------------- */

static int attest_anchor(AttestJob *job);

static int attest_again(AttestJob *job, ErrorDetail *detail) {
        if (++job->tries < ATTEST_TRIES)
                return attest_anchor(job);
        service_probe(job->head.service);
        return error_set(detail, SEAL_E_BUSY,
                         "The chip's ledger index has another value than that of the ledger's last "
                         "anchor: others anchor it at the same time; try again");
}

static void attest_done(Job *job, int code, const ErrorDetail *detail) {
        AttestJob *j = (AttestJob *) job;
        ErrorDetail why = *detail;

        if (code == 0 && j->moved) {
                code = attest_again(j, &why);
                if (code == 0)
                        return;
        } else if (code == 0) {
                code = attest_record(j);
        }
        if (code == SEAL_E_REGISTER_TAMPERED)
                log_warning("seal %s gets no passport: %s", j->number, error_describe(code, &why));
        attest_finish(j, code, &why);
}

/* Seen as it is now: something may have changed while the chip was asked. */
static int seal_get(const AttestJob *job, Seal *ret, ErrorDetail *detail) {
        Service *s = job->head.service;

        int r = service_seal_fetch(s, &job->caller, job->number, ret, detail);
        if (r != 0)
                return r;
        if (ret->state == SEAL_DESTROYED)
                return error_set(detail, SEAL_E_INVALID_STATE,
                                 "The seal is destroyed: there is no key any more that the chip "
                                 "could vouch for");
        r = service_ledger_why_not(s, detail);
        if (r == 0 && ret->revocation_pending)
                r = error_set(
                        detail, SEAL_E_BUSY,
                        "The seal is revoked, and its bit in the chip not set yet; try again");
        /*
         * Without the register's key there is none of the seal: the caller's caller sees to that.
         */
        if (r == 0 && ret->opaque)
                r = SEAL_E_MACHINE_STATE_REFUSED;
        return r;
}

static int statement_make(AttestJob *job, const Seal *seal) {
        PassportStatement *statement;

        (void) passport_free(steal_ptr(job->passport));
        job->passport = passport_new();
        if (!job->passport)
                return -ENOMEM;
        statement = &job->passport->statement;
        statement->nonce_size = job->nonce_size;
        memcpy(statement->nonce, job->nonce, job->nonce_size);
        memcpy(job->anchored, job->head.service->anchoring.last.value, sizeof(job->anchored));
        job->key = (SealKey){ seal->public, seal->private, seal->birth };
        return attest_statement_fill(job->head.service, seal, statement, &job->indices);
}

static int attest_submit(AttestJob *job, ErrorDetail *detail) {
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));

        if (!seal)
                return -ENOMEM;
        int r = seal_get(job, seal, detail);
        if (r == 0)
                r = statement_make(job, seal);
        return r == 0 ? service_job_submit(&job->head, attest_run, attest_done) : r;
}

static void attest_anchored(void *userdata, int code, const ErrorDetail *detail) {
        AttestJob *job = userdata;
        ErrorDetail why = {};

        if (code != 0 && detail)
                why = *detail;
        if (code == 0)
                code = attest_submit(job, &why);
        if (code != 0)
                attest_finish(job, code, &why);
}

/* The chip's memory wears out: where it is written often, the anchor of before has to do. */
static int attest_anchor(AttestJob *job) {
        Service *s = job->head.service;

        if (anchor_is_flooded(s)) {
                attest_anchored(job, 0, NULL);
                return 0;
        }
        job->waiter = (AnchorWaiter){ .done = attest_anchored, .userdata = job };
        anchor_all(s, &job->waiter);
        return 0;
}

int service_seal_attest(Service *service, const Caller *caller, const char *number, Bytes nonce,
                        Reply reply, ErrorDetail *detail) {
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));

        if (!seal)
                return -ENOMEM;
        if (nonce.size < PASSPORT_NONCE_MIN || nonce.size > PASSPORT_NONCE_MAX)
                return error_set(detail, SEAL_E_INVALID_ARGS, "A nonce has %d to %d bytes, not %zu",
                                 PASSPORT_NONCE_MIN, PASSPORT_NONCE_MAX, nonce.size);
        AttestJob *job = service_job_new(service, sizeof(*job), caller->uid, reply);
        if (!job)
                return -ENOMEM;
        job->caller = *caller;
        text_copy(job->number, sizeof(job->number), number);
        job->nonce_size = nonce.size;
        memcpy(job->nonce, nonce.data, nonce.size);
        int r = seal_get(job, seal, detail);
        if (r == 0)
                r = worker_check(service->worker, caller->uid);
        if (r == 0)
                r = attest_anchor(job);
        if (r != 0)
                (void) service_job_discard(job);
        return r;
}
