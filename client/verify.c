/* SPDX-License-Identifier: Apache-2.0 */
#include "client/verify.h"

#include <limits.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "policy/openssl.h"

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

const Algorithm *verify_algorithm(EVP_PKEY *key) {
        char group[64] = "";

        if (EVP_PKEY_is_a(key, "RSA"))
                return EVP_PKEY_get_bits(key) == 2048   ? algorithm_find("rsa-2048")
                       : EVP_PKEY_get_bits(key) == 3072 ? algorithm_find("rsa-3072")
                                                        : NULL;
        if (EVP_PKEY_is_a(key, "SM2"))
                return algorithm_find("sm2");
        if (!EVP_PKEY_is_a(key, "EC") ||
            EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1)
                return NULL;
        return strcmp(group, SN_X9_62_prime256v1) == 0 ? algorithm_find("ecdsa-p256")
               : strcmp(group, SN_secp384r1) == 0      ? algorithm_find("ecdsa-p384")
                                                       : NULL;
}

static bool padding_set(EVP_PKEY_CTX *context, int padding) {
        return EVP_PKEY_CTX_set_rsa_padding(context, padding) == 1 &&
               (padding != RSA_PKCS1_PSS_PADDING ||
                EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_AUTO) == 1);
}

/* padding 0: no RSA key. */
static bool verify_padded(EVP_PKEY *key, const EVP_MD *md, int padding, Bytes digest,
                          Bytes signature) {
        _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);

        return context && EVP_PKEY_verify_init(context) == 1 &&
               (padding == 0 || padding_set(context, padding)) &&
               EVP_PKEY_CTX_set_signature_md(context, md) == 1 &&
               EVP_PKEY_verify(context, signature.data, signature.size, digest.data, digest.size) ==
                       1;
}

bool verify_digest(EVP_PKEY *key, const EVP_MD *md, const char *scheme, Bytes digest,
                   Bytes signature) {
        if (!EVP_PKEY_is_a(key, "RSA"))
                return verify_padded(key, md, 0, digest, signature);
        if ((!scheme || strcmp(scheme, "rsassa") == 0) &&
            verify_padded(key, md, RSA_PKCS1_PADDING, digest, signature))
                return true;
        return (!scheme || strcmp(scheme, "rsapss") == 0) &&
               verify_padded(key, md, RSA_PKCS1_PSS_PADDING, digest, signature);
}
