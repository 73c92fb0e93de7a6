/* SPDX-License-Identifier: Apache-2.0 */
#include "client/report.h"

#include <stdbool.h>
#include <string.h>

#include "client/output.h"

static bool count_add(json_t *counts, const char *key) {
        json_int_t count = json_integer_value(json_object_get(counts, key));

        return json_object_set_new(counts, key, json_integer(count + 1)) == 0;
}

/* States in which an end of validity is of no concern any more. */
static bool is_over(const char *state) {
        return strcmp(state, "revoked") == 0 || strcmp(state, "destroyed") == 0;
}

typedef struct SealCounts {
        json_t *states, *types, *expiring;
        json_int_t expired;
} SealCounts;

static bool seal_count(SealCounts *counts, json_t *seal, uint64_t now, uint64_t soon) {
        uint64_t end = (uint64_t) json_integer_value(json_object_get(seal, "not-after"));
        const char *state = json_text(seal, "state");

        if (!count_add(counts->states, state) || !count_add(counts->types, json_text(seal, "type")))
                return false;
        if (is_over(state) || end > soon)
                return true;
        counts->expired += end < now;
        return end < now || json_array_append(counts->expiring, seal) == 0;
}

json_t *report_seals(const json_t *seals, uint64_t now, uint64_t soon) {
        SealCounts counts = { json_object(), json_object(), json_array(), 0 };
        bool good = counts.states && counts.types && counts.expiring;
        json_t *seal;
        size_t i;

        json_array_foreach(seals, i, seal)
                good = good && seal_count(&counts, seal, now, soon);
        json_t *report = !good ? NULL
                               : json_pack("{sI sO sO sI sO}", "total",
                                           (json_int_t) json_array_size(seals), "by-state",
                                           counts.states, "by-type", counts.types, "expired",
                                           counts.expired, "expiring", counts.expiring);
        json_decref(counts.states);
        json_decref(counts.types);
        json_decref(counts.expiring);
        return report;
}

json_t *report_requests(const json_t *requests) {
        static const char *const open[] = { "applied", "approved", "making", "failed" };
        json_t *list = json_array(), *request;
        size_t i;

        json_array_foreach(requests, i, request)
                for (size_t k = 0; k < sizeof(open) / sizeof(open[0]); k++)
                        if (strcmp(json_text(request, "state"), open[k]) == 0)
                                json_array_append(list, request);
        return list;
}

typedef struct Step {
        const char *state; /* of seals, or of requests */
        const char *who, *what, *command;
} Step;

static const Step seal_steps[] = {
        { "made", "makers", "file seals that were made", "sealctl record-filing NUMBER" },
        { "filed", "administrators", "deliver filed seals", "sealctl deliver NUMBER KEEPER" },
        { "delivered", "keepers", "accept what was delivered", "sealctl accept NUMBER" },
        { "suspended", "administrators", "resume or revoke suspended seals",
          "sealctl resume NUMBER REASON" },
        { "lost", "administrators", "revoke lost seals, unless they turn up",
          "sealctl revoke NUMBER REASON" },
        { "surrendered", "administrators", "deliver or revoke surrendered seals",
          "sealctl deliver NUMBER KEEPER" },
        { "revoked", "administrators", "destroy revoked seals", "sealctl destroy NUMBER REASON" },
};

/* The use of a seal is approved by the seal's approvers, and collected by who asked for it. */
static const Step use_steps[] = {
        { "applied", "approvers", "approve uses of seals", "sealctl approve-use ID" },
        { "approved", "keepers", "collect approved signatures",
          "sealctl collect ID --output FILE" },
};

static const Step request_steps[] = {
        { "applied", "reviewers", "decide about requests", "sealctl requests --awaiting-me" },
        { "approved", "makers", "make approved seals", "sealctl make ID" },
        { "failed", "reviewers", "make again what failed", "sealctl make ID" },
};

static bool action_add(json_t *actions, const Step *step, const char *who, json_int_t count) {
        return count == 0 ||
               json_array_append_new(actions,
                                     json_pack("{ss ss sI ss}", "who", who, "what", step->what,
                                               "count", count, "command", step->command)) == 0;
}

static json_int_t requests_in(const json_t *requests, bool use, const char *state) {
        const json_t *request;
        json_int_t count = 0;
        size_t i;

        json_array_foreach(requests, i, request)
                count += (strcmp(json_text(request, "kind"), "use") == 0) == use &&
                         strcmp(json_text(request, "state"), state) == 0;
        return count;
}

json_t *report_actions(const json_t *seals, const json_t *requests, const char *separation) {
        static const Step renew = { NULL, NULL, "renew what ends soon, or has ended",
                                    "sealctl apply renew NUMBER --reason TEXT" };
        const json_t *states = json_object_get(seals, "by-state");
        const bool strict = strcmp(separation, "strict") == 0;
        json_t *actions = json_array();
        bool good = actions;

        for (size_t i = 0; i < sizeof(request_steps) / sizeof(request_steps[0]); i++) {
                const Step *step = &request_steps[i];
                const char *who = strict && strcmp(step->state, "failed") == 0 ? "makers"
                                                                               : step->who;
                good = good &&
                       action_add(actions, step, who, requests_in(requests, false, step->state));
        }
        for (size_t i = 0; i < sizeof(use_steps) / sizeof(use_steps[0]); i++)
                good = good && action_add(actions, &use_steps[i], use_steps[i].who,
                                          requests_in(requests, true, use_steps[i].state));
        for (size_t i = 0; i < sizeof(seal_steps) / sizeof(seal_steps[0]); i++)
                good = good &&
                       action_add(actions, &seal_steps[i], seal_steps[i].who,
                                  json_integer_value(json_object_get(states, seal_steps[i].state)));
        good = good &&
               action_add(actions, &renew, "keepers",
                          json_integer_value(json_object_get(seals, "expired")) +
                                  (json_int_t) json_array_size(json_object_get(seals, "expiring")));
        if (!good)
                json_decref(actions);
        return good ? actions : NULL;
}
