/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/touch-map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 1024 /* a power of two */

struct TouchMap {
        size_t size, count;
        TouchEntry *entries; /* open addressing, at most half full */
};

int touch_map_new(TouchMap **ret) {
        TouchMap *map = calloc(1, sizeof(*map));

        if (map)
                map->entries = calloc(FIRST_SIZE, sizeof(*map->entries));
        if (!map || !map->entries) {
                free(map);
                return -ENOMEM;
        }
        map->size = FIRST_SIZE;
        *ret = map;
        return 0;
}

TouchMap *touch_map_free(TouchMap *map) {
        if (map)
                free(map->entries);
        free(map);
        return NULL;
}

/* Row numbers are dense: multiplied by a large odd number their upper bits are spread (Knuth, TAOCP
 * 6.4). */
static size_t place_of(size_t size, uint8_t table, int64_t row) {
        uint64_t key = ((uint64_t) row << 4 ^ table) * 0x9e3779b97f4a7c15ULL;

        return (size_t) (key >> 20) & (size - 1);
}

/* Where the record is, or would be. */
static TouchEntry *slot_of(TouchEntry *entries, size_t size, uint8_t table, int64_t row) {
        size_t i = place_of(size, table, row);

        while (entries[i].used && (entries[i].table != table || entries[i].row != row))
                i = (i + 1) & (size - 1);
        return &entries[i];
}

static int map_grow(TouchMap *map) {
        size_t size = 2 * map->size;
        TouchEntry *entries = calloc(size, sizeof(*entries));

        if (!entries)
                return -ENOMEM;
        for (size_t i = 0; i < map->size; i++)
                if (map->entries[i].used)
                        *slot_of(entries, size, map->entries[i].table,
                                 map->entries[i].row) = map->entries[i];
        free(map->entries);
        map->entries = entries;
        map->size = size;
        return 0;
}

int touch_map_set(TouchMap *map, uint8_t table, int64_t row, const uint8_t *hash, uint64_t seq) {
        if (2 * map->count >= map->size && map_grow(map) != 0)
                return -ENOMEM;
        TouchEntry *entry = slot_of(map->entries, map->size, table, row);
        map->count += !entry->used;
        *entry = (TouchEntry){
                .table = table,
                .used = true,
                .deleted = !hash,
                .row = row,
                .seq = seq,
        };
        if (hash)
                memcpy(entry->hash, hash, sizeof(entry->hash));
        return 0;
}

TouchEntry *touch_map_find(TouchMap *map, uint8_t table, int64_t row) {
        TouchEntry *entry = slot_of(map->entries, map->size, table, row);

        return entry->used ? entry : NULL;
}

TouchEntry *touch_map_next(TouchMap *map, size_t *position) {
        while (*position < map->size) {
                TouchEntry *entry = &map->entries[(*position)++];

                if (entry->used)
                        return entry;
        }
        return NULL;
}
