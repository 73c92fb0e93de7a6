/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What root finds in a register: wrapped blobs, auths of indices, what authority and approvers
 * signed, and through the chip, in an approved state, the key to what is encrypted there.
 */
#pragma once

#include "base/vault.h"
#include "policy/seal-policy.h"
#include "sealsd/store.h"
#include "tpm/index.h"
#include "tpm/tpm.h"

typedef struct Loot {
        Tpm *tpm;
        Installation installation;
        TPM2B_NAME authority;
        TpmIndex index;
        MachineState *states;
        size_t state_count;
        Seal seal;
        SealPolicy policy;
        Request request;
        Seal approved;              /* what the request is about */
        MachineApproval *approvals; /* of states */
        Vault *vault;               /* the register's key */
} Loot;

/*
 * From the register in folder, and a connection to the chip at $SEALSD_TCTI. what is a seal's
 * number, an index's handle with 0x before it, or a maker as maker:ALGORITHM, which stands in the
 * seal's place; request the id of one of kind use, NULL for none. loot is zero-initialised, and
 * dropped also after an error.
 */
int loot_take(Loot *loot, const char *folder, const char *what, const char *request,
              ErrorDetail *detail);
void loot_drop(Loot *loot);
