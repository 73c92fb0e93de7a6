/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The structures of CMS signatures as OpenSSL's ASN.1 templates, for format/cms-*.c and
 * format/timestamp*.c alone: ContentInfo, SignedData, SignerInfo (RFC 5652 §3, §5; GB/T 35275 §8 is
 * the same with OIDs of its own) and signing-certificate-v2 (RFC 5035 §4).
 *
 * Signed attributes keep the order they were read in, since it is that which was signed.
 */
#pragma once

#include <openssl/asn1.h>
#include <openssl/asn1t.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "policy/openssl.h"

/*
 * A type's template, and what OpenSSL's macros would declare of it; analyzers see through this one.
 */
#define CMS_ASN1(type)                                             \
        const ASN1_ITEM *type##_it(void);                          \
        static inline type *type##_new(void) {                     \
                return (type *) ASN1_item_new(type##_it());        \
        }                                                          \
        static inline void type##_free(type *value) {              \
                ASN1_item_free((ASN1_VALUE *) value, type##_it()); \
        }

/* --- RFC 5652 ------------------------------------------------------------------------------- */

typedef struct CmsIssuerAndSerial {
        X509_NAME *issuer;
        ASN1_INTEGER *serial;
} CmsIssuerAndSerial;
CMS_ASN1(CmsIssuerAndSerial)

typedef enum CmsSignerIdType { CMS_ID_ISSUER, CMS_ID_KEY } CmsSignerIdType;

typedef struct CmsSignerId {
        int type; /* CmsSignerIdType */
        union {
                CmsIssuerAndSerial *issuer;
                ASN1_OCTET_STRING *key; /* subjectKeyIdentifier */
        } value;
} CmsSignerId;
CMS_ASN1(CmsSignerId)

typedef struct CmsSignerInfo {
        ASN1_INTEGER *version;
        CmsSignerId *id;
        X509_ALGOR *digest_algorithm;
        STACK_OF(X509_ATTRIBUTE) * signed_attributes; /* NULL: none */
        X509_ALGOR *signature_algorithm;
        ASN1_OCTET_STRING *signature;
        STACK_OF(X509_ATTRIBUTE) * unsigned_attributes; /* NULL: none */
} CmsSignerInfo;
CMS_ASN1(CmsSignerInfo)
DEFINE_STACK_OF(CmsSignerInfo)

typedef struct CmsContent {
        ASN1_OBJECT *type;
        ASN1_OCTET_STRING *data; /* NULL: detached */
} CmsContent;
CMS_ASN1(CmsContent)

typedef struct CmsSignedData {
        ASN1_INTEGER *version;
        STACK_OF(X509_ALGOR) * digest_algorithms;
        CmsContent *content;
        STACK_OF(ASN1_TYPE) * certificates; /* NULL: none */
        STACK_OF(ASN1_TYPE) * crls;         /* NULL: none */
        STACK_OF(CmsSignerInfo) * signers;
} CmsSignedData;
CMS_ASN1(CmsSignedData)

/* ContentInfo whose content is SignedData, which type has to say. */
typedef struct CmsInfo {
        ASN1_OBJECT *type;
        CmsSignedData *data;
} CmsInfo;
CMS_ASN1(CmsInfo)

/* SET OF Attribute as it is signed: in DER order, and in the order at hand. */
const ASN1_ITEM *CmsAttributesSorted_it(void);
const ASN1_ITEM *CmsAttributesAsRead_it(void);

/* --- RFC 5035 ------------------------------------------------------------------------------- */

typedef struct CmsIssuerSerial {
        GENERAL_NAMES *issuer;
        ASN1_INTEGER *serial;
} CmsIssuerSerial;
CMS_ASN1(CmsIssuerSerial)

/* ESSCertIDv2 */
typedef struct CmsCertificateId {
        X509_ALGOR *hash_algorithm; /* NULL: SHA-256 */
        ASN1_OCTET_STRING *hash;
        CmsIssuerSerial *issuer_serial; /* NULL: none */
} CmsCertificateId;
CMS_ASN1(CmsCertificateId)
DEFINE_STACK_OF(CmsCertificateId)

/* SigningCertificateV2 */
typedef struct CmsSigningCertificate {
        STACK_OF(CmsCertificateId) * certificates;
        STACK_OF(POLICYINFO) * policies; /* NULL: none */
} CmsSigningCertificate;
CMS_ASN1(CmsSigningCertificate)

/* --- owners --------------------------------------------------------------------------------- */

DEFINE_CLEANUP(CmsInfo, CmsInfo_free)
DEFINE_CLEANUP(CmsSigningCertificate, CmsSigningCertificate_free)
DEFINE_CLEANUP(X509_ATTRIBUTE, X509_ATTRIBUTE_free)

typedef STACK_OF(X509_ATTRIBUTE) CmsAttributes;

static inline void cms_attributes_freep(CmsAttributes **attributes) {
        sk_X509_ATTRIBUTE_pop_free(*attributes, X509_ATTRIBUTE_free);
}

/* --- OIDs ----------------------------------------------------------------------------------- */

/* SignedData and data, of RFC 5652 §4 and §5.1, and of GB/T 35275 §5. */
#define CMS_OID_SIGNED_DATA "1.2.840.113549.1.7.2"
#define CMS_OID_DATA "1.2.840.113549.1.7.1"
#define CMS_OID_GB_SIGNED_DATA "1.2.156.10197.6.1.4.2.2"
#define CMS_OID_GB_DATA "1.2.156.10197.6.1.4.2.1"
#define CMS_OID_SM2_SIGN "1.2.156.10197.1.301.1"
