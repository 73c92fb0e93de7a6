/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sealctl apply --csv: all lines become calls before the first is sent. Each carries a token made
 * of what the line says, by which the daemon knows a line that the same applicant sent before.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "client/application.h"
#include "client/apply.h"
#include "client/csv.h"
#include "client/file.h"
#include "client/output.h"
#include "client/progress.h"
#include "client/text.h"

#define HASH_SIZE 32
#define TOKEN_SIZE (sizeof("csv-") + 2 * HASH_SIZE + 16)

typedef struct CsvLine {
        uint8_t hash[HASH_SIZE]; /* of what it says, whatever the order of the columns */
        sd_bus_message *call;    /* owned */
} CsvLine;

typedef struct CsvWork {
        const char *file;
        Csv csv;
        CsvLine *lines; /* one a row; that of the header is not used */
        json_t *result;
        char where[512]; /* what Context.where points to */
} CsvWork;

static void work_done(CsvWork *work) {
        for (size_t i = 1; work->lines && i < work->csv.n_rows; i++)
                sd_bus_message_unref(work->lines[i].call);
        free(work->lines);
        csv_done(&work->csv);
        json_decref(work->result);
}

static void where_set(Context *context, CsvWork *work, size_t line) {
        (void) snprintf(work->where, sizeof(work->where), "%.400s, line %zu", work->file, line);
        context->where = work->where;
}

static const char *field(const Csv *csv, size_t row, size_t column) {
        return csv->fields[row * csv->n_columns + column];
}

static const CommandOption *column_find(const char *name, const CommandOption *options,
                                        size_t n_options) {
        for (size_t i = 0; i < n_options; i++)
                if (strcmp(options[i].name, name) == 0)
                        return &options[i];
        return NULL;
}

static int columns_check(const Context *context, const Csv *csv, const CommandOption *options,
                         size_t n_options) {
        for (size_t i = 0; i < csv->n_columns; i++) {
                const char *name = field(csv, 0, i);
                const CommandOption *option = column_find(name, options, n_options);

                if (!option)
                        return fail(context, EXIT_USAGE, "there is no column '%s'", name);
                for (size_t k = 0; k < i && !option->list; k++)
                        if (strcmp(field(csv, 0, k), name) == 0)
                                return fail(context, EXIT_USAGE, "column '%s' stands there twice",
                                            name);
        }
        return 0;
}

/* A flag on the command line is a word here. */
static int field_store(const Context *context, const CommandOption *option, const char *value) {
        if (!option->flag || strcmp(value, "yes") == 0)
                return option_store(context, option, value);
        if (strcmp(value, "no") == 0)
                return 0;
        return fail(context, EXIT_USAGE, "column '%s' takes yes or no, not '%s'", option->name,
                    value);
}

/* Empty fields say nothing: the default, as for an option that is not given. */
static int row_store(const Context *context, const Csv *csv, size_t row,
                     const CommandOption *options, size_t n_options) {
        int r = 0;

        for (size_t i = 0; i < csv->n_columns && r == 0; i++)
                if (field(csv, row, i)[0] != '\0')
                        r = field_store(context, column_find(field(csv, 0, i), options, n_options),
                                        field(csv, row, i));
        return r;
}

static int row_hash(const Context *context, const Csv *csv, size_t row,
                    uint8_t ret[static HASH_SIZE]) {
        _cleanup_(json_freep) json_t *object = json_object();

        for (size_t i = 0; i < csv->n_columns; i++) {
                const char *name = field(csv, 0, i), *value = field(csv, row, i);
                json_t *list = json_object_get(object, name);

                if (value[0] == '\0')
                        continue;
                if (!list)
                        (void) json_object_set_new(object, name, list = json_array());
                if (json_array_append_new(list, json_string(value)) < 0)
                        return fail(context, EXIT_OTHER, "out of memory");
        }
        _cleanup_free_ char *text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);
        if (!text || EVP_Digest(text, strlen(text), ret, NULL, EVP_sha256(), NULL) != 1)
                return fail(context, EXIT_OTHER, "out of memory");
        return 0;
}

/* Equal lines are told apart by how many there were before. */
static void token_make(const CsvWork *work, size_t row, char ret[static TOKEN_SIZE]) {
        char hex[2 * HASH_SIZE + 1];
        size_t twin = 1;

        for (size_t i = 1; i < row; i++)
                twin += memcmp(work->lines[i].hash, work->lines[row].hash, HASH_SIZE) == 0;
        (void) snprintf(ret, TOKEN_SIZE, "csv-%s-%zu",
                        hex_encode(work->lines[row].hash, HASH_SIZE, hex), twin);
}

static int call_make(Context *context, CsvWork *work, size_t row, ApplicationWords *words) {
        char token[TOKEN_SIZE];

        int r = application_words_check(context, words);
        if (r == 0)
                r = row_hash(context, &work->csv, row, work->lines[row].hash);
        if (r == 0)
                r = call_new(context, MANAGER_PATH, MANAGER, "Apply", &work->lines[row].call);
        if (r != 0)
                return r;
        token_make(work, row, token);
        words->token = token;
        r = application_words_append(context, words, work->lines[row].call);
        words->token = NULL;
        return r;
}

