/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/service-audit.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "policy/command-audit.h"
#include "sealsd/json.h"
#include "sealsd/service-internal.h"

#define SIGNS_PER_ROW 64
#define HASH_SIZE TPM2_SHA256_DIGEST_SIZE

/* --- rows ------------------------------------------------------------------------------------- */

static json_t *begun_facts(const TpmCommandAudit *found) {
        return json_pack("{s:o, s:I, s:I}", "digest", json_hex(found->digest.buffer, HASH_SIZE),
                         "counter", (json_int_t) found->counter, "resets",
                         (json_int_t) found->resets);
}

static void audit_begin(Service *service, const TpmCommandAudit *found) {
        CommandAudit *a = &service->audit;
        _cleanup_json_ json_t *facts = begun_facts(found);
        const Event event = { .code = EVENT_AUDIT_BEGUN, .facts = facts };
        LedgerHead head;

        int r = facts ? store_event(service->store, &event) : -ENOMEM;
        if (r != 0) {
                log_error("counting signatures could not begin: %s", error_text(r));
                return;
        }
        store_ledger_head(service->store, &head);
        a->counting = true;
        a->resets = found->resets;
        a->row = head.seq;
        a->value = found->digest;
}

/* What was counted from there on is no longer of use: the next look begins anew. */
static void audit_end(Service *service) {
        service->audit.counting = false;
        service_probe(service);
}

static json_t *signed_facts(const AuditedSign *signs, size_t count) {
        _cleanup_json_ json_t *cphash = json_array(), *rphash = json_array();

        for (size_t i = 0; i < count; i++)
                if (json_array_append_new(cphash, json_hex(signs[i].cphash.buffer, HASH_SIZE)) ||
                    json_array_append_new(rphash, json_hex(signs[i].rphash.buffer, HASH_SIZE)))
                        return NULL;
        return json_pack("{s:O, s:O}", "cphash", cphash, "rphash", rphash);
}

static int signed_record(Service *service, const AuditedSign *signs, size_t count) {
        _cleanup_json_ json_t *facts = signed_facts(signs, count);
        const Event event = { .code = EVENT_SIGNED, .count = count, .facts = facts };

        return facts ? store_event(service->store, &event) : -ENOMEM;
}

void audit_signed(void *userdata, const AuditedSigns *signs) {
        Service *s = userdata;
        int r = 0;

        s->audit.fresh = false;
        if (!s->audit.counting)
                return;
        for (size_t at = 0, n; r == 0 && at < signs->count; at += n) {
                n = signs->count - at < SIGNS_PER_ROW ? signs->count - at : SIGNS_PER_ROW;
                r = signed_record(s, signs->list + at, n);
        }
        if (r != 0)
                log_error("what was signed could not be recorded: %s", error_text(r));
}

/* --- the ledger's digest -------------------------------------------------------------------- */

static int value_take(TPM2B_DIGEST *value, const json_t *facts) {
        const json_t *cphashes = json_object_get(facts, "cphash");
        const json_t *rphashes = json_object_get(facts, "rphash");
        TPM2B_DIGEST cphash = { .size = HASH_SIZE }, rphash = { .size = HASH_SIZE };
        int r = 0;

        for (size_t i = 0; r == 0 && i < json_array_size(cphashes); i++) {
                if (!json_read_hex(json_array_get(cphashes, i), cphash.buffer, HASH_SIZE) ||
                    !json_read_hex(json_array_get(rphashes, i), rphash.buffer, HASH_SIZE))
                        return SEAL_E_REGISTER_TAMPERED;
                r = command_audit_extend(value, &cphash, &rphash);
        }
        return r;
}

static int row_take(CommandAudit *a, const char *text) {
        _cleanup_(ledger_parsed_done) LedgerParsed parsed = {};
        TPM2B_DIGEST value = a->value;

        int r = ledger_row_parse(text, strlen(text), &parsed, NULL);
        if (r == 0)
                r = value_take(&value, parsed.row.facts);
        if (r != 0)
                return r;
        a->value = value;
        a->row = parsed.row.seq;
        return 0;
}

/* The rows that have come since value was computed, in pages. */
static int audit_compute(Service *service) {
        CommandAudit *a = &service->audit;
        size_t count;
        int r;

        do {
                const LedgerFilter filter = {
                        .event = event_name(EVENT_SIGNED),
                        .first = a->row + 1,
                };
                char **texts = NULL;

                count = 0;
                r = store_ledger_list(service->store, &filter, &texts, &count);
                for (size_t i = 0; r == 0 && i < count; i++)
                        r = row_take(a, texts[i]);
                texts_free(texts, count);
        } while (r == 0 && count == PAGE_MAX);
        if (r != 0)
                log_error("the count of signatures cannot be computed: %s", error_text(r));
        return r;
}

