/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policy terms (policy/term.h) applied to a session of the chip. A term says what the policy is;
 * the inputs say how it is satisfied this time.
 */
#pragma once

#include <stddef.h>

#include "policy/term.h"
#include "tpm/handle.h"
#include "tpm/index.h"

/* One answer for PolicySigned, whose key is loaded for that command and flushed. */
typedef struct PolicySignature {
        const TPM2B_PUBLIC *key;
        const TPM2B_NONCE *nonce;   /* NULL for deferred approvals */
        const TPM2B_DIGEST *cphash; /* NULL for none */
        const TPMT_SIGNATURE *signature;
        int32_t expiration; /* that was signed; 0 but for live approvals */
} PolicySignature;

typedef struct PolicyInputs {
        const TPM2B_DIGEST *approved; /* POLICY_AUTHORIZE: policy and ticket */
        const TPMT_TK_VERIFIED *ticket;
        const TpmIndex *index;             /* POLICY_NV: handle and auth */
        const TpmHandle *hmac;             /* POLICY_NV: the salted session that authorises it */
        const PolicySignature *signatures; /* POLICY_SIGNED: one for each term, in order */
        size_t signature_count;
} PolicyInputs;

/* -EINVAL when the inputs lack what a term needs. Other errors are those of tpm_rc(). */
int tpm_policy_apply(const TpmHandle *session, const PolicyTerm *terms, size_t count,
                     const PolicyInputs *inputs, ErrorDetail *detail);

/* TPM2_PolicyRestart (Part 3 §11.2): needed after any error; nonceTPM stays. */
int tpm_policy_restart(const TpmHandle *session, ErrorDetail *detail);

int tpm_policy_digest(const TpmHandle *session, TPM2B_DIGEST *ret, ErrorDetail *detail);
