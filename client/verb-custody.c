/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl record-filing, deliver, accept, decline, revoke: a seal's way through hands. */
#include <stdio.h>
#include <string.h>

#include "client/application.h"
#include "client/bus-call.h"
#include "client/output.h"
#include "client/seal-act.h"
#include "client/text.h"
#include "client/verb.h"

static const char filing_help[] =
        "Usage: sealctl record-filing NUMBER [OPTIONS]\n"
        "\n"
        "Record that a made seal was filed with the authority in charge of seals.\n"
        "\n"
        "Options:\n"
        "  --filing-number TEXT    The number of the filing\n"
        "  --authority TEXT        Where it was filed\n"
        "  --filed TIME            When: YYYY-MM-DD (UTC) or RFC 3339 (default: now)\n"
        "  --document TITLE=FILE   A document of the filing; its SHA-256 is recorded\n"
        "\n"
        "Example:\n"
        "  sealctl record-filing 50011200000001 --filing-number 2026-17\n"
        "\n"
        "Next: 'sealctl deliver NUMBER KEEPER'.\n";

static const char deliver_help[] =
        "Usage: sealctl deliver NUMBER KEEPER\n"
        "\n"
        "Deliver a filed seal to one of the keepers that its application named: NAME,\n"
        "user:NAME or group:NAME. He has to accept it before it signs.\n"
        "\n"
        "Example:\n"
        "  sealctl deliver 50011200000001 alice\n"
        "\n"
        "Next: the keeper runs 'sealctl accept NUMBER'.\n";

static const char decline_help[] =
        "Usage: sealctl decline NUMBER REASON\n"
        "\n"
        "Decline a seal that was delivered to you; it goes back to be delivered to\n"
        "another.\n"
        "\n"
        "Example:\n"
        "  sealctl decline 50011200000001 \"I left the department\"\n"
        "\n"
        "Next: an administrator runs 'sealctl deliver NUMBER KEEPER'.\n";

static const char revoke_help[] =
        "Usage: sealctl revoke [--yes] NUMBER REASON\n"
        "\n"
        "Revoke a seal for ever: its bit is set in the TPM, which then refuses to sign\n"
        "with it, also after an old disk image was put back. Nothing and nobody can take\n"
        "this back. Asks on the terminal; --yes does not.\n"
        "\n"
        "Example:\n"
        "  sealctl revoke --yes 50011200000001 \"contract department closed\"\n"
        "\n"
        "Next: another administrator runs 'sealctl destroy NUMBER REASON'; 'sealctl apply'\n"
        "asks for another seal.\n";

typedef struct FilingOptions {
        const char *filing_number, *authority;
        uint64_t filed;
        TextList documents;
} FilingOptions;

static int filing_send(Context *context, const char *path, const FilingOptions *o) {
        _cleanup_(message_freep) sd_bus_message *call = NULL;

        int r = call_new(context, path, SEAL, "RecordFiling", &call);
        if (r != 0)
                return r;
        Entries e = entries_open(call);
        entry_text(&e, "filing-number", o->filing_number);
        entry_text(&e, "authority", o->authority);
        entry_time(&e, "filed", o->filed);
        r = documents_append(context, &o->documents, &e);
        if (r == 0)
                r = call_built(context, entries_close(&e));
        return r != 0 ? r : call_send(context, call, NULL);
}

int verb_record_filing(Context *context, int argc, char **argv) {
        FilingOptions o = {};
        const CommandOption table[] = {
                { "filing-number", .text = &o.filing_number },
                { "authority", .text = &o.authority },
                { "filed", .time = &o.filed },
                { "document", .list = &o.documents },
        };
        const Usage usage = { filing_help, OPTIONS(table), 1, 1 };
        const SealNext next = { "", "sealctl deliver", " KEEPER" };
        char **arguments, path[PATH_SIZE];

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = seal_path_get(context, arguments[0], path);
        if (r == 0)
                r = filing_send(context, path, &o);
        return r != 0 ? r : seal_state_report(context, path, &next);
}

int verb_deliver(Context *context, int argc, char **argv) {
        const Usage usage = { deliver_help, NULL, 0, 2, 2 };
        const SealNext next = { "the keeper runs ", "sealctl accept", "" };
        char **arguments, path[PATH_SIZE], keeper[SUBJECT_MAX + 1];

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = seal_path_get(context, arguments[0], path);
        if (r == 0 && !subject_complete(arguments[1], keeper))
                r = fail(context, EXIT_USAGE, "'%s' is no keeper: write user:NAME or group:NAME",
                         arguments[1]);
        if (r == 0)
                r = seal_text_call(context, path, "Deliver", keeper);
        return r != 0 ? r : seal_state_report(context, path, &next);
}

int verb_decline(Context *context, int argc, char **argv) {
        const Usage usage = { decline_help, NULL, 0, 2, 2 };
        char **arguments, path[PATH_SIZE];

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = seal_path_get(context, arguments[0], path);
        if (r == 0)
                r = seal_text_call(context, path, "Decline", arguments[1]);
        if (r != 0)
                return r;
        /* Who declined may not see the seal any more. */
        return print_done(context, "declined", path_last(path), "Seal %s: declined",
                          path_last(path));
}

int verb_revoke(Context *context, int argc, char **argv) {
        const Usage usage = { revoke_help, NULL, 0, 2, 2 };
        const SealNext next = { "another administrator erases its key with ", "sealctl destroy",
                                " REASON" };
        char **arguments, path[PATH_SIZE];

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = seal_path_get(context, arguments[0], path);
        if (r == 0)
                r = reason_check(context, arguments[1]);
        if (r == 0)
                r = seal_confirm(context, path, "Revoke", "for ever?");
        if (r == 0)
                r = seal_text_call(context, path, "Revoke", arguments[1]);
        return r != 0 ? r : seal_state_report(context, path, &next);
}
