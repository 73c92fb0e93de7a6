/* SPDX-License-Identifier: Apache-2.0 */
#include "format/x509-crl-entry.h"

#include "base/limits.h"
#include "policy/openssl.h"

static int refuse(ErrorDetail *detail, const char *what) {
        (void) error_set(detail, SEAL_E_INVALID_ARGS, "The revocation list %s", what);
        return openssl_refused(SEAL_E_INVALID_ARGS);
}

/* --- one after the other ---------------------------------------------------------------------- */

typedef struct Walk {
        const unsigned char *at, *end;
} Walk;

/* What is in the SEQUENCE; false where it does not end where its length says. */
static bool walk_begin(const ASN1_STRING *sequence, Walk *ret) {
        const unsigned char *at = ASN1_STRING_get0_data(sequence);
        const unsigned char *end = at + ASN1_STRING_length(sequence);
        int tag = 0, class = 0;
        long size = 0;

        if (ASN1_get_object(&at, &size, &tag, &class, end - at) != V_ASN1_CONSTRUCTED ||
            size != end - at)
                return false;
        *ret = (Walk){ at, end };
        return true;
}

/* *ret stays NULL at the end. */
static int walk_next(Walk *walk, X509_REVOKED **ret) {
        const long left = walk->end - walk->at;

        if (left == 0)
                return 0;
        *ret = d2i_X509_REVOKED(NULL, &walk->at,
                                left < REVOCATION_ENTRY_MAX ? left : REVOCATION_ENTRY_MAX);
        return *ret ? 0 : openssl_refused(SEAL_E_INVALID_ARGS);
}

/* --- all of them ------------------------------------------------------------------------- */

/* Only indirect lists, which are not read, tell of other issuers' certificates. */
static bool is_of_another(const X509_REVOKED *entry) {
        return X509_REVOKED_get_ext_by_NID(entry, NID_certificate_issuer, -1) >= 0;
}

static bool is_puzzling(const X509_REVOKED *entry) {
        bool puzzling = is_of_another(entry);

        for (int i = 0; !puzzling && i < X509_REVOKED_get_ext_count(entry); i++) {
                X509_EXTENSION *extension = X509_REVOKED_get_ext(entry, i);

                puzzling = X509_EXTENSION_get_critical(extension) &&
                           OBJ_obj2nid(X509_EXTENSION_get_object(extension)) != NID_crl_reason;
        }
        return puzzling;
}

int x509_entries_check(const ASN1_STRING *sequence, bool *ret_puzzling, ErrorDetail *detail) {
        bool puzzling = false;
        Walk walk = {};

        if (sequence && !walk_begin(sequence, &walk))
                return refuse(detail, "is not one in DER");
        while (walk.at < walk.end) {
                _cleanup_(X509_REVOKED_freep) X509_REVOKED *entry = NULL;

                int r = walk_next(&walk, &entry);
                if (r > 0)
                        return refuse(detail, "has an entry that is damaged or too large");
                if (r != 0)
                        return r;
                puzzling = puzzling || is_puzzling(entry);
        }
        *ret_puzzling = puzzling;
        return 0;
}

int x509_entries_find(const ASN1_STRING *sequence, const ASN1_INTEGER *serial, X509_REVOKED **ret) {
        Walk walk = {};

        if (sequence && !walk_begin(sequence, &walk))
                return openssl_refused(SEAL_E_INVALID_ARGS);
        while (walk.at < walk.end) {
                _cleanup_(X509_REVOKED_freep) X509_REVOKED *entry = NULL;

                int r = walk_next(&walk, &entry);
                if (r != 0)
                        return r;
                if (is_of_another(entry)) /* and those behind it too (§5.3.3) */
                        break;
                if (ASN1_INTEGER_cmp(X509_REVOKED_get0_serialNumber(entry), serial) == 0) {
                        *ret = steal_ptr(entry);
                        return 0;
                }
        }
        return 0;
}
