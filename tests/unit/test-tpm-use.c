/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seals that their approvers open, on the simulated chip: every k of n up to 4 of 4, approvers with
 * keys of every kind, seals of every algorithm, with and without a PIN.
 */
#include "tests/unit/unit.h"

#include <openssl/rsa.h>

#include "policy/approval.h"
#include "policy/key.h"
#include "policy/signature.h"
#include "tests/fixture/approvers.h"
#include "tpm/context.h"
#include "tpm/policy.h"
#include "tpm/session.h"

/* RSA keys take OpenSSL their time: made once. */
typedef struct Everybody {
        Approvers curves; /* all P-256 */
        Approvers rsa;    /* all RSA */
        Approvers mixed;
} Everybody;

static Everybody everybody;

static int everybody_make(void **state) {
        (void) state;
        approvers_make(&everybody.curves, "pppp");
        approvers_make(&everybody.rsa, "rRrr");
        approvers_make(&everybody.mixed, "prqr");
        return 0;
}

static int everybody_done(void **state) {
        (void) state;
        approvers_done(&everybody.curves);
        approvers_done(&everybody.rsa);
        approvers_done(&everybody.mixed);
        return 0;
}

/* All that tpm_seal_sign() applies, by ESAPI, up to the policy's digest. */
static TPM2B_DIGEST digest_of_chip(Chip *chip, const PeopleSeal *seal) {
        _cleanup_(tpm_handle_close) TpmHandle session = {}, hmac = {};
        PolicySignature signatures[APPROVERS_MAX];
        const ChipSeal *base = &seal->base;
        PolicyTerm pcr = { .kind = POLICY_PCR }, either;
        TPM2B_DIGEST cphash, digest = {};
        ErrorDetail detail = {};
        SealLeaves leaves;
        PolicyLeaf leaf;
        TPM2B_NAME name;

        assert_int_equal(public_name(&base->key.public, &name), 0);
        assert_int_equal(cphash_sign(&name, &base->use.digest, &base->use.scheme, &cphash), 0);
        for (size_t i = 0; i < seal->by.count; i++)
                signatures[i] = (PolicySignature){
                        .key = &seal->signatures[i].key,
                        .cphash = &cphash,
                        .signature = &seal->signatures[i].signature,
                };
        const PolicyInputs inputs = {
                .approved = &base->approval.policy,
                .ticket = &base->approval.ticket,
                .index = &chip->index,
                .hmac = &hmac,
                .signatures = signatures,
                .signature_count = seal->by.count,
        };
        pcr.pcr.selection = base->approval.values.selection;
        assert_int_equal(pcr_values_digest(&base->approval.values, &pcr.pcr.digest), 0);
        assert_int_equal(seal_policy_use_leaf(&base->policy, seal->by.approvers, &leaf), 0);
        assert_int_equal(seal_policy_leaves(&base->policy, &leaves), 0);
        assert_int_equal(tpm_session_open(chip->tpm, TPM2_SE_HMAC, SESSION_PLAIN, &hmac, NULL), 0);
        assert_int_equal(tpm_session_open(chip->tpm, TPM2_SE_POLICY, SESSION_PLAIN, &session, NULL),
                         0);
        assert_int_equal(tpm_policy_apply(&session, &pcr, 1, NULL, NULL), 0);
        if (tpm_policy_apply(&session, leaf.terms, leaf.count, &inputs, &detail) != 0)
                fail_msg("%s", detail.text);
        if (leaves.count > 1) {
                assert_int_equal(policy_or_term(leaves.leaves, leaves.count, &either), 0);
                assert_int_equal(tpm_policy_apply(&session, &either, 1, NULL, &detail), 0);
        }
        assert_int_equal(tpm_policy_digest(&session, &digest, NULL), 0);
        return digest;
}

static void assert_digests_agree(Chip *chip, const PeopleSeal *seal) {
        TPM2B_DIGEST software, chips = digest_of_chip(chip, seal);

        assert_int_equal(seal_policy_digest(&seal->base.policy, &software), 0);
        assert_int_equal(chips.size, software.size);
        assert_memory_equal(chips.buffer, software.buffer, software.size);
}

/* Every set of k of the n signs; no other number of them is sent to the chip. */
static void assert_every_set_signs(Chip *chip, PeopleSeal *seal, bool digests) {
        const SealPolicy *policy = &seal->base.policy;

        for (unsigned set = 1; set >> policy->approver_count == 0; set++) {
                if ((size_t) __builtin_popcount(set) != policy->threshold)
                        continue;
                people_approve(seal, set, NULL, 0);
                people_assert_signs(chip, seal);
                if (digests)
                        assert_digests_agree(chip, seal);
        }
}

typedef struct Trial {
        const Approvers *approvers;
        const char *algorithm;
        bool both;    /* each with and without PIN; else by turns */
        bool backup;  /* a further leaf */
        bool digests; /* compare the chip's */
} Trial;

static void try_every_k_of_n(Chip *chip, Trial trial) {
        unsigned turn = 0;

        for (size_t n = 1; n <= APPROVERS_MAX; n++)
                for (size_t k = 1; k <= n; k++, turn++)
                        for (unsigned pin = 0; pin < 2; pin++) {
                                PeopleSeal seal;

                                if (!trial.both && pin != turn % 2)
                                        continue;
                                people_seal_make(chip, &seal,
                                                 (PeopleWanted){
                                                         .approvers = trial.approvers,
                                                         .count = n,
                                                         .threshold = k,
                                                         .pin = pin,
                                                         .backup = trial.backup,
                                                         .algorithm = trial.algorithm,
                                                 });
                                assert_every_set_signs(chip, &seal, trial.digests);
                        }
}

