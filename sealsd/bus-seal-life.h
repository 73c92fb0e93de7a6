/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the Seal interface's method table: what becomes of a seal after it was accepted. */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "sealsd/bus-application.h"
#include "sealsd/bus-operation.h"

int parse_seal_apply(Operation *op, ErrorDetail *detail); /* ChangeArgs */
int run_seal_apply(Operation *op, ErrorDetail *detail);

/* args is a const char *, the reason. */
int run_suspend(Operation *op, ErrorDetail *detail);
int run_resume(Operation *op, ErrorDetail *detail);
int run_report_lost(Operation *op, ErrorDetail *detail);
int run_report_found(Operation *op, ErrorDetail *detail);
int run_surrender(Operation *op, ErrorDetail *detail);
int run_revoke(Operation *op, ErrorDetail *detail);
int run_destroy(Operation *op, ErrorDetail *detail);

int parse_state_at(Operation *op, ErrorDetail *detail); /* uint64_t */
int run_state_at(Operation *op, ErrorDetail *detail);
