/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl reviewer: keys by which reviewers' decisions are known to be theirs. */
#include <string.h>

#include "base/bytes.h"
#include "client/authority.h"
#include "client/bus-call.h"
#include "client/file.h"
#include "client/options.h"
#include "client/output.h"
#include "client/secret-input.h"
#include "client/signing.h"
#include "client/text.h"
#include "client/verb.h"
#include "client/verify.h"

#define REPLACE_PREFIX "sealsd/reviewer/replace" /* its zero is part of what is signed */
#define HASH_SIZE 32

static const char help[] =
        "Usage: sealctl reviewer register SUBJECT PEM [OPTIONS]\n"
        "\n"
        "Register a reviewer's public key (P-256, P-384 or RSA; 'sealctl authority new'\n"
        "or openssl make one). From then on his decisions count only with a signature of\n"
        "its private half, so that nobody who takes his place on the machine, root\n"
        "included, decides for him. A key that takes an older one's place has to be\n"
        "signed by that, or by the authority. An administrator registers it.\n"
        "\n"
        "Options:\n"
        "  --key FILE               The private key that was registered before, or the\n"
        "                           authority's\n"
        "  --passphrase-file FILE   First line is its passphrase\n"
        "  --signature FILE         A signature of it over the bytes of --to-sign\n"
        "  --to-sign FILE           Write the bytes to be signed, and register nothing\n"
        "  --resident               The authority in the TPM, by its passphrase\n"
        "\n"
        "A key in another's place; bob signs in between, and keeps his key to himself:\n"
        "  sealctl reviewer register bob new.pem --to-sign new.bin\n"
        "  openssl dgst -sha256 -sign old-private.pem -out new.sig new.bin\n"
        "  sealctl reviewer register bob new.pem --signature new.sig\n"
        "\n"
        "Example:\n"
        "  sealctl reviewer register bob bob.pem\n"
        "\n"
        "Next: bob runs 'sealctl approve ID --key FILE'.\n";

typedef struct RegisterWords {
        const char *key, *passphrase_file, *signature, *to_sign;
        bool resident;
} RegisterWords;

typedef struct Registration {
        uint8_t *pem;       /* owned */
        uint8_t *signature; /* owned; NULL: a first key */
        size_t pem_size, signature_size;
        char fingerprint[FINGERPRINT_SIZE];
        int fd; /* of the resident authority's passphrase; -1: none */
} Registration;

static void registration_done(Registration *registration) {
        free(registration->pem);
        free(registration->signature);
        closep(&registration->fd);
}

static int key_read(const Context *context, const char *path, Registration *ret) {
        int r = file_read(context, path, PEM_MAX, &ret->pem, &ret->pem_size);
        if (r != 0)
                return r;
        _cleanup_(pkey_freep)
                EVP_PKEY *key = verify_key_parse((const char *) ret->pem, ret->pem_size);
        if (!key)
                return fail_plain(context, EXIT_USAGE, "%s is no PEM public key", path);
        authority_fingerprint(key, ret->fingerprint);
        return 0;
}

/*
 * What the old key signs for the new one: "sealsd/reviewer/replace" ‖ 0 ‖ "user:NAME" ‖ 0 ‖ SHA-256
 * of the new SPKI.
 */
static int replace_sign(Context *context, const RegisterWords *w, const char *subject,
                        Registration *registration) {
        uint8_t buffer[sizeof(REPLACE_PREFIX) + SUBJECT_MAX + 1 + HASH_SIZE], hash[HASH_SIZE];
        _cleanup_(authority_done) Authority key = {};
        Writer writer = writer_over(buffer, sizeof(buffer));

        writer_put(&writer, REPLACE_PREFIX, sizeof(REPLACE_PREFIX));
        writer_put(&writer, subject, strlen(subject) + 1);
        if (!hex_decode(registration->fingerprint, hash, HASH_SIZE))
                return fail(context, EXIT_OTHER, "the key's fingerprint cannot be computed");
        writer_put(&writer, hash, HASH_SIZE);
        const Bytes bytes = { buffer, writer.used };
        if (w->to_sign) {
                int r = file_write(context, w->to_sign, 0644, bytes);
                if (r == 0)
                        note(context, TO_SIGN_NEXT);
                return r != 0 ? r : DONE;
        }
        if (w->signature)
                return file_read(context, w->signature, SIGNATURE_MAX, &registration->signature,
                                 &registration->signature_size);
        int r = authority_load_private(context, w->key, w->passphrase_file, &key);
        return r != 0 ? r
                      : authority_sign(context, &key, bytes, &registration->signature,
                                       &registration->signature_size);
}

