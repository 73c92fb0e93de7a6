/* SPDX-License-Identifier: Apache-2.0 */
/* Requests: seeing them, ending them, and making what they ask for. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "sealsd/separation.h"
#include "sealsd/service-life.h"
#include "sealsd/service-use.h"

bool service_sees_all(const Caller *caller) {
        return caller->roles & (ROLE_REVIEWER | ROLE_MAKER | ROLE_ADMINISTRATOR | ROLE_AUDITOR);
}

/* --- seeing ------------------------------------------------------------------------------- */

int service_request_visible(Service *service, const Caller *caller, uint64_t id, bool *ret) {
        return store_request_visible(service->store, id, service_sees_all(caller) ? NULL : caller,
                                     ret);
}

int service_request_get(Service *service, const Caller *caller, uint64_t id, Request *ret) {
        bool visible;

        int r = service_request_visible(service, caller, id, &visible);
        if (r != 0)
                return r;
        return visible ? store_request_get(service->store, id, ret) : SEAL_E_NOT_FOUND;
}

int service_request_picture(Service *service, const Caller *caller, uint64_t id, SealPicture *ret,
                            ErrorDetail *detail) {
        bool visible = false;

        int r = service_request_visible(service, caller, id, &visible);
        if (r == 0 && !visible)
                r = SEAL_E_NOT_FOUND;
        if (r != 0)
                return r;
        r = store_picture_get(service->store, id, ret);
        if (r == SEAL_E_NOT_FOUND)
                return error_set(detail, r, "No picture came with request %" PRIu64, id);
        return r;
}

/* Whose turn it is: as the role table and the separation of duties have it for Approve and Make. */
static unsigned awaiting_of(Separation mode, unsigned roles) {
        unsigned awaiting = roles & ROLE_REVIEWER ? AWAITING_DECISION : 0;

        switch (mode) {
        case SEPARATION_STRICT:
                return awaiting | (roles & ROLE_MAKER ? AWAITING_MAKING : 0);
        case SEPARATION_DUAL:
                return awaiting |
                       (roles & ROLE_REVIEWER ? AWAITING_MAKING | AWAITING_OWN_MAKING : 0);
        case SEPARATION_SINGLE:
                awaiting |= AWAITING_OWN_DECISION;
                return awaiting |
                       (roles & ROLE_ADMINISTRATOR ? AWAITING_MAKING | AWAITING_OWN_MAKING : 0);
        default:
                return awaiting;
        }
}

int service_request_list(Service *service, const Caller *caller, RequestFilter filter,
                         RequestRow **ret, size_t *ret_count) {
        filter.viewer = service_sees_all(caller) ? NULL : caller;
        filter.awaiting_caller = caller;
        if (filter.awaiting)
                filter.awaiting |= awaiting_of(service->installation.separation, caller->roles);
        int r = store_request_list(service->store, &filter, ret, ret_count);
        if (r == 0 && !filter.viewer)
                service_ledger_disclosed(service, caller, "ListRequests");
        return r;
}

/* --- ending ------------------------------------------------------------------------------- */

static bool is_use(const Request *request) {
        return request_kind(request) == KIND_USE;
}

int service_request_drop(Service *service, uint64_t id) {
        int r = store_picture_drop(service->store, id);

        return r == 0 ? store_use_structure_drop(service->store, id) : r;
}

int service_request_end_in(Service *service, const Caller *caller, Request *request, EventCode code,
                           RequestState state, const char *reason) {
        request->state = state;
        text_copy(request->error, sizeof(request->error), reason);
        int r = store_request_update(service->store, request);
        if (r == 0)
                r = service_request_drop(service, request->id);
        if (r != 0)
                return r;
        Event event = is_use(request) ? event_of_use(code, caller, request)
                                      : event_of_request(code, caller, request);
        event.reason = reason;
        return service_event_request(service, event, request);
}

/* Leave applied or approved behind, with the event that says so. */
static int request_end(Service *service, const Caller *caller, Request *request, EventCode code,
                       RequestState state, const char *reason) {
        int r = store_begin(service->store);

        if (r != 0)
                return r;
        r = store_end(service->store,
                      service_request_end_in(service, caller, request, code, state, reason));
        if (r != 0)
                return r;
        live_forget(service, request->id);
        service_changed_request(service, request);
        return 0;
}

