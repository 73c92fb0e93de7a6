/* SPDX-License-Identifier: Apache-2.0 */
#include "format/ledger-verify.h"

#include <stdlib.h>

#include "policy/key.h"
#include "tests/fixture/ledger-pages.h"
#include "tests/unit/unit.h"

static void a_whole_file_is_good(void **state) {
        Pages *pages = *state;
        LedgerVerdict verdict = verdict_now(pages);

        assert_bad(&verdict, 0);
        for (int i = 0; i < LEDGER_CHECK_MAX; i++)
                assert_result(&verdict, (LedgerCheck) i,
                              i == LEDGER_CHECK_KEY || i == LEDGER_CHECK_GENESIS ? LEDGER_UNKNOWN
                                                                                 : LEDGER_GOOD,
                              "");
        assert_int_equal(verdict.rows, 5);
        assert_int_equal(verdict.first, 1);
        assert_int_equal(verdict.last, 5);
        assert_int_equal(verdict.anchors, 3);
        assert_int_equal(verdict.anchored, 5);
        assert_int_equal(verdict.breaks, 0);
        assert_int_equal(verdict.first_time, LEDGER_FIXTURE_TIME + 1000000);
        assert_int_equal(verdict.last_time, LEDGER_FIXTURE_TIME + 5000000);
        assert_memory_equal(verdict.head, pages->file.head, LEDGER_HASH_SIZE);
}

static void what_the_auditor_knows_is_compared(void **state) {
        Pages *pages = *state;
        LedgerExpected expected = { .has_genesis = true };

        memcpy(expected.genesis, pages->file.header.genesis, LEDGER_HASH_SIZE);
        assert_int_equal(public_name(&pages->file.header.ak, &expected.ak), 0);
        LedgerVerdict verdict = verdict_expecting(pages, &expected);
        assert_bad(&verdict, 0);
        assert_result(&verdict, LEDGER_CHECK_KEY, LEDGER_GOOD, "expected");
        assert_result(&verdict, LEDGER_CHECK_GENESIS, LEDGER_GOOD, "expected");
        expected.genesis[0] ^= 1;
        expected.ak.name[33] ^= 1;
        verdict = verdict_expecting(pages, &expected);
        assert_bad(&verdict, BIT(KEY) | BIT(GENESIS));
}

/* The promise of the format: no byte of it is without a check. */
static void every_changed_byte_is_told(void **state) {
        Pages *pages = *state;
        static const uint8_t flips[] = { 0x01, 0x20, 0x80 };

        for (size_t i = 0; i < pages->size; i++)
                for (size_t j = 0; j < sizeof(flips); j++) {
                        pages->data[i] = (char) (pages->data[i] ^ flips[j]);
                        LedgerVerdict verdict = verdict_of(pages->data, pages->size, NULL);
                        if (!verdict.bad)
                                fail_msg("byte %zu as '%c' is taken", i, pages->data[i]);
                        pages->data[i] = (char) (pages->data[i] ^ flips[j]);
                }
        assert_false(verdict_of(pages->data, pages->size, NULL).bad);
}

static void every_cut_is_told(void **state) {
        Pages *pages = *state;

        for (size_t size = 0; size < pages->size; size++)
                assert_true(verdict_of(pages->data, size, NULL).bad);
}

static void what_follows_the_last_line_is_told(void **state) {
        static const char *const more[] = { "x", "\n", "{}\n" };
        Pages *pages = *state;

        for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
                line_insert(pages, pages->count, more[i]);
                LedgerVerdict verdict = verdict_now(pages);
                assert_bad(&verdict, BIT(FORMAT));
                line_remove(pages, pages->count - 1);
        }
}

static void every_missing_or_doubled_byte_is_told(void **state) {
        Pages *pages = *state;
        _cleanup_free_ char *other = malloc(pages->size + 1);

        assert_non_null(other);
        for (size_t i = 0; i < pages->size; i++) {
                memcpy(other, pages->data, i);
                memcpy(other + i, pages->data + i + 1, pages->size - i - 1);
                assert_true(verdict_of(other, pages->size - 1, NULL).bad);
                memcpy(other + i + 1, pages->data + i, pages->size - i);
                other[i] = pages->data[i];
                assert_true(verdict_of(other, pages->size + 1, NULL).bad);
        }
}

static void an_edited_row_is_told_at_the_row_behind_it(void **state) {
        Pages *pages = *state;

        line_edit(pages, 4, "33010000000002", "33010000000001");
        LedgerVerdict verdict = verdict_now(pages);
        assert_bad(&verdict, BIT(CHAIN));
        assert_result(&verdict, LEDGER_CHECK_CHAIN, LEDGER_BAD,
                      "row 4 does not follow on the row before it");
        assert_int_equal(verdict.first_bad, 4);
        assert_int_equal(verdict.breaks, 1);
}

