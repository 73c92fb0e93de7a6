/* SPDX-License-Identifier: Apache-2.0 */
#include "format/timestamp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/ts.h>

#include "base/limits.h"
#include "base/text.h"
#include "format/signature-algorithm.h"
#include "policy/openssl.h"

DEFINE_CLEANUP(TS_REQ, TS_REQ_free)
DEFINE_CLEANUP(TS_RESP, TS_RESP_free)
DEFINE_CLEANUP(TS_MSG_IMPRINT, TS_MSG_IMPRINT_free)
DEFINE_CLEANUP(TS_VERIFY_CTX, TS_VERIFY_CTX_free)
DEFINE_CLEANUP(ASN1_INTEGER, ASN1_INTEGER_free)

#define TIMESTAMP_VERSION 1

/* --- request -------------------------------------------------------------------------------- */

static const EVP_MD *hash_find(const char *hash) {
        const SignatureAlgorithm *algorithm;

        for (size_t i = 0; (algorithm = signature_algorithm_at(i)); i++)
                if (strcmp(algorithm->hash, hash) == 0)
                        return signature_algorithm_md(algorithm);
        return NULL;
}

static int imprint_set(TS_REQ *request, const EVP_MD *md, Bytes stamped) {
        _cleanup_(TS_MSG_IMPRINT_freep) TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
        _cleanup_(X509_ALGOR_freep) X509_ALGOR *algorithm = X509_ALGOR_new();
        uint8_t digest[EVP_MAX_MD_SIZE];
        unsigned size;

        if (EVP_Digest(stamped.data, stamped.size, digest, &size, md, NULL) != 1)
                return openssl_error();
        if (!imprint || !algorithm ||
            X509_ALGOR_set0(algorithm, OBJ_nid2obj(EVP_MD_get_type(md)), V_ASN1_NULL, NULL) != 1 ||
            TS_MSG_IMPRINT_set_algo(imprint, algorithm) != 1 ||
            TS_MSG_IMPRINT_set_msg(imprint, digest, (int) size) != 1 ||
            TS_REQ_set_msg_imprint(request, imprint) != 1)
                return openssl_short();
        return 0;
}

int timestamp_request(const char *hash, Bytes stamped, uint64_t nonce, uint8_t **ret,
                      size_t *ret_size) {
        _cleanup_(ASN1_INTEGER_freep) ASN1_INTEGER *number = ASN1_INTEGER_new();
        _cleanup_(TS_REQ_freep) TS_REQ *request = TS_REQ_new();
        const EVP_MD *md = hash_find(hash);
        uint8_t *der = NULL;

        if (!md)
                return SEAL_E_INVALID_ARGS;
        if (!request || !number || TS_REQ_set_version(request, TIMESTAMP_VERSION) != 1 ||
            ASN1_INTEGER_set_uint64(number, nonce) != 1 || TS_REQ_set_nonce(request, number) != 1 ||
            TS_REQ_set_cert_req(request, 1) != 1)
                return openssl_short();
        int r = imprint_set(request, md, stamped);
        if (r != 0)
                return r;
        int size = i2d_TS_REQ(request, &der);
        if (size <= 0)
                return openssl_short();
        *ret = der;
        *ret_size = (size_t) size;
        return 0;
}

/* --- answer --------------------------------------------------------------------------------- */

/*
 * RFC 3161 §2.4.2: PKIStatus 0 and 1 grant; what an authority says of the others is its own words.
 */
static int status_check(TS_RESP *response, ErrorDetail *detail) {
        TS_STATUS_INFO *info = TS_RESP_get_status_info(response);
        const long status = ASN1_INTEGER_get(TS_STATUS_INFO_get0_status(info));
        const STACK_OF(ASN1_UTF8STRING) *texts = TS_STATUS_INFO_get0_text(info);
        char text[TEXT_MAX + 1] = "no reason given";

        if (status == TS_STATUS_GRANTED || status == TS_STATUS_GRANTED_WITH_MODS)
                return 0;
        if (sk_ASN1_UTF8STRING_num(texts) > 0) {
                const ASN1_UTF8STRING *first = sk_ASN1_UTF8STRING_value(texts, 0);
                verify_text_set(text, sizeof(text),
                                (Bytes){ ASN1_STRING_get0_data(first),
                                         (size_t) ASN1_STRING_length(first) });
        }
        return error_set(detail, SEAL_E_APPROVAL_INVALID,
                         "the time stamp authority refused (status %ld): %s", status, text);
}

