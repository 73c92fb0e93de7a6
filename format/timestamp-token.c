/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include <openssl/ts.h>

#include "base/clock.h"
#include "base/limits.h"
#include "format/cms-signed.h"
#include "format/timestamp.h"
#include "format/verify-certificate.h"
#include "format/verify-signer.h"
#include "format/x509-signed.h"

#define OID_TST_INFO "1.2.840.113549.1.9.16.1.4"
#define WHERE "the time stamp"

static const char *const token_types[] = { OID_TST_INFO, NULL };

/* Whose word it is, at the time that it says. */
static const VerifyRows rows_authority = {
        .chain = CHECK_CERTIFICATE_CHAIN,
        .usage = CHECK_CERTIFICATE_USAGE,
        .validity = CHECK_CERTIFICATE_VALIDITY,
        .revocation = CHECK_REVOCATION,
        .use = X509_USE_TIMESTAMP,
        .who = "The time stamp authority's certificate",
};

typedef struct Token {
        CmsSigned *cms;
        TS_TST_INFO *info;
        uint64_t time;
        bool unlisted; /* no list tells whether the authority's certificate was revoked */
} Token;

static void token_done(Token *token) {
        cms_signed_free(token->cms);
        TS_TST_INFO_free(token->info);
}

static int fail(VerifyReport *report, const char *text) {
        verify_check(report, CHECK_TIMESTAMP, CHECK_FAILED, "%s", text);
        return 0;
}

static bool digest_is(const EVP_MD *md, Bytes bytes, Bytes expected) {
        uint8_t digest[EVP_MAX_MD_SIZE];
        unsigned size;

        return EVP_Digest(bytes.data, bytes.size, digest, &size, md, NULL) == 1 &&
               size == expected.size && memcmp(digest, expected.data, size) == 0;
}

/* The hashes of signatures; SHA-1 and older ones prove nothing. */
static const EVP_MD *imprint_md(TS_MSG_IMPRINT *imprint) {
        const int nid = OBJ_obj2nid(TS_MSG_IMPRINT_get_algo(imprint)->algorithm);
        const SignatureAlgorithm *algorithm;

        for (size_t i = 0; (algorithm = signature_algorithm_at(i)); i++)
                if (algorithm->hash_nid == nid)
                        return signature_algorithm_md(algorithm);
        return NULL;
}

static void imprint_judge(const Token *token, Bytes stamped, VerifyReport *report) {
        TS_MSG_IMPRINT *imprint = TS_TST_INFO_get_msg_imprint(token->info);
        const EVP_MD *md = imprint_md(imprint);
        const ASN1_OCTET_STRING *message = TS_MSG_IMPRINT_get_msg(imprint);

        if (!md)
                (void) fail(report, "The time stamp is by a hash that is not accepted");
        else if (!digest_is(md, stamped,
                            (Bytes){ ASN1_STRING_get0_data(message),
                                     (size_t) ASN1_STRING_length(message) }))
                (void) fail(report, "The time stamp is of another signature");
}

/* RFC 3161 §2.4.2: where it names the authority, then by the certificate's name. */
static void name_judge(const Token *token, VerifyReport *report) {
        const GENERAL_NAME *name = TS_TST_INFO_get_tsa(token->info);

        if (name && name->type == GEN_DIRNAME && token->cms->x509 &&
            X509_NAME_cmp(name->d.directoryName, X509_get_subject_name(token->cms->x509)) != 0)
                (void) fail(report, "The time stamp names another authority than its signer");
}

/* The content, which is signed through its digest. */
static void content_judge(Token *token, Bytes stamped, VerifyReport *report) {
        const Bytes content = cms_signed_content(token->cms);
        const char *hash = cms_signed_hash(token->cms);
        const unsigned char *at = content.data;

        if (!hash || content.size == 0 ||
            !digest_is(EVP_get_digestbyname(hash), content, cms_signed_digest(token->cms))) {
                (void) fail(report, "The time stamp's content is not the one that was signed");
                return;
        }
        token->info = d2i_TS_TST_INFO(NULL, &at, (long) content.size);
        if (!token->info || at != content.data + content.size ||
            TS_TST_INFO_get_version(token->info) != 1 ||
            !x509_time_read((const ASN1_TIME *) TS_TST_INFO_get_time(token->info), &token->time)) {
                TS_TST_INFO_free(token->info);
                token->info = NULL;
                (void) fail(report, "The time stamp's content cannot be read");
                return;
        }
        imprint_judge(token, stamped, report);
        name_judge(token, report);
        if (TS_TST_INFO_get_ext_by_critical(token->info, 1, -1) >= 0)
                (void) fail(report, "The time stamp has a critical extension that is not known");
}

