/* SPDX-License-Identifier: Apache-2.0 */
/* Whose certificate a seal lists, and how. */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "tests/fixture/eseal-report.h"
#include "tests/unit/unit.h"

static const Signer *stranger;

static void listed_set(SesProperty *property, const Signer *signer) {
        const Bytes der = signer_certificate(signer);
        SesListed *listed = sk_SesListed_value(property->list, 0);

        assert_int_equal(ASN1_STRING_set(listed->d.certificate, der.data, (int) der.size), 1);
}

static void list_stranger(SesInfo *info) {
        listed_set(info->property, stranger);
}

static void list_more(SesInfo *info) {
        const Bytes der = signer_certificate(stranger);
        SesListed *listed = (SesListed *) ASN1_item_new(ASN1_ITEM_rptr(SesListed));

        listed->type = SES_LISTED_CERTIFICATE;
        listed->d.certificate = ASN1_OCTET_STRING_new();
        assert_int_equal(ASN1_STRING_set(listed->d.certificate, der.data, (int) der.size), 1);
        /* In front, so that the second is the signer's. */
        assert_true(sk_SesListed_insert(info->property->list, listed, 0) > 0);
}

static void list_many(SesInfo *info) {
        for (int i = 0; i < ESEAL_LISTED_MAX; i++)
                list_more(info);
}

static void list_nothing(SesInfo *info) {
        ASN1_item_free((ASN1_VALUE *) sk_SesListed_pop(info->property->list),
                       ASN1_ITEM_rptr(SesListed));
}

static void the_signer_is_one_of_those_listed(void **state) {
        SealMaking making = office_making(&offices[SM2]);

        (void) state;
        stranger = &offices[SM2].maker;
        making.info = list_more;
        _made_ Made two = made_signature(&making);
        (void) office_verify(&offices[SM2], &two);
        assert_all_good();
        making.info = list_stranger;
        _made_ Made other = made_signature(&making);
        (void) office_verify(&offices[SM2], &other);
        assert_fails_only(CHECK_CERTIFICATE_IN_SEAL, "does not list the signer's certificate");
        making.info = list_nothing;
        _made_ Made none = made_signature(&making);
        (void) office_verify(&offices[SM2], &none);
        assert_fails_only(CHECK_CERTIFICATE_IN_SEAL, "does not list the signer's certificate");
        making.info = list_many;
        _made_ Made many = made_signature(&making);
        assert_structure_fails(&offices[SM2], &many, "too many certificates");
}

static void a_renewed_certificate_asks_for_a_new_seal(void **state) {
        Signer renewed = { .algorithm = offices[SM2].seal.algorithm, .key = offices[SM2].seal.key };
        SealMaking making = office_making(&offices[SM2]);

        (void) state;
        (void) snprintf(renewed.name, sizeof(renewed.name), "%s", offices[SM2].seal.name);
        signer_certify(&renewed, &offices[SM2].maker, X509_USE_SEAL);
        stranger = &renewed;
        making.info = list_stranger;
        _made_ Made signature = made_signature(&making);
        (void) office_verify(&offices[SM2], &signature);
        assert_fails_only(CHECK_CERTIFICATE_IN_SEAL, "made anew since the certificate was renewed");
        free(renewed.certificate);
}

static const char *digest_name;
static const EVP_MD *(*digest_md)(void);
static unsigned digest_cut;

static void list_digest(SesInfo *info) {
        SesListed *listed = sk_SesListed_value(info->property->list, 0);
        const Bytes der = ses_bytes(listed->d.certificate);
        SesDigest *digest = (SesDigest *) ASN1_item_new(ASN1_ITEM_rptr(SesDigest));
        uint8_t value[EVP_MAX_MD_SIZE];
        unsigned size;

        assert_int_equal(EVP_Digest(der.data, der.size, value, &size, digest_md(), NULL), 1);
        assert_int_equal(ASN1_STRING_set(digest->type, digest_name, -1), 1);
        assert_int_equal(ASN1_STRING_set(digest->value, value, (int) (size - digest_cut)), 1);
        ASN1_OCTET_STRING_free(listed->d.certificate);
        listed->type = SES_LISTED_DIGEST;
        listed->d.digest = digest;
        assert_int_equal(ASN1_INTEGER_set(info->property->list_type, 2), 1);
}

