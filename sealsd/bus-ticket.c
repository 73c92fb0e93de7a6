/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/bus-ticket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/rand.h>

#include "base/bytes.h"
#include "base/limits.h"

#define TICKET_ID_SIZE 16U
#define TIMER_ACCURACY (100 * 1000) /* µs */
#define OWNER_MAX 63                /* as of Caller.bus_name */

typedef struct Ticket {
        Tickets *tickets;
        struct Ticket *next;
        sd_event_source *timer;
        char path[OBJECT_PATH_MAX];
        char owner[OWNER_MAX + 1];
        uint32_t uid;
        Secret secret;
} Ticket;

struct Tickets {
        sd_event *event;
        uint64_t lifetime;
        Ticket *first;
};

static Ticket *ticket_free(Ticket *ticket) {
        if (!ticket)
                return NULL;
        (void) sd_event_source_disable_unref(ticket->timer);
        secret_wipe(&ticket->secret);
        free(ticket);
        return NULL;
}
DEFINE_CLEANUP(Ticket, ticket_free)

int tickets_new(Tickets **ret, sd_event *event, uint64_t lifetime) {
        Tickets *tickets = calloc(1, sizeof(*tickets));

        if (!tickets)
                return -ENOMEM;
        tickets->event = sd_event_ref(event);
        tickets->lifetime = lifetime;
        *ret = tickets;
        return 0;
}

Tickets *tickets_free(Tickets *tickets) {
        if (!tickets)
                return NULL;
        while (tickets->first) {
                Ticket *next = tickets->first->next;

                (void) ticket_free(tickets->first);
                tickets->first = next;
        }
        (void) sd_event_unref(tickets->event);
        free(tickets);
        return NULL;
}

static void ticket_drop(Ticket *ticket) {
        Ticket **at = &ticket->tickets->first;

        while (*at != ticket)
                at = &(*at)->next;
        *at = ticket->next;
        (void) ticket_free(ticket);
}

static int ticket_over(sd_event_source *source, uint64_t usec, void *userdata) {
        (void) source;
        (void) usec;
        ticket_drop(userdata);
        return 0;
}

static unsigned count_of(const Tickets *tickets, uint32_t uid) {
        unsigned count = 0;

        for (const Ticket *t = tickets->first; t; t = t->next)
                count += t->uid == uid;
        return count;
}

/*
 * Whoever has most gives his oldest up for one who has at least two fewer: some users, who need
 * have no role, do not keep the others from depositing. NULL: nobody has so many.
 */
static Ticket *ticket_given_up(Tickets *tickets, unsigned own) {
        Ticket *oldest = NULL;
        unsigned most = own + 2;

        for (Ticket *t = tickets->first; t; t = t->next) { /* the newest first */
                unsigned count = count_of(tickets, t->uid);

                if (count < most)
                        continue;
                most = count;
                oldest = t;
        }
        return oldest;
}

static int make_room(Tickets *tickets, uint32_t uid, ErrorDetail *detail) {
        unsigned all = 0, own = count_of(tickets, uid);

        if (own >= UID_TICKETS_MAX)
                return error_set(detail, SEAL_E_QUOTA_EXCEEDED,
                                 "You have deposited %d secrets that no call has used; they are "
                                 "forgotten after a minute",
                                 UID_TICKETS_MAX);
        for (const Ticket *t = tickets->first; t; t = t->next)
                all++;
        if (all < TICKETS_MAX)
                return 0;
        Ticket *oldest = ticket_given_up(tickets, own);
        if (!oldest)
                return SEAL_E_BUSY;
        ticket_drop(oldest);
        return 0;
}

static int ticket_fill(Ticket *ticket) {
        uint8_t random[TICKET_ID_SIZE];
        char id[2 * sizeof(random) + 1];

        if (RAND_bytes(random, sizeof(random)) != 1)
                return -EIO;
        hex_encode(random, sizeof(random), id);
        (void) snprintf(ticket->path, sizeof(ticket->path), TICKET_ROOT "/%s", id);
        int r = sd_event_add_time_relative(ticket->tickets->event, &ticket->timer, CLOCK_BOOTTIME,
                                           ticket->tickets->lifetime, TIMER_ACCURACY, ticket_over,
                                           ticket);
        return r < 0 ? r : 0;
}

int tickets_put(Tickets *tickets, const char *owner, uint32_t uid, const Secret *secret,
                char ret_path[static OBJECT_PATH_MAX], ErrorDetail *detail) {
        _cleanup_(ticket_freep) Ticket *ticket = NULL;

        int r = make_room(tickets, uid, detail);
        if (r != 0)
                return r;
        if (strlen(owner) > OWNER_MAX)
                return -EINVAL;
        ticket = calloc(1, sizeof(*ticket));
        if (!ticket)
                return -ENOMEM;
        ticket->tickets = tickets;
        ticket->uid = uid;
        ticket->secret = *secret;
        strcpy(ticket->owner, owner);
        r = ticket_fill(ticket);
        if (r != 0)
                return r;
        strcpy(ret_path, ticket->path);
        ticket->next = tickets->first;
        tickets->first = steal_ptr(ticket);
        return 0;
}

int tickets_take(Tickets *tickets, const char *owner, const char *path, Secret *ret) {
        for (Ticket *t = tickets->first; t; t = t->next)
                if (strcmp(t->path, path) == 0 && strcmp(t->owner, owner) == 0) {
                        *ret = t->secret;
                        ticket_drop(t);
                        return 0;
                }
        return SEAL_E_NOT_FOUND;
}

void tickets_forget(Tickets *tickets, const char *owner) {
        for (Ticket *t = tickets->first, *next; t; t = next) {
                next = t->next;
                if (strcmp(t->owner, owner) == 0)
                        ticket_drop(t);
        }
}
