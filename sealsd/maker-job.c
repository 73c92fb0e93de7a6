/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/maker-job.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "base/log.h"
#include "base/text.h"
#include "format/x509-certificate.h"
#include "policy/digest.h"
#include "policy/key.h"
#include "policy/openssl.h"
#include "sealsd/service-certify.h"
#include "sealsd/service-life.h"
#include "sealsd/service-maker.h"
#include "tpm/index.h"

void maker_job_free(MakerJob *job) {
        certificate_record_free(&job->record);
        maker_use_clear(&job->use);
        (void) service_job_discard(job);
}

/* --- beginning -------------------------------------------------------------------------------- */

/* Who it says it is, for life. */
static int maker_name(const Service *service, Maker *maker, ErrorDetail *detail) {
        const MakerConfig *config = &service->config->maker;
        char host[HOST_NAME_MAX + 1] = "", common[CONFIG_PATH_MAX + WORD_MAX + 2];
        _cleanup_free_ uint8_t *der = NULL;
        size_t size = 0;

        if (gethostname(host, sizeof(host) - 1) < 0 || host[0] == '\0')
                memcpy(host, "localhost", sizeof("localhost"));
        if (config->common_name[0] == '\0')
                (void) snprintf(common, sizeof(common), "Seal maker %s of %.36s", maker->algorithm,
                                host);
        else
                (void) snprintf(common, sizeof(common), "%s%s%s", config->common_name,
                                maker->bit == 0 ? "" : " ",
                                maker->bit == 0 ? "" : maker->algorithm);
        const X509Subject subject = {
                .country = config->country,
                .organization = config->organization[0] ? config->organization : "sealsd",
                .organization_identifier = config->organization_identifier,
                .common_name = common,
        };
        int r = x509_name_encode(&subject, &der, &size, detail);
        if (r != 0 || size > sizeof(maker->subject))
                return r != 0 ? r : SEAL_E_INVALID_ARGS;
        memcpy(maker->subject, der, size);
        maker->subject_size = size;
        return 0;
}

/* The index that two bits were kept of. */
static int maker_index(Service *service, TPM2_HANDLE *ret) {
        RegisterIndex rows[INDICES_MAX + 1];
        size_t count = 0;

        *ret = 0;
        int r = service_indices(service, rows, &count);
        for (size_t i = 0; r == 0 && i < count; i++)
                if (rows[i].kind == INDEX_REVOCATION && rows[i].ordinal == 0 && rows[i].written)
                        *ret = rows[i].handle;
        OPENSSL_cleanse(rows, sizeof(rows));
        return r == 0 && *ret == 0 ? SEAL_E_NOT_INITIALIZED : r;
}

static int job_fill_new(MakerJob *job, ErrorDetail *detail) {
        Service *s = job->head.service;
        Maker *maker = &job->maker;

        job->head.job.slow = true;
        maker->bit = job->kind;
        maker->created = service_now(s);
        text_copy(maker->algorithm, sizeof(maker->algorithm), job->algorithm->name);
        memcpy(maker->profile, s->installation.profile, sizeof(maker->profile));
        int r = maker_index(s, &maker->index);
        if (r == 0)
                r = maker_name(s, maker, detail);
        if (r == 0)
                r = makers_use_fill(s, maker, &job->use);
        return r == 0 ? seal_policy_digest(&job->use.policy, &job->policy) : r;
}

static int job_fill(MakerJob *job, const Maker *renewed) {
        Service *s = job->head.service;
        ErrorDetail detail = {};
        int r;

        job->record.by = service_act(s, NULL);
        job->record.not_before = job->record.by.time - job->record.by.time % USEC_PER_SEC;
        job->record.not_after = job->record.not_before +
                                s->config->maker.validity_days * USEC_PER_DAY;
        job->renews = renewed != NULL;
        if (renewed) {
                job->maker = *renewed;
                return makers_use_of(s, renewed, &job->use);
        }
        r = job_fill_new(job, &detail);
        if (r != 0)
                log_error("the %s maker cannot be made: %s", job->algorithm->name,
                          error_describe(r, &detail));
        return r;
}

int maker_job_new(Service *service, unsigned kind, const char *algorithm, const Maker *renewed,
                  uint32_t uid, MakerJob **ret) {
        MakerJob *job = service_job_new(service, sizeof(*job), uid, (Reply){});

        if (!job)
                return -ENOMEM;
        job->kind = kind;
        job->algorithm = algorithm_find(algorithm);
        int r = job_fill(job, renewed);
        if (r == 0)
                *ret = job;
        else
                maker_job_free(job);
        return r;
}

