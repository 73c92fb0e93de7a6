/* SPDX-License-Identifier: Apache-2.0 */
/* An Initialize under way: what its two files share. Nobody else includes it. */
#pragma once

#include "sealsd/service-internal.h"

typedef struct InitOperation {
        ServiceJob head;
        Caller by;
        Installation plan;
        bool set_owner_auth;
        Secret given_owner, given_lockout, passphrase;
        char *escrow_pem;
        size_t escrow_pem_size;
        TpmHierarchies hierarchies; /* before anything was changed */
        size_t index_count;
        RegisterIndex indices[INDICES_MAX + 1];
        TPM2_HANDLE drawn[INDICES_MAX + 2]; /* handles that are free in the chip */
        size_t step;                        /* resident: which signature is next */
        bool state_approved;
        MachineState state;
        ApprovalSet *approvals; /* resident: as the plan left them */
        bool machine_states;
        uint8_t *envelope;
        size_t envelope_size;
} InitOperation;

/*
 * Check the options and copy them, with the defaults: those of an interrupted try, else the
 * documented ones. SEAL_E_INVALID_ARGS and others name the option.
 */
int init_options(InitOperation *op, const InitOptions *options, ErrorDetail *detail);

/* In the worker: what authorisations are set, whether the bank is there, free handles. */
int init_inspect(Job *job, Chip *chip, ErrorDetail *detail);

/* Choose secrets and handles, and commit them as phase STARTED, before the chip changes. */
int init_plan(InitOperation *op, ErrorDetail *detail);
