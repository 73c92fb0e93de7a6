/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/index.h"

#include <errno.h>
#include <string.h>

#include "tpm/auth.h"
#include "tpm/context.h"
#include "tpm/nv.h"
#include "tpm/policy.h"
#include "tpm/session.h"
#include "tpm/srk.h"

#define BITS_SIZE 8U

int tpm_index_state(Tpm *tpm, const TpmIndex *index, TpmIndexState *ret, ErrorDetail *detail) {
        _cleanup_(tpm_nv_close) TpmNv nv = {};

        int r = tpm_nv_open(tpm, index, &nv, detail);
        if (r == 0)
                *ret = nv.state;
        return r;
}

int tpm_index_define(Tpm *tpm, const TpmIndex *index, const Secret *owner_auth,
                     ErrorDetail *detail) {
        _cleanup_(tpm_auth_value_wipe) TPM2B_AUTH value = {};
        _cleanup_(tpm_handle_close) TpmHandle session = {};
        _cleanup_(tpm_auth_revoke) TpmAuth owner = {};
        TPM2B_NV_PUBLIC public = {};
        ESYS_TR tr;

        int r = index_public(index->kind, index->handle, &index->authority, &public.nvPublic);
        if (r == 0)
                r = tpm_auth_value(&index->auth, &value, detail);
        if (r == 0)
                r = tpm_session_open(tpm, TPM2_SE_HMAC, SESSION_COMMAND, &session, detail);
        if (r == 0)
                r = tpm_auth_lend(&owner, tpm, ESYS_TR_RH_OWNER, owner_auth, detail);
        if (r != 0)
                return r;
        r = tpm_srk_rc(tpm,
                       Esys_NV_DefineSpace(tpm->esys, ESYS_TR_RH_OWNER, ONE_SESSION(&session),
                                           &value, &public, &tr),
                       TPM_STEP_NV_DEFINE_SPACE, detail);
        if (r == 0) {
                /* ESAPI keeps the new index's auth in this object. */
                TpmAuth kept = { .tpm = tpm, .tr = tr };
                tpm_auth_revoke(&kept);
                (void) Esys_TR_Close(tpm->esys, &tr);
        }
        return r;
}

int tpm_index_undefine(Tpm *tpm, TPM2_HANDLE handle, const Secret *owner_auth,
                       ErrorDetail *detail) {
        _cleanup_(tpm_handle_close) TpmHandle nv = {}, session = {};
        _cleanup_(tpm_auth_revoke) TpmAuth owner = {};

        int r = tpm_handle_open(tpm, handle, &nv, detail);
        if (r != 0 || !nv.tpm)
                return r;
        r = tpm_session_open(tpm, TPM2_SE_HMAC, SESSION_PLAIN, &session, detail);
        if (r == 0)
                r = tpm_auth_lend(&owner, tpm, ESYS_TR_RH_OWNER, owner_auth, detail);
        if (r != 0)
                return r;
        r = tpm_srk_rc(
                tpm,
                Esys_NV_UndefineSpace(tpm->esys, ESYS_TR_RH_OWNER, nv.tr, ONE_SESSION(&session)),
                TPM_STEP_NV_UNDEFINE_SPACE, detail);
        if (r == 0)
                nv = (TpmHandle){}; /* ESAPI closed it */
        return r;
}

/* Take a policy session through the later branch: the index is written, and we know its auth. */
static int later_branch(const TpmHandle *session, const TpmIndex *index, ErrorDetail *detail) {
        IndexPolicy policy = {};

        int r = index_policy(index->kind, index->handle, &index->authority, &policy);
        if (r == 0)
                r = tpm_policy_apply(session, policy.later.terms, policy.later.count, NULL, detail);
        if (r == 0)
                r = tpm_policy_apply(session, &policy.either, 1, NULL, detail);
        return r;
}

/* Open the index, and a policy session taken through the later branch. */
static int later_open(Tpm *tpm, const TpmIndex *index, TpmNv *nv, TpmHandle *session,
                      ErrorDetail *detail) {
        int r = tpm_nv_open(tpm, index, nv, detail);
        if (r == 0)
                r = tpm_nv_demand_written(nv, index, detail);
        if (r == 0)
                r = tpm_session_open(tpm, TPM2_SE_POLICY, SESSION_PLAIN, session, detail);
        return r != 0 ? r : later_branch(session, index, detail);
}

