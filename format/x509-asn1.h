/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The structures of certificates, lists and signature values as OpenSSL's ASN.1 templates, for
 * format/x509-*.c and format/signature-value.c alone. They are around OpenSSL's objects: its own
 * certificates and lists cannot be given an algorithm or a signature but by signing.
 */
#pragma once

#include <openssl/asn1.h>
#include <openssl/x509.h>

#include "base/cleanup.h"

/*
 * A type's template, and what OpenSSL's macros would declare of it; analyzers see through this one.
 */
#define X509_ASN1(type)                                            \
        const ASN1_ITEM *type##_it(void);                          \
        static inline type *type##_new(void) {                     \
                return (type *) ASN1_item_new(type##_it());        \
        }                                                          \
        static inline type *type##_free(type *value) {             \
                ASN1_item_free((ASN1_VALUE *) value, type##_it()); \
                return NULL;                                       \
        }                                                          \
        DEFINE_CLEANUP(type, type##_free)

/* What certificates, requests and lists have in common (RFC 5280 §4.1.1, §5.1.1, RFC 2986 §4.2). */
typedef struct X509Signed {
        ASN1_TYPE *tbs; /* as the bytes that it is: those that were signed */
        X509_ALGOR *algorithm;
        ASN1_BIT_STRING *signature;
} X509Signed;
X509_ASN1(X509Signed)

/* TBSCertificate (RFC 5280 §4.1). */
typedef struct X509Tbs {
        ASN1_INTEGER *version, *serial;
        X509_ALGOR *algorithm;
        X509_NAME *issuer;
        X509_VAL *validity;
        X509_NAME *subject;
        X509_PUBKEY *key;
        X509_EXTENSIONS *extensions;
} X509Tbs;
X509_ASN1(X509Tbs)

/* TBSCertList (RFC 5280 §5.1). */
typedef struct X509TbsList {
        ASN1_INTEGER *version;
        X509_ALGOR *algorithm;
        X509_NAME *issuer;
        ASN1_TIME *this_update, *next_update;
        STACK_OF(X509_REVOKED) * revoked; /* NULL: none */
        X509_EXTENSIONS *extensions;
} X509TbsList;
X509_ASN1(X509TbsList)

/*
 * The same as it is read, in the whole list. What may be of any size stays the bytes that it is
 * (V_ASN1_SEQUENCE, with its header): libcrypto's objects take a hundred times as many.
 */
typedef struct X509TbsListRead {
        ASN1_INTEGER *version; /* NULL: the first */
        X509_ALGOR *algorithm;
        ASN1_STRING *issuer;
        ASN1_TIME *this_update, *next_update; /* the latter may be NULL */
        ASN1_STRING *revoked, *extensions;    /* NULL: none */
} X509TbsListRead;
X509_ASN1(X509TbsListRead)

typedef struct X509ListRead {
        X509TbsListRead *tbs;
        X509_ALGOR *algorithm;
        ASN1_BIT_STRING *signature;
} X509ListRead;
X509_ASN1(X509ListRead)

/*
 * ECDSA-Sig-Value (RFC 3279 §2.2.3) with INTEGERs as they are written: OpenSSL's own type refuses
 * zeros that are too many.
 */
typedef struct X509Scalars {
        ASN1_OCTET_STRING *r, *s;
} X509Scalars;
X509_ASN1(X509Scalars)
