/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PCR selections and values as plain values: one bank, any of PCR 0 to 23. The text form is
 * tpm2-tools' "sha256:0,2,7". No PCR is read here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <tss2/tss2_tpm2_types.h>

#include "base/error.h"
#include "base/limits.h"

#define PCR_COUNT 24
#define PCR_IMA 10 /* moves with every file that IMA measures: never bound */

typedef struct PcrSelection {
        TPMI_ALG_HASH bank; /* TPM2_ALG_SHA256 or TPM2_ALG_SHA384 */
        uint32_t mask;      /* bit n is PCR n; never 0 in a parsed selection */
} PcrSelection;

typedef struct PcrValues {
        PcrSelection selection;
        TPM2B_DIGEST values[PCR_COUNT]; /* by PCR number; size 0 where not selected */
} PcrValues;

/*
 * Parse the text form. Returns SEAL_E_INVALID_ARGS for an empty selection, an unknown bank, a
 * number above 23 or named twice, PCR 10, and fence_pcr (the PCR that revocation extends).
 */
int pcr_selection_parse(const char *text, unsigned fence_pcr, PcrSelection *ret,
                        ErrorDetail *detail);

/* The canonical text form, numbers ascending. ret has PCR_TEXT_MAX + 1 bytes. Returns ret. */
const char *pcr_selection_format(const PcrSelection *selection, char *ret);

/* As the TPM's commands want it: one TPMS_PCR_SELECTION of three bytes. */
void pcr_selection_list(const PcrSelection *selection, TPML_PCR_SELECTION *ret);

/*
 * pcrDigest of TPM2_PolicyPCR (Part 3 §23.7): SHA-256 over the values, ascending. Returns -EINVAL
 * when nothing is selected or a selected value is missing: that digest would be blind.
 */
int pcr_values_digest(const PcrValues *values, TPM2B_DIGEST *ret);

/* The PCRs of a's selection whose value in b differs or is missing; bit n is PCR n. */
uint32_t pcr_values_differing(const PcrValues *a, const PcrValues *b);
