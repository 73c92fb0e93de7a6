/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that wipe themselves: passphrases, authorisation values, PINs. Never logged, never part of
 * an error text, compared in constant time. Zero-initialise and give a cleanup attribute:
 * `_cleanup_(secret_wipe) Secret s = {};`
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

typedef struct Secret {
        size_t size; /* 0 is the empty secret */
        bool set;    /* false: none was given, which is not the same as an empty one */
        uint8_t data[SECRET_MAX];
} Secret;

void secret_wipe(Secret *secret);

/* Copies. Returns SEAL_E_LIMITS_EXCEEDED beyond SECRET_MAX. */
int secret_set(Secret *secret, const void *data, size_t size);

/* Fill with size (at most SECRET_MAX) random bytes. Returns -EIO when the generator fails. */
int secret_random(Secret *secret, size_t size);

/* In constant time for equal sizes; an unset secret equals nothing. */
bool secret_equal(const Secret *a, const Secret *b);

/*
 * Add to what is there already. Returns SEAL_E_LIMITS_EXCEEDED, and leaves the secret, beyond
 * SECRET_MAX.
 */
int secret_append(Secret *secret, const void *data, size_t size);

/*
 * Read a memfd that a client passed: sealed against writing, growing and shrinking
 * (memfd_create(2)), at most SECRET_MAX bytes. Never blocks; the descriptor stays the caller's.
 * Returns SEAL_E_INVALID_ARGS for any other descriptor, SEAL_E_LIMITS_EXCEEDED, or a negative
 * errno.
 */
int secret_read_memfd(Secret *secret, int fd);
