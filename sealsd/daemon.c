/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "sealsd/bus.h"
#include "sealsd/config.h"
#include "sealsd/service.h"

/* What a signal finds. */
typedef struct Daemon {
        Service *service; /* NULL while it starts, and when it is gone */
        bool stopping;
} Daemon;

/* Secrets stay out of core dumps and of the reach of a debugger of the same user. */
static int process_prepare(void) {
        (void) umask(077);
        /*
         * What the chip refuses is told to the caller; the TSS would log each refusal as its error.
         */
        if (setenv("TSS2_LOG", "all+none", false) < 0)
                return -errno;
        if (prctl(PR_SET_DUMPABLE, 0) < 0)
                return -errno;
        return signal(SIGPIPE, SIG_IGN) == SIG_ERR ? -errno : 0;
}

static void stopped(void *userdata) {
        (void) sd_event_exit(userdata, EXIT_SUCCESS);
}

/* The first asks to end in order, the second to end. */
static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        Daemon *daemon = userdata;
        sd_event *event = sd_event_source_get_event(source);

        (void) info;
        if (!daemon->service || daemon->stopping)
                return sd_event_exit(event, EXIT_SUCCESS);
        daemon->stopping = true;
        (void) sd_notify(false, "STOPPING=1");
        service_stop(daemon->service, stopped, event);
        return 0;
}

/* The signals are blocked before the worker's thread starts, which inherits that. */
static int event_new(sd_event **ret, Daemon *daemon) {
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        sigset_t signals;

        (void) sigemptyset(&signals);
        (void) sigaddset(&signals, SIGTERM);
        (void) sigaddset(&signals, SIGINT);
        if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
                return -errno;
        int r = sd_event_new(&event);
        if (r >= 0)
                r = sd_event_add_signal(event, NULL, SIGTERM, on_signal, daemon);
        if (r >= 0)
                r = sd_event_add_signal(event, NULL, SIGINT, on_signal, daemon);
        if (r >= 0)
                r = sd_event_set_watchdog(event, true);
        if (r < 0)
                return r;
        *ret = steal_ptr(event);
        return 0;
}

/* The loop's own exit code, or a condition or errno of the start. */
static int serve(const char *config_path, const ArrowObserver *arrows, int *ret_status,
                 ErrorDetail *detail) {
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        _cleanup_(config_freep) Config *config = NULL;
        /* The service goes before the bus, where what it still owes is answered. */
        _cleanup_(bus_freep) Bus *bus = NULL;
        _cleanup_(service_freep) Service *service = NULL;
        Daemon daemon = {};

        int r = config_load(&config, config_path, detail);
        if (r == 0)
                r = event_new(&event, &daemon);
        if (r == 0)
                r = service_new(&service, event, config, clock_system(), arrows, detail);
        if (r == 0)
                r = bus_new(&bus, event, service, config, detail);
        if (r == 0)
                r = bus_start(bus, detail);
        if (r != 0)
                return r;
        daemon.service = service;
        (void) sd_notify(false, "READY=1");
        r = sd_event_loop(event);
        (void) sd_notify(false, "STOPPING=1");
        if (r < 0)
                return r;
        *ret_status = r;
        return 0;
}

int daemon_run(const char *config_path, const ArrowObserver *arrows) {
        int status = EXIT_SUCCESS;
        ErrorDetail detail = {};

        int r = process_prepare();
        if (r == 0)
                r = serve(config_path, arrows, &status, &detail);
        if (r != 0) {
                log_error("sealsd cannot run: %s", error_describe(r, &detail));
                return r == SEAL_E_UNSUPPORTED || r == SEAL_E_REGISTER_TAMPERED
                               ? DAEMON_EXIT_REGISTER
                               : EXIT_FAILURE;
        }
        if (status != EXIT_SUCCESS)
                log_error("sealsd lost its connection to the system bus");
        return status;
}
