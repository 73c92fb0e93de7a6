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

void ledger_breaks_acknowledge(LedgerBreaks *breaks, const json_t *facts) {
        const json_t *list = json_object_get(facts, "breaks");

        for (size_t i = 0; i < json_array_size(list) && i < LEDGER_BREAKS_MAX; i++) {
                const json_t *item = json_array_get(list, i);
                json_int_t seq = json_integer_value(json_object_get(item, "seq"));
                uint8_t hash[LEDGER_HASH_SIZE];

                if (!json_read_hex(json_object_get(item, "hash"), hash, sizeof(hash)))
                        continue;
                LedgerBreak *found = break_find(breaks, (uint64_t) seq, hash);
                if (found)
                        break_remove(breaks, found);
        }
}
