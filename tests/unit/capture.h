/* SPDX-License-Identifier: Apache-2.0 */
/* What a test's code writes to standard error, which is a file meanwhile. */
#pragma once

#include <stdio.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#define CAPTURE_MAX (64 * 1024)

typedef struct Capture {
        FILE *file;
        int before;
        char text[CAPTURE_MAX];
} Capture;

static inline void capture_begin(Capture *capture) {
        capture->file = tmpfile();
        assert_non_null(capture->file);
        capture->before = dup(STDERR_FILENO);
        assert_true(capture->before >= 0);
        assert_true(dup2(fileno(capture->file), STDERR_FILENO) >= 0);
}

/* The capture's until the next capture_begin. */
static inline const char *capture_end(Capture *capture) {
        assert_true(dup2(capture->before, STDERR_FILENO) >= 0);
        (void) close(capture->before);
        rewind(capture->file);
        size_t size = fread(capture->text, 1, sizeof(capture->text) - 1, capture->file);
        capture->text[size] = '\0';
        (void) fclose(capture->file);
        return capture->text;
}
