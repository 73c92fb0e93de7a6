/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/utc.h"
#include "format/x509-asn1.h"
#include "format/x509-crl-entry.h"
#include "format/x509-crl.h"
#include "format/x509-read.h"
#include "policy/openssl.h"

DEFINE_CLEANUP(ASN1_ENUMERATED, ASN1_ENUMERATED_free)
DEFINE_CLEANUP(ASN1_GENERALIZEDTIME, ASN1_GENERALIZEDTIME_free)
DEFINE_CLEANUP(CRL_DIST_POINTS, CRL_DIST_POINTS_free)

struct X509Crl {
        X509ListRead *list;
        X509_NAME *issuer;
        X509_EXTENSIONS *extensions;
        uint8_t *der;
        size_t size;
        uint64_t this_update, next_update;
        uint64_t expired_since;    /* µs; UINT64_MAX: does not keep expired ones */
        ISSUING_DIST_POINT *scope; /* NULL: all certificates of the issuer */
        bool puzzling; /* an entry may say something else than that a certificate is revoked */
};

X509Crl *x509_crl_free(X509Crl *crl) {
        if (!crl)
                return NULL;
        X509ListRead_free(crl->list);
        X509_NAME_free(crl->issuer);
        sk_X509_EXTENSION_pop_free(crl->extensions, X509_EXTENSION_free);
        ISSUING_DIST_POINT_free(crl->scope);
        free(crl->der);
        free(crl);
        return NULL;
}

const X509_NAME *x509_crl_issuer(const X509Crl *crl) {
        return crl->issuer;
}

uint64_t x509_crl_this_update(const X509Crl *crl) {
        return crl->this_update;
}

uint64_t x509_crl_next_update(const X509Crl *crl) {
        return crl->next_update;
}

/* --- reading ---------------------------------------------------------------------------------- */

static int refuse(ErrorDetail *detail, const char *what) {
        (void) error_set(detail, SEAL_E_INVALID_ARGS, "The revocation list %s", what);
        return openssl_refused(SEAL_E_INVALID_ARGS);
}

static int der_keep(X509Crl *crl, Bytes der) {
        crl->der = malloc(der.size + 1);
        if (!crl->der)
                return -ENOMEM;
        memcpy(crl->der, der.data, der.size);
        crl->size = der.size;
        return 0;
}

/* Of what is not an entry there is little, so that it can be taken apart. */
static int frame_check(const X509Crl *crl, ErrorDetail *detail) {
        const ASN1_STRING *revoked = crl->list->tbs->revoked;
        const size_t entries = revoked ? (size_t) ASN1_STRING_length(revoked) : 0;

        return crl->size - entries <= REVOCATION_FRAME_MAX
                       ? 0
                       : refuse(detail, "has too much beside its entries");
}

/* What it says beside its entries. */
static int frame_decode(X509Crl *crl, ErrorDetail *detail) {
        const X509TbsListRead *tbs = crl->list->tbs;
        const unsigned char *at = ASN1_STRING_get0_data(tbs->issuer);

        crl->issuer = d2i_X509_NAME(NULL, &at, ASN1_STRING_length(tbs->issuer));
        if (!crl->issuer ||
            at != ASN1_STRING_get0_data(tbs->issuer) + ASN1_STRING_length(tbs->issuer))
                return refuse(detail, "is not one in DER");
        if (!tbs->extensions)
                return 0;
        at = ASN1_STRING_get0_data(tbs->extensions);
        crl->extensions = d2i_X509_EXTENSIONS(NULL, &at, ASN1_STRING_length(tbs->extensions));
        return crl->extensions ? 0 : refuse(detail, "is not one in DER");
}

static int list_decode(X509Crl *crl, ErrorDetail *detail) {
        const unsigned char *at = crl->der;

        crl->list = (X509ListRead *) ASN1_item_d2i(NULL, &at, (long) crl->size, X509ListRead_it());
        if (!crl->list || at != crl->der + crl->size)
                return refuse(detail, "is not one in DER");
        int r = frame_check(crl, detail);
        return r == 0 ? frame_decode(crl, detail) : r;
}

