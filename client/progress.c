/* SPDX-License-Identifier: Apache-2.0 */
#include "client/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#define INTERVAL_USEC (USEC_PER_SEC / 5)
#define LINE_ERASE "\r\033[K" /* ECMA-48 §8.3.41 */

static bool is_watched(const Context *context) {
        return !context->json && isatty(STDERR_FILENO);
}

void progress_show(const Context *context, Progress *progress, uint64_t done, uint64_t total) {
        const Clock clock = clock_system();
        uint64_t now = clock_now(&clock);

        if (!is_watched(context) || (progress->shown > 0 && now - progress->shown < INTERVAL_USEC))
                return;
        progress->shown = now;
        if (total > 0)
                fprintf(stderr, LINE_ERASE "%s: %llu of %llu", progress->what,
                        (unsigned long long) done, (unsigned long long) total);
        else
                fprintf(stderr, LINE_ERASE "%s: %llu", progress->what, (unsigned long long) done);
}

void progress_clear(const Context *context, Progress *progress) {
        if (is_watched(context) && progress->shown > 0)
                fputs(LINE_ERASE, stderr);
        progress->shown = 0;
}
