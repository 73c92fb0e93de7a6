/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/seal.h"

#include <jansson.h>
#include <openssl/ec.h>

#include "base/cleanup.h"
#include "policy/key.h"
#include "sealsd/installation.h"
#include "sealsd/json.h"
#include "tests/unit/unit.h"

/* Keepers by facts are UID 3 and group 30; it was delivered to UID 4. */
static Seal seal_in(SealState state) {
        return (Seal){
                .number = "00000000000001",
                .request = 7,
                .state = state,
                .separation = SEPARATION_DUAL,
                .applicant = { .kind = SUBJECT_USER, .id = 1, .text = "user:applicant" },
                .facts = {
                        .name = "Acme",
                        .holder = "Acme Ltd",
                        .class = "institution",
                        .type = "contract",
                        .algorithm = "ecdsa-p256",
                        .purposes = PURPOSE_DOCUMENT_SIGNING,
                        .not_before = 10,
                        .not_after = 20,
                        .use_limit = 5,
                        .keeper_count = 2,
                        .keepers = { { .kind = SUBJECT_USER, .id = 3, .text = "user:keeper" },
                                     { .kind = SUBJECT_GROUP, .id = 30, .text = "group:keepers" } },
                },
                .created = 9,
                .use_count = 2,
                .index = 0x01800001,
                .bit = 5,
                .made = { .by = { .text = "user:maker" }, .time = 9 },
                .named_keeper = { .kind = SUBJECT_USER, .id = 4, .text = "user:named" },
        };
}

static bool keeps(const Seal *seal, uint32_t uid, uint32_t gid) {
        const Caller caller = { .uid = uid, .group_count = 1, .groups = { gid } };

        return seal_is_keeper(seal, &caller);
}

static bool is_keeper(SealState state, uint32_t uid, uint32_t gid) {
        Seal seal = seal_in(state);

        seal.accepted.time = state >= SEAL_ACTIVE ? 15 : 0;
        return keeps(&seal, uid, gid);
}

static void before_delivery_nobody_is_keeper(void **state) {
        (void) state;
        for (uint32_t uid = 0; uid <= 5; uid++) {
                assert_false(is_keeper(SEAL_MADE, uid, 30));
                assert_false(is_keeper(SEAL_FILED, uid, 30));
        }
}

static void before_acceptance_only_the_named_keeper_counts(void **state) {
        (void) state;
        assert_true(is_keeper(SEAL_DELIVERED, 4, 0));
        assert_false(is_keeper(SEAL_DELIVERED, 3, 0));
        assert_false(is_keeper(SEAL_DELIVERED, 9, 30));
}

static void from_acceptance_on_all_keepers_count(void **state) {
        const SealState states[] = { SEAL_ACTIVE, SEAL_SUSPENDED, SEAL_LOST, SEAL_REVOKED };

        (void) state;
        for (size_t i = 0; i < 4; i++) {
                assert_true(is_keeper(states[i], 4, 0));
                assert_true(is_keeper(states[i], 3, 0));
                assert_true(is_keeper(states[i], 9, 30));
                assert_false(is_keeper(states[i], 9, 0));
                assert_false(is_keeper(states[i], 0, 0));
                assert_false(is_keeper(states[i], 1, 0));
        }
}

static void after_surrender_nobody_is_keeper(void **state) {
        (void) state;
        for (uint32_t uid = 0; uid <= 5; uid++)
                assert_false(is_keeper(SEAL_SURRENDERED, uid, 30));
}

/* Lost on its way, or found again: the others have never had it. */
static void what_was_never_accepted_is_the_named_keepers_alone(void **state) {
        const SealState states[] = { SEAL_LOST, SEAL_SUSPENDED, SEAL_REVOKED };

        (void) state;
        for (size_t i = 0; i < 3; i++) {
                const Seal seal = seal_in(states[i]);

                assert_false(seal_is_accepted(&seal));
                assert_true(keeps(&seal, 4, 0));
                assert_false(keeps(&seal, 3, 0));
                assert_false(keeps(&seal, 9, 30));
        }
}

