/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/service-grant.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "sealsd/json.h"
#include "sealsd/service-life.h"

/* --- who may -------------------------------------------------------------------------------- */

/* What the caller holds of a seal, the newest last; grants that are over too, until they end. */
static int grants_of(Service *service, const Caller *caller, const Seal *seal, Grant **ret,
                     size_t *ret_count) {
        const GrantFilter filter = { .seal = seal->number, .holder = caller, .live = true };

        return store_grant_list(service->store, &filter, ret, ret_count);
}

/* The grant that makes him a deputy now, NULL for none; of several the one that lasts longest. */
static const Grant *deputy_of(const Grant *grants, size_t count, const Caller *caller,
                              uint64_t now) {
        const Grant *best = NULL;

        for (size_t i = 0; i < count; i++)
                if (grant_makes_keeper(&grants[i], caller, now) &&
                    (!best || grants[i].until > best->until))
                        best = &grants[i];
        return best;
}

int service_seal_relations(Service *service, const Caller *caller, const Seal *seal,
                           unsigned *ret) {
        _cleanup_free_ Grant *grants = NULL;
        size_t count = 0;

        *ret = 0;
        if (seal_is_keeper(seal, caller)) {
                *ret = ROLE_KEEPER;
                return 0;
        }
        int r = grants_of(service, caller, seal, &grants, &count);
        if (r != 0)
                return r;
        if (deputy_of(grants, count, caller, service_now(service)))
                *ret |= ROLE_KEEPER;
        if (count > 0)
                *ret |= ROLE_USER;
        return 0;
}

/* Of several refusals the one that tells most: the grant was almost enough. */
static int refusal_rank(int code) {
        switch (code) {
        case SEAL_E_LIMIT_REACHED:
                return 4;
        case SEAL_E_PURPOSE_NOT_ALLOWED:
                return 3;
        case SEAL_E_NOT_YET_VALID:
                return 2;
        default:
                return 1;
        }
}

int service_grant_find(Service *service, const Caller *caller, const Seal *seal, Purpose purpose,
                       uint64_t count, uint64_t *ret, ErrorDetail *detail) {
        _cleanup_free_ Grant *grants = NULL;
        size_t grant_count = 0;
        int best = 0;

        if (seal_is_keeper(seal, caller)) {
                *ret = 0;
                return 0;
        }
        int r = grants_of(service, caller, seal, &grants, &grant_count);
        if (r != 0)
                return r;
        for (size_t i = 0; i < grant_count; i++) {
                ErrorDetail why = {};

                r = grant_covers(&grants[i], caller, purpose, count, service_now(service), &why);
                if (r == 0) {
                        *ret = grants[i].id;
                        return 0;
                }
                if (best == 0 || refusal_rank(r) > refusal_rank(best)) {
                        best = r;
                        if (detail)
                                *detail = why;
                }
        }
        if (best != 0)
                return best;
        return error_set(detail, SEAL_E_ACCESS_DENIED,
                         "You are not a keeper of seal %s, and nobody has granted you its use",
                         seal->number);
}

/* --- giving --------------------------------------------------------------------------------- */

static json_t *grant_facts(const Grant *grant) {
        return json_pack("{s:I, s:o, s:I, s:I, s:I, s:b, s:b}", "id", (json_int_t) grant->id,
                         "purposes", json_purposes(grant->purposes), "not-before",
                         (json_int_t) grant->not_before, "until", (json_int_t) grant->until,
                         "count", (json_int_t) grant->count, "keeper", grant->keeper, "emergency",
                         grant->emergency);
}

static Event grant_event(EventCode code, const Caller *caller, const Seal *seal,
                         const Grant *grant) {
        Event event = event_of_seal(code, caller, seal);

        event.object = grant->subject.text;
        return event;
}

/* Somebody else has to look at it afterwards. */
static int review_open(Service *service, const Caller *caller, const Seal *seal, const Grant *grant,
                       Request *ret) {
        char reason[TEXT_MAX + 128];

        (void) snprintf(reason, sizeof(reason), "emergency grant %" PRIu64 " to %s: %s", grant->id,
                        grant->subject.text, grant->reason);
        return service_open_review(service, caller, seal, reason, ret);
}

/* In one transaction: the grant, its event, and of an emergency the request for its review. */
static int grant_commit(Service *service, const Caller *caller, const Seal *seal, Grant *grant,
                        Request *review) {
        int r = store_begin(service->store);

        if (r != 0)
                return r;
        r = store_grant_add(service->store, grant);
        if (r == 0) {
                Event event = grant_event(EVENT_GRANT_ADDED, caller, seal, grant);

                event.reason = grant->reason[0] ? grant->reason : NULL;
                event.self = grant->emergency &&
                             service_is_self(service,
                                             separation_emergency(&service_strict, &grant->subject,
                                                                  caller, NULL));
                r = service_event(service, event, grant_facts(grant));
        }
        if (r == 0 && grant->emergency)
                r = review_open(service, caller, seal, grant, review);
        return store_end(service->store, r);
}

static int grant_room(Service *service, const Seal *seal, ErrorDetail *detail) {
        const GrantFilter filter = { .seal = seal->number, .live = true, .limit = GRANTS_MAX };
        _cleanup_free_ Grant *grants = NULL;
        size_t count = 0;

        int r = store_grant_list(service->store, &filter, &grants, &count);
        if (r == 0 && count >= GRANTS_MAX)
                r = error_set(detail, SEAL_E_QUOTA_EXCEEDED,
                              "Seal %s has %zu grants already; take some back", seal->number,
                              count);
        return r;
}

