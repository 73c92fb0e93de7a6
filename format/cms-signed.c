/* SPDX-License-Identifier: Apache-2.0 */
#include "format/cms-signed.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "format/cms-attributes.h"
#include "format/der-elements.h"
#include "format/x509-read.h"
#include "format/x509-signed.h"

/* RFC 5652 §5.1, §5.3: 1, but 3 for what PKCS #7 did not have. */
#define VERSION_FIRST 1
#define VERSION_LATER 3

CmsSigned *cms_signed_free(CmsSigned *cms) {
        if (!cms)
                return NULL;
        CmsInfo_free(cms->info);
        X509_free(cms->x509);
        free(cms);
        return NULL;
}

static Bytes string_bytes(const ASN1_STRING *string) {
        return (Bytes){ .data = ASN1_STRING_get0_data(string),
                        .size = (size_t) ASN1_STRING_length(string) };
}

/* --- reading -------------------------------------------------------------------------------- */

bool cms_signed_is_gb(const CmsSigned *cms) {
        return openssl_object_is(cms->info->type, CMS_OID_GB_SIGNED_DATA);
}

/* Those of X.509; what else there may be (RFC 5652 §10.2.2) shows by their number. */
static void embedded_find(CmsSigned *cms) {
        const STACK_OF(ASN1_TYPE) *all = cms->info->data->certificates;

        for (int i = 0; i < sk_ASN1_TYPE_num(all); i++) {
                const ASN1_TYPE *any = sk_ASN1_TYPE_value(all, i);
                if (any->type == V_ASN1_SEQUENCE && cms->embedded_count < VERIFY_EMBEDDED_MAX)
                        cms->embedded[cms->embedded_count++] = string_bytes(any->value.sequence);
        }
}

size_t cms_signed_signers(const CmsSigned *cms) {
        return (size_t) sk_CmsSignerInfo_num(cms->info->data->signers);
}

void cms_signed_choose(CmsSigned *cms, size_t signer) {
        X509_free(cms->x509);
        cms->x509 = NULL;
        cms->certificate = (Bytes){};
        cms->algorithm = NULL;
        cms->signer = sk_CmsSignerInfo_value(cms->info->data->signers, (int) signer);
}

int cms_signed_read(Bytes file, CmsSigned **ret, size_t *ret_used) {
        _cleanup_(cms_signed_freep) CmsSigned *cms = calloc(1, sizeof(*cms));
        const unsigned char *at = file.data;

        if (!cms)
                return -ENOMEM;
        if (file.size > CMS_FILE_MAX || !der_elements_fit(file, CMS_ELEMENTS_MAX))
                return SEAL_E_INVALID_ARGS;
        cms->info = (CmsInfo *) ASN1_item_d2i(NULL, &at, (long) file.size, CmsInfo_it());
        if (!cms->info)
                return openssl_refused(SEAL_E_INVALID_ARGS);
        if (!cms_signed_is_gb(cms) && !openssl_object_is(cms->info->type, CMS_OID_SIGNED_DATA))
                return SEAL_E_INVALID_ARGS;
        cms_signed_choose(cms, 0);
        embedded_find(cms);
        *ret_used = (size_t) (at - file.data);
        *ret = steal_ptr(cms);
        return 0;
}

Bytes cms_signed_digest(const CmsSigned *cms) {
        const ASN1_TYPE *digest = cms_attribute_value(cms->signer->signed_attributes,
                                                      NID_pkcs9_messageDigest, V_ASN1_OCTET_STRING);

        return digest ? string_bytes(digest->value.octet_string) : (Bytes){};
}

const char *cms_signed_hash(const CmsSigned *cms) {
        const int nid = OBJ_obj2nid(cms->signer->digest_algorithm->algorithm);
        const SignatureAlgorithm *algorithm;

        for (size_t i = 0; (algorithm = signature_algorithm_at(i)); i++)
                if (algorithm->hash_nid == nid)
                        return algorithm->hash;
        return NULL;
}

Bytes cms_signed_content(const CmsSigned *cms) {
        const ASN1_OCTET_STRING *data = cms->info->data->content->data;
        static const uint8_t nothing[1];

        if (!data)
                return (Bytes){};
        return ASN1_STRING_length(data) > 0 ? string_bytes(data) : (Bytes){ .data = nothing };
}

