/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PINs and passphrases as the chip has them. It counts wrong ones of all its users together, and
 * then refuses the right ones too, until it forgets one after a while (Part 1 §19.8).
 */
#pragma once

#include "base/error.h"
#include "base/secret.h"
#include "tpm/tpm.h"

/*
 * The authValue of a seal with a PIN: SHA-256("sealsd/seal/pin" ‖ PIN), since an authValue is no
 * longer than the nameAlg's digest (Part 1 §19.6.4.3). Wipe the result.
 */
int tpm_pin_auth(const Secret *pin, Secret *ret);

/* The same of a resident authority: SHA-256("sealsd/authority/passphrase" ‖ passphrase). */
int tpm_passphrase_auth(const Secret *passphrase, Secret *ret);

/*
 * The sentence of SEAL_E_WRONG_PIN or SEAL_E_TPM_LOCKOUT: how many tries are left, or how many
 * seconds until the chip forgets one. what is wrong ("Wrong PIN of the seal"), many of what were
 * ("PINs"). Asks the chip; the sentence stays as it was when that does not answer. Returns the
 * condition.
 */
int tpm_pin_explain(Tpm *tpm, int condition, const char *what, const char *many,
                    ErrorDetail *detail);
