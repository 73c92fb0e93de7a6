/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy terms of a signature applied to a SysSession: PolicyPCR, PolicyAuthorize, PolicyNV and
 * PolicyOR. tpm/policy.h applies every kind to ESAPI's sessions.
 */
#pragma once

#include "policy/term.h"
#include "tpm/index.h"
#include "tpm/sys-session.h"

typedef struct SysPolicyInputs {
        const TPM2B_DIGEST *approved; /* POLICY_AUTHORIZE */
        const TPMT_TK_VERIFIED *ticket;
        const TpmIndex *index; /* POLICY_NV: handle and auth */
        SysSession *hmac;      /* POLICY_NV: authorises it */
} SysPolicyInputs;

/*
 * -EINVAL for a kind that is not one of the four, or lacks its input; else tpm_srk_rc()'s errors.
 */
int sys_policy_apply(const SysSession *session, const PolicyTerm *terms, size_t count,
                     const SysPolicyInputs *inputs, ErrorDetail *detail);

/* TPM2_PolicyRestart (Part 3 §11.2); nonceTPM stays. */
int sys_policy_restart(const SysSession *session, ErrorDetail *detail);