static int rows_prepare(Context *context, CsvWork *work) {
        ApplicationWords words = {};
        const CommandOption options[] = { APPLICATION_OPTIONS(words) };
        const size_t n_options = sizeof(options) / sizeof(options[0]);

        where_set(context, work, work->csv.lines[0]);
        int r = columns_check(context, &work->csv, options, n_options);
        for (size_t row = 1; row < work->csv.n_rows && r == 0; row++) {
                words = (ApplicationWords){};
                where_set(context, work, work->csv.lines[row]);
                r = row_store(context, &work->csv, row, options, n_options);
                if (r == 0)
                        r = call_make(context, work, row, &words);
        }
        if (r == 0)
                context->where = NULL;
        return r;
}

/* The name, since that is what a person knows a line by. */
static const char *row_name(const Csv *csv, size_t row) {
        for (size_t i = 0; i < csv->n_columns; i++)
                if (strcmp(field(csv, 0, i), "name") == 0)
                        return field(csv, row, i);
        return "";
}

static int row_send(Context *context, CsvWork *work, size_t row) {
        _cleanup_(json_freep) json_t *path = NULL, *state = NULL;
        uint64_t id = 0;

        where_set(context, work, work->csv.lines[row]);
        int r = call_send_json(context, work->lines[row].call, &path);
        if (r == 0 && !json_is_string(path))
                r = fail(context, EXIT_OTHER, "the daemon's answer cannot be read");
        if (r == 0)
                r = property_json(context, json_string_value(path), REQUEST, "State", &state);
        if (r != 0)
                return r;
        (void) count_parse(path_last(json_string_value(path)), &id);
        json_array_append_new(work->result,
                              json_pack("{sI ss sI sO sO}", "line",
                                        (json_int_t) work->csv.lines[row], "name",
                                        row_name(&work->csv, row), "id", (json_int_t) id, "request",
                                        path, "state", state));
        context->where = NULL;
        return 0;
}

static int rows_send(Context *context, CsvWork *work) {
        Progress progress = { .what = "Lines sent" };
        int r = 0;

        for (size_t row = 1; row < work->csv.n_rows && r == 0; row++) {
                progress_show(context, &progress, row - 1, work->csv.n_rows - 1);
                r = row_send(context, work, row);
        }
        progress_clear(context, &progress);
        return r;
}

static int result_print(const Context *context, const CsvWork *work) {
        static const OutputField columns[] = {
                { "line", "LINE", FIELD_TEXT },
                { "name", "NAME", FIELD_NAME },
                { "id", "REQUEST", FIELD_TEXT },
                { "state", "STATE", FIELD_TEXT },
        };

        return print_table(context, work->result, FIELDS(columns), "No line was sent.");
}

static int work_read(const Context *context, CsvWork *work) {
        uint8_t *data = NULL;
        size_t size = 0, line = 0;
        const char *fault = NULL;

        int r = file_read(context, work->file, CSV_BYTES_MAX, &data, &size);
        if (r != 0)
                return r;
        r = csv_parse((const char *) data, size, &work->csv, &line, &fault);
        free(data);
        if (r == -EBADMSG)
                return fail_plain(context, EXIT_USAGE, "%s, line %zu: %s", work->file, line, fault);
        work->lines = r == 0 ? calloc(work->csv.n_rows, sizeof(*work->lines)) : NULL;
        work->result = json_array();
        if (!work->lines || !work->result)
                return fail(context, EXIT_OTHER, "out of memory");
        if (work->csv.n_rows < 2)
                return fail_plain(context, EXIT_USAGE, "%s has no line below its header",
                                  work->file);
        return 0;
}

static int checked_print(const Context *context, const CsvWork *work) {
        char count[24];

        (void) snprintf(count, sizeof(count), "%zu", work->csv.n_rows - 1);
        return print_done(context, "checked", count, "Lines that are good: %s; none was sent.",
                          count);
}

static int work_run(Context *context, CsvWork *work, bool dry_run) {
        int r = work_read(context, work);
        if (r == 0)
                r = rows_prepare(context, work);
        if (r == 0 && dry_run)
                return checked_print(context, work);
        if (r == 0)
                r = rows_send(context, work);
        size_t sent = json_array_size(work->result);
        if (r != 0 && sent == 0)
                return r;
        if (r != 0)
                note(context, "%zu of %zu lines were sent; the same command goes on with the rest.",
                     sent, work->csv.n_rows - 1);
        int printed = result_print(context, work);
        return r != 0 ? r : printed;
}

int apply_csv(Context *context, const char *file, bool dry_run) {
        _cleanup_(work_done) CsvWork work = { .file = file };

        int r = work_run(context, &work, dry_run);
        context->where = NULL; /* it pointed into work */
        return r;
}
