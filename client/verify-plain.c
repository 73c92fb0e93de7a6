/* SPDX-License-Identifier: Apache-2.0 */
#include "client/verify-plain.h"

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

#include "base/cleanup.h"
#include "client/authority.h"
#include "client/bus-call.h"
#include "client/file.h"
#include "client/hash.h"
#include "client/output.h"
#include "client/text.h"
#include "client/verify.h"
#include "policy/sm2.h"

static int key_from_file(const Context *context, const char *path, EVP_PKEY **ret) {
        uint8_t *data = NULL;
        size_t size = 0;

        int r = file_read(context, path, PEM_MAX, &data, &size);
        if (r != 0)
                return r;
        *ret = verify_key_parse((const char *) data, size);
        file_data_free(data, size);
        ERR_clear_error();
        return *ret ? 0 : fail_plain(context, EXIT_USAGE, "%s is no PEM key or certificate", path);
}

static int key_from_seal(Context *context, const char *number, EVP_PKEY **ret) {
        _cleanup_(json_freep) json_t *seal = NULL;
        char path[PATH_SIZE];

        if (!seal_path_parse(number, path))
                return fail(context, EXIT_USAGE, "'%s' is no seal number", number);
        int r = describe(context, path, SEAL, &seal);
        if (r != 0)
                return r;
        const char *pem = json_text(seal, "public-key");
        *ret = verify_key_parse(pem, strlen(pem));
        return *ret ? 0 : fail_openssl(context, "the seal's public key");
}

/* A signature does not tell what was hashed how: that is the most harmless reason to refuse one. */
static int refusal(const Context *context, const VerifyWords *w, const Algorithm *algorithm) {
        const char *hash = w->hash ? w->hash : algorithm->hash;

        return fail(context, EXIT_VERIFICATION,
                    "%s: the signature is not of this key over this file with %s%s", w->document,
                    hash, w->hash || strcmp(hash, "sm3") == 0 ? "" : "; --hash tries another hash");
}

static int verdict(const Context *context, const VerifyWords *w, EVP_PKEY *key, bool good) {
        char fingerprint[FINGERPRINT_SIZE];

        if (!good)
                return refusal(context, w, verify_algorithm(key));
        authority_fingerprint(key, fingerprint);
        if (context->json) {
                _cleanup_(json_freep) json_t *object = json_pack("{sb ss}", "verified", 1,
                                                                 "public-key-sha256", fingerprint);
                return print_json_value(context, object);
        }
        fputs("Good signature over ", stdout);
        print_escaped(w->document);
        printf("\nPublic key: SHA256 %s\n", fingerprint);
        return 0;
}

/* The hash of the key's Z_A, which only SM2 has, and the file. */
static int digest_file(const Context *context, const VerifyWords *w, EVP_PKEY *key,
                       const EVP_MD *md, uint8_t *ret, size_t *ret_size) {
        TPM2B_DIGEST prefix;

        if (sm2_prefix_of_pkey(key, &prefix) != 0)
                return fail_openssl(context, "SM3");
        return file_hash(context, w->document, md, (Bytes){ prefix.buffer, prefix.size }, ret,
                         ret_size);
}

static int hash_of_key(const Context *context, const VerifyWords *w, EVP_PKEY *key,
                       const EVP_MD **ret) {
        const Algorithm *algorithm = verify_algorithm(key);

        if (!algorithm)
                return fail_plain(context, EXIT_USAGE,
                                  "the key is not of a seal: those are " ALGORITHM_NAMES);
        return hash_choose(context, algorithm, w->hash, w->scheme, ret);
}

int verify_plain(Context *context, const VerifyWords *w, Bytes signature) {
        _cleanup_(pkey_freep) EVP_PKEY *key = NULL;
        uint8_t digest[EVP_MAX_MD_SIZE];
        const EVP_MD *md = NULL;
        size_t size = 0;

        int r = w->seal ? key_from_seal(context, w->seal, &key)
                        : key_from_file(context, w->public_key, &key);
        if (r == 0)
                r = hash_of_key(context, w, key, &md);
        if (r == 0)
                r = digest_file(context, w, key, md, digest, &size);
        if (r != 0)
                return r;
        return verdict(context, w, key,
                       verify_digest(key, md, w->scheme, (Bytes){ digest, size }, signature));
}
