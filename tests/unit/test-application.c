/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/application.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "policy/algorithm.h"
#include "sealsd/json.h"
#include "tests/unit/unit.h"

#define NOW 1700000000000000ULL
#define DAYS 1095

static const Subject applicant = { .kind = SUBJECT_USER, .id = 1000, .text = "user:alice" };

static Application application_named(const char *name) {
        Application a = {};

        strcpy(a.name, name);
        return a;
}

static int complete(Application *a, ErrorDetail *detail) {
        return application_complete(a, &applicant, NOW, DAYS, detail);
}

/* Refused with this code, naming the option, and unchanged. */
static void assert_refused(Application a, int code, const char *option) {
        const Application before = a;
        ErrorDetail detail = {};

        assert_int_equal(complete(&a, &detail), code);
        assert_memory_equal(&a, &before, sizeof(a));
        if (!strstr(detail.text, option))
                fail_msg("'%s' does not name %s", detail.text, option);
}

static void defaults_are_filled_in(void **state) {
        Application a = application_named("Acme Contracts");

        (void) state;
        assert_int_equal(complete(&a, NULL), 0);
        assert_string_equal(a.holder, "Acme Contracts");
        assert_string_equal(a.class, "institution");
        assert_string_equal(a.type, "other");
        assert_string_equal(a.algorithm, "ecdsa-p256");
        assert_int_equal(a.purposes, PURPOSE_ALL);
        assert_int_equal(a.not_before, NOW);
        assert_int_equal(a.not_after, NOW + DAYS * USEC_PER_DAY);
        assert_int_equal(a.use_limit, 0);
        assert_int_equal(a.keeper_count, 1);
        assert_string_equal(a.keepers[0].text, "user:alice");
}

static void names_are_plain_text_on_one_line(void **state) {
        const char *const wrong[] = {
                "",
                " ",
                "\xe3\x80\x80",
                "a\nb",
                "a\tb",
                "a\x7f",
                "a\xc2\x85",
                "a\xe2\x80\xa8",
                "a\xe2\x80\xae"
                "b",
                "a\xe2\x81\xa6"
                "b",
                "\xff",
                "a\xc3",
                "\xc0\xaf",
                "\xe0\x80\xaf",
                "\xed\xa0\x80",
                "\xf4\x90\x80\x80",
                "\xf8\x88\x80\x80\x80",
                "\xf0\x80\x80\xaf",
                "\x80",
                "a\xe2\x82",
        };

        (void) state;
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
                Application a = application_named("x");

                assert_refused(application_named(wrong[i]), SEAL_E_INVALID_ARGS, "'name'");
                if (wrong[i][0] == '\0')
                        continue;
                strcpy(a.holder, wrong[i]);
                assert_refused(a, SEAL_E_INVALID_ARGS, "'holder'");
        }
}

static void the_length_of_a_name_is_in_characters(void **state) {
        Application a = {};

        (void) state;
        for (int i = 0; i < NAME_CHARS_MAX; i++)
                strcat(a.name, "\xf0\x9d\x84\x9e");
        strcpy(a.holder, "x");
        assert_int_equal(strlen(a.name), NAME_BYTES_MAX);
        assert_int_equal(complete(&a, NULL), 0);
        a = (Application){};
        for (int i = 0; i <= NAME_CHARS_MAX; i++)
                strcat(a.name, "\xe5\x8d\xb0");
        assert_refused(a, SEAL_E_INVALID_ARGS, "'name'");
}

/* Its certificate would be refused when it is made, after the reviewers have agreed. */
static void what_no_certificate_could_say_is_refused(void **state) {
        Application a = application_named("x"), named = {};

        (void) state;
        for (int i = 0; i < CERTIFICATE_NAME_CHARS_MAX; i++) {
                strcat(a.holder, "\xe5\x8d\xb0");
                strcat(named.name, "\xe5\x8d\xb0");
        }
        Application longer = a, fits = a, personal = named;
        assert_int_equal(complete(&fits, NULL), 0);
        strcat(longer.holder, "x");
        assert_refused(longer, SEAL_E_INVALID_ARGS, "'holder'");
        fits = named;
        assert_int_equal(complete(&fits, NULL), 0);
        strcat(named.name, "x");
        assert_refused(named, SEAL_E_INVALID_ARGS, "'holder'");
        strcpy(named.holder, "x");
        fits = named;
        assert_int_equal(complete(&fits, NULL), 0);
        strcpy(named.class, "personal");
        assert_refused(named, SEAL_E_INVALID_ARGS, "'name'");
        strcpy(personal.class, "personal");
        assert_int_equal(complete(&personal, NULL), 0);
}

