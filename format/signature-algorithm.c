/* SPDX-License-Identifier: Apache-2.0 */
#include "format/signature-algorithm.h"

#include <string.h>

#include <openssl/rsa.h>

#include "policy/openssl.h"

DEFINE_CLEANUP(ASN1_STRING, ASN1_STRING_free)
DEFINE_CLEANUP(RSA_PSS_PARAMS, RSA_PSS_PARAMS_free)

static const SignatureAlgorithm algorithms[] = {
        { "ecdsa-sha256", SIGNATURE_ECDSA, "sha256", NID_ecdsa_with_SHA256, NID_sha256 },
        { "ecdsa-sha384", SIGNATURE_ECDSA, "sha384", NID_ecdsa_with_SHA384, NID_sha384 },
        { "ecdsa-sha512", SIGNATURE_ECDSA, "sha512", NID_ecdsa_with_SHA512, NID_sha512 },
        { "rsassa-sha256", SIGNATURE_RSASSA, "sha256", NID_sha256WithRSAEncryption, NID_sha256 },
        { "rsassa-sha384", SIGNATURE_RSASSA, "sha384", NID_sha384WithRSAEncryption, NID_sha384 },
        { "rsassa-sha512", SIGNATURE_RSASSA, "sha512", NID_sha512WithRSAEncryption, NID_sha512 },
        { "rsapss-sha256", SIGNATURE_RSAPSS, "sha256", NID_rsassaPss, NID_sha256 },
        { "rsapss-sha384", SIGNATURE_RSAPSS, "sha384", NID_rsassaPss, NID_sha384 },
        { "rsapss-sha512", SIGNATURE_RSAPSS, "sha512", NID_rsassaPss, NID_sha512 },
        { "sm2-sm3", SIGNATURE_SM2, "sm3", NID_SM2_with_SM3, NID_sm3 },
};

#define ALGORITHM_COUNT (sizeof(algorithms) / sizeof(algorithms[0]))

/* "SM2 digital signature algorithm" (GB/T 33560): OpenSSL knows the key's and the one with SM3. */
#define OID_SM2_SIGN "1.2.156.10197.1.301.1"

const SignatureAlgorithm *signature_algorithm_at(size_t position) {
        return position < ALGORITHM_COUNT ? &algorithms[position] : NULL;
}

static const SignatureAlgorithm *algorithm_with(SignatureScheme scheme, int hash_nid) {
        for (size_t i = 0; i < ALGORITHM_COUNT; i++)
                if (algorithms[i].scheme == scheme && algorithms[i].hash_nid == hash_nid)
                        return &algorithms[i];
        return NULL;
}

const EVP_MD *signature_algorithm_md(const SignatureAlgorithm *algorithm) {
        return EVP_get_digestbynid(algorithm->hash_nid);
}

/* --- keys ------------------------------------------------------------------------------------- */

/* Keys that are for PSS only (RFC 4055 §1.2) have a type of their own. */
bool signature_algorithm_fits(const SignatureAlgorithm *algorithm, EVP_PKEY *key) {
        switch (algorithm->scheme) {
        case SIGNATURE_ECDSA:
                return EVP_PKEY_is_a(key, "EC") == 1;
        case SIGNATURE_RSASSA:
                return EVP_PKEY_is_a(key, "RSA") == 1;
        case SIGNATURE_RSAPSS:
                return EVP_PKEY_is_a(key, "RSA") == 1 || EVP_PKEY_is_a(key, "RSA-PSS") == 1;
        case SIGNATURE_SM2:
                return EVP_PKEY_is_a(key, "SM2") == 1;
        }
        return false;
}

static const char *hash_of_key(EVP_PKEY *key) {
        if (EVP_PKEY_is_a(key, "SM2"))
                return "sm3";
        if (!EVP_PKEY_is_a(key, "EC") || EVP_PKEY_get_bits(key) <= 256)
                return "sha256";
        return EVP_PKEY_get_bits(key) <= 384 ? "sha384" : "sha512";
}

static bool scheme_is_named(SignatureScheme scheme, const char *name) {
        switch (scheme) {
        case SIGNATURE_RSASSA:
                return !name || strcmp(name, "rsassa") == 0;
        case SIGNATURE_RSAPSS:
                return name && strcmp(name, "rsapss") == 0;
        default:
                return !name;
        }
}

