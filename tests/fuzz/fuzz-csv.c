/* SPDX-License-Identifier: Apache-2.0 */
/* A table that somebody's spreadsheet wrote: what is read, written again in quotes, is the same. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "client/csv.h"
#include "tests/fuzz/fuzz.h"

const unsigned fuzz_mutations = 1000;

static void field_write(const char *field, FILE *out) {
        putc('"', out);
        for (; *field != '\0'; field++) {
                if (*field == '"')
                        putc('"', out);
                putc(*field, out);
        }
        putc('"', out);
}

static char *table_write(const Csv *csv, size_t *ret_size) {
        char *text = NULL;
        FILE *out = open_memstream(&text, ret_size);

        fuzz_demand(out);
        for (size_t i = 0; i < csv->n_rows * csv->n_columns; i++) {
                field_write(csv->fields[i], out);
                fputs((i + 1) % csv->n_columns == 0 ? "\r\n" : ",", out);
        }
        fuzz_demand(fclose(out) == 0);
        return text;
}

static void check_same(const Csv *a, const Csv *b) {
        fuzz_demand(a->n_rows == b->n_rows && a->n_columns == b->n_columns);
        for (size_t i = 0; i < a->n_rows * a->n_columns; i++)
                fuzz_demand(strcmp(a->fields[i], b->fields[i]) == 0);
}

static void check_table(const Csv *csv) {
        size_t size = 0, line = 0;
        const char *fault = NULL;
        Csv again = {};

        fuzz_demand(csv->n_rows > 0 && csv->n_rows <= CSV_ROWS_MAX + 1);
        fuzz_demand(csv->n_columns > 0 && csv->n_columns <= CSV_COLUMNS_MAX);
        for (size_t i = 1; i < csv->n_rows; i++)
                fuzz_demand(csv->lines[i] > csv->lines[i - 1]);
        _cleanup_free_ char *text = table_write(csv, &size);
        if (size > CSV_BYTES_MAX)
                return;
        fuzz_demand(csv_parse(text, size, &again, &line, &fault) == 0);
        check_same(csv, &again);
        csv_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const char *fault = NULL;
        size_t line = 0;
        Csv csv = {};

        int r = csv_parse((const char *) data, size, &csv, &line, &fault);
        fuzz_demand(r == 0 || r == -EBADMSG);
        if (r == 0) {
                check_table(&csv);
                csv_done(&csv);
        } else {
                fuzz_demand(fault && line > 0 && line <= size + 1 && !csv.text);
        }
        return 0;
}
