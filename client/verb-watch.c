/* SPDX-License-Identifier: Apache-2.0 */
/* sealctl watch: what happens, while it happens. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "client/bus-call.h"
#include "client/bus-value.h"
#include "client/options.h"
#include "client/output.h"
#include "client/verb.h"

#define DBUS "org.freedesktop.DBus"
#define RECONNECT_SECONDS 1

static const char help[] =
        "Usage: sealctl watch [OPTIONS]\n"
        "\n"
        "Print what happens to the seals and requests that you may see, what needs\n"
        "attention, and how far long work is, until it is interrupted. With --json one\n"
        "document a line. When the daemon or the bus is restarted it subscribes again and\n"
        "says so, since something may have happened in between.\n"
        "\n"
        "Options:\n"
        "  --count N   End after N events (default, and with 0: it does not end)\n"
        "\n"
        "Example:\n"
        "  sealctl --json watch | jq 'select(.signal == \"Attention\")'\n"
        "\n"
        "Next: 'sealctl show NUMBER', 'sealctl request ID', 'sealctl status'.\n";

typedef struct Watch {
        Context *context;
        char owner[BUS_NAME_MAX + 1]; /* the daemon's unique name, whose signals count; "" none */
        uint64_t count;               /* events left; 0: without end */
        bool limited;
        bool subscribe; /* a daemon appeared that does not know us */
        int r;          /* an exit code, once it is over */
} Watch;

static void text_put(const json_t *object, const char *key, const char *before) {
        const char *text = json_text(object, key);

        if (text[0] == '\0')
                return;
        fputs(before, stdout);
        print_escaped(text);
}

static void people_print(const json_t *event) {
        const char *signal = json_text(event, "signal");
        char when[TIME_TEXT_SIZE];

        fputs(time_format((uint64_t) json_integer_value(json_object_get(event, "time")), when),
              stdout);
        text_put(event, "severity", "  ");
        text_put(event, "kind", "  ");
        text_put(event, "id", " ");
        text_put(event, "state", ": ");
        text_put(event, "code", " ");
        text_put(event, "object", " ");
        text_put(event, "text", ": ");
        text_put(event, "operation", "  ");
        if (strcmp(signal, "Progress") == 0)
                printf(": %lld of %lld", json_integer_value(json_object_get(event, "done")),
                       json_integer_value(json_object_get(event, "total")));
        putchar('\n');
}

/* Takes event. */
static void event_print(Watch *watch, const char *signal, json_t *event) {
        const Clock clock = clock_system();

        json_object_set_new(event, "signal", json_string(signal));
        json_object_set_new(event, "time", json_integer((json_int_t) clock_now(&clock)));
        if (watch->context->json) {
                json_dumpf(event, stdout, JSON_COMPACT);
                putchar('\n');
        } else {
                people_print(event);
        }
        json_decref(event);
        if (fflush(stdout) != 0)
                watch->r = fail_errno(watch->context, -errno, "standard output");
}

/* The arguments of the signals (design, section 5.3) by their names. */
static json_t *signal_read(sd_bus_message *m) {
        static const struct {
                const char *member;
                const char *keys[5];
        } table[] = {
                { "Changed", { "kind", "id", "state" } },
                { "Attention", { "severity", "code", "object", "text" } },
                { "Progress", { "operation", "done", "total" } },
        };
        json_t *values = NULL, *event = NULL;

        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
                if (sd_bus_message_is_signal(m, MANAGER, table[i].member) > 0 &&
                    message_to_json(m, &values) == 0) {
                        event = json_object();
                        for (size_t k = 0; table[i].keys[k]; k++)
                                json_object_set(event, table[i].keys[k], json_array_get(values, k));
                }
        json_decref(values);
        return event;
}

