/* SPDX-License-Identifier: Apache-2.0 */
#include "format/ledger-row.h"

#include <errno.h>
#include <stdio.h>

#include "tests/unit/unit.h"

static LedgerRow smallest_row(void) {
        LedgerRow row = { .seq = 1, .time = 1700000000000000, .event = "started" };

        memset(row.previous, 0xab, sizeof(row.previous));
        return row;
}

static void assert_encodes(const LedgerRow *row, const char *expected) {
        uint8_t hash[LEDGER_HASH_SIZE], again[LEDGER_HASH_SIZE];
        _cleanup_free_ char *text = NULL;
        size_t size = 0;

        assert_int_equal(ledger_row_encode(row, &text, &size, hash), 0);
        assert_string_equal(text, expected);
        assert_int_equal(size, strlen(expected));
        assert_int_equal(ledger_row_hash(text, size, again), 0);
        assert_memory_equal(hash, again, sizeof(hash));
}

#define AB "abababababababababababababababababababababababababababababababab"

static void what_does_not_apply_is_absent(void **state) {
        LedgerRow row = smallest_row();

        (void) state;
        assert_encodes(&row, "{\"event\":\"started\",\"previous\":\"" AB
                             "\",\"seq\":1,\"time\":1700000000000000}");
}

static void every_key_has_its_place(void **state) {
        static const uint8_t digest[2] = { 0x12, 0xef };
        const LedgerTouch touches[] = { { .table = "seal", .row = 12, .hash = { 1 } },
                                        { .table = "keeper", .row = 7, .deleted = true } };
        _cleanup_json_ json_t *facts = json_pack("{s:[s,s], s:i}", "keepers", "b", "a", "a", 1);
        LedgerRow row = smallest_row();

        (void) state;
        row.subject = "user:alice";
        row.has_uid = row.has_login_uid = row.self = true;
        row.login_uid = UINT32_MAX;
        row.process = "/usr/bin/sealctl";
        row.unit = "user@1000.service";
        row.seal = "33010000000001";
        row.request = 3;
        row.object = "grant:7";
        row.state = "active";
        row.purpose = "document-signing";
        row.hash = "sha256";
        row.document = "a.pdf";
        row.document_hash = (Bytes){ digest, sizeof(digest) };
        row.use = 4;
        row.count = 5;
        row.result = "Revoked";
        row.reason = "because";
        row.facts = facts;
        row.touches = touches;
        row.touch_count = 2;
        assert_encodes(&row,
                       "{\"count\":5,\"document\":\"a.pdf\",\"document-hash\":\"12ef\",\"event\":"
                       "\"started\","
                       "\"facts\":{\"a\":1,\"keepers\":[\"b\",\"a\"]},\"hash\":\"sha256\","
                       "\"login-uid\":4294967295,\"object\":\"grant:7\",\"previous\":\"" AB "\","
                       "\"process\":\"/usr/bin/sealctl\",\"purpose\":\"document-signing\","
                       "\"reason\":\"because\",\"request\":3,\"result\":\"Revoked\",\"rows\":[["
                       "\"seal\",12,"
                       "\"0100000000000000000000000000000000000000000000000000000000000000\"],"
                       "[\"keeper\",7,null]],\"seal\":\"33010000000001\",\"self\":true,\"seq\":1,"
                       "\"state\":\"active\",\"subject\":\"user:alice\",\"time\":1700000000000000,"
                       "\"uid\":0,\"unit\":\"user@1000.service\",\"use\":4}");
}

static void no_name_keeps_a_row_from_being_written(void **state) {
        LedgerRow row = smallest_row();

        (void) state;
        row.process = "/tmp/\xff\x1f\n";
        assert_encodes(&row, "{\"event\":\"started\",\"previous\":\"" AB
                             "\",\"process\":\"/tmp/?\\u001f\\n\","
                             "\"seq\":1,\"time\":1700000000000000}");
}

static void assert_refused(const LedgerRow *row, int code) {
        char *const untouched = (char *) &(int){ 0 }, *text = untouched;
        uint8_t hash[LEDGER_HASH_SIZE];
        size_t size = 7;

        assert_int_equal(ledger_row_encode(row, &text, &size, hash), code);
        assert_ptr_equal(text, untouched);
        assert_int_equal(size, 7);
}

