/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/key.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <tss2/tss2_mu.h>

#include "base/cleanup.h"
#include "policy/digest.h"
#include "policy/openssl.h"

DEFINE_CLEANUP(OSSL_PARAM, OSSL_PARAM_free)
DEFINE_CLEANUP(OSSL_PARAM_BLD, OSSL_PARAM_BLD_free)

typedef struct Curve {
        TPMI_ECC_CURVE id; /* Part 2 §6.4 */
        const char *group; /* OpenSSL's name */
        const char *type;  /* OpenSSL's key type */
        UINT16 size;       /* bytes of a coordinate, and of r and s */
        bool external;     /* accepted for authorities and approvers */
} Curve;

static const Curve curves[] = {
        { TPM2_ECC_NIST_P256, SN_X9_62_prime256v1, "EC", 32, true },
        { TPM2_ECC_NIST_P384, SN_secp384r1, "EC", 48, true },
        { TPM2_ECC_SM2_P256, "SM2", "SM2", 32, false },
};

#define CURVE_COUNT (sizeof(curves) / sizeof(curves[0]))
#define COORDINATE_MAX 48
#define RSA_EXPONENT 65537 /* what exponent 0 of TPMS_RSA_PARMS means (Part 2 §12.2.3.5) */

static const Curve *curve_by_id(TPMI_ECC_CURVE id) {
        for (size_t i = 0; i < CURVE_COUNT; i++)
                if (curves[i].id == id)
                        return &curves[i];
        return NULL;
}

static const Curve *curve_by_group(const char *group) {
        for (size_t i = 0; i < CURVE_COUNT; i++)
                if (strcmp(curves[i].group, group) == 0)
                        return &curves[i];
        return NULL;
}

static int bytes_hand_out(const uint8_t *data, size_t size, uint8_t **ret, size_t *ret_size) {
        uint8_t *copy = malloc(size);

        if (!copy)
                return -ENOMEM;
        memcpy(copy, data, size);
        *ret = copy;
        *ret_size = size;
        return 0;
}

/* What an i2d function made and said of its size, for callers that know only free(3). */
static int der_hand_out(unsigned char *der, int size, uint8_t **ret, size_t *ret_size) {
        if (size <= 0)
                return openssl_error();
        int r = bytes_hand_out(der, (size_t) size, ret, ret_size);
        OPENSSL_free(der);
        return r;
}

static int key_refused(ErrorDetail *detail, const char *what) {
        ERR_clear_error();
        return error_set(detail, SEAL_E_INVALID_ARGS,
                         "%s; accepted are P-256, P-384, and RSA of 2048, 3072 or 4096 bits with "
                         "exponent %d",
                         what, RSA_EXPONENT);
}

static TPMT_PUBLIC external_template(TPMI_ALG_PUBLIC type) {
        return (TPMT_PUBLIC){
                .type = type,
                .nameAlg = TPM2_ALG_SHA256,
                .objectAttributes = TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_USERWITHAUTH,
        };
}

static int coordinate_get(EVP_PKEY *key, const char *param, UINT16 size, TPM2B_ECC_PARAMETER *ret) {
        _cleanup_(BN_freep) BIGNUM *n = NULL;

        if (EVP_PKEY_get_bn_param(key, param, &n) != 1)
                return openssl_error();
        if (BN_bn2binpad(n, ret->buffer, size) != size)
                return openssl_error();
        ret->size = size;
        return 0;
}

static int ec_to_public(EVP_PKEY *key, TPM2B_PUBLIC *ret, ErrorDetail *detail) {
        TPMT_PUBLIC area = external_template(TPM2_ALG_ECC);
        char group[64];
        int explicit = 0; /* RFC 5480 §2.1.1: the curve is named, not written out */

        if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group),
                                           NULL) != 1 ||
            (EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
                                    &explicit) == 1 &&
             explicit))
                return key_refused(detail, "The key's curve has no name");
        const Curve *curve = curve_by_group(group);
        if (!curve || !curve->external)
                return key_refused(detail, "The key is on another curve");
        area.parameters.eccDetail = (TPMS_ECC_PARMS){
                .symmetric.algorithm = TPM2_ALG_NULL,
                .scheme.scheme = TPM2_ALG_NULL,
                .curveID = curve->id,
                .kdf.scheme = TPM2_ALG_NULL,
        };
        int r = coordinate_get(key, OSSL_PKEY_PARAM_EC_PUB_X, curve->size, &area.unique.ecc.x);
        if (r != 0)
                return r;
        r = coordinate_get(key, OSSL_PKEY_PARAM_EC_PUB_Y, curve->size, &area.unique.ecc.y);
        if (r != 0)
                return r;
        *ret = (TPM2B_PUBLIC){ .publicArea = area };
        return 0;
}

