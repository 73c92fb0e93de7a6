/* SPDX-License-Identifier: Apache-2.0 */
/* Files that a spreadsheet writes, and files that somebody wrote by hand. */
#include "client/csv.c" /* the client is a program and no archive */

#include "tests/unit/unit.h"

static Csv parsed(const char *text) {
        Csv csv = {};
        size_t line = 0;
        const char *fault = NULL;

        assert_int_equal(csv_parse(text, strlen(text), &csv, &line, &fault), 0);
        return csv;
}

static void assert_field(const Csv *csv, size_t row, size_t column, const char *expected) {
        if (csv->fields && row < csv->n_rows && column < csv->n_columns)
                assert_string_equal(csv->fields[row * csv->n_columns + column], expected);
        else
                fail_msg("there is no field %zu in row %zu", column, row);
}

static void assert_line(const Csv *csv, size_t row, size_t expected) {
        if (csv->lines && row < csv->n_rows)
                assert_int_equal(csv->lines[row], expected);
        else
                fail_msg("there is no row %zu", row);
}

static void assert_fault(const char *text, size_t size, size_t line, const char *word) {
        Csv csv = {};
        size_t found = 0;
        const char *fault = NULL;

        assert_int_equal(csv_parse(text, size, &csv, &found, &fault), -EBADMSG);
        assert_int_equal(found, line);
        if (!fault || !strstr(fault, word))
                fail_msg("'%s' is not said: %s", word, fault ? fault : "nothing");
        assert_null(csv.text);
}

#define FAULT(text, line, word) assert_fault(text, strlen(text), line, word)

static void lines_are_rows_whatever_ends_them(void **state) {
        static const char *const texts[] = { "a,b\n1,2\n3,4\n", "a,b\r\n1,2\r\n3,4",
                                             "a,b\n1,2\r\n3,4\n", "\n\na,b\n\r\n1,2\n\n3,4\n\n" };

        (void) state;
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                Csv csv = parsed(texts[i]);
                assert_int_equal(csv.n_rows, 3);
                assert_int_equal(csv.n_columns, 2);
                assert_field(&csv, 0, 1, "b");
                assert_field(&csv, 1, 0, "1");
                assert_field(&csv, 2, 1, "4");
                csv_done(&csv);
        }
}

static void a_quoted_field_holds_commas_quotes_and_line_breaks(void **state) {
        Csv csv = parsed("name,holder\n\"Acme, \"\"the\"\" firm\",\"two\r\nlines\"\n\"\",x\n");

        (void) state;
        assert_int_equal(csv.n_rows, 3);
        assert_field(&csv, 1, 0, "Acme, \"the\" firm");
        assert_field(&csv, 1, 1, "two\r\nlines");
        assert_field(&csv, 2, 0, "");
        assert_line(&csv, 1, 2);
        assert_line(&csv, 2, 4); /* a row that spans two lines counts both */
        csv_done(&csv);
}

static void empty_fields_and_spaces_stay(void **state) {
        Csv csv = parsed("a,b,c\n, x ,\n,,\n");

        (void) state;
        assert_field(&csv, 1, 0, "");
        assert_field(&csv, 1, 1, " x ");
        assert_field(&csv, 1, 2, "");
        assert_field(&csv, 2, 2, "");
        csv_done(&csv);
}

static void the_mark_of_a_spreadsheet_is_no_part_of_the_first_name(void **state) {
        Csv csv = parsed("\xef\xbb\xbfname\n\xe5\x8d\xb0\n");

        (void) state;
        assert_field(&csv, 0, 0, "name");
        assert_field(&csv, 1, 0, "\xe5\x8d\xb0");
        csv_done(&csv);
}

static void what_is_malformed_is_refused_with_its_line(void **state) {
        (void) state;
        FAULT("", 1, "empty");
        FAULT("\n\n", 3, "empty");
        FAULT("a,b\n1,2\n1\n", 3, "another number");
        FAULT("a\n1,2\n", 2, "another number");
        FAULT("a,b\n1,\"2\n", 3, "not closed");
        FAULT("a,b\n1,\"2\" \n", 2, "follows a closing");
        FAULT("a,b\n1,2\"3\n", 2, "quotation mark within");
        FAULT("a,b\r1,2\n", 1, "carriage return");
        FAULT("a\n\xff\n", 1, "UTF-8");
        assert_fault("a\n\0b\n", 5, 1, "UTF-8");
}

static void sizes_are_bounded(void **state) {
        size_t rows = CSV_ROWS_MAX + 2, columns = CSV_COLUMNS_MAX + 1;
        char *text = malloc(2 * rows + 1), *wide = malloc(2 * columns + 1);
        char *large = calloc(1, CSV_BYTES_MAX + 1);
        Csv csv;

        (void) state;
        for (size_t i = 0; i < rows; i++)
                memcpy(text + 2 * i, "a\n", 3);
        assert_fault(text, 2 * rows, rows, "too many lines");
        csv = (Csv){};
        text[2 * (rows - 1)] = '\0';
        csv = parsed(text);
        assert_int_equal(csv.n_rows, CSV_ROWS_MAX + 1);
        csv_done(&csv);
        for (size_t i = 0; i < columns; i++)
                memcpy(wide + 2 * i, "a,", 3);
        wide[2 * columns - 1] = '\0';
        FAULT(wide, 1, "too many fields");
        assert_fault(large, CSV_BYTES_MAX + 1, 1, "too large");
        free(text);
        free(wide);
        free(large);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(lines_are_rows_whatever_ends_them),
                cmocka_unit_test(a_quoted_field_holds_commas_quotes_and_line_breaks),
                cmocka_unit_test(empty_fields_and_spaces_stay),
                cmocka_unit_test(the_mark_of_a_spreadsheet_is_no_part_of_the_first_name),
                cmocka_unit_test(what_is_malformed_is_refused_with_its_line),
                cmocka_unit_test(sizes_are_bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
