/* SPDX-License-Identifier: Apache-2.0 */
/* Requests for certificates (PKCS #10) as files: a maker's and a seal's have the same choice. */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"
#include "client/options.h"

typedef struct RequestWords {
        const char *output; /* "-": standard output */
        bool pem, der;      /* one of them, once they are settled */
} RequestWords;

#define REQUEST_OPTIONS(words)                                                    \
        { "output", .text = &(words).output }, { "pem", .flag = &(words).pem }, { \
                "der", .flag = &(words).der                                       \
        }

/*
 * Settle where it goes and how: as PEM, where nothing was said and pem_default, else as DER.
 * EXIT_USAGE with a sentence for both at once, or for DER on a terminal or beside JSON. The place
 * is looked at, before something is signed for it.
 */
int request_words_settle(const Context *context, RequestWords *words, bool pem_default,
                         const char *output_default);

/* Write it, and say so: what says of what, as "The request is in". */
int request_words_write(const Context *context, const RequestWords *words, Bytes der,
                        const char *what);
