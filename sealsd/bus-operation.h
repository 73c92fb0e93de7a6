/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call that is not answered yet: the message, its caller, its arguments, and how far it has
 * come. It replies exactly once and is gone with the reply; a caller that left the bus before the
 * work began is dropped without one, and one that left later is simply not there to read it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-bus.h>

#include "base/error.h"
#include "base/limits.h"
#include "sealsd/bus-internal.h"
#include "sealsd/bus-secret.h"
#include "sealsd/bus-sink.h"

struct Method;

typedef struct Operation {
        Bus *bus;
        sd_bus_message *message;
        Caller caller;
        const struct Method *method;
        void *args; /* of method->args_size, wiped and freed; its texts point into message */

        /* The object that is called, and the details for polkit: "" or 0 where there is none. */
        char number[NUMBER_MAX + 1];
        uint64_t request;
        char type[32];
        char kind[32];

        /* What it waits for. */
        sd_bus_slot *polkit;
        char polkit_cancellation[32];
        void (*authorized)(struct Operation *op, int code, const ErrorDetail *detail);
        SecretPipes pipes;
        SecretReader *reader;
        Sink *sink; /* what the answer is written into */

        bool running; /* with the service: is finished whatever becomes of the caller */
        struct Operation
                *leader;   /* the same call before this one, whose answer is this one's too */
        bool related;      /* the object is there for the caller */
        bool key_demanded; /* the register was closed: the chip was asked for its key */
        bool answered;
        struct Operation *previous, *next;
} Operation;

/* References m. */
int operation_new(Operation **ret, Bus *bus, sd_bus_message *m);

/* Calls of this UID that are not answered yet. */
unsigned operation_count_uid(const Bus *bus, uint32_t uid);

/*
 * Every way to answer frees op. operation_return takes what sd_bus_message_append takes.
 * A positive code is a condition, a negative one an errno, whose cause is logged and not told.
 */
void operation_return(Operation *op, const char *types, ...);
void operation_fail(Operation *op, int code, const ErrorDetail *detail);

/* Send the reply that was built, or fail when building it did (r < 0). */
void operation_finish(Operation *op, int r, sd_bus_message *reply);

/* Answer with what append makes of result, or fail with a code other than 0. */
void operation_answer(Operation *op, int code, const ErrorDetail *detail,
                      int (*append)(sd_bus_message *reply, const void *result), const void *result);

/* A Reply's done for methods that return nothing; userdata is the Operation. */
void operation_done(void *userdata, int code, const ErrorDetail *detail, const void *result);

/* Drop what waits for a caller that left the bus. */
void operations_abandon(Bus *bus, const char *name);

/* Answer everything: the daemon stops. */
void operations_stop(Bus *bus);
