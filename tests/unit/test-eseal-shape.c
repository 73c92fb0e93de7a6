/* SPDX-License-Identifier: Apache-2.0 */
/* Spellings that are tolerated and told, and what is refused. */
#include <stdlib.h>

#include "base/limits.h"
#include "tests/fixture/deviation.h"
#include "tests/fixture/eseal-report.h"
#include "tests/unit/unit.h"

static void other_spellings_of_a_signature_are_tolerated(void **state) {
        (void) state;
        for (size_t i = SM2; i <= P256; i++)
                for (int is_2014 = 0; is_2014 < 2; is_2014++) {
                        SealMaking making = office_making(&offices[i]);

                        making.is_2014 = is_2014;
                        making.respell = respell_raw;
                        _made_ Made raw = made_signature(&making);
                        (void) office_verify(&offices[i], &raw);
                        assert_all_good();
                        assert_true(deviated(&report, DEVIATION_RAW_SIGNATURE));
                        assert_non_null(strstr(report.deviations[0].text, "the seal"));
                        making.respell = respell_padded;
                        _made_ Made padded = made_signature(&making);
                        (void) office_verify(&offices[i], &padded);
                        assert_all_good();
                        assert_true(deviated(&report, DEVIATION_NON_MINIMAL_INTEGER));
                        assert_false(deviated(&report, DEVIATION_RAW_SIGNATURE));
                }
}

static void time_fraction(SesTbs *tbs) {
        assert_int_equal(ASN1_STRING_set(tbs->time, "20231114221320.5Z", -1), 1);
}

static void time_nonsense(SesTbs *tbs) {
        assert_int_equal(ASN1_STRING_set(tbs->time, "20231314221320Z", -1), 1);
}

static void times_are_tolerated_as_long_as_they_are_some(void **state) {
        SealMaking making = office_making(&offices[SM2]);

        (void) state;
        making.tbs = time_fraction;
        _made_ Made fraction = made_signature(&making);
        (void) office_verify(&offices[SM2], &fraction);
        assert_all_good();
        assert_deviations(DEVIATIONS(DEVIATION_TIME_FORMAT));
        making.tbs = time_nonsense;
        _made_ Made nonsense = made_signature(&making);
        assert_structure_fails(&offices[SM2], &nonsense, "time of the signature");
}

static void about_in_latin(SesTbs *tbs) {
        assert_int_equal(ASN1_STRING_set(tbs->property, "Seite \xa7 1", -1), 1);
}

static void name_in_latin(SesInfo *info) {
        assert_int_equal(ASN1_STRING_set(info->property->name, "\xa7", -1), 1);
}

static void id_in_latin(SesInfo *info) {
        assert_int_equal(ASN1_STRING_set(info->id, "\xa7", -1), 1);
}

static void vendor_in_latin(SesInfo *info) {
        assert_int_equal(ASN1_STRING_set(info->header->vendor, "\xa7", -1), 1);
}

static void name_in_utf8(SesInfo *info) {
        assert_int_equal(ASN1_STRING_set(info->property->name, "\xc2\xa7", -1), 1);
}

/* IA5String has ASCII, UTF8String UTF-8. */
static void texts_of_other_bytes_are_tolerated(void **state) {
        static const struct {
                SealMaking making;
                const char *where; /* NULL: none */
        } cases[] = {
                { { .tbs = about_in_latin }, "the protected part" },
                { { .info = name_in_latin }, "the seal's name" },
                { { .info = id_in_latin }, "the seal's id" },
                { { .info = vendor_in_latin }, "the vendor" },
                { { .info = name_in_utf8 }, NULL },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                SealMaking making = office_making(&offices[SM2]);

                making.tbs = cases[i].making.tbs;
                making.info = cases[i].making.info;
                _made_ Made signature = made_signature(&making);
                (void) office_verify(&offices[SM2], &signature);
                assert_all_good();
                assert_int_equal(report.deviation_count, cases[i].where ? 1 : 0);
                if (!cases[i].where)
                        continue;
                assert_true(deviated(&report, DEVIATION_CHARACTERS));
                assert_non_null(strstr(report.deviations[0].text, cases[i].where));
        }
}

static void algorithm_older(SesSignature *whole) {
        whole->algorithm = OBJ_txt2obj("1.2.156.10197.1.301.1", 1);
}

static void another_name_of_sm2_is_tolerated(void **state) {
        SealMaking making = office_making(&offices[SM2]);

        (void) state;
        making.whole = algorithm_older;
        _made_ Made signature = made_signature(&making);
        (void) office_verify(&offices[SM2], &signature);
        assert_all_good();
        assert_deviations(DEVIATIONS(DEVIATION_ALGORITHM_IDENTIFIER));
}

