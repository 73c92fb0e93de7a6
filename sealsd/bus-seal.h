/* SPDX-License-Identifier: Apache-2.0 */
/* The Seal objects, /org/sealsd1/seal/NUMBER: methods in one file, properties in the other. */
#pragma once

#include "base/error.h"
#include "sealsd/bus-internal.h"

int seal_register(Bus *bus);

/* Whether the caller may see who keeps the seal and how it came to be (design, section 5.1). */
bool seal_shows_custody(const Bus *bus, const Seal *seal, const Caller *caller);

/* "" or "NAME: sentence" into size bytes. */
void seal_why_not(const Bus *bus, const Seal *seal, char *ret, size_t size);
