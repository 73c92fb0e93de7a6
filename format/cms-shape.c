/* SPDX-License-Identifier: Apache-2.0 */
/* How a CMS signature is built: what it has to have, and what it has beside that. */
#include <string.h>

#include "base/limits.h"
#include "format/cms-attributes.h"
#include "format/cms-signed.h"
#include "format/x509-signed.h"

/* RFC 5652 §5.1, §5.3: 1, but 3 for what PKCS #7 did not have. */
#define VERSION_FIRST 1
#define VERSION_LATER 3

static bool shape_fail(const CmsVoice *voice, const char *text) {
        cms_tell(voice, CHECK_STRUCTURE, CHECK_FAILED, "%s", text);
        return false;
}

static bool is_data(const ASN1_OBJECT *type) {
        return openssl_object_is(type, CMS_OID_DATA) || openssl_object_is(type, CMS_OID_GB_DATA);
}

/* RFC 5652 §5.1: the whole has the version that one signer asks for. */
static bool any_by_key(const STACK_OF(CmsSignerInfo) * signers) {
        for (int i = 0; i < sk_CmsSignerInfo_num(signers); i++)
                if (sk_CmsSignerInfo_value(signers, i)->id->type == CMS_ID_KEY)
                        return true;
        return false;
}

static void versions_look(const CmsSigned *cms, const CmsVoice *voice) {
        const bool by_key = cms->signer->id->type == CMS_ID_KEY;
        const CmsSignedData *data = cms->info->data;
        const long signer = by_key ? VERSION_LATER : VERSION_FIRST;
        const long whole = any_by_key(data->signers) || !is_data(data->content->type)
                                   ? VERSION_LATER
                                   : VERSION_FIRST;

        if (ASN1_INTEGER_get(cms->signer->version) != signer ||
            ASN1_INTEGER_get(data->version) != whole)
                cms_deviation(voice, DEVIATION_VERSION, NULL);
}

static bool is_listed(const STACK_OF(X509_ALGOR) * list, const ASN1_OBJECT *hash) {
        for (int i = 0; i < sk_X509_ALGOR_num(list); i++)
                if (OBJ_cmp(sk_X509_ALGOR_value(list, i)->algorithm, hash) == 0)
                        return true;
        return false;
}

static bool is_a_signers(const STACK_OF(CmsSignerInfo) * signers, const X509_ALGOR *listed) {
        const int type = listed->parameter ? listed->parameter->type : V_ASN1_UNDEF;

        for (int i = 0; i < sk_CmsSignerInfo_num(signers); i++)
                if (OBJ_cmp(sk_CmsSignerInfo_value(signers, i)->digest_algorithm->algorithm,
                            listed->algorithm) == 0)
                        return type == V_ASN1_UNDEF || type == V_ASN1_NULL;
        return false;
}

/* Nobody signs the list of digest algorithms: it has to be those of the signers, each once. */
static bool digest_algorithms_are_usual(const CmsSigned *cms) {
        const STACK_OF(X509_ALGOR) *list = cms->info->data->digest_algorithms;

        for (int i = 0; i < sk_X509_ALGOR_num(list); i++) {
                const X509_ALGOR *listed = sk_X509_ALGOR_value(list, i);
                if (!is_a_signers(cms->info->data->signers, listed))
                        return false;
                for (int j = 0; j < i; j++)
                        if (OBJ_cmp(sk_X509_ALGOR_value(list, j)->algorithm, listed->algorithm) ==
                            0)
                                return false;
        }
        return is_listed(list, cms->signer->digest_algorithm->algorithm);
}

static void digest_algorithms_look(const CmsSigned *cms, const CmsVoice *voice) {
        if (!digest_algorithms_are_usual(cms))
                cms_deviation(voice, DEVIATION_ALGORITHM_IDENTIFIER,
                              "the list of digest algorithms");
}

static void unsigned_look(const CmsSigned *cms, const CmsVoice *voice) {
        const CmsAttributes *attributes = cms->signer->unsigned_attributes;
        char oid[VERIFY_NAME_MAX + 1];

        if (cms->info->data->crls)
                cms_deviation(voice, DEVIATION_UNSIGNED_CONTENT, "revocation lists");
        if (sk_ASN1_TYPE_num(cms->info->data->certificates) > (int) cms->embedded_count)
                cms_deviation(voice, DEVIATION_UNSIGNED_CONTENT, "certificates of other kinds");
        for (int i = 0; i < sk_X509_ATTRIBUTE_num(attributes); i++) {
                X509_ATTRIBUTE *attribute = sk_X509_ATTRIBUTE_value(attributes, i);
                const ASN1_OBJECT *type = X509_ATTRIBUTE_get0_object(attribute);
                if (!voice->timestamp && OBJ_obj2nid(type) == NID_id_smime_aa_timeStampToken)
                        continue;
                (void) OBJ_obj2txt(oid, sizeof(oid), type, 1);
                cms_deviation(voice, DEVIATION_UNSIGNED_CONTENT, oid);
        }
}

/*
 * What is read, and the mail that the signer's program can read (RFC 8551 §2.5.2), which says
 * nothing of the signature.
 */
