/* SPDX-License-Identifier: Apache-2.0 */
/* What this layer's modules share: the connection itself, and ESAPI's outputs with an owner. */
#pragma once

#include <stdbool.h>

#include <tss2/tss2_esys.h>

#include "base/cleanup.h"
#include "tpm/handle.h"
#include "tpm/rc.h"
#include "tpm/signer.h"
#include "tpm/tpm.h"

struct Tpm {
        TSS2_TCTI_CONTEXT *tcti;
        ESYS_CONTEXT *esys;
        char *name;                 /* the TCTI string */
        TpmHandle srk;              /* held by tpm_srk_ensure() */
        TPM2B_NAME srk_name;        /* of the held one */
        TPM2B_PUBLIC srk_public;    /* likewise: what sessions are salted to */
        Signer signer;              /* what the last signature leaves for the next one */
        unsigned live_uses;         /* that are open (tpm/live-use.h) */
        struct AuditedSigns *signs; /* tpm_command_audit_note(); NULL: nobody asks */
        bool littered;              /* something could not be flushed */
};

/*
 * tpm_new() over a TCTI that the caller made, and finalizes after the Tpm is freed. The name stands
 * for the TCTI string.
 */
int tpm_new_over(Tpm **ret, const char *name, TSS2_TCTI_CONTEXT *tcti, ErrorDetail *detail);

/* Three sessions, none of them used. */
#define NO_SESSIONS ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE

/* One session, and two unused places. */
#define ONE_SESSION(handle) (handle)->tr, ESYS_TR_NONE, ESYS_TR_NONE

static inline void esys_freep(void *pointer) {
        Esys_Free(*(void **) pointer);
}

#define _cleanup_esys_ _cleanup_(esys_freep)

/* What became of a TPM2_FlushContext. What the chip or its resource manager lost is not litter. */
void tpm_flushed(Tpm *tpm, TSS2_RC rc);

/* Whether nothing stands between this TCTI and the chip that keeps its users apart. */
bool tcti_is_direct(const char *tcti);

/*
 * TPM2_GetCapability of one capability from first on (Part 3 §30.2), at most count entries; the
 * caller frees *ret with Esys_Free.
 */
int tpm_capability(Tpm *tpm, TPM2_CAP capability, uint32_t first, uint32_t count,
                   TPMS_CAPABILITY_DATA **ret, ErrorDetail *detail);
