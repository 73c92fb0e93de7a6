/* SPDX-License-Identifier: Apache-2.0 */
/* A signature as the daemon gives it, (ay, t): to its file, and told. */
#pragma once

#include "client/sign.h"

/*
 * Write the signature to output ("-": standard output) and tell its use, for people with the
 * commands by which anybody verifies it. o->md is the hash.
 */
int sign_result_write(Context *context, const SignWords *o, const char *number, const char *output,
                      sd_bus_message *reply);
