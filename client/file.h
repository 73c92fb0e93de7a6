/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files in and out, bounded and at once; "-" is standard input or output. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <openssl/evp.h>

#include "base/bytes.h"
#include "client/context.h"

/*
 * Read at most max bytes, one zero byte behind them; a larger file fails. *ret is owned by the
 * caller and may hold a secret: free it with file_data_free.
 */
int file_read(const Context *context, const char *path, size_t max, uint8_t **ret,
              size_t *ret_size);

/* Wipe and free. */
void file_data_free(uint8_t *data, size_t size);

/* Replace path in one step (a temporary file beside it, fsync, rename). */
int file_write(const Context *context, const char *path, mode_t mode, Bytes data);

/* Create path; EXIT_WRONG_STATE when it exists. */
int file_create(const Context *context, const char *path, mode_t mode, Bytes data);

/* The hash of prefix ‖ file. ret has EVP_MAX_MD_SIZE bytes. */
int file_hash(const Context *context, const char *path, const EVP_MD *md, Bytes prefix,
              uint8_t *ret, size_t *ret_size);
