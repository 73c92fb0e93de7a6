/* SPDX-License-Identifier: Apache-2.0 */
/* The two things that are verified: the file of a signature or a seal, and the document's hash. */
#pragma once

#include "client/context.h"
#include "client/verify-words.h"
#include "format/verify-kind.h"
#include "format/verify-trust.h"

typedef struct VerifyInput {
        uint8_t *data; /* owned */
        size_t size;
        bool pem; /* it was taken out of PEM */
        VerifyFile kind;
} VerifyInput;

/*
 * Read --signature, else the file beside the document that sealctl sign writes; what it is, says
 * --kind or else its beginning. Free with
 * verify_input_done.
 */
int verify_input_read(const Context *context, const VerifyWords *words, VerifyInput *ret);
void verify_input_done(VerifyInput *input);

/*
 * Hash the document, of any size, by these hashes; nothing where there is no document, or no hash.
 */
int verify_document_hash(const Context *context, const VerifyWords *words,
                         const char *const *hashes, size_t count, VerifyDocument *ret);
