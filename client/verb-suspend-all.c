/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl suspend-all: many seals at once, as after a break-in. */
#include <stdio.h>

#include "client/bus-call.h"
#include "client/output.h"
#include "client/seal-act.h"
#include "client/seal-filter.h"
#include "client/verb.h"

static const char help[] =
        "Usage: sealctl suspend-all [OPTIONS] REASON\n"
        "\n"
        "Suspend all active seals, or those that fit every option that is given. All or\n"
        "none of them are suspended. Without an option it asks on the terminal, unless\n"
        "--yes is given.\n"
        "\n"
        "Options:\n" SEAL_FILTER_HELP "\n"
        "Example:\n"
        "  sealctl suspend-all --keeper group:sales \"a laptop of the department is gone\"\n"
        "\n"
        "Next: 'sealctl list --state suspended', then 'sealctl resume NUMBER REASON' for\n"
        "each, by another administrator.\n";

static int suspend_send(Context *context, const SealFilter *filter, const char *reason,
                        uint32_t *ret_count) {
        _cleanup_(message_freep) sd_bus_message *call = NULL, *reply = NULL;

        int r = call_new(context, MANAGER_PATH, MANAGER, "SuspendSeals", &call);
        if (r != 0)
                return r;
        Entries e = entries_open(call);
        seal_filter_append(&e, filter);
        int built = entries_close(&e);
        if (built >= 0)
                built = text_append(call, reason);
        r = call_built(context, built);
        if (r == 0)
                r = call_send(context, call, &reply);
        if (r != 0)
                return r;
        built = sd_bus_message_read(reply, "u", ret_count);
        return built < 0 ? fail_errno(context, built, "the answer cannot be read") : 0;
}

static int count_print(const Context *context, uint32_t count) {
        if (context->json) {
                _cleanup_(json_freep)
                        json_t *object = json_pack("{sI}", "suspended", (json_int_t) count);
                return print_json_value(context, object);
        }
        printf("%u %s suspended.\n", count, count == 1 ? "seal is" : "seals are");
        if (count > 0)
                puts("Next: 'sealctl list --state suspended'");
        return 0;
}

int verb_suspend_all(Context *context, int argc, char **argv) {
        SealFilter filter = {};
        const CommandOption table[] = { SEAL_FILTER_OPTIONS(filter) };
        const Usage usage = { help, OPTIONS(table), 1, 1 };
        uint32_t count = 0;
        char **arguments;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = seal_filter_check(context, &filter);
        if (r == 0)
                r = reason_check(context, arguments[0]);
        if (r == 0 && seal_filter_is_open(&filter))
                r = confirm_or_fail(context, "Suspend every active seal of this machine?");
        if (r == 0)
                r = suspend_send(context, &filter, arguments[0], &count);
        return r != 0 ? r : count_print(context, count);
}
