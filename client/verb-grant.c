/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl grant: who may use a seal beside its keepers. */
#include <stdio.h>

#include "base/text.h"
#include "client/bus-call.h"
#include "client/options.h"
#include "client/output.h"
#include "client/seal-act.h"
#include "client/verb.h"

static const char add_help[] =
        "Usage: sealctl grant add NUMBER SUBJECT [OPTIONS]\n"
        "\n"
        "Let a user or a group use a seal. Its keepers may do this, and the grant ends\n"
        "with their custody.\n"
        "\n"
        "Options:\n"
        "  --purpose PURPOSE    document-signing, identity-authentication, endorsement;\n"
        "                       may be repeated (default: those of the seal)\n"
        "  --not-before TIME    From when: YYYY-MM-DD (UTC), RFC 3339, or +Nd\n"
        "  --until TIME         Until when, likewise; a day counts to its end\n"
        "  --count N            How many signatures (default: no limit)\n"
        "  --deputy             Do what the keepers do, until then; but make no deputies\n"
        "  --emergency          An administrator's grant, where no keeper can be reached:\n"
        "                       24 hours and 10 uses at most, --reason is required, and a\n"
        "                       reviewer has to look at it afterwards\n"
        "  --reason TEXT        Kept with the grant\n"
        "\n"
        "Example:\n"
        "  sealctl grant add 50011200000001 bob --until +14d --reason \"holiday cover\"\n"
        "\n"
        "Next: 'sealctl grant list NUMBER'; he runs 'sealctl sign NUMBER FILE'.\n";

static const char remove_help[] =
        "Usage: sealctl grant remove NUMBER ID REASON\n"
        "\n"
        "Take a grant back. ID is its number in 'sealctl grant list NUMBER'.\n"
        "\n"
        "Example:\n"
        "  sealctl grant remove 50011200000001 3 \"back from holiday\"\n"
        "\n"
        "Next: 'sealctl grant list NUMBER'.\n";

static const char list_help[] =
        "Usage: sealctl grant list NUMBER\n"
        "\n"
        "Who may use a seal beside its keepers ('sealctl show NUMBER' has those), for\n"
        "what, until when and how often.\n"
        "\n"
        "Example:\n"
        "  sealctl grant list 50011200000001\n"
        "\n"
        "Next: 'sealctl grant remove NUMBER ID REASON'.\n";

typedef struct GrantWords {
        TextList purposes;
        uint64_t not_before, until, count;
        bool deputy, emergency;
        const char *reason;
} GrantWords;

static int add_send(Context *context, const char *path, const char *subject, const GrantWords *w,
                    json_t **ret) {
        _cleanup_(message_freep) sd_bus_message *call = NULL;

        int r = call_new(context, path, SEAL, "AddGrant", &call);
        if (r == 0)
                r = call_built(context, text_append(call, subject));
        if (r != 0)
                return r;
        Entries e = entries_open(call);
        entry_texts(&e, "purposes", &w->purposes);
        entry_time(&e, "not-before", w->not_before);
        entry_time(&e, "until", w->until);
        entry_time(&e, "count", w->count);
        entry_flag(&e, "keeper", w->deputy);
        entry_flag(&e, "emergency", w->emergency);
        entry_text(&e, "reason", w->reason);
        r = call_built(context, entries_close(&e));
        return r != 0 ? r : call_send_json(context, call, ret);
}

static int words_check(const Context *context, const GrantWords *w) {
        if (w->emergency && (!w->reason || !text_is_line(w->reason, TEXT_MAX)))
                return fail(context, EXIT_USAGE, "--emergency needs a --reason: one line of text");
        if (w->emergency && w->deputy)
                return fail(context, EXIT_USAGE, "--emergency and --deputy exclude each other");
        if (w->until > 0 && w->until <= w->not_before)
                return fail(context, EXIT_USAGE, "--until lies before --not-before");
        return 0;
}