static void bytes_behind_the_end_are_told(void **state) {
        SealMaking making = office_making(&offices[SM2]);
        _made_ Made signature = made_signature(&making);

        (void) state;
        made_append(&signature, "\0", 1);
        (void) office_verify(&offices[SM2], &signature);
        assert_all_good();
        assert_deviations(DEVIATIONS(DEVIATION_TRAILING_BYTES));
}

/* The outermost length in a byte more than it takes. */
static void what_is_not_der_is_told(void **state) {
        SealMaking making = office_making(&offices[SM2]);
        _made_ Made signature = made_signature(&making), longer = {};

        (void) state;
        assert_int_equal(signature.data[1], 0x82);
        made_append(&longer, "\x30\x83\0", 3);
        made_append(&longer, signature.data + 2, signature.size - 2);
        (void) office_verify(&offices[SM2], &longer);
        assert_all_good();
        assert_deviations(DEVIATIONS(DEVIATION_NOT_DER));
}

static void width_negative(SesInfo *info) {
        assert_int_equal(ASN1_INTEGER_set(info->picture->width, -1), 1);
}

static void type_huge(SesInfo *info) {
        assert_int_equal(ASN1_INTEGER_set_uint64(info->property->type, 1ULL << 40), 1);
}

static void header_other(SesInfo *info) {
        assert_int_equal(ASN1_STRING_set(info->header->id, "EZ", -1), 1);
}

static void times_utc(SesInfo *info) {
        assert_non_null(ASN1_UTCTIME_set(info->property->not_after, 1800000000));
}

static void value_bits(SesSeal *seal) {
        seal->value->flags |= 1;
        seal->value->data[seal->value->length - 1] &= 0xfe;
}

static void hash_bits(SesTbs *tbs) {
        tbs->hash->flags |= 1;
        tbs->hash->data[tbs->hash->length - 1] &= 0xfe;
}

static void values_beyond_their_bounds_are_refused(void **state) {
        static const struct {
                SealMaking making;
                const char *words;
        } cases[] = {
                { { .info = width_negative }, "not a number of mm" },
                { { .info = type_huge }, "not a number of a type" },
                { { .info = header_other }, "\"ES\"" },
                { { .info = times_utc }, "standard's type" },
                { { .seal = value_bits }, "not one of whole bytes" },
                { { .tbs = hash_bits }, "not one of whole bytes" },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                SealMaking making = cases[i].making;

                making.maker = &offices[SM2].maker;
                making.signer = &offices[SM2].seal;
                _made_ Made signature = made_signature(&making);
                assert_structure_fails(&offices[SM2], &signature, cases[i].words);
        }
}

static void what_is_neither_is_refused(void **state) {
        static const char *const files[] = {
                "", "x", "\x30", "\x30\x80", "\x30\x03\x02\x01\x01", "\x30\x84\xff\xff\xff\xff"
        };

        (void) state;
        for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
                const Bytes file = { (const uint8_t *) files[i], strlen(files[i]) };

                assert_int_equal(office_verify_at(&offices[SM2], file, "", 0), VERDICT_FAILED);
                assert_row(CHECK_STRUCTURE, CHECK_FAILED, "It is no whole SESeal");
        }
        uint8_t *large = calloc(1, ESEAL_FILE_MAX + 1);
        assert_non_null(large);
        (void) office_verify_at(&offices[SM2], (Bytes){ large, ESEAL_FILE_MAX + 1 }, "", 0);
        assert_row(CHECK_STRUCTURE, CHECK_FAILED, "2097153 bytes");
        free(large);
}

static void a_file_cut_anywhere_is_refused(void **state) {
        const SealMaking making = office_making(&offices[P256]);
        _made_ Made signature = made_signature(&making);

        (void) state;
        for (size_t size = 0; size < signature.size; size++) {
                assert_int_equal(office_verify_at(&offices[P256], (Bytes){ signature.data, size },
                                                  DOCUMENT_TEXT, 0),
                                 VERDICT_FAILED);
                assert_row(CHECK_STRUCTURE, CHECK_FAILED, "");
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(other_spellings_of_a_signature_are_tolerated),
                cmocka_unit_test(times_are_tolerated_as_long_as_they_are_some),
                cmocka_unit_test(texts_of_other_bytes_are_tolerated),
                cmocka_unit_test(another_name_of_sm2_is_tolerated),
                cmocka_unit_test(bytes_behind_the_end_are_told),
                cmocka_unit_test(what_is_not_der_is_told),
                cmocka_unit_test(values_beyond_their_bounds_are_refused),
                cmocka_unit_test(what_is_neither_is_refused),
                cmocka_unit_test(a_file_cut_anywhere_is_refused),
        };

        return cmocka_run_group_tests(tests, offices_open, offices_close);
}
