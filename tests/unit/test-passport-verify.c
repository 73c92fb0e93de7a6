/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passports by forgers of two kinds: those who alter a file, and those who are root on the machine,
 * so that its chip attests whatever they state; of the second kind's files everything is signed.
 */
#include "format/passport-verify.h"

#include <stdlib.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/clock.h"
#include "policy/key.h"
#include "tests/fixture/passport.h"
#include "tests/fixture/signer.h"
#include "tests/unit/unit.h"

static const PaperOptions all = {
        .pin = true,
        .approvers = 3,
        .threshold = 2,
        .states = 3,
        .indexed = true,
        .creation = true,
};

static int paper_new(void **state, const PaperOptions *options) {
        PaperPassport *paper = calloc(1, sizeof(*paper));

        assert_non_null(paper);
        paper_passport_make(paper, options);
        *state = paper;
        return 0;
}

static int paper_setup(void **state) {
        return paper_new(state, &all);
}

static int plain_setup(void **state) {
        static const PaperOptions plain = { .states = 1 };

        return paper_new(state, &plain);
}

static int indexed_setup(void **state) {
        static const PaperOptions indexed = { .states = 1, .indexed = true };

        return paper_new(state, &indexed);
}

static int backup_setup(void **state) {
        static const PaperOptions backup = { .backup = true, .states = 1, .creation = true };

        return paper_new(state, &backup);
}

static int paper_teardown(void **state) {
        PaperPassport *paper = *state;

        paper_passport_done(paper);
        free(paper);
        return 0;
}

/* --- judging -------------------------------------------------------------------------------- */

static const PassportWanted nothing;

static void assert_text_refused(const char *text, size_t size, const PassportWanted *wanted,
                                const char *says) {
        PassportFacts facts = { .clock = 77 };
        Passport *passport = NULL;
        ErrorDetail detail = {};

        int r = passport_verify((Bytes){ (const uint8_t *) text, size }, wanted, &passport, &facts,
                                &detail);
        if (r == 0)
                fail_msg("'%s' was not refused", says);
        assert_int_equal(r, SEAL_E_REGISTER_TAMPERED);
        if (!strstr(detail.text, says))
                fail_msg("'%s' lacks '%s'", detail.text, says);
        assert_null(passport);
        assert_int_equal(facts.clock, 77);
}

static void assert_refused_as_is(const PaperPassport *paper, const char *says) {
        _cleanup_free_ char *text = NULL;
        size_t size = 0;

        text = paper_passport_text_as_is(paper, &size);
        assert_text_refused(text, size, &nothing, says);
}

/* All of it signed by the attestation key. */
static void assert_refused(PaperPassport *paper, const char *says) {
        paper_passport_sign(paper);
        assert_refused_as_is(paper, says);
}

static void assert_wanted_refused(PaperPassport *paper, const PassportWanted *wanted,
                                  const char *says) {
        _cleanup_free_ char *text = NULL;
        size_t size = 0;

        text = paper_passport_text(paper, &size);
        assert_text_refused(text, size, wanted, says);
}

static PassportFacts assert_good_wanted(PaperPassport *paper, const PassportWanted *wanted) {
        _cleanup_(passport_freep) Passport *passport = NULL;
        _cleanup_free_ char *text = NULL;
        PassportFacts facts = {};
        ErrorDetail detail = {};
        size_t size = 0;

        text = paper_passport_text(paper, &size);
        if (passport_verify((Bytes){ (const uint8_t *) text, size }, wanted, &passport, &facts,
                            &detail) != 0)
                fail_msg("%s", detail.text);
        return facts;
}

static PassportFacts assert_good(PaperPassport *paper) {
        return assert_good_wanted(paper, &nothing);
}

static PassportStatement *statement_of(PaperPassport *paper) {
        return &paper->passport->statement;
}

static TPMA_OBJECT *attributes_of(PaperPassport *paper) {
        return &statement_of(paper)->seal.public.publicArea.objectAttributes;
}

/* The forger has everything follow from what he states. */
static void settle(PaperPassport *paper) {
        paper_policy_settle(paper);
        paper_attests_settle(paper);
}

/* --- good ones ------------------------------------------------------------------------------ */

static void a_good_one_holds(void **state) {
        PaperPassport *paper = *state;

        PassportFacts facts = assert_good(paper);
        assert_false(facts.revoked);
        assert_true(facts.fixed);
        assert_true(facts.born);
        assert_int_equal(facts.clock, 123456);
        assert_int_equal(facts.reset_count, 7);
        assert_int_equal(facts.restart_count, 2);
        assert_true(facts.clock_safe);
        assert_false(facts.nonce_known);
        assert_false(facts.authority_known);
        assert_false(facts.attestation_key_known);
        assert_false(facts.ek_chain_known);
        assert_memory_equal(facts.ledger, paper->ledger_attest.attested.nv.nvContents.buffer,
                            LEDGER_VALUE_SIZE);
        for (size_t i = 0; i < all.states; i++)
                assert_false(facts.retired[i]);
}