/* A row of the certificate's in the time stamp's. */
static void row_take(const VerifyReport *judged, CheckCode code, VerifyReport *report) {
        const VerifyCheck *check = &judged->checks[code];

        if (check->result != CHECK_PASSED)
                verify_check(report, CHECK_TIMESTAMP, check->result, "%s", check->text);
}

/* Where no list tells of an authority's certificate, its word is taken. */
static int authority_judge(Token *token, const VerifyTrust *trust, VerifyReport *report) {
        const VerifyList embedded = { token->cms->embedded, token->cms->embedded_count };
        VerifyTrust authorities = *trust;
        _cleanup_free_ VerifyReport *judged = malloc(sizeof(*judged));

        if (!judged)
                return -ENOMEM;
        authorities.anchors = trust->timestamp_anchors;
        verify_report_begin(judged, VERIFY_CMS);
        judged->facts.time = token->time;
        judged->facts.time_source = VERIFY_TIME_STAMPED;
        int r = verify_certificate(judged, &authorities, token->cms->certificate, &embedded,
                                   &rows_authority);
        if (r != 0)
                return r;
        if (trust->timestamp_anchors.count > 0)
                row_take(judged, rows_authority.chain, report);
        else
                verify_check(report, CHECK_TIMESTAMP, CHECK_NOT_CHECKED,
                             "No certificate was named that time stamps are trusted by");
        row_take(judged, rows_authority.usage, report);
        row_take(judged, rows_authority.validity, report);
        const CheckResult revoked = verify_result(judged, rows_authority.revocation);
        token->unlisted = revoked == CHECK_NOT_CHECKED;
        if (revoked == CHECK_FAILED)
                row_take(judged, rows_authority.revocation, report);
        return 0;
}

static void time_judge(const Token *token, uint64_t now, VerifyReport *report) {
        if (clock_is_after(token->time, now))
                (void) fail(report, "The time stamp is of a time that has not come yet");
}

static int token_judge(Token *token, Bytes stamped, const VerifyTrust *trust,
                       const CmsVoice *voice) {
        int r = cms_signed_identify(token->cms, trust, voice);

        if (r == 0)
                r = cms_signed_value(token->cms, voice);
        if (r != 0)
                return r;
        content_judge(token, stamped, voice->report);
        if (token->info)
                time_judge(token, trust->now, voice->report);
        if (token->cms->x509 && token->info)
                r = authority_judge(token, trust, voice->report);
        return r != 0 ? r : cms_signed_others(token->cms, trust, voice);
}

static void passed_tell(const Token *token, VerifyReport *report) {
        char time[TIME_TEXT_SIZE];

        verify_subject_set(report->facts.authority, sizeof(report->facts.authority),
                           token->cms->certificate);
        verify_check(report, CHECK_TIMESTAMP, CHECK_PASSED, "It was there at %s, says %s%s",
                     time_format_rfc3339(token->time, time), report->facts.authority,
                     token->unlisted ? "; no list tells whether that certificate was revoked" : "");
}

/* Says nothing of a token that is good. */
static int token_read(Token *token, Bytes der, Bytes stamped, const VerifyTrust *trust,
                      VerifyReport *report) {
        const CmsVoice voice = { .report = report, .where = WHERE, .timestamp = true };
        size_t used;

        int r = der.size <= TIMESTAMP_MAX ? cms_signed_read(der, &token->cms, &used)
                                          : SEAL_E_INVALID_ARGS;
        if (r == SEAL_E_INVALID_ARGS)
                return fail(report, "The time stamp is none, or damaged");
        if (r != 0 || !cms_signed_shape(token->cms, der, used, token_types, &voice))
                return r;
        return token_judge(token, stamped, trust, &voice);
}

int timestamp_verify(Bytes der, Bytes stamped, const VerifyTrust *trust, VerifyReport *report,
                     uint64_t *ret_time) {
        VerifyCheck *check = &report->checks[CHECK_TIMESTAMP];
        const VerifyCheck before = *check;
        _cleanup_(token_done) Token token = {};

        *check = (VerifyCheck){ .result = CHECK_NOT_CHECKED };
        int r = token_read(&token, der, stamped, trust, report);
        if (r == 0 && !check->made && token.cms) {
                passed_tell(&token, report);
                *ret_time = token.time;
        }
        const VerifyCheck now = *check;
        *check = before;
        if (now.made)
                verify_check(report, CHECK_TIMESTAMP, now.result, "%s", now.text);
        ERR_clear_error();
        return r;
}
