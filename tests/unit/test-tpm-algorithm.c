/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every algorithm, hash and scheme on a simulated chip, verified by OpenSSL; and a chip that lacks
 * one of them.
 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/cleanup.h"
#include "policy/key.h"
#include "policy/sm2.h"
#include "tests/fixture/chip.h"
#include "tpm/algorithm.h"

DEFINE_CLEANUP(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
DEFINE_CLEANUP(EVP_MD_CTX, EVP_MD_CTX_free)

static const char document[] = "a document";
static const char another[] = "another document";

typedef struct Seal {
        const Algorithm *algorithm;
        SealPolicy policy;
        SealKey key;
        MachineApproval approval;
        EVP_PKEY *pkey;
} Seal;

static double seconds_now(void) {
        struct timespec t;

        assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
        return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

static Seal *seal_make(Chip *chip, const char *name) {
        Seal *seal = calloc(1, sizeof(*seal));
        ErrorDetail detail = {};
        TPM2B_DIGEST digest;

        assert_non_null(seal);
        *seal = (Seal){ .algorithm = algorithm_find(name), .policy = chip_seal_policy(chip) };
        assert_int_equal(seal_policy_digest(&seal->policy, &digest), 0);
        double begin = seconds_now();
        if (tpm_seal_create(chip->tpm, seal->algorithm, &digest, NULL, &seal->key, &detail) != 0)
                fail_msg("%s: %s", name, detail.text);
        print_message("%s: made in %.3f s\n", name, seconds_now() - begin);
        assert_ptr_equal(algorithm_of(&seal->key.public), seal->algorithm);
        seal->approval = chip_approve(chip, &chip->key, CHIP_PROFILE);
        assert_int_equal(public_to_pkey(&seal->key.public, &seal->pkey), 0);
        return seal;
}

static Seal *seal_free(Seal *seal) {
        EVP_PKEY_free(seal->pkey);
        free(seal);
        return NULL;
}
DEFINE_CLEANUP(Seal, seal_free)

/* What the caller's side does: the hash of DigestPrefix ‖ document. */
static void digest_make(const Seal *seal, const char *text, const char *hash, TPM2B_DIGEST *ret) {
        _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *md = EVP_MD_CTX_new();
        TPM2B_DIGEST prefix;
        unsigned size;

        assert_int_equal(sm2_prefix(&seal->key.public, &prefix), 0);
        assert_int_equal(EVP_DigestInit_ex(md, EVP_get_digestbyname(hash), NULL), 1);
        assert_int_equal(EVP_DigestUpdate(md, prefix.buffer, prefix.size), 1);
        assert_int_equal(EVP_DigestUpdate(md, text, strlen(text)), 1);
        assert_int_equal(EVP_DigestFinal_ex(md, ret->buffer, &size), 1);
        ret->size = (UINT16) size;
}

static int sign(Chip *chip, const Seal *seal, const char *hash, const char *scheme,
                TPMT_SIGNATURE *ret, ErrorDetail *detail) {
        SealUse use = {
                .key = &seal->key,
                .policy = &seal->policy,
                .index = &chip->index,
                .approvals = &seal->approval,
                .approval_count = 1,
        };
        size_t size;

        assert_int_equal(algorithm_scheme(seal->algorithm, hash, scheme, &use.scheme, &size, NULL),
                         0);
        digest_make(seal, document, hash, &use.digest);
        assert_int_equal(use.digest.size, size);
        return tpm_seal_sign(chip->tpm, &use, ret, NULL, detail);
}

/* OpenSSL's own way from document to verdict; saltlen as rsa_pss_saltlen has it. */
static int verify(const Seal *seal, const char *text, const char *hash, const char *scheme,
                  int saltlen, Bytes signature) {
        _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(seal->pkey, NULL);
        _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *md = EVP_MD_CTX_new();

        if (EVP_PKEY_is_a(seal->pkey, "SM2"))
                assert_int_equal(EVP_PKEY_CTX_set1_id(context, SM2_IDENTITY, strlen(SM2_IDENTITY)),
                                 1);
        EVP_MD_CTX_set_pkey_ctx(md, context);
        assert_int_equal(
                EVP_DigestVerifyInit(md, NULL, EVP_get_digestbyname(hash), NULL, seal->pkey), 1);
        if (scheme && strcmp(scheme, "rsapss") == 0) {
                assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING), 1);
                assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(context, saltlen), 1);
        }
        return EVP_DigestVerify(md, signature.data, signature.size, (const uint8_t *) text,
                                strlen(text));
}