static void every_k_of_n_of_p256_approvers(void **state) {
        try_every_k_of_n(*state,
                         (Trial){ .approvers = &everybody.curves, .both = true, .digests = true });
}

static void every_k_of_n_of_rsa_approvers(void **state) {
        try_every_k_of_n(*state,
                         (Trial){ .approvers = &everybody.rsa, .both = true, .digests = true });
}

static void every_k_of_n_beside_a_backup_leaf(void **state) {
        try_every_k_of_n(*state,
                         (Trial){ .approvers = &everybody.mixed, .backup = true, .digests = true });
}

static void every_k_of_n_for_p384_seals(void **state) {
        try_every_k_of_n(*state,
                         (Trial){ .approvers = &everybody.mixed, .algorithm = "ecdsa-p384" });
}

static void every_k_of_n_for_rsa_2048_seals(void **state) {
        try_every_k_of_n(*state, (Trial){ .approvers = &everybody.mixed, .algorithm = "rsa-2048" });
}

static void every_k_of_n_for_rsa_3072_seals(void **state) {
        try_every_k_of_n(*state, (Trial){ .approvers = &everybody.mixed, .algorithm = "rsa-3072" });
}

/* What the approver's tool made of the bytes, as the daemon takes it. */
static TPMT_SIGNATURE sign_with_pss(const SoftwareKey *key, Bytes message, int salt) {
        EVP_MD_CTX *md = EVP_MD_CTX_new();
        TPMT_SIGNATURE signature = {};
        uint8_t bytes[SIGNATURE_MAX];
        size_t size = sizeof(bytes);
        EVP_PKEY_CTX *context;

        assert_int_equal(EVP_DigestSignInit(md, &context, EVP_sha256(), NULL, key->pkey), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salt), 1);
        assert_int_equal(EVP_DigestSign(md, bytes, &size, message.data, message.size), 1);
        EVP_MD_CTX_free(md);
        assert_int_equal(
                signature_accept(&key->public, message, (Bytes){ bytes, size }, &signature), 0);
        assert_int_equal(signature.sigAlg, TPM2_ALG_RSAPSS);
        return signature;
}

static void rsa_approvers_may_sign_with_pss(void **state) {
        static const int salts[] = { RSA_PSS_SALTLEN_DIGEST, RSA_PSS_SALTLEN_MAX };
        Chip *chip = *state;
        PeopleSeal seal;

        people_seal_make(chip, &seal,
                         (PeopleWanted){ .approvers = &everybody.rsa, .count = 2, .threshold = 2 });
        for (size_t i = 0; i < 2; i++) {
                const UseTarget target = people_target(&seal, NULL, 0);
                uint8_t bytes[APPROVAL_BYTES_MAX];
                Writer w = writer_over(bytes, sizeof(bytes));

                assert_int_equal(use_approval_bytes(&target, &w), 0);
                people_approve(&seal, 3, NULL, 0);
                seal.signatures[1].signature = sign_with_pss(&everybody.rsa.keys[1],
                                                             (Bytes){ bytes, w.used }, salts[i]);
                people_assert_signs(chip, &seal);
        }
}

/* Told before a seal is made that nobody could open. */
static void key_that_the_chip_cannot_verify_is_told(void **state) {
        ErrorDetail detail = {};
        Chip *chip = *state;
        SoftwareKey large;

        software_key_take(&large, EVP_RSA_gen(4096));
        for (size_t i = 0; i < APPROVERS_MAX; i++) {
                assert_int_equal(
                        tpm_approver_try(chip->tpm, &everybody.mixed.keys[i].public, &detail), 0);
                assert_int_equal(
                        tpm_approver_try(chip->tpm, &everybody.rsa.keys[i].public, &detail), 0);
        }
        assert_int_equal(tpm_approver_try(chip->tpm, &large.public, &detail), SEAL_E_UNSUPPORTED);
        assert_non_null(strstr(detail.text, "name another key"));
        software_key_done(&large);
        chip_assert_empty(chip);
}

static void every_k_of_n_for_sm2_seals(void **state) {
        try_every_k_of_n(*state, (Trial){ .approvers = &everybody.mixed, .algorithm = "sm2" });
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(every_k_of_n_of_p256_approvers,
                                                chip_setup_installed, chip_teardown),
                cmocka_unit_test_setup_teardown(every_k_of_n_of_rsa_approvers, chip_setup_installed,
                                                chip_teardown),
                cmocka_unit_test_setup_teardown(every_k_of_n_beside_a_backup_leaf,
                                                chip_setup_installed, chip_teardown),
                cmocka_unit_test_setup_teardown(every_k_of_n_for_p384_seals, chip_setup_installed,
                                                chip_teardown),
                cmocka_unit_test_setup_teardown(every_k_of_n_for_rsa_2048_seals,
                                                chip_setup_installed, chip_teardown),
                cmocka_unit_test_setup_teardown(every_k_of_n_for_rsa_3072_seals,
                                                chip_setup_installed, chip_teardown),
                cmocka_unit_test_setup_teardown(key_that_the_chip_cannot_verify_is_told, chip_setup,
                                                chip_teardown),
                cmocka_unit_test_setup_teardown(rsa_approvers_may_sign_with_pss,
                                                chip_setup_installed, chip_teardown),
                cmocka_unit_test_setup_teardown(every_k_of_n_for_sm2_seals, chip_setup_installed,
                                                chip_teardown),
        };

        return cmocka_run_group_tests(tests, everybody_make, everybody_done);
}
