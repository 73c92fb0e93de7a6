/* SPDX-License-Identifier: Apache-2.0 */
/* Requests: application, review, and what follows from the last decision. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "sealsd/service-internal.h"

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

int service_request_list(Service *service, const Caller *caller, RequestFilter filter,
                         RequestRow **ret, size_t *ret_count) {
        filter.viewer = service_sees_all(caller) ? NULL : caller;
        if (filter.awaiting && caller->roles & ROLE_REVIEWER)
                filter.awaiting |= AWAITING_DECISION;
        if (filter.awaiting && caller->roles & ROLE_MAKER &&
            service->installation.separation == SEPARATION_STRICT)
                filter.awaiting |= AWAITING_MAKING;
        return store_request_list(service->store, &filter, ret, ret_count);
}

/* --- applying ----------------------------------------------------------------------------- */

static int apply_quota(Service *service, const Caller *caller, ErrorDetail *detail) {
        unsigned open;

        int r = store_request_count_open(service->store, &caller->uid, &open);
        if (r != 0)
                return r;
        if (open >= OPEN_REQUESTS_MAX)
                return error_set(detail, SEAL_E_QUOTA_EXCEEDED,
                                 "You have %u open requests; wait for decisions or cancel some",
                                 open);
        return 0;
}

static int apply_fill(Service *service, const Caller *caller, Application *application,
                      Request *ret, ErrorDetail *detail) {
        const Algorithm *algorithm;
        int r;

        r = application_complete(application, &caller->subject, service_now(service),
                                 service->config->validity_days, detail);
        if (r == 0)
                r = service_algorithm(service, application->algorithm, &algorithm, detail);
        if (r != 0)
                return r;
        ret->state = REQUEST_APPLIED;
        ret->applicant = caller->subject;
        ret->applicant_login = caller->login_uid;
        ret->created = service_now(service);
        ret->reviewers_needed = service->config->reviewers_needed;
        ret->application = *application;
        text_copy(ret->type, sizeof(ret->type), application->type);
        memcpy(ret->kind, REQUEST_KIND_MAKE, sizeof(REQUEST_KIND_MAKE));
        return request_digest(ret, ret->digest);
}

int service_apply(Service *service, const Caller *caller, Application *application,
                  uint64_t *ret_id, ErrorDetail *detail) {
        _cleanup_free_ Request *request = calloc(1, sizeof(*request));
        int r;

        if (!request)
                return -ENOMEM;
        r = service_require_ready(service, detail);
        if (r == 0)
                r = apply_quota(service, caller, detail);
        if (r == 0)
                r = apply_fill(service, caller, application, request, detail);
        if (r == 0)
                r = store_request_add(service->store, request);
        if (r != 0)
                return r;
        service_changed_request(service, request);
        *ret_id = request->id;
        return 0;
}

/* --- single mode: all at once --------------------------------------------------------------- */

/* Approved by its own applicant: only here. */
static int create_request(Service *service, Request *request) {
        Decision self = {
                .by = request->applicant,
                .login = request->applicant_login,
                .approve = true,
                .comment = "single mode",
                .time = request->created,
        };
        int r;

        r = store_begin(service->store);
        if (r != 0)
                return r;
        r = store_number_take(service->store, service->config->number_region, request->number);
        request->state = REQUEST_APPROVED;
        if (r == 0)
                r = store_request_add(service->store, request);
        if (r == 0)
                r = store_decision_add(service->store, request->id, &self);
        return store_end(service->store, r);
}

/* What this token made before. A register that cannot tell must not become a second seal. */
static int create_find(Service *service, const Caller *caller, const char *token,
                       uint64_t *ret_id) {
        if (token[0] == '\0')
                return SEAL_E_NOT_FOUND;
        return store_request_by_token(service->store, caller->uid, token, ret_id);
}

/* The same token again: the same seal, made now if it failed before. */
static int create_again(Service *service, const Caller *caller, uint64_t id, Reply reply,
                        ErrorDetail *detail) {
        _cleanup_free_ Request *request = malloc(sizeof(*request));

        if (!request)
                return -ENOMEM;
        int r = store_request_get(service->store, id, request);
        if (r != 0)
                return r;
        if (request->state == REQUEST_COMPLETED) {
                reply.done(reply.userdata, 0, NULL, request->number);
                return 0;
        }
        return service_make(service, request, &caller->subject, caller->uid, reply, detail);
}

int service_create_seal(Service *service, const Caller *caller, Application *application,
                        Reply reply, ErrorDetail *detail) {
        _cleanup_free_ Request *request = calloc(1, sizeof(*request));
        uint64_t known;
        int r;

        if (!request)
                return -ENOMEM;
        r = service_require_ready(service, detail);
        if (r != 0)
                return r;
        if (service->installation.separation != SEPARATION_SINGLE)
                return error_set(detail, SEAL_E_INVALID_STATE,
                                 "CreateSeal is for single mode; here (%s) somebody applies and "
                                 "somebody else approves: 'sealctl apply'",
                                 separation_name(service->installation.separation));
        r = create_find(service, caller, application->token, &known);
        if (r == 0)
                return create_again(service, caller, known, reply, detail);
        if (r != SEAL_E_NOT_FOUND)
                return r;
        r = apply_fill(service, caller, application, request, detail);
        if (r == 0)
                r = create_request(service, request);
        if (r != 0)
                return r;
        arrow_pass(service->arrows, ARROW_MAKE_SELF_APPROVED);
        return service_make(service, request, &caller->subject, caller->uid, reply, detail);
}

