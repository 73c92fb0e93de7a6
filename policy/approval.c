/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/approval.h"

#include <errno.h>

#include <tss2/tss2_mu.h>

#include "policy/algorithm.h"
#include "policy/digest.h"
#include "policy/term.h"

int machine_state_leaf(const PcrValues *values, const TPM2B_NAME *index, unsigned bit,
                       PolicyLeaf *ret) {
        PolicyLeaf leaf = {
                .count = 1,
                .terms = { { .kind = POLICY_PCR, .pcr.selection = values->selection } },
        };

        if (index && bit >= 64)
                return -EINVAL;
        int r = pcr_values_digest(values, &leaf.terms[0].pcr.digest);
        if (r != 0)
                return r;
        if (index)
                leaf.terms[leaf.count++] = (PolicyTerm){
                        .kind = POLICY_NV,
                        .nv = { .index = *index, .mask = UINT64_C(1) << bit },
                };
        *ret = leaf;
        return 0;
}

static int state_policy(const PcrValues *values, const TPM2B_NAME *index, unsigned bit,
                        TPM2B_DIGEST *ret) {
        PolicyLeaf leaf;

        int r = machine_state_leaf(values, index, bit, &leaf);
        return r == 0 ? policy_leaf_digest(&leaf, ret) : r;
}

int machine_state_policy(const PcrValues *values, TPM2B_DIGEST *ret) {
        return state_policy(values, NULL, 0, ret);
}

int machine_state_policy_retirable(const PcrValues *values, const TPM2B_NAME *index, unsigned bit,
                                   TPM2B_DIGEST *ret) {
        return state_policy(values, index, bit, ret);
}

void approval_authorize_bytes(const TPM2B_DIGEST *approved_policy, const TPM2B_DIGEST *ref,
                              Writer *writer) {
        writer_put_digest(writer, approved_policy);
        writer_put_digest(writer, ref);
}

void approval_signed_bytes(const TPM2B_NONCE *nonce, int32_t expiration, const TPM2B_DIGEST *cphash,
                           const TPM2B_DIGEST *ref, Writer *writer) {
        if (nonce)
                writer_put_digest(writer, nonce);
        writer_put_u32(writer, (uint32_t) expiration);
        writer_put_digest(writer, cphash);
        writer_put_digest(writer, ref);
}

#define SIGN_BYTES_MAX 256

/* commandCode ‖ Name(keyHandle) ‖ digest ‖ inScheme ‖ validation (Part 1 §18.7, Part 3 §20.2). */
int cphash_sign(const TPM2B_NAME *key, const TPM2B_DIGEST *digest, const TPMT_SIG_SCHEME *scheme,
                TPM2B_DIGEST *ret) {
        uint8_t buffer[SIGN_BYTES_MAX];
        Writer w = writer_over(buffer, sizeof(buffer));

        writer_put_u32(&w, TPM2_CC_Sign);
        writer_put_name(&w, key);
        writer_put_u16(&w, digest->size);
        writer_put_digest(&w, digest);
        if (w.overflow ||
            Tss2_MU_TPMT_SIG_SCHEME_Marshal(scheme, w.data, w.size, &w.used) != TSS2_RC_SUCCESS ||
            Tss2_MU_TPMT_TK_HASHCHECK_Marshal(&no_hash_ticket, w.data, w.size, &w.used) !=
                    TSS2_RC_SUCCESS)
                return -EINVAL;
        return digest_written(&w, ret);
}
