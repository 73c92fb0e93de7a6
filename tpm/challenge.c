/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "policy/approval.h"
#include "tpm/context.h"
#include "tpm/index.h"
#include "tpm/nv.h"
#include "tpm/policy.h"
#include "tpm/session.h"
#include "tpm/srk.h"

#define VALUE_MAX 32U /* SHA-256, the ledger's genesis */

struct TpmChallenge {
        Tpm *tpm; /* not owned */
        TpmIndex index;
        IndexPolicy policy;
        TpmHandle session;
        TPM2B_NONCE nonce;
        TPM2B_DIGEST cphash;
        size_t value_size;
        uint8_t value[VALUE_MAX];
        size_t size;
        uint8_t bytes[APPROVAL_BYTES_MAX];
};

TpmChallenge *tpm_challenge_free(TpmChallenge *challenge) {
        if (!challenge)
                return NULL;
        tpm_handle_close(&challenge->session);
        secret_wipe(&challenge->index.auth);
        free(challenge);
        return NULL;
}

Bytes tpm_challenge_bytes(const TpmChallenge *challenge) {
        return (Bytes){ .data = challenge->bytes, .size = challenge->size };
}

static uint64_t value_bits(const TpmChallenge *challenge) {
        uint64_t bits = 0;

        for (size_t i = 0; i < challenge->value_size; i++)
                bits = bits << 8 | challenge->value[i];
        return bits;
}

/* cpHash with the Name of the index as it is before the write: unwritten. */
static int challenge_cphash(TpmChallenge *challenge) {
        const TpmIndex *index = &challenge->index;
        TPMS_NV_PUBLIC public = {};
        TPM2B_NAME name = {};

        int r = index_public(index->kind, index->handle, &index->authority, &public);
        if (r == 0)
                r = index_name(&public, false, &name);
        if (r != 0)
                return r;
        if (index_has_bits(index->kind))
                return cphash_nv_set_bits(&name, value_bits(challenge), &challenge->cphash);
        return cphash_nv_extend(&name,
                                (Bytes){ .data = challenge->value, .size = challenge->value_size },
                                &challenge->cphash);
}

static const PolicyTerm *signed_term(const PolicyLeaf *leaf) {
        for (size_t i = 0; i < leaf->count; i++)
                if (leaf->terms[i].kind == POLICY_SIGNED)
                        return &leaf->terms[i];
        return NULL;
}

static int challenge_write_bytes(TpmChallenge *challenge) {
        Writer writer = writer_over(challenge->bytes, sizeof(challenge->bytes));
        const PolicyTerm *term = signed_term(&challenge->policy.first);

        if (!term)
                return -EINVAL;
        approval_signed_bytes(&challenge->nonce, 0, &challenge->cphash, &term->signing.ref,
                              &writer);
        if (writer.overflow)
                return -E2BIG;
        challenge->size = writer.used;
        return 0;
}

static int challenge_open_session(TpmChallenge *challenge, ErrorDetail *detail) {
        _cleanup_esys_ TPM2B_NONCE *nonce = NULL;
        Tpm *tpm = challenge->tpm;

        int r = tpm_session_open(tpm, TPM2_SE_POLICY, SESSION_PLAIN, &challenge->session, detail);
        if (r != 0)
                return r;
        r = tpm_rc(Esys_TRSess_GetNonceTPM(tpm->esys, challenge->session.tr, &nonce),
                   TPM_STEP_START_SESSION, detail);
        if (r == 0)
                challenge->nonce = *nonce;
        return r;
}

static int demand_unwritten(const TpmNv *nv, const TpmIndex *index, ErrorDetail *detail) {
        if (nv->state == TPM_INDEX_UNWRITTEN)
                return 0;
        int r = tpm_nv_demand_written(nv, index, detail);
        if (r != 0)
                return r;
        return error_set(detail, SEAL_E_ALREADY_EXISTS,
                         "The NV index 0x%08x has its first write already; nothing is left to "
                         "authorise",
                         index->handle);
}

static int check_unwritten(Tpm *tpm, const TpmIndex *index, ErrorDetail *detail) {
        _cleanup_(tpm_nv_close) TpmNv nv = {};

        int r = tpm_nv_open(tpm, index, &nv, detail);
        if (r != 0)
                return r;
        return demand_unwritten(&nv, index, detail);
}

