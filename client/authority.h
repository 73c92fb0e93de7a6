/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The authority's key as a file: made here (P-256, PKCS #8, AES-256, passphrase), loaded (also
 * P-384 and RSA, also only its public half), and used for `openssl dgst -sha256 -sign` signatures.
 */
#pragma once

#include <stdbool.h>

#include <openssl/evp.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/secret.h"
#include "client/context.h"

static inline EVP_PKEY *pkey_free(EVP_PKEY *key) {
        EVP_PKEY_free(key);
        return NULL;
}
DEFINE_CLEANUP(EVP_PKEY, pkey_free)

#define AUTHORITY_FILE_DEFAULT "./sealsd-authority.pem"
#define FINGERPRINT_SIZE 65

typedef struct Authority {
        EVP_PKEY *key;
        bool is_private;
        /* To what its owner lets the separation of duties be lowered; NULL: not at all. */
        const char *separation;
} Authority;

void authority_done(Authority *authority);

/* Make a key and write it to a new file, mode 0600; never overwrites. */
int authority_create(const Context *context, const char *path, const Secret *passphrase,
                     Authority *ret);

/* Load a private or a public key (PEM); asks for a passphrase where the file needs one. */
int authority_load(const Context *context, const char *path, const char *passphrase_file,
                   Authority *ret);

/* The same, but a public key is EXIT_USAGE. */
int authority_load_private(const Context *context, const char *path, const char *passphrase_file,
                           Authority *ret);

/* SHA-256, PKCS #1 v1.5 for RSA. *ret is malloc'ed. */
int authority_sign(const Context *context, const Authority *authority, Bytes message, uint8_t **ret,
                   size_t *ret_size);

/* PEM "PUBLIC KEY"; *ret is malloc'ed. */
int authority_public_pem(const Context *context, const Authority *authority, char **ret);

/* From PEM "PUBLIC KEY"; NULL when it is none. The caller frees it. */
EVP_PKEY *authority_public_parse(const char *pem);

/* SHA-256 over the DER SubjectPublicKeyInfo, in hex. Returns ret; "?" on failure. */
const char *authority_fingerprint(EVP_PKEY *key, char ret[static FINGERPRINT_SIZE]);
