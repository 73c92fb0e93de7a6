/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/signer.h"

#include <string.h>

#include "policy/digest.h"
#include "policy/key.h"
#include "tpm/context.h"
#include "tpm/key.h"
#include "tpm/session.h"

void signer_close(Signer *signer) {
        tpm_handle_close(&signer->key);
        sys_session_close(&signer->policy.session);
        sys_session_close(&signer->hmac);
        *signer = (Signer){};
}

static bool private_equal(const TPM2B_PRIVATE *a, const TPM2B_PRIVATE *b) {
        return a->size == b->size && a->size <= sizeof(a->buffer) &&
               memcmp(a->buffer, b->buffer, a->size) == 0;
}

/*
 * By password, as the SRK's is empty: what the chip loads is judged by the blob's own integrity
 * (Part 1 §22.4), and by the Name that TPM2_Sign's HMAC is over.
 */
static int signer_load(Tpm *tpm, const SealKey *key, const TPM2B_NAME *name, ErrorDetail *detail) {
        Signer *signer = &tpm->signer;

        if (signer->key.tpm && name_equal(&signer->key_name, name) &&
            private_equal(&signer->key_private, &key->private))
                return 0;
        tpm_handle_close(&signer->key);
        int r = tpm_key_load(tpm, NULL, &key->public, &key->private, &signer->key, detail);
        if (r == 0)
                r = tpm_rc(Esys_TR_GetTpmHandle(tpm->esys, signer->key.tr, &signer->key_handle),
                           TPM_STEP_LOAD, detail);
        if (r == 0)
                signer->key_name = *name;
        if (r == 0)
                signer->key_private = key->private;
        return r;
}

int signer_prepare(Tpm *tpm, const SealKey *key, ErrorDetail *detail) {
        Signer *signer = &tpm->signer;
        TPM2B_NAME name;

        int r = public_name(&key->public, &name);
        if (r == 0)
                r = signer_load(tpm, key, &name, detail);
        if (r == 0 && !signer->hmac.tpm)
                r = sys_session_open(tpm, TPM2_SE_HMAC, SESSION_PLAIN, &signer->hmac, detail);
        return r;
}

int signer_prepare_policy(Tpm *tpm, ErrorDetail *detail) {
        SysSession *policy = &tpm->signer.policy.session;

        return policy->tpm ? 0
                           : sys_session_open(tpm, TPM2_SE_POLICY, SESSION_PLAIN, policy, detail);
}
