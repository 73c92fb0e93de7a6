/* SPDX-License-Identifier: Apache-2.0 */
#include "format/eseal-verify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/limits.h"
#include "format/eseal-content.h"
#include "format/eseal-list.h"
#include "format/eseal-profile.h"
#include "format/eseal-read.h"
#include "format/eseal.h"
#include "format/signature-value.h"
#include "format/timestamp.h"
#include "format/verify-certificate.h"
#include "format/verify-kind.h"
#include "format/verify-signer.h"
#include "format/x509-read.h"
#include "policy/openssl.h"

/* What the checks share. */
typedef struct Verification {
        const ESealFile *file;
        const VerifyDocument *document;
        const VerifyTrust *trust;
        VerifyReport *report;
        const SignatureAlgorithm *maker_algorithm, *algorithm; /* NULL: not known */
        VerifyList embedded; /* certificates of the file, which nothing trusts yet */
} Verification;

/* ---- values of signatures -------------------------------------------------------------------- */

static void encoding_tell(VerifyReport *report, SignatureEncoding encoding, const char *where) {
        if (encoding == SIGNATURE_AS_RAW)
                verify_deviation(report, DEVIATION_RAW_SIGNATURE, where);
        if (encoding == SIGNATURE_AS_NON_MINIMAL)
                verify_deviation(report, DEVIATION_NON_MINIMAL_INTEGER, where);
}

/* Whose signature it is, and the check that it goes into. */
typedef struct Whose {
        CheckCode check;
        const char *who;   /* "signer" */
        const char *where; /* "the signature" */
} Whose;

static const Whose the_maker = { CHECK_SEAL_SIGNATURE, "seal's maker", "the seal" };
static const Whose the_signer = { CHECK_SIGNATURE_VALUE, "signer", "the signature" };

/* NULL where it cannot be told, which is then said. */
static const SignatureAlgorithm *algorithm_tell(VerifyReport *report, const ESealSigning *signing,
                                                EVP_PKEY *key, const Whose *whose) {
        const SignatureAlgorithm *algorithm = signature_algorithm_of_object(signing->algorithm,
                                                                            key);

        if (!algorithm) {
                verify_check(report, whose->check, CHECK_FAILED,
                             "Its algorithm is not known, or not one of the key of the %s",
                             whose->who);
                return NULL;
        }
        if (OBJ_obj2nid(signing->algorithm) != algorithm->nid)
                verify_deviation(report, DEVIATION_ALGORITHM_IDENTIFIER, whose->where);
        return algorithm;
}

static int value_check(VerifyReport *report, const ESealSigning *signing, EVP_PKEY *key,
                       const SignatureAlgorithm *algorithm, const Whose *whose) {
        SignatureEncoding encoding = SIGNATURE_AS_DER;

        int r = signature_value_verify(algorithm, key, signing->message, signing->value, &encoding);
        if (r == SEAL_E_APPROVAL_INVALID) {
                verify_check(report, whose->check, CHECK_FAILED,
                             "It is not the signature (%s) of the %s over these bytes",
                             algorithm->name, whose->who);
                return 0;
        }
        if (r != 0)
                return r;
        verify_check(report, whose->check, CHECK_PASSED, "The key of the %s signed it (%s)",
                     whose->who, algorithm->name);
        encoding_tell(report, encoding, whose->where);
        return 0;
}

/* *ret_algorithm stays NULL where nothing can be verified. */
static int signing_check(VerifyReport *report, const ESealSigning *signing, const Whose *whose,
                         const SignatureAlgorithm **ret_algorithm) {
        _cleanup_(X509_freep) X509 *certificate = NULL;
        ErrorDetail detail = {};

        int r = x509_read(signing->certificate, &certificate, &detail);
        if (r < 0)
                return r;
        EVP_PKEY *key = certificate ? X509_get0_pubkey(certificate) : NULL;
        if (!key) {
                verify_check(report, whose->check, CHECK_FAILED,
                             "The certificate of the %s cannot be read", whose->who);
                return openssl_error() == -ENOMEM ? -ENOMEM : 0;
        }
        *ret_algorithm = algorithm_tell(report, signing, key, whose);
        return *ret_algorithm ? value_check(report, signing, key, *ret_algorithm, whose) : 0;
}

static bool is_sm(const SignatureAlgorithm *algorithm) {
        return algorithm && algorithm->scheme == SIGNATURE_SM2;
}

