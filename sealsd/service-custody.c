/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The acts of custody: filing, delivery and acceptance, suspension, loss, surrender. Each is one
 * transaction: the seal's row and the event that tells of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sealsd/separation.h"
#include "sealsd/service-life.h"

/* Fetch, check the table, and leave the new state in the row. */
static int act_begin(Service *service, const Caller *caller, const char *number,
                     SealOperation operation, Seal *seal, ErrorDetail *detail) {
        SealState next;
        int r;

        r = service_seal_fetch(service, caller, number, seal, detail);
        if (r == 0)
                r = seal_transition(seal->state, operation, &next, detail);
        if (r == 0)
                seal->state = next;
        return r;
}

/* What belongs to an act beside its row; any of it may be NULL. */
typedef struct ActMore {
        const char *reason, *object;
        json_t *facts; /* taken over */
        bool self;
        int (*also)(Service *service, const Caller *caller, const Seal *seal, const Act *act,
                    const char *reason);
        const Act *act;
} ActMore;

static int act_write(Service *service, const Caller *caller, const Seal *seal, EventCode code,
                     ActMore more) {
        Event event = event_of_seal(code, caller, seal);

        event.reason = more.reason;
        event.object = more.object;
        event.self = more.self;
        int r = store_seal_update(service->store, seal);
        if (r == 0 && more.also)
                r = more.also(service, caller, seal, more.act, more.reason);
        if (r != 0 || !more.facts) {
                json_decref(more.facts);
                return r != 0 ? r : store_event(service->store, &event);
        }
        return service_event(service, event, more.facts);
}

static int act_finish(Service *service, const Caller *caller, const Seal *seal, EventCode code,
                      ActMore more) {
        int r = store_begin(service->store);

        if (r != 0) {
                json_decref(more.facts);
                return r;
        }
        r = act_write(service, caller, seal, code, more);
        arrow_pass(service->arrows, ARROW_CUSTODY_WRITTEN);
        r = store_end(service->store, r);
        if (r != 0)
                return r;
        arrow_pass(service->arrows, ARROW_CUSTODY_COMMITTED);
        service_changed_seal(service, seal);
        arrow_pass(service->arrows, ARROW_CUSTODY_ANNOUNCED);
        return 0;
}

/* --- to the keeper ------------------------------------------------------------------------ */

int service_seal_record_filing(Service *service, const Caller *caller, const char *number,
                               const Filing *filing, ErrorDetail *detail) {
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));
        int r;

        if (!seal)
                return -ENOMEM;
        r = act_begin(service, caller, number, SEAL_RECORD_FILING, seal, detail);
        if (r == 0)
                r = filing_check(filing, detail);
        if (r != 0)
                return r;
        seal->filing = *filing;
        seal->filed = service_act(service, caller);
        if (seal->filing.filed == 0)
                seal->filing.filed = seal->filed.time;
        if (seal->filing.number[0] == '\0')
                memcpy(seal->filing.number, seal->number, sizeof(seal->number));
        return act_finish(service, caller, seal, EVENT_SEAL_FILED,
                          (ActMore){ .facts = filing_facts(seal) });
}

int service_seal_deliver(Service *service, const Caller *caller, const char *number,
                         const Subject *keeper, ErrorDetail *detail) {
        const SeparationRule rule = service_separation_rule(service);
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));
        int r;

        if (!seal)
                return -ENOMEM;
        r = act_begin(service, caller, number, SEAL_DELIVER, seal, detail);
        if (r == 0 && !seal_names_keeper(seal, keeper))
                r = error_set(detail, SEAL_E_INVALID_ARGS,
                              "%s is not among the seal's keepers; apply for a transfer to him",
                              keeper->text);
        if (r == 0)
                r = separation_deliver(&rule, seal, keeper, detail);
        if (r == 0)
                r = service_check_timing(service, seal, detail);
        if (r != 0)
                return r;
        seal_deliver(seal, keeper, service_act(service, caller));
        return act_finish(service, caller, seal, EVENT_SEAL_DELIVERED,
                          (ActMore){ .object = keeper->text,
                                     .self = service_is_self(
                                             service, separation_deliver(&service_strict, seal,
                                                                         keeper, NULL)) });
}

int service_accept_begin(Service *service, const Caller *caller, Seal *seal, ErrorDetail *detail) {
        const SeparationRule rule = service_separation_rule(service);
        SealState next;

        int r = seal_transition(seal->state, SEAL_ACCEPT, &next, detail);
        if (r == 0)
                r = separation_keep(&rule, seal, caller, detail);
        if (r == 0)
                r = service_check_timing(service, seal, detail);
        if (r != 0)
                return r;
        seal->state = next;
        seal->accepted = service_act(service, caller);
        return 0;
}

static int also_supersede(Service *service, const Caller *caller, const Seal *seal, const Act *act,
                          const char *reason) {
        (void) act;
        (void) reason;
        return service_supersede(service, caller, seal);
}

static ActMore accept_more(const Service *service, const Caller *caller, const Seal *seal) {
        return (ActMore){
                .object = seal->named_keeper.text,
                .facts = json_pack("{s:o}", "keepers", keepers_array(&seal->facts)),
                .self = service_is_self(service,
                                        separation_keep(&service_strict, seal, caller, NULL)),
                .also = also_supersede,
        };
}

