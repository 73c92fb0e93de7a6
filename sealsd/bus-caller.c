/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/bus-caller.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/log.h"

/*
 * The whole daemon waits meanwhile. The bus daemon answers from its own memory, in 0.1 ms; when it
 * takes longer than this it is stopped or swamped, and the caller had better ask again.
 */
#define CREDENTIALS_TIMEOUT USEC_PER_SEC

struct Callers {
        sd_bus *connection; /* to the bus daemon alone */
        const Config *config;
        size_t count;
        size_t oldest; /* evicted next */
        Caller *cached[CALLERS_CACHED_MAX];
};

/*
 * Questions to the bus daemon have a connection of their own, to which clients do not send. A
 * blocking call on the service's connection would read in all that arrives ahead of its answer,
 * with bodies and file descriptors: a stranger could so fill the daemon's memory and its descriptor
 * table.
 */
static int connection_open(sd_bus *like, sd_bus **ret) {
        _cleanup_(sd_bus_unrefp) sd_bus *connection = NULL;
        const char *address;

        int r = sd_bus_get_address(like, &address);
        if (r >= 0)
                r = sd_bus_new(&connection);
        if (r >= 0)
                r = sd_bus_set_address(connection, address);
        if (r >= 0)
                r = sd_bus_set_bus_client(connection, true);
        if (r >= 0)
                r = sd_bus_negotiate_fds(connection, false);
        if (r >= 0)
                r = sd_bus_set_exit_on_disconnect(connection, true);
        if (r >= 0)
                r = sd_bus_start(connection);
        if (r >= 0)
                r = sd_bus_attach_event(connection, sd_bus_get_event(like),
                                        SD_EVENT_PRIORITY_NORMAL);
        if (r < 0)
                return r;
        *ret = steal_ptr(connection);
        return 0;
}

int callers_new(Callers **ret, sd_bus *connection, const Config *config) {
        _cleanup_(callers_freep) Callers *callers = calloc(1, sizeof(*callers));

        if (!callers)
                return -ENOMEM;
        callers->config = config;
        int r = connection_open(connection, &callers->connection);
        if (r < 0)
                return r;
        *ret = steal_ptr(callers);
        return 0;
}

Callers *callers_free(Callers *callers) {
        if (!callers)
                return NULL;
        for (size_t i = 0; i < callers->count; i++)
                free(callers->cached[i]);
        (void) sd_bus_flush_close_unref(callers->connection);
        free(callers);
        return NULL;
}

size_t callers_count(const Callers *callers) {
        return callers->count;
}

/* As many names as are kept are compared faster than one is asked for. */
static size_t callers_find(const Callers *callers, const char *name) {
        size_t i = 0;

        while (i < callers->count && strcmp(callers->cached[i]->bus_name, name) != 0)
                i++;
        return i;
}

void callers_forget(Callers *callers, const char *name) {
        size_t i = callers_find(callers, name);

        if (i == callers->count)
                return;
        free(callers->cached[i]);
        callers->cached[i] = callers->cached[--callers->count];
        callers->cached[callers->count] = NULL;
}

static void callers_put(Callers *callers, Caller *caller) {
        if (callers->count < CALLERS_CACHED_MAX) {
                callers->cached[callers->count++] = caller;
                return;
        }
        free(callers->cached[callers->oldest]);
        callers->cached[callers->oldest] = caller;
        callers->oldest = (callers->oldest + 1) % CALLERS_CACHED_MAX;
}

static int read_groups(sd_bus_message *m, Caller *caller) {
        const void *data;
        size_t size;

        int r = sd_bus_message_enter_container(m, 'v', "au");
        if (r < 0)
                return r;
        r = sd_bus_message_read_array(m, 'u', &data, &size);
        if (r < 0)
                return r;
        caller->group_count = size / sizeof(uint32_t);
        if (caller->group_count > CALLER_GROUPS_MAX) {
                log_warning("UID %u is in %zu groups; those after the first %d do not count",
                            caller->uid, caller->group_count, CALLER_GROUPS_MAX);
                caller->group_count = CALLER_GROUPS_MAX;
        }
        if (caller->group_count > 0)
                memcpy(caller->groups, data, caller->group_count * sizeof(uint32_t));
        return sd_bus_message_exit_container(m);
}

