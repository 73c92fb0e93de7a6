/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock-daemon --days N --config FILE: sealsd, by the same code, whose wall clock is N days ahead.
 * Its other clocks, which timers go by, are the machine's.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sealsd/daemon.h"

#define SECONDS_PER_DAY (24L * 3600)

static long ahead; /* in seconds; set before anybody asks */

/* In place of the C library's, for the whole program. */
int clock_gettime(clockid_t clock, struct timespec *ret) {
        int r = (int) syscall(SYS_clock_gettime, clock, ret);

        if (r == 0 && clock == CLOCK_REALTIME)
                ret->tv_sec += ahead;
        return r;
}

int main(int argc, char **argv) {
        static const struct option options[] = {
                { "days", required_argument, NULL, 'd' },
                { "config", required_argument, NULL, 'c' },
                { NULL, 0, NULL, 0 },
        };
        const char *config = NULL;
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                if (c == 'd')
                        ahead = strtol(optarg, NULL, 10) * SECONDS_PER_DAY;
                else if (c == 'c')
                        config = optarg;
                else
                        return DAEMON_EXIT_USAGE;
        if (!config || optind != argc) {
                (void) fputs("Usage: clock-daemon [--days N] --config FILE\n", stderr);
                return DAEMON_EXIT_USAGE;
        }
        return daemon_run(config, NULL);
}
