/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/handle.h"

#include "tpm/context.h"

void tpm_handle_close(TpmHandle *handle) {
        ESYS_CONTEXT *esys;

        if (!handle->tpm)
                return;
        esys = handle->tpm->esys;
        /* What the chip or its resource manager lost already is only forgotten. */
        if (!handle->flush || Esys_FlushContext(esys, handle->tr) != TSS2_RC_SUCCESS)
                (void) Esys_TR_Close(esys, &handle->tr);
        *handle = (TpmHandle){};
}

TpmHandle tpm_handle_steal(TpmHandle *handle) {
        TpmHandle stolen = *handle;

        *handle = (TpmHandle){};
        return stolen;
}

int tpm_handle_exists(Tpm *tpm, TPM2_HANDLE handle, bool *ret, ErrorDetail *detail) {
        _cleanup_esys_ TPMS_CAPABILITY_DATA *data = NULL;

        /* The list starts at the first handle that is not below the one asked for. */
        int r = tpm_capability(tpm, TPM2_CAP_HANDLES, handle, 1, &data, detail);
        if (r != 0)
                return r;
        *ret = data->data.handles.count > 0 && data->data.handles.handle[0] == handle;
        return 0;
}

int tpm_handle_open(Tpm *tpm, TPM2_HANDLE handle, TpmHandle *ret, ErrorDetail *detail) {
        TpmStep step = handle >> TPM2_HR_SHIFT == TPM2_HT_NV_INDEX ? TPM_STEP_NV_READ_PUBLIC
                                                                   : TPM_STEP_READ_PUBLIC;
        bool exists = false;
        ESYS_TR tr;

        int r = tpm_handle_exists(tpm, handle, &exists, detail);
        if (r != 0)
                return r;
        if (!exists)
                return error_set(detail, SEAL_E_NOT_FOUND, "The TPM holds nothing at 0x%08x",
                                 handle);
        r = tpm_rc(Esys_TR_FromTPMPublic(tpm->esys, handle, NO_SESSIONS, &tr), step, detail);
        if (r != 0)
                return r;
        *ret = tpm_handle_persistent(tpm, tr);
        return 0;
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
