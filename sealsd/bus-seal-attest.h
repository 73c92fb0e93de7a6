/* SPDX-License-Identifier: Apache-2.0 */
/* Seal.Attest. */
#pragma once

#include "base/error.h"
#include "sealsd/bus-operation.h"

int parse_attest(Operation *op, ErrorDetail *detail); /* Bytes */
int run_attest(Operation *op, ErrorDetail *detail);