static void an_unnamed_keeper_is_not_root(void **state) {
        const Caller root = { .uid = 0 };
        Seal seal = seal_in(SEAL_DELIVERED);

        (void) state;
        seal.named_keeper = (Subject){};
        assert_false(seal_is_keeper(&seal, &root));
}

static json_t *describe(const Seal *seal, const char *why_not, bool full) {
        const char *const policy[] = { "PolicyAuthorize(…)", "PolicyNV(…)", NULL };
        _cleanup_free_ char *text = NULL;

        const SealContext context = { .why_not = why_not, .policy = policy };

        assert_int_equal(seal_describe(seal, &context, full, &text), 0);
        json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(json);
        return json;
}

static const char *text_of(const json_t *json, const char *key) {
        const char *text = json_string_value(json_object_get(json, key));

        if (!text)
                fail_msg("no text '%s'", key);
        return text;
}

static json_int_t number_of(const json_t *json, const char *key) {
        if (!json_is_integer(json_object_get(json, key)))
                fail_msg("no number '%s'", key);
        return json_integer_value(json_object_get(json, key));
}

static void everybody_who_sees_it_gets_the_facts(void **state) {
        const Seal seal = seal_in(SEAL_ACTIVE);
        json_t *json = describe(&seal, "Revoked: because", false);

        (void) state;
        assert_string_equal(text_of(json, "number"), "00000000000001");
        assert_string_equal(text_of(json, "class"), "institution");
        assert_string_equal(text_of(json, "type"), "contract");
        assert_string_equal(text_of(json, "name"), "Acme");
        assert_string_equal(text_of(json, "holder"), "Acme Ltd");
        assert_string_equal(text_of(json, "state"), "active");
        assert_string_equal(text_of(json, "why-not"), "Revoked: because");
        assert_string_equal(text_of(json, "algorithm"), "ecdsa-p256");
        assert_string_equal(text_of(json, "separation"), "dual");
        assert_string_equal(text_of(json, "public-key"), "");
        assert_int_equal(number_of(json, "created"), 9);
        assert_int_equal(number_of(json, "not-before"), 10);
        assert_int_equal(number_of(json, "not-after"), 20);
        assert_int_equal(number_of(json, "use-limit"), 5);
        assert_int_equal(number_of(json, "use-count"), 2);
        assert_int_equal(json_array_size(json_object_get(json, "purposes")), 1);
        assert_int_equal(json_array_size(json_object_get(json, "policy")), 2);
        assert_string_equal(text_of(json, "replaces"), "");
        assert_string_equal(text_of(json, "replaced-by"), "");
        assert_int_equal(number_of(json, "superseded-at"), 0);
        assert_true(json_is_false(json_object_get(json, "pin")));
        assert_int_equal(json_array_size(json_object_get(json, "approvers")), 0);
        assert_int_equal(number_of(json, "threshold"), 0);
        assert_int_equal(json_object_size(json), 26);
        json_decref(json);
}

static void custody_is_for_those_who_may_see_it(void **state) {
        const char *const keys[] = {
                "keepers", "request",     "applicant",  "filing",  "delivered-by",
                "made-by", "accepted-by", "revoked-by", "revoked", "revocation-reason",
                "index",   "bit",         "documents"
        };
        Seal seal = seal_in(SEAL_ACTIVE);
        json_t *some = describe(&seal, "", false), *all = describe(&seal, "", true);

        (void) state;
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
                assert_null(json_object_get(some, keys[i]));
                assert_non_null(json_object_get(all, keys[i]));
        }
        assert_true(json_is_null(json_object_get(all, "filing")));
        assert_string_equal(text_of(all, "made-by"), "user:maker");
        assert_string_equal(text_of(all, "revoked-by"), "");
        assert_int_equal(number_of(all, "index"), 0x01800001);
        assert_int_equal(number_of(all, "bit"), 5);
        json_decref(some);
        json_decref(all);
}

