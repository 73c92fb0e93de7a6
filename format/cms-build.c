/* SPDX-License-Identifier: Apache-2.0 */
#include "format/cms-build.h"

#include <errno.h>
#include <string.h>

#include "base/limits.h"
#include "base/utc.h"
#include "format/cms-attributes.h"
#include "format/x509-read.h"
#include "format/x509-signed.h"
#include "policy/certificate.h"

/* RFC 5652 §5.1, §5.3: content of type data, the signer named by issuer and serial number. */
#define VERSION 1

static const EVP_MD *facts_hash(const CmsFacts *facts) {
        return signature_algorithm_md(facts->algorithm);
}

static bool facts_are_sm2(const CmsFacts *facts) {
        return facts->algorithm->scheme == SIGNATURE_SM2;
}

/* What the result says beside the attributes. */
static int signer_check(const CmsFacts *facts) {
        if (!facts_hash(facts))
                return -EIO;
        return facts->certificate_count > 0 && facts->certificate_count <= CMS_CERTIFICATES_MAX
                       ? 0
                       : SEAL_E_INVALID_ARGS;
}

static int facts_check(const CmsFacts *facts) {
        int r = signer_check(facts);

        if (r != 0)
                return r;
        if (facts->document_digest.size != (size_t) EVP_MD_get_size(facts_hash(facts)))
                return SEAL_E_INVALID_ARGS;
        return facts->profile == CMS_PROFILE_PADES ||
                               (facts->time >= USEC_PER_SEC && facts->time <= UTC_MAX)
                       ? 0
                       : SEAL_E_INVALID_ARGS;
}

/* --- attributes ----------------------------------------------------------------------------- */

static ASN1_OBJECT *object_new(const char *oid) {
        return OBJ_txt2obj(oid, 1);
}

static int content_type_add(CmsAttributes *attributes, bool sm2) {
        _cleanup_(ASN1_OBJECT_freep)
                ASN1_OBJECT *type = object_new(sm2 ? CMS_OID_GB_DATA : CMS_OID_DATA);

        return type ? cms_attribute_add(attributes, NID_pkcs9_contentType, V_ASN1_OBJECT, type, -1)
                    : openssl_short();
}

/* UTCTime until 2049 (RFC 5652 §11.3). */
static int signing_time_add(CmsAttributes *attributes, uint64_t time) {
        ASN1_TIME *asn1 = x509_time_new(time);

        if (!asn1)
                return openssl_short();
        int r = cms_attribute_add(attributes, NID_pkcs9_signingTime, ASN1_STRING_type(asn1), asn1,
                                  -1);
        ASN1_STRING_free(asn1);
        return r;
}

/*
 * The hash of the certificate, by SHA-256 or else the signature's; its issuer and serial number,
 * which the hash makes superfluous, are left out (EN 319 122-1 §6.3).
 */
static int signing_certificate_set(CmsCertificateId *id, Bytes certificate, const EVP_MD *md) {
        uint8_t hash[EVP_MAX_MD_SIZE];
        unsigned size;

        if (!EVP_MD_is_a(md, "SHA256")) {
                id->hash_algorithm = X509_ALGOR_new();
                if (!id->hash_algorithm ||
                    X509_ALGOR_set0(id->hash_algorithm, OBJ_nid2obj(EVP_MD_get_type(md)),
                                    V_ASN1_UNDEF, NULL) != 1)
                        return openssl_short();
        }
        if (EVP_Digest(certificate.data, certificate.size, hash, &size, md, NULL) != 1 ||
            ASN1_OCTET_STRING_set(id->hash, hash, (int) size) != 1)
                return openssl_error();
        return 0;
}

static int signing_certificate_add(CmsAttributes *attributes, Bytes certificate, const EVP_MD *md) {
        _cleanup_(CmsSigningCertificate_freep)
                CmsSigningCertificate *value = CmsSigningCertificate_new();
        CmsCertificateId *id = CmsCertificateId_new();
        _cleanup_free_ uint8_t *der = NULL;
        size_t size;

        if (!value || !id || sk_CmsCertificateId_push(value->certificates, id) <= 0) {
                CmsCertificateId_free(id);
                return openssl_short();
        }
        int r = signing_certificate_set(id, certificate, md);
        if (r == 0)
                r = x509_encode(value, ASN1_ITEM_rptr(CmsSigningCertificate), &der, &size);
        return r != 0 ? r
                      : cms_attribute_add(attributes, NID_id_smime_aa_signingCertificateV2,
                                          V_ASN1_SEQUENCE, der, (int) size);
}

