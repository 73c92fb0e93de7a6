/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl separation and capacity: what holds for all seals of the machine. */
#include <stdio.h>
#include <string.h>

#include "client/installation.h"
#include "client/output.h"
#include "client/seal-act.h"
#include "client/secret-input.h"
#include "client/text.h"
#include "client/verb.h"

static const char separation_set_help[] =
        "Usage: sealctl separation set MODE [OPTIONS]\n"
        "\n"
        "Change the separation of duties: single, dual or strict. An administrator may\n"
        "raise it; to lower it needs the authority. Seals keep the mode of their birth in\n"
        "their record.\n"
        "\n"
        "Options:\n" CONSENT_HELP "\n"
        "Example:\n"
        "  sealctl separation set strict\n"
        "\n"
        "Next: 'sealctl status' shows it.\n";

static const char capacity_extend_help[] =
        "Usage: sealctl capacity extend SEALS [OPTIONS]\n"
        "\n"
        "Make room for SEALS more seals (rounded up to whole indices of 64). The\n"
        "authority answers for each new index. All of it or none: a TPM without the room\n"
        "says how many indices it has room for, and with --measure that is found out\n"
        "beforehand and shown by 'sealctl status'.\n"
        "\n"
        "Options:\n" CONSENT_HELP
        "  --machine-states         One more index, by which the next 64 machine states that\n"
        "                           are approved can be retired; SEALS may be 0\n"
        "  --measure                Only measure whether the TPM has the room\n"
        "  --owner-auth-file FILE   The TPM's owner authorisation, where sealsd does not\n"
        "                           have it\n\n"
        "Example:\n"
        "  sealctl capacity extend 128 --authority /media/key/sealsd-authority.pem\n"
        "\n"
        "Next: 'sealctl status' shows the capacity.\n";

static int change_finish(Context *context, const Consent *consent, const char *key,
                         const char *value, const char *done) {
        bool waits = false;

        int r = consent_finish(context, consent, &waits);
        if (r != 0)
                return r;
        if (waits && consent->separation)
                return print_done(context, "answers", "needed",
                                  "The authority has to answer. Next: 'sealctl authority answer "
                                  "--key FILE --separation %s'",
                                  consent->separation);
        if (waits)
                return print_done(
                        context, "answers", "needed",
                        "The authority has to answer. Next: 'sealctl authority answer --key FILE'");
        return print_done(context, key, value, done, value);
}

static int separation_send(Context *context, const char *mode, const Consent *consent) {
        _cleanup_(message_freep) sd_bus_message *call = NULL;

        int r = call_new(context, MANAGER_PATH, MANAGER, "SetSeparation", &call);
        if (r == 0)
                r = call_built(context, text_append(call, mode));
        if (r != 0)
                return r;
        Entries e = entries_open(call);
        consent_append(&e, consent);
        r = call_built(context, entries_close(&e));
        return r != 0 ? r : call_send(context, call, NULL);
}

static int separation_set(Context *context, int argc, char **argv) {
        _cleanup_(consent_done) Consent consent = { .fd = -1 };
        const CommandOption table[] = { CONSENT_OPTIONS(consent) };
        const Usage usage = { separation_set_help, OPTIONS(table), 1, 1 };
        char **arguments = NULL;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0 && strcmp(arguments[0], "single") != 0 && strcmp(arguments[0], "dual") != 0 &&
            strcmp(arguments[0], "strict") != 0)
                r = fail(context, EXIT_USAGE, "MODE is single, dual or strict");
        consent.separation = arguments ? arguments[0] : NULL;
        if (r == 0)
                r = consent_get(context, &consent);
        if (r == 0)
                r = separation_send(context, arguments[0], &consent);
        if (r != 0)
                return r;
        return change_finish(context, &consent, "separation", arguments[0],
                             "The separation of duties is %s.");
}

static int separation_show(Context *context, int argc, char **argv) {
        static const char help[] = "Usage: sealctl separation show\n"
                                   "\n"
                                   "The separation of duties of this machine.\n"
                                   "\n"
                                   "Example:\n"
                                   "  sealctl separation show\n"
                                   "\n"
                                   "Next: 'sealctl separation set MODE' changes it.\n";
        const Usage usage = { .help = help };
        _cleanup_(json_freep) json_t *mode = NULL;
        char **arguments;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = property_json(context, MANAGER_PATH, MANAGER, "Separation", &mode);
        if (r != 0)
                return r;
        const char *text = json_is_string(mode) ? json_string_value(mode) : "";
        return print_done(context, "separation", text, "%s", text);
}

