/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The installation: what Initialize fixed, and how far it came. Its secrets stand in the clear part
 * of the register (0600, the daemon's alone), since revoking has to work in any machine state.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <tss2/tss2_tpm2_types.h>

#include "base/limits.h"
#include "base/secret.h"
#include "policy/index.h"
#include "policy/pcr.h"
#include "sealsd/lifecycle.h"

typedef enum InitPhase {
        INIT_NONE,    /* never asked */
        INIT_STARTED, /* options and secrets committed; the chip may have been changed */
        INIT_DEFINED, /* SRK, auths and indices are there; the authority's answers are missing */
        INIT_COMPLETE,
} InitPhase;

typedef struct Installation {
        InitPhase phase;
        Separation separation;
        bool resident;                   /* the authority lives in the chip */
        TPM2B_PUBLIC authority;          /* size 0 before a resident one was made */
        TPM2B_PRIVATE authority_private; /* resident only */
        PcrSelection pcrs;
        char profile[PROFILE_MAX + 1];
        unsigned capacity;
        TPM2B_NAME srk;    /* size 0 before it is known */
        Secret owner_auth; /* unset: left as it is and empty */
        bool owner_auth_ours;
        Secret owner_auth_old; /* what the chip had, while ours is being set */
        Secret lockout_auth;
        bool lockout_auth_taken;      /* was there before and given to us */
        TPM2B_PUBLIC register_public; /* the sealed register key; size 0: none was made yet */
        TPM2B_PRIVATE register_private;
} Installation;

/* An NV index of the installation. */
typedef struct RegisterIndex {
        IndexKind kind;
        TPM2_HANDLE handle;
        unsigned ordinal; /* revocation indices in order of use; the ledger index has 0 */
        Secret auth;
        bool written;  /* the authority's first write is done */
        unsigned used; /* bits given away, 0 to SEALS_PER_INDEX */
        bool retired;  /* all its seals are dead and it is gone from the chip */
} RegisterIndex;

/* Revocation indices for a capacity: ⌈(capacity + MAKER_BITS) / 64⌉. */
unsigned installation_index_count(unsigned capacity);
