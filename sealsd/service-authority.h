/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What needs the authority's word once the installation stands: a lower separation, another key for
 * a reviewer. An external authority signs bytes that are offered or named; a resident one is asked
 * in the chip with the administrators' passphrase.
 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"
#include "sealsd/service.h"

#define AUTHORITY_BYTES_MAX 160

/*
 * The resident authority signs the bytes in the chip, which it does for its passphrase alone: the
 * signature itself is of no use. Result: NULL. SEAL_E_PIN_REQUIRED without a passphrase,
 * SEAL_E_WRONG_PIN, SEAL_E_TPM_LOCKOUT.
 */
int service_authority_prove(Service *service, uint32_t uid, const Secret *passphrase, Bytes bytes,
                            Reply reply, ErrorDetail *detail);

/* --- challenges without a session (service-separation.c) -------------------------------------- */

/* What is on offer for the external authority: at most one more for the list. */
void service_separation_offered(Service *service, ChallengeList *list);

/* SEAL_E_NOT_FOUND when the id is none of it; else as service_answer, at once. */
int service_separation_answer(Service *service, const Caller *caller, const char *id,
                              Bytes signature, ErrorDetail *detail);
