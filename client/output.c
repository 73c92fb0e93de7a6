/* SPDX-License-Identifier: Apache-2.0 */
#include "client/output.h"

#include <errno.h>
#include <libsmartcols/libsmartcols.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "client/text.h"

int print_json_value(const Context *context, const json_t *value) {
        if (json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY) < 0)
                return fail(context, EXIT_OTHER, "the result cannot be written");
        putchar('\n');
        return 0;
}

const char *json_text(const json_t *object, const char *key) {
        const char *text = json_string_value(json_object_get(object, key));

        return text ? text : "";
}

static void list_format(const json_t *list, FILE *out) {
        const json_t *item;
        size_t i;

        json_array_foreach(list, i, item) {
                const char *text = json_is_object(item) ? json_text(item, "subject")
                                                        : json_string_value(item);
                fprintf(out, "%s%s", i > 0 ? ", " : "", text ? text : "");
        }
}

static void duration_format(uint64_t usec, FILE *out) {
        if (usec > 0)
                fprintf(out, "%llu days", (unsigned long long) (usec / USEC_PER_DAY));
}

static void integer_format(json_int_t value, FieldKind kind, FILE *out) {
        char time[TIME_TEXT_SIZE];

        if (kind == FIELD_TIME)
                fputs(time_format((uint64_t) value, time), out);
        else if (kind == FIELD_DURATION)
                duration_format((uint64_t) value, out);
        else if (kind == FIELD_LIMIT && value == 0)
                fputs("none", out);
        else if (kind == FIELD_SEALS)
                fprintf(out, "%lld %s", (long long) value, value == 1 ? "seal" : "seals");
        else if (kind == FIELD_HANDLE)
                fprintf(out, "0x%08llx", (unsigned long long) value);
        else
                fprintf(out, "%lld", (long long) value);
}

/* Counts by what they count: "3 active, 1 revoked". */
static void counts_format(const json_t *counts, FILE *out) {
        const char *key, *separator = "";
        json_t *count;

        json_object_foreach((json_t *) counts, key, count) {
                fprintf(out, "%s%lld %s", separator, (long long) json_integer_value(count), key);
                separator = ", ";
        }
}

static void value_format(const json_t *value, FieldKind kind, FILE *out) {
        if (json_is_integer(value))
                integer_format(json_integer_value(value), kind, out);
        else if (json_is_boolean(value))
                fputs(json_is_true(value) ? "yes" : "no", out);
        else if (json_is_array(value))
                list_format(value, out);
        else if (json_is_object(value))
                counts_format(value, out);
        else if (json_is_string(value))
                fputs(json_string_value(value), out);
}

/* The text for people, escaped; NULL without memory. Owned by the caller. */
static char *field_text(const json_t *object, const OutputField *field) {
        _cleanup_free_ char *text = NULL;
        size_t size;

        FILE *out = open_memstream(&text, &size);
        if (!out)
                return NULL;
        value_format(json_object_get(object, field->key), field->kind, out);
        if (fclose(out) != 0)
                return NULL;
        return text_escape(text);
}

static int row_add(struct libscols_table *table, const json_t *row, const OutputField *fields,
                   size_t n_fields) {
        struct libscols_line *line = scols_table_new_line(table, NULL);

        if (!line)
                return -ENOMEM;
        for (size_t i = 0; i < n_fields; i++) {
                char *text = field_text(row, &fields[i]);
                int r = text ? scols_line_refer_data(line, i, text) : -ENOMEM; /* takes text */
                if (r < 0)
                        return r;
        }
        return 0;
}

static int table_fill(struct libscols_table *table, const json_t *rows, const OutputField *fields,
                      size_t n_fields) {
        const json_t *row;
        size_t i;

        for (i = 0; i < n_fields; i++)
                if (!scols_table_new_column(table, fields[i].label, 0,
                                            fields[i].kind == FIELD_NAME ? SCOLS_FL_TRUNC : 0))
                        return -ENOMEM;
        json_array_foreach(rows, i, row) {
                int r = row_add(table, row, fields, n_fields);
                if (r < 0)
                        return r;
        }
        return scols_print_table(table);
}

int print_table(const Context *context, const json_t *rows, const OutputField *fields,
                size_t n_fields, const char *empty) {
        if (context->json)
                return print_json_value(context, rows);
        if (json_array_size(rows) == 0) {
                puts(empty);
                return 0;
        }
        struct libscols_table *table = scols_new_table();
        int r = table ? table_fill(table, rows, fields, n_fields) : -ENOMEM;
        scols_unref_table(table);
        return r < 0 ? fail_errno(context, r, "the table cannot be printed") : 0;
}

int print_fields(const Context *context, const json_t *object, const OutputField *fields,
                 size_t n_fields) {
        int width = 0;

        for (size_t i = 0; i < n_fields; i++)
                if ((int) strlen(fields[i].label) > width)
                        width = (int) strlen(fields[i].label);
        for (size_t i = 0; i < n_fields; i++) {
                _cleanup_free_ char *text = field_text(object, &fields[i]);
                if (!text)
                        return fail_errno(context, -ENOMEM, "the result cannot be printed");
                if (text[0] != '\0')
                        printf("%*s: %s\n", width, fields[i].label, text);
        }
        return 0;
}

void note_opaque(const Context *context, const json_t *document) {
        if (json_is_true(json_object_get(document, "opaque")))
                note(context, "What is confidential is not shown: the machine is not in an "
                              "approved state ('sealctl machine-state show').");
}

json_t *rows_named(const json_t *rows, const char *const *keys, size_t n_keys) {
        json_t *named = json_array(), *row;
        size_t i;

        json_array_foreach(rows, i, row) {
                json_t *object = json_object();
                for (size_t k = 0; k < n_keys; k++)
                        if (json_object_set(object, keys[k], json_array_get(row, k)) < 0)
                                break; /* a shorter row: the key is left out */
                if (json_array_append_new(named, object) < 0) {
                        json_decref(named);
                        return NULL;
                }
        }
        return named;
}

void print_escaped(const char *text) {
        _cleanup_free_ char *escaped = text_escape(text);

        fputs(escaped ? escaped : "?", stdout);
}

void print_attention(const json_t *status) {
        const json_t *item, *list = json_object_get(status, "attention");
        size_t i;

        if (json_array_size(list) > 0)
                puts("\nNeeds attention:");
        json_array_foreach(list, i, item) {
                fputs("  - ", stdout);
                print_escaped(json_is_string(item) ? json_string_value(item) : "?");
                putchar('\n');
        }
}

int print_done(const Context *context, const char *key, const char *value, const char *format,
               ...) {
        _cleanup_free_ char *sentence = NULL;
        va_list arguments;

        if (context->json) {
                json_t *object = json_pack("{ss}", key, value);
                int r = print_json_value(context, object);
                json_decref(object);
                return r;
        }
        va_start(arguments, format);
        if (vasprintf(&sentence, format, arguments) < 0)
                sentence = NULL;
        va_end(arguments);
        if (sentence)
                print_escaped(sentence);
        putchar('\n');
        return 0;
}
