/* SPDX-License-Identifier: Apache-2.0 */
#include "client/verify-raw.h"

#include <string.h>

#include <openssl/err.h>

#include "base/text.h"
#include "client/authority.h"
#include "client/file.h"
#include "client/hash.h"
#include "client/verify.h"
#include "format/signature-value.h"
#include "format/verify-certificate.h"
#include "format/verify-signer.h"
#include "policy/sm2.h"

typedef struct Raw {
        const VerifyWords *words;
        DerList certificates; /* the signer's first */
        EVP_PKEY *key;
        const SignatureAlgorithm *algorithm;
        TPM2B_DIGEST digest;
} Raw;

static void raw_done(Raw *raw) {
        der_list_clear(&raw->certificates);
        EVP_PKEY_free(raw->key);
}

#define _cleanup_raw_ __attribute__((cleanup(raw_done)))

static int key_get(const Context *context, Raw *raw) {
        ErrorDetail detail = {};
        X509 *certificate = NULL;

        int r = certificates_read(context, raw->words->certificate, &raw->certificates);
        if (r == 0)
                r = x509_read(raw->certificates.items[0], &certificate, &detail);
        else
                return r;
        if (r == 0)
                raw->key = X509_get_pubkey(certificate);
        X509_free(certificate);
        ERR_clear_error();
        if (r < 0)
                return fail_errno(context, r, raw->words->certificate);
        return raw->key ? 0
                        : fail_plain(context, EXIT_USAGE, "%s: %s", raw->words->certificate,
                                     r > 0 ? error_describe(r, &detail)
                                           : "its key is of no kind that is known here");
}

static int algorithm_get(const Context *context, Raw *raw) {
        const VerifyWords *w = raw->words;

        raw->algorithm = signature_algorithm_for(raw->key, w->hash, w->scheme);
        if (raw->algorithm)
                return 0;
        return fail(context, EXIT_USAGE, "%s: its key does not sign with %s%s%s", w->certificate,
                    w->hash ? w->hash : "a hash that is known here", w->scheme ? " and " : "",
                    w->scheme ? w->scheme : "");
}

/* The hash of the key's Z_A, which only SM2 has, and the document. */
static int digest_get(const Context *context, Raw *raw) {
        TPM2B_DIGEST prefix;
        size_t size = 0;

        if (sm2_prefix_of_pkey(raw->key, &prefix) != 0)
                return fail_openssl(context, "SM3");
        int r = file_hash(context, raw->words->document, signature_algorithm_md(raw->algorithm),
                          (Bytes){ prefix.buffer, prefix.size }, raw->digest.buffer, &size);
        raw->digest.size = (UINT16) size;
        return r;
}

/* RSA: either padding, and a salt of any size, unless told. The others: in any encoding. */
static int value_verify(const Raw *raw, Bytes signature, VerifyReport *report) {
        SignatureEncoding encoding = SIGNATURE_AS_DER;
        bool good = false;
        int r = 0;

        if (EVP_PKEY_is_a(raw->key, "RSA")) {
                good = verify_digest(raw->key, signature_algorithm_md(raw->algorithm),
                                     raw->words->scheme,
                                     (Bytes){ raw->digest.buffer, raw->digest.size }, signature);
                ERR_clear_error();
        } else {
                r = signature_value_verify_digest(raw->algorithm, raw->key, &raw->digest, signature,
                                                  &encoding);
                good = r == 0;
        }
        if (r < 0)
                return r;
        if (encoding == SIGNATURE_AS_RAW)
                verify_deviation(report, DEVIATION_RAW_SIGNATURE, NULL);
        if (encoding == SIGNATURE_AS_NON_MINIMAL)
                verify_deviation(report, DEVIATION_NON_MINIMAL_INTEGER, NULL);
        verify_check(report, CHECK_SIGNATURE_VALUE, good ? CHECK_PASSED : CHECK_FAILED,
                     "The signature is %sthis certificate's over the document with %s",
                     good ? "" : "not ", raw->algorithm->hash);
        return 0;
}

static int raw_judge(const Raw *raw, const VerifyTrust *trust, Bytes signature,
                     VerifyReport *report) {
        const VerifyList others = { raw->certificates.items + 1, raw->certificates.count - 1 };
        const Bytes certificate = raw->certificates.items[0];
        VerifyFacts *facts = &report->facts;

        verify_report_begin(report, VERIFY_RAW);
        verify_signer_set(report, certificate);
        text_copy(facts->algorithm, sizeof(facts->algorithm), raw->algorithm->name);
        text_copy(facts->hash, sizeof(facts->hash), raw->algorithm->hash);
        verify_time_choose(report, trust, 0, 0);
        int r = value_verify(raw, signature, report);
        return r != 0 ? r
                      : verify_certificate(report, trust, certificate, &others,
                                           &verify_rows_signer);
}

int verify_raw(const Context *context, const VerifyWords *words, const VerifyTrust *trust,
               Bytes signature, VerifyReport *report) {
        _cleanup_raw_ Raw raw = { .words = words };

        int r = key_get(context, &raw);
        if (r == 0)
                r = algorithm_get(context, &raw);
        if (r == 0)
                r = digest_get(context, &raw);
        if (r != 0)
                return r;
        r = raw_judge(&raw, trust, signature, report);
        return r < 0 ? fail_errno(context, r, words->signature) : 0;
}