int service_request_cancel(Service *service, const Caller *caller, uint64_t id, const char *reason,
                           ErrorDetail *detail) {
        _cleanup_free_ Request *request = malloc(sizeof(*request));
        RequestState next;
        int r;

        if (!request)
                return -ENOMEM;
        r = service_request_get(service, caller, id, request);
        if (r == 0)
                r = request_transition((RequestKind) request_kind(request), request->state,
                                       REQUEST_CANCEL, &next, detail);
        if (r == 0 && request_kind(request) == KIND_REVIEW)
                r = error_set(detail, SEAL_E_INVALID_STATE,
                              "The review of an emergency is closed by a reviewer, who approves or "
                              "rejects it");
        if (r == 0 && use_is_collected(service, id))
                r = error_set(detail, SEAL_E_INVALID_STATE,
                              "The chip is signing it at this moment: it is too late");
        if (r != 0)
                return r;
        return request_end(service, caller, request,
                           is_use(request) ? EVENT_USE_CANCELLED : EVENT_REQUEST_CANCELLED, next,
                           reason);
}

#define EXPIRED_AT_ONCE 64 /* each waits for the disk; the timer comes again */
#define EXPIRED_TEXT "Nobody decided in time; apply again"
#define USE_EXPIRED_TEXT "It was not approved and collected in time; ask again"

int service_expire_request(Service *service, Request *request, ErrorDetail *detail) {
        const char *why = is_use(request) ? USE_EXPIRED_TEXT : EXPIRED_TEXT;
        const EventCode code = is_use(request) ? EVENT_USE_EXPIRED : EVENT_REQUEST_EXPIRED;
        RequestState next;

        if (request->expires == 0 || service_now(service) < request->expires ||
            request_transition((RequestKind) request_kind(request), request->state, REQUEST_EXPIRE,
                               &next, NULL) != 0)
                return 0;
        if (use_is_collected(service, request->id)) /* the chip has it already */
                return 0;
        int r = request_end(service, NULL, request, code, next, why);
        return r != 0 ? r
                      : error_set(detail, SEAL_E_INVALID_STATE, "The request has expired: %s", why);
}

void service_expire_requests(Service *service) {
        _cleanup_free_ Request *request = malloc(sizeof(*request));
        _cleanup_free_ uint64_t *ids = NULL;
        size_t count = 0;

        if (!request)
                return;
        int r = store_request_list_due(service->store, service_now(service), &ids, &count);
        for (size_t i = 0; r == 0 && i < count && i < EXPIRED_AT_ONCE; i++) {
                r = store_request_get(service->store, ids[i], request);
                if (r == 0)
                        r = service_expire_request(service, request, NULL);
                if (r == SEAL_E_INVALID_STATE || r == SEAL_E_REGISTER_TAMPERED)
                        r = 0; /* expired now; or told when somebody looks at it */
        }
        if (r != 0)
                log_error("requests whose time is over: %s", error_text(r));
}

/* --- making ------------------------------------------------------------------------------- */

/* Whoever may make carries out what makes no key, too. */
static int request_carry_out(Service *service, const Caller *caller, Request *request, Reply reply,
                             ErrorDetail *detail) {
        if (request_kind_makes((RequestKind) request_kind(request)))
                return service_make(service, request, caller, reply, detail);
        return service_carry_out(service, caller, request, reply, detail);
}

int service_request_make(Service *service, const Caller *caller, uint64_t id, Reply reply,
                         ErrorDetail *detail) {
        const SeparationRule rule = service_separation_rule(service);
        _cleanup_free_ Request *request = malloc(sizeof(*request));
        int r;

        if (!request)
                return -ENOMEM;
        r = service_request_get(service, caller, id, request);
        if (r == 0)
                r = service_require_ready(service, detail);
        if (r == 0 && request->state == REQUEST_COMPLETED && !is_use(request)) {
                reply.done(reply.userdata, 0, NULL, request_seal(request));
                return 0;
        }
        if (r == 0 && request->opaque)
                r = SEAL_E_MACHINE_STATE_REFUSED;
        if (r == 0)
                r = service_expire_request(service, request, detail);
        if (r == 0)
                r = separation_make(&rule, request, caller, detail);
        if (r != 0)
                return r;
        return request_carry_out(service, caller, request, reply, detail);
}

void service_request_failed(Service *service, const Caller *caller, uint64_t id, const char *why) {
        _cleanup_free_ Request *request = malloc(sizeof(*request));

        if (!request || store_request_get(service->store, id, request) != 0 ||
            !request_state_open(request->state) || store_begin(service->store) != 0)
                return;
        request->state = REQUEST_FAILED;
        text_copy(request->error, sizeof(request->error), why);
        Event event = event_of_request(EVENT_REQUEST_FAILED, caller, request);
        event.reason = request->error;
        int r = store_request_update(service->store, request);
        if (r == 0)
                r = service_event_request(service, event, request);
        if (store_end(service->store, r) == 0)
                service_changed_request(service, request);
}
