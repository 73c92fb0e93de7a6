/* SPDX-License-Identifier: Apache-2.0 */
#include "client/audit-rules.h"

#include <errno.h>

const EventCode audit_rules_events[] = {
        EVENT_INITIALIZED,
        EVENT_ADOPTED,
        EVENT_STARTED,
        EVENT_SEPARATION_CHANGED,
        EVENT_REVIEWER_REGISTERED,
        EVENT_TAMPERING_ACKNOWLEDGED,
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

static uint64_t less(uint64_t a, uint64_t b) {
        return a < b ? a : b;
}

static int span_close(AuditRules *rules, uint64_t end) {
        if (!rules->now || end < rules->from || rules->since > rules->until)
                return 0;
        json_t *span = json_copy(rules->now);
        if (!span ||
            json_object_set_new(span, "from", json_integer((json_int_t) rules->since)) < 0 ||
            json_object_set_new(span, "until", json_integer((json_int_t) less(end, rules->until))) <
                    0) {
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

static int time_limit(json_t *span, const char *key, uint64_t latest) {
        const uint64_t time = (uint64_t) json_integer_value(json_object_get(span, key));

        return json_object_set_new(span, key, json_integer((json_int_t) less(time, latest)));
}

/* What a clock that had been ahead said counts from here on, at the latest. */
static int acknowledged(AuditRules *rules, uint64_t time) {
        json_t *span;
        size_t i;

        rules->latest = time;
        rules->since = less(rules->since, time);
        json_array_foreach(rules->spans, i, span)
                if (time_limit(span, "from", time) < 0 || time_limit(span, "until", time) < 0)
                        return -ENOMEM;
        return 0;
}

/* A row behind a clock that was set back counts from when the clock has caught up. */
int audit_rules_row(AuditRules *rules, const LedgerParsed *parsed) {
        const LedgerRow *row = &parsed->row;

        if (row->time > rules->latest)
                rules->latest = row->time;
        switch (parsed->code) {
        case EVENT_INITIALIZED:
        case EVENT_ADOPTED:
        case EVENT_STARTED:
                return change(rules, rules_of(row->facts), rules->latest);
        case EVENT_SEPARATION_CHANGED:
                return change(rules, with_separation(rules->now, row->facts), rules->latest);
        case EVENT_REVIEWER_REGISTERED:
                return rules->latest > rules->until ? 0 : reviewer_take(rules, row);
        case EVENT_TAMPERING_ACKNOWLEDGED:
                return acknowledged(rules, row->time);
        default:
                return 0;
        }
}

int audit_rules_finish(AuditRules *rules) {
        return span_close(rules, rules->until);
}
