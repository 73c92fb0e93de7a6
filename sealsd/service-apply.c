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

/* One application on its way into the register; while its picture is looked at it waits. */
typedef struct Applying {
        Service *service;
        Caller caller;
        Reply reply;
        Application application;     /* as it came */
        char number[NUMBER_MAX + 1]; /* of the seal that it is about */
        RequestKind kind;
        char reason[TEXT_MAX + 1];
        const SealPicture *picture; /* that was looked at; NULL: none */
        uint64_t old_picture;       /* request that the seal's own came with; 0: none */
        /* Fill and check the request, and carry out what it asks; again: as it was before. */
        int (*prepare)(struct Applying *applying, Request *request, ErrorDetail *detail);
        int (*commit)(struct Applying *applying, Request *request, ErrorDetail *detail);
        int (*again)(struct Applying *applying, uint64_t id, ErrorDetail *detail);
} Applying;

/* --- into the register --------------------------------------------------------------------- */

static int apply_quota(Service *service, const Caller *caller, ErrorDetail *detail) {
        unsigned open;

        int r = store_request_count_open(service->store, &caller->uid, &open);
        if (r != 0)
                return r;
        open += pictures_waiting(service, caller->uid); /* which become requests, or nothing */
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

static int apply_fill(Service *service, const Caller *caller, const Application *application,
                      Request *ret, ErrorDetail *detail) {
        Application *whole = &ret->application;
        const Algorithm *algorithm;

        *whole = *application;
        int r = application_complete(whole, &caller->subject, service_now(service),
                                     service->config->validity_days, detail);
        if (r == 0)
                r = service_algorithm(service, whole->algorithm, &algorithm, detail);
        if (r != 0)
                return r;
        text_copy(ret->type, sizeof(ret->type), whole->type);
        memcpy(ret->kind, REQUEST_KIND_MAKE, sizeof(REQUEST_KIND_MAKE));
        return apply_complete(service, caller, ret);
}

/* A renewal without a picture of its own has the old one. */
static int add_picture(const Applying *applying, const Request *request) {
        _cleanup_picture_ SealPicture old = {};
        Store *store = applying->service->store;

        if (request->application.picture.type[0] == '\0')
                return 0;
        if (applying->picture)
                return store_picture_add(store, request->id, applying->picture);
        int r = store_picture_get(store, applying->old_picture, &old);
        if (r != 0)
                return r == SEAL_E_NOT_FOUND ? SEAL_E_REGISTER_TAMPERED : r;
        return store_picture_add(store, request->id, &old);
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

static int applying_add(const Applying *applying, Request *request) {
        int r = apply_add(applying->service, &applying->caller, request);

        return r == 0 ? add_picture(applying, request) : r;
}

static int apply_commit(Applying *applying, Request *request, ErrorDetail *detail) {
        Service *s = applying->service;

        (void) detail;
        int r = store_begin(s->store);
        if (r == 0)
                r = store_end(s->store, applying_add(applying, request));
        if (r != 0)
                return r;
        service_changed_request(s, request);
        applying->reply.done(applying->reply.userdata, 0, NULL, &request->id);
        return 0;
}

/* --- in order ------------------------------------------------------------------------------- */

/* What this token applied for before. A register that cannot tell must not become a second seal. */
static int token_find(const Applying *applying, uint64_t *ret_id) {
        if (applying->application.token[0] == '\0')
                return SEAL_E_NOT_FOUND;
        return store_request_by_token(applying->service->store, applying->caller.uid,
                                      applying->application.token, ret_id);
}

static void picture_looked(void *userdata, int code, const ErrorDetail *detail, const void *result);

/*
 * What can be said without looking at the picture is said before, since that takes long. Takes
 * over what it is given where it waits.
 */
static int applying_run(Applying *applying, const HandedFile *unseen, bool *ret_waits,
                        ErrorDetail *detail) {
        _cleanup_free_ Request *request = calloc(1, sizeof(*request));
        uint64_t known;

        if (!request)
                return -ENOMEM;
        int r = token_find(applying, &known);
        if (r != SEAL_E_NOT_FOUND)
                return r == 0 ? applying->again(applying, known, detail) : r;
        r = applying->prepare(applying, request, detail);
        if (r != 0)
                return r;
        if (!unseen->given)
                return applying->commit(applying, request, detail);
        if (!service_has_key(applying->service))
                return SEAL_E_MACHINE_STATE_REFUSED; /* its caller demands it, and repeats */
        r = picture_look(applying->service, applying->caller.uid, unseen,
                         (Reply){ .done = picture_looked, .userdata = applying }, detail);
        *ret_waits = r == 0;
        return r;
}

static void picture_looked(void *userdata, int code, const ErrorDetail *detail,
                           const void *result) {
        static const HandedFile none;
        Applying *applying = userdata;
        const Reply reply = applying->reply;
        ErrorDetail own = detail ? *detail : (ErrorDetail){};
        bool waits = false;

        applying->picture = result;
        if (code == 0)
                code = picture_facts(applying->picture, &applying->application.picture);
        if (code == 0)
                code = applying_run(applying, &none, &waits, &own);
        if (code != 0) {
                service_explain(applying->service, code, &own);
                reply.done(reply.userdata, code, &own, NULL);
        }
        free(applying);
}

/* Of a picture that nobody has looked at yet only its size is known. */
#define PICTURE_UNSEEN "unseen"

static int applying_begin(const Applying *what, const HandedFile *picture, ErrorDetail *detail) {
        Applying *applying = malloc(sizeof(*applying));
        PictureFacts *facts;
        bool waits = false;

        if (!applying)
                return -ENOMEM;
        *applying = *what;
        facts = &applying->application.picture;
        if (picture->given)
                text_copy(facts->type, sizeof(facts->type), PICTURE_UNSEEN);
        int r = applying_run(applying, picture, &waits, detail);
        if (!waits)
                free(applying);
        return r;
}

/* --- for a seal ----------------------------------------------------------------------------- */

static int apply_prepare(Applying *applying, Request *request, ErrorDetail *detail) {
        Service *s = applying->service;

        int r = apply_quota(s, &applying->caller, detail);
        return r == 0 ? apply_fill(s, &applying->caller, &applying->application, request, detail)
                      : r;
}

static int apply_again(Applying *applying, uint64_t id, ErrorDetail *detail) {
        (void) detail;
        applying->reply.done(applying->reply.userdata, 0, NULL, &id);
        return 0;
}

int service_apply(Service *service, const Caller *caller, const Application *application,
                  const HandedFile *picture, Reply reply, ErrorDetail *detail) {
        const Applying applying = {
                .service = service,
                .caller = *caller,
                .reply = reply,
                .application = *application,
                .prepare = apply_prepare,
                .commit = apply_commit,
                .again = apply_again,
        };

        int r = service_require_ready(service, detail);
        return r == 0 ? applying_begin(&applying, picture, detail) : r;
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

static int change_prepare(Applying *applying, Request *request, ErrorDetail *detail) {
        _cleanup_free_ Application *change = malloc(sizeof(*change));
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));
        Service *s = applying->service;

        if (!change || !seal)
                return -ENOMEM;
        *change = applying->application;
        int r = service_seal_fetch(s, &applying->caller, applying->number, seal, detail);
        if (r == 0)
                r = apply_quota(s, &applying->caller, detail);
        if (r == 0)
                r = apply_check(s, applying->kind, seal, change, detail);
        if (r == 0)
                r = apply_about(s, &applying->caller, applying->kind, seal, change,
                                applying->reason, request);
        applying->old_picture = r == 0 ? seal->request : 0;
        return r;
}

int service_seal_apply(Service *service, const Caller *caller, const char *number,
                       const ChangeOptions *options, Reply reply, ErrorDetail *detail) {
        Applying applying = {
                .service = service,
                .caller = *caller,
                .reply = reply,
                .application = *options->change,
                .kind = options->kind,
                .prepare = change_prepare,
                .commit = apply_commit,
        };

        int r = check_reason(options->reason, detail);
        if (r != 0)
                return r;
        text_copy(applying.number, sizeof(applying.number), number);
        text_copy(applying.reason, sizeof(applying.reason), options->reason);
        return applying_begin(&applying, options->picture, detail);
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
static int create_write(Applying *applying, Request *request) {
        Service *s = applying->service;
        Decision self = {
                .by = request->applicant,
                .login = request->applicant_login,
                .approve = true,
                .comment = "single mode",
                .time = request->created,
        };

        int r = store_number_take(s->store, s->config->number_region, request->number);
        if (r == 0)
                r = applying_add(applying, request);
        request->state = REQUEST_APPROVED;
        if (r == 0)
                r = store_request_update(s->store, request);
        if (r == 0)
                r = store_decision_add(s->store, request->id, &self);
        Event event = event_of_request(EVENT_REQUEST_APPROVED, &applying->caller, request);
        event.self = true;
        return r == 0 ? service_event_request(s, event, request) : r;
}

static int create_commit(Applying *applying, Request *request, ErrorDetail *detail) {
        Service *s = applying->service;

        int r = store_begin(s->store);
        if (r == 0)
                r = store_end(s->store, create_write(applying, request));
        if (r != 0)
                return r;
        arrow_pass(s->arrows, ARROW_MAKE_SELF_APPROVED);
        return service_make(s, request, &applying->caller, applying->reply, detail);
}

/* The same token again: the same seal, made now if it failed before. */
static int create_again(Applying *applying, uint64_t id, ErrorDetail *detail) {
        _cleanup_free_ Request *request = malloc(sizeof(*request));
        const Reply reply = applying->reply;

        if (!request)
                return -ENOMEM;
        int r = store_request_get(applying->service->store, id, request);
        if (r != 0)
                return r;
        if (request->state == REQUEST_COMPLETED) {
                reply.done(reply.userdata, 0, NULL, request->number);
                return 0;
        }
        return service_make(applying->service, request, &applying->caller, reply, detail);
}

static int create_prepare(Applying *applying, Request *request, ErrorDetail *detail) {
        Service *s = applying->service;

        int r = apply_fill(s, &applying->caller, &applying->application, request, detail);
        /* A register that was put back would give a number again. */
        return r == 0 ? service_require_sound(s, detail) : r;
}

int service_create_seal(Service *service, const Caller *caller, const Application *application,
                        const HandedFile *picture, Reply reply, ErrorDetail *detail) {
        const Applying applying = {
                .service = service,
                .caller = *caller,
                .reply = reply,
                .application = *application,
                .prepare = create_prepare,
                .commit = create_commit,
                .again = create_again,
        };

        int r = service_require_ready(service, detail);
        if (r != 0)
                return r;
        if (service->installation.separation != SEPARATION_SINGLE)
                return error_set(detail, SEAL_E_INVALID_STATE,
                                 "CreateSeal is for single mode; here (%s) somebody applies and "
                                 "somebody else approves: 'sealctl apply'",
                                 separation_name(service->installation.separation));
        return applying_begin(&applying, picture, detail);
}
