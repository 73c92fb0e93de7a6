/* SPDX-License-Identifier: Apache-2.0 */
/* The two other ways of `sealctl apply`: about a seal that there is, and many from a file. */
#pragma once

#include <stdbool.h>

#include "client/context.h"

/* "renew", "transfer", …: what can be applied for a seal that there is. */
bool apply_kind_is(const char *word);

/* argv[0] is the kind. */
int apply_kind(Context *context, int argc, char **argv);

/* An application a line of the file; dry_run sends none. */
int apply_csv(Context *context, const char *file, bool dry_run);
