/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every policy term twice: as policy/ computes it, and as the chip does. The sessions are real
 * ones, so that each term is satisfied and not only named; trial sessions where none can be.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "policy/approval.h"
#include "policy/ref.h"
#include "tests/fixture/chip.h"
#include "tpm/handle.h"
#include "tpm/machine.h"
#include "tpm/policy.h"
#include "tpm/session.h"

static const TPM2B_DIGEST no_cphash;
static const TPM2B_DIGEST document_cphash = { .size = 32, .buffer = { 0xcc } };

static TPM2B_DIGEST ref_of(RefKind kind, const char *name) {
        TPM2B_DIGEST ref;

        assert_int_equal(policy_ref(kind, name, &ref), 0);
        return ref;
}

static TPM2B_NAME any_name(uint8_t seed) {
        TPM2B_NAME name = { .size = 34, .name = { 0x00, 0x0b, seed } };

        return name;
}

static TPM2B_DIGEST in_software(const PolicyTerm *terms, size_t count) {
        TPM2B_DIGEST digest = policy_start();

        for (size_t i = 0; i < count; i++)
                assert_int_equal(policy_term_extend(&terms[i], &digest), 0);
        return digest;
}

static void assert_digest(const TPM2B_DIGEST *a, const TPM2B_DIGEST *b) {
        assert_int_equal(a->size, 32);
        assert_int_equal(b->size, 32);
        assert_memory_equal(a->buffer, b->buffer, 32);
}

/* Apply to a new session; it is ended before the result is judged. */
static void assert_chip_agrees(Chip *chip, TPM2_SE type, const PolicyTerm *terms, size_t count,
                               PolicyInputs inputs) {
        TPM2B_DIGEST wanted = in_software(terms, count), got = {};
        TpmHandle session = {}, hmac = {};
        ErrorDetail detail = {};

        assert_int_equal(tpm_session_open(chip->tpm, type, SESSION_PLAIN, &session, NULL), 0);
        assert_int_equal(tpm_session_open(chip->tpm, TPM2_SE_HMAC, SESSION_PLAIN, &hmac, NULL), 0);
        inputs.hmac = &hmac;
        int r = tpm_policy_apply(&session, terms, count, &inputs, &detail);
        if (r == 0)
                r = tpm_policy_digest(&session, &got, &detail);
        tpm_handle_close(&hmac);
        tpm_handle_close(&session);
        if (r != 0)
                fail_msg("%d %s", r, detail.text);
        assert_digest(&got, &wanted);
        chip_assert_empty(chip);
}

static PolicyTerm pcr_term(const PcrValues *values) {
        PolicyTerm term = { .kind = POLICY_PCR };

        term.pcr.selection = values->selection;
        assert_int_equal(pcr_values_digest(values, &term.pcr.digest), 0);
        return term;
}

static PolicyTerm signed_term(const SoftwareKey *key, const TPM2B_DIGEST *ref) {
        return (PolicyTerm){ .kind = POLICY_SIGNED, .signing = { .key = key->name, .ref = *ref } };
}

/* A deferred answer: no nonce, expiration 0. */
static TPMT_SIGNATURE deferred(const SoftwareKey *key, const TPM2B_DIGEST *cphash,
                               const TPM2B_DIGEST *ref) {
        uint8_t bytes[APPROVAL_BYTES_MAX];
        Writer writer = writer_over(bytes, sizeof(bytes));

        approval_signed_bytes(NULL, 0, cphash, ref, &writer);
        assert_false(writer.overflow);
        return software_key_sign(key, (Bytes){ .data = bytes, .size = writer.used });
}