static void every_kind_of_seal_holds(void **state) {
        (void) state;
        for (unsigned n = 0; n <= APPROVERS_MAX; n++)
                for (unsigned k = n > 0; k <= n; k++)
                        for (unsigned flags = 0; flags < 16; flags++) {
                                const PaperOptions options = {
                                        .pin = flags & 1,
                                        .backup = flags & 2,
                                        .creation = flags & 4,
                                        .indexed = flags & 8,
                                        .states = flags % 3,
                                        .approvers = n,
                                        .threshold = k,
                                };
                                PaperPassport paper;

                                paper_passport_make(&paper, &options);
                                PassportFacts facts = assert_good(&paper);
                                assert_int_equal(facts.fixed, !options.backup);
                                assert_int_equal(facts.born, !options.backup || options.creation);
                                paper_passport_done(&paper);
                        }
}

static void a_revoked_seal_is_told_and_no_defect(void **state) {
        PaperPassport *paper = *state;
        uint8_t *contents = paper->revocation_attest.attested.nv.nvContents.buffer;

        contents[7] = 1 << (CHIP_BIT - 1); /* a neighbour's */
        assert_false(assert_good(paper).revoked);
        contents[7] = 1 << (CHIP_BIT + 1);
        assert_false(assert_good(paper).revoked);
        contents[7] = 1 << CHIP_BIT;
        assert_true(assert_good(paper).revoked);
}

static void a_retired_state_is_told_by_the_chip(void **state) {
        PaperPassport *paper = *state;

        paper->state_attest.attested.nv.nvContents.buffer[7] = 1 << 2;
        PassportFacts facts = assert_good(paper);
        assert_false(facts.retired[0]);
        assert_true(facts.retired[1]);
        assert_false(facts.retired[2]);
}

/* --- what the verifier knows ---------------------------------------------------------------- */

static void what_is_known_is_compared(void **state) {
        static const uint8_t other[32] = "another nonce, of another day";
        PaperPassport *paper = *state;
        TPM2B_NAME ak;

        assert_int_equal(public_name(&paper->passport->attestation.key, &ak), 0);
        PassportWanted wanted = {
                .nonce = { paper_nonce, sizeof(paper_nonce) },
                .authority = paper->authority.public,
                .attestation_key = ak,
        };
        PassportFacts facts = assert_good_wanted(paper, &wanted);
        assert_true(facts.nonce_known);
        assert_true(facts.authority_known);
        assert_true(facts.attestation_key_known);
        wanted.nonce.size = 31;
        assert_wanted_refused(paper, &wanted, "another nonce");
        wanted.nonce = (Bytes){ other, sizeof(other) };
        assert_wanted_refused(paper, &wanted, "another nonce");
        wanted.nonce = (Bytes){};
        wanted.authority = paper->stranger.public;
        assert_wanted_refused(paper, &wanted, "another authority than the expected");
        wanted.authority = (TPM2B_PUBLIC){};
        wanted.attestation_key = paper->stranger.name;
        assert_wanted_refused(paper, &wanted, "by another key than the expected");
}

/* --- altered files -------------------------------------------------------------------------- */

/* For whoever knows nothing but the file. */
static void any_altered_byte_is_told(void **state) {
        PaperPassport *paper = *state;
        _cleanup_free_ char *text = NULL;
        size_t size = 0;

        text = paper_passport_text(paper, &size);
        _cleanup_free_ char *altered = malloc(size + 1);
        assert_non_null(altered);
        for (size_t i = 0; i < size; i++) {
                memcpy(altered, text, size);
                altered[i] = (char) (text[i] ^ (1 << i % 8));
                assert_text_refused(altered, size, &nothing, "");
                memcpy(altered + i, text + i + 1, size - i - 1);
                assert_text_refused(altered, size - 1, &nothing, "");
                memcpy(altered + i + 1, text + i, size - i);
                altered[i] = text[i];
                assert_text_refused(altered, size + 1, &nothing, "");
        }
}

/* Hex digits stay hex digits, and digits digits: what a careful forger does. */
static void any_altered_digit_is_told(void **state) {
        PaperPassport *paper = *state;
        _cleanup_free_ char *text = NULL;
        size_t size = 0;

        text = paper_passport_text(paper, &size);
        for (size_t i = 0; i < size; i++) {
                const char before = text[i];

                if (!strchr("0123456789abcdef", before))
                        continue;
                text[i] = before == '1' ? '2' : '1';
                assert_text_refused(text, size, &nothing, "");
                text[i] = before;
        }
}

static void a_statement_that_was_not_attested_is_told(void **state) {
        PaperPassport *paper = *state;

        paper_passport_sign(paper);
        statement_of(paper)->seal.use_limit++;
        assert_refused_as_is(paper, "seal's key: The attestation was made for something else");
}

