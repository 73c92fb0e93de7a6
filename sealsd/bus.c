/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/bus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sealsd/bus-filter.h"
#include "sealsd/bus-internal.h"
#include "sealsd/bus-manager.h"
#include "sealsd/bus-operation.h"
#include "sealsd/bus-request.h"
#include "sealsd/bus-seal.h"

int bus_caller(Bus *bus, sd_bus_message *m, Caller *ret) {
        bool single = service_separation(bus->service) == SEPARATION_SINGLE;

        return callers_get(bus->callers, m, single, ret);
}

/* A unique name left the bus; it is never given again. */
static int name_gone(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        const char *name;
        Bus *bus = userdata;

        (void) ret_error;
        if (sd_bus_message_read(m, "s", &name) < 0 || name[0] != ':')
                return 0;
        operations_abandon(bus, name);
        subscribers_remove(bus->subscribers, name);
        tickets_forget(bus->tickets, name);
        callers_forget(bus->callers, name);
        return 0;
}

/* arg2, the new owner, is empty for names that go. One rule for all: the bus grants 512 to each. */
static int watch_names(Bus *bus) {
        return sd_bus_add_match(bus->connection, NULL,
                                "type='signal',sender='" DBUS_NAME "',path='" DBUS_PATH "',"
                                "interface='" DBUS_NAME "',member='NameOwnerChanged',arg2=''",
                                name_gone, bus);
}

static int bus_connect(Bus *bus) {
        int r = sd_bus_open_system(&bus->connection);

        if (r >= 0)
                r = sd_bus_set_exit_on_disconnect(bus->connection, true);
        /* What the service still owes when the loop has ended is answered after it. */
        if (r >= 0)
                r = sd_bus_set_close_on_exit(bus->connection, false);
        return r < 0 ? r : sd_bus_attach_event(bus->connection, bus->event, 0);
}

static int bus_register(Bus *bus) {
        int r = filter_register(bus);

        if (r >= 0)
                r = watch_names(bus);
        if (r >= 0)
                r = manager_register(bus);
        if (r >= 0)
                r = request_register(bus);
        return r < 0 ? r : seal_register(bus);
}

int bus_new(Bus **ret, sd_event *event, Service *service, const Config *config,
            ErrorDetail *detail) {
        _cleanup_(bus_freep) Bus *bus = calloc(1, sizeof(*bus));

        if (!bus)
                return -ENOMEM;
        bus->event = sd_event_ref(event);
        bus->service = service;
        bus->config = config;
        int r = bus_connect(bus);
        if (r < 0)
                return error_set(detail, r, "The system bus cannot be reached: %s", strerror(-r));
        r = callers_new(&bus->callers, bus->connection, config);
        if (r == 0)
                r = subscribers_new(&bus->subscribers);
        if (r == 0)
                r = tickets_new(&bus->tickets, event, TICKET_LIFETIME);
        if (r < 0)
                return r;
        r = bus_register(bus);
        if (r < 0)
                return error_set(detail, r, "The objects cannot be registered: %s", strerror(-r));
        service_observe(service, subscribers_observer(bus));
        *ret = steal_ptr(bus);
        return 0;
}

/*
 * The bus drops what it has not read yet of a connection that it finds closed when it writes to it,
 * and it writes when the callers' connection goes. Its answer to the release of the name says that
 * it has read the replies before.
 */
static void bus_leave(Bus *bus) {
        if (!bus->connection)
                return;
        (void) sd_bus_release_name(bus->connection, BUS_NAME);
        bus->connection = sd_bus_flush_close_unref(bus->connection);
}

Bus *bus_free(Bus *bus) {
        if (!bus)
                return NULL;
        operations_stop(bus);
        (void) subscribers_free(bus->subscribers);
        (void) tickets_free(bus->tickets);
        bus_leave(bus);
        (void) callers_free(bus->callers);
        (void) sd_event_unref(bus->event);
        free(bus);
        return NULL;
}

int bus_start(Bus *bus, ErrorDetail *detail) {
        int r = sd_bus_request_name(bus->connection, BUS_NAME, 0);

        if (r == -EEXIST)
                return error_set(detail, SEAL_E_ALREADY_EXISTS,
                                 "Another process has the name " BUS_NAME);
        if (r < 0)
                return error_set(detail, r, "The name " BUS_NAME " is not granted: %s",
                                 strerror(-r));
        return 0;
}
