/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets that wait for the call that names them, in a real event loop. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sealsd/bus-ticket.h"

#define SHORT (20 * USEC_PER_SEC / 1000)
#define ALICE ":1.7"
#define BOB ":1.8"

typedef struct Fixture {
        sd_event *event;
        Tickets *tickets;
} Fixture;

static void fixture_begin(Fixture *f, uint64_t lifetime) {
        f->tickets = tickets_free(f->tickets);
        assert_int_equal(tickets_new(&f->tickets, f->event, lifetime), 0);
}

static int fixture_setup(void **state) {
        Fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        assert_true(sd_event_new(&f->event) >= 0);
        fixture_begin(f, TICKET_LIFETIME);
        *state = f;
        return 0;
}

static int fixture_teardown(void **state) {
        Fixture *f = *state;

        (void) tickets_free(f->tickets);
        (void) sd_event_unref(f->event);
        free(f);
        return 0;
}

static int put(Fixture *f, const char *owner, uint32_t uid, const char *text, char *ret_path) {
        _cleanup_(secret_wipe) Secret secret = {};
        ErrorDetail detail = {};

        assert_int_equal(secret_set(&secret, text, strlen(text)), 0);
        return tickets_put(f->tickets, owner, uid, &secret, ret_path, &detail);
}

static void assert_none(Fixture *f, const char *owner, const char *path) {
        Secret secret = {};

        assert_int_equal(tickets_take(f->tickets, owner, path, &secret), SEAL_E_NOT_FOUND);
        assert_false(secret.set);
        assert_int_equal(secret.size, 0);
}

static void assert_takes(Fixture *f, const char *owner, const char *path, const char *text) {
        _cleanup_(secret_wipe) Secret secret = {};

        assert_int_equal(tickets_take(f->tickets, owner, path, &secret), 0);
        assert_true(secret.set);
        assert_int_equal(secret.size, strlen(text));
        assert_memory_equal(secret.data, text, strlen(text));
}

static void test_ticket_serves_once(void **state) {
        Fixture *f = *state;
        char path[OBJECT_PATH_MAX];

        assert_int_equal(put(f, ALICE, 1000, "open sesame", path), 0);
        assert_takes(f, ALICE, path, "open sesame");
        assert_none(f, ALICE, path);
}

static void test_ticket_of_another_is_none_and_stays_his(void **state) {
        Fixture *f = *state;
        char path[OBJECT_PATH_MAX];

        assert_int_equal(put(f, ALICE, 1000, "open sesame", path), 0);
        assert_none(f, BOB, path);
        assert_none(f, "", path);
        assert_none(f, ":1.70", path);
        assert_takes(f, ALICE, path, "open sesame");
}

static void test_tickets_are_told_apart(void **state) {
        Fixture *f = *state;
        char one[OBJECT_PATH_MAX], other[OBJECT_PATH_MAX], cut[OBJECT_PATH_MAX];

        assert_int_equal(put(f, ALICE, 1000, "", one), 0);
        assert_int_equal(put(f, ALICE, 1000, "other", other), 0);
        assert_string_not_equal(one, other);
        assert_int_equal(strncmp(one, TICKET_ROOT "/", strlen(TICKET_ROOT) + 1), 0);
        assert_int_equal(strlen(one), strlen(TICKET_ROOT) + 1 + 32);
        strcpy(cut, one);
        cut[strlen(cut) - 1] = '\0';
        assert_none(f, ALICE, cut);
        assert_none(f, ALICE, TICKET_ROOT);
        assert_none(f, ALICE, "/");
        assert_takes(f, ALICE, other, "other");
        assert_takes(f, ALICE, one, "");
}

