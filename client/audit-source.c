/* SPDX-License-Identifier: Apache-2.0 */
#include "client/audit-source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "client/bus-call.h"
#include "client/ledger-page.h"
#include "client/output.h"
#include "client/progress.h"
#include "format/ledger-export.h"

static bool event_fits(const AuditQuery *query, int code) {
        for (size_t i = 0; i < query->n_events; i++)
                if ((int) query->events[i] == code)
                        return true;
        return query->n_events == 0;
}

static bool text_fits(const char *wanted, const char *text) {
        return !wanted || (text && strcmp(wanted, text) == 0);
}

/* For the file, and for what the daemon sends. */
static bool audit_query_fits(const AuditQuery *query, const LedgerParsed *parsed) {
        const LedgerRow *row = &parsed->row;

        return event_fits(query, parsed->code) && text_fits(query->seal, row->seal) &&
               text_fits(query->subject, row->subject) && row->time >= query->since &&
               (query->until == 0 || row->time <= query->until);
}

/* --- a file ----------------------------------------------------------------------------------- */

typedef struct FileReading {
        const AuditQuery *query;
        AuditRowFunction row;
        void *userdata;
        Progress progress;
        uint64_t line;
        uint64_t seq; /* of the row before; 0: none */
        uint8_t hash[LEDGER_HASH_SIZE];
        bool broken;
} FileReading;

/* Header, anchors and head stand between the rows and are for `ledger verify`. */
static bool line_is_row(FileReading *reading, const char *line, size_t size) {
        LedgerHeader header;

        if (reading->line == 1 && ledger_header_read(line, size, &header, NULL) == 0)
                return false;
        switch (ledger_line_kind(line, size)) {
        case LEDGER_LINE_ANCHOR:
        case LEDGER_LINE_TAIL:
                return false;
        case LEDGER_LINE_DAMAGED:
                reading->broken = true;
                return false;
        default:
                return true;
        }
}

static void chain_follow(const Context *context, FileReading *reading, const LedgerParsed *parsed) {
        ErrorDetail detail = {};

        if (reading->seq > 0 && !reading->broken &&
            ledger_row_follows(&parsed->row, reading->seq + 1, reading->hash, &detail) != 0) {
                note(context, "Line %llu: %s", (unsigned long long) reading->line,
                     error_describe(SEAL_E_REGISTER_TAMPERED, &detail));
                reading->broken = true;
        }
        reading->seq = parsed->row.seq;
        memcpy(reading->hash, parsed->hash, sizeof(reading->hash));
}

static int line_read(const Context *context, FileReading *reading, const char *line, size_t size) {
        LedgerParsed parsed = {};
        ErrorDetail detail = {};

        reading->line++;
        progress_show(context, &reading->progress, reading->line, 0);
        if (!line_is_row(reading, line, size))
                return 0;
        int r = ledger_row_parse(line, size, &parsed, &detail);
        if (r < 0)
                return fail_errno(context, r, reading->query->file);
        if (r > 0) {
                if (!reading->broken)
                        note(context, "Line %llu: %s", (unsigned long long) reading->line,
                             error_describe(r, &detail));
                reading->broken = true;
                return 0;
        }
        chain_follow(context, reading, &parsed);
        r = audit_query_fits(reading->query, &parsed) ? reading->row(reading->userdata, &parsed)
                                                      : 0;
        ledger_parsed_done(&parsed);
        return r;
}

static int lines_read(const Context *context, FileReading *reading, FILE *file) {
        _cleanup_free_ char *line = NULL;
        size_t room = 0;
        ssize_t n;
        int r = 0;

        while (r == 0 && (n = getline(&line, &room, file)) >= 0) {
                if (n > 0 && line[n - 1] == '\n')
                        n--;
                r = line_read(context, reading, line, (size_t) n);
        }
        progress_clear(context, &reading->progress);
        if (r == 0 && ferror(file))
                return fail_errno(context, -errno, reading->query->file);
        if (r == 0 && reading->seq == 0)
                return fail_plain(context, EXIT_USAGE, "%s has no row of a ledger",
                                  reading->query->file);
        return r;
}

static int file_read_rows(const Context *context, const AuditQuery *query, AuditRowFunction row,
                          void *userdata) {
        const bool standard_input = strcmp(query->file, "-") == 0;
        FileReading reading = {
                .query = query, .row = row, .userdata = userdata, .progress.what = "Lines read"
        };

        FILE *file = standard_input ? stdin : fopen(query->file, "re");
        if (!file)
                return fail_errno(context, -errno, query->file);
        int r = lines_read(context, &reading, file);
        if (!standard_input)
                (void) fclose(file);
        if (r != 0 || !reading.broken)
                return r;
        note(context, "Next: 'sealctl ledger verify FILE' tells what is wrong with the file.");
        return EXIT_VERIFICATION;
}

/* --- the daemon ------------------------------------------------------------------------------- */

