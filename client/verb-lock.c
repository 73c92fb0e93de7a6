/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl lock: no seal of this machine signs until it is started anew. */
#include "client/bus-call.h"
#include "client/output.h"
#include "client/seal-act.h"
#include "client/verb.h"

static const char help[] =
        "Usage: sealctl lock [--yes] --reason TEXT\n"
        "\n"
        "Have the TPM refuse every seal of this machine, at once and whoever asks it:\n"
        "also root past sealsd, and what was prepared before. There is no unlocking: it\n"
        "ends when the machine is started anew or its TPM is reset. Suspend to RAM keeps\n"
        "it, and so does kexec; a restart of sealsd changes nothing. Seals can be revoked\n"
        "meanwhile. Asks on the terminal; --yes does not.\n"
        "\n"
        "Options:\n"
        "  --reason TEXT  Why, for those who read the ledger\n"
        "\n"
        "Example:\n"
        "  sealctl lock --reason \"somebody was in the server room\"\n"
        "\n"
        "Next: 'sealctl status' shows the state 'locked'; look into it, then restart the\n"
        "machine.\n";

static int lock_send(Context *context, const char *reason) {
        _cleanup_(message_freep) sd_bus_message *call = NULL;

        int r = call_new(context, MANAGER_PATH, MANAGER, "Lock", &call);
        if (r == 0)
                r = call_built(context, text_append(call, reason));
        return r != 0 ? r : call_send(context, call, NULL);
}

int verb_lock(Context *context, int argc, char **argv) {
        const char *reason = NULL;
        const CommandOption table[] = { { "reason", .text = &reason } };
        const Usage usage = { help, OPTIONS(table), 0, 0 };
        char **arguments;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0 && !reason)
                r = fail(context, EXIT_USAGE, "--reason is needed");
        if (r == 0)
                r = reason_check(context, reason);
        if (r == 0)
                r = confirm_or_fail(context, "Lock every seal of this machine until it is started "
                                             "anew?");
        if (r == 0)
                r = lock_send(context, reason);
        if (r != 0)
                return r;
        return print_done(context, "seals", "locked",
                          "No seal of this machine signs any more. Only starting the machine anew "
                          "ends it.");
}
