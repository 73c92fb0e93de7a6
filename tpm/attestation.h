/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the chip signs about itself, with its attestation key (AK; policy/attest.h has the template,
 * and judges what is signed). The key is made for each use, which gives the same one, and flushed.
 *
 * All functions: SEAL_E_PIN_REQUIRED when the endorsement hierarchy has an authorisation, which
 * sealsd does not know; SEAL_E_UNSUPPORTED when that hierarchy is switched off.
 */
#pragma once

#include <tss2/tss2_tpm2_types.h>

#include "tpm/index.h"
#include "tpm/tpm.h"

/* The AK's public half, the answer's HMAC checked. */
int tpm_ak_public(Tpm *tpm, TPM2B_PUBLIC *ret, ErrorDetail *detail);

/*
 * TPM2_NV_Certify of the whole value of a ledger index by the AK. The qualifying data comes back in
 * what is signed. Errors as tpm_index_read_value() besides.
 */
int tpm_index_certify(Tpm *tpm, const TpmIndex *index, const TPM2B_DATA *qualifying,
                      TPM2B_ATTEST *ret_attest, TPMT_SIGNATURE *ret_signature, ErrorDetail *detail);
