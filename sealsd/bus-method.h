/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one way into every method: who calls, is the object there for him, does the first gate let
 * him, are the arguments good, does polkit let him, and only then the work. A handler reads
 * arguments, calls the service and replies; it decides nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <systemd/sd-bus.h>

#include "base/error.h"
#include "sealsd/bus-operation.h"
#include "sealsd/bus-options.h"

typedef struct Method {
        const char *member;
        size_t args_size;
        /* Read and check op->message into op->args, which is zeroed. NULL: no arguments. */
        int (*parse)(Operation *op, ErrorDetail *detail);
        /* Either return a code, or return 0 and answer op, now or later; op is then not used. */
        int (*run)(Operation *op, ErrorDetail *detail);
        bool joins; /* the same call repeated while it runs is answered together with it */
} Method;

typedef struct Interface {
        const char *name;
        const Method *methods;
        size_t count;
        /*
         * Fill op's object and polkit's details, and the caller's relations to it. SEAL_E_NOT_FOUND
         * when it is not there for him. NULL: the object is there for everybody.
         */
        int (*relate)(Operation *op, unsigned *ret_relations);
} Interface;

extern const Interface manager_interface;
extern const Interface request_interface;
extern const Interface seal_interface;

/* The handler of every vtable entry; userdata is the Bus. */
int method_dispatch(sd_bus_message *m, void *userdata, sd_bus_error *ret_error);

/* The row of a member, NULL when there is none. */
const Method *method_find(const Interface *interface, const char *member);

/* Read the a{sv} that comes next in op's message (bus-options.h); target is not NULL. */
int method_options(Operation *op, const Option *table, size_t count, void *target,
                   ErrorDetail *detail);

/*
 * Read the secret that comes next, v or h; name is static. It may come through a pipe, and is there
 * when the method runs.
 */
int method_secret(Operation *op, const char *name, Secret *ret, ErrorDetail *detail);
int method_secret_fd(Operation *op, const char *name, Secret *ret, ErrorDetail *detail);

/* parse for methods whose only argument is a text; args is a const char *. */
int parse_reason(Operation *op, ErrorDetail *detail);
