/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>

#include <openssl/evp.h>

#include "policy/pcr.h"
#include "tests/unit/vectors.h"

#define FENCE 15

/* The values as tpm2_pcrread writes them: one after the other, ascending. */
static PcrValues values_from(const char *text, const char *hex, size_t size) {
        uint8_t bytes[UNIT_BYTES_MAX];
        const uint8_t *p = bytes;
        PcrValues values = {};

        assert_int_equal(pcr_selection_parse(text, FENCE, &values.selection, NULL), 0);
        size_t total = unit_bytes(hex, bytes);
        for (unsigned pcr = 0; pcr < PCR_COUNT; pcr++) {
                if (!(values.selection.mask & (1U << pcr)))
                        continue;
                values.values[pcr].size = (UINT16) size;
                memcpy(values.values[pcr].buffer, p, size);
                p += size;
        }
        assert_ptr_equal(p, bytes + total);
        return values;
}

static PcrValues values_sha256(void) {
        return values_from(V_PCR_SHA256_TEXT, V_PCR_SHA256_VALUES, 32);
}

static void test_text_is_parsed(void **state) {
        static const struct {
                const char *text;
                TPMI_ALG_HASH bank;
                uint32_t mask;
        } rows[] = {
                { "sha256:0", TPM2_ALG_SHA256, 0x000001 },
                { "sha256:0,2,7", TPM2_ALG_SHA256, 0x000085 },
                { "sha256:7,0,2", TPM2_ALG_SHA256, 0x000085 },
                { "sha384:23", TPM2_ALG_SHA384, 0x800000 },
                { "sha256:9,11,14,16", TPM2_ALG_SHA256, 0x014a00 },
        };

        (void) state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                PcrSelection selection;

                assert_int_equal(pcr_selection_parse(rows[i].text, FENCE, &selection, NULL), 0);
                assert_int_equal(selection.bank, rows[i].bank);
                assert_int_equal(selection.mask, rows[i].mask);
        }
}

static void test_other_text_is_refused_with_a_reason(void **state) {
        static const char *const refused[] = {
                "",
                ":",
                "0",
                "0,2,7",
                "sha256",
                "sha256:",
                "sha256:,",
                "sha256:0,",
                "sha256:,0",
                "sha256:0,,1",
                "sha256:0,0",
                "sha256:1,2,1",
                "sha256:24",
                "sha256:99",
                "sha256:100",
                "sha256:4294967296",
                "sha256:18446744073709551616",
                "sha256:-1",
                "sha256:+1",
                "sha256: 1",
                " sha256:1",
                "sha256 :1",
                "sha256:1 ",
                "sha256:1, 2",
                "sha256:1\n",
                "sha256:01",
                "sha256:00",
                "sha256:0x1",
                "sha256:1;2",
                "sha256:1-3",
                "sha256:a",
                "sha256:all",
                "sha256:none",
                "SHA256:1",
                "sha1:0",
                "sha512:0",
                "sm3_256:0",
                "sha256:1+sha384:1",
                "sha256:sha256:1",
                "sha256:10",
                "sha256:0,10",
                "sha256:15",
                "sha256:1\xc2\xb2",
        };

        (void) state;
        for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
                PcrSelection selection = { .bank = 7, .mask = 7 };
                ErrorDetail detail = {};

                if (pcr_selection_parse(refused[i], FENCE, &selection, &detail) !=
                    SEAL_E_INVALID_ARGS)
                        fail_msg("accepted: %s", refused[i]);
                assert_true(detail.text[0] != '\0');
                assert_int_equal(selection.bank, 7);
                assert_int_equal(selection.mask, 7);
        }
}

static void test_the_fence_is_where_it_was_configured(void **state) {
        PcrSelection selection;

        (void) state;
        assert_int_equal(pcr_selection_parse("sha256:15", 14, &selection, NULL), 0);
        assert_int_equal(pcr_selection_parse("sha256:14", 14, &selection, NULL),
                         SEAL_E_INVALID_ARGS);
        assert_int_equal(pcr_selection_parse("sha256:10", 14, &selection, NULL),
                         SEAL_E_INVALID_ARGS);
}

