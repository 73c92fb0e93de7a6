/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an approved request does to a seal that is alive: recertification, amendment, transfer,
 * resumption, revocation. The seal is looked at as it is then: between application and approval
 * anything may have happened to it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sealsd/change.h"
#include "sealsd/separation.h"
#include "sealsd/service-certify.h"
#include "sealsd/service-life.h"

typedef struct Execution {
        Service *service;
        const Caller *caller;
        const Request *request;
        Seal *seal; /* as it was, then as it is */
        RequestKind kind;
        Act act;
        ErrorDetail *detail;
} Execution;

/* --- checks ------------------------------------------------------------------------------- */

/* What was right when it was applied for may not be any more. */
static int check_change(const Execution *e) {
        _cleanup_free_ Application *change = malloc(sizeof(*change));
        ErrorDetail why = {};

        if (!change)
                return -ENOMEM;
        *change = e->request->application;
        int r = change_check(e->kind, e->seal, change, e->act.time,
                             e->service->config->validity_days, &why);
        if (r != SEAL_E_INVALID_ARGS)
                return r;
        return error_set(e->detail, SEAL_E_INVALID_STATE,
                         "Seal %s has changed since: %s. Reject the request, or cancel it",
                         e->seal->number, error_describe(r, &why));
}

static int check_all(const Execution *e) {
        const SeparationRule rule = service_separation_rule(e->service);
        SealState next;

        if (e->kind == KIND_RESUME && e->seal->state == SEAL_SUSPENDED) {
                int r = service_check_resume(e->service, e->seal, e->detail);
                if (r != 0)
                        return r;
        }
        int r = seal_transition(e->seal->state, request_kind_operation(e->kind), &next, e->detail);
        if (r == 0 && e->kind == KIND_TRANSFER)
                r = separation_deliver(&rule, e->seal, &e->request->application.keepers[0],
                                       e->detail);
        if (r == 0)
                r = check_change(e);
        if (r == 0)
                e->seal->state = next;
        return r;
}

/* --- kinds -------------------------------------------------------------------------------- */

static Event seal_event(const Execution *e, EventCode code) {
        Event event = event_of_seal(code, e->caller, e->seal);

        event.request = e->request->id;
        event.reason = e->request->reason[0] ? e->request->reason : NULL;
        return event;
}

static int do_scope(const Execution *e, EventCode code) {
        change_apply(e->kind, &e->request->application, &e->seal->facts);
        int r = store_seal_update(e->service->store, e->seal);
        if (r != 0)
                return r;
        return service_event(e->service, seal_event(e, code), scope_facts(&e->seal->facts));
}

static int do_transfer(const Execution *e) {
        Store *store = e->service->store;
        Application *facts = &e->seal->facts;

        change_apply(e->kind, &e->request->application, facts);
        seal_deliver(e->seal, &facts->keepers[0], e->act);
        int r = store_keepers_set(store, e->seal->number, facts->keepers, facts->keeper_count);
        if (r == 0)
                r = store_seal_update(store, e->seal);
        if (r == 0)
                r = service_end_grants(e->service, e->caller, e->seal, &e->act, "transferred");
        if (r != 0)
                return r;
        Event event = seal_event(e, EVENT_SEAL_TRANSFERRED);
        event.object = facts->keepers[0].text;
        return service_event(e->service, event,
                             json_pack("{s:o}", "keepers", keepers_array(facts)));
}

static int do_resume(const Execution *e) {
        Event event = seal_event(e, EVENT_SEAL_RESUMED);

        int r = store_seal_update(e->service->store, e->seal);
        return r == 0 ? store_event(e->service->store, &event) : r;
}

/* The bit follows the commit (service_revoke_marked). */
static int do_revoke(const Execution *e) {
        Event event = seal_event(e, EVENT_SEAL_REVOKED);

        int r = store_seal_mark_revoked(e->service->store, e->seal->number, &e->act,
                                        e->request->reason);
        return r == 0 ? store_event(e->service->store, &event) : r;
}