int verb_separation(Context *context, int argc, char **argv) {
        static const Verb verbs[] = {
                { "show", separation_show, "The separation of duties" },
                { "set", separation_set, "Change it" },
        };
        static const VerbTable table = {
                .usage = "Usage: sealctl separation show|set [OPTIONS]\n"
                         "\n"
                         "Whether one person may do all (single), reviewer and applicant differ "
                         "(dual), or\n"
                         "applicant, reviewers and maker differ, and the maker from the keeper "
                         "(strict).\n"
                         "\n",
                .footer = "\n'sealctl separation VERB --help' tells what each takes.\n"
                          "\n"
                          "Example:\n  sealctl separation show\n",
                .verbs = verbs,
                .n_verbs = sizeof(verbs) / sizeof(verbs[0]),
        };

        return verb_dispatch(context, &table, argc, argv);
}

typedef struct CapacityWords {
        uint64_t seals;
        bool measure, machine_states;
        const char *owner_auth_file;
        int owner_auth_fd; /* -1: none */
} CapacityWords;

static void capacity_done(CapacityWords *words) {
        closep(&words->owner_auth_fd);
}

static int owner_auth_get(const Context *context, CapacityWords *words) {
        _cleanup_(secret_wipe) Secret secret = {};

        if (!words->owner_auth_file)
                return 0;
        int r = secret_file_read(context, words->owner_auth_file, &secret);
        return r != 0 ? r : secret_to_memfd(context, &secret, &words->owner_auth_fd);
}

static int capacity_send(Context *context, const CapacityWords *words, const Consent *consent) {
        _cleanup_(message_freep) sd_bus_message *call = NULL;

        int r = call_new(context, MANAGER_PATH, MANAGER, "ExtendCapacity", &call);
        if (r == 0)
                r = call_built(context, sd_bus_message_append(call, "u", (uint32_t) words->seals));
        if (r != 0)
                return r;
        Entries e = entries_open(call);
        consent_append(&e, consent);
        entry_flag(&e, "measure", words->measure);
        entry_flag(&e, "machine-states", words->machine_states);
        entry_fd(&e, "owner-auth", words->owner_auth_fd);
        r = call_built(context, entries_close(&e));
        return r != 0 ? r : call_send(context, call, NULL);
}

static int capacity_extend(Context *context, int argc, char **argv) {
        _cleanup_(consent_done) Consent consent = { .fd = -1 };
        _cleanup_(capacity_done) CapacityWords words = { .owner_auth_fd = -1 };
        const CommandOption table[] = { CONSENT_OPTIONS(consent),
                                        { "measure", .flag = &words.measure },
                                        { "machine-states", .flag = &words.machine_states },
                                        { "owner-auth-file", .text = &words.owner_auth_file } };
        const Usage usage = { capacity_extend_help, OPTIONS(table), 1, 1 };
        char **arguments;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0 && (!count_parse(arguments[0], &words.seals) ||
                       (words.seals == 0 && !words.machine_states) || words.seals > UINT32_MAX))
                r = fail(context, EXIT_USAGE, "SEALS is a number of seals, not '%s'", arguments[0]);
        if (r == 0)
                r = consent_get(context, &consent);
        if (r == 0)
                r = owner_auth_get(context, &words);
        if (r == 0)
                r = capacity_send(context, &words, &consent);
        if (r != 0)
                return r;
        if (words.measure)
                return print_done(context, "measured", arguments[0],
                                  "Measured. Next: 'sealctl status' shows the room");
        return change_finish(
                context, &consent, "extended", arguments[0],
                words.seals == 0
                        ? "Machine states that are approved from now on can be retired."
                        : "There is room for %s more seals. 'sealctl status' shows all of it.");
}

int verb_capacity(Context *context, int argc, char **argv) {
        static const Verb verbs[] = {
                { "extend", capacity_extend, "Make room for more seals" },
        };
        static const VerbTable table = {
                .usage = "Usage: sealctl capacity extend SEALS [OPTIONS]\n"
                         "\n"
                         "Each seal takes a bit of the TPM for ever, so that it can be revoked for "
                         "ever.\n"
                         "'sealctl status' shows how many there are and how many are used.\n"
                         "\n",
                .footer = "\n'sealctl capacity VERB --help' tells what each takes.\n"
                          "\n"
                          "Example:\n  sealctl capacity extend 64\n",
                .verbs = verbs,
                .n_verbs = sizeof(verbs) / sizeof(verbs[0]),
        };

        return verb_dispatch(context, &table, argc, argv);
}
