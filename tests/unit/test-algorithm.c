/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "policy/algorithm.h"

static const Algorithm *named(const char *name) {
        const Algorithm *algorithm = algorithm_find(name);

        assert_non_null(algorithm);
        return algorithm;
}

static void names_are_those_of_the_contract(void **state) {
        char names[sizeof(ALGORITHM_NAMES)] = "";

        (void) state;
        for (size_t i = 0; algorithm_at(i); i++) {
                if (i > 0)
                        strcat(names, ", ");
                strcat(names, algorithm_at(i)->name);
                assert_ptr_equal(algorithm_find(algorithm_at(i)->name), algorithm_at(i));
        }
        assert_string_equal(names, ALGORITHM_NAMES);
        assert_non_null(algorithm_find(ALGORITHM_DEFAULT));
        assert_null(algorithm_find("rsa-4096"));
        assert_null(algorithm_find(""));
}

static void template_is_a_plain_signing_key(void **state) {
        const TPM2B_DIGEST policy = { .size = 32, .buffer = { 7 } };

        (void) state;
        for (size_t i = 0; algorithm_at(i); i++) {
                const TPM2B_PUBLIC template = algorithm_template(algorithm_at(i), TPMA_OBJECT_NODA,
                                                                 &policy);
                const TPMT_PUBLIC *area = &template.publicArea;

                assert_int_equal(area->nameAlg, TPM2_ALG_SHA256);
                assert_int_equal(area->objectAttributes,
                                 TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_NODA);
                assert_memory_equal(&area->authPolicy, &policy, sizeof(policy));
                assert_int_equal(area->parameters.asymDetail.symmetric.algorithm, TPM2_ALG_NULL);
                assert_int_equal(area->parameters.asymDetail.scheme.scheme, TPM2_ALG_NULL);
                assert_ptr_equal(algorithm_of(&template), algorithm_at(i));
        }
        const TPM2B_PUBLIC bare = algorithm_template(named("rsa-3072"), 0, NULL);
        assert_int_equal(bare.publicArea.authPolicy.size, 0);
        assert_int_equal(bare.publicArea.parameters.rsaDetail.keyBits, 3072);
        assert_int_equal(bare.publicArea.parameters.rsaDetail.exponent, 0);
        const TPM2B_PUBLIC sm2 = algorithm_template(named("sm2"), 0, NULL);
        assert_int_equal(sm2.publicArea.parameters.eccDetail.curveID, TPM2_ECC_SM2_P256);
        assert_int_equal(sm2.publicArea.parameters.eccDetail.kdf.scheme, TPM2_ALG_NULL);
}

static void foreign_keys_are_of_no_algorithm(void **state) {
        TPM2B_PUBLIC key = algorithm_template(named("rsa-2048"), 0, NULL);

        (void) state;
        key.publicArea.parameters.rsaDetail.keyBits = 4096;
        assert_null(algorithm_of(&key));
        key = algorithm_template(named("sm2"), 0, NULL);
        key.publicArea.parameters.eccDetail.curveID = TPM2_ECC_BN_P256;
        assert_null(algorithm_of(&key));
        key.publicArea.type = TPM2_ALG_KEYEDHASH;
        assert_null(algorithm_of(&key));
        key = (TPM2B_PUBLIC){};
        assert_null(algorithm_of(&key));
}

typedef struct Choice {
        const char *algorithm, *hash, *scheme;
        TPMI_ALG_SIG_SCHEME told;
        TPMI_ALG_HASH told_hash;
        size_t size;
} Choice;

static void scheme_and_hash_go_with_the_algorithm(void **state) {
        static const Choice choices[] = {
                { "ecdsa-p256", NULL, NULL, TPM2_ALG_ECDSA, TPM2_ALG_SHA256, 32 },
                { "ecdsa-p256", "sha512", NULL, TPM2_ALG_ECDSA, TPM2_ALG_SHA512, 64 },
                { "ecdsa-p384", NULL, NULL, TPM2_ALG_ECDSA, TPM2_ALG_SHA384, 48 },
                { "ecdsa-p384", "sha256", NULL, TPM2_ALG_ECDSA, TPM2_ALG_SHA256, 32 },
                { "rsa-2048", NULL, NULL, TPM2_ALG_RSASSA, TPM2_ALG_SHA256, 32 },
                { "rsa-2048", NULL, "rsassa", TPM2_ALG_RSASSA, TPM2_ALG_SHA256, 32 },
                { "rsa-3072", "sha384", "rsapss", TPM2_ALG_RSAPSS, TPM2_ALG_SHA384, 48 },
                { "sm2", NULL, NULL, TPM2_ALG_SM2, TPM2_ALG_SHA256, 32 },
                { "sm2", "sm3", NULL, TPM2_ALG_SM2, TPM2_ALG_SHA256, 32 },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
                const Choice *c = &choices[i];
                TPMT_SIG_SCHEME scheme = {};
                size_t size = 0;

                assert_int_equal(algorithm_scheme(named(c->algorithm), c->hash, c->scheme, &scheme,
                                                  &size, NULL),
                                 0);
                assert_int_equal(scheme.scheme, c->told);
                assert_int_equal(scheme.details.any.hashAlg, c->told_hash);
                assert_int_equal(size, c->size);
        }
}

