/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/clock.h"
#include "base/text.h"
#include "format/x509-crl.h"

/* What has been heard: the newest list of all, the newest at that time, and any revocation. */
typedef struct Hearing {
        size_t count; /* lists of the issuer for such certificates */
        uint64_t newest, newest_then;
        X509Revocation of_newest, of_then, revoked;
        ErrorDetail refused;
        ErrorDetail unread; /* of one that is or may be the issuer's and tell of a revocation */
} Hearing;

static int hear(Hearing *hearing, const X509Crl *crl, const X509 *certificate, uint64_t time) {
        X509Revocation said;

        int r = x509_crl_find(crl, certificate, time, &said);
        if (r != 0)
                return r;
        if (!x509_crl_covers(crl, certificate)) {
                (void) error_set(&hearing->refused, SEAL_E_INVALID_ARGS, "%s", said.text);
                return 0;
        }
        hearing->count++;
        if (x509_crl_is_puzzling(crl) && said.status == X509_STATUS_UNKNOWN)
                (void) error_set(&hearing->unread, SEAL_E_INVALID_ARGS, "%s", said.text);
        if (said.status == X509_STATUS_REVOKED && said.reason != X509_REASON_CERTIFICATE_HOLD)
                hearing->revoked = said;
        if (x509_crl_this_update(crl) >= hearing->newest) {
                hearing->newest = x509_crl_this_update(crl);
                hearing->of_newest = said;
        }
        if (x509_crl_this_update(crl) <= time &&
            x509_crl_this_update(crl) >= hearing->newest_then) {
                hearing->newest_then = x509_crl_this_update(crl);
                hearing->of_then = said;
        }
        return 0;
}

/* What cannot be read, be it whose it is, may tell of a revocation. */
static int list_hear(Hearing *hearing, Bytes der, const X509 *certificate, X509 *issuer,
                     uint64_t time, uint64_t now) {
        _cleanup_(x509_crl_freep) X509Crl *crl = NULL;

        int r = x509_crl_open(der, &crl, &hearing->unread);
        if (r != 0)
                return r < 0 ? r : 0;
        if (X509_NAME_cmp(x509_crl_issuer(crl), X509_get_subject_name(issuer)) != 0)
                return 0;
        r = x509_crl_verify(crl, issuer, &hearing->refused);
        if (r == 0)
                r = x509_crl_check(crl, &hearing->unread);
        if (r != 0)
                return r < 0 ? r : 0;
        if (!clock_is_after(x509_crl_this_update(crl), now))
                return hear(hearing, crl, certificate, time);
        (void) error_set(&hearing->unread, SEAL_E_INVALID_ARGS,
                         "The revocation list is of a time that has not come yet");
        return 0;
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

static void unknown(X509Revocation *ret, const char *text) {
        ret->status = X509_STATUS_UNKNOWN;
        text_copy(ret->text, sizeof(ret->text), text);
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
                unknown(ret, hearing.unread.text);
        else if (hearing.count > 0)
                return 0;
        else if (hearing.refused.text[0])
                unknown(ret, hearing.refused.text);
        else
                unknown(ret, "No revocation list of the issuer is given");
        return 0;
}

int x509_revocation_at(const Bytes *crls, size_t crl_count, const X509 *certificate, X509 *issuer,
                       uint64_t time, uint64_t now, X509Revocation *ret) {
        int r = hear_all(crls, crl_count, certificate, issuer, time, now, ret);

        if (r == 0 && ret->status == X509_STATUS_UNKNOWN) /* twice: policy/openssl.h */
                r = hear_all(crls, crl_count, certificate, issuer, time, now, ret);
        return r;
}
