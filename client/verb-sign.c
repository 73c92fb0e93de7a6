/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl sign: the file is hashed here; only the digest goes to the daemon. */
#include <stdio.h>
#include <string.h>

#include "client/bus-call.h"
#include "client/hash.h"
#include "client/output.h"
#include "client/sign-extra.h"
#include "client/sign-result.h"
#include "client/sign.h"
#include "client/text.h"
#include "client/verb.h"

static const char help[] =
        "Usage: sealctl sign NUMBER FILE [OPTIONS]\n"
        "       sealctl sign NUMBER --digest HEX --output SIG [OPTIONS]\n"
        "\n"
        "Sign a file with a seal that you keep. The signature goes to FILE.sig,\n"
        "detached; for elliptic curves it is DER as openssl writes it. FILE '-' is\n"
        "standard input. With --format it is a file that others can read, with the\n"
        "seal's certificates and the time in it.\n"
        "\n"
        "Options:\n"
        "  --output SIG      Write the signature here ('-': standard output)\n"
        "  --purpose P       document-signing (default), identity-authentication,\n"
        "                    endorsement\n"
        "  --name TEXT       Name of the document for the record (default: FILE's name)\n"
        "  --hash HASH       sha256, sha384, sha512, sm3 (default: by the seal's\n"
        "                    algorithm: sha256, ecdsa-p384 sha384, sm2 sm3)\n"
        "  --scheme SCHEME   RSA: rsassa (default) or rsapss\n"
        "  --format FORMAT   raw (default); cades: CMS, CAdES B-B, to FILE.p7s; pades-cms: the\n"
        "                    CMS that stands in a PDF, to FILE.cms; eseal: the seal of GB/T\n"
        "                    38540 with its picture, to FILE.ses\n"
        "  --property-info TEXT  eseal: what of the document is signed (ASCII)\n" SIGN_EXTRA_HELP
        "  --digest HEX      Sign this digest; there is no FILE then. For SM2 the seal's\n"
        "                    DigestPrefix is hashed before the document, but for --format\n"
        "  --digest-only     Print the digest that would be signed, and do not sign\n" PIN_HELP "\n"
        "Example:\n"
        "  sealctl sign 50011200000001 contract.pdf\n"
        "\n"
        "Next: 'sealctl verify FILE --seal NUMBER' (with the same --hash), or give FILE,\n"
        "FILE.sig and the public key ('sealctl show NUMBER --public-key') to whoever\n"
        "checks it.\n";

static int options_check(const Context *context, SignWords *o) {
        if (!o->file == !o->digest)
                return fail(context, EXIT_USAGE, "one of FILE and --digest is needed");
        if (o->digest && o->digest_only)
                return fail(context, EXIT_USAGE, "--digest and --digest-only exclude each other");
        if (o->digest && !o->output)
                return fail(context, EXIT_USAGE, "--digest needs --output");
        int r = hash_check(context, o->hash);
        if (r == 0)
                r = sign_format_get(context, o);
        if (r == 0 && o->format == FORMAT_PKCS10)
                r = fail(context, EXIT_USAGE,
                         "a request for a certificate is of no document: 'sealctl certificate "
                         "request'");
        return r;
}

static int sign_send(Context *context, const char *path, const SignWords *o, const Digest *digest,
                     sd_bus_message **ret_reply) {
        _cleanup_(message_freep) sd_bus_message *call = NULL;

        int r = call_new(context, path, SEAL, "Sign", &call);
        if (r != 0)
                return r;
        int built = sd_bus_message_append_array(call, 'y', digest->data, digest->size);
        if (built < 0)
                return call_built(context, built);
        r = sign_options_append(context, call, o, sign_document_name(o));
        return r != 0 ? r : call_send(context, call, ret_reply);
}

static int digest_print(const Context *context, const SignWords *o, const Digest *digest) {
        char hex[2 * EVP_MAX_MD_SIZE + 1];

        hex_encode(digest->data, digest->size, hex);
        if (!context->json) {
                puts(hex);
                return 0;
        }
        _cleanup_(json_freep)
                json_t *object = json_pack("{ssss}", "digest", hex, "hash", hash_name(o->md));
        return print_json_value(context, object);
}

/* The place for the signature is settled before a use is spent on it. */
static int sign(Context *context, const char *path, SignWords *o) {
        _cleanup_(message_freep) sd_bus_message *reply = NULL;
        _cleanup_(json_freep) json_t *ticket = NULL;
        _cleanup_free_ char *output = NULL;
        Digest digest = {};

        int r = sign_algorithm_get(context, path, o);
        if (r == 0)
                r = sign_digest_get(context, path, o, &digest);
        if (r == 0 && o->digest_only)
                return digest_print(context, o, &digest);
        if (r == 0)
                r = sign_output_path(context, o, &output);
        if (r != 0 || !output)
                return r;
        r = pin_ticket_get(context, &o->pin, PIN_PROMPT, false, &ticket);
        if (r != 0)
                return r;
        o->pin_ticket = ticket ? json_string_value(ticket) : NULL;
        r = sign_send(context, path, o, &digest, &reply);
        o->pin_ticket = NULL;
        return r != 0 ? r : sign_result_write(context, o, path_last(path), output, reply);
}

int verb_sign(Context *context, int argc, char **argv) {
        SignExtraWords extra_words = {};
        _cleanup_sign_extra_ SignExtra extra = {};
        SignWords o = { .extra = &extra };
        const CommandOption table[] = {
                { "output", .text = &o.output },
                { "purpose", .text = &o.purpose },
                { "name", .text = &o.name },
                { "hash", .text = &o.hash },
                { "scheme", .text = &o.scheme },
                { "format", .text = &o.format_name },
                { "property-info", .text = &o.property_info },
                { "digest", .text = &o.digest },
                { "digest-only", .flag = &o.digest_only },
                SIGN_EXTRA_OPTIONS(extra_words),
                PIN_OPTIONS(o.pin),
        };
        const Usage usage = { help, OPTIONS(table), 1, 2 };
        char **arguments, path[PATH_SIZE];

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r != 0)
                return r;
        o.file = arguments[1];
        if (!seal_path_parse(arguments[0], path))
                return fail(context, EXIT_USAGE, "'%s' is no seal number", arguments[0]);
        r = options_check(context, &o);
        if (r == 0)
                r = sign_extra_open(context, &o, &extra_words, &extra);
        return r != 0 ? r : sign(context, path, &o);
}
