/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl request-use and collect: a signature that approvers have to agree to. */
#include <stdio.h>
#include <string.h>

#include "client/file.h"
#include "client/hash.h"
#include "client/output.h"
#include "client/pin.h"
#include "client/seal-act.h"
#include "client/sign-result.h"
#include "client/sign.h"
#include "client/use-request.h"
#include "client/use-wait.h"
#include "client/verb.h"

static const char request_help[] =
        "Usage: sealctl request-use NUMBER FILE [OPTIONS]\n"
        "       sealctl request-use NUMBER --digest HEX [OPTIONS]\n"
        "\n"
        "Ask the approvers of a seal that you keep for one signature over a file. What is\n"
        "to be signed is fixed now. A deferred request (the default) waits for days, over\n"
        "restarts too. A live one (--live) is bound to a session of the TPM, which itself\n"
        "ends it, within the hour; the last approval signs at once.\n"
        "\n"
        "Options:\n"
        "  --live            Bound to the TPM's session, which takes it once and ends it\n"
        "  --expires TIME    Until when: YYYY-MM-DD (UTC), RFC 3339, +Nd (N days from now)\n"
        "  --wait            Wait until enough have approved, then collect the signature\n"
        "  --output SIG      With --wait: write the signature here (default: FILE.sig)\n"
        "  --purpose P       document-signing (default), identity-authentication,\n"
        "                    endorsement\n"
        "  --name TEXT       Name of the document for the record (default: FILE's name)\n"
        "  --hash HASH       sha256, sha384, sha512, sm3 (default: by the seal's\n"
        "                    algorithm: sha256, ecdsa-p384 sha384, sm2 sm3)\n"
        "  --scheme SCHEME   RSA: rsassa (default) or rsapss\n"
        "  --format FORMAT   raw (default), cades, pades-cms or eseal, as of 'sealctl sign';\n"
        "                    pkcs10: a request for a certificate, and no FILE\n"
        "  --property-info TEXT  eseal: what of the document is signed (ASCII)\n"
        "  --digest HEX      Of the document, in place of FILE\n" PIN_HELP "\n"
        "The PIN, where the seal has one, is given with --live here, and else to collect.\n"
        "\n"
        "Example:\n"
        "  sealctl request-use 50011200000001 contract.pdf --expires +7d\n"
        "\n"
        "Next: the approvers run 'sealctl approve-use REQUEST', then you run 'sealctl\n"
        "collect REQUEST'.\n";

static const char collect_help[] =
        "Usage: sealctl collect REQUEST --output SIG\n"
        "\n"
        "Fetch the signature of a use that enough have approved. It counts as one use,\n"
        "however often it is collected: what was lost is given again.\n"
        "\n"
        "Options:\n"
        "  --output SIG      Write the signature here ('-': standard output)\n" PIN_HELP "\n"
        "Example:\n"
        "  sealctl collect 7 -o contract.pdf.sig\n"
        "\n"
        "Next: 'sealctl verify FILE --seal NUMBER --signature SIG'.\n";

typedef struct UseWords {
        SignWords sign;
        PinWords pin;
        bool live, wait;
        uint64_t expires;
} UseWords;

/* --- collect -------------------------------------------------------------------------------- */

/* pin: a ticket, or NULL. */
static int collect_call(Context *context, const char *path, const json_t *pin,
                        sd_bus_message **ret) {
        _cleanup_(message_freep) sd_bus_message *call = NULL;

        int r = call_new(context, path, REQUEST, pin ? "CollectWith" : "Collect", &call);
        if (r == 0 && pin) {
                Entries e = entries_open(call);
                entry_path(&e, "pin", json_string_value(pin));
                r = call_built(context, entries_close(&e));
        }
        return r != 0 ? r : call_send(context, call, ret);
}

/* How it is verified depends on what it was asked for with. *words keeps texts of request. */
static int words_of(const Context *context, const json_t *request, SignWords *words) {
        const json_t *asked = json_object_get(request, "application");
        const char *hash = json_text(asked, "hash");

        if (strcmp(json_text(request, "kind"), "use") != 0)
                return fail_plain(context, EXIT_WRONG_STATE,
                                  "request %lld is about no use of a seal",
                                  (long long) json_integer_value(json_object_get(request, "id")));
        words->md = EVP_get_digestbyname(hash);
        if (!words->md)
                return fail_plain(context, EXIT_MACHINE_REFUSES,
                                  "the daemon does not show what was asked for, as it does not "
                                  "while the machine's state is not approved");
        words->scheme = json_text(asked, "scheme");
        words->format = json_object_get(asked, "format")
                                ? sign_format_find(json_text(asked, "format"))
                                : FORMAT_RAW;
        if (words->format == SIGN_FORMAT_COUNT)
                return fail_plain(context, EXIT_OTHER,
                                  "this sealctl does not know the signature's format");
        if (!words->file)
                words->file = "FILE"; /* for the command by which it is verified */
        return 0;
}

static int collect(Context *context, const char *path, SignWords *words, const PinWords *pin_words,
                   const char *output) {
        _cleanup_(message_freep) sd_bus_message *reply = NULL;
        _cleanup_(json_freep) json_t *request = NULL, *pin = NULL;

        int r = describe(context, path, REQUEST, &request);
        if (r == 0)
                r = words_of(context, request, words);
        if (r == 0)
                r = pin_ticket_get(context, pin_words, PIN_PROMPT, false, &pin);
        if (r == 0)
                r = collect_call(context, path, pin, &reply);
        if (r == 0)
                r = sign_result_write(context, words, json_text(request, "target"), output, reply);
        words->scheme = NULL;
        return r;
}

