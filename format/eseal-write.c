/* SPDX-License-Identifier: Apache-2.0 */
#include "format/eseal.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/utc.h"
#include "format/eseal-asn1.h"
#include "policy/openssl.h"

#define SES_ID "ES"
#define SES_LIST_CERTIFICATES 1

/* ---- values ---------------------------------------------------------------------------------- */

static bool put_text(ASN1_STRING *string, const char *text) {
        return ASN1_STRING_set(string, text, (int) strlen(text)) == 1;
}

static bool put_bytes(ASN1_STRING *string, Bytes bytes) {
        return ASN1_STRING_set(string, bytes.data, (int) bytes.size) == 1;
}

/* YYYYMMDDHHMMSSZ */
static bool put_time(ASN1_STRING *time, uint64_t usec) {
        return ASN1_GENERALIZEDTIME_set(time, (time_t) (usec / USEC_PER_SEC)) != NULL;
}

static bool is_ascii(const char *text, size_t most) {
        size_t size = strlen(text);

        for (size_t i = 0; i < size; i++)
                if (text[i] < ' ' || text[i] > '~')
                        return false;
        return size > 0 && size <= most;
}

static bool is_within(Bytes bytes, size_t most) {
        return bytes.size > 0 && bytes.size <= most;
}

/* ---- the seal -------------------------------------------------------------------------------- */

static bool facts_are_sound(const ESealFacts *facts) {
        return is_ascii(facts->id, ESEAL_TEXT_MAX) && is_ascii(facts->vendor, ESEAL_TEXT_MAX) &&
               strlen(facts->name) <= NAME_BYTES_MAX &&
               text_is_utf8(facts->name, strlen(facts->name)) && facts->type <= INT_MAX &&
               is_within(facts->certificate, CERTIFICATE_MAX) &&
               facts->picture_type != PICTURE_NONE && is_within(facts->picture, PICTURE_MAX) &&
               facts->width >= 1 && facts->width <= ESEAL_MM_MAX && facts->height >= 1 &&
               facts->height <= ESEAL_MM_MAX && facts->created <= UTC_MAX &&
               facts->not_before <= facts->not_after && facts->not_after <= UTC_MAX;
}

static bool header_fill(SesHeader *header, const ESealFacts *facts) {
        return put_text(header->id, SES_ID) && ASN1_INTEGER_set(header->version, ESEAL_VERSION) &&
               put_text(header->vendor, facts->vendor);
}

static bool list_fill(STACK_OF(SesListed) * list, Bytes certificate) {
        SesListed *listed = (SesListed *) ASN1_item_new(ASN1_ITEM_rptr(SesListed));

        if (!listed)
                return false;
        listed->d.certificate = ASN1_OCTET_STRING_new();
        listed->type = SES_LISTED_CERTIFICATE;
        if (listed->d.certificate && put_bytes(listed->d.certificate, certificate) &&
            sk_SesListed_push(list, listed) > 0)
                return true;
        ASN1_item_free((ASN1_VALUE *) listed, ASN1_ITEM_rptr(SesListed));
        return false;
}

static bool property_fill(SesProperty *property, const ESealFacts *facts) {
        property->list_type = ASN1_INTEGER_new();
        return property->list_type && ASN1_INTEGER_set(property->type, (long) facts->type) &&
               put_text(property->name, facts->name) &&
               ASN1_INTEGER_set(property->list_type, SES_LIST_CERTIFICATES) &&
               list_fill(property->list, facts->certificate) &&
               put_time(property->created, facts->created) &&
               put_time(property->not_before, facts->not_before) &&
               put_time(property->not_after, facts->not_after);
}

static bool picture_fill(SesPicture *picture, const ESealFacts *facts) {
        return put_text(picture->type, picture_type_label(facts->picture_type)) &&
               put_bytes(picture->data, facts->picture) &&
               ASN1_INTEGER_set(picture->width, (long) facts->width) &&
               ASN1_INTEGER_set(picture->height, (long) facts->height);
}

