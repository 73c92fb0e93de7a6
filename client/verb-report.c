/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl report: the register and what needs attention, on a page. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "client/options.h"
#include "client/output.h"
#include "client/page.h"
#include "client/report.h"
#include "client/seal-filter.h"
#include "client/text.h"
#include "client/verb.h"

#define SOON_DEFAULT (30 * USEC_PER_DAY)

static const char help[] =
        "Usage: sealctl report [OPTIONS]\n"
        "\n"
        "The register on a page: how many seals are in which state and of which type,\n"
        "which end soon, which requests are open, how much capacity is left, how the\n"
        "ledger stands, what needs attention, and who has to act. For administrators and\n"
        "auditors.\n"
        "\n"
        "Options:\n"
        "  --soon Nd    What ends within N days ends soon (default: 30d)\n"
        "  --inspect    Inspect all seals, too ('sealctl inspect'); takes longer\n"
        "\n"
        "Example:\n"
        "  sealctl report --inspect | mail -s \"Seals\" auditors\n"
        "\n"
        "Next: the commands that it names.\n";

static void nothing_append(Entries *entries, const void *userdata) {
        (void) entries;
        (void) userdata;
}

/* The lists do not tell the type: each type is asked for. */
static int seals_of_type(Context *context, const char *type, json_t *all) {
        static const char *const keys[] = { "number", "path", "name", "state", "not-after" };
        const SealFilter filter = { .type = type };
        const PagedList list = { "ListSeals", seal_filter_append, &filter, 0, false };
        _cleanup_(json_freep) json_t *rows = NULL, *named = NULL;
        json_t *row;
        size_t i;

        int r = page_all(context, &list, &rows);
        if (r != 0)
                return r;
        named = rows_named(rows, keys, 5);
        json_array_foreach(named, i, row) {
                json_object_set_new(row, "type", json_string(type));
        }
        return json_array_extend(all, named) < 0 ? fail(context, EXIT_OTHER, "out of memory") : 0;
}

static int seals_get(Context *context, uint64_t soon, json_t **ret) {
        _cleanup_(json_freep) json_t *all = json_array();
        const Clock clock = clock_system();
        uint64_t now = clock_now(&clock);
        int r = 0;

        for (size_t i = 0; i < SEAL_TYPE_COUNT && r == 0; i++)
                r = seals_of_type(context, seal_types[i], all);
        if (r != 0)
                return r;
        *ret = report_seals(all, now, now + soon);
        return *ret ? 0 : fail(context, EXIT_OTHER, "out of memory");
}

static int requests_get(Context *context, json_t **ret) {
        static const char *const keys[] = {
                "path", "kind", "state", "seal", "applicant", "created"
        };
        const PagedList list = { "ListRequests", nothing_append, NULL, 0, true };
        _cleanup_(json_freep) json_t *rows = NULL, *named = NULL;
        json_t *row;
        size_t i;

        int r = page_all(context, &list, &rows);
        if (r != 0)
                return r;
        named = rows_named(rows, keys, 6);
        json_array_foreach(named, i, row) {
                uint64_t id = 0;
                (void) count_parse(path_last(json_text(row, "path")), &id);
                json_object_set_new(row, "id", json_integer((json_int_t) id));
        }
        *ret = report_requests(named);
        return *ret ? 0 : fail(context, EXIT_OTHER, "out of memory");
}

static int findings_get(Context *context, json_t **ret) {
        static const char *const keys[] = { "seal", "severity", "code", "text" };
        _cleanup_(json_freep) json_t *findings = NULL;

        int r = call_json(context, MANAGER_PATH, MANAGER, "Inspect", NULL, &findings);
        if (r != 0)
                return r;
        *ret = rows_named(findings, keys, 4);
        return *ret ? 0 : fail(context, EXIT_OTHER, "out of memory");
}

/* Everything as one object; what was not asked for is not there. */
static int report_get(Context *context, uint64_t soon, bool inspect, json_t *report) {
        json_t *status = NULL, *seals = NULL, *requests = NULL, *findings = NULL;
        const Clock clock = clock_system();

        json_object_set_new(report, "time", json_integer((json_int_t) clock_now(&clock)));
        int r = call_json(context, MANAGER_PATH, MANAGER, "GetStatus", NULL, &status);
        json_object_set_new(report, "status", status);
        if (r == 0)
                r = seals_get(context, soon, &seals);
        json_object_set_new(report, "seals", seals);
        if (r == 0)
                r = requests_get(context, &requests);
        json_object_set_new(report, "requests", requests);
        if (r == 0 && inspect)
                r = findings_get(context, &findings);
        if (findings)
                json_object_set_new(report, "findings", findings);
        if (r != 0)
                return r;
        json_t *actions = report_actions(seals, requests, json_text(status, "separation"));
        if (json_object_set_new(report, "actions", actions) < 0)
                return fail(context, EXIT_OTHER, "out of memory");
        return 0;
}