static void pcr_digest_agrees(void **state) {
        const PcrSelection selections[] = {
                { .bank = TPM2_ALG_SHA256, .mask = 1U << 7 },
                { .bank = TPM2_ALG_SHA256, .mask = 1U << 0 | 1U << 2 | 1U << 7 | 1U << 23 },
                { .bank = TPM2_ALG_SHA256, .mask = 0xfffbff },
                { .bank = TPM2_ALG_SHA384, .mask = 1U << 0 | 1U << 14 },
        };
        Chip *chip = *state;

        chip_pcr_extend(chip, 7);
        for (size_t i = 0; i < 4; i++) {
                PcrValues values;

                assert_int_equal(tpm_pcr_read(chip->tpm, &selections[i], &values, NULL), 0);
                PolicyTerm term = pcr_term(&values);
                assert_chip_agrees(chip, TPM2_SE_POLICY, &term, 1, (PolicyInputs){});
                values.values[__builtin_ctz(selections[i].mask)].buffer[3] ^= 1;
                term = pcr_term(&values);
                assert_chip_agrees(chip, TPM2_SE_TRIAL, &term, 1, (PolicyInputs){});
        }
}

static void authorize_digest_agrees(void **state) {
        Chip *chip = *state;
        MachineApproval approval = chip_approve(chip, &chip->key, CHIP_PROFILE);
        const PolicyTerm terms[] = {
                pcr_term(&approval.values),
                { .kind = POLICY_AUTHORIZE,
                  .authorize = { .key = chip->key.name,
                                 .ref = ref_of(REF_PROFILE, CHIP_PROFILE) } },
        };
        TPM2B_DIGEST state_policy = in_software(terms, 1);

        assert_digest(&state_policy, &approval.policy);
        assert_chip_agrees(
                chip, TPM2_SE_POLICY, terms, 2,
                (PolicyInputs){ .approved = &approval.policy, .ticket = &approval.ticket });
}

static void nv_digest_agrees(void **state) {
        Chip *chip = *state;

        for (unsigned bit = 0; bit < 64; bit += 9) {
                const PolicyTerm term = {
                        .kind = POLICY_NV,
                        .nv = { .index = chip_index_name(&chip->index), .mask = 1ULL << bit },
                };

                assert_chip_agrees(chip, TPM2_SE_POLICY, &term, 1,
                                   (PolicyInputs){ .index = &chip->index });
        }
}

/* The bit that a mask names is the bit that SetBits sets. */
static void nv_term_is_refused_for_its_bit_only(void **state) {
        Chip *chip = *state;
        PolicyTerm term = { .kind = POLICY_NV, .nv.index = chip_index_name(&chip->index) };
        TpmHandle session = {}, hmac = {};
        const PolicyInputs inputs = { .index = &chip->index, .hmac = &hmac };

        assert_int_equal(tpm_index_set_bits(chip->tpm, &chip->index, 1ULL << 41, NULL), 0);
        assert_int_equal(tpm_session_open(chip->tpm, TPM2_SE_HMAC, SESSION_PLAIN, &hmac, NULL), 0);
        assert_int_equal(tpm_session_open(chip->tpm, TPM2_SE_POLICY, SESSION_PLAIN, &session, NULL),
                         0);
        for (unsigned bit = 0; bit < 64; bit++) {
                term.nv.mask = 1ULL << bit;
                assert_int_equal(tpm_policy_apply(&session, &term, 1, &inputs, NULL),
                                 bit == 41 ? SEAL_E_REVOKED : 0);
        }
        tpm_handle_close(&hmac);
        tpm_handle_close(&session);
}

static void signed_digest_agrees(void **state) {
        Chip *chip = *state;
        const TPM2B_DIGEST ref = ref_of(REF_SEAL, CHIP_NUMBER);
        const PolicyTerm term = signed_term(&chip->key, &ref);
        TPMT_SIGNATURE bound = deferred(&chip->key, &document_cphash, &ref);
        TPMT_SIGNATURE unbound = deferred(&chip->key, &no_cphash, &ref);
        PolicySignature answer = { .key = &chip->key.public,
                                   .cphash = &document_cphash,
                                   .signature = &bound };
        const PolicyInputs inputs = { .signatures = &answer, .signature_count = 1 };

        assert_chip_agrees(chip, TPM2_SE_POLICY, &term, 1, inputs);
        answer.cphash = NULL; /* not in the digest, but in what is signed */
        answer.signature = &unbound;
        assert_chip_agrees(chip, TPM2_SE_POLICY, &term, 1, inputs);
}

