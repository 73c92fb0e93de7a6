/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The authPolicy of the register key (design, section 3): PolicyAuthorize(authority, profile), so
 * that what approves a machine state for the profile's seals opens the register too.
 */
#pragma once

#include <tss2/tss2_tpm2_types.h>

#include "policy/term.h"

/* The terms to apply to a session after the approved PolicyPCR. -EINVAL without a profile. */
int register_policy_leaf(const TPM2B_NAME *authority, const char *profile, PolicyLeaf *ret);

int register_policy_digest(const TPM2B_NAME *authority, const char *profile, TPM2B_DIGEST *ret);
