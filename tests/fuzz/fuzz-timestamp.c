/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a time stamp authority answers, or somebody in its place: flags, an anchor, what was to be
 * stamped, then the answer. With a flag the fixed key signs the token anew.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/ts.h>

#include "base/limits.h"
#include "base/text.h"
#include "format/cms-asn1.h"
#include "format/timestamp.h"
#include "format/x509-signed.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/keys.h"
#include "tests/fuzz/own.h"

const unsigned fuzz_mutations = 400;

#define RESIGN 1U  /* by keys/p256.pem */
#define TRUST 2U   /* the anchor */
#define ANSWERS 4U /* the request is the one that the answer is to, as far as it says */
#define NOW (1795931194 * USEC_PER_SEC)

/* --- signing anew --------------------------------------------------------------------------- */

static void info_resign(CmsInfo *info) {
        uint8_t signature[FUZZ_SIGNATURE_MAX];
        _own_ Own message = {};

        if (sk_CmsSignerInfo_num(info->data->signers) == 0)
                return;
        CmsSignerInfo *signer = sk_CmsSignerInfo_value(info->data->signers, 0);
        if (!signer->signed_attributes)
                return;
        fuzz_demand(x509_encode(signer->signed_attributes, ASN1_ITEM_rptr(CmsAttributesAsRead),
                                &message.data, &message.bytes.size) == 0);
        message.bytes.data = message.data;
        const int size = (int) fuzz_sign(message.bytes, signature);
        fuzz_demand(ASN1_OCTET_STRING_set(signer->signature, signature, size) == 1);
}

/* PKIStatusInfo and the token (RFC 3161 §2.4.2); what cannot be read stays as it is. */
static Own resign(Bytes answer) {
        const unsigned char *at = answer.data;
        STACK_OF(ASN1_TYPE) *parts = d2i_ASN1_SEQUENCE_ANY(NULL, &at, (long) answer.size);
        CmsInfo *info = NULL;
        _own_ Own token = {};
        Own whole = {};
        uint8_t *der = NULL;
        int size = 0;

        if (sk_ASN1_TYPE_num(parts) == 2 && sk_ASN1_TYPE_value(parts, 1)->type == V_ASN1_SEQUENCE) {
                ASN1_STRING *string = sk_ASN1_TYPE_value(parts, 1)->value.sequence;
                const unsigned char *from = ASN1_STRING_get0_data(string);
                info = (CmsInfo *) ASN1_item_d2i(NULL, &from, ASN1_STRING_length(string),
                                                 ASN1_ITEM_rptr(CmsInfo));
                if (info) {
                        info_resign(info);
                        fuzz_demand(x509_encode(info, ASN1_ITEM_rptr(CmsInfo), &token.data,
                                                &token.bytes.size) == 0);
                        fuzz_demand(ASN1_STRING_set(string, token.data, (int) token.bytes.size) ==
                                    1);
                        size = i2d_ASN1_SEQUENCE_ANY(parts, &der);
                }
        }
        whole = size > 0 ? own((Bytes){ der, (size_t) size }) : own(answer);
        OPENSSL_free(der);
        CmsInfo_free(info);
        sk_ASN1_TYPE_pop_free(parts, ASN1_TYPE_free);
        ERR_clear_error();
        return whole;
}

/* --- promises ------------------------------------------------------------------------------- */

/* The nonce that the answer has, so that it is to our request; 1 where it has none. */
static uint64_t nonce_of(Bytes answer) {
        const unsigned char *at = answer.data;
        TS_RESP *read = d2i_TS_RESP(NULL, &at, (long) answer.size);
        TS_TST_INFO *info = read ? TS_RESP_get_tst_info(read) : NULL;
        const ASN1_INTEGER *nonce = info ? TS_TST_INFO_get_nonce(info) : NULL;
        uint64_t number = 0;

        if (!nonce || ASN1_INTEGER_get_uint64(&number, nonce) != 1)
                number = 1;
        TS_RESP_free(read);
        ERR_clear_error();
        return number;
}

/* Where it passed: at a time, by somebody, and over nothing else. */
static void demand_token(Bytes token, Bytes stamped, const VerifyTrust *trust, bool accepted) {
        _own_ Own other = own(stamped);
        VerifyReport report;
        uint64_t time = 7;

        verify_report_begin(&report, VERIFY_CMS);
        fuzz_demand(timestamp_verify(token, stamped, trust, &report, &time) == 0);
        const CheckResult result = verify_result(&report, CHECK_TIMESTAMP);
        fuzz_demand((result == CHECK_PASSED) == (time != 7));
        fuzz_demand(result != CHECK_PASSED || report.facts.authority[0] != '\0');
        fuzz_demand(result != CHECK_PASSED || trust->timestamp_anchors.count > 0);
        fuzz_demand(!accepted || result != CHECK_FAILED);
        for (CheckCode code = 0; code < CHECK_MAX; code++)
                fuzz_demand(code == CHECK_TIMESTAMP || !report.checks[code].made);
        if (result == CHECK_FAILED || stamped.size == 0)
                return;
        other.data[0] ^= 1;
        verify_report_begin(&report, VERIFY_CMS);
        fuzz_demand(timestamp_verify(token, other.bytes, trust, &report, &time) == 0);
        fuzz_demand(verify_result(&report, CHECK_TIMESTAMP) == CHECK_FAILED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Input input = { .data = data, .size = size };
        const uint8_t flags = input_u8(&input);
        _own_ Own anchor = own(input_field(&input)), stamped = own(input_field(&input));
        _own_ Own plain = own((Bytes){ input.data, input.size });
        _own_ Own answer = flags & RESIGN ? resign(plain.bytes) : own(plain.bytes);
        const VerifyTrust trust = { .timestamp_anchors = { &anchor.bytes, flags & TRUST ? 1 : 0 },
                                    .now = NOW };
        _own_ Own request = {}, token = {};
        ErrorDetail detail = {};

        const uint64_t nonce = flags & ANSWERS ? nonce_of(answer.bytes) : 0x1234567;
        fuzz_demand(timestamp_request("sha256", stamped.bytes, nonce, &request.data,
                                      &request.bytes.size) == 0);
        request.bytes.data = request.data;
        int r = timestamp_accept(answer.bytes, request.bytes, stamped.bytes, &trust, &token.data,
                                 &token.bytes.size, &detail);
        fuzz_demand(r == 0 || r == SEAL_E_APPROVAL_INVALID || r == SEAL_E_LIMITS_EXCEEDED);
        fuzz_demand((r == 0) == (token.data != NULL));
        fuzz_demand((r == 0) == (detail.text[0] == '\0'));
        fuzz_demand(text_is_utf8(detail.text, strlen(detail.text)));
        if (r == 0) {
                token.bytes.data = token.data;
                demand_token(token.bytes, stamped.bytes, &trust, true);
        }
        demand_token(answer.bytes, stamped.bytes, &trust, false);
        return 0;
}
