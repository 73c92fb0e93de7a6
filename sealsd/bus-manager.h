/* SPDX-License-Identifier: Apache-2.0 */
/* The Manager object: itself, the installation's methods, the lists, the ledger. */
#pragma once

#include "base/error.h"
#include "sealsd/application.h"
#include "sealsd/bus-internal.h"
#include "sealsd/bus-operation.h"
#include "sealsd/service.h"

int manager_register(Bus *bus);

/* --- bus-manager-install.c ------------------------------------------------------------------ */

typedef struct AnswerArgs {
        const char *id;
        Bytes signature;
} AnswerArgs;

int parse_initialize(Operation *op, ErrorDetail *detail); /* InitOptions */
int run_initialize(Operation *op, ErrorDetail *detail);
int run_list_challenges(Operation *op, ErrorDetail *detail);
int parse_answer(Operation *op, ErrorDetail *detail);
int run_answer(Operation *op, ErrorDetail *detail);
int parse_approve_machine_state(Operation *op, ErrorDetail *detail); /* MachineApproveOptions */
int run_approve_machine_state(Operation *op, ErrorDetail *detail);

/* --- bus-manager-capacity.c ----------------------------------------------------------------- */

int parse_extend_capacity(Operation *op, ErrorDetail *detail); /* ExtendOptions */
int run_extend_capacity(Operation *op, ErrorDetail *detail);

/* --- bus-manager-roles.c -------------------------------------------------------------------- */

typedef struct SeparationArgs {
        Separation mode;
        Secret passphrase;
} SeparationArgs;

int parse_set_separation(Operation *op, ErrorDetail *detail);
int run_set_separation(Operation *op, ErrorDetail *detail);
int parse_register_reviewer(Operation *op, ErrorDetail *detail); /* ReviewerOptions */
int run_register_reviewer(Operation *op, ErrorDetail *detail);

/* --- bus-manager-status.c ------------------------------------------------------------------- */

int run_get_status(Operation *op, ErrorDetail *detail);
int run_get_machine_state(Operation *op, ErrorDetail *detail);

/* --- bus-manager-list.c --------------------------------------------------------------------- */

typedef struct ListSealsArgs {
        SealFilter filter;
        Subject keeper;
        uint32_t limit;
} ListSealsArgs;

typedef struct ListRequestsArgs {
        RequestFilter filter;
        uint32_t limit;
} ListRequestsArgs;

/* Which seals, of those of ListSeals' options that say nothing of state and page. */
int parse_seal_filter(Operation *op, ListSealsArgs *args, ErrorDetail *detail);
int parse_list_seals(Operation *op, ErrorDetail *detail);
int run_list_seals(Operation *op, ErrorDetail *detail);
int parse_list_requests(Operation *op, ErrorDetail *detail);
int run_list_requests(Operation *op, ErrorDetail *detail);

/* --- bus-manager-suspend.c ------------------------------------------------------------------ */

typedef struct SuspendSealsArgs {
        ListSealsArgs list;
        const char *reason;
} SuspendSealsArgs;

int parse_suspend_seals(Operation *op, ErrorDetail *detail);
int run_suspend_seals(Operation *op, ErrorDetail *detail);
/* --- bus-manager-machine.c ------------------------------------------------------------------ */

typedef struct RetireArgs {
        uint64_t id;
        const char *reason;
} RetireArgs;

int run_lock(Operation *op, ErrorDetail *detail);
int run_list_machine_states(Operation *op, ErrorDetail *detail);
int parse_retire_machine_state(Operation *op, ErrorDetail *detail);
int run_retire_machine_state(Operation *op, ErrorDetail *detail);

/* --- bus-manager-maker.c -------------------------------------------------------------------- */

int run_get_maker_certificates(Operation *op, ErrorDetail *detail);
int run_set_maker_certificates(Operation *op, ErrorDetail *detail); /* ChainArgs */
int run_get_maker_request(Operation *op, ErrorDetail *detail);
int run_get_maker_requests(Operation *op, ErrorDetail *detail);
int run_get_revocation_list(Operation *op, ErrorDetail *detail);
int run_get_revocation_lists(Operation *op, ErrorDetail *detail);

/* --- bus-manager-ledger.c ------------------------------------------------------------------- */

typedef struct ReadLedgerArgs {
        LedgerFilter filter;
        uint32_t limit;
} ReadLedgerArgs;

typedef struct ExportLedgerArgs {
        int fd; /* of the message */
        uint64_t first;
} ExportLedgerArgs;

typedef struct AcknowledgeArgs {
        const char *reason;
} AcknowledgeArgs;

int parse_read_ledger(Operation *op, ErrorDetail *detail);
int run_read_ledger(Operation *op, ErrorDetail *detail);
int run_verify_ledger(Operation *op, ErrorDetail *detail);
int parse_export_ledger(Operation *op, ErrorDetail *detail);
int run_export_ledger(Operation *op, ErrorDetail *detail);
int parse_acknowledge(Operation *op, ErrorDetail *detail);
int run_acknowledge(Operation *op, ErrorDetail *detail);