static void words_are_those_of_the_design(void **state) {
        const char *const types[][2] = {
                { "official", "01" },
                { "finance", "02" },
                { "invoice", "03" },
                { "contract", "04" },
                { "legal-representative", "05" },
                { "personnel", "06" },
                { "department", "07" },
                { "special", "08" },
                { "other", "99" },
        };
        Application a = application_named("x");

        (void) state;
        for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
                assert_string_equal(seal_type_code(types[i][0]), types[i][1]);
                strcpy(a.type, types[i][0]);
                assert_int_equal(complete(&a, NULL), 0);
        }
        assert_null(seal_type_code("01"));
        strcpy(a.type, "Official");
        assert_refused(a, SEAL_E_INVALID_ARGS, "'type'");
        a = application_named("x");
        strcpy(a.class, "personal");
        assert_int_equal(complete(&a, NULL), 0);
        strcpy(a.class, "company");
        assert_refused(a, SEAL_E_INVALID_ARGS, "'class'");
        a = application_named("x");
        a.purposes = 8;
        assert_refused(a, SEAL_E_INVALID_ARGS, "'purposes'");
}

static void algorithms_are_those_of_the_table(void **state) {
        Application a = application_named("x");

        (void) state;
        for (size_t i = 0; algorithm_at(i); i++) {
                a = application_named("x");
                strcpy(a.algorithm, algorithm_at(i)->name);
                assert_int_equal(complete(&a, NULL), 0);
                assert_string_equal(a.algorithm, algorithm_at(i)->name);
        }
        a = application_named("x");
        strcpy(a.algorithm, "rsa-1024");
        assert_refused(a, SEAL_E_INVALID_ARGS, "'algorithm' is one of " ALGORITHM_NAMES);
}

static void times_and_limits_make_sense(void **state) {
        const uint64_t max = JSON_NUMBER_MAX;
        Application a = application_named("x");

        (void) state;
        a.not_before = NOW + 10;
        a.not_after = NOW + 10;
        assert_refused(a, SEAL_E_INVALID_ARGS, "'not-after'");
        a.not_after = NOW + 11;
        assert_int_equal(complete(&a, NULL), 0);
        a = application_named("x");
        a.not_before = NOW - 10;
        a.not_after = NOW;
        assert_refused(a, SEAL_E_INVALID_ARGS, "'not-after'");
        a.not_after = max + 1;
        assert_refused(a, SEAL_E_INVALID_ARGS, "'not-after'");
        a = application_named("x");
        a.not_before = UINT64_MAX;
        assert_refused(a, SEAL_E_INVALID_ARGS, "'not-before'");
        a.not_before = max - 1; /* the default end is beyond */
        assert_refused(a, SEAL_E_INVALID_ARGS, "'not-after'");
        a = application_named("x");
        a.use_limit = max + 1;
        assert_refused(a, SEAL_E_INVALID_ARGS, "'use-limit'");
        a.use_limit = UINT64_MAX;
        assert_refused(a, SEAL_E_INVALID_ARGS, "'use-limit'");
        a.use_limit = max;
        assert_int_equal(complete(&a, NULL), 0);
}

static void keepers_are_different_from_each_other(void **state) {
        Application a = application_named("x");

        (void) state;
        a.keeper_count = 2;
        a.keepers[0] = (Subject){ .kind = SUBJECT_USER, .id = 5, .text = "user:a" };
        a.keepers[1] = (Subject){ .kind = SUBJECT_GROUP, .id = 5, .text = "group:a" };
        assert_int_equal(complete(&a, NULL), 0);
        a.keepers[1] = (Subject){ .kind = SUBJECT_USER, .id = 5, .text = "user:alias" };
        assert_refused(a, SEAL_E_INVALID_ARGS, "'keepers'");
        a.keeper_count = KEEPERS_MAX + 1;
        assert_refused(a, SEAL_E_INVALID_ARGS, "'keepers'");
}

