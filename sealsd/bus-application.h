/* SPDX-License-Identifier: Apache-2.0 */
/* The options that describe a seal (Apply, CreateSeal), and the documents of filings too. */
#pragma once

#include "base/error.h"
#include "sealsd/application.h"
#include "sealsd/bus-operation.h"

/* An array of (title, hash) pairs with its count, as Application and Filing hold it. */
#define DOCUMENTS_SIGNATURE "a(say)"
int documents_read(sd_bus_message *m, const char *option, Document *documents, size_t *count,
                   ErrorDetail *detail);

/* Read op->message into an Application. token: whether that option exists. */
int application_read(Operation *op, bool token, Application *ret, ErrorDetail *detail);
