/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/seal.h"

#include "tpm/auth.h"
#include "tpm/context.h"
#include "tpm/key.h"
#include "tpm/pin.h"
#include "tpm/session.h"
#include "tpm/srk.h"

/* userWithAuth and adminWithPolicy clear: only the policy opens the key (design, section 3). */
#define SEAL_ATTRIBUTES \
        (TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN)

int tpm_seal_create(Tpm *tpm, const Algorithm *algorithm, const TPM2B_DIGEST *policy,
                    const Secret *auth, SealKey *ret, ErrorDetail *detail) {
        const TPMA_OBJECT attributes = SEAL_ATTRIBUTES | (auth ? 0 : TPMA_OBJECT_NODA);
        const TPM2B_PUBLIC template = algorithm_template(algorithm, attributes, policy);
        SealKey key = {};

        int r = tpm_key_create_proved(tpm, &template, auth, &key.public, &key.private,
                                      &key.birth.hash, &key.birth.ticket, detail);
        if (r == 0)
                *ret = key;
        return r;
}

/* One session for all: its first parameters are encrypted, and its answers proved. */
static int auth_change(Tpm *tpm, const TpmHandle *session, const SealKey *key, const Secret *old,
                       const TPM2B_AUTH *new, TPM2B_PRIVATE *ret, ErrorDetail *detail) {
        _cleanup_(tpm_handle_close) TpmHandle object = {};
        _cleanup_(tpm_auth_revoke) TpmAuth lent = {};
        _cleanup_esys_ TPM2B_PRIVATE *private = NULL;

        int r = tpm_key_load(tpm, session, &key->public, &key->private, &object, detail);
        if (r == 0)
                r = tpm_auth_lend(&lent, tpm, object.tr, old, detail);
        if (r != 0)
                return r;
        r = tpm_srk_rc(tpm,
                       Esys_ObjectChangeAuth(tpm->esys, object.tr, tpm->srk.tr,
                                             ONE_SESSION(session), new, &private),
                       TPM_STEP_OBJECT_CHANGE_AUTH, detail);
        if (r == 0)
                *ret = *private;
        return r;
}

static int key_loads(Tpm *tpm, const TpmHandle *session, const SealKey *key, ErrorDetail *detail) {
        _cleanup_(tpm_handle_close) TpmHandle object = {};

        return tpm_key_load(tpm, session, &key->public, &key->private, &object, detail);
}

int tpm_seal_change_auth(Tpm *tpm, const SealKey *key, const Secret *old, const Secret *new,
                         TPM2B_PRIVATE *ret, ErrorDetail *detail) {
        _cleanup_(tpm_handle_close) TpmHandle session = {};
        _cleanup_(tpm_auth_value_wipe) TPM2B_AUTH value = {};
        SealKey changed = *key;

        if (key->public.publicArea.objectAttributes & TPMA_OBJECT_NODA)
                return error_set(detail, SEAL_E_REGISTER_TAMPERED,
                                 "The chip does not protect this key's PIN against guessing: it "
                                 "was made without one");
        int r = tpm_auth_value(new, &value, detail);
        if (r == 0)
                r = tpm_session_open(tpm, TPM2_SE_HMAC, SESSION_COMMAND, &session, detail);
        if (r == 0)
                r = auth_change(tpm, &session, key, old, &value, &changed.private, detail);
        if (r == SEAL_E_WRONG_PIN || r == SEAL_E_TPM_LOCKOUT)
                return tpm_pin_explain(tpm, r, "Wrong PIN", "PINs", detail);
        if (r == 0)
                r = key_loads(tpm, &session, &changed, detail);
        if (r == 0)
                *ret = changed.private;
        return r;
}
