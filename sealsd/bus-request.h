/* SPDX-License-Identifier: Apache-2.0 */
/* The Request objects, /org/sealsd1/request/ID. */
#pragma once

#include "sealsd/bus-internal.h"

int request_register(Bus *bus);
