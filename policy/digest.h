/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 over bytes or over what a Writer holds: the one hash of every policy, Name and cpHash
 * here. A TPM2B whose size exceeds its array counts as overflow of the writer. The functions below
 * return -EINVAL after overflow, and -ENOMEM or -EIO when libcrypto fails. Also the comparison of
 * Names.
 */
#pragma once

#include <stdbool.h>

#include <tss2/tss2_tpm2_types.h>

#include "base/bytes.h"

bool name_equal(const TPM2B_NAME *a, const TPM2B_NAME *b);

/* The bytes without the size field, as Names and digests enter hashes. */
void writer_put_digest(Writer *writer, const TPM2B_DIGEST *digest);
void writer_put_name(Writer *writer, const TPM2B_NAME *name);

int digest_bytes(Bytes bytes, TPM2B_DIGEST *ret);
int digest_written(const Writer *writer, TPM2B_DIGEST *ret);

/* Bytes of a SHA-256, SHA-384 or SHA-512 digest; 0 for another hash. */
size_t hash_size(TPMI_ALG_HASH hash);

/* A Name: nameAlg SHA-256 ‖ SHA-256 of what was written (Part 1 §16). */
int name_written(const Writer *writer, TPM2B_NAME *ret);
