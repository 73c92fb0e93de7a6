/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/ek.h"

#include <string.h>

#include "policy/certificate.h"
#include "tpm/context.h"
#include "tpm/srk.h"

/* RSA 2048 and P-256 of the low range; then RSA 2048, P-256, P-384, P-521, SM2, RSA 3072, 4096. */
static const TPM2_HANDLE keys[] = {
        0x01c00002U, 0x01c0000aU, 0x01c00012U, 0x01c00014U, 0x01c00016U,
        0x01c00018U, 0x01c0001aU, 0x01c0001cU, 0x01c0001eU,
};

#define EK_CHAIN_FIRST 0x01c00100U
#define EK_CHAIN_LAST 0x01c001ffU

#define EK_AREA_MAX (2 * CERTIFICATE_MAX) /* of a key's certificate, or of all the issuers' */

/* Without NO_DA a refusal would count as a wrong PIN. */
#define EK_NEEDS (TPMA_NV_AUTHREAD | TPMA_NV_NO_DA | TPMA_NV_WRITTEN)

typedef struct EkArea {
        size_t size;
        uint8_t data[EK_AREA_MAX];
} EkArea;

/* 0 when the index cannot be read. */
static int area_size(const TpmHandle *nv, uint16_t *ret, ErrorDetail *detail) {
        _cleanup_esys_ TPM2B_NV_PUBLIC *public = NULL;

        int r = tpm_rc(Esys_NV_ReadPublic(nv->tpm->esys, nv->tr, NO_SESSIONS, &public, NULL),
                       TPM_STEP_NV_READ_PUBLIC, detail);
        if (r != 0)
                return r;
        const TPMA_NV attributes = public->nvPublic.attributes;
        const bool readable = (attributes & EK_NEEDS) == EK_NEEDS &&
                              (attributes & TPMA_NV_READLOCKED) == 0;
        *ret = readable ? public->nvPublic.dataSize : 0;
        return 0;
}

/* What a command reads at most: TPM_PT_NV_BUFFER_MAX (Part 2 §6.13). */
static int piece_size(Tpm *tpm, uint16_t *ret, ErrorDetail *detail) {
        _cleanup_esys_ TPMS_CAPABILITY_DATA *data = NULL;

        int r = tpm_capability(tpm, TPM2_CAP_TPM_PROPERTIES, TPM2_PT_NV_BUFFER_MAX, 1, &data,
                               detail);
        if (r != 0)
                return r;
        const TPML_TAGGED_TPM_PROPERTY *list = &data->data.tpmProperties;
        const uint32_t most = list->count == 1 &&
                                              list->tpmProperty[0].property == TPM2_PT_NV_BUFFER_MAX
                                      ? list->tpmProperty[0].value
                                      : 0;
        *ret = (uint16_t) (most > 0 && most < TPM2_MAX_NV_BUFFER_SIZE ? most
                                                                      : TPM2_MAX_NV_BUFFER_SIZE);
        return 0;
}

/* By its own auth, which is empty. */
static int piece_read(const TpmHandle *session, const TpmHandle *nv, uint16_t size, uint16_t offset,
                      EkArea *area, ErrorDetail *detail) {
        _cleanup_esys_ TPM2B_MAX_NV_BUFFER *data = NULL;

        int r = tpm_srk_rc(nv->tpm,
                           Esys_NV_Read(nv->tpm->esys, nv->tr, nv->tr, ONE_SESSION(session), size,
                                        offset, &data),
                           TPM_STEP_READ_EK, detail);
        if (r != 0)
                return r;
        if (data->size != size)
                return error_set(detail, SEAL_E_TPM_FAILURE,
                                 "TPM2_NV_Read gave %u bytes instead of %u", data->size, size);
        memcpy(area->data + area->size, data->buffer, size);
        area->size += size;
        return 0;
}

/* Append an index; one that cannot be read is passed over, with nothing of it. */
static int area_append(const TpmHandle *session, TPM2_HANDLE handle, uint16_t piece, EkArea *area,
                       ErrorDetail *detail) {
        _cleanup_(tpm_handle_close) TpmHandle nv = {};
        const size_t before = area->size;
        uint16_t size = 0;

        int r = tpm_handle_open(session->tpm, handle, &nv, detail);
        if (r == 0 && nv.tpm)
                r = area_size(&nv, &size, detail);
        if (r == 0 && size > sizeof(area->data) - area->size)
                size = 0;
        for (uint16_t at = 0; r == 0 && at < size;) {
                const uint16_t next = size - at < piece ? (uint16_t) (size - at) : piece;

                r = piece_read(session, &nv, next, at, area, detail);
                at = (uint16_t) (at + next);
        }
        if (r == SEAL_E_NOT_FOUND) {
                area->size = before;
                r = 0;
        }
        return r;
}

/* One certificate, or with all those behind it; what fills the index up is none. */
static void certificates_take(const EkArea *area, bool all, TpmEkCertificates *ret) {
        size_t at = 0, size;

        do {
                size = certificate_size((Bytes){ area->data + at, area->size - at });
                if (size == 0 || ret->count == PASSPORT_CERTIFICATES_MAX)
                        return;
                ret->items[ret->count].size = size;
                memcpy(ret->items[ret->count++].der, area->data + at, size);
                at += size;
        } while (all);
}

/* The indices from first to last that there are, one behind the other. */
static int range_read(const TpmHandle *session, const TPML_HANDLE *there, TPM2_HANDLE first,
                      TPM2_HANDLE last, uint16_t piece, TpmEkCertificates *ret,
                      ErrorDetail *detail) {
        EkArea area = {};

        for (uint32_t i = 0; i < there->count; i++) {
                if (there->handle[i] < first || there->handle[i] > last)
                        continue;
                int r = area_append(session, there->handle[i], piece, &area, detail);
                if (r != 0)
                        return r;
        }
        certificates_take(&area, first != last, ret);
        return 0;
}

int tpm_ek_certificates(const TpmHandle *session, TpmEkCertificates *ret, ErrorDetail *detail) {
        _cleanup_esys_ TPMS_CAPABILITY_DATA *data = NULL;
        uint16_t piece = 0;

        ret->count = 0;
        int r = tpm_capability(session->tpm, TPM2_CAP_HANDLES, keys[0], TPM2_MAX_CAP_HANDLES, &data,
                               detail);
        if (r != 0)
                return r;
        const TPML_HANDLE *there = &data->data.handles;
        if (there->count == 0 || there->handle[0] > EK_CHAIN_LAST)
                return 0;
        r = piece_size(session->tpm, &piece, detail);
        for (size_t i = 0; r == 0 && i < sizeof(keys) / sizeof(keys[0]); i++)
                r = range_read(session, there, keys[i], keys[i], piece, ret, detail);
        if (r == 0)
                r = range_read(session, there, EK_CHAIN_FIRST, EK_CHAIN_LAST, piece, ret, detail);
        return r;
}
