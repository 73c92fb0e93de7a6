/* SPDX-License-Identifier: Apache-2.0 */
#include "format/signature-value.h"

#include <errno.h>
#include <string.h>

#include <openssl/rsa.h>

#include "format/x509-asn1.h"
#include "policy/openssl.h"
#include "policy/sm2.h"

/* --- what is signed --------------------------------------------------------------------------- */

int signature_digest(const SignatureAlgorithm *algorithm, EVP_PKEY *key, Bytes message,
                     TPM2B_DIGEST *ret) {
        _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *context = EVP_MD_CTX_new();
        TPM2B_DIGEST prefix = {}, digest = {};
        unsigned size = 0;

        int r = algorithm->scheme == SIGNATURE_SM2 ? sm2_prefix_of_pkey(key, &prefix) : 0;
        if (r != 0)
                return r;
        if (!context || EVP_DigestInit_ex(context, signature_algorithm_md(algorithm), NULL) != 1 ||
            EVP_DigestUpdate(context, prefix.buffer, prefix.size) != 1 ||
            EVP_DigestUpdate(context, message.data, message.size) != 1 ||
            EVP_DigestFinal_ex(context, digest.buffer, &size) != 1)
                return openssl_short();
        digest.size = (UINT16) size;
        *ret = digest;
        return 0;
}

/* --- spellings of r and s --------------------------------------------------------------------- */

/* DER otherwise: neither longer lengths nor strings in parts. */
static bool written_as(const X509Scalars *written, Bytes from) {
        _cleanup_free_ unsigned char *again = NULL;
        int size = ASN1_item_i2d((const ASN1_VALUE *) written, &again, X509Scalars_it());

        return size > 0 && (size_t) size == from.size && memcmp(again, from.data, from.size) == 0;
}

/* NULL for what is negative. */
static BIGNUM *integer_read(const ASN1_OCTET_STRING *written) {
        const uint8_t *data = ASN1_STRING_get0_data(written);
        int size = ASN1_STRING_length(written);

        return size > 0 && data[0] < 0x80 ? BN_bin2bn(data, size, NULL) : NULL;
}

/* Takes r and s, which may be NULL; malloc'ed. SEAL_E_APPROVAL_INVALID where they are. */
static int scalars_encode(BIGNUM *r, BIGNUM *s, uint8_t **ret, size_t *ret_size) {
        _cleanup_(ECDSA_SIG_freep) ECDSA_SIG *signature = ECDSA_SIG_new();
        _cleanup_free_ unsigned char *der = NULL;

        if (!r || !s || !signature || ECDSA_SIG_set0(signature, r, s) != 1) {
                BN_free(r);
                BN_free(s);
                return openssl_refused(SEAL_E_APPROVAL_INVALID);
        }
        int size = i2d_ECDSA_SIG(signature, &der);
        if (size <= 0)
                return openssl_short();
        *ret = steal_ptr(der);
        *ret_size = (size_t) size;
        return 0;
}

static int written_normalise(Bytes signature, uint8_t **ret, size_t *ret_size) {
        const unsigned char *at = signature.data;
        _cleanup_(X509Scalars_freep) X509Scalars *written = (X509Scalars *) ASN1_item_d2i(
                NULL, &at, (long) signature.size, X509Scalars_it());

        if (!written || !written_as(written, signature))
                return openssl_refused(SEAL_E_APPROVAL_INVALID);
        return scalars_encode(integer_read(written->r), integer_read(written->s), ret, ret_size);
}

static int raw_normalise(Bytes signature, size_t scalar_size, uint8_t **ret, size_t *ret_size) {
        if (signature.size != 2 * scalar_size)
                return SEAL_E_APPROVAL_INVALID;
        return scalars_encode(BN_bin2bn(signature.data, (int) scalar_size, NULL),
                              BN_bin2bn(signature.data + scalar_size, (int) scalar_size, NULL), ret,
                              ret_size);
}

/* --- verifying -------------------------------------------------------------------------------- */

/* salt: RSA_PSS_SALTLEN_AUTO takes any. */
static int padding_set(const SignatureAlgorithm *algorithm, EVP_PKEY_CTX *context, int salt) {
        switch (algorithm->scheme) {
        case SIGNATURE_RSASSA:
                return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING);
        case SIGNATURE_RSAPSS:
                return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1
                               ? EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salt)
                               : 0;
        default:
                return 1;
        }
}

