/* SPDX-License-Identifier: Apache-2.0 */
/* The machine's state in the chip: PCR values, and the fence. */
#pragma once

#include "policy/pcr.h"
#include "tpm/tpm.h"

/* TPM2_PCR_Read until all are there (Part 3 §22.4 may return fewer at a time). */
int tpm_pcr_read(Tpm *tpm, const PcrSelection *selection, PcrValues *ret, ErrorDetail *detail);

/*
 * The fence (design, section 3.2): TPM2_PCR_Event on a counting PCR, after which the chip refuses
 * every policy session whose PolicyPCR came before.
 */
int tpm_fence(Tpm *tpm, unsigned pcr, ErrorDetail *detail);
