/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

typedef struct Condition {
        const char *name;
        const char *text;
} Condition;

static const Condition conditions[SEAL_CODE_MAX] = {
#define ERROR(code, dbus_name, sentence) \
        [SEAL_E_##code] = { .name = (dbus_name), .text = (sentence) },
#include "base/error.def"
#undef ERROR
};

static const Condition *condition_find(int code) {
        if (code <= 0 || code >= SEAL_CODE_MAX)
                return NULL;
        return &conditions[code];
}

const char *error_name(int code) {
        const Condition *c = condition_find(code);

        return c ? c->name : "org.freedesktop.DBus.Error.Failed";
}

int error_from_name(const char *name) {
        for (int i = 1; i < SEAL_CODE_MAX; i++)
                if (strcmp(conditions[i].name, name) == 0)
                        return i;
        return 0;
}

const char *error_text(int code) {
        const Condition *c = condition_find(code);

        if (c)
                return c->text;
        return code < 0 ? strerror(-code) : "No error";
}

const char *error_describe(int code, const ErrorDetail *detail) {
        return detail && detail->text[0] != '\0' ? detail->text : error_text(code);
}

int error_set(ErrorDetail *detail, int code, const char *format, ...) {
        va_list ap;

        if (!detail)
                return code;
        va_start(ap, format);
        (void) vsnprintf(detail->text, sizeof(detail->text), format, ap);
        va_end(ap);
        text_end_whole(detail->text);
        text_repair(detail->text); /* libraries quote what they choke on */
        return code;
}
