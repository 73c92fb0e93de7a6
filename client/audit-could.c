/* SPDX-License-Identifier: Apache-2.0 */
#include "client/audit-could.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

#define FOREVER UINT64_MAX

/* Spans are half open: from their first microsecond to the one behind their last. */
struct AuditCould {
        uint64_t from, end; /* what is asked about */
        uint64_t since;     /* from when on the situation below holds */
        bool known;
        bool over; /* a row of after the time asked about was there */
        char state[WORD_MAX + 1];
        uint64_t not_before, not_after, superseded_at; /* 0: no bound */
        uint64_t use_limit, used;                      /* limit 0: none */
        json_t *purposes, *keepers; /* arrays of strings, NULL before they are known */
        json_t *grants;             /* objects as in grant-added, and "used" */
        json_t *states, *could;     /* the result */
};

AuditCould *audit_could_new(uint64_t from, uint64_t until) {
        AuditCould *could = calloc(1, sizeof(*could));

        if (!could)
                return NULL;
        could->from = from;
        could->end = until == FOREVER ? until : until + 1;
        could->grants = json_array();
        could->states = json_array();
        could->could = json_array();
        if (!could->grants || !could->states || !could->could)
                return audit_could_free(could);
        return could;
}

AuditCould *audit_could_free(AuditCould *could) {
        if (!could)
                return NULL;
        json_decref(could->purposes);
        json_decref(could->keepers);
        json_decref(could->grants);
        json_decref(could->states);
        json_decref(could->could);
        free(could);
        return NULL;
}

static uint64_t greater(uint64_t a, uint64_t b) {
        return a > b ? a : b;
}

static uint64_t less(uint64_t a, uint64_t b) {
        return a < b ? a : b;
}

static uint64_t number_of(const json_t *object, const char *key) {
        return (uint64_t) json_integer_value(json_object_get(object, key));
}

/* An entry like the last of its kind that ended where this begins goes on; else a new one. */
static int span_add(json_t *list, json_t *entry, uint64_t from, uint64_t end) {
        json_t *known;
        size_t i;
        int r = 0;

        if (!entry)
                return -ENOMEM;
        json_array_foreach(list, i, known) {
                json_t *bare = json_copy(known);
                bool goes_on = bare && number_of(known, "end") == from;
                json_object_del(bare, "from");
                json_object_del(bare, "end");
                goes_on = goes_on && json_equal(bare, entry);
                json_decref(bare);
                if (goes_on) {
                        r = json_object_set_new(known, "end", json_integer((json_int_t) end));
                        json_decref(entry);
                        return r < 0 ? -ENOMEM : 0;
                }
        }
        if (json_object_set_new(entry, "from", json_integer((json_int_t) from)) < 0 ||
            json_object_set_new(entry, "end", json_integer((json_int_t) end)) < 0)
                r = -ENOMEM;
        return json_array_append_new(list, entry) < 0 ? -ENOMEM : r;
}

static int keepers_record(AuditCould *could, uint64_t from, uint64_t end) {
        const json_t *keeper;
        size_t i;
        int r = 0;

        json_array_foreach(could->keepers, i, keeper)
                if (r == 0)
                        r = span_add(could->could,
                                     json_pack("{ss ss sO*}", "subject", json_string_value(keeper),
                                               "as", "keeper", "purposes", could->purposes),
                                     from, end);
        return r;
}

static const char *grant_as(const json_t *grant) {
        if (json_is_true(json_object_get(grant, "emergency")))
                return "emergency";
        return json_is_true(json_object_get(grant, "keeper")) ? "deputy" : "grant";
}

static int grant_record(AuditCould *could, const json_t *grant, uint64_t from, uint64_t end) {
        uint64_t until = number_of(grant, "until"), count = number_of(grant, "count");

        from = greater(from, number_of(grant, "not-before"));
        if (until > 0)
                end = less(end, until + 1);
        if (from >= end || (count > 0 && number_of(grant, "used") >= count))
                return 0;
        return span_add(could->could,
                        json_pack("{ss ss sI sO*}", "subject",
                                  json_string_value(json_object_get(grant, "subject")), "as",
                                  grant_as(grant), "grant", (json_int_t) number_of(grant, "id"),
                                  "purposes", json_object_get(grant, "purposes")),
                        from, end);
}

/* Who could use it in this span, in which nothing changed but the time. */
static int users_record(AuditCould *could, uint64_t from, uint64_t end) {
        const json_t *grant;
        size_t i;

        from = greater(from, could->not_before);
        if (could->not_after > 0)
                end = less(end, could->not_after + 1);
        if (could->superseded_at > 0)
                end = less(end, could->superseded_at);
        if (strcmp(could->state, "active") != 0 || from >= end ||
            (could->use_limit > 0 && could->used >= could->use_limit))
                return 0;
        int r = keepers_record(could, from, end);
        json_array_foreach(could->grants, i, grant)
                if (r == 0)
                        r = grant_record(could, grant, from, end);
        return r;
}

/*
 * The situation held until now; what comes next changes it. Behind a clock that was set back no
 * state is left out: each row lasts a microsecond until the clock has caught up.
 */
