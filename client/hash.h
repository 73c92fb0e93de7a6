/* SPDX-License-Identifier: Apache-2.0 */
/* The document hashes that a seal signs with, by their names on the bus and for openssl. */
#pragma once

#include <openssl/evp.h>

#include "client/context.h"
#include "policy/algorithm.h"

/*
 * What a key of this algorithm signs with: the hash named, or the algorithm's own where name is
 * NULL; the scheme (may be NULL) is checked too. EXIT_USAGE says what goes with the algorithm.
 */
int hash_choose(const Context *context, const Algorithm *algorithm, const char *name,
                const char *scheme, const EVP_MD **ret);

/* Is the name a hash at all? EXIT_USAGE if not; NULL is. Needs no seal. */
int hash_check(const Context *context, const char *name);

/* NULL for a name that is none. */
const EVP_MD *hash_md(const char *name);

/* The name as --hash and `openssl dgst -NAME` take it. */
const char *hash_name(const EVP_MD *md);
