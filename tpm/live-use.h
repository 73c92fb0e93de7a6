/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A live use of a seal (design, section 3.1): a salted policy session, held open while its
 * approvers sign its nonceTPM. The chip takes their approvals in this session alone, for one
 * signature, and until their expiration, which it counts from the session's start (Part 3 §23.3).
 *
 * A session held is one less for everybody else: a chip need load no more than three (Part 2
 * §6.13), of which a signature takes two, the kernel's resource manager keeps three a connection,
 * and tpm2-abrmd four. Whatever else is held meanwhile (TpmChallenge) counts as well.
 */
#pragma once

#include <stdbool.h>

#include <tss2/tss2_tpm2_types.h>

#include "tpm/tpm.h"

typedef struct LiveUse LiveUse;

/* How many may be open at once on this way to the chip: LIVE_USES_MAX, or 1. */
unsigned tpm_live_uses_max(const Tpm *tpm);

/*
 * SEAL_E_BUSY when that many are open; else the errors of tpm_srk_rc(). The Tpm has to outlive the
 * LiveUse.
 */
int tpm_live_use_open(Tpm *tpm, LiveUse **ret, ErrorDetail *detail);

/* Flushes the session. */
LiveUse *tpm_live_use_free(LiveUse *use);
DEFINE_CLEANUP(LiveUse, tpm_live_use_free)

/* What the approvers sign. It stays the same until a signature is made; owned by the LiveUse. */
const TPM2B_NONCE *tpm_live_use_nonce(const LiveUse *use);

/* Whether the chip has signed in it: it holds nothing any more. */
bool tpm_live_use_is_spent(const LiveUse *use);

/* For tpm/sign.c: the session, and its end once the chip has signed in it. */
struct SysPolicySession *tpm_live_use_session(LiveUse *use);
void tpm_live_use_spend(LiveUse *use);