static int advance(AuditCould *could, uint64_t now) {
        if (now < could->since)
                now = could->since + 1;

        uint64_t from = greater(could->since, could->from), end = less(now, could->end);
        int r = 0;

        if (from < end && could->state[0] != '\0') {
                r = span_add(could->states, json_pack("{ss}", "state", could->state), from, end);
                if (r == 0)
                        r = users_record(could, from, end);
        }
        could->since = greater(could->since, now);
        return r;
}

static void list_take(json_t **list, const json_t *facts, const char *key) {
        json_t *value = json_object_get(facts, key);

        if (!json_is_array(value))
                return;
        json_decref(*list);
        *list = json_incref(value);
}

static void number_take(uint64_t *ret, const json_t *facts, const char *key) {
        const json_t *value = json_object_get(facts, key);

        if (json_is_integer(value))
                *ret = (uint64_t) json_integer_value(value);
}

/* What a seal is and may, as far as the row tells. */
static void facts_take(AuditCould *could, const json_t *facts) {
        list_take(&could->keepers, facts, "keepers");
        list_take(&could->purposes, facts, "purposes");
        number_take(&could->not_before, facts, "not-before");
        number_take(&could->not_after, facts, "not-after");
        number_take(&could->use_limit, facts, "use-limit");
}

static void grant_end(AuditCould *could, uint64_t id) {
        for (size_t i = json_array_size(could->grants); i-- > 0;)
                if (number_of(json_array_get(could->grants, i), "id") == id)
                        json_array_remove(could->grants, i);
}

static int grant_add(AuditCould *could, const LedgerRow *row) {
        json_t *grant = json_copy((json_t *) row->facts);

        if (!grant || json_object_set_new(grant, "subject", json_string(row->object)) < 0 ||
            json_array_append(could->grants, grant) < 0) {
                json_decref(grant);
                return -ENOMEM;
        }
        json_decref(grant);
        return 0;
}

static void grants_end(AuditCould *could, const json_t *facts) {
        const json_t *id;
        size_t i;

        json_array_foreach(json_object_get(facts, "ids"), i, id) {
                grant_end(could, (uint64_t) json_integer_value(id));
        }
}

/* The row has the number of its first use: what failed before and was given back is in it. */
static int use_take(AuditCould *could, const LedgerRow *row) {
        uint64_t count = row->count > 0 ? row->count : 1, id;
        json_t *grant;
        size_t i;

        if (row->use > 0)
                could->used = row->use + count - 1;
        if (!row->object || strncmp(row->object, "grant:", 6) != 0)
                return 0;
        id = strtoull(row->object + 6, NULL, 10);
        json_array_foreach(could->grants, i, grant) {
                json_int_t used = json_integer_value(json_object_get(grant, "used"));

                if (number_of(grant, "id") == id &&
                    json_object_set_new(grant, "used", json_integer(used + (json_int_t) count)) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int row_apply(AuditCould *could, const LedgerParsed *parsed) {
        const LedgerRow *row = &parsed->row;

        switch (parsed->code) {
        case EVENT_SEAL_MADE:
        case EVENT_SEAL_ACCEPTED:
        case EVENT_SEAL_TRANSFERRED:
        case EVENT_SEAL_RECERTIFIED:
        case EVENT_SEAL_AMENDED:
                facts_take(could, row->facts);
                return 0;
        case EVENT_SEAL_SUPERSEDED:
                number_take(&could->superseded_at, row->facts, "at");
                return 0;
        case EVENT_GRANT_ADDED:
                return grant_add(could, row);
        case EVENT_GRANT_REMOVED:
                grant_end(could, number_of(row->facts, "id"));
                return 0;
        case EVENT_GRANTS_ENDED:
                grants_end(could, row->facts);
                return 0;
        case EVENT_USE:
                return use_take(could, row);
        default:
                return 0;
        }
}

/* Rows of requests name the seal, too, with a state that is the request's. */
static void state_take(AuditCould *could, const LedgerRow *row) {
        if (row->state && strncmp(row->event, "seal-", 5) == 0 &&
            strlen(row->state) < sizeof(could->state))
                strcpy(could->state, row->state);
}

int audit_could_row(AuditCould *could, const LedgerParsed *parsed) {
        could->known |= parsed->code == EVENT_SEAL_MADE;
        could->over |= parsed->row.time >= could->end;
        /* Behind such a row an earlier one than those before it is of a clock that was wrong. */
        if (parsed->row.time >= could->end || (could->over && parsed->row.time < could->since))
                return 0;
        int r = advance(could, parsed->row.time);
        if (r == 0)
                r = row_apply(could, parsed);
        state_take(could, &parsed->row);
        return r;
}

/* "end" becomes "until": the last microsecond for what ended with the time asked about. */
static int spans_finish(const AuditCould *could, json_t *list) {
        json_t *span;
        size_t i;

        json_array_foreach(list, i, span) {
                uint64_t end = number_of(span, "end");
                if (json_object_set_new(
                            span, "until",
                            json_integer((json_int_t) (end == could->end ? end - 1 : end))) < 0)
                        return -ENOMEM;
                json_object_del(span, "end");
        }
        return 0;
}

json_t *audit_could_result(AuditCould *could) {
        if (advance(could, could->end) < 0 || spans_finish(could, could->states) < 0 ||
            spans_finish(could, could->could) < 0)
                return NULL;
        return json_pack("{sb sO sO}", "known", could->known, "states", could->states, "could",
                         could->could);
}