static void what_could_not_be_read_back_is_not_written(void **state) {
        _cleanup_json_ json_t *real = json_pack("{s:f}", "a", 1.5);
        static char large[LEDGER_ROW_MAX + 1];
        static LedgerTouch touches[LEDGER_TOUCHES_MAX + 1];
        LedgerRow row = smallest_row();

        (void) state;
        row.seq = 0;
        assert_refused(&row, -EINVAL);
        row.seq = JSON_NUMBER_MAX + 1;
        assert_refused(&row, -EINVAL);
        row.seq = UINT64_MAX;
        assert_refused(&row, -EINVAL);
        row = smallest_row();
        row.time = 0;
        assert_refused(&row, -EINVAL);
        row = smallest_row();
        row.event = NULL;
        assert_refused(&row, -EINVAL);
        row = smallest_row();
        row.facts = real;
        assert_refused(&row, -EINVAL);
        row = smallest_row();
        memset(large, 'x', LEDGER_ROW_MAX);
        row.reason = large;
        assert_refused(&row, SEAL_E_LIMITS_EXCEEDED);
        row = smallest_row();
        row.touches = touches;
        row.touch_count = LEDGER_TOUCHES_MAX + 1;
        assert_refused(&row, SEAL_E_LIMITS_EXCEEDED);
}

/* --- reading ---------------------------------------------------------------------------------- */

static const char full[] =
        "{\"count\":5,\"document\":\"a.pdf\",\"document-hash\":\"12ef\",\"event\":\"seal-made\","
        "\"facts\":{\"a\":1,\"keepers\":[\"b\",\"a\"]},\"hash\":\"sha256\","
        "\"login-uid\":4294967295,\"object\":\"grant:7\",\"previous\":\"" AB "\","
        "\"process\":\"/usr/bin/sealctl\",\"purpose\":\"document-signing\","
        "\"reason\":\"because\",\"request\":3,\"result\":\"Revoked\",\"rows\":[[\"seal\",12,\"" AB
        "\"],[\"keeper\",7,null]],\"seal\":\"33010000000001\",\"self\":true,\"seq\":1,"
        "\"state\":\"active\",\"subject\":\"user:alice\",\"time\":1700000000000000,"
        "\"uid\":0,\"unit\":\"user@1000.service\",\"use\":4}";

static void what_was_read_is_written_as_it_was(void **state) {
        _cleanup_(ledger_parsed_done) LedgerParsed parsed = {};
        uint8_t hash[LEDGER_HASH_SIZE];
        ErrorDetail detail = {};

        (void) state;
        if (ledger_row_parse(full, strlen(full), &parsed, &detail) != 0)
                fail_msg("%s", detail.text);
        assert_int_equal(parsed.code, EVENT_SEAL_MADE);
        assert_int_equal(parsed.row.touch_count, 2);
        assert_true(parsed.row.has_uid && parsed.row.has_login_uid && parsed.row.self);
        assert_true(parsed.row.touches[1].deleted);
        assert_encodes(&parsed.row, full);
        assert_int_equal(ledger_row_hash(full, strlen(full), hash), 0);
        assert_memory_equal(hash, parsed.hash, sizeof(hash));
}

static void an_event_of_a_newer_version_is_read(void **state) {
        static const char text[] = "{\"event\":\"seal-lent\",\"previous\":\"" AB
                                   "\",\"seq\":1,\"time\":1}";
        _cleanup_(ledger_parsed_done) LedgerParsed parsed = {};

        (void) state;
        assert_int_equal(ledger_row_parse(text, strlen(text), &parsed, NULL), 0);
        assert_int_equal(parsed.code, -1);
        assert_string_equal(parsed.row.event, "seal-lent");
}

static void assert_unreadable(const char *text, const char *why) {
        LedgerParsed parsed = {};
        ErrorDetail detail = {};

        assert_int_equal(ledger_row_parse(text, strlen(text), &parsed, &detail),
                         SEAL_E_REGISTER_TAMPERED);
        if (!strstr(detail.text, why))
                fail_msg("%s: '%s', not '%s'", text, detail.text, why);
        assert_null(parsed.document);
}

#define REST ",\"previous\":\"" AB "\",\"seq\":1,\"time\":1}"

