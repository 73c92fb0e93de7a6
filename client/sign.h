/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs that sign share: hash a file as the seal wants it, and where signatures go. */
#pragma once

#include <openssl/evp.h>

#include "client/bus-call.h"
#include "client/pin.h"
#include "format/signed-format.h"
#include "policy/algorithm.h"

typedef struct SignExtra SignExtra; /* client/sign-extra.h */

typedef struct SignWords {
        const char *file, *output, *purpose, *name, *hash, *scheme, *digest;
        const char *format_name, *property_info;
        SignFormat format; /* after sign_format_get */
        bool digest_only;
        PinWords pin;
        const char *pin_ticket;     /* of pin_deposit; NULL: none */
        const Algorithm *algorithm; /* of the seal */
        const EVP_MD *md;
        const SignExtra *extra; /* what is put into the signature here; NULL: nothing */
} SignWords;

typedef struct Digest {
        uint8_t data[EVP_MAX_MD_SIZE];
        size_t size;
} Digest;

/* What the seal is decides with what a document is hashed for it. */
int sign_algorithm_get(Context *context, const char *path, SignWords *words);

/*
 * --format, among those that a document is signed in, and what goes with it; EXIT_USAGE says what
 * does not. Needs no seal.
 */
int sign_format_get(const Context *context, SignWords *words);

/* What FILE's signature of this format is called: ".sig" and others, behind the file's name. */
const char *sign_suffix(SignFormat format);

/* The seal's DigestPrefix, empty but for SM2 (design, section 5.5). */
int sign_prefix_get(Context *context, const char *path, Digest *ret);

/*
 * Of --digest, else the hash of FILE, raw of DigestPrefix ‖ FILE; after sign_algorithm_get and
 * sign_format_get.
 */
int sign_digest_get(Context *context, const char *path, const SignWords *words, Digest *ret);

/* --name, else FILE's name where it is one that the bus can carry; may be NULL. */
const char *sign_document_name(const SignWords *o);

/* Append the a{sv}; name may be NULL. */
int sign_options_append(const Context *context, sd_bus_message *call, const SignWords *words,
                        const char *name);

/* A signature in the document's place would be the end of the document. */
int sign_output_check(const Context *context, const char *file, const char *output);

/*
 * Where the signature goes: --output, else FILE with the format's suffix ("-" for standard
 * input's). Complains about a terminal, the document's own place, and what cannot be written. *ret
 * is malloc'ed.
 */
int sign_output_path(const Context *context, const SignWords *o, char **ret);
