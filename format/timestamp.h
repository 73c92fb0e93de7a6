/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time stamps (RFC 3161, RFC 5816): what an authority is asked, its answer, and a token that says
 * when a signature was there already: of CAdES B-T the unsigned attribute, of SES_Signature (GB/T
 * 38540) its timeStamp. What is stamped is always the value of the signature.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "format/verify-report.h"
#include "format/verify-trust.h"

/*
 * DER TimeStampReq over the bytes to be stamped, which asks for the authority's certificate; *ret
 * is malloc'ed. hash as on the bus; nonce random and not 0. SEAL_E_INVALID_ARGS for another hash,
 * -ENOMEM.
 */
int timestamp_request(const char *hash, Bytes stamped, uint64_t nonce, uint8_t **ret,
                      size_t *ret_size);

/*
 * The token out of an authority's answer to that request, when it is one: granted, over the same
 * bytes, with its nonce, well signed, and, where trust has anchors for time stamps, by one of those
 * authorities. *ret is malloc'ed DER. SEAL_E_APPROVAL_INVALID with the reason,
 * SEAL_E_LIMITS_EXCEEDED beyond TIMESTAMP_MAX bytes, -ENOMEM, -EIO.
 */
int timestamp_accept(Bytes response, Bytes request, Bytes stamped, const VerifyTrust *trust,
                     uint8_t **ret, size_t *ret_size, ErrorDetail *detail);

/*
 * Judge a token (DER) over the stamped bytes into the report's timestamp check (and deviations and
 * facts.authority). *ret_time is its time in µs where all passed, else it stays. An authority's
 * certificate is judged at the token's time; that it was not revoked is demanded only where a list
 * says so. Without anchors for time stamps the check is not-checked. 0; -ENOMEM, -EIO.
 */
int timestamp_verify(Bytes der, Bytes stamped, const VerifyTrust *trust, VerifyReport *report,
                     uint64_t *ret_time);
