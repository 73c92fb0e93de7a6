/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates of electronic seals: GB/T 38540-2020 (version 4) and, to be read, GM/T 0031-2014. Where
 * real files have something in two ways (docs: sealctl-seal(8)) the template has a place for each,
 * so that which of them was used can be told. What is signed keeps its bytes as they were read.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <openssl/asn1t.h>
#include <openssl/safestack.h>

#include "base/bytes.h"
#include "base/cleanup.h"

typedef struct SesHeader {
        ASN1_IA5STRING *id; /* "ES" */
        ASN1_INTEGER *version;
        ASN1_IA5STRING *vendor;
} SesHeader;

typedef struct SesDigest {
        ASN1_PRINTABLESTRING *type;
        ASN1_OCTET_STRING *value;
} SesDigest;

/* One of SES_CertList: which of both is said by certListType, and can be seen. */
typedef struct SesListed {
        int type;
        union {
                ASN1_OCTET_STRING *certificate;
                SesDigest *digest;
        } d;
} SesListed;
DEFINE_STACK_OF(SesListed)

#define SES_LISTED_CERTIFICATE 0
#define SES_LISTED_DIGEST 1

typedef struct SesProperty {
        ASN1_INTEGER *type;
        ASN1_UTF8STRING *name;
        ASN1_INTEGER *list_type; /* not in 2014 */
        STACK_OF(SesListed) * list;
        ASN1_TIME *created, *not_before, *not_after; /* GeneralizedTime; UTCTime in 2014 */
} SesProperty;

typedef struct SesPicture {
        ASN1_IA5STRING *type;
        ASN1_OCTET_STRING *data;
        ASN1_INTEGER *width, *height; /* mm */
} SesPicture;

typedef struct SesExtension {
        ASN1_OBJECT *id;
        ASN1_BOOLEAN critical; /* -1: left out */
        ASN1_OCTET_STRING *value;
} SesExtension;
DEFINE_STACK_OF(SesExtension)

typedef struct SesInfo {
        ASN1_ENCODING encoding;
        SesHeader *header;
        ASN1_IA5STRING *id;
        SesProperty *property;
        SesPicture *picture;
        STACK_OF(SesExtension) * extensions, *extensions_tagged; /* real files; with [0] */
} SesInfo;

/* SESeal of 2020. */
typedef struct SesSeal {
        SesInfo *info;
        ASN1_OCTET_STRING *certificate;
        ASN1_OBJECT *algorithm;
        ASN1_BIT_STRING *value;
} SesSeal;

/* SES_SignInfo of 2014. */
typedef struct SesSignInfo {
        ASN1_OCTET_STRING *certificate;
        ASN1_OBJECT *algorithm;
        ASN1_BIT_STRING *value;
} SesSignInfo;

/* SESeal of 2014. */
typedef struct SesSeal2014 {
        SesInfo *info;
        SesSignInfo *sign;
} SesSeal2014;

/* What the maker signs in 2014; nothing is owned. */
typedef struct SesSigned2014 {
        SesInfo *info;
        ASN1_OCTET_STRING *certificate;
        ASN1_OBJECT *algorithm;
} SesSigned2014;

/* TBS_Sign of 2020. */
typedef struct SesTbs {
        ASN1_ENCODING encoding;
        ASN1_INTEGER *version;
        SesSeal *seal;
        ASN1_GENERALIZEDTIME *time;
        ASN1_BIT_STRING *hash;
        ASN1_IA5STRING *property;
        STACK_OF(SesExtension) * extensions, *extensions_untagged; /* with [0]; without */
} SesTbs;

/* TBS_Sign of 2014. */
typedef struct SesTbs2014 {
        ASN1_ENCODING encoding;
        ASN1_INTEGER *version;
        SesSeal2014 *seal;
        ASN1_BIT_STRING *time; /* a token, or a text */
        ASN1_BIT_STRING *hash;
        ASN1_IA5STRING *property;
        ASN1_OCTET_STRING *certificate;
        ASN1_OBJECT *algorithm;
} SesTbs2014;

/* SES_Signature of 2020. */
typedef struct SesSignature {
        SesTbs *tbs;
        ASN1_OCTET_STRING *certificate;
        ASN1_OBJECT *algorithm;
        ASN1_BIT_STRING *value;
        ASN1_BIT_STRING *stamp, *stamp_untagged; /* with [0]; without */
} SesSignature;

/* SES_Signature of 2014. */
typedef struct SesSignature2014 {
        SesTbs2014 *tbs;
        ASN1_BIT_STRING *value;
} SesSignature2014;

DECLARE_ASN1_ITEM(SesHeader)
DECLARE_ASN1_ITEM(SesDigest)
DECLARE_ASN1_ITEM(SesListed)
DECLARE_ASN1_ITEM(SesProperty)
DECLARE_ASN1_ITEM(SesPicture)
DECLARE_ASN1_ITEM(SesExtension)
DECLARE_ASN1_ITEM(SesInfo)
DECLARE_ASN1_ITEM(SesSeal)
DECLARE_ASN1_ITEM(SesSignInfo)
DECLARE_ASN1_ITEM(SesSeal2014)
DECLARE_ASN1_ITEM(SesSigned2014)
DECLARE_ASN1_ITEM(SesTbs)
DECLARE_ASN1_ITEM(SesTbs2014)
DECLARE_ASN1_ITEM(SesSignature)
DECLARE_ASN1_ITEM(SesSignature2014)

static inline void ses_infop(SesInfo **info) {
        ASN1_item_free((ASN1_VALUE *) *info, ASN1_ITEM_rptr(SesInfo));
}
static inline void ses_sealp(SesSeal **seal) {
        ASN1_item_free((ASN1_VALUE *) *seal, ASN1_ITEM_rptr(SesSeal));
}
static inline void ses_tbsp(SesTbs **tbs) {
        ASN1_item_free((ASN1_VALUE *) *tbs, ASN1_ITEM_rptr(SesTbs));
}
static inline void ses_signaturep(SesSignature **signature) {
        ASN1_item_free((ASN1_VALUE *) *signature, ASN1_ITEM_rptr(SesSignature));
}

/* DER of a structure; *ret is malloc'ed. -ENOMEM, -EIO. */
int ses_encode(const void *value, const ASN1_ITEM *item, uint8_t **ret, size_t *ret_size);

/*
 * The structure that stands at the beginning of the bytes; *ret_used is its size. NULL when none
 * does, or memory is short: the error queue says which.
 */
void *ses_decode(Bytes bytes, const ASN1_ITEM *item, size_t *ret_used);

/* The same of the bytes as a whole. */
void *ses_decode_whole(Bytes bytes, const ASN1_ITEM *item);

static inline Bytes ses_bytes(const ASN1_STRING *string) {
        return (Bytes){ ASN1_STRING_get0_data(string), (size_t) ASN1_STRING_length(string) };
}

/* A BIT STRING of whole bytes, as all of ours are. */
bool ses_bits_are_whole(const ASN1_BIT_STRING *bits);

/* Bytes into one. False when memory is short. */
bool ses_put_bits(ASN1_BIT_STRING *bits, Bytes bytes);
