/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl state-at: how a seal stood at a time that is past. */
#include "client/bus-call.h"
#include "client/options.h"
#include "client/output.h"
#include "client/seal-act.h"
#include "client/verb.h"

static const char help[] =
        "Usage: sealctl state-at NUMBER TIME\n"
        "\n"
        "The state that a seal was in at a time:\n" TIME_HELP ".\n"
        "A day means its end. It is read from the ledger.\n"
        "\n"
        "Example:\n"
        "  sealctl state-at 50011200000001 2026-11-20T09:30:00Z\n"
        "\n"
        "Next: 'sealctl audit could NUMBER --on DAY' tells who could use it then.\n";

static int state_get(Context *context, const char *path, uint64_t time, json_t **ret) {
        _cleanup_(message_freep) sd_bus_message *call = NULL;

        int r = call_new(context, path, SEAL, "StateAt", &call);
        if (r == 0)
                r = call_built(context, sd_bus_message_append(call, "t", time));
        return r != 0 ? r : call_send_json(context, call, ret);
}

int verb_state_at(Context *context, int argc, char **argv) {
        const Usage usage = { help, NULL, 0, 2, 2 };
        _cleanup_(json_freep) json_t *state = NULL;
        char **arguments, path[PATH_SIZE];
        uint64_t time = 0;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = seal_path_get(context, arguments[0], path);
        if (r == 0)
                r = time_argument(context, arguments[1], true, &time);
        if (r == 0)
                r = state_get(context, path, time, &state);
        if (r != 0)
                return r;
        const char *text = json_is_string(state) ? json_string_value(state) : "";
        return print_done(context, "state", text, "%s", text);
}
