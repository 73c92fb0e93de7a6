/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl passport: what a seal is, as its TPM attests it, and whether such a file holds. */
#include <stdio.h>
#include <string.h>

#include <openssl/rand.h>

#include "client/bus-call.h"
#include "client/file.h"
#include "client/output.h"
#include "client/passport.h"
#include "client/seal-act.h"
#include "client/verb.h"

static const char help[] =
        "Usage: sealctl passport NUMBER [OPTIONS]\n"
        "       sealctl passport verify FILE [OPTIONS]\n"
        "\n"
        "The passport of a seal: one file that proves to others, offline, what the TPM\n"
        "enforces for this seal. The first form has it made now, with a nonce, checks it at\n"
        "once and keeps it in a file with --output; its keepers, administrators and\n"
        "auditors may. The second checks such a file and needs no daemon and no TPM.\n"
        "Both print in plain words what the chip enforces, what sealsd enforces, what\n"
        "nobody does, and what was not compared since it was not given.\n"
        "\n"
        "Exits with 0 when the passport holds, with 6 when it holds and the seal is\n"
        "revoked, with 10 when it does not hold. The second form exits with 11 when\n"
        "--attestation-key was not given: who has no TPM can make a file of which all else\n"
        "holds.\n"
        "\n"
        "Options:\n"
        "  --output FILE           Keep it there ('-': standard output, in place of the page)\n"
        "  --nonce HEX             8 to 64 bytes that it has to be made with: the one who\n"
        "                          wants to see it draws them, so that it is no older one\n"
        "                          (default: drawn here; with verify: not compared)\n"
        "  --authority PEM         The authority's public key or certificate\n"
        "  --attestation-key NAME  Name of the machine's attestation key, as 'sealctl\n"
        "                          status' shows it there, from somebody you trust; without\n"
        "                          it nothing shows that a TPM stands behind the passport\n"
        "  --ledger FILE           An exported ledger that has to lead to what the passport\n"
        "                          certifies ('-': standard input)\n"
        "  --ek-roots FILE         Certificates in PEM of the TPM's maker, for the endorsement\n"
        "                          key's, which nothing in the file ties to the\n"
        "                          attestation key\n"
        "\n"
        "Example:\n"
        "  sealctl passport 50011200000001 --nonce 5f1c08a2be7741d9 --output seal.passport\n"
        "  sealctl passport verify seal.passport --nonce 5f1c08a2be7741d9 \\\n"
        "    --attestation-key NAME\n"
        "\n"
        "Next: sealsd-passport(5) tells the format, and how to check it by hand.\n";

#define NONCE_DRAWN 32

typedef struct PassportWords {
        const char *nonce, *output;
        PassportKnown known;
        uint8_t nonce_bytes[PASSPORT_NONCE_MAX];
        size_t nonce_size; /* 0: none */
} PassportWords;

static int nonce_read(const Context *context, PassportWords *w) {
        size_t length = w->nonce ? strlen(w->nonce) : 0;

        if (!w->nonce)
                return 0;
        if (length < 2 * PASSPORT_NONCE_MIN || length > 2 * PASSPORT_NONCE_MAX ||
            !hex_decode(w->nonce, w->nonce_bytes, length / 2) || length % 2 != 0)
                return fail(context, EXIT_USAGE, "--nonce is %d to %d bytes in hex digits",
                            PASSPORT_NONCE_MIN, PASSPORT_NONCE_MAX);
        w->nonce_size = length / 2;
        return 0;
}

static int nonce_draw(const Context *context, PassportWords *w) {
        if (w->nonce_size > 0)
                return 0;
        if (RAND_bytes(w->nonce_bytes, NONCE_DRAWN) != 1)
                return fail_openssl(context, "a nonce");
        w->nonce_size = NONCE_DRAWN;
        return 0;
}

/* --- from the daemon ------------------------------------------------------------------------ */

static int attest(Context *context, const char *path, const PassportWords *w,
                  sd_bus_message **ret_reply) {
        _cleanup_(message_freep) sd_bus_message *call = NULL;

        int r = call_new(context, path, SEAL, "Attest", &call);
        if (r == 0)
                r = call_built(context, sd_bus_message_append_array(call, 'y', w->nonce_bytes,
                                                                    w->nonce_size));
        return r == 0 ? call_send(context, call, ret_reply) : r;
}

