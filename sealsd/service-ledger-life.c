/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger's own rows: its beginning, and what was in force whenever the daemon started: its
 * version, the configuration, polkit's rules, who had which role.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/version.h"
#include "policy/index.h"
#include "sealsd/rules-digest.h"
#include "sealsd/service-internal.h"
#include "sealsd/service-ledger.h"

/* --- facts ------------------------------------------------------------------------------------ */

static int put(json_t *object, const char *key, json_t *value) {
        return json_object_set_new(object, key, value) < 0 ? -ENOMEM : 0;
}

static json_t *subjects_json(const SubjectList *list) {
        json_t *array = json_array();

        for (size_t i = 0; array && i < list->count; i++)
                if (json_array_append_new(array, json_string(list->subjects[i].text)) < 0) {
                        json_decref(array);
                        return NULL;
                }
        return array;
}

static json_t *roles_json(const Config *config) {
        json_t *roles = json_object();

        if (roles && put(roles, "applicants", subjects_json(&config->applicants)) == 0 &&
            put(roles, "reviewers", subjects_json(&config->reviewers)) == 0 &&
            put(roles, "makers", subjects_json(&config->makers)) == 0 &&
            put(roles, "administrators", subjects_json(&config->administrators)) == 0 &&
            put(roles, "auditors", subjects_json(&config->auditors)) == 0)
                return roles;
        json_decref(roles);
        return NULL;
}

static int put_digest(json_t *facts, const char *key, const TPM2B_DIGEST *digest) {
        return digest->size == 0 ? 0 : put(facts, key, json_hex(digest->buffer, digest->size));
}

static int put_rules(json_t *facts) {
        RulesDigest rules;

        int r = rules_digest(&rules);
        if (r == 0)
                r = put_digest(facts, "rules", &rules.digest);
        if (r == 0 && rules.unreadable > 0)
                r = put(facts, "rules-unreadable", json_integer((json_int_t) rules.unreadable));
        return r;
}

static int facts_now(const Service *service, json_t **ret) {
        _cleanup_json_ json_t *facts = json_object();
        int r;

        if (!facts)
                return -ENOMEM;
        r = put(facts, "version", json_string(SEALSD_VERSION));
        if (r == 0)
                r = put_digest(facts, "config", &service->config->digest);
        if (r == 0)
                r = put_rules(facts);
        if (r == 0)
                r = put(facts, "roles", roles_json(service->config));
        if (r == 0)
                r = put(facts, "separation",
                        json_string(separation_name(service->installation.separation)));
        if (r == 0)
                r = put(facts, "state", json_string(service->state));
        if (r == 0)
                *ret = steal_ptr(facts);
        return r;
}

/* --- beginning -------------------------------------------------------------------------------- */

static int begin(Service *service, EventCode code, const Caller *caller,
                 const RegisterIndex *ledger) {
        _cleanup_json_ json_t *facts = NULL;
        TPM2B_DIGEST genesis;

        int r = ledger_genesis(&service->authority_name, ledger->handle, &genesis);
        if (r == 0)
                r = facts_now(service, &facts);
        if (r != 0)
                return r;
        const Event event = { .code = code, .caller = caller, .facts = facts };
        return store_ledger_begin(service->store, genesis.buffer, &event);
}

static int answered(Service *service, const Caller *caller, const RegisterIndex *row) {
        char object[sizeof("index:0x01800000")];
        const Event event = { .code = EVENT_AUTHORITY_ANSWERED,
                              .caller = caller,
                              .object = object };

        (void) snprintf(object, sizeof(object), "index:0x%08x", row->handle);
        return store_event(service->store, &event);
}

static const RegisterIndex *find_ledger(const RegisterIndex *rows, size_t count) {
        for (size_t i = 0; i < count; i++)
                if (rows[i].kind == INDEX_LEDGER)
                        return &rows[i];
        return NULL;
}

static int begin_all(Service *service, EventCode code, const Caller *caller) {
        RegisterIndex rows[INDICES_MAX + 1];
        const RegisterIndex *ledger;
        size_t count = 0;

        int r = service_indices(service, rows, &count);
        ledger = find_ledger(rows, count);
        if (r == 0 && !ledger)
                r = SEAL_E_REGISTER_TAMPERED;
        if (r == 0)
                r = begin(service, code, caller, ledger);
        for (size_t i = 0; r == 0 && code == EVENT_INITIALIZED && i < count; i++)
                r = answered(service, caller, &rows[i]);
        OPENSSL_cleanse(rows, sizeof(rows));
        return r;
}

int ledger_initialized(Service *service, const Caller *caller) {
        return begin_all(service, EVENT_INITIALIZED, caller);
}

int ledger_adopt(Service *service) {
        LedgerHead head;

        store_ledger_head(service->store, &head);
        if (service->installation.phase != INIT_COMPLETE || head.seq > 0)
                return 0;
        return begin_all(service, EVENT_ADOPTED, NULL);
}

/* --- start and stop --------------------------------------------------------------------------- */

int ledger_started(Service *service) {
        _cleanup_json_ json_t *facts = NULL;

        service->ledger.started = true; /* or the ledger begins later */
        if (service->installation.phase != INIT_COMPLETE)
                return 0;
        int r = facts_now(service, &facts);
        if (r != 0)
                return r;
        const Event event = { .code = EVENT_STARTED, .facts = facts };
        return store_event(service->store, &event);
}

int ledger_stopped(Service *service) {
        const Event event = { .code = EVENT_STOPPED };

        if (!service->ledger.started || service->ledger.ended ||
            service->installation.phase != INIT_COMPLETE)
                return 0;
        int r = ledger_flush(service);
        if (r == 0)
                r = store_event(service->store, &event);
        service->ledger.ended = r == 0;
        return r;
}
