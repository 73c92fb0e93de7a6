/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decisions, and what follows from the last of them: a number for what will be made, or the change
 * itself. The decision, the change and what tells of them are one transaction.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "sealsd/json.h"
#include "sealsd/reviewer.h"
#include "sealsd/separation.h"
#include "sealsd/service-life.h"

typedef struct Deciding {
        Service *service;
        const Caller *caller;
        Request *request; /* as it is after the decision */
        Decision decision;
        bool changed; /* a seal was changed */
        Seal seal;    /* then: as it is now */
        bool self;
        uint8_t key[TPM2_SHA256_DIGEST_SIZE]; /* of a signed one */
} Deciding;

/* --- checks ------------------------------------------------------------------------------- */

static int decide_check(Deciding *d, RequestOperation operation, RequestState *ret_next,
                        ErrorDetail *detail) {
        const SeparationRule rule = service_separation_rule(d->service);

        int r = service_require_ready(d->service, detail);
        if (r == 0)
                r = service_expire_request(d->service, d->request, detail);
        if (r == 0)
                r = request_transition((RequestKind) request_kind(d->request), d->request->state,
                                       operation, ret_next, detail);
        if (r == 0)
                r = separation_decide(&rule, d->request, d->caller, detail);
        d->self = service_is_self(d->service,
                                  separation_decide(&service_strict, d->request, d->caller, NULL));
        return r;
}

/* His key, where he has one registered: then the decision counts with its signature alone. */
static int decide_sign(Deciding *d, Bytes signature, ErrorDetail *detail) {
        Reviewer reviewer = {};
        bool found;

        int r = store_reviewer_get(d->service->store, &d->caller->subject, &reviewer);
        found = r == 0;
        if (r != 0 && r != SEAL_E_NOT_FOUND)
                return r;
        r = reviewer_sign(found ? &reviewer : NULL, d->service->config->signed_decisions,
                          d->request, signature, &d->decision, detail);
        return r == 0 && d->decision.signature_size > 0 ? reviewer_key_hash(&reviewer, d->key) : r;
}

