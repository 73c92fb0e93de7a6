/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets through pipes, in a real event loop. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "sealsd/bus-secret.h"

typedef struct Fixture {
        sd_event *event;
        SecretReader *reader;
        SecretPipes pipes;
        Secret secrets[2];
        int writers[2];
        int calls, code;
        ErrorDetail detail;
} Fixture;

static int fixture_setup(void **state) {
        Fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        assert_true(sd_event_new(&f->event) >= 0);
        for (size_t i = 0; i < 2; i++) {
                int fds[2];

                assert_int_equal(pipe2(fds, O_CLOEXEC), 0); /* blocking, as clients make them */
                f->writers[i] = fds[1];
                f->pipes.pipes[i] = (SecretPipe){ i == 0 ? "first" : "second", fds[0],
                                                  &f->secrets[i] };
        }
        f->pipes.count = 2;
        *state = f;
        return 0;
}

static void finish_writing(Fixture *f, size_t i) {
        closep(&f->writers[i]);
        f->writers[i] = -1;
}

static int fixture_teardown(void **state) {
        Fixture *f = *state;

        (void) secret_reader_free(f->reader);
        for (size_t i = 0; i < 2; i++) {
                finish_writing(f, i);
                (void) close(f->pipes.pipes[i].fd);
                secret_wipe(&f->secrets[i]);
        }
        (void) sd_event_unref(f->event);
        free(f);
        return 0;
}

static void done(void *userdata, int code, const ErrorDetail *detail) {
        Fixture *f = userdata;

        f->calls++;
        f->code = code;
        if (detail)
                f->detail = *detail;
        f->reader = secret_reader_free(f->reader);
        (void) sd_event_exit(f->event, 0);
}

static void fixture_begin(Fixture *f) {
        assert_int_equal(secret_reader_new(&f->reader, f->event, &f->pipes, done, f), 0);
        assert_int_equal(f->calls, 0);
}

static void fixture_end(Fixture *f, int code) {
        assert_true(sd_event_loop(f->event) >= 0);
        assert_int_equal(f->calls, 1);
        assert_int_equal(f->code, code);
        assert_null(f->reader);
}

static void put(Fixture *f, size_t i, const char *text) {
        assert_int_equal(write(f->writers[i], text, strlen(text)), strlen(text));
}

static void assert_secret(const Secret *secret, const char *text) {
        assert_true(secret->set);
        assert_int_equal(secret->size, strlen(text));
        assert_memory_equal(secret->data, text, strlen(text));
}

static void test_both_are_read_to_their_ends(void **state) {
        Fixture *f = *state;

        put(f, 0, "one");
        put(f, 1, "two");
        finish_writing(f, 0);
        finish_writing(f, 1);
        fixture_begin(f);
        fixture_end(f, 0);
        assert_secret(&f->secrets[0], "one");
        assert_secret(&f->secrets[1], "two");
}

static void test_pieces_are_joined(void **state) {
        Fixture *f = *state;

        f->pipes.count = 1;
        fixture_begin(f);
        put(f, 0, "a ");
        assert_true(sd_event_run(f->event, 0) > 0);
        put(f, 0, "secret in pieces");
        assert_true(sd_event_run(f->event, 0) > 0);
        assert_int_equal(f->calls, 0);
        finish_writing(f, 0);
        fixture_end(f, 0);
        assert_secret(&f->secrets[0], "a secret in pieces");
}

static void test_empty_pipe_is_the_empty_secret(void **state) {
        Fixture *f = *state;

        f->pipes.count = 1;
        finish_writing(f, 0);
        fixture_begin(f);
        fixture_end(f, 0);
        assert_secret(&f->secrets[0], "");
}

static void fill(Fixture *f, size_t size) {
        char data[SECRET_MAX + 1];

        assert_true(size <= sizeof(data));
        memset(data, 'x', sizeof(data));
        assert_int_equal(write(f->writers[0], data, size), size);
}

static void test_the_largest_secret_fits(void **state) {
        Fixture *f = *state;

        f->pipes.count = 1;
        fill(f, SECRET_MAX);
        finish_writing(f, 0);
        fixture_begin(f);
        fixture_end(f, 0);
        assert_int_equal(f->secrets[0].size, SECRET_MAX);
}

static void test_more_is_refused_by_name(void **state) {
        Fixture *f = *state;

        f->pipes.count = 1;
        fill(f, SECRET_MAX + 1);
        fixture_begin(f); /* not closed: too much is known before the end */
        fixture_end(f, SEAL_E_LIMITS_EXCEEDED);
        assert_non_null(strstr(f->detail.text, "'first'"));
        assert_null(strstr(f->detail.text, "xx"));
}

static void test_pipe_that_stays_open_times_out(void **state) {
        Fixture *f = *state;

        put(f, 0, "one");
        finish_writing(f, 0);
        put(f, 1, "never closed");
        fixture_begin(f);
        fixture_end(f, SEAL_E_TIMEOUT);
        assert_non_null(strstr(f->detail.text, "'second'"));
}

/* The sender shares the open pipe: it may drain it under our hands, which must not block us. */
static void test_pipe_drained_by_its_sender_does_not_block(void **state) {
        Fixture *f = *state;
        char byte;

        f->pipes.count = 1;
        fixture_begin(f);
        put(f, 0, "x");
        assert_true(sd_event_prepare(f->event) >= 0);
        assert_true(sd_event_wait(f->event, UINT64_MAX) > 0);
        assert_int_equal(read(f->pipes.pipes[0].fd, &byte, 1), 1);
        assert_true(sd_event_dispatch(f->event) > 0);
        assert_int_equal(f->calls, 0);
        put(f, 0, "y");
        finish_writing(f, 0);
        fixture_end(f, 0);
        assert_secret(&f->secrets[0], "y");
}

static void test_reader_freed_early_calls_nobody(void **state) {
        Fixture *f = *state;

        fixture_begin(f);
        f->reader = secret_reader_free(f->reader);
        put(f, 0, "late");
        assert_int_equal(sd_event_run(f->event, 0), 0);
        assert_int_equal(f->calls, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_both_are_read_to_their_ends),
                TEST(test_pieces_are_joined),
                TEST(test_empty_pipe_is_the_empty_secret),
                TEST(test_the_largest_secret_fits),
                TEST(test_more_is_refused_by_name),
                TEST(test_pipe_that_stays_open_times_out),
                TEST(test_pipe_drained_by_its_sender_does_not_block),
                TEST(test_reader_freed_early_calls_nobody),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
