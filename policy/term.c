/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/term.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <tss2/tss2_mu.h>

#include "policy/digest.h"

/* The longest is PolicyOR: digest, command code, eight digests. */
#define TERM_BYTES_MAX 1024

TPM2B_DIGEST policy_start(void) {
        return (TPM2B_DIGEST){ .size = TPM2_SHA256_DIGEST_SIZE };
}

/* policyDigestOLD ‖ commandCode, with which every term's hash input begins. */
static Writer term_begin(uint8_t *buffer, const TPM2B_DIGEST *old, TPM2_CC command) {
        Writer w = writer_over(buffer, TERM_BYTES_MAX);

        writer_put_digest(&w, old);
        writer_put_u32(&w, command);
        return w;
}

static int pcr_extend(const PolicyTerm *term, TPM2B_DIGEST *digest) {
        uint8_t buffer[TERM_BYTES_MAX];
        TPML_PCR_SELECTION list;

        Writer w = term_begin(buffer, digest, TPM2_CC_PolicyPCR);
        pcr_selection_list(&term->pcr.selection, &list);
        if (w.overflow ||
            Tss2_MU_TPML_PCR_SELECTION_Marshal(&list, w.data, w.size, &w.used) != TSS2_RC_SUCCESS)
                return -EINVAL;
        writer_put_digest(&w, &term->pcr.digest);
        return digest_written(&w, digest);
}

/* PolicyUpdate() of Part 3 §23.2.3: two hashes, so that a Name and a ref cannot be shifted. */
static int policy_update(TPM2_CC command, const TPM2B_NAME *name, const TPM2B_DIGEST *ref,
                         TPM2B_DIGEST *digest) {
        uint8_t buffer[TERM_BYTES_MAX];
        TPM2B_DIGEST first;

        Writer w = term_begin(buffer, digest, command);
        writer_put_name(&w, name);
        int r = digest_written(&w, &first);
        if (r != 0)
                return r;
        w = writer_over(buffer, sizeof(buffer));
        writer_put_digest(&w, &first);
        writer_put_digest(&w, ref);
        return digest_written(&w, digest);
}

static int authorize_extend(const PolicyTerm *term, TPM2B_DIGEST *digest) {
        TPM2B_DIGEST fresh = policy_start();

        int r = policy_update(TPM2_CC_PolicyAuthorize, &term->authorize.key, &term->authorize.ref,
                              &fresh);
        if (r != 0)
                return r;
        *digest = fresh;
        return 0;
}

static int signed_extend(const PolicyTerm *term, TPM2B_DIGEST *digest) {
        return policy_update(TPM2_CC_PolicySigned, &term->signing.key, &term->signing.ref, digest);
}

/* args := H(operandB ‖ offset ‖ operation); then old ‖ CC ‖ args ‖ nvIndex→Name. */
static int nv_extend(const PolicyTerm *term, TPM2B_DIGEST *digest) {
        uint8_t buffer[TERM_BYTES_MAX];
        TPM2B_OPERAND operand = policy_nv_operand(term->nv.mask);
        TPM2B_DIGEST args;

        Writer w = writer_over(buffer, sizeof(buffer));
        writer_put_digest(&w, &operand);
        writer_put_u16(&w, 0);
        writer_put_u16(&w, TPM2_EO_BITCLEAR);
        int r = digest_written(&w, &args);
        if (r != 0)
                return r;
        w = term_begin(buffer, digest, TPM2_CC_PolicyNV);
        writer_put_digest(&w, &args);
        writer_put_name(&w, &term->nv.index);
        return digest_written(&w, digest);
}

static int auth_value_extend(const PolicyTerm *term, TPM2B_DIGEST *digest) {
        uint8_t buffer[TERM_BYTES_MAX];

        (void) term;
        Writer w = term_begin(buffer, digest, TPM2_CC_PolicyAuthValue);
        return digest_written(&w, digest);
}

