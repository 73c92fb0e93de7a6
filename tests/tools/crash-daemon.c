/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash-daemon: sealsd that can be killed at an arrow (sealsd/arrow.h), by the same code.
 *
 *   crash-daemon --list                          each arrow's name, a tab, and what is true at it
 *   crash-daemon [--hold NAME] [--arrow NAME [--nth N]] --config FILE
 *
 * It says on standard error which arrows it passes, "arrow NAME" a line. At the Nth passage
 * (default: the first) of the one named by --arrow it ends as by kill -9, having said "killed at
 * NAME". At each passage of the one named by --hold it stops (SIGSTOP) until SIGCONT, having said
 * "held at NAME", so that the world can change before it goes on.
 */
#include <getopt.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sealsd/daemon.h"

typedef struct Crash {
        int kill, hold; /* arrows, -1: none */
        unsigned long nth;
        atomic_ulong passed;
} Crash;

/* One write, so that the two threads' lines are whole, and nothing is left in a buffer. */
static void say(const char *what, Arrow arrow) {
        char line[128];
        int n = snprintf(line, sizeof(line), "%s %s\n", what, arrow_name(arrow));

        if (write(STDERR_FILENO, line, (size_t) n) != n)
                abort();
}

/* The signals are the thread's own, so that it goes not one step further. */
static void on_arrow(void *userdata, Arrow arrow) {
        Crash *crash = userdata;

        say("arrow", arrow);
        if ((int) arrow == crash->hold) {
                say("held at", arrow);
                (void) raise(SIGSTOP);
        }
        if ((int) arrow == crash->kill && atomic_fetch_add(&crash->passed, 1) + 1 == crash->nth) {
                say("killed at", arrow);
                (void) raise(SIGKILL);
        }
}

static int list(void) {
        for (Arrow i = 0; i < ARROW_MAX; i++)
                if (printf("%s\t%s\n", arrow_name(i), arrow_text(i)) < 0)
                        return EXIT_FAILURE;
        return EXIT_SUCCESS;
}

static int usage(void) {
        (void) fputs("Usage: crash-daemon --list\n"
                     "       crash-daemon [--hold NAME] [--arrow NAME [--nth N]] --config FILE\n",
                     stderr);
        return DAEMON_EXIT_USAGE;
}

/* False when it is no arrow's name. */
static bool take_arrow(const char *name, int *ret) {
        *ret = arrow_from_name(name);
        return *ret >= 0;
}

int main(int argc, char **argv) {
        static const struct option options[] = {
                { "arrow", required_argument, NULL, 'a' },  { "nth", required_argument, NULL, 'n' },
                { "hold", required_argument, NULL, 'h' },   { "list", no_argument, NULL, 'l' },
                { "config", required_argument, NULL, 'c' }, { NULL, 0, NULL, 0 },
        };
        Crash crash = { .kill = -1, .hold = -1, .nth = 1 };
        const ArrowObserver observer = { .passed = on_arrow, .userdata = &crash };
        const char *config = NULL;
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                if (c == 'l')
                        return list();
                else if (c == 'n')
                        crash.nth = strtoul(optarg, NULL, 10);
                else if (c == 'c')
                        config = optarg;
                else if ((c != 'a' || !take_arrow(optarg, &crash.kill)) &&
                         (c != 'h' || !take_arrow(optarg, &crash.hold)))
                        return usage();
        return config && optind == argc ? daemon_run(config, &observer) : usage();
}
