/* SPDX-License-Identifier: Apache-2.0 */
#include "format/ledger-export.h"

#include <errno.h>
#include <stdlib.h>

#include "policy/attest.h"
#include "tests/unit/unit.h"

#define AB "abababababababababababababababababababababababababababababababab"
#define ROW "{\"event\":\"use\",\"previous\":\"" AB "\",\"seq\":7,\"time\":1}"

static void a_row_is_a_line_as_it_is(void **state) {
        char *line = NULL;
        size_t size = 0;

        (void) state;
        assert_int_equal(ledger_line_write(7, ROW, strlen(ROW), &line, &size), 0);
        assert_string_equal(line, ROW "\n");
        assert_int_equal(size, strlen(line));
        assert_int_equal(ledger_line_kind(line, size), LEDGER_LINE_ROW);
        free(line);
}

static void assert_damaged(const char *text, size_t size) {
        uint8_t hash[LEDGER_HASH_SIZE];
        LedgerDamaged damaged;
        char *line = NULL;
        size_t line_size = 0;

        assert_int_equal(ledger_line_write(7, text, size, &line, &line_size), 0);
        assert_int_equal(line_size, strlen(line));
        assert_ptr_equal(strchr(line, '\n'), line + line_size - 1);
        assert_int_equal(ledger_line_kind(line, line_size - 1), LEDGER_LINE_DAMAGED);
        assert_int_equal(ledger_damaged_read(line, line_size - 1, &damaged, NULL), 0);
        assert_int_equal(damaged.seq, 7);
        assert_int_equal(ledger_row_hash(text, size, hash), 0);
        assert_memory_equal(hash, damaged.hash, sizeof(hash));
        free(line);
}

/* Whoever edits the register cannot write other lines into the file. */
static void a_text_that_would_be_another_line_is_damaged(void **state) {
        static const char *const texts[] = {
                "",
                "\n",
                "hello",
                "[]",
                "{\"event\":\"use\"\n}",
                "{\"anchor\":1,\"value\":\"" AB "\"}",
                "{\"attest\":\"\",\"head\":\"" AB "\",\"rows\":1,\"seq\":1,\"signature\":\"\"}",
                "{\"damaged\":1,\"hash\":\"" AB "\"}",
        };
        char *large = malloc(LEDGER_ROW_MAX + 1);

        (void) state;
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
                assert_damaged(texts[i], strlen(texts[i]));
        assert_damaged("{\"a\":\"\0\"}", 9);
        assert_non_null(large);
        memset(large, '{', LEDGER_ROW_MAX + 1);
        assert_damaged(large, LEDGER_ROW_MAX + 1);
        free(large);
}

static void anchors_are_read_as_written(void **state) {
        (void) state;
        for (int rebase = 0; rebase < 2; rebase++) {
                LedgerAnchorLine anchor = { .seq = 12, .rebase = rebase }, back = {};
                char *line = NULL;

                memset(anchor.value, 0xab, sizeof(anchor.value));
                assert_int_equal(ledger_anchor_write(&anchor, &line), 0);
                assert_string_equal(line, rebase ? "{\"anchor\":12,\"rebase\":true,\"value\":\"" AB
                                                   "\"}\n"
                                                 : "{\"anchor\":12,\"value\":\"" AB "\"}\n");
                assert_int_equal(ledger_line_kind(line, strlen(line) - 1), LEDGER_LINE_ANCHOR);
                assert_int_equal(ledger_anchor_read(line, strlen(line) - 1, &back, NULL), 0);
                assert_int_equal(back.seq, 12);
                assert_int_equal(back.rebase, rebase);
                assert_memory_equal(back.value, anchor.value, sizeof(back.value));
                free(line);
        }
}

