/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl accept and change-pin: the keeper takes a seal, and has its PIN from then on. */
#include <stdio.h>
#include <string.h>

#include "client/approver.h"
#include "client/bus-call.h"
#include "client/output.h"
#include "client/pin.h"
#include "client/seal-act.h"
#include "client/verb.h"

static const char accept_help[] =
        "Usage: sealctl accept NUMBER [OPTIONS]\n"
        "\n"
        "Accept a seal that was delivered to you. From now on it signs, and you answer\n"
        "for it. Where it has a PIN you set it here, 4 to 256 bytes; nobody had one before.\n"
        "\n"
        "Options:\n"
        "  --pin-file FILE      First line is the PIN that it gets ('-': standard input)\n"
        "  --ask-pin            Type it at the terminal, twice\n"
        "  --old-pin-file FILE  The present PIN, where somebody kept the seal before you\n"
        "  --ask-old-pin        Type that at the terminal\n"
        "\n"
        "Example:\n"
        "  sealctl accept 50011200000001\n"
        "  sealctl accept 50011200000002 --ask-pin\n"
        "\n"
        "Next: 'sealctl sign NUMBER FILE'; of a seal with approvers 'sealctl request-use\n"
        "NUMBER FILE'.\n";

static const char change_help[] =
        "Usage: sealctl change-pin NUMBER [OPTIONS]\n"
        "\n"
        "Give a seal that you keep another PIN. The old one is typed at the terminal, and\n"
        "the new one twice, unless files have them. Who has a copy of the register from\n"
        "before, and the old PIN, can use the key by them for ever: a PIN that others know\n"
        "means to renew the seal and to revoke this one.\n"
        "\n"
        "Options:\n"
        "  --old-pin-file FILE  First line is the present PIN ('-': standard input)\n"
        "  --new-pin-file FILE  First line is the new one\n"
        "\n"
        "Example:\n"
        "  sealctl change-pin 50011200000002\n"
        "\n"
        "Next: 'sealctl sign NUMBER FILE --ask-pin'.\n";

/* Read both before either is deposited, as a ticket is not kept for long. */
static int pair_get(Context *context, const PinWords *old_words, const PinWords *new_words,
                    json_t **ret_old, json_t **ret_new) {
        _cleanup_(secret_wipe) Secret old = {}, new = {};

        int r = pin_get(context, old_words, "Present PIN of the seal: ", false, &old);
        if (r == 0)
                r = pin_get(context, new_words, "New PIN of the seal: ", true, &new);
        if (r == 0)
                r = pin_deposit(context, &old, ret_old);
        return r != 0 ? r : pin_deposit(context, &new, ret_new);
}

static int accept_send(Context *context, const char *path, const json_t *old, const json_t *new) {
        _cleanup_(message_freep) sd_bus_message *call = NULL;

        int r = call_new(context, path, SEAL, "Accept", &call);
        if (r != 0)
                return r;
        Entries e = entries_open(call);
        entry_path(&e, "pin", old ? json_string_value(old) : NULL);
        entry_path(&e, "new-pin", new ? json_string_value(new) : NULL);
        r = call_built(context, entries_close(&e));
        return r != 0 ? r : call_send(context, call, NULL);
}

static int accepted_report(Context *context, const char *path) {
        bool pin = false;
        const bool sign = context->json || strcmp(approvers_verb(context, path, &pin), "sign") == 0;
        const SealNext next = { "", sign ? "sealctl sign" : "sealctl request-use",
                                sign && pin ? " FILE --ask-pin" : " FILE" };

        return seal_state_report(context, path, &next);
}

int verb_accept(Context *context, int argc, char **argv) {
        PinWords old = {}, new = {};
        const CommandOption table[] = {
                { "pin-file", .text = &new.file },
                { "ask-pin", .flag = &new.ask },
                { "old-pin-file", .text = &old.file },
                { "ask-old-pin", .flag = &old.ask },
        };
        const Usage usage = { accept_help, OPTIONS(table), 1, 1 };
        _cleanup_(json_freep) json_t *old_ticket = NULL, *new_ticket = NULL;
        char **arguments, path[PATH_SIZE];

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = seal_path_get(context, arguments[0], path);
        if (r == 0)
                r = pair_get(context, &old, &new, &old_ticket, &new_ticket);
        if (r == 0)
                r = accept_send(context, path, old_ticket, new_ticket);
        return r != 0 ? r : accepted_report(context, path);
}

static int change_send(Context *context, const char *path, const json_t *old, const json_t *new) {
        _cleanup_(message_freep) sd_bus_message *call = NULL;

        int r = call_new(context, path, SEAL, "ChangePin", &call);
        if (r == 0)
                r = call_built(context,
                               sd_bus_message_append(call, "vv", "o", json_string_value(old), "o",
                                                     json_string_value(new)));
        return r != 0 ? r : call_send(context, call, NULL);
}

int verb_change_pin(Context *context, int argc, char **argv) {
        PinWords old = {}, new = {};
        const CommandOption table[] = { { "old-pin-file", .text = &old.file },
                                        { "new-pin-file", .text = &new.file } };
        const Usage usage = { change_help, OPTIONS(table), 1, 1 };
        _cleanup_(json_freep) json_t *old_ticket = NULL, *new_ticket = NULL;
        char **arguments, path[PATH_SIZE];

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = seal_path_get(context, arguments[0], path);
        if (r != 0)
                return r;
        old.ask = !old.file;
        new.ask = !new.file;
        r = pair_get(context, &old, &new, &old_ticket, &new_ticket);
        if (r == 0)
                r = change_send(context, path, old_ticket, new_ticket);
        if (r != 0)
                return r;
        r = print_done(context, "changed", path_last(path), "Seal %s: its PIN is changed",
                       path_last(path));
        if (r == 0 && !context->json)
                puts("Next: have the register backed up anew and older copies destroyed: in them "
                     "the old PIN "
                     "counts");
        return r;
}