static int execute_kind(const Execution *e) {
        switch (e->kind) {
        case KIND_RECERTIFY:
                return do_scope(e, EVENT_SEAL_RECERTIFIED);
        case KIND_AMEND:
                return do_scope(e, EVENT_SEAL_AMENDED);
        case KIND_TRANSFER:
                return do_transfer(e);
        case KIND_RESUME:
                return do_resume(e);
        case KIND_REVOKE:
                return do_revoke(e);
        default:
                return -EINVAL;
        }
}

/* --- completion --------------------------------------------------------------------------- */

int service_complete(Service *service, const Caller *caller, Request *request,
                     ErrorDetail *detail) {
        RequestState next;

        int r = request_transition((RequestKind) request_kind(request), request->state,
                                   REQUEST_COMPLETE, &next, detail);
        if (r != 0)
                return r;
        request->state = next;
        request->error[0] = '\0';
        r = store_request_update(service->store, request);
        if (r != 0)
                return r;
        return service_event_request(
                service, event_of_request(EVENT_REQUEST_COMPLETED, caller, request), request);
}

int service_execute(Service *service, const Caller *caller, Request *request, Seal *ret_seal,
                    ErrorDetail *detail) {
        Execution e = {
                .service = service,
                .caller = caller,
                .request = request,
                .seal = ret_seal,
                .kind = (RequestKind) request_kind(request),
                .act = service_act(service, caller),
                .detail = detail,
        };
        int r = 0;

        if (e.kind != KIND_REVIEW) {
                r = store_seal_get(service->store, request->target, ret_seal);
                if (r == 0)
                        r = check_all(&e);
                if (r == 0)
                        r = execute_kind(&e);
        }
        return r == 0 ? service_complete(service, caller, request, detail) : r;
}

int service_execute_check(Service *service, const Caller *caller, const Request *request,
                          ErrorDetail *detail) {
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));
        const Execution e = {
                .service = service,
                .caller = caller,
                .request = request,
                .seal = seal,
                .kind = (RequestKind) request_kind(request),
                .act = service_act(service, caller),
                .detail = detail,
        };

        if (!seal)
                return -ENOMEM;
        int r = store_seal_get(service->store, request->target, seal);
        return r == 0 ? check_all(&e) : r;
}

/* Where the last approval came no further, as when the daemon was killed. */
static int execute_again(Service *service, const Caller *caller, Request *request, Seal *seal,
                         ErrorDetail *detail) {
        int r = store_begin(service->store);

        if (r != 0)
                return r;
        r = store_end(service->store, service_execute(service, caller, request, seal, detail));
        if (r != 0)
                return r;
        service_changed_request(service, request);
        if (request->target[0] != '\0' && request_kind(request) != KIND_REVIEW)
                service_changed_seal(service, seal);
        return 0;
}

int service_carry_out(Service *service, const Caller *caller, Request *request, Reply reply,
                      ErrorDetail *detail) {
        _cleanup_free_ Seal *seal = calloc(1, sizeof(*seal));
        RequestState next;

        if (!seal)
                return -ENOMEM;
        int r = request_transition((RequestKind) request_kind(request), request->state,
                                   REQUEST_COMPLETE, &next, detail);
        if (r == 0 && request_kind(request) == KIND_DESTROY)
                return service_destroy_for(service, caller, request, reply, detail);
        if (r == 0 && request_kind(request) == KIND_RECERTIFY)
                return service_recertify_for(service, caller, request, reply, detail);
        if (r == 0)
                r = execute_again(service, caller, request, seal, detail);
        if (r != 0)
                return r;
        if (request_kind(request) == KIND_REVOKE)
                return service_revoke_marked(service, caller, request->target, reply);
        reply.done(reply.userdata, 0, NULL, request_seal(request));
        return 0;
}
