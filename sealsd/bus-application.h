/* SPDX-License-Identifier: Apache-2.0 */
/* The options that describe a seal (Apply, CreateSeal), and the documents of filings too. */
#pragma once

#include "base/error.h"
#include "sealsd/application.h"
#include "sealsd/bus-operation.h"
#include "sealsd/handed-file.h"
#include "sealsd/lifecycle.h"

/* An array of (title, hash) pairs with its count, as Application and Filing hold it. */
#define DOCUMENTS_SIGNATURE "a(say)"
int documents_read(sd_bus_message *m, const char *option, Document *documents, size_t *count,
                   ErrorDetail *detail);

/* Words of Purpose, each once, into a set. */
int purposes_read(sd_bus_message *m, const char *option, unsigned *ret, ErrorDetail *detail);

typedef struct ApplicationArgs {
        Application application; /* stands first */
        HandedFile picture;      /* borrowed from the message */
} ApplicationArgs;

/* The reply of what adds a request: its path. userdata is the Operation. */
void request_applied(void *userdata, int code, const ErrorDetail *detail, const void *result);

/* Read op->message. */
int application_read(Operation *op, ApplicationArgs *ret, ErrorDetail *detail);

typedef struct ChangeArgs {
        Application change; /* these two as above */
        HandedFile picture;
        const char *reason; /* borrowed from the message */
        RequestKind kind;
} ChangeArgs;

/* Seal.Apply's arguments, and polkit's details. reason is required. */
int change_read_call(Operation *op, ChangeArgs *ret, ErrorDetail *detail);
