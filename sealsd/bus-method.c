/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/bus-method.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sealsd/bus-join.h"
#include "sealsd/bus-options.h"
#include "sealsd/bus-polkit.h"
#include "sealsd/gate.h"

static const Interface *const interfaces[] = {
        &manager_interface,
        &request_interface,
        &seal_interface,
};

static const Interface *interface_find(const char *name) {
        for (size_t i = 0; i < ROWS(interfaces); i++)
                if (name && strcmp(interfaces[i]->name, name) == 0)
                        return interfaces[i];
        return NULL;
}

const Method *method_find(const Interface *interface, const char *member) {
        for (size_t i = 0; i < interface->count; i++)
                if (strcmp(interface->methods[i].member, member) == 0)
                        return &interface->methods[i];
        return NULL;
}

static OptionContext context_of(Operation *op) {
        return (OptionContext){
                .allow_inline_secrets = op->bus->config->allow_inline_secrets,
                .pipes = &op->pipes,
                .tickets = op->bus->tickets,
                .sender = op->caller.bus_name,
        };
}

int method_options(Operation *op, const Option *table, size_t count, void *target,
                   ErrorDetail *detail) {
        const OptionContext context = context_of(op);

        return options_read(op->message, table, count, &context, target, detail);
}

int method_secret(Operation *op, const char *name, Secret *ret, ErrorDetail *detail) {
        const OptionContext context = context_of(op);

        return argument_secret(op->message, name, &context, ret, detail);
}

int method_secret_fd(Operation *op, const char *name, Secret *ret, ErrorDetail *detail) {
        const OptionContext context = context_of(op);

        return argument_secret_fd(op->message, name, &context, ret, detail);
}

int parse_reason(Operation *op, ErrorDetail *detail) {
        return argument_text(op->message, "reason", TEXT_MAX, op->args, detail);
}

/* --- the work ------------------------------------------------------------------------------- */

static void method_work(Operation *op);

/* What is refused to a use of a seal is told in the ledger. */
static bool operation_signs(const Operation *op) {
        static const char *const of_seal[] = { "Sign", "SignMany", "RequestUse",
                                               "GetCertificateRequest" };
        const char *member = op->method->member;

        for (size_t i = 0; i < ROWS(of_seal); i++)
                if (strcmp(member, of_seal[i]) == 0)
                        return true;
        return strcmp(op->kind, "use") == 0 &&
               (strcmp(member, "Collect") == 0 || strcmp(member, "CollectWith") == 0);
}

static void key_known(void *userdata, int code, const ErrorDetail *detail, const void *result) {
        Operation *op = userdata;

        (void) result;
        if (code == 0) {
                method_work(op);
                return;
        }
        if (code > 0 && operation_signs(op))
                service_ledger_refused(op->bus->service, &op->caller, op->number, code);
        operation_fail(op, code, detail);
}

/*
 * What was refused because the register is closed has changed nothing: it is tried once more when
 * the chip hands out the key, and otherwise answered with what the chip says.
 */
static bool method_demands_key(Operation *op) {
        const Reply reply = { .done = key_known, .userdata = op };

        if (op->key_demanded || service_has_key(op->bus->service))
                return false;
        op->key_demanded = true;
        return service_demand_key(op->bus->service, &op->caller, reply, NULL) == 0;
}

static void method_work(Operation *op) {
        ErrorDetail detail = {};

        int r = op->method->run(op, &detail);
        if (r == SEAL_E_MACHINE_STATE_REFUSED && method_demands_key(op))
                return;
        if (r != 0)
                operation_fail(op, r, &detail);
}

static void method_run(Operation *op) {
        op->running = true;
        if (op->method->joins && operation_join(op))
                return;
        method_work(op);
}

static void secrets_read(void *userdata, int code, const ErrorDetail *detail) {
        Operation *op = userdata;

        if (code != 0)
                operation_fail(op, code, detail);
        else
                method_run(op);
}

static void method_authorized(Operation *op, int code, const ErrorDetail *detail) {
        if (code == 0 && op->pipes.count == 0) {
                method_run(op);
                return;
        }
        if (code == 0) {
                code = secret_reader_new(&op->reader, op->bus->event, &op->pipes, secrets_read, op);
                detail = NULL;
        }
        if (code != 0)
                operation_fail(op, code, detail);
}

/* --- before the work ------------------------------------------------------------------------ */

static int check_quota(const Operation *op) {
        unsigned count = operation_count_uid(op->bus, op->caller.uid);

        return count > UID_JOBS_MAX ? SEAL_E_QUOTA_EXCEEDED : 0;
}

/* In the words sd-bus has for a path where there is nothing. */
static int no_object(const Operation *op, ErrorDetail *detail) {
        return error_set(detail, SEAL_E_UNKNOWN_OBJECT, "Unknown object '%s'.",
                         sd_bus_message_get_path(op->message));
}

static int method_admit(Operation *op, const Interface *interface, const GateRule **ret,
                        ErrorDetail *detail) {
        unsigned relations = 0;

        int r = bus_caller(op->bus, op->message, &op->caller);
        if (r != 0)
                return r;
        if (interface->relate)
                r = interface->relate(op, &relations);
        if (r == SEAL_E_NOT_FOUND)
                return no_object(op, detail);
        if (r != 0)
                return r;
        op->related = true;
        r = gate_check(interface->name, sd_bus_message_get_member(op->message),
                       service_separation(op->bus->service), op->caller.roles | relations, ret,
                       detail);
        return r != 0 ? r : check_quota(op);
}

static int method_parse(Operation *op, ErrorDetail *detail) {
        const Method *method = op->method;

        if (!method->parse)
                return 0;
        op->args = calloc(1, method->args_size);
        if (!op->args)
                return -ENOMEM;
        int r = method->parse(op, detail);
        if (r == -EBADMSG)
                return error_set(detail, SEAL_E_INVALID_ARGS, "The arguments are not well-formed");
        /* So says sd_bus_message_read_array of a message in the other byte order. */
        if (r == -EOPNOTSUPP)
                return error_set(detail, SEAL_E_UNSUPPORTED,
                                 "Arrays are read in the byte order of this machine only");
        return r;
}

static int method_begin(Operation *op, const GateRule **ret, ErrorDetail *detail) {
        const Interface *interface = interface_find(sd_bus_message_get_interface(op->message));
        const Method *method = interface ? method_find(interface,
                                                       sd_bus_message_get_member(op->message))
                                         : NULL;

        if (!method)
                return SEAL_E_ACCESS_DENIED;
        op->method = method;
        int r = method_admit(op, interface, ret, detail);
        return r != 0 ? r : method_parse(op, detail);
}

int method_dispatch(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        const GateRule *rule = NULL;
        ErrorDetail detail = {};
        Operation *op;

        (void) ret_error;
        int r = operation_new(&op, userdata, m);
        if (r < 0)
                return r;
        r = method_begin(op, &rule, &detail);
        if (r == 0 && !rule)
                r = SEAL_E_ACCESS_DENIED;
        if (r == 0 && rule->action) {
                op->authorized = method_authorized;
                r = polkit_check(op, rule->action);
                if (r == 0)
                        return 1;
        }
        /*
         * Of a seal that is there for the caller; of another one he learns nothing, nor the ledger.
         */
        if (r == SEAL_E_ACCESS_DENIED && op->method && op->related && operation_signs(op))
                service_ledger_refused(op->bus->service, &op->caller, op->number, r);
        if (r == 0)
                method_authorized(op, 0, NULL);
        else
                operation_fail(op, r, &detail);
        return 1;
}
