/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/live-turns.h"

#include "base/clock.h"
#include "tests/unit/unit.h"

#define SECOND USEC_PER_SEC
#define NOW (1000000 * SECOND)
#define LONGEST ((LIVE_USE_SECONDS + LIVE_TURN_SECONDS) * SECOND)

static void the_first_who_was_turned_away_is_the_next(void **state) {
        LiveTurns turns = {};

        (void) state;
        assert_int_equal(live_turns_before(&turns, 1, NOW), 0);
        for (uint32_t uid = 1; uid <= 3; uid++)
                live_turn_give(&turns, uid, NOW + uid * SECOND);
        live_turn_give(&turns, 1, NOW + 9 * SECOND); /* he asks again and stays where he is */
        assert_int_equal(live_turns_before(&turns, 1, NOW), 0);
        assert_int_equal(live_turns_before(&turns, 3, NOW), 2);
        assert_int_equal(live_turns_before(&turns, 4, NOW), 3);
        live_turn_end(&turns, 2);
        live_turn_end(&turns, 2);
        assert_int_equal(live_turns_before(&turns, 3, NOW), 1);
        assert_int_equal(live_turns_before(&turns, 2, NOW), 2);
}

static void who_does_not_come_in_time_leaves_the_line(void **state) {
        LiveTurns turns = {};

        (void) state;
        live_turn_give(&turns, 1, NOW + 2 * SECOND);
        live_turn_give(&turns, 2, NOW + SECOND);
        live_turn_give(&turns, 3, NOW + LONGEST);
        assert_int_equal(live_turns_before(&turns, 3, NOW + SECOND - 1), 2);
        assert_int_equal(live_turns_before(&turns, 3, NOW + SECOND), 1);
        assert_int_equal(live_turns_before(&turns, 2, NOW + SECOND), 2);
        assert_int_equal(live_turns_before(&turns, 3, NOW + 2 * SECOND), 0);
        live_turn_give(&turns, 3, NOW + LONGEST + SECOND); /* who asks again keeps it for longer */
        assert_int_equal(live_turns_before(&turns, 4, NOW + LONGEST), 1);
        assert_int_equal(live_turns_before(&turns, 4, NOW + LONGEST + SECOND), 0);
}

static void clock_that_was_set_back_empties_the_line(void **state) {
        LiveTurns turns = {};

        (void) state;
        live_turn_give(&turns, 1, NOW + LONGEST);
        assert_int_equal(live_turns_before(&turns, 2, NOW), 1);
        assert_int_equal(live_turns_before(&turns, 2, NOW - 1), 0);
}

static void line_that_is_full_takes_nobody(void **state) {
        LiveTurns turns = {};

        (void) state;
        for (uint32_t uid = 0; uid <= LIVE_TURNS_MAX; uid++)
                live_turn_give(&turns, uid, NOW + SECOND);
        assert_int_equal(live_turns_before(&turns, LIVE_TURNS_MAX, NOW), LIVE_TURNS_MAX);
        assert_int_equal(live_turns_before(&turns, LIVE_TURNS_MAX - 1, NOW), LIVE_TURNS_MAX - 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_first_who_was_turned_away_is_the_next),
                cmocka_unit_test(who_does_not_come_in_time_leaves_the_line),
                cmocka_unit_test(clock_that_was_set_back_empties_the_line),
                cmocka_unit_test(line_that_is_full_takes_nobody),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
