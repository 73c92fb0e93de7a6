/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Revocation lists as files for others to fetch, one for each maker: maker-ALGORITHM.crl, DER,
 * which everybody may read. A reader finds the old one or the new one whole.
 */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"
#include "base/error.h"

/* Is it there as it should be? Whatever the reason, if not. */
bool list_file_is(const char *directory, const char *algorithm, Bytes der);

/*
 * Write it, and make the folder where only that is missing. SEAL_E_STORAGE_FAILURE with path and
 * reason; then what was there before still is.
 */
int list_file_write(const char *directory, const char *algorithm, Bytes der, ErrorDetail *detail);
