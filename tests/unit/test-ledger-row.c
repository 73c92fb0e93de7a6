/* SPDX-License-Identifier: Apache-2.0 */
#include "format/ledger-row.h"

#include <errno.h>

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

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_does_not_apply_is_absent),
                cmocka_unit_test(every_key_has_its_place),
                cmocka_unit_test(no_name_keeps_a_row_from_being_written),
                cmocka_unit_test(what_could_not_be_read_back_is_not_written),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
