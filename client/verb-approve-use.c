/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl challenge, approve-use and withdraw-approval: the approver's part of a use. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/authority.h"
#include "client/file.h"
#include "client/output.h"
#include "client/use-request.h"
#include "client/verb.h"

static const char challenge_help[] =
        "Usage: sealctl challenge REQUEST [--output FILE] [OPTIONS]\n"
        "\n"
        "What the approvers of a use sign: the bytes, what they mean, and how they are\n"
        "signed without this program (openssl, a smartcard). They are computed again from\n"
        "what is shown; where they are not the same, nothing is written.\n"
        "\n"
        "Options:\n"
        "  --output FILE    Write the bytes to FILE ('-': standard output)\n"
        "  --document FILE  Refuse unless the request is about this file\n"
        "\n"
        "Example:\n"
        "  sealctl challenge 7 --document contract.pdf -o to-sign\n"
        "\n"
        "Next: sign the bytes, then 'sealctl approve-use REQUEST --signature SIG'.\n";

static const char approve_help[] =
        "Usage: sealctl approve-use REQUEST --key FILE [OPTIONS]\n"
        "       sealctl approve-use REQUEST --signature FILE [OPTIONS]\n"
        "\n"
        "Approve one use of a seal, as one of its approvers: what is signed, for whom and\n"
        "until when is shown first, and asked. The TPM takes your approval for this\n"
        "document with this seal and for nothing else. What is signed is computed again\n"
        "here; an approval that would be good for another document, for another seal or\n"
        "again and again is refused. --document has the file hashed and compared: do that\n"
        "with the file that you have read.\n"
        "\n"
        "Options:\n"
        "  --key FILE               Sign with this private key (PEM)\n"
        "  --passphrase-file FILE   First line is the key's passphrase\n"
        "  --signature FILE         A signature over the bytes of 'sealctl challenge'\n"
        "  --document FILE          Refuse unless the request is about this file\n"
        "  --approver SUBJECT       For which of the approvers (default: you)\n"
        "\n"
        "Example:\n"
        "  sealctl approve-use 7 --key me.pem --document contract.pdf\n"
        "\n"
        "Next: once enough have approved, who asked runs 'sealctl collect REQUEST'. Until\n"
        "then 'sealctl withdraw-approval REQUEST' takes it back.\n";

static const char withdraw_help[] =
        "Usage: sealctl withdraw-approval REQUEST [OPTIONS]\n"
        "\n"
        "Take an approval back that was not used yet. The daemon forgets it and asks for\n"
        "another. The TPM knows nothing of it: whoever kept a copy of a deferred approval\n"
        "can still have that one document signed, on this machine, by going to the TPM\n"
        "himself. An administrator withdraws for others.\n"
        "\n"
        "Options:\n"
        "  --approver SUBJECT  Whose (default: yours)\n"
        "\n"
        "Example:\n"
        "  sealctl withdraw-approval 7\n"
        "\n"
        "Next: 'sealctl request REQUEST' shows what is missing.\n";

typedef struct ApproveWords {
        const char *key, *passphrase_file, *signature, *document, *approver;
} ApproveWords;

/* --- challenge ------------------------------------------------------------------------------ */

static void how_to_sign(const char *id, const char *file) {
        const char *bytes = file ? file : "FILE";

        printf("%s SHA-256 (RSA: PKCS #1 v1.5), for instance:\n"
               "  openssl dgst -sha256 -sign KEY -out SIG %s\n"
               "  pkcs11-tool --sign --mechanism ECDSA-SHA256 --signature-format openssl "
               "--input-file %s --output-file SIG\n"
               "Next: 'sealctl approve-use %s --signature SIG'\n",
               file ? "Sign them with" : "Have them written with --output FILE, and sign that with",
               bytes, bytes, id);
}

static void bytes_print(const UseChallenge *c) {
        char hex[2 * APPROVAL_BYTES_MAX + 1];

        printf("\nThe %zu bytes to sign are %sexpiration (%lld), cpHash and the seal's reference:\n"
               "  %s\n",
               c->to_sign_size, c->live ? "nonce, " : "", (long long) c->expiration,
               hex_encode(c->to_sign, c->to_sign_size, hex));
}

static int challenge_print(const Context *context, const char *path, const json_t *facts,
                           const UseChallenge *c, const char *output) {
        if (context->json)
                return print_json_value(context, facts);
        int r = use_facts_print(context, facts, c);
        if (r != 0)
                return r;
        bytes_print(c);
        how_to_sign(path_last(path), output);
        return 0;
}

int verb_challenge(Context *context, int argc, char **argv) {
        const char *output = NULL, *document = NULL;
        const CommandOption table[] = { { "output", .text = &output },
                                        { "document", .text = &document } };
        const Usage usage = { challenge_help, OPTIONS(table), 1, 1 };
        _cleanup_(json_freep) json_t *facts = NULL;
        UseChallenge challenge = {};
        char **arguments, path[PATH_SIZE];

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = request_path_get(context, arguments[0], path);
        if (r == 0 && output && strcmp(output, "-") == 0 &&
            (isatty(STDOUT_FILENO) || context->json))
                r = fail(context, EXIT_USAGE, "the bytes are binary: redirect, without --json");
        if (r == 0)
                r = use_facts_get(context, path, &facts, &challenge);
        if (r == 0 && document)
                r = use_document_check(context, &challenge, document);
        if (r == 0 && output)
                r = file_write(context, output, 0644,
                               (Bytes){ challenge.to_sign, challenge.to_sign_size });
        if (r != 0 || (output && strcmp(output, "-") == 0))
                return r;
        return challenge_print(context, path, facts, &challenge, output);
}