static void each_fault_has_its_sentence(void **state) {
        (void) state;
        assert_unreadable("", "not JSON");
        assert_unreadable("{", "not JSON");
        assert_unreadable("[]", "not an object");
        assert_unreadable("{\"event\": \"use\"" REST, "canonical");
        assert_unreadable("{\"event\":\"use\",\"event\":\"use\"" REST, "canonical");
        assert_unreadable("{\"event\":\"use\",\"extra\":1" REST, "no key 'extra'");
        assert_unreadable("{\"event\":1" REST, "'event' is not a text");
        assert_unreadable("{\"event\":\"\"" REST, "'event' is not a text");
        assert_unreadable("{\"event\":\"Use\"" REST, "not a word");
        assert_unreadable("{\"count\":0,\"event\":\"use\"" REST, "'count' is not a number");
        assert_unreadable("{\"count\":-1,\"event\":\"use\"" REST, "'count' is not a number");
        assert_unreadable("{\"count\":\"1\",\"event\":\"use\"" REST, "'count' is not a number");
        assert_unreadable("{\"event\":\"use\",\"login-uid\":4294967296" REST, "'login-uid' is not");
        assert_unreadable("{\"event\":\"use\",\"login-uid\":-1" REST, "'login-uid' is not");
        assert_unreadable("{\"document-hash\":\"\",\"event\":\"use\"" REST,
                          "'document-hash' is not");
        assert_unreadable("{\"document-hash\":\"AB\",\"event\":\"use\"" REST,
                          "'document-hash' is not");
        assert_unreadable("{\"event\":\"use\",\"facts\":{}" REST, "'facts' is not");
        assert_unreadable("{\"event\":\"use\",\"facts\":[1]" REST, "'facts' is not");
        assert_unreadable("{\"event\":\"use\",\"previous\":\"ab\",\"seq\":1,\"time\":1}",
                          "'previous' is not");
        assert_unreadable("{\"event\":\"use\",\"previous\":\"" AB
                          "\",\"self\":false,\"seq\":1,\"time\":1}",
                          "'self' is not true");
        assert_unreadable("{\"event\":\"use\",\"previous\":\"" AB "\",\"seq\":1}",
                          "'time' is missing");
        assert_unreadable("{\"event\":\"use\",\"previous\":\"" AB "\",\"time\":1}",
                          "'seq' is missing");
        assert_unreadable("{\"event\":\"use\",\"seq\":1,\"time\":1}", "'previous' is missing");
        assert_unreadable("{\"previous\":\"" AB "\",\"seq\":1,\"time\":1}", "'event' is missing");
}

static void touches_have_one_shape(void **state) {
        static const char *const wrong[] = { "[]",
                                             "[[]]",
                                             "{}",
                                             "[[\"seal\",1]]",
                                             "[[\"seal\",1,null,1]]",
                                             "[[\"\",1,null]]",
                                             "[[1,1,null]]",
                                             "[[\"seal\",\"1\",null]]",
                                             "[[\"seal\",1,\"ab\"]]",
                                             "[[\"seal\",1,true]]" };
        char text[512];

        (void) state;
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
                (void) snprintf(text, sizeof(text),
                                "{\"event\":\"use\",\"previous\":\"" AB
                                "\",\"rows\":%s,\"seq\":1,\"time\":1}",
                                wrong[i]);
                assert_unreadable(text, "'rows' is not a list");
        }
}

static void a_row_has_an_end(void **state) {
        LedgerParsed parsed = {};
        ErrorDetail detail = {};
        char *text = malloc(LEDGER_ROW_MAX + 2);

        (void) state;
        assert_non_null(text);
        memset(text, ' ', LEDGER_ROW_MAX + 1);
        assert_int_equal(ledger_row_parse(text, LEDGER_ROW_MAX + 1, &parsed, &detail),
                         SEAL_E_REGISTER_TAMPERED);
        assert_non_null(strstr(detail.text, "longer"));
        free(text);
}

static void assert_follows(const LedgerRow *row, uint64_t seq, uint8_t fill, const char *why) {
        uint8_t previous[LEDGER_HASH_SIZE];
        ErrorDetail detail = {};

        memset(previous, fill, sizeof(previous));
        assert_int_equal(ledger_row_follows(row, seq, previous, &detail),
                         why ? SEAL_E_REGISTER_TAMPERED : 0);
        if (why)
                assert_string_equal(detail.text, why);
}

static void gaps_repeats_and_other_rows_before_are_told_apart(void **state) {
        LedgerRow row = smallest_row();

        (void) state;
        row.seq = 5;
        assert_follows(&row, 5, 0xab, NULL);
        assert_follows(&row, 4, 0xab, "row 4 is missing");
        assert_follows(&row, 6, 0xab, "row 5 stands where row 6 belongs");
        assert_follows(&row, 5, 0xaa, "row 5 does not follow on the row before it as that stands");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_does_not_apply_is_absent),
                cmocka_unit_test(every_key_has_its_place),
                cmocka_unit_test(no_name_keeps_a_row_from_being_written),
                cmocka_unit_test(what_could_not_be_read_back_is_not_written),
                cmocka_unit_test(what_was_read_is_written_as_it_was),
                cmocka_unit_test(an_event_of_a_newer_version_is_read),
                cmocka_unit_test(each_fault_has_its_sentence),
                cmocka_unit_test(touches_have_one_shape),
                cmocka_unit_test(a_row_has_an_end),
                cmocka_unit_test(gaps_repeats_and_other_rows_before_are_told_apart),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
