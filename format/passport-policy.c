/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tss2/tss2_mu.h>

#include "format/passport-judge.h"
#include "policy/algorithm.h"
#include "policy/digest.h"
#include "policy/key.h"
#include "policy/openssl.h"

/* --- the key -------------------------------------------------------------------------------- */

typedef struct Attribute {
        TPMA_OBJECT bit;
        bool set;
        const char *otherwise; /* what it would mean */
} Attribute;

/* Of every seal; the others go with backup and PIN. */
static const Attribute attributes_always[] = {
        { TPMA_OBJECT_SIGN_ENCRYPT, true, "sign is clear: it is no key that signs" },
        { TPMA_OBJECT_DECRYPT, false, "decrypt is set: it is more than a key that signs" },
        { TPMA_OBJECT_RESTRICTED, false,
          "restricted is set: it signs what the TPM says and no documents" },
        { TPMA_OBJECT_SENSITIVEDATAORIGIN, true,
          "sensitiveDataOrigin is clear: the key was made outside of a TPM" },
        { TPMA_OBJECT_USERWITHAUTH, false,
          "userWithAuth is set: a password alone would sign, past the policy" },
        { TPMA_OBJECT_ADMINWITHPOLICY, false,
          "adminWithPolicy is set: it is not as sealsd makes keys" },
        { TPMA_OBJECT_STCLEAR, false, "stClear is set: it is not as sealsd makes keys" },
};

static const Attribute attributes_fixed[] = {
        { TPMA_OBJECT_FIXEDTPM, true,
          "fixedTPM is clear: the key could leave the TPM, though no backup is told" },
        { TPMA_OBJECT_FIXEDPARENT, true,
          "fixedParent is clear: the key could be moved, though no backup is told" },
        { TPMA_OBJECT_ENCRYPTEDDUPLICATION, false,
          "encryptedDuplication is set, though no backup is told" },
};

static const Attribute attributes_backup[] = {
        { TPMA_OBJECT_FIXEDTPM, false, "fixedTPM is set, though a backup is told" },
        { TPMA_OBJECT_FIXEDPARENT, false, "fixedParent is set, though a backup is told" },
        { TPMA_OBJECT_ENCRYPTEDDUPLICATION, true,
          "encryptedDuplication is clear: a backup could be made in the clear" },
};

static const Attribute attributes_pin[] = {
        { TPMA_OBJECT_NODA, false, "noDA is set: its PIN could be guessed without end" },
};

static const Attribute attributes_no_pin[] = {
        { TPMA_OBJECT_NODA, true, "noDA is clear, though it has no PIN" },
};

static int attributes_check(const Judgement *j, const Attribute *list, size_t count) {
        TPMA_OBJECT attributes = j->statement->seal.public.publicArea.objectAttributes;

        for (size_t i = 0; i < count; i++)
                if (((attributes & list[i].bit) != 0) != list[i].set)
                        return judgement_refuse(j, "The seal's key: %s", list[i].otherwise);
        return 0;
}

#define ATTRIBUTES_CHECK(j, list) attributes_check(j, list, sizeof(list) / sizeof((list)[0]))

static int judge_attributes(const Judgement *j) {
        const PassportPolicy *policy = &j->statement->policy;

        int r = ATTRIBUTES_CHECK(j, attributes_always);
        if (r == 0)
                r = policy->backup ? ATTRIBUTES_CHECK(j, attributes_backup)
                                   : ATTRIBUTES_CHECK(j, attributes_fixed);
        if (r == 0)
                r = policy->pin ? ATTRIBUTES_CHECK(j, attributes_pin)
                                : ATTRIBUTES_CHECK(j, attributes_no_pin);
        return r;
}

static bool public_equal(const TPMT_PUBLIC *a, const TPMT_PUBLIC *b) {
        uint8_t bytes_a[TPM_BLOB_MAX], bytes_b[TPM_BLOB_MAX];
        size_t size_a = 0, size_b = 0;

        return Tss2_MU_TPMT_PUBLIC_Marshal(a, bytes_a, sizeof(bytes_a), &size_a) == 0 &&
               Tss2_MU_TPMT_PUBLIC_Marshal(b, bytes_b, sizeof(bytes_b), &size_b) == 0 &&
               size_a == size_b && memcmp(bytes_a, bytes_b, size_a) == 0;
}

/* Everything but the attributes and the point or modulus is the algorithm's. */
static int judge_algorithm(const Judgement *j) {
        const PassportSeal *seal = &j->statement->seal;
        const TPMT_PUBLIC *area = &seal->public.publicArea;
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;

        const Algorithm *algorithm = algorithm_find(seal->algorithm);
        if (!algorithm || algorithm_of(&seal->public) != algorithm)
                return judgement_refuse(j, "The seal's key is not of the algorithm that is told");
        TPM2B_PUBLIC wanted = algorithm_template(algorithm, area->objectAttributes,
                                                 &area->authPolicy);
        wanted.publicArea.unique = area->unique;
        if (!public_equal(area, &wanted.publicArea))
                return judgement_refuse(j, "The seal's key has other parameters than sealsd gives "
                                           "to keys of its algorithm");
        int r = public_to_pkey(&seal->public, &key);
        if (r > 0 || r == -EINVAL)
                return judgement_refuse(j, "The seal's key has no valid point or modulus");
        return r;
}

int passport_judge_key(const Judgement *j) {
        int r = judge_attributes(j);

        if (r == 0)
                r = judge_algorithm(j);
        j->facts->fixed = !j->statement->policy.backup;
        j->facts->born = j->facts->fixed || j->attestation->kind == PASSPORT_CREATION;
        return r;
}