int cms_prepare(const CmsFacts *facts, uint8_t **ret, size_t *ret_size) {
        _cleanup_(cms_attributes_freep) CmsAttributes *attributes = NULL;
        const Bytes *digest = &facts->document_digest;

        int r = facts_check(facts);
        if (r != 0)
                return r;
        attributes = sk_X509_ATTRIBUTE_new_null();
        if (!attributes)
                return openssl_short();
        r = content_type_add(attributes, facts_are_sm2(facts));
        if (r == 0)
                r = cms_attribute_add(attributes, NID_pkcs9_messageDigest, V_ASN1_OCTET_STRING,
                                      digest->data, (int) digest->size);
        if (r == 0 && facts->profile == CMS_PROFILE_CADES)
                r = signing_time_add(attributes, facts->time);
        if (r == 0)
                r = signing_certificate_add(attributes, facts->certificates[0], facts_hash(facts));
        return r != 0 ? r
                      : x509_encode(attributes, ASN1_ITEM_rptr(CmsAttributesSorted), ret, ret_size);
}

/* --- signature ------------------------------------------------------------------------------ */

static int signer_id_set(CmsSignerId *id, Bytes certificate) {
        _cleanup_(X509_freep) X509 *x509 = NULL;

        int r = x509_read(certificate, &x509, NULL);
        if (r != 0)
                return r > 0 ? SEAL_E_CERTIFICATE_INVALID : r;
        id->type = CMS_ID_ISSUER;
        id->value.issuer = CmsIssuerAndSerial_new();
        if (!id->value.issuer ||
            X509_NAME_set(&id->value.issuer->issuer, X509_get_issuer_name(x509)) != 1 ||
            ASN1_STRING_copy(id->value.issuer->serial, X509_get0_serialNumber(x509)) != 1)
                return openssl_short();
        return 0;
}

/* Without parameters (RFC 5754 §2). */
static int digest_algorithm_set(X509_ALGOR *algorithm, const EVP_MD *md) {
        return X509_ALGOR_set0(algorithm, OBJ_nid2obj(EVP_MD_get_type(md)), V_ASN1_UNDEF, NULL) == 1
                       ? 0
                       : openssl_short();
}

/*
 * What CMS calls them: PKCS #1 v1.5 rsaEncryption, whatever the hash (RFC 3370 §3.2), and SM2
 * "SM2-1, digital signature" (GB/T 35275 §5, GB/T 33560), not the OID that certificates have.
 */
static int signature_algorithm_set(X509_ALGOR *identifier, const SignatureAlgorithm *algorithm) {
        ASN1_OBJECT *object;
        int r;

        switch (algorithm->scheme) {
        case SIGNATURE_RSASSA:
                r = X509_ALGOR_set0(identifier, OBJ_nid2obj(NID_rsaEncryption), V_ASN1_NULL, NULL);
                return r == 1 ? 0 : openssl_short();
        case SIGNATURE_SM2:
                object = object_new(CMS_OID_SM2_SIGN);
                r = object ? X509_ALGOR_set0(identifier, object, V_ASN1_UNDEF, NULL) : 0;
                return r == 1 ? 0 : openssl_short();
        default:
                return signature_algorithm_encode(algorithm, identifier);
        }
}

static int signer_fill(CmsSignerInfo *signer, const CmsFacts *facts, Bytes attributes,
                       Bytes signature) {
        if (signature.size > SIGNATURE_MAX)
                return SEAL_E_INVALID_ARGS;
        if (ASN1_INTEGER_set(signer->version, VERSION) != 1 ||
            ASN1_OCTET_STRING_set(signer->signature, signature.data, (int) signature.size) != 1)
                return openssl_short();
        int r = signer_id_set(signer->id, facts->certificates[0]);
        if (r == 0)
                r = digest_algorithm_set(signer->digest_algorithm, facts_hash(facts));
        if (r == 0)
                r = cms_attributes_read(attributes, &signer->signed_attributes);
        return r != 0 ? r : signature_algorithm_set(signer->signature_algorithm, facts->algorithm);
}

/* As the bytes that they are. */
static int certificate_add(STACK_OF(ASN1_TYPE) * certificates, Bytes certificate) {
        ASN1_STRING *string = ASN1_STRING_type_new(V_ASN1_SEQUENCE);
        ASN1_TYPE *any = ASN1_TYPE_new();

        if (!string || !any ||
            ASN1_STRING_set(string, certificate.data, (int) certificate.size) != 1 ||
            sk_ASN1_TYPE_push(certificates, any) <= 0) {
                ASN1_STRING_free(string);
                ASN1_TYPE_free(any);
                return openssl_short();
        }
        ASN1_TYPE_set(any, V_ASN1_SEQUENCE, string);
        return 0;
}

/* As DER sorts a SET OF (X.690 §11.6). */
static int certificate_compare(const ASN1_TYPE *const *a, const ASN1_TYPE *const *b) {
        const ASN1_STRING *one = (*a)->value.sequence, *other = (*b)->value.sequence;
        const int size = ASN1_STRING_length(one), other_size = ASN1_STRING_length(other);

        int order = memcmp(ASN1_STRING_get0_data(one), ASN1_STRING_get0_data(other),
                           (size_t) (size < other_size ? size : other_size));
        return order != 0 ? order : size - other_size;
}

