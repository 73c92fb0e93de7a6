/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl ledger list: what happened, row by row. */
#include <stdio.h>
#include <string.h>

#include "client/bus-call.h"
#include "client/ledger-page.h"
#include "client/output.h"
#include "client/text.h"
#include "client/verb-ledger-internal.h"
#include "format/event.h"

static const char help[] =
        "Usage: sealctl ledger list [OPTIONS]\n"
        "\n"
        "What happened, oldest first. With --json the rows as they are, one a line, so\n"
        "that their hashes can be computed. For administrators and auditors.\n"
        "\n"
        "Options (all that are given must fit):\n"
        "  --since TIME        YYYY-MM-DD (UTC), RFC 3339\n"
        "  --until TIME        Likewise; a day counts to its end\n"
        "  --seal NUMBER       About this seal\n"
        "  --subject SUBJECT   By alice, user:alice\n"
        "  --event EVENT       seal-made, use, use-refused, ...: see sealsd-ledger(5)\n"
        "  --first N           From row N on\n"
        "  --limit N           At most N rows\n"
        "\n"
        "Example:\n"
        "  sealctl ledger list --seal 33010000000001 --event use --since 2026-05-01\n"
        "\n"
        "Next: 'sealctl ledger check', 'sealctl ledger export FILE'.\n";

/* The daemon ends a page early only where it has grown beyond this. */
#define PAGE_BYTES (1024 * 1024)

/* --- one row for people --------------------------------------------------------------------- */

static void detail_put(FILE *out, const char *label, const char *text) {
        if (text[0] != '\0')
                fprintf(out, "%s%s%s", ftell(out) > 0 ? ", " : "", label, text);
}

/* What was changed from what to what, of the row's facts. */
static void change_put(FILE *out, const json_t *row) {
        const json_t *facts = json_object_get(row, "facts");
        const char *from = json_text(facts, "from"), *to = json_text(facts, "to");

        if (from[0] != '\0' && to[0] != '\0')
                fprintf(out, "%s%s to %s", ftell(out) > 0 ? ", " : "", from, to);
}

static void number_put(FILE *out, const char *label, const json_t *row, const char *key) {
        json_int_t number = json_integer_value(json_object_get(row, key));

        if (number > 0)
                fprintf(out, "%s%s%lld", ftell(out) > 0 ? ", " : "", label, (long long) number);
}

/* What the row says beside its event; NULL without memory. Owned by the caller. */
static char *detail_text(const json_t *row) {
        char *text = NULL;
        size_t size;

        FILE *out = open_memstream(&text, &size);
        if (!out)
                return NULL;
        detail_put(out, "", json_text(row, "result"));
        detail_put(out, "", json_text(row, "object"));
        detail_put(out, "", json_text(row, "purpose"));
        detail_put(out, "", json_text(row, "document"));
        detail_put(out, "as ", json_text(json_object_get(row, "facts"), "format"));
        detail_put(out, "now ", json_text(row, "state"));
        change_put(out, row);
        number_put(out, "request ", row, "request");
        number_put(out, "use ", row, "use");
        number_put(out, "times ", row, "count");
        detail_put(out, "", json_text(row, "reason"));
        if (json_is_true(json_object_get(row, "self")))
                detail_put(out, "", "one person for two");
        if (fclose(out) == 0)
                return text;
        free(text);
        return NULL;
}

/* A row that cannot be read is shown as the register has it. */
static json_t *row_readable(const char *text) {
        json_t *row = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

        if (!json_is_object(row)) {
                json_decref(row);
                return json_pack("{ss ss}", "event", "(unreadable)", "detail", text);
        }
        _cleanup_free_ char *detail = detail_text(row);
        if (json_object_set_new(row, "detail", json_string(detail ? detail : "")) < 0)
                return json_decref(row), NULL;
        return row;
}

static int table_print(const Context *context, const json_t *texts) {
        static const OutputField columns[] = {
                { "seq", "ROW", FIELD_TEXT },     { "time", "TIME", FIELD_TIME },
                { "event", "EVENT", FIELD_TEXT }, { "seal", "SEAL", FIELD_TEXT },
                { "subject", "BY", FIELD_TEXT },  { "detail", "WHAT", FIELD_NAME },
        };
        _cleanup_(json_freep) json_t *rows = json_array();

        for (size_t i = 0; i < json_array_size(texts); i++) {
                const char *text = json_string_value(json_array_get(texts, i));
                if (json_array_append_new(rows, row_readable(text ? text : "")) < 0)
                        return fail(context, EXIT_OTHER, "out of memory");
        }
        return print_table(context, rows, FIELDS(columns), "No rows.");
}