static int passport_keep(const Context *context, const PassportWords *w, Bytes file) {
        return w->output ? file_write(context, w->output, 0644, file) : 0;
}

/* The page, unless standard output has the passport itself. */
static int passport_tell(Context *context, const PassportWords *w, const Passport *passport,
                         const PassportVerdict *verdict) {
        char hex[2 * PASSPORT_NONCE_MAX + 1];

        if (w->output && strcmp(w->output, "-") == 0)
                return passport_exit(verdict);
        int r = passport_print(context, passport, verdict);
        if (w->output)
                note(context,
                     "The passport is in %s. Next: whoever sees it runs 'sealctl "
                     "passport verify %s --nonce %s --attestation-key NAME', with the Name that "
                     "'sealctl status' shows here",
                     w->output, w->output, hex_encode(w->nonce_bytes, w->nonce_size, hex));
        return r;
}

static int passport_get(Context *context, const char *number, PassportWords *w) {
        _cleanup_(message_freep) sd_bus_message *reply = NULL;
        _cleanup_(passport_freep) Passport *passport = NULL;
        PassportVerdict verdict = {};
        char path[PATH_SIZE];
        Bytes file = {};

        int r = seal_path_get(context, number, path);
        if (r == 0)
                r = nonce_draw(context, w);
        if (r == 0 && w->output)
                r = file_write_check(context, w->output);
        if (r == 0)
                r = attest(context, path, w, &reply);
        if (r != 0)
                return r;
        r = sd_bus_message_read_array(reply, 'y', (const void **) &file.data, &file.size);
        if (r < 0)
                return fail_errno(context, r, "the answer cannot be read");
        w->known.nonce = (Bytes){ w->nonce_bytes, w->nonce_size };
        r = passport_check(context, "the answer", file, &w->known, &passport, &verdict);
        if (r == 0)
                r = passport_keep(context, w, file);
        return r == 0 ? passport_tell(context, w, passport, &verdict) : r;
}

/* --- from a file ---------------------------------------------------------------------------- */

/* Whoever has a key of his own can have it attest anything. */
static int bound_tell(const Context *context, const char *path, const PassportVerdict *verdict) {
        if (verdict->facts.attestation_key_known)
                return 0;
        (void) fflush(stdout);
        return fail_plain(context, EXIT_INCOMPLETE,
                          "%s: nothing shows that a TPM made this passport: give "
                          "--attestation-key NAME, which somebody you trust has read from "
                          "'sealctl status' on that machine",
                          path);
}

static int file_verify(Context *context, const char *path, PassportWords *w) {
        _cleanup_(passport_freep) Passport *passport = NULL;
        PassportVerdict verdict = {};
        uint8_t *data = NULL;
        size_t size = 0;

        if (w->output)
                return fail(context, EXIT_USAGE, "--output is for a passport that is made now");
        int r = file_read(context, path, PASSPORT_MAX, &data, &size);
        if (r != 0)
                return r;
        w->known.nonce = (Bytes){ w->nonce_bytes, w->nonce_size };
        r = passport_check(context, path, (Bytes){ data, size }, &w->known, &passport, &verdict);
        file_data_free(data, size);
        if (r == 0)
                r = passport_print(context, passport, &verdict);
        return r == 0 ? bound_tell(context, path, &verdict) : r;
}

int verb_passport(Context *context, int argc, char **argv) {
        PassportWords w = {};
        const CommandOption table[] = {
                { "output", .text = &w.output },
                { "nonce", .text = &w.nonce },
                { "authority", .text = &w.known.authority },
                { "attestation-key", .text = &w.known.attestation_key },
                { "ledger", .text = &w.known.ledger },
                { "ek-roots", .text = &w.known.ek_roots },
        };
        const Usage usage = { help, OPTIONS(table), 1, 2 };
        char **arguments;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = nonce_read(context, &w);
        if (r != 0)
                return r;
        bool verify = strcmp(arguments[0], "verify") == 0;
        if (verify != (arguments[1] != NULL))
                return fail(context, EXIT_USAGE, "one NUMBER, or 'verify' and a FILE");
        return verify ? file_verify(context, arguments[1], &w)
                      : passport_get(context, arguments[0], &w);
}
