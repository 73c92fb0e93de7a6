/* SPDX-License-Identifier: Apache-2.0 */
/* Large answers through descriptors, in a real event loop. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sealsd/bus-sink.h"

#define PIECE 40000
#define PIECES 25U

typedef struct Fixture {
        sd_event *event;
        Sink *sink;
        int pipe[2];
        unsigned given; /* pieces */
        unsigned fail_at;
        int calls, code, frees;
        ErrorDetail detail;
        uint8_t piece[PIECE];
} Fixture;

static int setup(void **state) {
        Fixture *f = calloc(1, sizeof(*f));

        (void) signal(SIGPIPE, SIG_IGN);
        assert_non_null(f);
        assert_true(sd_event_new(&f->event) >= 0);
        assert_int_equal(pipe2(f->pipe, O_CLOEXEC), 0); /* blocking, as clients make them */
        *state = f;
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;

        (void) sink_free(f->sink);
        closep(&f->pipe[0]);
        closep(&f->pipe[1]);
        (void) sd_event_unref(f->event);
        free(f);
        return 0;
}

static int next(void *userdata, Bytes *ret, ErrorDetail *detail) {
        Fixture *f = userdata;

        if (f->fail_at > 0 && f->given + 1 == f->fail_at)
                return error_set(detail, SEAL_E_STORAGE_FAILURE, "gone");
        *ret = (Bytes){};
        if (f->given == PIECES)
                return 0;
        memset(f->piece, (int) ++f->given, sizeof(f->piece));
        *ret = (Bytes){ f->piece, sizeof(f->piece) };
        return 0;
}

static void done(void *userdata, int code, const ErrorDetail *detail) {
        Fixture *f = userdata;

        f->calls++;
        f->code = code;
        if (detail)
                f->detail = *detail;
}

static void freed(void *userdata) {
        ((Fixture *) userdata)->frees++;
}

static void begin(Fixture *f, int fd) {
        const SinkSource source = {
                .next = next,
                .done = done,
                .free = freed,
                .userdata = f,
                .waiter = f,
        };

        assert_int_equal(sink_check(fd, NULL), 0);
        assert_int_equal(sink_new(&f->sink, f->event, fd, &source), 0);
}

static void check_piece(size_t at, const uint8_t *data, size_t size) {
        for (size_t i = 0; i < size; i++)
                assert_int_equal(data[i], (at + i) / PIECE + 1);
}

static void a_pipe_that_is_read_slowly_gets_everything(void **state) {
        Fixture *f = *state;
        uint8_t buffer[5000];
        size_t total = 0;

        begin(f, f->pipe[1]);
        while (f->calls == 0) {
                assert_true(sd_event_run(f->event, 0) >= 0);
                if (fcntl(f->pipe[0], F_SETFL, O_NONBLOCK) < 0)
                        fail();
                ssize_t n = read(f->pipe[0], buffer, sizeof(buffer));
                if (n > 0) {
                        check_piece(total, buffer, (size_t) n);
                        total += (size_t) n;
                }
        }
        closep(&f->pipe[1]);
        f->pipe[1] = -1;
        for (ssize_t n; (n = read(f->pipe[0], buffer, sizeof(buffer))) > 0; total += (size_t) n)
                check_piece(total, buffer, (size_t) n);
        assert_int_equal(f->code, 0);
        assert_int_equal(f->calls, 1);
        assert_int_equal(total, PIECE * PIECES);
}

static void a_pipe_that_nobody_reads_does_not_hold_the_loop(void **state) {
        Fixture *f = *state;

        begin(f, f->pipe[1]);
        for (int i = 0; i < 100; i++)
                assert_true(sd_event_run(f->event, 0) >= 0);
        assert_int_equal(f->calls, 0);
        assert_in_range(f->given, 1, 10); /* what pipes hold, and not more */
}

static void a_pipe_that_is_closed_ends_it(void **state) {
        Fixture *f = *state;

        begin(f, f->pipe[1]);
        assert_true(sd_event_run(f->event, 0) >= 0);
        closep(&f->pipe[0]);
        f->pipe[0] = -1;
        while (f->calls == 0)
                assert_true(sd_event_run(f->event, UINT64_MAX) >= 0);
        assert_int_equal(f->code, SEAL_E_INVALID_ARGS);
        assert_non_null(strstr(f->detail.text, "Broken pipe"));
}

static void a_file_gets_everything_and_a_sealed_one_nothing(void **state) {
        Fixture *f = *state;
        uint8_t buffer[5000];
        size_t total = 0;

        int fd = memfd_create("sink", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        assert_true(fd >= 0);
        begin(f, fd);
        while (f->calls == 0)
                assert_true(sd_event_run(f->event, UINT64_MAX) >= 0);
        assert_int_equal(f->code, 0);
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
        for (ssize_t n; (n = read(fd, buffer, sizeof(buffer))) > 0; total += (size_t) n)
                check_piece(total, buffer, (size_t) n);
        assert_int_equal(total, PIECE * PIECES);

        f->sink = sink_free(f->sink);
        assert_int_equal(f->frees, 1);
        f->calls = 0;
        f->given = 0;
        assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
        begin(f, fd);
        while (f->calls == 0)
                assert_true(sd_event_run(f->event, UINT64_MAX) >= 0);
        assert_int_equal(f->code, SEAL_E_INVALID_ARGS);
        (void) close(fd);
}

static void what_the_source_meets_is_told(void **state) {
        Fixture *f = *state;

        f->fail_at = 2;
        int fd = memfd_create("sink", MFD_CLOEXEC);
        begin(f, fd);
        while (f->calls == 0)
                assert_true(sd_event_run(f->event, UINT64_MAX) >= 0);
        assert_int_equal(f->code, SEAL_E_STORAGE_FAILURE);
        assert_string_equal(f->detail.text, "gone");
        (void) close(fd);
}

static void one_that_is_freed_early_frees_its_source_and_tells_nothing(void **state) {
        Fixture *f = *state;

        begin(f, f->pipe[1]);
        assert_true(sd_event_run(f->event, 0) >= 0);
        f->sink = sink_free(f->sink);
        assert_int_equal(f->frees, 1);
        assert_int_equal(f->calls, 0);
}

static void what_is_no_pipe_and_no_file_is_refused(void **state) {
        Fixture *f = *state;
        ErrorDetail detail = {};

        assert_int_equal(sink_check(f->pipe[0], &detail), SEAL_E_INVALID_ARGS); /* the read end */
        int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
        assert_int_equal(sink_check(fd, &detail), SEAL_E_INVALID_ARGS);
        (void) close(fd);
        fd = open("/", O_PATH | O_CLOEXEC);
        assert_int_equal(sink_check(fd, &detail), SEAL_E_INVALID_ARGS);
        (void) close(fd);
        assert_int_equal(sink_check(-1, &detail), SEAL_E_INVALID_ARGS);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_pipe_that_is_read_slowly_gets_everything, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(a_pipe_that_nobody_reads_does_not_hold_the_loop,
                                                setup, teardown),
                cmocka_unit_test_setup_teardown(a_pipe_that_is_closed_ends_it, setup, teardown),
                cmocka_unit_test_setup_teardown(a_file_gets_everything_and_a_sealed_one_nothing,
                                                setup, teardown),
                cmocka_unit_test_setup_teardown(what_the_source_meets_is_told, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        one_that_is_freed_early_frees_its_source_and_tells_nothing, setup,
                        teardown),
                cmocka_unit_test_setup_teardown(what_is_no_pipe_and_no_file_is_refused, setup,
                                                teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
