/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl apply and new: the two ways to a seal. */
#include <string.h>

#include "base/error.h"
#include "client/application.h"
#include "client/bus-call.h"
#include "client/output.h"
#include "client/text.h"
#include "client/verb.h"

static const char apply_help[] =
        "Usage: sealctl apply --name NAME [OPTIONS]\n"
        "\n"
        "Apply for a seal. A reviewer other than you has to approve it, then it is made\n"
        "and delivered to its keeper.\n"
        "\n"
        "Options:\n" APPLICATION_HELP "\n"
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

static int request_print(const Context *context, const char *path) {
        uint64_t id = 0;

        if (!context->json) {
                printf("Request %s\n", path_last(path));
                printf("Next: a reviewer looks first with 'sealctl request %s', then runs "
                       "'sealctl approve %s'\n",
                       path_last(path), path_last(path));
                return 0;
        }
        (void) count_parse(path_last(path), &id);
        _cleanup_(json_freep)
                json_t *object = json_pack("{sssI}", "request", path, "id", (json_int_t) id);
        return print_json_value(context, object);
}

int verb_apply(Context *context, int argc, char **argv) {
        ApplicationWords application = {};
        const CommandOption table[] = { APPLICATION_OPTIONS(application) };
        const Usage usage = { apply_help, OPTIONS(table), 0, 0 };
        _cleanup_(json_freep) json_t *path = NULL;
        char **arguments;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = application_words_check(context, &application);
        if (r == 0)
                r = application_words_send(context, &application, "Apply", &path);
        return r != 0 ? r : request_print(context, json_string_value(path));
}

static int seal_print(Context *context, const char *path) {
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
                printf("Next: 'sealctl sign %s FILE'\n", number);
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
        return r != 0 ? r : seal_print(context, json_string_value(path));
}
