/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for the approvals of a use, also over a restart of the daemon. */
#pragma once

#include <jansson.h>

#include "client/bus-call.h"

/*
 * Until the request is approved or completed; each step is noted for people. A request that ends
 * otherwise is EXIT_WRONG_STATE, with what its Error says.
 */
int use_wait(Context *context, const char *path);
