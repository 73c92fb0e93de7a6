/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the life cycle share: acts and their events, and the steps that several
 * operations have. Each step runs in a transaction that its caller has opened.
 */
#pragma once

#include <jansson.h>

#include "sealsd/event.h"
#include "sealsd/service-internal.h"
#include "sealsd/store-ledger.h"

/* caller NULL: the daemon itself, as nobody. */
Act service_act(const Service *service, const Caller *caller);

/* In single mode: would what was done have been another's by the rules of strict? */
bool service_is_self(const Service *service, int refused_in_strict);
extern const SeparationRule service_strict;

/* --- events --------------------------------------------------------------------------------- */

/* About a seal, or a request, as it is then. */
Event event_of_seal(EventCode code, const Caller *caller, const Seal *seal);
Event event_of_request(EventCode code, const Caller *caller, const Request *request);

/* Add the event with facts, which it takes over; -ENOMEM for NULL. */
int service_event(Service *service, Event event, json_t *facts);
/* The facts of every request's event: kind and type. */
int service_event_request(Service *service, Event event, const Request *request);

json_t *keepers_array(const Application *facts);
/* What is in force: purposes, use-limit, not-after. */
json_t *scope_facts(const Application *facts);
json_t *filing_facts(const Seal *seal);
/* Of a seal that was just made. */
json_t *birth_facts(const Seal *seal);

/* Announce a seal that changed beside the one that was called. */
void service_announce(Service *service, const char *number);

/* --- steps ---------------------------------------------------------------------------------- */

/* The grants of the seal have ended with its custody; an event when there were any. */
int service_end_grants(Service *service, const Caller *caller, const Seal *seal, const Act *act,
                       const char *reason);

/*
 * A renewal was accepted: the seal that it replaces is superseded from now on, plus the overlap of
 * its request. SEAL_E_MACHINE_STATE_REFUSED where that cannot be read.
 */
int service_supersede(Service *service, const Caller *caller, const Seal *seal);

/* Not yet valid, expired or superseded: why not. */
int service_check_timing(const Service *service, const Seal *seal, ErrorDetail *detail);

/* A seal that was never accepted cannot be resumed; who suspended it does not resume it. */
int service_check_resume(const Service *service, const Seal *seal, ErrorDetail *detail);

/*
 * Accept: what has to be asked before, which leaves state and act in the seal; and in a transaction
 * the row, what it supersedes, and the event.
 */
int service_accept_begin(Service *service, const Caller *caller, Seal *seal, ErrorDetail *detail);
int service_accept_write(Service *service, const Caller *caller, const Seal *seal);
/* The same of a seal with a PIN, which the chip is asked for between the two (service-pin.c). */
int service_accept_pin(Service *service, const Caller *caller, const Seal *seal,
                       const AcceptOptions *options, Reply reply, ErrorDetail *detail);

/* --- requests ------------------------------------------------------------------------------- */

/*
 * Carry out an approved request of a kind that makes no key, in the open transaction: the seal is
 * changed, the request completed, both with their events. The seal's state is looked at now, not
 * when it was applied for. Of destroy only the first half (service-destroy.c has the second).
 * *ret_seal is the seal after it.
 */
int service_execute(Service *service, const Caller *caller, Request *request, Seal *ret_seal,
                    ErrorDetail *detail);
/* Whether it would: for what needs the chip between the decision and this. */
int service_execute_check(Service *service, const Caller *caller, const Request *request,
                          ErrorDetail *detail);
/* The request is completed, with its event; in the open transaction. */
int service_complete(Service *service, const Caller *caller, Request *request, ErrorDetail *detail);
/* The chip's half of an approved revocation or destruction. Result: NULL. */
int service_revoke_marked(Service *service, const Caller *caller, const char *number, Reply reply);
int service_destroy_for(Service *service, const Caller *caller, const Request *request, Reply reply,
                        ErrorDetail *detail);

/*
 * The same of a request that was approved, or failed, by itself: what the last Approve, or Make,
 * leads to. Result: const char *, the seal's number.
 */
int service_carry_out(Service *service, const Caller *caller, Request *request, Reply reply,
                      ErrorDetail *detail);

/*
 * In the open transaction: a request of kind review about the seal, which its caller's grant asks
 * for. It is announced by service_changed_request after the commit.
 */
int service_open_review(Service *service, const Caller *caller, const Seal *seal,
                        const char *reason, Request *ret);

/* Of one that has ended with nothing: picture and structure, which would fill the register. */
int service_request_drop(Service *service, uint64_t id);

/* Leave applied or approved behind, with the event that says so; in the open transaction. */
int service_request_end_in(Service *service, const Caller *caller, Request *request, EventCode code,
                           RequestState state, const char *reason);

/*
 * An approved request that could not be carried out has failed: it would wait for ever to be
 * approved by somebody. What is over already stays so.
 */
void service_request_failed(Service *service, const Caller *caller, uint64_t id, const char *why);

/* Those whose time is over; the timer calls it. */
void service_expire_requests(Service *service);
/* One that is over ends now: SEAL_E_INVALID_STATE says so. */
int service_expire_request(Service *service, Request *request, ErrorDetail *detail);
