/* SPDX-License-Identifier: Apache-2.0 */
#include "client/csv.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

/*
 * The text is taken apart in place: a field never grows, and gets its end where its delimiter was.
 */
typedef struct Parser {
        char *at;
        size_t line;
        char delimiter; /* behind the field read last: ',', '\n' or '\0' at the end */
        const char *fault;
} Parser;

void csv_done(Csv *csv) {
        free(csv->text);
        free(csv->fields);
        free(csv->lines);
        *csv = (Csv){};
}

static int fault_set(Parser *p, const char *fault) {
        p->fault = fault;
        return -EBADMSG;
}

/* Step over what follows a field, and remember what it was. */
static int delimiter_take(Parser *p, char *field_end) {
        char *at = p->at;

        if (at[0] == '\r' && at[1] == '\n')
                at++;
        if (*at != ',' && *at != '\n' && *at != '\0')
                return fault_set(p, *at == '\r' ? "a carriage return without a line feed"
                                                : "something follows a closing quotation mark");
        p->delimiter = *at;
        p->line += *at == '\n';
        p->at = *at == '\0' ? at : at + 1;
        *field_end = '\0';
        return 0;
}

/* p->at is behind the opening quotation mark. */
static int quoted_read(Parser *p) {
        char *to = p->at;

        for (;; p->at++) {
                if (*p->at == '\0')
                        return fault_set(p, "a quotation mark is not closed");
                if (*p->at == '"' && *++p->at != '"')
                        return delimiter_take(p, to);
                p->line += *p->at == '\n';
                *to++ = *p->at;
        }
}

static int field_read(Parser *p, const char **ret) {
        if (*p->at == '"') {
                *ret = ++p->at;
                return quoted_read(p);
        }
        *ret = p->at;
        p->at += strcspn(p->at, ",\"\r\n");
        if (*p->at == '"')
                return fault_set(p, "a quotation mark within a field that has none around it");
        return delimiter_take(p, p->at);
}

static void blank_lines_skip(Parser *p) {
        for (; *p->at == '\n' || (p->at[0] == '\r' && p->at[1] == '\n'); p->at++)
                p->line += *p->at == '\n';
}

static int row_read(Parser *p, Csv *csv) {
        const char *fields[CSV_COLUMNS_MAX];
        size_t n = 0, line = p->line;
        int r;

        do {
                if (n == CSV_COLUMNS_MAX)
                        return fault_set(p, "it has too many fields");
                r = field_read(p, &fields[n++]);
        } while (r == 0 && p->delimiter == ',');
        if (r == 0 && csv->n_rows > 0 && n != csv->n_columns) {
                p->line = line;
                r = fault_set(p, "it has another number of fields than the first line");
        }
        if (r != 0)
                return r;
        csv->n_columns = n;
        const char **all = reallocarray(csv->fields, (csv->n_rows + 1) * n, sizeof(*all));
        if (!all)
                return -ENOMEM;
        csv->fields = all;
        memcpy(all + csv->n_rows * n, fields, n * sizeof(*all));
        csv->lines[csv->n_rows++] = line;
        return 0;
}

static int rows_read(Parser *p, Csv *csv) {
        for (blank_lines_skip(p); *p->at != '\0'; blank_lines_skip(p)) {
                if (csv->n_rows > CSV_ROWS_MAX)
                        return fault_set(p, "the file has too many lines");
                int r = row_read(p, csv);
                if (r != 0)
                        return r;
        }
        return csv->n_rows > 0 ? 0 : fault_set(p, "the file is empty");
}

static int text_take(Parser *p, const char *text, size_t size, Csv *csv) {
        if (size > CSV_BYTES_MAX)
                return fault_set(p, "the file is too large");
        if (memchr(text, '\0', size) || !text_is_utf8(text, size))
                return fault_set(p, "the file is not UTF-8 text");
        csv->text = strndup(text, size);
        csv->lines = calloc(CSV_ROWS_MAX + 1, sizeof(*csv->lines));
        if (!csv->text || !csv->lines)
                return -ENOMEM;
        p->at = csv->text;
        if (strncmp(p->at, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
                p->at += strlen(BYTE_ORDER_MARK);
        return 0;
}

int csv_parse(const char *text, size_t size, Csv *ret, size_t *ret_line, const char **ret_fault) {
        Parser p = { .line = 1 };
        Csv csv = {};

        int r = text_take(&p, text, size, &csv);
        if (r == 0)
                r = rows_read(&p, &csv);
        if (r == 0) {
                *ret = csv;
                return 0;
        }
        csv_done(&csv);
        *ret_line = p.line;
        *ret_fault = p.fault;
        return r;
}
