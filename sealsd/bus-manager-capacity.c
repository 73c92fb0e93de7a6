/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "sealsd/bus-manager.h"
#include "sealsd/bus-method.h"
#include "sealsd/bus-options.h"

#define FIELD(member) offsetof(ExtendOptions, member)

static const Option extend_options[] = {
        { "passphrase", OPTION_SECRET, FIELD(passphrase), 0, NULL, NULL },
        { "owner-auth", OPTION_SECRET, FIELD(owner_auth), 0, NULL, NULL },
        { "machine-states", OPTION_BOOLEAN, FIELD(machine_states), 0, NULL, NULL },
        { "measure", OPTION_BOOLEAN, FIELD(measure), 0, NULL, NULL },
};

#undef FIELD

int parse_extend_capacity(Operation *op, ErrorDetail *detail) {
        ExtendOptions *extend = op->args;

        int r = sd_bus_message_read_basic(op->message, 'u', &extend->seals);
        if (r < 0)
                return r;
        return method_options(op, extend_options, ROWS(extend_options), extend, detail);
}

int run_extend_capacity(Operation *op, ErrorDetail *detail) {
        Reply reply = { .done = operation_done, .userdata = op };

        return service_extend_capacity(op->bus->service, &op->caller, op->args, reply, detail);
}
