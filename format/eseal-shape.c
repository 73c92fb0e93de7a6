/* SPDX-License-Identifier: Apache-2.0 */
#include "format/eseal-shape.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "base/utc.h"
#include "format/eseal.h"
#include "format/x509-signed.h"

#define SES_LIST_CERTIFICATES 1
#define SES_LIST_DIGESTS 2

static bool fail(VerifyReport *report, const char *why) {
        verify_check(report, CHECK_STRUCTURE, CHECK_FAILED, "%s", why);
        return false;
}

/* ---- times ----------------------------------------------------------------------------------- */

/* YYYYMMDDHHMMSSZ; YYMMDDHHMMSSZ of UTCTime. */
static bool is_usual_time(const ASN1_STRING *time) {
        const int digits = time->type == V_ASN1_UTCTIME ? 12 : 14;

        if (time->length != digits + 1 || time->data[digits] != 'Z')
                return false;
        for (int i = 0; i < digits; i++)
                if (time->data[i] < '0' || time->data[i] > '9')
                        return false;
        return true;
}

bool eseal_time_read(const ASN1_STRING *time, uint64_t *ret, bool *ret_strict) {
        if (!x509_time_read(time, ret))
                return false;
        *ret_strict = is_usual_time(time);
        return true;
}

static bool time_take(const ASN1_STRING *time, int type, VerifyReport *report, uint64_t *ret) {
        bool strict = false;

        if (time->type != type || !eseal_time_read(time, ret, &strict))
                return false;
        if (!strict)
                verify_deviation(report, DEVIATION_TIME_FORMAT, NULL);
        return true;
}

static bool times_take(const SesProperty *property, int type, VerifyReport *report) {
        uint64_t created;

        return time_take(property->created, type, report, &created) &&
               time_take(property->not_before, type, report, &report->facts.seal_not_before) &&
               time_take(property->not_after, type, report, &report->facts.seal_not_after);
}

/*
 * 2014: a token, or a text. Of a text any of what people write; without its offset from UTC, as one
 * maker writes it, it is taken for UTC.
 */
static void claim_take_2014(const ASN1_STRING *time, VerifyReport *report) {
        uint8_t text[TIME_TEXT_SIZE + 1] = {}; /* ends with a zero: parsers look for it */
        ASN1_STRING digits = { .length = time->length,
                               .type = V_ASN1_GENERALIZEDTIME,
                               .data = text };
        bool strict = false;

        if (time->length < 1 || time->length >= TIME_TEXT_SIZE)
                return;
        memcpy(text, time->data, (size_t) time->length);
        if (text[0] < '0' || text[0] > '9')
                return;
        if (eseal_time_read(&digits, &report->facts.claimed, &strict))
                return;
        verify_deviation(report, DEVIATION_TIME_FORMAT, "the signature");
        if (time_parse((const char *) text, false, 0, &report->facts.claimed))
                return;
        text[time->length] = 'Z';
        (void) time_parse((const char *) text, false, 0, &report->facts.claimed);
}

/* ---- texts ----------------------------------------------------------------------------------- */

static bool is_of_its_type(const ASN1_STRING *text) {
        if (text->type == V_ASN1_UTF8STRING)
                return text_is_utf8((const char *) text->data, (size_t) text->length);
        for (int i = 0; i < text->length; i++)
                if (text->data[i] > 0x7f)
                        return false;
        return true;
}

/* OpenSSL takes any bytes for any text. */
static void text_look(const ASN1_STRING *text, VerifyReport *report, const char *where) {
        if (!is_of_its_type(text))
                verify_deviation(report, DEVIATION_CHARACTERS, where);
}

/* ---- the seal -------------------------------------------------------------------------------- */

static bool number_take(const ASN1_INTEGER *number, unsigned *ret) {
        int64_t value;

        if (ASN1_INTEGER_get_int64(&value, number) != 1 || value < 0 || value > INT_MAX)
                return false;
        *ret = (unsigned) value;
        return true;
}

