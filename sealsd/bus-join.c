/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/bus-join.h"

#include <stdint.h>
#include <string.h>

typedef union Basic {
        const char *text;
        uint8_t bytes[sizeof(uint64_t)];
} Basic;

static bool basic_equal(sd_bus_message *a, sd_bus_message *b, char type) {
        Basic x = {}, y = {};

        if (type == SD_BUS_TYPE_UNIX_FD || sd_bus_message_read_basic(a, type, &x) <= 0 ||
            sd_bus_message_read_basic(b, type, &y) <= 0)
                return false;
        if (strchr("sog", type))
                return strcmp(x.text, y.text) == 0;
        return memcmp(x.bytes, y.bytes, sizeof(x.bytes)) == 0;
}

static bool values_equal(sd_bus_message *a, sd_bus_message *b);

static bool container_equal(sd_bus_message *a, sd_bus_message *b, char type, const char *contents) {
        return sd_bus_message_enter_container(a, type, contents) > 0 &&
               sd_bus_message_enter_container(b, type, contents) > 0 && values_equal(a, b) &&
               sd_bus_message_exit_container(a) >= 0 && sd_bus_message_exit_container(b) >= 0;
}

/* What is left of the container that both are in. */
static bool values_equal(sd_bus_message *a, sd_bus_message *b) {
        const char *in_a, *in_b;
        char type_a, type_b;

        for (;;) {
                int more = sd_bus_message_peek_type(a, &type_a, &in_a);

                if (more < 0 || sd_bus_message_peek_type(b, &type_b, &in_b) != more)
                        return false;
                if (more == 0)
                        return true;
                if (type_a != type_b || !in_a != !in_b || (in_a && strcmp(in_a, in_b) != 0))
                        return false;
                if (in_a ? !container_equal(a, b, type_a, in_a) : !basic_equal(a, b, type_a))
                        return false;
        }
}

bool arguments_equal(sd_bus_message *a, sd_bus_message *b) {
        return strcmp(sd_bus_message_get_signature(a, true),
                      sd_bus_message_get_signature(b, true)) == 0 &&
               sd_bus_message_rewind(a, true) >= 0 && sd_bus_message_rewind(b, true) >= 0 &&
               values_equal(a, b);
}

bool operation_join(Operation *op) {
        const char *path = sd_bus_message_get_path(op->message);

        for (Operation *o = op->bus->operations; o; o = o->next) {
                if (o == op || !o->running || o->leader || o->method != op->method ||
                    o->caller.uid != op->caller.uid ||
                    strcmp(sd_bus_message_get_path(o->message), path) != 0 ||
                    !arguments_equal(o->message, op->message))
                        continue;
                op->leader = o;
                return true;
        }
        return false;
}
