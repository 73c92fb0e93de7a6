/* SPDX-License-Identifier: Apache-2.0 */
/* The reviewer's signature over his decision: options of approve and reject, and its making. */
#pragma once

#include <stdbool.h>

#include "client/options.h"

typedef struct Signing {
        bool approve;
        const char *key, *passphrase_file, *signature, *to_sign, *digest;
        uint8_t *made; /* owned; NULL: the decision is not signed */
        size_t made_size;
} Signing;

/* clang-format off: one option a line */
#define SIGNING_OPTIONS(s)                                                                      \
        { "key", .text = &(s).key }, { "passphrase-file", .text = &(s).passphrase_file },       \
                { "signature", .text = &(s).signature }, { "to-sign", .text = &(s).to_sign }, { \
                "digest", .text = &(s).digest                                                   \
        }
/* clang-format on */

/* For people, once the bytes of --to-sign are written. */
#define TO_SIGN_NEXT \
        "Next: 'openssl dgst -sha256 -sign KEY -out SIG FILE', then this with --signature SIG"

void signing_done(Signing *signing);

/*
 * Look at the request, compute its digest again, and sign or write as the options say. DONE once
 * the bytes were written.
 */
int signing_prepare(Context *context, const char *path, Signing *signing);