static void who_did_what_when_is_told_in_order(void **state) {
        Seal seal = seal_in(SEAL_DESTROYED);
        static Request request = { .decision_count = 1,
                                   .decisions = { { .by = { .text = "user:bob" },
                                                    .approve = true,
                                                    .comment = "between us" } } };
        _cleanup_free_ char *text = NULL;

        (void) state;
        seal.revoked = (Act){ .by = { .text = "user:root" }, .time = 30 };
        seal.destroyed = (Act){ .by = { .text = "user:admin" }, .time = 31 };
        const SealContext context = { .request = &request, .why_not = "" };
        assert_int_equal(seal_describe(&seal, &context, true, &text), 0);
        json_t *json = json_loads(text, 0, NULL);
        const json_t *acts = json_object_get(json, "acts");
        assert_int_equal(json_array_size(acts), 3);
        assert_string_equal(text_of(json_array_get(acts, 0), "act"), "made");
        assert_string_equal(text_of(json_array_get(acts, 1), "act"), "revoked");
        assert_string_equal(text_of(json_array_get(acts, 2), "by"), "user:admin");
        assert_int_equal(number_of(json_array_get(acts, 2), "time"), 31);
        const json_t *decisions = json_object_get(json, "decisions");
        assert_string_equal(text_of(json_array_get(decisions, 0), "by"), "user:bob");
        assert_null(strstr(text, "between us"));
        json_decref(json);
}

static void the_keeper_who_accepted_is_marked(void **state) {
        Seal seal = seal_in(SEAL_ACTIVE);

        (void) state;
        seal.accepted = (Act){ .by = { .text = "user:named" }, .time = 15 };
        json_t *json = describe(&seal, "", true);
        const json_t *keepers = json_object_get(json, "keepers");
        assert_int_equal(json_array_size(keepers), 3);
        assert_true(json_is_false(json_object_get(json_array_get(keepers, 0), "accepted")));
        assert_string_equal(text_of(json_array_get(keepers, 2), "subject"), "user:named");
        assert_true(json_is_true(json_object_get(json_array_get(keepers, 2), "accepted")));
        json_decref(json);
        seal.named_keeper = seal.facts.keepers[0];
        json = describe(&seal, "", true);
        keepers = json_object_get(json, "keepers");
        assert_int_equal(json_array_size(keepers), 2);
        assert_true(json_is_true(json_object_get(json_array_get(keepers, 0), "accepted")));
        json_decref(json);
}

static void the_filing_record_is_an_object(void **state) {
        Seal seal = seal_in(SEAL_FILED);

        (void) state;
        strcpy(seal.filing.number, "2026-17");
        strcpy(seal.filing.authority, "Registry");
        seal.filing.filed = 12;
        strcpy(seal.filed.by.text, "user:clerk");
        json_t *json = describe(&seal, "", true);
        const json_t *filing = json_object_get(json, "filing");
        assert_string_equal(text_of(filing, "filing-number"), "2026-17");
        assert_string_equal(text_of(filing, "authority"), "Registry");
        assert_string_equal(text_of(filing, "by"), "user:clerk");
        assert_int_equal(number_of(filing, "filed"), 12);
        json_decref(json);
}

static Filing filing_with(const char *title, size_t hash_size) {
        Filing filing = {
                .number = "2026-17",
                .authority = "Registry",
                .filed = JSON_NUMBER_MAX,
                .document_count = 1,
        };

        strcpy(filing.documents[0].title, title);
        filing.documents[0].hash_size = hash_size;
        return filing;
}

static void assert_refused(const Filing *filing, const char *option) {
        ErrorDetail detail = {};

        assert_int_equal(filing_check(filing, &detail), SEAL_E_INVALID_ARGS);
        if (!strstr(detail.text, option))
                fail_msg("'%s' does not name %s", detail.text, option);
}

