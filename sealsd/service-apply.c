/* SPDX-License-Identifier: Apache-2.0 */
/* Applying: for a new seal, for what is to become of one, and in single mode all at once. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "sealsd/change.h"
#include "sealsd/json.h"
#include "sealsd/service-life.h"

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

/* What every request begins with; its kind, type and application are filled already. */
static int apply_complete(const Service *service, const Caller *caller, Request *ret) {
        const Config *config = service->config;

        ret->state = REQUEST_APPLIED;
        ret->applicant = caller->subject;
        ret->applicant_login = caller->login_uid;
        ret->created = service_now(service);
        ret->expires = ret->created + config->request_days * USEC_PER_DAY;
        ret->reviewers_needed = config_reviewers_needed(config, ret->type);
        return request_digest(ret, ret->digest);
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
        ret->application = *application;
        text_copy(ret->type, sizeof(ret->type), application->type);
        memcpy(ret->kind, REQUEST_KIND_MAKE, sizeof(REQUEST_KIND_MAKE));
        return apply_complete(service, caller, ret);
}

/* In the open transaction: the row, and the event that tells of it. */
static int apply_add(Service *service, const Caller *caller, Request *request) {
        int r = store_request_add(service->store, request);

        if (r != 0)
                return r;
        Event event = event_of_request(EVENT_REQUEST_APPLIED, caller, request);
        event.reason = request->reason[0] ? request->reason : NULL;
        return service_event(service, event,
                             json_pack("{s:s, s:s, s:o}", "kind", request->kind, "type",
                                       request->type, "digest",
                                       json_hex(request->digest, sizeof(request->digest))));
}

static int apply_commit(Service *service, const Caller *caller, Request *request) {
        int r = store_begin(service->store);

        if (r != 0)
                return r;
        r = store_end(service->store, apply_add(service, caller, request));
        if (r == 0)
                service_changed_request(service, request);
        return r;
}

/* What this token applied for before. A register that cannot tell must not become a second seal. */
static int token_find(Service *service, const Caller *caller, const char *token, uint64_t *ret_id) {
        if (token[0] == '\0')
                return SEAL_E_NOT_FOUND;
        return store_request_by_token(service->store, caller->uid, token, ret_id);
}

int service_apply(Service *service, const Caller *caller, Application *application,
                  uint64_t *ret_id, ErrorDetail *detail) {
        _cleanup_free_ Request *request = calloc(1, sizeof(*request));
        int r;

        if (!request)
                return -ENOMEM;
        r = service_require_ready(service, detail);
        if (r != 0)
                return r;
        r = token_find(service, caller, application->token, ret_id);
        if (r != SEAL_E_NOT_FOUND)
                return r;
        r = apply_quota(service, caller, detail);
        if (r == 0)
                r = apply_fill(service, caller, application, request, detail);
        if (r == 0)
                r = apply_commit(service, caller, request);
        if (r == 0)
                *ret_id = request->id;
        return r;
}

/* --- about a seal ------------------------------------------------------------------------- */

/* A second request of the kind would only wait for the first. */
static int apply_single(Service *service, const char *kind, const char *number,
                        ErrorDetail *detail) {
        RequestFilter filter = {
                .state = -1, .kind = kind, .seal = number, .open = true, .limit = PAGE_MAX
        };
        _cleanup_free_ RequestRow *rows = NULL;
        size_t count = 0;

        int r = store_request_list(service->store, &filter, &rows, &count);
        for (size_t i = 0; r == 0 && i < count; i++)
                if (strcmp(rows[i].target, number) == 0)
                        return error_set(detail, SEAL_E_ALREADY_EXISTS,
                                         "Request %" PRIu64 " (%s) about seal %s is open already",
                                         rows[i].id, kind, number);
        return r;
}

/* A successor that is alive is the one to renew. */
static int apply_renewable(Service *service, const Seal *seal, ErrorDetail *detail) {
        SealBrief next;

        if (seal->replaced_by[0] == '\0')
                return 0;
        int r = store_seal_get_brief(service->store, seal->replaced_by, &next);
        if (r != 0 || next.state >= SEAL_REVOKED)
                return r;
        return error_set(detail, SEAL_E_INVALID_STATE, "Seal %s is renewed already, by %s",
                         seal->number, seal->replaced_by);
}

