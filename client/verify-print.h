/* SPDX-License-Identifier: Apache-2.0 */
/* A verification's report on the terminal or as JSON, and what it makes of the exit code. */
#pragma once

#include "client/context.h"
#include "format/verify-report.h"

/*
 * Of the worst: 0, EXIT_VERIFICATION where a check failed, EXIT_INCOMPLETE where one was not made.
 */
int verify_exit(const VerifyReport *reports, size_t count);

/* Print them, of each signer one; returns verify_exit() unless that fails. */
int verify_print(const Context *context, const VerifyReport *reports, size_t count);
