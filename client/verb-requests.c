/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl requests: what was applied for, and what waits for whom. */
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "client/output.h"
#include "client/page.h"
#include "client/text.h"
#include "client/verb.h"

static const char help[] =
        "Usage: sealctl requests [OPTIONS]\n"
        "\n"
        "List the requests that you may see, newest first.\n"
        "\n"
        "Options:\n"
        "  --state STATE   applied, approved, making, completed, failed, rejected,\n"
        "                  cancelled, expired\n"
        "  --kind KIND     make, renew, recertify, amend, transfer, revoke, resume,\n"
        "                  destroy, review, use\n"
        "  --seal NUMBER   Those about this seal\n"
        "  --mine          Those that you made\n"
        "  --awaiting-me   Those that wait for your decision or approval, or for you to\n"
        "                  collect\n"
        "\n"
        "Example:\n"
        "  sealctl requests --awaiting-me\n"
        "\n"
        "Next: 'sealctl request ID' shows one; then 'sealctl approve ID' or 'sealctl\n"
        "reject ID REASON', for the use of a seal 'sealctl approve-use ID'.\n";

static const OutputField columns[] = {
        { "id", "ID", FIELD_TEXT },
        { "kind", "KIND", FIELD_TEXT },
        { "state", "STATE", FIELD_TEXT },
        { "seal", "SEAL", FIELD_TEXT },
        { "applicant", "APPLICANT", FIELD_TEXT },
        { "created", "CREATED", FIELD_TIME },
};

typedef struct Filter {
        const char *state, *kind, *seal;
        bool mine, awaiting_me;
} Filter;

static bool is_one_of(const char *word, const char *const *words, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (strcmp(words[i], word) == 0)
                        return true;
        return false;
}

static void filter_append(Entries *entries, const void *userdata) {
        const Filter *filter = userdata;

        entry_text(entries, "state", filter->state);
        entry_text(entries, "kind", filter->kind);
        entry_text(entries, "seal", filter->seal);
        entry_text(entries, "awaiting", filter->awaiting_me ? "me" : NULL);
}

/* The daemon would answer a word that it does not know with an empty list. */
static int filter_check(const Context *context, const Filter *filter) {
        static const char *const states[] = { "applied", "approved", "making",    "completed",
                                              "failed",  "rejected", "cancelled", "expired" };
        static const char *const kinds[] = { "make",   "renew",  "recertify", "amend",  "transfer",
                                             "revoke", "resume", "destroy",   "review", "use" };

        if (filter->state && !is_one_of(filter->state, states, sizeof(states) / sizeof(states[0])))
                return fail(context, EXIT_USAGE, "there is no state '%s' of requests",
                            filter->state);
        if (filter->kind && !is_one_of(filter->kind, kinds, sizeof(kinds) / sizeof(kinds[0])))
                return fail(context, EXIT_USAGE, "there is no kind '%s' of requests", filter->kind);
        return 0;
}

/* The bus has no filter for the applicant. */
static void keep_mine(json_t *rows) {
        const struct passwd *me = getpwuid(getuid());
        char subject[SUBJECT_MAX + 1] = "";

        if (me)
                (void) snprintf(subject, sizeof(subject), "user:%s", me->pw_name);
        for (size_t i = json_array_size(rows); i-- > 0;)
                if (strcmp(json_text(json_array_get(rows, i), "applicant"), subject) != 0)
                        (void) json_array_remove(rows, i);
}

static void add_ids(json_t *rows) {
        json_t *row;
        size_t i;

        json_array_foreach(rows, i, row) {
                uint64_t id = 0;
                (void) count_parse(path_last(json_text(row, "path")), &id);
                json_object_set_new(row, "id", json_integer((json_int_t) id));
        }
}

static int rows_print(const Context *context, const Filter *filter, const json_t *rows) {
        static const char *const keys[] = {
                "path", "kind", "state", "seal", "applicant", "created"
        };
        _cleanup_(json_freep) json_t *named = rows_named(rows, keys, 6);

        if (!named)
                return fail(context, EXIT_OTHER, "out of memory");
        if (filter->mine)
                keep_mine(named);
        add_ids(named);
        return print_table(context, named, FIELDS(columns), "No requests.");
}

int verb_requests(Context *context, int argc, char **argv) {
        Filter filter = {};
        const CommandOption table[] = {
                { "state", .text = &filter.state },
                { "kind", .text = &filter.kind },
                { "seal", .text = &filter.seal },
                { "mine", .flag = &filter.mine },
                { "awaiting-me", .flag = &filter.awaiting_me },
        };
        const Usage usage = { help, OPTIONS(table), 0, 0 };
        const PagedList list = { "ListRequests", filter_append, &filter, 0, true };
        _cleanup_(json_freep) json_t *rows = NULL;
        char **arguments;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = filter_check(context, &filter);
        if (r == 0)
                r = page_all(context, &list, &rows);
        return r != 0 ? r : rows_print(context, &filter, rows);
}
