/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <string.h>

#include "sealsd/bus-manager.h"
#include "sealsd/bus-method.h"
#include "sealsd/bus-options.h"

int parse_set_separation(Operation *op, ErrorDetail *detail) {
        static const Option table[] = {
                { "passphrase", OPTION_SECRET, offsetof(SeparationArgs, passphrase), 0, NULL,
                  NULL },
        };
        SeparationArgs *args = op->args;
        const char *word;

        int r = argument_text(op->message, "mode", WORD_MAX, &word, detail);
        if (r != 0)
                return r;
        int mode = separation_from_name(word);
        if (mode <= SEPARATION_NONE)
                return option_invalid(detail, "mode", "dual, strict or single");
        args->mode = (Separation) mode;
        return method_options(op, table, ROWS(table), args, detail);
}

int run_set_separation(Operation *op, ErrorDetail *detail) {
        const SeparationArgs *args = op->args;

        return service_set_separation(op->bus->service, &op->caller, args->mode, &args->passphrase,
                                      (Reply){ .done = operation_done, .userdata = op }, detail);
}

int parse_register_reviewer(Operation *op, ErrorDetail *detail) {
        static const Option table[] = {
                { "signature", OPTION_BYTES, offsetof(ReviewerOptions, signature), SIGNATURE_MAX,
                  NULL, NULL },
                { "passphrase", OPTION_SECRET, offsetof(ReviewerOptions, passphrase), 0, NULL,
                  NULL },
        };
        ReviewerOptions *options = op->args;
        const char *subject, *pem;

        int r = argument_text(op->message, "subject", TEXT_MAX, &subject, detail);
        if (r == 0)
                r = argument_text(op->message, "pem", PEM_MAX, &pem, detail);
        if (r == 0)
                r = subject_parse(subject, &options->subject, detail);
        if (r != 0)
                return r;
        options->pem = (Bytes){ .data = (const uint8_t *) pem, .size = strlen(pem) };
        return method_options(op, table, ROWS(table), options, detail);
}

int run_register_reviewer(Operation *op, ErrorDetail *detail) {
        return service_register_reviewer(op->bus->service, &op->caller, op->args,
                                         (Reply){ .done = operation_done, .userdata = op }, detail);
}