static Approver an_approver(uint32_t uid, const char *key) {
        Approver approver = { .subject = { .kind = SUBJECT_USER, .id = uid } };

        (void) snprintf(approver.subject.text, sizeof(approver.subject.text), "user:u%u", uid);
        strcpy(approver.pem, key);
        return approver;
}

static Application application_approved(void) {
        Application a = application_named("x");

        a.approver_count = 3;
        for (uint32_t i = 0; i < 3; i++)
                a.approvers[i] = an_approver(i, i == 0 ? "A" : i == 1 ? "B" : "C");
        return a;
}

static void all_approvers_are_asked_unless_a_threshold_says_less(void **state) {
        Application a = application_approved(), b = application_approved();

        (void) state;
        assert_int_equal(complete(&a, NULL), 0);
        assert_int_equal(a.threshold, 3);
        b.threshold = 2;
        assert_int_equal(complete(&b, NULL), 0);
        assert_int_equal(b.threshold, 2);
        b.threshold = 4;
        assert_refused(b, SEAL_E_INVALID_ARGS, "'threshold'");
        b.approver_count = 0;
        b.threshold = 1;
        assert_refused(b, SEAL_E_INVALID_ARGS, "'threshold'");
        b.approver_count = APPROVERS_MAX + 1;
        assert_refused(b, SEAL_E_INVALID_ARGS, "'approvers'");
}

static void an_approver_counts_once(void **state) {
        Application a = application_approved(), b = application_approved();

        (void) state;
        a.approvers[2].subject = a.approvers[0].subject;
        assert_refused(a, SEAL_E_INVALID_ARGS, "'approvers'");
        strcpy(b.approvers[2].pem, b.approvers[1].pem);
        assert_refused(b, SEAL_E_INVALID_ARGS, "'approvers'");
}

static void json_leads_back_to_pin_and_approvers(void **state) {
        Application a = application_approved(), b = {};
        _cleanup_free_ char *json = NULL;

        (void) state;
        a.pin = true;
        a.threshold = 2;
        assert_int_equal(complete(&a, NULL), 0);
        assert_int_equal(application_to_json(&a, &json), 0);
        assert_int_equal(application_from_json(json, &b), 0);
        assert_memory_equal(&a, &b, sizeof(a));
}

static void documents_have_a_title_and_a_hash(void **state) {
        Application a = application_named("x");

        (void) state;
        a.document_count = 1;
        strcpy(a.documents[0].title, "charter");
        a.documents[0].hash_size = 32;
        assert_int_equal(complete(&a, NULL), 0);
        a.documents[0].hash_size = 20;
        assert_refused(a, SEAL_E_INVALID_ARGS, "'documents'");
        a.documents[0].hash_size = 64;
        strcpy(a.documents[0].title, "\n");
        assert_refused(a, SEAL_E_INVALID_ARGS, "'documents'");
        a.document_count = DOCUMENTS_MAX + 1;
        assert_refused(a, SEAL_E_INVALID_ARGS, "'documents'");
}

static void who_holds_it_is_told_by_country_and_identifier(void **state) {
        const char *const countries[] = { "c", "cn", "C1", "C " };
        const char *const identifiers[] = { "VAT BE", "a\nb", "\xe5\x8d\xb0", "x\x7f" };
        Application a = application_named("x"), b = {};
        _cleanup_free_ char *json = NULL;

        (void) state;
        strcpy(a.country, "CN");
        strcpy(a.organization_identifier, "NTRCN-91110000MA00000000");
        assert_int_equal(complete(&a, NULL), 0);
        assert_int_equal(application_to_json(&a, &json), 0);
        assert_int_equal(application_from_json(json, &b), 0);
        assert_memory_equal(&a, &b, sizeof(a));
        for (size_t i = 0; i < sizeof(countries) / sizeof(countries[0]); i++) {
                a = application_named("x");
                strcpy(a.country, countries[i]);
                assert_refused(a, SEAL_E_INVALID_ARGS, "'country'");
        }
        for (size_t i = 0; i < sizeof(identifiers) / sizeof(identifiers[0]); i++) {
                a = application_named("x");
                strcpy(a.organization_identifier, identifiers[i]);
                assert_refused(a, SEAL_E_INVALID_ARGS, "'organization-identifier'");
        }
}

