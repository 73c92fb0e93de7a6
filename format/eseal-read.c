/* SPDX-License-Identifier: Apache-2.0 */
#include "format/eseal-read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "format/eseal-shape.h"
#include "format/eseal.h"
#include "policy/openssl.h"

ESealFile *eseal_file_free(ESealFile *file) {
        if (!file)
                return NULL;
        ASN1_item_free(file->whole, file->item);
        OPENSSL_free(file->maker_message);
        free(file);
        return NULL;
}

const STACK_OF(SesExtension) * eseal_file_extensions(const ESealFile *file) {
        return file->info->extensions ? file->info->extensions : file->info->extensions_tagged;
}

/* ---- views ----------------------------------------------------------------------------------- */

static Bytes original(const ASN1_ENCODING *encoding) {
        return (Bytes){ encoding->enc, (size_t) encoding->len };
}

static void view_seal(ESealFile *file, SesSeal *seal) {
        file->info = seal->info;
        file->maker = (ESealSigning){
                .message = original(&seal->info->encoding),
                .certificate = ses_bytes(seal->certificate),
                .algorithm = seal->algorithm,
                .value = ses_bytes(seal->value),
        };
}

/* In 2014 the maker signs SEQUENCE { esealInfo, cert, signatureAlgorithm }. */
static int view_seal_2014(ESealFile *file, SesSeal2014 *seal) {
        SesSigned2014 message = { seal->info, seal->sign->certificate, seal->sign->algorithm };
        size_t size = 0;

        int r = ses_encode(&message, ASN1_ITEM_rptr(SesSigned2014), &file->maker_message, &size);
        if (r != 0)
                return r;
        file->is_2014 = true;
        file->info = seal->info;
        file->maker = (ESealSigning){
                .message = { file->maker_message, size },
                .certificate = ses_bytes(seal->sign->certificate),
                .algorithm = seal->sign->algorithm,
                .value = ses_bytes(seal->sign->value),
        };
        return 0;
}

static void view_signature(ESealFile *file, SesSignature *signature) {
        SesTbs *tbs = signature->tbs;

        view_seal(file, tbs->seal);
        file->is_signature = true;
        file->time = tbs->time;
        file->hash = tbs->hash;
        file->property = tbs->property;
        file->extensions = tbs->extensions ? tbs->extensions : tbs->extensions_untagged;
        file->stamp = signature->stamp ? signature->stamp : signature->stamp_untagged;
        file->signer = (ESealSigning){
                .message = original(&tbs->encoding),
                .certificate = ses_bytes(signature->certificate),
                .algorithm = signature->algorithm,
                .value = ses_bytes(signature->value),
        };
}

static int view_signature_2014(ESealFile *file, SesSignature2014 *signature) {
        SesTbs2014 *tbs = signature->tbs;

        file->is_signature = true;
        file->time = tbs->time;
        file->hash = tbs->hash;
        file->property = tbs->property;
        file->signer = (ESealSigning){
                .message = original(&tbs->encoding),
                .certificate = ses_bytes(tbs->certificate),
                .algorithm = tbs->algorithm,
                .value = ses_bytes(signature->value),
        };
        return view_seal_2014(file, tbs->seal);
}

/* ---- layouts --------------------------------------------------------------------------------- */

/* The first of these that the bytes are; both standards tell theirs apart by their elements. */
static const ASN1_ITEM *layout_of(const ESealFile *file) {
        if (file->is_signature)
                return file->is_2014 ? ASN1_ITEM_rptr(SesSignature2014)
                                     : ASN1_ITEM_rptr(SesSignature);
        return file->is_2014 ? ASN1_ITEM_rptr(SesSeal2014) : ASN1_ITEM_rptr(SesSeal);
}

/* 0 with or without file->whole; -ENOMEM. */
static int layout_decode(ESealFile *file, Bytes bytes, size_t *ret_used) {
        file->item = layout_of(file);
        file->whole = ses_decode(bytes, file->item, ret_used);
        return file->whole || openssl_error() != -ENOMEM ? 0 : -ENOMEM;
}

static int view(ESealFile *file) {
        if (file->is_signature && file->is_2014)
                return view_signature_2014(file, file->whole);
        if (file->is_2014)
                return view_seal_2014(file, file->whole);
        if (file->is_signature)
                view_signature(file, file->whole);
        else
                view_seal(file, file->whole);
        return 0;
}

/* ---- encoding -------------------------------------------------------------------------------- */

static ASN1_ENCODING *tbs_encoding(const ESealFile *file) {
        if (!file->is_signature)
                return NULL;
        return file->is_2014 ? &((SesSignature2014 *) file->whole)->tbs->encoding
                             : &((SesSignature *) file->whole)->tbs->encoding;
}

/* While modified, the encoder does not give back the bytes that were read. */
static void encodings_mark(const ESealFile *file, int modified) {
        ASN1_ENCODING *tbs = tbs_encoding(file);

        file->info->encoding.modified = modified;
        if (tbs)
                tbs->modified = modified;
}

/* DER has one encoding for each value: is it that? -ENOMEM. */
static int encoding_check(const ESealFile *file, Bytes bytes, VerifyReport *report) {
        uint8_t *again = NULL;
        size_t size = 0;

        encodings_mark(file, 1);
        int r = ses_encode(file->whole, file->item, &again, &size);
        encodings_mark(file, 0);
        if (r == 0 && (size != bytes.size || memcmp(again, bytes.data, size) != 0))
                verify_deviation(report, DEVIATION_NOT_DER, NULL);
        OPENSSL_free(again);
        return r;
}

