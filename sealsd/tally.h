/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens again and again becomes one row of the ledger with a count: refused uses of one
 * caller, seal and reason, and what was disclosed to one caller. Until it is cleared it holds
 * TALLY_MAX entries and no more, however many callers, seals and reasons there are: beyond
 * TALLY_UID_MAX kinds of one caller, and beyond half of the table in all, what is left of the key
 * is the caller, and in the end not even that. So one caller's flood hides nobody else's refusal.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "format/event.h"
#include "sealsd/caller.h"

typedef struct TallyEntry {
        EventCode event;
        bool anybody;                /* of several callers: the table was full */
        Caller caller;               /* of the first */
        char seal[NUMBER_MAX + 1];   /* "": none, or several */
        const char *what;            /* a constant: the error's name, the member; "": several */
        uint64_t count, first, last; /* times */
} TallyEntry;

typedef struct Tally Tally;

int tally_new(Tally **ret);
Tally *tally_free(Tally *tally);
DEFINE_CLEANUP(Tally, tally_free)

/* seal may be "". what stays the caller's for ever. */
void tally_add(Tally *tally, EventCode event, const Caller *caller, const char *seal,
               const char *what, uint64_t now);

bool tally_is_empty(const Tally *tally);

/*
 * Hand out every entry in the order in which they began. It stops at the first code other than 0,
 * which it returns.
 */
int tally_each(const Tally *tally, int (*take)(void *userdata, const TallyEntry *entry),
               void *userdata);

/* What was handed out is durable: begin anew. */
void tally_clear(Tally *tally);
