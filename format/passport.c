/* SPDX-License-Identifier: Apache-2.0 */
#include "format/passport.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/digest.h"
#include "policy/key.h"

PassportStatement *passport_statement_new(void) {
        return calloc(1, sizeof(PassportStatement));
}

static void ders_done(PassportDers *ders) {
        for (size_t i = 0; i < ders->count; i++)
                free(ders->items[i].data);
}

static void statement_done(PassportStatement *statement) {
        ders_done(&statement->certificates);
        ders_done(&statement->ek_certificates);
}

PassportStatement *passport_statement_free(PassportStatement *statement) {
        if (statement)
                statement_done(statement);
        free(statement);
        return NULL;
}

Passport *passport_new(void) {
        return calloc(1, sizeof(Passport));
}

Passport *passport_free(Passport *passport) {
        if (passport)
                statement_done(&passport->statement);
        free(passport);
        return NULL;
}

int passport_ders_add(PassportDers *ders, Bytes der) {
        if (ders->count >= PASSPORT_CERTIFICATES_MAX || der.size == 0 || der.size > CERTIFICATE_MAX)
                return SEAL_E_LIMITS_EXCEEDED;
        uint8_t *copy = malloc(der.size);
        if (!copy)
                return -ENOMEM;
        memcpy(copy, der.data, der.size);
        ders->items[ders->count++] = (PassportDer){ .data = copy, .size = der.size };
        return 0;
}

/* --- the policy ----------------------------------------------------------------------------- */

int passport_policy(const PassportStatement *statement, SealPolicy *ret) {
        const PassportPolicy *p = &statement->policy;
        SealPolicy policy = {
                .bit = p->bit,
                .pin = p->pin,
                .backup = p->backup,
                .approver_count = p->approver_count,
                .threshold = p->threshold,
        };

        if (p->approver_count > APPROVERS_MAX)
                return SEAL_E_INVALID_ARGS;
        memcpy(policy.profile, p->profile, sizeof(policy.profile));
        memcpy(policy.number, statement->seal.number, sizeof(policy.number));
        int r = public_name(&p->authority, &policy.authority);
        if (r == 0)
                r = index_name(&p->index, true, &policy.index);
        for (size_t i = 0; i < p->approver_count && r == 0; i++)
                r = public_name(&p->approvers[i].key, &policy.approvers[i]);
        if (r == 0)
                *ret = policy;
        return r;
}

static void leaves_write(const SealLeaves *leaves, PassportTerms *ret) {
        ret->count = leaves->count;
        for (size_t i = 0; i < leaves->count; i++) {
                const PolicyLeaf *leaf = &leaves->leaves[i];

                ret->leaves[i].count = leaf->count;
                for (size_t j = 0; j < leaf->count; j++)
                        (void) passport_term_text(&leaf->terms[j], ret->leaves[i].lines[j]);
        }
}

int passport_terms_of(const PassportStatement *statement, PassportTerms *ret) {
        SealPolicy policy;
        SealLeaves leaves;

        int r = passport_policy(statement, &policy);
        if (r == 0)
                r = seal_policy_leaves(&policy, &leaves);
        if (r == 0)
                leaves_write(&leaves, ret);
        return r;
}

int passport_terms_write(PassportStatement *statement) {
        return passport_terms_of(statement, &statement->policy.terms);
}

#define LINE_SIZE (PASSPORT_TERM_MAX + 1)

static void key_text(const char *command, const TPM2B_NAME *key, const TPM2B_DIGEST *ref,
                     char *ret) {
        char name[2 * sizeof(key->name) + 1], text[2 * sizeof(ref->buffer) + 1];

        (void) snprintf(ret, LINE_SIZE, "%s(key %s ref %s)", command,
                        hex_encode(key->name, key->size, name),
                        hex_encode(ref->buffer, ref->size, text));
}

static void nv_text(const PolicyTerm *term, char *ret) {
        char name[2 * sizeof(term->nv.index.name) + 1];

        (void) snprintf(ret, LINE_SIZE, "PolicyNV(index %s bit %d clear)",
                        hex_encode(term->nv.index.name, term->nv.index.size, name),
                        term->nv.mask ? __builtin_ctzll(term->nv.mask) : 0);
}

/* At most 7 branches of 64 digits. */
static void or_text(const TPML_DIGEST *branches, char *ret) {
        char digest[2 * sizeof(branches->digests[0].buffer) + 1];
        size_t used = (size_t) snprintf(ret, LINE_SIZE, "PolicyOR(");

        for (UINT32 i = 0; i < branches->count && used < LINE_SIZE; i++) {
                const TPM2B_DIGEST *d = &branches->digests[i];

                used += (size_t) snprintf(ret + used, LINE_SIZE - used, "%s%s", i > 0 ? " " : "",
                                          hex_encode(d->buffer, d->size, digest));
        }
        if (used < LINE_SIZE)
                (void) snprintf(ret + used, LINE_SIZE - used, ")");
}

const char *passport_term_text(const PolicyTerm *term, char ret[static PASSPORT_TERM_MAX + 1]) {
        switch (term->kind) {
        case POLICY_AUTHORIZE:
                key_text("PolicyAuthorize", &term->authorize.key, &term->authorize.ref, ret);
                break;
        case POLICY_SIGNED:
                key_text("PolicySigned", &term->signing.key, &term->signing.ref, ret);
                break;
        case POLICY_NV:
                nv_text(term, ret);
                break;
        case POLICY_OR:
                or_text(&term->branches, ret);
                break;
        default: /* those without Names and digests; no policy of a seal has others */
                (void) policy_term_describe(term, ret, LINE_SIZE);
        }
        return ret;
}

const char *passport_kind_name(PassportKind kind) {
        return kind == PASSPORT_CERTIFY ? "certify" : "creation";
}

const char *passport_audit_name(PassportAudit audit) {
        static const char *const names[] = {
                [PASSPORT_AUDIT_OFF] = "off",
                [PASSPORT_AUDIT_ON] = "on",
                [PASSPORT_AUDIT_STOPPED] = "stopped",
                [PASSPORT_AUDIT_ABSENT] = "absent",
        };

        return names[audit];
}

/* --- what the attestations are made with ---------------------------------------------------- */

int passport_extra(Bytes nonce, Bytes statement, TPM2B_DATA *ret) {
        static const char label[] = "sealsd/passport"; /* with its zero */
        uint8_t buffer[sizeof(label) + PASSPORT_NONCE_MAX + PASSPORT_HASH_SIZE];
        Writer writer = writer_over(buffer, sizeof(buffer));
        TPM2B_DIGEST digest;

        int r = digest_bytes(statement, &digest);
        if (r != 0)
                return r;
        writer_put(&writer, label, sizeof(label));
        writer_put(&writer, nonce.data, nonce.size);
        writer_put_digest(&writer, &digest);
        r = digest_written(&writer, &digest);
        if (r != 0)
                return r;
        *ret = (TPM2B_DATA){ .size = digest.size };
        memcpy(ret->buffer, digest.buffer, digest.size);
        return 0;
}
