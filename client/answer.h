/* SPDX-License-Identifier: Apache-2.0 */
/* The authority's answers to the daemon: each is checked (challenge.h), then signed and sent. */
#pragma once

#include "client/authority.h"
#include "client/context.h"

/* Answer until the daemon asks for nothing more. */
int answer_all(Context *context, const Authority *authority, unsigned *ret_answered);

/* Send a signature that was made elsewhere. */
int answer_send(Context *context, const char *id, Bytes signature);

/*
 * Approve the state of now with ApproveMachineState, signed here after the check. profile NULL: the
 * default one.
 */
int answer_machine_state(Context *context, const Authority *authority, const char *profile);
