/* SPDX-License-Identifier: Apache-2.0 */
#include "client/verb.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "client/file.h"
#include "client/hash.h"
#include "client/options.h"
#include "client/output.h"
#include "client/stamp.h"
#include "format/verify-kind.h"

#define SIGNATURE_MODE 0644

static const char help[] =
        "Usage: sealctl timestamp SIGNATURE --url URL [OPTIONS]\n"
        "\n"
        "Have a time stamp authority (RFC 3161) say that this signature is there now, and put\n"
        "what it says into the file: then it can be verified also after the certificate has\n"
        "ended. For CMS signatures (--format cades, pades-cms) and signatures with an electronic\n"
        "seal (--format eseal). What is signed stays as it is, and the service is not asked. The\n"
        "authority learns the signature's hash, and not what was signed.\n"
        "\n"
        "Options:\n"
        "  --url URL           The authority's, http or https; redirections are not followed\n"
        "  --output FILE       Write here, and leave SIGNATURE as it is ('-': standard output)\n"
        "  --tsa-trust FILE    Certificates trusted to stamp times; repeat. Without it, who\n"
        "                      stamped is left to those who verify\n"
        "  --hash HASH         What the authority is told: sha256 (default), sha384, sha512, sm3\n"
        "  --timeout SECONDS   Until it has answered (default 30, at most 300)\n"
        "\n"
        "Example:\n"
        "  sealctl timestamp contract.pdf.p7s --url http://tsa.example/\n"
        "\n"
        "Next: 'sealctl verify contract.pdf --signature contract.pdf.p7s --tsa-trust FILE'.\n";

typedef struct TimestampWords {
        const char *file, *output;
        StampWords stamp;
} TimestampWords;

/* DER, also out of PEM; *ret is malloc'ed. */
static int signature_read(const Context *context, const char *path, uint8_t **ret,
                          size_t *ret_size) {
        _cleanup_free_ uint8_t *data = NULL, *inner = NULL;
        size_t size = 0, inner_size = 0;

        int r = file_read(context, path, CMS_FILE_MAX, &data, &size);
        if (r != 0)
                return r;
        const bool pem = verify_file_unwrap((Bytes){ data, size }, &inner, &inner_size);
        *ret = pem ? steal_ptr(inner) : steal_ptr(data);
        *ret_size = pem ? inner_size : size;
        return 0;
}

static int stamp_file(const Context *context, const TimestampWords *w, const Stamp *stamp) {
        _cleanup_free_ uint8_t *signature = NULL, *stamped = NULL;
        const char *output = w->output ? w->output : w->file;
        size_t size = 0, stamped_size = 0;

        int r = file_write_check(context, output);
        if (r == 0)
                r = signature_read(context, w->file, &signature, &size);
        if (r == 0)
                r = stamp_add(context, stamp, w->file, (Bytes){ signature, size }, &stamped,
                              &stamped_size);
        if (r == 0)
                r = file_write(context, output, SIGNATURE_MODE, (Bytes){ stamped, stamped_size });
        if (r != 0 || strcmp(output, "-") == 0)
                return r;
        return print_done(context, "output", output, "%s has a time stamp.", output);
}

int verb_timestamp(Context *context, int argc, char **argv) {
        TimestampWords w = {};
        const CommandOption table[] = {
                { "url", .text = &w.stamp.url },           { "output", .text = &w.output },
                { "tsa-trust", .list = &w.stamp.trust },   { "hash", .text = &w.stamp.hash },
                { "timeout", .number = &w.stamp.seconds },
        };
        const Usage usage = { help, OPTIONS(table), 1, 1 };
        _cleanup_stamp_ Stamp stamp = {};
        char **arguments;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r != 0)
                return r;
        w.file = arguments[0];
        if (!w.stamp.url)
                return fail(context, EXIT_USAGE, "--url says whom to ask");
        if (strcmp(w.file, "-") == 0 && !w.output)
                return fail(context, EXIT_USAGE,
                            "from standard input there is no file to write "
                            "to: --output is needed");
        r = hash_check(context, w.stamp.hash);
        if (r == 0)
                r = stamp_open(context, &w.stamp, &stamp);
        return r != 0 ? r : stamp_file(context, &w, &stamp);
}