static void test_tickets_go_with_their_connection(void **state) {
        Fixture *f = *state;
        char first[OBJECT_PATH_MAX], second[OBJECT_PATH_MAX], other[OBJECT_PATH_MAX];

        assert_int_equal(put(f, ALICE, 1000, "one", first), 0);
        assert_int_equal(put(f, BOB, 1000, "his", other), 0);
        assert_int_equal(put(f, ALICE, 1000, "two", second), 0);
        tickets_forget(f->tickets, ALICE);
        tickets_forget(f->tickets, ALICE);
        assert_none(f, ALICE, first);
        assert_none(f, ALICE, second);
        assert_takes(f, BOB, other, "his");
}

static void test_ticket_is_gone_when_its_time_is_over(void **state) {
        Fixture *f = *state;
        char path[OBJECT_PATH_MAX], used[OBJECT_PATH_MAX];

        fixture_begin(f, SHORT);
        assert_int_equal(put(f, ALICE, 1000, "open sesame", path), 0);
        assert_int_equal(put(f, ALICE, 1000, "used", used), 0);
        assert_takes(f, ALICE, used, "used"); /* its timer goes with it */
        assert_true(sd_event_run(f->event, UINT64_MAX) > 0);
        assert_none(f, ALICE, path);
        assert_int_equal(sd_event_run(f->event, 2 * SHORT), 0);
}

static void test_one_user_has_a_few_whatever_his_connections(void **state) {
        Fixture *f = *state;
        char paths[UID_TICKETS_MAX][OBJECT_PATH_MAX], path[OBJECT_PATH_MAX];

        for (size_t i = 0; i < UID_TICKETS_MAX; i++)
                assert_int_equal(put(f, i % 2 ? ALICE : BOB, 1000, "x", paths[i]), 0);
        assert_int_equal(put(f, ":1.9", 1000, "x", path), SEAL_E_QUOTA_EXCEEDED);
        assert_int_equal(put(f, ":1.9", 1001, "x", path), 0);
        assert_takes(f, BOB, paths[0], "x");
        assert_int_equal(put(f, ":1.9", 1000, "x", path), 0);
}

static void test_all_have_a_bounded_number(void **state) {
        Fixture *f = *state;
        char path[OBJECT_PATH_MAX];

        for (uint32_t i = 0; i < TICKETS_MAX; i++)
                assert_int_equal(put(f, ALICE, 1000 + i, "x", path), 0);
        assert_int_equal(put(f, BOB, 9, "x", path), SEAL_E_BUSY);
        assert_takes(f, ALICE, path, "x");
        assert_int_equal(put(f, BOB, 9, "x", path), 0);
}

static void test_who_has_most_makes_room_for_who_has_few(void **state) {
        Fixture *f = *state;
        char first[OBJECT_PATH_MAX], second[OBJECT_PATH_MAX], path[OBJECT_PATH_MAX];

        assert_int_equal(put(f, ALICE, 1000, "oldest", first), 0);
        assert_int_equal(put(f, ALICE, 1000, "next", second), 0);
        for (uint32_t i = 2; i < TICKETS_MAX; i++)
                assert_int_equal(put(f, ALICE, 1000 + i / UID_TICKETS_MAX, "x", path), 0);
        assert_int_equal(put(f, BOB, 9, "old PIN", path), 0);
        assert_none(f, ALICE, first);
        assert_takes(f, ALICE, second, "next");
        assert_int_equal(put(f, BOB, 9, "new PIN", second), 0);
        assert_int_equal(put(f, BOB, 9, "one more", first), 0); /* they have four still */
        assert_int_equal(put(f, BOB, 9, "too many", first), SEAL_E_BUSY);
        assert_takes(f, BOB, path, "old PIN");
        assert_takes(f, BOB, second, "new PIN");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_ticket_serves_once),
                TEST(test_ticket_of_another_is_none_and_stays_his),
                TEST(test_tickets_are_told_apart),
                TEST(test_tickets_go_with_their_connection),
                TEST(test_ticket_is_gone_when_its_time_is_over),
                TEST(test_one_user_has_a_few_whatever_his_connections),
                TEST(test_all_have_a_bounded_number),
                TEST(test_who_has_most_makes_room_for_who_has_few),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