static int salted_verify(const SignatureAlgorithm *algorithm, EVP_PKEY *key,
                         const TPM2B_DIGEST *digest, Bytes der, int salt) {
        _cleanup_(EVP_PKEY_CTX_freep)
                EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);

        if (!context || EVP_PKEY_verify_init(context) != 1)
                return openssl_short();
        if (padding_set(algorithm, context, salt) != 1 ||
            EVP_PKEY_CTX_set_signature_md(context, signature_algorithm_md(algorithm)) != 1)
                return openssl_refused(SEAL_E_APPROVAL_INVALID);
        if (EVP_PKEY_verify(context, der.data, der.size, digest->buffer, digest->size) != 1)
                return openssl_refused(SEAL_E_APPROVAL_INVALID);
        return 0;
}

/* In the one spelling that OpenSSL takes. */
static int der_verify(const SignatureAlgorithm *algorithm, EVP_PKEY *key,
                      const TPM2B_DIGEST *digest, Bytes der) {
        return salted_verify(algorithm, key, digest, der, RSA_PSS_SALTLEN_AUTO);
}

int signature_value_check_salt(const SignatureAlgorithm *algorithm, EVP_PKEY *key,
                               const TPM2B_DIGEST *digest, Bytes signature) {
        return algorithm->scheme == SIGNATURE_RSAPSS
                       ? salted_verify(algorithm, key, digest, signature, RSA_PSS_SALTLEN_DIGEST)
                       : 0;
}

static int written_verify(const SignatureAlgorithm *algorithm, EVP_PKEY *key,
                          const TPM2B_DIGEST *digest, Bytes signature, SignatureEncoding *ret) {
        _cleanup_free_ uint8_t *der = NULL;
        size_t size = 0;

        int r = written_normalise(signature, &der, &size);
        if (r == 0)
                r = der_verify(algorithm, key, digest, (Bytes){ der, size });
        if (r == 0)
                *ret = size == signature.size ? SIGNATURE_AS_DER : SIGNATURE_AS_NON_MINIMAL;
        return r;
}

static int raw_verify(const SignatureAlgorithm *algorithm, EVP_PKEY *key,
                      const TPM2B_DIGEST *digest, Bytes signature, SignatureEncoding *ret) {
        size_t scalar_size = ((size_t) EVP_PKEY_get_bits(key) + 7) / 8;
        _cleanup_free_ uint8_t *der = NULL;
        size_t size = 0;

        int r = raw_normalise(signature, scalar_size, &der, &size);
        if (r == 0)
                r = der_verify(algorithm, key, digest, (Bytes){ der, size });
        if (r == 0)
                *ret = SIGNATURE_AS_RAW;
        return r;
}

int signature_value_verify_digest(const SignatureAlgorithm *algorithm, EVP_PKEY *key,
                                  const TPM2B_DIGEST *digest, Bytes signature,
                                  SignatureEncoding *ret) {
        SignatureEncoding encoding = SIGNATURE_AS_DER;
        int r;

        if (signature.size == 0 || signature.size > SIGNATURE_MAX ||
            !signature_algorithm_fits(algorithm, key))
                return SEAL_E_APPROVAL_INVALID;
        if (algorithm->scheme == SIGNATURE_RSASSA || algorithm->scheme == SIGNATURE_RSAPSS) {
                r = der_verify(algorithm, key, digest, signature);
        } else {
                r = written_verify(algorithm, key, digest, signature, &encoding);
                if (r == SEAL_E_APPROVAL_INVALID)
                        r = raw_verify(algorithm, key, digest, signature, &encoding);
        }
        if (r == 0 && ret)
                *ret = encoding;
        return r;
}

int signature_value_verify(const SignatureAlgorithm *algorithm, EVP_PKEY *key, Bytes message,
                           Bytes signature, SignatureEncoding *ret) {
        TPM2B_DIGEST digest;

        if (!signature_algorithm_fits(algorithm, key))
                return SEAL_E_APPROVAL_INVALID;
        int r = signature_digest(algorithm, key, message, &digest);
        return r == 0 ? signature_value_verify_digest(algorithm, key, &digest, signature, ret) : r;
}