Bytes cms_signed_signature(const CmsSigned *cms) {
        return string_bytes(cms->signer->signature);
}

/* --- telling -------------------------------------------------------------------------------- */

void cms_tell(const CmsVoice *voice, CheckCode code, CheckResult result, const char *format, ...) {
        char text[VERIFY_TEXT_MAX + 1];
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        if (!voice->timestamp)
                verify_check(voice->report, code, result, "%s", text);
        else if (result != CHECK_PASSED)
                verify_check(voice->report, CHECK_TIMESTAMP, result, "Of the time stamp: %s", text);
}

static bool shape_fail(const CmsVoice *voice, const char *text) {
        cms_tell(voice, CHECK_STRUCTURE, CHECK_FAILED, "%s", text);
        return false;
}

static void deviation(const CmsVoice *voice, DeviationCode code, const char *what) {
        char where[VERIFY_TEXT_MAX + 1];

        if (voice->where && what)
                (void) snprintf(where, sizeof(where), "%s: %s", voice->where, what);
        verify_deviation(voice->report, code,
                         voice->where && what ? where
                         : what               ? what
                                              : voice->where);
}

/* --- structure ------------------------------------------------------------------------------ */

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
                deviation(voice, DEVIATION_VERSION, NULL);
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
                deviation(voice, DEVIATION_ALGORITHM_IDENTIFIER, "the list of digest algorithms");
}

static void unsigned_look(const CmsSigned *cms, const CmsVoice *voice) {
        const CmsAttributes *attributes = cms->signer->unsigned_attributes;
        char oid[VERIFY_NAME_MAX + 1];

        if (cms->info->data->crls)
                deviation(voice, DEVIATION_UNSIGNED_CONTENT, "revocation lists");
        if (sk_ASN1_TYPE_num(cms->info->data->certificates) > (int) cms->embedded_count)
                deviation(voice, DEVIATION_UNSIGNED_CONTENT, "certificates of other kinds");
        for (int i = 0; i < sk_X509_ATTRIBUTE_num(attributes); i++) {
                X509_ATTRIBUTE *attribute = sk_X509_ATTRIBUTE_value(attributes, i);
                const ASN1_OBJECT *type = X509_ATTRIBUTE_get0_object(attribute);
                if (!voice->timestamp && OBJ_obj2nid(type) == NID_id_smime_aa_timeStampToken)
                        continue;
                (void) OBJ_obj2txt(oid, sizeof(oid), type, 1);
                deviation(voice, DEVIATION_UNSIGNED_CONTENT, oid);
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
                deviation(voice, DEVIATION_UNREAD_ATTRIBUTE, oid);
        }
}

static bool encodes_as(const void *value, const ASN1_ITEM *item, Bytes written) {
        _cleanup_free_ uint8_t *der = NULL;
        size_t size;

        return x509_encode(value, item, &der, &size) == 0 &&
               bytes_equal((Bytes){ der, size }, written);
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
        if (!encodes_as(attributes, ASN1_ITEM_rptr(CmsAttributesSorted), (Bytes){ message, size }))
                deviation(voice, DEVIATION_NOT_DER, "the order of attributes");
        return true;
}

static void encoding_look(const CmsSigned *cms, Bytes file, size_t used, const CmsVoice *voice) {
        if (!encodes_as(cms->info, ASN1_ITEM_rptr(CmsInfo), (Bytes){ file.data, used }))
                deviation(voice, DEVIATION_NOT_DER, NULL);
        if (used < file.size)
                deviation(voice, DEVIATION_TRAILING_BYTES, NULL);
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

/* --- the signer's certificate --------------------------------------------------------------- */

/* What a signature says of its certificate by attribute. */
typedef struct Named {
        const CmsCertificateId *id; /* NULL: nothing */
        const EVP_MD *md;           /* NULL: by a hash that is not accepted */
} Named;

/*
 * Its hash algorithm: SHA-256 where it names none; of version 1, which time stamps may have, SHA-1.
 */
static const EVP_MD *id_md(const CmsCertificateId *id, bool first_version) {
        const SignatureAlgorithm *algorithm;

        if (first_version)
                return EVP_sha1();
        if (!id->hash_algorithm)
                return EVP_sha256();
        for (size_t i = 0; (algorithm = signature_algorithm_at(i)); i++)
                if (algorithm->hash_nid == OBJ_obj2nid(id->hash_algorithm->algorithm))
                        return signature_algorithm_md(algorithm);
        return NULL;
}

static bool id_hash_is(const Named *named, Bytes certificate) {
        uint8_t hash[EVP_MAX_MD_SIZE];
        unsigned size;

        return named->id && named->md &&
               EVP_Digest(certificate.data, certificate.size, hash, &size, named->md, NULL) == 1 &&
               bytes_equal((Bytes){ hash, size }, string_bytes(named->id->hash));
}

static bool issuer_is(const GENERAL_NAMES *names, const X509_NAME *issuer) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_num(names) == 1 ? sk_GENERAL_NAME_value(names, 0)
                                                                   : NULL;

        return name && name->type == GEN_DIRNAME &&
               X509_NAME_cmp(name->d.directoryName, issuer) == 0;
}