int eseal_prepare(const ESealFacts *facts, uint8_t **ret, size_t *ret_size) {
        _cleanup_(ses_infop) SesInfo *info = NULL;

        if (!facts_are_sound(facts))
                return SEAL_E_INVALID_ARGS;
        info = (SesInfo *) ASN1_item_new(ASN1_ITEM_rptr(SesInfo));
        if (!info || !header_fill(info->header, facts) || !put_text(info->id, facts->id) ||
            !property_fill(info->property, facts) || !picture_fill(info->picture, facts))
                return openssl_short();
        return ses_encode(info, ASN1_ITEM_rptr(SesInfo), ret, ret_size);
}

/* PSS's OID says nothing of its hash, and there is no place for parameters (§7.1.1). */
static bool signing_is_sound(Bytes certificate, const SignatureAlgorithm *algorithm,
                             Bytes signature) {
        return is_within(certificate, CERTIFICATE_MAX) && is_within(signature, SIGNATURE_MAX) &&
               algorithm->scheme != SIGNATURE_RSAPSS;
}

/* With encodings that are marked as modified, else the bytes that were read are given back. */
static bool is_encoded_as(const void *value, const ASN1_ITEM *item, Bytes bytes) {
        _cleanup_free_ uint8_t *again = NULL;
        size_t size = 0;

        int r = ses_encode(value, item, &again, &size);
        return r == 0 && size == bytes.size && memcmp(again, bytes.data, size) == 0;
}

static bool is_version_4(const SesHeader *header) {
        return ASN1_INTEGER_get(header->version) == ESEAL_VERSION;
}

/* In DER and of version 4; NULL with the reason in the error queue. */
static SesInfo *info_decode(Bytes bytes) {
        SesInfo *info = ses_decode_whole(bytes, ASN1_ITEM_rptr(SesInfo));
        bool good = false;

        if (info) {
                info->encoding.modified = 1;
                good = is_version_4(info->header) &&
                       is_encoded_as(info, ASN1_ITEM_rptr(SesInfo), bytes);
                info->encoding.modified = 0;
        }
        if (!good)
                ses_infop(&info);
        return good ? info : NULL;
}

/* What is common to both structures: who signed, how, and the value. The object is OpenSSL's. */
static bool signing_fill(ASN1_OCTET_STRING *to_certificate, ASN1_OBJECT **to_algorithm,
                         ASN1_BIT_STRING *to_value, Bytes certificate,
                         const SignatureAlgorithm *algorithm, Bytes signature) {
        ASN1_OBJECT_free(*to_algorithm);
        *to_algorithm = OBJ_nid2obj(algorithm->nid);
        return *to_algorithm && put_bytes(to_certificate, certificate) &&
               ses_put_bits(to_value, signature);
}

int eseal_finish(Bytes info, Bytes maker_certificate, const SignatureAlgorithm *algorithm,
                 Bytes signature, uint8_t **ret, size_t *ret_size) {
        _cleanup_(ses_infop) SesInfo *parsed = NULL;
        _cleanup_(ses_sealp) SesSeal *seal = NULL;

        if (!signing_is_sound(maker_certificate, algorithm, signature))
                return SEAL_E_INVALID_ARGS;
        parsed = info_decode(info);
        if (!parsed)
                return openssl_refused(SEAL_E_INVALID_ARGS);
        seal = (SesSeal *) ASN1_item_new(ASN1_ITEM_rptr(SesSeal));
        if (!seal || !signing_fill(seal->certificate, &seal->algorithm, seal->value,
                                   maker_certificate, algorithm, signature))
                return openssl_short();
        ses_infop(&seal->info);
        seal->info = steal_ptr(parsed);
        return ses_encode(seal, ASN1_ITEM_rptr(SesSeal), ret, ret_size);
}

/* ---- signatures with it ---------------------------------------------------------------------- */

static bool tbs_fill(SesTbs *tbs, uint64_t time, Bytes document_digest, const char *property_info) {
        return ASN1_INTEGER_set(tbs->version, ESEAL_VERSION) && put_time(tbs->time, time) &&
               ses_put_bits(tbs->hash, document_digest) && put_text(tbs->property, property_info);
}

