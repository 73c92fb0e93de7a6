/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify-digests KEY.der: standard input has a digest and a DER signature in hex on each line;
 * verifies every one with OpenSSL and none of our code, prints how many. For tests that make
 * thousands.
 */
#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#define LINE_MAX_SIZE 1024

static EVP_PKEY *key_read(const char *path) {
        unsigned char der[1024];
        const unsigned char *p = der;
        FILE *file = fopen(path, "re");

        if (!file)
                return NULL;
        size_t n = fread(der, 1, sizeof(der), file);
        (void) fclose(file);
        return d2i_PUBKEY(NULL, &p, (long) n);
}

static int line_verify(EVP_PKEY *key, const char *digest_hex, const char *signature_hex) {
        long digest_size, signature_size;
        unsigned char *digest = OPENSSL_hexstr2buf(digest_hex, &digest_size);
        unsigned char *signature = OPENSSL_hexstr2buf(signature_hex, &signature_size);
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);

        int good = digest && signature && context && EVP_PKEY_verify_init(context) == 1 &&
                   EVP_PKEY_verify(context, signature, (size_t) signature_size, digest,
                                   (size_t) digest_size) == 1;
        EVP_PKEY_CTX_free(context);
        OPENSSL_free(digest);
        OPENSSL_free(signature);
        return good;
}

int main(int argc, char **argv) {
        char digest[LINE_MAX_SIZE], signature[LINE_MAX_SIZE];
        EVP_PKEY *key = argc == 2 ? key_read(argv[1]) : NULL;
        unsigned count = 0;

        if (!key)
                return 2;
        while (scanf("%1023s %1023s", digest, signature) == 2) {
                if (!line_verify(key, digest, signature)) {
                        (void) fprintf(stderr, "line %u does not verify\n", count + 1);
                        return 1;
                }
                count++;
        }
        (void) printf("%u\n", count);
        EVP_PKEY_free(key);
        return 0;
}