const SignatureAlgorithm *signature_algorithm_for(EVP_PKEY *key, const char *hash,
                                                  const char *scheme) {
        if (!hash)
                hash = hash_of_key(key);
        if (!scheme && EVP_PKEY_is_a(key, "RSA-PSS"))
                scheme = "rsapss";
        for (size_t i = 0; i < ALGORITHM_COUNT; i++) {
                const SignatureAlgorithm *a = &algorithms[i];

                if (strcmp(a->hash, hash) == 0 && scheme_is_named(a->scheme, scheme) &&
                    signature_algorithm_fits(a, key))
                        return a;
        }
        return NULL;
}

/* --- identifiers ------------------------------------------------------------------------------ */

/* The hash's AlgorithmIdentifier within PSS: with NULL, as RFC 4055 §2.1 writes it. */
static X509_ALGOR *hash_identifier(const SignatureAlgorithm *algorithm) {
        X509_ALGOR *hash = X509_ALGOR_new();

        if (hash && X509_ALGOR_set0(hash, OBJ_nid2obj(algorithm->hash_nid), V_ASN1_NULL, NULL) == 1)
                return hash;
        X509_ALGOR_free(hash);
        return NULL;
}

static int mask_identifier(const SignatureAlgorithm *algorithm, X509_ALGOR **ret) {
        _cleanup_(X509_ALGOR_freep) X509_ALGOR *hash = hash_identifier(algorithm),
                                               *mask = X509_ALGOR_new();
        _cleanup_(ASN1_STRING_freep) ASN1_STRING *packed = NULL;

        if (!hash || !mask || !ASN1_item_pack(hash, ASN1_ITEM_rptr(X509_ALGOR), &packed) ||
            X509_ALGOR_set0(mask, OBJ_nid2obj(NID_mgf1), V_ASN1_SEQUENCE, packed) != 1)
                return openssl_short();
        packed = NULL; /* the identifier has it now */
        *ret = steal_ptr(mask);
        return 0;
}

static int pss_parameters(const SignatureAlgorithm *algorithm, ASN1_STRING **ret) {
        _cleanup_(RSA_PSS_PARAMS_freep) RSA_PSS_PARAMS *parameters = RSA_PSS_PARAMS_new();

        if (!parameters)
                return openssl_short();
        parameters->hashAlgorithm = hash_identifier(algorithm);
        parameters->saltLength = ASN1_INTEGER_new();
        if (!parameters->hashAlgorithm || !parameters->saltLength ||
            ASN1_INTEGER_set(parameters->saltLength,
                             EVP_MD_get_size(signature_algorithm_md(algorithm))) != 1)
                return openssl_short();
        int r = mask_identifier(algorithm, &parameters->maskGenAlgorithm);
        if (r != 0)
                return r;
        return ASN1_item_pack(parameters, ASN1_ITEM_rptr(RSA_PSS_PARAMS), ret) ? 0
                                                                               : openssl_short();
}

int signature_algorithm_encode(const SignatureAlgorithm *algorithm, X509_ALGOR *ret) {
        _cleanup_(ASN1_STRING_freep) ASN1_STRING *parameters = NULL;
        int type = V_ASN1_UNDEF, r = 0;

        if (algorithm->scheme == SIGNATURE_RSASSA)
                type = V_ASN1_NULL;
        if (algorithm->scheme == SIGNATURE_RSAPSS) {
                type = V_ASN1_SEQUENCE;
                r = pss_parameters(algorithm, &parameters);
        }
        if (r != 0)
                return r;
        if (X509_ALGOR_set0(ret, OBJ_nid2obj(algorithm->nid), type, parameters) != 1)
                return openssl_short();
        parameters = NULL; /* the identifier has them now */
        return 0;
}

static bool parameters_are(const X509_ALGOR *identifier, bool null, bool absent) {
        int type;

        X509_ALGOR_get0(NULL, &type, NULL, identifier);
        return (null && type == V_ASN1_NULL) || (absent && type == V_ASN1_UNDEF);
}

/* NID_undef unless it is a hash's, with NULL parameters or none. */
static int hash_read(const X509_ALGOR *identifier) {
        const ASN1_OBJECT *object;

        if (!identifier || !parameters_are(identifier, true, true))
                return NID_undef;
        X509_ALGOR_get0(&object, NULL, NULL, identifier);
        return OBJ_obj2nid(object);
}