int verb_collect(Context *context, int argc, char **argv) {
        SignWords words = {};
        PinWords pin = {};
        const CommandOption table[] = { { "output", .text = &words.output }, PIN_OPTIONS(pin) };
        const Usage usage = { collect_help, OPTIONS(table), 1, 1 };
        _cleanup_free_ char *output = NULL;
        char **arguments, path[PATH_SIZE];

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = request_path_get(context, arguments[0], path);
        if (r == 0 && !words.output)
                r = fail(context, EXIT_USAGE, "--output SIG is needed: where the signature goes");
        if (r == 0)
                r = sign_output_path(context, &words, &output);
        return r != 0 ? r : collect(context, path, &words, &pin, output);
}

/* --- request-use ---------------------------------------------------------------------------- */

static int words_check(const Context *context, UseWords *w) {
        const bool document = w->sign.file || w->sign.digest;

        int r = sign_format_get(context, &w->sign);
        if (r != 0)
                return r;
        if (w->sign.format == FORMAT_PKCS10 && document)
                return fail(context, EXIT_USAGE, "a request for a certificate is of no document");
        if (w->sign.format != FORMAT_PKCS10 && !w->sign.file == !w->sign.digest)
                return fail(context, EXIT_USAGE, "one of FILE and --digest is needed");
        if (w->sign.output && !w->wait)
                return fail(context, EXIT_USAGE, "--output goes with --wait");
        if ((w->pin.file || w->pin.ask) && !w->live && !w->wait)
                return fail(context, EXIT_USAGE,
                            "a deferred request keeps no PIN: it is given to 'sealctl collect'");
        if (w->wait && !w->sign.file && !w->sign.output)
                return fail(context, EXIT_USAGE, "--wait without FILE needs --output");
        return hash_check(context, w->sign.hash);
}

static int options_append(const Context *context, sd_bus_message *call, const UseWords *w,
                          const json_t *pin) {
        Entries e = entries_open(call);

        entry_text(&e, "hash", w->sign.hash);
        entry_text(&e, "scheme", w->sign.scheme);
        entry_text(&e, "format", w->sign.format_name);
        entry_text(&e, "property-info", w->sign.property_info);
        entry_text(&e, "purpose", w->sign.purpose);
        entry_text(&e, "document-name", sign_document_name(&w->sign));
        entry_time(&e, "expires", w->expires);
        entry_flag(&e, "live", w->live);
        entry_path(&e, "pin", pin ? json_string_value(pin) : NULL);
        return call_built(context, entries_close(&e));
}

/* The request's path; *ret is the caller's. */
static int request_send(Context *context, const char *seal, const UseWords *w, const Digest *digest,
                        json_t **ret) {
        static const PinWords none;
        _cleanup_(message_freep) sd_bus_message *call = NULL;
        _cleanup_(json_freep) json_t *pin = NULL;

        int r = pin_ticket_get(context, w->live ? &w->pin : &none, PIN_PROMPT, false, &pin);
        if (r == 0)
                r = call_new(context, seal, SEAL, "RequestUse", &call);
        if (r == 0)
                r = call_built(context,
                               sd_bus_message_append_array(call, 'y', digest->data, digest->size));
        if (r == 0)
                r = options_append(context, call, w, pin);
        if (r == 0)
                r = call_send_json(context, call, ret);
        if (r == 0 && !json_is_string(*ret))
                r = fail(context, EXIT_OTHER, "the daemon's answer cannot be read");
        return r;
}

static int request_report(Context *context, const char *path) {
        _cleanup_(json_freep) json_t *object = NULL;
        uint64_t id = 0;

        if (!context->json)
                return use_report(context, path);
        (void) count_parse(path_last(path), &id);
        object = json_pack("{sssI}", "request", path, "id", (json_int_t) id);
        return print_json_value(context, object);
}

/* The place for the signature is settled before anybody is asked. */
static int request_use(Context *context, const char *seal, UseWords *w) {
        static const PinWords none;
        _cleanup_(json_freep) json_t *request = NULL;
        _cleanup_free_ char *output = NULL;
        Digest digest = {};

        int r = sign_algorithm_get(context, seal, &w->sign);
        if (r == 0 && w->sign.format != FORMAT_PKCS10)
                r = sign_digest_get(context, seal, &w->sign, &digest);
        if (r == 0 && w->wait)
                r = sign_output_path(context, &w->sign, &output);
        if (r == 0)
                r = request_send(context, seal, w, &digest, &request);
        if (r != 0)
                return r;
        const char *path = json_string_value(request);
        if (!w->wait)
                return request_report(context, path);
        note(context, "If this ends early: 'sealctl collect %s --output SIG' goes on.",
             path_last(path));
        r = use_wait(context, path);
        if (r == 0)
                r = collect(context, path, &w->sign, w->live ? &none : &w->pin, output);
        return r;
}

int verb_request_use(Context *context, int argc, char **argv) {
        UseWords w = {};
        const CommandOption table[] = {
                { "live", .flag = &w.live },
                { "expires", .time_end = &w.expires },
                { "wait", .flag = &w.wait },
                { "output", .text = &w.sign.output },
                { "purpose", .text = &w.sign.purpose },
                { "name", .text = &w.sign.name },
                { "hash", .text = &w.sign.hash },
                { "scheme", .text = &w.sign.scheme },
                { "format", .text = &w.sign.format_name },
                { "property-info", .text = &w.sign.property_info },
                { "digest", .text = &w.sign.digest },
                PIN_OPTIONS(w.pin),
        };
        const Usage usage = { request_help, OPTIONS(table), 1, 2 };
        char **arguments, path[PATH_SIZE];

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r != 0)
                return r;
        w.sign.file = arguments[1];
        r = seal_path_get(context, arguments[0], path);
        if (r == 0)
                r = words_check(context, &w);
        return r != 0 ? r : request_use(context, path, &w);
}
