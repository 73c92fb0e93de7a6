/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An NV index of ours opened for one operation. Its attributes WRITTEN and READLOCKED are part of
 * its Name, so an ESYS_TR kept over a first write or a lock would be stale: it is read anew each
 * time. `_cleanup_(tpm_nv_close) TpmNv nv = {};`
 */
#pragma once

#include "tpm/auth.h"
#include "tpm/handle.h"
#include "tpm/index.h"

typedef struct TpmNv {
        TpmHandle handle; /* not held when absent */
        TpmAuth auth;
        TpmIndexState state;
} TpmNv;

/* Find out the state by the Name; lend the index's auth when the index is ours. */
int tpm_nv_open(Tpm *tpm, const TpmIndex *index, TpmNv *ret, ErrorDetail *detail);

void tpm_nv_close(TpmNv *nv);

/*
 * 0 when the index is written (locked or not); SEAL_E_NOT_FOUND when absent, and
 * SEAL_E_REGISTER_TAMPERED when foreign or unwritten, with a sentence.
 */
int tpm_nv_demand_written(const TpmNv *nv, const TpmIndex *index, ErrorDetail *detail);