int service_accept_write(Service *service, const Caller *caller, const Seal *seal) {
        return act_write(service, caller, seal, EVENT_SEAL_ACCEPTED,
                         accept_more(service, caller, seal));
}

static int accept_plain(Service *service, const Caller *caller, const Seal *seal,
                        const AcceptOptions *options, Reply reply, ErrorDetail *detail) {
        if (options->new_pin.set || options->pin.set)
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "'%s': seal %s has no PIN; leave it out",
                                 options->new_pin.set ? "new-pin" : "pin", seal->number);
        int r = act_finish(service, caller, seal, EVENT_SEAL_ACCEPTED,
                           accept_more(service, caller, seal));
        if (r != 0)
                return r;
        if (seal->replaces[0] != '\0')
                service_announce(service, seal->replaces);
        reply.done(reply.userdata, 0, NULL, NULL);
        return 0;
}

int service_seal_accept(Service *service, const Caller *caller, const char *number,
                        const AcceptOptions *options, Reply reply, ErrorDetail *detail) {
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));

        if (!seal)
                return -ENOMEM;
        int r = service_seal_fetch(service, caller, number, seal, detail);
        if (r == 0)
                r = service_accept_begin(service, caller, seal, detail);
        if (r != 0)
                return r;
        return seal->facts.pin ? service_accept_pin(service, caller, seal, options, reply, detail)
                               : accept_plain(service, caller, seal, options, reply, detail);
}

int service_seal_decline(Service *service, const Caller *caller, const char *number,
                         const char *reason, ErrorDetail *detail) {
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));
        Subject named;
        int r;

        if (!seal)
                return -ENOMEM;
        r = act_begin(service, caller, number, SEAL_DECLINE, seal, detail);
        if (r != 0)
                return r;
        named = seal->named_keeper;
        seal->named_keeper = (Subject){};
        seal->delivered = (Act){ .login = LOGIN_NONE };
        r = act_finish(service, caller, seal, EVENT_SEAL_DECLINED,
                       (ActMore){ .object = named.text, .reason = reason });
        if (r == 0)
                service_attention_seal(service, "warning", "declined", seal->number,
                                       "%s declined seal %s: %s", caller->subject.text,
                                       seal->number, reason);
        return r;
}

/* --- while it is kept --------------------------------------------------------------------- */

int service_seal_suspend(Service *service, const Caller *caller, const char *number,
                         const char *reason, ErrorDetail *detail) {
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));
        int r;

        if (!seal)
                return -ENOMEM;
        r = act_begin(service, caller, number, SEAL_SUSPEND, seal, detail);
        if (r != 0)
                return r;
        seal->suspended = service_act(service, caller);
        return act_finish(service, caller, seal, EVENT_SEAL_SUSPENDED,
                          (ActMore){ .reason = reason });
}

int service_seal_resume(Service *service, const Caller *caller, const char *number,
                        const char *reason, ErrorDetail *detail) {
        const SeparationRule rule = service_separation_rule(service);
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));
        int r;

        if (!seal)
                return -ENOMEM;
        r = service_seal_fetch(service, caller, number, seal, detail);
        if (r == 0 && seal->state == SEAL_SUSPENDED)
                r = service_check_resume(service, seal, detail);
        if (r == 0)
                r = act_begin(service, caller, number, SEAL_RESUME, seal, detail);
        if (r == 0)
                r = separation_resume(&rule, seal, caller, detail);
        if (r != 0)
                return r;
        return act_finish(
                service, caller, seal, EVENT_SEAL_RESUMED,
                (ActMore){ .reason = reason,
                           .self = service_is_self(service, separation_resume(&service_strict, seal,
                                                                              caller, NULL)) });
}

int service_seal_report_lost(Service *service, const Caller *caller, const char *number,
                             const char *reason, ErrorDetail *detail) {
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));
        int r;

        if (!seal)
                return -ENOMEM;
        r = act_begin(service, caller, number, SEAL_REPORT_LOST, seal, detail);
        if (r != 0)
                return r;
        seal->lost = service_act(service, caller);
        r = act_finish(service, caller, seal, EVENT_SEAL_LOST, (ActMore){ .reason = reason });
        if (r == 0)
                service_attention_seal(service, "warning", "lost", seal->number,
                                       "%s reported seal %s lost: %s", caller->subject.text,
                                       seal->number, reason);
        return r;
}

/* Whoever found it does not decide that it signs again: it is suspended, by him. */
int service_seal_report_found(Service *service, const Caller *caller, const char *number,
                              const char *reason, ErrorDetail *detail) {
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));
        int r;

        if (!seal)
                return -ENOMEM;
        r = act_begin(service, caller, number, SEAL_REPORT_FOUND, seal, detail);
        if (r != 0)
                return r;
        seal->suspended = service_act(service, caller);
        return act_finish(service, caller, seal, EVENT_SEAL_FOUND, (ActMore){ .reason = reason });
}

int service_seal_surrender(Service *service, const Caller *caller, const char *number,
                           const char *reason, ErrorDetail *detail) {
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));
        int r;

        if (!seal)
                return -ENOMEM;
        r = act_begin(service, caller, number, SEAL_SURRENDER, seal, detail);
        if (r != 0)
                return r;
        seal->surrendered = service_act(service, caller);
        return act_finish(service, caller, seal, EVENT_SEAL_SURRENDERED,
                          (ActMore){ .reason = reason,
                                     .also = service_end_grants,
                                     .act = &seal->surrendered });
}
