/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Revocation lists (RFC 5280 §5), one for each maker: what it certified and the register has as
 * revoked, suspended or lost. The register knows that a list is owed from the transaction on that
 * changes what it says; a new one is issued by the maker's key as soon as that signs, else in the
 * middle of its time. Each is kept, told in the ledger, and written to a file.
 *
 *   gather   (register) what the lists say      → sign (chip)
 *   keep     (register) lists and events; still owed where the register says more by now
 *   publish  (files)
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/limits.h"
#include "sealsd/maker.h"

struct Service;
struct Reply;

typedef struct ListWaiter ListWaiter;

typedef struct Lists {
        bool running; /* one run at a time: who comes during it may need the next */
        ListWaiter *waiters;
        sd_event_source *soon;          /* for what nobody waits for */
        bool noted;                     /* it is enabled */
        uint64_t owed_since;            /* 0: none is */
        char problem[ERROR_TEXT_MAX];   /* why the last run came to nothing, "" when it did not */
        char unwritten[ERROR_TEXT_MAX]; /* why a file is not as it should be, "" when all are */
} Lists;

int lists_start(struct Service *service);
/* Whoever waits still is told so. */
void lists_stop(struct Service *service);

/* Issue what is owed or due, if it can be, and write the files that are missing. */
void lists_tend(struct Service *service);
/* A seal has changed, and with it perhaps a list. */
void lists_note(struct Service *service);

/* The register's key did not come, nor with it the makers': who waited is told, and asks again. */
void lists_key_refused(struct Service *service, int code, const ErrorDetail *detail);

/*
 * Reply (NULL) when all that the register has as revoked now is on lists that are kept; else with
 * why that is still owed. May be called at once.
 */
void lists_wait(struct Service *service, struct Reply reply);

typedef struct RevocationLists {
        size_t count;
        struct {
                char algorithm[WORD_MAX + 1];
                RevocationList list;
        } items[MAKERS_MAX]; /* P-256's first */
} RevocationLists;

void revocation_lists_free(RevocationLists *lists);

/* The last of each maker, the caller's to free. SEAL_E_NOT_FOUND before the first was issued. */
int service_revocation_lists(struct Service *service, RevocationLists *ret, ErrorDetail *detail);

/* How old they are, for whoever administers; also before the first. */
int lists_status(struct Service *service, ListStatus ret[static MAKERS_MAX], size_t *ret_count);

/* Why no list can be issued as the machine was seen last; 0 when one can. */
int lists_why_not(struct Service *service, ErrorDetail *detail);
