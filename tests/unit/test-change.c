/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/change.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "sealsd/json.h"
#include "tests/unit/unit.h"

#define NOW 1700000000000000ULL
#define LATER (NOW + 100 * USEC_PER_DAY)
#define DAYS 10

static const Subject alice = { .kind = SUBJECT_USER, .id = 1000, .text = "user:alice" };
static const Subject bob = { .kind = SUBJECT_USER, .id = 1001, .text = "user:bob" };

static Seal seal_new(void) {
        Seal seal = {
                .state = SEAL_ACTIVE,
                .applicant = bob,
                .use_count = 5,
                .facts = { .name = "Acme",
                           .holder = "Acme Ltd",
                           .class = "institution",
                           .type = "contract",
                           .algorithm = "rsa-2048",
                           .purposes = PURPOSE_DOCUMENT_SIGNING,
                           .not_before = NOW - USEC_PER_DAY,
                           .not_after = LATER,
                           .use_limit = 9,
                           .keeper_count = 1,
                           .keepers = { alice } },
        };

        return seal;
}

static int check(RequestKind kind, const Seal *seal, Application *change, ErrorDetail *detail) {
        return change_check(kind, seal, change, NOW, DAYS, detail);
}

/* Refused, naming the option, and unchanged. */
static void assert_refused(RequestKind kind, Application change, const char *option) {
        const Application before = change;
        const Seal seal = seal_new();
        ErrorDetail detail = {};

        assert_int_equal(check(kind, &seal, &change, &detail), SEAL_E_INVALID_ARGS);
        assert_memory_equal(&change, &before, sizeof(change));
        if (!strstr(detail.text, option))
                fail_msg("'%s' does not name %s", detail.text, option);
}

static void a_recertification_ends_later(void **state) {
        const Seal seal = seal_new();
        Application change = { .not_after = LATER + 1 }, facts = seal.facts;

        (void) state;
        assert_int_equal(check(KIND_RECERTIFY, &seal, &change, NULL), 0);
        change_apply(KIND_RECERTIFY, &change, &facts);
        assert_int_equal(facts.not_after, LATER + 1);
        facts.not_after = LATER;
        assert_memory_equal(&facts, &seal.facts, sizeof(facts));
        assert_refused(KIND_RECERTIFY, (Application){ .not_after = LATER - 1 }, "'not-after'");
        assert_refused(KIND_RECERTIFY, (Application){ .not_after = JSON_NUMBER_MAX + 1 },
                       "'not-after'");
}

static void a_recertification_without_an_end_keeps_the_seal_s(void **state) {
        const Seal seal = seal_new();
        Application change = {};

        (void) state;
        assert_int_equal(check(KIND_RECERTIFY, &seal, &change, NULL), 0);
        assert_int_equal(change.not_after, LATER);
        assert_int_equal(check(KIND_RECERTIFY, &seal, &change, NULL), 0);
}

/* Its end is over: a later one that is over too would not help. */
static void an_expired_seal_is_recertified_into_the_future(void **state) {
        Seal seal = seal_new();
        Application change = { .not_after = NOW };

        (void) state;
        seal.facts.not_after = NOW - 5;
        assert_int_equal(check(KIND_RECERTIFY, &seal, &change, NULL), SEAL_E_INVALID_ARGS);
        change.not_after = NOW + 1;
        assert_int_equal(check(KIND_RECERTIFY, &seal, &change, NULL), 0);
}

static void an_amendment_changes_what_it_names(void **state) {
        const Seal seal = seal_new();
        Application change = { .purposes = PURPOSE_ENDORSEMENT }, facts = seal.facts;

        (void) state;
        assert_int_equal(check(KIND_AMEND, &seal, &change, NULL), 0);
        change_apply(KIND_AMEND, &change, &facts);
        assert_int_equal(facts.purposes, PURPOSE_ENDORSEMENT);
        assert_int_equal(facts.use_limit, 9);
        assert_int_equal(facts.not_after, LATER);
        change = (Application){ .use_limit_given = true };
        assert_int_equal(check(KIND_AMEND, &seal, &change, NULL), 0);
        change_apply(KIND_AMEND, &change, &facts);
        assert_int_equal(facts.use_limit, 0);
        change = (Application){ .not_after = LATER - 1 };
        assert_int_equal(check(KIND_AMEND, &seal, &change, NULL), 0);
        change_apply(KIND_AMEND, &change, &facts);
        assert_int_equal(facts.not_after, LATER - 1);
}

