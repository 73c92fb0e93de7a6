/* SPDX-License-Identifier: Apache-2.0 */
#include "client/use-wait.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "client/output.h"
#include "client/text.h"
#include "client/use-request.h"

#define DBUS "org.freedesktop.DBus"
#define LOOK_USEC (5 * USEC_PER_SEC)  /* without news; the time may have run out */
#define PAUSE_USEC (USEC_PER_SEC / 5) /* between two looks: anybody may send us signals */
#define AWAY_LOOKS_MAX 24             /* without a daemon, which may be restarted meanwhile */
#define SIGNING_LOOKS_MAX 4           /* of a live one that is approved: the chip signs it now */

typedef struct Wait {
        Context *context;
        const char *path;
        char *shown;    /* owned; what was noted last */
        bool subscribe; /* with the daemon that appeared */
        unsigned away;  /* looks in a row that found no daemon */
        unsigned signing;
} Wait;

static int on_signal(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        (void) m;
        (void) userdata;
        (void) error;
        return 0; /* it woke us */
}

static int on_owner(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Wait *wait = userdata;
        const char *name, *before, *now;

        (void) error;
        if (sd_bus_message_read(m, "sss", &name, &before, &now) >= 0 &&
            strcmp(name, "org.sealsd1") == 0 && now[0] != '\0')
                wait->subscribe = true;
        return 0;
}

/* Where there is no room for one more subscriber, the regular look has to do. */
static void subscribe(Wait *wait) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(message_freep) sd_bus_message *call = NULL, *reply = NULL;

        wait->subscribe = false;
        if (call_new(wait->context, MANAGER_PATH, MANAGER, "Subscribe", &call) == 0)
                (void) call_attempt(wait->context, call, &error, &reply);
}

static int attach(Wait *wait) {
        Context *context = wait->context;
        _cleanup_(message_freep) sd_bus_message *opened = NULL;

        /* Opens the bus. */
        int r = call_new(context, MANAGER_PATH, MANAGER, "Subscribe", &opened);
        if (r != 0)
                return r;
        r = sd_bus_match_signal(context->bus, NULL, "org.sealsd1", MANAGER_PATH, MANAGER, NULL,
                                on_signal, wait);
        if (r >= 0)
                r = sd_bus_match_signal(context->bus, NULL, DBUS, "/org/freedesktop/DBus", DBUS,
                                        "NameOwnerChanged", on_owner, wait);
        if (r < 0)
                return fail_errno(context, r, "signals cannot be received");
        subscribe(wait);
        return 0;
}

/* Everything that has come, then until something comes, LOOK_USEC at most. */
static int news_await(Wait *wait) {
        sd_bus *bus = wait->context->bus;
        bool woken = false;
        int r;

        while ((r = sd_bus_process(bus, NULL)) > 0)
                woken = true;
        if (r >= 0 && !woken)
                r = sd_bus_wait(bus, LOOK_USEC);
        return r < 0 && r != -EINTR ? fail_errno(wait->context, r, "the bus is gone") : 0;
}

static int step_note(Wait *wait, const json_t *request) {
        _cleanup_free_ char *text = NULL;

        if (use_progress_text(request, &text) != 0)
                return fail(wait->context, EXIT_OTHER, "out of memory");
        if (wait->shown && strcmp(wait->shown, text) == 0)
                return 0;
        _cleanup_free_ char *escaped = text_escape(text);
        note(wait->context, "Request %s: %s", path_last(wait->path), escaped ? escaped : "");
        free(wait->shown);
        wait->shown = steal_ptr(text);
        return 0;
}

/* The daemon is restarted, or does not answer just now. */
static bool is_away(const sd_bus_error *error) {
        static const char *const names[] = { SD_BUS_ERROR_SERVICE_UNKNOWN,
                                             SD_BUS_ERROR_NAME_HAS_NO_OWNER, SD_BUS_ERROR_NO_REPLY,
                                             SD_BUS_ERROR_TIMEOUT,
                                             "org.freedesktop.DBus.Error.TimedOut" };

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                if (sd_bus_error_has_name(error, names[i]))
                        return true;
        return false;
}

/* Describe; *ret stays NULL while the daemon is away, for as long as that is borne. */
static int request_get(Wait *wait, json_t **ret) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(message_freep) sd_bus_message *call = NULL, *reply = NULL;
        const char *text = "";

        int r = call_new(wait->context, wait->path, REQUEST, "Describe", &call);
        if (r != 0)
                return r;
        if (call_attempt(wait->context, call, &error, &reply) < 0) {
                if (is_away(&error) && wait->away++ < AWAY_LOOKS_MAX)
                        return 0;
                return fail_remote(wait->context, error.name, error.message);
        }
        wait->away = 0;
        if (sd_bus_message_read(reply, "s", &text) >= 0)
                *ret = json_loads(text, 0, NULL);
        return *ret ? 0 : fail(wait->context, EXIT_OTHER, "the description cannot be read");
}

/*
 * A live one is signed right after the last approval: collect it then. Where that does not come,
 * collecting tells why.
 */
static bool is_over(Wait *wait, const json_t *request) {
        const json_t *asked = json_object_get(request, "application");
        const char *state = json_text(request, "state");

        if (strcmp(state, "approved") == 0)
                return !json_is_true(json_object_get(asked, "live")) ||
                       wait->signing++ >= SIGNING_LOOKS_MAX;
        return strcmp(state, "completed") == 0;
}

/* *ret_over: it can be collected. */
static int look(Wait *wait, bool *ret_over) {
        _cleanup_(json_freep) json_t *request = NULL;

        int r = request_get(wait, &request);
        if (r != 0 || !request)
                return r;
        const char *state = json_text(request, "state"), *error = json_text(request, "error");
        *ret_over = is_over(wait, request);
        if (*ret_over || strcmp(state, "applied") == 0 || strcmp(state, "approved") == 0)
                return step_note(wait, request);
        return fail_plain(wait->context, EXIT_WRONG_STATE, "request %s is %s%s%s",
                          path_last(wait->path), state, error[0] != '\0' ? ": " : "", error);
}

static int wait_run(Wait *wait) {
        const Clock clock = clock_system();
        bool over = false;

        int r = attach(wait);
        if (r == 0)
                r = look(wait, &over);
        while (r == 0 && !over) {
                const uint64_t looked = clock_now(&clock);
                r = news_await(wait);
                const uint64_t now = clock_now(&clock);
                if (r == 0 && now >= looked && now - looked < PAUSE_USEC)
                        (void) usleep((useconds_t) (PAUSE_USEC - (now - looked)));
                if (r == 0 && wait->subscribe)
                        subscribe(wait);
                if (r == 0)
                        r = look(wait, &over);
        }
        return r;
}

int use_wait(Context *context, const char *path) {
        Wait wait = { .context = context, .path = path };

        int r = wait_run(&wait);
        free(wait.shown);
        return r;
}
