/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl certificate: what certifies a seal, by its maker or by another authority. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "client/bus-call.h"
#include "client/certificate-request.h"
#include "client/certificate-row.h"
#include "client/file.h"
#include "client/output.h"
#include "client/pem-file.h"
#include "client/pin.h"
#include "client/seal-act.h"
#include "client/verb.h"
#include "policy/sm2.h"

/* --- what there is ---------------------------------------------------------------------------- */

static const char show_help[] =
        "Usage: sealctl certificate show NUMBER\n"
        "\n"
        "The seal's certificate, and those that lead on from it: whose they are, who issued\n"
        "them and until when they are valid.\n"
        "\n"
        "Example:\n"
        "  sealctl certificate show 50011200000001\n"
        "\n"
        "Next: 'sealctl export NUMBER --chain FILE' writes them to a file.\n";

static const OutputField columns[] = {
        { "subject", "SUBJECT", FIELD_TEXT },      { "issuer", "ISSUER", FIELD_TEXT },
        { "serial", "SERIAL NUMBER", FIELD_TEXT }, { "not-before", "NOT BEFORE", FIELD_TIME },
        { "not-after", "NOT AFTER", FIELD_TIME },
};

static int rows_take(sd_bus_message *reply, json_t *rows) {
        Bytes der = {};

        int r = sd_bus_message_enter_container(reply, 'v', "aay");
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "ay");
        while (r >= 0 && (r = sd_bus_message_read_array(reply, 'y', (const void **) &der.data,
                                                        &der.size)) > 0)
                if (json_array_append_new(rows, certificate_row(der)) != 0)
                        r = -EBADMSG;
        return r;
}

static int certificate_show(Context *context, int argc, char **argv) {
        _cleanup_(message_freep) sd_bus_message *call = NULL, *reply = NULL;
        _cleanup_(json_freep) json_t *rows = json_array();
        const Usage usage = { show_help, NULL, 0, 1, 1 };
        char **arguments, path[PATH_SIZE];

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = seal_path_get(context, arguments[0], path);
        if (r == 0)
                r = call_new(context, path, "org.freedesktop.DBus.Properties", "Get", &call);
        if (r == 0)
                r = call_built(context, sd_bus_message_append(call, "ss", SEAL, "Certificates"));
        if (r == 0)
                r = call_send(context, call, &reply);
        if (r != 0)
                return r;
        r = rows_take(reply, rows);
        if (r < 0)
                return fail_errno(context, r, "the certificates cannot be read");
        return print_table(
                context, rows, FIELDS(columns),
                "The seal has no certificate yet: 'sealctl apply recertify' asks for one");
}

/* --- a request to another authority ----------------------------------------------------------- */

static const char request_help[] =
        "Usage: sealctl certificate request NUMBER [OPTIONS]\n"
        "\n"
        "Ask an authority for a certificate of the seal's key: a PKCS #10 request, signed by\n"
        "the seal, to NUMBER.csr. It is a use of the seal like any other. Where the seal\n"
        "has approvers, 'sealctl request-use NUMBER --format pkcs10' asks them.\n"
        "\n"
        "Options:\n"
        "  --output FILE     Write it here ('-': standard output)\n"
        "  --pem             As PEM\n"
        "  --der             As DER, which is the default\n" PIN_HELP "\n"
        "Example:\n"
        "  sealctl certificate request 50011200000001\n"
        "\n"
        "Next: give the file to the authority ('openssl req -inform DER -in FILE -text'\n"
        "shows it; with -verify or 'openssl ca', that of an SM2 seal needs\n"
        "-vfyopt distid:" SM2_IDENTITY "); 'sealctl certificate set' takes in what it issues.\n";

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
                         RequestWords *words, const char *name) {
        _cleanup_(message_freep) sd_bus_message *reply = NULL;
        Bytes der = {};

        int r = request_words_settle(context, words, false, name);
        if (r == 0)
                r = request_call(context, path, pin, &reply);
        if (r != 0)
                return r;
        int read = sd_bus_message_read_array(reply, 'y', (const void **) &der.data, &der.size);
        if (read < 0)
                return fail_errno(context, read, "the request cannot be read");
        return request_words_write(context, words, der, "The request for a certificate is in");
}

static int certificate_request(Context *context, int argc, char **argv) {
        RequestWords words = {};
        PinWords pin = {};
        const CommandOption table[] = { REQUEST_OPTIONS(words), PIN_OPTIONS(pin) };
        const Usage usage = { request_help, OPTIONS(table), 1, 1 };
        char **arguments, path[PATH_SIZE], name[NUMBER_MAX + sizeof(".csr")];

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = seal_path_get(context, arguments[0], path);
        if (r != 0)
                return r;
        (void) snprintf(name, sizeof(name), "%s.csr", path_last(path));
        return request_write(context, path, &pin, &words, name);
}

/* --- what that authority issued --------------------------------------------------------------- */

static const char set_help[] =
        "Usage: sealctl certificate set NUMBER FILE\n"
        "\n"
        "Have the seal use another authority's certificate: FILE has the seal's own and then\n"
        "each above the one before, as PEM or DER. For administrators. A recertification\n"
        "gives it its maker's word again. That authority revokes it too: the maker's lists\n"
        "do not tell of it.\n"
        "\n"
        "Example:\n"
        "  sealctl certificate set 50011200000001 chain.pem\n"
        "\n"
        "Next: 'sealctl certificate show NUMBER'.\n";

static int certificate_set(Context *context, int argc, char **argv) {
        _cleanup_(message_freep) sd_bus_message *call = NULL;
        const Usage usage = { set_help, NULL, 0, 2, 2 };
        char **arguments, path[PATH_SIZE];

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = seal_path_get(context, arguments[0], path);
        if (r == 0)
                r = call_new(context, path, SEAL, "SetCertificates", &call);
        if (r == 0)
                r = certificates_append(context, call, arguments[1]);
        if (r == 0)
                r = call_send(context, call, NULL);
        return r != 0 ? r
                      : print_done(context, "certified", arguments[0],
                                   "Seal %s has the certificates of %s.", arguments[0],
                                   arguments[1]);
}

int verb_certificate(Context *context, int argc, char **argv) {
        static const Verb verbs[] = {
                { "show", certificate_show, "Its certificate and those above" },
                { "request", certificate_request, "Ask another authority for one" },
                { "set", certificate_set, "Take in what that authority issued" },
        };
        static const VerbTable table = {
                .usage = "Usage: sealctl certificate show|request|set NUMBER [OPTIONS]\n"
                         "\n"
                         "A seal has a certificate by its maker. Another authority certifies its "
                         "key\n"
                         "where that is asked for.\n"
                         "\n",
                .footer = "\n'sealctl certificate VERB --help' tells what each takes.\n"
                          "\n"
                          "Example:\n  sealctl certificate show 50011200000001\n",
                .verbs = verbs,
                .n_verbs = sizeof(verbs) / sizeof(verbs[0]),
        };

        return verb_dispatch(context, &table, argc, argv);
}