static bool list_is_of(const STACK_OF(SesListed) * list, int type) {
        for (int i = 0; i < sk_SesListed_num(list); i++)
                if (sk_SesListed_value(list, i)->type != type)
                        return false;
        return true;
}

/* certListType says what is in certList; 2014 has certificates only. */
static bool list_is_sound(const SesProperty *property, bool is_2014) {
        if (!property->list_type || is_2014)
                return is_2014 && !property->list_type &&
                       list_is_of(property->list, SES_LISTED_CERTIFICATE);
        switch (ASN1_INTEGER_get(property->list_type)) {
        case SES_LIST_CERTIFICATES:
                return list_is_of(property->list, SES_LISTED_CERTIFICATE);
        case SES_LIST_DIGESTS:
                return list_is_of(property->list, SES_LISTED_DIGEST);
        default:
                return false;
        }
}

static bool property_check(const ESealFile *file, VerifyReport *report) {
        const SesProperty *property = file->info->property;
        const int times = file->is_2014 ? V_ASN1_UTCTIME : V_ASN1_GENERALIZEDTIME;
        unsigned type;

        if (!number_take(property->type, &type))
                return fail(report, "The seal's type is not a number of a type");
        if (!list_is_sound(property, file->is_2014))
                return fail(report, "The seal's list of certificates is not what its type says");
        if (sk_SesListed_num(property->list) > ESEAL_LISTED_MAX)
                return fail(report, "The seal lists too many certificates to look at");
        if (!times_take(property, times, report))
                return fail(report, "A time of the seal is not one, or not of the standard's type");
        text_look(property->name, report, "the seal's name");
        verify_text_set(report->facts.seal_name, sizeof(report->facts.seal_name),
                        ses_bytes(property->name));
        (void) snprintf(report->facts.seal_type, sizeof(report->facts.seal_type), "%u", type);
        return true;
}

static bool picture_check_size(const ESealFile *file, VerifyReport *report) {
        const SesPicture *picture = file->info->picture;

        text_look(picture->type, report, "the picture's type");
        verify_text_set(report->facts.picture_type, sizeof(report->facts.picture_type),
                        ses_bytes(picture->type));
        if (number_take(picture->width, &report->facts.picture_width) &&
            number_take(picture->height, &report->facts.picture_height))
                return true;
        return fail(report, "The width or height of the seal's picture is not a number of mm");
}

/* DER leaves out a BOOLEAN that is as it would be without, and writes TRUE in one way. */
static void critical_check(const STACK_OF(SesExtension) * list, VerifyReport *report) {
        for (int i = 0; i < sk_SesExtension_num(list); i++) {
                const ASN1_BOOLEAN critical = sk_SesExtension_value(list, i)->critical;

                if (critical == 0)
                        verify_deviation(report, DEVIATION_CRITICAL_ENCODED, NULL);
                else if (critical != -1 && critical != 0xff)
                        verify_deviation(report, DEVIATION_NOT_DER, NULL);
        }
}

/* Real seals have theirs without a tag, real signatures with [0]. */
static bool extensions_check(const STACK_OF(SesExtension) * usual,
                             const STACK_OF(SesExtension) * unusual, VerifyReport *report,
                             const char *where) {
        if (usual && unusual)
                return fail(report, "It has extensions twice");
        if (sk_SesExtension_num(usual) > ESEAL_EXTENSIONS_MAX ||
            sk_SesExtension_num(unusual) > ESEAL_EXTENSIONS_MAX)
                return fail(report, "It has too many extensions to look at");
        if (unusual)
                verify_deviation(report, DEVIATION_EXTDATAS_TAG, where);
        critical_check(usual, report);
        critical_check(unusual, report);
        return true;
}