static Application application_pictured(void) {
        Application a = application_named("x");

        a.picture = (PictureFacts){ .type = "svg", .sha256 = { 7 }, .width = 42, .height = 30 };
        return a;
}

static void a_picture_has_a_size_in_millimetres(void **state) {
        Application a = application_pictured(), b = {};
        _cleanup_free_ char *json = NULL;

        (void) state;
        assert_int_equal(complete(&a, NULL), 0);
        assert_int_equal(application_to_json(&a, &json), 0);
        assert_non_null(strstr(json, "\"picture\":{\"height\":30,\"sha256\":\"07000000"));
        assert_int_equal(application_from_json(json, &b), 0);
        assert_memory_equal(&a, &b, sizeof(a));
        a.picture.width = 0;
        assert_refused(a, SEAL_E_INVALID_ARGS, "'picture-mm'");
        a = application_pictured();
        a.picture.height = ESEAL_MM_MAX + 1;
        assert_refused(a, SEAL_E_INVALID_ARGS, "'picture-mm'");
        a = application_named("x");
        a.picture.width = a.picture.height = 42;
        assert_refused(a, SEAL_E_INVALID_ARGS, "'picture-mm'");
}

static void a_damaged_picture_is_found(void **state) {
        const char *const places[][2] = {
                { "\"type\":\"svg\"", "\"type\":\"gif\"" }, { "\"width\":42", "\"width\":0" },
                { "\"width\":42", "\"width\":1001" },       { "\"height\":30,", "" },
                { "\"sha256\":\"07", "\"sha256\":\"" },
        };
        Application a = application_pictured(), b = {};
        _cleanup_free_ char *json = NULL;

        (void) state;
        assert_int_equal(complete(&a, NULL), 0);
        assert_int_equal(application_to_json(&a, &json), 0);
        for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
                char text[1024];
                const char *place = strstr(json, places[i][0]);

                assert_non_null(place);
                (void) snprintf(text, sizeof(text), "%.*s%s%s", (int) (place - json), json,
                                places[i][1], place + strlen(places[i][0]));
                assert_int_equal(application_from_json(text, &b), SEAL_E_REGISTER_TAMPERED);
        }
}

/* Keys sorted, no spaces, no escapes that RFC 8785 does not have. */
static void json_is_canonical(void **state) {
        Application a = application_named("A/\"\\ \xe5\x8d\xb0");
        _cleanup_free_ char *json = NULL;

        (void) state;
        a.not_after = NOW + 1;
        a.use_limit = 7;
        a.purposes = PURPOSE_DOCUMENT_SIGNING;
        a.document_count = 1;
        strcpy(a.documents[0].title, "t");
        a.documents[0].hash_size = 32;
        memset(a.documents[0].hash, 0xab, 32);
        assert_int_equal(complete(&a, NULL), 0);
        assert_int_equal(application_to_json(&a, &json), 0);
        assert_string_equal(
                json,
                "{\"algorithm\":\"ecdsa-p256\",\"class\":\"institution\",\"documents\":[{\"hash\":"
                "\"abababababababababababababababababababababababababababababababab\","
                "\"title\":\"t\"}],\"holder\":\"A/\\\"\\\\ \xe5\x8d\xb0\",\"keeper-ids\":[1000],"
                "\"keepers\":[\"user:alice\"],\"name\":\"A/\\\"\\\\ \xe5\x8d\xb0\","
                "\"not-after\":1700000000000001,\"not-before\":1700000000000000,"
                "\"purposes\":[\"document-signing\"],\"type\":\"other\",\"use-limit\":7}");
}