static void an_amendment_lengthens_nothing_and_is_not_empty(void **state) {
        (void) state;
        assert_refused(KIND_AMEND, (Application){}, "amend");
        assert_refused(KIND_AMEND, (Application){ .not_after = LATER }, "'not-after'");
        assert_refused(KIND_AMEND, (Application){ .not_after = NOW }, "'not-after'");
        assert_refused(KIND_AMEND, (Application){ .use_limit = 5, .use_limit_given = true },
                       "'use-limit'");
}

static void a_transfer_leaves_the_new_keeper_alone(void **state) {
        Seal seal = seal_new();
        Application change = { .keeper_count = 1, .keepers = { bob } };

        (void) state;
        seal.facts.keepers[seal.facts.keeper_count++] = (Subject){ .id = 7, .text = "user:carol" };
        assert_int_equal(check(KIND_TRANSFER, &seal, &change, NULL), 0);
        change_apply(KIND_TRANSFER, &change, &seal.facts);
        assert_int_equal(seal.facts.keeper_count, 1);
        assert_true(subject_equal(&seal.facts.keepers[0], &bob));
        assert_refused(KIND_TRANSFER, (Application){}, "'keeper'");
        assert_refused(KIND_TRANSFER, (Application){ .keeper_count = 1, .keepers = { alice } },
                       "'keeper'");
}

static void a_renewal_keeps_what_it_does_not_name(void **state) {
        const Seal seal = seal_new();
        Application change = { .name = "Acme Holding", .overlap = USEC_PER_DAY };

        (void) state;
        assert_int_equal(check(KIND_RENEW, &seal, &change, NULL), 0);
        assert_string_equal(change.name, "Acme Holding");
        assert_string_equal(change.holder, "Acme Ltd");
        assert_string_equal(change.type, "contract");
        assert_string_equal(change.algorithm, "rsa-2048");
        assert_int_equal(change.purposes, PURPOSE_DOCUMENT_SIGNING);
        assert_int_equal(change.use_limit, 9);
        assert_true(subject_equal(&change.keepers[0], &alice));
        assert_int_equal(change.not_before, NOW);
        assert_int_equal(change.not_after, NOW + DAYS * USEC_PER_DAY);
        assert_int_equal(change.overlap, USEC_PER_DAY);
        change = (Application){ .use_limit_given = true };
        assert_int_equal(check(KIND_RENEW, &seal, &change, NULL), 0);
        assert_int_equal(change.use_limit, 0);
        assert_refused(KIND_RENEW, (Application){ .overlap = UINT64_MAX }, "'overlap'");
        assert_refused(KIND_RENEW, (Application){ .class = "odd" }, "'class'");
}

static void a_renewal_keeps_who_holds_it(void **state) {
        Seal seal = seal_new();
        Application change = {};

        (void) state;
        strcpy(seal.facts.country, "BE");
        strcpy(seal.facts.organization_identifier, "VATBE-0123456789");
        assert_int_equal(check(KIND_RENEW, &seal, &change, NULL), 0);
        assert_string_equal(change.country, "BE");
        assert_string_equal(change.organization_identifier, "VATBE-0123456789");
        change = (Application){ .country = "FR" };
        assert_int_equal(check(KIND_RENEW, &seal, &change, NULL), 0);
        assert_string_equal(change.country, "FR");
        assert_string_equal(change.organization_identifier, "VATBE-0123456789");
}

