/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/service-format.h"

#include <string.h>

#include <openssl/rsa.h>

#include "base/cleanup.h"
#include "policy/key.h"
#include "policy/openssl.h"
#include "tests/fixture/signer.h"
#include "tests/unit/unit.h"

typedef struct Fixture {
        Signer maker, seal;
        TPM2B_PUBLIC public;
        UseFacts facts;
} Fixture;

static void fixture_open(Fixture *f, const char *algorithm, const char *scheme) {
        *f = (Fixture){
                .facts = { .format = FORMAT_CADES,
                           .hash = "sha256",
                           .signs = { .size = 32, .buffer = { 1, 2, 3 } } },
        };
        strcpy(f->facts.scheme, scheme);
        signer_make(&f->maker, algorithm, "Maker");
        signer_certify(&f->maker, NULL, X509_USE_MAKER);
        signer_make(&f->seal, algorithm, "7");
        signer_certify(&f->seal, &f->maker, X509_USE_SEAL);
        assert_int_equal(external_key_from_pkey(f->seal.key, &f->public, NULL), 0);
}

static void fixture_close(Fixture *f) {
        signer_done(&f->seal);
        signer_done(&f->maker);
}

/* As a chip would, whose salt is its own choice (Part 1 §B.7). */
static Bytes pss(const Fixture *f, int salt, uint8_t ret[static SIGNATURE_MAX]) {
        _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(f->seal.key, NULL);
        size_t size = SIGNATURE_MAX;

        assert_true(ctx && EVP_PKEY_sign_init(ctx) == 1 &&
                    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
                    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
                    EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, salt) == 1 &&
                    EVP_PKEY_sign(ctx, ret, &size, f->facts.signs.buffer, f->facts.signs.size) ==
                            1);
        return (Bytes){ ret, size };
}

static void a_salt_that_no_identifier_says_is_refused(void **state) {
        uint8_t value[SIGNATURE_MAX];
        ErrorDetail detail = {};
        Fixture f;

        (void) state;
        fixture_open(&f, "rsapss-sha256", "rsapss");
        assert_int_equal(format_check_value(&f.facts, &f.public, pss(&f, 32, value), &detail), 0);
        const Bytes longest = pss(&f, RSA_PSS_SALTLEN_MAX, value);
        assert_int_equal(format_check_value(&f.facts, &f.public, longest, &detail),
                         SEAL_E_UNSUPPORTED);
        assert_non_null(strstr(detail.text, "rsassa"));
        f.facts.format = FORMAT_RAW;
        assert_int_equal(format_check_value(&f.facts, &f.public, longest, &detail), 0);
        fixture_close(&f);
}

static void what_is_frozen_is_finished_with_the_signature(void **state) {
        uint8_t value[SIGNATURE_MAX], *whole = NULL, *again = NULL;
        size_t size = 0, whole_size = 0, again_size = 0;
        TPM2B_DIGEST document = { .size = 32 }, signs = {}, found = {};
        _cleanup_free_ uint8_t *structure = NULL;
        _cleanup_structure_ UseStructure frozen = {};
        ErrorDetail detail = {};
        Fixture f;

        (void) state;
        fixture_open(&f, "ecdsa-sha256", "ecdsa");
        const Bytes parts[] = { signer_certificate(&f.seal), signer_certificate(&f.maker) };
        _cleanup_format_ FormatUse use = {
                .format = FORMAT_CADES,
                .algorithm = f.seal.algorithm,
                .time = SIGNER_TIME,
        };
        assert_int_equal(EVP_PKEY_up_ref(f.seal.key), 1);
        use.key = f.seal.key;
        assert_int_equal(certificate_chain_of(parts, 2, &use.chain), 0);
        assert_int_equal(format_use_prepare(&use, &document, &structure, &size, &signs), 0);
        const Bytes made = { structure, size };
        assert_int_equal(format_freeze(&use, made, &frozen), 0);
        assert_int_equal(format_signs(&frozen, &f.public, &found), 0);
        assert_memory_equal(found.buffer, signs.buffer, signs.size);
        const Bytes signature = { value, signer_sign(&f.seal, made, value) };
        assert_int_equal(
                format_use_finish(&use, made, &signs, signature, &whole, &whole_size, &detail), 0);
        assert_int_equal(format_thaw(&frozen, signature, &again, &again_size), 0);
        assert_int_equal(whole_size, again_size);
        assert_memory_equal(whole, again, whole_size);
        free(whole);
        free(again);
        fixture_close(&f);
}

static void what_freeze_did_not_make_is_found(void **state) {
        static const UseStructure wrong[] = {
                { .format = "xades", .algorithm = "ecdsa-sha256" },
                { .format = "cades", .algorithm = "md5" },
                { .format = "cades",
                  .algorithm = "ecdsa-sha256",
                  .certificates = (uint8_t *) "no certificate",
                  .certificates_size = 14 },
        };
        uint8_t *ret = NULL;
        size_t size = 0;

        (void) state;
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
                assert_int_equal(format_thaw(&wrong[i], (Bytes){}, &ret, &size),
                                 SEAL_E_REGISTER_TAMPERED);
        assert_null(ret);
}

static void assert_refused(SignOptions options, TPMI_ALG_SIG_SCHEME scheme, const char *word) {
        const TPMT_SIG_SCHEME told = { .scheme = scheme };
        ErrorDetail detail = {};

        assert_int_equal(format_options_check(&options, &told, &detail), SEAL_E_INVALID_ARGS);
        if (!strstr(detail.text, word))
                fail_msg("'%s' does not name %s", detail.text, word);
}

static void options_go_together(void **state) {
        const Bytes digests[2] = { { (const uint8_t *) "x", 1 }, {} }, none = {};

        (void) state;
        assert_refused((SignOptions){ .format = FORMAT_CADES, .property_info = "x" },
                       TPM2_ALG_ECDSA, "'property-info'");
        assert_refused((SignOptions){ .format = FORMAT_ESEAL }, TPM2_ALG_RSAPSS, "'scheme'");
        assert_refused((SignOptions){ .format = FORMAT_PKCS10, .count = 1, .digests = digests },
                       TPM2_ALG_ECDSA, "'format'");
        assert_refused((SignOptions){ .format = FORMAT_PKCS10, .count = 2, .digests = digests },
                       TPM2_ALG_ECDSA, "'format'");
        const SignOptions good = { .format = FORMAT_PKCS10, .count = 1, .digests = &none };
        const TPMT_SIG_SCHEME scheme = { .scheme = TPM2_ALG_RSAPSS };
        assert_int_equal(format_options_check(&good, &scheme, NULL), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_salt_that_no_identifier_says_is_refused),
                cmocka_unit_test(what_is_frozen_is_finished_with_the_signature),
                cmocka_unit_test(what_freeze_did_not_make_is_found),
                cmocka_unit_test(options_go_together),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