static bool rsa_bits_fit(int bits) {
        return bits == 2048 || bits == 3072 || bits == 4096;
}

static int rsa_to_public(EVP_PKEY *key, TPM2B_PUBLIC *ret, ErrorDetail *detail) {
        _cleanup_(BN_freep) BIGNUM *n = NULL, *e = NULL;
        TPMT_PUBLIC area = external_template(TPM2_ALG_RSA);

        int bits = EVP_PKEY_get_bits(key);
        if (!rsa_bits_fit(bits))
                return key_refused(detail, "The RSA key is of another size");
        if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) != 1 ||
            EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) != 1)
                return openssl_error();
        if (!BN_is_word(e, RSA_EXPONENT))
                return key_refused(detail, "The RSA key has another exponent");
        area.parameters.rsaDetail = (TPMS_RSA_PARMS){
                .symmetric.algorithm = TPM2_ALG_NULL,
                .scheme.scheme = TPM2_ALG_NULL,
                .keyBits = (UINT16) bits,
        };
        if (BN_bn2binpad(n, area.unique.rsa.buffer, bits / 8) != bits / 8)
                return openssl_error();
        area.unique.rsa.size = (UINT16) (bits / 8);
        *ret = (TPM2B_PUBLIC){ .publicArea = area };
        return 0;
}

static int public_part_check(EVP_PKEY *key, ErrorDetail *detail) {
        _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *context = NULL;

        context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
        if (!context)
                return openssl_error();
        if (EVP_PKEY_public_check(context) != 1) {
                int r = openssl_refused(SEAL_E_INVALID_ARGS);
                return r < 0 ? r : key_refused(detail, "The key is not valid");
        }
        return 0;
}

/* The structure's size, as the chip would give it: 0 would say that there is no key. */
static int public_measure(TPM2B_PUBLIC *public) {
        uint8_t buffer[sizeof(public->publicArea)];
        size_t used = 0;

        if (Tss2_MU_TPMT_PUBLIC_Marshal(&public->publicArea, buffer, sizeof(buffer), &used) !=
            TSS2_RC_SUCCESS)
                return -EINVAL;
        public->size = (UINT16) used;
        return 0;
}

int external_key_from_pkey(EVP_PKEY *key, TPM2B_PUBLIC *ret, ErrorDetail *detail) {
        TPM2B_PUBLIC public = {};
        int r;

        switch (EVP_PKEY_get_base_id(key)) {
        case EVP_PKEY_EC:
                r = ec_to_public(key, &public, detail);
                break;
        case EVP_PKEY_RSA:
                r = rsa_to_public(key, &public, detail);
                break;
        default:
                return key_refused(detail, "The key is of another kind");
        }
        if (r != 0)
                return r;
        r = public_part_check(key, detail);
        if (r == 0)
                r = public_measure(&public);
        if (r != 0)
                return r;
        *ret = public;
        return 0;
}

/* One block of PEM, as PEM_read_bio(3) hands it out. */
typedef struct PemBlock {
        char *label;
        char *header;
        unsigned char *data;
        long size;
} PemBlock;

static void pem_block_done(PemBlock *block) {
        OPENSSL_free(block->label);
        OPENSSL_free(block->header);
        OPENSSL_free(block->data);
}

/* The one block of the text: with two, which of them was meant would be a guess. */
static int pem_block_read(const char *pem, size_t size, PemBlock *block, ErrorDetail *detail) {
        _cleanup_(pem_block_done) PemBlock second = {};
        _cleanup_(BIO_freep) BIO *bio = NULL;

        bio = BIO_new_mem_buf(pem, (int) size);
        if (!bio)
                return openssl_short();
        if (PEM_read_bio(bio, &block->label, &block->header, &block->data, &block->size) != 1) {
                (void) error_set(detail, SEAL_E_INVALID_ARGS, "Not a key or certificate in PEM");
                return openssl_refused(SEAL_E_INVALID_ARGS);
        }
        int more = PEM_read_bio(bio, &second.label, &second.header, &second.data, &second.size);
        unsigned long error = ERR_peek_last_error();
        if (more == 1 || ERR_GET_LIB(error) != ERR_LIB_PEM ||
            ERR_GET_REASON(error) != PEM_R_NO_START_LINE) {
                (void) error_set(detail, SEAL_E_INVALID_ARGS, "The PEM has more than one block");
                return openssl_refused(SEAL_E_INVALID_ARGS);
        }
        ERR_clear_error();
        return 0;
}