/* Issuer and serial number are a hint (RFC 5035 §5), which must not lie. */
static bool id_issuer_is(const CmsCertificateId *id, const X509 *x509) {
        return !id->issuer_serial ||
               (ASN1_INTEGER_cmp(id->issuer_serial->serial, X509_get0_serialNumber(x509)) == 0 &&
                issuer_is(id->issuer_serial->issuer, X509_get_issuer_name(x509)));
}

static bool signer_id_is(const CmsSignerId *id, const X509 *x509) {
        if (id->type == CMS_ID_KEY) {
                const ASN1_OCTET_STRING *key = X509_get0_subject_key_id((X509 *) x509);
                return key && ASN1_OCTET_STRING_cmp(key, id->value.key) == 0;
        }
        return ASN1_INTEGER_cmp(id->value.issuer->serial, X509_get0_serialNumber(x509)) == 0 &&
               X509_NAME_cmp(id->value.issuer->issuer, X509_get_issuer_name(x509)) == 0;
}

/* Keep it if it is the first that the signer's identifier names, or the one that was meant. */
static int certificate_try(CmsSigned *cms, const Named *named, Bytes der) {
        _cleanup_(X509_freep) X509 *x509 = NULL;

        int r = x509_read(der, &x509, NULL);
        if (r != 0)
                return r < 0 ? r : 0;
        if (!signer_id_is(cms->signer->id, x509) || (cms->x509 && !id_hash_is(named, der)))
                return 0;
        X509_free(cms->x509);
        cms->x509 = steal_ptr(x509);
        cms->certificate = der;
        return 0;
}

static int certificate_find(CmsSigned *cms, const Named *named, const VerifyTrust *trust) {
        const VerifyList embedded = { cms->embedded, cms->embedded_count };
        const VerifyList *lists[] = { &embedded, &trust->intermediates, &trust->anchors,
                                      &trust->timestamp_anchors };
        int r = 0;

        for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
                for (size_t j = 0; r == 0 && j < lists[i]->count; j++)
                        r = certificate_try(cms, named, lists[i]->items[j]);
        return r;
}

static void signing_certificate_judge(const CmsSigned *cms, const Named *named,
                                      const CmsVoice *voice) {
        const CmsAttributes *attributes = cms->signer->signed_attributes;

        if (!named->id)
                cms_tell(voice, CHECK_SIGNING_CERTIFICATE, CHECK_FAILED,
                         "It has not exactly one attribute signing-certificate-v2");
        else if (!voice->timestamp &&
                 cms_attribute_count(attributes, NID_id_smime_aa_signingCertificate) > 0)
                cms_tell(voice, CHECK_SIGNING_CERTIFICATE, CHECK_FAILED,
                         "It names its certificate by SHA-1 as well (signing-certificate)");
        else if (!named->md)
                cms_tell(voice, CHECK_SIGNING_CERTIFICATE, CHECK_FAILED,
                         "It names its certificate by a hash that is not accepted");
        else if (!id_hash_is(named, cms->certificate))
                cms_tell(voice, CHECK_SIGNING_CERTIFICATE, CHECK_FAILED,
                         "It was made with another certificate than the one at hand");
        else if (!id_issuer_is(named->id, cms->x509))
                cms_tell(voice, CHECK_SIGNING_CERTIFICATE, CHECK_FAILED,
                         "It names its certificate with another's issuer or serial number");
        else
                cms_tell(voice, CHECK_SIGNING_CERTIFICATE, CHECK_PASSED,
                         "It names the certificate by its hash");
}