/* --- approve-use ---------------------------------------------------------------------------- */

static int words_check(const Context *context, const ApproveWords *words) {
        if (!words->key == !words->signature)
                return fail(context, EXIT_USAGE, "one of --key and --signature is needed");
        if (words->passphrase_file && !words->key)
                return fail(context, EXIT_USAGE, "--passphrase-file goes with --key");
        if (words->key && context->json && !context->yes)
                return fail(context, EXIT_USAGE,
                            "--json shows nothing to a person: look first, then give --yes");
        return 0;
}

static int key_sign(const Context *context, const ApproveWords *words, const UseChallenge *c,
                    uint8_t **ret, size_t *ret_size) {
        _cleanup_(authority_done) Authority key = {};

        int r = authority_load_private(context, words->key, words->passphrase_file, &key);
        return r != 0 ? r
                      : authority_sign(context, &key, (Bytes){ c->to_sign, c->to_sign_size }, ret,
                                       ret_size);
}

/* Look, ask, then sign; or take what was signed elsewhere. *ret is malloc'ed. */
static int signature_get(Context *context, const ApproveWords *words, const json_t *facts,
                         const UseChallenge *c, uint8_t **ret, size_t *ret_size) {
        if (words->signature)
                return file_read(context, words->signature, SIGNATURE_MAX, ret, ret_size);
        if (!context->json) {
                int r = use_facts_print(context, facts, c);
                if (r != 0)
                        return r;
                (void) fflush(stdout);
        }
        if (!words->document && c->format != FORMAT_PKCS10)
                note(context, "The file itself was not compared: --document FILE does that.");
        int r = confirm_or_fail(context, "Approve that this document is signed with this seal?");
        return r != 0 ? r : key_sign(context, words, c, ret, ret_size);
}

static int authorize(Context *context, const char *path, const char *approver, Bytes signature) {
        _cleanup_(message_freep) sd_bus_message *call = NULL;

        int r = call_new(context, path, REQUEST, "Authorize", &call);
        if (r == 0)
                r = call_built(context, text_append(call, approver));
        if (r == 0)
                r = call_built(context, sd_bus_message_append_array(call, 'y', signature.data,
                                                                    signature.size));
        return r != 0 ? r : call_send(context, call, NULL);
}

static int approve(Context *context, const char *path, const ApproveWords *words) {
        _cleanup_(json_freep) json_t *facts = NULL;
        _cleanup_free_ uint8_t *signature = NULL;
        char approver[SUBJECT_MAX + 1];
        UseChallenge challenge = {};
        size_t size = 0;

        int r = use_facts_get(context, path, &facts, &challenge);
        if (r == 0 && words->document)
                r = use_document_check(context, &challenge, words->document);
        if (r == 0)
                r = use_approver_choose(context, json_object_get(facts, "approvers"),
                                        words->approver, approver);
        if (r == 0)
                r = signature_get(context, words, facts, &challenge, &signature, &size);
        if (r == 0)
                r = authorize(context, path, approver, (Bytes){ signature, size });
        return r != 0 ? r : use_report(context, path);
}

int verb_approve_use(Context *context, int argc, char **argv) {
        ApproveWords words = {};
        const CommandOption table[] = {
                { "key", .text = &words.key },
                { "passphrase-file", .text = &words.passphrase_file },
                { "signature", .text = &words.signature },
                { "document", .text = &words.document },
                { "approver", .text = &words.approver },
        };
        const Usage usage = { approve_help, OPTIONS(table), 1, 1 };
        char **arguments, path[PATH_SIZE];

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = request_path_get(context, arguments[0], path);
        if (r == 0)
                r = words_check(context, &words);
        return r != 0 ? r : approve(context, path, &words);
}

/* --- withdraw-approval ---------------------------------------------------------------------- */

int verb_withdraw_approval(Context *context, int argc, char **argv) {
        const char *given = NULL;
        const CommandOption table[] = { { "approver", .text = &given } };
        const Usage usage = { withdraw_help, OPTIONS(table), 1, 1 };
        _cleanup_(json_freep) json_t *request = NULL, *nothing = NULL;
        char **arguments, path[PATH_SIZE], approver[SUBJECT_MAX + 1];
        const char *const texts[] = { approver, NULL };

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = request_path_get(context, arguments[0], path);
        if (r == 0)
                r = describe(context, path, REQUEST, &request);
        if (r == 0)
                r = use_approver_choose(context, json_object_get(request, "approvers"), given,
                                        approver);
        if (r == 0)
                r = call_json(context, path, REQUEST, "WithdrawApproval", texts, &nothing);
        return r != 0 ? r : use_report(context, path);
}
