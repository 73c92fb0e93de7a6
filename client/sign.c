/* SPDX-License-Identifier: Apache-2.0 */
#include "client/sign.h"

#include <string.h>

#include "client/file.h"
#include "client/hash.h"

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

int sign_options_append(const Context *context, sd_bus_message *call, const SignWords *words,
                        const char *name) {
        Entries e = entries_open(call);

        entry_text(&e, "hash", words->hash);
        entry_text(&e, "scheme", words->scheme);
        entry_text(&e, "purpose", words->purpose);
        entry_text(&e, "document-name", name);
        return call_built(context, entries_close(&e));
}

int sign_output_check(const Context *context, const char *file, const char *output) {
        if (file && file_is_same(file, output))
                return fail_plain(context, EXIT_USAGE,
                                  "%s is the document itself: the signature needs another file",
                                  output);
        return file_write_check(context, output);
}
