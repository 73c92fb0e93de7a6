/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The members of requests of kind use: what approvers sign, their signatures, and the one it is
 * for.
 */
#pragma once

#include "base/error.h"
#include "sealsd/bus-operation.h"
#include "sealsd/service.h"

typedef struct AuthorizeArgs {
        const char *approver;
        Bytes signature;
} AuthorizeArgs;

typedef struct CollectArgs {
        Secret pin;
} CollectArgs;

int run_challenge(Operation *op, ErrorDetail *detail);
int parse_authorize(Operation *op, ErrorDetail *detail); /* AuthorizeArgs */
int run_authorize(Operation *op, ErrorDetail *detail);
int parse_withdraw(Operation *op, ErrorDetail *detail); /* AuthorizeArgs */
int run_withdraw(Operation *op, ErrorDetail *detail);
int run_collect(Operation *op, ErrorDetail *detail);
int parse_collect_with(Operation *op, ErrorDetail *detail); /* CollectArgs */
