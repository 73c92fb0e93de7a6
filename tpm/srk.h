/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The storage root key at 0x81000001: TCG ECC P-256 storage template (TCG Provisioning Guidance
 * §7.5.1), empty auth, noDA. Parent of all our keys and salt of all our sessions.
 */
#pragma once

#include <tss2/tss2_tpm2_types.h>

#include "tpm/rc.h"
#include "tpm/tpm.h"

#define SRK_HANDLE 0x81000001U

/*
 * Find the key, or create it with the owner's authorisation (which may be empty). Checks that what
 * is there has the template's type, curve, attributes and symmetric parameters, and, when expected
 * is not NULL, that Name. Returns SEAL_E_REGISTER_TAMPERED for another Name than expected,
 * SEAL_E_UNSUPPORTED for an object with another template, SEAL_E_WRONG_PIN for a wrong owner auth.
 * The Tpm remembers the key, and when it is the expected one no command is sent the next time; all
 * functions that need it demand that this was called once.
 */
int tpm_srk_ensure(Tpm *tpm, const TPM2B_NAME *expected, const Secret *owner_auth,
                   TPM2B_NAME *ret_name, ErrorDetail *detail);

/*
 * tpm_rc() for a command in a session salted to the key, or that opens one. Another program may
 * have replaced the key or taken it away since it was looked at: then the salt does not fit, and
 * the chip blames an authorisation or a handle that is right. So before these are blamed the key is
 * looked at again. SEAL_E_TPM_UNAVAILABLE when it is not the one that is held: in a new connection
 * tpm_srk_ensure() finds or makes it, or says what is wrong.
 */
int tpm_srk_rc(Tpm *tpm, TSS2_RC rc, TpmStep step, ErrorDetail *detail);
