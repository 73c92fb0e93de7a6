/* SPDX-License-Identifier: Apache-2.0 */
/* The life of the process: what is made in which order, the event loop, and the end. */
#pragma once

#include "sealsd/arrow.h"

#define DAEMON_EXIT_USAGE 2
#define DAEMON_EXIT_REGISTER 78 /* EX_CONFIG of sysexits.h, which systemd shows as CONFIG */

/*
 * Serve until SIGTERM or SIGINT. Returns the exit status: 0 after a signal, another number when it
 * cannot start or was thrown off the bus, so that the service manager starts it again.
 * DAEMON_EXIT_REGISTER: the register is damaged or of a newer version, which no start changes.
 * arrows may be NULL, and is for tests.
 */
int daemon_run(const char *config_path, const ArrowObserver *arrows);
