/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/service-life.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sealsd/json.h"

const SeparationRule service_strict = { .mode = SEPARATION_STRICT };

Act service_act(const Service *service, const Caller *caller) {
        Act act = { .login = LOGIN_NONE, .time = service_now(service) };

        if (caller) {
                act.by = caller->subject;
                act.login = caller->login_uid;
        }
        return act;
}

bool service_is_self(const Service *service, int refused_in_strict) {
        return service->installation.separation == SEPARATION_SINGLE &&
               refused_in_strict == SEAL_E_SEPARATION_OF_DUTIES;
}

/* --- events --------------------------------------------------------------------------------- */

Event event_of_seal(EventCode code, const Caller *caller, const Seal *seal) {
        return (Event){
                .code = code,
                .caller = caller,
                .seal = seal->number,
                .state = seal_state_name(seal->state),
        };
}

Event event_of_request(EventCode code, const Caller *caller, const Request *request) {
        const char *seal = request_seal(request);

        return (Event){
                .code = code,
                .caller = caller,
                .request = request->id,
                .seal = seal[0] ? seal : NULL,
                .state = request_state_name(request->state),
        };
}

int service_event(Service *service, Event event, json_t *facts) {
        _cleanup_json_ json_t *owned = facts;

        if (!owned)
                return -ENOMEM;
        event.facts = owned;
        return store_event(service->store, &event);
}

int service_event_request(Service *service, Event event, const Request *request) {
        return service_event(service, event,
                             json_pack("{s:s, s:s}", "kind", request->kind, "type", request->type));
}

json_t *keepers_array(const Application *facts) {
        _cleanup_json_ json_t *array = json_array();

        for (size_t i = 0; array && i < facts->keeper_count; i++)
                if (json_array_append_new(array, json_string(facts->keepers[i].text)) != 0)
                        return NULL;
        return steal_ptr(array);
}

json_t *scope_facts(const Application *facts) {
        return json_pack("{s:o, s:I, s:I}", "purposes", json_purposes(facts->purposes), "use-limit",
                         (json_int_t) facts->use_limit, "not-after", (json_int_t) facts->not_after);
}

json_t *birth_facts(const Seal *seal) {
        const Application *facts = &seal->facts;

        return json_pack("{s:s, s:o, s:s, s:s, s:s, s:s, s:s, s:o, s:I, s:I, s:I, s:s}",
                         "separation", separation_name(seal->separation), "keepers",
                         keepers_array(facts), "class", facts->class, "type", facts->type, "name",
                         facts->name, "holder", facts->holder, "algorithm", facts->algorithm,
                         "purposes", json_purposes(facts->purposes), "not-before",
                         (json_int_t) facts->not_before, "not-after", (json_int_t) facts->not_after,
                         "use-limit", (json_int_t) facts->use_limit, "replaces", seal->replaces);
}

json_t *filing_facts(const Seal *seal) {
        return json_pack("{s:s, s:s}", "filing-number", seal->filing.number, "authority",
                         seal->filing.authority);
}

void service_announce(Service *service, const char *number) {
        SealBrief brief;

        if (store_seal_get_brief(service->store, number, &brief) == 0)
                service_changed(service, "seal", number, seal_state_name(brief.state));
}

/* --- steps ---------------------------------------------------------------------------------- */

static json_t *ids_facts(const uint64_t *ids, size_t count) {
        _cleanup_json_ json_t *array = json_array();

        for (size_t i = 0; array && i < count; i++)
                if (json_array_append_new(array, json_integer((json_int_t) ids[i])) != 0)
                        return NULL;
        return json_pack("{s:O}", "ids", array);
}

int service_end_grants(Service *service, const Caller *caller, const Seal *seal, const Act *act,
                       const char *reason) {
        _cleanup_free_ uint64_t *ids = NULL;
        size_t count = 0;

        int r = store_grants_end(service->store, seal->number, NULL, act, reason, &ids, &count);
        if (r != 0 || count == 0)
                return r;
        return service_event(service, event_of_seal(EVENT_GRANTS_ENDED, caller, seal),
                             ids_facts(ids, count));
}

/* One that is dead already is no further from signing. */
static int supersede_old(Service *service, const Caller *caller, Seal *old, const Seal *new,
                         uint64_t at) {
        if (old->state >= SEAL_REVOKED)
                return 0;
        old->superseded_at = at;
        memcpy(old->replaced_by, new->number, sizeof(new->number));
        int r = store_seal_update(service->store, old);
        if (r != 0)
                return r;
        return service_event(service, event_of_seal(EVENT_SEAL_SUPERSEDED, caller, old),
                             json_pack("{s:s, s:I}", "by", new->number, "at", (json_int_t) at));
}

int service_supersede(Service *service, const Caller *caller, const Seal *seal) {
        _cleanup_free_ Request *request = malloc(sizeof(*request));
        _cleanup_free_ Seal *old = malloc(sizeof(*old));

        if (!request || !old)
                return -ENOMEM;
        if (seal->replaces[0] == '\0')
                return 0;
        int r = store_request_get(service->store, seal->request, request);
        if (r == 0 && request->opaque)
                r = SEAL_E_MACHINE_STATE_REFUSED;
        if (r == 0)
                r = store_seal_get(service->store, seal->replaces, old);
        if (r != 0)
                return r;
        return supersede_old(service, caller, old, seal,
                             service_now(service) + request->application.overlap);
}

int service_check_timing(const Service *service, const Seal *seal, ErrorDetail *detail) {
        char when[TIME_TEXT_SIZE];

        switch (seal_timing_at(seal, service_now(service))) {
        case TIMING_NOT_YET_VALID:
                return error_set(detail, SEAL_E_NOT_YET_VALID,
                                 "Seal %s is not valid yet: it can be delivered, accepted and used "
                                 "from %s on",
                                 seal->number, time_format(seal->facts.not_before, when));
        case TIMING_EXPIRED:
                return error_set(detail, SEAL_E_EXPIRED, "Seal %s expired at %s: %s", seal->number,
                                 time_format(seal->facts.not_after, when),
                                 seal_timing_way(TIMING_EXPIRED));
        case TIMING_SUPERSEDED:
                return error_set(detail, SEAL_E_SUPERSEDED,
                                 "Seal %s was replaced by %s, and signs no more since %s: %s",
                                 seal->number, seal->replaced_by,
                                 time_format(seal->superseded_at, when),
                                 seal_timing_way(TIMING_SUPERSEDED));
        default:
                return 0;
        }
}

int service_check_resume(const Service *service, const Seal *seal, ErrorDetail *detail) {
        if (!seal_is_accepted(seal))
                return error_set(detail, SEAL_E_INVALID_STATE,
                                 "Seal %s was never accepted, so there is nothing to resume: "
                                 "Surrender it, then Deliver it again",
                                 seal->number);
        return service_check_timing(service, seal, detail);
}