static int grant_add(Context *context, int argc, char **argv) {
        GrantWords w = {};
        const CommandOption table[] = {
                { "purpose", .list = &w.purposes }, { "not-before", .time = &w.not_before },
                { "until", .time_end = &w.until },  { "count", .number = &w.count },
                { "deputy", .flag = &w.deputy },    { "emergency", .flag = &w.emergency },
                { "reason", .text = &w.reason },
        };
        const Usage usage = { add_help, OPTIONS(table), 2, 2 };
        char **arguments, path[PATH_SIZE], subject[SUBJECT_MAX + 1];
        _cleanup_(json_freep) json_t *id = NULL;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = seal_path_get(context, arguments[0], path);
        if (r == 0 && !subject_complete(arguments[1], subject))
                r = fail(context, EXIT_USAGE, "'%s' is nobody: write user:NAME or group:NAME",
                         arguments[1]);
        if (r == 0)
                r = words_check(context, &w);
        if (r == 0)
                r = add_send(context, path, subject, &w, &id);
        if (r != 0)
                return r;
        const char *text = json_is_string(id) ? json_string_value(id) : "?";
        return print_done(context, "grant", text,
                          "Grant %s: %s may use seal %s. Next: 'sealctl grant list %s'", text,
                          subject, path_last(path), path_last(path));
}

static int grant_remove(Context *context, int argc, char **argv) {
        const Usage usage = { remove_help, NULL, 0, 3, 3 };
        _cleanup_(json_freep) json_t *nothing = NULL;
        char **arguments, path[PATH_SIZE];

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = seal_path_get(context, arguments[0], path);
        if (r == 0)
                r = reason_check(context, arguments[2]);
        if (r != 0)
                return r;
        const char *const texts[] = { arguments[1], arguments[2], NULL };
        r = call_json(context, path, SEAL, "RemoveGrant", texts, &nothing);
        if (r != 0)
                return r;
        return print_done(context, "removed", arguments[1], "Grant %s is taken back.",
                          arguments[1]);
}

/* (id, subject, details) as one object each. */
static json_t *grant_rows(const json_t *grants) {
        static const char *const keys[] = { "id", "subject", "details" };
        json_t *rows = rows_named(grants, keys, 3), *row;
        size_t i;

        json_array_foreach(rows, i, row) {
                json_t *details = json_incref(json_object_get(row, "details"));
                (void) json_object_del(row, "details");
                (void) json_object_update(row, details);
                json_decref(details);
        }
        return rows;
}

static int grant_list(Context *context, int argc, char **argv) {
        static const OutputField columns[] = {
                { "id", "ID", FIELD_TEXT },
                { "subject", "WHO", FIELD_TEXT },
                { "purposes", "PURPOSES", FIELD_TEXT },
                { "not-before", "FROM", FIELD_TIME },
                { "until", "UNTIL", FIELD_TIME },
                { "used", "USED", FIELD_TEXT },
                { "count", "OF", FIELD_LIMIT },
                { "keeper", "DEPUTY", FIELD_TEXT },
                { "emergency", "EMERGENCY", FIELD_TEXT },
                { "giver", "GIVEN BY", FIELD_TEXT },
        };
        const Usage usage = { list_help, NULL, 0, 1, 1 };
        _cleanup_(json_freep) json_t *grants = NULL, *rows = NULL;
        char **arguments, path[PATH_SIZE];

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = seal_path_get(context, arguments[0], path);
        if (r == 0)
                r = call_json(context, path, SEAL, "ListGrants", NULL, &grants);
        if (r != 0)
                return r;
        rows = grant_rows(grants);
        return print_table(context, rows, FIELDS(columns), "No grants: its keepers alone use it.");
}

int verb_grant(Context *context, int argc, char **argv) {
        static const Verb verbs[] = {
                { "add", grant_add, "Let somebody use a seal" },
                { "remove", grant_remove, "Take a grant back" },
                { "list", grant_list, "Who may use a seal beside its keepers" },
        };
        static const VerbTable table = {
                .usage = "Usage: sealctl grant add|remove|list NUMBER [OPTIONS] [ARGUMENTS]\n"
                         "\n"
                         "A grant lets a user or a group use a seal that others keep: for some "
                         "purposes,\n"
                         "until some time, so many times.\n"
                         "\n",
                .footer = "\n'sealctl grant VERB --help' tells what each takes.\n"
                          "\n"
                          "Example:\n  sealctl grant list 50011200000001\n",
                .verbs = verbs,
                .n_verbs = sizeof(verbs) / sizeof(verbs[0]),
        };

        return verb_dispatch(context, &table, argc, argv);
}
