/* SPDX-License-Identifier: Apache-2.0 */
#include "format/ledger-breaks.h"

#include <string.h>

static LedgerBreak *break_find(LedgerBreaks *breaks, uint64_t seq, const uint8_t *hash) {
        for (size_t i = 0; i < breaks->count; i++)
                if (breaks->items[i].seq == seq &&
                    memcmp(breaks->items[i].hash, hash, LEDGER_HASH_SIZE) == 0)
                        return &breaks->items[i];
        return NULL;
}

void ledger_breaks_add(LedgerBreaks *breaks, uint64_t seq,
                       const uint8_t hash[static LEDGER_HASH_SIZE], const char *why) {
        if (break_find(breaks, seq, hash))
                return;
        if (breaks->count == LEDGER_BREAKS_MAX) {
                breaks->beyond++;
                return;
        }
        LedgerBreak *item = &breaks->items[breaks->count++];
        item->seq = seq;
        memcpy(item->hash, hash, LEDGER_HASH_SIZE);
        (void) error_set(&item->detail, 0, "%s", why);
}

static void break_remove(LedgerBreaks *breaks, LedgerBreak *item) {
        size_t behind = (size_t) (breaks->items + breaks->count - (item + 1));

        memmove(item, item + 1, behind * sizeof(*item));
        breaks->count--;
        breaks->acknowledged++;
}

/* The place that entry i names. */
static bool place_read(const json_t *facts, size_t i, uint64_t *ret_seq,
                       uint8_t ret_hash[LEDGER_HASH_SIZE]) {
        const json_t *item = json_array_get(json_object_get(facts, "breaks"), i);

        *ret_seq = (uint64_t) json_integer_value(json_object_get(item, "seq"));
        return json_read_hex(json_object_get(item, "hash"), ret_hash, LEDGER_HASH_SIZE);
}

static size_t place_count(const json_t *facts) {
        size_t count = json_array_size(json_object_get(facts, "breaks"));

        return count < LEDGER_BREAKS_MAX ? count : LEDGER_BREAKS_MAX;
}

bool ledger_breaks_named(const json_t *facts, uint64_t seq,
                         const uint8_t hash[static LEDGER_HASH_SIZE]) {
        uint8_t named[LEDGER_HASH_SIZE];
        uint64_t at;

        for (size_t i = 0; i < place_count(facts); i++)
                if (place_read(facts, i, &at, named) && at == seq &&
                    memcmp(named, hash, LEDGER_HASH_SIZE) == 0)
                        return true;
        return false;
}

void ledger_breaks_acknowledge(LedgerBreaks *breaks, const json_t *facts) {
        uint8_t hash[LEDGER_HASH_SIZE];
        uint64_t seq;

        for (size_t i = 0; i < place_count(facts); i++) {
                LedgerBreak *found = place_read(facts, i, &seq, hash)
                                             ? break_find(breaks, seq, hash)
                                             : NULL;
                if (found)
                        break_remove(breaks, found);
        }
}
