/* SPDX-License-Identifier: Apache-2.0 */
#include "format/ledger-breaks.h"

#include <stdlib.h>

#include "tests/fixture/ledger.h"
#include "tests/unit/unit.h"

static const uint8_t one[LEDGER_HASH_SIZE] = { 1 }, other[LEDGER_HASH_SIZE] = { 2 };

static int setup(void **state) {
        *state = calloc(1, sizeof(LedgerBreaks));
        return *state ? 0 : -1;
}

static int teardown(void **state) {
        free(*state);
        return 0;
}

static void acknowledge(LedgerBreaks *breaks, uint64_t seq, const uint8_t *hash) {
        _cleanup_json_ json_t *facts = ledger_break_facts(seq, hash);

        assert_true(ledger_breaks_named(facts, seq, hash));
        assert_false(ledger_breaks_named(facts, seq + 1, hash));
        ledger_breaks_acknowledge(breaks, facts);
}

static void one_place_is_one_break(void **state) {
        LedgerBreaks *breaks = *state;

        ledger_breaks_add(breaks, 3, one, "first");
        ledger_breaks_add(breaks, 3, one, "again");
        ledger_breaks_add(breaks, 3, other, "another");
        ledger_breaks_add(breaks, 4, one, "another");
        assert_int_equal(breaks->count, 3);
        assert_string_equal(breaks->items[0].detail.text, "first");
}

static void only_what_is_named_is_acknowledged(void **state) {
        LedgerBreaks *breaks = *state;

        ledger_breaks_add(breaks, 3, one, "first");
        ledger_breaks_add(breaks, 4, other, "second");
        acknowledge(breaks, 3, other);
        acknowledge(breaks, 4, one);
        assert_int_equal(breaks->count, 2);
        acknowledge(breaks, 3, one);
        assert_int_equal(breaks->count, 1);
        assert_int_equal(breaks->acknowledged, 1);
        assert_int_equal(breaks->items[0].seq, 4);
        acknowledge(breaks, 3, one);
        assert_int_equal(breaks->acknowledged, 1);
        ledger_breaks_add(breaks, 3, one, "once more");
        assert_int_equal(breaks->count, 2);
}

static void facts_of_another_shape_acknowledge_nothing(void **state) {
        LedgerBreaks *breaks = *state;
        json_t *const shapes[] = { NULL,
                                   json_object(),
                                   json_pack("{s:i}", "breaks", 1),
                                   json_pack("{s:[i]}", "breaks", 1),
                                   json_pack("{s:[{s:i}]}", "breaks", "seq", 3),
                                   json_pack("{s:[{s:i, s:s}]}", "breaks", "seq", 3, "hash",
                                             "01") };

        ledger_breaks_add(breaks, 3, one, "first");
        for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
                ledger_breaks_acknowledge(breaks, shapes[i]);
                assert_false(ledger_breaks_named(shapes[i], 3, one));
                json_decref(shapes[i]);
        }
        assert_int_equal(breaks->count, 1);
}

static void what_is_beyond_the_array_is_counted(void **state) {
        LedgerBreaks *breaks = *state;

        for (uint64_t i = 0; i < LEDGER_BREAKS_MAX + 5; i++)
                ledger_breaks_add(breaks, i + 1, one, "bad");
        assert_int_equal(breaks->count, LEDGER_BREAKS_MAX);
        assert_int_equal(breaks->beyond, 5);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define BREAKS(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
                BREAKS(one_place_is_one_break),
                BREAKS(only_what_is_named_is_acknowledged),
                BREAKS(facts_of_another_shape_acknowledge_nothing),
                BREAKS(what_is_beyond_the_array_is_counted),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
