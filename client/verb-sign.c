/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl sign: the file is hashed here; only the digest goes to the daemon. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "client/bus-call.h"
#include "client/file.h"
#include "client/hash.h"
#include "client/output.h"
#include "client/sign.h"
#include "client/text.h"
#include "client/verb.h"
#include "policy/sm2.h"

static const char help[] =
        "Usage: sealctl sign NUMBER FILE [OPTIONS]\n"
        "       sealctl sign NUMBER --digest HEX --output SIG [OPTIONS]\n"
        "\n"
        "Sign a file with a seal that you keep. The signature goes to FILE.sig,\n"
        "detached; for elliptic curves it is DER as openssl writes it. FILE '-' is\n"
        "standard input.\n"
        "\n"
        "Options:\n"
        "  --output SIG      Write the signature here ('-': standard output)\n"
        "  --purpose P       document-signing (default), identity-authentication,\n"
        "                    endorsement\n"
        "  --name TEXT       Name of the document for the record (default: FILE's name)\n"
        "  --hash HASH       sha256, sha384, sha512, sm3 (default: by the seal's\n"
        "                    algorithm: sha256, ecdsa-p384 sha384, sm2 sm3)\n"
        "  --scheme SCHEME   RSA: rsassa (default) or rsapss\n"
        "  --digest HEX      Sign this digest; there is no FILE then. For SM2 the seal's\n"
        "                    DigestPrefix is hashed before the document\n"
        "  --digest-only     Print the digest that would be signed, and do not sign\n"
        "\n"
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
        return hash_check(context, o->hash);
}

static int digest_parse(const Context *context, const SignWords *o, Digest *ret) {
        ret->size = (size_t) EVP_MD_get_size(o->md);
        if (hex_decode(o->digest, ret->data, ret->size))
                return 0;
        return fail(context, EXIT_USAGE, "--digest takes %zu hex digits for %s", 2 * ret->size,
                    hash_name(o->md));
}

/* The hash of DigestPrefix ‖ file. */
static int digest_file(Context *context, const char *path, const SignWords *o, Digest *ret) {
        Digest prefix = {};

        int r = sign_prefix_get(context, path, &prefix);
        if (r != 0)
                return r;
        return file_hash(context, o->file, o->md, (Bytes){ prefix.data, prefix.size }, ret->data,
                         &ret->size);
}

/* FILE's name, where it is one that the bus can carry. */
static const char *document_name(const SignWords *o) {
        if (o->name || !o->file || strcmp(o->file, "-") == 0)
                return o->name;
        const char *name = path_last(o->file);
        return strlen(name) <= TEXT_MAX && text_is_line(name, TEXT_MAX) ? name : NULL;
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
        r = sign_options_append(context, call, o, document_name(o));
        return r != 0 ? r : call_send(context, call, ret_reply);
}

/* FILE.sig, or what was asked for. *ret is malloc'ed. */
static int output_path(const Context *context, const SignWords *o, char **ret) {
        const bool to_stdout = o->output ? strcmp(o->output, "-") == 0 : strcmp(o->file, "-") == 0;
        _cleanup_free_ char *path = NULL;

        if (to_stdout && (isatty(STDOUT_FILENO) || context->json))
                return fail(context, EXIT_USAGE,
                            "the signature is binary: give --output, or redirect without --json");
        if (o->output || to_stdout)
                path = strdup(to_stdout ? "-" : o->output);
        else if (asprintf(&path, "%s.sig", o->file) < 0)
                path = NULL;
        if (!path)
                return fail(context, EXIT_OTHER, "out of memory");
        int r = to_stdout ? 0 : sign_output_check(context, o->file, path);
        if (r == 0)
                *ret = steal_ptr(path);
        return r;
}

static int json_result(const Context *context, const char *number, const char *output, Bytes data,
                       uint64_t use) {
        _cleanup_free_ char *hex = malloc(2 * data.size + 1), *escaped = text_escape(output);

        if (!hex || !escaped)
                return fail(context, EXIT_OTHER, "out of memory");
        hex_encode(data.data, data.size, hex);
        _cleanup_(json_freep)
                json_t *object = json_pack("{ss ss ss sI}", "number", number, "output",
                                           text_is_utf8(output, strlen(output)) ? output : escaped,
                                           "signature", hex, "use", (json_int_t) use);
        return print_json_value(context, object);
}

/* In single quotes for the shell, so that the printed command can be pasted. */
static void print_quoted(const char *text) {
        _cleanup_free_ char *escaped = text_escape(text);

        if (text[0] != '\0' && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                            "0123456789._/+-,:@=") == strlen(text)) {
                fputs(text, stdout);
                return;
        }
        putchar('\'');
        for (const char *p = escaped ? escaped : "?"; *p; p++)
                if (*p == '\'')
                        fputs("'\\''", stdout);
                else
                        putchar(*p);
        putchar('\'');
}

/* A chip may salt with fewer or more bytes than the digest has (Part 1 §B.7): auto takes any. */
static const char *openssl_options(const SignWords *o) {
        if (strcmp(hash_name(o->md), "sm3") == 0)
                return " -sigopt distid:" SM2_IDENTITY;
        if (o->scheme && strcmp(o->scheme, "rsapss") == 0)
                return " -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:auto";
        return "";
}

static void people_result(const SignWords *o, const char *number, const char *output,
                          uint64_t use) {
        printf("Signed with seal %s (use %llu): ", number, (unsigned long long) use);
        print_quoted(output);
        putchar('\n');
        if (!o->file || strcmp(o->file, "-") == 0)
                return;
        printf("Anybody can verify it:\n"
               "  sealctl show %s --public-key > %s.pem\n"
               "  openssl dgst -%s -verify %s.pem%s -signature ",
               number, number, hash_name(o->md), number, openssl_options(o));
        print_quoted(output);
        putchar(' ');
        print_quoted(o->file);
        putchar('\n');
}

static int signature_write(Context *context, const SignWords *o, const char *number,
                           const char *output, sd_bus_message *reply) {
        const void *data = NULL;
        size_t size = 0;
        uint64_t use = 0;

        int r = sd_bus_message_read_array(reply, 'y', &data, &size);
        if (r >= 0)
                r = sd_bus_message_read(reply, "t", &use);
        if (r < 0)
                return fail_errno(context, r, "the signature cannot be read");
        r = file_write(context, output, 0644, (Bytes){ data, size });
        if (r != 0)
                return r;
        if (context->json)
                return json_result(context, number, output, (Bytes){ data, size }, use);
        if (strcmp(output, "-") != 0)
                people_result(o, number, output, use);
        return 0;
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
        _cleanup_free_ char *output = NULL;
        Digest digest = {};

        int r = sign_algorithm_get(context, path, o);
        if (r == 0)
                r = o->digest ? digest_parse(context, o, &digest)
                              : digest_file(context, path, o, &digest);
        if (r == 0 && o->digest_only)
                return digest_print(context, o, &digest);
        if (r == 0)
                r = output_path(context, o, &output);
        if (r != 0 || !output)
                return r;
        r = sign_send(context, path, o, &digest, &reply);
        return r != 0 ? r : signature_write(context, o, path_last(path), output, reply);
}

int verb_sign(Context *context, int argc, char **argv) {
        SignWords o = {};
        const CommandOption table[] = {
                { "output", .text = &o.output },
                { "purpose", .text = &o.purpose },
                { "name", .text = &o.name },
                { "hash", .text = &o.hash },
                { "scheme", .text = &o.scheme },
                { "digest", .text = &o.digest },
                { "digest-only", .flag = &o.digest_only },
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
        return r != 0 ? r : sign(context, path, &o);
}