/* --- the policy ----------------------------------------------------------------------------- */

/* A key as everybody computes it from a PEM: else its Name says nothing to its owner. */
static int external_check(const Judgement *j, const TPM2B_PUBLIC *key, const char *what,
                          size_t number) {
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *pkey = NULL;
        TPM2B_PUBLIC wanted;

        int r = public_to_pkey(key, &pkey);
        if (r == 0)
                r = external_key_from_pkey(pkey, &wanted, NULL);
        if (r < 0 && r != -EINVAL)
                return r;
        if (r != 0 || !public_equal(&key->publicArea, &wanted.publicArea))
                return judgement_refuse(j, "The key of %s %zu is not as such keys are", what,
                                        number);
        return 0;
}

static int judge_approvers(const Judgement *j) {
        const PassportPolicy *policy = &j->statement->policy;

        for (size_t i = 0; i < policy->approver_count; i++) {
                int r = external_check(j, &policy->approvers[i].key, "approver", i + 1);
                if (r != 0)
                        return r;
        }
        if (policy->approver_count == 0
                    ? policy->threshold != 0
                    : policy->threshold == 0 || policy->threshold > policy->approver_count)
                return judgement_refuse(j, "%u of %zu approvers is no rule that can be kept",
                                        policy->threshold, policy->approver_count);
        return 0;
}

/* Ours beside those that are written out. */
static int terms_compare(const Judgement *j, const PassportTerms *ours) {
        const PassportTerms *theirs = &j->statement->policy.terms;

        if (theirs->count != ours->count)
                return judgement_refuse(j,
                                        "The policy is written out with %zu ways to be met; it "
                                        "has %zu",
                                        theirs->count, ours->count);
        for (size_t i = 0; i < ours->count; i++) {
                for (size_t k = 0; k < ours->leaves[i].count; k++)
                        if (k >= theirs->leaves[i].count)
                                return judgement_refuse(j,
                                                        "Way %zu of the policy lacks its term "
                                                        "%zu: %.60s…",
                                                        i + 1, k + 1, ours->leaves[i].lines[k]);
                        else if (strcmp(theirs->leaves[i].lines[k], ours->leaves[i].lines[k]) != 0)
                                return judgement_refuse(j,
                                                        "Term %zu in way %zu of the policy is "
                                                        "not the one that follows from its "
                                                        "parts: %.60s…",
                                                        k + 1, i + 1, ours->leaves[i].lines[k]);
                if (theirs->leaves[i].count > ours->leaves[i].count)
                        return judgement_refuse(j,
                                                "Way %zu of the policy is written out with more "
                                                "terms than it has",
                                                i + 1);
        }
        return 0;
}

static int judge_terms(const Judgement *j) {
        _cleanup_free_ PassportTerms *ours = calloc(1, sizeof(*ours));

        if (!ours)
                return -ENOMEM;
        int r = passport_terms_of(j->statement, ours);
        if (r > 0)
                return judgement_refuse(j,
                                        "No policy of a seal has these parts: an approver twice, "
                                        "no number or no profile");
        return r == 0 ? terms_compare(j, ours) : r;
}

static bool digest_equal(const TPM2B_DIGEST *a, const TPM2B_DIGEST *b) {
        return a->size == b->size && a->size <= sizeof(a->buffer) &&
               memcmp(a->buffer, b->buffer, a->size) == 0;
}

static int judge_digest(const Judgement *j) {
        const PassportStatement *s = j->statement;
        TPM2B_DIGEST digest;
        SealPolicy policy;

        int r = passport_policy(s, &policy);
        if (r == 0)
                r = seal_policy_digest(&policy, &digest);
        if (r != 0)
                return r;
        if (!digest_equal(&digest, &s->seal.public.publicArea.authPolicy))
                return judgement_refuse(j, "The key's policy is not the one that follows from "
                                           "authority, profile, index, bit, PIN, approvers and "
                                           "backup as they are told");
        if (!digest_equal(&digest, &s->policy.digest))
                return judgement_refuse(j, "The policy's digest is not the one that follows from "
                                           "its terms");
        return 0;
}

int passport_judge_policy(const Judgement *j) {
        int r = judge_approvers(j);

        if (r == 0)
                r = passport_judge_index(j, INDEX_REVOCATION, &j->statement->policy.index,
                                         "The revocation index");
        if (r == 0)
                r = judge_terms(j);
        return r == 0 ? judge_digest(j) : r;
}

/* --- indices -------------------------------------------------------------------------------- */

int passport_judge_index(const Judgement *j, IndexKind kind, const TPMS_NV_PUBLIC *index,
                         const char *what) {
        TPMS_NV_PUBLIC wanted;

        int r = index_public(kind, index->nvIndex, &j->facts->authority, &wanted);
        if (r != 0)
                return r;
        wanted.attributes |= TPMA_NV_WRITTEN;
        if (index->nameAlg != TPM2_ALG_SHA256)
                return judgement_refuse(j, "%s has no SHA-256 Name", what);
        if (!(index->attributes & TPMA_NV_WRITTEN))
                return judgement_refuse(j, "%s was never written, so no authority stands behind it",
                                        what);
        if (index->attributes != wanted.attributes)
                return judgement_refuse(j,
                                        "%s has other attributes than sealsd gives it: others "
                                        "than the authority might have written it",
                                        what);
        if (!digest_equal(&index->authPolicy, &wanted.authPolicy))
                return judgement_refuse(j,
                                        "%s has another policy than that only this authority "
                                        "can have begun it",
                                        what);
        if (index->dataSize != wanted.dataSize)
                return judgement_refuse(j, "%s has another size than sealsd gives it", what);
        return 0;
}
