/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/bus-filter.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "sealsd/bus-internal.h"
#include "sealsd/bus-options.h"

static int refuse(sd_bus_message *m, int code) {
        return sd_bus_reply_method_errorf(m, error_name(code), "%s", error_text(code));
}

/* The characters of interfaces and members (D-Bus specification, "Valid Names"). */
static bool name_is_plain(const char *name) {
        static const char plain[] =
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.";
        size_t size = strnlen(name, BUS_NAME_MAX + 1);

        return size <= BUS_NAME_MAX && strspn(name, plain) == size;
}

/* Interface and property, which Get, GetAll and Set begin with. */
static int check_names(sd_bus_message *m) {
        const char *name, *contents;
        bool plain = true;
        char type;

        while (plain && sd_bus_message_peek_type(m, &type, &contents) > 0 &&
               type == SD_BUS_TYPE_STRING) {
                int r = sd_bus_message_read_basic(m, 's', &name);
                if (r == -EBADMSG)
                        return SEAL_E_INVALID_ARGS;
                if (r < 0)
                        return r;
                plain = name_is_plain(name);
        }
        int r = sd_result(sd_bus_message_rewind(m, true));
        return r < 0 || plain ? r : SEAL_E_INVALID_ARGS;
}

static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        const char *path = sd_bus_message_get_path(m);
        int r = 0;

        (void) userdata;
        (void) ret_error;
        if (!sd_bus_message_is_method_call(m, NULL, NULL))
                return 0;
        if (path && strnlen(path, BUS_NAME_MAX + 1) > BUS_NAME_MAX)
                r = SEAL_E_UNKNOWN_OBJECT;
        else if (sd_bus_message_is_method_call(m, PROPERTIES_INTERFACE, NULL))
                r = check_names(m);
        return r > 0 ? refuse(m, r) : r;
}

int filter_register(Bus *bus) {
        return sd_bus_add_filter(bus->connection, NULL, on_message, bus);
}