static int certificates_add(CmsSignedData *data, const CmsFacts *facts) {
        int r = 0;

        data->certificates = sk_ASN1_TYPE_new(certificate_compare);
        if (!data->certificates)
                return openssl_short();
        for (size_t i = 0; r == 0 && i < facts->certificate_count; i++)
                r = certificate_size(facts->certificates[i]) == facts->certificates[i].size
                            ? certificate_add(data->certificates, facts->certificates[i])
                            : SEAL_E_CERTIFICATE_INVALID;
        if (r == 0)
                sk_ASN1_TYPE_sort(data->certificates);
        return r;
}

static int digest_algorithm_add(CmsSignedData *data, const CmsFacts *facts) {
        X509_ALGOR *algorithm = X509_ALGOR_new();

        if (!algorithm || sk_X509_ALGOR_push(data->digest_algorithms, algorithm) <= 0) {
                X509_ALGOR_free(algorithm);
                return openssl_short();
        }
        return digest_algorithm_set(algorithm, facts_hash(facts));
}

static int types_set(CmsInfo *info, bool sm2) {
        info->type = object_new(sm2 ? CMS_OID_GB_SIGNED_DATA : CMS_OID_SIGNED_DATA);
        info->data->content->type = object_new(sm2 ? CMS_OID_GB_DATA : CMS_OID_DATA);
        return info->type && info->data->content->type &&
                               ASN1_INTEGER_set(info->data->version, VERSION) == 1
                       ? 0
                       : openssl_short();
}

int cms_finish(const CmsFacts *facts, Bytes attributes, Bytes signature, uint8_t **ret,
               size_t *ret_size) {
        _cleanup_(CmsInfo_freep) CmsInfo *info = NULL;
        CmsSignerInfo *signer;

        int r = signer_check(facts);
        if (r != 0)
                return r;
        info = CmsInfo_new();
        signer = CmsSignerInfo_new();
        if (!info || !signer || sk_CmsSignerInfo_push(info->data->signers, signer) <= 0) {
                CmsSignerInfo_free(signer);
                return openssl_short();
        }
        r = types_set(info, facts_are_sm2(facts));
        if (r == 0)
                r = digest_algorithm_add(info->data, facts);
        if (r == 0)
                r = certificates_add(info->data, facts);
        if (r == 0)
                r = signer_fill(signer, facts, attributes, signature);
        return r != 0 ? r : x509_encode(info, ASN1_ITEM_rptr(CmsInfo), ret, ret_size);
}

/* --- what was signed ------------------------------------------------------------------------ */

/* One of each and nothing else. */
static bool attributes_are_ours(const CmsAttributes *attributes, CmsProfile profile) {
        _cleanup_(CmsSigningCertificate_freep)
                CmsSigningCertificate *certificate = cms_attribute_signing_certificate(attributes,
                                                                                       false);
        const ASN1_TYPE *type = cms_attribute_value(attributes, NID_pkcs9_contentType,
                                                    V_ASN1_OBJECT);
        const bool timed = profile == CMS_PROFILE_CADES;

        return certificate && sk_CmsCertificateId_num(certificate->certificates) == 1 && type &&
               (openssl_object_is(type->value.object, CMS_OID_DATA) ||
                openssl_object_is(type->value.object, CMS_OID_GB_DATA)) &&
               (cms_attribute_time(attributes) != 0) == timed &&
               sk_X509_ATTRIBUTE_num(attributes) == (timed ? 4 : 3);
}

static bool attributes_are_canonical(const CmsAttributes *attributes, Bytes written) {
        _cleanup_free_ uint8_t *der = NULL;
        size_t size;

        return x509_encode(attributes, ASN1_ITEM_rptr(CmsAttributesSorted), &der, &size) == 0 &&
               size == written.size && memcmp(der, written.data, size) == 0;
}

int cms_document_digest(CmsProfile profile, Bytes attributes, TPM2B_DIGEST *ret) {
        _cleanup_(cms_attributes_freep) CmsAttributes *read = NULL;

        int r = cms_attributes_read(attributes, &read);
        if (r != 0)
                return r;
        const ASN1_TYPE *digest = cms_attribute_value(read, NID_pkcs9_messageDigest,
                                                      V_ASN1_OCTET_STRING);
        const int size = digest ? ASN1_STRING_length(digest->value.octet_string) : 0;
        if (size <= 0 || (size_t) size > sizeof(ret->buffer) ||
            !attributes_are_ours(read, profile) || !attributes_are_canonical(read, attributes))
                return openssl_refused(SEAL_E_INVALID_ARGS);
        ret->size = (UINT16) size;
        memcpy(ret->buffer, ASN1_STRING_get0_data(digest->value.octet_string), (size_t) size);
        return 0;
}