static void json_leads_back_to_the_same_application(void **state) {
        Application a = application_named("x"), b = {};
        _cleanup_free_ char *json = NULL, *again = NULL;

        (void) state;
        a.use_limit = JSON_NUMBER_MAX;
        a.keeper_count = 2;
        a.keepers[0] = (Subject){ .kind = SUBJECT_USER, .id = UINT32_MAX, .text = "user:a" };
        a.keepers[1] = (Subject){ .kind = SUBJECT_GROUP, .id = 0, .text = "group:a" };
        a.document_count = DOCUMENTS_MAX;
        for (size_t i = 0; i < DOCUMENTS_MAX; i++) {
                strcpy(a.documents[i].title, "t");
                a.documents[i].hash_size = i % 2 ? 32 : 64;
                memset(a.documents[i].hash, (int) i, a.documents[i].hash_size);
        }
        assert_int_equal(complete(&a, NULL), 0);
        assert_int_equal(application_to_json(&a, &json), 0);
        assert_int_equal(application_from_json(json, &b), 0);
        assert_memory_equal(&a, &b, sizeof(a));
        assert_int_equal(application_to_json(&b, &again), 0);
        assert_string_equal(json, again);
}

/* One good document, broken at one place. */
static void damaged_json_is_found(void **state) {
        const char *const places[][2] = {
                { "\"name\":\"x\"", "\"name\":7" },
                { "\"name\":\"x\",", "" },
                { "\"name\":\"x\"", "\"name\":\"x\",\"name\":\"y\"" },
                { "\"use-limit\":0", "\"use-limit\":-1" },
                { "\"use-limit\":0", "\"use-limit\":0.5" },
                { "\"use-limit\":0", "\"use-limit\":9007199254740992" },
                { "\"keeper-ids\":[1000]", "\"keeper-ids\":[]" },
                { "\"keeper-ids\":[1000]", "\"keeper-ids\":[4294967296]" },
                { "\"keepers\":[\"user:alice\"]", "\"keepers\":[\"alice\"]" },
                { "\"purposes\":[", "\"purposes\":[\"other\"," },
                { "\"purposes\":[", "\"purposes\":[\"endorsement\"," },
                { "\"documents\":[]", "\"documents\":{}" },
                { "\"documents\":[]", "\"documents\":[{\"title\":\"t\",\"hash\":\"abc\"}]" },
                { "}", "" },
        };
        Application a = application_named("x");
        _cleanup_free_ char *json = NULL;

        (void) state;
        assert_int_equal(complete(&a, NULL), 0);
        assert_int_equal(application_to_json(&a, &json), 0);
        for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
                char text[1024];
                const char *place = strstr(json, places[i][0]);

                assert_non_null(place);
                (void) snprintf(text, sizeof(text), "%.*s%s%s", (int) (place - json), json,
                                places[i][1], place + strlen(places[i][0]));
                assert_int_equal(application_from_json(text, &a), SEAL_E_REGISTER_TAMPERED);
                assert_string_equal(a.name, "x");
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(defaults_are_filled_in),
                cmocka_unit_test(names_are_plain_text_on_one_line),
                cmocka_unit_test(the_length_of_a_name_is_in_characters),
                cmocka_unit_test(what_no_certificate_could_say_is_refused),
                cmocka_unit_test(words_are_those_of_the_design),
                cmocka_unit_test(algorithms_are_those_of_the_table),
                cmocka_unit_test(times_and_limits_make_sense),
                cmocka_unit_test(keepers_are_different_from_each_other),
                cmocka_unit_test(all_approvers_are_asked_unless_a_threshold_says_less),
                cmocka_unit_test(an_approver_counts_once),
                cmocka_unit_test(json_leads_back_to_pin_and_approvers),
                cmocka_unit_test(documents_have_a_title_and_a_hash),
                cmocka_unit_test(who_holds_it_is_told_by_country_and_identifier),
                cmocka_unit_test(a_picture_has_a_size_in_millimetres),
                cmocka_unit_test(a_damaged_picture_is_found),
                cmocka_unit_test(json_is_canonical),
                cmocka_unit_test(json_leads_back_to_the_same_application),
                cmocka_unit_test(damaged_json_is_found),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
