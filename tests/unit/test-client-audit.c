/* SPDX-License-Identifier: Apache-2.0 */
/* The auditor's questions, on ledgers that are written here row by row. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/audit-could.h"
#include "client/audit-off.h"
#include "client/audit-rules.h"
#include "client/audit-source.h"

#include "tests/unit/unit.h"

#define NUMBER "50011200000001"
#define MADE                                                                                 \
        "{\"keepers\":[\"user:alice\"],\"purposes\":[\"document-signing\",\"endorsement\"]," \
        "\"not-before\":50,\"not-after\":1000,\"separation\":\"dual\"}"

/* A ledger that grows; every row is written and read again as the daemon's are. */
typedef struct Ledger {
        uint64_t seq;
        uint8_t previous[LEDGER_HASH_SIZE];
        int (*each)(void *userdata, const LedgerParsed *row);
        void *userdata;
        FILE *file; /* NULL: no copy */
} Ledger;

static void row_add(Ledger *ledger, LedgerRow row, const char *facts) {
        json_t *object = facts ? json_loads(facts, 0, NULL) : NULL;
        char *text = NULL;
        size_t size = 0;
        LedgerParsed parsed = {};

        assert_true(!facts || object);
        row.seq = ++ledger->seq;
        row.facts = object;
        memcpy(row.previous, ledger->previous, sizeof(row.previous));
        assert_int_equal(ledger_row_encode(&row, &text, &size, ledger->previous), 0);
        assert_int_equal(ledger_row_parse(text, size, &parsed, NULL), 0);
        if (ledger->each)
                assert_int_equal(ledger->each(ledger->userdata, &parsed), 0);
        if (ledger->file)
                fprintf(ledger->file, "%s\n", text);
        ledger_parsed_done(&parsed);
        json_decref(object);
        free(text);
}