static void certificate_missing(const CmsSigned *cms, const Named *named, const CmsVoice *voice) {
        for (size_t i = 0; i < cms->embedded_count; i++)
                if (id_hash_is(named, cms->embedded[i])) {
                        cms_tell(voice, CHECK_SIGNING_CERTIFICATE, CHECK_FAILED,
                                 "Its signer's identifier and its attribute signing-certificate-v2 "
                                 "name different certificates");
                        return;
                }
        /* EN 319 122-1 §6.3: where there are certificates, the signer's is among them. */
        if (cms->embedded_count > 0)
                cms_tell(voice, CHECK_SIGNING_CERTIFICATE, CHECK_FAILED,
                         "None of the certificates in the file is the signer's");
        else
                cms_tell(voice, CHECK_SIGNING_CERTIFICATE, CHECK_NOT_CHECKED,
                         "The signer's certificate is not in the file, and was not given");
}

/* Names match in any case (RFC 5280 §7.1), but nobody signs how it is spelt here. */
static void spelling_look(const CmsSigned *cms, const CmsVoice *voice) {
        const CmsSignerId *id = cms->signer->id;
        const uint8_t *here = NULL, *there = NULL;
        size_t here_size = 0, there_size = 0;

        if (id->type == CMS_ID_ISSUER &&
            X509_NAME_get0_der(id->value.issuer->issuer, &here, &here_size) == 1 &&
            X509_NAME_get0_der(X509_get_issuer_name(cms->x509), &there, &there_size) == 1 &&
            !bytes_equal((Bytes){ here, here_size }, (Bytes){ there, there_size }))
                deviation(voice, DEVIATION_NAME_SPELLING, NULL);
}

/* Nobody signs the parameters of PSS: what they can say otherwise than we do is told. */
static int parameters_look(const CmsSigned *cms, const CmsVoice *voice) {
        _cleanup_(X509_ALGOR_freep) X509_ALGOR *usual = X509_ALGOR_new();
        _cleanup_free_ uint8_t *der = NULL;
        size_t size = 0;

        if (!usual)
                return openssl_short();
        int r = signature_algorithm_encode(cms->algorithm, usual);
        if (r == 0)
                r = x509_encode(usual, ASN1_ITEM_rptr(X509_ALGOR), &der, &size);
        if (r == 0 && !encodes_as(cms->signer->signature_algorithm, ASN1_ITEM_rptr(X509_ALGOR),
                                  (Bytes){ der, size }))
                deviation(voice, DEVIATION_ALGORITHM_IDENTIFIER, "the parameters of PSS");
        return r;
}

static int algorithm_find(CmsSigned *cms, const CmsVoice *voice) {
        EVP_PKEY *key = X509_get0_pubkey(cms->x509);

        if (key)
                cms->algorithm = signature_algorithm_read_cms(cms->signer->signature_algorithm,
                                                              cms->signer->digest_algorithm, key);
        ERR_clear_error();
        return cms->algorithm && cms->algorithm->scheme == SIGNATURE_RSAPSS
                       ? parameters_look(cms, voice)
                       : 0;
}

int cms_signed_identify(CmsSigned *cms, const VerifyTrust *trust, const CmsVoice *voice) {
        const CmsAttributes *attributes = cms->signer->signed_attributes;
        const bool first_version = voice->timestamp &&
                                   cms_attribute_count(attributes,
                                                       NID_id_smime_aa_signingCertificateV2) == 0;
        _cleanup_(CmsSigningCertificate_freep)
                CmsSigningCertificate *value = cms_attribute_signing_certificate(attributes,
                                                                                 first_version);
        Named named = {};

        ERR_clear_error();
        if (value && sk_CmsCertificateId_num(value->certificates) > 0) {
                named.id = sk_CmsCertificateId_value(value->certificates, 0);
                named.md = id_md(named.id, first_version);
        }
        int r = certificate_find(cms, &named, trust);
        if (r != 0)
                return r;
        if (!cms->x509) {
                certificate_missing(cms, &named, voice);
                return 0;
        }
        signing_certificate_judge(cms, &named, voice);
        spelling_look(cms, voice);
        return algorithm_find(cms, voice);
}