static int or_extend(const PolicyTerm *term, TPM2B_DIGEST *digest) {
        uint8_t buffer[TERM_BYTES_MAX];
        TPM2B_DIGEST start = policy_start();
        const TPML_DIGEST *branches = &term->branches;
        size_t room = sizeof(branches->digests) / sizeof(branches->digests[0]);

        if (branches->count < 2 || branches->count > room)
                return -EINVAL;
        Writer w = term_begin(buffer, &start, TPM2_CC_PolicyOR);
        for (UINT32 i = 0; i < branches->count; i++) {
                if (branches->digests[i].size != TPM2_SHA256_DIGEST_SIZE)
                        return -EINVAL;
                writer_put_digest(&w, &branches->digests[i]);
        }
        return digest_written(&w, digest);
}

static int nv_written_extend(const PolicyTerm *term, TPM2B_DIGEST *digest) {
        uint8_t buffer[TERM_BYTES_MAX];

        Writer w = term_begin(buffer, digest, TPM2_CC_PolicyNvWritten);
        writer_put_u8(&w, term->written ? TPM2_YES : TPM2_NO);
        return digest_written(&w, digest);
}

static int command_code_extend(const PolicyTerm *term, TPM2B_DIGEST *digest) {
        uint8_t buffer[TERM_BYTES_MAX];

        Writer w = term_begin(buffer, digest, TPM2_CC_PolicyCommandCode);
        writer_put_u32(&w, term->command);
        return digest_written(&w, digest);
}

static int duplication_select_extend(const PolicyTerm *term, TPM2B_DIGEST *digest) {
        uint8_t buffer[TERM_BYTES_MAX];

        Writer w = term_begin(buffer, digest, TPM2_CC_PolicyDuplicationSelect);
        if (term->duplication.include_object)
                writer_put_name(&w, &term->duplication.object);
        writer_put_name(&w, &term->duplication.parent);
        writer_put_u8(&w, term->duplication.include_object ? TPM2_YES : TPM2_NO);
        return digest_written(&w, digest);
}

typedef int (*TermExtend)(const PolicyTerm *term, TPM2B_DIGEST *digest);

static const TermExtend extends[POLICY_KIND_MAX] = {
        [POLICY_PCR] = pcr_extend,
        [POLICY_AUTHORIZE] = authorize_extend,
        [POLICY_NV] = nv_extend,
        [POLICY_AUTH_VALUE] = auth_value_extend,
        [POLICY_SIGNED] = signed_extend,
        [POLICY_OR] = or_extend,
        [POLICY_NV_WRITTEN] = nv_written_extend,
        [POLICY_COMMAND_CODE] = command_code_extend,
        [POLICY_DUPLICATION_SELECT] = duplication_select_extend,
};

int policy_term_extend(const PolicyTerm *term, TPM2B_DIGEST *digest) {
        if ((size_t) term->kind >= POLICY_KIND_MAX || digest->size != TPM2_SHA256_DIGEST_SIZE)
                return -EINVAL;
        return extends[term->kind](term, digest);
}

int policy_leaf_digest(const PolicyLeaf *leaf, TPM2B_DIGEST *ret) {
        TPM2B_DIGEST digest = policy_start();

        if (leaf->count > POLICY_TERMS_MAX)
                return -EINVAL;
        for (size_t i = 0; i < leaf->count; i++) {
                int r = policy_term_extend(&leaf->terms[i], &digest);
                if (r != 0)
                        return r;
        }
        *ret = digest;
        return 0;
}

int policy_or_term(const PolicyLeaf *leaves, size_t count, PolicyTerm *ret) {
        PolicyTerm term = { .kind = POLICY_OR };

        if (count < 2 || count > POLICY_LEAVES_MAX)
                return -EINVAL;
        for (size_t i = 0; i < count; i++) {
                int r = policy_leaf_digest(&leaves[i], &term.branches.digests[i]);
                if (r != 0)
                        return r;
        }
        term.branches.count = (UINT32) count;
        *ret = term;
        return 0;
}

TPM2B_OPERAND policy_nv_operand(uint64_t mask) {
        TPM2B_OPERAND operand = { .size = sizeof(mask) };
        Writer w = writer_over(operand.buffer, sizeof(operand.buffer));

        writer_put_u64(&w, mask);
        return operand;
}

#define SHORT_BYTES 4
#define SHORT_SIZE (2 * SHORT_BYTES + 1)

