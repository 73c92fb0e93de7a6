/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificate of a signer, of a seal's maker or of a time-stamp authority, judged into four
 * rows of a report: its path to an anchor, its use, its validity, its revocation.
 */
#pragma once

#include "format/verify-report.h"
#include "format/verify-trust.h"
#include "format/x509-certificate.h"

/* Which rows, and of whom they speak. Rows may be the same one: the worst result stays. */
typedef struct VerifyRows {
        CheckCode chain, usage, validity, revocation;
        X509Use use;
        bool makes_seals; /* and has to be trusted itself, or a CA's */
        const char *who;  /* "The signer's certificate", begins the sentences */
} VerifyRows;

extern const VerifyRows verify_rows_signer; /* certificate-chain, … */
extern const VerifyRows verify_rows_maker;  /* seal-maker-chain, … */

/*
 * Judge a certificate (DER) at facts.time, which verify_time_choose has set. Paths go through the
 * certificates of the file (embedded; NULL: none) and trust's intermediates, to trust's anchors. Of
 * an anchor itself revocation is absent; without a list that tells, or when it was revoked after a
 * time that is only claimed, it is not-checked. 0; -ENOMEM, -EIO.
 */
int verify_certificate(VerifyReport *report, const VerifyTrust *trust, Bytes certificate,
                       const VerifyList *embedded, const VerifyRows *rows);