/* The standard has SM2 and SM3 only. Of 2014 nothing is said: it is written by nobody any more. */
static void profile_tell(Verification *v) {
        const SignatureAlgorithm *second = v->file->is_signature ? v->algorithm
                                                                 : v->maker_algorithm;
        const bool sm = is_sm(v->maker_algorithm) && is_sm(second) &&
                        eseal_list_is_sm2(v->file->info->property->list);
        const char *profile = sm ? ESEAL_PROFILE_SM : ESEAL_PROFILE_OTHER;

        if (v->file->is_2014)
                profile = ESEAL_PROFILE_2014;
        else if (!sm)
                verify_deviation(v->report, DEVIATION_NON_SM_ALGORITHM, NULL);
        (void) snprintf(v->report->facts.profile, sizeof(v->report->facts.profile), "%s", profile);
}

static void algorithm_facts_tell(Verification *v) {
        const SignatureAlgorithm *algorithm = v->file->is_signature ? v->algorithm
                                                                    : v->maker_algorithm;
        VerifyFacts *facts = &v->report->facts;

        if (!algorithm)
                return;
        (void) snprintf(facts->algorithm, sizeof(facts->algorithm), "%s", algorithm->name);
        if (v->file->is_signature)
                (void) snprintf(facts->hash, sizeof(facts->hash), "%s", algorithm->hash);
}

/* ---- the document ---------------------------------------------------------------------------- */

/* dataHash is the document's plain hash, by the signature's (GB/T 38540-2020 §7.2.2). */
static void document_check(const Verification *v) {
        const Bytes hash = ses_bytes(v->file->hash);
        const VerifyDocument none = {};

        if (!v->algorithm) {
                verify_check(v->report, CHECK_DOCUMENT_HASH, CHECK_NOT_CHECKED,
                             "Its hash is not known without the signature's algorithm");
                return;
        }
        const Bytes digest = verify_document_digest(v->document ? v->document : &none,
                                                    v->algorithm->hash);
        if (digest.size == 0)
                verify_check(v->report, CHECK_DOCUMENT_HASH, CHECK_NOT_CHECKED,
                             "There is no document at hand");
        else if (digest.size == hash.size && CRYPTO_memcmp(digest.data, hash.data, hash.size) == 0)
                verify_check(v->report, CHECK_DOCUMENT_HASH, CHECK_PASSED,
                             "It is over this document (%s)", v->algorithm->hash);
        else
                verify_check(v->report, CHECK_DOCUMENT_HASH, CHECK_FAILED,
                             "It is over another document, or this one was changed (%s)",
                             v->algorithm->hash);
}

/* ---- times ----------------------------------------------------------------------------------- */

/* In 2014 a token may stand in place of the time; over what it is made is not known here. */
static int timestamp_check(const Verification *v, uint64_t *ret_stamped) {
        const ESealFile *file = v->file;

        if (file->is_2014 && v->report->facts.claimed == 0)
                verify_check(v->report, CHECK_TIMESTAMP, CHECK_NOT_CHECKED,
                             "The time of signing is no text that can be read; time stamps of GM/T "
                             "0031-2014 are not read");
        else if (!file->stamp)
                verify_check(v->report, CHECK_TIMESTAMP, CHECK_ABSENT, "It has no time stamp");
        else
                return timestamp_verify(ses_bytes(file->stamp), file->signer.value, v->trust,
                                        v->report, ret_stamped);
        return 0;
}

/* ---- certificates ---------------------------------------------------------------------------- */

/* Those that the seal lists, the maker's and the signer's may issue each other. */
static int embedded_gather(Verification *v, Bytes **ret) {
        const STACK_OF(SesListed) *list = v->file->info->property->list;
        const int count = sk_SesListed_num(list);
        size_t n = 0;

        Bytes *items = calloc((size_t) count + 2, sizeof(*items));
        if (!items)
                return -ENOMEM;
        items[n++] = v->file->maker.certificate;
        if (v->file->is_signature)
                items[n++] = v->file->signer.certificate;
        for (int i = 0; i < count; i++)
                if (sk_SesListed_value(list, i)->type == SES_LISTED_CERTIFICATE)
                        items[n++] = ses_bytes(sk_SesListed_value(list, i)->d.certificate);
        v->embedded = (VerifyList){ items, n };
        *ret = items;
        return 0;
}

static int certificates_check(Verification *v) {
        _cleanup_free_ Bytes *items = NULL;

        int r = embedded_gather(v, &items);
        if (r == 0)
                r = verify_certificate(v->report, v->trust, v->file->maker.certificate,
                                       &v->embedded, &verify_rows_maker);
        if (r == 0 && v->file->is_signature)
                r = verify_certificate(v->report, v->trust, v->file->signer.certificate,
                                       &v->embedded, &verify_rows_signer);
        return r;
}

