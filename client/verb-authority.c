/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl authority: make its key, look at it, and give the answers that the daemon waits for. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "client/answer.h"
#include "client/bus-call.h"
#include "client/file.h"
#include "client/output.h"
#include "client/secret-input.h"
#include "client/verb.h"

static const char new_help[] =
        "Usage: sealctl authority new FILE [--passphrase-file FILE]\n"
        "\n"
        "Make an authority key: P-256, PKCS #8 under a passphrase, mode 0600. Never\n"
        "overwrites. Needs no daemon: run it on the machine where the key will be kept.\n"
        "\n"
        "Options:\n"
        "  --passphrase-file FILE   First line is the passphrase ('-': standard input)\n"
        "\n"
        "Example:\n"
        "  sealctl authority new authority.pem\n"
        "\n"
        "Next: 'sealctl authority show authority.pem --public-key >\n"
        "authority-public.pem', and on the machine with the TPM 'sealctl init\n"
        "--authority authority-public.pem'.\n";

static const char show_help[] =
        "Usage: sealctl authority show FILE [--public-key]\n"
        "\n"
        "The fingerprint of an authority key, or its public key (PEM).\n"
        "\n"
        "Options:\n"
        "  --public-key             Print the public key\n"
        "  --passphrase-file FILE   First line is the passphrase ('-': standard input)\n"
        "\n"
        "Example:\n"
        "  sealctl authority show authority.pem\n"
        "\n"
        "Next: compare it with the fingerprint that 'sealctl authority answer' shows.\n";

static const char challenges_help[] =
        "Usage: sealctl authority challenges [--directory DIR]\n"
        "\n"
        "What the daemon waits for the authority to sign. At most two are offered at a\n"
        "time.\n"
        "\n"
        "Options:\n"
        "  --directory DIR   Write the bytes of each to DIR/ID.bin\n"
        "\n"
        "Example:\n"
        "  sealctl authority challenges --directory .\n"
        "\n"
        "Next: 'openssl dgst -sha256 -sign authority.pem -out ID.sig ID.bin', then\n"
        "'sealctl authority answer --id ID --signature ID.sig'. openssl signs blindly:\n"
        "prefer 'sealctl authority answer --key FILE', which computes again what the\n"
        "bytes mean.\n";

static const char answer_help[] =
        "Usage: sealctl authority answer --key FILE [--passphrase-file FILE] [OPTIONS]\n"
        "       sealctl authority answer --id ID --signature FILE\n"
        "\n"
        "Answer all challenges that the daemon offers, until none is left. Before\n"
        "anything is signed, its bytes are computed again from what they should mean\n"
        "(the PCR values of now, the first write of this installation's indices, the\n"
        "separation agreed to); anything else is refused.\n"
        "\n"
        "Options:\n"
        "  --key FILE               The authority's private key (PEM)\n"
        "  --passphrase-file FILE   First line is the passphrase ('-': standard input)\n"
        "  --separation MODE        Agree that the separation of duties be lowered to MODE\n"
        "  --id ID                  Answer this challenge ...\n"
        "  --signature FILE         ... with a signature that was made elsewhere\n"
        "\n"
        "Example:\n"
        "  sealctl authority answer --key /media/key/authority.pem\n"
        "\n"
        "Next: 'sealctl status'.\n";

static int key_print(const Context *context, const Authority *authority, const char *path) {
        char fingerprint[FINGERPRINT_SIZE];

        authority_fingerprint(authority->key, fingerprint);
        if (context->json) {
                _cleanup_(json_freep)
                        json_t *object = json_pack("{ss ss sb}", "file", path, "sha256",
                                                   fingerprint, "private", authority->is_private);
                return print_json_value(context, object);
        }
        print_escaped(path);
        printf(": %s key\nFingerprint: SHA256 %s\n", authority->is_private ? "private" : "public",
               fingerprint);
        return 0;
}

static int authority_new(Context *context, int argc, char **argv) {
        const char *passphrase_file = NULL;
        const CommandOption table[] = { { "passphrase-file", .text = &passphrase_file } };
        const Usage usage = { new_help, OPTIONS(table), 1, 1 };
        _cleanup_(secret_wipe) Secret passphrase = {};
        _cleanup_(authority_done) Authority authority = {};
        char **arguments;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0 && access(arguments[0], F_OK) == 0)
                r = fail(context, EXIT_WRONG_STATE, "%s exists already and is left as it is",
                         arguments[0]);
        if (r == 0)
                r = passphrase_get(context, passphrase_file,
                                   "New passphrase of the authority key: ", true, &passphrase);
        if (r == 0)
                r = authority_create(context, arguments[0], &passphrase, &authority);
        return r != 0 ? r : key_print(context, &authority, arguments[0]);
}

static int authority_show(Context *context, int argc, char **argv) {
        const char *passphrase_file = NULL;
        bool public_key = false;
        const CommandOption table[] = { { "passphrase-file", .text = &passphrase_file },
                                        { "public-key", .flag = &public_key } };
        const Usage usage = { show_help, OPTIONS(table), 1, 1 };
        _cleanup_(authority_done) Authority authority = {};
        _cleanup_free_ char *pem = NULL;
        char **arguments;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = authority_load(context, arguments[0], passphrase_file, &authority);
        if (r == 0 && !public_key)
                return key_print(context, &authority, arguments[0]);
        if (r == 0)
                r = authority_public_pem(context, &authority, &pem);
        if (r == 0)
                fputs(pem, stdout);
        return r;
}