static const char *mismatch_word(int reason) {
        switch (reason) {
        case TS_R_NONCE_MISMATCH:
        case TS_R_NONCE_NOT_RETURNED:
                return "it answers another request (the nonce)";
        case TS_R_MESSAGE_IMPRINT_MISMATCH:
                return "it is over something else";
        case TS_R_POLICY_MISMATCH:
                return "it is by another policy";
        case TS_R_NO_TIME_STAMP_TOKEN:
                return "there is none";
        default:
                return "it cannot be read";
        }
}

/* Version, imprint and nonce, as the request has them. */
static int answer_compare(TS_RESP *response, TS_REQ *request, ErrorDetail *detail) {
        _cleanup_(TS_VERIFY_CTX_freep)
                TS_VERIFY_CTX *context = TS_REQ_to_TS_VERIFY_CTX(request, NULL);

        if (!context)
                return openssl_short();
        (void) TS_VERIFY_CTX_set_flags(context, TS_VFY_VERSION | TS_VFY_IMPRINT | TS_VFY_NONCE);
        ERR_clear_error(); /* of what was before: the reason is read from the first */
        if (TS_RESP_verify_response(context, response) == 1)
                return 0;
        const int reason = ERR_GET_REASON(ERR_peek_error());
        (void) error_set(detail, SEAL_E_APPROVAL_INVALID, "no time stamp to use: %s",
                         mismatch_word(reason));
        return openssl_refused(SEAL_E_APPROVAL_INVALID);
}

static int token_take(TS_RESP *response, uint8_t **ret, size_t *ret_size) {
        uint8_t *der = NULL;

        int size = i2d_PKCS7(TS_RESP_get_token(response), &der);
        if (size <= 0)
                return openssl_short();
        *ret = der;
        *ret_size = (size_t) size;
        return 0;
}

/* With anchors it has to pass; without them it must not fail. */
static int token_judge(Bytes token, Bytes stamped, const VerifyTrust *trust, ErrorDetail *detail) {
        _cleanup_free_ VerifyReport *report = malloc(sizeof(*report));
        uint64_t time = 0;

        if (!report)
                return -ENOMEM;
        verify_report_begin(report, VERIFY_CMS);
        int r = timestamp_verify(token, stamped, trust, report, &time);
        if (r != 0)
                return r;
        const CheckResult result = verify_result(report, CHECK_TIMESTAMP);
        if (result == CHECK_PASSED ||
            (result == CHECK_NOT_CHECKED && trust->timestamp_anchors.count == 0))
                return 0;
        return error_set(detail, SEAL_E_APPROVAL_INVALID, "no time stamp to use: %s",
                         report->checks[CHECK_TIMESTAMP].text);
}

int timestamp_accept(Bytes response, Bytes request, Bytes stamped, const VerifyTrust *trust,
                     uint8_t **ret, size_t *ret_size, ErrorDetail *detail) {
        const unsigned char *at = response.data, *request_at = request.data;
        _cleanup_(TS_RESP_freep) TS_RESP *answer = NULL;
        _cleanup_(TS_REQ_freep) TS_REQ *asked = NULL;
        _cleanup_free_ uint8_t *token = NULL;
        size_t size = 0;

        if (response.size > TIMESTAMP_MAX)
                return error_set(detail, SEAL_E_LIMITS_EXCEEDED,
                                 "the answer of the time stamp authority is larger than %d bytes",
                                 TIMESTAMP_MAX);
        asked = d2i_TS_REQ(NULL, &request_at, (long) request.size);
        if (!asked)
                return openssl_refused(-EINVAL);
        answer = d2i_TS_RESP(NULL, &at, (long) response.size);
        if (!answer || at != response.data + response.size) {
                (void) error_set(detail, SEAL_E_APPROVAL_INVALID,
                                 "that is not the answer of a time stamp authority (RFC 3161)");
                return openssl_refused(SEAL_E_APPROVAL_INVALID);
        }
        int r = status_check(answer, detail);
        if (r == 0)
                r = answer_compare(answer, asked, detail);
        if (r == 0)
                r = token_take(answer, &token, &size);
        if (r == 0)
                r = token_judge((Bytes){ token, size }, stamped, trust, detail);
        if (r != 0)
                return r;
        *ret = steal_ptr(token);
        *ret_size = size;
        return 0;
}
