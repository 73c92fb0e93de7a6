/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/nv.h"

#include "policy/digest.h"
#include "tpm/context.h"

/* The Name is a digest of the whole public area: it is ours in one of four states, or foreign. */
static int state_of_name(const TpmIndex *index, const TPM2B_NAME *name, TpmIndexState *ret) {
        TPMS_NV_PUBLIC public = {};

        int r = index_public(index->kind, index->handle, &index->authority, &public);
        if (r != 0)
                return r;
        for (int i = 0; i < 4; i++) {
                bool written = i & 1, locked = i & 2;
                TPMS_NV_PUBLIC variant = public;
                TPM2B_NAME candidate = {};

                if (locked)
                        variant.attributes |= TPMA_NV_READLOCKED;
                r = index_name(&variant, written, &candidate);
                if (r != 0)
                        return r;
                if (name_equal(name, &candidate)) {
                        *ret = !written ? TPM_INDEX_UNWRITTEN
                               : locked ? TPM_INDEX_LOCKED
                                        : TPM_INDEX_WRITTEN;
                        return 0;
                }
        }
        *ret = TPM_INDEX_FOREIGN;
        return 0;
}

int tpm_nv_open(Tpm *tpm, const TpmIndex *index, TpmNv *ret, ErrorDetail *detail) {
        _cleanup_(tpm_nv_close) TpmNv nv = { .state = TPM_INDEX_ABSENT };
        TPM2B_NAME name = {};

        int r = tpm_handle_open(tpm, index->handle, &nv.handle, detail);
        if (r == 0 && nv.handle.tpm)
                r = tpm_handle_name(&nv.handle, &name, detail);
        if (r == 0 && nv.handle.tpm)
                r = state_of_name(index, &name, &nv.state);
        if (r == 0 && nv.handle.tpm && nv.state != TPM_INDEX_FOREIGN)
                r = tpm_auth_lend(&nv.auth, tpm, nv.handle.tr, &index->auth, detail);
        if (r != 0)
                return r;
        *ret = nv;
        nv = (TpmNv){};
        return 0;
}

void tpm_nv_close(TpmNv *nv) {
        tpm_auth_revoke(&nv->auth);
        tpm_handle_close(&nv->handle);
}

int tpm_nv_demand_written(const TpmNv *nv, const TpmIndex *index, ErrorDetail *detail) {
        switch (nv->state) {
        case TPM_INDEX_WRITTEN:
        case TPM_INDEX_LOCKED:
                return 0;
        case TPM_INDEX_ABSENT:
                return error_set(detail, SEAL_E_NOT_FOUND,
                                 "The NV index 0x%08x is not in the TPM; somebody removed it, or "
                                 "the TPM was cleared; restore a backup",
                                 index->handle);
        case TPM_INDEX_UNWRITTEN:
                return error_set(detail, SEAL_E_REGISTER_TAMPERED,
                                 "The NV index 0x%08x waits for the authority's first write; "
                                 "answer its challenge",
                                 index->handle);
        default:
                return error_set(detail, SEAL_E_REGISTER_TAMPERED,
                                 "At the NV index 0x%08x is another index than this register's; "
                                 "somebody replaced it; restore a backup",
                                 index->handle);
        }
}
