/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/utc.h"
#include "format/x509-crl.h"
#include "format/x509-read.h"
#include "policy/openssl.h"

#define CLOCKS_APART (VERIFY_CLOCKS_APART * USEC_PER_SEC)

DEFINE_CLEANUP(ASN1_ENUMERATED, ASN1_ENUMERATED_free)
DEFINE_CLEANUP(ASN1_GENERALIZEDTIME, ASN1_GENERALIZEDTIME_free)
DEFINE_CLEANUP(CRL_DIST_POINTS, CRL_DIST_POINTS_free)
DEFINE_CLEANUP(X509_CRL, X509_CRL_free)

struct X509Crl {
        X509_CRL *crl;
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
        X509_CRL_free(crl->crl);
        ISSUING_DIST_POINT_free(crl->scope);
        free(crl->der);
        free(crl);
        return NULL;
}

const X509_NAME *x509_crl_issuer(const X509Crl *crl) {
        return X509_CRL_get_issuer(crl->crl);
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

static int crl_decode(X509Crl *crl, ErrorDetail *detail) {
        const unsigned char *at = crl->der;

        crl->crl = d2i_X509_CRL(NULL, &at, (long) crl->size);
        if (!crl->crl || at != crl->der + crl->size)
                return refuse(detail, "is not one in DER");
        return 0;
}

static int times_read(X509Crl *crl, ErrorDetail *detail) {
        const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl->crl);

        crl->next_update = UINT64_MAX;
        if (!x509_time_read(X509_CRL_get0_lastUpdate(crl->crl), &crl->this_update) ||
            (next && !x509_time_read(next, &crl->next_update)))
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

        crl->scope = X509_CRL_get_ext_d2i(crl->crl, NID_issuing_distribution_point, &critical,
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
        for (int i = 0; r == 0 && i < X509_CRL_get_ext_count(crl->crl); i++) {
                X509_EXTENSION *extension = X509_CRL_get_ext(crl->crl, i);
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
        const long version = X509_CRL_get_version(crl->crl);

        if (version < 0 || version > VERSION_2)
                return refuse(detail, "is of a version that is not known");
        return version == VERSION_2 || X509_CRL_get_ext_count(crl->crl) == 0
                       ? 0
                       : refuse(detail, "has extensions, which version 1 has not");
}

/* Only indirect lists, which are not read, tell of other issuers' certificates. */
static bool entry_is_puzzling(const X509_REVOKED *revoked) {
        for (int i = 0; i < X509_REVOKED_get_ext_count(revoked); i++) {
                X509_EXTENSION *extension = X509_REVOKED_get_ext(revoked, i);
                const int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));

                if (nid == NID_certificate_issuer ||
                    (X509_EXTENSION_get_critical(extension) && nid != NID_crl_reason))
                        return true;
        }
        return false;
}

/* RFC 5280 §5.3: one critical extension that is not understood, and the whole list tells nothing good. */
static void entries_look(X509Crl *crl) {
        STACK_OF(X509_REVOKED) *all = X509_CRL_get_REVOKED(crl->crl);

        for (int i = 0; !crl->puzzling && i < sk_X509_REVOKED_num(all); i++)
                crl->puzzling = entry_is_puzzling(sk_X509_REVOKED_value(all, i));
}

static int read_once(Bytes der, X509Crl **ret, ErrorDetail *detail) {
        _cleanup_(x509_crl_freep) X509Crl *crl = calloc(1, sizeof(*crl));

        if (!crl)
                return -ENOMEM;
        int r = der_keep(crl, der);
        if (r == 0)
                r = crl_decode(crl, detail);
        if (r == 0)
                r = version_check(crl, detail);
        if (r == 0)
                r = times_read(crl, detail);
        if (r == 0)
                r = extensions_read(crl, detail);
        if (r != 0)
                return r;
        entries_look(crl);
        *ret = steal_ptr(crl);
        return 0;
}

int x509_crl_read(Bytes der, X509Crl **ret, ErrorDetail *detail) {
        if (der.size > REVOCATION_LIST_MAX)
                return error_set(detail, SEAL_E_LIMITS_EXCEEDED,
                                 "A revocation list has at most %d bytes", REVOCATION_LIST_MAX);
        int r = read_once(der, ret, NULL);
        return r <= 0 ? r : read_once(der, ret, detail); /* twice: policy/openssl.h */
}

/* --- whose it is ------------------------------------------------------------------------------ */

static bool may_sign_lists(X509 *issuer) {
        return (X509_get_key_usage(issuer) & KU_CRL_SIGN) != 0;
}

