/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl export: what of a seal others need to verify its signatures, as files. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "client/bus-call.h"
#include "client/file.h"
#include "client/output.h"
#include "client/pem-file.h"
#include "client/seal-act.h"
#include "client/verb.h"
#include "format/eseal-shown.h"

static const char help[] =
        "Usage: sealctl export NUMBER [OPTIONS]\n"
        "\n"
        "Write what belongs to a seal to files, for those who verify its signatures.\n"
        "'-' is standard output.\n"
        "\n"
        "Options:\n"
        "  --certificate FILE   The seal's certificate (PEM)\n"
        "  --chain FILE         The certificate and those that lead on from it (PEM)\n"
        "  --eseal FILE         The electronic seal with its picture (GB/T 38540-2020, .esl)\n"
        "  --picture FILE       The picture in it, as it was handed in (PNG, JPEG or SVG)\n"
        "\n"
        "Example:\n"
        "  sealctl export 50011200000001 --chain seal.pem --eseal seal.esl\n"
        "\n"
        "Next: 'sealctl maker certificates' and 'sealctl crl' have what to trust and what is\n"
        "revoked; 'sealctl verify' takes all of them.\n";

typedef struct ExportWords {
        const char *certificate, *chain, *eseal, *picture;
} ExportWords;

/* --- from the daemon -------------------------------------------------------------------------- */

/* A property of the seal; the reply stands at its value. */
static int property_get(Context *context, const char *path, const char *name, const char *type,
                        sd_bus_message **ret) {
        _cleanup_(message_freep) sd_bus_message *call = NULL;

        int r = call_new(context, path, "org.freedesktop.DBus.Properties", "Get", &call);
        if (r == 0)
                r = call_built(context, sd_bus_message_append(call, "ss", SEAL, name));
        if (r == 0)
                r = call_send(context, call, ret);
        if (r != 0)
                return r;
        r = sd_bus_message_enter_container(*ret, 'v', type);
        return r < 0 ? fail_errno(context, r, "the answer cannot be read") : 0;
}

/* --- certificates ----------------------------------------------------------------------------- */

/* As PEM, the first limit of them. */
static int certificates_export(Context *context, const char *path, int limit, const char *file) {
        _cleanup_(message_freep) sd_bus_message *reply = NULL;
        _cleanup_(BIO_freep) BIO *pem = pem_new(context);

        if (!pem)
                return EXIT_OTHER;
        int r = property_get(context, path, "Certificates", "aay", &reply);
        if (r != 0)
                return r;
        r = pem_put_certificates(pem, reply, limit);
        if (r < 0)
                return fail_errno(context, r, "the certificates cannot be read");
        if (r == 0)
                return fail_plain(context, EXIT_WRONG_STATE,
                                  "the seal has no certificate yet: 'sealctl apply recertify' "
                                  "asks for one");
        return pem_write(context, pem, file);
}

/* --- the electronic seal ---------------------------------------------------------------------- */

static int picture_export(const Context *context, Bytes eseal, const char *file) {
        _cleanup_free_ uint8_t *picture = NULL;
        size_t size = 0;

        if (eseal_picture(eseal, &picture, &size) != 0)
                return fail_errno(context, -EBADMSG, "the electronic seal cannot be read");
        return file_write(context, file, 0644, (Bytes){ picture, size });
}

static int eseal_export(Context *context, const char *path, const ExportWords *w) {
        _cleanup_(message_freep) sd_bus_message *reply = NULL;
        Bytes eseal = {};

        int r = property_get(context, path, "ElectronicSeal", "ay", &reply);
        if (r != 0)
                return r;
        r = sd_bus_message_read_array(reply, 'y', (const void **) &eseal.data, &eseal.size);
        if (r < 0)
                return fail_errno(context, r, "the electronic seal cannot be read");
        if (eseal.size == 0)
                return fail_plain(context, EXIT_WRONG_STATE,
                                  "there is no electronic seal: this one was applied for without a "
                                  "picture, or has no certificate yet");
        r = w->eseal ? file_write(context, w->eseal, 0644, eseal) : 0;
        return r == 0 && w->picture ? picture_export(context, eseal, w->picture) : r;
}

/* What went to files, by its option; nothing where standard output has one of them. */
static int export_tell(const Context *context, const ExportWords *w) {
        const char *const written[][2] = {
                { "certificate", w->certificate },
                { "chain", w->chain },
                { "eseal", w->eseal },
                { "picture", w->picture },
        };
        _cleanup_(json_freep) json_t *files = json_object();

        for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++)
                if (written[i][1] && strcmp(written[i][1], "-") == 0)
                        return 0;
                else if (written[i][1])
                        (void) json_object_set_new(files, written[i][0],
                                                   json_string(written[i][1]));
        if (context->json)
                return print_json_value(context, files);
        for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++)
                if (written[i][1]) {
                        printf("%s: ", written[i][0]);
                        print_escaped(written[i][1]);
                        putchar('\n');
                }
        return 0;
}

static int export(Context *context, const char *path, const ExportWords *w) {
        int r = 0;

        if (w->certificate)
                r = certificates_export(context, path, 1, w->certificate);
        if (r == 0 && w->chain)
                r = certificates_export(context, path, CERTIFICATE_CHAIN_MAX, w->chain);
        if (r == 0 && (w->eseal || w->picture))
                r = eseal_export(context, path, w);
        return r != 0 ? r : export_tell(context, w);
}

int verb_export(Context *context, int argc, char **argv) {
        ExportWords w = {};
        const CommandOption table[] = {
                { "certificate", .text = &w.certificate },
                { "chain", .text = &w.chain },
                { "eseal", .text = &w.eseal },
                { "picture", .text = &w.picture },
        };
        const Usage usage = { help, OPTIONS(table), 1, 1 };
        char **arguments, path[PATH_SIZE];

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r != 0)
                return r;
        if (!w.certificate && !w.chain && !w.eseal && !w.picture)
                return fail(context, EXIT_USAGE,
                            "one of --certificate, --chain, --eseal and --picture is needed");
        r = seal_path_get(context, arguments[0], path);
        return r != 0 ? r : export(context, path, &w);
}
