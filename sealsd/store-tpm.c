/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include <tss2/tss2_mu.h>

#include "sealsd/store-internal.h"

int blob_from_public(const TPM2B_PUBLIC *public, TpmBlob *ret) {
        TpmBlob blob = {};

        if (public->size > 0 && Tss2_MU_TPM2B_PUBLIC_Marshal(public, blob.data, sizeof(blob.data),
                                                             &blob.size) != TSS2_RC_SUCCESS)
                return -EINVAL;
        *ret = blob;
        return 0;
}

int blob_from_private(const TPM2B_PRIVATE *private, TpmBlob *ret) {
        TpmBlob blob = {};

        if (private->size > 0 &&
            Tss2_MU_TPM2B_PRIVATE_Marshal(private, blob.data, sizeof(blob.data), &blob.size) !=
                    TSS2_RC_SUCCESS)
                return -EINVAL;
        *ret = blob;
        return 0;
}

/* Trailing bytes are as wrong as missing ones. */
void take_public(Query *query, TPM2B_PUBLIC *ret) {
        TPM2B_PUBLIC public = {};
        TpmBlob blob = {};
        size_t used = 0;

        take_bytes(query, blob.data, sizeof(blob.data), &blob.size);
        if (query->code != 0)
                return;
        if (blob.size > 0 && (Tss2_MU_TPM2B_PUBLIC_Unmarshal(blob.data, blob.size, &used,
                                                             &public) != TSS2_RC_SUCCESS ||
                              used != blob.size))
                query->code = SEAL_E_REGISTER_TAMPERED;
        else
                *ret = public;
}

bool private_from_blob(const TpmBlob *blob, TPM2B_PRIVATE *ret) {
        TPM2B_PRIVATE private = {};
        size_t used = 0;

        if (blob->size > 0 && (Tss2_MU_TPM2B_PRIVATE_Unmarshal(blob->data, blob->size, &used,
                                                               &private) != TSS2_RC_SUCCESS ||
                               used != blob->size))
                return false;
        *ret = private;
        return true;
}

void take_private(Query *query, TPM2B_PRIVATE *ret) {
        TpmBlob blob = {};

        take_bytes(query, blob.data, sizeof(blob.data), &blob.size);
        if (query->code == 0 && !private_from_blob(&blob, ret))
                query->code = SEAL_E_REGISTER_TAMPERED;
}

int blob_from_birth(const SealBirth *birth, TpmBlob *ret) {
        TpmBlob blob = {};

        if (Tss2_MU_TPM2B_DIGEST_Marshal(&birth->hash, blob.data, sizeof(blob.data), &blob.size) !=
                    TSS2_RC_SUCCESS ||
            Tss2_MU_TPMT_TK_CREATION_Marshal(&birth->ticket, blob.data, sizeof(blob.data),
                                             &blob.size) != TSS2_RC_SUCCESS)
                return -EINVAL;
        *ret = blob;
        return 0;
}

bool birth_from_blob(const TpmBlob *blob, SealBirth *ret) {
        SealBirth birth = {};
        size_t used = 0;

        if (Tss2_MU_TPM2B_DIGEST_Unmarshal(blob->data, blob->size, &used, &birth.hash) !=
                    TSS2_RC_SUCCESS ||
            Tss2_MU_TPMT_TK_CREATION_Unmarshal(blob->data, blob->size, &used, &birth.ticket) !=
                    TSS2_RC_SUCCESS ||
            used != blob->size)
                return false;
        *ret = birth;
        return true;
}
