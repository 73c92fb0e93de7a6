/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps from nothing to an index in the chip, as Initialize and ExtendCapacity take them. All
 * run in the worker, as part of a job.
 */
#pragma once

#include "sealsd/service-internal.h"

/* A random handle of our range at which the chip has nothing. */
int index_draw(Chip *chip, TPM2_HANDLE *ret, ErrorDetail *detail);

/*
 * Define it, unless it is there; its handle is in the register, so that what stands there with
 * another policy is ours of an earlier try, and goes. row->written tells whether its first write
 * has been made already. SEAL_E_TPM_FULL, SEAL_E_WRONG_PIN (owner auth, which may be NULL).
 */
int index_define(const ServiceJob *job, Chip *chip, RegisterIndex *row, const Secret *owner,
                 ErrorDetail *detail);

/*
 * The first write, with a resident authority: no bit set, or the genesis. SEAL_E_WRONG_PIN,
 * SEAL_E_TPM_LOCKOUT.
 */
int index_write_resident(const ServiceJob *job, Chip *chip, const TpmAuthority *authority,
                         const Secret *passphrase, const RegisterIndex *row, ErrorDetail *detail);
