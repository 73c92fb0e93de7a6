/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which rules polkit goes by: one SHA-256 over the names and the contents of all its rules files,
 * in the order in which it reads them (polkit(8)).
 */
#pragma once

#include <stddef.h>

#include <tss2/tss2_tpm2_types.h>

typedef struct RulesDigest {
        TPM2B_DIGEST digest; /* of what could be read */
        size_t files;
        size_t unreadable; /* files and folders that were there and could not be read */
} RulesDigest;

/* -ENOMEM, -EIO. */
int rules_digest(RulesDigest *ret);

/* The same of other folders, NULL-terminated; of two files of one name the first counts. */
int rules_digest_of(const char *const *folders, RulesDigest *ret);
