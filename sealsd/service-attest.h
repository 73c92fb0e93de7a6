/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The passport of a seal (format/passport.h): gathered from the register, signed for by the chip.
 */
#pragma once

#include "base/bytes.h"
#include "base/error.h"
#include "format/passport.h"
#include "sealsd/service.h"
#include "tpm/index.h"

/*
 * Result: Bytes, the file, which has been verified as anybody will. nonce has PASSPORT_NONCE_MIN to
 * PASSPORT_NONCE_MAX bytes (SEAL_E_INVALID_ARGS). Of a seal in any state that has a key:
 * SEAL_E_INVALID_STATE of a destroyed one. SEAL_E_MACHINE_STATE_REFUSED while the register is
 * closed; SEAL_E_LOCKED while the revocation indices are read-locked; SEAL_E_PIN_REQUIRED or
 * SEAL_E_UNSUPPORTED when the chip has no attestation key for us; SEAL_E_REGISTER_TAMPERED when
 * register and chip do not go together; SEAL_E_BUSY when the ledger was anchored again and again
 * meanwhile.
 */
int service_seal_attest(Service *service, const Caller *caller, const char *number, Bytes nonce,
                        Reply reply, ErrorDetail *detail);

/* The indices whose values are attested. Wipe it. */
typedef struct AttestIndices {
        TpmIndex revocation, ledger;
        size_t state_count;
        TpmIndex states[INDICES_MAX]; /* in the order in which the statement's states name them */
} AttestIndices;

/*
 * What the register says of the seal, with the last anchor as the ledger's; nonce and what the chip
 * has to add (the certificates of its endorsement keys) are the caller's.
 */
int attest_statement_fill(Service *service, const Seal *seal, PassportStatement *statement,
                          AttestIndices *ret_indices);