static void what_does_not_go_together_is_refused_by_the_options_name(void **state) {
        static const struct {
                const char *algorithm, *hash, *scheme, *says;
        } cases[] = {
                { "ecdsa-p256", "sm3", NULL, "'hash': ecdsa-p256 takes sha256, sha384 or sha512" },
                { "rsa-2048", "sm3", "rsapss", "'hash': rsa-2048 takes" },
                { "sm2", "sha256", NULL, "'hash': sm2 takes sm3, not sha256" },
                { "ecdsa-p384", "md5", NULL, "'hash' is one of sha256, sha384, sha512, sm3" },
                { "ecdsa-p384", NULL, "rsapss", "'scheme': rsapss is for RSA" },
                { "sm2", NULL, "rsassa", "'scheme': rsassa is for RSA" },
                { "rsa-3072", NULL, "ecdsa", "'scheme' is one of rsassa, rsapss" },
                { "ecdsa-p256", NULL, "ecdsa", "'scheme' is one of rsassa, rsapss" },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                TPMT_SIG_SCHEME scheme = { .scheme = 7 };
                ErrorDetail detail = {};
                size_t size = 9;

                assert_int_equal(algorithm_scheme(named(cases[i].algorithm), cases[i].hash,
                                                  cases[i].scheme, &scheme, &size, &detail),
                                 SEAL_E_INVALID_ARGS);
                assert_non_null(strstr(detail.text, cases[i].says));
                assert_int_equal(scheme.scheme, 7);
                assert_int_equal(size, 9);
        }
}

static FeatureSet all_features(void) {
        return (1U << FEATURE_MAX) - 1;
}

static int check(FeatureSet features, const char *name, const char *hash, const char *word,
                 ErrorDetail *detail) {
        TPMT_SIG_SCHEME scheme;
        size_t size;

        assert_int_equal(algorithm_scheme(named(name), hash, word, &scheme, &size, NULL), 0);
        return features_check(features, named(name), &scheme, detail);
}

static void features_are_the_algorithms_and_what_not_every_chip_has(void **state) {
        static const char *const words[] = { "ecdsa-p256", "ecdsa-p384", "rsa-2048", "rsa-3072",
                                             "sm2",        "rsapss",     "sha384",   "sha512" };

        (void) state;
        for (size_t i = 0; i < FEATURE_MAX; i++)
                assert_string_equal(feature_name(i), words[i]);
        assert_null(feature_name(FEATURE_MAX));
        for (size_t i = 0; i < FEATURE_MAX; i++)
                assert_int_equal(feature_of_id(feature_id(i)), algorithm_at(i) ? 0 : 1U << i);
        assert_int_equal(feature_id(FEATURE_MAX), TPM2_ALG_ERROR);
        for (size_t i = 0; algorithm_at(i); i++)
                assert_int_equal(feature_of_algorithm(algorithm_at(i)), 1U << i);
        assert_int_equal(feature_of_id(TPM2_ALG_RSASSA), 0);
        assert_int_equal(feature_of_id(TPM2_ALG_SHA256), 0);
}

static void lacking_feature_is_named_beside_those_that_are_there(void **state) {
        const FeatureSet all = all_features();
        ErrorDetail detail = {};

        (void) state;
        for (size_t i = 0; algorithm_at(i); i++) {
                const Algorithm *a = algorithm_at(i);

                assert_int_equal(features_check(all, a, NULL, NULL), 0);
                assert_int_equal(features_check(0, a, NULL, NULL), 0);
                assert_int_equal(features_check(all & ~(1U << i), a, NULL, &detail),
                                 SEAL_E_UNSUPPORTED);
                assert_non_null(strstr(detail.text, "does not have "));
                assert_non_null(strstr(detail.text, a->name));
        }
        assert_int_equal(features_check(1, named("sm2"), NULL, &detail), SEAL_E_UNSUPPORTED);
        assert_string_equal(detail.text, "This TPM does not have sm2; it has ecdsa-p256");
}

static void scheme_and_hash_that_the_chip_lacks_are_refused(void **state) {
        const FeatureSet without_pss = all_features() & ~feature_of_id(TPM2_ALG_RSAPSS),
                         without_512 = all_features() & ~feature_of_id(TPM2_ALG_SHA512);

        (void) state;
        assert_int_equal(check(without_pss, "rsa-2048", NULL, NULL, NULL), 0);
        assert_int_equal(check(without_pss, "rsa-2048", NULL, "rsapss", NULL), SEAL_E_UNSUPPORTED);
        assert_int_equal(check(without_512, "ecdsa-p256", "sha384", NULL, NULL), 0);
        assert_int_equal(check(without_512, "ecdsa-p256", "sha512", NULL, NULL),
                         SEAL_E_UNSUPPORTED);
        assert_int_equal(check(without_512, "sm2", NULL, NULL, NULL), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(names_are_those_of_the_contract),
                cmocka_unit_test(template_is_a_plain_signing_key),
                cmocka_unit_test(foreign_keys_are_of_no_algorithm),
                cmocka_unit_test(scheme_and_hash_go_with_the_algorithm),
                cmocka_unit_test(what_does_not_go_together_is_refused_by_the_options_name),
                cmocka_unit_test(features_are_the_algorithms_and_what_not_every_chip_has),
                cmocka_unit_test(lacking_feature_is_named_beside_those_that_are_there),
                cmocka_unit_test(scheme_and_hash_that_the_chip_lacks_are_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
