/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bus values as JSON, so that a table, --json and the checks all read one form: ay becomes a hex
 * string, a dictionary an object, arrays and structs arrays, a variant its content; several values
 * become an array, none null.
 */
#pragma once

#include <jansson.h>
#include <systemd/sd-bus.h>

/* The whole body. *ret is owned by the caller. Returns a negative errno. */
int message_to_json(sd_bus_message *m, json_t **ret);
