/* SPDX-License-Identifier: Apache-2.0 */
#include "client/use-structure.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/limits.h"
#include "client/output.h"
#include "format/eseal-shown.h"
#include "format/eseal-verify.h"
#include "format/eseal.h"
#include "format/x509-name.h"
#include "format/x509-read.h"
#include "policy/key.h"
#include "policy/openssl.h"

#define CERTIFICATES_MAX (CERTIFICATE_CHAIN_MAX + 1)

typedef struct Structure {
        uint8_t *structure;
        size_t size;
        size_t count;
        uint8_t *certificates[CERTIFICATES_MAX];
        Bytes items[CERTIFICATES_MAX]; /* the same */
        uint8_t *part;                 /* signed_part() */
        size_t part_size;
} Structure;

static void structure_done(Structure *s) {
        for (size_t i = 0; i < CERTIFICATES_MAX; i++)
                free(s->certificates[i]);
        free(s->structure);
        free(s->part);
}

static int refuse(ErrorDetail *detail, const char *sentence) {
        return error_set(detail, SEAL_E_APPROVAL_INVALID, "Refused to sign: %s", sentence);
}

/* --- reading ---------------------------------------------------------------------------------- */

static int hex_read(const json_t *value, size_t max, uint8_t **ret, size_t *ret_size) {
        const char *hex = json_string_value(value);
        const size_t size = hex ? strlen(hex) / 2 : 0;

        if (size == 0 || size > max)
                return SEAL_E_APPROVAL_INVALID;
        *ret = malloc(size);
        if (!*ret)
                return -ENOMEM;
        *ret_size = size;
        return hex_decode(hex, *ret, size) ? 0 : SEAL_E_APPROVAL_INVALID;
}

static int certificates_read(const json_t *list, Structure *ret) {
        const json_t *item;
        size_t i;
        int r = 0;

        if (json_array_size(list) > CERTIFICATES_MAX)
                return SEAL_E_APPROVAL_INVALID;
        json_array_foreach(list, i, item) {
                r = hex_read(item, CERTIFICATE_MAX, &ret->certificates[i], &ret->items[i].size);
                if (r != 0)
                        break;
                ret->items[i].data = ret->certificates[i];
                ret->count++;
        }
        return r;
}

static int structure_read(const json_t *facts, SignFormat format, Structure *ret,
                          ErrorDetail *detail) {
        int r = hex_read(json_object_get(facts, "structure"), USE_STRUCTURE_MAX, &ret->structure,
                         &ret->size);

        if (r == 0)
                r = certificates_read(json_object_get(facts, "certificates"), ret);
        if (r == 0 && (format == FORMAT_ESEAL || format == FORMAT_PKCS10) &&
            signed_part((Bytes){ ret->structure, ret->size }, &ret->part, &ret->part_size) != 0)
                r = SEAL_E_APPROVAL_INVALID;
        return r == SEAL_E_APPROVAL_INVALID
                       ? refuse(detail, "the daemon does not show the 'structure' and "
                                        "'certificates' of the signature")
                       : r;
}

static int format_read(const json_t *facts, SignFormat *ret, ErrorDetail *detail) {
        const json_t *value = json_object_get(facts, "format");

        *ret = FORMAT_RAW; /* so a daemon that knows no other */
        if (value)
                *ret = json_is_string(value) ? sign_format_find(json_string_value(value))
                                             : SIGN_FORMAT_COUNT;
        return *ret == SIGN_FORMAT_COUNT
                       ? refuse(detail, "the signature is of a format that this program does not "
                                        "know")
                       : 0;
}

/* --- checking --------------------------------------------------------------------------------- */

static int certificate_check(const Structure *s, EVP_PKEY *key, ErrorDetail *detail) {
        _cleanup_(X509_freep) X509 *certificate = NULL;

        if (s->count == 0 || x509_read(s->items[0], &certificate, NULL) != 0)
                return refuse(detail, "the certificate cannot be read");
        return EVP_PKEY_eq(X509_get0_pubkey(certificate), key) == 1
                       ? 0
                       : refuse(detail, "the certificate is not that of the seal's key");
}

/* For want of a document its digest is that of the request. */
static int request_check(const Structure *s, const SignatureAlgorithm *algorithm,
                         const TPM2B_DIGEST *told, ErrorDetail *detail) {
        uint8_t digest[EVP_MAX_MD_SIZE];
        unsigned size = 0;

        if (EVP_Digest(s->structure, s->size, digest, &size, signature_algorithm_md(algorithm),
                       NULL) != 1)
                return openssl_short();
        return size == told->size && memcmp(digest, told->buffer, size) == 0
                       ? 0
                       : refuse(detail, "the digest is not that of the request for a certificate");
}

