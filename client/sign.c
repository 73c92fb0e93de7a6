/* SPDX-License-Identifier: Apache-2.0 */
#include "client/sign.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "client/file.h"
#include "client/hash.h"
#include "client/text.h"

int sign_algorithm_get(Context *context, const char *path, SignWords *words) {
        _cleanup_(json_freep) json_t *property = NULL;

        int r = property_json(context, path, SEAL, "Algorithm", &property);
        if (r != 0)
                return r;
        words->algorithm = json_is_string(property) ? algorithm_find(json_string_value(property))
                                                    : NULL;
        if (!words->algorithm)
                return fail_plain(context, EXIT_OTHER,
                                  "this sealctl does not know the seal's algorithm");
        return hash_choose(context, words->algorithm, words->hash, words->scheme, &words->md);
}

int sign_format_get(const Context *context, SignWords *words) {
        words->format = words->format_name ? sign_format_find(words->format_name) : FORMAT_RAW;
        if (words->format == SIGN_FORMAT_COUNT)
                return fail(context, EXIT_USAGE,
                            "there is no format '%s': it is one of raw, cades, pades-cms and eseal",
                            words->format_name);
        if (words->property_info && words->format != FORMAT_ESEAL)
                return fail(context, EXIT_USAGE, "--property-info goes with --format eseal");
        return 0;
}

const char *sign_suffix(SignFormat format) {
        static const char *const suffixes[] = {
                [FORMAT_RAW] = ".sig",   [FORMAT_CADES] = ".p7s",  [FORMAT_PADES_CMS] = ".cms",
                [FORMAT_ESEAL] = ".ses", [FORMAT_PKCS10] = ".csr",
        };

        return suffixes[format];
}

int sign_prefix_get(Context *context, const char *path, Digest *ret) {
        _cleanup_(json_freep) json_t *property = NULL;

        int r = property_json(context, path, SEAL, "DigestPrefix", &property);
        if (r != 0)
                return r;
        const char *hex = json_is_string(property) ? json_string_value(property) : "";
        ret->size = strlen(hex) / 2;
        if (ret->size > sizeof(ret->data) || !hex_decode(hex, ret->data, ret->size))
                return fail(context, EXIT_OTHER, "the seal's digest prefix cannot be read");
        return 0;
}

static int digest_parse(const Context *context, const SignWords *o, Digest *ret) {
        ret->size = (size_t) EVP_MD_get_size(o->md);
        if (hex_decode(o->digest, ret->data, ret->size))
                return 0;
        return fail(context, EXIT_USAGE, "--digest takes %zu hex digits for %s", 2 * ret->size,
                    hash_name(o->md));
}

static int digest_file(Context *context, const char *path, const SignWords *o, Digest *ret) {
        Digest prefix = {};

        int r = o->format == FORMAT_RAW ? sign_prefix_get(context, path, &prefix) : 0;
        if (r != 0)
                return r;
        return file_hash(context, o->file, o->md, (Bytes){ prefix.data, prefix.size }, ret->data,
                         &ret->size);
}

int sign_digest_get(Context *context, const char *path, const SignWords *words, Digest *ret) {
        return words->digest ? digest_parse(context, words, ret)
                             : digest_file(context, path, words, ret);
}

const char *sign_document_name(const SignWords *o) {
        if (o->name || !o->file || strcmp(o->file, "-") == 0)
                return o->name;
        const char *name = path_last(o->file);
        return strlen(name) <= TEXT_MAX && text_is_line(name, TEXT_MAX) ? name : NULL;
}

int sign_options_append(const Context *context, sd_bus_message *call, const SignWords *words,
                        const char *name) {
        Entries e = entries_open(call);

        entry_text(&e, "hash", words->hash);
        entry_text(&e, "scheme", words->scheme);
        entry_text(&e, "format", words->format_name);
        entry_text(&e, "property-info", words->property_info);
        entry_text(&e, "purpose", words->purpose);
        entry_text(&e, "document-name", name);
        entry_path(&e, "pin", words->pin_ticket);
        return call_built(context, entries_close(&e));
}

int sign_output_check(const Context *context, const char *file, const char *output) {
        if (file && file_is_same(file, output))
                return fail_plain(context, EXIT_USAGE,
                                  "%s is the document itself: the signature needs another file",
                                  output);
        return file_write_check(context, output);
}

int sign_output_path(const Context *context, const SignWords *o, char **ret) {
        const bool to_stdout = o->output ? strcmp(o->output, "-") == 0 : strcmp(o->file, "-") == 0;
        _cleanup_free_ char *path = NULL;

        if (to_stdout && (isatty(STDOUT_FILENO) || context->json))
                return fail(context, EXIT_USAGE,
                            "the signature is binary: give --output, or redirect without --json");
        if (o->output || to_stdout)
                path = strdup(to_stdout ? "-" : o->output);
        else if (asprintf(&path, "%s%s", o->file, sign_suffix(o->format)) < 0)
                path = NULL;
        if (!path)
                return fail(context, EXIT_OTHER, "out of memory");
        int r = to_stdout ? 0 : sign_output_check(context, o->file, path);
        if (r == 0)
                *ret = steal_ptr(path);
        return r;
}
