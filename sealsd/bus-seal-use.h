/* SPDX-License-Identifier: Apache-2.0 */
/* The members of seals that are about their use: signatures and grants. */
#pragma once

#include "base/error.h"
#include "sealsd/bus-operation.h"
#include "sealsd/service.h"

typedef struct SignArgs {
        SignOptions sign;
        Bytes digest;
} SignArgs;

typedef struct SignManyArgs {
        SignOptions sign;
        Bytes digests[SIGN_MANY_MAX];
} SignManyArgs;

typedef struct RequestUseArgs {
        UseOptions use;
        Bytes digest;
} RequestUseArgs;

typedef struct RemoveGrantArgs {
        uint64_t id;
        const char *reason;
} RemoveGrantArgs;

int parse_sign(Operation *op, ErrorDetail *detail); /* SignArgs */
int run_sign(Operation *op, ErrorDetail *detail);
int parse_sign_many(Operation *op, ErrorDetail *detail); /* SignManyArgs */
int run_sign_many(Operation *op, ErrorDetail *detail);
int parse_certificate_request(Operation *op, ErrorDetail *detail); /* SignArgs */
int run_certificate_request(Operation *op, ErrorDetail *detail);
/* A Reply's done: one signature and its use. */
void seal_signed(void *userdata, int code, const ErrorDetail *detail, const void *result);
int parse_request_use(Operation *op, ErrorDetail *detail); /* RequestUseArgs */
int run_request_use(Operation *op, ErrorDetail *detail);
int parse_add_grant(Operation *op, ErrorDetail *detail); /* Grant */
int run_add_grant(Operation *op, ErrorDetail *detail);
int parse_remove_grant(Operation *op, ErrorDetail *detail); /* RemoveGrantArgs */
int run_remove_grant(Operation *op, ErrorDetail *detail);
int run_list_grants(Operation *op, ErrorDetail *detail);