/* NULL unless the block is one of the two kinds and nothing follows its DER. */
static EVP_PKEY *pem_block_key(const PemBlock *block) {
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
        const unsigned char *p = block->data;

        if (block->header[0] != '\0')
                return NULL;
        if (strcmp(block->label, PEM_STRING_PUBLIC) == 0) {
                key = d2i_PUBKEY(NULL, &p, block->size);
        } else if (strcmp(block->label, PEM_STRING_X509) == 0) {
                _cleanup_(X509_freep) X509 *certificate = d2i_X509(NULL, &p, block->size);
                if (certificate)
                        key = X509_get_pubkey(certificate);
        }
        return key && p == block->data + block->size ? steal_ptr(key) : NULL;
}

int external_key_parse(const char *pem, size_t size, TPM2B_PUBLIC *ret, ErrorDetail *detail) {
        _cleanup_(pem_block_done) PemBlock block = {};
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;

        if (size == 0)
                return error_set(detail, SEAL_E_INVALID_ARGS, "The key is empty");
        if (size > PEM_MAX)
                return error_set(detail, SEAL_E_INVALID_ARGS, "A key in PEM has at most %d bytes",
                                 PEM_MAX);
        int r = pem_block_read(pem, size, &block, detail);
        if (r != 0)
                return r;
        key = pem_block_key(&block);
        if (!key) {
                (void) error_set(detail, SEAL_E_INVALID_ARGS,
                                 "The PEM is not a well-formed PUBLIC KEY or CERTIFICATE");
                return openssl_refused(SEAL_E_INVALID_ARGS);
        }
        return external_key_from_pkey(key, ret, detail);
}

int public_name(const TPM2B_PUBLIC *public, TPM2B_NAME *ret) {
        uint8_t buffer[TPM_BLOB_MAX];
        Writer w = writer_over(buffer, sizeof(buffer));

        if (public->publicArea.nameAlg != TPM2_ALG_SHA256)
                return SEAL_E_UNSUPPORTED;
        if (Tss2_MU_TPMT_PUBLIC_Marshal(&public->publicArea, w.data, w.size, &w.used) !=
            TSS2_RC_SUCCESS)
                return -EINVAL;
        return name_written(&w, ret);
}

static int pkey_from_params(const char *type, OSSL_PARAM *params, EVP_PKEY **ret) {
        _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *context = NULL;
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;

        context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
        if (!context || EVP_PKEY_fromdata_init(context) != 1 ||
            EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
                return openssl_refused(-EINVAL);
        *ret = steal_ptr(key);
        return 0;
}

/* Uncompressed point (SEC 1 §2.3.3), each coordinate padded: a chip may leave out leading zeros. */
static int point_encode(const TPMS_ECC_POINT *point, size_t size, Writer *writer) {
        static const uint8_t zeros[COORDINATE_MAX];

        if (point->x.size > size || point->y.size > size)
                return -EINVAL;
        writer_put_u8(writer, POINT_CONVERSION_UNCOMPRESSED);
        writer_put(writer, zeros, size - point->x.size);
        writer_put(writer, point->x.buffer, point->x.size);
        writer_put(writer, zeros, size - point->y.size);
        writer_put(writer, point->y.buffer, point->y.size);
        return 0;
}

static int ec_to_pkey(const TPMT_PUBLIC *area, EVP_PKEY **ret) {
        uint8_t point[1 + 2 * COORDINATE_MAX];
        Writer w = writer_over(point, sizeof(point));

        const Curve *curve = curve_by_id(area->parameters.eccDetail.curveID);
        if (!curve)
                return SEAL_E_UNSUPPORTED;
        int r = point_encode(&area->unique.ecc, curve->size, &w);
        if (r != 0)
                return r;
        char group[32];
        (void) strcpy(group, curve->group);
        OSSL_PARAM params[] = {
                OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
                OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, w.used),
                OSSL_PARAM_construct_end(),
        };
        return pkey_from_params(curve->type, params, ret);
}