/* The caller's standing, and all that a new grant is judged by. */
static int grant_judge(Service *service, const Caller *caller, const Seal *seal, Grant *grant,
                       ErrorDetail *detail) {
        _cleanup_free_ Grant *own = NULL;
        GrantContext context = {
                .seal = seal,
                .giver = caller,
                .keeper = seal_is_keeper(seal, caller),
                .rule = service_separation_rule(service),
                .now = service_now(service),
        };
        SealState same;
        size_t count = 0;

        int r = seal_transition(seal->state, SEAL_ADD_GRANT, &same, detail);
        if (r == 0)
                r = grant_room(service, seal, detail);
        if (r == 0)
                r = grants_of(service, caller, seal, &own, &count);
        if (r != 0)
                return r;
        context.deputy = deputy_of(own, count, caller, context.now);
        return grant_complete(grant, &context, detail);
}

int service_grant_add(Service *service, const Caller *caller, const char *number, Grant *grant,
                      ErrorDetail *detail) {
        _cleanup_free_ Request *review = calloc(1, sizeof(*review));
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));

        if (!seal || !review)
                return -ENOMEM;
        int r = service_seal_fetch(service, caller, number, seal, detail);
        if (r == 0)
                r = grant_judge(service, caller, seal, grant, detail);
        if (r == 0)
                r = grant_commit(service, caller, seal, grant, review);
        if (r != 0)
                return r;
        service_changed_seal(service, seal);
        if (grant->emergency) {
                service_changed_request(service, review);
                service_attention_seal(service, "warning", "emergency-grant", seal->number,
                                       "%s granted %s %" PRIu64
                                       " uses of seal %s in an emergency: %s; request %" PRIu64
                                       " waits for a reviewer",
                                       caller->subject.text, grant->subject.text, grant->count,
                                       seal->number, grant->reason, review->id);
        }
        return 0;
}

/* --- taking back ---------------------------------------------------------------------------- */

/* A deputy takes back what he gave; keepers and administrators all of it. */
static int remove_may(const Caller *caller, const Seal *seal, const Grant *grant,
                      ErrorDetail *detail) {
        if (seal_is_keeper(seal, caller) || caller->roles & ROLE_ADMINISTRATOR ||
            caller_is(caller, &grant->giver))
                return 0;
        return error_set(detail, SEAL_E_ACCESS_DENIED,
                         "A deputy takes back the grants that he gave, and no others");
}

static int end_one(Service *service, const Caller *caller, const Seal *seal, const Grant *grant,
                   const Act *act, const char *reason) {
        Event event = grant_event(EVENT_GRANT_REMOVED, caller, seal, grant);

        event.reason = reason;
        int r = store_grant_end(service->store, grant->id, act, reason);
        if (r != 0)
                return r;
        return service_event(service, event, json_pack("{s:I}", "id", (json_int_t) grant->id));
}

/* It, and when it made a deputy what that deputy gave: a grant ends with the giver's custody. */
static int remove_commit(Service *service, const Caller *caller, const Seal *seal,
                         const Grant *grant, const char *reason) {
        const GrantFilter filter = { .via = grant->id, .live = true, .limit = GRANTS_MAX };
        const Act act = service_act(service, caller);
        _cleanup_free_ Grant *grants = NULL;
        size_t count = 0;

        int r = store_grant_list(service->store, &filter, &grants, &count);
        if (r == 0)
                r = store_begin(service->store);
        if (r != 0)
                return r;
        r = end_one(service, caller, seal, grant, &act, reason);
        for (size_t i = 0; r == 0 && i < count; i++)
                r = end_one(service, caller, seal, &grants[i], &act,
                            "the deputy who gave it is none any more");
        return store_end(service->store, r);
}

int service_grant_remove(Service *service, const Caller *caller, const char *number, uint64_t id,
                         const char *reason, ErrorDetail *detail) {
        _cleanup_free_ Grant *grant = malloc(sizeof(*grant));
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));

        if (!seal || !grant)
                return -ENOMEM;
        int r = service_seal_fetch(service, caller, number, seal, detail);
        if (r == 0)
                r = store_grant_get(service->store, id, grant);
        if (r == SEAL_E_NOT_FOUND || (r == 0 && strcmp(grant->number, number) != 0))
                return error_set(detail, SEAL_E_NOT_FOUND, "Seal %s has no grant %" PRIu64, number,
                                 id);
        if (r == 0 && grant->ended != 0)
                return error_set(detail, SEAL_E_INVALID_STATE, "Grant %" PRIu64 " has ended", id);
        if (r == 0)
                r = remove_may(caller, seal, grant, detail);
        if (r == 0)
                r = remove_commit(service, caller, seal, grant, reason);
        if (r == 0)
                service_changed_seal(service, seal);
        return r;
}

int service_grant_list(Service *service, const Caller *caller, const char *number, Grant **ret,
                       size_t *ret_count, ErrorDetail *detail) {
        _cleanup_free_ Seal *seal = malloc(sizeof(*seal));
        const GrantFilter filter = { .seal = number, .live = true, .limit = GRANTS_MAX };

        if (!seal)
                return -ENOMEM;
        int r = service_seal_fetch(service, caller, number, seal, detail);
        return r == 0 ? store_grant_list(service->store, &filter, ret, ret_count) : r;
}
