/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl sign-many: many files with one call, all of them or none. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client/file.h"
#include "client/hash.h"
#include "client/output.h"
#include "client/progress.h"
#include "client/seal-act.h"
#include "client/sign.h"
#include "client/verb.h"

#define FILES_MAX 10000 /* of SignMany (design, section 5.6) */

static const char help[] =
        "Usage: sealctl sign-many NUMBER FILE... [OPTIONS]\n"
        "\n"
        "Sign many files (10,000 at most) with a seal that you keep, each signature to\n"
        "FILE.sig, or with --format as 'sealctl sign' has it. Each file is one use of the seal; "
        "where its limit does not reach for\n"
        "all, none is signed. Every file is hashed, and every place for a signature\n"
        "looked at, before the seal is asked.\n"
        "\n"
        "Options:\n"
        "  --purpose P       document-signing (default), identity-authentication,\n"
        "                    endorsement\n"
        "  --name TEXT       A name for all of them, for the record\n"
        "  --hash HASH       sha256, sha384, sha512, sm3 (default: by the seal's\n"
        "                    algorithm: sha256, ecdsa-p384 sha384, sm2 sm3)\n"
        "  --scheme SCHEME   RSA: rsassa (default) or rsapss\n"
        "  --format FORMAT   raw (default), cades, pades-cms or eseal\n"
        "  --property-info TEXT  eseal: what of each document is signed (ASCII)\n" PIN_HELP "\n"
        "Example:\n"
        "  sealctl sign-many 50011200000001 invoices/*.pdf\n"
        "\n"
        "Next: 'sealctl verify FILE --seal NUMBER' for each.\n";

/* *ret is malloc'ed. */
static int output_of(const Context *context, const SignWords *words, const char *file, char **ret) {
        if (strcmp(file, "-") == 0)
                return fail(context, EXIT_USAGE, "sign-many takes files, not standard input");
        if (asprintf(ret, "%s%s", file, sign_suffix(words->format)) >= 0)
                return 0;
        *ret = NULL;
        return fail(context, EXIT_OTHER, "out of memory");
}

static int file_append(Context *context, sd_bus_message *call, const SignWords *words,
                       const char *file, Bytes prefix) {
        _cleanup_free_ char *output = NULL;
        Digest digest = {};

        int r = output_of(context, words, file, &output);
        if (r == 0)
                r = sign_output_check(context, file, output);
        if (r == 0)
                r = file_hash(context, file, words->md, prefix, digest.data, &digest.size);
        if (r != 0)
                return r;
        return call_built(context,
                          sd_bus_message_append_array(call, 'y', digest.data, digest.size));
}

static int digests_append(Context *context, sd_bus_message *call, const SignWords *words,
                          char **files, size_t n_files, Bytes prefix) {
        Progress progress = { .what = "Files hashed" };

        int r = call_built(context, sd_bus_message_open_container(call, 'a', "ay"));
        for (size_t i = 0; i < n_files && r == 0; i++) {
                progress_show(context, &progress, i, n_files);
                r = file_append(context, call, words, files[i], prefix);
        }
        progress_clear(context, &progress);
        return r != 0 ? r : call_built(context, sd_bus_message_close_container(call));
}

static int signature_write(Context *context, sd_bus_message *reply, const SignWords *words,
                           const char *file) {
        _cleanup_free_ char *output = NULL;
        const void *data = NULL;
        size_t size = 0;

        int r = sd_bus_message_read_array(reply, 'y', &data, &size);
        if (r < 0 || !data)
                return fail_errno(context, r < 0 ? r : -EBADMSG, "a signature cannot be read");
        r = output_of(context, words, file, &output);
        return r != 0 ? r : file_write(context, output, 0644, (Bytes){ data, size });
}

static int signatures_write(Context *context, sd_bus_message *reply, const SignWords *words,
                            char **files, size_t n_files, uint64_t *ret_use) {
        int r = call_built(context, sd_bus_message_enter_container(reply, 'a', "ay"));

        for (size_t i = 0; i < n_files && r == 0; i++)
                r = signature_write(context, reply, words, files[i]);
        if (r == 0)
                r = call_built(context, sd_bus_message_exit_container(reply));
        if (r != 0)
                return r;
        int read = sd_bus_message_read(reply, "t", ret_use);
        return read < 0 ? fail_errno(context, read, "the first use cannot be read") : 0;
}

static int result_print(const Context *context, const SignWords *words, const char *number,
                        size_t n_files, uint64_t use) {
        if (context->json) {
                _cleanup_(json_freep)
                        json_t *object = json_pack("{ss sI sI}", "number", number, "signed",
                                                   (json_int_t) n_files, "use", (json_int_t) use);
                return print_json_value(context, object);
        }
        printf("Signed %zu files with seal %s (uses %llu to %llu), each to FILE%s\n", n_files,
               number, (unsigned long long) use, (unsigned long long) (use + n_files - 1),
               sign_suffix(words->format));
        return 0;
}

static int sign_many(Context *context, const char *path, SignWords *words, char **files,
                     size_t n_files) {
        _cleanup_(message_freep) sd_bus_message *call = NULL, *reply = NULL;
        _cleanup_(json_freep) json_t *ticket = NULL;
        _cleanup_(secret_wipe) Secret pin = {};
        Digest prefix = {};
        uint64_t use = 0;

        int r = pin_get(context, &words->pin, PIN_PROMPT, false, &pin);
        if (r == 0)
                r = sign_algorithm_get(context, path, words);
        if (r == 0 && words->format == FORMAT_RAW)
                r = sign_prefix_get(context, path, &prefix);
        if (r == 0)
                r = call_new(context, path, SEAL, "SignMany", &call);
        if (r == 0)
                r = digests_append(context, call, words, files, n_files,
                                   (Bytes){ prefix.data, prefix.size });
        if (r == 0)
                r = pin_deposit(context, &pin, &ticket);
        words->pin_ticket = ticket ? json_string_value(ticket) : NULL;
        if (r == 0)
                r = sign_options_append(context, call, words, words->name);
        words->pin_ticket = NULL;
        if (r == 0)
                r = call_send(context, call, &reply);
        if (r == 0)
                r = signatures_write(context, reply, words, files, n_files, &use);
        return r != 0 ? r : result_print(context, words, path_last(path), n_files, use);
}

int verb_sign_many(Context *context, int argc, char **argv) {
        SignWords words = {};
        const CommandOption table[] = {
                { "purpose", .text = &words.purpose },
                { "name", .text = &words.name },
                { "hash", .text = &words.hash },
                { "scheme", .text = &words.scheme },
                { "format", .text = &words.format_name },
                { "property-info", .text = &words.property_info },
                PIN_OPTIONS(words.pin),
        };
        const Usage usage = { help, OPTIONS(table), 2, FILES_MAX + 1 };
        char **arguments, path[PATH_SIZE];
        size_t n_files = 0;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = seal_path_get(context, arguments[0], path);
        if (r == 0)
                r = hash_check(context, words.hash);
        if (r == 0)
                r = sign_format_get(context, &words);
        if (r != 0)
                return r;
        while (arguments[1 + n_files])
                n_files++;
        return sign_many(context, path, &words, arguments + 1, n_files);
}