/* The first digits of a digest, enough to tell two apart on a screen. */
static const char *digest_short(const TPM2B_DIGEST *digest, char ret[static SHORT_SIZE]) {
        if (digest->size < SHORT_BYTES)
                return "none";
        return hex_encode(digest->buffer, SHORT_BYTES, ret);
}

/* Likewise of a Name's digest: nameAlg, the same in all of ours, is left out. */
static const char *name_short(const TPM2B_NAME *name, char ret[static SHORT_SIZE]) {
        if (name->size < sizeof(TPMI_ALG_HASH) + SHORT_BYTES)
                return "none";
        return hex_encode(name->name + sizeof(TPMI_ALG_HASH), SHORT_BYTES, ret);
}

static void pcr_describe(const PolicyTerm *term, char *ret, size_t size) {
        char selection[PCR_TEXT_MAX + 1], digest[SHORT_SIZE];

        (void) snprintf(ret, size, "PolicyPCR(%s digest %s)",
                        pcr_selection_format(&term->pcr.selection, selection),
                        digest_short(&term->pcr.digest, digest));
}

static void key_describe(const char *command, const TPM2B_NAME *key, const TPM2B_DIGEST *ref,
                         char *ret, size_t size) {
        char k[SHORT_SIZE], r[SHORT_SIZE];

        (void) snprintf(ret, size, "%s(key %s ref %s)", command, name_short(key, k),
                        digest_short(ref, r));
}

static void nv_describe(const PolicyTerm *term, char *ret, size_t size) {
        char index[SHORT_SIZE];
        uint64_t mask = term->nv.mask;

        const char *name = name_short(&term->nv.index, index);
        if (mask != 0 && (mask & (mask - 1)) == 0)
                (void) snprintf(ret, size, "PolicyNV(index %s bit %d clear)", name,
                                __builtin_ctzll(mask));
        else
                (void) snprintf(ret, size, "PolicyNV(index %s bits %016llx clear)", name,
                                (unsigned long long) mask);
}

static void command_code_describe(const PolicyTerm *term, char *ret, size_t size) {
        if (term->command == TPM2_CC_Duplicate)
                (void) snprintf(ret, size, "PolicyCommandCode(Duplicate)");
        else
                (void) snprintf(ret, size, "PolicyCommandCode(%08x)", term->command);
}

static void duplication_select_describe(const PolicyTerm *term, char *ret, size_t size) {
        char object[SHORT_SIZE], parent[SHORT_SIZE];

        (void) snprintf(ret, size, "PolicyDuplicationSelect(object %s parent %s)",
                        term->duplication.include_object
                                ? name_short(&term->duplication.object, object)
                                : "any",
                        name_short(&term->duplication.parent, parent));
}

static void kind_describe(const PolicyTerm *term, char *ret, size_t size) {
        switch (term->kind) {
        case POLICY_PCR:
                return pcr_describe(term, ret, size);
        case POLICY_AUTHORIZE:
                return key_describe("PolicyAuthorize", &term->authorize.key, &term->authorize.ref,
                                    ret, size);
        case POLICY_NV:
                return nv_describe(term, ret, size);
        case POLICY_AUTH_VALUE:
                return (void) snprintf(ret, size, "PolicyAuthValue");
        case POLICY_SIGNED:
                return key_describe("PolicySigned", &term->signing.key, &term->signing.ref, ret,
                                    size);
        case POLICY_OR:
                return (void) snprintf(ret, size, "PolicyOR(%u branches)", term->branches.count);
        case POLICY_NV_WRITTEN:
                return (void) snprintf(ret, size, "PolicyNvWritten(%s)",
                                       term->written ? "yes" : "no");
        case POLICY_COMMAND_CODE:
                return command_code_describe(term, ret, size);
        case POLICY_DUPLICATION_SELECT:
                return duplication_select_describe(term, ret, size);
        case POLICY_KIND_MAX:
                break;
        }
        (void) snprintf(ret, size, "unknown");
}

const char *policy_term_describe(const PolicyTerm *term, char *ret, size_t size) {
        kind_describe(term, ret, size);
        return ret;
}
