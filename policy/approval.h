/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exact bytes that an authority or an approver signs, and the policies they approve.
 */
#pragma once

#include <tss2/tss2_tpm2_types.h>

#include "base/bytes.h"
#include "policy/pcr.h"
#include "policy/term.h"

#define APPROVAL_BYTES_MAX 256

/* approvedPolicy of a machine state: the digest of PolicyPCR(values) from the start. */
int machine_state_policy(const PcrValues *values, TPM2B_DIGEST *ret);

/*
 * The same of a state that can be retired: PolicyPCR(values), then PolicyNV(this bit of the written
 * state index of this Name is clear).
 */
int machine_state_policy_retirable(const PcrValues *values, const TPM2B_NAME *index, unsigned bit,
                                   TPM2B_DIGEST *ret);

/* The terms of either; index NULL: it cannot be retired. -EINVAL when values are missing. */
int machine_state_leaf(const PcrValues *values, const TPM2B_NAME *index, unsigned bit,
                       PolicyLeaf *ret);

/* approvedPolicy ‖ policyRef: what PolicyAuthorize's checkTicket is over (Part 3 §23.16). */
void approval_authorize_bytes(const TPM2B_DIGEST *approved_policy, const TPM2B_DIGEST *ref,
                              Writer *writer);

/*
 * [nonceTPM ‖] expiration ‖ cpHash ‖ policyRef: aHash's input of TPM2_PolicySigned (Part 3 §23.3).
 * nonce may be NULL (deferred approvals).
 */
void approval_signed_bytes(const TPM2B_NONCE *nonce, int32_t expiration, const TPM2B_DIGEST *cphash,
                           const TPM2B_DIGEST *ref, Writer *writer);

/* cpHash of TPM2_Sign of digest with an unrestricted key and the NULL ticket. */
int cphash_sign(const TPM2B_NAME *key, const TPM2B_DIGEST *digest, const TPMT_SIG_SCHEME *scheme,
                TPM2B_DIGEST *ret);
