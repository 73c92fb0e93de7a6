/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A handle in the chip with an owner. Closing it flushes a transient object or a session, and only
 * forgets a persistent object or an NV index. One TpmHandle per ESYS_TR, never copied while open:
 * Esys_TR_Close() counts no references. Zero-initialise and give a cleanup attribute:
 * `_cleanup_(tpm_handle_close) TpmHandle key = {};`
 */
#pragma once

#include <stdbool.h>

#include <tss2/tss2_esys.h>

#include "base/error.h"
#include "base/secret.h"
#include "tpm/tpm.h"

typedef struct TpmHandle {
        Tpm *tpm; /* NULL: nothing is held */
        ESYS_TR tr;
        bool flush; /* transient object or session */
} TpmHandle;

/* What was just made: take over its ESYS_TR. */
static inline TpmHandle tpm_handle_transient(Tpm *tpm, ESYS_TR tr) {
        return (TpmHandle){ .tpm = tpm, .tr = tr, .flush = true };
}

static inline TpmHandle tpm_handle_persistent(Tpm *tpm, ESYS_TR tr) {
        return (TpmHandle){ .tpm = tpm, .tr = tr };
}

/* Idempotent; the TpmHandle may be used again. */
void tpm_handle_close(TpmHandle *handle);

/* Hand over: the source holds nothing afterwards. */
TpmHandle tpm_handle_steal(TpmHandle *handle);

/* Open a persistent object or an NV index. ret stays as it is, with 0, when the handle is free. */
int tpm_handle_open(Tpm *tpm, TPM2_HANDLE handle, TpmHandle *ret, ErrorDetail *detail);

/* The Name that ESAPI keeps for the entity. */
int tpm_handle_name(const TpmHandle *handle, TPM2B_NAME *ret, ErrorDetail *detail);
