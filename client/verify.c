/* SPDX-License-Identifier: Apache-2.0 */
#include "client/verify.h"

#include <limits.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

EVP_PKEY *verify_key_parse(const char *pem, size_t size) {
        BIO *bio = size <= INT_MAX ? BIO_new_mem_buf(pem, (int) size) : NULL;
        EVP_PKEY *key = NULL;

        if (bio && strstr(pem, "-----BEGIN CERTIFICATE-----")) {
                X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
                key = certificate ? X509_get_pubkey(certificate) : NULL;
                X509_free(certificate);
        } else if (bio) {
                key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
        }
        BIO_free_all(bio);
        return key;
}

bool verify_digest(EVP_PKEY *key, const EVP_MD *md, Bytes digest, Bytes signature) {
        EVP_PKEY_CTX *verification = EVP_PKEY_CTX_new(key, NULL);

        bool good = verification && EVP_PKEY_verify_init(verification) == 1 &&
                    EVP_PKEY_CTX_set_signature_md(verification, md) == 1 &&
                    EVP_PKEY_verify(verification, signature.data, signature.size, digest.data,
                                    digest.size) == 1;
        EVP_PKEY_CTX_free(verification);
        return good;
}
