/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/use-approvals.h"

#include <errno.h>

#include "policy/digest.h"
#include "policy/key.h"
#include "tpm/handle.h"
#include "tpm/key.h"

int tpm_approver_try(Tpm *tpm, const TPM2B_PUBLIC *key, ErrorDetail *detail) {
        _cleanup_(tpm_handle_close) TpmHandle loaded = {};
        ErrorDetail why = {};

        int r = tpm_key_load_external(tpm, key, &loaded, &why);
        if (r == SEAL_E_UNSUPPORTED)
                return error_set(detail, r,
                                 "The TPM cannot verify signatures by an approver's key of this "
                                 "kind or size, so the seal would never sign; name another key");
        return r != 0 ? error_set(detail, r, "%s", why.text) : 0;
}

/* The signatures are those of the set, in its order. */
static bool set_fits(const UseApprovals *approvals, size_t approver_count) {
        unsigned set = 0;

        for (size_t i = 0; i < approvals->count; i++) {
                unsigned approver = approvals->signatures[i].approver;

                if (approver >= approver_count || set >> approver != 0)
                        return false;
                set |= 1U << approver;
        }
        return set == approvals->approvers;
}

static bool expiration_fits(const UseApprovals *approvals) {
        if (!approvals->live)
                return approvals->expiration == 0;
        return approvals->expiration > 0 && approvals->expiration <= LIVE_USE_SECONDS_MAX;
}

static int keys_check(const UseApprovals *approvals, const SealPolicy *policy,
                      ErrorDetail *detail) {
        for (size_t i = 0; i < approvals->count; i++) {
                const ApproverSignature *signature = &approvals->signatures[i];
                TPM2B_NAME name;

                int r = public_name(&signature->key, &name);
                if (r != 0)
                        return r;
                if (!name_equal(&name, &policy->approvers[signature->approver]))
                        return error_set(detail, SEAL_E_APPROVAL_INVALID,
                                         "The approval is by another key than the approver's that "
                                         "the seal was made with");
        }
        return 0;
}

int use_approvals_check(const UseApprovals *approvals, const SealPolicy *policy,
                        ErrorDetail *detail) {
        if (policy->approver_count == 0)
                return approvals ? -EINVAL : 0;
        if (!approvals)
                return error_set(detail, SEAL_E_APPROVAL_REQUIRED,
                                 "This seal needs its approvers; ask with RequestUse");
        if (!set_fits(approvals, policy->approver_count) || !expiration_fits(approvals))
                return -EINVAL;
        if (approvals->count < policy->threshold)
                return error_set(detail, SEAL_E_APPROVAL_REQUIRED,
                                 "%zu of the %zu approvals that this seal needs are there",
                                 approvals->count, policy->threshold);
        if (approvals->count > policy->threshold)
                return -EINVAL;
        if (approvals->live && tpm_live_use_is_spent(approvals->live))
                return error_set(detail, SEAL_E_APPROVAL_USED,
                                 "The TPM has signed with these approvals already");
        return keys_check(approvals, policy, detail);
}
