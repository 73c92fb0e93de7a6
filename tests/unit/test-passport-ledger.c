/* SPDX-License-Identifier: Apache-2.0 */
#include "format/passport-ledger.h"

#include <stdlib.h>

#include "policy/key.h"
#include "tests/fixture/ledger.h"
#include "tests/unit/unit.h"

/*
 * A ledger of five rows, the third and the last anchored; the passport was made after the fourth.
 */
typedef struct Book {
        LedgerFile file;
        char *text;
        size_t size;
        Passport *passport;
        PassportFacts facts;
} Book;

static void passport_fill(Book *book) {
        PassportLedger *ledger = &book->passport->statement.ledger;

        ledger->index.nvIndex = LEDGER_FIXTURE_INDEX;
        ledger->head_seq = book->file.seq;
        memcpy(ledger->head, book->file.head, sizeof(ledger->head));
        ledger->anchor_seq = 3;
        memcpy(book->facts.ledger, book->file.value, sizeof(book->facts.ledger));
        book->facts.authority = book->file.authority.name;
        assert_int_equal(public_name(&book->file.header.ak, &book->facts.attestation_key), 0);
}

static int book_setup(void **state) {
        Book *book = calloc(1, sizeof(*book));

        assert_non_null(book);
        book->passport = passport_new();
        assert_non_null(book->passport);
        FILE *out = open_memstream(&book->text, &book->size);
        assert_non_null(out);
        ledger_file_init(&book->file, out);
        ledger_file_header(&book->file);
        for (int row = 1; row <= 5; row++) {
                ledger_file_event(&book->file, EVENT_USE, "11010500000001");
                if (row == 3 || row == 5)
                        ledger_file_anchor(&book->file);
                if (row == 4)
                        passport_fill(book);
        }
        ledger_file_tail(&book->file);
        assert_int_equal(fclose(out), 0);
        *state = book;
        return 0;
}

static int book_teardown(void **state) {
        Book *book = *state;

        ledger_file_done(&book->file);
        book->passport = passport_free(book->passport);
        free(book->text);
        free(book);
        return 0;
}

static int judge(const Book *book, ErrorDetail *detail) {
        _cleanup_(ledger_verifier_freep) LedgerVerifier *verifier = NULL;
        LedgerExpected expected;
        LedgerVerdict verdict;
        LedgerSought sought;

        assert_int_equal(passport_ledger_seek(book->passport, &book->facts, &sought, &expected), 0);
        assert_int_equal(ledger_verifier_new(&verifier), 0);
        ledger_verifier_seek(verifier, &sought);
        assert_int_equal(ledger_verifier_feed(verifier, book->text, book->size), 0);
        assert_int_equal(ledger_verifier_finish(verifier, &expected, &verdict), 0);
        return passport_ledger_judge(book->passport, &verdict, detail);
}

static void assert_refused(const Book *book, const char *says) {
        ErrorDetail detail = {};

        assert_int_equal(judge(book, &detail), SEAL_E_REGISTER_TAMPERED);
        if (!strstr(detail.text, says))
                fail_msg("'%s' lacks '%s'", detail.text, says);
}

static void assert_good(const Book *book) {
        ErrorDetail detail = {};

        if (judge(book, &detail) != 0)
                fail_msg("%s", detail.text);
}

static void a_ledger_that_went_on_leads_to_its_passport(void **state) {
        assert_good(*state);
}

static void before_the_first_anchor_the_value_is_the_geneses(void **state) {
        Book *book = *state;

        book->passport->statement.ledger.anchor_seq = 0;
        memcpy(book->facts.ledger, book->file.header.value, sizeof(book->facts.ledger));
        assert_good(book);
}

static void another_value_or_place_of_it_is_told(void **state) {
        Book *book = *state;
        PassportLedger *ledger = &book->passport->statement.ledger;

        book->facts.ledger[0] ^= 1;
        assert_refused(book, "does not lead to the value");
        book->facts.ledger[0] ^= 1;
        ledger->anchor_seq = 5;
        assert_refused(book, "does not lead to the value");
        ledger->anchor_seq = 0;
        assert_refused(book, "does not lead to the value");
}

static void another_row_is_told(void **state) {
        Book *book = *state;
        PassportLedger *ledger = &book->passport->statement.ledger;

        ledger->head[31] ^= 1;
        assert_refused(book, "names as its last is not there");
        ledger->head[31] ^= 1;
        ledger->head_seq = 3;
        assert_refused(book, "names as its last is not there");
        ledger->head_seq = 6;
        assert_refused(book, "ends before the passport was made");
}

static void a_ledger_of_another_machine_is_told(void **state) {
        Book *book = *state;

        book->facts.authority.name[9] ^= 1;
        assert_refused(book, "The ledger: ");
        book->facts.authority.name[9] ^= 1;
        book->facts.attestation_key.name[9] ^= 1;
        assert_refused(book, "The key that signed is another one");
        book->facts.attestation_key.name[9] ^= 1;
        book->passport->statement.ledger.index.nvIndex++;
        assert_refused(book, "The ledger: ");
}

static void a_ledger_that_is_bad_itself_is_told(void **state) {
        Book *book = *state;
        char *row = strstr(book->text, "user:alice");

        assert_non_null(row);
        memcpy(row, "user:bob12", 10);
        assert_refused(book, "The ledger: ");
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define WITH_BOOK(test) cmocka_unit_test_setup_teardown(test, book_setup, book_teardown)
                WITH_BOOK(a_ledger_that_went_on_leads_to_its_passport),
                WITH_BOOK(before_the_first_anchor_the_value_is_the_geneses),
                WITH_BOOK(another_value_or_place_of_it_is_told),
                WITH_BOOK(another_row_is_told),
                WITH_BOOK(a_ledger_of_another_machine_is_told),
                WITH_BOOK(a_ledger_that_is_bad_itself_is_told),
#undef WITH_BOOK
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