static void a_removed_row_is_told(void **state) {
        Pages *pages = *state;

        line_remove(pages, 4);
        LedgerVerdict verdict = verdict_now(pages);
        assert_bad(&verdict, BIT(CHAIN) | BIT(COUNT));
        assert_result(&verdict, LEDGER_CHECK_CHAIN, LEDGER_BAD, "row 3 is missing");
        assert_result(&verdict, LEDGER_CHECK_COUNT, LEDGER_BAD, "4 rows; 5 were exported");
}

static void rows_in_another_order_are_told(void **state) {
        Pages *pages = *state;
        char *line = pages->lines[3];

        pages->lines[3] = pages->lines[4];
        pages->lines[4] = line;
        LedgerVerdict verdict = verdict_now(pages);
        assert_true(verdict.checks[LEDGER_CHECK_CHAIN].result == LEDGER_BAD);
        assert_int_equal(verdict.breaks, 3);
}

static void a_row_that_was_put_in_is_told(void **state) {
        Pages *pages = *state;

        line_insert(pages, 4, pages->lines[3]);
        LedgerVerdict verdict = verdict_now(pages);
        assert_bad(&verdict, BIT(CHAIN) | BIT(COUNT));
        assert_result(&verdict, LEDGER_CHECK_CHAIN, LEDGER_BAD, "row 2 stands where row 3 belongs");
}

static void a_cut_tail_is_told(void **state) {
        Pages *pages = *state;

        line_remove(pages, 8);
        line_remove(pages, 7);
        LedgerVerdict verdict = verdict_now(pages);
        assert_bad(&verdict, BIT(COUNT) | BIT(HEAD) | BIT(VALUE));
        assert_result(&verdict, LEDGER_CHECK_COUNT, LEDGER_BAD,
                      "ends with row 4; the attested one is row 5");
}

static void a_missing_anchor_is_told(void **state) {
        Pages *pages = *state;

        line_remove(pages, 6);
        LedgerVerdict verdict = verdict_now(pages);
        assert_bad(&verdict, BIT(CHAIN));
        assert_result(&verdict, LEDGER_CHECK_CHAIN, LEDGER_BAD,
                      "row 5 is not the one that was anchored");
        line_remove(pages, 7);
        verdict = verdict_now(pages);
        assert_bad(&verdict, BIT(VALUE));
}

static void an_anchor_stands_behind_its_row(void **state) {
        Pages *pages = *state;
        char *line = pages->lines[6];

        pages->lines[6] = pages->lines[5];
        pages->lines[5] = line;
        LedgerVerdict verdict = verdict_now(pages);
        assert_true(verdict.checks[LEDGER_CHECK_FORMAT].result == LEDGER_BAD);
        assert_result(&verdict, LEDGER_CHECK_FORMAT, LEDGER_BAD,
                      "An anchor does not stand behind the row that it covers, 4");
}

/* Somebody who has the file and the program, but not the chip. */
static void a_file_written_anew_lacks_the_attestation(void **state) {
        Pages *pages = *state, forged = {};

        pages_open(&forged);
        forged.file.header.authority = pages->file.header.authority;
        forged.file.header.ak = pages->file.header.ak;
        memcpy(forged.file.header.genesis, pages->file.header.genesis, LEDGER_HASH_SIZE);
        memcpy(forged.file.header.previous, pages->file.header.previous, LEDGER_HASH_SIZE);
        memcpy(forged.file.header.value, pages->file.header.value, LEDGER_VALUE_SIZE);
        ledger_file_begin_at(&forged.file, 1);
        ledger_file_header(&forged.file);
        for (int i = 0; i < 5; i++)
                ledger_file_event(&forged.file, EVENT_STARTED, NULL);
        ledger_file_anchor(&forged.file);
        ledger_file_tail(&forged.file); /* by a key of the forger's own */
        pages_split(&forged);
        LedgerVerdict verdict = verdict_now(&forged);
        assert_bad(&verdict, BIT(ATTESTATION));
        assert_result(&verdict, LEDGER_CHECK_VALUE, LEDGER_UNKNOWN, "");

        line_remove(&forged, forged.count - 1);
        line_insert(&forged, forged.count, pages->lines[9]);
        verdict = verdict_now(&forged);
        assert_bad(&verdict, BIT(HEAD) | BIT(VALUE));

        pages_done(&forged);
}

