/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chip's command audit (Part 1 §33, Part 3 §21) in software: what TPM2_Sign adds to its digest.
 * SHA-256; -EINVAL for what cannot be marshalled, and the errors of policy/digest.h.
 */
#pragma once

#include <tss2/tss2_tpm2_types.h>

/* rpHash of a good answer to TPM2_Sign: responseCode ‖ commandCode ‖ signature (Part 1 §18.8). */
int rphash_sign(const TPMT_SIGNATURE *signature, TPM2B_DIGEST *ret);

/* value = SHA-256(value ‖ cpHash ‖ rpHash); it begins with 32 zero bytes. */
int command_audit_extend(TPM2B_DIGEST *value, const TPM2B_DIGEST *cphash,
                         const TPM2B_DIGEST *rphash);
