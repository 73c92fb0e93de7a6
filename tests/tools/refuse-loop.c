/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refuse-loop SEAL COUNT ERROR - calls Sign of the seal COUNT times, 16 calls open at once, each of
 * which has to be refused with org.sealsd1.Error.ERROR. Prints "COUNT refused, MS ms each"; the
 * first other answer ends it with status 1. One process for a flood.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#define TIMEOUT (120 * 1000000ULL) /* µs, of one call */
#define WINDOW 16
#define DIGEST_SIZE 32

typedef struct Flood {
        sd_event *event;
        sd_bus *bus;
        char path[128], error[128];
        unsigned long count, sent, answered;
} Flood;

static int call_send(Flood *flood);

static int on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        const sd_bus_error *error = sd_bus_message_get_error(reply);
        Flood *flood = userdata;

        (void) ret_error;
        if (!error || strcmp(error->name, flood->error) != 0) {
                (void) fprintf(stderr, "refuse-loop: %s: %s\n", error ? error->name : "signed",
                               error && error->message ? error->message : "");
                return sd_event_exit(flood->event, EPROTO);
        }
        if (++flood->answered == flood->count)
                return sd_event_exit(flood->event, 0);
        int r = call_send(flood);
        return r < 0 ? sd_event_exit(flood->event, -r) : 0;
}

static int call_send(Flood *flood) {
        static const uint8_t digest[DIGEST_SIZE];
        sd_bus_message *m = NULL;

        if (flood->sent == flood->count)
                return 0;
        int r = sd_bus_message_new_method_call(flood->bus, &m, "org.sealsd1", flood->path,
                                               "org.sealsd1.Seal", "Sign");
        if (r >= 0)
                r = sd_bus_message_append_array(m, 'y', digest, sizeof(digest));
        if (r >= 0)
                r = sd_bus_message_append(m, "a{sv}", 0);
        if (r >= 0)
                r = sd_bus_call_async(flood->bus, NULL, m, on_answer, flood, TIMEOUT);
        (void) sd_bus_message_unref(m);
        flood->sent += r >= 0;
        return r;
}

static int flood_run(Flood *flood) {
        int r = sd_event_new(&flood->event);

        if (r >= 0)
                r = sd_bus_open_system(&flood->bus);
        if (r >= 0)
                r = sd_bus_attach_event(flood->bus, flood->event, 0);
        for (int i = 0; r >= 0 && i < WINDOW; i++)
                r = call_send(flood);
        return r < 0 ? r : -sd_event_loop(flood->event);
}

static double now_ms(void) {
        struct timespec now = {};

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (double) now.tv_sec * 1e3 + (double) now.tv_nsec / 1e6;
}

int main(int argc, char **argv) {
        Flood flood = {};

        if (argc != 4 || (flood.count = strtoul(argv[2], NULL, 10)) == 0) {
                (void) fprintf(stderr, "Usage: refuse-loop SEAL COUNT ERROR\n");
                return 2;
        }
        (void) snprintf(flood.path, sizeof(flood.path), "/org/sealsd1/seal/%s", argv[1]);
        (void) snprintf(flood.error, sizeof(flood.error), "org.sealsd1.Error.%s", argv[3]);
        double begin = now_ms();
        int r = flood_run(&flood);
        if (r < 0)
                (void) fprintf(stderr, "refuse-loop: %s\n", strerror(-r));
        else
                (void) printf("%lu refused, %.3f ms each\n", flood.answered,
                              (now_ms() - begin) / (double) flood.count);
        (void) sd_bus_flush_close_unref(flood.bus);
        (void) sd_event_unref(flood.event);
        return r < 0 ? 1 : 0;
}