static void a_replayed_attestation_is_told_for_each(void **state) {
        static const char *const says[] = { "of the seal's key", "of the revocation index",
                                            "of the ledger index", "of a state index" };
        PaperPassport *paper = *state;
        PassportAttestation *attestation = &paper->passport->attestation;
        PassportProof *proofs[] = { &attestation->seal, &attestation->revocation,
                                    &attestation->ledger, &attestation->states[0] };

        for (size_t i = 0; i < 4; i++) {
                statement_of(paper)->nonce[0] ^= 1;
                paper_passport_sign(paper);
                PassportProof old = *proofs[i];
                statement_of(paper)->nonce[0] ^= 1;
                paper_passport_sign(paper);
                *proofs[i] = old;
                assert_refused_as_is(paper, says[i]);
                assert_refused_as_is(paper, "made for something else");
        }
}

static void attestations_of_mixed_boots_are_told(void **state) {
        PaperPassport *paper = *state;
        TPMS_ATTEST *attests[] = { &paper->revocation_attest, &paper->ledger_attest,
                                   &paper->state_attest };

        for (size_t i = 0; i < 3; i++) {
                attests[i]->clockInfo.resetCount++;
                assert_refused(paper, "of another start of the TPM");
                attests[i]->clockInfo.resetCount--;
                attests[i]->clockInfo.restartCount--;
                assert_refused(paper, "of another start of the TPM");
                attests[i]->clockInfo.restartCount++;
        }
        (void) assert_good(paper);
}

/* --- the key -------------------------------------------------------------------------------- */

typedef struct AttributeForgery {
        TPMA_OBJECT bit;
        const char *says;
} AttributeForgery;

static void assert_attributes(PaperPassport *paper, const AttributeForgery *list, size_t count) {
        for (size_t i = 0; i < count; i++) {
                *attributes_of(paper) ^= list[i].bit;
                settle(paper);
                assert_refused(paper, list[i].says);
                *attributes_of(paper) ^= list[i].bit;
        }
        settle(paper);
        (void) assert_good(paper);
}

static void attributes_count_of_a_seal_with_pin(void **state) {
        static const AttributeForgery list[] = {
                { TPMA_OBJECT_FIXEDTPM, "fixedTPM is clear" },
                { TPMA_OBJECT_FIXEDPARENT, "fixedParent is clear" },
                { TPMA_OBJECT_ENCRYPTEDDUPLICATION, "encryptedDuplication is set" },
                { TPMA_OBJECT_SENSITIVEDATAORIGIN, "made outside of a TPM" },
                { TPMA_OBJECT_USERWITHAUTH, "userWithAuth is set" },
                { TPMA_OBJECT_ADMINWITHPOLICY, "adminWithPolicy is set" },
                { TPMA_OBJECT_NODA, "noDA is set" },
                { TPMA_OBJECT_RESTRICTED, "restricted is set" },
                { TPMA_OBJECT_DECRYPT, "decrypt is set" },
                { TPMA_OBJECT_SIGN_ENCRYPT, "sign is clear" },
                { TPMA_OBJECT_STCLEAR, "stClear is set" },
        };

        assert_attributes(*state, list, sizeof(list) / sizeof(list[0]));
}

static void attributes_count_of_a_seal_without_pin(void **state) {
        static const AttributeForgery list[] = { { TPMA_OBJECT_NODA, "noDA is clear" } };

        assert_attributes(*state, list, 1);
}

static void attributes_count_of_a_seal_with_backup(void **state) {
        static const AttributeForgery list[] = {
                { TPMA_OBJECT_FIXEDTPM, "fixedTPM is set" },
                { TPMA_OBJECT_FIXEDPARENT, "fixedParent is set" },
                { TPMA_OBJECT_ENCRYPTEDDUPLICATION, "encryptedDuplication is clear" },
        };

        assert_attributes(*state, list, sizeof(list) / sizeof(list[0]));
}

static void another_algorithm_or_parameter_is_told(void **state) {
        PaperPassport *paper = *state;
        TPMT_PUBLIC *area = &statement_of(paper)->seal.public.publicArea;
        char *algorithm = statement_of(paper)->seal.algorithm;

        (void) strcpy(algorithm, "ecdsa-p384");
        assert_refused(paper, "not of the algorithm that is told");
        (void) strcpy(algorithm, "none");
        assert_refused(paper, "not of the algorithm that is told");
        (void) strcpy(algorithm, "ecdsa-p256");
        area->parameters.eccDetail.scheme.scheme = TPM2_ALG_ECDSA;
        area->parameters.eccDetail.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA1;
        settle(paper);
        assert_refused(paper, "other parameters");
        area->parameters.eccDetail.scheme.scheme = TPM2_ALG_NULL;
        area->unique.ecc.y = area->unique.ecc.x;
        settle(paper);
        assert_refused(paper, "no valid point");
        area->nameAlg = TPM2_ALG_SHA384;
        assert_refused(paper, "no SHA-256 Name");
}

static void an_attestation_of_another_seal_is_told(void **state) {
        PaperPassport *paper = *state;

        statement_of(paper)->seal.public.publicArea.unique =
                paper->stranger.public.publicArea.unique;
        assert_refused(paper, "of the seal's key: The attestation is of another key");
}

