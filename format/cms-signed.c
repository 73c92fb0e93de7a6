/* SPDX-License-Identifier: Apache-2.0 */
#include "format/cms-signed.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"
#include "format/cms-attributes.h"
#include "format/der-elements.h"
#include "format/x509-read.h"
#include "format/x509-signed.h"

CmsSigned *cms_signed_free(CmsSigned *cms) {
        if (!cms)
                return NULL;
        CmsInfo_free(cms->info);
        X509_free(cms->x509);
        free(cms);
        return NULL;
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
                        cms->embedded[cms->embedded_count++] = x509_string_bytes(
                                any->value.sequence);
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

        return digest ? x509_string_bytes(digest->value.octet_string) : (Bytes){};
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
        return ASN1_STRING_length(data) > 0 ? x509_string_bytes(data) : (Bytes){ .data = nothing };
}

Bytes cms_signed_signature(const CmsSigned *cms) {
        return x509_string_bytes(cms->signer->signature);
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

void cms_deviation(const CmsVoice *voice, DeviationCode code, const char *what) {
        char where[VERIFY_TEXT_MAX + 1];

        if (voice->where && what)
                (void) snprintf(where, sizeof(where), "%s: %s", voice->where, what);
        verify_deviation(voice->report, code,
                         voice->where && what ? where
                         : what               ? what
                                              : voice->where);
}

/* --- signature ------------------------------------------------------------------------------ */

static void encoding_tell(SignatureEncoding encoding, const CmsVoice *voice) {
        if (encoding == SIGNATURE_AS_RAW)
                cms_deviation(voice, DEVIATION_RAW_SIGNATURE, NULL);
        if (encoding == SIGNATURE_AS_NON_MINIMAL)
                cms_deviation(voice, DEVIATION_NON_MINIMAL_INTEGER, NULL);
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
                        cms_deviation(voice, DEVIATION_UNSIGNED_CONTENT,
                                      "a certificate that no certificate at hand has issued");
        }
        return 0;
}
