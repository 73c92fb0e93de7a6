/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/touch-map.h"

#include "tests/unit/unit.h"

static void the_last_touch_of_a_record_counts(void **state) {
        _cleanup_(touch_map_freep) TouchMap *map = NULL;
        uint8_t one[LEDGER_HASH_SIZE] = { 1 }, two[LEDGER_HASH_SIZE] = { 2 };

        (void) state;
        assert_int_equal(touch_map_new(&map), 0);
        assert_null(touch_map_find(map, 3, 7));
        assert_int_equal(touch_map_set(map, 3, 7, one, 1), 0);
        assert_int_equal(touch_map_set(map, 4, 7, two, 2), 0);
        assert_memory_equal(touch_map_find(map, 3, 7)->hash, one, sizeof(one));
        assert_int_equal(touch_map_set(map, 3, 7, two, 3), 0);
        assert_memory_equal(touch_map_find(map, 3, 7)->hash, two, sizeof(two));
        assert_int_equal(touch_map_set(map, 3, 7, NULL, 4), 0);
        assert_true(touch_map_find(map, 3, 7)->deleted);
        assert_int_equal(touch_map_find(map, 3, 7)->seq, 4);
        assert_false(touch_map_find(map, 4, 7)->deleted);
        assert_null(touch_map_find(map, 3, 8));
}

static void many_records_are_all_kept_and_each_is_met_once(void **state) {
        _cleanup_(touch_map_freep) TouchMap *map = NULL;
        uint8_t hash[LEDGER_HASH_SIZE] = {};
        size_t position = 0, met = 0;

        (void) state;
        assert_int_equal(touch_map_new(&map), 0);
        for (int64_t row = -50000; row < 50000; row++) {
                memcpy(hash, &row, sizeof(row));
                assert_int_equal(touch_map_set(map, (uint8_t) (row & 7), row, hash, 1), 0);
        }
        for (int64_t row = -50000; row < 50000; row++) {
                memcpy(hash, &row, sizeof(row));
                TouchEntry *entry = touch_map_find(map, (uint8_t) (row & 7), row);
                assert_non_null(entry);
                assert_memory_equal(entry->hash, hash, sizeof(hash));
        }
        for (TouchEntry *entry; (entry = touch_map_next(map, &position)); met++) {
                assert_false(entry->seen);
                entry->seen = true;
        }
        assert_int_equal(met, 100000);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_last_touch_of_a_record_counts),
                cmocka_unit_test(many_records_are_all_kept_and_each_is_met_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
