/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl list: the seals that the caller may see. */
#include "client/output.h"
#include "client/page.h"
#include "client/seal-filter.h"
#include "client/verb.h"

static const char help[] =
        "Usage: sealctl list [OPTIONS]\n"
        "\n"
        "List the seals that you may see.\n"
        "\n"
        "Options (all that are given must fit):\n"
        "  --state STATE           made, filed, delivered, active, suspended, lost,\n"
        "                          surrendered, revoked, destroyed\n" SEAL_FILTER_HELP "\n"
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

static int rows_print(const Context *context, const json_t *rows) {
        static const char *const keys[] = { "number", "path", "name", "state", "not-after" };
        _cleanup_(json_freep) json_t *named = rows_named(rows, keys, 5);

        if (!named)
                return fail(context, EXIT_OTHER, "out of memory");
        return print_table(context, named, FIELDS(columns), "No seals.");
}

int verb_list(Context *context, int argc, char **argv) {
        SealFilter filter = {};
        const CommandOption table[] = {
                { "state", .text = &filter.state },
                SEAL_FILTER_OPTIONS(filter),
        };
        const Usage usage = { help, OPTIONS(table), 0, 0 };
        const PagedList list = { "ListSeals", seal_filter_append, &filter, 0, false };
        _cleanup_(json_freep) json_t *rows = NULL;
        char **arguments;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = seal_filter_check(context, &filter);
        if (r == 0)
                r = page_all(context, &list, &rows);
        return r != 0 ? r : rows_print(context, rows);
}