static void terms_without_conditions_agree(void **state) {
        Chip *chip = *state;
        const PolicyTerm terms[] = {
                { .kind = POLICY_AUTH_VALUE },
                { .kind = POLICY_NV_WRITTEN, .written = true },
                { .kind = POLICY_COMMAND_CODE, .command = TPM2_CC_Duplicate },
        };
        const PolicyTerm unwritten = { .kind = POLICY_NV_WRITTEN, .written = false };

        for (size_t i = 0; i < 3; i++)
                assert_chip_agrees(chip, TPM2_SE_POLICY, &terms[i], 1, (PolicyInputs){});
        assert_chip_agrees(chip, TPM2_SE_POLICY, terms, 3, (PolicyInputs){});
        assert_chip_agrees(chip, TPM2_SE_POLICY, &unwritten, 1, (PolicyInputs){});
}

static void or_digest_agrees(void **state) {
        Chip *chip = *state;
        PolicyLeaf leaves[POLICY_LEAVES_MAX] = {};
        PolicyTerm terms[2] = { { .kind = POLICY_AUTH_VALUE } };

        leaves[0] = (PolicyLeaf){ .count = 1, .terms = { terms[0] } };
        for (uint32_t i = 1; i < POLICY_LEAVES_MAX; i++)
                leaves[i] = (PolicyLeaf){ .count = 1,
                                          .terms = { { .kind = POLICY_COMMAND_CODE,
                                                       .command = TPM2_CC_FIRST + i } } };
        for (size_t count = 2; count <= POLICY_LEAVES_MAX; count++) {
                assert_int_equal(policy_or_term(leaves, count, &terms[1]), 0);
                assert_chip_agrees(chip, TPM2_SE_POLICY, terms, 2, (PolicyInputs){});
        }
}

static void duplication_select_digest_agrees(void **state) {
        Chip *chip = *state;
        PolicyTerm term = { .kind = POLICY_DUPLICATION_SELECT,
                            .duplication = { .object = any_name(1), .parent = any_name(2) } };

        assert_chip_agrees(chip, TPM2_SE_POLICY, &term, 1, (PolicyInputs){});
        term.duplication.include_object = true;
        assert_chip_agrees(chip, TPM2_SE_POLICY, &term, 1, (PolicyInputs){});
}

static void index_policies_agree(void **state) {
        static const IndexKind kinds[] = { INDEX_REVOCATION, INDEX_LEDGER, INDEX_STATE };
        Chip *chip = *state;

        for (size_t i = 0; i < 3; i++) {
                PolicyTerm terms[4];
                TPMS_NV_PUBLIC public;
                IndexPolicy policy;

                assert_int_equal(index_policy(kinds[i], 0x01abcdef, &chip->key.name, &policy), 0);
                assert_int_equal(index_public(kinds[i], 0x01abcdef, &chip->key.name, &public), 0);
                const TPM2B_DIGEST *ref = &policy.first.terms[1].signing.ref;
                TPMT_SIGNATURE signature = deferred(&chip->key, &document_cphash, ref);
                const PolicySignature answer = { .key = &chip->key.public,
                                                 .cphash = &document_cphash,
                                                 .signature = &signature };
                const PolicyInputs inputs = { .signatures = &answer, .signature_count = 1 };

                memcpy(terms, policy.first.terms, 2 * sizeof(terms[0]));
                terms[2] = policy.either;
                assert_chip_agrees(chip, TPM2_SE_POLICY, terms, 3, inputs);
                memcpy(terms, policy.later.terms, 2 * sizeof(terms[0]));
                assert_chip_agrees(chip, TPM2_SE_POLICY, terms, 3, inputs);
                TPM2B_DIGEST whole = in_software(terms, 3);
                assert_digest(&whole, &public.authPolicy);
        }
}

/* The people of a seal: what they sign, in index order. */
typedef struct People {
        SoftwareKey keys[APPROVERS_MAX];
        TPMT_SIGNATURE signatures[APPROVERS_MAX];
        PolicySignature answers[APPROVERS_MAX];
        size_t count; /* of answers */
} People;

