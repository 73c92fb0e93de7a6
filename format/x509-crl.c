/* SPDX-License-Identifier: Apache-2.0 */
#include "format/x509-crl.h"

#include <errno.h>
#include <string.h>

#include "base/utc.h"
#include "format/x509-asn1.h"
#include "format/x509-extension.h"
#include "format/x509-read.h"
#include "policy/openssl.h"

DEFINE_CLEANUP(ASN1_ENUMERATED, ASN1_ENUMERATED_free)
DEFINE_CLEANUP(ASN1_INTEGER, ASN1_INTEGER_free)
DEFINE_CLEANUP(ASN1_TIME, ASN1_TIME_free)
DEFINE_CLEANUP(X509_REVOKED, X509_REVOKED_free)

#define VERSION_2 1

static const struct {
        X509Reason reason;
        const char *name;
} reasons[] = {
        { X509_REASON_NONE, "" },
        { X509_REASON_KEY_COMPROMISE, "keyCompromise" },
        { X509_REASON_CA_COMPROMISE, "cACompromise" },
        { X509_REASON_AFFILIATION_CHANGED, "affiliationChanged" },
        { X509_REASON_SUPERSEDED, "superseded" },
        { X509_REASON_CESSATION_OF_OPERATION, "cessationOfOperation" },
        { X509_REASON_CERTIFICATE_HOLD, "certificateHold" },
        { X509_REASON_PRIVILEGE_WITHDRAWN, "privilegeWithdrawn" },
        { X509_REASON_AA_COMPROMISE, "aACompromise" },
};

const char *x509_reason_name(X509Reason reason) {
        for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
                if (reasons[i].reason == reason)
                        return reasons[i].name;
        return "unspecified";
}

/* --- entries ---------------------------------------------------------------------------------- */

static int revoked_serial(X509_REVOKED *revoked, Bytes serial) {
        _cleanup_(BN_freep) BIGNUM *n = BN_bin2bn(serial.data, (int) serial.size, NULL);
        _cleanup_(ASN1_INTEGER_freep) ASN1_INTEGER *integer = n ? BN_to_ASN1_INTEGER(n, NULL)
                                                                : NULL;

        return integer && X509_REVOKED_set_serialNumber(revoked, integer) == 1 ? 0
                                                                               : openssl_short();
}

static int revoked_date(X509_REVOKED *revoked, uint64_t usec) {
        _cleanup_(ASN1_TIME_freep) ASN1_TIME *date = x509_time_new(usec);

        return date && X509_REVOKED_set_revocationDate(revoked, date) == 1 ? 0 : openssl_short();
}

static int revoked_reason(X509_REVOKED *revoked, X509Reason reason) {
        _cleanup_(ASN1_ENUMERATED_freep) ASN1_ENUMERATED *code = ASN1_ENUMERATED_new();

        if (reason == X509_REASON_NONE || reason == X509_REASON_UNSPECIFIED)
                return 0;
        if (!code || ASN1_ENUMERATED_set(code, reason) != 1 ||
            X509_REVOKED_add1_ext_i2d(revoked, NID_crl_reason, code, 0, X509V3_ADD_APPEND) != 1)
                return openssl_short();
        return 0;
}

static int entry_add(STACK_OF(X509_REVOKED) * list, const X509CrlEntry *entry) {
        _cleanup_(X509_REVOKED_freep) X509_REVOKED *revoked = X509_REVOKED_new();

        if (!revoked)
                return openssl_short();
        int r = revoked_serial(revoked, entry->serial);
        if (r == 0)
                r = revoked_date(revoked, entry->date);
        if (r == 0)
                r = revoked_reason(revoked, entry->reason);
        if (r != 0)
                return r;
        if (sk_X509_REVOKED_push(list, revoked) == 0)
                return openssl_short();
        revoked = NULL; /* the stack has it now */
        return 0;
}

/* --- the list --------------------------------------------------------------------------------- */

static int facts_check(const X509CrlFacts *facts, ErrorDetail *detail) {
        if (facts->entry_count > CRL_ENTRIES_MAX)
                return error_set(detail, SEAL_E_LIMITS_EXCEEDED,
                                 "A revocation list has at most %d certificates", CRL_ENTRIES_MAX);
        if (facts->this_update > facts->next_update || facts->next_update > UTC_MAX)
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "The revocation list ends before it begins");
        for (size_t i = 0; i < facts->entry_count; i++)
                if (facts->entries[i].serial.size == 0 ||
                    facts->entries[i].serial.size > CERTIFICATE_SERIAL_MAX ||
                    facts->entries[i].date > UTC_MAX)
                        return error_set(detail, SEAL_E_INVALID_ARGS,
                                         "Entry %zu of the revocation list is not one", i + 1);
        return 0;
}

static int times_set(X509TbsList *tbs, const X509CrlFacts *facts) {
        ASN1_TIME_free(tbs->this_update);
        ASN1_TIME_free(tbs->next_update);
        tbs->this_update = x509_time_new(facts->this_update);
        tbs->next_update = x509_time_new(facts->next_update);
        return tbs->this_update && tbs->next_update ? 0 : openssl_short();
}

/* The list is left out where it is empty (§5.1.2.6). */
static int entries_set(X509TbsList *tbs, const X509CrlFacts *facts) {
        int r = 0;

        if (facts->entry_count == 0)
                return 0;
        tbs->revoked = sk_X509_REVOKED_new_reserve(NULL, (int) facts->entry_count);
        if (!tbs->revoked)
                return openssl_short();
        for (size_t i = 0; r == 0 && i < facts->entry_count; i++)
                r = entry_add(tbs->revoked, &facts->entries[i]);
        return r;
}

static int extensions_set(X509TbsList *tbs, const X509CrlFacts *facts, const X509 *issuer) {
        int r = extension_put_authority_key(&tbs->extensions, issuer, NULL);
        if (r == 0)
                r = extension_put_crl_number(&tbs->extensions, facts->number);
        if (r == 0 && facts->expired_since > 0)
                r = extension_put_expired_since(&tbs->extensions, facts->expired_since);
        return r;
}

static int tbs_fill(X509TbsList *tbs, const X509CrlFacts *facts, const X509 *issuer) {
        if (ASN1_INTEGER_set(tbs->version, VERSION_2) != 1)
                return openssl_short();
        X509_NAME_free(tbs->issuer);
        tbs->issuer = X509_NAME_dup(X509_get_subject_name(issuer));
        if (!tbs->issuer)
                return openssl_short();
        int r = signature_algorithm_encode(facts->algorithm, tbs->algorithm);
        if (r == 0)
                r = times_set(tbs, facts);
        if (r == 0)
                r = entries_set(tbs, facts);
        return r == 0 ? extensions_set(tbs, facts, issuer) : r;
}

int x509_crl_prepare(const X509CrlFacts *facts, uint8_t **ret, size_t *ret_size,
                     ErrorDetail *detail) {
        _cleanup_(X509TbsList_freep) X509TbsList *tbs = X509TbsList_new();
        _cleanup_(X509_freep) X509 *issuer = NULL;

        if (!tbs)
                return openssl_short();
        int r = facts_check(facts, detail);
        if (r == 0)
                r = x509_read(facts->issuer, &issuer, detail);
        if (r == 0)
                r = tbs_fill(tbs, facts, issuer);
        return r == 0 ? x509_encode(tbs, X509TbsList_it(), ret, ret_size) : r;
}