static void assert_signs(Chip *chip, const Seal *seal, const char *hash, const char *scheme) {
        const char *other = scheme && strcmp(scheme, "rsapss") == 0 ? "rsassa" : "rsapss";
        _cleanup_free_ uint8_t *bytes = NULL;
        TPMT_SIGNATURE signature;
        ErrorDetail detail = {};
        size_t size;

        if (sign(chip, seal, hash, scheme, &signature, &detail) != 0)
                fail_msg("%s %s: %s", seal->algorithm->name, hash, detail.text);
        assert_int_equal(signature_to_openssl(&signature, &bytes, &size), 0);
        const Bytes made = { bytes, size };
        assert_int_equal(verify(seal, document, hash, scheme, RSA_PSS_SALTLEN_AUTO, made), 1);
        assert_int_not_equal(verify(seal, another, hash, scheme, RSA_PSS_SALTLEN_AUTO, made), 1);
        if (!scheme)
                return;
        assert_int_not_equal(verify(seal, document, hash, other, RSA_PSS_SALTLEN_AUTO, made), 1);
        if (strcmp(scheme, "rsapss") == 0)
                assert_int_equal(verify(seal, document, hash, scheme, RSA_PSS_SALTLEN_DIGEST, made),
                                 1);
}

static void assert_signs_with_every_hash(Chip *chip, const Seal *seal, const char *scheme) {
        static const char *const hashes[] = { "sha256", "sha384", "sha512" };

        for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++)
                assert_signs(chip, seal, hashes[i], scheme);
}

static void assert_takes_its_digest_only(Chip *chip, const Seal *seal) {
        SealUse use = {
                .key = &seal->key,
                .policy = &seal->policy,
                .index = &chip->index,
                .approvals = &seal->approval,
                .approval_count = 1,
        };
        TPMT_SIGNATURE signature;
        size_t size;

        assert_int_equal(algorithm_scheme(seal->algorithm, NULL, NULL, &use.scheme, &size, NULL),
                         0);
        use.digest.size = (UINT16) (size - 1);
        assert_int_equal(tpm_seal_sign(chip->tpm, &use, &signature, NULL, NULL),
                         SEAL_E_INVALID_ARGS);
        use.digest.size = (UINT16) size;
        assert_int_equal(tpm_seal_sign(chip->tpm, &use, &signature, NULL, NULL), 0);
}

/* The policy opens every kind of key alike. */
static void assert_obeys_machine_state_and_revocation(Chip *chip, Seal *seal) {
        const char *hash = seal->algorithm->hash;
        TPMT_SIGNATURE signature;

        chip_pcr_extend(chip, 7);
        assert_int_equal(sign(chip, seal, hash, NULL, &signature, NULL),
                         SEAL_E_MACHINE_STATE_REFUSED);
        seal->approval = chip_approve(chip, &chip->key, CHIP_PROFILE);
        assert_int_equal(sign(chip, seal, hash, NULL, &signature, NULL), 0);
        assert_int_equal(tpm_index_set_bits(chip->tpm, &chip->index, 1U << CHIP_BIT, NULL), 0);
        assert_int_equal(sign(chip, seal, hash, NULL, &signature, NULL), SEAL_E_REVOKED);
}

static void curve_is_tried(Chip *chip, const char *name) {
        _cleanup_(seal_freep) Seal *seal = seal_make(chip, name);

        assert_signs_with_every_hash(chip, seal, NULL);
        assert_takes_its_digest_only(chip, seal);
        assert_obeys_machine_state_and_revocation(chip, seal);
}

static void rsa_is_tried(Chip *chip, const char *name) {
        _cleanup_(seal_freep) Seal *seal = seal_make(chip, name);

        assert_signs_with_every_hash(chip, seal, "rsassa");
        assert_signs_with_every_hash(chip, seal, "rsapss");
        assert_takes_its_digest_only(chip, seal);
        assert_obeys_machine_state_and_revocation(chip, seal);
}

static void p256_signs_every_hash_and_obeys(void **state) {
        curve_is_tried(*state, "ecdsa-p256");
}

static void p384_signs_every_hash_and_obeys(void **state) {
        curve_is_tried(*state, "ecdsa-p384");
}

static void rsa_2048_signs_every_hash_in_both_schemes_and_obeys(void **state) {
        rsa_is_tried(*state, "rsa-2048");
}

static void rsa_3072_signs_every_hash_in_both_schemes_and_obeys(void **state) {
        rsa_is_tried(*state, "rsa-3072");
}

static void sm2_signs_what_openssl_takes_for_sm2_with_sm3_and_obeys(void **state) {
        Chip *chip = *state;
        _cleanup_(seal_freep) Seal *seal = seal_make(chip, "sm2");

        assert_signs(chip, seal, "sm3", NULL);
        assert_takes_its_digest_only(chip, seal);
        assert_obeys_machine_state_and_revocation(chip, seal);
}

/* --- features ------------------------------------------------------------------------------- */

static void simulator_has_all(void **state) {
        Chip *chip = *state;
        FeatureSet features = 0;

        assert_int_equal(tpm_features(chip->tpm, &features, NULL), 0);
        assert_int_equal(features, (1U << FEATURE_MAX) - 1);
}

/* What the chip on the wire lacks: the answer to a question for it. */
typedef struct Lack {
        unsigned question; /* the how manieth, from 1 */
        unsigned asked;
        TSS2_RC answer;
} Lack;

static void lack_refuse(Wire *wire, TPM2_CC command) {
        Lack *lack = wire->userdata;

        if (command == TPM2_CC_TestParms && ++lack->asked == lack->question)
                wire->refusal = lack->answer;
}

