/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/tally.h"

#include <errno.h>
#include <string.h>

struct Tally {
        size_t count;
        TallyEntry entries[TALLY_MAX];
};

int tally_new(Tally **ret) {
        Tally *tally = calloc(1, sizeof(*tally));

        if (!tally)
                return -ENOMEM;
        *ret = tally;
        return 0;
}

Tally *tally_free(Tally *tally) {
        free(tally);
        return NULL;
}

/* One more of what is there already: exactly this, the rest of this caller, the rest of all. */
static TallyEntry *find(Tally *tally, const TallyEntry *key) {
        for (size_t i = 0; i < tally->count; i++) {
                TallyEntry *e = &tally->entries[i];

                if (e->event == key->event && e->anybody == key->anybody &&
                    (e->anybody || e->caller.uid == key->caller.uid) &&
                    strcmp(e->seal, key->seal) == 0 && strcmp(e->what, key->what) == 0)
                        return e;
        }
        return NULL;
}

static size_t count_of(const Tally *tally, EventCode event, uint32_t uid) {
        size_t n = 0;

        for (size_t i = 0; i < tally->count; i++)
                n += tally->entries[i].event == event && tally->entries[i].caller.uid == uid;
        return n;
}

/* TALLY_EVENTS_MAX entries stay free for the rest of all: one of each event at most. */
static bool has_room(const Tally *tally, const TallyEntry *key) {
        if (key->anybody)
                return true;
        if (key->what[0] == '\0')
                return tally->count < TALLY_MAX - TALLY_EVENTS_MAX;
        return tally->count < TALLY_MAX / 2 &&
               count_of(tally, key->event, key->caller.uid) < TALLY_UID_MAX;
}

static TallyEntry *find_or_add(Tally *tally, const TallyEntry *key) {
        TallyEntry *e = find(tally, key);

        if (e || !has_room(tally, key))
                return e;
        e = &tally->entries[tally->count++];
        *e = *key;
        return e;
}

void tally_add(Tally *tally, EventCode event, const Caller *caller, const char *seal,
               const char *what, uint64_t now) {
        TallyEntry key = { .event = event, .caller = *caller, .what = what, .first = now };

        (void) strncpy(key.seal, seal, sizeof(key.seal) - 1);
        TallyEntry *e = find_or_add(tally, &key);
        if (!e) {
                key.seal[0] = '\0';
                key.what = "";
                e = find_or_add(tally, &key);
        }
        if (!e) {
                key.anybody = true;
                e = find_or_add(tally, &key);
        }
        e->count++;
        e->last = now;
}

bool tally_is_empty(const Tally *tally) {
        return tally->count == 0;
}

int tally_each(const Tally *tally, int (*take)(void *userdata, const TallyEntry *entry),
               void *userdata) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < tally->count; i++)
                r = take(userdata, &tally->entries[i]);
        return r;
}

void tally_clear(Tally *tally) {
        tally->count = 0;
}
