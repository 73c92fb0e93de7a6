/* SPDX-License-Identifier: Apache-2.0 */
#include "format/eseal-asn1.h"

#include <limits.h>

#include "policy/openssl.h"

ASN1_SEQUENCE(SesHeader) = {
        ASN1_SIMPLE(SesHeader, id, ASN1_IA5STRING),
        ASN1_SIMPLE(SesHeader, version, ASN1_INTEGER),
        ASN1_SIMPLE(SesHeader, vendor, ASN1_IA5STRING),
} ASN1_SEQUENCE_END(SesHeader)

ASN1_SEQUENCE(SesDigest) = {
        ASN1_SIMPLE(SesDigest, type, ASN1_PRINTABLESTRING),
        ASN1_SIMPLE(SesDigest, value, ASN1_OCTET_STRING),
} ASN1_SEQUENCE_END(SesDigest)

ASN1_CHOICE(SesListed) = {
        ASN1_SIMPLE(SesListed, d.certificate, ASN1_OCTET_STRING),
        ASN1_SIMPLE(SesListed, d.digest, SesDigest),
} ASN1_CHOICE_END(SesListed)

ASN1_SEQUENCE(SesProperty) = {
        ASN1_SIMPLE(SesProperty, type, ASN1_INTEGER),
        ASN1_SIMPLE(SesProperty, name, ASN1_UTF8STRING),
        ASN1_OPT(SesProperty, list_type, ASN1_INTEGER),
        ASN1_SEQUENCE_OF(SesProperty, list, SesListed),
        ASN1_SIMPLE(SesProperty, created, ASN1_TIME),
        ASN1_SIMPLE(SesProperty, not_before, ASN1_TIME),
        ASN1_SIMPLE(SesProperty, not_after, ASN1_TIME),
} ASN1_SEQUENCE_END(SesProperty)

ASN1_SEQUENCE(SesPicture) = {
        ASN1_SIMPLE(SesPicture, type, ASN1_IA5STRING),
        ASN1_SIMPLE(SesPicture, data, ASN1_OCTET_STRING),
        ASN1_SIMPLE(SesPicture, width, ASN1_INTEGER),
        ASN1_SIMPLE(SesPicture, height, ASN1_INTEGER),
} ASN1_SEQUENCE_END(SesPicture)

ASN1_SEQUENCE(SesExtension) = {
        ASN1_SIMPLE(SesExtension, id, ASN1_OBJECT),
        ASN1_OPT(SesExtension, critical, ASN1_BOOLEAN),
        ASN1_SIMPLE(SesExtension, value, ASN1_OCTET_STRING),
} ASN1_SEQUENCE_END(SesExtension)

ASN1_SEQUENCE_enc(SesInfo, encoding, 0) = {
        ASN1_SIMPLE(SesInfo, header, SesHeader),
        ASN1_SIMPLE(SesInfo, id, ASN1_IA5STRING),
        ASN1_SIMPLE(SesInfo, property, SesProperty),
        ASN1_SIMPLE(SesInfo, picture, SesPicture),
        ASN1_SEQUENCE_OF_OPT(SesInfo, extensions, SesExtension),
        ASN1_EXP_SEQUENCE_OF_OPT(SesInfo, extensions_tagged, SesExtension, 0),
} ASN1_SEQUENCE_END_enc(SesInfo, SesInfo)

ASN1_SEQUENCE(SesSeal) = {
        ASN1_SIMPLE(SesSeal, info, SesInfo),
        ASN1_SIMPLE(SesSeal, certificate, ASN1_OCTET_STRING),
        ASN1_SIMPLE(SesSeal, algorithm, ASN1_OBJECT),
        ASN1_SIMPLE(SesSeal, value, ASN1_BIT_STRING),
} ASN1_SEQUENCE_END(SesSeal)

ASN1_SEQUENCE(SesSignInfo) = {
        ASN1_SIMPLE(SesSignInfo, certificate, ASN1_OCTET_STRING),
        ASN1_SIMPLE(SesSignInfo, algorithm, ASN1_OBJECT),
        ASN1_SIMPLE(SesSignInfo, value, ASN1_BIT_STRING),
} ASN1_SEQUENCE_END(SesSignInfo)

ASN1_SEQUENCE(SesSeal2014) = {
        ASN1_SIMPLE(SesSeal2014, info, SesInfo),
        ASN1_SIMPLE(SesSeal2014, sign, SesSignInfo),
} ASN1_SEQUENCE_END(SesSeal2014)