static void algorithm_that_the_chip_refuses_is_left_out(void **state) {
        static const TSS2_RC codes[] = {
                TPM2_RC_CURVE | TPM2_RC_P | TPM2_RC_1,
                TPM2_RC_VALUE | TPM2_RC_P | TPM2_RC_1,
                TPM2_RC_ASYMMETRIC | TPM2_RC_P | TPM2_RC_1,
        };
        Chip *chip = *state;

        for (unsigned i = 0; algorithm_at(i); i++) {
                Lack lack = { .question = i + 1, .answer = codes[i % 3] };
                FeatureSet features = 0;

                chip->wire = (Wire){ .before = lack_refuse, .userdata = &lack };
                wire_tap(&chip->wire, chip->tpm);
                assert_int_equal(tpm_features(chip->tpm, &features, NULL), 0);
                wire_untap(&chip->wire);
                assert_int_equal(features, ((1U << FEATURE_MAX) - 1) & ~(1U << i));
                assert_int_equal(features_check(features, algorithm_at(i), NULL, NULL),
                                 SEAL_E_UNSUPPORTED);
        }
}

static void trouble_with_the_question_is_no_lack(void **state) {
        Lack lack = { .question = 2, .answer = TPM2_RC_FAILURE };
        Chip *chip = *state;
        FeatureSet features = 7;

        chip->wire = (Wire){ .before = lack_refuse, .userdata = &lack };
        wire_tap(&chip->wire, chip->tpm);
        assert_int_equal(tpm_features(chip->tpm, &features, NULL), SEAL_E_TPM_FAILURE);
        assert_int_equal(features, 7);
}

/* TPMS_ALG_PROPERTY of the answer: the algorithm stands behind header, more, capability, count. */
#define ANSWER_ALG 19

static void alg_replace(Wire *wire, TPM2_CC command, uint8_t *answer, size_t size) {
        const TPM2_ALG_ID *missing = wire->userdata;

        if (command != TPM2_CC_GetCapability || size < ANSWER_ALG + 2 ||
            (answer[ANSWER_ALG] << 8 | answer[ANSWER_ALG + 1]) != *missing)
                return;
        answer[ANSWER_ALG + 1]++; /* the next one that the chip has */
}

static void hash_or_scheme_that_the_chip_lacks_is_left_out(void **state) {
        static const TPM2_ALG_ID extras[] = { TPM2_ALG_RSAPSS, TPM2_ALG_SHA384, TPM2_ALG_SHA512 };
        Chip *chip = *state;

        for (size_t i = 0; i < 3; i++) {
                TPM2_ALG_ID missing = extras[i];
                FeatureSet features = 0;

                chip->wire = (Wire){ .answered = alg_replace, .userdata = &missing };
                wire_tap(&chip->wire, chip->tpm);
                assert_int_equal(tpm_features(chip->tpm, &features, NULL), 0);
                wire_untap(&chip->wire);
                assert_int_equal(features, ((1U << FEATURE_MAX) - 1) & ~feature_of_id(missing));
        }
}

static void create_refuse(Wire *wire, TPM2_CC command) {
        if (command == TPM2_CC_Create)
                wire->refusal = *(const TSS2_RC *) wire->userdata;
}

static void chip_that_does_not_make_the_key_is_told_by_name(void **state) {
        static const TSS2_RC codes[] = { 0x2e6, 0x2ca, 0x2c4, 0x2c7 };
        const TPM2B_DIGEST policy = { .size = 32 };
        Chip *chip = *state;

        for (size_t i = 0; i < 4; i++) {
                TSS2_RC code = codes[i];
                ErrorDetail detail = {};
                SealKey key;

                chip->wire = (Wire){ .before = create_refuse, .userdata = &code };
                wire_tap(&chip->wire, chip->tpm);
                assert_int_equal(tpm_seal_create(chip->tpm, algorithm_find("sm2"), &policy, NULL,
                                                 &key, &detail),
                                 SEAL_E_UNSUPPORTED);
                assert_non_null(strstr(detail.text, "algorithm"));
                wire_untap(&chip->wire);
        }
}

#define chip_test(function) \
        cmocka_unit_test_setup_teardown(function, chip_setup_installed, chip_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                chip_test(p256_signs_every_hash_and_obeys),
                chip_test(p384_signs_every_hash_and_obeys),
                chip_test(rsa_2048_signs_every_hash_in_both_schemes_and_obeys),
                chip_test(rsa_3072_signs_every_hash_in_both_schemes_and_obeys),
                chip_test(sm2_signs_what_openssl_takes_for_sm2_with_sm3_and_obeys),
                chip_test(simulator_has_all),
                chip_test(algorithm_that_the_chip_refuses_is_left_out),
                chip_test(trouble_with_the_question_is_no_lack),
                chip_test(hash_or_scheme_that_the_chip_lacks_is_left_out),
                chip_test(chip_that_does_not_make_the_key_is_told_by_name),
        };

        (void) setenv("TSS2_LOG", "all+none", 0);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
