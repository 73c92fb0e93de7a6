/* SPDX-License-Identifier: Apache-2.0 */
#include "client/bus-value.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"

static int value_read(sd_bus_message *m, json_t **ret);

static int integer_read(sd_bus_message *m, char type, json_t **ret) {
        union {
                uint8_t y;
                uint16_t q;
                int16_t n;
                uint32_t u;
                int32_t i;
                uint64_t t;
                int64_t x;
        } v = {};

        int r = sd_bus_message_read_basic(m, type, &v);
        if (r < 0)
                return r;
        int64_t value = 0;
        switch (type) {
        case 'y':
                value = v.y;
                break;
        case 'q':
                value = v.q;
                break;
        case 'n':
                value = v.n;
                break;
        case 'u':
                value = v.u;
                break;
        case 'i':
                value = v.i;
                break;
        case 't': /* JSON integers here are signed */
                value = v.t > INT64_MAX ? INT64_MAX : (int64_t) v.t;
                break;
        case 'x':
                value = v.x;
                break;
        }
        *ret = json_integer(value);
        return *ret ? 0 : -ENOMEM;
}

static int basic_read(sd_bus_message *m, char type, json_t **ret) {
        const char *text = NULL;
        int flag = 0, r;

        if (strchr("yqnuixt", type))
                return integer_read(m, type, ret);
        if (type == 'b') {
                r = sd_bus_message_read_basic(m, type, &flag);
                *ret = json_boolean(flag);
                return r < 0 ? r : 0;
        }
        if (!strchr("sog", type)) /* no double or descriptor is ever sent to us */
                return -EBADMSG;
        r = sd_bus_message_read_basic(m, type, &text);
        if (r < 0)
                return r;
        *ret = json_string(text);
        return *ret ? 0 : -EBADMSG;
}

static int bytes_read(sd_bus_message *m, json_t **ret) {
        const void *data;
        size_t size;

        int r = sd_bus_message_read_array(m, 'y', &data, &size);
        if (r < 0)
                return r;
        _cleanup_free_ char *hex = malloc(2 * size + 1);
        *ret = hex ? json_string(hex_encode(data, size, hex)) : NULL;
        return *ret ? 0 : -ENOMEM;
}

/* Values up to the end of the container or the body, into an array. */
static int values_read(sd_bus_message *m, json_t *array) {
        int r;

        while ((r = sd_bus_message_at_end(m, false)) == 0) {
                json_t *value = NULL;
                r = value_read(m, &value);
                if (r == 0 && json_array_append_new(array, value) < 0)
                        r = -ENOMEM;
                if (r < 0)
                        return r;
        }
        return r < 0 ? r : 0;
}

static int dictionary_read(sd_bus_message *m, const char *entry, json_t *object) {
        char contents[64];
        int r;

        if (strlen(entry) - 2 >= sizeof(contents))
                return -EBADMSG;
        *(char *) mempcpy(contents, entry + 1, strlen(entry) - 2) = '\0'; /* without { and } */
        while ((r = sd_bus_message_enter_container(m, 'e', contents)) > 0) {
                const char *key;
                json_t *value = NULL;

                r = sd_bus_message_read_basic(m, 's', &key);
                if (r >= 0)
                        r = value_read(m, &value);
                if (r >= 0 && json_object_set_new(object, key, value) < 0)
                        r = -EBADMSG;
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }
        return r;
}

static int container_read(sd_bus_message *m, char type, const char *contents, json_t **ret) {
        const bool dictionary = type == 'a' && contents[0] == '{';

        if (type == 'a' && strcmp(contents, "y") == 0)
                return bytes_read(m, ret);
        int r = sd_bus_message_enter_container(m, type, contents);
        if (r < 0)
                return r;
        json_t *value = NULL;
        if (type == 'v') {
                r = value_read(m, &value);
        } else {
                value = dictionary ? json_object() : json_array();
                r = dictionary ? dictionary_read(m, contents, value) : values_read(m, value);
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0) {
                json_decref(value);
                return r;
        }
        *ret = value;
        return 0;
}

static int value_read(sd_bus_message *m, json_t **ret) {
        const char *contents = NULL;
        char type;

        int r = sd_bus_message_peek_type(m, &type, &contents);
        if (r < 0)
                return r;
        if (contents)
                return container_read(m, type, contents, ret);
        return basic_read(m, type, ret);
}

int message_to_json(sd_bus_message *m, json_t **ret) {
        json_t *values = json_array();

        int r = values ? values_read(m, values) : -ENOMEM;
        if (r < 0) {
                json_decref(values);
                return r;
        }
        if (json_array_size(values) > 1) {
                *ret = values;
                return 0;
        }
        json_t *only = json_array_get(values, 0);
        *ret = only ? json_incref(only) : json_null();
        json_decref(values);
        return 0;
}