static int mask_hash_read(const X509_ALGOR *mask) {
        const ASN1_OBJECT *object;

        if (!mask)
                return NID_undef;
        X509_ALGOR_get0(&object, NULL, NULL, mask);
        if (OBJ_obj2nid(object) != NID_mgf1 || !mask->parameter)
                return NID_undef;
        _cleanup_(X509_ALGOR_freep) X509_ALGOR *hash = ASN1_TYPE_unpack_sequence(
                ASN1_ITEM_rptr(X509_ALGOR), mask->parameter);
        return hash_read(hash);
}

static const SignatureAlgorithm *pss_read(const X509_ALGOR *identifier) {
        if (!identifier->parameter)
                return NULL;
        _cleanup_(RSA_PSS_PARAMS_freep) RSA_PSS_PARAMS *parameters = ASN1_TYPE_unpack_sequence(
                ASN1_ITEM_rptr(RSA_PSS_PARAMS), identifier->parameter);
        if (!parameters)
                return NULL;
        int hash = hash_read(parameters->hashAlgorithm);
        const SignatureAlgorithm *algorithm = algorithm_with(SIGNATURE_RSAPSS, hash);
        if (!algorithm || mask_hash_read(parameters->maskGenAlgorithm) != hash ||
            (parameters->saltLength && ASN1_INTEGER_get(parameters->saltLength) < 0) ||
            (parameters->trailerField && ASN1_INTEGER_get(parameters->trailerField) != 1))
                return NULL;
        return algorithm;
}

static const SignatureAlgorithm *object_find(const ASN1_OBJECT *object) {
        int nid = OBJ_obj2nid(object);

        for (size_t i = 0; nid != NID_undef && i < ALGORITHM_COUNT; i++)
                if (algorithms[i].nid == nid && nid != NID_rsassaPss)
                        return &algorithms[i];
        return openssl_object_is(object, OID_SM2_SIGN) ? algorithm_with(SIGNATURE_SM2, NID_sm3)
                                                       : NULL;
}

static const SignatureAlgorithm *identifier_find(const X509_ALGOR *identifier) {
        const ASN1_OBJECT *object;

        X509_ALGOR_get0(&object, NULL, NULL, identifier);
        if (OBJ_obj2nid(object) == NID_rsassaPss)
                return pss_read(identifier);
        const SignatureAlgorithm *algorithm = object_find(object);
        if (!algorithm || !parameters_are(identifier, algorithm->scheme != SIGNATURE_ECDSA, true))
                return NULL;
        return algorithm;
}

static const SignatureAlgorithm *fitting(const SignatureAlgorithm *algorithm, EVP_PKEY *key) {
        ERR_clear_error();
        return algorithm && signature_algorithm_fits(algorithm, key) ? algorithm : NULL;
}

const SignatureAlgorithm *signature_algorithm_read(const X509_ALGOR *identifier, EVP_PKEY *key) {
        return fitting(identifier_find(identifier), key);
}

const SignatureAlgorithm *signature_algorithm_of_object(const ASN1_OBJECT *object, EVP_PKEY *key) {
        return fitting(object_find(object), key);
}

/* Where only the kind of key is named. */
static const SignatureAlgorithm *by_key_kind(const X509_ALGOR *signature, int hash) {
        const ASN1_OBJECT *object;

        X509_ALGOR_get0(&object, NULL, NULL, signature);
        if (!parameters_are(signature, true, true))
                return NULL;
        switch (OBJ_obj2nid(object)) {
        case NID_rsaEncryption:
                return algorithm_with(SIGNATURE_RSASSA, hash);
        case NID_X9_62_id_ecPublicKey:
                return algorithm_with(SIGNATURE_ECDSA, hash);
        case NID_sm2:
                return algorithm_with(SIGNATURE_SM2, hash);
        default:
                return NULL;
        }
}

const SignatureAlgorithm *signature_algorithm_read_cms(const X509_ALGOR *signature,
                                                       const X509_ALGOR *digest, EVP_PKEY *key) {
        const SignatureAlgorithm *algorithm = identifier_find(signature);
        int hash = hash_read(digest);

        if (!algorithm)
                algorithm = by_key_kind(signature, hash);
        if (algorithm && algorithm->hash_nid != hash)
                algorithm = NULL;
        return fitting(algorithm, key);
}
