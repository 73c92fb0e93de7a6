/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/index.h"

#include <errno.h>
#include <string.h>

#include <tss2/tss2_mu.h>

#include "base/error.h"
#include "policy/digest.h"
#include "policy/ref.h"

#define NV_PUBLIC_BYTES_MAX 128
#define CPHASH_BYTES_MAX 2560 /* two Names and TPM2B_MAX_NV_BUFFER */

typedef struct IndexShape {
        TPMA_NV attributes;
        UINT16 size;
        RefKind ref;
} IndexShape;

#define NT(type) ((TPMA_NV) (type) << TPMA_NV_TPM2_NT_SHIFT)

/* Design, section 3.2. None of the write attributes but POLICYWRITE: each other one is a way past
 * the authority's signature. */
static const IndexShape shapes[] = {
        [INDEX_REVOCATION] = {
                .attributes = TPMA_NV_POLICYWRITE | TPMA_NV_AUTHREAD | TPMA_NV_NO_DA |
                              TPMA_NV_READ_STCLEAR | NT(TPM2_NT_BITS),
                .size = sizeof(uint64_t),
                .ref = REF_REVOCATION_INDEX,
        },
        [INDEX_LEDGER] = {
                .attributes = TPMA_NV_POLICYWRITE | TPMA_NV_AUTHREAD | TPMA_NV_OWNERREAD |
                              TPMA_NV_NO_DA | NT(TPM2_NT_EXTEND),
                .size = TPM2_SHA256_DIGEST_SIZE,
                .ref = REF_LEDGER_INDEX,
        },
        /* Never read-locked: the register's key opens by it, also while the seals are locked. */
        [INDEX_STATE] = {
                .attributes = TPMA_NV_POLICYWRITE | TPMA_NV_AUTHREAD | TPMA_NV_NO_DA |
                              NT(TPM2_NT_BITS),
                .size = sizeof(uint64_t),
                .ref = REF_STATE_INDEX,
        },
};

static const IndexShape *index_shape(IndexKind kind) {
        return (size_t) kind < sizeof(shapes) / sizeof(shapes[0]) ? &shapes[kind] : NULL;
}

bool index_has_bits(IndexKind kind) {
        return kind != INDEX_LEDGER;
}

int index_policy(IndexKind kind, TPM2_HANDLE handle, const TPM2B_NAME *authority,
                 IndexPolicy *ret) {
        TPM2B_DIGEST ref;

        const IndexShape *shape = index_shape(kind);
        if (!shape)
                return -EINVAL;
        int r = policy_ref_handle(shape->ref, handle, &ref);
        if (r != 0)
                return r;
        const PolicyLeaf leaves[] = {
                { .count = 2,
                  .terms = { { .kind = POLICY_NV_WRITTEN, .written = false },
                             { .kind = POLICY_SIGNED,
                               .signing = { .key = *authority, .ref = ref } } } },
                { .count = 2,
                  .terms = { { .kind = POLICY_NV_WRITTEN, .written = true },
                             { .kind = POLICY_AUTH_VALUE } } },
        };
        PolicyTerm either;
        r = policy_or_term(leaves, 2, &either);
        if (r != 0)
                return r;
        *ret = (IndexPolicy){ .first = leaves[0], .later = leaves[1], .either = either };
        return 0;
}

int index_public(IndexKind kind, TPM2_HANDLE handle, const TPM2B_NAME *authority,
                 TPMS_NV_PUBLIC *ret) {
        IndexPolicy policy;
        TPM2B_DIGEST digest = policy_start();

        int r = index_policy(kind, handle, authority, &policy);
        if (r != 0)
                return r;
        r = policy_term_extend(&policy.either, &digest);
        if (r != 0)
                return r;
        const IndexShape *shape = index_shape(kind);
        *ret = (TPMS_NV_PUBLIC){
                .nvIndex = handle,
                .nameAlg = TPM2_ALG_SHA256,
                .attributes = shape->attributes,
                .authPolicy = digest,
                .dataSize = shape->size,
        };
        return 0;
}

