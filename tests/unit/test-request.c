/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/request.h"

#include <jansson.h>
#include <openssl/evp.h>

#include "base/cleanup.h"
#include "tests/unit/unit.h"

static const Subject alice = { .kind = SUBJECT_USER, .id = 1000, .text = "user:alice" };

static Request request_new(void) {
        Request request = {
                .id = 7,
                .kind = REQUEST_KIND_MAKE,
                .applicant = alice,
                .created = 1700000000000000ULL,
                .reviewers_needed = 2,
                .application = { .name = "Acme", .not_after = 1800000000000000ULL },
        };

        assert_int_equal(
                application_complete(&request.application, &alice, request.created, 1, NULL), 0);
        return request;
}

static void approvals_are_counted_until_enough(void **state) {
        Request request = request_new();

        (void) state;
        assert_int_equal(request_missing(&request), 2);
        request.decisions[request.decision_count++] = (Decision){ .approve = true };
        assert_int_equal(request_missing(&request), 1);
        request.decisions[request.decision_count++] = (Decision){ .approve = true };
        assert_int_equal(request_missing(&request), 0);
        request.decisions[request.decision_count++] = (Decision){ .approve = true };
        assert_int_equal(request_missing(&request), 0);
}

static void a_rejection_is_no_approval_and_an_end_misses_nothing(void **state) {
        Request request = request_new();

        (void) state;
        request.decisions[request.decision_count++] = (Decision){ .approve = false };
        assert_int_equal(request_missing(&request), 2);
        request.state = REQUEST_REJECTED;
        assert_int_equal(request_missing(&request), 0);
}

/* Anybody can compute it again from what Describe says. */
static void the_digest_is_over_the_canonical_document(void **state) {
        Request request = request_new();
        uint8_t digest[32], expected[32];
        const char *text =
                "{\"applicant\":\"user:alice\",\"application\":{"
                "\"algorithm\":\"ecdsa-p256\",\"class\":\"institution\","
                "\"documents\":[],\"holder\":\"Acme\",\"keeper-ids\":[1000],\"keepers\":["
                "\"user:alice\"],\"name\":\"Acme\",\"not-after\":1800000000000000,"
                "\"not-before\":1700000000000000,\"purposes\":["
                "\"identity-authentication\",\"document-signing\",\"endorsement\"],"
                "\"type\":\"other\",\"use-limit\":0},"
                "\"created\":1700000000000000,\"kind\":\"make\"}";

        (void) state;
        assert_int_equal(request_digest(&request, digest), 0);
        assert_int_equal(EVP_Digest(text, strlen(text), expected, NULL, EVP_sha256(), NULL), 1);
        assert_memory_equal(digest, expected, sizeof(digest));
}

static void the_digest_changes_with_every_fact_and_with_nothing_else(void **state) {
        Request request = request_new(), other = request_new();
        uint8_t digest[32], again[32];

        (void) state;
        assert_int_equal(request_digest(&request, digest), 0);
        other.state = REQUEST_APPROVED;
        other.decision_count = 1;
        strcpy(other.number, "00000000000001");
        assert_int_equal(request_digest(&other, again), 0);
        assert_memory_equal(digest, again, sizeof(digest));
        other.application.use_limit = 1;
        assert_int_equal(request_digest(&other, again), 0);
        assert_memory_not_equal(digest, again, sizeof(digest));
        other = request_new();
        other.created++;
        assert_int_equal(request_digest(&other, again), 0);
        assert_memory_not_equal(digest, again, sizeof(digest));
}

static void the_description_has_the_keys_of_the_contract(void **state) {
        Request request = request_new();
        _cleanup_free_ char *text = NULL;
        const char *kind, *word, *applicant, *seal, *digest, *error, *by, *verdict, *comment, *name;
        json_int_t id, created, expires, time;
        int missing;

        (void) state;
        request.decision_count = 1;
        request.decisions[0] = (Decision){ .by = { .text = "user:bob" },
                                           .approve = true,
                                           .time = 9 };
        strcpy(request.decisions[0].comment, "two\nlines");
        assert_int_equal(request_describe(&request, true, &text), 0);
        json_t *json = json_loads(text, 0, NULL);
        assert_int_equal(json_unpack(json,
                                     "{s:I, s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:i, s:s, s:{s:s},"
                                     " s:[{s:s, s:s, s:s, s:I}]}",
                                     "id", &id, "kind", &kind, "state", &word, "applicant",
                                     &applicant, "seal", &seal, "created", &created, "expires",
                                     &expires, "digest", &digest, "missing", &missing, "error",
                                     &error, "application", "name", &name, "decisions", "by", &by,
                                     "verdict", &verdict, "comment", &comment, "time", &time),
                         0);
        assert_int_equal(id, 7);
        assert_string_equal(kind, "make");
        assert_string_equal(word, "applied");
        assert_string_equal(applicant, "user:alice");
        assert_string_equal(seal, "");
        assert_int_equal(strlen(digest), 64);
        assert_int_equal(missing, 1);
        assert_string_equal(name, "Acme");
        assert_string_equal(verdict, "approve");
        assert_string_equal(comment, "two\nlines");
        assert_int_equal(time, 9);
        json_decref(json);
}