int x509_crl_verify(const X509Crl *crl, X509 *issuer, ErrorDetail *detail) {
        EVP_PKEY *key = X509_get0_pubkey(issuer);

        if (X509_NAME_cmp(X509_get_subject_name(issuer), X509_CRL_get_issuer(crl->crl)) != 0)
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

static bool in_scope(const X509Crl *crl, const X509 *certificate) {
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

void x509_crl_find(const X509Crl *crl, const X509 *certificate, uint64_t time,
                   X509Revocation *ret) {
        X509_REVOKED *revoked = NULL;
        char when[TIME_TEXT_SIZE];

        *ret = (X509Revocation){ .reason = X509_REASON_NONE };
        if (!in_scope(crl, certificate))
                return answer(ret, X509_STATUS_UNKNOWN, "The list is for other certificates");
        int entry = X509_CRL_get0_by_serial(crl->crl, &revoked,
                                            X509_get0_serialNumber(certificate));
        if (entry == 1)
                return entry_answer(revoked, time, ret);
        if (entry == 2) /* removeFromCRL */
                return answer(ret, X509_STATUS_UNKNOWN,
                              "The list takes the certificate off, as only deltas may");
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

/* --- several lists ---------------------------------------------------------------------------- */

/* What has been heard: the newest list of all, the newest at that time, and any revocation. */
typedef struct Hearing {
        size_t count; /* lists of the issuer for such certificates */
        uint64_t newest, newest_then;
        X509Revocation of_newest, of_then, revoked;
        ErrorDetail refused;
        ErrorDetail
                unread; /* the same of one that is or may be the issuer's and tell of a revocation */
} Hearing;

static void hear(Hearing *hearing, const X509Crl *crl, const X509 *certificate, uint64_t time) {
        X509Revocation said;

        x509_crl_find(crl, certificate, time, &said);
        if (!in_scope(crl, certificate)) {
                (void) error_set(&hearing->refused, SEAL_E_INVALID_ARGS, "%s", said.text);
                return;
        }
        hearing->count++;
        if (crl->puzzling && said.status == X509_STATUS_UNKNOWN)
                (void) error_set(&hearing->unread, SEAL_E_INVALID_ARGS, "%s", said.text);
        if (said.status == X509_STATUS_REVOKED && said.reason != X509_REASON_CERTIFICATE_HOLD)
                hearing->revoked = said;
        if (crl->this_update >= hearing->newest) {
                hearing->newest = crl->this_update;
                hearing->of_newest = said;
        }
        if (crl->this_update <= time && crl->this_update >= hearing->newest_then) {
                hearing->newest_then = crl->this_update;
                hearing->of_then = said;
        }
}

/* Of a kind that is not read, or damaged. */
static int unread_hear(Hearing *hearing, Bytes der, X509 *issuer) {
        const unsigned char *at = der.data;
        _cleanup_(X509_CRL_freep) X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long) der.size);
        EVP_PKEY *key = X509_get0_pubkey(issuer);
        int r = 0;

        ERR_clear_error();
        if (crl && X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer)) != 0)
                return 0;
        if (crl && key && der.size <= REVOCATION_LIST_MAX)
                r = x509_signature_verify(der, true, key);
        if (r == 0)
                hearing->unread = hearing->refused;
        return r < 0 ? r : 0;
}

static int list_hear(Hearing *hearing, Bytes der, const X509 *certificate, X509 *issuer,
                     uint64_t time, uint64_t now) {
        _cleanup_(x509_crl_freep) X509Crl *crl = NULL;

        int r = x509_crl_read(der, &crl, &hearing->refused);
        if (r > 0)
                return unread_hear(hearing, der, issuer);
        if (r != 0 || !crl)
                return r;
        if (X509_NAME_cmp(x509_crl_issuer(crl), X509_get_subject_name(issuer)) != 0)
                return 0;
        r = x509_crl_verify(crl, issuer, &hearing->refused);
        if (r == 0 && crl->this_update > now && crl->this_update - now > CLOCKS_APART)
                (void) refuse(&hearing->unread, "is of a time that has not come yet");
        else if (r == 0)
                hear(hearing, crl, certificate, time);
        return r < 0 ? r : 0;
}

static const X509Revocation *conclude(const Hearing *hearing) {
        if (hearing->revoked.status == X509_STATUS_REVOKED)
                return &hearing->revoked;
        if (hearing->of_then.status == X509_STATUS_REVOKED)
                return &hearing->of_then;
        return hearing->of_newest.status != X509_STATUS_UNKNOWN || hearing->newest_then == 0
                       ? &hearing->of_newest
                       : &hearing->of_then;
}

static int hear_all(const Bytes *crls, size_t crl_count, const X509 *certificate, X509 *issuer,
                    uint64_t time, uint64_t now, X509Revocation *ret) {
        Hearing hearing = {};

        for (size_t i = 0; i < crl_count; i++) {
                int r = list_hear(&hearing, crls[i], certificate, issuer, time, now);
                if (r < 0)
                        return r;
        }
        *ret = (X509Revocation){ .reason = X509_REASON_NONE };
        if (hearing.count > 0)
                *ret = *conclude(&hearing);
        if (ret->status != X509_STATUS_REVOKED && hearing.unread.text[0])
                answer(ret, X509_STATUS_UNKNOWN, "%s", hearing.unread.text);
        else if (hearing.count > 0)
                return 0;
        else if (hearing.refused.text[0])
                answer(ret, X509_STATUS_UNKNOWN, "%s", hearing.refused.text);
        else
                answer(ret, X509_STATUS_UNKNOWN, "No revocation list of the issuer is given");
        return 0;
}

int x509_revocation_at(const Bytes *crls, size_t crl_count, const X509 *certificate, X509 *issuer,
                       uint64_t time, uint64_t now, X509Revocation *ret) {
        int r = hear_all(crls, crl_count, certificate, issuer, time, now, ret);

        if (r == 0 && ret->status == X509_STATUS_UNKNOWN) /* twice: policy/openssl.h */
                r = hear_all(crls, crl_count, certificate, issuer, time, now, ret);
        return r;
}
