/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy terms of a signature applied to a SysSession: PolicyPCR, PolicyAuthorize, PolicyNV,
 * PolicyAuthValue, PolicySigned and PolicyOR. tpm/policy.h applies every kind to ESAPI's sessions.
 */
#pragma once

#include "policy/term.h"
#include "tpm/index.h"
#include "tpm/sys-session.h"

/* A session to which terms are applied again and again. */
typedef struct SysPolicySession {
        SysSession session;
        bool used; /* terms were applied and not consumed */
} SysPolicySession;

/* One answer for PolicySigned, whose key is loaded for that command and flushed. */
typedef struct SysPolicySignature {
        const TPM2B_PUBLIC *key;
        const TPMT_SIGNATURE *signature;
} SysPolicySignature;

/* What the answers of one application are all over, beside the term's policyRef. */
typedef struct SysPolicySigned {
        const SysPolicySignature *signatures; /* one for each POLICY_SIGNED, in order */
        size_t count;
        TPM2B_NONCE nonce; /* empty for deferred approvals */
        TPM2B_DIGEST cphash;
        int32_t expiration;
} SysPolicySigned;

typedef struct SysPolicyInputs {
        const TPM2B_DIGEST *approved; /* POLICY_AUTHORIZE */
        const TPMT_TK_VERIFIED *ticket;
        const TpmIndex *index;         /* POLICY_NV: handle and auth */
        SysSession *hmac;              /* POLICY_NV: authorises it */
        const SysPolicySigned *people; /* POLICY_SIGNED */
} SysPolicyInputs;

/*
 * -EINVAL for a kind that is not one of the six, or lacks its input; else tpm_srk_rc()'s errors.
 */
int sys_policy_apply(const SysSession *session, const PolicyTerm *terms, size_t count,
                     const SysPolicyInputs *inputs, ErrorDetail *detail);

/* TPM2_PolicyRestart (Part 3 §11.2); nonceTPM stays. */
int sys_policy_restart(const SysSession *session, ErrorDetail *detail);

/*
 * Have a session that no term is applied to, and take it for used from now on: its owner clears
 * that when the chip has consumed what was applied.
 */
int sys_policy_begin(SysPolicySession *policy, ErrorDetail *detail);
