/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl inspect: does what the register says still hold, in the chip and in the world? */
#include "client/bus-call.h"
#include "client/options.h"
#include "client/output.h"
#include "client/seal-act.h"
#include "client/verb.h"

static const char help[] =
        "Usage: sealctl inspect [NUMBER]\n"
        "\n"
        "Inspect one seal, or all: whether its key loads, the chip's policy is the\n"
        "recorded one, bit and register agree; validity, keepers without an account,\n"
        "unused and over-granted seals; and for all of them the anchor of the ledger, the\n"
        "TPM's lockout counter and the capacity. What needs attention is listed; nothing\n"
        "is changed.\n"
        "\n"
        "Example:\n"
        "  sealctl inspect\n"
        "\n"
        "Next: sealctl-audit(8) tells of each finding what to do; 'sealctl show NUMBER',\n"
        "'sealctl why NUMBER'.\n";

int verb_inspect(Context *context, int argc, char **argv) {
        static const char *const keys[] = { "seal", "severity", "code", "text" };
        static const OutputField columns[] = {
                { "seal", "SEAL", FIELD_TEXT },
                { "severity", "SEVERITY", FIELD_TEXT },
                { "code", "CODE", FIELD_TEXT },
                { "text", "FINDING", FIELD_NAME },
        };
        const Usage usage = { help, NULL, 0, 0, 1 };
        _cleanup_(json_freep) json_t *findings = NULL, *rows = NULL;
        char **arguments, path[PATH_SIZE] = MANAGER_PATH;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0 && arguments[0])
                r = seal_path_get(context, arguments[0], path);
        if (r == 0)
                r = call_json(context, path, arguments[0] ? SEAL : MANAGER, "Inspect", NULL,
                              &findings);
        if (r != 0)
                return r;
        rows = rows_named(findings, keys, 4);
        if (!rows)
                return fail(context, EXIT_OTHER, "out of memory");
        return print_table(context, rows, FIELDS(columns), "Nothing was found.");
}
