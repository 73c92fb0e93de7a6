/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/srk.h"

#include <string.h>

#include <tss2/tss2_mu.h>

#include "policy/key.h"
#include "tpm/auth.h"
#include "tpm/context.h"
#include "tpm/session.h"

/* TCG TPM v2.0 Provisioning Guidance §7.5.1: the EK template L-2 with the attributes of an SRK. */
static const TPM2B_PUBLIC srk_template = {
        .publicArea = {
                .type = TPM2_ALG_ECC,
                .nameAlg = TPM2_ALG_SHA256,
                .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                                    TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH |
                                    TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED |
                                    TPMA_OBJECT_DECRYPT,
                .parameters.eccDetail = {
                        .symmetric = {
                                .algorithm = TPM2_ALG_AES,
                                .keyBits.aes = 128,
                                .mode.aes = TPM2_ALG_CFB,
                        },
                        .scheme.scheme = TPM2_ALG_NULL,
                        .curveID = TPM2_ECC_NIST_P256,
                        .kdf.scheme = TPM2_ALG_NULL,
                },
                .unique.ecc = { .x.size = 32, .y.size = 32 },
        },
};

/* Type, curve, attributes and parameters of the template; the point is the key's own. */
static bool template_matches(const TPMT_PUBLIC *public) {
        const TPMT_PUBLIC *wanted = &srk_template.publicArea;
        const TPMS_ECC_PARMS *a = &public->parameters.eccDetail;
        const TPMS_ECC_PARMS *b = &wanted->parameters.eccDetail;

        return public->type == wanted->type && public->nameAlg == wanted->nameAlg &&
               public->objectAttributes == wanted->objectAttributes &&
               public->authPolicy.size == 0 && a->curveID == b->curveID &&
               a->symmetric.algorithm == b->symmetric.algorithm &&
               a->symmetric.keyBits.aes == b->symmetric.keyBits.aes &&
               a->symmetric.mode.aes == b->symmetric.mode.aes &&
               a->scheme.scheme == b->scheme.scheme && a->kdf.scheme == b->kdf.scheme;
}

/*
 * ESAPI salts to the public area that it keeps, and keeps the Name that came with it unchecked: an
 * interposer could send its own point with the right Name. So what ESAPI keeps, which is the end of
 * the serialised object, has to be the area whose Name is checked here.
 */
static int kept_public_check(const TpmHandle *srk, const TPM2B_PUBLIC *public,
                             ErrorDetail *detail) {
        _cleanup_free_ uint8_t *kept = NULL;
        uint8_t wanted[sizeof(*public)];
        size_t kept_size = 0, size = 0;

        int r = tpm_rc(Tss2_MU_TPM2B_PUBLIC_Marshal(public, wanted, sizeof(wanted), &size),
                       TPM_STEP_READ_PUBLIC, detail);
        if (r != 0)
                return r;
        r = tpm_rc(Esys_TR_Serialize(srk->tpm->esys, srk->tr, &kept, &kept_size),
                   TPM_STEP_READ_PUBLIC, detail);
        if (r != 0)
                return r;
        if (kept_size < size || memcmp(kept + kept_size - size, wanted, size) != 0)
                return error_set(detail, SEAL_E_REGISTER_TAMPERED,
                                 "The TPM gave two different public areas of the storage root key; "
                                 "look for what sits on the TPM's bus");
        return 0;
}

static int srk_check(const TpmHandle *srk, const TPM2B_NAME *expected, TPM2B_NAME *ret,
                     ErrorDetail *detail) {
        _cleanup_esys_ TPM2B_PUBLIC *public = NULL;
        TPM2B_NAME name = {};

        int r = tpm_rc(Esys_ReadPublic(srk->tpm->esys, srk->tr, NO_SESSIONS, &public, NULL, NULL),
                       TPM_STEP_READ_PUBLIC, detail);
        if (r != 0)
                return r;
        if (!template_matches(&public->publicArea))
                return error_set(detail, SEAL_E_UNSUPPORTED,
                                 "The key at 0x%08x is not a TCG storage root key for ECC P-256; "
                                 "another program put it there and has to move it",
                                 SRK_HANDLE);
        r = kept_public_check(srk, public, detail);
        if (r != 0)
                return r;
        r = public_name(public, &name);
        if (r != 0)
                return r;
        if (expected &&
            (name.size != expected->size || memcmp(name.name, expected->name, name.size) != 0))
                return error_set(detail, SEAL_E_REGISTER_TAMPERED,
                                 "The storage root key is not the one that this register was made "
                                 "with: another TPM, or a cleared one; restore a backup");
        *ret = name;
        return 0;
}