ASN1_SEQUENCE(SesSigned2014) = {
        ASN1_SIMPLE(SesSigned2014, info, SesInfo),
        ASN1_SIMPLE(SesSigned2014, certificate, ASN1_OCTET_STRING),
        ASN1_SIMPLE(SesSigned2014, algorithm, ASN1_OBJECT),
} ASN1_SEQUENCE_END(SesSigned2014)

ASN1_SEQUENCE_enc(SesTbs, encoding, 0) = {
        ASN1_SIMPLE(SesTbs, version, ASN1_INTEGER),
        ASN1_SIMPLE(SesTbs, seal, SesSeal),
        ASN1_SIMPLE(SesTbs, time, ASN1_GENERALIZEDTIME),
        ASN1_SIMPLE(SesTbs, hash, ASN1_BIT_STRING),
        ASN1_SIMPLE(SesTbs, property, ASN1_IA5STRING),
        ASN1_EXP_SEQUENCE_OF_OPT(SesTbs, extensions, SesExtension, 0),
        ASN1_SEQUENCE_OF_OPT(SesTbs, extensions_untagged, SesExtension),
} ASN1_SEQUENCE_END_enc(SesTbs, SesTbs)

ASN1_SEQUENCE_enc(SesTbs2014, encoding, 0) = {
        ASN1_SIMPLE(SesTbs2014, version, ASN1_INTEGER),
        ASN1_SIMPLE(SesTbs2014, seal, SesSeal2014),
        ASN1_SIMPLE(SesTbs2014, time, ASN1_BIT_STRING),
        ASN1_SIMPLE(SesTbs2014, hash, ASN1_BIT_STRING),
        ASN1_SIMPLE(SesTbs2014, property, ASN1_IA5STRING),
        ASN1_SIMPLE(SesTbs2014, certificate, ASN1_OCTET_STRING),
        ASN1_SIMPLE(SesTbs2014, algorithm, ASN1_OBJECT),
} ASN1_SEQUENCE_END_enc(SesTbs2014, SesTbs2014)

ASN1_SEQUENCE(SesSignature) = {
        ASN1_SIMPLE(SesSignature, tbs, SesTbs),
        ASN1_SIMPLE(SesSignature, certificate, ASN1_OCTET_STRING),
        ASN1_SIMPLE(SesSignature, algorithm, ASN1_OBJECT),
        ASN1_SIMPLE(SesSignature, value, ASN1_BIT_STRING),
        ASN1_EXP_OPT(SesSignature, stamp, ASN1_BIT_STRING, 0),
        ASN1_OPT(SesSignature, stamp_untagged, ASN1_BIT_STRING),
} ASN1_SEQUENCE_END(SesSignature)

ASN1_SEQUENCE(SesSignature2014) = {
        ASN1_SIMPLE(SesSignature2014, tbs, SesTbs2014),
        ASN1_SIMPLE(SesSignature2014, value, ASN1_BIT_STRING),
} ASN1_SEQUENCE_END(SesSignature2014)

int ses_encode(const void *value, const ASN1_ITEM *item, uint8_t **ret, size_t *ret_size) {
        uint8_t *der = NULL;

        int n = ASN1_item_i2d(value, &der, item);
        if (n <= 0 || !der)
                return openssl_short();
        *ret = der; /* OpenSSL's allocator is malloc: this program never replaces it */
        *ret_size = (size_t) n;
        return 0;
}

void *ses_decode(Bytes bytes, const ASN1_ITEM *item, size_t *ret_used) {
        const unsigned char *at = bytes.data;

        if (bytes.size > LONG_MAX)
                return NULL;
        void *value = ASN1_item_d2i(NULL, &at, (long) bytes.size, item);
        if (value)
                *ret_used = (size_t) (at - bytes.data);
        return value;
}

void *ses_decode_whole(Bytes bytes, const ASN1_ITEM *item) {
        size_t used = 0;

        void *value = ses_decode(bytes, item, &used);
        if (value && used == bytes.size)
                return value;
        ASN1_item_free(value, item);
        return NULL;
}

bool ses_bits_are_whole(const ASN1_BIT_STRING *bits) {
        return (bits->flags & 0x07) == 0;
}

/* Told that all bits are used: the encoder would leave out zeros at the end. */
bool ses_put_bits(ASN1_BIT_STRING *bits, Bytes bytes) {
        if (ASN1_STRING_set(bits, bytes.data, (int) bytes.size) != 1)
                return false;
        bits->flags &= ~(long) (ASN1_STRING_FLAG_BITS_LEFT | 0x07);
        bits->flags |= ASN1_STRING_FLAG_BITS_LEFT;
        return true;
}
