/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/attestation.h"

#include <errno.h>

#include "policy/attest.h"
#include "tpm/context.h"
#include "tpm/key.h"
#include "tpm/nv.h"
#include "tpm/session.h"
#include "tpm/srk.h"

static const TPMT_SIG_SCHEME keys_own = { .scheme = TPM2_ALG_NULL };

/* --- the attestation key ---------------------------------------------------------------------- */

static int ak_make(Tpm *tpm, TpmAk *ak, ErrorDetail *detail) {
        static const TPM2B_SENSITIVE_CREATE sensitive = {};
        static const TPM2B_DATA outside = {};
        static const TPML_PCR_SELECTION pcrs = {};
        const TPM2B_PUBLIC template = attest_key_template();
        _cleanup_esys_ TPM2B_PUBLIC *public = NULL;
        ESYS_TR tr;

        int r = tpm_srk_rc(tpm,
                           Esys_CreatePrimary(tpm->esys, ESYS_TR_RH_ENDORSEMENT,
                                              ONE_SESSION(&ak->session), &sensitive, &template,
                                              &outside, &pcrs, &tr, &public, NULL, NULL, NULL),
                           TPM_STEP_CREATE_AK, detail);
        if (r != 0)
                return r;
        ak->key = tpm_handle_transient(tpm, tr);
        if (!tpm_key_matches(&template, public))
                return error_set(detail, SEAL_E_TPM_FAILURE,
                                 "The TPM made another attestation key than the one asked for");
        ak->public = *public;
        return 0;
}

int tpm_ak_open(Tpm *tpm, TpmAk *ret, ErrorDetail *detail) {
        _cleanup_(tpm_ak_close) TpmAk ak = {};

        int r = tpm_session_open(tpm, TPM2_SE_HMAC, SESSION_PLAIN, &ak.session, detail);
        if (r == 0)
                r = ak_make(tpm, &ak, detail);
        if (r != 0)
                return r;
        *ret = (TpmAk){
                .session = tpm_handle_steal(&ak.session),
                .key = tpm_handle_steal(&ak.key),
                .public = ak.public,
        };
        return 0;
}

void tpm_ak_close(TpmAk *ak) {
        tpm_handle_close(&ak->key);
        tpm_handle_close(&ak->session);
}

/* --- what it signs ---------------------------------------------------------------------------- */

/* The AK's auth is empty, so it is the index's session whose HMAC guards command and answer. */
int tpm_ak_certify_index(const TpmAk *ak, const TpmIndex *index, const TPM2B_DATA *qualifying,
                         TpmAttestation *ret, ErrorDetail *detail) {
        const uint16_t size = index_has_bits(index->kind) ? sizeof(uint64_t) : LEDGER_VALUE_SIZE;
        _cleanup_esys_ TPMT_SIGNATURE *signature = NULL;
        _cleanup_esys_ TPM2B_ATTEST *attest = NULL;
        _cleanup_(tpm_nv_close) TpmNv nv = {};
        Tpm *tpm = ak->key.tpm;

        int r = tpm_nv_open(tpm, index, &nv, detail);
        if (r == 0)
                r = tpm_nv_demand_written(&nv, index, detail);
        if (r != 0)
                return r;
        r = tpm_srk_rc(tpm,
                       Esys_NV_Certify(tpm->esys, ak->key.tr, nv.handle.tr, nv.handle.tr,
                                       ESYS_TR_PASSWORD, ak->session.tr, ESYS_TR_NONE, qualifying,
                                       &keys_own, size, 0, &attest, &signature),
                       TPM_STEP_NV_CERTIFY, detail);
        if (r == 0)
                *ret = (TpmAttestation){ .attest = *attest, .signature = *signature };
        return r;
}

/* The session authorises the key, of whose authValue nobody else may know. */
int tpm_ak_certify_key(const TpmAk *ak, const SealKey *key, const TPM2B_DATA *qualifying,
                       TpmAttestation *ret, ErrorDetail *detail) {
        _cleanup_(tpm_handle_close) TpmHandle seal = {};
        _cleanup_esys_ TPMT_SIGNATURE *signature = NULL;
        _cleanup_esys_ TPM2B_ATTEST *attest = NULL;
        Tpm *tpm = ak->key.tpm;

        if ((key->public.publicArea.objectAttributes & TPMA_OBJECT_NODA) == 0)
                return error_set(detail, SEAL_E_INVALID_STATE,
                                 "The seal has a PIN, and what the TPM said of its key's birth was "
                                 "not kept: only with its PIN it is attested");
        int r = tpm_key_load(tpm, &ak->session, &key->public, &key->private, &seal, detail);
        if (r != 0)
                return r;
        r = tpm_srk_rc(tpm,
                       Esys_Certify(tpm->esys, seal.tr, ak->key.tr, ak->session.tr,
                                    ESYS_TR_PASSWORD, ESYS_TR_NONE, qualifying, &keys_own, &attest,
                                    &signature),
                       TPM_STEP_CERTIFY, detail);
        if (r == 0)
                *ret = (TpmAttestation){ .attest = *attest, .signature = *signature };
        return r;
}

int tpm_ak_certify_creation(const TpmAk *ak, const SealKey *key, const TPM2B_DATA *qualifying,
                            TpmAttestation *ret, ErrorDetail *detail) {
        _cleanup_(tpm_handle_close) TpmHandle seal = {};
        _cleanup_esys_ TPMT_SIGNATURE *signature = NULL;
        _cleanup_esys_ TPM2B_ATTEST *attest = NULL;
        Tpm *tpm = ak->key.tpm;

        if (key->birth.hash.size == 0)
                return -EINVAL;
        int r = tpm_key_load(tpm, &ak->session, &key->public, &key->private, &seal, detail);
        if (r != 0)
                return r;
        r = tpm_srk_rc(tpm,
                       Esys_CertifyCreation(tpm->esys, ak->key.tr, seal.tr,
                                            ONE_SESSION(&ak->session), qualifying, &key->birth.hash,
                                            &keys_own, &key->birth.ticket, &attest, &signature),
                       TPM_STEP_CERTIFY_CREATION, detail);
        if (r == 0)
                *ret = (TpmAttestation){ .attest = *attest, .signature = *signature };
        return r;
}

/* --- one at a time ---------------------------------------------------------------------------- */

int tpm_ak_public(Tpm *tpm, TPM2B_PUBLIC *ret, ErrorDetail *detail) {
        _cleanup_(tpm_ak_close) TpmAk ak = {};

        int r = tpm_ak_open(tpm, &ak, detail);
        if (r == 0)
                *ret = ak.public;
        return r;
}

int tpm_index_certify(Tpm *tpm, const TpmIndex *index, const TPM2B_DATA *qualifying,
                      TPM2B_ATTEST *ret_attest, TPMT_SIGNATURE *ret_signature,
                      ErrorDetail *detail) {
        _cleanup_(tpm_ak_close) TpmAk ak = {};
        TpmAttestation attested;

        int r = tpm_ak_open(tpm, &ak, detail);
        if (r == 0)
                r = tpm_ak_certify_index(&ak, index, qualifying, &attested, detail);
        if (r != 0)
                return r;
        *ret_attest = attested.attest;
        *ret_signature = attested.signature;
        return 0;
}
