/* SPDX-License-Identifier: Apache-2.0 */
/* GetStatus: the register's figures beside a fresh look at the chip. */
#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>

#include "policy/index.h"
#include "policy/key.h"
#include "sealsd/service-crl.h"
#include "sealsd/service-internal.h"
#include "sealsd/service-use.h"
#include "sealsd/store-inspection.h"

/* Who asked, while the chip is looked at for him. */
typedef struct StatusCall {
        Service *service;
        Reply reply;
} StatusCall;

static void status_attend(Status *status, const char *text) {
        if (status->attention_count < sizeof(status->attention) / sizeof(status->attention[0]))
                status->attention[status->attention_count++] = text;
}

/* Also when the register cannot tell: then a revocation may well be owed. */
static bool revocation_is_owed(const Service *s) {
        _cleanup_free_ SealRow *rows = NULL;
        size_t count = 0;

        return store_seal_list_pending(s->store, &rows, &count) != 0 || count > 0;
}

/*
 * What an inspection finds of the installation without looking further. The texts are in found;
 * what is only worth knowing is left to the inspection.
 */
static void status_findings(Service *s, const char *unreached, Findings *found, Status *status) {
        const InspectionRules rules = inspections_rules(s);
        InspectedInstallation facts;
        ErrorDetail tampered = {};

        inspections_facts(s, unreached, &tampered, &facts);
        inspect_installation(&rules, &facts, found);
        findings_close(found);
        if (s->failure[0] != '\0')
                status_attend(status, s->failure);
        if (revocation_is_owed(s))
                status_attend(status,
                              "A revoked seal's bit is not set in the chip yet; sealsd sets it "
                              "as soon as the TPM answers");
        for (size_t i = 0; i < found->count; i++)
                if (finding_severity(found->list[i].code) != SEVERITY_INFO)
                        status_attend(status, found->list[i].text);
}

static int status_counts(Service *s, Status *ret) {
        uint64_t now = service_now(s);

        ret->inspected = s->inspections.last;
        for (int i = 0; i <= SEVERITY_CRITICAL; i++)
                ret->findings[i] = s->inspections.severities[i];
        return store_register_counts(
                s->store, now, now + s->config->inspection.warn_days * USEC_PER_DAY, &ret->counts);
}

static int status_indices(Service *service, Status *status) {
        RegisterIndex rows[INDICES_MAX + 1];
        size_t count;
        int r;

        r = service_indices(service, rows, &count);
        for (size_t i = 0; r == 0 && i < count; i++) {
                if (rows[i].kind == INDEX_LEDGER) {
                        status->ledger_index = rows[i].handle;
                        r = ledger_genesis(&service->authority_name, rows[i].handle,
                                           &status->genesis);
                        if (r == 0 && service->checkpoints.ak.size > 0)
                                r = public_name(&service->checkpoints.ak, &status->ak_name);
                        continue;
                }
                if (rows[i].kind == INDEX_STATE) {
                        IndexStatus *state = &status->state_indices[status->state_index_count++];

                        state->handle = rows[i].handle;
                        r = store_state_bits_used(service->store, rows[i].handle, &state->used,
                                                  &state->bits);
                        continue;
                }
                status->indices[status->index_count++] = (IndexStatus){
                        .handle = rows[i].handle,
                        .used = rows[i].used,
                        .bits = SEALS_PER_INDEX,
                };
                status->capacity_used += rows[i].used - (rows[i].ordinal == 0 ? MAKER_BITS : 0);
        }
        OPENSSL_cleanse(rows, sizeof(rows));
        return r;
}

static void status_ledger(const Service *s, Status *ret) {
        const char *absence = audit_trail_absence(s->ledger.audit);

        store_ledger_head(s->store, &ret->ledger);
        ret->anchored = s->anchoring.last.seq;
        ret->anchor_time = s->anchoring.last.time;
        ret->checkpoint = s->checkpoints.seq;
        ret->checkpoint_time = s->checkpoints.time;
        ret->key_memory = service_has_key(s) ? service_key_memory(s) : "";
        ret->audit = absence[0] == '\0' ? "present" : absence;
}

static int status_fill(Service *s, const char *unreached, Findings *found, Status *ret) {
        bool reached = !unreached;
        const TpmHierarchies *h = &s->health.hierarchies;
        const Installation *i = &s->installation;
        int r;

        *ret = (Status){
                .state = s->state,
                .installation = i,
                .authority_pem = "",
                .authority_name = s->authority_name,
                .challenges = s->health.challenges,
                .live_uses = live_count(s),
                .queue = worker_depth(s->worker),
                .fence_pcr = s->config->fence_pcr,
                .room = s->room,
                .tcti = s->tcti,
                .tpm = s->tpm_name,
                .features = s->features,
                .lockout_auth = !reached                ? "unknown"
                                : !h->lockout_auth_set  ? "empty"
                                : i->lockout_auth_taken ? "taken"
                                                        : "set",
                .owner_auth = !reached             ? "unknown"
                              : !h->owner_auth_set ? "empty"
                              : i->owner_auth_ours ? "set"
                                                   : "unchanged",
        };
        status_ledger(s, ret);
        audit_status(s, ret->command_audit);
        r = store_seal_count(s->store, &ret->seals);
        if (r == 0)
                r = store_request_count_open(s->store, NULL, &ret->requests_open);
        if (r == 0 && s->authority_name.size > 0)
                r = status_indices(s, ret);
        if (r == 0)
                r = lists_status(s, ret->lists, &ret->list_count);
        if (r == 0)
                r = status_counts(s, ret);
        status_findings(s, unreached, found, ret);
        return r;
}

static void status_looked(void *userdata, int code, const ErrorDetail *detail, const void *result) {
        StatusCall *call = userdata;
        Service *s = call->service;
        Reply reply = call->reply;
        _cleanup_free_ char *pem = NULL;
        _cleanup_findings_ Findings found = {};
        ErrorDetail why = {};
        Status status = {};

        (void) result;
        free(call);
        if (code == -ECANCELED) {
                reply.done(reply.userdata, code, detail, NULL);
                return;
        }
        /* Without a chip the register's half is still told; one that is not ours was reached. */
        bool reached = code == 0 || code == SEAL_E_REGISTER_TAMPERED;
        text_copy(why.text, sizeof(why.text), reached ? "" : error_describe(code, detail));
        code = status_fill(s, reached ? NULL : why.text, &found, &status);
        if (code == 0 && s->installation.authority.size > 0)
                code = public_to_pem(&s->installation.authority, &pem);
        if (pem)
                status.authority_pem = pem;
        reply.done(reply.userdata, code, NULL, &status);
}

int service_get_status(Service *service, const Caller *caller, Reply reply, ErrorDetail *detail) {
        StatusCall *call = calloc(1, sizeof(*call));

        (void) detail;
        if (!call)
                return -ENOMEM;
        *call = (StatusCall){ .service = service, .reply = reply };
        int r = service_look(service, caller->uid,
                             (Reply){ .done = status_looked, .userdata = call });
        if (r != 0)
                free(call);
        return r;
}
