/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus-wait [--gone] SECONDS NAME... - waits until every NAME is owned on the system bus (with
 * --gone: until none is). Exits with 1, naming the first one missing, when the time is over.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <systemd/sd-bus.h>

static uint64_t now_us(void) {
        struct timespec now = {};

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

static bool name_is(sd_bus *bus, const char *name, bool owned) {
        return (sd_bus_get_name_creds(bus, name, 0, NULL) >= 0) == owned;
}

/* The match only wakes the loop up, which then looks for itself. */
static int on_change(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        (void) message;
        (void) userdata;
        (void) error;
        return 0;
}

static int wait_for(sd_bus *bus, const char *name, bool owned, uint64_t end) {
        while (!name_is(bus, name, owned)) {
                uint64_t now = now_us();
                int r;

                if (now >= end)
                        return -ETIMEDOUT;
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, end - now);
                if (r < 0)
                        return r;
        }
        return 0;
}

int main(int argc, char **argv) {
        bool owned = true;
        sd_bus *bus = NULL;
        uint64_t end;
        int first = 1;
        int r;

        if (argc > first && strcmp(argv[first], "--gone") == 0) {
                owned = false;
                first++;
        }
        if (argc < first + 2) {
                fprintf(stderr, "Usage: bus-wait [--gone] SECONDS NAME...\n");
                return 2;
        }
        end = now_us() + (uint64_t) atoi(argv[first]) * 1000000;

        r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = sd_bus_match_signal(bus, NULL, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                        "org.freedesktop.DBus", "NameOwnerChanged", on_change,
                                        NULL);
        for (int i = first + 1; r >= 0 && i < argc; i++) {
                r = wait_for(bus, argv[i], owned, end);
                if (r < 0)
                        fprintf(stderr, "%s: ", argv[i]);
        }
        if (r < 0)
                fprintf(stderr, "%s\n", strerror(-r));
        (void) sd_bus_flush_close_unref(bus);
        return r < 0 ? 1 : 0;
}
