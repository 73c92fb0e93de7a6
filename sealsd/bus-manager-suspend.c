/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/bus-manager.h"
#include "sealsd/bus-method.h"
#include "sealsd/bus-options.h"

int parse_suspend_seals(Operation *op, ErrorDetail *detail) {
        SuspendSealsArgs *args = op->args;

        int r = parse_seal_filter(op, &args->list, detail);
        return r != 0 ? r : argument_text(op->message, "reason", TEXT_MAX, &args->reason, detail);
}

static void seals_suspended(void *userdata, int code, const ErrorDetail *detail,
                            const void *result) {
        if (code != 0)
                operation_fail(userdata, code, detail);
        else
                operation_return(userdata, "u", *(const uint32_t *) result);
}

int run_suspend_seals(Operation *op, ErrorDetail *detail) {
        Reply reply = { .done = seals_suspended, .userdata = op };
        const SuspendSealsArgs *args = op->args;

        return service_suspend_seals(op->bus->service, &op->caller, &args->list.filter,
                                     args->reason, reply, detail);
}