/* ---- versions -------------------------------------------------------------------------------- */

static STACK_OF(ASN1_TYPE) * sequence_open(const ASN1_TYPE *element) {
        if (!element || element->type != V_ASN1_SEQUENCE)
                return NULL;
        const unsigned char *at = element->value.sequence->data;
        return d2i_ASN1_SEQUENCE_ANY(NULL, &at, element->value.sequence->length);
}

static void sequence_freep(STACK_OF(ASN1_TYPE) * *sequence) {
        sk_ASN1_TYPE_pop_free(*sequence, ASN1_TYPE_free);
}

/* The version in the header of what begins as a seal does; 0 for all else. */
static long header_version(const STACK_OF(ASN1_TYPE) * seal) {
        _cleanup_(sequence_freep) STACK_OF(ASN1_TYPE) *info = NULL, *header = NULL;

        info = sequence_open(sk_ASN1_TYPE_value(seal, 0));
        header = sequence_open(sk_ASN1_TYPE_value(info, 0));
        const ASN1_TYPE *version = sk_ASN1_TYPE_value(header, 1);
        if (!version || version->type != V_ASN1_INTEGER)
                return 0;
        return ASN1_INTEGER_get(version->value.integer);
}

/* Of a structure that was not understood, or whose version is not one of ours. */
static long version_look(Bytes bytes, bool is_signature) {
        _cleanup_(sequence_freep) STACK_OF(ASN1_TYPE) *outer = NULL, *tbs = NULL, *seal = NULL;
        const unsigned char *at = bytes.data;

        outer = d2i_ASN1_SEQUENCE_ANY(NULL, &at, (long) bytes.size);
        if (!is_signature)
                return header_version(outer);
        tbs = sequence_open(sk_ASN1_TYPE_value(outer, 0));
        seal = sequence_open(sk_ASN1_TYPE_value(tbs, 1));
        return header_version(seal);
}

static int refuse(VerifyReport *report, Bytes bytes, const ESealFile *file) {
        long version = version_look(bytes, file->is_signature);
        const char *what = file->is_signature ? "SES_Signature" : "SESeal";

        if (openssl_error() == -ENOMEM)
                return -ENOMEM;
        if (version == ESEAL_VERSION_2025)
                verify_check(report, CHECK_STRUCTURE, CHECK_FAILED,
                             "It is of version 5 (GM/T 0031-2025), which is not known here");
        else if (version != 0 && version != ESEAL_VERSION_2014 && version != ESEAL_VERSION)
                verify_check(report, CHECK_STRUCTURE, CHECK_FAILED,
                             "It is of version %ld, which is not known here; versions 4 (GB/T "
                             "38540-2020) and 1 (GM/T 0031-2014) are",
                             version);
        else
                verify_check(report, CHECK_STRUCTURE, CHECK_FAILED, "It is no whole %s (%s)", what,
                             version == ESEAL_VERSION ? "it begins as one of GB/T 38540-2020"
                             : version != 0           ? "it begins as one of GM/T 0031-2014"
                                                      : "it does not begin as one");
        return 0;
}

static bool version_is_known(const ESealFile *file) {
        return ASN1_INTEGER_get(file->info->header->version) ==
               (file->is_2014 ? ESEAL_VERSION_2014 : ESEAL_VERSION);
}

/* ---- all of it ------------------------------------------------------------------------------- */

/* One of both layouts. 0: *ret_known says whether it is that one. */
static int layout_try(ESealFile *file, Bytes bytes, size_t *ret_used, bool *ret_known) {
        int r = layout_decode(file, bytes, ret_used);
        if (r == 0 && file->whole)
                r = view(file);
        *ret_known = r == 0 && file->whole && version_is_known(file);
        return r;
}

static void layout_leave(ESealFile *file) {
        const bool is_signature = file->is_signature;

        ASN1_item_free(file->whole, file->item);
        OPENSSL_free(file->maker_message);
        *file = (ESealFile){ .is_signature = is_signature };
}

static int layouts_try(ESealFile *file, Bytes bytes, size_t *ret_used, bool *ret_known) {
        int r = layout_try(file, bytes, ret_used, ret_known);
        if (r != 0 || *ret_known)
                return r;
        layout_leave(file);
        file->is_2014 = true;
        return layout_try(file, bytes, ret_used, ret_known);
}

int eseal_file_read(Bytes bytes, VerifyReport *report, ESealFile **ret) {
        _cleanup_(eseal_file_freep) ESealFile *file = NULL;
        bool known = false;
        size_t used = 0;

        if (bytes.size > ESEAL_FILE_MAX) {
                verify_check(report, CHECK_STRUCTURE, CHECK_FAILED,
                             "It has %zu bytes; at most %d are read", bytes.size, ESEAL_FILE_MAX);
                return 0;
        }
        file = calloc(1, sizeof(*file));
        if (!file)
                return -ENOMEM;
        file->is_signature = report->kind == VERIFY_SIGNATURE;
        int r = layouts_try(file, bytes, &used, &known);
        if (r == 0 && !known)
                return refuse(report, bytes, file);
        if (r == 0)
                r = encoding_check(file, (Bytes){ bytes.data, used }, report);
        if (r != 0)
                return r;
        if (used < bytes.size)
                verify_deviation(report, DEVIATION_TRAILING_BYTES, NULL);
        if (eseal_shape_check(file, report))
                *ret = steal_ptr(file);
        return 0;
}
