/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl certificate: certificates of seals by authorities other than the maker. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "client/bus-call.h"
#include "client/file.h"
#include "client/output.h"
#include "client/pin.h"
#include "client/seal-act.h"
#include "client/verb.h"

static const char request_help[] =
        "Usage: sealctl certificate request NUMBER [OPTIONS]\n"
        "\n"
        "Ask an authority for a certificate of the seal's key: a PKCS #10 request, signed by\n"
        "the seal, to NUMBER.csr (DER). It is a use of the seal like any other. Where the\n"
        "seal has approvers, 'sealctl request-use NUMBER --format pkcs10' asks them.\n"
        "\n"
        "Options:\n"
        "  --output FILE     Write it here ('-': standard output)\n" PIN_HELP "\n"
        "Example:\n"
        "  sealctl certificate request 50011200000001\n"
        "\n"
        "Next: give the file to the authority ('openssl req -inform DER -in FILE -text'\n"
        "shows it).\n";

static int request_call(Context *context, const char *path, const PinWords *words,
                        sd_bus_message **ret) {
        _cleanup_(message_freep) sd_bus_message *call = NULL;
        _cleanup_(json_freep) json_t *pin = NULL;

        int r = pin_ticket_get(context, words, PIN_PROMPT, false, &pin);
        if (r == 0)
                r = call_new(context, path, SEAL, "GetCertificateRequest", &call);
        if (r != 0)
                return r;
        Entries e = entries_open(call);
        entry_path(&e, "pin", pin ? json_string_value(pin) : NULL);
        r = call_built(context, entries_close(&e));
        return r != 0 ? r : call_send(context, call, ret);
}

/* The place for it is settled before a use is spent on it. */
static int request_write(Context *context, const char *path, const PinWords *pin,
                         const char *output) {
        _cleanup_(message_freep) sd_bus_message *reply = NULL;
        const bool to_stdout = strcmp(output, "-") == 0;
        const void *data = NULL;
        size_t size = 0;

        if (to_stdout && (isatty(STDOUT_FILENO) || context->json))
                return fail(context, EXIT_USAGE,
                            "the request is binary: name a file, or redirect without --json");
        int r = to_stdout ? 0 : file_write_check(context, output);
        if (r == 0)
                r = request_call(context, path, pin, &reply);
        if (r != 0)
                return r;
        int read = sd_bus_message_read_array(reply, 'y', &data, &size);
        if (read < 0)
                return fail_errno(context, read, "the request cannot be read");
        r = file_write(context, output, 0644, (Bytes){ data, size });
        if (r != 0 || to_stdout)
                return r;
        return print_done(context, "output", output, "The request for a certificate is in %s",
                          output);
}

static int certificate_request(Context *context, int argc, char **argv) {
        const char *output = NULL;
        PinWords pin = {};
        const CommandOption table[] = { { "output", .text = &output }, PIN_OPTIONS(pin) };
        const Usage usage = { request_help, OPTIONS(table), 1, 1 };
        char **arguments, path[PATH_SIZE], name[NUMBER_MAX + sizeof(".csr")];

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = seal_path_get(context, arguments[0], path);
        if (r != 0)
                return r;
        (void) snprintf(name, sizeof(name), "%s.csr", path_last(path));
        return request_write(context, path, &pin, output ? output : name);
}

int verb_certificate(Context *context, int argc, char **argv) {
        static const Verb verbs[] = {
                { "request", certificate_request, "Ask an authority for one" },
        };
        static const VerbTable table = {
                .usage = "Usage: sealctl certificate request NUMBER [OPTIONS]\n"
                         "\n"
                         "A seal has a certificate by its maker. Another authority certifies its "
                         "key\n"
                         "where that is asked for.\n"
                         "\n",
                .footer = "\n'sealctl certificate VERB --help' tells what each takes.\n"
                          "\n"
                          "Example:\n  sealctl certificate request 50011200000001\n",
                .verbs = verbs,
                .n_verbs = sizeof(verbs) / sizeof(verbs[0]),
        };

        return verb_dispatch(context, &table, argc, argv);
}
