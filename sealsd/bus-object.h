/* SPDX-License-Identifier: Apache-2.0 */
/* What the objects of seals and requests share: properties by a table, and lists of children. */
#pragma once

#include <stddef.h>
#include <stdlib.h>

#include <systemd/sd-bus.h>

typedef enum FieldType {
        FIELD_TEXT, /* char array as s */
        FIELD_TIME, /* uint64_t as t; also counts */
        FIELD_CUSTOM,
} FieldType;

/* A property and where it stands in the object's structure. */
typedef struct Field {
        const char *property;
        FieldType type;
        size_t offset;
        int (*append)(sd_bus_message *m, const void *view);
} Field;

/* Append property of object; custom fields are given view. Negative errno. */
int fields_append(sd_bus_message *m, const Field *fields, size_t count, const char *property,
                  const void *object, const void *view);

/* Set the error that a code of the service stands for, for a property, a find or a list. */
int object_error(sd_bus_error *ret_error, int code);

/* NULL-terminated object paths, for a node enumerator: `_cleanup_(paths_freep) char **paths`. */
static inline void paths_freep(char ***paths) {
        for (char **path = *paths; path && *path; path++)
                free(*path);
        free(*paths);
}