static int read_credential(sd_bus_message *m, Caller *caller, bool *known) {
        const char *name;

        int r = sd_bus_message_read(m, "s", &name);
        if (r < 0)
                return r;
        if (strcmp(name, "UnixUserID") == 0) {
                *known = true;
                return sd_bus_message_read(m, "v", "u", &caller->uid);
        }
        if (strcmp(name, "ProcessID") == 0)
                return sd_bus_message_read(m, "v", "u", &caller->pid);
        if (strcmp(name, "UnixGroupIDs") == 0)
                return read_groups(m, caller);
        return sd_bus_message_skip(m, "v");
}

/* a{sv} of GetConnectionCredentials (D-Bus specification, org.freedesktop.DBus). */
static int read_credentials(sd_bus_message *m, Caller *caller) {
        bool known = false;

        int r = sd_bus_message_enter_container(m, 'a', "{sv}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = read_credential(m, caller, &known);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;
        return known && caller->uid != UINT32_MAX ? 0 : SEAL_E_ACCESS_DENIED;
}

static int ask_bus(sd_bus *connection, const char *name, Caller *caller) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        int r = sd_bus_message_new_method_call(connection, &call, "org.freedesktop.DBus",
                                               "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                               "GetConnectionCredentials");
        if (r < 0)
                return r;
        r = sd_bus_message_append(call, "s", name);
        if (r < 0)
                return r;
        r = sd_bus_call(connection, call, CREDENTIALS_TIMEOUT, &error, &reply);
        if (r == -ENOMEM)
                return r;
        if (r == -ETIMEDOUT) /* a bus under load: it says nothing about who asks */
                return SEAL_E_BUSY;
        if (r < 0) {
                log_debug("The bus does not say who %s is: %s", name,
                          error.message ? error.message : strerror(-r));
                return SEAL_E_ACCESS_DENIED;
        }
        return read_credentials(reply, caller);
}

/*
 * The account's name, from another connection of the same user where there is one: NSS, which may
 * ask a server, is asked on the main thread, and busctl and sealctl connect anew for every call.
 */
static void caller_name(const Callers *callers, Caller *caller) {
        for (size_t i = 0; i < callers->count; i++)
                if (callers->cached[i]->uid == caller->uid) {
                        caller->subject = callers->cached[i]->subject;
                        return;
                }
        subject_from_uid(caller->uid, &caller->subject);
}

static int caller_new(Caller **ret, const Callers *callers, const char *name) {
        _cleanup_free_ Caller *caller = calloc(1, sizeof(*caller));

        if (!caller)
                return -ENOMEM;
        if (strlen(name) >= sizeof(caller->bus_name))
                return SEAL_E_ACCESS_DENIED;
        strcpy(caller->bus_name, name);
        int r = ask_bus(callers->connection, name, caller);
        if (r != 0)
                return r;
        caller_name(callers, caller);
        caller_observe(caller);
        *ret = steal_ptr(caller);
        return 0;
}

int callers_get(Callers *callers, sd_bus_message *m, bool single, Caller *ret) {
        const char *name = m ? sd_bus_message_get_sender(m) : NULL;

        if (!name)
                return SEAL_E_ACCESS_DENIED;
        size_t i = callers_find(callers, name);
        if (i < callers->count) {
                *ret = *callers->cached[i];
        } else {
                Caller *caller;
                int r = caller_new(&caller, callers, name);
                if (r != 0)
                        return r;
                *ret = *caller;
                callers_put(callers, caller);
        }
        /* Not kept: Initialize, which fixes the separation, changes what a caller may. */
        caller_assign_roles(ret, callers->config, single);
        return 0;
}