/* The texts of all pages of one event (NULL: all) go through each. */
typedef int (*TextFunction)(const Context *context, void *userdata, const char *text,
                            uint64_t *ret_seq);

static int pages_read(Context *context, const AuditQuery *query, const char *event,
                      TextFunction each, void *userdata) {
        Progress progress = { .what = "Rows read" };
        LedgerQuery wanted = {
                .since = query->since,
                .until = query->until,
                .seal = query->seal,
                .subject = query->subject,
                .event = event,
                .limit = PAGE_MAX,
        };
        uint64_t first = 1, rows = 0;
        size_t count = 1;
        int r = 0;

        /*
         * An answer ends early where it would be too large for a message: only an empty one ends.
         */
        while (r == 0 && count > 0) {
                _cleanup_(json_freep) json_t *page = NULL;
                const json_t *text;
                size_t i;

                wanted.first = first;
                r = ledger_page_get(context, &wanted, &page);
                count = r == 0 ? json_array_size(page) : 0;
                json_array_foreach(page, i, text) {
                        uint64_t seq = 0;
                        if (r == 0)
                                r = each(context, userdata,
                                         json_is_string(text) ? json_string_value(text) : "", &seq);
                        if (r == 0 && seq < first)
                                r = fail(context, EXIT_OTHER, "the daemon's rows do not go on");
                        first = seq + 1;
                }
                rows += count;
                progress_show(context, &progress, rows, 0);
        }
        progress_clear(context, &progress);
        return r;
}

typedef struct Passing {
        const AuditQuery *query;
        AuditRowFunction row;
        void *userdata;
} Passing;

static int text_pass(const Context *context, void *userdata, const char *text, uint64_t *ret_seq) {
        const Passing *passing = userdata;
        LedgerParsed parsed = {};
        ErrorDetail detail = {};

        int r = ledger_row_parse(text, strlen(text), &parsed, &detail);
        if (r < 0)
                return fail_errno(context, r, "a row of the ledger");
        if (r > 0)
                return fail_plain(context, EXIT_MACHINE_REFUSES, "a row of the ledger: %s",
                                  error_describe(r, &detail));
        *ret_seq = parsed.row.seq;
        r = audit_query_fits(passing->query, &parsed) ? passing->row(passing->userdata, &parsed)
                                                      : 0;
        ledger_parsed_done(&parsed);
        return r;
}

/* Rows of several events come in their order once all are there. */
typedef struct Kept {
        uint64_t seq;
        char *text; /* owned */
} Kept;

typedef struct Keeping {
        Kept *rows;
        size_t count;
} Keeping;

static int text_keep(const Context *context, void *userdata, const char *text, uint64_t *ret_seq) {
        Keeping *keeping = userdata;
        json_t *object = json_loads(text, 0, NULL);

        *ret_seq = (uint64_t) json_integer_value(json_object_get(object, "seq"));
        json_decref(object);
        Kept *rows = reallocarray(keeping->rows, keeping->count + 1, sizeof(*rows));
        if (!rows)
                return fail(context, EXIT_OTHER, "out of memory");
        keeping->rows = rows;
        rows[keeping->count] = (Kept){ *ret_seq, strdup(text) };
        return rows[keeping->count++].text ? 0 : fail(context, EXIT_OTHER, "out of memory");
}

static int kept_compare(const void *a, const void *b) {
        const Kept *left = a, *right = b;

        return (left->seq > right->seq) - (left->seq < right->seq);
}

static int events_read(Context *context, const AuditQuery *query, Passing *passing) {
        Keeping keeping = {};
        uint64_t seq;
        int r = 0;

        for (size_t i = 0; i < query->n_events && r == 0; i++)
                r = pages_read(context, query, event_name(query->events[i]), text_keep, &keeping);
        if (keeping.count > 0)
                qsort(keeping.rows, keeping.count, sizeof(*keeping.rows), kept_compare);
        for (size_t i = 0; i < keeping.count; i++) {
                if (r == 0)
                        r = text_pass(context, passing, keeping.rows[i].text, &seq);
                free(keeping.rows[i].text);
        }
        free(keeping.rows);
        return r;
}

/* That it is read becomes a row, too: what comes after now is not waited for. */
static int daemon_read_rows(Context *context, const AuditQuery *query, AuditRowFunction row,
                            void *userdata) {
        const Clock clock = clock_system();
        AuditQuery past = *query;
        Passing passing = { &past, row, userdata };

        if (past.until == 0)
                past.until = clock_now(&clock);
        if (past.n_events > 0)
                return events_read(context, &past, &passing);
        return pages_read(context, &past, NULL, text_pass, &passing);
}

int audit_read(Context *context, const AuditQuery *query, AuditRowFunction row, void *userdata) {
        if (query->file)
                return file_read_rows(context, query, row, userdata);
        return daemon_read_rows(context, query, row, userdata);
}
