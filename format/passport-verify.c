/* SPDX-License-Identifier: Apache-2.0 */
#include "format/passport-verify.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "format/passport-judge.h"
#include "policy/digest.h"
#include "policy/key.h"

int judgement_refuse(const Judgement *j, const char *format, ...) {
        char text[ERROR_TEXT_MAX];
        va_list arguments;

        va_start(arguments, format);
        (void) vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        return error_set(j->detail, SEAL_E_REGISTER_TAMPERED, "%s", text);
}

/* --- what the verifier knows ---------------------------------------------------------------- */

static int judge_nonce(const Judgement *j) {
        const PassportStatement *s = j->statement;

        j->facts->nonce_known = j->wanted->nonce.size > 0;
        if (j->facts->nonce_known && (j->wanted->nonce.size != s->nonce_size ||
                                      memcmp(j->wanted->nonce.data, s->nonce, s->nonce_size) != 0))
                return judgement_refuse(j, "The passport was made for another nonce: it is not the "
                                           "answer to this question, but perhaps an older one");
        return 0;
}

static int name_of(const Judgement *j, const TPM2B_PUBLIC *public, const char *what,
                   TPM2B_NAME *ret) {
        int r = public_name(public, ret);

        return r > 0 ? judgement_refuse(j, "%s has no SHA-256 Name", what) : r;
}

/* A key that is in a TPM has other attributes than the same one in a PEM. */
static int judge_authority(const Judgement *j) {
        _cleanup_free_ uint8_t *ours = NULL, *theirs = NULL;
        size_t ours_size = 0, theirs_size = 0;

        int r = public_to_spki(&j->statement->policy.authority, &theirs, &theirs_size);
        if (r > 0 || r == -EINVAL)
                return judgement_refuse(j, "The authority's key is not valid");
        j->facts->authority_known = j->wanted->authority.size > 0;
        if (r != 0 || !j->facts->authority_known)
                return r;
        r = public_to_spki(&j->wanted->authority, &ours, &ours_size);
        if (r != 0)
                return r;
        if (ours_size != theirs_size || memcmp(ours, theirs, ours_size) != 0)
                return judgement_refuse(j, "The seal is under another authority than the expected");
        return 0;
}

static int judge_names(const Judgement *j) {
        PassportFacts *facts = j->facts;

        int r = name_of(j, &j->statement->seal.public, "The seal's key", &facts->seal);
        if (r == 0)
                r = name_of(j, &j->statement->policy.authority, "The authority's key",
                            &facts->authority);
        if (r == 0)
                r = name_of(j, &j->attestation->key, "The attestation key",
                            &facts->attestation_key);
        if (r != 0)
                return r;
        facts->attestation_key_known = j->wanted->attestation_key.size > 0;
        if (facts->attestation_key_known &&
            !name_equal(&j->wanted->attestation_key, &facts->attestation_key))
                return judgement_refuse(j, "The attestations are by another key than the expected, "
                                           "so of another TPM or of none");
        return 0;
}

/* --- times and numbers ---------------------------------------------------------------------- */

static int judge_times(const Judgement *j) {
        const PassportStatement *s = j->statement;

        if (s->seal.made == 0 || s->seal.made > s->created)
                return judgement_refuse(j, "The passport says to be older than its seal");
        if (s->seal.not_after <= s->seal.not_before)
                return judgement_refuse(j, "The seal's validity ends before it begins");
        if (s->ledger.head_seq == 0 || s->ledger.anchor_seq > s->ledger.head_seq)
                return judgement_refuse(j, "The ledger's last row is before the one that the chip "
                                           "vouches for");
        return 0;
}

/* --- in order ------------------------------------------------------------------------------- */

/* The statement as text, which the attestations are bound to. */
static int extra_make(Judgement *j) {
        const PassportStatement *s = j->statement;
        _cleanup_free_ char *text = NULL;
        size_t size = 0;

        int r = passport_statement_encode(s, &text, &size);
        if (r != 0)
                return r;
        return passport_extra((Bytes){ s->nonce, s->nonce_size },
                              (Bytes){ (const uint8_t *) text, size }, &j->extra);
}

static int ledger_judge(const Judgement *j) {
        return passport_judge_index(j, INDEX_LEDGER, &j->statement->ledger.index,
                                    "The ledger index");
}

typedef int (*Step)(const Judgement *j);

static const Step steps[] = {
        judge_nonce,
        judge_names,
        judge_authority,
        passport_judge_key,
        passport_judge_policy,
        ledger_judge,
        passport_judge_machine,
        judge_times,
        passport_judge_attestations,
        passport_judge_certificates,
};

static int judge(Judgement *j) {
        int r = extra_make(j);

        for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && r == 0; i++)
                r = steps[i](j);
        return r;
}

int passport_verify(Bytes file, const PassportWanted *wanted, Passport **ret,
                    PassportFacts *ret_facts, ErrorDetail *detail) {
        _cleanup_(passport_freep) Passport *passport = NULL;
        PassportFacts facts = {};

        int r = passport_parse((const char *) file.data, file.size, &passport, detail);
        if (r != 0)
                return r;
        Judgement j = {
                .statement = &passport->statement,
                .attestation = &passport->attestation,
                .wanted = wanted,
                .facts = &facts,
                .detail = detail,
        };
        r = judge(&j);
        if (r != 0)
                return r;
        *ret = steal_ptr(passport);
        *ret_facts = facts;
        return 0;
}
