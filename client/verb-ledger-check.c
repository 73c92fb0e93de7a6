/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl ledger check and acknowledge: the daemon looks at all of it; an administrator answers. */
#include <string.h>

#include "base/text.h"
#include "client/bus-call.h"
#include "client/output.h"
#include "client/secret-input.h"
#include "client/verb-ledger-internal.h"

static const char check_help[] =
        "Usage: sealctl ledger check\n"
        "\n"
        "Have the daemon go through the whole ledger and compare it with the register and\n"
        "with the value in the TPM. Exits with 10 when something does not fit.\n"
        "\n"
        "Example:\n"
        "  sealctl ledger check\n"
        "\n"
        "Next: 'sealctl ledger list --first N' shows the rows around the one named;\n"
        "'sealctl ledger acknowledge' once you know what happened.\n";

static const char acknowledge_help[] =
        "Usage: sealctl ledger acknowledge [--yes] --reason TEXT [OPTIONS]\n"
        "\n"
        "Say that what was found in register, ledger or chip has been looked into, so\n"
        "that seals sign again. What was found and your reason become a row; what the\n"
        "tampering removed does not come back. Asks on the terminal; --yes does not.\n"
        "\n"
        "Options:\n"
        "  --reason TEXT            What happened, for those who read the ledger\n"
        "  --passphrase-file FILE   Passphrase of the authority in the TPM, where the\n"
        "                           daemon asks for it; first line ('-': standard input)\n"
        "\n"
        "Example:\n"
        "  sealctl ledger acknowledge --reason \"disk restored from backup of May 3\"\n"
        "\n"
        "Next: 'sealctl ledger check'.\n";

static int result_print(const Context *context, const json_t *result) {
        static const OutputField fields[] = {
                { "good", "Good", FIELD_TEXT },
                { "rows", "Rows", FIELD_TEXT },
                { "last", "Last row", FIELD_TEXT },
                { "breaks", "Breaks", FIELD_TEXT },
                { "acknowledged", "Acknowledged breaks", FIELD_TEXT },
                { "first-bad", "First bad", FIELD_TEXT },
                { "problem", "Problem", FIELD_TEXT },
                { "chip", "Chip", FIELD_TEXT },
                { "checkpoint", "Attested up to row", FIELD_TEXT },
        };
        bool good = json_is_true(json_object_get(result, "good"));

        int r = context->json ? print_json_value(context, result)
                              : print_fields(context, result, FIELDS(fields));
        if (r == 0 && !good && !context->json)
                puts("\nNext: 'sealctl ledger acknowledge', once you know what happened.");
        return r != 0 ? r : good ? 0 : EXIT_VERIFICATION;
}

int verb_ledger_check(Context *context, int argc, char **argv) {
        const Usage usage = { check_help, NULL, 0, 0, 0 };
        _cleanup_(json_freep) json_t *result = NULL;
        char **arguments;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = call_json(context, MANAGER_PATH, MANAGER, "VerifyLedger", NULL, &result);
        return r != 0 ? r : result_print(context, result);
}

static int acknowledge_send(Context *context, const char *reason, int fd) {
        _cleanup_(message_freep) sd_bus_message *call = NULL;

        int r = call_new(context, MANAGER_PATH, MANAGER, "AcknowledgeTampering", &call);
        if (r == 0)
                r = call_built(context, text_append(call, reason));
        if (r != 0)
                return r;
        Entries e = entries_open(call);
        entry_fd(&e, "passphrase", fd);
        r = call_built(context, entries_close(&e));
        return r != 0 ? r : call_send(context, call, NULL);
}

static int acknowledge(Context *context, const char *reason, const char *passphrase_file) {
        _cleanup_(secret_wipe) Secret passphrase = {};
        _cleanup_close_ int fd = -1;
        int r = 0;

        if (passphrase_file)
                r = passphrase_get(context, passphrase_file, "", false, &passphrase);
        if (r == 0 && passphrase_file)
                r = secret_to_memfd(context, &passphrase, &fd);
        return r != 0 ? r : acknowledge_send(context, reason, fd);
}

int verb_ledger_acknowledge(Context *context, int argc, char **argv) {
        const char *reason = NULL, *passphrase_file = NULL;
        const CommandOption table[] = {
                { "reason", .text = &reason },
                { "passphrase-file", .text = &passphrase_file },
        };
        const Usage usage = { acknowledge_help, OPTIONS(table), 0, 0 };
        char **arguments;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0 && (!reason || !text_is_line(reason, TEXT_MAX)))
                r = fail(context, EXIT_USAGE, "--reason is one line of text, and not blank");
        if (r == 0 && !confirm(context, "Is it known what happened, and shall seals sign again?"))
                r = fail_plain(context, EXIT_USAGE,
                               "not confirmed (answer y, or give --yes); nothing was done");
        if (r == 0)
                r = acknowledge(context, reason, passphrase_file);
        if (r != 0)
                return r;
        return print_done(context, "tampering", "acknowledged",
                          "What was found is acknowledged. Next: 'sealctl ledger check'");
}
