/* SPDX-License-Identifier: Apache-2.0 */
/* What the ledger has to say about uses. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "sealsd/caller.h"

struct Service;

/*
 * A use of a seal was refused to this caller, with this condition. Repeats within a minute are one
 * row.
 */
void service_ledger_refused(struct Service *service, const Caller *caller, const char *seal,
                            int code);

/* False when the clock is behind the newest row of the ledger by more than five minutes. */
bool service_clock_trusted(const struct Service *service);

/* SEAL_E_REGISTER_TAMPERED, with what was found, until it is acknowledged. */
int service_require_sound(const struct Service *service, ErrorDetail *detail);
