/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl approve, reject, cancel, make: what is done to a request. */
#include <stdio.h>
#include <string.h>

#include "client/bus-call.h"
#include "client/output.h"
#include "client/signing.h"
#include "client/use-request.h"
#include "client/verb.h"

#define SIGNING_HELP                                                                         \
        "  --key FILE               Sign the decision with this private key\n"               \
        "  --passphrase-file FILE   First line is the key's passphrase\n"                    \
        "  --signature FILE         A signature over the bytes of --to-sign\n"               \
        "  --to-sign FILE           Write the bytes to be signed, and decide nothing\n"      \
        "  --digest HEX             Refuse when what was applied for is not what 'sealctl\n" \
        "                           request ID' showed with this digest\n"

static const char approve_help[] =
        "Usage: sealctl approve ID [OPTIONS]\n"
        "\n"
        "Approve a request: look first with 'sealctl request ID'. In dual\n"
        "separation the last approval that is needed makes the seal, files it and\n"
        "delivers it, which can take minutes on a TPM. Once your key is registered\n"
        "('sealctl reviewer register'), each decision has to be signed; the digest that\n"
        "is signed is computed here from what was applied for.\n"
        "\n"
        "Options:\n"
        "  --comment TEXT           Kept with the decision\n" SIGNING_HELP "\n"
        "Example:\n"
        "  sealctl approve 3 --comment \"checked against the minutes\" --key me.pem\n"
        "\n"
        "Next: the keeper runs 'sealctl accept NUMBER'; in strict separation first a\n"
        "maker runs 'sealctl make ID'.\n";

static const char reject_help[] = "Usage: sealctl reject ID REASON [OPTIONS]\n"
                                  "\n"
                                  "Reject a request. It ends; the applicant may apply again.\n"
                                  "\n"
                                  "Options:\n" SIGNING_HELP "\n"
                                  "Example:\n"
                                  "  sealctl reject 3 \"the name is taken\"\n"
                                  "\n"
                                  "Next: 'sealctl requests' shows what else waits.\n";

static const char cancel_help[] = "Usage: sealctl cancel ID REASON\n"
                                  "\n"
                                  "Cancel a request of yours (an administrator: any request).\n"
                                  "\n"
                                  "Example:\n"
                                  "  sealctl cancel 3 \"not needed any more\"\n"
                                  "\n"
                                  "Next: 'sealctl apply' starts a new one.\n";

static const char make_help[] =
        "Usage: sealctl make ID\n"
        "\n"
        "Make the seal of an approved request (strict separation), or try again after a\n"
        "failure. Repeating the command while it runs joins the work.\n"
        "\n"
        "Example:\n"
        "  sealctl make 3\n"
        "\n"
        "Next: 'sealctl record-filing NUMBER', then 'sealctl deliver NUMBER KEEPER'.\n";

static void next_print(const char *seal_state, const char *id, const char *state,
                       const char *seal) {
        if (strcmp(state, "failed") == 0)
                printf("Next: 'sealctl make %s' tries again\n", id);
        else if (strcmp(state, "approved") == 0)
                printf("Next: a maker runs 'sealctl make %s'\n", id);
        else if (strcmp(state, "applied") == 0)
                puts("Next: another reviewer decides");
        else if (strcmp(seal_state, "made") == 0)
                printf("Next: a maker runs 'sealctl record-filing %s'\n", seal);
        else if (strcmp(seal_state, "delivered") == 0)
                printf("Next: the keeper runs 'sealctl accept %s'\n", seal);
}

/* The seal's state is only there for those who may see it: asked for people, never insisted on. */
static void seal_state_get(Context *context, const char *seal, char *ret, size_t size) {
        _cleanup_(message_freep) sd_bus_message *call = NULL, *reply = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        char path[PATH_SIZE];
        const char *text;

        ret[0] = '\0';
        if (!seal_path_parse(seal, path) ||
            call_new(context, path, "org.freedesktop.DBus.Properties", "Get", &call) != 0 ||
            sd_bus_message_append(call, "ss", SEAL, "State") < 0 ||
            call_attempt(context, call, &error, &reply) < 0 ||
            sd_bus_message_read(reply, "v", "s", &text) < 0)
                return;
        (void) snprintf(ret, size, "%s", text);
}

