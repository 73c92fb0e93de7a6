/* SPDX-License-Identifier: Apache-2.0 */
#include "client/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

/* Write one character, or the escape of one; returns how many bytes of input were used. */
static size_t escape_one(const char *p, size_t size, FILE *out) {
        uint32_t c;
        size_t length = char_decode(p, size, &c);

        if (length == 0) {
                fprintf(out, "\\x%02x", (unsigned char) *p);
                return 1;
        }
        if (char_misleads(c))
                fprintf(out, "\\u%04x", c);
        else
                fwrite(p, 1, length, out);
        return length;
}

char *text_escape(const char *text) {
        char *escaped = NULL;
        size_t size;

        FILE *out = open_memstream(&escaped, &size);
        if (!out)
                return NULL;
        for (size_t left = strlen(text), used; left > 0; text += used, left -= used)
                used = escape_one(text, left, out);
        if (fclose(out) != 0) {
                free(escaped);
                return NULL;
        }
        return escaped;
}

bool subject_complete(const char *text, char ret[static SUBJECT_MAX + 1]) {
        const char *prefix = strchr(text, ':') ? "" : "user:";

        if (prefix[0] == '\0' && strncmp(text, "user:", 5) != 0 && strncmp(text, "group:", 6) != 0)
                return false;
        int n = snprintf(ret, SUBJECT_MAX + 1, "%s%s", prefix, text);
        return text[0] != '\0' && n > 0 && n <= SUBJECT_MAX;
}

static bool path_parse(const char *text, const char *prefix, const char *alphabet, size_t max,
                       char ret[static PATH_SIZE]) {
        if (strncmp(text, prefix, strlen(prefix)) == 0)
                text += strlen(prefix);
        size_t size = strlen(text);
        if (size == 0 || size > max || strspn(text, alphabet) != size)
                return false;
        (void) snprintf(ret, PATH_SIZE, "%s%.*s", prefix, (int) max, text);
        return true;
}

bool seal_path_parse(const char *text, char ret[static PATH_SIZE]) {
        return path_parse(text, SEAL_PATH, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", NUMBER_MAX, ret);
}

bool request_path_parse(const char *text, char ret[static PATH_SIZE]) {
        return path_parse(text, REQUEST_PATH, "0123456789", 20, ret);
}

const char *path_last(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

bool count_parse(const char *text, uint64_t *ret) {
        if (text[0] == '\0' || strspn(text, "0123456789") != strlen(text))
                return false;
        errno = 0;
        uint64_t value = strtoull(text, NULL, 10);
        if (errno != 0)
                return false;
        *ret = value;
        return true;
}

bool duration_parse(const char *text, uint64_t *ret_usec) {
        const char *unit = text + strspn(text, "0123456789");

        if (unit == text || unit - text > 5 || strcmp(unit, "d") != 0)
                return false;
        *ret_usec = strtoull(text, NULL, 10) * USEC_PER_DAY;
        return true;
}
