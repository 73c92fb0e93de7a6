/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was found to be other than it was left: told once, kept in the ledger, and in the way of
 * every signature until an administrator acknowledges it. The ledger itself says what is open: a
 * row `tampering-found` without a later `tampering-acknowledged`.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "sealsd/service-internal.h"
#include "sealsd/service-ledger.h"

#define PLACE_CHIP "chip"

int service_require_sound(const Service *service, ErrorDetail *detail) {
        const Ledger *l = &service->ledger;

        if (service->health.tampered)
                return error_set(detail, SEAL_E_REGISTER_TAMPERED, "%s", service->health.problem);
        if (l->chip.found)
                return error_set(detail, SEAL_E_REGISTER_TAMPERED, "%s", l->chip.text);
        if (l->rows.found)
                return error_set(detail, SEAL_E_REGISTER_TAMPERED, "%s", l->rows.text);
        return 0;
}

/* --- finding ---------------------------------------------------------------------------------- */

static int record(Service *service, const Disorder *finding) {
        const Event event = {
                .code = EVENT_TAMPERING_FOUND,
                .object = finding->place,
                .reason = finding->text,
        };

        return store_event(service->store, &event);
}

static void note(Service *service, Disorder *finding, const char *place, const char *text) {
        if (finding->found && strcmp(finding->place, place) == 0 &&
            strcmp(finding->text, text) == 0)
                return;
        finding->found = true;
        text_copy(finding->place, sizeof(finding->place), place);
        text_copy(finding->text, sizeof(finding->text), text);
        service_attention(service, "critical", "register-tampered", "", "%s", finding->text);
        int r = record(service, finding);
        if (r != 0)
                log_error("what was found is not in the ledger: %s", error_text(r));
        service_sign_review(service, NULL); /* nothing more signs, of what waits neither */
        service_update_state(service);
}

void finding_rows(Service *service, const VerifyReport *report) {
        char text[ERROR_TEXT_MAX];

        if (report->breaks > 1)
                (void) snprintf(text, sizeof(text), "%.400s (the first of %" PRIu64 ")",
                                report->text, report->breaks);
        else
                text_copy(text, sizeof(text), report->text);
        note(service, &service->ledger.rows, report->place, text);
}

void finding_unreadable(Service *service, const char *text) {
        note(service, &service->ledger.rows, "register", text);
}

void finding_chip(Service *service, const char *format, ...) {
        ErrorDetail text = {};
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(text.text, sizeof(text.text), format, ap);
        va_end(ap);
        note(service, &service->ledger.chip, PLACE_CHIP, text.text);
}

/* --- what is open ----------------------------------------------------------------------------- */

int ledger_newest(Service *service, EventCode code, LedgerParsed *ret) {
        const LedgerFilter filter = {
                .event = event_name(code),
                .limit = 1,
                .newest_first = true,
        };
        char **texts = NULL;
        size_t count = 0;

        int r = store_ledger_list(service->store, &filter, &texts, &count);
        if (r == 0 && count == 1)
                r = ledger_row_parse(texts[0], strlen(texts[0]), ret, NULL);
        texts_free(texts, count);
        /* A row that cannot be read is found by the check of the chain. */
        return r == SEAL_E_REGISTER_TAMPERED ? 0 : r;
}

/* The newest row of this event: its number, 0 without one, and what it says. */
static int newest(Service *service, EventCode code, uint64_t *ret_seq, Disorder *ret) {
        _cleanup_(ledger_parsed_done) LedgerParsed parsed = {};

        int r = ledger_newest(service, code, &parsed);
        *ret_seq = parsed.row.seq;
        if (r != 0 || parsed.row.seq == 0)
                return r;
        ret->found = true;
        text_copy(ret->place, sizeof(ret->place), parsed.row.object ?: "");
        text_copy(ret->text, sizeof(ret->text), parsed.row.reason ?: "");
        return 0;
}

int finding_start(Service *service) {
        uint64_t found, acknowledged;
        Disorder open = {}, other = {};

        int r = newest(service, EVENT_TAMPERING_FOUND, &found, &open);
        if (r == 0)
                r = newest(service, EVENT_TAMPERING_ACKNOWLEDGED, &acknowledged, &other);
        if (r == 0)
                r = store_ledger_latest(service->store, acknowledged, &service->ledger.latest);
        if (r != 0)
                return r;
        if (found <= acknowledged)
                return r;
        if (strcmp(open.place, PLACE_CHIP) == 0)
                service->ledger.chip = open;
        else
                service->ledger.rows = open;
        return 0;
}

/* --- acknowledging ---------------------------------------------------------------------------- */

