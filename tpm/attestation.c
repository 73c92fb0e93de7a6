/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/attestation.h"

#include <errno.h>

#include "policy/attest.h"
#include "tpm/context.h"
#include "tpm/key.h"
#include "tpm/nv.h"
#include "tpm/session.h"
#include "tpm/srk.h"

/* ret_public may be NULL. */
static int ak_open(Tpm *tpm, TpmHandle *ret, TPM2B_PUBLIC *ret_public, ErrorDetail *detail) {
        static const TPM2B_SENSITIVE_CREATE sensitive = {};
        static const TPM2B_DATA outside = {};
        static const TPML_PCR_SELECTION pcrs = {};
        const TPM2B_PUBLIC template = attest_key_template();
        _cleanup_(tpm_handle_close) TpmHandle session = {}, key = {};
        _cleanup_esys_ TPM2B_PUBLIC *public = NULL;
        ESYS_TR tr;

        int r = tpm_session_open(tpm, TPM2_SE_HMAC, SESSION_PLAIN, &session, detail);
        if (r != 0)
                return r;
        r = tpm_srk_rc(tpm,
                       Esys_CreatePrimary(tpm->esys, ESYS_TR_RH_ENDORSEMENT, ONE_SESSION(&session),
                                          &sensitive, &template, &outside, &pcrs, &tr, &public,
                                          NULL, NULL, NULL),
                       TPM_STEP_CREATE_AK, detail);
        if (r != 0)
                return r;
        key = tpm_handle_transient(tpm, tr);
        if (!tpm_key_matches(&template, public))
                return error_set(detail, SEAL_E_TPM_FAILURE,
                                 "The TPM made another attestation key than the one asked for");
        if (ret_public)
                *ret_public = *public;
        *ret = tpm_handle_steal(&key);
        return 0;
}

int tpm_ak_public(Tpm *tpm, TPM2B_PUBLIC *ret, ErrorDetail *detail) {
        _cleanup_(tpm_handle_close) TpmHandle key = {};

        return ak_open(tpm, &key, ret, detail);
}

/* The AK's auth is empty, so it is the index's session whose HMAC guards command and answer. */
static int certify(Tpm *tpm, ESYS_TR key, ESYS_TR nv, ESYS_TR session, const TPM2B_DATA *qualifying,
                   TPM2B_ATTEST *ret_attest, TPMT_SIGNATURE *ret_signature, ErrorDetail *detail) {
        static const TPMT_SIG_SCHEME keys_own = { .scheme = TPM2_ALG_NULL };
        _cleanup_esys_ TPM2B_ATTEST *attest = NULL;
        _cleanup_esys_ TPMT_SIGNATURE *signature = NULL;

        int r = tpm_srk_rc(tpm,
                           Esys_NV_Certify(tpm->esys, key, nv, nv, ESYS_TR_PASSWORD, session,
                                           ESYS_TR_NONE, qualifying, &keys_own, LEDGER_VALUE_SIZE,
                                           0, &attest, &signature),
                           TPM_STEP_NV_CERTIFY, detail);
        if (r != 0)
                return r;
        *ret_attest = *attest;
        *ret_signature = *signature;
        return 0;
}

int tpm_index_certify(Tpm *tpm, const TpmIndex *index, const TPM2B_DATA *qualifying,
                      TPM2B_ATTEST *ret_attest, TPMT_SIGNATURE *ret_signature,
                      ErrorDetail *detail) {
        _cleanup_(tpm_handle_close) TpmHandle key = {}, session = {};
        _cleanup_(tpm_nv_close) TpmNv nv = {};

        if (index->kind != INDEX_LEDGER)
                return -EINVAL;
        int r = tpm_nv_open(tpm, index, &nv, detail);
        if (r == 0)
                r = tpm_nv_demand_written(&nv, index, detail);
        if (r == 0)
                r = ak_open(tpm, &key, NULL, detail);
        if (r == 0)
                r = tpm_session_open(tpm, TPM2_SE_HMAC, SESSION_PLAIN, &session, detail);
        if (r != 0)
                return r;
        return certify(tpm, key.tr, nv.handle.tr, session.tr, qualifying, ret_attest, ret_signature,
                       detail);
}
