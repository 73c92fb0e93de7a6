/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The second gate: polkit, asked about the caller's bus name. It fails closed: no answer is no.
 * polkit may prompt for as long as a person needs, when the message allows it.
 */
#pragma once

#include "base/error.h"
#include "sealsd/bus-operation.h"

/*
 * Ask for op; op->authorized is called later, once, unless op is freed before: 0 for yes,
 * SEAL_E_INTERACTION_REQUIRED, SEAL_E_ACCESS_DENIED.
 */
int polkit_check(Operation *op, const char *action);

/* Withdraw the question, if one is open. */
void polkit_cancel(Operation *op);