static void people_answer(People *people, unsigned set, const TPM2B_DIGEST *cphash,
                          const TPM2B_DIGEST *ref) {
        people->count = 0;
        for (size_t i = 0; i < APPROVERS_MAX; i++) {
                if (!(set & 1U << i))
                        continue;
                size_t n = people->count++;
                people->signatures[n] = deferred(&people->keys[i], cphash, ref);
                people->answers[n] = (PolicySignature){ .key = &people->keys[i].public,
                                                        .cphash = cphash,
                                                        .signature = &people->signatures[n] };
        }
}

typedef struct Conjunction {
        PolicyTerm terms[POLICY_TERMS_MAX + 2];
        size_t count;
} Conjunction;

/* First what the authority approved, then the leaf, then the PolicyOR over all leaves. */
static Conjunction conjunction_of(const SealPolicy *policy, PolicyTerm approved,
                                  const PolicyLeaf *leaf) {
        Conjunction c = { .terms = { approved }, .count = 1 };
        TPM2B_DIGEST whole, wanted;
        SealLeaves leaves;

        memcpy(&c.terms[1], leaf->terms, leaf->count * sizeof(c.terms[0]));
        c.count += leaf->count;
        assert_int_equal(seal_policy_leaves(policy, &leaves), 0);
        if (leaves.count > 1)
                assert_int_equal(policy_or_term(leaves.leaves, leaves.count, &c.terms[c.count++]),
                                 0);
        whole = in_software(c.terms, c.count);
        assert_int_equal(seal_policy_digest(policy, &wanted), 0);
        assert_digest(&whole, &wanted);
        return c;
}

static void use_leaf_agrees(Chip *chip, const SealPolicy *policy, People *people, unsigned set) {
        MachineApproval approval = chip_approve(chip, &chip->key, policy->profile);
        const TPM2B_DIGEST ref = ref_of(REF_SEAL, policy->number);
        PolicyLeaf leaf;

        people_answer(people, set, &document_cphash, &ref);
        assert_int_equal(seal_policy_use_leaf(policy, set, &leaf), 0);
        Conjunction c = conjunction_of(policy, pcr_term(&approval.values), &leaf);
        assert_chip_agrees(chip, TPM2_SE_POLICY, c.terms, c.count,
                           (PolicyInputs){ .approved = &approval.policy,
                                           .ticket = &approval.ticket,
                                           .index = &chip->index,
                                           .signatures = people->answers,
                                           .signature_count = people->count });
}

static void duplication_leaf_agrees(Chip *chip, const SealPolicy *policy, People *people,
                                    unsigned set) {
        const PolicyTerm select = { .kind = POLICY_DUPLICATION_SELECT,
                                    .duplication = { .object = any_name(1),
                                                     .parent = any_name(2) } };
        const TPM2B_DIGEST ref = ref_of(REF_BACKUP_SEAL, policy->number);
        const TPM2B_DIGEST backup = ref_of(REF_BACKUP, policy->profile);
        const TPM2B_DIGEST approved = in_software(&select, 1);
        uint8_t bytes[APPROVAL_BYTES_MAX];
        Writer writer = writer_over(bytes, sizeof(bytes));
        TPMT_TK_VERIFIED ticket;
        PolicyLeaf leaf;

        approval_authorize_bytes(&approved, &backup, &writer);
        TPMT_SIGNATURE signature = software_key_sign(&chip->key,
                                                     (Bytes){ .data = bytes, .size = writer.used });
        assert_int_equal(tpm_authority_ticket(chip->tpm, &chip->authority, &approved, &backup,
                                              &signature, &ticket, NULL),
                         0);
        /* cpHash and a selected duplication exclude each other. */
        people_answer(people, set, &no_cphash, &ref);
        assert_int_equal(seal_policy_duplication_leaf(policy, set, &leaf), 0);
        Conjunction c = conjunction_of(policy, select, &leaf);
        assert_chip_agrees(chip, TPM2_SE_POLICY, c.terms, c.count,
                           (PolicyInputs){ .approved = &approved,
                                           .ticket = &ticket,
                                           .index = &chip->index,
                                           .signatures = people->answers,
                                           .signature_count = people->count });
}

