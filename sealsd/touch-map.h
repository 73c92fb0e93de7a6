/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the ledger says of every record: the hash that its last touch gave it, or that it was
 * deleted. Made by reading the ledger from its first row on; knows no SQL.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "format/ledger-row.h"

typedef struct TouchEntry {
        uint8_t table;            /* the reader's own number of it */
        bool used, deleted, seen; /* seen: for whoever looks for the rest */
        int64_t row;
        uint64_t seq; /* of the ledger's row that says so */
        uint8_t hash[LEDGER_HASH_SIZE];
} TouchEntry;

typedef struct TouchMap TouchMap;

int touch_map_new(TouchMap **ret);
TouchMap *touch_map_free(TouchMap *map);
DEFINE_CLEANUP(TouchMap, touch_map_free)

/* The record has this hash from now on; NULL: it was deleted. -ENOMEM. */
int touch_map_set(TouchMap *map, uint8_t table, int64_t row, const uint8_t *hash, uint64_t seq);

/* NULL when the ledger never spoke of it. Valid until the next set. */
TouchEntry *touch_map_find(TouchMap *map, uint8_t table, int64_t row);

/* The entries, in no order: from *position on (0 at first) the next one, NULL at the end. */
TouchEntry *touch_map_next(TouchMap *map, size_t *position);
