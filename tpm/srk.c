/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/srk.h"

#include <string.h>

#include <tss2/tss2_mu.h>

#include "policy/digest.h"
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

static int srk_check(const TpmHandle *srk, const TPM2B_NAME *expected, TPM2B_PUBLIC *ret_public,
                     TPM2B_NAME *ret_name, ErrorDetail *detail) {
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
        if (expected && !name_equal(&name, expected))
                return error_set(detail, SEAL_E_REGISTER_TAMPERED,
                                 "The storage root key is not the one that this register was made "
                                 "with: another TPM, or a cleared one; restore a backup");
        *ret_public = *public;
        *ret_name = name;
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
        TPM2B_PUBLIC public;
        TPM2B_NAME name;

        int r = tpm_auth_lend(&auth, tpm, ESYS_TR_RH_OWNER, owner_auth, detail);
        if (r != 0)
                return r;
        r = srk_create_primary(tpm, &primary, detail);
        if (r != 0)
                return r;
        r = srk_check(&primary, expected, &public, &name, detail);
        if (r != 0)
                return r;
        return srk_make_persistent(&primary, detail);
}

/* Find it, or make it and find it then. */
static int srk_open(Tpm *tpm, const TPM2B_NAME *expected, const Secret *owner_auth, TpmHandle *ret,
                    ErrorDetail *detail) {
        int r = tpm_handle_open(tpm, SRK_HANDLE, ret, detail);
        if (r != 0 || ret->tpm)
                return r;
        r = srk_create(tpm, expected, owner_auth, detail);
        if (r == 0)
                r = tpm_handle_open(tpm, SRK_HANDLE, ret, detail);
        if (r == 0 && !ret->tpm)
                return error_set(detail, SEAL_E_BUSY,
                                 "The storage root key was taken away as soon as it was made; try "
                                 "again");
        return r;
}

/* Without an expected Name nothing pins the key yet, and it is looked at each time. */
static bool srk_is_known(const Tpm *tpm, const TPM2B_NAME *expected) {
        return tpm->srk.tpm && expected && name_equal(&tpm->srk_name, expected);
}

int tpm_srk_ensure(Tpm *tpm, const TPM2B_NAME *expected, const Secret *owner_auth,
                   TPM2B_NAME *ret_name, ErrorDetail *detail) {
        _cleanup_(tpm_handle_close) TpmHandle srk = {};

        if (!srk_is_known(tpm, expected)) {
                TPM2B_PUBLIC public;
                TPM2B_NAME name;

                tpm_release(tpm);
                tpm_handle_close(&tpm->srk);
                int r = srk_open(tpm, expected, owner_auth, &srk, detail);
                if (r == 0)
                        r = srk_check(&srk, expected, &public, &name, detail);
                if (r != 0)
                        return r;
                tpm->srk = tpm_handle_steal(&srk);
                tpm->srk_name = name;
                tpm->srk_public = public;
        }
        if (ret_name)
                *ret_name = tpm->srk_name;
        return 0;
}

/*
 * What the chip says when a session's key is not the one that it computed, or its parent is gone.
 */
static bool rc_casts_doubt(TSS2_RC rc, TpmStep step) {
        /* There only the key and the salt can be to blame. */
        if (step == TPM_STEP_START_SESSION)
                return !(tpm_rc_chip(rc) & TSS2_RC_LAYER_MASK) && (rc & TPM2_RC_FMT1);
        return tpm_rc_is(rc, TPM2_RC_BAD_AUTH) || tpm_rc_is(rc, TPM2_RC_AUTH_FAIL) ||
               tpm_rc_is(rc, TPM2_RC_HANDLE);
}

/* Whether another key is at the handle now, or none; false when the chip does not tell. */
static bool srk_is_lost(Tpm *tpm) {
        _cleanup_esys_ TPM2B_PUBLIC *public = NULL;
        TPM2B_NAME name = {};

        TSS2_RC rc = Esys_ReadPublic(tpm->esys, tpm->srk.tr, NO_SESSIONS, &public, NULL, NULL);
        if (rc != TSS2_RC_SUCCESS)
                return tpm_rc_is(rc, TPM2_RC_HANDLE);
        return public_name(public, &name) != 0 || !name_equal(&name, &tpm->srk_name);
}

/*
 * ESAPI 3.2 keeps the salt of a session that the chip refused and takes it for the next unsalted
 * one's, with which the key would have to be made anew: that connection is of no more use.
 */
int tpm_srk_rc(Tpm *tpm, TSS2_RC rc, TpmStep step, ErrorDetail *detail) {
        if (rc == TSS2_RC_SUCCESS || !tpm->srk.tpm || !rc_casts_doubt(rc, step) ||
            !srk_is_lost(tpm))
                return tpm_rc(rc, step, detail);
        return error_set(detail, SEAL_E_TPM_UNAVAILABLE,
                         "Another program removed or replaced the storage root key at 0x%08x while "
                         "sealsd used it (%s: 0x%x); try again",
                         SRK_HANDLE, tpm_step_name(step), rc);
}
