/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joining: a slow call that is repeated while it runs (its caller's patience ended, the work did
 * not) is not done twice; it waits for the answer of the first (design, section 5.2).
 */
#pragma once

#include <stdbool.h>

#include <systemd/sd-bus.h>

#include "sealsd/bus-operation.h"

/*
 * Let op wait for a running call of the same UID, member, path and arguments, which it is then
 * answered with. Calls that carry file descriptors are never the same. False when there is none.
 */
bool operation_join(Operation *op);

/* The same arguments. Both are rewound; both are sealed. */
bool arguments_equal(sd_bus_message *a, sd_bus_message *b);