static void seal_policies_agree(void **state) {
        static const unsigned pairs[] = { 3, 5, 6 };
        Chip *chip = *state;
        People people = {};

        for (size_t i = 0; i < APPROVERS_MAX; i++)
                software_key_make(&people.keys[i]);
        for (unsigned variant = 0; variant < 8; variant++) {
                SealPolicy policy = chip_seal_policy(chip);
                bool approvers = variant & 4;

                policy.pin = variant & 1;
                policy.backup = variant & 2;
                policy.approver_count = approvers ? 3 : 0;
                policy.threshold = approvers ? 2 : 0;
                for (size_t i = 0; i < policy.approver_count; i++)
                        policy.approvers[i] = people.keys[i].name;
                for (size_t i = 0; i < (approvers ? 3 : 1); i++) {
                        unsigned set = approvers ? pairs[i] : 0;

                        use_leaf_agrees(chip, &policy, &people, set);
                        if (policy.backup)
                                duplication_leaf_agrees(chip, &policy, &people, set);
                }
        }
        for (size_t i = 0; i < APPROVERS_MAX; i++)
                software_key_done(&people.keys[i]);
}

static void the_largest_policy_agrees(void **state) {
        Chip *chip = *state;
        SealPolicy policy = chip_seal_policy(chip);
        People people = {};

        policy.pin = policy.backup = true;
        policy.approver_count = 4;
        policy.threshold = 2;
        for (size_t i = 0; i < APPROVERS_MAX; i++) {
                software_key_make(&people.keys[i]);
                policy.approvers[i] = people.keys[i].name;
        }
        for (unsigned set = 0; set < 16; set++) {
                if (__builtin_popcount(set) != 2)
                        continue;
                use_leaf_agrees(chip, &policy, &people, set);
                duplication_leaf_agrees(chip, &policy, &people, set);
        }
        for (size_t i = 0; i < APPROVERS_MAX; i++)
                software_key_done(&people.keys[i]);
}

static void restart_begins_anew(void **state) {
        Chip *chip = *state;
        const PolicyTerm term = { .kind = POLICY_AUTH_VALUE };
        TPM2B_DIGEST start = policy_start(), digest;
        TpmHandle session = {};

        assert_int_equal(tpm_session_open(chip->tpm, TPM2_SE_POLICY, SESSION_PLAIN, &session, NULL),
                         0);
        assert_int_equal(tpm_policy_apply(&session, &term, 1, NULL, NULL), 0);
        assert_int_equal(tpm_policy_restart(&session, NULL), 0);
        assert_int_equal(tpm_policy_digest(&session, &digest, NULL), 0);
        assert_digest(&digest, &start);
        tpm_handle_close(&session);
}

static void missing_inputs_are_a_mistake_of_ours(void **state) {
        static const PolicyKind kinds[] = { POLICY_AUTHORIZE, POLICY_NV, POLICY_SIGNED,
                                            POLICY_KIND_MAX };
        Chip *chip = *state;
        TpmHandle session = {};

        assert_int_equal(tpm_session_open(chip->tpm, TPM2_SE_POLICY, SESSION_PLAIN, &session, NULL),
                         0);
        for (size_t i = 0; i < 4; i++) {
                const PolicyTerm term = { .kind = kinds[i] };

                assert_int_equal(tpm_policy_apply(&session, &term, 1, NULL, NULL), -EINVAL);
        }
        tpm_handle_close(&session);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define INSTALLED(test) cmocka_unit_test_setup_teardown(test, chip_setup_installed, chip_teardown)
                INSTALLED(pcr_digest_agrees),
                INSTALLED(authorize_digest_agrees),
                INSTALLED(nv_digest_agrees),
                INSTALLED(nv_term_is_refused_for_its_bit_only),
                INSTALLED(signed_digest_agrees),
                INSTALLED(terms_without_conditions_agree),
                INSTALLED(or_digest_agrees),
                INSTALLED(duplication_select_digest_agrees),
                INSTALLED(index_policies_agree),
                INSTALLED(seal_policies_agree),
                INSTALLED(the_largest_policy_agrees),
                INSTALLED(restart_begins_anew),
                INSTALLED(missing_inputs_are_a_mistake_of_ours),
#undef INSTALLED
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
