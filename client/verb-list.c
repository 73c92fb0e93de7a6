/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl list: the seals that the caller may see. */
#include <string.h>

#include "client/output.h"
#include "client/page.h"
#include "client/text.h"
#include "client/verb.h"

static const char help[] =
        "Usage: sealctl list [OPTIONS]\n"
        "\n"
        "List the seals that you may see.\n"
        "\n"
        "Options (all that are given must fit):\n"
        "  --state STATE           made, filed, delivered, active, revoked, ...\n"
        "  --type TYPE             official, finance, invoice, contract,\n"
        "                          legal-representative, personnel, department, special,\n"
        "                          other\n"
        "  --class CLASS           institution or personal\n"
        "  --keeper SUBJECT        alice, user:alice or group:sales\n"
        "  --holder TEXT           The holder\n"
        "  --name TEXT             A part of the name\n"
        "  --expires-before TIME   YYYY-MM-DD (UTC), RFC 3339, or +Nd\n"
        "\n"
        "Example:\n"
        "  sealctl list --state active --expires-before +30d\n"
        "\n"
        "Next: 'sealctl show NUMBER'.\n";

static const OutputField columns[] = {
        { "number", "NUMBER", FIELD_TEXT },
        { "name", "NAME", FIELD_NAME },
        { "state", "STATE", FIELD_TEXT },
        { "not-after", "NOT AFTER", FIELD_TIME },
};

typedef struct Filter {
        const char *state, *type, *class, *keeper, *holder, *name;
        uint64_t expires_before;
} Filter;

static void filter_append(Entries *entries, const void *userdata) {
        const Filter *filter = userdata;

        entry_text(entries, "state", filter->state);
        entry_text(entries, "type", filter->type);
        entry_text(entries, "class", filter->class);
        entry_text(entries, "keeper", filter->keeper);
        entry_text(entries, "holder", filter->holder);
        entry_text(entries, "name", filter->name);
        entry_time(entries, "expires-before", filter->expires_before);
}

/* The daemon would answer a word that it does not know with an empty list. */
static bool word_is_of(const char *word, const char *const *words, size_t n_words) {
        for (size_t i = 0; i < n_words; i++)
                if (strcmp(word, words[i]) == 0)
                        return true;
        return false;
}

static int words_check(const Context *context, const Filter *filter) {
        static const char *const types[] = {
                "official",  "finance",    "invoice", "contract", "legal-representative",
                "personnel", "department", "special", "other",
        };
        static const char *const classes[] = { "institution", "personal" };

        if (filter->type && !word_is_of(filter->type, types, sizeof(types) / sizeof(types[0])))
                return fail(context, EXIT_USAGE, "there is no type '%s' of seals", filter->type);
        if (filter->class &&
            !word_is_of(filter->class, classes, sizeof(classes) / sizeof(classes[0])))
                return fail(context, EXIT_USAGE, "there is no class '%s' of seals", filter->class);
        return 0;
}

static int rows_print(const Context *context, const json_t *rows) {
        static const char *const keys[] = { "number", "path", "name", "state", "not-after" };
        _cleanup_(json_freep) json_t *named = rows_named(rows, keys, 5);

        if (!named)
                return fail(context, EXIT_OTHER, "out of memory");
        return print_table(context, named, FIELDS(columns), "No seals.");
}

int verb_list(Context *context, int argc, char **argv) {
        Filter filter = {};
        const CommandOption table[] = {
                { "state", .text = &filter.state },
                { "type", .text = &filter.type },
                { "class", .text = &filter.class },
                { "keeper", .text = &filter.keeper },
                { "holder", .text = &filter.holder },
                { "name", .text = &filter.name },
                { "expires-before", .time = &filter.expires_before },
        };
        const Usage usage = { help, OPTIONS(table), 0, 0 };
        const PagedList list = { "ListSeals", filter_append, &filter, 0, false };
        _cleanup_(json_freep) json_t *rows = NULL;
        char **arguments, keeper[SUBJECT_MAX + 1];

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0 && filter.keeper) {
                if (!subject_complete(filter.keeper, keeper))
                        return fail(context, EXIT_USAGE, "'%s' is no keeper", filter.keeper);
                filter.keeper = keeper;
        }
        if (r == 0)
                r = words_check(context, &filter);
        if (r == 0)
                r = page_all(context, &list, &rows);
        return r != 0 ? r : rows_print(context, rows);
}
