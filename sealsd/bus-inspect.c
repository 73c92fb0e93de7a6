/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/bus-inspect.h"

#include "sealsd/inspection.h"

/* number or "", severity, code, text */
static int append_findings(sd_bus_message *m, const void *result) {
        const InspectReport *report = result;

        int r = sd_bus_message_open_container(m, 'a', "(ssss)");
        for (size_t i = 0; r >= 0 && i < report->count; i++) {
                const Finding *finding = &report->findings[i];

                r = sd_bus_message_append(m, "(ssss)", finding->number,
                                          severity_name(finding_severity(finding->code)),
                                          finding_name(finding->code), finding->text);
        }
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static void inspected(void *userdata, int code, const ErrorDetail *detail, const void *result) {
        operation_answer(userdata, code, detail, append_findings, result);
}

int run_inspect(Operation *op, ErrorDetail *detail) {
        Reply reply = { .done = inspected, .userdata = op };

        return service_inspect(op->bus->service, &op->caller, reply, detail);
}

int run_seal_inspect(Operation *op, ErrorDetail *detail) {
        Reply reply = { .done = inspected, .userdata = op };

        return service_seal_inspect(op->bus->service, &op->caller, op->number, reply, detail);
}
