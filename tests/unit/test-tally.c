/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/tally.h"

#include <stdio.h>

#include "base/error.h"
#include "tests/unit/unit.h"

/* What was handed out. */
typedef struct Taken {
        size_t count;
        int fail_at; /* the how many-th is refused, 0: none */
        TallyEntry entries[TALLY_MAX];
} Taken;

static int take(void *userdata, const TallyEntry *entry) {
        Taken *taken = userdata;

        if (taken->fail_at > 0 && (int) taken->count + 1 == taken->fail_at)
                return SEAL_E_STORAGE_FAILURE;
        assert_true(taken->count < TALLY_MAX);
        taken->entries[taken->count++] = *entry;
        return 0;
}

static int make(void **state) {
        Tally *tally;

        if (tally_new(&tally) != 0)
                return -1;
        *state = tally;
        return 0;
}

static int drop(void **state) {
        (void) tally_free(*state);
        return 0;
}

static void refuse(Tally *tally, uint32_t uid, const char *seal, const char *what, uint64_t now) {
        const Caller caller = { .uid = uid };

        tally_add(tally, EVENT_USE_REFUSED, &caller, seal, what, now);
}

static Taken *flush(Tally *tally) {
        Taken *taken = calloc(1, sizeof(*taken));

        assert_non_null(taken);
        assert_int_equal(tally_each(tally, take, taken), 0);
        tally_clear(tally);
        assert_true(tally_is_empty(tally));
        return taken;
}

static void repeats_of_one_caller_seal_and_reason_are_one_entry_with_a_count(void **state) {
        assert_true(tally_is_empty(*state));
        for (uint64_t i = 0; i < 1000; i++)
                refuse(*state, 7, "A1", "Revoked", 100 + i);
        refuse(*state, 7, "A2", "Revoked", 2000);
        refuse(*state, 7, "A1", "Expired", 2001);
        refuse(*state, 8, "A1", "Revoked", 2002);
        assert_false(tally_is_empty(*state));

        _cleanup_free_ Taken *taken = flush(*state);
        assert_int_equal(taken->count, 4);
        assert_int_equal(taken->entries[0].count, 1000);
        assert_int_equal(taken->entries[0].first, 100);
        assert_int_equal(taken->entries[0].last, 1099);
        assert_string_equal(taken->entries[0].seal, "A1");
        assert_string_equal(taken->entries[0].what, "Revoked");
        assert_string_equal(taken->entries[1].seal, "A2");
        assert_string_equal(taken->entries[2].what, "Expired");
        assert_int_equal(taken->entries[3].caller.uid, 8);
}

static void other_events_of_the_same_caller_are_apart(void **state) {
        const Caller caller = { .uid = 7 };

        refuse(*state, 7, "", "ListSeals", 1);
        tally_add(*state, EVENT_DISCLOSED, &caller, "", "ListSeals", 2);
        _cleanup_free_ Taken *taken = flush(*state);
        assert_int_equal(taken->count, 2);
        assert_int_equal(taken->entries[0].event, EVENT_USE_REFUSED);
        assert_int_equal(taken->entries[1].event, EVENT_DISCLOSED);
}

static void one_callers_many_seals_end_as_his_rest_and_hide_nobody_elses(void **state) {
        char seal[NUMBER_MAX + 1];

        for (int i = 0; i < 100000; i++) {
                (void) snprintf(seal, sizeof(seal), "S%d", i);
                refuse(*state, 7, seal, "Revoked", (uint64_t) i + 1);
        }
        refuse(*state, 8, "A1", "Revoked", 200000);
        _cleanup_free_ Taken *taken = flush(*state);
        assert_int_equal(taken->count, TALLY_UID_MAX + 2);
        const TallyEntry *rest = &taken->entries[TALLY_UID_MAX];
        assert_string_equal(rest->seal, "");
        assert_string_equal(rest->what, "");
        assert_false(rest->anybody);
        assert_int_equal(rest->caller.uid, 7);
        assert_int_equal(rest->count, 100000 - TALLY_UID_MAX);
        assert_int_equal(taken->entries[TALLY_UID_MAX + 1].caller.uid, 8);
        assert_string_equal(taken->entries[TALLY_UID_MAX + 1].seal, "A1");
}

static void many_callers_fill_it_and_none_is_forgotten_in_the_count(void **state) {
        uint64_t sum = 0;

        for (uint32_t uid = 0; uid < 10 * TALLY_MAX; uid++)
                for (int i = 0; i < 3; i++)
                        refuse(*state, uid, "A1", i == 0 ? "Revoked" : "Expired", 1);
        _cleanup_free_ Taken *taken = flush(*state);
        assert_true(taken->count <= TALLY_MAX);
        for (size_t i = 0; i < taken->count; i++)
                sum += taken->entries[i].count;
        assert_int_equal(sum, 30 * TALLY_MAX);
        assert_true(taken->entries[taken->count - 1].anybody);
}

static void every_event_has_an_entry_for_anybody_however_full_it_is(void **state) {
        static const EventCode events[TALLY_EVENTS_MAX] = { EVENT_USE_REFUSED, EVENT_DISCLOSED,
                                                            EVENT_USE, EVENT_USE_FAILED };

        for (uint32_t uid = 0; uid < 10 * TALLY_MAX; uid++)
                refuse(*state, uid, "A1", "Revoked", 1);
        for (int i = 0; i < TALLY_EVENTS_MAX; i++) {
                const Caller caller = { .uid = 9999 };

                tally_add(*state, events[i], &caller, "", "Member", 1);
        }
        _cleanup_free_ Taken *taken = flush(*state);
        assert_int_equal(taken->count, TALLY_MAX);
        for (int i = 1; i < TALLY_EVENTS_MAX; i++)
                assert_int_equal(taken->entries[TALLY_MAX - TALLY_EVENTS_MAX + i].event, events[i]);
}

static void what_could_not_be_written_is_kept(void **state) {
        Taken refusing = { .fail_at = 2 };

        refuse(*state, 7, "A1", "Revoked", 1);
        refuse(*state, 7, "A2", "Revoked", 2);
        assert_int_equal(tally_each(*state, take, &refusing), SEAL_E_STORAGE_FAILURE);
        refuse(*state, 7, "A2", "Revoked", 3);
        _cleanup_free_ Taken *taken = flush(*state);
        assert_int_equal(taken->count, 2);
        assert_int_equal(taken->entries[1].count, 2);
        free(flush(*state)); /* nothing */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(
                        repeats_of_one_caller_seal_and_reason_are_one_entry_with_a_count, make,
                        drop),
                cmocka_unit_test_setup_teardown(other_events_of_the_same_caller_are_apart, make,
                                                drop),
                cmocka_unit_test_setup_teardown(
                        one_callers_many_seals_end_as_his_rest_and_hide_nobody_elses, make, drop),
                cmocka_unit_test_setup_teardown(
                        many_callers_fill_it_and_none_is_forgotten_in_the_count, make, drop),
                cmocka_unit_test_setup_teardown(
                        every_event_has_an_entry_for_anybody_however_full_it_is, make, drop),
                cmocka_unit_test_setup_teardown(what_could_not_be_written_is_kept, make, drop),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
