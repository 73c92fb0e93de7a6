/* SPDX-License-Identifier: Apache-2.0 */
/* Authorisations of the owner and lockout hierarchies, and the dictionary-attack state. */
#pragma once

#include <stdint.h>

#include "tpm/tpm.h"

typedef enum TpmHierarchy {
        TPM_OWNER,
        TPM_LOCKOUT,
} TpmHierarchy;

typedef struct TpmHierarchies {
        bool owner_auth_set;
        bool lockout_auth_set;
        bool endorsement_auth_set; /* then there are no attestations */
        bool clear_disabled;       /* TPM2_Clear by the lockout auth is refused */
        bool in_lockout;
        uint32_t lockout_counter;
        uint32_t max_auth_fail;
        uint32_t lockout_interval; /* seconds until one failure is forgotten */
        uint32_t lockout_recovery; /* seconds that a wrong lockout auth costs */
} TpmHierarchies;

/* TPM2_GetCapability(TPM_PT_PERMANENT, …), Part 2 §8.6. */
int tpm_hierarchies(Tpm *tpm, TpmHierarchies *ret, ErrorDetail *detail);

/*
 * TPM2_HierarchyChangeAuth from old (NULL: empty) to new (at most 32 bytes), in a salted session
 * that encrypts the new value. SEAL_E_WRONG_PIN, SEAL_E_TPM_LOCKOUT.
 */
int tpm_hierarchy_set_auth(Tpm *tpm, TpmHierarchy hierarchy, const Secret *old, const Secret *new,
                           ErrorDetail *detail);

/*
 * Prove knowledge of an authorisation: lockout by TPM2_DictionaryAttackLockReset, owner by a
 * harmless owner command. SEAL_E_WRONG_PIN, SEAL_E_TPM_LOCKOUT. A wrong lockout auth blocks that
 * hierarchy for lockout_recovery seconds.
 */
int tpm_hierarchy_check_auth(Tpm *tpm, TpmHierarchy hierarchy, const Secret *auth,
                             ErrorDetail *detail);