/* --- all rows ------------------------------------------------------------------------------- */

static bool is_line(const char *text) {
        for (; *text != '\0'; text++)
                if ((unsigned char) *text < 0x20)
                        return false;
        return true;
}

/* A row for a line; what has control characters, as no row has, as a JSON text. */
static void line_print(const char *text) {
        if (is_line(text)) {
                puts(text);
                return;
        }
        _cleanup_(json_freep) json_t *value = json_string(text);
        (void) json_dumpf(value, stdout, JSON_ENCODE_ANY);
        putchar('\n');
}

static uint64_t seq_of(const char *text) {
        _cleanup_(json_freep) json_t *row = text ? json_loads(text, 0, NULL) : NULL;
        json_int_t seq = json_integer_value(json_object_get(row, "seq"));

        return seq > 0 ? (uint64_t) seq : 0;
}

/* The row after the last that can be read; 0: none can. */
static uint64_t next_after(const json_t *texts) {
        for (size_t i = json_array_size(texts); i > 0; i--) {
                uint64_t seq = seq_of(json_string_value(json_array_get(texts, i - 1)));
                if (seq > 0)
                        return seq + 1;
        }
        return 0;
}

static size_t bytes_of(const json_t *texts) {
        size_t size = 0;

        for (size_t i = 0; i < json_array_size(texts); i++)
                size += json_string_length(json_array_get(texts, i));
        return size;
}

/* Print a page at once with --json, else keep it for the table. */
static int page_use(const Context *context, const json_t *page, json_t *all) {
        if (!context->json)
                return json_array_extend(all, (json_t *) page) < 0
                               ? fail(context, EXIT_OTHER, "out of memory")
                               : 0;
        for (size_t i = 0; i < json_array_size(page); i++) {
                const char *text = json_string_value(json_array_get(page, i));
                line_print(text ? text : "");
        }
        return 0;
}

static int rows_all(Context *context, const LedgerQuery *filter, json_t *all) {
        uint64_t left = filter->limit > 0 ? filter->limit : UINT64_MAX;
        LedgerQuery wanted = *filter;
        bool more = true;

        while (more && left > 0) {
                _cleanup_(json_freep) json_t *page = NULL;

                wanted.limit = left < PAGE_MAX ? left : PAGE_MAX;
                int r = ledger_page_get(context, &wanted, &page);
                if (r == 0)
                        r = page_use(context, page, all);
                if (r != 0)
                        return r;
                const size_t count = json_array_size(page);
                const uint64_t next = next_after(page);
                more = count > 0 && (count >= wanted.limit || bytes_of(page) >= PAGE_BYTES);
                left -= count < left ? count : left;
                if (more && left > 0 && next <= wanted.first)
                        return fail(context, EXIT_OTHER, "the daemon's list does not end");
                wanted.first = next;
        }
        return 0;
}

/* The daemon would answer a word that it does not know with an empty list. */
static int filter_check(const Context *context, LedgerQuery *filter,
                        char subject[SUBJECT_MAX + 1]) {
        if (filter->event && event_from_name(filter->event) < 0)
                return fail_plain(context, EXIT_USAGE,
                                  "there is no event '%s'; sealsd-ledger(5) lists them",
                                  filter->event);
        if (!filter->subject)
                return 0;
        if (!subject_complete(filter->subject, subject))
                return fail(context, EXIT_USAGE, "'%s' is no subject", filter->subject);
        filter->subject = subject;
        return 0;
}

int verb_ledger_list(Context *context, int argc, char **argv) {
        LedgerQuery filter = {};
        const CommandOption table[] = {
                { "since", .time = &filter.since },   { "until", .time_end = &filter.until },
                { "seal", .text = &filter.seal },     { "subject", .text = &filter.subject },
                { "event", .text = &filter.event },   { "first", .number = &filter.first },
                { "limit", .number = &filter.limit },
        };
        const Usage usage = { help, OPTIONS(table), 0, 0 };
        _cleanup_(json_freep) json_t *all = json_array();
        char **arguments, subject[SUBJECT_MAX + 1];

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = filter_check(context, &filter, subject);
        if (r == 0)
                r = all ? rows_all(context, &filter, all)
                        : fail(context, EXIT_OTHER, "out of memory");
        if (r != 0 || context->json)
                return r;
        return table_print(context, all);
}
