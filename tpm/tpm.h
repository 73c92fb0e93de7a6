/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection to the chip: one ESYS context over one TCTI. Not thread-safe; in the daemon the
 * worker thread owns it. Objects and sessions that functions of this layer open are flushed before
 * they return, whatever happens, but for a TpmChallenge, whose session lives until it is freed, and
 * for the key and the two sessions that a signature leaves for the next one: tpm_release().
 *
 * Every function here may return SEAL_E_TPM_UNAVAILABLE (the TCTI failed, the chip was reset, an
 * answer was altered on its way, or the storage root key is another: free the Tpm and connect
 * anew), SEAL_E_TPM_FULL, SEAL_E_BUSY (the
 * chip asks for patience), SEAL_E_TPM_FAILURE (the detail has step, code and text), -ENOMEM.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/secret.h"

typedef struct Tpm Tpm;

/*
 * Connect. tcti is a TCTI loader string ("tabrmd:", "device:/dev/tpmrm0", "swtpm:path=/run/x");
 * NULL or empty tries tpm2-abrmd, then /dev/tpmrm0. A chip that was not started yet (a bare
 * simulator) is started with TPM2_Startup(CLEAR). A chip without a resource manager in between
 * (swtpm, mssim, /dev/tpm0) is ours alone: loaded keys and sessions that are found in it were left
 * there by a connection that broke, and are flushed.
 */
int tpm_new(Tpm **ret, const char *tcti, ErrorDetail *detail);
Tpm *tpm_free(Tpm *tpm);
DEFINE_CLEANUP(Tpm, tpm_free)

/*
 * Flush what is kept for the next signature. Every function here that opens sessions does so first,
 * and so does tpm_free(); the owner does it when nothing more is asked for and tpm_is_shared().
 */
void tpm_release(Tpm *tpm);

/* Whether anything is kept. */
bool tpm_holds(const Tpm *tpm);

/* Whether others use the chip besides, through a resource manager that keeps our things for us. */
bool tpm_is_shared(const Tpm *tpm);

/*
 * Whether the chip did not flush something that it was told to: only a new connection does then,
 * and three such leave no room for anything.
 */
bool tpm_is_littered(const Tpm *tpm);

/* The TCTI string in use. Owned by the Tpm. */
const char *tpm_tcti(const Tpm *tpm);

/* "IBM SW TPM 8217.4131" or the like: manufacturer, vendor string, firmware version. */
int tpm_describe(Tpm *tpm, char *ret, size_t size, ErrorDetail *detail);
