/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/text.h"

/* sd-daemon(3): "<N>" before a line is its priority; a terminal shows it harmlessly. */
void log_line(int priority, const char *format, ...) {
        char line[LOG_LINE_MAX];
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(line, sizeof(line), format, ap);
        va_end(ap);
        /* One event is one line, whatever a client put into a name; and the journal does not show a
         * line that is no UTF-8. */
        text_end_whole(line);
        text_flatten(line);
        (void) fprintf(stderr, "<%d>%s\n", priority, line);
}
