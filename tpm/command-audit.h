/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command audit of TPM2_Sign (Part 1 §33, Part 3 §21): the chip counts, in one digest, each
 * signature that it makes, whoever asks for it. The list of commands survives a TPM reset; the
 * digest does not. The commands that are counted here pass in sessions salted to the SRK, whose
 * answers are checked.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <tss2/tss2_tpm2_types.h>

#include "base/secret.h"
#include "tpm/tpm.h"

/*
 * TPM2_SetCommandCodeAuditStatus by the owner (secret may be NULL: the empty authorisation):
 * SHA-256, and TPM2_Sign among the audited. The chip adds the second command itself to the digest.
 * SEAL_E_UNSUPPORTED when the chip lacks the command, SEAL_E_PIN_REQUIRED when the owner's
 * authorisation is another.
 */
int tpm_command_audit_arm(Tpm *tpm, const Secret *owner, ErrorDetail *detail);

typedef struct TpmCommandAudit {
        uint64_t counter;
        TPM2B_DIGEST digest; /* 32 bytes; zeros where the chip has none since its reset */
        /*
         * Of TPM resets, as the chip tells it outside its endorsement hierarchy (Part 1 §36.7):
         * moved by a number that only TPM2_Clear changes. Good for comparing.
         */
        uint32_t resets;
} TpmCommandAudit;

/*
 * TPM2_GetCommandAuditDigest, unsigned, which leaves the digest as it is. SEAL_E_UNSUPPORTED as
 * above, also when the chip's audit is not in SHA-256; SEAL_E_PIN_REQUIRED when the endorsement
 * hierarchy has an authorisation.
 */
int tpm_command_audit_read(Tpm *tpm, TpmCommandAudit *ret, ErrorDetail *detail);

/* --- what this connection signs --------------------------------------------------------------- */

typedef struct AuditedSign {
        TPM2B_DIGEST cphash, rphash;
} AuditedSign;

/* In the order of the chip. */
typedef struct AuditedSigns {
        AuditedSign *list; /* malloc'ed */
        size_t count, room;
} AuditedSigns;

/* Each TPM2_Sign from now on whose answer was good is added; borrowed, NULL: nobody asks. */
void tpm_command_audit_note(Tpm *tpm, AuditedSigns *signs);

/* For tpm/'s own: that this was signed. Without memory it is left out, and the digests differ. */
void tpm_command_audit_signed(Tpm *tpm, const TPM2B_NAME *key, const TPM2B_DIGEST *digest,
                              const TPMT_SIG_SCHEME *scheme, const TPMT_SIGNATURE *signature);