int tpm_index_set_bits(Tpm *tpm, const TpmIndex *index, uint64_t bits, ErrorDetail *detail) {
        _cleanup_(tpm_handle_close) TpmHandle session = {};
        _cleanup_(tpm_nv_close) TpmNv nv = {};

        if (!index_has_bits(index->kind))
                return -EINVAL;
        int r = later_open(tpm, index, &nv, &session, detail);
        if (r != 0)
                return r;
        return tpm_srk_rc(
                tpm,
                Esys_NV_SetBits(tpm->esys, nv.handle.tr, nv.handle.tr, ONE_SESSION(&session), bits),
                TPM_STEP_NV_SET_BITS, detail);
}

int tpm_index_extend(Tpm *tpm, const TpmIndex *index, const uint8_t head[static LEDGER_VALUE_SIZE],
                     ErrorDetail *detail) {
        _cleanup_(tpm_handle_close) TpmHandle session = {};
        _cleanup_(tpm_nv_close) TpmNv nv = {};
        TPM2B_MAX_NV_BUFFER data = { .size = LEDGER_VALUE_SIZE };

        if (index->kind != INDEX_LEDGER)
                return -EINVAL;
        int r = later_open(tpm, index, &nv, &session, detail);
        if (r != 0)
                return r;
        memcpy(data.buffer, head, LEDGER_VALUE_SIZE);
        return tpm_srk_rc(
                tpm,
                Esys_NV_Extend(tpm->esys, nv.handle.tr, nv.handle.tr, ONE_SESSION(&session), &data),
                TPM_STEP_NV_EXTEND, detail);
}

/*
 * What was locked has another Name, under which ESAPI would not know the index: nothing is done
 * with it afterwards.
 */
int tpm_index_read_lock(Tpm *tpm, const TpmIndex *index, ErrorDetail *detail) {
        _cleanup_(tpm_handle_close) TpmHandle session = {};
        _cleanup_(tpm_nv_close) TpmNv nv = {};

        if (index->kind != INDEX_REVOCATION)
                return -EINVAL;
        int r = tpm_nv_open(tpm, index, &nv, detail);
        if (r == 0)
                r = tpm_nv_demand_written(&nv, index, detail);
        if (r != 0 || nv.state == TPM_INDEX_LOCKED)
                return r;
        r = tpm_session_open(tpm, TPM2_SE_HMAC, SESSION_PLAIN, &session, detail);
        if (r != 0)
                return r;
        return tpm_srk_rc(
                tpm, Esys_NV_ReadLock(tpm->esys, nv.handle.tr, nv.handle.tr, ONE_SESSION(&session)),
                TPM_STEP_NV_READ_LOCK, detail);
}

/* The whole of it, by its own auth in a salted session. */
static int index_read(Tpm *tpm, const TpmIndex *index, uint16_t size, uint8_t *ret,
                      ErrorDetail *detail) {
        _cleanup_(tpm_handle_close) TpmHandle session = {};
        _cleanup_esys_ TPM2B_MAX_NV_BUFFER *data = NULL;
        _cleanup_(tpm_nv_close) TpmNv nv = {};

        int r = tpm_nv_open(tpm, index, &nv, detail);
        if (r == 0)
                r = tpm_nv_demand_written(&nv, index, detail);
        if (r == 0)
                r = tpm_session_open(tpm, TPM2_SE_HMAC, SESSION_PLAIN, &session, detail);
        if (r != 0)
                return r;
        r = tpm_srk_rc(tpm,
                       Esys_NV_Read(tpm->esys, nv.handle.tr, nv.handle.tr, ONE_SESSION(&session),
                                    size, 0, &data),
                       TPM_STEP_NV_READ, detail);
        if (r != 0)
                return r;
        if (data->size != size)
                return error_set(detail, SEAL_E_TPM_FAILURE,
                                 "TPM2_NV_Read gave %u bytes instead of %u", data->size, size);
        memcpy(ret, data->buffer, size);
        return 0;
}

int tpm_index_read_bits(Tpm *tpm, const TpmIndex *index, uint64_t *ret, ErrorDetail *detail) {
        uint8_t value[BITS_SIZE] = {};
        uint64_t bits = 0;

        if (!index_has_bits(index->kind))
                return -EINVAL;
        int r = index_read(tpm, index, sizeof(value), value, detail);
        if (r != 0)
                return r;
        for (unsigned i = 0; i < BITS_SIZE; i++)
                bits = bits << 8 | value[i];
        *ret = bits;
        return 0;
}

int tpm_index_read_value(Tpm *tpm, const TpmIndex *index, uint8_t ret[static LEDGER_VALUE_SIZE],
                         ErrorDetail *detail) {
        if (index->kind != INDEX_LEDGER)
                return -EINVAL;
        return index_read(tpm, index, LEDGER_VALUE_SIZE, ret, detail);
}