/* How the request stands now, and who goes on. */
static int request_report(Context *context, const char *path) {
        _cleanup_(json_freep) json_t *request = NULL;
        char seal_state[32];

        int r = describe(context, path, REQUEST, &request);
        if (r != 0)
                return r;
        if (context->json)
                return print_json_value(context, request);
        const char *state = json_text(request, "state"), *seal = json_text(request, "seal");
        printf("Request %s: ", path_last(path));
        print_escaped(state);
        if (seal[0] != '\0')
                printf(", seal %s", seal);
        if (json_text(request, "error")[0] != '\0') {
                fputs(" (", stdout);
                print_escaped(json_text(request, "error"));
                putchar(')');
        }
        putchar('\n');
        seal_state_get(context, seal, seal_state, sizeof(seal_state));
        next_print(seal_state, path_last(path), state, seal);
        return 0;
}

static int reason_send(Context *context, const char *path, const char *member, const char *reason) {
        const char *const texts[] = { reason, NULL };
        _cleanup_(json_freep) json_t *nothing = NULL;

        return call_json(context, path, REQUEST, member, texts, &nothing);
}

static int decide_send(Context *context, const char *path, const char *member, const char *text,
                       const Signing *signing) {
        _cleanup_(message_freep) sd_bus_message *call = NULL;

        int r = call_new(context, path, REQUEST, member, &call);
        if (r == 0)
                r = call_built(context, text_append(call, text));
        if (r != 0)
                return r;
        Entries e = entries_open(call);
        entry_bytes(&e, "signature", (Bytes){ signing->made, signing->made_size });
        r = call_built(context, entries_close(&e));
        return r != 0 ? r : call_send(context, call, NULL);
}

int verb_approve(Context *context, int argc, char **argv) {
        _cleanup_(signing_done) Signing signing = { .approve = true };
        const char *comment = "";
        const CommandOption table[] = { { "comment", .text = &comment }, SIGNING_OPTIONS(signing) };
        const Usage usage = { approve_help, OPTIONS(table), 1, 1 };
        char **arguments, path[PATH_SIZE];

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = request_path_get(context, arguments[0], path);
        if (r == 0)
                r = signing_prepare(context, path, &signing);
        if (r == 0)
                r = decide_send(context, path, "Approve", comment, &signing);
        return r != 0 ? r : request_report(context, path);
}

int verb_reject(Context *context, int argc, char **argv) {
        _cleanup_(signing_done) Signing signing = {};
        const CommandOption table[] = { SIGNING_OPTIONS(signing) };
        const Usage usage = { reject_help, OPTIONS(table), 2, 2 };
        char **arguments, path[PATH_SIZE];

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = request_path_get(context, arguments[0], path);
        if (r == 0)
                r = signing_prepare(context, path, &signing);
        if (r == 0 && signing.made)
                r = decide_send(context, path, "RejectSigned", arguments[1], &signing);
        else if (r == 0)
                r = reason_send(context, path, "Reject", arguments[1]);
        return r != 0 ? r : request_report(context, path);
}

int verb_cancel(Context *context, int argc, char **argv) {
        const Usage usage = { cancel_help, NULL, 0, 2, 2 };
        char **arguments, path[PATH_SIZE];

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = request_path_get(context, arguments[0], path);
        if (r == 0)
                r = reason_send(context, path, "Cancel", arguments[1]);
        return r != 0 ? r : request_report(context, path);
}

int verb_make(Context *context, int argc, char **argv) {
        const Usage usage = { make_help, NULL, 0, 1, 1 };
        _cleanup_(json_freep) json_t *seal = NULL;
        char **arguments, path[PATH_SIZE];

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = request_path_get(context, arguments[0], path);
        if (r == 0)
                r = call_json(context, path, REQUEST, "Make", NULL, &seal);
        return r != 0 ? r : request_report(context, path);
}