int index_name(const TPMS_NV_PUBLIC *public, bool written, TPM2B_NAME *ret) {
        uint8_t buffer[NV_PUBLIC_BYTES_MAX];
        Writer w = writer_over(buffer, sizeof(buffer));
        TPMS_NV_PUBLIC area = *public;

        if (area.nameAlg != TPM2_ALG_SHA256)
                return SEAL_E_UNSUPPORTED;
        area.attributes &= ~(TPMA_NV) TPMA_NV_WRITTEN;
        if (written)
                area.attributes |= TPMA_NV_WRITTEN;
        if (Tss2_MU_TPMS_NV_PUBLIC_Marshal(&area, w.data, w.size, &w.used) != TSS2_RC_SUCCESS)
                return -EINVAL;
        return name_written(&w, ret);
}

/* commandCode ‖ Name(authHandle) ‖ Name(nvIndex), the same index twice (Part 1 §18.7). */
static Writer cphash_begin(uint8_t *buffer, TPM2_CC command, const TPM2B_NAME *name) {
        Writer w = writer_over(buffer, CPHASH_BYTES_MAX);

        writer_put_u32(&w, command);
        writer_put_name(&w, name);
        writer_put_name(&w, name);
        return w;
}

int cphash_nv_set_bits(const TPM2B_NAME *name, uint64_t bits, TPM2B_DIGEST *ret) {
        uint8_t buffer[CPHASH_BYTES_MAX];

        Writer w = cphash_begin(buffer, TPM2_CC_NV_SetBits, name);
        writer_put_u64(&w, bits);
        return digest_written(&w, ret);
}

int cphash_nv_extend(const TPM2B_NAME *name, Bytes data, TPM2B_DIGEST *ret) {
        uint8_t buffer[CPHASH_BYTES_MAX];

        if (data.size > TPM2_MAX_NV_BUFFER_SIZE)
                return -EINVAL;
        Writer w = cphash_begin(buffer, TPM2_CC_NV_Extend, name);
        writer_put_u16(&w, (uint16_t) data.size);
        writer_put(&w, data.data, data.size);
        return digest_written(&w, ret);
}

int ledger_genesis(const TPM2B_NAME *authority, TPM2_HANDLE handle, TPM2B_DIGEST *ret) {
        static const char tag[] = "sealsd/genesis";
        uint8_t buffer[sizeof(tag) + sizeof(authority->name) + sizeof(handle)];
        Writer w = writer_over(buffer, sizeof(buffer));

        writer_put(&w, tag, strlen(tag));
        writer_put_name(&w, authority);
        writer_put_u32(&w, handle);
        return digest_written(&w, ret);
}

int ledger_value_next(const uint8_t old[static LEDGER_VALUE_SIZE],
                      const uint8_t head[static LEDGER_VALUE_SIZE],
                      uint8_t ret[static LEDGER_VALUE_SIZE]) {
        uint8_t buffer[2 * LEDGER_VALUE_SIZE];
        Writer w = writer_over(buffer, sizeof(buffer));
        TPM2B_DIGEST value;

        writer_put(&w, old, LEDGER_VALUE_SIZE);
        writer_put(&w, head, LEDGER_VALUE_SIZE);
        int r = digest_written(&w, &value);
        if (r == 0)
                memcpy(ret, value.buffer, LEDGER_VALUE_SIZE);
        return r;
}

int ledger_value_first(const TPM2B_NAME *authority, TPM2_HANDLE handle,
                       uint8_t ret[static LEDGER_VALUE_SIZE]) {
        static const uint8_t zeros[LEDGER_VALUE_SIZE];
        TPM2B_DIGEST genesis;

        int r = ledger_genesis(authority, handle, &genesis);
        return r != 0 ? r : ledger_value_next(zeros, genesis.buffer, ret);
}
