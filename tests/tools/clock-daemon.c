/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock-daemon [--days N] [--hours N] [--minutes N] --config FILE: sealsd, by the same code, whose
 * wall clock is N days ahead. At each SIGUSR1 somebody sets it by as many hours and minutes. Its
 * other clocks, which timers go by, are the machine's.
 */
#include <dlfcn.h>
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sealsd/daemon.h"

#define SECONDS_PER_DAY (24L * 3600)

static atomic_long ahead; /* in seconds */
static long step;         /* at a signal; set before anybody asks */

/* In place of the C library's, for the whole program. */
int clock_gettime(clockid_t clock, struct timespec *ret) {
        int r = (int) syscall(SYS_clock_gettime, clock, ret);

        if (r == 0 && clock == CLOCK_REALTIME)
                ret->tv_sec += ahead;
        return r;
}

/* The kernel knows nothing of that clock, so the deadline is told it by the machine's. */
int pthread_timedjoin_np(pthread_t thread, void **ret, const struct timespec *deadline) {
        int (*join)(pthread_t, void **, const struct timespec *);
        struct timespec by_machine = *deadline;

        *(void **) &join = dlsym(RTLD_NEXT, "pthread_timedjoin_np");
        by_machine.tv_sec -= ahead;
        return join ? join(thread, ret, &by_machine) : ENOSYS;
}

static void on_signal(int number) {
        (void) number;
        (void) atomic_fetch_add(&ahead, step);
}

int main(int argc, char **argv) {
        static const struct option options[] = {
                { "days", required_argument, NULL, 'd' },
                { "hours", required_argument, NULL, 'h' },
                { "minutes", required_argument, NULL, 'm' },
                { "config", required_argument, NULL, 'c' },
                { NULL, 0, NULL, 0 },
        };
        const char *config = NULL;
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                if (c == 'd')
                        ahead = strtol(optarg, NULL, 10) * SECONDS_PER_DAY;
                else if (c == 'h')
                        step += strtol(optarg, NULL, 10) * 3600;
                else if (c == 'm')
                        step += strtol(optarg, NULL, 10) * 60;
                else if (c == 'c')
                        config = optarg;
                else
                        return DAEMON_EXIT_USAGE;
        if (!config || optind != argc) {
                (void) fputs(
                        "Usage: clock-daemon [--days N] [--hours N] [--minutes N] --config FILE\n",
                        stderr);
                return DAEMON_EXIT_USAGE;
        }
        if (signal(SIGUSR1, on_signal) == SIG_ERR)
                return EXIT_FAILURE;
        return daemon_run(config, NULL);
}