/* RecordFiling took them as they came, and the seal was RegisterTampered ever after. */
static void a_filing_that_could_not_be_read_back_is_refused(void **state) {
        const Filing nothing = {};
        Filing filing = filing_with("receipt", 32);

        (void) state;
        assert_int_equal(filing_check(&filing, NULL), 0);
        assert_int_equal(filing_check(&nothing, NULL), 0);
        filing.filed++;
        assert_refused(&filing, "'filed'");
        filing = filing_with("receipt", 0);
        assert_refused(&filing, "'documents'");
        filing = filing_with("two\nlines", 32);
        assert_refused(&filing, "'documents'");
        filing = filing_with("", 32);
        assert_refused(&filing, "'documents'");
        filing = filing_with("receipt", 32);
        filing.document_count = DOCUMENTS_MAX + 1;
        assert_refused(&filing, "'documents'");
        filing = filing_with("receipt", 32);
        strcpy(filing.number, "2026\t17");
        assert_refused(&filing, "'filing-number'");
        filing = filing_with("receipt", 32);
        strcpy(filing.authority, " ");
        assert_refused(&filing, "'authority'");
}

static void the_keepers_applied_for_are_named(void **state) {
        const Seal seal = seal_in(SEAL_FILED);

        (void) state;
        assert_true(seal_names_keeper(&seal, &(Subject){ .kind = SUBJECT_USER, .id = 3 }));
        assert_true(seal_names_keeper(&seal, &(Subject){ .kind = SUBJECT_GROUP, .id = 30 }));
        assert_false(seal_names_keeper(&seal, &(Subject){ .kind = SUBJECT_GROUP, .id = 3 }));
        assert_false(seal_names_keeper(&seal, &seal.named_keeper));
}

static void the_key_is_shown_as_pem(void **state) {
        Seal seal = seal_in(SEAL_ACTIVE);
        EVP_PKEY *key = EVP_EC_gen("P-256");

        (void) state;
        assert_non_null(key);
        assert_int_equal(external_key_from_pkey(key, &seal.public, NULL), 0);
        EVP_PKEY_free(key);
        seal.public.size = 1;
        json_t *json = describe(&seal, "", false);
        assert_non_null(strstr(text_of(json, "public-key"), "-----BEGIN PUBLIC KEY-----"));
        json_decref(json);
}

static void indices_are_counted_with_the_makers_bits(void **state) {
        (void) state;
        assert_int_equal(installation_index_count(1), 1);
        assert_int_equal(installation_index_count(62), 1);
        assert_int_equal(installation_index_count(63), 2);
        assert_int_equal(installation_index_count(64), 2);
        assert_int_equal(installation_index_count(126), 2);
        assert_int_equal(installation_index_count(127), 3);
        assert_true(installation_index_count(CAPACITY_MAX) <= INDICES_MAX);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(before_delivery_nobody_is_keeper),
                cmocka_unit_test(before_acceptance_only_the_named_keeper_counts),
                cmocka_unit_test(from_acceptance_on_all_keepers_count),
                cmocka_unit_test(after_surrender_nobody_is_keeper),
                cmocka_unit_test(what_was_never_accepted_is_the_named_keepers_alone),
                cmocka_unit_test(who_did_what_when_is_told_in_order),
                cmocka_unit_test(an_unnamed_keeper_is_not_root),
                cmocka_unit_test(everybody_who_sees_it_gets_the_facts),
                cmocka_unit_test(custody_is_for_those_who_may_see_it),
                cmocka_unit_test(the_keeper_who_accepted_is_marked),
                cmocka_unit_test(the_filing_record_is_an_object),
                cmocka_unit_test(a_filing_that_could_not_be_read_back_is_refused),
                cmocka_unit_test(the_keepers_applied_for_are_named),
                cmocka_unit_test(the_key_is_shown_as_pem),
                cmocka_unit_test(indices_are_counted_with_the_makers_bits),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
