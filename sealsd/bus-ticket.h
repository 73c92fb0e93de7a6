/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tickets for secrets (design, section 5.6). Descriptors reach the daemon at /org/sealsd1 alone;
 * what they carry for a seal or a request is deposited there, and named afterwards by the object
 * path that was the answer. Such a path is no object. It counts for the connection that deposited
 * the secret, for one call, and for a minute.
 */
#pragma once

#include <stdint.h>

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "sealsd/bus-path.h"

#define TICKET_ROOT "/org/sealsd1/secret"
#define TICKET_LIFETIME (60 * USEC_PER_SEC)

typedef struct Tickets Tickets;

/* lifetime in µs of CLOCK_BOOTTIME, so that one does not outlive a night's sleep. */
int tickets_new(Tickets **ret, sd_event *event, uint64_t lifetime);
Tickets *tickets_free(Tickets *tickets); /* wipes what was not taken */
DEFINE_CLEANUP(Tickets, tickets_free)

/*
 * Keep a copy for owner, a unique name on the bus. SEAL_E_QUOTA_EXCEEDED beyond UID_TICKETS_MAX of
 * one UID. Beyond TICKETS_MAX who has most, and two more than this one, loses his oldest;
 * SEAL_E_BUSY where nobody has.
 */
int tickets_put(Tickets *tickets, const char *owner, uint32_t uid, const Secret *secret,
                char ret_path[static OBJECT_PATH_MAX], ErrorDetail *detail);

/*
 * Hand the secret over: the ticket is gone. SEAL_E_NOT_FOUND when there is none of this path, or
 * when it is somebody else's, which it stays.
 */
int tickets_take(Tickets *tickets, const char *owner, const char *path, Secret *ret);

/* The connection has left the bus. */
void tickets_forget(Tickets *tickets, const char *owner);
