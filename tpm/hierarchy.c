/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/hierarchy.h"

#include "tpm/auth.h"
#include "tpm/context.h"
#include "tpm/session.h"
#include "tpm/srk.h"

static ESYS_TR hierarchy_handle(TpmHierarchy hierarchy) {
        return hierarchy == TPM_OWNER ? ESYS_TR_RH_OWNER : ESYS_TR_RH_LOCKOUT;
}

static void permanent_take(TPMA_PERMANENT permanent, TpmHierarchies *hierarchies) {
        hierarchies->owner_auth_set = permanent & TPMA_PERMANENT_OWNERAUTHSET;
        hierarchies->lockout_auth_set = permanent & TPMA_PERMANENT_LOCKOUTAUTHSET;
        hierarchies->endorsement_auth_set = permanent & TPMA_PERMANENT_ENDORSEMENTAUTHSET;
        hierarchies->clear_disabled = permanent & TPMA_PERMANENT_DISABLECLEAR;
        hierarchies->in_lockout = permanent & TPMA_PERMANENT_INLOCKOUT;
}

static void property_take(const TPMS_TAGGED_PROPERTY *property, TpmHierarchies *hierarchies) {
        switch (property->property) {
        case TPM2_PT_PERMANENT:
                permanent_take(property->value, hierarchies);
                break;
        case TPM2_PT_LOCKOUT_COUNTER:
                hierarchies->lockout_counter = property->value;
                break;
        case TPM2_PT_MAX_AUTH_FAIL:
                hierarchies->max_auth_fail = property->value;
                break;
        case TPM2_PT_LOCKOUT_INTERVAL:
                hierarchies->lockout_interval = property->value;
                break;
        case TPM2_PT_LOCKOUT_RECOVERY:
                hierarchies->lockout_recovery = property->value;
                break;
        default:
                break;
        }
}

int tpm_hierarchies(Tpm *tpm, TpmHierarchies *ret, ErrorDetail *detail) {
        _cleanup_esys_ TPMS_CAPABILITY_DATA *data = NULL;

        int r = tpm_capability(tpm, TPM2_CAP_TPM_PROPERTIES, TPM2_PT_PERMANENT,
                               TPM2_PT_LOCKOUT_RECOVERY - TPM2_PT_PERMANENT + 1, &data, detail);
        if (r != 0)
                return r;
        *ret = (TpmHierarchies){};
        for (uint32_t i = 0; i < data->data.tpmProperties.count; i++)
                property_take(&data->data.tpmProperties.tpmProperty[i], ret);
        return 0;
}

int tpm_hierarchy_set_auth(Tpm *tpm, TpmHierarchy hierarchy, const Secret *old, const Secret *new,
                           ErrorDetail *detail) {
        _cleanup_(tpm_auth_value_wipe) TPM2B_AUTH value = {};
        _cleanup_(tpm_handle_close) TpmHandle session = {};
        _cleanup_(tpm_auth_revoke) TpmAuth auth = {};
        ESYS_TR tr = hierarchy_handle(hierarchy);

        int r = tpm_auth_value(new, &value, detail);
        if (r != 0)
                return r;
        if (value.size > AUTH_VALUE_MAX)
                return error_set(detail, SEAL_E_LIMITS_EXCEEDED,
                                 "A new authorisation has at most %u bytes", AUTH_VALUE_MAX);
        r = tpm_session_open(tpm, TPM2_SE_HMAC, SESSION_COMMAND, &session, detail);
        if (r != 0)
                return r;
        r = tpm_auth_lend(&auth, tpm, tr, old, detail);
        if (r != 0)
                return r;
        return tpm_srk_rc(tpm,
                          Esys_HierarchyChangeAuth(tpm->esys, tr, ONE_SESSION(&session), &value),
                          TPM_STEP_HIERARCHY_CHANGE_AUTH, detail);
}

/*
 * TPM2_PolicySecret (Part 3 §23.4) asks for the owner's authorisation and changes nothing but a
 * policy digest; in a trial session that digest authorises nothing.
 */
static int owner_prove(Tpm *tpm, const TpmHandle *session, ErrorDetail *detail) {
        _cleanup_(tpm_handle_close) TpmHandle trial = {};
        static const TPM2B_NONCE nonce = {};
        static const TPM2B_DIGEST cphash = {};

        int r = tpm_session_open(tpm, TPM2_SE_TRIAL, SESSION_PLAIN, &trial, detail);
        if (r != 0)
                return r;
        return tpm_srk_rc(tpm,
                          Esys_PolicySecret(tpm->esys, ESYS_TR_RH_OWNER, trial.tr,
                                            ONE_SESSION(session), &nonce, &cphash, &nonce, 0, NULL,
                                            NULL),
                          TPM_STEP_POLICY_SECRET, detail);
}

int tpm_hierarchy_check_auth(Tpm *tpm, TpmHierarchy hierarchy, const Secret *auth,
                             ErrorDetail *detail) {
        _cleanup_(tpm_handle_close) TpmHandle session = {};
        _cleanup_(tpm_auth_revoke) TpmAuth lent = {};

        int r = tpm_session_open(tpm, TPM2_SE_HMAC, SESSION_PLAIN, &session, detail);
        if (r != 0)
                return r;
        r = tpm_auth_lend(&lent, tpm, hierarchy_handle(hierarchy), auth, detail);
        if (r != 0)
                return r;
        if (hierarchy == TPM_OWNER)
                return owner_prove(tpm, &session, detail);
        return tpm_srk_rc(tpm,
                          Esys_DictionaryAttackLockReset(tpm->esys, ESYS_TR_RH_LOCKOUT,
                                                         ONE_SESSION(&session)),
                          TPM_STEP_LOCK_RESET, detail);
}
