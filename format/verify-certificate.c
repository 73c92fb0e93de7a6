/* SPDX-License-Identifier: Apache-2.0 */
#include "format/verify-certificate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "format/verify-signer.h"
#include "format/x509-crl.h"
#include "format/x509-path.h"

const VerifyRows verify_rows_signer = {
        .chain = CHECK_CERTIFICATE_CHAIN,
        .usage = CHECK_CERTIFICATE_USAGE,
        .validity = CHECK_CERTIFICATE_VALIDITY,
        .revocation = CHECK_REVOCATION,
        .use = X509_USE_SEAL,
        .who = "The signer's certificate",
};

/*
 * Who makes seals signs their structures. No key usage says that one may; that of an end entity's
 * certificate, any holder of a seal has too, who could make himself the seal of another.
 */
const VerifyRows verify_rows_maker = {
        .chain = CHECK_SEAL_MAKER_CHAIN,
        .usage = CHECK_SEAL_MAKER_USAGE,
        .validity = CHECK_SEAL_MAKER_VALIDITY,
        .revocation = CHECK_SEAL_MAKER_REVOCATION,
        .use = X509_USE_SEAL,
        .makes_seals = true,
        .who = "The maker's certificate",
};

typedef struct Judge {
        VerifyReport *report;
        const VerifyTrust *trust;
        const VerifyList *anchors;
        const VerifyRows *rows;
} Judge;

/* --- path ------------------------------------------------------------------------------------- */

static void finding_tell(const Judge *j, CheckCode code, const X509Finding *finding) {
        verify_check(j->report, code, finding->good ? CHECK_PASSED : CHECK_FAILED, "%s",
                     finding->text);
}

/* Both lists in one array; *ret is malloc'ed. */
static int others_join(const VerifyList *a, const VerifyList *b, Bytes **ret, size_t *ret_count) {
        const size_t first = a ? a->count : 0;
        Bytes *all = calloc(first + b->count + 1, sizeof(*all));

        if (!all)
                return -ENOMEM;
        for (size_t i = 0; i < first; i++)
                all[i] = a->items[i];
        for (size_t i = 0; i < b->count; i++)
                all[first + i] = b->items[i];
        *ret = all;
        *ret_count = first + b->count;
        return 0;
}

/* --- revocation ------------------------------------------------------------------------------- */

/* What a revocation is called in a sentence. */
/* A hold may end; nothing else does. */
static const char *what_tell(const X509Revocation *found) {
        return found->reason == X509_REASON_CERTIFICATE_HOLD ? "put on hold" : "revoked";
}

static const char *reason_tell(const X509Revocation *found, char ret[static 64]) {
        const char *name = x509_reason_name(found->reason);

        ret[0] = '\0';
        if (name[0] != '\0' && found->reason != X509_REASON_CERTIFICATE_HOLD)
                (void) snprintf(ret, 64, " (%s)", name);
        return ret;
}

static int revocation_at(const Judge *j, const X509Path *path, size_t place, uint64_t time,
                         X509Revocation *ret) {
        return x509_revocation_at(j->trust->crls.items, j->trust->crls.count,
                                  path->certificates[place], path->certificates[place + 1], time,
                                  j->trust->now, ret);
}

static void tell_good(const Judge *j, const char *who, const X509Revocation *found) {
        char date[TIME_TEXT_SIZE], reason[64];

        if (found->date == 0)
                verify_check(j->report, j->rows->revocation, CHECK_PASSED, "%s was not revoked",
                             who);
        else
                verify_check(j->report, j->rows->revocation, CHECK_PASSED,
                             "%s was %s later, at %s%s", who, what_tell(found),
                             time_format_rfc3339(found->date, date), reason_tell(found, reason));
}

/* A time that only the signer says proves nothing against a revocation that came after it. */
static int claimed_judge(const Judge *j, const X509Path *path, size_t place, const char *who) {
        char date[TIME_TEXT_SIZE], reason[64];
        X509Revocation found;

        int r = revocation_at(j, path, place, j->trust->now, &found);
        if (r != 0)
                return r;
        if (found.status == X509_STATUS_GOOD)
                tell_good(j, who, &found);
        else if (found.status == X509_STATUS_REVOKED)
                verify_check(j->report, j->rows->revocation, CHECK_NOT_CHECKED,
                             "%s was %s at %s%s; that the signature is older, no time stamp "
                             "proves",
                             who, what_tell(&found), time_format_rfc3339(found.date, date),
                             reason_tell(&found, reason));
        else
                verify_check(j->report, j->rows->revocation, CHECK_NOT_CHECKED, "%s: %s", who,
                             found.text);
        return 0;
}

/*
 * With these, RFC 3161 §4 lets time stamps of before stand; else the key may have been another's.
 */
static bool stamps_stand(X509Reason reason) {
        return reason == X509_REASON_UNSPECIFIED || reason == X509_REASON_AFFILIATION_CHANGED ||
               reason == X509_REASON_SUPERSEDED || reason == X509_REASON_CESSATION_OF_OPERATION;
}

/*
 * Who has an authority's key stamps any time: a revocation now counts for all that it ever stamped.
 */