typedef struct Acknowledging {
        Service *service;
        Caller caller;
        char reason[TEXT_MAX + 1];
        Reply reply;
} Acknowledging;

static void acknowledging_end(Acknowledging *a, int code, const ErrorDetail *detail) {
        a->reply.done(a->reply.userdata, code, detail, NULL);
        free(a);
}

static int facts_of(const Service *service, json_t **ret) {
        const Ledger *l = &service->ledger;
        _cleanup_json_ json_t *facts = json_object();
        int r = facts ? 0 : -1;

        if (r == 0 && l->rows.found)
                r = json_object_set_new(facts, "found", json_string(l->rows.text));
        if (r == 0 && l->chip.found)
                r = json_object_set_new(facts, "chip-found", json_string(l->chip.text));
        if (r == 0 && service->anchoring.foreign)
                r = json_object_set_new(
                        facts, "chip-value",
                        json_hex(service->anchoring.found, sizeof(service->anchoring.found)));
        /*
         * The clock was ahead once, and is right now: what it said then does not bind any longer.
         */
        if (r == 0 && !service_clock_trusted(service))
                r = json_object_set_new(facts, "clock-was", json_integer((json_int_t) l->latest));
        if (r != 0)
                return -ENOMEM;
        *ret = steal_ptr(facts);
        return 0;
}

static int acknowledge(Acknowledging *a, const VerifyReport *report) {
        Service *s = a->service;
        _cleanup_json_ json_t *facts = NULL;

        int r = facts_of(s, &facts);
        if (r != 0)
                return r;
        const Event event = {
                .code = EVENT_TAMPERING_ACKNOWLEDGED,
                .caller = &a->caller,
                .reason = a->reason,
                .facts = facts,
        };
        r = store_begin(s->store);
        if (r != 0)
                return r;
        r = store_acknowledge(s->store, &event, report);
        /* Numbers that the register gave away since it was copied are known to nobody. */
        if (r == 0 && s->anchoring.foreign)
                r = store_number_skip(s->store, NUMBERS_SKIPPED);
        r = store_end(s->store, r);
        if (r != 0)
                return r;
        arrow_pass(s->arrows, ARROW_TAMPERING_ACKNOWLEDGED);
        s->ledger.rows = (Disorder){};
        r = anchor_rebase(s); /* behind the row that says so */
        if (r == 0)
                s->ledger.chip = (Disorder){};
        return r;
}

static void verified(void *userdata, int code, const ErrorDetail *detail, const void *result) {
        Acknowledging *a = userdata;
        Service *s = a->service;
        const VerifyReport *report = result;
        ErrorDetail why = {};

        if (code != 0 && detail)
                why = *detail;
        if (code == 0 && report->schema)
                code = error_set(&why, SEAL_E_INVALID_STATE,
                                 "%s. That is not acknowledged away: it has to be mended",
                                 report->text);
        if (code == 0)
                code = acknowledge(a, report);
        if (code != 0) {
                acknowledging_end(a, code, &why);
                return;
        }
        service_update_state(s);
        anchor_wish(s, true);
        (void) verify_all(s, (Reply){}); /* that nothing is left */
        acknowledging_end(a, 0, NULL);
}

static void looked(void *userdata, int code, const ErrorDetail *detail, const void *result) {
        Acknowledging *a = userdata;
        Service *s = a->service;

        (void) result;
        if (code == 0)
                code = ledger_flush(s);
        if (code == 0)
                code = verify_all(s, (Reply){ .done = verified, .userdata = a });
        if (code != 0)
                acknowledging_end(a, code, detail);
}

int service_acknowledge(Service *service, const Caller *caller, const char *reason, Reply reply,
                        ErrorDetail *detail) {
        const Ledger *l = &service->ledger;

        int r = service_require_ready(service, detail);
        if (r != 0)
                return r;
        if (service->health.tampered)
                return error_set(detail, SEAL_E_INVALID_STATE,
                                 "%s. That is not acknowledged away: it has to be mended",
                                 service->health.problem);
        if (!l->rows.found && !l->chip.found && service_clock_trusted(service))
                return error_set(detail, SEAL_E_INVALID_STATE, "Nothing was found");
        if (reason[0] == '\0')
                return error_set(detail, SEAL_E_INVALID_ARGS, "Say why, in reason");
        Acknowledging *a = calloc(1, sizeof(*a));
        if (!a)
                return -ENOMEM;
        *a = (Acknowledging){ .service = service, .caller = *caller, .reply = reply };
        text_copy(a->reason, sizeof(a->reason), reason);
        r = service_look(service, caller->uid, (Reply){ .done = looked, .userdata = a });
        if (r != 0)
                free(a);
        return r;
}
