/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/session.h"

#include <errno.h>

#include "tpm/context.h"
#include "tpm/srk.h"

int tpm_session_open_salted(Tpm *tpm, ESYS_TR salt, TPM2_SE type, TPMA_SESSION encrypts,
                            TpmHandle *ret, ErrorDetail *detail) {
        static const TPMT_SYM_DEF aes = {
                .algorithm = TPM2_ALG_AES,
                .keyBits.aes = 128,
                .mode.aes = TPM2_ALG_CFB,
        };
        _cleanup_(tpm_handle_close) TpmHandle session = {};
        ESYS_TR tr;

        tpm_release(tpm); /* three loaded sessions are all that a chip need hold (Part 2 §6.13) */
        int r = tpm_srk_rc(tpm,
                           Esys_StartAuthSession(tpm->esys, salt, ESYS_TR_NONE, NO_SESSIONS, NULL,
                                                 type, &aes, TPM2_ALG_SHA256, &tr),
                           TPM_STEP_START_SESSION, detail);
        if (r != 0)
                return r;
        session = tpm_handle_transient(tpm, tr);
        r = tpm_rc(Esys_TRSess_SetAttributes(tpm->esys, tr, TPMA_SESSION_CONTINUESESSION | encrypts,
                                             0xff),
                   TPM_STEP_START_SESSION, detail);
        if (r != 0)
                return r;
        *ret = tpm_handle_steal(&session);
        return 0;
}

int tpm_session_open(Tpm *tpm, TPM2_SE type, TPMA_SESSION encrypts, TpmHandle *ret,
                     ErrorDetail *detail) {
        if (!tpm->srk.tpm)
                return -ENOKEY;
        return tpm_session_open_salted(tpm, tpm->srk.tr, type, encrypts, ret, detail);
}