static int times_read(X509Crl *crl, ErrorDetail *detail) {
        const X509TbsListRead *tbs = crl->list->tbs;

        crl->next_update = UINT64_MAX;
        if (!x509_time_read(tbs->this_update, &crl->this_update) ||
            (tbs->next_update && !x509_time_read(tbs->next_update, &crl->next_update)))
                return refuse(detail, "has times that are none");
        return 0;
}

#define OID_EXPIRED_CERTS_ON_CRL "2.5.29.60" /* X.509 §9.5.2.8 */

static int expired_read(X509Crl *crl, X509_EXTENSION *extension, ErrorDetail *detail) {
        const ASN1_OCTET_STRING *content = X509_EXTENSION_get_data(extension);
        const unsigned char *at = ASN1_STRING_get0_data(content);
        const unsigned char *end = at + ASN1_STRING_length(content);
        _cleanup_(ASN1_GENERALIZEDTIME_freep) ASN1_GENERALIZEDTIME *time = d2i_ASN1_GENERALIZEDTIME(
                NULL, &at, ASN1_STRING_length(content));

        if (!time || at != end || !x509_time_read(time, &crl->expired_since))
                return refuse(detail, "keeps expired certificates since a time that is none");
        return 0;
}

/* Of some reasons, of others' certificates, of attributes: not read (RFC 5280 §5.2.5). */
static int scope_read(X509Crl *crl, ErrorDetail *detail) {
        int critical = 0;

        crl->scope = X509V3_get_d2i(crl->extensions, NID_issuing_distribution_point, &critical,
                                    NULL);
        if (!crl->scope)
                return critical == -1 ? 0 : refuse(detail, "has a scope that cannot be read");
        if (crl->scope->onlysomereasons || crl->scope->indirectCRL > 0 ||
            crl->scope->onlyattr > 0 || (crl->scope->distpoint && crl->scope->distpoint->type != 0))
                return refuse(detail, "is of a kind that is not read");
        return 0;
}

static int extensions_read(X509Crl *crl, ErrorDetail *detail) {
        int r = scope_read(crl, detail);

        crl->expired_since = UINT64_MAX;
        for (int i = 0; r == 0 && i < sk_X509_EXTENSION_num(crl->extensions); i++) {
                X509_EXTENSION *extension = sk_X509_EXTENSION_value(crl->extensions, i);
                const ASN1_OBJECT *id = X509_EXTENSION_get_object(extension);

                if (openssl_object_is(id, OID_EXPIRED_CERTS_ON_CRL))
                        r = expired_read(crl, extension, detail);
                else if (X509_EXTENSION_get_critical(extension) &&
                         OBJ_obj2nid(id) != NID_issuing_distribution_point)
                        r = refuse(detail, "has a critical extension that is not understood");
                else if (OBJ_obj2nid(id) == NID_delta_crl)
                        r = refuse(detail, "is of a kind that is not read");
        }
        return r;
}

#define VERSION_2 1

/* RFC 5280 §5.1.2.1: 1 is without extensions, and 2 is the last one. */
static int version_check(const X509Crl *crl, ErrorDetail *detail) {
        const ASN1_INTEGER *told = crl->list->tbs->version;
        const long version = told ? ASN1_INTEGER_get(told) : 0;

        if (version < 0 || version > VERSION_2)
                return refuse(detail, "is of a version that is not known");
        return version == VERSION_2 || !crl->extensions
                       ? 0
                       : refuse(detail, "has extensions, which version 1 has not");
}

int x509_crl_open(Bytes der, X509Crl **ret, ErrorDetail *detail) {
        _cleanup_(x509_crl_freep) X509Crl *crl = calloc(1, sizeof(*crl));

        if (!crl)
                return -ENOMEM;
        if (der.size > REVOCATION_LIST_MAX) {
                (void) error_set(detail, SEAL_E_LIMITS_EXCEEDED,
                                 "A revocation list has at most %d bytes", REVOCATION_LIST_MAX);
                return SEAL_E_LIMITS_EXCEEDED;
        }
        int r = der_keep(crl, der);
        if (r == 0)
                r = list_decode(crl, detail);
        if (r == 0)
                *ret = steal_ptr(crl);
        return r;
}

