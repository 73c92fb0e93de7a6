/* SPDX-License-Identifier: Apache-2.0 */
/* How far long work is, for a person who waits: one line on a terminal, nothing anywhere else. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "client/context.h"

/* total 0: not known. Written at most a few times a second, and at the end. */
typedef struct Progress {
        const char *what; /* "Lines sent" */
        uint64_t shown;   /* when it was written last; 0: never */
} Progress;

void progress_show(const Context *context, Progress *progress, uint64_t done, uint64_t total);

/* Take the line away again. */
void progress_clear(const Context *context, Progress *progress);