static void the_kind_of_attestation_is_told(void **state) {
        PaperPassport *paper = *state;

        paper->passport->attestation.kind = PASSPORT_CERTIFY;
        assert_refused(paper, "of another kind than a loaded key's");
        paper_attests_settle(paper);
        (void) assert_good(paper);
        paper->passport->attestation.kind = PASSPORT_CREATION;
        assert_refused(paper, "of another kind than a key's creation");
}

static void an_attestation_key_of_software_is_told(void **state) {
        PaperPassport *paper = *state;
        TPM2B_PUBLIC *key = &paper->passport->attestation.key;

        key->publicArea.objectAttributes &= ~(TPMA_OBJECT) TPMA_OBJECT_RESTRICTED;
        paper_attests_settle(paper);
        assert_refused(paper, "not restricted, movable");
        *key = paper->stranger.public;
        paper_attests_settle(paper);
        assert_refused(paper, "of another kind than sealsd's");
}

/* --- the policy ----------------------------------------------------------------------------- */

static void a_missing_or_swapped_term_is_told(void **state) {
        PaperPassport *paper = *state;
        PassportTerms *terms = &statement_of(paper)->policy.terms;
        PassportTerms before = *terms;

        terms->count--;
        assert_refused(paper, "written out with 2 ways to be met; it has 3");
        *terms = before;
        terms->leaves[0].count--;
        assert_refused(paper, "Way 1 of the policy lacks its term 5: PolicySigned(key ");
        *terms = before;
        terms->leaves[2].count++;
        (void) strcpy(terms->leaves[2].lines[5], "PolicyAuthValue");
        assert_refused(paper, "Way 3 of the policy is written out with more terms");
        *terms = before;
        memcpy(terms->leaves[1].lines[3], before.leaves[1].lines[4],
               sizeof(terms->leaves[1].lines[3]));
        memcpy(terms->leaves[1].lines[4], before.leaves[1].lines[3],
               sizeof(terms->leaves[1].lines[4]));
        assert_refused(paper, "Term 4 in way 2 of the policy is not the one");
        *terms = before;
        (void) strcpy(terms->leaves[0].lines[2], "PolicyPassword");
        assert_refused(paper, "Term 3 in way 1 of the policy is not the one that follows from its "
                              "parts: PolicyAuthValue");
}

/* The key was made with another policy than is told; terms and all else follow what is told. */
static void assert_policy_refused(PaperPassport *paper) {
        PassportPolicy *policy = &statement_of(paper)->policy;
        const TPM2B_DIGEST made = statement_of(paper)->seal.public.publicArea.authPolicy;

        paper_policy_settle(paper);
        assert_memory_not_equal(policy->digest.buffer, made.buffer, 32);
        statement_of(paper)->seal.public.publicArea.authPolicy = made;
        paper_attests_settle(paper);
        assert_refused(paper, "The key's policy is not the one that follows");
}

static void a_weaker_policy_than_told_is_told(void **state) {
        PaperPassport *paper = *state;
        PassportPolicy *policy = &statement_of(paper)->policy;
        const PassportPolicy before = *policy;

        policy->threshold = 3;
        assert_policy_refused(paper);
        *policy = before;
        policy->approvers[1].key = paper->stranger.public;
        assert_policy_refused(paper);
        *policy = before;
        policy->bit++;
        assert_policy_refused(paper);
        *policy = before;
        (void) strcpy(policy->profile, "other");
        assert_policy_refused(paper);
        *policy = before;
        policy->approver_count = 2;
        assert_policy_refused(paper);
        *policy = before;
        (void) strcpy(statement_of(paper)->seal.number, "11010500000002");
        assert_policy_refused(paper);
}

/* PIN and backup show in the attributes too; a forger has those as well. */
static void a_pin_or_backup_that_is_none_is_told(void **state) {
        PaperPassport *paper = *state;

        statement_of(paper)->policy.pin = true;
        *attributes_of(paper) &= ~(TPMA_OBJECT) TPMA_OBJECT_NODA;
        assert_policy_refused(paper);
}

static void a_backup_that_is_hidden_is_told(void **state) {
        PaperPassport *paper = *state;

        statement_of(paper)->policy.backup = false;
        settle(paper);
        assert_refused(paper, "fixedTPM is clear");
}

static void a_digest_that_is_not_the_keys_is_told(void **state) {
        PaperPassport *paper = *state;

        statement_of(paper)->policy.digest.buffer[0] ^= 1;
        assert_refused(paper, "The policy's digest is not the one that follows");
}

static void a_rule_that_cannot_be_kept_is_told(void **state) {
        PaperPassport *paper = *state;
        PassportPolicy *policy = &statement_of(paper)->policy;

        policy->threshold = 0;
        assert_refused(paper, "0 of 3 approvers is no rule");
        policy->threshold = 4;
        assert_refused(paper, "4 of 3 approvers is no rule");
        policy->threshold = 2;
        policy->approvers[2].key = policy->approvers[0].key;
        assert_refused(paper, "an approver twice");
}