static Decision decision_new(const Service *service, const Caller *caller, bool approve,
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

/* --- the transaction ------------------------------------------------------------------------ */

static json_t *decision_facts(const Deciding *d) {
        const bool is_signed = d->decision.signature_size > 0;
        _cleanup_json_ json_t *facts = json_pack("{s:s, s:s, s:b}", "kind", d->request->kind,
                                                 "type", d->request->type, "signed", is_signed);

        if (!facts ||
            (is_signed && json_object_set_new(facts, "key", json_hex(d->key, sizeof(d->key))) != 0))
                return NULL;
        return steal_ptr(facts);
}

static int decide_event(Deciding *d) {
        const bool approve = d->decision.approve;
        Event event = event_of_request(approve ? EVENT_REQUEST_APPROVED : EVENT_REQUEST_REJECTED,
                                       d->caller, d->request);

        event.self = d->self;
        event.reason = approve || d->decision.comment[0] == '\0' ? NULL : d->decision.comment;
        return service_event(d->service, event, decision_facts(d));
}

/* What needs the chip begins after the commit: here it is seen that it could. */
static int decide_target(const Deciding *d, RequestKind kind, ErrorDetail *detail) {
        SealState next;
        SealBrief seal;

        if (d->request->target[0] == '\0')
                return 0;
        if (kind == KIND_RECERTIFY)
                return service_execute_check(d->service, d->caller, d->request, detail);
        int r = store_seal_get_brief(d->service->store, d->request->target, &seal);
        return r == 0 ? seal_transition(seal.state, request_kind_operation(kind), &next, detail)
                      : r;
}

/* The last approval: what makes a key gets its number, what makes none is done. */
static int decide_last(Deciding *d, ErrorDetail *detail) {
        Service *s = d->service;
        RequestKind kind = (RequestKind) request_kind(d->request);
        int r = 0;

        if (request_kind_makes(kind) || kind == KIND_DESTROY || kind == KIND_RECERTIFY) {
                r = decide_target(d, kind, detail);
                /* A register that was put back would give a number again. */
                if (r == 0 && request_kind_makes(kind))
                        r = service_require_sound(s, detail);
                if (r == 0 && request_kind_makes(kind))
                        r = store_number_take(s->store, s->config->number_region,
                                              d->request->number);
                return r;
        }
        r = store_request_update(s->store, d->request);
        if (r == 0)
                r = decide_event(d);
        if (r == 0)
                r = service_execute(s, d->caller, d->request, &d->seal, detail);
        d->changed = r == 0 && kind != KIND_REVIEW;
        return r;
}

static int decide_write(Deciding *d, RequestState next, ErrorDetail *detail) {
        Service *s = d->service;

        int r = store_decision_add(s->store, d->request->id, &d->decision);
        if (r != 0)
                return r;
        d->request->decisions[d->request->decision_count++] = d->decision;
        bool last = !d->decision.approve || request_missing(d->request) == 0;
        if (last)
                d->request->state = next;
        if (last && d->decision.approve)
                r = decide_last(d, detail);
        if (r != 0 || d->request->state == REQUEST_COMPLETED)
                return r;
        r = store_request_update(s->store, d->request);
        if (r == 0 && !d->decision.approve)
                r = service_request_drop(s, d->request->id);
        return r == 0 ? decide_event(d) : r;
}

static int decide_commit(Deciding *d, RequestState next, ErrorDetail *detail) {
        int r = store_begin(d->service->store);

        if (r != 0)
                return r;
        bool makes = request_kind_makes((RequestKind) request_kind(d->request));
        r = decide_write(d, next, detail);
        if (!makes)
                arrow_pass(d->service->arrows, ARROW_DECIDE_WRITTEN);
        r = store_end(d->service->store, r);
        if (r != 0)
                return r;
        arrow_pass(d->service->arrows, makes ? ARROW_MAKE_DECIDED : ARROW_DECIDE_COMMITTED);
        service_changed_request(d->service, d->request);
        if (d->changed)
                service_changed_seal(d->service, &d->seal);
        arrow_pass(d->service->arrows,
                   makes ? ARROW_MAKE_DECISION_ANNOUNCED : ARROW_DECIDE_ANNOUNCED);
        return 0;
}

/* One decision: checked, committed, announced. */
static int decide(Deciding *d, uint64_t id, bool approve, const char *text, Bytes signature,
                  ErrorDetail *detail) {
        RequestState next;

        int r = service_request_get(d->service, d->caller, id, d->request);
        if (r == 0)
                r = decide_check(d, approve ? REQUEST_APPROVE : REQUEST_REJECT, &next, detail);
        if (r != 0)
                return r;
        if (d->request->opaque)
                return SEAL_E_MACHINE_STATE_REFUSED;
        d->decision = decision_new(d->service, d->caller, approve, text);
        r = decide_sign(d, signature, detail);
        if (r != 0)
                return r;
        if (!approve)
                text_copy(d->request->error, sizeof(d->request->error), text);
        return decide_commit(d, next, detail);
}

static Deciding *deciding_new(Service *service, const Caller *caller) {
        Deciding *d = calloc(1, sizeof(*d));

        if (!d)
                return NULL;
        d->service = service;
        d->caller = caller;
        d->request = malloc(sizeof(*d->request));
        if (!d->request) {
                free(d);
                return NULL;
        }
        return d;
}

static void deciding_freep(Deciding **d) {
        if (*d)
                free((*d)->request);
        free(*d);
}

/* --- what follows --------------------------------------------------------------------------- */

/* The approval stands even when it could not be carried out: the answer says both. */
typedef struct ApproveReply {
        Reply outer;
        uint64_t id;
        bool makes;
} ApproveReply;

static void approve_done(void *userdata, int code, const ErrorDetail *detail, const void *result) {
        ApproveReply *a = userdata;
        ErrorDetail told = {};

        (void) result;
        if (code != 0)
                (void) error_set(&told, code,
                                 "Approved, but %s: %s (request %" PRIu64
                                 " can be made again: 'sealctl make %" PRIu64 "')",
                                 a->makes ? "the key could not be made"
                                          : "it could not be carried out",
                                 error_describe(code, detail), a->id, a->id);
        a->outer.done(a->outer.userdata, code, &told, NULL);
        free(a);
}

static int approve_carry_out(Deciding *d, Reply reply) {
        ApproveReply *a = calloc(1, sizeof(*a));
        ErrorDetail detail = {};
        Reply inner = { .done = approve_done, .userdata = a };
        int r;

        if (!a)
                return -ENOMEM;
        *a = (ApproveReply){
                .outer = reply,
                .id = d->request->id,
                .makes = request_kind_makes((RequestKind) request_kind(d->request)),
        };
        if (a->makes)
                r = service_make(d->service, d->request, d->caller, inner, &detail);
        else
                r = service_carry_out(d->service, d->caller, d->request, inner, &detail);
        if (r != 0) {
                service_explain(d->service, r, &detail);
                approve_done(a, r, &detail, NULL);
        }
        return 0;
}

/* Whom the last approval leaves the rest to: in dual mode, and where no key is made, nobody. */
static bool approve_goes_on(const Deciding *d) {
        return d->request->state == REQUEST_APPROVED &&
               (d->service->installation.separation == SEPARATION_DUAL ||
                !request_kind_makes((RequestKind) request_kind(d->request)));
}

int service_request_approve(Service *service, const Caller *caller, uint64_t id,
                            const char *comment, Bytes signature, Reply reply,
                            ErrorDetail *detail) {
        _cleanup_(deciding_freep) Deciding *d = deciding_new(service, caller);

        if (!d)
                return -ENOMEM;
        int r = decide(d, id, true, comment, signature, detail);
        if (r != 0)
                return r;
        if (approve_goes_on(d))
                return approve_carry_out(d, reply);
        if (d->changed && d->seal.state == SEAL_REVOKED)
                return service_revoke_marked(service, caller, d->seal.number, reply);
        reply.done(reply.userdata, 0, NULL, NULL);
        if (d->request->state == REQUEST_COMPLETED)
                arrow_pass(service->arrows, ARROW_DECIDE_REPLIED);
        return 0;
}

int service_request_reject(Service *service, const Caller *caller, uint64_t id, const char *reason,
                           Bytes signature, ErrorDetail *detail) {
        _cleanup_(deciding_freep) Deciding *d = deciding_new(service, caller);

        return d ? decide(d, id, false, reason, signature, detail) : -ENOMEM;
}