/* --- signature ------------------------------------------------------------------------------ */

static void encoding_tell(SignatureEncoding encoding, const CmsVoice *voice) {
        if (encoding == SIGNATURE_AS_RAW)
                deviation(voice, DEVIATION_RAW_SIGNATURE, NULL);
        if (encoding == SIGNATURE_AS_NON_MINIMAL)
                deviation(voice, DEVIATION_NON_MINIMAL_INTEGER, NULL);
}

int cms_signed_value(const CmsSigned *cms, const CmsVoice *voice) {
        _cleanup_free_ uint8_t *message = NULL;
        SignatureEncoding encoding;
        size_t size = 0;

        if (!cms->x509) {
                cms_tell(voice, CHECK_SIGNATURE_VALUE, CHECK_NOT_CHECKED,
                         "The signer's certificate is not there");
                return 0;
        }
        if (!cms->algorithm) {
                cms_tell(
                        voice, CHECK_SIGNATURE_VALUE, CHECK_FAILED,
                        "It is of an algorithm that is not known, or not of the certificate's key");
                return 0;
        }
        int r = x509_encode(cms->signer->signed_attributes, ASN1_ITEM_rptr(CmsAttributesAsRead),
                            &message, &size);
        if (r == 0)
                r = signature_value_verify(cms->algorithm, X509_get0_pubkey(cms->x509),
                                           (Bytes){ message, size }, cms_signed_signature(cms),
                                           &encoding);
        if (r == SEAL_E_APPROVAL_INVALID) {
                cms_tell(voice, CHECK_SIGNATURE_VALUE, CHECK_FAILED,
                         "The signature is not this certificate's over these attributes");
                return 0;
        }
        if (r != 0)
                return r;
        encoding_tell(encoding, voice);
        cms_tell(voice, CHECK_SIGNATURE_VALUE, CHECK_PASSED, "It is the certificate's, by %s",
                 cms->algorithm->name);
        return 0;
}

/* --- other certificates --------------------------------------------------------------------- */

static int issued_by(Bytes der, X509 *x509, Bytes issuer_der, bool *ret) {
        _cleanup_(X509_freep) X509 *issuer = NULL;

        int r = x509_read(issuer_der, &issuer, NULL);
        if (r != 0)
                return r < 0 ? r : 0;
        EVP_PKEY *key = X509_get0_pubkey(issuer);
        if (!key || X509_NAME_cmp(X509_get_issuer_name(x509), X509_get_subject_name(issuer)) != 0)
                return 0;
        r = x509_signature_verify(der, true, key);
        if (r == 0)
                *ret = true;
        return r < 0 ? r : 0;
}

/* As its issuer signed it, or as it is among those given. */
static int other_is_whole(const CmsSigned *cms, const VerifyTrust *trust, Bytes der, bool *ret) {
        const VerifyList embedded = { cms->embedded, cms->embedded_count };
        const VerifyList *lists[] = { &trust->anchors, &trust->intermediates,
                                      &trust->timestamp_anchors, &embedded };
        _cleanup_(X509_freep) X509 *x509 = NULL;

        int r = x509_read(der, &x509, NULL);
        if (r != 0)
                return r < 0 ? r : 0;
        for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
                for (size_t j = 0; r == 0 && !*ret && j < lists[i]->count; j++) {
                        if (lists[i] != &embedded && bytes_equal(lists[i]->items[j], der))
                                *ret = true;
                        else
                                r = issued_by(der, x509, lists[i]->items[j], ret);
                }
        return r;
}

int cms_signed_others(const CmsSigned *cms, const VerifyTrust *trust, const CmsVoice *voice) {
        for (size_t i = 0; i < cms->embedded_count; i++) {
                bool whole = cms->embedded[i].data == cms->certificate.data;
                int r = whole ? 0 : other_is_whole(cms, trust, cms->embedded[i], &whole);
                if (r != 0)
                        return r;
                if (!whole)
                        deviation(voice, DEVIATION_UNSIGNED_CONTENT,
                                  "a certificate that no certificate at hand has issued");
        }
        return 0;
}