/* One key with two Names would be two approvers. */
static void an_approvers_key_of_another_template_is_told(void **state) {
        PaperPassport *paper = *state;
        PassportPolicy *policy = &statement_of(paper)->policy;

        policy->approvers[2].key = policy->approvers[0].key;
        policy->approvers[2].key.publicArea.objectAttributes |= TPMA_OBJECT_NODA;
        settle(paper);
        assert_refused(paper, "key of approver 3 is not as such keys are");
}

/* --- indices -------------------------------------------------------------------------------- */

static void assert_index(PaperPassport *paper, TPMS_NV_PUBLIC *index, const char *name) {
        const TPMS_NV_PUBLIC before = *index;
        char says[128];

#define FORGED(change, words)                                              \
        do {                                                               \
                change;                                                    \
                settle(paper);                                             \
                paper_states_settle(paper);                                \
                (void) snprintf(says, sizeof(says), "%s %s", name, words); \
                assert_refused(paper, says);                               \
                *index = before;                                           \
        } while (0)

        FORGED(index->attributes |= TPMA_NV_OWNERWRITE, "has other attributes");
        FORGED(index->attributes |= TPMA_NV_CLEAR_STCLEAR, "has other attributes");
        FORGED(index->attributes &= ~(TPMA_NV) TPMA_NV_WRITTEN, "was never written");
        FORGED(index->authPolicy.buffer[0] ^= 1, "has another policy");
        FORGED(index->nvIndex++, "has another policy"); /* its reference has the handle */
        FORGED(index->dataSize++, "has another size");
#undef FORGED
}

static void only_the_authority_can_have_begun_the_ledger(void **state) {
        PaperPassport *paper = *state;
        TPMS_NV_PUBLIC *index = &statement_of(paper)->ledger.index;
        const TPMS_NV_PUBLIC before = *index;

        index->attributes |= TPMA_NV_OWNERWRITE;
        assert_refused(paper, "The ledger index has other attributes");
        *index = before;
        index->authPolicy.size = 0;
        assert_refused(paper, "The ledger index has another policy");
        *index = before;
        index->attributes &= ~(TPMA_NV) TPMA_NV_WRITTEN;
        assert_refused(paper, "The ledger index was never written");
        *index = before;
        index->nameAlg = TPM2_ALG_SHA1;
        assert_refused(paper, "The ledger index has no SHA-256 Name");
}

static void only_the_authority_can_have_written_the_revocation_index(void **state) {
        PaperPassport *paper = *state;
        TPMS_NV_PUBLIC *index = &statement_of(paper)->policy.index;

        assert_index(paper, index, "The revocation index");
}

static void only_the_authority_can_have_written_a_state_index(void **state) {
        PaperPassport *paper = *state;
        PassportState *states = statement_of(paper)->machine.states;

        assert_index(paper, &states[0].index, "The state index of machine state 1");
}

/*
 * An index that a stranger has begun: everything follows from his key but the policy's authority.
 */
static void an_index_of_another_authority_is_told(void **state) {
        PaperPassport *paper = *state;
        TPMS_NV_PUBLIC *index = &statement_of(paper)->policy.index;

        assert_int_equal(
                index_public(INDEX_REVOCATION, index->nvIndex, &paper->stranger.name, index), 0);
        index->attributes |= TPMA_NV_WRITTEN;
        settle(paper);
        assert_refused(paper, "has another policy than that only this authority can have begun");
}

static void an_attestation_of_another_index_is_told(void **state) {
        PaperPassport *paper = *state;
        TPMS_NV_CERTIFY_INFO *nv = &paper->revocation_attest.attested.nv;
        const TPM2B_NAME before = nv->indexName;

        nv->indexName.name[9] ^= 1;
        assert_refused(paper, "of the revocation index: The attestation is of another NV index");
        nv->indexName = before;
        nv->nvContents.size = 7;
        assert_refused(paper, "does not have the whole value");
        nv->nvContents.size = 8;
        paper->ledger_attest.attested.nv.indexName = before;
        assert_refused(paper, "of the ledger index: The attestation is of another NV index");
}

/* --- states of the machine ------------------------------------------------------------------ */

static void an_unsigned_state_is_told(void **state) {
        PaperPassport *paper = *state;
        PassportState *states = statement_of(paper)->machine.states;

        paper_state_sign(&paper->stranger, CHIP_PROFILE, &states[1]);
        assert_refused(paper, "Machine state 2: its signature is not the authority's");
        paper_state_sign(&paper->authority, "other", &states[1]);
        assert_refused(paper, "Machine state 2: its signature is not the authority's");
        paper_state_sign(&paper->authority, CHIP_PROFILE, &states[1]);
        states[1].signature.signature.ecdsa.hash = TPM2_ALG_SHA1; /* which the chip goes by */
        assert_refused(paper, "Machine state 2: its signature is not the authority's");
        states[1].signature = states[0].signature;
        assert_refused(paper, "Machine state 2: its signature is not the authority's");
        states[1].signature.sigAlg = TPM2_ALG_ECSCHNORR;
        assert_refused(paper, "Machine state 2: its signature is not the authority's");
}

