/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/bus-object.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"

static int field_append(sd_bus_message *m, const Field *field, const void *object,
                        const void *view) {
        const uint8_t *value = (const uint8_t *) object + field->offset;

        switch (field->type) {
        case FIELD_TEXT:
                return sd_bus_message_append_basic(m, 's', value);
        case FIELD_TIME:
                return sd_bus_message_append_basic(m, 't', value);
        case FIELD_CUSTOM:
                break;
        }
        return field->append(m, view);
}

int fields_append(sd_bus_message *m, const Field *fields, size_t count, const char *property,
                  const void *object, const void *view) {
        for (size_t i = 0; i < count; i++)
                if (strcmp(fields[i].property, property) == 0)
                        return field_append(m, &fields[i], object, view);
        return -ENOENT;
}

int object_error(sd_bus_error *ret_error, int code) {
        if (code < 0)
                return sd_bus_error_set_errno(ret_error, code);
        return sd_bus_error_set(ret_error, error_name(code), error_text(code));
}