static int passphrase_send_get(const Context *context, const RegisterWords *w, int *ret_fd) {
        _cleanup_(secret_wipe) Secret passphrase = {};

        int r = passphrase_get(context, w->passphrase_file,
                               "Passphrase of the authority in the TPM: ", false, &passphrase);
        return r != 0 ? r : secret_to_memfd(context, &passphrase, ret_fd);
}

static int register_send(Context *context, const char *subject, const Registration *registration) {
        _cleanup_(message_freep) sd_bus_message *call = NULL;

        int r = call_new(context, MANAGER_PATH, MANAGER, "RegisterReviewer", &call);
        if (r != 0)
                return r;
        int built = text_append(call, subject);
        if (built >= 0)
                built = text_append(call, (const char *) registration->pem);
        if (built < 0)
                return call_built(context, built);
        Entries e = entries_open(call);
        entry_bytes(&e, "signature",
                    (Bytes){ registration->signature, registration->signature_size });
        entry_fd(&e, "passphrase", registration->fd);
        r = call_built(context, entries_close(&e));
        return r != 0 ? r : call_send(context, call, NULL);
}

static int reviewer_register(Context *context, int argc, char **argv) {
        RegisterWords w = {};
        const CommandOption table[] = {
                { "key", .text = &w.key },
                { "passphrase-file", .text = &w.passphrase_file },
                { "signature", .text = &w.signature },
                { "to-sign", .text = &w.to_sign },
                { "resident", .flag = &w.resident },
        };
        const Usage usage = { help, OPTIONS(table), 2, 2 };
        _cleanup_(registration_done) Registration registration = { .fd = -1 };
        char **arguments, subject[SUBJECT_MAX + 1];

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0 && !subject_complete(arguments[0], subject))
                r = fail(context, EXIT_USAGE, "'%s' is nobody: write user:NAME", arguments[0]);
        if (r == 0 && !!w.key + !!w.signature + !!w.to_sign + w.resident > 1)
                r = fail(context, EXIT_USAGE,
                         "--key, --signature, --to-sign and --resident exclude each other");
        if (r == 0)
                r = key_read(context, arguments[1], &registration);
        if (r == 0 && (w.key || w.signature || w.to_sign))
                r = replace_sign(context, &w, subject, &registration);
        if (r == 0 && w.resident)
                r = passphrase_send_get(context, &w, &registration.fd);
        if (r == 0)
                r = register_send(context, subject, &registration);
        if (r != 0)
                return r;
        return print_done(context, "registered", subject,
                          "The key SHA256 %s is registered for %s; his decisions need its "
                          "signature from now on.",
                          registration.fingerprint, subject);
}

int verb_reviewer(Context *context, int argc, char **argv) {
        static const Verb verbs[] = {
                { "register", reviewer_register, "Register a reviewer's public key" },
        };
        static const VerbTable table = {
                .usage = "Usage: sealctl reviewer register SUBJECT PEM [OPTIONS]\n"
                         "\n"
                         "Keys by which the decisions of reviewers are known to be theirs.\n"
                         "\n",
                .footer = "\n'sealctl reviewer VERB --help' tells what each takes.\n"
                          "\n"
                          "Example:\n  sealctl reviewer register bob bob.pem\n",
                .verbs = verbs,
                .n_verbs = sizeof(verbs) / sizeof(verbs[0]),
        };

        return verb_dispatch(context, &table, argc, argv);
}