static void a_state_of_other_values_is_told(void **state) {
        PaperPassport *paper = *state;
        PassportState *states = statement_of(paper)->machine.states;

        states[2].values.values[7].buffer[0] ^= 1;
        assert_refused(paper,
                       "Machine state 3: its policy is not the one that follows from its PCR "
                       "values and its bit");
        states[2].values.values[7].buffer[0] ^= 1;
        states[2].bit++;
        assert_refused(paper, "Machine state 3: its policy is not the one");
}

/* The bit that would retire it is left out: it would look as if it could be retired. */
static void a_bit_that_is_no_part_of_the_policy_is_told(void **state) {
        PaperPassport *paper = *state;
        PassportState *states = statement_of(paper)->machine.states;

        states[0].has_index = false;
        paper_states_settle(paper);
        states[0].has_index = true;
        assert_refused(paper, "Machine state 1: its policy is not the one");
}

static void what_is_said_of_states_is_of_one_piece(void **state) {
        PaperPassport *paper = *state;
        PassportMachine *machine = &statement_of(paper)->machine;
        PassportState *states = machine->states;
        const PassportState before = states[1];

        states[1].id = states[0].id;
        assert_refused(paper, "Machine state 1 is there twice");
        states[1] = states[0];
        states[1].id = 9;
        assert_refused(paper, "Machine state 9 is there twice");
        states[1] = before;
        states[1].bit = states[0].bit;
        paper_states_settle(paper);
        assert_refused(paper, "Machine states 1 and 2 share a bit");
        states[1] = before;
        states[1].retired = states[1].approved;
        assert_refused(paper, "state 2 is told to be retired, but its bit in the chip is clear");
        states[1].retired = 1;
        assert_refused(paper, "Machine state 2: its times are out of order");
        states[1].retired = states[1].approved;
        states[1].has_index = false;
        paper_states_settle(paper);
        assert_refused(paper, "retired, but has no bit");
        (void) strcpy(machine->profile, "other");
        assert_refused(paper, "of another profile than the seal's policy names");
}

static void a_state_indexs_attestation_is_neither_missing_nor_spare(void **state) {
        PaperPassport *paper = *state;
        PassportAttestation *attestation = &paper->passport->attestation;

        attestation->state_count = 0;
        assert_refused(paper, "The attestation of a state index is missing");
        attestation->state_count = 2;
        assert_refused(paper, "a state index that no machine state names");
}

/* --- certificates --------------------------------------------------------------------------- */

/* A version 1 certificate of subject's public key by issuer, valid since the seal's making. */
static X509 *certificate_make(const char *subject, EVP_PKEY *key, const char *issuer,
                              EVP_PKEY *by) {
        X509 *certificate = X509_new();

        assert_non_null(certificate);
        assert_int_equal(X509_set_pubkey(certificate, key), 1);
        assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7), 1);
        assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN",
                                                    MBSTRING_UTF8, (const unsigned char *) subject,
                                                    -1, -1, 0),
                         1);
        assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_issuer_name(certificate), "CN",
                                                    MBSTRING_UTF8, (const unsigned char *) issuer,
                                                    -1, -1, 0),
                         1);
        assert_non_null(ASN1_TIME_set(X509_getm_notBefore(certificate), 1600000000));
        assert_non_null(ASN1_TIME_set(X509_getm_notAfter(certificate), 1800000000));
        assert_true(X509_sign(certificate, by, EVP_sha256()) > 0);
        return certificate;
}

/* Takes the certificate. */
static void certificate_add(PassportDers *ders, X509 *certificate) {
        unsigned char *der = NULL;
        int size = i2d_X509(certificate, &der);

        assert_true(size > 0);
        assert_int_equal(passport_ders_add(ders, (Bytes){ der, (size_t) size }), 0);
        OPENSSL_free(der);
        X509_free(certificate);
}

static void the_seals_certificate_is_of_its_key(void **state) {
        PaperPassport *paper = *state;
        PassportDers *ders = &statement_of(paper)->certificates;

        certificate_add(ders, certificate_make("Example Works", paper->seal.pkey, "Example CA",
                                               paper->stranger.pkey));
        PassportFacts facts = assert_good(paper);
        assert_true(facts.certified);
        assert_int_equal(facts.certificate_not_before, 1600000000 * USEC_PER_SEC);
        assert_int_equal(facts.certificate_not_after, 1800000000 * USEC_PER_SEC);
        assert_string_equal(facts.certificate_subject, "CN=Example Works");
        assert_string_equal(facts.certificate_issuer, "CN=Example CA");
        certificate_add(ders, certificate_make("Example CA", paper->stranger.pkey, "Example CA",
                                               paper->stranger.pkey));
        (void) assert_good(paper);
        certificate_add(
                ders, certificate_make("Example CA", paper->ak.pkey, "Example CA", paper->ak.pkey));
        assert_refused(paper, "Certificate 2 of the seal was not issued by the next one");
}