static LedgerHeader header_make(void) {
        LedgerHeader header = { .authority = { .size = 34, .name = { 0, TPM2_ALG_SHA256, 1 } },
                                .index = 0x01800007,
                                .ak = attest_key_template(),
                                .first = 1 };

        header.ak.publicArea.unique.ecc.x.size = 32;
        header.ak.publicArea.unique.ecc.y.size = 32;
        memset(header.genesis, 0xab, sizeof(header.genesis));
        memset(header.previous, 0xcd, sizeof(header.previous));
        return header;
}

static void the_header_is_read_as_written(void **state) {
        LedgerHeader header = header_make(), back = {};
        char *line = NULL, *again = NULL;

        (void) state;
        assert_int_equal(ledger_header_write(&header, &line), 0);
        assert_non_null(strstr(line, "\"index\":\"01800007\""));
        assert_int_equal(ledger_header_read(line, strlen(line) - 1, &back, NULL), 0);
        assert_int_equal(ledger_header_write(&back, &again), 0);
        assert_string_equal(again, line);
        free(line);
        free(again);
}

static void assert_header_refused(const char *line, const char *from, const char *to) {
        _cleanup_free_ char *other = strdup(line);
        LedgerHeader header = {};
        ErrorDetail detail = {};

        char *at = strstr(other, from);
        assert_non_null(at);
        for (size_t j = 0; to[j] != '\0'; j++)
                at[j] = to[j];
        assert_int_equal(ledger_header_read(other, strlen(other) - 1, &header, &detail),
                         SEAL_E_REGISTER_TAMPERED);
        assert_int_not_equal(detail.text[0], '\0');
}

static void a_header_of_another_shape_is_refused(void **state) {
        LedgerHeader header = header_make();
        char *line = NULL;

        (void) state;
        assert_int_equal(ledger_header_write(&header, &line), 0);
        assert_header_refused(line, "\"ak\"", "\"al\"");
        assert_header_refused(line, "\"ak\":\"00", "\"ak\":\"01");
        assert_header_refused(line, "\"authority\":\"000b", "\"authority\":\"000c");
        assert_header_refused(line, "\"first\":1", "\"first\":0");
        assert_header_refused(line, "sealsd-ledger", "sealsd-ledges");
        assert_header_refused(line, "abababab", "ABababab");
        assert_header_refused(line, "\"version\":1", "\"version\":2");
        free(line);
}

static void the_tail_is_read_as_written(void **state) {
        static LedgerTail tail = { .seq = 9, .rows = 8, .attest_size = 3, .signature_size = 2 },
                          back;
        char *line = NULL;

        (void) state;
        assert_int_equal(ledger_tail_write(&tail, &line), 0);
        assert_int_equal(ledger_line_kind(line, strlen(line) - 1), LEDGER_LINE_TAIL);
        assert_int_equal(ledger_tail_read(line, strlen(line) - 1, &back, NULL), 0);
        assert_int_equal(back.seq, 9);
        assert_int_equal(back.rows, 8);
        assert_int_equal(back.attest_size, 3);
        assert_int_equal(back.signature_size, 2);
        free(line);
}

/* Computed with printf and sha256sum, as docs/ledger.md has it. */
static void the_qualifying_data_is_that_of_the_manual(void **state) {
        uint8_t head[LEDGER_HASH_SIZE];
        TPM2B_DATA data;

        (void) state;
        memset(head, 0xab, sizeof(head));
        assert_int_equal(ledger_head_qualifying(5, head, &data), 0);
        unit_assert_hex(data.buffer, data.size,
                        "9cc7f67e5e5565aabe4cf8cd90d113eb302aada2a11b7eae52aae92de909df95");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_row_is_a_line_as_it_is),
                cmocka_unit_test(a_text_that_would_be_another_line_is_damaged),
                cmocka_unit_test(anchors_are_read_as_written),
                cmocka_unit_test(the_header_is_read_as_written),
                cmocka_unit_test(a_header_of_another_shape_is_refused),
                cmocka_unit_test(the_tail_is_read_as_written),
                cmocka_unit_test(the_qualifying_data_is_that_of_the_manual),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
