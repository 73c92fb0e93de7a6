/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uses that approvers sign for, in the service: what its files share. A request of kind use waits
 * for the signatures of its seal's approvers over exactly these bytes and is then collected.
 * Deferred ones are rows of the register and cost the chip nothing; of live ones a session waits in
 * the worker's table (challenges.h) under a key that is in memory here, and ends with it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/secret.h"
#include "base/vault.h"
#include "policy/use-approval.h"
#include "sealsd/caller.h"
#include "sealsd/event.h"
#include "sealsd/live-turns.h"
#include "sealsd/request.h"
#include "sealsd/seal.h"
#include "sealsd/service-sign.h"
#include "sealsd/service.h"

/* --- service-use.c -------------------------------------------------------------------------- */

/* What its approvers sign. Neither may be opaque. */
int use_target(const Request *request, const Seal *seal, UseTarget *ret);

/* What is wanted of its seal. */
SignAim use_aim(const UseFacts *facts);

/* Its seal, which need not be there for who asks; neither may be opaque. */
int use_read_seal(Service *service, const Request *request, Seal *ret);

/* A row about it, with what there is to say of the document. */
Event event_of_use(EventCode code, const Caller *caller, const Request *request);

/*
 * In a transaction of its own: the request is there, with what is frozen of it (format "":
 * nothing), and announced.
 */
int use_commit(Service *service, const Caller *caller, Request *request,
               const UseStructure *frozen);

/* In the open transaction: a row about it, which names another format than raw. */
int service_event_use(Service *service, Event event, const Request *request);

/* How it is told what is the matter with one that is over; 0 for one that is open. */
int use_check_open(Service *service, Request *request, ErrorDetail *detail);

/*
 * Can it be approved? And its seal. Beside what use_check_open() says the error that names the
 * seal's state, of one that is revoked, destroyed or out of its time.
 */
int use_check_approvable(Service *service, Request *request, Seal *ret, ErrorDetail *detail);

/*
 * A seal that is revoked or destroyed signs nothing more: the requests that wait for it are over.
 */
void use_settle(Service *service);

/* --- service-collect.c ---------------------------------------------------------------------- */

typedef struct CollectJob CollectJob;

/* Is the chip asked for it at this moment? */
bool use_is_collected(const Service *service, uint64_t request);

/* A live one whose last approval came: sign it for its applicant. Result: SignResult. */
int use_collect_live(Service *service, Request *request, Reply reply, ErrorDetail *detail);

/* The seal has changed, NULL: anything may have; what waits for the chip is judged again. */
void use_review(Service *service, const char *number);

/* --- service-live.c ------------------------------------------------------------------------- */

typedef struct LiveRequest {
        uint64_t key;     /* of its session; 0: a free place */
        uint64_t request; /* 0 while the session is being opened */
        uint64_t given;
        uint64_t expires;
        unsigned connection; /* to the chip, that the session is in */
        Caller caller;       /* who asked: he is judged again when it is signed */
        Vault *pin;          /* owned; NULL: none */
} LiveRequest;

typedef struct LiveRequests {
        LiveRequest places[CHALLENGES_OFFERED_MAX];
        unsigned max; /* as many as the chip was seen to have; 0: not known yet */
        LiveTurns turns;
        uint64_t serial;     /* of the last key */
        unsigned connection; /* that is there now */
        sd_event_source *timer;
} LiveRequests;

/*
 * Open a session and make the request, which is complete but for the nonce; it becomes the
 * callee's, as do the bytes of frozen. Result: const uint64_t *, its id. SEAL_E_BUSY when one of
 * this user waits, and when too many do: then he is next in line. One that has waited for
 * LIVE_USE_SECONDS makes room for another user.
 */
int live_begin(Service *service, const Caller *caller, Request *request, UseStructure *frozen,
               const Secret *pin, Reply reply, ErrorDetail *detail);
/* NULL when none waits for this request. */
LiveRequest *live_find(Service *service, uint64_t request);
/* Over in whatever way: its PIN is wiped, and its session goes. */
void live_forget(Service *service, uint64_t request);
/* The connection of this number is there now; what waited in another one is gone with it. */
void live_connection(Service *service, unsigned connection);
/* The same for those that the chip was signing just then: they have its answer first. */
void live_review(Service *service);
/* How many wait in sessions of the chip. */
unsigned live_count(const Service *service);
/* When the first of those that wait is over by its time; 0: none waits. */
uint64_t live_first_end(const Service *service);
/* The session is gone: the request ends, and those who see it are told. */
void live_lost(Service *service, uint64_t id, const char *why);
/* After a start: those that waited before it. */
int live_recover(Service *service);
void live_stop(Service *service);
