/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files in and out, bounded and at once; "-" is standard input or output. */
#pragma once

#include <stdbool.h>
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

/*
 * Replace path in one step (a temporary file beside it, fsync, rename); through a symbolic link the
 * file that it names. What is there and is no regular file (a device, a FIFO) is written into.
 */
int file_write(const Context *context, const char *path, mode_t mode, Bytes data);

/* Can file_write make or write path? Found out beforehand; the exit code of its failure. */
int file_write_check(const Context *context, const char *path);

/* Do both paths name the same file ("-": standard input as a)? Terminals and /dev/null never do. */
bool file_is_same(const char *a, const char *b);

/* Create path; EXIT_WRONG_STATE when it exists. */
int file_create(const Context *context, const char *path, mode_t mode, Bytes data);

/* Hashes of a file, read once; at most VERIFY_HASHES_MAX. */
int file_hashes(const Context *context, const char *path, const EVP_MD *const *mds, size_t count,
                uint8_t (*ret)[EVP_MAX_MD_SIZE], size_t *ret_sizes);

/* The hash of prefix ‖ file. ret has EVP_MAX_MD_SIZE bytes. */
int file_hash(const Context *context, const char *path, const EVP_MD *md, Bytes prefix,
              uint8_t *ret, size_t *ret_size);
