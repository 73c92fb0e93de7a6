/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/salt.h"

#include <errno.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <tss2/tss2_mu.h>

#include "base/bytes.h"
#include "policy/key.h"
#include "policy/openssl.h"

DEFINE_CLEANUP(EVP_KDF, EVP_KDF_free)
DEFINE_CLEANUP(EVP_KDF_CTX, EVP_KDF_CTX_free)

/* nonces of both sides; for KDFe a label and two coordinates */
#define CONTEXT_MAX (2 * sizeof(TPMU_HA) + 16)

static int kdf_derive(const char *kind, const OSSL_PARAM *params,
                      uint8_t ret[static SESSION_KEY_SIZE]) {
        _cleanup_(EVP_KDF_freep) EVP_KDF *kdf = EVP_KDF_fetch(NULL, kind, NULL);
        _cleanup_(EVP_KDF_CTX_freep) EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;

        if (!context || EVP_KDF_derive(context, ret, SESSION_KEY_SIZE, params) != 1)
                return openssl_error();
        return 0;
}

static OSSL_PARAM text_param(const char *key, const char *text) {
        return OSSL_PARAM_construct_utf8_string(key, (char *) text, 0);
}

static OSSL_PARAM bytes_param(const char *key, const void *data, size_t size) {
        return OSSL_PARAM_construct_octet_string(key, (void *) data, size);
}

/*
 * NIST SP 800-108 in counter mode with HMAC: KBKDF calls the label salt, puts the zero octet after
 * it and the length in bits at the end, as Part 1 §11.4.10.2 has it.
 */
static int kdfa(const uint8_t key[static SESSION_KEY_SIZE], const char *label,
                const TPM2B_NONCE *nonce_tpm, const TPM2B_NONCE *nonce_caller,
                uint8_t ret[static SESSION_KEY_SIZE]) {
        uint8_t nonces[CONTEXT_MAX];
        Writer writer = writer_over(nonces, sizeof(nonces));

        writer_put(&writer, nonce_tpm->buffer, nonce_tpm->size);
        writer_put(&writer, nonce_caller->buffer, nonce_caller->size);
        if (writer.overflow)
                return -EINVAL;
        const OSSL_PARAM params[] = {
                text_param(OSSL_KDF_PARAM_MODE, "counter"),
                text_param(OSSL_KDF_PARAM_MAC, "HMAC"),
                text_param(OSSL_KDF_PARAM_DIGEST, "SHA256"),
                bytes_param(OSSL_KDF_PARAM_KEY, key, SESSION_KEY_SIZE),
                bytes_param(OSSL_KDF_PARAM_SALT, label, strlen(label)),
                bytes_param(OSSL_KDF_PARAM_INFO, nonces, writer.used),
                OSSL_PARAM_construct_end(),
        };
        return kdf_derive("KBKDF", params, ret);
}

int session_key_derive(const uint8_t salt[static SESSION_KEY_SIZE], const TPM2B_NONCE *nonce_tpm,
                       const TPM2B_NONCE *nonce_caller, uint8_t ret[static SESSION_KEY_SIZE]) {
        return kdfa(salt, "ATH", nonce_tpm, nonce_caller, ret);
}

int answer_key_derive(const uint8_t key[static SESSION_KEY_SIZE], const TPM2B_NONCE *nonce_tpm,
                      const TPM2B_NONCE *nonce_caller, uint8_t ret[static SESSION_KEY_SIZE]) {
        return kdfa(key, "CFB", nonce_tpm, nonce_caller, ret);
}

/*
 * KDFe(SHA-256, Z, "SECRET", ephemeral.x, parent.x, 256), Part 1 §11.4.10.3: the single-step KDF of
 * NIST SP 800-56A, the label with its terminating zero.
 */
static int salt_derive(const uint8_t *z, size_t z_size, const TPM2B_ECC_PARAMETER *ephemeral_x,
                       const TPM2B_ECC_PARAMETER *parent_x, uint8_t ret[static SESSION_KEY_SIZE]) {
        static const char label[] = "SECRET";
        uint8_t info[CONTEXT_MAX];
        Writer writer = writer_over(info, sizeof(info));

        writer_put(&writer, label, sizeof(label));
        writer_put(&writer, ephemeral_x->buffer, ephemeral_x->size);
        writer_put(&writer, parent_x->buffer, parent_x->size);
        if (writer.overflow)
                return -EINVAL;
        const OSSL_PARAM params[] = {
                text_param(OSSL_KDF_PARAM_DIGEST, "SHA256"),
                bytes_param(OSSL_KDF_PARAM_SECRET, z, z_size),
                bytes_param(OSSL_KDF_PARAM_INFO, info, writer.used),
                OSSL_PARAM_construct_end(),
        };
        return kdf_derive("SSKDF", params, ret);
}

/* ECDH: the x coordinate, padded (NIST SP 800-56A §5.7.1.2). */
static int agree(EVP_PKEY *ephemeral, EVP_PKEY *parent, uint8_t *ret, size_t *size) {
        _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *context = NULL;

        context = EVP_PKEY_CTX_new_from_pkey(NULL, ephemeral, NULL);
        if (!context || EVP_PKEY_derive_init(context) != 1 ||
            EVP_PKEY_derive_set_peer(context, parent) != 1 ||
            EVP_PKEY_derive(context, ret, size) != 1)
                return openssl_error();
        return 0;
}

int salt_new(const TPM2B_PUBLIC *parent, TPM2B_ENCRYPTED_SECRET *ret_encrypted,
             uint8_t ret_salt[static SESSION_KEY_SIZE]) {
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *ephemeral = EVP_EC_gen("P-256"), *peer = NULL;
        uint8_t z[TPM2_MAX_ECC_KEY_BYTES];
        size_t z_size = sizeof(z), used = 0;
        TPM2B_PUBLIC public;

        if (!ephemeral)
                return openssl_error();
        int r = public_to_pkey(parent, &peer);
        if (r == 0)
                r = external_key_from_pkey(ephemeral, &public, NULL);
        if (r == 0)
                r = agree(ephemeral, peer, z, &z_size);
        const TPMS_ECC_POINT *point = &public.publicArea.unique.ecc;
        if (r == 0)
                r = salt_derive(z, z_size, &point->x, &parent->publicArea.unique.ecc.x, ret_salt);
        OPENSSL_cleanse(z, sizeof(z));
        if (r != 0)
                return r > 0 ? -EINVAL : r;
        if (Tss2_MU_TPMS_ECC_POINT_Marshal(point, ret_encrypted->secret,
                                           sizeof(ret_encrypted->secret), &used) != TSS2_RC_SUCCESS)
                return -EINVAL;
        ret_encrypted->size = (UINT16) used;
        return 0;
}
