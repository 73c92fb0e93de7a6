/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates of seals: issued by the maker when the key is made and at a recertification, or
 * brought from another authority. Each is a row of its own beside those before it; the last one is
 * in force.
 *
 * Issuing is a Certification: filled in the main thread, run in the worker as part of the job that
 * makes the key, or of its own, and kept in the transaction that the seal changes in.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "format/signed-format.h"
#include "sealsd/caller.h"
#include "sealsd/certificate-chain.h"
#include "sealsd/config.h"
#include "sealsd/eseal-issue.h"
#include "sealsd/event.h"
#include "sealsd/maker-use.h"
#include "sealsd/seal.h"

struct Service;
struct Reply;

typedef struct Certification {
        MakerUse maker;
        size_t subject_size;
        uint8_t subject[DISTINGUISHED_NAME_MAX]; /* DER Name */
        size_t url_count;
        char *urls[CRL_URLS_MAX]; /* owned */
        bool eseal;               /* of an institution */
        ESealIssue issue;         /* of the seal's picture */
        CertificateRecord record; /* what comes of it */
} Certification;

void certification_clear(Certification *certification);

/*
 * For the seal as it is to be, by whom. What is not issued yet is cleared by certification_clear()
 * all the same. SEAL_E_NOT_FOUND while its maker is not made (makers_demand()),
 * SEAL_E_MACHINE_STATE_REFUSED, SEAL_E_CERTIFICATE_INVALID when the maker's own certificate ends
 * before the seal begins.
 */
int certification_fill(struct Service *service, const Seal *seal, const Caller *by,
                       Certification *ret, ErrorDetail *detail);

/* Whom the seal's certificate names: DER of the Name. */
int service_seal_subject(const struct Service *service, const Seal *seal,
                         uint8_t ret[static DISTINGUISHED_NAME_MAX], size_t *ret_size,
                         ErrorDetail *detail);

/* In the worker: the certificate over the seal's key. May be run again. */
int certification_run(Certification *certification, Chip *chip, const TPM2B_PUBLIC *key,
                      ErrorDetail *detail);

/* In the open transaction: row and event. */
int certification_keep(struct Service *service, const Caller *caller, const char *number,
                       const Certification *certification);

/*
 * An event about a certificate: of a seal (object: who issued it) or of a maker (seal NULL, object
 * its algorithm); in the open transaction.
 */
int service_event_certificate(struct Service *service, EventCode code, const Caller *caller,
                              const char *object, const char *seal,
                              const CertificateRecord *record);

/*
 * The seal's certificate in force and those above it, the caller's to free; of a seal without one
 * none.
 */
int service_seal_certificates(struct Service *service, const char *number, CertificateChain *ret);

/*
 * The seal of GB/T 38540 that goes with that certificate, the caller's to free; size 0 when there
 * is none. *ret_profile is what it is, in the words of the bus: static, "" for none.
 */
int service_seal_structure(struct Service *service, const Seal *seal, CertificateRecord *ret,
                           const char **ret_profile);

/*
 * SEAL_E_CERTIFICATE_INVALID: the seal's certificate is not valid now. required: a seal that has
 * none is refused, too.
 */
int service_check_certificate(struct Service *service, const char *number, bool required,
                              ErrorDetail *detail);

/* The same of a seal that is to sign so: a request for a certificate does not ask for one. */
int service_certificate_why_not(struct Service *service, const char *number, SignFormat format,
                                ErrorDetail *detail);

/*
 * What the register keeps of a chain that was brought, but for who brought it; leaf is the first.
 * SEAL_E_CERTIFICATE_INVALID for one whose serial number or times cannot be kept.
 */
int certificate_record_of(const Bytes *chain, size_t count, X509 *leaf, CertificateRecord *ret);

/*
 * From now on the seal has these certificates of another authority: its own, then each above the
 * one before. Result: NULL. SEAL_E_CERTIFICATE_INVALID with the reason.
 */
int service_seal_set_certificates(struct Service *service, const Caller *caller, const char *number,
                                  const Bytes *chain, size_t count, struct Reply reply,
                                  ErrorDetail *detail);

/* An approved recertification: issue, then the rest of it. Result: const char *, the number. */
int service_recertify_for(struct Service *service, const Caller *caller, const Request *request,
                          struct Reply reply, ErrorDetail *detail);