/* Made out to the seal's certificate, and as its maker signed it. */
static int eseal_check(Bytes eseal, Bytes certificate, ErrorDetail *detail) {
        ErrorDetail why = {};

        if (eseal_certificate_check(eseal, certificate) != 0)
                return refuse(detail,
                              "the electronic seal is not made out to the seal's certificate");
        int r = eseal_maker_check(eseal, &why);
        if (r != SEAL_E_APPROVAL_INVALID)
                return r;
        return error_set(detail, r,
                         "Refused to sign: the electronic seal is not as its maker signed it: %s",
                         why.text);
}

static int parts_check(const Structure *s, SignFormat format, const SignedFacts *facts,
                       const UseSigned *known, ErrorDetail *detail) {
        if (format == FORMAT_PKCS10)
                return request_check(s, facts->algorithm, known->document, detail);
        int r = certificate_check(s, facts->key, detail);
        return r == 0 && format == FORMAT_ESEAL ? eseal_check(facts->eseal, s->items[0], detail)
                                                : r;
}

/* The one that these facts give, to its last byte. */
static int structure_compare(const Structure *s, const SignedFacts *facts, ErrorDetail *detail) {
        _cleanup_free_ uint8_t *wanted = NULL;
        size_t size = 0;

        int r = signed_prepare(facts, &wanted, &size);
        if (r == -ENOMEM)
                return r;
        if (r == 0 && size == s->size && memcmp(wanted, s->structure, size) == 0)
                return 0;
        return refuse(detail, "what is to be signed is not the structure of this document, time "
                              "and certificate in this format");
}

static int check(const json_t *told, SignFormat format, const UseSigned *known, const Structure *s,
                 TPM2B_DIGEST *ret_signs, ErrorDetail *detail) {
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
        const json_int_t time = json_integer_value(json_object_get(told, "signing-time"));
        SignedFacts facts = {
                .format = format,
                .algorithm = signed_algorithm(known->scheme, known->hash),
                .document_digest = { known->document->buffer, known->document->size },
                .time = time > 0 ? (uint64_t) time : 0,
                .certificates = s->items,
                .certificate_count = s->count,
                .property_info = json_text(told, "property-info"),
        };
        const Bytes part = { s->part, s->part_size };

        if (!facts.algorithm || public_to_pkey(known->public, &key) != 0)
                return refuse(detail, "hash and scheme are not those of the seal's key");
        facts.key = key;
        if (format == FORMAT_ESEAL)
                facts.eseal = part;
        else
                facts.subject = part;
        int r = parts_check(s, format, &facts, known, detail);
        if (r == 0)
                r = structure_compare(s, &facts, detail);
        return r == 0 ? signature_digest(facts.algorithm, key, (Bytes){ s->structure, s->size },
                                         ret_signs)
                      : r;
}

int use_structure_check(const json_t *facts, const UseSigned *known, SignFormat *ret_format,
                        TPM2B_DIGEST *ret_signs, ErrorDetail *detail) {
        _cleanup_(structure_done) Structure s = {};
        SignFormat format;

        int r = format_read(facts, &format, detail);
        if (r == 0 && format == FORMAT_RAW)
                *ret_signs = *known->document;
        if (r == 0 && format != FORMAT_RAW)
                r = structure_read(facts, format, &s, detail);
        if (r == 0 && format != FORMAT_RAW)
                r = check(facts, format, known, &s, ret_signs, detail);
        if (r == 0)
                *ret_format = format;
        return r;
}

/* --- telling ---------------------------------------------------------------------------------- */

static json_t *name_text(const X509_NAME *name) {
        char text[X509_NAME_TEXT_MAX + 1];

        return json_string(x509_name_text(name, text));
}

json_t *use_certificate_text(const json_t *facts) {
        _cleanup_(structure_done) Structure s = {};
        _cleanup_(X509_freep) X509 *certificate = NULL;

        if (certificates_read(json_object_get(facts, "certificates"), &s) != 0 || s.count == 0 ||
            x509_read(s.items[0], &certificate, NULL) != 0)
                return NULL;
        return name_text(X509_get_subject_name(certificate));
}

static bool format_is(const json_t *facts, SignFormat format) {
        return strcmp(json_text(facts, "format"), sign_format_name(format)) == 0;
}

json_t *use_eseal_text(const json_t *facts) {
        _cleanup_(structure_done) Structure s = {};
        ESealShown shown;

        if (!format_is(facts, FORMAT_ESEAL) || structure_read(facts, FORMAT_ESEAL, &s, NULL) != 0 ||
            eseal_shown((Bytes){ s.part, s.part_size }, &shown) != 0)
                return NULL;
        return json_sprintf("%s (%s), %s", shown.id, shown.name,
                            eseal_profile((Bytes){ s.part, s.part_size }));
}

json_t *use_subject_text(const json_t *facts) {
        _cleanup_(structure_done) Structure s = {};
        _cleanup_(X509_NAME_freep) X509_NAME *name = NULL;

        if (!format_is(facts, FORMAT_PKCS10) || structure_read(facts, FORMAT_PKCS10, &s, NULL) != 0)
                return NULL;
        const uint8_t *at = s.part;
        name = d2i_X509_NAME(NULL, &at, (long) s.part_size);
        return name ? name_text(name) : NULL;
}