/* The applicant read what reviewers had written to each other. */
static void comments_are_for_those_who_may_see_them(void **state) {
        Request request = request_new();
        _cleanup_free_ char *text = NULL;
        const char *verdict;

        (void) state;
        request.decision_count = 1;
        request.decisions[0] = (Decision){ .by = { .text = "user:bob" }, .comment = "I doubt it" };
        assert_int_equal(request_describe(&request, false, &text), 0);
        assert_null(strstr(text, "comment"));
        assert_null(strstr(text, "doubt"));
        json_t *json = json_loads(text, 0, NULL);
        assert_int_equal(json_unpack(json, "{s:[{s:s}]}", "decisions", "verdict", &verdict), 0);
        assert_string_equal(verdict, "reject");
        json_decref(json);
}

/* What a reviewer signs says what would be done, and to which seal. */
static void the_digest_covers_target_reason_and_kind(void **state) {
        Request request = { .kind = "revoke", .applicant = alice, .created = 5 };
        uint8_t digest[32], other[32], expected[32];
        const char *text = "{\"applicant\":\"user:alice\",\"application\":{\"documents\":[]},"
                           "\"created\":5,\"kind\":\"revoke\",\"reason\":\"lost\","
                           "\"target\":\"00000000000001\"}";

        (void) state;
        strcpy(request.target, "00000000000001");
        strcpy(request.reason, "lost");
        assert_int_equal(request_digest(&request, digest), 0);
        assert_int_equal(EVP_Digest(text, strlen(text), expected, NULL, EVP_sha256(), NULL), 1);
        assert_memory_equal(digest, expected, sizeof(digest));
        strcpy(request.kind, "destroy");
        assert_int_equal(request_digest(&request, other), 0);
        assert_memory_not_equal(digest, other, sizeof(digest));
        strcpy(request.kind, "revoke");
        strcpy(request.target, "00000000000002");
        assert_int_equal(request_digest(&request, other), 0);
        assert_memory_not_equal(digest, other, sizeof(digest));
        strcpy(request.target, "00000000000001");
        strcpy(request.reason, "found");
        assert_int_equal(request_digest(&request, other), 0);
        assert_memory_not_equal(digest, other, sizeof(digest));
}

static void the_registers_record_is_read_back(void **state) {
        Request request = { .kind = "transfer", .reason = "he leaves" },
                again = { .kind = "transfer" };
        _cleanup_free_ char *text = NULL, *second = NULL;

        (void) state;
        request.application.keepers[request.application.keeper_count++] = alice;
        assert_int_equal(request_to_json(&request, &text), 0);
        assert_int_equal(request_from_json(text, &again), 0);
        assert_string_equal(again.reason, "he leaves");
        assert_true(subject_equal(&again.application.keepers[0], &alice));
        assert_int_equal(request_to_json(&again, &second), 0);
        assert_string_equal(text, second);
        assert_int_equal(request_from_json("{}", &again), SEAL_E_REGISTER_TAMPERED);
        again = (Request){ .kind = "odd" };
        assert_int_equal(request_from_json(text, &again), SEAL_E_REGISTER_TAMPERED);
}

static void a_decisions_record_is_read_back_with_its_signature(void **state) {
        Decision decision = { .comment = "two\nlines", .signature_size = 3, .key = "PEM" };
        Decision again = {};
        _cleanup_free_ char *text = NULL, *plain = NULL;

        (void) state;
        memcpy(decision.signature, "\x01\x02\xff", 3);
        assert_int_equal(decision_to_json(&decision, &text), 0);
        assert_int_equal(decision_from_json(text, &again), 0);
        assert_memory_equal(&again, &decision, sizeof(again));
        decision.signature_size = 0;
        assert_int_equal(decision_to_json(&decision, &plain), 0);
        assert_string_equal(plain, "{\"comment\":\"two\\nlines\"}");
        assert_int_equal(decision_from_json("{\"comment\":\"\",\"signature\":\"0\"}", &again),
                         SEAL_E_REGISTER_TAMPERED);
        assert_int_equal(decision_from_json("{}", &again), SEAL_E_REGISTER_TAMPERED);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(approvals_are_counted_until_enough),
                cmocka_unit_test(a_rejection_is_no_approval_and_an_end_misses_nothing),
                cmocka_unit_test(the_digest_is_over_the_canonical_document),
                cmocka_unit_test(the_digest_changes_with_every_fact_and_with_nothing_else),
                cmocka_unit_test(the_description_has_the_keys_of_the_contract),
                cmocka_unit_test(comments_are_for_those_who_may_see_them),
                cmocka_unit_test(the_digest_covers_target_reason_and_kind),
                cmocka_unit_test(the_registers_record_is_read_back),
                cmocka_unit_test(a_decisions_record_is_read_back_with_its_signature),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
