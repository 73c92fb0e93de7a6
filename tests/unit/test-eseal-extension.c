/* SPDX-License-Identifier: Apache-2.0 */
/* Extensions of seals and of signatures, as others write them. */
#include "base/limits.h"
#include "tests/fixture/eseal-report.h"
#include "tests/unit/unit.h"

static void seal_extension_tagged(SesInfo *info) {
        extension_push(&info->extensions_tagged, "1.2.156.112600.7.1", -1);
}

static void signature_extension_untagged(SesTbs *tbs) {
        extension_push(&tbs->extensions_untagged, "1.2.156.112600.7.1", -1);
}

static void either_tag_of_extensions_is_read(void **state) {
        SealMaking making = office_making(&offices[SM2]);

        (void) state;
        making.info = seal_extension_usual;
        making.tbs = signature_extension_usual;
        _made_ Made usual = made_signature(&making);
        (void) office_verify(&offices[SM2], &usual);
        assert_all_good();
        assert_row(CHECK_SEAL_EXTENSIONS, CHECK_PASSED, "(2)");
        assert_deviations(NULL, 0);
        making.info = seal_extension_tagged;
        _made_ Made tagged = made_signature(&making);
        (void) office_verify(&offices[SM2], &tagged);
        assert_all_good();
        assert_row(CHECK_SEAL_EXTENSIONS, CHECK_PASSED, "(2)");
        assert_deviations(DEVIATIONS(DEVIATION_EXTDATAS_TAG));
        assert_non_null(strstr(report.deviations[0].text, "the seal"));
        making.info = NULL;
        making.tbs = signature_extension_untagged;
        _made_ Made untagged = made_signature(&making);
        (void) office_verify(&offices[SM2], &untagged);
        assert_all_good();
        assert_deviations(DEVIATIONS(DEVIATION_EXTDATAS_TAG));
        assert_non_null(strstr(report.deviations[0].text, "the signature"));
}

static void seal_extensions_twice(SesInfo *info) {
        seal_extension_usual(info);
        seal_extension_tagged(info);
}

static void seal_extensions_many(SesInfo *info) {
        for (int i = 0; i <= ESEAL_EXTENSIONS_MAX; i++)
                seal_extension_usual(info);
}

static void seal_extension_written_out(SesInfo *info) {
        extension_push(&info->extensions, "1.2.156.112600.7.1", 0);
}

static void seal_extension_critical(SesInfo *info) {
        extension_push(&info->extensions, "1.2.156.112600.7.1", 0);
        extension_push(&info->extensions, "1.2.156.112600.7.2", 0xff);
}

static void seal_extension_critical_tagged(SesInfo *info) {
        extension_push(&info->extensions_tagged, "1.2.156.112600.7.2", 0x01);
}

static void signature_extension_critical(SesTbs *tbs) {
        extension_push(&tbs->extensions, "1.2.156.112600.7.3", 0xff);
}

static void extensions_that_say_they_are_not_critical_are_tolerated(void **state) {
        SealMaking making = office_making(&offices[SM2]);

        (void) state;
        making.info = seal_extension_written_out;
        _made_ Made signature = made_signature(&making);
        (void) office_verify(&offices[SM2], &signature);
        assert_all_good();
        assert_deviations(DEVIATIONS(DEVIATION_CRITICAL_ENCODED));
}

static void an_unknown_critical_extension_fails(void **state) {
        SealMaking making = office_making(&offices[SM2]);

        (void) state;
        making.info = seal_extension_critical;
        _made_ Made seal = made_seal(&making);
        (void) office_verify_at(&offices[SM2], made_bytes(&seal), "", SIGNER_TIME);
        assert_fails_only(CHECK_SEAL_EXTENSIONS, "1.2.156.112600.7.2");
        making.info = seal_extension_critical_tagged;
        _made_ Made tagged = made_signature(&making);
        (void) office_verify(&offices[SM2], &tagged);
        assert_fails_only(CHECK_SEAL_EXTENSIONS, "1.2.156.112600.7.2");
        assert_deviations(DEVIATIONS(DEVIATION_EXTDATAS_TAG, DEVIATION_NOT_DER));
        making.info = NULL;
        making.tbs = signature_extension_critical;
        _made_ Made signature = made_signature(&making);
        (void) office_verify(&offices[SM2], &signature);
        assert_fails_only(CHECK_SEAL_EXTENSIONS, "1.2.156.112600.7.3");
}

static void extensions_are_there_once_and_bounded(void **state) {
        SealMaking making = office_making(&offices[SM2]);

        (void) state;
        making.info = seal_extensions_twice;
        _made_ Made twice = made_seal(&making);
        assert_structure_fails(&offices[SM2], &twice, "twice");
        making.info = seal_extensions_many;
        _made_ Made many = made_seal(&making);
        assert_structure_fails(&offices[SM2], &many, "too many");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(either_tag_of_extensions_is_read),
                cmocka_unit_test(extensions_that_say_they_are_not_critical_are_tolerated),
                cmocka_unit_test(an_unknown_critical_extension_fails),
                cmocka_unit_test(extensions_are_there_once_and_bounded),
        };

        return cmocka_run_group_tests(tests, offices_open, offices_close);
}
