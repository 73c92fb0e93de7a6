/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the bus share: the connection, the registries, the names of the contract. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "sealsd/bus-caller.h"
#include "sealsd/bus-subscribers.h"
#include "sealsd/bus-ticket.h"
#include "sealsd/bus.h"
#include "sealsd/config.h"
#include "sealsd/request.h"
#include "sealsd/seal.h"
#include "sealsd/service.h"

#define BUS_NAME "org.sealsd1"
#define MANAGER_INTERFACE "org.sealsd1.Manager"
#define REQUEST_INTERFACE "org.sealsd1.Request"
#define SEAL_INTERFACE "org.sealsd1.Seal"
#define DBUS_NAME "org.freedesktop.DBus"
#define DBUS_PATH "/org/freedesktop/DBus"
#define PROPERTIES_INTERFACE "org.freedesktop.DBus.Properties"

/*
 * The object whose properties are being read. The find callback, which sd-bus asks first for every
 * message, names it; the first getter loads it, so that Introspect reads nothing and GetAll once.
 */
typedef struct SealView {
        bool loaded;
        Caller viewer;
        char number[NUMBER_MAX + 1];
        Seal seal;
} SealView;

typedef struct RequestView {
        bool loaded;
        Caller viewer;
        uint64_t id;
        Request request;
} RequestView;

struct Bus {
        sd_bus *connection;
        sd_event *event;
        Service *service;     /* borrowed */
        const Config *config; /* borrowed */
        Callers *callers;
        Subscribers *subscribers;
        Tickets *tickets;
        struct Operation *operations; /* calls that are not answered yet */
        uint64_t polkit_serial;
        SealView seal_view;
        RequestView request_view;
};

/* Who sent m. SEAL_E_ACCESS_DENIED when the bus does not say. */
int bus_caller(Bus *bus, sd_bus_message *m, Caller *ret);
