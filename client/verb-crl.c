/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl crl: which certificates of seals are revoked, for those who verify signatures. */
#include <errno.h>
#include <string.h>

#include <openssl/pem.h>

#include "client/bus-call.h"
#include "client/file.h"
#include "client/pem-file.h"
#include "client/verb.h"
#include "policy/algorithm.h"

static const char help[] =
        "Usage: sealctl crl [OPTIONS]\n"
        "\n"
        "The revocation lists of this machine's makers, as PEM: which certificates of seals\n"
        "are revoked or on hold, since when and why. Anybody may have them. sealsd also keeps\n"
        "them as files, in DER, to be served by HTTP: /var/cache/sealsd/maker-ecdsa-p256.crl\n"
        "and maker-sm2.crl (CrlDirectory in sealsd.conf). They end after days\n"
        "(CrlValidityDays): who verifies fetches a new one.\n"
        "\n"
        "Options:\n"
        "  --output FILE   Write them here ('-' and default: standard output)\n"
        "  --algorithm A   Only that of the maker of this algorithm: ecdsa-p256 or sm2\n"
        "  --der           Only that one, as DER (default with it: ecdsa-p256)\n"
        "\n"
        "Example:\n"
        "  sealctl crl --output maker.crl\n"
        "\n"
        "Next: 'sealctl verify DOCUMENT --trust maker.pem --crl maker.crl'.\n";

typedef struct CrlWords {
        const char *output, *algorithm;
        bool der;
} CrlWords;

/* One list of the reply: added, written or passed over. 1 when it was one that is wanted. */
static int list_take(const CrlWords *w, const char *algorithm, Bytes der, BIO *out) {
        if (w->algorithm && strcmp(algorithm, w->algorithm) != 0)
                return 0;
        if (der.size > REVOCATION_LIST_MAX)
                return -EBADMSG;
        if (w->der)
                return BIO_write(out, der.data, (int) der.size) == (int) der.size ? 1 : -ENOMEM;
        return pem_put(out, PEM_STRING_X509_CRL, der) ? 1 : -ENOMEM;
}

/* How many, or a negative errno. */
static int lists_take(const CrlWords *w, sd_bus_message *reply, BIO *out) {
        const char *algorithm = NULL;
        Bytes der = {};
        int count = 0;

        int r = sd_bus_message_enter_container(reply, 'a', "(say)");
        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'r', "say")) > 0) {
                r = sd_bus_message_read(reply, "s", &algorithm);
                if (r >= 0)
                        r = sd_bus_message_read_array(reply, 'y', (const void **) &der.data,
                                                      &der.size);
                if (r >= 0)
                        r = list_take(w, algorithm, der, out);
                count += r > 0;
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
        }
        return r < 0 ? r : count;
}

static int crl(Context *context, const CrlWords *w) {
        _cleanup_(message_freep) sd_bus_message *call = NULL, *reply = NULL;
        _cleanup_(BIO_freep) BIO *out = pem_new(context);

        if (!out)
                return EXIT_OTHER;
        int r = call_new(context, MANAGER_PATH, MANAGER, "GetRevocationLists", &call);
        if (r == 0)
                r = call_send(context, call, &reply);
        if (r != 0)
                return r;
        r = lists_take(w, reply, out);
        if (r < 0)
                return fail_errno(context, r, "the lists cannot be read");
        if (r == 0)
                return w->algorithm ? fail_plain(context, EXIT_NOT_FOUND,
                                                 "there is no maker of algorithm %s: they are "
                                                 "of ecdsa-p256 and, where the TPM has it, sm2",
                                                 w->algorithm)
                                    : fail_plain(context, EXIT_NOT_FOUND,
                                                 "there is no list yet: 'sealctl inspect' tells "
                                                 "why");
        return pem_write_tell(context, out, w->output ? w->output : "-", "The lists are in");
}

int verb_crl(Context *context, int argc, char **argv) {
        CrlWords w = {};
        const CommandOption table[] = {
                { "output", .text = &w.output },
                { "algorithm", .text = &w.algorithm },
                { "der", .flag = &w.der },
        };
        const Usage usage = { help, OPTIONS(table), 0, 0 };
        char **arguments;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r != 0)
                return r;
        if (w.der && !w.algorithm)
                w.algorithm = ALGORITHM_DEFAULT;
        return crl(context, &w);
}
