/* SPDX-License-Identifier: Apache-2.0 */
/* The members of seals that are about their certificates. */
#pragma once

#include <systemd/sd-bus.h>

#include "base/error.h"
#include "sealsd/bus-operation.h"

int run_set_certificates(Operation *op, ErrorDetail *detail); /* ChainArgs */

/* Properties; userdata is the Bus, whose seal_view is loaded. */
int append_certificates(sd_bus_message *m, const void *userdata);
int append_electronic_seal(sd_bus_message *m, const void *userdata);
int append_eseal_profile(sd_bus_message *m, const void *userdata);
