/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/handle.h"

#include "tpm/context.h"

void tpm_handle_close(TpmHandle *handle) {
        ESYS_CONTEXT *esys;

        if (!handle->tpm)
                return;
        esys = handle->tpm->esys;
        TSS2_RC rc = handle->flush ? Esys_FlushContext(esys, handle->tr) : TSS2_RC_SUCCESS;
        tpm_flushed(handle->tpm, rc);
        if (!handle->flush || rc != TSS2_RC_SUCCESS)
                (void) Esys_TR_Close(esys, &handle->tr);
        *handle = (TpmHandle){};
}

TpmHandle tpm_handle_steal(TpmHandle *handle) {
        TpmHandle stolen = *handle;

        *handle = (TpmHandle){};
        return stolen;
}

int tpm_handle_open(Tpm *tpm, TPM2_HANDLE handle, TpmHandle *ret, ErrorDetail *detail) {
        TpmStep step = handle >> TPM2_HR_SHIFT == TPM2_HT_NV_INDEX ? TPM_STEP_NV_READ_PUBLIC
                                                                   : TPM_STEP_READ_PUBLIC;
        ESYS_TR tr;

        TSS2_RC rc = Esys_TR_FromTPMPublic(tpm->esys, handle, NO_SESSIONS, &tr);
        if (tpm_rc_is(rc, TPM2_RC_HANDLE))
                return 0;
        int r = tpm_rc(rc, step, detail);
        if (r == 0)
                *ret = tpm_handle_persistent(tpm, tr);
        return r;
}

int tpm_handle_name(const TpmHandle *handle, TPM2B_NAME *ret, ErrorDetail *detail) {
        _cleanup_esys_ TPM2B_NAME *name = NULL;

        int r = tpm_rc(Esys_TR_GetName(handle->tpm->esys, handle->tr, &name), TPM_STEP_READ_PUBLIC,
                       detail);
        if (r != 0)
                return r;
        *ret = *name;
        return 0;
}