static void a_renewal_keeps_its_picture_and_the_size_of_one(void **state) {
        const PictureFacts old = { .type = "png", .sha256 = { 1 }, .width = 42, .height = 30 };
        Seal seal = seal_new();
        Application change = { .picture = { .width = 40, .height = 40 } };

        (void) state;
        assert_refused(KIND_RENEW, change, "'picture-mm'"); /* there is none */
        seal.facts.picture = old;
        assert_int_equal(check(KIND_RENEW, &seal, &change, NULL), 0);
        assert_memory_equal(change.picture.sha256, old.sha256, sizeof(old.sha256));
        assert_int_equal(change.picture.width, 40);
        change = (Application){ .picture = { .type = "svg", .sha256 = { 2 } } };
        assert_int_equal(check(KIND_RENEW, &seal, &change, NULL), 0);
        assert_string_equal(change.picture.type, "svg");
        assert_int_equal(change.picture.sha256[0], 2);
        assert_int_equal(change.picture.width, 42);
        change = (Application){};
        assert_int_equal(check(KIND_RENEW, &seal, &change, NULL), 0);
        assert_memory_equal(&change.picture, &old, sizeof(old));
}

static void documents_are_checked_whatever_the_kind(void **state) {
        const Application change = {
                .document_count = 1,
                .documents = { { .title = "letter", .hash_size = 3 } },
        };

        (void) state;
        for (RequestKind kind = KIND_RENEW; kind < KIND_COUNT; kind++)
                assert_refused(kind, change, "'documents'");
}

static void what_was_asked_is_read_back_from_its_json(void **state) {
        const Seal seal = seal_new();
        const Application asked[KIND_COUNT] = {
                [KIND_MAKE] = seal.facts,
                [KIND_RENEW] = { .overlap = 77 },
                [KIND_RECERTIFY] = { .not_after = LATER + 5 },
                [KIND_AMEND] = { .purposes = PURPOSE_ENDORSEMENT, .use_limit_given = true },
                [KIND_TRANSFER] = { .keeper_count = 1, .keepers = { bob } },
                [KIND_DESTROY] = { .document_count = 1,
                                   .documents = { { .title = "order", .hash_size = 32 } } },
        };

        (void) state;
        for (RequestKind kind = 0; kind < KIND_COUNT; kind++) {
                Application change = asked[kind], again = {};
                _cleanup_free_ char *text = NULL, *second = NULL;

                if (kind == KIND_RENEW)
                        assert_int_equal(check(kind, &seal, &change, NULL), 0);
                json_t *first = change_json(kind, &change);
                assert_int_equal(json_to_text(first, &text), 0);
                json_t *json = json_loads(text, 0, NULL);
                assert_true(change_read(kind, json, &again));
                assert_memory_equal(&again, &change, sizeof(again));
                json_t *written = change_json(kind, &again);
                assert_int_equal(json_to_text(written, &second), 0);
                assert_string_equal(text, second);
                json_decref(first);
                json_decref(json);
                json_decref(written);
        }
}

static void another_shape_is_not_read(void **state) {
        const char *const wrong[] = {
                "{\"documents\":[],\"keeper\":\"alice\",\"keeper-id\":1}",
                "{\"documents\":[],\"keeper\":\"user:alice\",\"keeper-id\":-1}",
                "{\"documents\":[],\"keeper\":\"user:alice\"}",
                "{\"keeper\":\"user:alice\",\"keeper-id\":1}",
                "[]",
        };

        (void) state;
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
                json_t *json = json_loads(wrong[i], 0, NULL);
                Application change = {};

                assert_false(change_read(KIND_TRANSFER, json, &change));
                json_decref(json);
        }
        json_t *json = json_loads("{\"documents\":[],\"purposes\":[\"x\"]}", 0, NULL);
        Application change = {};
        assert_false(change_read(KIND_AMEND, json, &change));
        json_decref(json);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_recertification_ends_later),
                cmocka_unit_test(a_recertification_without_an_end_keeps_the_seal_s),
                cmocka_unit_test(an_expired_seal_is_recertified_into_the_future),
                cmocka_unit_test(an_amendment_changes_what_it_names),
                cmocka_unit_test(an_amendment_lengthens_nothing_and_is_not_empty),
                cmocka_unit_test(a_transfer_leaves_the_new_keeper_alone),
                cmocka_unit_test(a_renewal_keeps_what_it_does_not_name),
                cmocka_unit_test(a_renewal_keeps_who_holds_it),
                cmocka_unit_test(a_renewal_keeps_its_picture_and_the_size_of_one),
                cmocka_unit_test(documents_are_checked_whatever_the_kind),
                cmocka_unit_test(what_was_asked_is_read_back_from_its_json),
                cmocka_unit_test(another_shape_is_not_read),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
