/* SPDX-License-Identifier: Apache-2.0 */
#include "client/audit-rules.h"

#include <errno.h>

const EventCode audit_rules_events[] = {
        EVENT_INITIALIZED,         EVENT_ADOPTED, EVENT_STARTED, EVENT_SEPARATION_CHANGED,
        EVENT_REVIEWER_REGISTERED,
};
const size_t audit_rules_event_count = sizeof(audit_rules_events) / sizeof(audit_rules_events[0]);

int audit_rules_init(AuditRules *rules, uint64_t from, uint64_t until) {
        *rules = (AuditRules){
                .from = from, .until = until, .spans = json_array(), .reviewers = json_object()
        };
        return rules->spans && rules->reviewers ? 0 : -ENOMEM;
}

void audit_rules_done(AuditRules *rules) {
        json_decref(rules->now);
        json_decref(rules->spans);
        json_decref(rules->reviewers);
        *rules = (AuditRules){};
}

static int span_close(AuditRules *rules, uint64_t end) {
        if (!rules->now || end < rules->from || rules->since > rules->until)
                return 0;
        json_t *span = json_copy(rules->now);
        if (!span ||
            json_object_set_new(span, "from", json_integer((json_int_t) rules->since)) < 0 ||
            json_object_set_new(span, "until", json_integer((json_int_t) end)) < 0) {
                json_decref(span);
                return -ENOMEM;
        }
        return json_array_append_new(rules->spans, span) < 0 ? -ENOMEM : 0;
}

/* Takes next, which may be NULL: out of memory. What stays the same goes on. */
static int change(AuditRules *rules, json_t *next, uint64_t time) {
        if (!next)
                return -ENOMEM;
        if (rules->now && json_equal(rules->now, next)) {
                json_decref(next);
                return 0;
        }
        int r = span_close(rules, time);
        json_decref(rules->now);
        rules->now = next;
        rules->since = time;
        return r;
}

static json_t *rules_of(const json_t *facts) {
        static const char *const keys[] = { "version", "config", "rules", "separation", "roles" };
        json_t *rules = json_object();

        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
                json_t *value = json_object_get(facts, keys[i]);
                if (value && json_object_set(rules, keys[i], value) < 0) {
                        json_decref(rules);
                        return NULL;
                }
        }
        return rules;
}

static json_t *with_separation(const json_t *now, const json_t *facts) {
        json_t *rules = now ? json_copy((json_t *) now) : json_object();
        json_t *to = json_object_get(facts, "to");

        if (to && json_object_set(rules, "separation", to) < 0) {
                json_decref(rules);
                return NULL;
        }
        return rules;
}

static int reviewer_take(AuditRules *rules, const LedgerRow *row) {
        const char *key = json_string_value(json_object_get(row->facts, "key"));

        if (!row->object)
                return 0;
        return json_object_set_new(rules->reviewers, row->object,
                                   json_pack("{ss sI}", "key", key ? key : "", "time",
                                             (json_int_t) row->time)) < 0
                       ? -ENOMEM
                       : 0;
}

int audit_rules_row(AuditRules *rules, const LedgerParsed *parsed) {
        const LedgerRow *row = &parsed->row;

        if (row->time > rules->until)
                return 0;
        switch (parsed->code) {
        case EVENT_INITIALIZED:
        case EVENT_ADOPTED:
        case EVENT_STARTED:
                return change(rules, rules_of(row->facts), row->time);
        case EVENT_SEPARATION_CHANGED:
                return change(rules, with_separation(rules->now, row->facts), row->time);
        case EVENT_REVIEWER_REGISTERED:
                return reviewer_take(rules, row);
        default:
                return 0;
        }
}

int audit_rules_finish(AuditRules *rules) {
        return span_close(rules, rules->until);
}
