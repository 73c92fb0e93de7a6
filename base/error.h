/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions: what can go wrong that a caller is told about.
 *
 * Two channels. A negative errno is unexpected and is forwarded unchanged; a positive SEAL_E_… is a
 * condition of base/error.def that the function's header lists. Functions that find a condition and
 * know more than its name fill an ErrorDetail, always as their last argument; it may be NULL.
 */
#pragma once

#include <stdbool.h>

#include "base/limits.h"

typedef enum SealCode {
        SEAL_OK = 0,
#define ERROR(code, name, text) SEAL_E_##code,
#include "base/error.def"
#undef ERROR
        SEAL_CODE_MAX,
} SealCode;

/* One sentence about a condition, UTF-8, without secrets. Zero-initialise: `ErrorDetail e = {};` */
typedef struct ErrorDetail {
        char text[ERROR_TEXT_MAX];
} ErrorDetail;

/* The D-Bus error name of a condition; of any other number, "…Error.Failed". Never NULL. */
const char *error_name(int code);

/* The condition of a D-Bus error name, 0 when it is none of ours. */
int error_from_name(const char *name);

/* The table's sentence for a condition, or strerror's for a negative errno. Never NULL. */
const char *error_text(int code);

/* The detail's sentence when it has one, else error_text(). */
const char *error_describe(int code, const ErrorDetail *detail);

/*
 * Write the sentence, cut at ERROR_TEXT_MAX between two characters, '?' in place of bytes that are
 * not UTF-8, and return code, so that `return error_set(…)` reads.
 */
int error_set(ErrorDetail *detail, int code, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
