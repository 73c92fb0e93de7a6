/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The register key's life: sealed in the chip by Initialize, or at the first approved look at a
 * register from before; unsealed into protected memory whenever the machine's state is approved;
 * wiped at the stop. Without it the confidential fields of the register are closed.
 */
#pragma once

#include <stdbool.h>

#include "base/vault.h"
#include "sealsd/worker.h"
#include "tpm/register-key.h"

struct Service;
struct ServiceJob;

typedef struct RegisterKey {
        Vault *vault;             /* empty while it is not there */
        bool asked;               /* the daemon's own job is under way */
        sd_event_source *closing; /* encrypts what a register from before has in the clear */
} RegisterKey;

int key_start(struct Service *service);
/* Wipe it. */
void key_stop(struct Service *service);

/* In the worker: a new key's sealed object, the key forgotten again (or kept, in ret_key). */
int key_seal(struct ServiceJob *job, Chip *chip, const char *profile, TPM2B_PUBLIC *ret_public,
             TPM2B_PRIVATE *ret_private, Secret *ret_key, ErrorDetail *detail);

/* The machine's state is approved: unseal it, unless it is there. */
void key_look(struct Service *service);
