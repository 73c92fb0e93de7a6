/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/auth.h"

#include <string.h>

#include <openssl/crypto.h>

#include "tpm/context.h"

void tpm_auth_value_wipe(TPM2B_AUTH *value) {
        OPENSSL_cleanse(value, sizeof(*value));
}

int tpm_auth_value(const Secret *secret, TPM2B_AUTH *ret, ErrorDetail *detail) {
        size_t size = secret && secret->set ? secret->size : 0;

        while (size > 0 && secret->data[size - 1] == 0)
                size--;
        if (size > sizeof(ret->buffer))
                return error_set(detail, SEAL_E_LIMITS_EXCEEDED,
                                 "An authorisation of the TPM has at most %zu bytes",
                                 sizeof(ret->buffer));
        ret->size = (uint16_t) size;
        if (size > 0)
                memcpy(ret->buffer, secret->data, size);
        return 0;
}

int tpm_auth_lend(TpmAuth *ret, Tpm *tpm, ESYS_TR tr, const Secret *secret, ErrorDetail *detail) {
        _cleanup_(tpm_auth_value_wipe) TPM2B_AUTH value = {};

        int r = tpm_auth_value(secret, &value, detail);
        if (r != 0)
                return r;
        r = tpm_rc(Esys_TR_SetAuth(tpm->esys, tr, &value), TPM_STEP_ANY, detail);
        if (r != 0)
                return r;
        *ret = (TpmAuth){ .tpm = tpm, .tr = tr };
        return 0;
}

void tpm_auth_revoke(TpmAuth *auth) {
        static const TPM2B_AUTH blank = { .size = sizeof(blank.buffer) };

        if (!auth->tpm)
                return;
        /* Setting none leaves the bytes where they were, so they are overwritten first. */
        (void) Esys_TR_SetAuth(auth->tpm->esys, auth->tr, &blank);
        (void) Esys_TR_SetAuth(auth->tpm->esys, auth->tr, NULL);
        *auth = (TpmAuth){};
}
