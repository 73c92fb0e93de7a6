/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Something that happened, on its way into the ledger: what a row of format/ledger-row.h says,
 * before it has a place in the chain. A plain value; texts are borrowed until the event is written.
 * NULL, 0 or false is "does not apply" and leaves the key out.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/bytes.h"
#include "format/event.h"
#include "sealsd/caller.h"

typedef struct Event {
        EventCode code;
        uint64_t time;        /* 0: now, by the store's clock */
        const Caller *caller; /* who did it, as observed; NULL: the daemon itself */
        const char
                *subject; /* in place of the caller's, for acts found later; NULL: the caller's */
        bool self;        /* a duty that another would have had, were this not single mode */
        const char *seal; /* number */
        uint64_t request;
        const char
                *object; /* whom or what else it is about: a keeper, a grant's subject, a member */
        const char *state; /* of the seal (or, without a seal, of the request) after it */
        const char *purpose;
        Bytes digest; /* the document's */
        const char *hash, *document;
        uint64_t use;       /* first number of use */
        uint64_t count;     /* of uses, of repeated refusals */
        const char *result; /* the error's name without its prefix; NULL: ok */
        const char *reason;
        json_t *facts; /* what an auditor asks beside it (docs/ledger.md); stays the caller's */
} Event;
