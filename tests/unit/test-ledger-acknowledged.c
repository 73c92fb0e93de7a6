/* SPDX-License-Identifier: Apache-2.0 */
/* Breaks of a ledger that somebody acknowledged. */
#include <stdlib.h>

#include "tests/fixture/ledger-pages.h"
#include "tests/unit/unit.h"

static void acknowledge(Pages *pages, uint64_t seq, const uint8_t hash[LEDGER_HASH_SIZE]) {
        _cleanup_json_ json_t *facts = ledger_break_facts(seq, hash);
        LedgerRow row = { .event = "tampering-acknowledged", .reason = "seen", .facts = facts };

        ledger_file_row(&pages->file, &row);
}

/* The hash that row 2 has once "…0001" is edited to "…0009". */
static void edited_hash(Pages *pages, uint8_t ret[LEDGER_HASH_SIZE]) {
        char *line;

        assert_int_equal(fflush(pages->file.out), 0);
        line = strndup(pages->data, pages->size - 1);
        char *last = strrchr(line, '\n') + 1;
        strstr(last, "33010000000001")[13] = '9';
        assert_int_equal(ledger_row_hash(last, strlen(last), ret), 0);
        free(line);
}

/*
 * Lines: 0 header, 1 and 2 rows, 3 anchor of row 2, 4 row 3, 5 row 4, which acknowledges that row 2
 * was edited, 6 anchor, 7 tail. Row 2 is still to be edited.
 */
static int acknowledged_setup(void **state) {
        Pages *pages = calloc(1, sizeof(*pages));
        uint8_t hash[LEDGER_HASH_SIZE];

        assert_non_null(pages);
        pages_open(pages);
        ledger_file_header(&pages->file);
        ledger_file_event(&pages->file, EVENT_INITIALIZED, NULL);
        ledger_file_event(&pages->file, EVENT_SEAL_REVOKED, "33010000000001");
        edited_hash(pages, hash);
        ledger_file_anchor(&pages->file);
        ledger_file_event(&pages->file, EVENT_STARTED, NULL);
        acknowledge(pages, 3, hash);
        ledger_file_anchor(&pages->file);
        ledger_file_tail(&pages->file);
        pages_split(pages);
        *state = pages;
        return 0;
}

static void acknowledged_tampering_is_told_apart(void **state) {
        Pages *pages = *state;

        line_edit(pages, 2, "33010000000001", "33010000000009");
        LedgerVerdict verdict = verdict_now(pages);
        assert_bad(&verdict, 0);
        assert_result(&verdict, LEDGER_CHECK_CHAIN, LEDGER_ACKNOWLEDGED,
                      "1 break was acknowledged");
        assert_int_equal(verdict.acknowledged, 1);
        assert_int_equal(verdict.breaks, 1);
        assert_int_equal(verdict.first_bad, 0);
}

/* Otherwise what was acknowledged once could be edited for ever. */
static void what_was_acknowledged_cannot_be_edited_once_more(void **state) {
        Pages *pages = *state;

        line_edit(pages, 2, "33010000000001", "33010000000008");
        LedgerVerdict verdict = verdict_now(pages);
        assert_bad(&verdict, BIT(CHAIN));
        assert_int_equal(verdict.acknowledged, 0);
        assert_int_equal(verdict.first_bad, 3);
}

static void an_acknowledgement_of_nothing_changes_nothing(void **state) {
        LedgerVerdict verdict = verdict_now(*state);

        assert_bad(&verdict, 0);
        assert_result(&verdict, LEDGER_CHECK_CHAIN, LEDGER_GOOD, "");
}

static void an_acknowledgement_that_was_put_in_is_none(void **state) {
        Pages *pages = *state;
        _cleanup_json_ json_t *facts = NULL;
        LedgerRow row = { .seq = 5, .time = 1, .event = "tampering-acknowledged" };
        uint8_t hash[LEDGER_HASH_SIZE];
        char *text = NULL, *line = NULL;
        size_t size;

        line_edit(pages, 2, "33010000000001", "33010000000008");
        row_hash(pages, 2, hash);
        facts = ledger_break_facts(3, hash);
        row.facts = facts;
        assert_int_equal(ledger_row_encode(&row, &text, &size, hash), 0);
        assert_int_equal(ledger_line_write(5, text, size, &line, &size), 0);
        line_insert(pages, 6, line);
        LedgerVerdict verdict = verdict_now(pages);
        assert_true(verdict.checks[LEDGER_CHECK_CHAIN].result == LEDGER_BAD);
        assert_int_equal(verdict.acknowledged, 0);
        free(text);
        free(line);
}

static void deleted_rows_that_were_acknowledged_are_counted(void **state) {
        Pages pages = {};
        uint8_t before[LEDGER_HASH_SIZE];

        (void) state;
        pages_open(&pages);
        ledger_file_header(&pages.file);
        ledger_file_event(&pages.file, EVENT_INITIALIZED, NULL);
        memcpy(before, pages.file.head, sizeof(before));
        ledger_file_event(&pages.file, EVENT_USE, NULL);
        ledger_file_event(&pages.file, EVENT_USE, NULL);
        acknowledge(&pages, 3, before);
        ledger_file_anchor(&pages.file);
        pages.file.rows--; /* what is exported then */
        ledger_file_tail(&pages.file);
        pages_split(&pages);
        line_remove(&pages, 2);
        LedgerVerdict verdict = verdict_now(&pages);
        assert_bad(&verdict, 0);
        assert_result(&verdict, LEDGER_CHECK_CHAIN, LEDGER_ACKNOWLEDGED, "");
        assert_result(&verdict, LEDGER_CHECK_COUNT, LEDGER_ACKNOWLEDGED, "3 rows where 4 belong");
        pages_done(&pages);
}