static bool attribute_is_read(const ASN1_OBJECT *type) {
        static const int known[] = {
                NID_pkcs9_contentType,
                NID_pkcs9_messageDigest,
                NID_pkcs9_signingTime,
                NID_id_smime_aa_signingCertificate,
                NID_id_smime_aa_signingCertificateV2,
                NID_SMIMECapabilities,
        };

        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
                if (OBJ_obj2nid(type) == known[i])
                        return true;
        return false;
}

/* RFC 5652 §5.3 lets a signer add what he likes; EN 319 122-1 §5.2 has policies and commitments. */
static void signed_look(const CmsSigned *cms, const CmsVoice *voice) {
        const CmsAttributes *attributes = cms->signer->signed_attributes;
        char oid[VERIFY_NAME_MAX + 1];

        for (int i = 0; i < sk_X509_ATTRIBUTE_num(attributes); i++) {
                const ASN1_OBJECT *type = X509_ATTRIBUTE_get0_object(
                        sk_X509_ATTRIBUTE_value(attributes, i));

                if (attribute_is_read(type))
                        continue;
                (void) OBJ_obj2txt(oid, sizeof(oid), type, 1);
                cms_deviation(voice, DEVIATION_UNREAD_ATTRIBUTE, oid);
        }
}

/*
 * RFC 5652 §5.3: signed attributes are DER also where the rest is not. What was signed is then in
 * the file as it is, but for the first tag; only the order is forgiven.
 */
static bool attributes_are_der(const CmsSigned *cms, Bytes file, const CmsVoice *voice) {
        const void *attributes = cms->signer->signed_attributes;
        _cleanup_free_ uint8_t *message = NULL;
        size_t size = 0;

        if (x509_encode(attributes, ASN1_ITEM_rptr(CmsAttributesAsRead), &message, &size) != 0 ||
            !memmem(file.data, file.size, message + 1, size - 1))
                return shape_fail(voice, "Its signed attributes are not DER");
        if (!x509_is_written_as(attributes, ASN1_ITEM_rptr(CmsAttributesSorted),
                                (Bytes){ message, size }))
                cms_deviation(voice, DEVIATION_NOT_DER, "the order of attributes");
        return true;
}

static void encoding_look(const CmsSigned *cms, Bytes file, size_t used, const CmsVoice *voice) {
        if (!x509_is_written_as(cms->info, ASN1_ITEM_rptr(CmsInfo), (Bytes){ file.data, used }))
                cms_deviation(voice, DEVIATION_NOT_DER, NULL);
        if (used < file.size)
                cms_deviation(voice, DEVIATION_TRAILING_BYTES, NULL);
}

/* RFC 5652 §11.1: as the content says, and a type that is known here. */
static bool content_type_check(const CmsSigned *cms, const char *const *types,
                               const CmsVoice *voice) {
        const ASN1_OBJECT *type = cms->info->data->content->type;
        const ASN1_TYPE *named = cms_attribute_value(cms->signer->signed_attributes,
                                                     NID_pkcs9_contentType, V_ASN1_OBJECT);
        char oid[VERIFY_NAME_MAX + 1];

        if (!named)
                return shape_fail(voice, "It has not exactly one attribute content-type");
        if (OBJ_cmp(named->value.object, type) != 0)
                return shape_fail(voice, "Its attribute content-type contradicts its content");
        while (*types && !openssl_object_is(type, *types))
                types++;
        if (*types)
                return true;
        (void) OBJ_obj2txt(oid, sizeof(oid), type, 1);
        cms_tell(voice, CHECK_STRUCTURE, CHECK_FAILED, "It holds content of another type: %s", oid);
        return false;
}

static bool attributes_check(const CmsSigned *cms, const char *const *types,
                             const CmsVoice *voice) {
        const CmsAttributes *attributes = cms->signer->signed_attributes;

        if (!attributes)
                return shape_fail(voice, "It has no signed attributes");
        if (cms_signed_digest(cms).size == 0)
                return shape_fail(voice, "It has not exactly one attribute message-digest");
        if (cms_attribute_count(attributes, NID_pkcs9_signingTime) > 0 &&
            cms_attribute_time(attributes) == 0)
                return shape_fail(voice,
                                  "Its attribute signing-time is there twice, or is no time");
        return content_type_check(cms, types, voice);
}

bool cms_signed_shape(const CmsSigned *cms, Bytes file, size_t used, const char *const *types,
                      const CmsVoice *voice) {
        const size_t signers = cms_signed_signers(cms);

        if (signers < 1)
                return shape_fail(voice, "It has no signer");
        if (signers > 1 && voice->timestamp) /* RFC 3161 §2.4.2 */
                return shape_fail(voice, "It has more than one signer");
        if (sk_ASN1_TYPE_num(cms->info->data->certificates) > VERIFY_EMBEDDED_MAX)
                return shape_fail(voice, "It has too many certificates");
        if (!attributes_check(cms, types, voice) || !attributes_are_der(cms, file, voice))
                return false;
        versions_look(cms, voice);
        digest_algorithms_look(cms, voice);
        signed_look(cms, voice);
        unsigned_look(cms, voice);
        encoding_look(cms, file, used, voice);
        if (signers == 1)
                cms_tell(voice, CHECK_STRUCTURE, CHECK_PASSED,
                         "It is a CMS signature of one signer");
        else
                cms_tell(voice, CHECK_STRUCTURE, CHECK_PASSED,
                         "It is a CMS signature of %zu signers", signers);
        return true;
}
