/* SPDX-License-Identifier: Apache-2.0 */
/* What sealctl itself puts into a signature that it was given: the document, and a time stamp. */
#pragma once

#include "client/sign.h"
#include "client/stamp.h"

typedef struct SignExtraWords {
        bool embed;
        StampWords stamp;
} SignExtraWords;

/* clang-format off: one option a line */
#define SIGN_EXTRA_OPTIONS(w)                                                       \
        { "embed", .flag = &(w).embed }, { "timestamp", .text = &(w).stamp.url }, { \
                "tsa-trust", .list = &(w).stamp.trust                               \
        }
/* clang-format on */

#define SIGN_EXTRA_HELP                                                                         \
        "  --embed           cades: put the document itself into the signature's file\n"        \
        "  --timestamp URL   Have this time stamp authority (RFC 3161) say when it was made;\n" \
        "                    not for raw\n"                                                     \
        "  --tsa-trust FILE  Certificates trusted to stamp times; repeat\n"

/* All that it takes, at hand before a use is spent. */
struct SignExtra {
        const SignExtraWords *words;
        Stamp stamp;
        uint8_t *document; /* with --embed; owned */
        size_t document_size;
};

void sign_extra_done(SignExtra *extra);
#define _cleanup_sign_extra_ __attribute__((cleanup(sign_extra_done)))

/* After sign_format_get; to be ended also after a failure. Speaks to nobody. */
int sign_extra_open(const Context *context, const SignWords *words,
                    const SignExtraWords *extra_words, SignExtra *ret);

/*
 * Write the signature with what is to be in it. Where the authority fails, it is written without
 * the time stamp, and *ret_failure is the exit code: the use is spent already. *ret is malloc'ed:
 * what was written.
 */
int sign_extra_write(const Context *context, const SignExtra *extra, const char *output,
                     Bytes signature, uint8_t **ret, size_t *ret_size, int *ret_failure);
