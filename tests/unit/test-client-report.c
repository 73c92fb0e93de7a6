/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers of a report, and who is told to act. */
#include "client/report.c" /* the client is a program and no archive */

#include "tests/unit/unit.h"

static json_t *seals_add(json_t *list, const char *state, const char *type, json_int_t end) {
        assert_int_equal(
                json_array_append_new(list, json_pack("{ss ss ss sI}", "number", "1", "state",
                                                      state, "type", type, "not-after", end)),
                0);
        return list;
}

static json_t *requests_add(json_t *list, const char *state) {
        assert_int_equal(json_array_append_new(list, json_pack("{ss}", "state", state)), 0);
        return list;
}

static json_t *use_add(json_t *list, const char *state) {
        assert_int_equal(
                json_array_append_new(list, json_pack("{ss ss}", "kind", "use", "state", state)),
                0);
        return list;
}

static json_int_t count_of(const json_t *report, const char *group, const char *key) {
        return json_integer_value(json_object_get(json_object_get(report, group), key));
}

static void seals_are_counted_by_state_and_type(void **state) {
        json_t *list = seals_add(seals_add(seals_add(json_array(), "active", "contract", 9000),
                                           "active", "finance", 9000),
                                 "lost", "contract", 9000);
        json_t *report = report_seals(list, 100, 200);

        (void) state;
        assert_int_equal(json_integer_value(json_object_get(report, "total")), 3);
        assert_int_equal(count_of(report, "by-state", "active"), 2);
        assert_int_equal(count_of(report, "by-state", "lost"), 1);
        assert_int_equal(count_of(report, "by-type", "contract"), 2);
        assert_int_equal(json_array_size(json_object_get(report, "expiring")), 0);
        json_decref(report);
        json_decref(list);
}

static void what_ends_soon_is_listed_and_what_has_ended_is_counted(void **state) {
        json_t *list = json_array();

        (void) state;
        seals_add(list, "active", "other", 99);  /* ended */
        seals_add(list, "active", "other", 100); /* in its last instant */
        seals_add(list, "suspended", "other", 200);
        seals_add(list, "active", "other", 201);
        seals_add(list, "revoked", "other", 99); /* of no concern any more */
        seals_add(list, "destroyed", "other", 150);
        json_t *report = report_seals(list, 100, 200);
        assert_int_equal(json_integer_value(json_object_get(report, "expired")), 1);
        assert_int_equal(json_array_size(json_object_get(report, "expiring")), 2);
        json_decref(report);
        json_decref(list);
}

/* "reviewers 2, makers 1": who, and of how many. */
static void assert_actions(const json_t *seals, const json_t *requests, const char *separation,
                           const char *expected) {
        json_t *actions = report_actions(seals, requests, separation);
        const json_t *action;
        char text[512] = "";
        size_t i;

        assert_non_null(actions);
        json_array_foreach(actions, i, action) {
                size_t used = strlen(text);
                (void) snprintf(text + used, sizeof(text) - used, "%s%s %lld", i > 0 ? ", " : "",
                                json_text(action, "who"),
                                json_integer_value(json_object_get(action, "count")));
                assert_true(json_text(action, "command")[0] != '\0');
        }
        assert_string_equal(text, expected);
        json_decref(actions);
}

static void who_has_to_act_is_told(void **state) {
        json_t *list = seals_add(
                seals_add(seals_add(json_array(), "filed", "other", 900), "revoked", "other", 900),
                "active", "other", 50);
        json_t *requests = requests_add(
                requests_add(requests_add(json_array(), "applied"), "applied"), "failed");
        json_t *seals = report_seals(list, 100, 200), *none = json_array();

        (void) state;
        assert_actions(seals, requests, "dual",
                       "reviewers 2, reviewers 1, administrators 1, administrators 1, keepers 1");
        assert_actions(seals, requests, "strict",
                       "reviewers 2, makers 1, administrators 1, administrators 1, keepers 1");
        json_decref(seals);
        seals = report_seals(none, 100, 200);
        assert_actions(seals, none, "dual", "");
        json_decref(seals);
        json_decref(none);
        json_decref(list);
        json_decref(requests);
}

static void uses_wait_for_approvers_and_for_who_asked_and_not_for_reviewers(void **state) {
        json_t *requests = use_add(use_add(use_add(json_array(), "applied"), "approved"),
                                   "applied");
        json_t *none = json_array(), *seals = report_seals(none, 100, 200);

        (void) state;
        assert_actions(seals, requests, "dual", "approvers 2, keepers 1");
        json_decref(seals);
        json_decref(none);
        json_decref(requests);
}

static void requests_that_are_history_are_left_out(void **state) {
        static const char *const states[] = { "applied",  "approved",  "making",  "failed",
                                              "rejected", "cancelled", "expired", "completed" };
        json_t *list = json_array();

        (void) state;
        for (size_t i = 0; i < 8; i++)
                requests_add(list, states[i]);
        json_t *open = report_requests(list);
        assert_int_equal(json_array_size(open), 4);
        json_decref(open);
        json_decref(list);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(seals_are_counted_by_state_and_type),
                cmocka_unit_test(what_ends_soon_is_listed_and_what_has_ended_is_counted),
                cmocka_unit_test(who_has_to_act_is_told),
                cmocka_unit_test(uses_wait_for_approvers_and_for_who_asked_and_not_for_reviewers),
                cmocka_unit_test(requests_that_are_history_are_left_out),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
