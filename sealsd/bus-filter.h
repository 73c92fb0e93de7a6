/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comes before sd-bus's own handling. sd-bus repeats the path, the interface and the property
 * that it does not know in the text of its error, whole and as they came: a path may have as many
 * bytes as a message, and an interface given as an argument control characters too. Such calls are
 * answered here, in words of ours alone.
 */
#pragma once

#include "sealsd/bus.h"

/* Ends with the connection. */
int filter_register(Bus *bus);
