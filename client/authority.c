/* SPDX-License-Identifier: Apache-2.0 */
#include "client/authority.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "client/file.h"
#include "client/secret-input.h"

/* PBKDF2-HMAC-SHA-256 rounds as OWASP's password storage guide asks (2023). */
#define PBKDF2_ROUNDS 600000

static inline BIO *bio_free(BIO *bio) {
        BIO_free_all(bio);
        return NULL;
}
DEFINE_CLEANUP(BIO, bio_free)

void authority_done(Authority *authority) {
        EVP_PKEY_free(authority->key);
        *authority = (Authority){};
}

/* PKCS #8, PBES2 with AES-256-CBC (RFC 8018 section 6.2). */
static X509_SIG *key_encrypt(EVP_PKEY *key, const Secret *passphrase) {
        PKCS8_PRIV_KEY_INFO *plain = EVP_PKEY2PKCS8(key);
        X509_ALGOR *scheme = PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), PBKDF2_ROUNDS, NULL, 16, NULL,
                                               NID_hmacWithSHA256);
        X509_SIG *encrypted = NULL;

        if (plain && scheme)
                encrypted = PKCS8_set0_pbe((const char *) passphrase->data, (int) passphrase->size,
                                           plain, scheme);
        if (!encrypted) /* else it owns the scheme */
                X509_ALGOR_free(scheme);
        PKCS8_PRIV_KEY_INFO_free(plain);
        return encrypted;
}

static int key_write(const Context *context, const char *path, EVP_PKEY *key,
                     const Secret *passphrase) {
        _cleanup_(bio_freep) BIO *pem = BIO_new(BIO_s_mem());
        X509_SIG *encrypted = key_encrypt(key, passphrase);
        char *data = NULL;

        bool good = pem && encrypted && PEM_write_bio_PKCS8(pem, encrypted) == 1;
        X509_SIG_free(encrypted);
        if (!good)
                return fail_openssl(context, "the key cannot be encrypted");
        long size = BIO_get_mem_data(pem, &data);
        return file_create(context, path, 0600, (Bytes){ (const uint8_t *) data, (size_t) size });
}

int authority_create(const Context *context, const char *path, const Secret *passphrase,
                     Authority *ret) {
        _cleanup_(pkey_freep) EVP_PKEY *key = EVP_EC_gen("P-256");

        if (!key)
                return fail_openssl(context, "no key can be made");
        int r = key_write(context, path, key, passphrase);
        if (r != 0)
                return r;
        *ret = (Authority){ .key = steal_ptr(key), .is_private = true };
        return 0;
}

static int passphrase_give(char *buffer, int size, int writing, void *userdata) {
        const Secret *passphrase = userdata;

        (void) writing;
        if (!passphrase->set || passphrase->size > (size_t) size)
                return -1; /* do not let OpenSSL ask by itself */
        memcpy(buffer, passphrase->data, passphrase->size);
        return (int) passphrase->size;
}

static int no_pem(const Context *context, const char *path) {
        ERR_clear_error();
        return fail_plain(context, EXIT_USAGE, "%s is no PEM key", path);
}

static int private_parse(const Context *context, const char *path, const char *passphrase_file,
                         const char *pem, Authority *ret) {
        _cleanup_(secret_wipe) Secret passphrase = {};
        _cleanup_(bio_freep) BIO *bio = BIO_new_mem_buf(pem, -1);

        if (strstr(pem, "ENCRYPTED")) {
                char prompt[64];
                const char *slash = strrchr(path, '/');
                (void) snprintf(prompt, sizeof(prompt),
                                "Passphrase of %.40s: ", slash ? slash + 1 : path);
                int r = passphrase_get(context, passphrase_file, prompt, false, &passphrase);
                if (r != 0)
                        return r;
        }
        ret->key = bio ? PEM_read_bio_PrivateKey(bio, NULL, passphrase_give, &passphrase) : NULL;
        if (!ret->key && passphrase.set)
                return fail(context, EXIT_NOT_ALLOWED, "%s: the passphrase does not open the key",
                            path);
        if (!ret->key)
                return no_pem(context, path);
        ret->is_private = true;
        return 0;
}

EVP_PKEY *authority_public_parse(const char *pem) {
        _cleanup_(bio_freep) BIO *bio = BIO_new_mem_buf(pem, -1);

        return bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
}

static int public_parse(const Context *context, const char *path, const char *pem, Authority *ret) {
        ret->key = authority_public_parse(pem);
        ret->is_private = false;
        return ret->key ? 0 : no_pem(context, path);
}

int authority_load(const Context *context, const char *path, const char *passphrase_file,
                   Authority *ret) {
        uint8_t *data = NULL;
        size_t size = 0;

        int r = file_read(context, path, PEM_MAX, &data, &size);
        if (r != 0)
                return r;
        const char *pem = (const char *) data; /* file_read ends it with a zero */
        if (strstr(pem, "PRIVATE KEY-----"))
                r = private_parse(context, path, passphrase_file, pem, ret);
        else
                r = public_parse(context, path, pem, ret);
        file_data_free(data, size);
        return r;
}

int authority_load_private(const Context *context, const char *path, const char *passphrase_file,
                           Authority *ret) {
        int r = authority_load(context, path, passphrase_file, ret);

        if (r != 0 || ret->is_private)
                return r;
        authority_done(ret);
        return fail_plain(context, EXIT_USAGE, "%s holds only a public key, which cannot sign",
                          path);
}

int authority_sign(const Context *context, const Authority *authority, Bytes message, uint8_t **ret,
                   size_t *ret_size) {
        EVP_MD_CTX *hash = EVP_MD_CTX_new();
        uint8_t *signature = malloc(SIGNATURE_MAX);
        size_t size = SIGNATURE_MAX;

        bool good = hash && signature &&
                    EVP_DigestSignInit(hash, NULL, EVP_sha256(), NULL, authority->key) == 1 &&
                    EVP_DigestSign(hash, signature, &size, message.data, message.size) == 1;
        EVP_MD_CTX_free(hash);
        if (!good) {
                free(signature);
                return fail_openssl(context, "the authority key cannot sign");
        }
        *ret = signature;
        *ret_size = size;
        return 0;
}

int authority_public_pem(const Context *context, const Authority *authority, char **ret) {
        _cleanup_(bio_freep) BIO *pem = BIO_new(BIO_s_mem());
        char *data = NULL;

        if (!pem || PEM_write_bio_PUBKEY(pem, authority->key) != 1)
                return fail_openssl(context, "the public key cannot be written");
        long size = BIO_get_mem_data(pem, &data);
        *ret = strndup(data, (size_t) size);
        return *ret ? 0 : fail_errno(context, -ENOMEM, "the public key");
}

const char *authority_fingerprint(EVP_PKEY *key, char ret[static FINGERPRINT_SIZE]) {
        uint8_t digest[EVP_MAX_MD_SIZE], *der = NULL;
        unsigned digest_size = 0;

        int size = i2d_PUBKEY(key, &der);
        if (size <= 0 ||
            EVP_Digest(der, (size_t) size, digest, &digest_size, EVP_sha256(), NULL) != 1)
                (void) strcpy(ret, "?");
        else
                hex_encode(digest, digest_size, ret);
        OPENSSL_free(der);
        return ret;
}
