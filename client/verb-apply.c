/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl apply and new: the two ways to a seal. */
#include <string.h>

#include "base/error.h"
#include "client/application.h"
#include "client/apply.h"
#include "client/bus-call.h"
#include "client/output.h"
#include "client/text.h"
#include "client/verb.h"

static const char apply_help[] =
        "Usage: sealctl apply --name NAME [OPTIONS]\n"
        "       sealctl apply --csv FILE [--dry-run]\n"
        "       sealctl apply KIND NUMBER --reason TEXT [OPTIONS]\n"
        "\n"
        "Apply for a seal. A reviewer other than you has to approve it, then it is made\n"
        "and delivered to its keeper. With KIND, for what shall become of the seal\n"
        "NUMBER: renew, recertify, amend, transfer, revoke, resume or destroy. Its keepers\n"
        "and the administrators may do that; 'sealctl apply KIND --help' tells which\n"
        "options each takes.\n"
        "\n"
        "Options:\n" APPLICATION_HELP
        "  --csv FILE             One application a line; the first line names the columns\n"
        "                         as the options above without '--', and may repeat\n"
        "                         purpose, keeper, approver and document; pin is yes or no\n"
        "  --dry-run              Check all lines of the file and send none\n"
        "\n"
        "All lines of a file are checked before the first is sent; whether the users and\n"
        "groups exist is found out when a line is sent. A line that was sent before, by\n"
        "you and unchanged, is the same request and not another, so that a run that broke\n"
        "off is repeated. Two equal lines are two applications.\n"
        "\n"
        "Example:\n"
        "  sealctl apply --name \"Acme Contracts\" --keeper alice --not-after +730d\n"
        "\n"
        "Next: a reviewer runs 'sealctl requests --awaiting-me', looks with 'sealctl\n"
        "request ID', then runs 'sealctl approve ID'.\n";

static const char new_help[] =
        "Usage: sealctl new --name NAME [OPTIONS]\n"
        "\n"
        "Make a seal at once. Only where the separation of duties is 'single'; elsewhere\n"
        "'sealctl apply' starts the way to a seal.\n"
        "\n"
        "Options:\n" APPLICATION_HELP
        "  --token TEXT           The same token again gives the same seal (for scripts)\n"
        "\n"
        "Example:\n"
        "  sealctl new --name \"Test seal\" --use-limit 100\n"
        "\n"
        "Next: 'sealctl sign NUMBER FILE'; its keepers can do so at once.\n";

static int application_words_send(Context *context, const ApplicationWords *application,
                                  const char *member, json_t **ret_path) {
        _cleanup_(message_freep) sd_bus_message *call = NULL;

        int r = call_new(context, MANAGER_PATH, MANAGER, member, &call);
        if (r == 0)
                r = application_words_append(context, application, call);
        if (r == 0)
                r = call_send_json(context, call, ret_path);
        if (r == 0 && !json_is_string(*ret_path))
                r = fail(context, EXIT_OTHER, "the daemon's answer cannot be read");
        return r;
}

static int apply_one(Context *context, const ApplicationWords *application) {
        _cleanup_(json_freep) json_t *path = NULL;

        int r = application_words_check(context, application);
        if (r == 0)
                r = application_words_send(context, application, "Apply", &path);
        return r != 0 ? r : application_report(context, json_string_value(path));
}

int verb_apply(Context *context, int argc, char **argv) {
        ApplicationWords application = {};
        const char *csv = NULL;
        bool dry_run = false;
        const CommandOption table[] = { APPLICATION_OPTIONS(application),
                                        { "csv", .text = &csv },
                                        { "dry-run", .flag = &dry_run } };
        const Usage usage = { apply_help, OPTIONS(table), 0, 0 };
        char **arguments;

        if (argc > 1 && apply_kind_is(argv[1]))
                return apply_kind(context, argc - 1, argv + 1);
        if (argc > 1 && argv[1][0] != '-')
                return fail(context, EXIT_USAGE, "there is no kind '%s' of applications", argv[1]);
        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0 && dry_run && !csv)
                r = fail(context, EXIT_USAGE, "--dry-run goes with --csv");
        if (r == 0 && csv && memcmp(&application, &(ApplicationWords){}, sizeof(application)) != 0)
                r = fail(context, EXIT_USAGE, "--csv takes the other options from its columns");
        if (r != 0)
                return r;
        return csv ? apply_csv(context, csv, dry_run) : apply_one(context, &application);
}

static int seal_print(Context *context, const char *path, bool approvers) {
        _cleanup_(json_freep) json_t *state = NULL, *object = NULL;

        int r = property_json(context, path, SEAL, "State", &state);
        if (r != 0)
                return r;
        const char *number = path_last(path);
        const char *text = json_is_string(state) ? json_string_value(state) : "";
        if (context->json) {
                object = json_pack("{ssssss}", "seal", path, "number", number, "state", text);
                return print_json_value(context, object);
        }
        printf("Seal %s, %s\n", number, text);
        if (strcmp(text, "delivered") == 0)
                printf("Next: the keeper runs 'sealctl accept %s'\n", number);
        else
                printf("Next: 'sealctl %s %s FILE'\n", approvers ? "request-use" : "sign", number);
        return 0;
}

/* Says which way leads to a seal here, instead of the daemon's InvalidState. */
static int separation_check(Context *context) {
        _cleanup_(json_freep) json_t *separation = NULL;

        int r = property_json(context, MANAGER_PATH, MANAGER, "Separation", &separation);
        if (r != 0)
                return r;
        const char *mode = json_is_string(separation) ? json_string_value(separation) : "";
        if (strcmp(mode, "dual") != 0 && strcmp(mode, "strict") != 0)
                return 0;
        return fail(context, EXIT_NOT_ALLOWED,
                    "the separation of duties here is '%s': use 'sealctl apply', and let another "
                    "person approve it",
                    mode);
}

int verb_new(Context *context, int argc, char **argv) {
        ApplicationWords application = {};
        const CommandOption table[] = { APPLICATION_OPTIONS(application),
                                        { "token", .text = &application.token } };
        const Usage usage = { new_help, OPTIONS(table), 0, 0 };
        _cleanup_(json_freep) json_t *path = NULL;
        char **arguments;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = application_words_check(context, &application);
        if (r == 0)
                r = separation_check(context);
        if (r == 0)
                r = application_words_send(context, &application, "CreateSeal", &path);
        return r != 0 ? r
                      : seal_print(context, json_string_value(path),
                                   application.approvers.count > 0);
}
