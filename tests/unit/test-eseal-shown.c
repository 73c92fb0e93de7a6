/* SPDX-License-Identifier: Apache-2.0 */
#include "format/eseal-shown.h"

#include <string.h>

#include "tests/fixture/eseal.h"
#include "tests/unit/unit.h"

typedef struct Fixture {
        Signer maker, signer, other;
} Fixture;

static void fixture_open(Fixture *f) {
        *f = (Fixture){};
        signer_make(&f->maker, "ecdsa-sha256", "Maker");
        signer_certify(&f->maker, NULL, X509_USE_MAKER);
        signer_make(&f->signer, "ecdsa-sha256", "7");
        signer_certify(&f->signer, &f->maker, X509_USE_SEAL);
        signer_make(&f->other, "ecdsa-sha256", "8");
        signer_certify(&f->other, &f->maker, X509_USE_SEAL);
}

static void fixture_close(Fixture *f) {
        signer_done(&f->other);
        signer_done(&f->signer);
        signer_done(&f->maker);
}

static void named(SesInfo *info) {
        assert_int_equal(ASN1_STRING_set(info->id, "50011200000001", -1), 1);
        assert_int_equal(ASN1_STRING_set(info->property->name, "\xe5\x8d\xb0", -1), 1);
}

static void with_a_zero(SesInfo *info) {
        assert_int_equal(ASN1_STRING_set(info->property->name, "a\0b", 3), 1);
}

static void with_no_utf8(SesInfo *info) {
        assert_int_equal(ASN1_STRING_set(info->property->name, "\xff", 1), 1);
}

static void with_a_long_id(SesInfo *info) {
        char id[ESEAL_TEXT_MAX + 1];

        memset(id, 'x', sizeof(id));
        assert_int_equal(ASN1_STRING_set(info->id, id, sizeof(id)), 1);
}

static void of_version_5(SesInfo *info) {
        assert_int_equal(ASN1_INTEGER_set(info->header->version, 5), 1);
}

static void listed_twice(SesInfo *info) {
        SesListed *listed = sk_SesListed_value(info->property->list, 0);
        SesListed *again = ASN1_item_dup(ASN1_ITEM_rptr(SesListed), listed);

        assert_true(again && sk_SesListed_push(info->property->list, again) > 0);
}

static void its_id_and_name_are_told(void **state) {
        Fixture f;
        ESealShown shown;

        (void) state;
        fixture_open(&f);
        _made_ Made seal = made_seal(
                &(SealMaking){ .maker = &f.maker, .signer = &f.signer, .info = named });
        assert_int_equal(eseal_shown(made_bytes(&seal), &shown), 0);
        assert_string_equal(shown.id, "50011200000001");
        assert_string_equal(shown.name, "\xe5\x8d\xb0");
        fixture_close(&f);
}

static void what_cannot_be_shown_is_refused(void **state) {
        void (*const wrong[])(SesInfo *) = { with_a_zero, with_no_utf8, with_a_long_id,
                                             of_version_5 };
        ESealShown shown;
        Fixture f;

        (void) state;
        fixture_open(&f);
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
                _made_ Made seal = made_seal(
                        &(SealMaking){ .maker = &f.maker, .signer = &f.signer, .info = wrong[i] });

                assert_int_equal(eseal_shown(made_bytes(&seal), &shown), SEAL_E_INVALID_ARGS);
        }
        _made_ Made old = made_seal(
                &(SealMaking){ .maker = &f.maker, .signer = &f.signer, .is_2014 = true });
        assert_int_equal(eseal_shown(made_bytes(&old), &shown), SEAL_E_INVALID_ARGS);
        assert_int_equal(eseal_shown((Bytes){}, &shown), SEAL_E_INVALID_ARGS);
        fixture_close(&f);
}

static const uint8_t drawn[] = { 'a', 0, 'b' };

static void drawn_so(SesInfo *info) {
        assert_int_equal(ASN1_STRING_set(info->picture->data, drawn, sizeof(drawn)), 1);
}

static void its_picture_is_handed_out_as_it_is(void **state) {
        _cleanup_free_ uint8_t *picture = NULL;
        size_t size = 0;
        Fixture f;

        (void) state;
        fixture_open(&f);
        _made_ Made seal = made_seal(
                &(SealMaking){ .maker = &f.maker, .signer = &f.signer, .info = drawn_so });
        assert_int_equal(eseal_picture(made_bytes(&seal), &picture, &size), 0);
        assert_int_equal(size, sizeof(drawn));
        assert_memory_equal(picture, drawn, size);
        uint8_t *none = NULL;
        assert_int_equal(eseal_picture((Bytes){ drawn, 3 }, &none, &size), SEAL_E_INVALID_ARGS);
        assert_null(none);
        fixture_close(&f);
}

static void it_is_made_out_to_one_certificate(void **state) {
        Fixture f;

        (void) state;
        fixture_open(&f);
        const Bytes own = signer_certificate(&f.signer);
        _made_ Made seal = made_seal(&(SealMaking){ .maker = &f.maker, .signer = &f.signer });
        _made_ Made twice = made_seal(
                &(SealMaking){ .maker = &f.maker, .signer = &f.signer, .info = listed_twice });
        assert_int_equal(eseal_certificate_check(made_bytes(&seal), own), 0);
        assert_int_equal(eseal_certificate_check(made_bytes(&seal), signer_certificate(&f.other)),
                         SEAL_E_CERTIFICATE_INVALID);
        assert_int_equal(
                eseal_certificate_check(made_bytes(&seal), (Bytes){ own.data, own.size - 1 }),
                SEAL_E_CERTIFICATE_INVALID);
        assert_int_equal(eseal_certificate_check(made_bytes(&twice), own),
                         SEAL_E_CERTIFICATE_INVALID);
        assert_int_equal(eseal_certificate_check(own, own), SEAL_E_INVALID_ARGS);
        fixture_close(&f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(its_id_and_name_are_told),
                cmocka_unit_test(what_cannot_be_shown_is_refused),
                cmocka_unit_test(its_picture_is_handed_out_as_it_is),
                cmocka_unit_test(it_is_made_out_to_one_certificate),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
