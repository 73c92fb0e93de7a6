/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/bus-seal-life.h"

#include "sealsd/bus-method.h"
#include "sealsd/bus-options.h"
#include "sealsd/bus-path.h"

/* --- applications about it -------------------------------------------------------------------- */

int parse_seal_apply(Operation *op, ErrorDetail *detail) {
        return change_read_call(op, op->args, detail);
}

int run_seal_apply(Operation *op, ErrorDetail *detail) {
        const ChangeArgs *args = op->args;
        const ChangeOptions options = {
                .kind = args->kind,
                .change = &args->change,
                .picture = &args->picture,
                .reason = args->reason,
        };

        return service_seal_apply(op->bus->service, &op->caller, op->number, &options,
                                  (Reply){ .done = request_applied, .userdata = op }, detail);
}

/* --- acts ------------------------------------------------------------------------------------- */

static int act(Operation *op,
               int (*service)(Service *, const Caller *, const char *, const char *, ErrorDetail *),
               ErrorDetail *detail) {
        const char *reason = *(const char **) op->args;

        int r = service(op->bus->service, &op->caller, op->number, reason, detail);
        if (r == 0)
                operation_return(op, NULL);
        return r;
}

int run_suspend(Operation *op, ErrorDetail *detail) {
        return act(op, service_seal_suspend, detail);
}

int run_resume(Operation *op, ErrorDetail *detail) {
        return act(op, service_seal_resume, detail);
}

int run_report_lost(Operation *op, ErrorDetail *detail) {
        return act(op, service_seal_report_lost, detail);
}

int run_report_found(Operation *op, ErrorDetail *detail) {
        return act(op, service_seal_report_found, detail);
}

int run_surrender(Operation *op, ErrorDetail *detail) {
        return act(op, service_seal_surrender, detail);
}

int run_revoke(Operation *op, ErrorDetail *detail) {
        Reply reply = { .done = operation_done, .userdata = op };
        const char *reason = *(const char **) op->args;

        return service_seal_revoke(op->bus->service, &op->caller, op->number, reason, reply,
                                   detail);
}

int run_destroy(Operation *op, ErrorDetail *detail) {
        Reply reply = { .done = operation_done, .userdata = op };
        const char *reason = *(const char **) op->args;

        return service_seal_destroy(op->bus->service, &op->caller, op->number, reason, reply,
                                    detail);
}

/* --- the past --------------------------------------------------------------------------------- */

int parse_state_at(Operation *op, ErrorDetail *detail) {
        uint64_t *time = op->args;

        int r = sd_bus_message_read_basic(op->message, 't', time);
        if (r < 0)
                return r;
        return *time > INT64_MAX ? option_invalid(detail, "time", "at most 2^63 - 1") : 0;
}

int run_state_at(Operation *op, ErrorDetail *detail) {
        const uint64_t *time = op->args;
        char state[STATE_TEXT_MAX];

        int r = service_seal_state_at(op->bus->service, &op->caller, op->number, *time, state,
                                      detail);
        if (r == 0)
                operation_return(op, "s", state);
        return r;
}
