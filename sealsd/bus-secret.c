/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/bus-secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define PIPE_TIMEOUT (2 * USEC_PER_SEC)
#define TIMER_ACCURACY (10 * 1000) /* µs */

struct SecretReader {
        sd_event *event;
        sd_event_source *io, *timer;
        SecretPipes pipes;
        size_t current;
        int own[2]; /* our pipe, read and write end */
        void (*done)(void *userdata, int code, const ErrorDetail *detail);
        void *userdata;
};

bool secret_fd_is_pipe(int fd) {
        struct stat st;
        int flags = fcntl(fd, F_GETFL);

        return flags >= 0 && !(flags & O_PATH) && (flags & O_ACCMODE) != O_WRONLY &&
               fstat(fd, &st) >= 0 && S_ISFIFO(st.st_mode);
}

SecretReader *secret_reader_free(SecretReader *reader) {
        if (!reader)
                return NULL;
        (void) sd_event_source_disable_unref(reader->io);
        (void) sd_event_source_disable_unref(reader->timer);
        closep(&reader->own[0]);
        closep(&reader->own[1]);
        (void) sd_event_unref(reader->event);
        free(reader);
        return NULL;
}

/* The reader may be gone afterwards. */
static void reader_done(SecretReader *reader, int code, const ErrorDetail *detail) {
        reader->io = sd_event_source_disable_unref(reader->io);
        reader->timer = sd_event_source_disable_unref(reader->timer);
        reader->done(reader->userdata, code, detail);
}

/*
 * What is in the sender's pipe, by way of our own: O_NONBLOCK belongs to the open pipe, which the
 * sender shares and could set back before we read; splice's flag belongs to this one call.
 * Returns 1 at the end, 0 to wait for more.
 */
static int pipe_drain(const SecretReader *reader, const SecretPipe *pipe) {
        uint8_t buffer[SECRET_MAX + 1];

        for (;;) {
                ssize_t n = splice(pipe->fd, NULL, reader->own[1], NULL, sizeof(buffer),
                                   SPLICE_F_NONBLOCK);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return errno == EAGAIN ? 0 : -errno;
                if (n == 0)
                        return 1;
                n = read(reader->own[0], buffer, (size_t) n);
                if (n < 0)
                        return -errno;
                int r = secret_append(pipe->target, buffer, (size_t) n);
                explicit_bzero(buffer, sizeof(buffer));
                if (r != 0)
                        return -EMSGSIZE;
        }
}

static int reader_next(SecretReader *reader);

static int pipe_ready(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        SecretReader *reader = userdata;
        SecretPipe *pipe = &reader->pipes.pipes[reader->current];
        ErrorDetail detail = {};

        (void) source;
        (void) fd;
        (void) events;
        int r = pipe_drain(reader, pipe);
        if (r == 0)
                return 0;
        if (r == 1) {
                pipe->target->set = true; /* also when it was empty */
                reader->current++;
                r = reader_next(reader);
                if (r == 0)
                        return 0;
        }
        if (r == -EMSGSIZE)
                r = error_set(&detail, SEAL_E_LIMITS_EXCEEDED,
                              "Option '%s': more than %d bytes came through the pipe", pipe->option,
                              SECRET_MAX);
        reader_done(reader, r == 1 ? 0 : r, &detail);
        return 0;
}

/* Returns 1 when there is none left. */
static int reader_next(SecretReader *reader) {
        reader->io = sd_event_source_disable_unref(reader->io);
        if (reader->current == reader->pipes.count)
                return 1;
        return sd_event_add_io(reader->event, &reader->io, reader->pipes.pipes[reader->current].fd,
                               EPOLLIN, pipe_ready, reader);
}

static int time_over(sd_event_source *source, uint64_t usec, void *userdata) {
        SecretReader *reader = userdata;
        ErrorDetail detail = {};

        (void) source;
        (void) usec;
        int code = error_set(&detail, SEAL_E_TIMEOUT,
                             "Option '%s': the pipe was not written and closed within 2 s",
                             reader->pipes.pipes[reader->current].option);
        reader_done(reader, code, &detail);
        return 0;
}

int secret_reader_new(SecretReader **ret, sd_event *event, const SecretPipes *pipes,
                      void (*done)(void *userdata, int code, const ErrorDetail *detail),
                      void *userdata) {
        _cleanup_(secret_reader_freep) SecretReader *reader = calloc(1, sizeof(*reader));

        if (!reader)
                return -ENOMEM;
        *reader = (SecretReader){ .event = sd_event_ref(event),
                                  .pipes = *pipes,
                                  .own = { -1, -1 },
                                  .done = done,
                                  .userdata = userdata };
        if (pipe2(reader->own, O_CLOEXEC | O_NONBLOCK) < 0)
                return -errno;
        int r = sd_event_add_time_relative(event, &reader->timer, CLOCK_MONOTONIC, PIPE_TIMEOUT,
                                           TIMER_ACCURACY, time_over, reader);
        if (r < 0)
                return r;
        r = reader_next(reader);
        if (r < 0)
                return r;
        *ret = steal_ptr(reader);
        return 0;
}
