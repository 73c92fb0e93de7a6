/* SPDX-License-Identifier: Apache-2.0 */
/* The picture in a seal, and what its type says of it. */
#include "tests/fixture/deviation.h"
#include "tests/fixture/eseal-report.h"
#include "tests/unit/unit.h"

static void picture_type_set(SesInfo *info, const char *type) {
        assert_int_equal(ASN1_STRING_set(info->picture->type, type, -1), 1);
}

static void type_small(SesInfo *info) {
        picture_type_set(info, "png");
}

static void type_jpeg(SesInfo *info) {
        picture_type_set(info, "JPG");
}

static void type_gif(SesInfo *info) {
        picture_type_set(info, "Gif");
}

static void type_other(SesInfo *info) {
        picture_type_set(info, "TIFF");
}

static void type_long(SesInfo *info) {
        picture_type_set(info, "PNGPNGPNGPNGPNGPNGPNGPNGPNGPNGPNGPNG");
}

static void type_in_latin(SesInfo *info) {
        picture_type_set(info, "\xc4HNL");
}

static void picture_types_are_told_in_any_case(void **state) {
        SealMaking making = office_making(&offices[SM2]);

        (void) state;
        making.info = type_small;
        _made_ Made png = made_signature(&making);
        (void) office_verify(&offices[SM2], &png);
        assert_all_good();
        assert_row(CHECK_SEAL_PICTURE, CHECK_PASSED, "PNG of 3 by 2 pixels");
        assert_deviations(DEVIATIONS(DEVIATION_PICTURE_TYPE_CASE));
        making.info = type_gif;
        making.picture = (Bytes){ (const uint8_t *) "GIF89a", 6 };
        _made_ Made gif = made_signature(&making);
        (void) office_verify(&offices[SM2], &gif);
        assert_all_good();
        assert_row(CHECK_SEAL_PICTURE, CHECK_PASSED, "begins as its type (GIF) says");
        assert_deviations(DEVIATIONS(DEVIATION_PICTURE_TYPE_CASE));
}

static void a_picture_is_what_its_type_says(void **state) {
        static const struct {
                void (*info)(SesInfo *info);
                const char *picture; /* NULL: PNG */
                CheckResult result;
                const char *words;
        } cases[] = {
                { type_jpeg, NULL, CHECK_FAILED, "Its type says JPG, and it is PNG" },
                { type_gif, NULL, CHECK_FAILED, "does not begin as its type (GIF)" },
                { type_other, NULL, CHECK_NOT_CHECKED, "not known here" },
                { type_long, NULL, CHECK_FAILED, "no word" },
                { type_small, "\x89PNG\r\n\x1a\n", CHECK_FAILED, "damaged" },
                { type_small, "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1 1'><script/>",
                  CHECK_FAILED, "script" },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                SealMaking making = office_making(&offices[SM2]);

                making.info = cases[i].info;
                if (cases[i].picture)
                        making.picture = (Bytes){ (const uint8_t *) cases[i].picture,
                                                  strlen(cases[i].picture) };
                _made_ Made signature = made_signature(&making);
                (void) office_verify(&offices[SM2], &signature);
                assert_row(CHECK_SEAL_PICTURE, cases[i].result, cases[i].words);
                assert_all_good_but((CheckCode[]){ CHECK_SEAL_PICTURE }, 1);
        }
}

static void a_type_of_other_bytes_is_told(void **state) {
        SealMaking making = office_making(&offices[SM2]);

        (void) state;
        making.info = type_in_latin;
        _made_ Made signature = made_signature(&making);
        (void) office_verify(&offices[SM2], &signature);
        assert_true(deviated(&report, DEVIATION_CHARACTERS));
        assert_non_null(strstr(report.deviations[0].text, "the picture's type"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(picture_types_are_told_in_any_case),
                cmocka_unit_test(a_picture_is_what_its_type_says),
                cmocka_unit_test(a_type_of_other_bytes_is_told),
        };

        return cmocka_run_group_tests(tests, offices_open, offices_close);
}
