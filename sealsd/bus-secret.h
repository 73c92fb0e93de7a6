/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets that come through pipes: read from the event loop, never blocking, within 2 s and
 * SECRET_MAX bytes each (design, section 5.6).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/secret.h"

#define SECRET_PIPES_MAX 4 /* secrets of one call */

typedef struct SecretPipe {
        const char *option; /* its name, static */
        int fd;             /* borrowed */
        Secret *target;     /* borrowed */
} SecretPipe;

typedef struct SecretPipes {
        size_t count;
        SecretPipe pipes[SECRET_PIPES_MAX];
} SecretPipes;

typedef struct SecretReader SecretReader;

/* A pipe or FIFO that can be read from. */
bool secret_fd_is_pipe(int fd);

/*
 * Read all of them into their targets, then call done, once, from the event loop: 0,
 * SEAL_E_LIMITS_EXCEEDED, SEAL_E_TIMEOUT when a writer did not close its end in time, or a negative
 * errno. done may free the reader; freed earlier, it does not call done.
 */
int secret_reader_new(SecretReader **ret, sd_event *event, const SecretPipes *pipes,
                      void (*done)(void *userdata, int code, const ErrorDetail *detail),
                      void *userdata);
SecretReader *secret_reader_free(SecretReader *reader);
DEFINE_CLEANUP(SecretReader, secret_reader_free)