static int apply_check(Service *service, RequestKind kind, const Seal *seal, Application *change,
                       ErrorDetail *detail) {
        const Algorithm *algorithm;
        SealState next;

        int r = seal_transition(seal->state, request_kind_operation(kind), &next, detail);
        if (r == 0 && kind == KIND_RESUME)
                r = service_check_resume(service, seal, detail);
        if (r == 0 && kind == KIND_RENEW)
                r = apply_renewable(service, seal, detail);
        if (r == 0 && seal->opaque && kind == KIND_RENEW)
                r = SEAL_E_MACHINE_STATE_REFUSED;
        if (r == 0)
                r = change_check(kind, seal, change, service_now(service),
                                 service->config->validity_days, detail);
        if (r == 0 && kind == KIND_RENEW)
                r = service_algorithm(service, change->algorithm, &algorithm, detail);
        return r == 0 ? apply_single(service, request_kind_name(kind), seal->number, detail) : r;
}

static int apply_about(Service *service, const Caller *caller, RequestKind kind, const Seal *seal,
                       const Application *change, const char *reason, Request *request) {
        unsigned needed = config_reviewers_needed(service->config, seal->facts.type);

        text_copy(request->kind, sizeof(request->kind), request_kind_name(kind));
        memcpy(request->target, seal->number, sizeof(request->target));
        text_copy(request->type, sizeof(request->type),
                  request_kind_makes(kind) ? change->type : seal->facts.type);
        text_copy(request->reason, sizeof(request->reason), reason);
        request->application = *change;
        int r = apply_complete(service, caller, request);
        /* Neither a type of few reviewers is a way to one of many, nor out of it. */
        if (request->reviewers_needed < needed)
                request->reviewers_needed = needed;
        return r;
}

/* It stands in the canonical text that is signed, and in the journal, where a line is an entry. */
static int check_reason(const char *reason, ErrorDetail *detail) {
        if (text_is_line(reason, TEXT_MAX))
                return 0;
        return error_set(detail, SEAL_E_INVALID_ARGS, "'reason' is required: one line of text");
}

int service_seal_apply(Service *service, const Caller *caller, const char *number, RequestKind kind,
                       Application *change, const char *reason, uint64_t *ret_id,
                       ErrorDetail *detail) {
        _cleanup_free_ Request *request = calloc(1, sizeof(*request));
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));
        int r;

        if (!request || !seal)
                return -ENOMEM;
        r = service_seal_fetch(service, caller, number, seal, detail);
        if (r == 0)
                r = check_reason(reason, detail);
        if (r == 0)
                r = apply_quota(service, caller, detail);
        if (r == 0)
                r = apply_check(service, kind, seal, change, detail);
        if (r == 0)
                r = apply_about(service, caller, kind, seal, change, reason, request);
        if (r == 0)
                r = apply_commit(service, caller, request);
        if (r == 0)
                *ret_id = request->id;
        return r;
}

int service_open_review(Service *service, const Caller *caller, const Seal *seal,
                        const char *reason, Request *ret) {
        static const Application nothing;

        *ret = (Request){};
        int r = apply_about(service, caller, KIND_REVIEW, seal, &nothing, reason, ret);
        ret->expires = 0; /* time does not close it: a reviewer has to */
        return r == 0 ? apply_add(service, caller, ret) : r;
}

/* --- single mode: all at once --------------------------------------------------------------- */

/* Approved by its own applicant: only here. */
static int create_request(Service *service, const Caller *caller, Request *request) {
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
        if (r == 0)
                r = apply_add(service, caller, request);
        request->state = REQUEST_APPROVED;
        if (r == 0)
                r = store_request_update(service->store, request);
        if (r == 0)
                r = store_decision_add(service->store, request->id, &self);
        Event event = event_of_request(EVENT_REQUEST_APPROVED, caller, request);
        event.self = true;
        if (r == 0)
                r = service_event_request(service, event, request);
        return store_end(service->store, r);
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
        return service_make(service, request, caller, reply, detail);
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
        r = token_find(service, caller, application->token, &known);
        if (r == 0)
                return create_again(service, caller, known, reply, detail);
        if (r != SEAL_E_NOT_FOUND)
                return r;
        r = apply_fill(service, caller, application, request, detail);
        if (r == 0) /* a register that was put back would give a number again */
                r = service_require_sound(service, detail);
        if (r == 0)
                r = create_request(service, caller, request);
        if (r != 0)
                return r;
        arrow_pass(service->arrows, ARROW_MAKE_SELF_APPROVED);
        return service_make(service, request, caller, reply, detail);
}