static void list_type_lie(SesInfo *info) {
        assert_int_equal(ASN1_INTEGER_set(info->property->list_type, 2), 1);
}

static void list_type_unknown(SesInfo *info) {
        assert_int_equal(ASN1_INTEGER_set(info->property->list_type, 3), 1);
}

static void list_type_left_out(SesInfo *info) {
        ASN1_INTEGER_free(info->property->list_type);
        info->property->list_type = NULL;
}

static void a_seal_may_list_digests(void **state) {
        static const struct {
                const char *name;
                const EVP_MD *(*md)(void);
                bool good;
                unsigned cut;
        } cases[] = {
                { "SM3", EVP_sm3, true, 0 },
                { "sha-256", EVP_sha256, true, 0 },
                { "1.2.156.10197.1.401", EVP_sm3, true, 0 },
                { "Hash", EVP_sm3, true, 0 }, /* a name that is none of ours */
                { "Hash", EVP_sha512, true, 0 },
                { "SM3", EVP_sha256, false, 0 },
                { "Hash", EVP_sha1, false, 0 },
                { "SM3", EVP_sm3, false, 1 },
                { "Hash", EVP_sm3, false, 31 },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                SealMaking making = office_making(&offices[SM2]);

                making.info = list_digest;
                digest_name = cases[i].name;
                digest_md = cases[i].md;
                digest_cut = cases[i].cut;
                _made_ Made signature = made_signature(&making);
                (void) office_verify(&offices[SM2], &signature);
                if (cases[i].good)
                        assert_all_good();
                else
                        assert_fails_only(CHECK_CERTIFICATE_IN_SEAL, "does not list");
        }
}

static void a_list_is_what_its_type_says(void **state) {
        void (*const changes[])(SesInfo *) = { list_type_lie, list_type_unknown,
                                               list_type_left_out };

        (void) state;
        for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
                SealMaking making = office_making(&offices[SM2]);

                making.info = changes[i];
                _made_ Made seal = made_seal(&making);
                assert_structure_fails(&offices[SM2], &seal, "not what its type says");
        }
}

/* A signature by a key that nobody listed or certified, with what the seal's own looks like. */
static void another_key_does_not_sign_for_the_seal(void **state) {
        const SealMaking good = office_making(&offices[SM2]);
        SealMaking making = good;
        Signer forger = {}, maker = {};

        (void) state;
        signer_make(&forger, "sm2-sm3", "50011200000001");
        signer_certify(&forger, NULL, X509_USE_SEAL);
        stranger = &offices[SM2].seal;
        making.signer = &forger;
        making.info = list_stranger;
        _made_ Made forged = made_signature(&making);
        (void) office_verify(&offices[SM2], &forged);
        assert_row(CHECK_SIGNATURE_VALUE, CHECK_PASSED, "");
        assert_row(CHECK_SEAL_SIGNATURE, CHECK_PASSED, "");
        assert_row(CHECK_CERTIFICATE_IN_SEAL, CHECK_FAILED, "does not list");
        assert_row(CHECK_CERTIFICATE_CHAIN, CHECK_FAILED, "");
        /* A maker of his own. */
        signer_make(&maker, "sm2-sm3", "Seal maker");
        signer_certify(&maker, NULL, X509_USE_MAKER);
        making = good;
        making.maker = &maker;
        _made_ Made seal = made_signature(&making);
        (void) office_verify(&offices[SM2], &seal);
        assert_row(CHECK_SEAL_SIGNATURE, CHECK_PASSED, "");
        assert_row(CHECK_SEAL_MAKER_CHAIN, CHECK_FAILED, "");
        assert_row(CHECK_CERTIFICATE_CHAIN, CHECK_PASSED, "");
        signer_done(&forger);
        signer_done(&maker);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_signer_is_one_of_those_listed),
                cmocka_unit_test(a_renewed_certificate_asks_for_a_new_seal),
                cmocka_unit_test(a_seal_may_list_digests),
                cmocka_unit_test(a_list_is_what_its_type_says),
                cmocka_unit_test(another_key_does_not_sign_for_the_seal),
        };

        return cmocka_run_group_tests(tests, offices_open, offices_close);
}
