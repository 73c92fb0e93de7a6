/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for one secret that is kept: a key for as long as the daemon runs, a PIN while its use
 * waits for approvers. memfd_secret(2) takes the page out of the
 * kernel's own map, so that neither /proc/PID/mem nor ptrace(2), process_vm_readv(2) or a kernel
 * bug that reads where it should not reaches it, root included; the machine does not hibernate
 * meanwhile. Where the kernel does not give it (before 5.14; secretmem.enable=0; a container's
 * filter) the page is locked against swap, and where RLIMIT_MEMLOCK forbids that too it is plain:
 * the daemon works all the same and says so. Never in a core dump, never in a child.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/secret.h"

/* From the strongest. */
typedef enum VaultProtection {
        VAULT_MEMFD_SECRET,
        VAULT_MLOCK,
        VAULT_PLAIN,
        VAULT_PROTECTION_MAX,
} VaultProtection;

typedef struct Vault Vault;

/*
 * Room for exactly size bytes, 1 to SECRET_MAX, empty at first. Takes the strongest protection from
 * `strongest` on that can be had; each that cannot is told in a log line. Only tests ask for less
 * than VAULT_MEMFD_SECRET. Returns -EINVAL for another size, or a negative errno.
 */
int vault_new(Vault **ret, size_t size, VaultProtection strongest);

/* Wipes and unmaps. */
Vault *vault_free(Vault *vault);

DEFINE_CLEANUP(Vault, vault_free)

/* Copies. Returns SEAL_E_INVALID_ARGS, and leaves what is there, unless the sizes are the same. */
int vault_set(Vault *vault, const Secret *secret);

/* Empty again. */
void vault_wipe(Vault *vault);

/* NULL while it is empty; the vault's until it is set, wiped or freed. */
const uint8_t *vault_data(const Vault *vault);

size_t vault_size(const Vault *vault);

/* "memfd_secret", "mlock" or "plain". */
const char *vault_protection(const Vault *vault);
