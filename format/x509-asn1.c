/* SPDX-License-Identifier: Apache-2.0 */
#include "format/x509-asn1.h"

#include <openssl/asn1t.h>

/* The templates are macros of OpenSSL's, laid out as it does. */
/* clang-format off */

ASN1_SEQUENCE(X509Signed) = {
        ASN1_SIMPLE(X509Signed, tbs, ASN1_ANY),
        ASN1_SIMPLE(X509Signed, algorithm, X509_ALGOR),
        ASN1_SIMPLE(X509Signed, signature, ASN1_BIT_STRING)
} ASN1_SEQUENCE_END(X509Signed)

ASN1_SEQUENCE(X509Tbs) = {
        ASN1_EXP(X509Tbs, version, ASN1_INTEGER, 0),
        ASN1_SIMPLE(X509Tbs, serial, ASN1_INTEGER),
        ASN1_SIMPLE(X509Tbs, algorithm, X509_ALGOR),
        ASN1_SIMPLE(X509Tbs, issuer, X509_NAME),
        ASN1_SIMPLE(X509Tbs, validity, X509_VAL),
        ASN1_SIMPLE(X509Tbs, subject, X509_NAME),
        ASN1_SIMPLE(X509Tbs, key, X509_PUBKEY),
        ASN1_EXP_SEQUENCE_OF_OPT(X509Tbs, extensions, X509_EXTENSION, 3)
} ASN1_SEQUENCE_END(X509Tbs)

ASN1_SEQUENCE(X509TbsList) = {
        ASN1_SIMPLE(X509TbsList, version, ASN1_INTEGER),
        ASN1_SIMPLE(X509TbsList, algorithm, X509_ALGOR),
        ASN1_SIMPLE(X509TbsList, issuer, X509_NAME),
        ASN1_SIMPLE(X509TbsList, this_update, ASN1_TIME),
        ASN1_SIMPLE(X509TbsList, next_update, ASN1_TIME),
        ASN1_SEQUENCE_OF_OPT(X509TbsList, revoked, X509_REVOKED),
        ASN1_EXP_SEQUENCE_OF_OPT(X509TbsList, extensions, X509_EXTENSION, 0)
} ASN1_SEQUENCE_END(X509TbsList)

ASN1_SEQUENCE(X509TbsListRead) = {
        ASN1_OPT(X509TbsListRead, version, ASN1_INTEGER),
        ASN1_SIMPLE(X509TbsListRead, algorithm, X509_ALGOR),
        ASN1_SIMPLE(X509TbsListRead, issuer, ASN1_SEQUENCE),
        ASN1_SIMPLE(X509TbsListRead, this_update, ASN1_TIME),
        ASN1_OPT(X509TbsListRead, next_update, ASN1_TIME),
        ASN1_OPT(X509TbsListRead, revoked, ASN1_SEQUENCE),
        ASN1_EXP_OPT(X509TbsListRead, extensions, ASN1_SEQUENCE, 0)
} ASN1_SEQUENCE_END(X509TbsListRead)

ASN1_SEQUENCE(X509ListRead) = {
        ASN1_SIMPLE(X509ListRead, tbs, X509TbsListRead),
        ASN1_SIMPLE(X509ListRead, algorithm, X509_ALGOR),
        ASN1_SIMPLE(X509ListRead, signature, ASN1_BIT_STRING)
} ASN1_SEQUENCE_END(X509ListRead)

ASN1_SEQUENCE(X509Scalars) = {
        ASN1_EX_TYPE(ASN1_TFLG_IMPTAG | ASN1_TFLG_UNIVERSAL, V_ASN1_INTEGER, X509Scalars, r,
                     ASN1_OCTET_STRING),
        ASN1_EX_TYPE(ASN1_TFLG_IMPTAG | ASN1_TFLG_UNIVERSAL, V_ASN1_INTEGER, X509Scalars, s,
                     ASN1_OCTET_STRING)
} ASN1_SEQUENCE_END(X509Scalars)
