/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets from terminal or file, to the daemon in a sealed memfd: never on a command line. */
#pragma once

#include "base/secret.h"
#include "client/context.h"

/*
 * The first line of a file ("-": standard input), or with file NULL what is typed at the terminal
 * without echo, twice when it is a new one. An empty passphrase is refused.
 */
int passphrase_get(const Context *context, const char *file, const char *prompt, bool new_one,
                   Secret *ret);

/* The first line of a file; may be empty. */
int secret_file_read(const Context *context, const char *file, Secret *ret);

/* A memfd that holds the secret and can no more be changed; the caller closes it. */
int secret_to_memfd(const Context *context, const Secret *secret, int *ret_fd);
