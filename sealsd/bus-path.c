/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/bus-path.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID_DIGITS_MAX 19 /* of 2^63 - 1 */
#define NUMBER_ALPHABET "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

bool number_is_valid(const char *number) {
        size_t size = strnlen(number, NUMBER_MAX + 1);

        return size >= 1 && size <= NUMBER_MAX && strspn(number, NUMBER_ALPHABET) == size;
}

bool request_id_parse(const char *text, uint64_t *ret) {
        size_t size = strnlen(text, ID_DIGITS_MAX + 1);

        if (size < 1 || size > ID_DIGITS_MAX || text[0] == '0' ||
            strspn(text, "0123456789") != size)
                return false;
        uint64_t id = strtoull(text, NULL, 10); /* as many digits do not overflow it */
        if (id > INT64_MAX)
                return false;
        *ret = id;
        return true;
}

const char *seal_path(const char *number, char ret[static OBJECT_PATH_MAX]) {
        (void) snprintf(ret, OBJECT_PATH_MAX, SEAL_ROOT "/%s", number);
        return ret;
}

const char *request_path(uint64_t id, char ret[static OBJECT_PATH_MAX]) {
        (void) snprintf(ret, OBJECT_PATH_MAX, REQUEST_ROOT "/%" PRIu64, id);
        return ret;
}

static const char *after_prefix(const char *text, const char *prefix) {
        size_t size = strlen(prefix);

        return strncmp(text, prefix, size) == 0 ? text + size : NULL;
}

const char *seal_path_number(const char *path) {
        const char *number = after_prefix(path, SEAL_ROOT "/");

        return number && number_is_valid(number) ? number : NULL;
}

bool request_path_id(const char *path, uint64_t *ret) {
        const char *id = after_prefix(path, REQUEST_ROOT "/");

        return id && request_id_parse(id, ret);
}

const char *object_path(const char *object, char ret[static OBJECT_PATH_MAX]) {
        const char *number = after_prefix(object, "seal/");
        const char *id = after_prefix(object, "request/");
        uint64_t request;

        if (number && number_is_valid(number))
                return seal_path(number, ret);
        if (id && request_id_parse(id, &request))
                return request_path(request, ret);
        return strcpy(ret, MANAGER_PATH);
}
