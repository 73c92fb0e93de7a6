/* SPDX-License-Identifier: Apache-2.0 */
/* Whose certificate a CMS signature is verified with, and by what algorithm. */
#include "format/cms-attributes.h"
#include "format/cms-signed.h"
#include "format/x509-read.h"
#include "format/x509-signed.h"

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
               bytes_equal((Bytes){ hash, size }, x509_string_bytes(named->id->hash));
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
                cms_deviation(voice, DEVIATION_NAME_SPELLING, NULL);
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
        if (r == 0 && !x509_is_written_as(cms->signer->signature_algorithm,
                                          ASN1_ITEM_rptr(X509_ALGOR), (Bytes){ der, size }))
                cms_deviation(voice, DEVIATION_ALGORITHM_IDENTIFIER, "the parameters of PSS");
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
