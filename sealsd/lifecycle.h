/* SPDX-License-Identifier: Apache-2.0 */
/*
 * States of seals and requests, separation modes, kinds of requests, and the one table of what may
 * be done in which state (design, section 4). Pure; code, tests and the manual's diagram
 * (docs/lifecycle.md) come from lifecycle.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
        SEAL_SUSPENDED,
        SEAL_LOST,
        SEAL_SURRENDERED,
        SEAL_REVOKED,
        SEAL_DESTROYED,
        SEAL_STATE_MAX,
} SealState;

typedef enum SealOperation {
        SEAL_RECORD_FILING,
        SEAL_DELIVER,
        SEAL_ACCEPT,
        SEAL_DECLINE,
        SEAL_SIGN,
        SEAL_CHANGE_PIN,
        SEAL_ADD_GRANT,
        SEAL_SUSPEND,
        SEAL_RESUME,
        SEAL_REPORT_LOST,
        SEAL_REPORT_FOUND,
        SEAL_SURRENDER,
        SEAL_TRANSFER,
        SEAL_RENEW,
        SEAL_RECERTIFY,
        SEAL_AMEND,
        SEAL_REVOKE,
        SEAL_DESTROY,
        SEAL_OPERATION_MAX,
} SealOperation;

/* What the clock makes of a seal: computed, never stored. */
typedef enum SealTiming {
        TIMING_VALID,
        TIMING_NOT_YET_VALID,
        TIMING_EXPIRED,
        TIMING_SUPERSEDED,
        TIMING_MAX,
} SealTiming;

typedef enum RequestKind {
        KIND_MAKE,
        KIND_RENEW,     /* a new key that takes the place of the seal's */
        KIND_RECERTIFY, /* a later end, the same key */
        KIND_AMEND,     /* other purposes, another limit, an earlier end */
        KIND_TRANSFER,  /* to another keeper */
        KIND_REVOKE,
        KIND_RESUME,
        KIND_DESTROY,
        KIND_REVIEW, /* of an emergency grant, opened with it */
        KIND_USE,    /* one signature of a seal with approvers; RequestUse opens it */
        KIND_COUNT,
} RequestKind;

typedef enum RequestState {
        REQUEST_APPLIED,
        REQUEST_APPROVED,
        REQUEST_MAKING,
        REQUEST_COMPLETED,
        REQUEST_FAILED,
        REQUEST_REJECTED,
        REQUEST_CANCELLED,
        REQUEST_EXPIRED,
        REQUEST_STATE_MAX,
} RequestState;

typedef enum RequestOperation {
        REQUEST_APPROVE,
        REQUEST_REJECT,
        REQUEST_CANCEL,
        REQUEST_MAKE,
        REQUEST_AUTHORIZE, /* an approver's signature; the last one needed leads on */
        REQUEST_WITHDRAW,  /* one that is needed is taken back */
        REQUEST_COLLECT,
        REQUEST_COMPLETE, /* what an approval leads to where no key is made */
        REQUEST_EXPIRE,   /* by the clock */
        REQUEST_OPERATION_MAX,
} RequestOperation;

/* The words of the design: "dual", "active", "RecordFiling", … Never NULL for a valid value. */
const char *separation_name(Separation separation);
const char *seal_state_name(SealState state);
const char *seal_operation_name(SealOperation operation);
const char *seal_timing_name(SealTiming timing); /* "not-yet-valid", "expired", … */
const char *request_kind_name(RequestKind kind);
const char *request_state_name(RequestState state);
const char *request_operation_name(RequestOperation operation);

/* Back from the word; -1 when it is none. */
int separation_from_name(const char *name);
int seal_state_from_name(const char *name);
int request_kind_from_name(const char *name);
int request_state_from_name(const char *name);

/*
 * The state after the operation (some change none). SEAL_E_INVALID_STATE otherwise, the detail
 * naming the state and what is allowed in it; for SEAL_SIGN the more exact SEAL_E_SUSPENDED, LOST,
 * SURRENDERED, REVOKED or DESTROYED, the detail naming what leads on.
 */
int seal_transition(SealState from, SealOperation operation, SealState *ret, ErrorDetail *detail);

/* What leads on from here, for people: a sentence that names the operation. */
const char *seal_state_way(SealState state);
const char *seal_timing_way(SealTiming timing);

/* superseded_at 0: never. The first that fails in the order of the design's "may sign". */
SealTiming seal_timing(uint64_t not_before, uint64_t not_after, uint64_t superseded_at,
                       uint64_t now);
/* Whether the clock's states stop it: Sign, Resume, Deliver and Accept, and nothing else. */
bool seal_operation_is_timed(SealOperation operation);

/* For the manual: who does it, and whether it is called or applied for. */
typedef struct SealOperationFacts {
        const char *name;
        unsigned from; /* bit per SealState */
        int to;        /* SealState; -1: the state stays */
        const char *who;
        bool called;    /* a member of the Seal interface does it */
        bool requested; /* an approved request does it */
} SealOperationFacts;

const SealOperationFacts *seal_operation_facts(SealOperation operation);

/* What a kind does to the seal that it concerns; SEAL_OPERATION_MAX for make, review and use. */
SealOperation request_kind_operation(RequestKind kind);
/* make and renew: a key is made, by whom the mode says. */
bool request_kind_makes(RequestKind kind);

/*
 * Of kind use other operations are possible than of all others. REQUEST_MAKE leads to
 * REQUEST_MAKING, and is for the kinds that make a key as REQUEST_COMPLETE is for the others: which
 * of them a caller asks is his to know. SEAL_E_INVALID_STATE as above.
 */
int request_transition(RequestKind kind, RequestState from, RequestOperation operation,
                       RequestState *ret, ErrorDetail *detail);

/* A request that can still become something; the others are history. */
bool request_state_open(RequestState state);
