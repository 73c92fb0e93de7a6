/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policyRef values: SHA-256("sealsd/KIND/NAME"), so that no signature serves for two purposes
 * (design, section 3).
 */
#pragma once

#include <stdint.h>

#include <tss2/tss2_tpm2_types.h>

typedef enum RefKind {
        REF_PROFILE,          /* NAME: the profile's name */
        REF_SEAL,             /* NAME: the seal's number */
        REF_BACKUP,           /* NAME: the profile's name */
        REF_BACKUP_SEAL,      /* NAME: the seal's number */
        REF_REVOCATION_INDEX, /* NAME: the handle as 8 hex digits, lower case */
        REF_LEDGER_INDEX,     /* likewise */
        REF_STATE_INDEX,      /* likewise */
} RefKind;

int policy_ref(RefKind kind, const char *name, TPM2B_DIGEST *ret);
int policy_ref_handle(RefKind kind, TPM2_HANDLE handle, TPM2B_DIGEST *ret);