/* The register put back: its last anchor is not the chip's value. */
static void a_rebase_is_right_only_where_it_was_acknowledged(void **state) {
        static const uint8_t found[LEDGER_VALUE_SIZE] = { 1, 2, 3 };
        static const uint8_t none[LEDGER_HASH_SIZE] = { 0 };

        (void) state;
        for (int acknowledged = 0; acknowledged < 2; acknowledged++) {
                Pages pages = {};
                pages_open(&pages);
                ledger_file_header(&pages.file);
                ledger_file_event(&pages.file, EVENT_INITIALIZED, NULL);
                ledger_file_anchor(&pages.file);
                if (acknowledged)
                        acknowledge(&pages, 9, none);
                else
                        ledger_file_event(&pages.file, EVENT_STARTED, NULL);
                ledger_file_rebase(&pages.file, found);
                ledger_file_anchor(&pages.file);
                ledger_file_tail(&pages.file);
                pages_split(&pages);
                LedgerVerdict verdict = verdict_now(&pages);
                assert_bad(&verdict, acknowledged ? 0 : BIT(ANCHORS));
                assert_result(&verdict, LEDGER_CHECK_ANCHORS,
                              acknowledged ? LEDGER_ACKNOWLEDGED : LEDGER_BAD, "another value");
                pages_done(&pages);
        }
}

/* A row that the register holds as no line is exported as damaged, and acknowledged like others. */
static void a_damaged_row_is_a_break(void **state) {
        static const char text[] = "edited\nby hand";
        uint8_t before[LEDGER_HASH_SIZE], hash[LEDGER_HASH_SIZE];

        (void) state;
        for (int acknowledged = 0; acknowledged < 2; acknowledged++) {
                Pages pages = {};
                char *line = NULL;
                size_t size;

                pages_open(&pages);
                ledger_file_header(&pages.file);
                ledger_file_event(&pages.file, EVENT_INITIALIZED, NULL);
                memcpy(before, pages.file.head, sizeof(before));
                ledger_file_event(&pages.file, EVENT_USE, NULL);
                ledger_file_event(&pages.file, EVENT_USE, NULL);
                assert_int_equal(ledger_row_hash(text, sizeof(text) - 1, hash), 0);
                if (acknowledged) {
                        acknowledge(&pages, 2, before);
                        acknowledge(&pages, 3, hash);
                }
                ledger_file_anchor(&pages.file);
                ledger_file_tail(&pages.file);
                pages_split(&pages);
                assert_int_equal(ledger_line_write(2, text, sizeof(text) - 1, &line, &size), 0);
                line_remove(&pages, 2);
                line_insert(&pages, 2, line);
                free(line);
                LedgerVerdict verdict = verdict_now(&pages);
                assert_bad(&verdict, acknowledged ? 0 : BIT(CHAIN));
                assert_int_equal(verdict.breaks, 2);
                assert_int_equal(verdict.acknowledged, acknowledged ? 2 : 0);
                pages_done(&pages);
        }
}

/* More places than are remembered one by one are bad all the same. */
static void breaks_beyond_memory_are_bad(void **state) {
        Pages pages = {};
        LedgerVerdict verdict;

        (void) state;
        pages_open(&pages);
        ledger_file_header(&pages.file);
        for (int i = 0; i < LEDGER_BREAKS_MAX + 9; i++) {
                memset(pages.file.head, i, sizeof(pages.file.head));
                ledger_file_event(&pages.file, EVENT_USE, NULL);
        }
        ledger_file_tail(&pages.file);
        assert_int_equal(fclose(pages.file.out), 0);
        verdict = verdict_of(pages.data, pages.size, NULL);
        assert_bad(&verdict, BIT(CHAIN));
        assert_int_equal(verdict.breaks, LEDGER_BREAKS_MAX + 9);
        assert_int_equal(verdict.first_bad, 1);
        free(pages.data);
        ledger_file_done(&pages.file);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define ACKNOWLEDGED(test) cmocka_unit_test_setup_teardown(test, acknowledged_setup, pages_teardown)
                ACKNOWLEDGED(acknowledged_tampering_is_told_apart),
                ACKNOWLEDGED(what_was_acknowledged_cannot_be_edited_once_more),
                ACKNOWLEDGED(an_acknowledgement_of_nothing_changes_nothing),
                ACKNOWLEDGED(an_acknowledgement_that_was_put_in_is_none),
                cmocka_unit_test(deleted_rows_that_were_acknowledged_are_counted),
                cmocka_unit_test(a_rebase_is_right_only_where_it_was_acknowledged),
                cmocka_unit_test(a_damaged_row_is_a_break),
                cmocka_unit_test(breaks_beyond_memory_are_bad),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
