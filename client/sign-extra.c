/* SPDX-License-Identifier: Apache-2.0 */
#include "client/sign-extra.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "client/file.h"
#include "format/cms-extend.h"

#define SIGNATURE_MODE 0644

void sign_extra_done(SignExtra *extra) {
        stamp_done(&extra->stamp);
        file_data_free(extra->document, extra->document_size);
}

static int embed_open(const Context *context, const SignWords *words, SignExtra *ret) {
        if (words->format != FORMAT_CADES)
                return fail(context, EXIT_USAGE, "--embed goes with --format cades");
        if (!words->file || strcmp(words->file, "-") == 0)
                return fail(context, EXIT_USAGE, "--embed takes the document from a file");
        return file_read(context, words->file, CMS_DOCUMENT_MAX, &ret->document,
                         &ret->document_size);
}

int sign_extra_open(const Context *context, const SignWords *words,
                    const SignExtraWords *extra_words, SignExtra *ret) {
        ret->words = extra_words;
        if (extra_words->stamp.url && words->format == FORMAT_RAW)
                return fail(context, EXIT_USAGE,
                            "--timestamp goes with --format cades, pades-cms and eseal: a raw "
                            "signature has no place for one");
        int r = stamp_open(context, &extra_words->stamp, &ret->stamp);
        return r == 0 && extra_words->embed ? embed_open(context, words, ret) : r;
}

/* A signature as it becomes; owned. */
typedef struct Written {
        uint8_t *data;
        size_t size;
} Written;

static void written_done(Written *written) {
        free(written->data);
}

static Bytes written_bytes(const Written *written) {
        return (Bytes){ written->data, written->size };
}

static void written_replace(Written *written, Written *by) {
        written_done(written);
        *written = *by;
        *by = (Written){};
}

static int document_embed(const Context *context, const SignExtra *extra, Written *signature) {
        const Bytes document = { extra->document, extra->document_size };
        ErrorDetail detail = {};
        Written whole = {};

        int r = cms_embed(written_bytes(signature), document, &whole.data, &whole.size, &detail);
        if (r < 0)
                return fail_errno(context, r, "the document cannot be put in");
        if (r > 0)
                return fail_plain(context, EXIT_OTHER, "the document cannot be put in: %s",
                                  error_describe(r, &detail));
        written_replace(signature, &whole);
        return 0;
}

static int time_stamp(const Context *context, const SignExtra *extra, const char *output,
                      Written *signature) {
        Written stamped = {};

        int r = stamp_add(context, &extra->stamp, output, written_bytes(signature), &stamped.data,
                          &stamped.size);
        if (r == 0)
                written_replace(signature, &stamped);
        return r;
}

static void failure_note(const Context *context, const SignExtra *extra, const char *output) {
        if (strcmp(output, "-") == 0 || !extra->words->stamp.url)
                note(context, "The signature is written without that.");
        else
                note(context,
                     "The signature is in %s, without a time stamp. Again: sealctl timestamp %s "
                     "--url %s",
                     output, output, extra->words->stamp.url);
}

int sign_extra_write(const Context *context, const SignExtra *extra, const char *output,
                     Bytes signature, uint8_t **ret, size_t *ret_size, int *ret_failure) {
        _cleanup_(written_done) Written made = { malloc(signature.size + 1), signature.size };
        int r = 0, failure = 0;

        if (!made.data)
                return fail(context, EXIT_OTHER, "out of memory");
        memcpy(made.data, signature.data, signature.size);
        if (extra->words->embed)
                failure = document_embed(context, extra, &made);
        if (failure == 0 && extra->words->stamp.url) {
                /* Safe before anybody is waited for; a pipe is written once. */
                if (strcmp(output, "-") != 0)
                        r = file_write(context, output, SIGNATURE_MODE, written_bytes(&made));
                if (r == 0)
                        failure = time_stamp(context, extra, output, &made);
        }
        if (r == 0)
                r = file_write(context, output, SIGNATURE_MODE, written_bytes(&made));
        if (r != 0)
                return r;
        if (failure != 0)
                failure_note(context, extra, output);
        *ret = steal_ptr(made.data);
        *ret_size = made.size;
        *ret_failure = failure;
        return 0;
}
