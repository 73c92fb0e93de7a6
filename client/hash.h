/* SPDX-License-Identifier: Apache-2.0 */
/* The document hashes that a seal signs with, by their names on the bus and for openssl. */
#pragma once

#include <openssl/evp.h>

#include "client/context.h"

/* sha256 (also for NULL), sha384, sha512; EXIT_USAGE for others. */
int hash_find(const Context *context, const char *name, const EVP_MD **ret);

/* The name as --hash and `openssl dgst -NAME` take it. */
const char *hash_name(const EVP_MD *md);