static bool seal_check(const ESealFile *file, VerifyReport *report) {
        const SesHeader *header = file->info->header;

        if (header->id->length != 2 || memcmp(header->id->data, "ES", 2) != 0)
                return fail(report, "The seal's header is not that of an electronic seal (\"ES\")");
        text_look(header->vendor, report, "the vendor");
        text_look(file->info->id, report, "the seal's id");
        verify_text_set(report->facts.seal_vendor, sizeof(report->facts.seal_vendor),
                        ses_bytes(header->vendor));
        verify_text_set(report->facts.seal_number, sizeof(report->facts.seal_number),
                        ses_bytes(file->info->id));
        return property_check(file, report) && picture_check_size(file, report) &&
               extensions_check(file->info->extensions, file->info->extensions_tagged, report,
                                "the seal");
}

/* ---- the signature --------------------------------------------------------------------------- */

static bool bits_check(const ESealFile *file, VerifyReport *report) {
        const ASN1_BIT_STRING *bits[] = { file->hash, file->stamp, file->time };

        for (size_t i = 0; i < (file->is_2014 ? 3 : 2); i++)
                if (bits[i] && !ses_bits_are_whole(bits[i]))
                        return fail(report, "A value is not one of whole bytes");
        return true;
}

static bool stamp_check(const SesSignature *signature, VerifyReport *report) {
        if (signature->stamp && signature->stamp_untagged)
                return fail(report, "It has two time stamps");
        if (signature->stamp_untagged)
                verify_deviation(report, DEVIATION_UNTAGGED_TIMESTAMP, NULL);
        return true;
}

/* Its version is the seal's (GB/T 38540-2020 §7.2.2), whose version is known by now. */
static bool version_agrees(const ESealFile *file) {
        const ASN1_INTEGER *version =
                file->is_2014 ? ((const SesSignature2014 *) file->whole)->tbs->version
                              : ((const SesSignature *) file->whole)->tbs->version;

        return ASN1_INTEGER_cmp(version, file->info->header->version) == 0;
}

static bool signature_check(const ESealFile *file, VerifyReport *report) {
        if (!version_agrees(file))
                return fail(report, "The signature's version is another than its seal's");
        if (!bits_check(file, report))
                return false;
        text_look(file->property, report, "the protected part");
        verify_text_set(report->facts.property_info, sizeof(report->facts.property_info),
                        ses_bytes(file->property));
        if (file->is_2014) {
                claim_take_2014(file->time, report);
                return true;
        }
        if (!time_take(file->time, V_ASN1_GENERALIZEDTIME, report, &report->facts.claimed))
                return fail(report, "The time of the signature is not one");
        const SesSignature *signature = file->whole;
        return stamp_check(signature, report) &&
               extensions_check(signature->tbs->extensions, signature->tbs->extensions_untagged,
                                report, "the signature");
}

/* What was signed and how are handed on as bytes: here their unused bits can still be seen. */
static bool values_check(const ESealFile *file, VerifyReport *report) {
        const ASN1_BIT_STRING *values[2] = {};

        if (file->is_signature && file->is_2014) {
                values[0] = ((const SesSignature2014 *) file->whole)->value;
                values[1] = ((const SesSignature2014 *) file->whole)->tbs->seal->sign->value;
        } else if (file->is_signature) {
                values[0] = ((const SesSignature *) file->whole)->value;
                values[1] = ((const SesSignature *) file->whole)->tbs->seal->value;
        } else {
                values[0] = file->is_2014 ? ((const SesSeal2014 *) file->whole)->sign->value
                                          : ((const SesSeal *) file->whole)->value;
        }
        for (size_t i = 0; i < 2; i++)
                if (values[i] && !ses_bits_are_whole(values[i]))
                        return fail(report, "A signature is not one of whole bytes");
        return true;
}

bool eseal_shape_check(const ESealFile *file, VerifyReport *report) {
        return values_check(file, report) && seal_check(file, report) &&
               (!file->is_signature || signature_check(file, report));
}