/* --- in the worker ---------------------------------------------------------------------------- */

static int maker_create(MakerJob *job, Chip *chip, ErrorDetail *detail) {
        uint64_t bits;

        int r = features_check(chip->features, job->algorithm, NULL, detail);
        if (r == 0)
                r = tpm_index_read_bits(chip->tpm, &job->use.index, &bits, detail);
        if (r == SEAL_E_NOT_FOUND) /* the index */
                r = SEAL_E_REGISTER_TAMPERED;
        if (r != 0)
                return r;
        job->dead = bits >> job->maker.bit & 1;
        if (job->dead)
                return error_set(detail, SEAL_E_REVOKED,
                                 "The revocation bit of the %s maker is set in the chip",
                                 job->maker.algorithm);
        r = tpm_seal_create(chip->tpm, job->algorithm, &job->policy, NULL, &job->use.key, detail);
        if (r == 0)
                arrow_pass(job->head.arrows, ARROW_MAKER_CREATED);
        return r;
}

/*
 * It certifies itself: whoever trusts it is given that certificate, or has its own issue another.
 */
static int maker_certify(MakerJob *job, Chip *chip, ErrorDetail *detail) {
        X509CertificateFacts facts = {
                .subject = { job->maker.subject, job->maker.subject_size },
                .not_before = job->record.not_before,
                .not_after = job->record.not_after,
                .use = X509_USE_MAKER,
        };
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
        _cleanup_free_ uint8_t *tbs = NULL;
        size_t size = 0;

        int r = public_to_pkey(&job->use.key.public, &key);
        if (r == 0)
                r = x509_serial_make(facts.serial);
        if (r != 0)
                return r;
        facts.key = key;
        facts.algorithm = maker_use_algorithm(key);
        r = x509_certificate_prepare(&facts, &tbs, &size, detail);
        if (r == 0)
                r = maker_use_finish(&job->use, chip, (Bytes){ tbs, size }, &job->record.der,
                                     &job->record.der_size, detail);
        if (r != 0)
                return r;
        job->record.serial_size = sizeof(facts.serial);
        memcpy(job->record.serial, facts.serial, sizeof(facts.serial));
        arrow_pass(job->head.arrows, ARROW_MAKER_CERTIFIED);
        return 0;
}

int maker_job_run(Job *job, Chip *chip, ErrorDetail *detail) {
        MakerJob *j = (MakerJob *) job;

        free(j->record.der); /* of a run that was cut off */
        j->record.der = NULL;
        int r = service_job_begin(&j->head, chip, detail);
        if (r == 0 && !j->renews)
                r = maker_create(j, chip, detail);
        return r == 0 ? maker_certify(j, chip, detail) : r;
}

/* --- in the register -------------------------------------------------------------------------- */

static int made_event(MakerJob *job) {
        _cleanup_free_ uint8_t *spki = NULL;
        size_t size = 0;
        TPM2B_DIGEST hash;

        int r = public_to_spki(&job->maker.public, &spki, &size);
        if (r == 0)
                r = digest_bytes((Bytes){ spki, size }, &hash);
        if (r != 0)
                return r;
        return service_event(job->head.service,
                             (Event){ .code = EVENT_MAKER_MADE, .object = job->maker.algorithm },
                             json_pack("{s:o, s:I, s:i}", "key", json_hex(hash.buffer, hash.size),
                                       "index", (json_int_t) job->maker.index, "bit",
                                       (int) job->maker.bit));
}

static int maker_write(MakerJob *job) {
        Service *s = job->head.service;
        int r = 0;

        if (!job->renews) {
                job->maker.public = job->use.key.public;
                job->maker.private = job->use.key.private;
                r = store_maker_add(s->store, &job->maker);
                if (r == 0)
                        r = made_event(job);
        }
        job->record.issuer = job->maker.id;
        if (r == 0)
                r = store_maker_certificate_add(s->store, job->maker.id, &job->record);
        return r == 0 ? service_event_certificate(s, EVENT_MAKER_CERTIFIED, NULL,
                                                  job->maker.algorithm, NULL, &job->record)
                      : r;
}

int maker_job_keep(MakerJob *job) {
        Service *s = job->head.service;

        if (!store_has_key(s->store)) /* its blob would stand in the clear */
                return SEAL_E_MACHINE_STATE_REFUSED;
        int r = store_begin(s->store);
        if (r == 0)
                r = store_end(s->store, maker_write(job));
        if (r == 0)
                arrow_pass(s->arrows, ARROW_MAKER_KEPT);
        return r;
}
