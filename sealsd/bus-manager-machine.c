/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "sealsd/bus-manager.h"
#include "sealsd/bus-method.h"

int run_lock(Operation *op, ErrorDetail *detail) {
        const char *const *reason = op->args;
        Reply reply = { .done = operation_done, .userdata = op };

        return service_lock(op->bus->service, &op->caller, *reason, reply, detail);
}

/* --- machine states ------------------------------------------------------------------------- */

typedef struct StatePage {
        const MachineState *states;
        size_t count;
} StatePage;

static int append_states(sd_bus_message *m, const void *result) {
        const StatePage *page = result;

        int r = sd_bus_message_open_container(m, 'a', "(tstst)");
        for (size_t i = 0; r >= 0 && i < page->count; i++) {
                const MachineState *state = &page->states[i];

                r = sd_bus_message_append(m, "(tstst)", state->id, state->profile, state->approved,
                                          state->by.text, state->retired);
        }
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int run_list_machine_states(Operation *op, ErrorDetail *detail) {
        _cleanup_free_ MachineState *states = NULL;
        size_t count = 0;

        int r = service_list_machine_states(op->bus->service, &op->caller, &states, &count, detail);
        if (r == 0)
                operation_answer(op, 0, NULL, append_states, &(StatePage){ states, count });
        return r;
}

int parse_retire_machine_state(Operation *op, ErrorDetail *detail) {
        RetireArgs *args = op->args;

        int r = sd_bus_message_read_basic(op->message, 't', &args->id);
        if (r < 0)
                return r;
        return argument_text(op->message, "reason", TEXT_MAX, &args->reason, detail);
}

int run_retire_machine_state(Operation *op, ErrorDetail *detail) {
        const RetireArgs *args = op->args;
        Reply reply = { .done = operation_done, .userdata = op };

        return service_retire_machine_state(op->bus->service, &op->caller, args->id, args->reason,
                                            reply, detail);
}
