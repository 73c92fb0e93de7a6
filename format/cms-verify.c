/* SPDX-License-Identifier: Apache-2.0 */
#include "format/cms-verify.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "format/cms-attributes.h"
#include "format/cms-signed.h"
#include "format/timestamp.h"
#include "format/verify-certificate.h"
#include "format/verify-signer.h"

static const char *const document_types[] = { CMS_OID_DATA, CMS_OID_GB_DATA, NULL };

static bool is_among(const char *const *hashes, size_t count, const char *hash) {
        for (size_t i = 0; i < count; i++)
                if (strcmp(hashes[i], hash) == 0)
                        return true;
        return false;
}

size_t cms_document_hashes(Bytes file, const char *ret[static VERIFY_HASHES_MAX]) {
        _cleanup_(cms_signed_freep) CmsSigned *cms = NULL;
        size_t used, count = 0;

        if (cms_signed_read(file, &cms, &used) != 0)
                return 0;
        for (size_t i = 0; i < cms_signed_signers(cms) && count < VERIFY_HASHES_MAX; i++) {
                cms_signed_choose(cms, i);
                const char *hash = cms_signed_hash(cms);
                if (hash && !is_among(ret, count, hash))
                        ret[count++] = hash;
        }
        return count;
}

/* --- document ------------------------------------------------------------------------------- */

static bool digest_is(const CmsSigned *cms, Bytes digest) {
        const Bytes named = cms_signed_digest(cms);

        return digest.size == named.size && memcmp(digest.data, named.data, named.size) == 0;
}

static int content_check(const CmsSigned *cms, const char *hash, VerifyReport *report) {
        const Bytes content = cms_signed_content(cms);
        uint8_t digest[EVP_MAX_MD_SIZE];
        unsigned size;

        if (EVP_Digest(content.data, content.size, digest, &size, EVP_get_digestbyname(hash),
                       NULL) != 1)
                return openssl_error();
        if (digest_is(cms, (Bytes){ digest, size }))
                verify_check(report, CHECK_DOCUMENT_HASH, CHECK_PASSED,
                             "It is over the document that it holds");
        else
                verify_check(report, CHECK_DOCUMENT_HASH, CHECK_FAILED,
                             "It is not over the document that it holds");
        return 0;
}

static int document_check(const CmsSigned *cms, const VerifyDocument *document,
                          VerifyReport *report) {
        const char *hash = cms_signed_hash(cms);
        const bool attached = cms_signed_content(cms).data;

        if (!hash) {
                verify_check(report, CHECK_DOCUMENT_HASH, CHECK_FAILED,
                             "The document is hashed by an algorithm that is not known");
                return 0;
        }
        const Bytes digest = verify_document_digest(document, hash);
        int r = attached ? content_check(cms, hash, report) : 0;
        if (digest.size == 0 && !attached)
                verify_check(report, CHECK_DOCUMENT_HASH, CHECK_NOT_CHECKED,
                             "The document is not at hand");
        else if (digest.size > 0 && digest_is(cms, digest))
                verify_check(report, CHECK_DOCUMENT_HASH, CHECK_PASSED,
                             "It is over this document, by %s", hash);
        else if (digest.size > 0)
                verify_check(report, CHECK_DOCUMENT_HASH, CHECK_FAILED,
                             "It is over another document");
        return r;
}

/* --- time ----------------------------------------------------------------------------------- */

/* The earliest that passed: each proves that the signature was there. */
static int token_check(const CmsSigned *cms, const ASN1_TYPE *value, const VerifyTrust *trust,
                       VerifyReport *report, uint64_t *stamped) {
        uint64_t time = 0;

        if (!value || value->type != V_ASN1_SEQUENCE) {
                verify_check(report, CHECK_TIMESTAMP, CHECK_FAILED, "The time stamp is none");
                return 0;
        }
        const ASN1_STRING *der = value->value.sequence;
        int r = timestamp_verify(
                (Bytes){ ASN1_STRING_get0_data(der), (size_t) ASN1_STRING_length(der) },
                cms_signed_signature(cms), trust, report, &time);
        if (time != 0 && (*stamped == 0 || time < *stamped))
                *stamped = time;
        return r;
}