static int rsa_to_pkey(const TPMT_PUBLIC *area, EVP_PKEY **ret) {
        _cleanup_(OSSL_PARAM_BLD_freep) OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
        _cleanup_(OSSL_PARAM_freep) OSSL_PARAM *params = NULL;
        _cleanup_(BN_freep) BIGNUM *n = NULL;
        UINT32 exponent = area->parameters.rsaDetail.exponent;

        if (!rsa_bits_fit(area->parameters.rsaDetail.keyBits))
                return SEAL_E_UNSUPPORTED;
        if (area->unique.rsa.size != area->parameters.rsaDetail.keyBits / 8U)
                return -EINVAL;
        n = BN_bin2bn(area->unique.rsa.buffer, area->unique.rsa.size, NULL);
        if (!builder || !n || OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
            OSSL_PARAM_BLD_push_uint32(builder, OSSL_PKEY_PARAM_RSA_E,
                                       exponent == 0 ? RSA_EXPONENT : exponent) != 1)
                return openssl_error();
        params = OSSL_PARAM_BLD_to_param(builder);
        if (!params)
                return openssl_error();
        return pkey_from_params("RSA", params, ret);
}

int public_to_pkey(const TPM2B_PUBLIC *public, EVP_PKEY **ret) {
        switch (public->publicArea.type) {
        case TPM2_ALG_ECC:
                return ec_to_pkey(&public->publicArea, ret);
        case TPM2_ALG_RSA:
                return rsa_to_pkey(&public->publicArea, ret);
        default:
                return SEAL_E_UNSUPPORTED;
        }
}

int public_to_spki(const TPM2B_PUBLIC *public, uint8_t **ret, size_t *ret_size) {
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
        unsigned char *der = NULL;

        int r = public_to_pkey(public, &key);
        if (r != 0)
                return r;
        int size = i2d_PUBKEY(key, &der);
        return der_hand_out(der, size, ret, ret_size);
}

int public_to_pem(const TPM2B_PUBLIC *public, char **ret) {
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
        _cleanup_(BIO_freep) BIO *bio = NULL;
        char *text;

        int r = public_to_pkey(public, &key);
        if (r != 0)
                return r;
        bio = BIO_new(BIO_s_mem());
        if (!bio || PEM_write_bio_PUBKEY(bio, key) != 1)
                return openssl_error();
        long size = BIO_get_mem_data(bio, &text);
        if (size <= 0)
                return openssl_error();
        char *copy = strndup(text, (size_t) size);
        if (!copy)
                return -ENOMEM;
        *ret = copy;
        return 0;
}

/* r or s; d2i has refused negative ones already. */
static int integer_get(const BIGNUM *n, UINT16 size, TPM2B_ECC_PARAMETER *ret) {
        if (BN_is_zero(n) || BN_is_negative(n) || BN_bn2binpad(n, ret->buffer, size) != size)
                return SEAL_E_APPROVAL_INVALID;
        ret->size = size;
        return 0;
}

/* ECDSA-Sig-Value (RFC 3279 §2.2.3) in DER and nothing else: what is encoded back is the same. */
static int ecdsa_parse(Bytes der, ECDSA_SIG **ret) {
        _cleanup_(ECDSA_SIG_freep) ECDSA_SIG *signature = NULL;
        uint8_t again[SIGNATURE_MAX];
        unsigned char *out = again;
        const unsigned char *p = der.data;

        signature = d2i_ECDSA_SIG(NULL, &p, (long) der.size);
        if (!signature)
                return openssl_refused(SEAL_E_APPROVAL_INVALID);
        int size = i2d_ECDSA_SIG(signature, NULL);
        if (size < 0 || (size_t) size != der.size || i2d_ECDSA_SIG(signature, &out) != size ||
            memcmp(again, der.data, der.size) != 0)
                return openssl_refused(SEAL_E_APPROVAL_INVALID);
        *ret = steal_ptr(signature);
        return 0;
}

static int ecdsa_from_openssl(const TPMT_PUBLIC *area, Bytes der, TPMT_SIGNATURE *ret) {
        _cleanup_(ECDSA_SIG_freep) ECDSA_SIG *parsed = NULL;
        TPMT_SIGNATURE signature = { .sigAlg = TPM2_ALG_ECDSA };
        TPMS_SIGNATURE_ECC *ecdsa = &signature.signature.ecdsa;

        const Curve *curve = curve_by_id(area->parameters.eccDetail.curveID);
        if (!curve || !curve->external)
                return SEAL_E_UNSUPPORTED;
        int r = ecdsa_parse(der, &parsed);
        if (r != 0)
                return r;
        ecdsa->hash = TPM2_ALG_SHA256;
        r = integer_get(ECDSA_SIG_get0_r(parsed), curve->size, &ecdsa->signatureR);
        if (r != 0)
                return r;
        r = integer_get(ECDSA_SIG_get0_s(parsed), curve->size, &ecdsa->signatureS);
        if (r != 0)
                return r;
        *ret = signature;
        return 0;
}

