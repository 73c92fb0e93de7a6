/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table in a text file as RFC 4180 has it: lines end with CRLF or LF, fields in double quotes may
 * hold commas, line breaks and quotes (doubled). UTF-8; a byte order mark before it is skipped, and
 * so are blank lines. Every line has as many fields as the first, which names the columns.
 */
#pragma once

#include <stddef.h>

#define CSV_BYTES_MAX (4UL * 1024 * 1024)
#define CSV_ROWS_MAX 1000 /* beside the header */
#define CSV_COLUMNS_MAX 128

typedef struct Csv {
        char *text; /* owned: where the fields are */
        size_t n_rows, n_columns;
        const char **fields; /* owned: n_rows times n_columns, row 0 the header */
        size_t *lines;       /* owned: of each row, the line of the file where it begins */
} Csv;

void csv_done(Csv *csv);

/*
 * Returns 0; -ENOMEM; or -EBADMSG with the line, and what is wrong with it as a sentence without
 * its end.
 */
int csv_parse(const char *text, size_t size, Csv *ret, size_t *ret_line, const char **ret_fault);
