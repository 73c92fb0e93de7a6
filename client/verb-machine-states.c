/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl machine-state list and retire: the states that seals sign in. */
#include "client/bus-call.h"
#include "client/options.h"
#include "client/output.h"
#include "client/seal-act.h"
#include "client/text.h"
#include "client/verb.h"

static const char list_help[] =
        "Usage: sealctl machine-state list\n"
        "\n"
        "The machine states that were approved, by whom and when, and which of them do\n"
        "not count any more.\n"
        "\n"
        "Example:\n"
        "  sealctl machine-state list\n"
        "\n"
        "Next: 'sealctl machine-state retire ID REASON'.\n";

static const char retire_help[] =
        "Usage: sealctl machine-state retire [--yes] ID REASON\n"
        "\n"
        "Take the approval of a machine state out of use: the daemon presents it to the\n"
        "TPM no more. The authority's signature cannot be undone, so that whoever kept a\n"
        "copy of it can still use it. Asks on the terminal, unless --yes is given.\n"
        "\n"
        "Example:\n"
        "  sealctl machine-state retire 2 \"the old kernel is not to be booted again\"\n"
        "\n"
        "Next: 'sealctl machine-state list'.\n";

int verb_machine_state_list(Context *context, int argc, char **argv) {
        static const char *const keys[] = { "id", "profile", "approved", "by", "retired" };
        static const OutputField columns[] = {
                { "id", "ID", FIELD_TEXT },
                { "profile", "PROFILE", FIELD_TEXT },
                { "approved", "APPROVED", FIELD_TIME },
                { "by", "BY", FIELD_TEXT },
                { "retired", "RETIRED", FIELD_TIME },
        };
        const Usage usage = { .help = list_help };
        _cleanup_(json_freep) json_t *states = NULL, *rows = NULL;
        char **arguments;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = call_json(context, MANAGER_PATH, MANAGER, "ListMachineStates", NULL, &states);
        if (r != 0)
                return r;
        rows = rows_named(states, keys, 5);
        if (!rows)
                return fail(context, EXIT_OTHER, "out of memory");
        return print_table(context, rows, FIELDS(columns), "No approved states.");
}

static int retire_send(Context *context, uint64_t id, const char *reason) {
        _cleanup_(message_freep) sd_bus_message *call = NULL;

        int r = call_new(context, MANAGER_PATH, MANAGER, "RetireMachineState", &call);
        if (r == 0)
                r = call_built(context, sd_bus_message_append(call, "t", id));
        if (r == 0)
                r = call_built(context, text_append(call, reason));
        return r != 0 ? r : call_send(context, call, NULL);
}

int verb_machine_state_retire(Context *context, int argc, char **argv) {
        const Usage usage = { retire_help, NULL, 0, 2, 2 };
        char **arguments;
        uint64_t id = 0;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0 && !count_parse(arguments[0], &id))
                r = fail(context, EXIT_USAGE, "'%s' is no number of a machine state", arguments[0]);
        if (r == 0)
                r = reason_check(context, arguments[1]);
        if (r == 0)
                r = confirm_or_fail(context, "Let no seal sign in this machine state any more?");
        if (r == 0)
                r = retire_send(context, id, arguments[1]);
        if (r != 0)
                return r;
        return print_done(context, "retired", arguments[0], "Machine state %s is retired.",
                          arguments[0]);
}