int x509_crl_check(X509Crl *crl, ErrorDetail *detail) {
        int r = version_check(crl, detail);

        if (r == 0)
                r = times_read(crl, detail);
        if (r == 0)
                r = extensions_read(crl, detail);
        return r == 0 ? x509_entries_check(crl->list->tbs->revoked, &crl->puzzling, detail) : r;
}

static int read_once(Bytes der, X509Crl **ret, ErrorDetail *detail) {
        _cleanup_(x509_crl_freep) X509Crl *crl = NULL;

        int r = x509_crl_open(der, &crl, detail);
        if (r == 0)
                r = x509_crl_check(crl, detail);
        if (r == 0)
                *ret = steal_ptr(crl);
        return r;
}

int x509_crl_read(Bytes der, X509Crl **ret, ErrorDetail *detail) {
        int r = read_once(der, ret, NULL);

        return r <= 0 ? r : read_once(der, ret, detail); /* twice: policy/openssl.h */
}

/* --- whose it is ------------------------------------------------------------------------------ */

static bool may_sign_lists(X509 *issuer) {
        return (X509_get_key_usage(issuer) & KU_CRL_SIGN) != 0;
}

int x509_crl_verify(const X509Crl *crl, X509 *issuer, ErrorDetail *detail) {
        EVP_PKEY *key = X509_get0_pubkey(issuer);

        if (X509_NAME_cmp(X509_get_subject_name(issuer), crl->issuer) != 0)
                return error_set(detail, SEAL_E_APPROVAL_INVALID,
                                 "The revocation list is of another issuer");
        if (!may_sign_lists(issuer))
                return error_set(detail, SEAL_E_APPROVAL_INVALID,
                                 "The issuer's key usage does not allow to sign revocation lists");
        if (!key)
                return openssl_refused(SEAL_E_APPROVAL_INVALID);
        int r = x509_signature_verify((Bytes){ crl->der, crl->size }, true, key);
        if (r == SEAL_E_APPROVAL_INVALID)
                (void) error_set(detail, r, "The revocation list's signature is not its issuer's");
        return r;
}

/* --- asking ----------------------------------------------------------------------------------- */

