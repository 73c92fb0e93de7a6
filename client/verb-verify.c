/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl verify: does this signature belong to this file and this key? */
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
#include "client/verb.h"
#include "client/verify.h"
#include "policy/sm2.h"

static const char help[] =
        "Usage: sealctl verify FILE --public-key PEM [OPTIONS]\n"
        "       sealctl verify FILE --seal NUMBER [OPTIONS]\n"
        "\n"
        "Check a detached signature. With --public-key nothing but the files is needed:\n"
        "no daemon, no TPM. Exits with 0 when it is good, with 10 when it is not. It\n"
        "says who signed what, not whether the seal was revoked: see 'sealctl show\n"
        "NUMBER'.\n"
        "\n"
        "Options:\n"
        "  --signature SIG    The signature (default: FILE.sig)\n"
        "  --public-key PEM   The seal's public key or certificate\n"
        "  --seal NUMBER      Ask the daemon of this machine for the seal's public key\n"
        "  --hash HASH        sha256, sha384, sha512, sm3 (default: by the key: sha256,\n"
        "                     P-384 sha384, SM2 sm3)\n"
        "  --scheme SCHEME    RSA: rsassa or rsapss (default: either)\n"
        "\n"
        "Example:\n"
        "  sealctl verify contract.pdf --public-key seal.pem\n"
        "\n"
        "Next: the same with openssl:\n"
        "  openssl dgst -sha256 -verify seal.pem -signature contract.pdf.sig contract.pdf\n"
        "with -sigopt rsa_padding_mode:pss for rsapss, and for SM2 with -sm3 and\n"
        "-sigopt distid:" SM2_IDENTITY ".\n";

typedef struct VerifyOptions {
        const char *file, *signature, *public_key, *seal, *hash, *scheme;
        const EVP_MD *md;
} VerifyOptions;

static int options_check(const Context *context, VerifyOptions *o) {
        if (!o->public_key == !o->seal)
                return fail(context, EXIT_USAGE, "one of --public-key and --seal is needed");
        if (strcmp(o->file, "-") == 0 && !o->signature)
                return fail(context, EXIT_USAGE, "standard input needs --signature");
        return hash_check(context, o->hash);
}

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

static int signature_read(const Context *context, const VerifyOptions *o, uint8_t **ret,
                          size_t *ret_size) {
        _cleanup_free_ char *path = NULL;

        if (o->signature)
                return file_read(context, o->signature, SIGNATURE_MAX, ret, ret_size);
        if (asprintf(&path, "%s.sig", o->file) < 0) {
                path = NULL;
                return fail(context, EXIT_OTHER, "out of memory");
        }
        return file_read(context, path, SIGNATURE_MAX, ret, ret_size);
}

/* A signature does not tell what was hashed how: that is the most harmless reason to refuse one. */
static int refusal(const Context *context, const VerifyOptions *o, const Algorithm *algorithm) {
        const char *hash = o->hash ? o->hash : algorithm->hash;

        return fail(context, EXIT_VERIFICATION,
                    "%s: the signature is not of this key over this file with %s%s", o->file, hash,
                    o->hash || strcmp(hash, "sm3") == 0 ? "" : "; --hash tries another hash");
}

static int verdict(const Context *context, const VerifyOptions *o, EVP_PKEY *key, bool good) {
        char fingerprint[FINGERPRINT_SIZE];

        if (!good)
                return refusal(context, o, verify_algorithm(key));
        authority_fingerprint(key, fingerprint);
        if (context->json) {
                _cleanup_(json_freep) json_t *object = json_pack("{sb ss}", "verified", 1,
                                                                 "public-key-sha256", fingerprint);
                return print_json_value(context, object);
        }
        fputs("Good signature over ", stdout);
        print_escaped(o->file);
        printf("\nPublic key: SHA256 %s\n", fingerprint);
        return 0;
}

/* The hash of the key's Z_A, which only SM2 has, and the file. */
static int digest_file(const Context *context, const VerifyOptions *o, EVP_PKEY *key, uint8_t *ret,
                       size_t *ret_size) {
        TPM2B_DIGEST prefix;

        if (sm2_prefix_of_pkey(key, &prefix) != 0)
                return fail_openssl(context, "SM3");
        return file_hash(context, o->file, o->md, (Bytes){ prefix.buffer, prefix.size }, ret,
                         ret_size);
}

static int hash_of_key(const Context *context, VerifyOptions *o, EVP_PKEY *key) {
        const Algorithm *algorithm = verify_algorithm(key);

        if (!algorithm)
                return fail_plain(context, EXIT_USAGE,
                                  "the key is not of a seal: those are " ALGORITHM_NAMES);
        return hash_choose(context, algorithm, o->hash, o->scheme, &o->md);
}

static int verify(Context *context, VerifyOptions *o) {
        _cleanup_(pkey_freep) EVP_PKEY *key = NULL;
        _cleanup_free_ uint8_t *signature = NULL;
        uint8_t digest[EVP_MAX_MD_SIZE];
        size_t signature_size = 0, digest_size = 0;

        int r = o->seal ? key_from_seal(context, o->seal, &key)
                        : key_from_file(context, o->public_key, &key);
        if (r == 0)
                r = hash_of_key(context, o, key);
        if (r == 0)
                r = signature_read(context, o, &signature, &signature_size);
        if (r == 0)
                r = digest_file(context, o, key, digest, &digest_size);
        if (r != 0)
                return r;
        return verdict(context, o, key,
                       verify_digest(key, o->md, o->scheme, (Bytes){ digest, digest_size },
                                     (Bytes){ signature, signature_size }));
}

int verb_verify(Context *context, int argc, char **argv) {
        VerifyOptions o = {};
        const CommandOption table[] = {
                { "signature", .text = &o.signature }, { "public-key", .text = &o.public_key },
                { "seal", .text = &o.seal },           { "hash", .text = &o.hash },
                { "scheme", .text = &o.scheme },
        };
        const Usage usage = { help, OPTIONS(table), 1, 1 };
        char **arguments;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        if (r != 0)
                return r;
        o.file = arguments[0];
        r = options_check(context, &o);
        return r != 0 ? r : verify(context, &o);
}
