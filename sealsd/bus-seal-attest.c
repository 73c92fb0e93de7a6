/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/bus-seal-attest.h"

#include "sealsd/bus-options.h"
#include "sealsd/service-attest.h"

int parse_attest(Operation *op, ErrorDetail *detail) {
        return argument_bytes(op->message, "nonce", PASSPORT_NONCE_MAX, op->args, detail);
}

static int append_passport(sd_bus_message *m, const void *result) {
        const Bytes *file = result;

        return sd_bus_message_append_array(m, 'y', file->data, file->size);
}

static void seal_attested(void *userdata, int code, const ErrorDetail *detail, const void *result) {
        operation_answer(userdata, code, detail, append_passport, result);
}

int run_attest(Operation *op, ErrorDetail *detail) {
        const Bytes *nonce = op->args;

        return service_seal_attest(op->bus->service, &op->caller, op->number, *nonce,
                                   (Reply){ .done = seal_attested, .userdata = op }, detail);
}