/* The key of the next would do, but that is not whom the certificate names. */
static void a_certificate_names_the_next_one(void **state) {
        PaperPassport *paper = *state;
        PassportDers *ders = &statement_of(paper)->certificates;

        certificate_add(ders, certificate_make("Example Works", paper->seal.pkey, "Example CA",
                                               paper->stranger.pkey));
        certificate_add(ders, certificate_make("Another CA", paper->stranger.pkey, "Another CA",
                                               paper->stranger.pkey));
        assert_refused(paper, "Certificate 1 of the seal was not issued by the next one");
}

static void a_seal_without_certificate_is_told_to_be_so(void **state) {
        const PassportFacts facts = assert_good(*state);

        assert_false(facts.certified);
        assert_string_equal(facts.certificate_subject, "");
}

/* OpenSSL alone would not find the signature good: it is not told the identity. */
static void a_certificate_by_an_sm2_maker_is_good(void **state) {
        PaperPassport *paper = *state;
        PassportDers *ders = &statement_of(paper)->certificates;
        Signer maker, seal = { .key = paper->seal.pkey, .name = "33010000000001" };

        signer_make(&maker, "sm2-sm3", "Maker");
        signer_certify(&maker, NULL, X509_USE_MAKER);
        signer_certify(&seal, &maker, X509_USE_SEAL);
        assert_int_equal(passport_ders_add(ders, signer_certificate(&seal)), 0);
        assert_int_equal(passport_ders_add(ders, signer_certificate(&maker)), 0);
        (void) assert_good(paper);
        ders->items[0].data[ders->items[0].size - 1] ^= 1;
        assert_refused(paper, "Certificate 1 of the seal was not issued by the next one");
        free(seal.certificate);
        signer_done(&maker);
}

static void a_certificate_of_another_key_is_told(void **state) {
        PaperPassport *paper = *state;

        certificate_add(&statement_of(paper)->certificates,
                        certificate_make("Example Works", paper->ak.pkey, "Example CA",
                                         paper->stranger.pkey));
        assert_refused(paper, "certificate is of another key than the seal's");
}

static void what_is_no_certificate_is_told(void **state) {
        PaperPassport *paper = *state;
        PassportDers *ders = &statement_of(paper)->certificates;
        uint8_t longer[CERTIFICATE_MAX];

        assert_int_equal(passport_ders_add(ders, (Bytes){ (const uint8_t *) "0", 1 }), 0);
        assert_refused(paper, "The seal's certificate 1 is not a certificate");
        free(ders->items[0].data);
        ders->count = 0;
        certificate_add(ders, certificate_make("a", paper->seal.pkey, "b", paper->ak.pkey));
        PassportDer *der = &ders->items[0];
        memcpy(longer, der->data, der->size);
        longer[der->size] = 0;
        assert_int_equal(passport_ders_add(ders, (Bytes){ longer, der->size + 1 }), 0);
        assert_refused(paper, "The seal's certificate 2 is not a certificate");
}

/* In PEM, as an auditor has it from the TPM's maker. */
static size_t roots_make(X509 *certificate, char *ret, size_t size) {
        BIO *out = BIO_new(BIO_s_mem());

        assert_non_null(out);
        assert_int_equal(PEM_write_bio_X509(out, certificate), 1);
        int n = BIO_read(out, ret, (int) size);
        assert_true(n > 0 && (size_t) n < size);
        BIO_free(out);
        return (size_t) n;
}

static void the_endorsement_key_leads_to_the_roots(void **state) {
        PaperPassport *paper = *state;
        PassportDers *ders = &statement_of(paper)->ek_certificates;
        char good[4096], bad[4096];
        PassportWanted wanted = { .ek_roots = { (const uint8_t *) good, 0 } };

        X509 *root = certificate_make("TPM Works", paper->stranger.pkey, "TPM Works",
                                      paper->stranger.pkey);
        X509 *other = certificate_make("TPM Works", paper->ak.pkey, "TPM Works", paper->ak.pkey);
        wanted.ek_roots.size = roots_make(root, good, sizeof(good));
        assert_wanted_refused(paper, &wanted, "has no certificate of the TPM's endorsement key");
        certificate_add(
                ders, certificate_make("EK", paper->seal.pkey, "TPM Works", paper->stranger.pkey));
        PassportFacts facts = assert_good(paper);
        assert_false(facts.ek_chain_known);
        assert_string_equal(facts.ek_issuer, "CN=TPM Works");
        assert_true(assert_good_wanted(paper, &wanted).ek_chain_known);
        wanted.ek_roots = (Bytes){ (const uint8_t *) bad, roots_make(other, bad, sizeof(bad)) };
        assert_wanted_refused(paper, &wanted, "does not lead to the given roots");
        X509_free(root);
        X509_free(other);
}

