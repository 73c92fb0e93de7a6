/* SPDX-License-Identifier: Apache-2.0 */
#include "client/certificate-request.h"

#include <string.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "client/file.h"
#include "client/output.h"
#include "client/pem-file.h"

static bool is_stdout(const RequestWords *words) {
        return strcmp(words->output, "-") == 0;
}

int request_words_settle(const Context *context, RequestWords *words, bool pem_default,
                         const char *output_default) {
        if (words->pem && words->der)
                return fail(context, EXIT_USAGE, "--pem and --der exclude each other");
        if (!words->pem && !words->der) {
                words->pem = pem_default;
                words->der = !pem_default;
        }
        if (!words->output)
                words->output = output_default;
        if (!is_stdout(words))
                return file_write_check(context, words->output);
        if (words->der && (isatty(STDOUT_FILENO) || context->json))
                return fail(context, EXIT_USAGE,
                            "the request is binary: name a file, redirect without --json, or give "
                            "--pem");
        return 0;
}

static int pem_request_write(const Context *context, const RequestWords *words, Bytes der) {
        _cleanup_(BIO_freep) BIO *pem = pem_new(context);

        if (!pem)
                return EXIT_OTHER;
        if (!pem_put(pem, PEM_STRING_X509_REQ, der))
                return fail_openssl(context, "PEM");
        return pem_write(context, pem, words->output);
}

int request_words_write(const Context *context, const RequestWords *words, Bytes der,
                        const char *what) {
        int r = words->pem ? pem_request_write(context, words, der)
                           : file_write(context, words->output, 0644, der);

        if (r != 0 || is_stdout(words))
                return r;
        return print_done(context, "output", words->output, "%s %s", what, words->output);
}
