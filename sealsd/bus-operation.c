/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/bus-operation.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "sealsd/bus-method.h"
#include "sealsd/bus-polkit.h"

int operation_new(Operation **ret, Bus *bus, sd_bus_message *m) {
        Operation *op = calloc(1, sizeof(*op));

        if (!op)
                return -ENOMEM;
        op->bus = bus;
        op->message = sd_bus_message_ref(m);
        op->next = bus->operations;
        if (op->next)
                op->next->previous = op;
        bus->operations = op;
        *ret = op;
        return 0;
}

static void operation_free(Operation *op) {
        assert(op->answered);
        if (op->next)
                op->next->previous = op->previous;
        if (op->previous)
                op->previous->next = op->next;
        else
                op->bus->operations = op->next;
        polkit_cancel(op);
        (void) secret_reader_free(op->reader);
        (void) sink_free(op->sink);
        if (op->args)
                explicit_bzero(op->args, op->method->args_size);
        free(op->args);
        (void) sd_bus_message_unref(op->message);
        free(op);
}

unsigned operation_count_uid(const Bus *bus, uint32_t uid) {
        unsigned count = 0;

        for (const Operation *op = bus->operations; op; op = op->next)
                count += op->caller.uid == uid;
        return count;
}

static int error_reply_new(Operation *op, int code, const char *text, sd_bus_message **ret) {
        sd_bus_error error = SD_BUS_ERROR_MAKE_CONST(error_name(code), text);

        return sd_bus_message_new_method_error(op->message, ret, &error);
}

static int send_error(Operation *op, int code, const ErrorDetail *detail) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        ErrorDetail plain = *detail;

        /*
         * Details repeat words of the caller, who may be an application that shows them to others.
         */
        text_disarm(plain.text);
        int r = error_reply_new(op, code, error_describe(code, &plain), &reply);
        return r < 0 ? r : sd_bus_send(op->bus->connection, reply, NULL);
}

/* The condition by which an unexpected errno is told. */
static int errno_condition(const Operation *op, int code, ErrorDetail *detail) {
        const char *member = sd_bus_message_get_member(op->message);

        if (code == -ECANCELED)
                return error_set(detail, SEAL_E_BUSY, "sealsd is stopping; call again");
        log_error("%s: %s: %s", member, strerror(-code), error_describe(code, detail));
        if (code == -ENOMEM)
                return SEAL_E_NO_MEMORY;
        return error_set(detail, code, "%s failed inside sealsd; see its log", member);
}

/* One of those that joined op and are to be answered like it. */
static Operation *follower_take(const Operation *op) {
        for (Operation *o = op->bus->operations; o; o = o->next)
                if (o->leader == op) {
                        o->leader = NULL;
                        return o;
                }
        return NULL;
}

void operation_fail(Operation *op, int code, const ErrorDetail *detail) {
        Operation *follower;
        ErrorDetail own = {};

        assert(!op->answered && code != 0);
        while ((follower = follower_take(op)))
                operation_fail(follower, code, detail);
        if (detail)
                own = *detail;
        if (code < 0)
                code = errno_condition(op, code, &own);
        if (code == SEAL_E_STORAGE_FAILURE || code == SEAL_E_REGISTER_TAMPERED)
                service_explain(op->bus->service, code, &own);
        int r = send_error(op, code, &own);
        if (r < 0)
                log_warning("An error could not be sent to %s: %s", op->caller.bus_name,
                            strerror(-r));
        op->answered = true;
        operation_free(op);
}

/* The same answer to another call. */
static void send_copy(Operation *op, sd_bus_message *answer) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;

        int r = sd_bus_message_rewind(answer, true);
        if (r >= 0)
                r = sd_bus_message_new_method_return(op->message, &reply);
        if (r >= 0)
                r = sd_bus_message_copy(reply, answer, true);
        operation_finish(op, r, reply);
}

static void operation_send(Operation *op, sd_bus_message *reply) {
        Operation *follower;

        assert(!op->answered);
        int r = sd_bus_send(op->bus->connection, reply, NULL);
        if (r < 0) {
                operation_fail(op, r, NULL);
                return;
        }
        while ((follower = follower_take(op)))
                send_copy(follower, reply);
        op->answered = true;
        operation_free(op);
}

void operation_finish(Operation *op, int r, sd_bus_message *reply) {
        if (r < 0)
                operation_fail(op, r, NULL);
        else
                operation_send(op, reply);
}

void operation_answer(Operation *op, int code, const ErrorDetail *detail,
                      int (*append)(sd_bus_message *reply, const void *result),
                      const void *result) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;

        if (code != 0) {
                operation_fail(op, code, detail);
                return;
        }
        int r = sd_bus_message_new_method_return(op->message, &reply);
        operation_finish(op, r < 0 ? r : append(reply, result), reply);
}

void operation_done(void *userdata, int code, const ErrorDetail *detail, const void *result) {
        (void) result;
        if (code != 0)
                operation_fail(userdata, code, detail);
        else
                operation_return(userdata, NULL);
}

void operation_return(Operation *op, const char *types, ...) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;

        int r = sd_bus_message_new_method_return(op->message, &reply);
        if (r >= 0 && types) {
                va_list ap;

                va_start(ap, types);
                r = sd_bus_message_appendv(reply, types, ap);
                va_end(ap);
        }
        operation_finish(op, r, reply);
}

void operations_abandon(Bus *bus, const char *name) {
        for (Operation *op = bus->operations, *next; op; op = next) {
                next = op->next;
                if (op->running || strcmp(op->caller.bus_name, name) != 0)
                        continue;
                op->answered = true; /* there is nobody to answer */
                operation_free(op);
        }
}

void operations_stop(Bus *bus) {
        while (bus->operations)
                operation_fail(bus->operations, -ECANCELED, NULL);
}
