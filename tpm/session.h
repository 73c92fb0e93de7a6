/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions: SHA-256, salted to the SRK, so that commands and answers carry HMACs that nobody on the
 * TPM's bus can make, and AES-128-CFB for the first parameter where something secret passes
 * (Part 1 §19, §21). They continue after use; close the handle to flush them.
 */
#pragma once

#include <tss2/tss2_tpm2_types.h>

#include "base/error.h"
#include "tpm/handle.h"
#include "tpm/tpm.h"

/* What a session encrypts. */
#define SESSION_PLAIN ((TPMA_SESSION) 0)
#define SESSION_COMMAND TPMA_SESSION_DECRYPT /* first parameter of the command */
#define SESSION_ANSWER TPMA_SESSION_ENCRYPT  /* first parameter of the answer; by SAPI only */

/* For commands that authorise nothing: their answers are proved then. */
#define SESSION_PROVES TPMA_SESSION_AUDIT

/* type: TPM2_SE_HMAC, TPM2_SE_POLICY, TPM2_SE_TRIAL. -ENOKEY before tpm_srk_ensure(). */
int tpm_session_open(Tpm *tpm, TPM2_SE type, TPMA_SESSION encrypts, TpmHandle *ret,
                     ErrorDetail *detail);

/* Salted to another key, or to none (ESYS_TR_NONE): while there is no SRK yet. */
int tpm_session_open_salted(Tpm *tpm, ESYS_TR salt, TPM2_SE type, TPMA_SESSION encrypts,
                            TpmHandle *ret, ErrorDetail *detail);