/*
 * No salt yet, so the owner's authorisation is proved by an HMAC whose key is that value alone: it
 * does not pass in clear, but a weak one could be guessed from a recording.
 */
static int srk_create_primary(Tpm *tpm, TpmHandle *ret, ErrorDetail *detail) {
        static const TPM2B_SENSITIVE_CREATE sensitive = {};
        static const TPM2B_DATA outside = {};
        static const TPML_PCR_SELECTION pcrs = {};
        _cleanup_(tpm_handle_close) TpmHandle session = {};
        ESYS_TR tr;

        int r = tpm_session_open_salted(tpm, ESYS_TR_NONE, TPM2_SE_HMAC, SESSION_PLAIN, &session,
                                        detail);
        if (r != 0)
                return r;
        r = tpm_rc(Esys_CreatePrimary(tpm->esys, ESYS_TR_RH_OWNER, ONE_SESSION(&session),
                                      &sensitive, &srk_template, &outside, &pcrs, &tr, NULL, NULL,
                                      NULL, NULL),
                   TPM_STEP_CREATE_PRIMARY, detail);
        if (r == 0)
                *ret = tpm_handle_transient(tpm, tr);
        return r;
}

/* TPM2_EvictControl (Part 3 §28.5), in a session salted to the key itself. */
static int srk_make_persistent(const TpmHandle *primary, ErrorDetail *detail) {
        _cleanup_(tpm_handle_close) TpmHandle session = {};
        Tpm *tpm = primary->tpm;
        ESYS_TR tr;

        int r = tpm_session_open_salted(tpm, primary->tr, TPM2_SE_HMAC, SESSION_PLAIN, &session,
                                        detail);
        if (r != 0)
                return r;
        r = tpm_rc(Esys_EvictControl(tpm->esys, ESYS_TR_RH_OWNER, primary->tr,
                                     ONE_SESSION(&session), SRK_HANDLE, &tr),
                   TPM_STEP_EVICT_CONTROL, detail);
        if (r == 0)
                (void) Esys_TR_Close(tpm->esys, &tr);
        return r;
}

/* Another key than expected comes of another seed, and is not made persistent. */
static int srk_create(Tpm *tpm, const TPM2B_NAME *expected, const Secret *owner_auth,
                      ErrorDetail *detail) {
        _cleanup_(tpm_handle_close) TpmHandle primary = {};
        _cleanup_(tpm_auth_revoke) TpmAuth auth = {};
        TPM2B_NAME name = {};

        int r = tpm_auth_lend(&auth, tpm, ESYS_TR_RH_OWNER, owner_auth, detail);
        if (r != 0)
                return r;
        r = srk_create_primary(tpm, &primary, detail);
        if (r != 0)
                return r;
        r = srk_check(&primary, expected, &name, detail);
        if (r != 0)
                return r;
        return srk_make_persistent(&primary, detail);
}

int tpm_srk_ensure(Tpm *tpm, const TPM2B_NAME *expected, const Secret *owner_auth,
                   TPM2B_NAME *ret_name, ErrorDetail *detail) {
        _cleanup_(tpm_handle_close) TpmHandle srk = {};
        TPM2B_NAME name = {};
        bool exists = false;

        tpm_handle_close(&tpm->srk);
        int r = tpm_handle_exists(tpm, SRK_HANDLE, &exists, detail);
        if (r == 0 && !exists)
                r = srk_create(tpm, expected, owner_auth, detail);
        if (r != 0)
                return r;
        r = tpm_handle_open(tpm, SRK_HANDLE, &srk, detail);
        if (r != 0)
                return r;
        r = srk_check(&srk, expected, &name, detail);
        if (r != 0)
                return r;
        tpm->srk = tpm_handle_steal(&srk);
        if (ret_name)
                *ret_name = name;
        return 0;
}