/* Likewise. */
static SesSeal *seal_decode(Bytes bytes) {
        SesSeal *seal = ses_decode_whole(bytes, ASN1_ITEM_rptr(SesSeal));
        bool good = false;

        if (seal) {
                seal->info->encoding.modified = 1;
                good = is_version_4(seal->info->header) &&
                       is_encoded_as(seal, ASN1_ITEM_rptr(SesSeal), bytes);
                seal->info->encoding.modified = 0;
        }
        if (!good)
                ses_sealp(&seal);
        return good ? seal : NULL;
}

int eseal_sign_prepare(Bytes eseal, uint64_t time, Bytes document_digest, const char *property_info,
                       uint8_t **ret, size_t *ret_size) {
        _cleanup_(ses_sealp) SesSeal *seal = NULL;
        _cleanup_(ses_tbsp) SesTbs *tbs = NULL;

        if (!is_ascii(property_info, PROPERTY_INFO_MAX) || time > UTC_MAX ||
            !is_within(document_digest, DIGEST_MAX))
                return SEAL_E_INVALID_ARGS;
        seal = seal_decode(eseal);
        if (!seal)
                return openssl_refused(SEAL_E_INVALID_ARGS);
        tbs = (SesTbs *) ASN1_item_new(ASN1_ITEM_rptr(SesTbs));
        if (!tbs || !tbs_fill(tbs, time, document_digest, property_info))
                return openssl_short();
        ses_sealp(&tbs->seal);
        tbs->seal = steal_ptr(seal);
        return ses_encode(tbs, ASN1_ITEM_rptr(SesTbs), ret, ret_size);
}

/* Likewise, as eseal_sign_prepare() makes it: without extensions. */
static SesTbs *tbs_decode(Bytes bytes) {
        SesTbs *tbs = ses_decode_whole(bytes, ASN1_ITEM_rptr(SesTbs));
        bool good = false;

        if (tbs) {
                ASN1_ENCODING *info = &tbs->seal->info->encoding;

                tbs->encoding.modified = info->modified = 1;
                good = ASN1_INTEGER_get(tbs->version) == ESEAL_VERSION &&
                       is_version_4(tbs->seal->info->header) && !tbs->extensions &&
                       !tbs->extensions_untagged &&
                       is_encoded_as(tbs, ASN1_ITEM_rptr(SesTbs), bytes);
                tbs->encoding.modified = info->modified = 0;
        }
        if (!good)
                ses_tbsp(&tbs);
        return good ? tbs : NULL;
}

int eseal_sign_finish(Bytes tbs, Bytes certificate, const SignatureAlgorithm *algorithm,
                      Bytes signature, uint8_t **ret, size_t *ret_size) {
        _cleanup_(ses_tbsp) SesTbs *parsed = NULL;
        _cleanup_(ses_signaturep) SesSignature *whole = NULL;

        if (!signing_is_sound(certificate, algorithm, signature))
                return SEAL_E_INVALID_ARGS;
        parsed = tbs_decode(tbs);
        if (!parsed)
                return openssl_refused(SEAL_E_INVALID_ARGS);
        whole = (SesSignature *) ASN1_item_new(ASN1_ITEM_rptr(SesSignature));
        if (!whole || !signing_fill(whole->certificate, &whole->algorithm, whole->value,
                                    certificate, algorithm, signature))
                return openssl_short();
        ses_tbsp(&whole->tbs);
        whole->tbs = steal_ptr(parsed);
        return ses_encode(whole, ASN1_ITEM_rptr(SesSignature), ret, ret_size);
}

int eseal_document_digest(Bytes tbs, TPM2B_DIGEST *ret) {
        _cleanup_(ses_tbsp) SesTbs *parsed = tbs_decode(tbs);

        if (!parsed)
                return openssl_refused(SEAL_E_INVALID_ARGS);
        Bytes hash = ses_bytes(parsed->hash);
        if (!ses_bits_are_whole(parsed->hash) || !is_within(hash, DIGEST_MAX))
                return SEAL_E_INVALID_ARGS;
        *ret = (TPM2B_DIGEST){ .size = (UINT16) hash.size };
        memcpy(ret->buffer, hash.data, hash.size);
        return 0;
}