static int authority_judge(const Judge *j, const X509Path *path, size_t place, const char *who) {
        char date[TIME_TEXT_SIZE], reason[64];
        X509Revocation found;

        int r = revocation_at(j, path, place, j->trust->now, &found);
        if (r == 0 && found.status == X509_STATUS_REVOKED && !stamps_stand(found.reason))
                verify_check(j->report, j->rows->revocation, CHECK_FAILED,
                             "%s was %s at %s%s, which takes back what it stamped before", who,
                             what_tell(&found), time_format_rfc3339(found.date, date),
                             reason_tell(&found, reason));
        return r;
}

/* One certificate of the path, by the next. */
static int revocation_judge(const Judge *j, const X509Path *path, size_t place, const char *who) {
        char date[TIME_TEXT_SIZE], reason[64];
        X509Revocation found;

        int r = revocation_at(j, path, place, j->report->facts.time, &found);
        if (r != 0)
                return r;
        if (found.status == X509_STATUS_REVOKED)
                verify_check(j->report, j->rows->revocation, CHECK_FAILED, "%s was %s at %s%s", who,
                             what_tell(&found), time_format_rfc3339(found.date, date),
                             reason_tell(&found, reason));
        else if (j->report->facts.time_source == VERIFY_TIME_CLAIMED)
                return claimed_judge(j, path, place, who);
        else if (found.status == X509_STATUS_GOOD)
                tell_good(j, who, &found);
        else
                verify_check(j->report, j->rows->revocation, CHECK_NOT_CHECKED, "%s: %s", who,
                             found.text);
        return j->rows->use == X509_USE_TIMESTAMP ? authority_judge(j, path, place, who) : 0;
}

static bool is_anchor(const Judge *j, const X509 *certificate) {
        uint8_t *der = NULL;
        const int size = i2d_X509(certificate, &der);
        bool found = false;

        for (size_t i = 0; size > 0 && i < j->anchors->count && !found; i++)
                found = j->anchors->items[i].size == (size_t) size &&
                        memcmp(j->anchors->items[i].data, der, (size_t) size) == 0;
        OPENSSL_free(der);
        return found;
}

/* A path may go on beyond an anchor, which nobody has to vouch for. */
static int path_revocation_judge(const Judge *j, const X509Path *path) {
        char subject[VERIFY_NAME_MAX + 1];

        if (!path->chain.good) {
                verify_check(j->report, j->rows->revocation, CHECK_NOT_CHECKED,
                             "Whose list would tell is not known: there is no path to a trusted "
                             "certificate");
                return 0;
        }
        if (is_anchor(j, path->certificates[0]))
                verify_check(j->report, j->rows->revocation, CHECK_ABSENT,
                             "%s is itself trusted; no list is asked", j->rows->who);
        for (size_t i = 0; i + 1 < path->count && !is_anchor(j, path->certificates[i]); i++) {
                verify_name_set(subject, sizeof(subject),
                                X509_get_subject_name(path->certificates[i]));
                int r = revocation_judge(j, path, i, i == 0 ? j->rows->who : subject);
                if (r != 0)
                        return r;
        }
        return 0;
}

static void making_judge(const Judge *j, const X509Path *path) {
        X509 *maker = path->certificates[0];

        if (!j->rows->makes_seals || !path->chain.good ||
            (X509_get_extension_flags(maker) & EXFLAG_CA) || is_anchor(j, maker))
                return;
        verify_check(j->report, j->rows->usage, CHECK_NOT_CHECKED,
                     "%s is neither a CA's nor itself among the trusted ones: that it may make "
                     "seals, nobody says",
                     j->rows->who);
}

/* --- all of it -------------------------------------------------------------------------------- */

static void unreadable(const Judge *j, const char *why) {
        verify_check(j->report, j->rows->chain, CHECK_FAILED, "%s cannot be read: %s", j->rows->who,
                     why);
        verify_check(j->report, j->rows->usage, CHECK_NOT_CHECKED, "%s cannot be read",
                     j->rows->who);
        verify_check(j->report, j->rows->validity, CHECK_NOT_CHECKED, "%s cannot be read",
                     j->rows->who);
        verify_check(j->report, j->rows->revocation, CHECK_NOT_CHECKED, "%s cannot be read",
                     j->rows->who);
}

int verify_certificate(VerifyReport *report, const VerifyTrust *trust, Bytes certificate,
                       const VerifyList *embedded, const VerifyRows *rows) {
        const VerifyList *anchors = rows->use == X509_USE_TIMESTAMP ? &trust->timestamp_anchors
                                                                    : &trust->anchors;
        const Judge j = { report, trust, anchors, rows };
        _cleanup_free_ Bytes *others = NULL;
        X509Trust known = { .anchors = anchors->items, .anchor_count = anchors->count };
        ErrorDetail detail = {};
        X509Path path = {};

        int r = others_join(embedded, &trust->intermediates, &others, &known.other_count);
        if (r != 0)
                return r;
        known.others = others;
        r = x509_path_find(certificate, &known, rows->use, report->facts.time, &path, &detail);
        if (r > 0) {
                unreadable(&j, error_describe(r, &detail));
                return 0;
        }
        if (r == 0) {
                if (anchors->count == 0)
                        verify_check(report, rows->chain, CHECK_NOT_CHECKED,
                                     "No certificate to trust was named");
                else
                        finding_tell(&j, rows->chain, &path.chain);
                finding_tell(&j, rows->usage, &path.usage);
                making_judge(&j, &path);
                finding_tell(&j, rows->validity, &path.validity);
                r = path_revocation_judge(&j, &path);
        }
        x509_path_clear(&path);
        return r;
}