int audit_start(Service *service) {
        _cleanup_(ledger_parsed_done) LedgerParsed parsed = {};
        CommandAudit *a = &service->audit;
        uint64_t resets = 0;

        if (!service->config->inspection.command_audit)
                return 0;
        int r = ledger_newest(service, EVENT_AUDIT_BEGUN, &parsed);
        if (r != 0 || parsed.row.seq == 0)
                return r;
        a->value.size = HASH_SIZE;
        a->row = parsed.row.seq;
        a->counting = json_read_hex(json_object_get(parsed.row.facts, "digest"), a->value.buffer,
                                    HASH_SIZE) &&
                      json_read_number(parsed.row.facts, "resets", &resets);
        a->resets = (uint32_t) resets;
        return 0;
}

/* --- looks ------------------------------------------------------------------------------------ */

void audit_look_fill(Service *service, AuditLook *look) {
        look->wanted = service->config->inspection.command_audit &&
                       service->installation.phase == INIT_COMPLETE;
        look->arm = look->wanted && !service->audit.counting && !service->audit.arming;
        service->audit.arming |= look->arm;
}

void audit_look_end(Service *service, const AuditLook *look) {
        if (look->arm)
                service->audit.arming = false;
}

static int look_ask(AuditLook *look, Tpm *tpm, const TpmHierarchies *hierarchies,
                    const Secret *owner) {
        int r = 0;

        if (look->arm && hierarchies->owner_auth_set && !owner)
                return error_set(&look->why, SEAL_E_PIN_REQUIRED,
                                 "The TPM's owner hierarchy has an authorisation that sealsd does "
                                 "not know");
        if (look->arm)
                r = tpm_command_audit_arm(tpm, owner, &look->why);
        return r == 0 ? tpm_command_audit_read(tpm, &look->found, &look->why) : r;
}

int audit_look_run(AuditLook *look, Tpm *tpm, const TpmHierarchies *hierarchies,
                   const Secret *owner, ErrorDetail *detail) {
        look->done = false;
        if (!look->wanted)
                return 0;
        look->why = (ErrorDetail){};
        look->code = look_ask(look, tpm, hierarchies, owner);
        if (look->code == SEAL_E_TPM_UNAVAILABLE || look->code == SEAL_E_TPM_FULL) {
                *detail = look->why;
                return look->code;
        }
        look->done = true;
        return 0;
}

static void audit_note_absent(CommandAudit *audit, const AuditLook *look) {
        audit->unsupported = look->code == SEAL_E_UNSUPPORTED;
        text_copy(audit->absent, sizeof(audit->absent),
                  look->code == 0 ? "" : error_describe(look->code, &look->why));
}

void audit_looked(Service *service, const AuditLook *look) {
        CommandAudit *a = &service->audit;

        a->fresh = false;
        if (!look->done)
                return;
        /*
         * One that only reads does not know whether counting can begin: what is told of that stays.
         */
        if (look->code != 0 || look->arm || a->counting)
                audit_note_absent(a, look);
        if (look->code != 0)
                return;
        if (!a->counting && look->arm) {
                audit_begin(service, &look->found);
        } else if (!a->counting) {
                service_probe(service);
        } else if (a->resets != look->found.resets) {
                audit_end(service);
        } else if (!look->arm && audit_compute(service) == 0) {
                a->chip = look->found;
                a->fresh = true;
        }
}

/* --- inspection ------------------------------------------------------------------------------- */

void audit_inspect(Service *service) {
        CommandAudit *a = &service->audit;

        if (!a->fresh || !a->counting)
                return;
        a->fresh = false;
        if (memcmp(a->value.buffer, a->chip.digest.buffer, HASH_SIZE) == 0)
                return;
        a->unexplained = true;
        audit_end(service);
}

PassportAudit audit_state(const Service *service) {
        const CommandAudit *a = &service->audit;

        if (!service->config->inspection.command_audit)
                return PASSPORT_AUDIT_OFF;
        if (a->absent[0] != '\0')
                return a->unsupported ? PASSPORT_AUDIT_ABSENT : PASSPORT_AUDIT_STOPPED;
        return a->counting ? PASSPORT_AUDIT_ON : PASSPORT_AUDIT_STOPPED;
}

void audit_status(const Service *service, char ret[static ERROR_TEXT_MAX]) {
        const char *why = service->audit.absent;
        const PassportAudit state = audit_state(service);

        if (state == PASSPORT_AUDIT_ABSENT || state == PASSPORT_AUDIT_STOPPED)
                (void) snprintf(ret, ERROR_TEXT_MAX, "%s: %.400s",
                                state == PASSPORT_AUDIT_ABSENT ? "not in this TPM" : "not counting",
                                why[0] != '\0' ? why : "it begins at the next look at the TPM");
        else
                text_copy(ret, ERROR_TEXT_MAX, passport_audit_name(state));
}