/* Anybody may send us a signal: only those of the daemon count. */
static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Watch *watch = userdata;
        const char *sender = sd_bus_message_get_sender(m);

        (void) error;
        if (!sender || watch->owner[0] == '\0' || strcmp(sender, watch->owner) != 0)
                return 0;
        json_t *event = signal_read(m);
        if (!event)
                return 0;
        event_print(watch, sd_bus_message_get_member(m), event);
        if (watch->limited && --watch->count == 0)
                watch->r = DONE;
        return 0;
}

static int on_owner(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Watch *watch = userdata;
        const char *name, *before, *now;

        (void) error;
        if (sd_bus_message_read(m, "sss", &name, &before, &now) < 0 ||
            strcmp(name, "org.sealsd1") != 0 || strcmp(now, watch->owner) == 0)
                return 0;
        if (watch->owner[0] != '\0')
                event_print(watch, "Lost", json_pack("{ss}", "text", "sealsd ended"));
        watch->owner[0] = '\0';
        watch->subscribe = now[0] != '\0';
        return 0;
}

static int subscribe(Watch *watch) {
        _cleanup_(message_freep) sd_bus_message *call = NULL, *reply = NULL;

        watch->subscribe = false;
        int r = call_new(watch->context, MANAGER_PATH, MANAGER, "Subscribe", &call);
        if (r == 0)
                r = call_send(watch->context, call, &reply);
        if (r != 0)
                return r;
        (void) snprintf(watch->owner, sizeof(watch->owner), "%s", sd_bus_message_get_sender(reply));
        event_print(watch, "Subscribed", json_pack("{ss}", "text", "watching"));
        return 0;
}

static int attach(Watch *watch) {
        Context *context = watch->context;
        _cleanup_(message_freep) sd_bus_message *opened = NULL;

        /* Opens the bus. */
        int r = call_new(context, MANAGER_PATH, MANAGER, "Subscribe", &opened);
        if (r != 0)
                return r;
        r = sd_bus_add_filter(context->bus, NULL, on_message, watch);
        if (r >= 0)
                r = sd_bus_match_signal(context->bus, NULL, DBUS, "/org/freedesktop/DBus", DBUS,
                                        "NameOwnerChanged", on_owner, watch);
        return r < 0 ? fail_errno(context, r, "signals cannot be received") : 0;
}

/* Until the bus breaks (a negative errno), or it is over (watch->r). */
static int listen_on(Watch *watch) {
        while (watch->r == 0) {
                int r = sd_bus_process(watch->context->bus, NULL);

                if (r < 0)
                        return r;
                if (watch->subscribe)
                        (void) subscribe(watch); /* else with the next daemon that appears */
                else if (r == 0)
                        r = sd_bus_wait(watch->context->bus, UINT64_MAX);
                if (r < 0 && r != -EINTR)
                        return r;
        }
        return 0;
}

/* The bus is gone: wait until there is one again. */
static void reconnect(Watch *watch, int why) {
        Context *context = watch->context;

        event_print(watch, "Lost", json_pack("{ss}", "text", strerror(-why)));
        watch->owner[0] = '\0';
        do {
                context->bus = sd_bus_flush_close_unref(context->bus);
                (void) sleep(RECONNECT_SECONDS);
                if (sd_bus_open_system(&context->bus) >= 0)
                        break;
        } while (watch->r == 0);
        if (watch->r == 0)
                watch->r = attach(watch);
        watch->subscribe = true;
}

int verb_watch(Context *context, int argc, char **argv) {
        Watch watch = { .context = context };
        const CommandOption table[] = { { "count", .number = &watch.count } };
        const Usage usage = { help, OPTIONS(table), 0, 0 };
        char **arguments;

        int r = options_parse(context, argc, argv, &usage, &arguments);
        watch.limited = watch.count > 0;
        if (r == 0)
                r = attach(&watch);
        if (r == 0)
                r = subscribe(&watch);
        if (r != 0)
                return r;
        while (watch.r == 0) {
                r = listen_on(&watch);
                if (r < 0)
                        reconnect(&watch, r);
        }
        return watch.r;
}