int tpm_challenge_new(TpmChallenge **ret, Tpm *tpm, const TpmIndex *index, Bytes value,
                      ErrorDetail *detail) {
        _cleanup_(tpm_challenge_freep) TpmChallenge *challenge = NULL;

        if (value.size != (index_has_bits(index->kind) ? 8 : VALUE_MAX))
                return -EINVAL;
        int r = check_unwritten(tpm, index, detail);
        if (r != 0)
                return r;
        challenge = calloc(1, sizeof(*challenge));
        if (!challenge)
                return -ENOMEM;
        challenge->tpm = tpm;
        challenge->index = *index;
        challenge->value_size = value.size;
        memcpy(challenge->value, value.data, value.size);
        r = index_policy(index->kind, index->handle, &index->authority, &challenge->policy);
        if (r == 0)
                r = challenge_cphash(challenge);
        if (r == 0)
                r = challenge_open_session(challenge, detail);
        if (r == 0)
                r = challenge_write_bytes(challenge);
        if (r != 0)
                return r;
        *ret = steal_ptr(challenge);
        return 0;
}

/* TPM2_PolicySigned is last but one: what comes before cannot fail for a good signature. */
static int challenge_authorize(TpmChallenge *challenge, const TpmAuthority *authority,
                               const TPMT_SIGNATURE *signature, ErrorDetail *detail) {
        const PolicySignature answer = {
                .key = &authority->public,
                .nonce = &challenge->nonce,
                .cphash = &challenge->cphash,
                .signature = signature,
        };
        const PolicyInputs inputs = { .signatures = &answer, .signature_count = 1 };
        const IndexPolicy *policy = &challenge->policy;

        int r = tpm_policy_apply(&challenge->session, policy->first.terms, policy->first.count,
                                 &inputs, detail);
        if (r != 0)
                return r;
        r = tpm_policy_apply(&challenge->session, &policy->either, 1, NULL, detail);
        if (r == SEAL_E_REGISTER_TAMPERED) /* another key's good signature */
                return error_set(detail, SEAL_E_APPROVAL_INVALID,
                                 "The signature is not the authority's of this index");
        return r;
}

static int challenge_write(TpmChallenge *challenge, const TpmNv *nv, ErrorDetail *detail) {
        ESYS_CONTEXT *esys = challenge->tpm->esys;
        TPM2B_MAX_NV_BUFFER data = { .size = (uint16_t) challenge->value_size };
        ESYS_TR tr = nv->handle.tr;

        if (index_has_bits(challenge->index.kind))
                return tpm_srk_rc(challenge->tpm,
                                  Esys_NV_SetBits(esys, tr, tr, ONE_SESSION(&challenge->session),
                                                  value_bits(challenge)),
                                  TPM_STEP_NV_SET_BITS, detail);
        memcpy(data.buffer, challenge->value, challenge->value_size);
        return tpm_srk_rc(challenge->tpm,
                          Esys_NV_Extend(esys, tr, tr, ONE_SESSION(&challenge->session), &data),
                          TPM_STEP_NV_EXTEND, detail);
}

int tpm_challenge_answer(TpmChallenge *challenge, const TpmAuthority *authority,
                         const TPMT_SIGNATURE *signature, ErrorDetail *detail) {
        _cleanup_(tpm_nv_close) TpmNv nv = {};

        if (!challenge->session.tpm)
                return error_set(detail, SEAL_E_APPROVAL_USED, "This challenge was answered");
        int r = tpm_nv_open(challenge->tpm, &challenge->index, &nv, detail);
        if (r == 0)
                r = demand_unwritten(&nv, &challenge->index, detail);
        if (r != 0)
                return r;
        r = challenge_authorize(challenge, authority, signature, detail);
        if (r == 0)
                r = challenge_write(challenge, &nv, detail);
        if (r == 0)
                tpm_handle_close(&challenge->session);
        else /* nonceTPM stays, so the bytes to be signed do too */
                (void) tpm_policy_restart(&challenge->session, NULL);
        return r;
}
