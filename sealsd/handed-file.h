/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that somebody hands over with a call, in the message or through a descriptor: a regular
 * file or a memfd (design, section 5.6). What stands in a file is read on another thread than the
 * one that answers calls, since nobody knows how long its file system takes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"

typedef struct HandedFile {
        bool given;
        bool by_fd;
        Bytes bytes; /* where it came in the message */
        int fd;      /* where it did not */
} HandedFile;

/*
 * Whether a descriptor can be read: open for reading, of a regular file of 1 to max bytes, and none
 * that a program of the user serves (FUSE). SEAL_E_INVALID_ARGS, SEAL_E_LIMITS_EXCEEDED.
 */
int handed_file_check(int fd, size_t max, ErrorDetail *detail);

/* The same with bytes and descriptor of its own; *ret is freed with handed_file_done(). */
int handed_file_copy(const HandedFile *file, HandedFile *ret);
void handed_file_done(HandedFile *file);

/*
 * All of it, at most max bytes, into malloc'ed *ret; may block. SEAL_E_LIMITS_EXCEEDED, and
 * SEAL_E_INVALID_ARGS where the file cannot be read.
 */
int handed_file_read(const HandedFile *file, size_t max, uint8_t **ret, size_t *ret_size,
                     ErrorDetail *detail);