static void a_head_that_no_chip_attests_is_bad(void **state) {
        Pages *pages = *state;
        LedgerTail tail = { .seq = 5, .rows = 5 };
        char *line = NULL;

        memcpy(tail.head, pages->file.head, sizeof(tail.head));
        assert_int_equal(ledger_tail_write(&tail, &line), 0);
        line_remove(pages, 9);
        line_insert(pages, 9, line);
        free(line);
        LedgerVerdict verdict = verdict_now(pages);
        assert_bad(&verdict, BIT(ATTESTATION));
        assert_result(&verdict, LEDGER_CHECK_ATTESTATION, LEDGER_BAD, "No chip attests");
}

static void a_ledger_of_another_authority_is_told(void **state) {
        Pages *pages = *state;
        LedgerHeader header = pages->file.header;
        char *line = NULL;

        header.authority.name[33] ^= 1;
        assert_int_equal(ledger_header_write(&header, &line), 0);
        line_remove(pages, 0);
        line_insert(pages, 0, line);
        free(line);
        LedgerVerdict verdict = verdict_now(pages);
        assert_bad(&verdict, BIT(INSTALLATION) | BIT(ATTESTATION));
}

/* Signed by the chip, and yet not from the beginning: what was before row 1 is not told. */
static void row_1_begins_at_the_genesis(void **state) {
        (void) state;
        for (int part = 0; part < 2; part++) {
                Pages pages = {};

                pages_open(&pages);
                (part ? pages.file.header.previous : pages.file.header.value)[0] ^= 1;
                ledger_file_begin_at(&pages.file, 1);
                ledger_file_header(&pages.file);
                ledger_file_event(&pages.file, EVENT_STARTED, NULL);
                ledger_file_anchor(&pages.file);
                ledger_file_tail(&pages.file);
                pages_split(&pages);
                LedgerVerdict verdict = verdict_now(&pages);
                assert_bad(&verdict, BIT(INSTALLATION));
                assert_result(&verdict, LEDGER_CHECK_INSTALLATION, LEDGER_BAD, "Row 1");
                pages_done(&pages);
        }
}

static void what_is_no_export_is_told(void **state) {
        static const char *const texts[] = { "", "\n", "hello\n", "{}\n",
                                             "{\"format\":\"sealsd-ledger\",\"version\":2}\n" };

        (void) state;
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                LedgerVerdict verdict = verdict_of(texts[i], strlen(texts[i]), NULL);
                assert_bad(&verdict, BIT(FORMAT));
                assert_result(&verdict, LEDGER_CHECK_CHAIN, LEDGER_UNKNOWN, "Not judged");
        }
}

static void a_line_without_end_is_told_in_bounded_memory(void **state) {
        Pages *pages = *state;
        _cleanup_(ledger_verifier_freep) LedgerVerifier *verifier = NULL;
        const LedgerExpected nothing = {};
        static char some[65536];
        LedgerVerdict verdict;

        assert_int_equal(ledger_verifier_new(&verifier), 0);
        assert_int_equal(ledger_verifier_feed(verifier, pages->lines[0], strlen(pages->lines[0])),
                         0);
        memset(some, 'x', sizeof(some));
        for (int i = 0; i < 100; i++)
                assert_int_equal(ledger_verifier_feed(verifier, some, sizeof(some)), 0);
        assert_int_equal(ledger_verifier_finish(verifier, &nothing, &verdict), 0);
        assert_result(&verdict, LEDGER_CHECK_FORMAT, LEDGER_BAD, "longer than any");
}

static void where_the_file_is_cut_into_pieces_does_not_matter(void **state) {
        Pages *pages = *state;
        const LedgerExpected nothing = {};

        for (size_t piece = 1; piece < 300; piece += 7) {
                _cleanup_(ledger_verifier_freep) LedgerVerifier *verifier = NULL;
                LedgerVerdict verdict;

                assert_int_equal(ledger_verifier_new(&verifier), 0);
                for (size_t at = 0; at < pages->size; at += piece)
                        assert_int_equal(ledger_verifier_feed(verifier, pages->data + at,
                                                              pages->size - at < piece
                                                                      ? pages->size - at
                                                                      : piece),
                                         0);
                assert_int_equal(ledger_verifier_finish(verifier, &nothing, &verdict), 0);
                assert_bad(&verdict, 0);
        }
}

static void later_part_begin(const Pages *whole, Pages *part) {
        pages_open(part);
        part->file.header.ak = whole->file.header.ak;
        ledger_file_done(&part->file);
        part->file.ak = whole->file.ak;
        part->file.authority = whole->file.authority;
        part->file.header = whole->file.header;
        memcpy(part->file.header.previous, whole->file.head, LEDGER_HASH_SIZE);
        memcpy(part->file.header.value, whole->file.value, LEDGER_VALUE_SIZE);
        ledger_file_begin_at(&part->file, 6);
        ledger_file_header(&part->file);
        ledger_file_event(&part->file, EVENT_STARTED, NULL);
}

