/* SPDX-License-Identifier: Apache-2.0 */
/* Seals of either standard, and of no version that is known. */
#include "format/eseal-verify.h"
#include "tests/fixture/eseal-report.h"
#include "tests/unit/unit.h"

static void of_2014_is_read_as_well(void **state) {
        SealMaking making = office_making(&offices[SM2]);

        (void) state;
        making.is_2014 = true;
        _made_ Made seal = made_seal(&making), signature = made_signature(&making);
        (void) office_verify_at(&offices[SM2], made_bytes(&seal), "", SIGNER_TIME);
        assert_all_good();
        assert_string_equal(report.facts.profile, "GM/T 0031-2014");
        assert_deviations(NULL, 0);
        (void) office_verify(&offices[SM2], &signature);
        assert_all_good();
        assert_string_equal(report.facts.profile, "GM/T 0031-2014");
        assert_int_equal(report.facts.claimed, SIGNER_TIME);
        assert_deviations(NULL, 0);
        assert_string_equal(eseal_document_hash(made_bytes(&signature)), "sm3");
}

static const char *claim;

static void claim_change(SesTbs2014 *tbs) {
        assert_true(ses_put_bits(tbs->time, (Bytes){ (const uint8_t *) claim, strlen(claim) }));
}

/* As one maker writes it, without its offset. */
static void a_time_of_2014_is_any_text(void **state) {
        SealMaking making = office_making(&offices[SM2]);

        (void) state;
        making.is_2014 = true;
        making.tbs_2014 = claim_change;
        claim = "2023-11-14T22:13:20.377";
        _made_ Made text = made_signature(&making);
        (void) office_verify(&offices[SM2], &text);
        assert_all_good();
        assert_int_equal(report.facts.claimed, SIGNER_TIME + 377000);
        assert_deviations(DEVIATIONS(DEVIATION_TIME_FORMAT));
        claim = "\x30\x03\x02\x01\x01";
        _made_ Made token = made_signature(&making);
        (void) office_verify(&offices[SM2], &token);
        assert_row(CHECK_TIMESTAMP, CHECK_NOT_CHECKED, "GM/T 0031-2014");
        assert_int_equal(report.facts.claimed, 0);
        /* Not what a person at a keyboard may say. */
        claim = "+1d";
        _made_ Made word = made_signature(&making);
        (void) office_verify(&offices[SM2], &word);
        assert_row(CHECK_TIMESTAMP, CHECK_NOT_CHECKED, "no text that can be read");
}

static long version;

static void version_change(SesInfo *info) {
        assert_int_equal(ASN1_INTEGER_set(info->header->version, version), 1);
}

static void a_version_that_is_not_known_is_refused_by_name(void **state) {
        static const struct {
                long version;
                bool is_2014;
                const char *words;
        } cases[] = {
                { 5, false, "version 5 (GM/T 0031-2025)" },
                { 6, false, "version 6, which is not known" },
                { 3, false, "version 3, which is not known" },
                { 2, true, "version 2, which is not known" },
                { 4, true, "begins as one of GB/T 38540-2020" },
                { 1, false, "begins as one of GM/T 0031-2014" },
                { -7, false, "version -7, which is not known" },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                SealMaking making = office_making(&offices[SM2]);

                making.info = version_change;
                making.is_2014 = cases[i].is_2014;
                version = cases[i].version;
                _made_ Made seal = made_seal(&making), signature = made_signature(&making);
                assert_structure_fails(&offices[SM2], &seal, cases[i].words);
                assert_int_equal(report.kind, VERIFY_SEAL);
                assert_structure_fails(&offices[SM2], &signature, cases[i].words);
                assert_int_equal(report.kind, VERIFY_SIGNATURE);
        }
}

/* GM/T 0031-2025 adds [0] timeStamp to the seal: five elements. */
static void a_seal_of_2025_with_its_time_stamp_is_refused_by_name(void **state) {
        SealMaking making = office_making(&offices[SM2]);
        _made_ Made seal = {}, longer = {};

        (void) state;
        making.info = version_change;
        version = 5;
        seal = made_seal(&making);
        const size_t size = seal.size - 4 + 6;
        made_append(&longer, (uint8_t[]){ 0x30, 0x82, (uint8_t) (size >> 8), (uint8_t) size }, 4);
        made_append(&longer, seal.data + 4, seal.size - 4);
        made_append(&longer, "\xa0\x04\x03\x02\x00t", 6);
        assert_structure_fails(&offices[SM2], &longer, "version 5 (GM/T 0031-2025)");
}

static void tbs_version_change(SesTbs *tbs) {
        assert_int_equal(ASN1_INTEGER_set(tbs->version, 5), 1);
}

static void tbs_version_change_2014(SesTbs2014 *tbs) {
        assert_int_equal(ASN1_INTEGER_set(tbs->version, 4), 1);
}

static void a_signature_is_of_its_seals_version(void **state) {
        SealMaking making = office_making(&offices[SM2]);

        (void) state;
        making.tbs = tbs_version_change;
        making.tbs_2014 = tbs_version_change_2014;
        _made_ Made new = made_signature(&making);
        assert_structure_fails(&offices[SM2], &new, "another than its seal's");
        making.is_2014 = true;
        _made_ Made old = made_signature(&making);
        assert_structure_fails(&offices[SM2], &old, "another than its seal's");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(of_2014_is_read_as_well),
                cmocka_unit_test(a_time_of_2014_is_any_text),
                cmocka_unit_test(a_version_that_is_not_known_is_refused_by_name),
                cmocka_unit_test(a_seal_of_2025_with_its_time_stamp_is_refused_by_name),
                cmocka_unit_test(a_signature_is_of_its_seals_version),
        };

        return cmocka_run_group_tests(tests, offices_open, offices_close);
}