static void names_tell(const Verification *v) {
        const STACK_OF(SesListed) *list = v->file->info->property->list;
        VerifyFacts *facts = &v->report->facts;

        verify_subject_set(facts->seal_maker, sizeof(facts->seal_maker),
                           v->file->maker.certificate);
        if (v->file->is_signature)
                verify_signer_set(v->report, v->file->signer.certificate);
        else if (sk_SesListed_num(list) > 0 &&
                 sk_SesListed_value(list, 0)->type == SES_LISTED_CERTIFICATE)
                verify_signer_set(v->report, ses_bytes(sk_SesListed_value(list, 0)->d.certificate));
}

/* ---- all of it ------------------------------------------------------------------------------- */

/* What the time is needed for comes behind it. */
static int signature_check(Verification *v, uint64_t *ret_stamped) {
        int r = signing_check(v->report, &v->file->signer, &the_signer, &v->algorithm);
        if (r == 0)
                r = timestamp_check(v, ret_stamped);
        if (r == 0)
                r = eseal_list_check(v->file, v->report);
        if (r == 0)
                document_check(v);
        return r;
}

static int file_check(Verification *v) {
        uint64_t stamped = 0;

        int r = signing_check(v->report, &v->file->maker, &the_maker, &v->maker_algorithm);
        if (r == 0 && v->file->is_signature)
                r = signature_check(v, &stamped);
        if (r != 0)
                return r;
        profile_tell(v);
        algorithm_facts_tell(v);
        names_tell(v);
        verify_time_choose(v->report, v->trust, stamped, v->report->facts.claimed);
        r = eseal_content_check(v->file, v->report);
        return r == 0 ? certificates_check(v) : r;
}

int eseal_verify(Bytes file, const VerifyDocument *document, const VerifyTrust *trust,
                 VerifyReport *report) {
        _cleanup_(eseal_file_freep) ESealFile *read = NULL;

        verify_report_begin(report, verify_file_guess(file) == VERIFY_FILE_SES_SIGNATURE
                                            ? VERIFY_SIGNATURE
                                            : VERIFY_SEAL);
        int r = eseal_file_read(file, report, &read);
        if (r != 0 || !read)
                return r;
        verify_check(report, CHECK_STRUCTURE, CHECK_PASSED, "It is a whole %s of %s",
                     read->is_signature ? "SES_Signature" : "SESeal",
                     read->is_2014 ? ESEAL_PROFILE_2014 : ESEAL_PROFILE_SM);
        Verification v = { .file = read, .document = document, .trust = trust, .report = report };
        r = file_check(&v);
        ERR_clear_error();
        return r;
}

static int maker_refuse(const VerifyReport *report, CheckCode code, ErrorDetail *detail) {
        return error_set(detail, SEAL_E_APPROVAL_INVALID, "%s", report->checks[code].text);
}

int eseal_maker_check(Bytes eseal, ErrorDetail *detail) {
        _cleanup_free_ VerifyReport *report = malloc(sizeof(*report));
        _cleanup_(eseal_file_freep) ESealFile *read = NULL;
        const SignatureAlgorithm *algorithm = NULL;

        if (!report)
                return -ENOMEM;
        verify_report_begin(report, VERIFY_SEAL);
        int r = eseal_file_read(eseal, report, &read);
        if (r == 0 && read)
                r = signing_check(report, &read->maker, &the_maker, &algorithm);
        ERR_clear_error();
        if (r != 0)
                return r;
        if (!read)
                return maker_refuse(report, CHECK_STRUCTURE, detail);
        return verify_result(report, CHECK_SEAL_SIGNATURE) == CHECK_PASSED
                       ? 0
                       : maker_refuse(report, CHECK_SEAL_SIGNATURE, detail);
}

const char *eseal_document_hash(Bytes file) {
        _cleanup_(eseal_file_freep) ESealFile *read = NULL;
        _cleanup_(X509_freep) X509 *certificate = NULL;
        const SignatureAlgorithm *algorithm = NULL;
        VerifyReport report;

        verify_report_begin(&report, VERIFY_SIGNATURE);
        if (eseal_file_read(file, &report, &read) == 0 && read &&
            x509_read(read->signer.certificate, &certificate, NULL) == 0 &&
            X509_get0_pubkey(certificate))
                algorithm = signature_algorithm_of_object(read->signer.algorithm,
                                                          X509_get0_pubkey(certificate));
        ERR_clear_error();
        return algorithm ? algorithm->hash : NULL;
}