/* --- decisions ---------------------------------------------------------------------------- */

static int decide_check(Service *service, const Caller *caller, const Request *request,
                        RequestOperation operation, RequestState *ret_next, ErrorDetail *detail) {
        const SeparationRule rule = service_separation_rule(service);

        int r = service_require_ready(service, detail);
        if (r == 0)
                r = request_transition(request->state, operation, ret_next, detail);
        if (r == 0)
                r = separation_decide(&rule, request, caller, detail);
        return r;
}

/* Decision, and with the last one the number, in one transaction. */
static int decide_commit(Service *service, Request *request, const Decision *decision,
                         RequestState next) {
        int r;

        r = store_begin(service->store);
        if (r != 0)
                return r;
        r = store_decision_add(service->store, request->id, decision);
        request->decisions[request->decision_count++] = *decision;
        bool last = !decision->approve || request_missing(request) == 0;
        if (r == 0 && last && decision->approve)
                r = store_number_take(service->store, service->config->number_region,
                                      request->number);
        if (last)
                request->state = next;
        if (r == 0)
                r = store_request_update(service->store, request);
        return store_end(service->store, r);
}

static Decision decision_of(const Service *service, const Caller *caller, bool approve,
                            const char *comment) {
        Decision d = {
                .by = caller->subject,
                .login = caller->login_uid,
                .approve = approve,
                .time = service_now(service),
        };

        text_copy(d.comment, sizeof(d.comment), comment);
        return d;
}

/* The approval stands even when the key could not be made: the answer says both. */
typedef struct ApproveReply {
        Reply outer;
        uint64_t id;
} ApproveReply;

static void approve_made(void *userdata, int code, const ErrorDetail *detail, const void *result) {
        ApproveReply *a = userdata;
        ErrorDetail told = {};

        (void) result;
        if (code != 0)
                (void) error_set(&told, code,
                                 "Approved, but the key could not be made: %s (request %" PRIu64
                                 " can be made again: 'sealctl make %" PRIu64 "')",
                                 error_describe(code, detail), a->id, a->id);
        a->outer.done(a->outer.userdata, code, &told, NULL);
        free(a);
}

static int approve_make(Service *service, const Caller *caller, Request *request, Reply reply) {
        ApproveReply *a = calloc(1, sizeof(*a));
        ErrorDetail detail = {};

        if (!a)
                return -ENOMEM;
        *a = (ApproveReply){ .outer = reply, .id = request->id };
        int r = service_make(service, request, &caller->subject, caller->uid,
                             (Reply){ .done = approve_made, .userdata = a }, &detail);
        if (r != 0) {
                service_explain(service, r, &detail);
                approve_made(a, r, &detail, NULL);
        }
        return 0;
}

/* One decision: checked, committed, announced; request is as it is then. */
static int decide(Service *service, const Caller *caller, uint64_t id, bool approve,
                  const char *text, Request *request, ErrorDetail *detail) {
        RequestState next;

        int r = service_request_get(service, caller, id, request);
        if (r == 0)
                r = decide_check(service, caller, request,
                                 approve ? REQUEST_APPROVE : REQUEST_REJECT, &next, detail);
        if (r != 0)
                return r;
        Decision d = decision_of(service, caller, approve, text);
        if (!approve)
                text_copy(request->error, sizeof(request->error), text);
        r = decide_commit(service, request, &d, next);
        if (r != 0)
                return r;
        arrow_pass(service->arrows, ARROW_MAKE_DECIDED);
        service_changed_request(service, request);
        arrow_pass(service->arrows, ARROW_MAKE_DECISION_ANNOUNCED);
        return 0;
}

int service_request_approve(Service *service, const Caller *caller, uint64_t id,
                            const char *comment, Reply reply, ErrorDetail *detail) {
        _cleanup_free_ Request *request = malloc(sizeof(*request));

        if (!request)
                return -ENOMEM;
        int r = decide(service, caller, id, true, comment, request, detail);
        if (r != 0)
                return r;
        if (request->state == REQUEST_APPROVED &&
            service->installation.separation == SEPARATION_DUAL)
                return approve_make(service, caller, request, reply);
        reply.done(reply.userdata, 0, NULL, NULL);
        return 0;
}

int service_request_reject(Service *service, const Caller *caller, uint64_t id, const char *reason,
                           ErrorDetail *detail) {
        _cleanup_free_ Request *request = malloc(sizeof(*request));

        if (!request)
                return -ENOMEM;
        return decide(service, caller, id, false, reason, request, detail);
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
                r = request_transition(request->state, REQUEST_CANCEL, &next, detail);
        if (r != 0)
                return r;
        request->state = next;
        text_copy(request->error, sizeof(request->error), reason);
        r = store_request_update(service->store, request);
        if (r == 0)
                service_changed_request(service, request);
        return r;
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
        if (r == 0 && request->state == REQUEST_COMPLETED) {
                reply.done(reply.userdata, 0, NULL, request->number);
                return 0;
        }
        if (r == 0)
                r = separation_make(&rule, request, caller, detail);
        if (r != 0)
                return r;
        return service_make(service, request, &caller->subject, caller->uid, reply, detail);
}
