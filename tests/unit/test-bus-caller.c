/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the bus who calls: a bus that hears the question and does not answer. */
#include "tests/unit/unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <systemd/sd-id128.h>

#include "sealsd/bus-caller.h"

typedef struct Silent {
        char address[64];
        struct sockaddr_un path;
        int listening;
        atomic_bool stop;
        atomic_int heard;
        pthread_t thread;
} Silent;

static int hear(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Silent *silent = userdata;

        (void) error;
        if (sd_bus_message_is_method_call(m, NULL, "Hello") > 0)
                return sd_bus_reply_method_return(m, "s", ":1.1");
        silent->heard += sd_bus_message_is_method_call(m, NULL, "GetConnectionCredentials") > 0;
        return 1; /* taken, and never answered */
}

/* The connection that asks is the second one. */
static void *serve(void *userdata) {
        Silent *silent = userdata;
        sd_bus *bus = NULL;
        sd_id128_t id;

        int first = accept4(silent->listening, NULL, NULL, SOCK_CLOEXEC);
        int fd = accept4(silent->listening, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0 || sd_id128_randomize(&id) < 0 || sd_bus_new(&bus) < 0 ||
            sd_bus_set_fd(bus, fd, fd) < 0 || sd_bus_set_server(bus, true, id) < 0 ||
            sd_bus_set_anonymous(bus, true) < 0 || sd_bus_add_filter(bus, NULL, hear, silent) < 0 ||
            sd_bus_start(bus) < 0)
                abort();
        while (!silent->stop) {
                int r = sd_bus_process(bus, NULL);

                if (r < 0 || (r == 0 && sd_bus_wait(bus, 10 * 1000) < 0))
                        break;
        }
        (void) sd_bus_close_unref(bus);
        (void) close(first);
        return NULL;
}

static void silent_start(Silent *silent) {
        silent->path.sun_family = AF_UNIX;
        (void) snprintf(silent->path.sun_path, sizeof(silent->path.sun_path),
                        "/tmp/sealsd-test-bus-%d", getpid());
        (void) snprintf(silent->address, sizeof(silent->address),
                        "unix:path=/tmp/sealsd-test-bus-%d", getpid());
        silent->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(silent->listening >= 0);
        assert_int_equal(bind(silent->listening, (const struct sockaddr *) &silent->path,
                              sizeof(silent->path)),
                         0);
        assert_int_equal(listen(silent->listening, 2), 0);
        assert_int_equal(pthread_create(&silent->thread, NULL, serve, silent), 0);
}

static void silent_stop(Silent *silent) {
        silent->stop = true;
        assert_int_equal(pthread_join(silent->thread, NULL), 0);
        assert_int_equal(close(silent->listening), 0);
        assert_int_equal(unlink(silent->path.sun_path), 0);
}

static void a_bus_that_is_slow_is_busy_and_refuses_nobody(void **state) {
        static const Config config;
        _cleanup_(callers_freep) Callers *callers = NULL;
        sd_bus_message *call = NULL;
        sd_bus *client = NULL;
        Silent silent = {};
        Caller caller;

        (void) state;
        silent_start(&silent);
        assert_true(sd_bus_new(&client) >= 0);
        assert_true(sd_bus_set_address(client, silent.address) >= 0);
        assert_true(sd_bus_start(client) >= 0);
        assert_int_equal(callers_new(&callers, client, &config), 0);
        assert_true(sd_bus_message_new_method_call(client, &call, "org.example", "/", "org.example",
                                                   "Call") >= 0);
        assert_true(sd_bus_message_set_sender(call, ":1.7") >= 0);

        assert_int_equal(callers_get(callers, call, false, &caller), SEAL_E_BUSY);
        assert_int_equal(silent.heard, 1);
        assert_int_equal(callers_count(callers), 0);
        (void) sd_bus_message_unref(call);
        silent_stop(&silent);
        (void) sd_bus_close_unref(client);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_bus_that_is_slow_is_busy_and_refuses_nobody),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
