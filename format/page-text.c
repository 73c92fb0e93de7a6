/* SPDX-License-Identifier: Apache-2.0 */
#include "format/page-text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "base/text.h"

#define LABEL_COLUMNS 14

/* Columns of UTF-8, for what is as wide as it has characters. */
static size_t width_of(const char *text, size_t size) {
        size_t width = 0;

        for (size_t i = 0; i < size; i++)
                width += ((unsigned char) text[i] & 0xc0) != 0x80;
        return width;
}

/* first begins the first line, rest each that follows. */
static void words_set(FILE *out, const char *first, const char *rest, const char *text) {
        size_t column = width_of(first, strlen(first));
        bool begun = false;

        fputs(first, out);
        while (*text != '\0') {
                size_t size = strcspn(text, " "), width = width_of(text, size);

                if (begun && column + 1 + width > PAGE_COLUMNS) {
                        fprintf(out, "\n%s", rest);
                        column = width_of(rest, strlen(rest));
                } else if (begun) {
                        fputc(' ', out);
                        column++;
                }
                fwrite(text, 1, size, out);
                column += width;
                begun = true;
                text += size + strspn(text + size, " ");
        }
        fputc('\n', out);
}

static void paragraph_set(FILE *out, const char *first, const char *rest, const char *format,
                          va_list ap) __attribute__((format(printf, 4, 0)));

static void paragraph_set(FILE *out, const char *first, const char *rest, const char *format,
                          va_list ap) {
        char text[PAGE_PARAGRAPH_MAX];

        (void) vsnprintf(text, sizeof(text), format, ap);
        text_end_whole(text);
        words_set(out, first, rest, text);
}

void page_heading(FILE *out, const char *text) {
        fprintf(out, "\n%s\n", text);
}

void page_item(FILE *out, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        paragraph_set(out, " - ", "   ", format, ap);
        va_end(ap);
}

void page_subitem(FILE *out, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        paragraph_set(out, "     ", "       ", format, ap);
        va_end(ap);
}

void page_line(FILE *out, const char *label, const char *format, ...) {
        char first[LABEL_COLUMNS + 1], rest[LABEL_COLUMNS + 1];
        va_list ap;

        (void) snprintf(first, sizeof(first), "%-*s", LABEL_COLUMNS, label);
        (void) snprintf(rest, sizeof(rest), "%-*s", LABEL_COLUMNS, "");
        va_start(ap, format);
        paragraph_set(out, first, rest, format, ap);
        va_end(ap);
}
