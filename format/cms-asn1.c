/* SPDX-License-Identifier: Apache-2.0 */
#include "format/cms-asn1.h"

/* The templates are macros of OpenSSL's, laid out as it does. */
/* clang-format off */

ASN1_SEQUENCE(CmsIssuerAndSerial) = {
        ASN1_SIMPLE(CmsIssuerAndSerial, issuer, X509_NAME),
        ASN1_SIMPLE(CmsIssuerAndSerial, serial, ASN1_INTEGER)
} ASN1_SEQUENCE_END(CmsIssuerAndSerial)

ASN1_CHOICE(CmsSignerId) = {
        ASN1_SIMPLE(CmsSignerId, value.issuer, CmsIssuerAndSerial),
        ASN1_IMP(CmsSignerId, value.key, ASN1_OCTET_STRING, 0)
} ASN1_CHOICE_END(CmsSignerId)

/* Under an implicit tag SEQUENCE OF and SET OF look alike, and only the former is not sorted. */
ASN1_SEQUENCE(CmsSignerInfo) = {
        ASN1_SIMPLE(CmsSignerInfo, version, ASN1_INTEGER),
        ASN1_SIMPLE(CmsSignerInfo, id, CmsSignerId),
        ASN1_SIMPLE(CmsSignerInfo, digest_algorithm, X509_ALGOR),
        ASN1_IMP_SEQUENCE_OF_OPT(CmsSignerInfo, signed_attributes, X509_ATTRIBUTE, 0),
        ASN1_SIMPLE(CmsSignerInfo, signature_algorithm, X509_ALGOR),
        ASN1_SIMPLE(CmsSignerInfo, signature, ASN1_OCTET_STRING),
        ASN1_IMP_SET_OF_OPT(CmsSignerInfo, unsigned_attributes, X509_ATTRIBUTE, 1)
} ASN1_SEQUENCE_END(CmsSignerInfo)

ASN1_SEQUENCE(CmsContent) = {
        ASN1_SIMPLE(CmsContent, type, ASN1_OBJECT),
        ASN1_EXP_OPT(CmsContent, data, ASN1_OCTET_STRING, 0)
} ASN1_SEQUENCE_END(CmsContent)

/* Others' certificates stay in their order, which OpenSSL does not sort in time stamps either. */
ASN1_SEQUENCE(CmsSignedData) = {
        ASN1_SIMPLE(CmsSignedData, version, ASN1_INTEGER),
        ASN1_SET_OF(CmsSignedData, digest_algorithms, X509_ALGOR),
        ASN1_SIMPLE(CmsSignedData, content, CmsContent),
        ASN1_IMP_SEQUENCE_OF_OPT(CmsSignedData, certificates, ASN1_ANY, 0),
        ASN1_IMP_SET_OF_OPT(CmsSignedData, crls, ASN1_ANY, 1),
        ASN1_SET_OF(CmsSignedData, signers, CmsSignerInfo)
} ASN1_SEQUENCE_END(CmsSignedData)

ASN1_SEQUENCE(CmsInfo) = {
        ASN1_SIMPLE(CmsInfo, type, ASN1_OBJECT),
        ASN1_EXP(CmsInfo, data, CmsSignedData, 0)
} ASN1_SEQUENCE_END(CmsInfo)

ASN1_ITEM_TEMPLATE(CmsAttributesSorted) =
        ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_SET_OF, 0, CmsAttributesSorted, X509_ATTRIBUTE)
ASN1_ITEM_TEMPLATE_END(CmsAttributesSorted)

ASN1_ITEM_TEMPLATE(CmsAttributesAsRead) =
        ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_SEQUENCE_OF | ASN1_TFLG_IMPTAG | ASN1_TFLG_UNIVERSAL,
                              V_ASN1_SET, CmsAttributesAsRead, X509_ATTRIBUTE)
ASN1_ITEM_TEMPLATE_END(CmsAttributesAsRead)

ASN1_SEQUENCE(CmsIssuerSerial) = {
        ASN1_SEQUENCE_OF(CmsIssuerSerial, issuer, GENERAL_NAME),
        ASN1_SIMPLE(CmsIssuerSerial, serial, ASN1_INTEGER)
} ASN1_SEQUENCE_END(CmsIssuerSerial)

ASN1_SEQUENCE(CmsCertificateId) = {
        ASN1_OPT(CmsCertificateId, hash_algorithm, X509_ALGOR),
        ASN1_SIMPLE(CmsCertificateId, hash, ASN1_OCTET_STRING),
        ASN1_OPT(CmsCertificateId, issuer_serial, CmsIssuerSerial)
} ASN1_SEQUENCE_END(CmsCertificateId)

ASN1_SEQUENCE(CmsSigningCertificate) = {
        ASN1_SEQUENCE_OF(CmsSigningCertificate, certificates, CmsCertificateId),
        ASN1_SEQUENCE_OF_OPT(CmsSigningCertificate, policies, POLICYINFO)
} ASN1_SEQUENCE_END(CmsSigningCertificate)