static int rsa_from_openssl(const TPMT_PUBLIC *area, Bytes block, TPMT_SIGNATURE *ret) {
        TPMT_SIGNATURE signature = { .sigAlg = TPM2_ALG_RSASSA };
        TPMS_SIGNATURE_RSA *rsa = &signature.signature.rsassa;

        if (block.size != area->parameters.rsaDetail.keyBits / 8U ||
            block.size > sizeof(rsa->sig.buffer))
                return SEAL_E_APPROVAL_INVALID;
        rsa->hash = TPM2_ALG_SHA256;
        rsa->sig.size = (UINT16) block.size;
        memcpy(rsa->sig.buffer, block.data, block.size);
        *ret = signature;
        return 0;
}

int signature_from_openssl(const TPM2B_PUBLIC *key, Bytes der, TPMT_SIGNATURE *ret) {
        if (der.size == 0 || der.size > SIGNATURE_MAX)
                return SEAL_E_APPROVAL_INVALID;
        switch (key->publicArea.type) {
        case TPM2_ALG_ECC:
                return ecdsa_from_openssl(&key->publicArea, der, ret);
        case TPM2_ALG_RSA:
                return rsa_from_openssl(&key->publicArea, der, ret);
        default:
                return SEAL_E_UNSUPPORTED;
        }
}

static int ecc_to_der(const TPMS_SIGNATURE_ECC *ecc, uint8_t **ret, size_t *ret_size) {
        _cleanup_(ECDSA_SIG_freep) ECDSA_SIG *signature = ECDSA_SIG_new();
        _cleanup_(BN_freep) BIGNUM *r = NULL, *s = NULL;
        unsigned char *der = NULL;

        if (ecc->signatureR.size > COORDINATE_MAX || ecc->signatureS.size > COORDINATE_MAX)
                return -EINVAL;
        r = BN_bin2bn(ecc->signatureR.buffer, ecc->signatureR.size, NULL);
        s = BN_bin2bn(ecc->signatureS.buffer, ecc->signatureS.size, NULL);
        if (!signature || !r || !s || ECDSA_SIG_set0(signature, r, s) != 1)
                return openssl_error();
        r = s = NULL; /* the signature has them now */
        int size = i2d_ECDSA_SIG(signature, &der);
        return der_hand_out(der, size, ret, ret_size);
}

static int rsa_to_block(const TPMS_SIGNATURE_RSA *rsa, uint8_t **ret, size_t *ret_size) {
        if (rsa->sig.size == 0 || rsa->sig.size > sizeof(rsa->sig.buffer))
                return -EINVAL;
        return bytes_hand_out(rsa->sig.buffer, rsa->sig.size, ret, ret_size);
}

int signature_to_openssl(const TPMT_SIGNATURE *signature, uint8_t **ret, size_t *ret_size) {
        switch (signature->sigAlg) {
        case TPM2_ALG_ECDSA:
                return ecc_to_der(&signature->signature.ecdsa, ret, ret_size);
        case TPM2_ALG_SM2:
                return ecc_to_der(&signature->signature.sm2, ret, ret_size);
        case TPM2_ALG_RSASSA:
                return rsa_to_block(&signature->signature.rsassa, ret, ret_size);
        case TPM2_ALG_RSAPSS:
                return rsa_to_block(&signature->signature.rsapss, ret, ret_size);
        default:
                return SEAL_E_UNSUPPORTED;
        }
}

int signature_verify(const TPM2B_PUBLIC *key, Bytes message, Bytes der) {
        _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *context = NULL;
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *pkey = NULL;
        TPMT_SIGNATURE shape;

        int r = signature_from_openssl(key, der, &shape);
        if (r != 0)
                return r;
        r = public_to_pkey(key, &pkey);
        if (r != 0)
                return r;
        context = EVP_MD_CTX_new();
        if (!context || EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, pkey) != 1)
                return openssl_error();
        if (EVP_DigestVerify(context, der.data, der.size, message.data, message.size) != 1)
                return openssl_refused(SEAL_E_APPROVAL_INVALID);
        return 0;
}
