/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/use.h"

#include <errno.h>

#include "sealsd/json.h"
#include "sealsd/request.h"
#include "tests/unit/unit.h"

static UseFacts facts_new(bool live) {
        UseFacts facts = {
                .digest = { .size = 32, .buffer = { 1, 2, 3 } },
                .hash = "sha256",
                .scheme = "ecdsa",
                .purpose = PURPOSE_ENDORSEMENT,
                .document_name = "contract.pdf",
                .grant = 7,
                .live = live,
        };

        if (live) {
                facts.expiration = 600;
                facts.nonce = (TPM2B_NONCE){ .size = 32, .buffer = { 9 } };
        }
        return facts;
}

static void facts_are_read_back_from_their_json(void **state) {
        (void) state;
        for (int live = 0; live < 2; live++) {
                const UseFacts facts = facts_new(live);
                _cleanup_json_ json_t *json = use_json(&facts);
                UseFacts again = {};

                assert_non_null(json);
                assert_true(use_read(json, &again));
                assert_memory_equal(&again, &facts, sizeof(again));
        }
}

static void other_shapes_are_not_read(void **state) {
        static const char *const keys[] = { "digest",  "hash",       "scheme",
                                            "purpose", "live",       "document-name",
                                            "grant",   "expiration", "nonce" };
        const UseFacts facts = facts_new(true);

        (void) state;
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
                _cleanup_json_ json_t *without = use_json(&facts), *other = use_json(&facts);
                UseFacts again = {};

                assert_int_equal(json_object_del(without, keys[i]), 0);
                assert_false(use_read(without, &again));
                assert_int_equal(json_object_set_new(other, keys[i], json_array()), 0);
                assert_false(use_read(other, &again));
        }
        _cleanup_json_ json_t *large = use_json(&facts);
        assert_int_equal(json_object_set_new(large, "expiration", json_integer(1LL << 40)), 0);
        UseFacts again = {};
        assert_false(use_read(large, &again));
}

static UseFacts facts_of_format(SignFormat format) {
        UseFacts facts = facts_new(false);

        facts.format = format;
        facts.signs = (TPM2B_DIGEST){ .size = 32, .buffer = { 7 } };
        facts.time = sign_format_timed(format) ? 1795000000000000 : 0;
        if (format == FORMAT_ESEAL)
                strcpy(facts.property_info, "sealsd:document");
        return facts;
}

static void a_format_is_read_back_with_what_is_signed(void **state) {
        (void) state;
        for (SignFormat format = FORMAT_RAW + 1; format < SIGN_FORMAT_COUNT; format++) {
                const UseFacts facts = facts_of_format(format);
                _cleanup_json_ json_t *json = use_json(&facts);
                UseFacts again = {};

                assert_true(use_read(json, &again));
                assert_memory_equal(&again, &facts, sizeof(again));
                assert_ptr_equal(use_signs(&facts), &facts.signs);
        }
}

/* So that the digests of requests from before there were others stay. */
static void raw_ones_say_nothing_of_formats(void **state) {
        static const char *const keys[] = { "format", "signs", "signing-time", "property-info" };
        const UseFacts facts = facts_new(false);
        _cleanup_json_ json_t *json = use_json(&facts);

        (void) state;
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
                assert_null(json_object_get(json, keys[i]));
        assert_ptr_equal(use_signs(&facts), &facts.digest);
}

static void other_shapes_of_a_format_are_not_read(void **state) {
        static const char *const keys[] = { "format", "signs", "signing-time", "property-info" };
        static const char *const words[] = { "raw", "", "CAdES" };
        const UseFacts facts = facts_of_format(FORMAT_ESEAL);

        (void) state;
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
                _cleanup_json_ json_t *other = use_json(&facts);
                UseFacts again = {};

                assert_int_equal(json_object_set_new(other, keys[i], json_array()), 0);
                assert_false(use_read(other, &again));
        }
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
                _cleanup_json_ json_t *other = use_json(&facts);
                UseFacts again = {};

                assert_int_equal(json_object_set_new(other, "format", json_string(words[i])), 0);
                assert_false(use_read(other, &again));
        }
}

static void an_approval_is_read_back_and_nothing_else(void **state) {
        static const char *const wrong[] = { "{}",
                                             "[]",
                                             "",
                                             "{\"signature\":\"\"}",
                                             "{\"signature\":\"0g\"}",
                                             "{\"signature\":7}" };
        UseApproval approval = { .size = 3, .signature = { 1, 2, 3 } }, again = {};
        _cleanup_free_ char *text = NULL;

        (void) state;
        assert_int_equal(use_approval_to_json(&approval, &text), 0);
        assert_string_equal(text, "{\"signature\":\"010203\"}");
        assert_int_equal(use_approval_from_json(text, &again), 0);
        assert_memory_equal(&again, &approval, sizeof(again));
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
                assert_int_equal(use_approval_from_json(wrong[i], &again),
                                 SEAL_E_REGISTER_TAMPERED);
        approval.size = 0;
        assert_int_equal(use_approval_to_json(&approval, &text), -EINVAL);
}

static void schemes_have_a_name_and_curves_no_option(void **state) {
        (void) state;
        assert_string_equal(scheme_name(TPM2_ALG_ECDSA), "ecdsa");
        assert_string_equal(scheme_name(TPM2_ALG_SM2), "sm2");
        assert_string_equal(scheme_name(TPM2_ALG_NULL), "?");
        assert_string_equal(scheme_option("rsapss"), "rsapss");
        assert_string_equal(scheme_option("rsassa"), "rsassa");
        assert_null(scheme_option("ecdsa"));
        assert_null(scheme_option("sm2"));
        assert_null(scheme_option("odd"));
}

static void approvals_that_are_missing_are_counted(void **state) {
        Request request = { .kind = "use", .reviewers_needed = 2, .state = REQUEST_APPLIED };

        (void) state;
        assert_int_equal(request_missing(&request), 2);
        request.use.approval_count = 1;
        assert_int_equal(request_missing(&request), 1);
        request.use.approval_count = 3;
        assert_int_equal(request_missing(&request), 0);
        request.use.approval_count = 0;
        request.state = REQUEST_APPROVED;
        assert_int_equal(request_missing(&request), 0);
}

static void digest_of_a_request_is_over_the_document(void **state) {
        Request request = { .kind = "use", .target = "1", .use.facts = facts_new(false) };
        uint8_t one[TPM2_SHA256_DIGEST_SIZE], other[TPM2_SHA256_DIGEST_SIZE];

        (void) state;
        assert_int_equal(request_digest(&request, one), 0);
        request.use.facts.digest.buffer[31] = 1;
        assert_int_equal(request_digest(&request, other), 0);
        assert_memory_not_equal(one, other, sizeof(one));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(facts_are_read_back_from_their_json),
                cmocka_unit_test(other_shapes_are_not_read),
                cmocka_unit_test(a_format_is_read_back_with_what_is_signed),
                cmocka_unit_test(raw_ones_say_nothing_of_formats),
                cmocka_unit_test(other_shapes_of_a_format_are_not_read),
                cmocka_unit_test(an_approval_is_read_back_and_nothing_else),
                cmocka_unit_test(schemes_have_a_name_and_curves_no_option),
                cmocka_unit_test(approvals_that_are_missing_are_counted),
                cmocka_unit_test(digest_of_a_request_is_over_the_document),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
