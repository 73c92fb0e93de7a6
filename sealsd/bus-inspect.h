/* SPDX-License-Identifier: Apache-2.0 */
/* Inspect, of the Manager and of a Seal. */
#pragma once

#include "base/error.h"
#include "sealsd/bus-operation.h"

int run_inspect(Operation *op, ErrorDetail *detail);
int run_seal_inspect(Operation *op, ErrorDetail *detail);