static void test_the_text_form_is_canonical(void **state) {
        const PcrSelection all = { .bank = TPM2_ALG_SHA384, .mask = 0xffffff };
        PcrSelection selection;
        char text[PCR_TEXT_MAX + 1];

        (void) state;
        assert_int_equal(pcr_selection_parse("sha384:23,7,0,11", FENCE, &selection, NULL), 0);
        assert_string_equal(pcr_selection_format(&selection, text), "sha384:0,7,11,23");
        assert_string_equal(pcr_selection_format(&all, text),
                            "sha384:0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23");
}

static void test_the_list_has_one_bank_of_three_bytes(void **state) {
        const PcrSelection selection = { .bank = TPM2_ALG_SHA256, .mask = 0x800181 };
        TPML_PCR_SELECTION list;

        (void) state;
        pcr_selection_list(&selection, &list);
        assert_int_equal(list.count, 1);
        assert_int_equal(list.pcrSelections[0].hash, TPM2_ALG_SHA256);
        assert_int_equal(list.pcrSelections[0].sizeofSelect, 3);
        unit_assert_hex(list.pcrSelections[0].pcrSelect, 3, "810180");
}

static void assert_digest_of(const PcrValues *values, const char *hex) {
        uint8_t bytes[UNIT_BYTES_MAX], expected[32];
        TPM2B_DIGEST digest;

        size_t size = unit_bytes(hex, bytes);
        assert_int_equal(EVP_Q_digest(NULL, "SHA256", NULL, bytes, size, expected, NULL), 1);
        assert_int_equal(pcr_values_digest(values, &digest), 0);
        assert_int_equal(digest.size, sizeof(expected));
        assert_memory_equal(digest.buffer, expected, sizeof(expected));
}

static void test_the_digest_is_over_the_selected_values(void **state) {
        PcrValues small = values_sha256();
        PcrValues large = values_from(V_PCR_SHA384_TEXT, V_PCR_SHA384_VALUES, 48);

        (void) state;
        small.values[1] = small.values[0]; /* not selected */
        assert_digest_of(&small, V_PCR_SHA256_VALUES);
        assert_digest_of(&large, V_PCR_SHA384_VALUES);
}

static void test_a_blind_digest_is_not_computed(void **state) {
        PcrValues values = values_sha256(), missing = values, longer = values, empty = values,
                  beyond = values, bank = values;
        TPM2B_DIGEST digest = { .size = 1 };

        (void) state;
        missing.values[2].size = 0;
        longer.values[2].size = 33;
        empty.selection.mask = 0;
        beyond.selection.mask |= 1U << PCR_COUNT;
        bank.selection.bank = TPM2_ALG_SHA1;
        assert_int_equal(pcr_values_digest(&missing, &digest), -EINVAL);
        assert_int_equal(pcr_values_digest(&longer, &digest), -EINVAL);
        assert_int_equal(pcr_values_digest(&empty, &digest), -EINVAL);
        assert_int_equal(pcr_values_digest(&beyond, &digest), -EINVAL);
        assert_int_equal(pcr_values_digest(&bank, &digest), -EINVAL);
        assert_int_equal(digest.size, 1);
}

static void test_differing_values_are_found(void **state) {
        const PcrValues a = values_sha256();
        PcrValues b = a;

        (void) state;
        assert_int_equal(pcr_values_differing(&a, &b), 0);
        b.values[7].buffer[31] ^= 1;
        assert_int_equal(pcr_values_differing(&a, &b), 1U << 7);
        b.values[0].size = 0;
        assert_int_equal(pcr_values_differing(&a, &b), 1U << 7 | 1U << 0);
        b = a;
        b.selection.mask &= ~(1U << 2);
        assert_int_equal(pcr_values_differing(&a, &b), 1U << 2);
        assert_int_equal(pcr_values_differing(&b, &a), 0); /* only what the first selects */
        b = a;
        b.selection.bank = TPM2_ALG_SHA384;
        assert_int_equal(pcr_values_differing(&a, &b), a.selection.mask);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_text_is_parsed),
                cmocka_unit_test(test_other_text_is_refused_with_a_reason),
                cmocka_unit_test(test_the_fence_is_where_it_was_configured),
                cmocka_unit_test(test_the_text_form_is_canonical),
                cmocka_unit_test(test_the_list_has_one_bank_of_three_bytes),
                cmocka_unit_test(test_the_digest_is_over_the_selected_values),
                cmocka_unit_test(test_a_blind_digest_is_not_computed),
                cmocka_unit_test(test_differing_values_are_found),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
