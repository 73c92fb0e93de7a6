/* SPDX-License-Identifier: Apache-2.0 */
/*
 * States of seals and requests, separation modes, and the one table of what may be done in which
 * state (design, section 4). Pure; code, tests and the manual's diagram come from lifecycle.c.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

typedef enum Separation {
        SEPARATION_NONE, /* not initialized */
        SEPARATION_DUAL,
        SEPARATION_STRICT,
        SEPARATION_SINGLE,
        SEPARATION_MAX,
} Separation;

typedef enum SealState {
        SEAL_MADE,
        SEAL_FILED,
        SEAL_DELIVERED,
        SEAL_ACTIVE,
        SEAL_REVOKED,
        SEAL_STATE_MAX,
} SealState;

typedef enum SealOperation {
        SEAL_RECORD_FILING,
        SEAL_DELIVER,
        SEAL_ACCEPT,
        SEAL_DECLINE,
        SEAL_SIGN,
        SEAL_REVOKE,
        SEAL_OPERATION_MAX,
} SealOperation;

typedef enum RequestState {
        REQUEST_APPLIED,
        REQUEST_APPROVED,
        REQUEST_MAKING,
        REQUEST_COMPLETED,
        REQUEST_FAILED,
        REQUEST_REJECTED,
        REQUEST_CANCELLED,
        REQUEST_EXPIRED, /* a word of the contract: no request of today expires */
        REQUEST_STATE_MAX,
} RequestState;

typedef enum RequestOperation {
        REQUEST_APPROVE,
        REQUEST_REJECT,
        REQUEST_CANCEL,
        REQUEST_MAKE,
        REQUEST_OPERATION_MAX,
} RequestOperation;

/* The words of the design: "dual", "active", "RecordFiling", … Never NULL for a valid value. */
const char *separation_name(Separation separation);
const char *seal_state_name(SealState state);
const char *seal_operation_name(SealOperation operation);
const char *request_state_name(RequestState state);
const char *request_operation_name(RequestOperation operation);

/* Back from the word; -1 when it is none. */
int separation_from_name(const char *name);
int seal_state_from_name(const char *name);
int request_state_from_name(const char *name);

/*
 * The state after the operation (SEAL_SIGN changes none). SEAL_E_INVALID_STATE otherwise, the
 * detail naming the state and what is allowed in it; for SEAL_SIGN the more exact SEAL_E_REVOKED.
 */
int seal_transition(SealState from, SealOperation operation, SealState *ret, ErrorDetail *detail);

/* REQUEST_MAKE leads to REQUEST_MAKING. SEAL_E_INVALID_STATE as above. */
int request_transition(RequestState from, RequestOperation operation, RequestState *ret,
                       ErrorDetail *detail);

/* A request that can still become something; the others are history. */
bool request_state_open(RequestState state);
