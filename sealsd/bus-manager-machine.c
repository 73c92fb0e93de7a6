/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/bus-manager.h"
#include "sealsd/bus-method.h"

int run_lock(Operation *op, ErrorDetail *detail) {
        const char *const *reason = op->args;
        Reply reply = { .done = operation_done, .userdata = op };

        return service_lock(op->bus->service, &op->caller, *reason, reply, detail);
}