static void roots_that_are_none_are_an_error_of_the_caller(void **state) {
        static const char *const texts[] = {
                "hello",
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        };
        PaperPassport *paper = *state;
        _cleanup_free_ char *text = NULL;
        size_t size = 0;

        certificate_add(&statement_of(paper)->ek_certificates,
                        certificate_make("EK", paper->seal.pkey, "a", paper->ak.pkey));
        text = paper_passport_text(paper, &size);
        for (size_t i = 0; i < 2; i++) {
                PassportWanted wanted = {
                        .ek_roots = { (const uint8_t *) texts[i], strlen(texts[i]) },
                };
                Passport *passport = NULL;
                PassportFacts facts;
                ErrorDetail detail = {};

                assert_int_equal(passport_verify((Bytes){ (const uint8_t *) text, size }, &wanted,
                                                 &passport, &facts, &detail),
                                 SEAL_E_INVALID_ARGS);
                assert_non_null(strstr(detail.text, "no certificates in PEM"));
        }
}

/* --- what is told beside -------------------------------------------------------------------- */

static void times_and_numbers_are_plausible(void **state) {
        PaperPassport *paper = *state;
        PassportStatement *s = statement_of(paper);
        const PassportSeal before = s->seal;

        s->seal.made = s->created + 1;
        assert_refused(paper, "older than its seal");
        s->seal = before;
        s->seal.not_after = s->seal.not_before;
        assert_refused(paper, "ends before it begins");
        s->seal = before;
        s->ledger.anchor_seq = s->ledger.head_seq + 1;
        assert_refused(paper, "before the one that the chip vouches for");
        s->ledger.anchor_seq = s->ledger.head_seq;
        s->machine.states[0].approved = s->created + 1;
        assert_refused(paper, "Machine state 1: its times are out of order");
}

static void a_revocation_that_the_chip_does_not_know_is_told(void **state) {
        PaperPassport *paper = *state;

        (void) strcpy(statement_of(paper)->seal.state, "revoked");
        assert_refused(paper, "told to be revoked, but its bit in the chip is clear");
        paper->revocation_attest.attested.nv.nvContents.buffer[7] = 1 << CHIP_BIT;
        assert_true(assert_good(paper).revoked);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define WITH(setup, test) cmocka_unit_test_setup_teardown(test, setup, paper_teardown)
#define PAPER(test) WITH(paper_setup, test)
                PAPER(a_good_one_holds),
                cmocka_unit_test(every_kind_of_seal_holds),
                PAPER(a_revoked_seal_is_told_and_no_defect),
                PAPER(a_retired_state_is_told_by_the_chip),
                PAPER(what_is_known_is_compared),
                WITH(plain_setup, any_altered_byte_is_told),
                WITH(indexed_setup, any_altered_digit_is_told),
                PAPER(a_statement_that_was_not_attested_is_told),
                PAPER(a_replayed_attestation_is_told_for_each),
                PAPER(attestations_of_mixed_boots_are_told),
                PAPER(attributes_count_of_a_seal_with_pin),
                WITH(plain_setup, attributes_count_of_a_seal_without_pin),
                WITH(backup_setup, attributes_count_of_a_seal_with_backup),
                PAPER(another_algorithm_or_parameter_is_told),
                PAPER(an_attestation_of_another_seal_is_told),
                PAPER(the_kind_of_attestation_is_told),
                PAPER(an_attestation_key_of_software_is_told),
                PAPER(a_missing_or_swapped_term_is_told),
                PAPER(a_weaker_policy_than_told_is_told),
                WITH(plain_setup, a_pin_or_backup_that_is_none_is_told),
                WITH(backup_setup, a_backup_that_is_hidden_is_told),
                PAPER(a_digest_that_is_not_the_keys_is_told),
                PAPER(a_rule_that_cannot_be_kept_is_told),
                PAPER(an_approvers_key_of_another_template_is_told),
                PAPER(only_the_authority_can_have_written_the_revocation_index),
                PAPER(only_the_authority_can_have_written_a_state_index),
                PAPER(only_the_authority_can_have_begun_the_ledger),
                PAPER(an_index_of_another_authority_is_told),
                PAPER(an_attestation_of_another_index_is_told),
                PAPER(an_unsigned_state_is_told),
                PAPER(a_state_of_other_values_is_told),
                PAPER(a_bit_that_is_no_part_of_the_policy_is_told),
                PAPER(what_is_said_of_states_is_of_one_piece),
                PAPER(a_state_indexs_attestation_is_neither_missing_nor_spare),
                PAPER(the_seals_certificate_is_of_its_key),
                PAPER(a_certificate_names_the_next_one),
                PAPER(a_seal_without_certificate_is_told_to_be_so),
                PAPER(a_certificate_by_an_sm2_maker_is_good),
                PAPER(a_certificate_of_another_key_is_told),
                PAPER(what_is_no_certificate_is_told),
                PAPER(the_endorsement_key_leads_to_the_roots),
                PAPER(roots_that_are_none_are_an_error_of_the_caller),
                PAPER(times_and_numbers_are_plausible),
                PAPER(a_revocation_that_the_chip_does_not_know_is_told),
#undef PAPER
#undef WITH
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
