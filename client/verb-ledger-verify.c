/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl ledger verify: is this exported ledger whole and as the chip attests it? */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "client/bus-call.h"
#include "client/ledger-file.h"
#include "client/output.h"
#include "client/verb-ledger-internal.h"

static const char help[] =
        "Usage: sealctl ledger verify FILE [OPTIONS]\n"
        "\n"
        "Check an exported ledger ('-': standard input). Nothing but the file is needed:\n"
        "no daemon, no TPM. Prints a list of checks; exits with 10 when one of them is\n"
        "bad, else with 0. A check is 'unknown' where it needs something that is not in\n"
        "the file, and 'acknowledged' where an administrator acknowledged tampering.\n"
        "\n"
        "Options:\n"
        "  --ak-name HEX   Name of the machine's attestation key, from its own status;\n"
        "                  without it nothing shows that a TPM signed\n"
        "  --genesis HEX   Genesis of the installation, likewise\n"
        "\n"
        "Example:\n"
        "  sealctl ledger verify ledger.jsonl --ak-name 000b12...\n"
        "\n"
        "Next: 'sealctl status' on the machine shows the Name and the genesis.\n";

/* --- telling -------------------------------------------------------------------------------- */

static json_t *checks_json(const LedgerVerdict *verdict) {
        json_t *checks = json_array();

        for (int i = 0; i < LEDGER_CHECK_MAX; i++)
                (void) json_array_append_new(
                        checks, json_pack("{ss ss ss}", "check", ledger_check_name((LedgerCheck) i),
                                          "result", ledger_result_name(verdict->checks[i].result),
                                          "text", verdict->checks[i].detail.text));
        return checks;
}

static json_t *verdict_json(const LedgerVerdict *v) {
        char ak[2 * sizeof(v->ak.name) + 1], genesis[2 * LEDGER_HASH_SIZE + 1];
        char head[2 * LEDGER_HASH_SIZE + 1];

        return json_pack("{so sI sI sI sI sI sI sI sI sI sI ss ss ss}", "checks", checks_json(v),
                         "rows", (json_int_t) v->rows, "first", (json_int_t) v->first, "last",
                         (json_int_t) v->last, "first-time", (json_int_t) v->first_time,
                         "last-time", (json_int_t) v->last_time, "breaks", (json_int_t) v->breaks,
                         "acknowledged", (json_int_t) v->acknowledged, "first-bad",
                         (json_int_t) v->first_bad, "anchors", (json_int_t) v->anchors, "anchored",
                         (json_int_t) v->anchored, "ak-name",
                         hex_encode(v->ak.name, v->ak.size, ak), "genesis",
                         hex_encode(v->genesis, LEDGER_HASH_SIZE, genesis), "head",
                         hex_encode(v->head, LEDGER_HASH_SIZE, head));
}

static int checks_print(const Context *context, const LedgerVerdict *verdict) {
        static const OutputField columns[] = {
                { "check", "CHECK", FIELD_TEXT },
                { "result", "RESULT", FIELD_TEXT },
                { "text", "", FIELD_TEXT },
        };
        _cleanup_(json_freep) json_t *checks = checks_json(verdict);

        return print_table(context, checks, FIELDS(columns), "No checks.");
}

static void closing_print(const LedgerVerdict *verdict) {
        bool acknowledged = false, unknown = false;

        for (int i = 0; i < LEDGER_CHECK_MAX; i++) {
                acknowledged |= verdict->checks[i].result == LEDGER_ACKNOWLEDGED;
                unknown |= verdict->checks[i].result == LEDGER_UNKNOWN;
        }
        if (verdict->bad)
                puts("\nThis file is not to be relied on.");
        else
                printf("\nNothing is bad%s%s.\n",
                       acknowledged ? "; tampering was acknowledged" : "",
                       unknown ? "; what is unknown is for you to compare" : "");
}

static int verdict_print(const Context *context, const LedgerVerdict *verdict) {
        char first[TIME_TEXT_SIZE], last[TIME_TEXT_SIZE];
        int r;

        if (context->json) {
                _cleanup_(json_freep) json_t *object = verdict_json(verdict);
                r = print_json_value(context, object);
        } else {
                if (verdict->first_time > 0)
                        printf("Rows %llu to %llu, %s to %s\n\n",
                               (unsigned long long) verdict->first,
                               (unsigned long long) verdict->last,
                               time_format(verdict->first_time, first),
                               time_format(verdict->last_time, last));
                r = checks_print(context, verdict);
                closing_print(verdict);
        }
        return r != 0 ? r : verdict->bad ? EXIT_VERIFICATION : 0;
}

/* --- what the auditor knows ----------------------------------------------------------------- */

static int expected_read(const Context *context, const char *ak_name, const char *genesis,
                         LedgerExpected *ret) {
        const size_t size = sizeof(TPMI_ALG_HASH) + LEDGER_HASH_SIZE;

        if (ak_name && !hex_decode(ak_name, ret->ak.name, size))
                return fail(context, EXIT_USAGE, "--ak-name is %zu hex digits", 2 * size);
        if (genesis && !hex_decode(genesis, ret->genesis, LEDGER_HASH_SIZE))
                return fail(context, EXIT_USAGE, "--genesis is %d hex digits",
                            2 * LEDGER_HASH_SIZE);
        ret->ak.size = ak_name ? (UINT16) size : 0;
        ret->has_genesis = genesis != NULL;
        return 0;
}

int verb_ledger_verify(Context *context, int argc, char **argv) {
        const char *ak_name = NULL, *genesis = NULL;
        const CommandOption table[] = {
                { "ak-name", .text = &ak_name },
                { "genesis", .text = &genesis },
        };
        const Usage usage = { help, OPTIONS(table), 1, 1 };
        LedgerExpected expected = {};
        LedgerVerdict verdict = {};
        char **arguments;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = expected_read(context, ak_name, genesis, &expected);
        if (r == 0)
                r = ledger_file_judge(context, arguments[0], NULL, &expected, &verdict);
        return r != 0 ? r : verdict_print(context, &verdict);
}
