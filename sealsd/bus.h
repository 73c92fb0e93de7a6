/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sealsd's presence on the system bus: the name org.sealsd1, the objects of section 5, and the
 * announcements of what the service does. Everything happens in the main thread's event loop.
 */
#pragma once

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "sealsd/config.h"
#include "sealsd/service.h"

typedef struct Bus Bus;

/*
 * Connect ($DBUS_SYSTEM_BUS_ADDRESS is honoured), attach to event, register the objects and the
 * service's observer. Losing the connection later ends the event loop with EXIT_FAILURE. service
 * and config are borrowed; the service is freed first, since what it still owes is answered here.
 */
int bus_new(Bus **ret, sd_event *event, Service *service, const Config *config,
            ErrorDetail *detail);

/* Answers what is still waiting, sends what is queued and closes. */
Bus *bus_free(Bus *bus);
DEFINE_CLEANUP(Bus, bus_free)

/* Take the name; SEAL_E_ALREADY_EXISTS when another process has it. From then on calls come in. */
int bus_start(Bus *bus, ErrorDetail *detail);
