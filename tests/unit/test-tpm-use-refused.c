/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the chip itself refuses. Nothing of tpm/sign.c is asked here: an attacker who has all that
 * the daemon has (blob, approvals, tickets, the index's auth) sends what he likes, step by step.
 * The codes are the chip's own (design, section 3.3).
 */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "policy/approval.h"
#include "policy/key.h"
#include "policy/ref.h"
#include "tests/fixture/approvers.h"
#include "tpm/context.h"
#include "tpm/key.h"
#include "tpm/machine.h"
#include "tpm/nv.h"
#include "tpm/policy.h"
#include "tpm/session.h"

static Approvers approvers;

static int group_make(void **state) {
        (void) state;
        approvers_make(&approvers, "prpp");
        return 0;
}

static int group_done(void **state) {
        (void) state;
        approvers_done(&approvers);
        return 0;
}

/* ---- the attacker's hands ---------------------------------------------------------------- */

typedef struct Attack {
        Chip *chip;
        const PeopleSeal *seal;
        TpmHandle session;
        ErrorDetail detail; /* of the last step */
} Attack;

static void attack_open(Attack *attack, Chip *chip, const PeopleSeal *seal) {
        *attack = (Attack){ .chip = chip, .seal = seal };
        assert_int_equal(
                tpm_session_open(chip->tpm, TPM2_SE_POLICY, SESSION_PLAIN, &attack->session, NULL),
                0);
}

static void attack_close(Attack *attack) {
        tpm_handle_close(&attack->session);
        chip_assert_empty(attack->chip);
}

/* PolicyPCR, and of the leaf what comes before the people: all or some. */
static int attack_machine(Attack *attack, size_t terms) {
        const ChipSeal *base = &attack->seal->base;
        _cleanup_(tpm_handle_close) TpmHandle hmac = {};
        PolicyTerm pcr = { .kind = POLICY_PCR };
        SealLeaves leaves;
        const PolicyInputs inputs = {
                .approved = &base->approval.policy,
                .ticket = &base->approval.ticket,
                .index = &attack->chip->index,
                .hmac = &hmac,
        };

        assert_int_equal(seal_policy_leaves(&base->policy, &leaves), 0);
        pcr.pcr.selection = base->approval.values.selection;
        assert_int_equal(pcr_values_digest(&base->approval.values, &pcr.pcr.digest), 0);
        assert_int_equal(
                tpm_session_open(attack->chip->tpm, TPM2_SE_HMAC, SESSION_PLAIN, &hmac, NULL), 0);
        int r = tpm_policy_apply(&attack->session, &pcr, 1, NULL, &attack->detail);
        if (r == 0)
                r = tpm_policy_apply(&attack->session, leaves.leaves[0].terms, terms, &inputs,
                                     &attack->detail);
        return r;
}

#define AUTHORIZE_AND_NV 2U

static void attack_begin(Attack *attack, Chip *chip, const PeopleSeal *seal) {
        attack_open(attack, chip, seal);
        if (attack_machine(attack, AUTHORIZE_AND_NV + seal->base.policy.pin) != 0)
                fail_msg("%s", attack->detail.text);
}

/* What is said to have been signed, which the approvals may or may not be over. */
typedef struct Claim {
        const SoftwareKey *key;
        const TPM2B_NONCE *nonce;
        TPM2B_DIGEST cphash;
        TPM2B_DIGEST ref;
        int32_t expiration;
        TPMT_SIGNATURE signature;
} Claim;

static TPM2B_DIGEST cphash_of(const PeopleSeal *seal) {
        TPM2B_DIGEST cphash;
        TPM2B_NAME name;

        assert_int_equal(public_name(&seal->base.key.public, &name), 0);
        assert_int_equal(
                cphash_sign(&name, &seal->base.use.digest, &seal->base.use.scheme, &cphash), 0);
        return cphash;
}

static TPM2B_DIGEST ref_of(const PeopleSeal *seal) {
        TPM2B_DIGEST ref;

        assert_int_equal(policy_ref(REF_SEAL, seal->base.policy.number, &ref), 0);
        return ref;
}

/* An honest deferred approval of what the seal's use is now. */
static Claim claim_by(const SoftwareKey *key, const PeopleSeal *seal) {
        const UseTarget target = people_target(seal, NULL, 0);

        return (Claim){
                .key = key,
                .cphash = cphash_of(seal),
                .ref = ref_of(seal),
                .signature = people_sign(key, &target),
        };
}

static int attack_claim(Attack *attack, const Claim *claim) {
        const PolicyTerm term = {
                .kind = POLICY_SIGNED,
                .signing = { .key = claim->key->name, .ref = claim->ref },
        };
        const PolicySignature signature = {
                .key = &claim->key->public,
                .nonce = claim->nonce,
                .cphash = &claim->cphash,
                .signature = &claim->signature,
                .expiration = claim->expiration,
        };
        const PolicyInputs inputs = { .signatures = &signature, .signature_count = 1 };

        return tpm_policy_apply(&attack->session, &term, 1, &inputs, &attack->detail);
}

static int attack_or(Attack *attack, const SealPolicy *policy) {
        PolicyTerm either;
        SealLeaves leaves;

        assert_int_equal(seal_policy_leaves(policy, &leaves), 0);
        assert_int_equal(policy_or_term(leaves.leaves, leaves.count, &either), 0);
        return tpm_policy_apply(&attack->session, &either, 1, NULL, &attack->detail);
}

/* TPM2_Sign with that session: the PIN is not asked for unless the policy has PolicyAuthValue. */
static int attack_sign(Attack *attack, const SealKey *key, const TPM2B_DIGEST *digest) {
        _cleanup_(tpm_handle_close) TpmHandle loaded = {};
        TPMT_SIGNATURE signature;

        assert_int_equal(
                tpm_key_load(attack->chip->tpm, NULL, &key->public, &key->private, &loaded, NULL),
                0);
        return tpm_key_sign(&loaded, &attack->session, digest, &attack->seal->base.use.scheme,
                            &signature, &attack->detail);
}

static int attack_sign_own(Attack *attack) {
        return attack_sign(attack, &attack->seal->base.key, &attack->seal->base.use.digest);
}

static void assert_said(const Attack *attack, const char *step, const char *code) {
        if (!strstr(attack->detail.text, step) || !strstr(attack->detail.text, code))
                fail_msg("'%s' is not %s at %s", attack->detail.text, code, step);
}

#define assert_refused(attack, call, step, code) \
        do {                                     \
                assert_int_not_equal(call, 0);   \
                assert_said(attack, step, code); \
        } while (0)

#define SIGN "TPM2_Sign"
#define SIGNED "TPM2_PolicySigned"
#define EITHER "TPM2_PolicyOR"
#define POLICY_FAIL "0x99d"
#define OR_VALUE "0x1c4"
#define BAD_SIGNATURE "0x5db"
#define NO_NONCE "0x1cf"

static void seal_of(Chip *chip, PeopleSeal *seal, size_t count, size_t threshold) {
        people_seal_make(chip, seal,
                         (PeopleWanted){
                                 .approvers = &approvers,
                                 .count = count,
                                 .threshold = threshold,
                         });
}

/* The attacker's hands do reach: with everything in order the chip signs. */
static void honest_steps_sign(void **state) {
        PeopleSeal one, two;
        Attack attack;

        seal_of(*state, &one, 1, 1);
        attack_begin(&attack, *state, &one);
        const Claim claim = claim_by(&approvers.keys[0], &one);
        assert_int_equal(attack_claim(&attack, &claim), 0);
        assert_int_equal(attack_sign_own(&attack), 0);
        attack_close(&attack);

        seal_of(*state, &two, 3, 2);
        attack_begin(&attack, *state, &two);
        const Claim first = claim_by(&approvers.keys[0], &two);
        const Claim third = claim_by(&approvers.keys[2], &two);
        assert_int_equal(attack_claim(&attack, &first), 0);
        assert_int_equal(attack_claim(&attack, &third), 0);
        assert_int_equal(attack_or(&attack, &two.base.policy), 0);
        assert_int_equal(attack_sign_own(&attack), 0);
        attack_close(&attack);
}

/* ---- another document, another seal ------------------------------------------------------ */

static void approval_of_one_document_signs_no_other(void **state) {
        PeopleSeal seal;
        Attack attack;

        seal_of(*state, &seal, 1, 1);
        Claim claim = claim_by(&approvers.keys[0], &seal);
        seal.base.use.digest.buffer[0] = 'B';

        attack_begin(&attack, *state, &seal);
        assert_int_equal(attack_claim(&attack, &claim), 0);
        assert_refused(&attack, attack_sign_own(&attack), SIGN, POLICY_FAIL);
        attack_close(&attack);

        /* Said to be of document B, or of any. */
        attack_begin(&attack, *state, &seal);
        claim.cphash = cphash_of(&seal);
        assert_refused(&attack, attack_claim(&attack, &claim), SIGNED, BAD_SIGNATURE);
        claim.cphash.size = 0;
        assert_refused(&attack, attack_claim(&attack, &claim), SIGNED, BAD_SIGNATURE);
        attack_close(&attack);
}

/* The scheme is part of the command: who approved one has not approved another. */
static void approval_is_of_one_scheme(void **state) {
        PeopleSeal seal;
        Attack attack;

        seal_of(*state, &seal, 1, 1);
        const Claim claim = claim_by(&approvers.keys[0], &seal);
        seal.base.use.scheme.details.any.hashAlg = TPM2_ALG_SHA384;
        attack_begin(&attack, *state, &seal);
        assert_int_equal(attack_claim(&attack, &claim), 0);
        assert_int_not_equal(attack_sign_own(&attack), 0);
        attack_close(&attack);
}

static void approval_of_one_seal_opens_no_other(void **state) {
        PeopleSeal seal, other, twin;
        Attack attack;

        seal_of(*state, &seal, 1, 1);
        people_seal_make(*state, &other,
                         (PeopleWanted){
                                 .approvers = &approvers,
                                 .count = 1,
                                 .threshold = 1,
                                 .number = "11010500000002",
                                 .bit = 1,
                         });
        Claim claim = claim_by(&approvers.keys[0], &seal);

        attack_begin(&attack, *state, &other);
        assert_int_equal(attack_claim(&attack, &claim), 0);
        assert_refused(&attack, attack_sign_own(&attack), SIGN, POLICY_FAIL);
        attack_close(&attack);

        attack_begin(&attack, *state, &other);
        claim.ref = ref_of(&other);
        assert_refused(&attack, attack_claim(&attack, &claim), SIGNED, BAD_SIGNATURE);
        claim.ref = ref_of(&seal);
        claim.cphash = cphash_of(&other);
        assert_refused(&attack, attack_claim(&attack, &claim), SIGNED, BAD_SIGNATURE);
        attack_close(&attack);

        /* The same number and policy, another key: the cpHash has its Name. */
        seal_of(*state, &twin, 1, 1);
        claim = claim_by(&approvers.keys[0], &seal);
        attack_begin(&attack, *state, &twin);
        assert_int_equal(attack_claim(&attack, &claim), 0);
        assert_refused(&attack, attack_sign_own(&attack), SIGN, POLICY_FAIL);
        attack_close(&attack);
}

/* ---- too few, the same, strangers, another order ----------------------------------------- */

static void less_than_the_threshold_is_refused_by_any_way(void **state) {
        PeopleSeal seal;
        Attack attack;

        seal_of(*state, &seal, 3, 2);
        const Claim claim = claim_by(&approvers.keys[1], &seal);

        /* As it is, and without the PolicyOR. */
        attack_begin(&attack, *state, &seal);
        assert_int_equal(attack_claim(&attack, &claim), 0);
        assert_refused(&attack, attack_or(&attack, &seal.base.policy), EITHER, OR_VALUE);
        assert_refused(&attack, attack_sign_own(&attack), SIGN, POLICY_FAIL);
        attack_close(&attack);

        /* The PolicyOR of a seal that one approver opens, which the chip takes. */
        SealPolicy easier = seal.base.policy;
        easier.threshold = 1;
        attack_begin(&attack, *state, &seal);
        assert_int_equal(attack_claim(&attack, &claim), 0);
        assert_int_equal(attack_or(&attack, &easier), 0);
        assert_refused(&attack, attack_sign_own(&attack), SIGN, POLICY_FAIL);
        /* ... and both: the second demands one of its own branches. */
        attack_close(&attack);
        attack_begin(&attack, *state, &seal);
        assert_int_equal(attack_claim(&attack, &claim), 0);
        assert_int_equal(attack_or(&attack, &easier), 0);
        assert_refused(&attack, attack_or(&attack, &seal.base.policy), EITHER, OR_VALUE);
        attack_close(&attack);

        /* Nobody at all. */
        attack_begin(&attack, *state, &seal);
        assert_refused(&attack, attack_or(&attack, &seal.base.policy), EITHER, OR_VALUE);
        assert_refused(&attack, attack_sign_own(&attack), SIGN, POLICY_FAIL);
        attack_close(&attack);
}

static void three_of_four_do_not_open_for_all_four(void **state) {
        PeopleSeal seal;
        Attack attack;

        seal_of(*state, &seal, 4, 4);
        for (unsigned missing = 0; missing < 4; missing++) {
                attack_begin(&attack, *state, &seal);
                for (unsigned i = 0; i < 4; i++) {
                        const Claim claim = claim_by(&approvers.keys[i], &seal);

                        if (i != missing)
                                assert_int_equal(attack_claim(&attack, &claim), 0);
                }
                assert_refused(&attack, attack_sign_own(&attack), SIGN, POLICY_FAIL);
                attack_close(&attack);
        }
}

static void one_approver_twice_is_not_two(void **state) {
        PeopleSeal seal;
        Attack attack;

        seal_of(*state, &seal, 3, 2);
        for (unsigned i = 0; i < 3; i++) {
                const Claim claim = claim_by(&approvers.keys[i], &seal);
                const Claim again = claim_by(&approvers.keys[i], &seal);

                attack_begin(&attack, *state, &seal);
                assert_int_equal(attack_claim(&attack, &claim), 0);
                assert_int_equal(attack_claim(&attack, &again), 0);
                assert_refused(&attack, attack_or(&attack, &seal.base.policy), EITHER, OR_VALUE);
                assert_refused(&attack, attack_sign_own(&attack), SIGN, POLICY_FAIL);
                attack_close(&attack);
        }
}

/* A good signature, by somebody else: its key's Name is another. */
static void strangers_key_counts_for_nobody(void **state) {
        PeopleSeal one, two;
        Attack attack;

        seal_of(*state, &one, 1, 1);
        Claim stranger = claim_by(&approvers.keys[3], &one);
        attack_begin(&attack, *state, &one);
        assert_int_equal(attack_claim(&attack, &stranger), 0);
        assert_refused(&attack, attack_sign_own(&attack), SIGN, POLICY_FAIL);
        attack_close(&attack);

        /* Signed by the stranger, said to be by the approver. */
        attack_begin(&attack, *state, &one);
        stranger.key = &approvers.keys[0];
        assert_refused(&attack, attack_claim(&attack, &stranger), SIGNED, BAD_SIGNATURE);
        attack_close(&attack);

        seal_of(*state, &two, 3, 2);
        const Claim good = claim_by(&approvers.keys[0], &two);
        stranger = claim_by(&approvers.keys[3], &two);
        attack_begin(&attack, *state, &two);
        assert_int_equal(attack_claim(&attack, &good), 0);
        assert_int_equal(attack_claim(&attack, &stranger), 0);
        assert_refused(&attack, attack_or(&attack, &two.base.policy), EITHER, OR_VALUE);
        attack_close(&attack);
}

static void approvers_in_another_order_are_refused(void **state) {
        PeopleSeal seal;
        Attack attack;

        seal_of(*state, &seal, 2, 2);
        const Claim first = claim_by(&approvers.keys[0], &seal);
        const Claim second = claim_by(&approvers.keys[1], &seal);
        attack_begin(&attack, *state, &seal);
        assert_int_equal(attack_claim(&attack, &second), 0);
        assert_int_equal(attack_claim(&attack, &first), 0);
        assert_refused(&attack, attack_sign_own(&attack), SIGN, POLICY_FAIL);
        attack_close(&attack);
}

/* All that approvers signed is of no use for what the leaf demands before them. */
static void no_approval_replaces_machine_state_bit_or_pin(void **state) {
        PeopleSeal seal;
        Attack attack;

        people_seal_make(*state, &seal,
                         (PeopleWanted){
                                 .approvers = &approvers,
                                 .count = 1,
                                 .threshold = 1,
                                 .pin = true,
                         });
        const Claim claim = claim_by(&approvers.keys[0], &seal);
        for (size_t terms = 0; terms < AUTHORIZE_AND_NV + 1; terms++) {
                attack_open(&attack, *state, &seal);
                assert_int_equal(attack_machine(&attack, terms), 0);
                assert_int_equal(attack_claim(&attack, &claim), 0);
                assert_refused(&attack, attack_sign_own(&attack), SIGN, POLICY_FAIL);
                attack_close(&attack);
        }
}

/* The leaf for backups is of other references, and opens TPM2_Duplicate alone. */
static void approvals_of_uses_open_no_backup_leaf(void **state) {
        PeopleSeal seal;
        PolicyLeaf leaf;
        Attack attack;

        people_seal_make(*state, &seal,
                         (PeopleWanted){
                                 .approvers = &approvers,
                                 .count = 1,
                                 .threshold = 1,
                                 .backup = true,
                         });
        const Claim claim = claim_by(&approvers.keys[0], &seal);
        assert_int_equal(seal_policy_duplication_leaf(&seal.base.policy, 1, &leaf), 0);
        attack_begin(&attack, *state, &seal);
        assert_int_equal(attack_claim(&attack, &claim), 0);
        assert_int_equal(tpm_policy_apply(&attack.session, &leaf.terms[leaf.count - 1], 1, NULL,
                                          &attack.detail),
                         0); /* PolicyCommandCode(Duplicate) */
        assert_refused(&attack, attack_or(&attack, &seal.base.policy), EITHER, OR_VALUE);
        attack_close(&attack);
}

/* ---- revoked, locked, another machine state ---------------------------------------------- */

static void revoked_seal_does_not_sign_what_was_approved(void **state) {
        Chip *chip = *state;
        PeopleSeal seal;
        Attack attack;

        seal_of(chip, &seal, 1, 1);
        const Claim claim = claim_by(&approvers.keys[0], &seal);
        people_approve(&seal, 1, NULL, 0);
        assert_int_equal(tpm_index_set_bits(chip->tpm, &chip->index, 1U << CHIP_BIT, NULL), 0);
        assert_int_equal(people_use(chip, &seal, NULL), SEAL_E_REVOKED);
        tpm_release(chip->tpm);

        attack_open(&attack, chip, &seal);
        assert_refused(&attack, attack_machine(&attack, AUTHORIZE_AND_NV), "TPM2_PolicyNV",
                       "0x126");
        assert_int_equal(attack_claim(&attack, &claim), 0);
        assert_refused(&attack, attack_sign_own(&attack), SIGN, POLICY_FAIL);
        attack_close(&attack);
}

/* The bit is looked at when the policy is built: the fence ends what was built before. */
static void fence_ends_sessions_that_were_approved_before(void **state) {
        Chip *chip = *state;
        PeopleSeal seal;
        Attack attack;

        seal_of(chip, &seal, 1, 1);
        const Claim claim = claim_by(&approvers.keys[0], &seal);
        attack_begin(&attack, chip, &seal);
        assert_int_equal(attack_claim(&attack, &claim), 0);
        assert_int_equal(tpm_fence(chip->tpm, 15, NULL), 0);
        assert_refused(&attack, attack_sign_own(&attack), SIGN, "0x128");
        attack_close(&attack);
}

static void locked_seals_do_not_sign_what_was_approved(void **state) {
        Chip *chip = *state;
        TpmNv nv = {};
        PeopleSeal seal;
        Attack attack;

        seal_of(chip, &seal, 1, 1);
        const Claim claim = claim_by(&approvers.keys[0], &seal);
        people_approve(&seal, 1, NULL, 0);
        assert_int_equal(tpm_nv_open(chip->tpm, &chip->index, &nv, NULL), 0);
        assert_int_equal(Esys_NV_ReadLock(chip->tpm->esys, nv.handle.tr, nv.handle.tr,
                                          ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE),
                         0);
        tpm_nv_close(&nv);
        assert_int_equal(people_use(chip, &seal, NULL), SEAL_E_LOCKED);
        tpm_release(chip->tpm);

        attack_open(&attack, chip, &seal);
        assert_int_equal(attack_machine(&attack, 1), 0); /* all but the PolicyNV, which is locked */
        assert_int_equal(attack_claim(&attack, &claim), 0);
        assert_refused(&attack, attack_sign_own(&attack), SIGN, POLICY_FAIL);
        attack_close(&attack);
}

/* The approvers are not asked again: what they signed has nothing of the machine's state. */
static void changed_machine_is_refused_and_signs_once_it_is_approved(void **state) {
        Chip *chip = *state;
        PeopleSeal seal;

        seal_of(chip, &seal, 3, 2);
        people_approve(&seal, 5, NULL, 0);
        chip_pcr_extend(chip, 7);
        assert_int_equal(people_use(chip, &seal, NULL), SEAL_E_MACHINE_STATE_REFUSED);
        seal.base.approval = chip_approve(chip, &chip->key, CHIP_PROFILE);
        people_assert_signs(chip, &seal);
}

/* Also across a reset of the chip: what is deferred may wait for days. */
static void deferred_approval_outlives_a_reset(void **state) {
        Chip *chip = *state;
        PeopleSeal seal;

        seal_of(chip, &seal, 2, 2);
        people_approve(&seal, 3, NULL, 0);
        swtpm_reset(&chip->swtpm);
        chip_reconnect(chip);
        people_assert_signs(chip, &seal);
}

/* The chip counts nothing: it is the daemon who does. But it signs no other document. */
static void deferred_approval_used_twice_signs_the_same_document(void **state) {
        Chip *chip = *state;
        PeopleSeal seal;

        seal_of(chip, &seal, 1, 1);
        people_approve(&seal, 1, NULL, 0);
        people_assert_signs(chip, &seal);
        people_assert_signs(chip, &seal);
        seal.base.use.digest.buffer[0] = 'B';
        assert_int_equal(people_use(chip, &seal, NULL), SEAL_E_APPROVAL_INVALID);
}

#define chip_test(name) cmocka_unit_test_setup_teardown(name, chip_setup_installed, chip_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                chip_test(honest_steps_sign),
                chip_test(approval_of_one_document_signs_no_other),
                chip_test(approval_is_of_one_scheme),
                chip_test(approval_of_one_seal_opens_no_other),
                chip_test(less_than_the_threshold_is_refused_by_any_way),
                chip_test(three_of_four_do_not_open_for_all_four),
                chip_test(one_approver_twice_is_not_two),
                chip_test(strangers_key_counts_for_nobody),
                chip_test(approvers_in_another_order_are_refused),
                chip_test(no_approval_replaces_machine_state_bit_or_pin),
                chip_test(approvals_of_uses_open_no_backup_leaf),
                chip_test(revoked_seal_does_not_sign_what_was_approved),
                chip_test(fence_ends_sessions_that_were_approved_before),
                chip_test(locked_seals_do_not_sign_what_was_approved),
                chip_test(changed_machine_is_refused_and_signs_once_it_is_approved),
                chip_test(deferred_approval_outlives_a_reset),
                chip_test(deferred_approval_used_twice_signs_the_same_document),
        };

        return cmocka_run_group_tests(tests, group_make, group_done);
}
