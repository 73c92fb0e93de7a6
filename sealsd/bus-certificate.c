/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/bus-certificate.h"

#include "sealsd/bus-options.h"

int parse_chain(Operation *op, ErrorDetail *detail) {
        ChainArgs *args = op->args;

        int r = sd_bus_message_enter_container(op->message, 'a', "ay");
        while (r >= 0 && (r = sd_bus_message_at_end(op->message, false)) == 0) {
                if (args->count == CERTIFICATE_CHAIN_MAX)
                        return option_too_large(detail, "chain", CERTIFICATE_CHAIN_MAX,
                                                "certificates");
                r = argument_bytes(op->message, "chain", CERTIFICATE_MAX,
                                   &args->items[args->count++], detail);
                if (r != 0)
                        return r;
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(op->message);
        return r < 0 ? r : 0;
}

int append_chain(sd_bus_message *m, const Bytes *items, size_t count) {
        int r = sd_bus_message_open_container(m, 'a', "ay");

        for (size_t i = 0; r >= 0 && i < count; i++)
                r = sd_bus_message_append_array(m, 'y', items[i].data, items[i].size);
        return r < 0 ? r : sd_bus_message_close_container(m);
}
