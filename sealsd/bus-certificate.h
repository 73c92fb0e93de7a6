/* SPDX-License-Identifier: Apache-2.0 */
/* What members about certificates have in common: chains as aay, the signer's first. */
#pragma once

#include <systemd/sd-bus.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/limits.h"
#include "sealsd/bus-operation.h"

/* What a member is given; points into the message. */
typedef struct ChainArgs {
        size_t count;
        Bytes items[CERTIFICATE_CHAIN_MAX];
} ChainArgs;

/* parse for methods whose only argument is such a chain; args is a ChainArgs. */
int parse_chain(Operation *op, ErrorDetail *detail);

/* For the reply. */
int append_chain(sd_bus_message *m, const Bytes *items, size_t count);