static int timestamps_check(const CmsSigned *cms, const VerifyTrust *trust, VerifyReport *report,
                            uint64_t *stamped) {
        const CmsAttributes *attributes = cms->signer->unsigned_attributes;
        int r = 0, tokens = 0;

        for (int i = 0; i < sk_X509_ATTRIBUTE_num(attributes); i++) {
                X509_ATTRIBUTE *attribute = sk_X509_ATTRIBUTE_value(attributes, i);
                if (OBJ_obj2nid(X509_ATTRIBUTE_get0_object(attribute)) !=
                    NID_id_smime_aa_timeStampToken)
                        continue;
                for (int j = 0; r == 0 && j < X509_ATTRIBUTE_count(attribute); j++)
                        r = ++tokens <= CMS_TIMESTAMPS_MAX
                                    ? token_check(cms, X509_ATTRIBUTE_get0_type(attribute, j),
                                                  trust, report, stamped)
                                    : 0;
        }
        if (tokens == 0)
                verify_check(report, CHECK_TIMESTAMP, CHECK_ABSENT, "It has no time stamp");
        if (tokens > CMS_TIMESTAMPS_MAX)
                verify_check(report, CHECK_TIMESTAMP, CHECK_NOT_CHECKED,
                             "It has %d time stamps, and %d at most are verified here", tokens,
                             CMS_TIMESTAMPS_MAX);
        return r;
}

/* --- the whole ------------------------------------------------------------------------------ */

static void facts_set(const CmsSigned *cms, uint64_t claimed, VerifyReport *report) {
        const char *profile = claimed != 0 ? "CAdES" : "PAdES";
        const char *hash = cms_signed_hash(cms);
        VerifyFacts *facts = &report->facts;

        (void) snprintf(facts->profile, sizeof(facts->profile), "%s%s", profile,
                        cms_signed_is_gb(cms) ? ", GB/T 35275" : "");
        if (hash)
                text_copy(facts->hash, sizeof(facts->hash), hash);
        if (cms->algorithm)
                text_copy(facts->algorithm, sizeof(facts->algorithm), cms->algorithm->name);
        if (cms->certificate.size > 0)
                verify_signer_set(report, cms->certificate);
}

static int certificate_check(const CmsSigned *cms, const VerifyTrust *trust, VerifyReport *report) {
        const VerifyList embedded = { cms->embedded, cms->embedded_count };

        return cms->certificate.size > 0 ? verify_certificate(report, trust, cms->certificate,
                                                              &embedded, &verify_rows_signer)
                                         : 0;
}

static int signed_verify(CmsSigned *cms, const VerifyDocument *document, const VerifyTrust *trust,
                         const CmsVoice *voice) {
        const uint64_t claimed = cms_attribute_time(cms->signer->signed_attributes);
        uint64_t stamped = 0;

        int r = cms_signed_identify(cms, trust, voice);
        if (r != 0)
                return r;
        facts_set(cms, claimed, voice->report);
        r = cms_signed_value(cms, voice);
        if (r == 0)
                r = document_check(cms, document, voice->report);
        if (r == 0)
                r = timestamps_check(cms, trust, voice->report, &stamped);
        if (r != 0)
                return r;
        /* One that is wrong puts the others in doubt. */
        if (verify_result(voice->report, CHECK_TIMESTAMP) != CHECK_PASSED)
                stamped = 0;
        verify_time_choose(voice->report, trust, stamped, claimed);
        r = certificate_check(cms, trust, voice->report);
        return r != 0 ? r : cms_signed_others(cms, trust, voice);
}

static int signer_verify(CmsSigned *cms, Bytes file, size_t used, const VerifyDocument *document,
                         const VerifyTrust *trust, VerifyReport *report) {
        const CmsVoice voice = { .report = report };

        verify_report_begin(report, VERIFY_CMS);
        return cms_signed_shape(cms, file, used, document_types, &voice)
                       ? signed_verify(cms, document, trust, &voice)
                       : 0;
}

int cms_verify(Bytes file, const VerifyDocument *document, const VerifyTrust *trust,
               VerifyReport *reports, size_t max, size_t *ret_count) {
        _cleanup_(cms_signed_freep) CmsSigned *cms = NULL;
        size_t used;

        *ret_count = 1;
        verify_report_begin(reports, VERIFY_CMS);
        int r = cms_signed_read(file, &cms, &used);
        if (r == SEAL_E_INVALID_ARGS) {
                verify_check(reports, CHECK_STRUCTURE, CHECK_FAILED,
                             "It is no CMS signature, or damaged");
                return 0;
        }
        if (r != 0)
                return r;
        const size_t signers = cms_signed_signers(cms);
        if (signers > max) {
                verify_check(reports, CHECK_STRUCTURE, CHECK_NOT_CHECKED,
                             "It has %zu signers, and %zu at most are verified here", signers, max);
                return 0;
        }
        *ret_count = signers > 0 ? signers : 1;
        for (size_t i = 0; r == 0 && i < *ret_count; i++) {
                cms_signed_choose(cms, i);
                r = signer_verify(cms, file, used, document, trust, &reports[i]);
        }
        ERR_clear_error();
        return r;
}
