/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl maker: who certifies this machine's seals, and who stands above him. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/pem.h>

#include "client/bus-call.h"
#include "client/certificate-request.h"
#include "client/file.h"
#include "client/output.h"
#include "client/pem-file.h"
#include "client/verb.h"
#include "policy/algorithm.h"
#include "policy/sm2.h"

/* --- certificates ----------------------------------------------------------------------------- */

static const char certificates_help[] =
        "Usage: sealctl maker certificates [OPTIONS]\n"
        "\n"
        "The certificates of this machine's makers, as PEM, each with those above it. Who\n"
        "verifies signatures trusts them, or the authority above. Anybody may have them.\n"
        "\n"
        "Options:\n"
        "  --output FILE   Write them here ('-' and default: standard output)\n"
        "\n"
        "Example:\n"
        "  sealctl maker certificates --output maker.pem\n"
        "\n"
        "Next: 'sealctl crl' has what they revoked.\n";

static int maker_ask(Context *context, const char *member, sd_bus_message **ret) {
        _cleanup_(message_freep) sd_bus_message *call = NULL;

        int r = call_new(context, MANAGER_PATH, MANAGER, member, &call);
        return r == 0 ? call_send(context, call, ret) : r;
}

static int certificates(Context *context, int argc, char **argv) {
        _cleanup_(message_freep) sd_bus_message *reply = NULL;
        const char *output = "-";
        const CommandOption table[] = { { "output", .text = &output } };
        const Usage usage = { certificates_help, OPTIONS(table), 0, 0 };
        char **arguments;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = maker_ask(context, "GetMakerCertificates", &reply);
        if (r != 0)
                return r;
        _cleanup_(BIO_freep) BIO *pem = pem_new(context);
        if (!pem)
                return EXIT_OTHER;
        r = pem_put_certificates(pem, reply, TRUST_ITEMS_MAX);
        if (r < 0)
                return fail_errno(context, r, "the certificates cannot be read");
        if (r == 0)
                return fail_plain(context, EXIT_WRONG_STATE,
                                  "there is no maker yet: sealsd makes it once the machine is in "
                                  "an approved state");
        return pem_write_tell(context, pem, output, "The certificates are in");
}

/* --- requests --------------------------------------------------------------------------------- */

static const char request_help[] =
        "Usage: sealctl maker request [OPTIONS]\n"
        "\n"
        "A request (PKCS #10) with which an authority above certifies the maker. The TPM\n"
        "signs it, in an approved state.\n"
        "\n"
        "Options:\n"
        "  --output FILE   Write it here ('-' and default: standard output)\n"
        "  --pem           As PEM, which is the default\n"
        "  --der           As DER\n"
        "  --algorithm A   Of the maker of this algorithm: ecdsa-p256 (default) or sm2\n"
        "\n"
        "Example:\n"
        "  sealctl maker request --output maker.csr\n"
        "\n"
        "Next: the authority issues a CA's certificate for it (path length 0, keyCertSign,\n"
        "cRLSign and digitalSignature, the same subject and subject key identifier);\n"
        "'sealctl maker set FILE' takes that in. To check the request of an SM2 maker,\n"
        "'openssl ca' and 'openssl req' need -vfyopt distid:" SM2_IDENTITY ".\n";

/* 1 when that algorithm's was among them; *ret is the reply's. */
static int request_take(sd_bus_message *reply, const char *algorithm, Bytes *ret) {
        const char *found = NULL;
        Bytes der = {};
        int taken = 0;

        int r = sd_bus_message_enter_container(reply, 'a', "(say)");
        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'r', "say")) > 0) {
                r = sd_bus_message_read(reply, "s", &found);
                if (r >= 0)
                        r = sd_bus_message_read_array(reply, 'y', (const void **) &der.data,
                                                      &der.size);
                if (r >= 0 && strcmp(found, algorithm) == 0) {
                        *ret = der;
                        taken = 1;
                }
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
        }
        return r < 0 ? r : taken;
}

static int request(Context *context, int argc, char **argv) {
        _cleanup_(message_freep) sd_bus_message *reply = NULL;
        const char *algorithm = ALGORITHM_DEFAULT;
        RequestWords words = {};
        const CommandOption table[] = {
                REQUEST_OPTIONS(words),
                { "algorithm", .text = &algorithm },
        };
        const Usage usage = { request_help, OPTIONS(table), 0, 0 };
        char **arguments;
        Bytes der = {};

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = request_words_settle(context, &words, true, "-");
        if (r == 0)
                r = maker_ask(context, "GetMakerRequests", &reply);
        if (r != 0)
                return r;
        r = request_take(reply, algorithm, &der);
        if (r < 0)
                return fail_errno(context, r, "the requests cannot be read");
        if (r == 0)
                return fail_plain(context, EXIT_NOT_FOUND,
                                  "there is no maker of algorithm %s: they are of ecdsa-p256 and, "
                                  "where the TPM has it, sm2",
                                  algorithm);
        return request_words_write(context, &words, der, "The request is in");
}

/* --- what an authority issued ----------------------------------------------------------------- */

static const char set_help[] =
        "Usage: sealctl maker set FILE\n"
        "\n"
        "Take in what an authority issued for a maker: FILE has the maker's certificate and\n"
        "then each above the one before, as PEM or DER. Seals are certified by it from then\n"
        "on; what was issued before stays good. No seal is certified beyond the end of the\n"
        "maker's certificate. For administrators.\n"
        "\n"
        "Example:\n"
        "  sealctl maker set chain.pem\n"
        "\n"
        "Next: those who verify signatures trust the authority above now; they need its\n"
        "revocation list beside those of 'sealctl crl'.\n";

static int set(Context *context, int argc, char **argv) {
        _cleanup_(message_freep) sd_bus_message *call = NULL;
        const Usage usage = { set_help, NULL, 0, 1, 1 };
        char **arguments;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r == 0)
                r = call_new(context, MANAGER_PATH, MANAGER, "SetMakerCertificates", &call);
        if (r == 0)
                r = certificates_append(context, call, arguments[0]);
        if (r == 0)
                r = call_send(context, call, NULL);
        return r != 0 ? r
                      : print_done(context, "certified", arguments[0],
                                   "The maker is certified by %s.", arguments[0]);
}

int verb_maker(Context *context, int argc, char **argv) {
        static const Verb verbs[] = {
                { "certificates", certificates, "Those of this machine's makers, to be trusted" },
                { "request", request, "A request to an authority above" },
                { "set", set, "Take in what that authority issued" },
                { "certify", set, "The same as set" },
        };
        static const VerbTable table = {
                .usage = "Usage: sealctl maker certificates|request|set [OPTIONS]\n"
                         "\n"
                         "The maker certifies the seals of this machine, with a key of its TPM: "
                         "one for\n"
                         "P-256, and one for SM2 where the TPM has that curve. It certifies "
                         "itself, unless\n"
                         "an authority above does.\n"
                         "\n",
                .footer = "\n'sealctl maker VERB --help' tells what each takes.\n"
                          "\n"
                          "Example:\n  sealctl maker certificates --output maker.pem\n",
                .verbs = verbs,
                .n_verbs = sizeof(verbs) / sizeof(verbs[0]),
        };

        return verb_dispatch(context, &table, argc, argv);
}