static int status_print(const Context *context, const json_t *status) {
        static const OutputField fields[] = {
                { "state", "State", FIELD_TEXT },
                { "version", "Version", FIELD_TEXT },
                { "separation", "Separation of duties", FIELD_TEXT },
                { "capacity", "Capacity", FIELD_SEALS },
                { "capacity-used", "Capacity used", FIELD_SEALS },
                { "ledger-rows", "Rows of the ledger", FIELD_TEXT },
                { "anchored-rows", "Anchored up to row", FIELD_TEXT },
                { "anchor-time", "Anchored", FIELD_TIME },
        };

        return print_fields(context, status, FIELDS(fields));
}

static int expiring_print(const Context *context, const json_t *seals) {
        static const OutputField columns[] = {
                { "number", "ENDS SOON", FIELD_TEXT },
                { "name", "NAME", FIELD_NAME },
                { "state", "STATE", FIELD_TEXT },
                { "not-after", "NOT AFTER", FIELD_TIME },
        };
        const json_t *list = json_object_get(seals, "expiring");

        if (json_array_size(list) == 0)
                return 0;
        putchar('\n');
        return print_table(context, list, FIELDS(columns), "");
}

static int requests_print(const Context *context, const json_t *requests) {
        static const OutputField columns[] = {
                { "id", "OPEN REQUEST", FIELD_TEXT },     { "kind", "KIND", FIELD_TEXT },
                { "state", "STATE", FIELD_TEXT },         { "seal", "SEAL", FIELD_TEXT },
                { "applicant", "APPLICANT", FIELD_TEXT }, { "created", "CREATED", FIELD_TIME },
        };

        if (json_array_size(requests) == 0)
                return 0;
        putchar('\n');
        return print_table(context, requests, FIELDS(columns), "");
}

static int findings_print(const Context *context, const json_t *findings) {
        static const OutputField columns[] = {
                { "seal", "FINDING ON", FIELD_TEXT },
                { "severity", "SEVERITY", FIELD_TEXT },
                { "code", "CODE", FIELD_TEXT },
                { "text", "WHAT", FIELD_NAME },
        };

        if (!findings)
                return 0;
        putchar('\n');
        return print_table(context, findings, FIELDS(columns), "The inspection found nothing.");
}

static int actions_print(const Context *context, const json_t *actions) {
        static const OutputField columns[] = {
                { "who", "WHO HAS TO ACT", FIELD_TEXT },
                { "count", "COUNT", FIELD_TEXT },
                { "what", "WHAT", FIELD_TEXT },
                { "command", "COMMAND", FIELD_TEXT },
        };

        putchar('\n');
        return print_table(context, actions, FIELDS(columns), "Nobody has to act.");
}

static int report_print(const Context *context, const json_t *report) {
        static const OutputField counts[] = {
                { "by-state", "By state", FIELD_TEXT },
                { "by-type", "By type", FIELD_TEXT },
        };
        const json_t *status = json_object_get(report, "status");
        const json_t *seals = json_object_get(report, "seals");

        if (context->json)
                return print_json_value(context, report);
        int r = status_print(context, status);
        if (r != 0)
                return r;
        printf("\nSeals: %lld, of these %lld that have expired\n",
               json_integer_value(json_object_get(seals, "total")),
               json_integer_value(json_object_get(seals, "expired")));
        r = print_fields(context, seals, FIELDS(counts));
        if (r == 0)
                r = expiring_print(context, seals);
        if (r == 0)
                r = requests_print(context, json_object_get(report, "requests"));
        if (r == 0)
                r = findings_print(context, json_object_get(report, "findings"));
        print_attention(status);
        return r != 0 ? r : actions_print(context, json_object_get(report, "actions"));
}

int verb_report(Context *context, int argc, char **argv) {
        uint64_t soon = SOON_DEFAULT;
        bool inspect = false;
        const CommandOption table[] = { { "soon", .duration = &soon },
                                        { "inspect", .flag = &inspect } };
        const Usage usage = { help, OPTIONS(table), 0, 0 };
        _cleanup_(json_freep) json_t *report = json_object();
        char **arguments;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = report_get(context, soon, inspect, report);
        return r != 0 ? r : report_print(context, report);
}