static void answer(X509Revocation *ret, X509Status status, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

static void answer(X509Revocation *ret, X509Status status, const char *format, ...) {
        va_list arguments;

        ret->status = status;
        va_start(arguments, format);
        (void) vsnprintf(ret->text, sizeof(ret->text), format, arguments);
        va_end(arguments);
}

static bool name_among(const GENERAL_NAME *name, const GENERAL_NAMES *names) {
        for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
                if (GENERAL_NAME_cmp((GENERAL_NAME *) name, sk_GENERAL_NAME_value(names, i)) == 0)
                        return true;
        return false;
}

/* Does the certificate name the place that the list is for (RFC 5280 §6.3.3 b)? */
static bool point_is_named(const GENERAL_NAMES *places, const X509 *certificate) {
        _cleanup_(CRL_DIST_POINTS_freep) CRL_DIST_POINTS *points = X509_get_ext_d2i(
                certificate, NID_crl_distribution_points, NULL, NULL);

        for (int i = 0; i < sk_DIST_POINT_num(points); i++) {
                const DIST_POINT *point = sk_DIST_POINT_value(points, i);

                if (!point->distpoint || point->distpoint->type != 0)
                        continue;
                for (int j = 0; j < sk_GENERAL_NAME_num(places); j++)
                        if (name_among(sk_GENERAL_NAME_value(places, j),
                                       point->distpoint->name.fullname))
                                return true;
        }
        return false;
}

bool x509_crl_is_puzzling(const X509Crl *crl) {
        return crl->puzzling;
}

bool x509_crl_covers(const X509Crl *crl, const X509 *certificate) {
        bool ca = X509_get_extension_flags((X509 *) certificate) & EXFLAG_CA;

        if (!crl->scope)
                return true;
        if ((crl->scope->onlyuser > 0 && ca) || (crl->scope->onlyCA > 0 && !ca))
                return false;
        return !crl->scope->distpoint ||
               point_is_named(crl->scope->distpoint->name.fullname, certificate);
}

static X509Reason reason_once(const X509_REVOKED *revoked) {
        int critical;
        _cleanup_(ASN1_ENUMERATED_freep) ASN1_ENUMERATED *code = X509_REVOKED_get_ext_d2i(
                revoked, NID_crl_reason, &critical, NULL);

        ERR_clear_error();
        if (!code)
                return critical == -1 ? X509_REASON_NONE : X509_REASON_UNSPECIFIED;
        return (X509Reason) ASN1_ENUMERATED_get(code);
}

static X509Reason reason_read(const X509_REVOKED *revoked) {
        X509Reason reason = reason_once(revoked);

        return reason != X509_REASON_UNSPECIFIED ? reason : reason_once(revoked); /* as above */
}

/* Revoked from the date on; whoever asks about an earlier time is told of it. */
static void entry_answer(const X509_REVOKED *revoked, uint64_t time, X509Revocation *ret) {
        char when[TIME_TEXT_SIZE];

        ret->reason = reason_read(revoked);
        if (!x509_time_read(X509_REVOKED_get0_revocationDate(revoked), &ret->date))
                ret->date = 0;
        const char *name = x509_reason_name(ret->reason);
        (void) time_format_rfc3339(ret->date, when);
        answer(ret, ret->date <= time ? X509_STATUS_REVOKED : X509_STATUS_GOOD, "%s %s%s%s%s",
               ret->date <= time ? "Revoked at" : "Not revoked until", when, *name ? " (" : "",
               name, *name ? ")" : "");
}

/* A list leaves out what had expired before it was made, unless it says since when it does not. */
static bool kept(const X509Crl *crl, const X509 *certificate) {
        uint64_t not_after;

        if (!x509_time_read(X509_get0_notAfter(certificate), &not_after))
                return false;
        return not_after >= crl->this_update || crl->expired_since <= not_after;
}

/* What it says by leaving the certificate out. */
static void silence_answer(const X509Crl *crl, const X509 *certificate, uint64_t time,
                           X509Revocation *ret) {
        char when[TIME_TEXT_SIZE];

        if (crl->puzzling)
                return answer(ret, X509_STATUS_UNKNOWN,
                              "The list has an entry with an extension that is not understood");
        if (crl->next_update == UINT64_MAX && time > crl->this_update) /* §5.1.2.5: each says it */
                return answer(ret, X509_STATUS_UNKNOWN,
                              "The list does not say when it was to be replaced");
        (void) time_format_rfc3339(crl->next_update, when);
        if (time > crl->next_update)
                return answer(ret, X509_STATUS_UNKNOWN, "The list was to be replaced at %s", when);
        if (!kept(crl, certificate))
                return answer(ret, X509_STATUS_UNKNOWN,
                              "The certificate had expired when the list was made");
        (void) time_format_rfc3339(crl->this_update, when);
        answer(ret, X509_STATUS_GOOD, "Not revoked by the list of %s", when);
}

static void entry_say(const X509Crl *crl, const X509_REVOKED *revoked, const X509 *certificate,
                      uint64_t time, X509Revocation *ret) {
        if (!revoked) {
                silence_answer(crl, certificate, time, ret);
                return;
        }
        entry_answer(revoked, time, ret);
        if (ret->reason == X509_REASON_REMOVE_FROM_CRL)
                answer(ret, X509_STATUS_UNKNOWN,
                       "The list takes the certificate off, as only deltas may");
}

int x509_crl_find(const X509Crl *crl, const X509 *certificate, uint64_t time, X509Revocation *ret) {
        _cleanup_(X509_REVOKED_freep) X509_REVOKED *revoked = NULL;

        *ret = (X509Revocation){ .reason = X509_REASON_NONE };
        if (!x509_crl_covers(crl, certificate)) {
                answer(ret, X509_STATUS_UNKNOWN, "The list is for other certificates");
                return 0;
        }
        /* They were read before: what cannot be read now is so for want of memory. */
        if (x509_entries_find(crl->list->tbs->revoked, X509_get0_serialNumber(certificate),
                              &revoked) != 0)
                return -ENOMEM;
        entry_say(crl, revoked, certificate, time, ret);
        return 0;
}