static void later_part_done(Pages *part) {
        for (size_t i = 0; i < part->count; i++)
                free(part->lines[i]);
        free(part->data);
}

static void a_later_part_of_a_ledger_is_good_and_says_so(void **state) {
        Pages *pages = *state, part = {};

        later_part_begin(pages, &part);
        ledger_file_anchor(&part.file);
        ledger_file_tail(&part.file);
        pages_split(&part);
        LedgerVerdict verdict = verdict_now(&part);
        assert_bad(&verdict, 0);
        assert_result(&verdict, LEDGER_CHECK_CHAIN, LEDGER_GOOD, "not in the file");
        assert_int_equal(verdict.first, 6);
        char *genesis = strstr(part.lines[0], "\"genesis\":\"") + 11;
        genesis[0] = genesis[0] == 'a' ? 'b' : 'a';
        verdict = verdict_now(&part);
        assert_bad(&verdict, BIT(INSTALLATION));
        line_edit(&part, 0, "\"first\":6", "\"first\":7");
        verdict = verdict_now(&part);
        assert_bad(&verdict, BIT(INSTALLATION) | BIT(CHAIN) | BIT(COUNT));
        later_part_done(&part);
}

/*
 * Whoever has the machine's chip has it sign any head, and the value of its index is no secret: in
 * a part without an anchor nothing else stands behind the rows.
 */
static void a_part_without_an_anchor_is_not_said_to_have_the_chips_value(void **state) {
        Pages *pages = *state, part = {};

        later_part_begin(pages, &part);
        ledger_file_tail(&part.file);
        pages_split(&part);
        LedgerVerdict verdict = verdict_now(&part);
        assert_result(&verdict, LEDGER_CHECK_ATTESTATION, LEDGER_GOOD, "");
        assert_result(&verdict, LEDGER_CHECK_VALUE, LEDGER_UNKNOWN, "No anchor");
        later_part_done(&part);
}

static void an_event_of_a_newer_version_is_not_bad(void **state) {
        Pages pages = {};
        LedgerRow row = { .event = "seal-lent" };

        (void) state;
        pages_open(&pages);
        ledger_file_header(&pages.file);
        ledger_file_row(&pages.file, &row);
        ledger_file_anchor(&pages.file);
        ledger_file_tail(&pages.file);
        pages_split(&pages);
        LedgerVerdict verdict = verdict_now(&pages);
        assert_bad(&verdict, 0);
        assert_result(&verdict, LEDGER_CHECK_EVENTS, LEDGER_UNKNOWN, "the first in row 1");
        pages_done(&pages);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define WITH_PAGES(test) cmocka_unit_test_setup_teardown(test, pages_setup, pages_teardown)
                WITH_PAGES(a_whole_file_is_good),
                WITH_PAGES(what_the_auditor_knows_is_compared),
                WITH_PAGES(every_changed_byte_is_told),
                WITH_PAGES(every_cut_is_told),
                WITH_PAGES(what_follows_the_last_line_is_told),
                WITH_PAGES(every_missing_or_doubled_byte_is_told),
                WITH_PAGES(an_edited_row_is_told_at_the_row_behind_it),
                WITH_PAGES(a_removed_row_is_told),
                WITH_PAGES(rows_in_another_order_are_told),
                WITH_PAGES(a_row_that_was_put_in_is_told),
                WITH_PAGES(a_cut_tail_is_told),
                WITH_PAGES(a_missing_anchor_is_told),
                WITH_PAGES(an_anchor_stands_behind_its_row),
                WITH_PAGES(a_file_written_anew_lacks_the_attestation),
                WITH_PAGES(a_head_that_no_chip_attests_is_bad),
                WITH_PAGES(a_ledger_of_another_authority_is_told),
                cmocka_unit_test(row_1_begins_at_the_genesis),
                cmocka_unit_test(what_is_no_export_is_told),
                WITH_PAGES(a_line_without_end_is_told_in_bounded_memory),
                WITH_PAGES(where_the_file_is_cut_into_pieces_does_not_matter),
                WITH_PAGES(a_later_part_of_a_ledger_is_good_and_says_so),
                WITH_PAGES(a_part_without_an_anchor_is_not_said_to_have_the_chips_value),
                cmocka_unit_test(an_event_of_a_newer_version_is_not_bad),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
