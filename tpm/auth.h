/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An authValue lent to ESAPI for as long as a scope lasts. ESAPI puts it into the HMACs of the
 * sessions that authorise; it never goes over the bus. Declare it after the TpmHandle it belongs
 * to, so that it is wiped before that is closed.
 */
#pragma once

#include <tss2/tss2_esys.h>

#include "base/error.h"
#include "base/secret.h"
#include "tpm/tpm.h"

#define AUTH_VALUE_MAX 32U /* what we set ourselves: a SHA-256 digest's size (Part 1 §19.6.4.3) */

typedef struct TpmAuth {
        Tpm *tpm; /* NULL: nothing is lent */
        ESYS_TR tr;
} TpmAuth;

/* secret may be NULL or unset: the empty authValue. */
int tpm_auth_lend(TpmAuth *ret, Tpm *tpm, ESYS_TR tr, const Secret *secret, ErrorDetail *detail);

/* Overwrites ESAPI's copy. Idempotent. */
void tpm_auth_revoke(TpmAuth *auth);

/*
 * As the chip keeps it: without trailing zeros (Part 1 §19.6.4.3), which would change the HMAC of a
 * long one. Wipe the result. SEAL_E_LIMITS_EXCEEDED for one that no chip can hold.
 */
int tpm_auth_value(const Secret *secret, TPM2B_AUTH *ret, ErrorDetail *detail);

void tpm_auth_value_wipe(TPM2B_AUTH *value);
