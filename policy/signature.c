/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/signature.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rsa.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "policy/key.h"
#include "policy/openssl.h"

/* Either a key of ours, or SEAL_E_APPROVAL_INVALID: as signature_verify(). */
static int pss_verify(const TPM2B_PUBLIC *key, Bytes message, Bytes signature) {
        _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *context = EVP_MD_CTX_new();
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *pkey = NULL;
        EVP_PKEY_CTX *padding; /* the context's */

        int r = public_to_pkey(key, &pkey);
        if (r != 0)
                return r;
        if (!context || EVP_DigestVerifyInit(context, &padding, EVP_sha256(), NULL, pkey) != 1 ||
            EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING) != 1 ||
            EVP_PKEY_CTX_set_rsa_pss_saltlen(padding, RSA_PSS_SALTLEN_AUTO) != 1)
                return openssl_error();
        if (EVP_DigestVerify(context, signature.data, signature.size, message.data, message.size) !=
            1)
                return openssl_refused(SEAL_E_APPROVAL_INVALID);
        return 0;
}

/* The chip's form of both schemes is the same but for its name (Part 2 §11.2.2). */
static int rsa_accept(const TPM2B_PUBLIC *key, Bytes message, Bytes signature,
                      TPMT_SIGNATURE *ret) {
        TPMT_SIGNATURE shape;

        int r = signature_from_openssl(key, signature, &shape);
        if (r != 0)
                return r;
        r = signature_verify(key, message, signature);
        if (r == SEAL_E_APPROVAL_INVALID) {
                const TPMS_SIGNATURE_RSA rsa = shape.signature.rsassa;

                shape.sigAlg = TPM2_ALG_RSAPSS;
                shape.signature.rsapss = rsa;
                r = pss_verify(key, message, signature);
        }
        if (r == 0)
                *ret = shape;
        return r;
}

/* r ‖ s, each as long as a coordinate (PKCS #11 §6.3.1). */
static int plain_to_der(const TPM2B_PUBLIC *key, Bytes plain, uint8_t **ret, size_t *ret_size) {
        TPMT_SIGNATURE signature = { .sigAlg = TPM2_ALG_ECDSA };
        TPMS_SIGNATURE_ECC *ecdsa = &signature.signature.ecdsa;
        UINT16 size = key->publicArea.unique.ecc.x.size;

        if (size > sizeof(ecdsa->signatureR.buffer) || plain.size != 2U * size)
                return SEAL_E_APPROVAL_INVALID;
        ecdsa->signatureR.size = ecdsa->signatureS.size = size;
        memcpy(ecdsa->signatureR.buffer, plain.data, size);
        memcpy(ecdsa->signatureS.buffer, plain.data + size, size);
        return signature_to_openssl(&signature, ret, ret_size);
}

static int ecdsa_accept(const TPM2B_PUBLIC *key, Bytes message, Bytes signature,
                        TPMT_SIGNATURE *ret) {
        TPMT_SIGNATURE shape;

        int r = signature_verify(key, message, signature);
        if (r == 0)
                r = signature_from_openssl(key, signature, &shape);
        if (r == 0)
                *ret = shape;
        return r;
}

static int curve_accept(const TPM2B_PUBLIC *key, Bytes message, Bytes signature,
                        TPMT_SIGNATURE *ret) {
        _cleanup_(freep) uint8_t *der = NULL;
        size_t size;

        int r = ecdsa_accept(key, message, signature, ret);
        if (r != SEAL_E_APPROVAL_INVALID)
                return r;
        r = plain_to_der(key, signature, &der, &size);
        if (r != 0)
                return r;
        return ecdsa_accept(key, message, (Bytes){ .data = der, .size = size }, ret);
}

int signature_accept(const TPM2B_PUBLIC *key, Bytes message, Bytes signature, TPMT_SIGNATURE *ret) {
        switch (key->publicArea.type) {
        case TPM2_ALG_ECC:
                return curve_accept(key, message, signature, ret);
        case TPM2_ALG_RSA:
                return rsa_accept(key, message, signature, ret);
        default:
                return SEAL_E_UNSUPPORTED;
        }
}
