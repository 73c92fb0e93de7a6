/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Revocation lists (RFC 5280 §5): complete ones, version 2, of one issuer's own certificates. Made
 * in two steps, of which x509_finish() is the second; read, and asked about a certificate at a
 * time.
 */
#pragma once

#include "base/cleanup.h"
#include "format/x509-signed.h"

typedef enum X509Reason {
        X509_REASON_NONE = -1,       /* no extension: unspecified */
        X509_REASON_UNSPECIFIED = 0, /* read only: RFC 5280 §5.3.1 leaves it out */
        X509_REASON_KEY_COMPROMISE = 1,
        X509_REASON_CA_COMPROMISE = 2,
        X509_REASON_AFFILIATION_CHANGED = 3,
        X509_REASON_SUPERSEDED = 4,
        X509_REASON_CESSATION_OF_OPERATION = 5,
        X509_REASON_CERTIFICATE_HOLD = 6,
        X509_REASON_REMOVE_FROM_CRL = 8, /* of deltas, which are not read */
        X509_REASON_PRIVILEGE_WITHDRAWN = 9,
        X509_REASON_AA_COMPROMISE = 10,
} X509Reason;

/* "keyCompromise", as RFC 5280 writes them; "" for none, "unspecified" for what has no name. */
const char *x509_reason_name(X509Reason reason);

typedef struct X509CrlEntry {
        Bytes serial;  /* digits, the highest first, unsigned; at most CERTIFICATE_SERIAL_MAX */
        uint64_t date; /* µs since the epoch */
        X509Reason reason;
} X509CrlEntry;

typedef struct X509CrlFacts {
        const SignatureAlgorithm *algorithm;
        Bytes issuer;                      /* certificate in DER: its subject and key identifier */
        uint64_t number;                   /* one more than the last one's */
        uint64_t this_update, next_update; /* µs since the epoch */
        uint64_t expired_since;      /* what expired since is kept (X.509 §9.5.2.8); 0: not told */
        const X509CrlEntry *entries; /* each serial once */
        size_t entry_count;          /* at most CRL_ENTRIES_MAX */
} X509CrlFacts;

/* TBSCertList in DER. SEAL_E_INVALID_ARGS, SEAL_E_LIMITS_EXCEEDED, -ENOMEM, -EIO. */
int x509_crl_prepare(const X509CrlFacts *facts, uint8_t **ret, size_t *ret_size,
                     ErrorDetail *detail);

/* --- reading ---------------------------------------------------------------------------------- */

typedef struct X509Crl X509Crl;

X509Crl *x509_crl_free(X509Crl *crl);
DEFINE_CLEANUP(X509Crl, x509_crl_free)

/*
 * DER of at most REVOCATION_LIST_MAX bytes; it is copied. SEAL_E_INVALID_ARGS says what is wrong,
 * also for what is not read: lists of another's certificates, of some reasons, deltas, unknown
 * critical extensions.
 */
int x509_crl_read(Bytes der, X509Crl **ret, ErrorDetail *detail);

/*
 * The same in two steps: what it is beside its entries, of which x509_crl_issuer() and
 * x509_crl_verify() tell; and all else. Each refusal may be a shortage of memory
 * (policy/openssl.h).
 */
int x509_crl_open(Bytes der, X509Crl **ret, ErrorDetail *detail);
int x509_crl_check(X509Crl *crl, ErrorDetail *detail);

/*
 * Is it of this issuer: name, right to sign CRLs, and signature? SEAL_E_APPROVAL_INVALID with the
 * reason when not; -ENOMEM, -EIO.
 */
int x509_crl_verify(const X509Crl *crl, X509 *issuer, ErrorDetail *detail);

const X509_NAME *x509_crl_issuer(const X509Crl *crl);
uint64_t x509_crl_this_update(const X509Crl *crl);
uint64_t x509_crl_next_update(const X509Crl *crl); /* UINT64_MAX: it does not say */

/*
 * An entry may say something else than that a certificate is revoked: nothing is good by the list.
 */
bool x509_crl_is_puzzling(const X509Crl *crl);

/* Is it for such certificates (RFC 5280 §5.2.5)? */
bool x509_crl_covers(const X509Crl *crl, const X509 *certificate);

typedef enum X509Status {
        X509_STATUS_UNKNOWN, /* the list cannot tell */
        X509_STATUS_GOOD,
        X509_STATUS_REVOKED, /* or on hold: the reason tells */
} X509Status;

typedef struct X509Revocation {
        X509Status status;
        uint64_t date; /* µs; of REVOKED, and of GOOD where it was revoked after that time */
        X509Reason reason;
        char text[ERROR_TEXT_MAX]; /* one sentence */
} X509Revocation;

/*
 * What a list says of a certificate at a time (µs). Neither signature nor issuer is asked here.
 * Unknown at times after the next update, or after the list itself where it names none; and of a
 * certificate that had expired when the list was made, unless the list keeps those. -ENOMEM.
 */
int x509_crl_find(const X509Crl *crl, const X509 *certificate, uint64_t time, X509Revocation *ret);

/*
 * The same from all lists at hand (DER): those of others or for other certificates are passed over,
 * those that are not well signed are named in the text. A revocation in any of them counts, but a
 * hold only in the list in force at that time or the newest. Nothing is good beside a list that is
 * not read and may be the issuer's, or that is of a time after now. -ENOMEM, -EIO.
 */
int x509_revocation_at(const Bytes *crls, size_t crl_count, const X509 *certificate, X509 *issuer,
                       uint64_t time, uint64_t now, X509Revocation *ret);