#define ROW(ledger, when, code, state_word, facts)              \
        row_add(ledger,                                         \
                (LedgerRow){ .time = when,                      \
                             .event = event_name(EVENT_##code), \
                             .seal = NUMBER,                    \
                             .state = state_word },             \
                facts)

static int could_each(void *userdata, const LedgerParsed *row) {
        return audit_could_row(userdata, row);
}

/* An active seal of alice's from 100 on. */
static void seal_make(Ledger *ledger) {
        ROW(ledger, 60, SEAL_MADE, "made", MADE);
        ROW(ledger, 70, SEAL_FILED, "filed", NULL);
        ROW(ledger, 80, SEAL_DELIVERED, "delivered", NULL);
        ROW(ledger, 100, SEAL_ACCEPTED, "active", "{\"keepers\":[\"user:alice\"]}");
}

static json_t *result_of(AuditCould *could) {
        json_t *result = audit_could_result(could);

        assert_non_null(result);
        audit_could_free(could);
        return result;
}

/* "alice 100-200, grant:2 bob 120-150": who could, in the order of the answer. */
static char *people(const json_t *result) {
        const json_t *entry;
        char *text = NULL;
        size_t size, i;
        FILE *out = open_memstream(&text, &size);

        assert_non_null(out);
        json_array_foreach(json_object_get(result, "could"), i, entry) {
                json_int_t grant = json_integer_value(json_object_get(entry, "grant"));

                fprintf(out, "%s%s %s %lld-%lld", i > 0 ? ", " : "",
                        json_string_value(json_object_get(entry, "subject")) + strlen("user:"),
                        json_string_value(json_object_get(entry, "as")),
                        json_integer_value(json_object_get(entry, "from")),
                        json_integer_value(json_object_get(entry, "until")));
                if (grant > 0)
                        fprintf(out, " #%lld", grant);
        }
        assert_int_equal(fclose(out), 0);
        return text;
}

static void assert_could(uint64_t from, uint64_t until, void (*play)(Ledger *),
                         const char *expected) {
        AuditCould *could = audit_could_new(from, until);
        Ledger ledger = { .each = could_each, .userdata = could };

        assert_non_null(could);
        play(&ledger);
        json_t *result = result_of(could);
        char *found = people(result);
        assert_string_equal(found, expected);
        free(found);
        json_decref(result);
}

static void keeper_uses_an_active_seal_within_its_validity(void **state) {
        (void) state;
        assert_could(0, 99, seal_make, "");
        assert_could(90, 99, seal_make, "");
        assert_could(90, 100, seal_make, "alice keeper 100-100");
        assert_could(200, 300, seal_make, "alice keeper 200-300");
        assert_could(250, 250, seal_make, "alice keeper 250-250");
        assert_could(900, 2000, seal_make, "alice keeper 900-1001");
        assert_could(1001, 2000, seal_make, "");
}

static void states_play(Ledger *ledger) {
        seal_make(ledger);
        ROW(ledger, 200, SEAL_SUSPENDED, "suspended", NULL);
        ROW(ledger, 300, SEAL_RESUMED, "active", NULL);
        ROW(ledger, 400, SEAL_LOST, "lost", NULL);
        ROW(ledger, 500, SEAL_FOUND, "suspended", NULL);
        ROW(ledger, 600, SEAL_REVOKED, "revoked", NULL);
}

static void what_rests_or_is_gone_is_used_by_nobody(void **state) {
        (void) state;
        assert_could(150, 350, states_play, "alice keeper 150-200, alice keeper 300-350");
        assert_could(200, 299, states_play, "");
        assert_could(400, 900, states_play, "");
        assert_could(100, 900, states_play, "alice keeper 100-200, alice keeper 300-400");
}

static void requests_play(Ledger *ledger) {
        row_add(ledger,
                (LedgerRow){ .time = 55,
                             .event = "request-approved",
                             .seal = NUMBER,
                             .request = 3,
                             .state = "approved" },
                NULL);
        seal_make(ledger);
        row_add(ledger,
                (LedgerRow){ .time = 150,
                             .event = "request-completed",
                             .seal = NUMBER,
                             .request = 4,
                             .state = "completed" },
                NULL);
}

static void the_state_of_a_request_is_not_the_seal_s(void **state) {
        (void) state;
        assert_could(140, 300, requests_play, "alice keeper 140-300");
}

static void assert_states(uint64_t from, uint64_t until, void (*play)(Ledger *),
                          const char *expected) {
        AuditCould *could = audit_could_new(from, until);
        Ledger ledger = { .each = could_each, .userdata = could };
        json_t *wanted = json_loads(expected, 0, NULL);

        assert_non_null(could);
        assert_non_null(wanted);
        play(&ledger);
        json_t *result = result_of(could);
        assert_true(json_equal(json_object_get(result, "states"), wanted));
        assert_true(json_is_true(json_object_get(result, "known")));
        json_decref(wanted);
        json_decref(result);
}

static void states_are_told_beside(void **state) {
        (void) state;
        assert_states(150, 350, states_play,
                      "[{\"state\":\"active\",\"from\":150,\"until\":200},"
                      "{\"state\":\"suspended\",\"from\":200,\"until\":300},"
                      "{\"state\":\"active\",\"from\":300,\"until\":350}]");
}

static void set_back_play(Ledger *ledger) {
        ROW(ledger, 60, SEAL_MADE, "made", MADE);
        ROW(ledger, 200, SEAL_FILED, "filed", NULL);
        ROW(ledger, 180, SEAL_DELIVERED, "delivered", NULL); /* the clock was set back */
        ROW(ledger, 185, SEAL_ACCEPTED, "active", "{\"keepers\":[\"user:alice\"]}");
        ROW(ledger, 190, USE, NULL, NULL);
        ROW(ledger, 195, SEAL_SUSPENDED, "suspended", NULL);
        ROW(ledger, 300, SEAL_RESUMED, "active", NULL);
}

static void a_clock_set_back_lost_the_states_in_between(void **state) {
        (void) state;
        assert_states(100, 400, set_back_play,
                      "[{\"state\":\"made\",\"from\":100,\"until\":200},"
                      "{\"state\":\"filed\",\"from\":200,\"until\":201},"
                      "{\"state\":\"delivered\",\"from\":201,\"until\":202},"
                      "{\"state\":\"active\",\"from\":202,\"until\":204},"
                      "{\"state\":\"suspended\",\"from\":204,\"until\":300},"
                      "{\"state\":\"active\",\"from\":300,\"until\":400}]");
        assert_could(100, 400, set_back_play, "alice keeper 202-204, alice keeper 300-400");
}

static void far_behind_play(Ledger *ledger) {
        seal_make(ledger);
        ROW(ledger, 500, SEAL_RESUMED, "active", NULL);
        ROW(ledger, 20, SEAL_REVOKED, "revoked", NULL); /* the clock had lost its battery */
}

static void a_clock_far_behind_changed_who_could_before(void **state) {
        (void) state;
        assert_could(150, 400, far_behind_play, "alice keeper 150-400");
}

static void grant_play(Ledger *ledger) {
        seal_make(ledger);
        row_add(ledger,
                (LedgerRow){
                        .time = 120, .event = "grant-added", .seal = NUMBER, .object = "user:bob" },
                "{\"id\":2,\"purposes\":[\"endorsement\"],\"not-before\":150,\"until\":250}");
        row_add(ledger,
                (LedgerRow){ .time = 130,
                             .event = "grant-added",
                             .seal = NUMBER,
                             .object = "user:carol" },
                "{\"id\":3,\"keeper\":true}");
        row_add(ledger,
                (LedgerRow){ .time = 180,
                             .event = "grant-removed",
                             .seal = NUMBER,
                             .object = "user:carol" },
                "{\"id\":3}");
        row_add(ledger,
                (LedgerRow){
                        .time = 400, .event = "grant-added", .seal = NUMBER, .object = "user:dan" },
                "{\"id\":4,\"emergency\":true}");
        ROW(ledger, 500, SEAL_SURRENDERED, "surrendered", NULL);
        ROW(ledger, 500, GRANTS_ENDED, NULL, "{\"ids\":[4]}");
        ROW(ledger, 600, SEAL_DELIVERED, "delivered", NULL);
        ROW(ledger, 700, SEAL_ACCEPTED, "active", "{\"keepers\":[\"user:erin\"]}");
}

static void grants_count_from_when_until_when_and_until_taken_back(void **state) {
        (void) state;
        assert_could(100, 300, grant_play,
                     "alice keeper 100-300, bob grant 150-251 #2, carol deputy 130-180 #3");
        assert_could(250, 260, grant_play, "alice keeper 250-260, bob grant 250-251 #2");
        assert_could(251, 260, grant_play, "alice keeper 251-260");
        assert_could(450, 800, grant_play,
                     "alice keeper 450-500, dan emergency 450-500 #4, erin keeper 700-800");
}

static void limits_play(Ledger *ledger) {
        seal_make(ledger);
        ROW(ledger, 110, SEAL_AMENDED, "active", "{\"use-limit\":5}");
        row_add(ledger,
                (LedgerRow){
                        .time = 120, .event = "grant-added", .seal = NUMBER, .object = "user:bob" },
                "{\"id\":2,\"count\":3}");
        row_add(ledger,
                (LedgerRow){ .time = 200,
                             .event = "use",
                             .seal = NUMBER,
                             .object = "grant:2",
                             .use = 1,
                             .count = 2 },
                NULL);
        row_add(ledger,
                (LedgerRow){ .time = 210,
                             .event = "use",
                             .seal = NUMBER,
                             .object = "grant:2",
                             .use = 3 },
                NULL);
        row_add(ledger,
                (LedgerRow){ .time = 300, .event = "use", .seal = NUMBER, .use = 4, .count = 2 },
                NULL);
}

static void a_limit_that_is_reached_ends_the_use(void **state) {
        (void) state;
        assert_could(150, 500, limits_play, "alice keeper 150-300, bob grant 150-210 #2");
        assert_could(300, 500, limits_play, "");
}

static void superseded_play(Ledger *ledger) {
        seal_make(ledger);
        ROW(ledger, 200, SEAL_RECERTIFIED, "active", "{\"not-after\":3000}");
        ROW(ledger, 300, SEAL_SUPERSEDED, NULL, "{\"by\":\"50011200000002\",\"at\":1500}");
}

static void a_seal_that_was_replaced_ends_when_the_overlap_does(void **state) {
        (void) state;
        assert_could(900, 2000, superseded_play, "alice keeper 900-1500");
}

static void another_ledger_knows_nothing_of_the_seal(void **state) {
        AuditCould *could = audit_could_new(100, 200);
        Ledger ledger = { .each = could_each, .userdata = could };

        (void) state;
        ROW(&ledger, 100, SEAL_ACCEPTED, "active", NULL);
        json_t *result = result_of(could);
        assert_true(json_is_false(json_object_get(result, "known")));
        json_decref(result);
}

static void a_seal_that_was_made_later_is_known_and_used_by_nobody(void **state) {
        AuditCould *could = audit_could_new(10, 20);
        Ledger ledger = { .each = could_each, .userdata = could };

        (void) state;
        seal_make(&ledger);
        json_t *result = result_of(could);
        assert_true(json_is_true(json_object_get(result, "known")));
        assert_int_equal(json_array_size(json_object_get(result, "could")), 0);
        assert_int_equal(json_array_size(json_object_get(result, "states")), 0);
        json_decref(result);
}

static int off_each(void *userdata, const LedgerParsed *row) {
        return audit_off_row(userdata, row);
}

static void off_play(Ledger *ledger) {
        row_add(ledger, (LedgerRow){ .time = 10, .event = "initialized" }, NULL);
        row_add(ledger, (LedgerRow){ .time = 100, .event = "stopped" }, NULL);
        row_add(ledger, (LedgerRow){ .time = 150, .event = "started" }, NULL);
        ROW(ledger, 200, USE, NULL, NULL);
        row_add(ledger, (LedgerRow){ .time = 300, .event = "started" }, NULL);
        row_add(ledger, (LedgerRow){ .time = 400, .event = "stopped" }, NULL);
}

static void assert_off_of(void (*play)(Ledger *ledger), uint64_t since, uint64_t until,
                          const char *expected) {
        AuditOff off;
        Ledger ledger = { .each = off_each, .userdata = &off };

        assert_int_equal(audit_off_init(&off, since, until), 0);
        play(&ledger);
        assert_int_equal(audit_off_finish(&off), 0);
        char *found = json_dumps(off.spans, JSON_COMPACT | JSON_SORT_KEYS);
        assert_string_equal(found, expected);
        free(found);
        audit_off_done(&off);
}

static void assert_off(uint64_t since, uint64_t until, const char *expected) {
        assert_off_of(off_play, since, until, expected);
}

static void off_set_back_play(Ledger *ledger) {
        row_add(ledger, (LedgerRow){ .time = 200, .event = "stopped" }, NULL);
        row_add(ledger, (LedgerRow){ .time = 100, .event = "started" }, NULL);
}

static void a_stop_in_which_the_clock_was_set_back_was_not_told(void **state) {
        const char *told = "[{\"from\":200,\"how\":\"stopped\",\"until\":100}]";

        (void) state;
        assert_off_of(off_set_back_play, 150, 0, told);
        assert_off_of(off_set_back_play, 0, 150, told);
        assert_off_of(off_set_back_play, 201, 0, "[]");
        assert_off_of(off_set_back_play, 0, 99, "[]");
}

static void the_daemon_was_off_between_stop_and_start_or_since_its_last_row(void **state) {
        (void) state;
        assert_off(0, 0,
                   "[{\"from\":100,\"how\":\"stopped\",\"until\":150},"
                   "{\"from\":200,\"how\":\"broke-off\",\"until\":300},"
                   "{\"from\":400,\"how\":\"stopped\",\"until\":0}]");
        assert_off(160, 250, "[{\"from\":200,\"how\":\"broke-off\",\"until\":300}]");
        assert_off(500, 600, "[{\"from\":400,\"how\":\"stopped\",\"until\":0}]");
        assert_off(0, 50, "[]");
}

static int rules_each(void *userdata, const LedgerParsed *row) {
        return audit_rules_row(userdata, row);
}

#define RULES(version, mode)                                                                     \
        "{\"version\":\"" version "\",\"config\":\"aa\",\"rules\":\"bb\",\"separation\":\"" mode \
        "\",\"roles\":{\"auditors\":[\"group:x\"]},\"state\":\"ready\"}"

static void rules_play(Ledger *ledger) {
        row_add(ledger, (LedgerRow){ .time = 10, .event = "initialized" }, RULES("1", "dual"));
        row_add(ledger, (LedgerRow){ .time = 20, .event = "started" }, RULES("1", "dual"));
        row_add(ledger,
                (LedgerRow){ .time = 30, .event = "reviewer-registered", .object = "user:bob" },
                "{\"key\":\"cc\"}");
        row_add(ledger, (LedgerRow){ .time = 100, .event = "separation-changed" },
                "{\"from\":\"dual\",\"to\":\"strict\"}");
        row_add(ledger, (LedgerRow){ .time = 200, .event = "started" }, RULES("2", "strict"));
}

static void assert_rules_of(void (*play)(Ledger *ledger), uint64_t from, uint64_t until,
                            const char *expected, size_t n_reviewers) {
        AuditRules rules;
        Ledger ledger = { .each = rules_each, .userdata = &rules };
        char *text = NULL;
        const json_t *span;
        size_t size, i;

        assert_int_equal(audit_rules_init(&rules, from, until), 0);
        play(&ledger);
        assert_int_equal(audit_rules_finish(&rules), 0);
        FILE *out = open_memstream(&text, &size);
        json_array_foreach(rules.spans, i, span) {
                fprintf(out, "%s %s %lld-%lld;",
                        json_string_value(json_object_get(span, "version")),
                        json_string_value(json_object_get(span, "separation")),
                        json_integer_value(json_object_get(span, "from")),
                        json_integer_value(json_object_get(span, "until")));
                assert_non_null(json_object_get(json_object_get(span, "roles"), "auditors"));
                assert_null(json_object_get(span, "state"));
        }
        assert_int_equal(fclose(out), 0);
        assert_string_equal(text, expected);
        assert_int_equal(json_object_size(rules.reviewers), n_reviewers);
        free(text);
        audit_rules_done(&rules);
}

static void assert_rules(uint64_t from, uint64_t until, const char *expected, size_t n_reviewers) {
        assert_rules_of(rules_play, from, until, expected, n_reviewers);
}

static void rules_set_back_play(Ledger *ledger) {
        row_add(ledger, (LedgerRow){ .time = 100, .event = "started" }, RULES("1", "dual"));
        row_add(ledger, (LedgerRow){ .time = 90, .event = "started" }, RULES("2", "dual"));
}

static void rules_after_the_clock_was_set_back_ended_before_they_began(void **state) {
        (void) state;
        assert_rules_of(rules_set_back_play, 0, 95, "", 0);
        assert_rules_of(rules_set_back_play, 0, 200, "1 dual 100-100;2 dual 100-200;", 0);
}

static void rules_ahead_play(Ledger *ledger) {
        row_add(ledger, (LedgerRow){ .time = 50, .event = "started" }, RULES("1", "dual"));
        row_add(ledger, (LedgerRow){ .time = 9000, .event = "started" }, RULES("2", "dual"));
        row_add(ledger, (LedgerRow){ .time = 100, .event = "tampering-acknowledged" }, NULL);
        row_add(ledger, (LedgerRow){ .time = 150, .event = "started" }, RULES("3", "dual"));
}

static void rules_of_a_clock_ahead_were_not_in_force_when_it_was_right_again(void **state) {
        (void) state;
        assert_rules_of(rules_ahead_play, 60, 120, "1 dual 50-100;2 dual 100-120;", 0);
        assert_rules_of(rules_ahead_play, 60, 200, "1 dual 50-100;2 dual 100-150;3 dual 150-200;",
                        0);
}

static void rules_hold_until_they_change(void **state) {
        (void) state;
        assert_rules(0, 9, "", 0);
        assert_rules(15, 25, "1 dual 10-25;", 0); /* a start that changes nothing */
        assert_rules(50, 99, "1 dual 10-99;", 1);
        assert_rules(90, 150, "1 dual 10-100;1 strict 100-150;", 1);
        assert_rules(0, 300, "1 dual 10-100;1 strict 100-200;2 strict 200-300;", 1);
}

/* --- files --- */

static int count_each(void *userdata, const LedgerParsed *row) {
        (void) row;
        ++*(unsigned *) userdata;
        return 0;
}

static unsigned count_in(const char *path, const AuditQuery *query, int expected) {
        Context context = { .json = true }; /* no notes */
        AuditQuery whole = *query;
        unsigned count = 0;

        whole.file = path;
        assert_int_equal(audit_read(&context, &whole, count_each, &count), expected);
        return count;
}

static void a_file_is_read_as_the_daemon_is_and_checked_for_gaps(void **state) {
        char path[] = "/tmp/sealctl-audit-XXXXXX";
        int fd = mkstemp(path);
        Ledger ledger = { .file = fdopen(fd, "w") };
        static const EventCode events[] = { EVENT_SEAL_LOST, EVENT_SEAL_MADE };

        (void) state;
        assert_non_null(ledger.file);
        states_play(&ledger);
        fflush(ledger.file);
        assert_int_equal(count_in(path, &(AuditQuery){}, 0), 9);
        assert_int_equal(
                count_in(path, &(AuditQuery){ .seal = NUMBER, .since = 100, .until = 300 }, 0), 3);
        assert_int_equal(count_in(path, &(AuditQuery){ .seal = "1" }, 0), 0);
        assert_int_equal(count_in(path, &(AuditQuery){ .subject = "user:bob" }, 0), 0);
        assert_int_equal(count_in(path, &(AuditQuery){ .events = events, .n_events = 2 }, 0), 2);
        ledger.seq++; /* a row that is missing */
        ROW(&ledger, 700, SEAL_DESTROYED, "destroyed", NULL);
        fflush(ledger.file);
        assert_int_equal(count_in(path, &(AuditQuery){}, EXIT_VERIFICATION), 10);
        fputs("no row\n", ledger.file);
        fflush(ledger.file);
        assert_int_equal(count_in(path, &(AuditQuery){}, EXIT_VERIFICATION), 10);
        fclose(ledger.file);
        unlink(path);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(keeper_uses_an_active_seal_within_its_validity),
                cmocka_unit_test(what_rests_or_is_gone_is_used_by_nobody),
                cmocka_unit_test(the_state_of_a_request_is_not_the_seal_s),
                cmocka_unit_test(states_are_told_beside),
                cmocka_unit_test(a_clock_set_back_lost_the_states_in_between),
                cmocka_unit_test(grants_count_from_when_until_when_and_until_taken_back),
                cmocka_unit_test(a_limit_that_is_reached_ends_the_use),
                cmocka_unit_test(a_seal_that_was_replaced_ends_when_the_overlap_does),
                cmocka_unit_test(a_seal_that_was_made_later_is_known_and_used_by_nobody),
                cmocka_unit_test(another_ledger_knows_nothing_of_the_seal),
                cmocka_unit_test(the_daemon_was_off_between_stop_and_start_or_since_its_last_row),
                cmocka_unit_test(rules_hold_until_they_change),
                cmocka_unit_test(rules_after_the_clock_was_set_back_ended_before_they_began),
                cmocka_unit_test(rules_of_a_clock_ahead_were_not_in_force_when_it_was_right_again),
                cmocka_unit_test(a_stop_in_which_the_clock_was_set_back_was_not_told),
                cmocka_unit_test(a_clock_far_behind_changed_who_could_before),
                cmocka_unit_test(a_file_is_read_as_the_daemon_is_and_checked_for_gaps),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
