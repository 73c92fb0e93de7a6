/* SPDX-License-Identifier: Apache-2.0 */
/* Results: a table or "label: value" lines for people, JSON for programs. */
#pragma once

#include <stddef.h>

#include <jansson.h>

#include "client/context.h"

typedef enum FieldKind {
        FIELD_TEXT,     /* a string, number, list of strings, or counts by name */
        FIELD_NAME,     /* a text that a table on a terminal may cut short */
        FIELD_TIME,     /* microseconds since the epoch; 0 is "-" */
        FIELD_LIMIT,    /* a count; 0 is "none" */
        FIELD_DURATION, /* microseconds; 0 is not said */
        FIELD_SEALS,    /* a count of seals */
        FIELD_HANDLE,
        FIELD_BYTES, /* hex, cut short in tables */
} FieldKind;

typedef struct OutputField {
        const char *key;
        const char *label;
        FieldKind kind;
} OutputField;

#define FIELDS(table) (table), sizeof(table) / sizeof((table)[0])

/* Print JSON on standard output, one document and a line break. */
int print_json_value(const Context *context, const json_t *value);

/* An array of objects as a table with one column per field; empty says what is missing. */
int print_table(const Context *context, const json_t *rows, const OutputField *fields,
                size_t n_fields, const char *empty);

/* The named keys of an object, those that are there and say something. */
int print_fields(const Context *context, const json_t *object, const OutputField *fields,
                 size_t n_fields);

/* A string of an object, "" when missing. Owned by the object. */
const char *json_text(const json_t *object, const char *key);

/*
 * Tell people what a document lacks that the daemon could not open: its "opaque" is true while the
 * machine's state is not approved.
 */
void note_opaque(const Context *context, const json_t *document);

/* An array of arrays as an array of objects with these keys; NULL without memory. */
json_t *rows_named(const json_t *rows, const char *const *keys, size_t n_keys);

/* What a status says needs attention, as a list; nothing where there is nothing. */
void print_attention(const json_t *status);

/* Print on standard output with control characters escaped. */
void print_escaped(const char *text);

/* "{KEY: VALUE}" with --json, else the sentence (escaped) on standard output. */
int print_done(const Context *context, const char *key, const char *value, const char *format, ...)
        __attribute__((format(printf, 4, 5)));
