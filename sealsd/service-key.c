/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/service-key.h"

#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/log.h"
#include "policy/register-policy.h"
#include "sealsd/service-internal.h"
#include "sealsd/store-ledger.h"

#define ROWS_AT_ONCE 200 /* encrypted in one transaction, between two turns of the loop */

typedef struct KeyJob {
        ServiceJob head;
        bool make; /* there is none yet */
        char profile[PROFILE_MAX + 1];
        TPM2B_PUBLIC public;
        TPM2B_PRIVATE private;
        ApprovalSet *approvals;
        Secret key;
} KeyJob;

bool service_has_key(const Service *service) {
        return vault_data(service->key.vault) != NULL;
}

const char *service_key_memory(const Service *service) {
        return vault_protection(service->key.vault);
}

/* --- in the worker -------------------------------------------------------------------------- */

int key_seal(ServiceJob *job, Chip *chip, const char *profile, TPM2B_PUBLIC *ret_public,
             TPM2B_PRIVATE *ret_private, Secret *ret_key, ErrorDetail *detail) {
        _cleanup_(secret_wipe) Secret key = {};
        TPM2B_DIGEST policy;
        int r;

        r = register_policy_digest(&job->authority, profile, &policy);
        if (r == 0)
                r = secret_random(&key, REGISTER_KEY_SIZE);
        if (r == 0)
                r = tpm_register_key_create(chip->tpm, &policy, &key, ret_public, ret_private,
                                            detail);
        if (r == 0)
                arrow_pass(job->arrows, ARROW_KEY_SEALED);
        if (r == 0 && ret_key)
                *ret_key = key;
        return r;
}

static int key_unseal(KeyJob *job, Chip *chip, Secret *ret, ErrorDetail *detail) {
        const RegisterKeyUse use = {
                .public = &job->public,
                .private = &job->private,
                .authority = &job->head.authority,
                .profile = job->profile,
                .approvals = job->approvals->approvals,
                .approval_count = job->approvals->count,
        };

        return tpm_register_key_unseal(chip->tpm, &use, ret, detail);
}

/* One that was just made has to come out again before anything is encrypted with it. */
static int key_run(Job *job, Chip *chip, ErrorDetail *detail) {
        KeyJob *j = (KeyJob *) job;
        _cleanup_(secret_wipe) Secret made = {};
        int r;

        r = service_job_begin(&j->head, chip, detail);
        if (r == 0 && j->make)
                r = key_seal(&j->head, chip, j->profile, &j->public, &j->private, &made, detail);
        if (r == 0)
                r = key_unseal(j, chip, &j->key, detail);
        if (r == 0 && j->make && !secret_equal(&made, &j->key))
                r = SEAL_E_TPM_FAILURE;
        return r;
}

/* --- what it is for ------------------------------------------------------------------------- */

static int close_some(sd_event_source *source, void *userdata) {
        Service *s = userdata;
        uint64_t left = 0;

        int r = store_seal_rows(s->store, ROWS_AT_ONCE, &left);
        if (r != 0)
                log_error("rows of the register stay in the clear for now: %s", error_text(r));
        if (r != 0 || left == 0)
                return sd_event_source_set_enabled(source, SD_EVENT_OFF);
        return 0;
}

/* Whatever was written while there was no key is encrypted, a few rows at a time. */
static int close_rows(Service *service) {
        int r = sd_event_source_set_enabled(service->key.closing, SD_EVENT_ON);

        return r < 0 ? r : 0;
}

static int key_keep(const KeyJob *job) {
        Service *s = job->head.service;
        Installation i = s->installation;
        int r;

        i.register_public = job->public;
        i.register_private = job->private;
        r = store_installation_save(s->store, &i);
        OPENSSL_cleanse(&i, sizeof(i));
        if (r != 0)
                return r;
        arrow_pass(s->arrows, ARROW_KEY_KEPT);
        return service_reload(s);
}

/* Another job may have brought it meanwhile: then this one's is the same, or of no register. */
static int key_take(KeyJob *job) {
        Service *s = job->head.service;
        int r = 0;

        if (service_has_key(s))
                return 0;
        if (job->make && s->installation.register_public.size > 0)
                return SEAL_E_BUSY;
        if (job->make)
                r = key_keep(job);
        if (r == 0)
                r = vault_set(s->key.vault, &job->key);
        if (r != 0)
                return r;
        store_set_key(s->store, s->key.vault);
        log_notice("the register is open; its key is in %s memory", service_key_memory(s));
        r = close_rows(s);
        makers_tend(s);
        return r;
}

static void key_done(Job *job, int code, const ErrorDetail *detail) {
        KeyJob *j = (KeyJob *) job;
        Service *s = j->head.service;

        if (job->uid == UINT32_MAX)
                s->key.asked = false;
        if (code == 0 && !s->stopping)
                code = key_take(j);
        if (code != 0 && code != -ECANCELED)
                log_warning("the register stays closed: %s", error_describe(code, detail));
        if (code == SEAL_E_REGISTER_TAMPERED && !s->stopping)
                service_attention(s, "critical", "register-key", "",
                                  "The register's key cannot be had: %s",
                                  error_describe(code, detail));
        (void) approval_set_unref(j->approvals);
        service_job_finish(&j->head, code, detail, NULL);
        /* One that the chip refuses is not asked for again at once. */
        if (service_has_key(s))
                lists_tend(s);
        else if (!s->stopping && !s->key.asked)
                lists_key_refused(s, code, detail);
        makers_settled(s);
}

/* --- asking for it -------------------------------------------------------------------------- */

static int key_submit(Service *service, uint32_t uid, Reply reply) {
        const Installation *i = &service->installation;
        KeyJob *job = service_job_new(service, sizeof(*job), uid, reply);
        int r;

        if (!job)
                return -ENOMEM;
        job->make = i->register_public.size == 0;
        job->public = i->register_public;
        job->private = i->register_private;
        memcpy(job->profile, i->profile, sizeof(job->profile));
        job->approvals = approval_set_ref(service->approvals);
        r = service_job_submit(&job->head, key_run, key_done);
        if (r != 0) {
                (void) approval_set_unref(job->approvals);
                (void) service_job_discard(job);
        }
        return r;
}

void key_look(Service *service) {
        if (service->installation.phase != INIT_COMPLETE || service_has_key(service) ||
            service->key.asked || service->stopping)
                return;
        service->key.asked = key_submit(service, UINT32_MAX, (Reply){}) == 0;
}

int service_demand_key(Service *service, const Caller *caller, Reply reply, ErrorDetail *detail) {
        int r = service_require_ready(service, detail);

        if (r == 0 && service_has_key(service)) {
                reply.done(reply.userdata, 0, NULL, NULL);
                return 0;
        }
        return r == 0 ? key_submit(service, caller->uid, reply) : r;
}

/* --- life ----------------------------------------------------------------------------------- */

int key_start(Service *service) {
        int r = vault_new(&service->key.vault, REGISTER_KEY_SIZE, VAULT_MEMFD_SECRET);

        if (r == 0)
                r = sd_event_add_defer(service->event, &service->key.closing, close_some, service);
        if (r >= 0)
                r = sd_event_source_set_enabled(service->key.closing, SD_EVENT_OFF);
        return r < 0 ? r : 0;
}

void key_stop(Service *service) {
        if (service->store)
                store_set_key(service->store, NULL);
        (void) sd_event_source_disable_unref(service->key.closing);
        service->key.closing = NULL;
        service->key.vault = vault_free(service->key.vault);
}
