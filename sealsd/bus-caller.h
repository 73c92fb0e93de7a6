/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Callers: who a unique name on the bus is, by the bus's own word, the socket's credentials. Asked
 * once per name and kept until the name goes, since signing has no time for another round trip.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <systemd/sd-bus.h>

#include "base/cleanup.h"
#include "sealsd/caller.h"
#include "sealsd/config.h"

typedef struct Callers Callers;

/* connection and config are borrowed. */
int callers_new(Callers **ret, sd_bus *connection, const Config *config);
Callers *callers_free(Callers *callers);
DEFINE_CLEANUP(Callers, callers_free)

/*
 * The sender of m, roles included; single: the installation's separation is single. Blocks for one
 * round trip to the bus the first time. SEAL_E_ACCESS_DENIED for a message without a sender and for
 * a sender the bus does not know (any more), SEAL_E_BUSY when it does not say so within a second.
 */
int callers_get(Callers *callers, sd_bus_message *m, bool single, Caller *ret);

/* The name has left the bus. */
void callers_forget(Callers *callers, const char *name);

size_t callers_count(const Callers *callers);