/* The id becomes a file name: the daemon is not trusted that far. */
static bool id_is_plain(const char *id) {
        static const char plain[] =
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

        return id[0] != '\0' && strspn(id, plain) == strlen(id);
}

static int challenge_write(const Context *context, const json_t *row, const char *directory) {
        const char *id = json_text(row, "id"), *hex = json_text(row, "bytes");
        _cleanup_free_ char *path = NULL;
        uint8_t data[256];
        size_t size = strlen(hex) / 2;

        if (!id_is_plain(id) || size > sizeof(data) || !hex_decode(hex, data, size))
                return fail(context, EXIT_OTHER, "the daemon's challenge cannot be read");
        if (asprintf(&path, "%s/%s.bin", directory, id) < 0) {
                path = NULL;
                return fail(context, EXIT_OTHER, "out of memory");
        }
        return file_write(context, path, 0644, (Bytes){ data, size });
}

static int authority_challenges(Context *context, int argc, char **argv) {
        static const char *const keys[] = { "id", "kind", "bytes", "expires" };
        static const OutputField columns[] = {
                { "id", "ID", FIELD_TEXT },
                { "kind", "KIND", FIELD_TEXT },
                { "expires", "EXPIRES", FIELD_TIME },
        };
        const char *directory = NULL;
        const CommandOption table[] = { { "directory", .text = &directory } };
        const Usage usage = { challenges_help, OPTIONS(table), 0, 0 };
        _cleanup_(json_freep) json_t *rows = NULL, *named = NULL;
        char **arguments;
        json_t *row;
        size_t i;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = call_json(context, MANAGER_PATH, MANAGER, "ListChallenges", NULL, &rows);
        if (r != 0)
                return r;
        named = rows_named(rows, keys, 4);
        if (!named)
                return fail(context, EXIT_OTHER, "out of memory");
        json_array_foreach(named, i, row)
                if (r == 0 && directory)
                        r = challenge_write(context, row, directory);
        return r != 0 ? r : print_table(context, named, FIELDS(columns), "Nothing to answer.");
}

typedef struct AnswerOptions {
        const char *key, *passphrase_file, *id, *signature, *separation;
} AnswerOptions;

static int answer_by_signature(Context *context, const AnswerOptions *o) {
        _cleanup_free_ uint8_t *data = NULL;
        size_t size = 0;

        int r = file_read(context, o->signature, SIGNATURE_MAX, &data, &size);
        if (r == 0)
                r = answer_send(context, o->id, (Bytes){ data, size });
        if (r != 0)
                return r;
        return print_done(
                context, "answered", o->id,
                "Answered. Next: 'sealctl authority challenges' shows whether more is asked.");
}

static int answer_by_key(Context *context, const AnswerOptions *o) {
        _cleanup_(authority_done) Authority authority = {};
        unsigned answered = 0;
        char count[16];

        int r = authority_load_private(context, o->key, o->passphrase_file, &authority);
        authority.separation = o->separation;
        if (r == 0)
                r = answer_all(context, &authority, &answered);
        if (r != 0)
                return r;
        (void) snprintf(count, sizeof(count), "%u", answered);
        if (answered == 0)
                return print_done(context, "answered", count, "There was nothing to answer.");
        return print_done(context, "answered", count,
                          "%s answered; none is left. Next: 'sealctl status'", count);
}

static int authority_answer(Context *context, int argc, char **argv) {
        AnswerOptions o = {};
        const CommandOption table[] = {
                { "key", .text = &o.key },
                { "passphrase-file", .text = &o.passphrase_file },
                { "id", .text = &o.id },
                { "signature", .text = &o.signature },
                { "separation", .text = &o.separation },
        };
        const Usage usage = { answer_help, OPTIONS(table), 0, 0 };
        char **arguments;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r != 0)
                return r;
        if (!o.key == !o.id || !o.id != !o.signature)
                return fail(context, EXIT_USAGE,
                            "either --key, or --id with --signature, is needed");
        return o.key ? answer_by_key(context, &o) : answer_by_signature(context, &o);
}

int verb_authority(Context *context, int argc, char **argv) {
        static const Verb verbs[] = {
                { "new", authority_new, "Make a key file" },
                { "show", authority_show, "Fingerprint or public key of a key file" },
                { "challenges", authority_challenges, "What waits to be signed" },
                { "answer", authority_answer, "Check, sign and send all answers" },
        };
        static const VerbTable table = {
                .usage = "Usage: sealctl authority new|show|challenges|answer [OPTIONS]\n"
                         "\n"
                         "The authority is the key that decides which machine states may sign. It "
                         "is\n"
                         "pinned by 'sealctl init' and kept away from the machine. What it has to "
                         "sign is\n"
                         "a challenge; an answer is its signature.\n"
                         "\n",
                .footer = "\n'sealctl authority VERB --help' tells what each takes.\n"
                          "\n"
                          "Example:\n  sealctl authority answer --key authority.pem\n",
                .verbs = verbs,
                .n_verbs = sizeof(verbs) / sizeof(verbs[0]),
        };

        return verb_dispatch(context, &table, argc, argv);
}
