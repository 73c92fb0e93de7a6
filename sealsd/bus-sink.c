/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/bus-sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include "base/clock.h"

#define PATIENCE (60 * USEC_PER_SEC) /* without a byte taken */
#define ROUND_MAX (256 * 1024)       /* bytes written before the loop turns to others */

struct Sink {
        int fd; /* borrowed */
        bool pipe;
        int own[2];  /* our pipe, read and write end: what is on its way into the caller's */
        size_t held; /* in it */
        Bytes rest;  /* of the piece that was taken last */
        sd_event_source *ready, *timer;
        SinkSource source;
};

int sink_check(int fd, ErrorDetail *detail) {
        struct stat st;
        int flags = fcntl(fd, F_GETFL);

        if (flags < 0 || (flags & O_PATH) || (flags & O_ACCMODE) == O_RDONLY)
                return error_set(detail, SEAL_E_INVALID_ARGS, "The descriptor cannot be written");
        if (fstat(fd, &st) < 0 || !(S_ISFIFO(st.st_mode) || S_ISREG(st.st_mode)))
                return error_set(detail, SEAL_E_INVALID_ARGS,
                                 "The descriptor is neither a pipe nor a file");
        return 0;
}

static void sink_done(Sink *sink, int code, const ErrorDetail *detail) {
        sink->ready = sd_event_source_disable_unref(sink->ready);
        sink->timer = sd_event_source_disable_unref(sink->timer);
        sink->source.done(sink->source.waiter, code, detail);
}

/* At most what was asked for; 0 when the other side takes nothing now, or a negative errno. */
static ssize_t put_file(Sink *sink) {
        ssize_t n = write(sink->fd, sink->rest.data, sink->rest.size);

        if (n < 0)
                return errno == EINTR ? 0 : -errno;
        sink->rest.data += n;
        sink->rest.size -= (size_t) n;
        return n;
}

/*
 * By way of our own pipe: O_NONBLOCK of the caller's belongs to the open pipe, which he shares and
 * could set back; splice's flag belongs to this one call.
 */
static ssize_t put_pipe(Sink *sink) {
        if (sink->held == 0) {
                ssize_t n = write(sink->own[1], sink->rest.data, sink->rest.size);
                if (n < 0)
                        return errno == EINTR ? 0 : -errno;
                sink->held = (size_t) n;
                sink->rest.data += n;
                sink->rest.size -= (size_t) n;
        }
        ssize_t n = splice(sink->own[0], NULL, sink->fd, NULL, sink->held, SPLICE_F_NONBLOCK);
        if (n < 0)
                return errno == EINTR || errno == EAGAIN ? 0 : -errno;
        sink->held -= (size_t) n;
        return n;
}

static int sink_round(Sink *sink, bool *ret_end, ErrorDetail *detail) {
        for (size_t done = 0; done < ROUND_MAX;) {
                if (sink->rest.size == 0 && sink->held == 0) {
                        int r = sink->source.next(sink->source.userdata, &sink->rest, detail);
                        if (r != 0)
                                return r;
                        *ret_end = sink->rest.size == 0;
                        if (*ret_end)
                                return 0;
                }
                ssize_t n = sink->pipe ? put_pipe(sink) : put_file(sink);
                if (n < 0)
                        return error_set(detail, SEAL_E_INVALID_ARGS,
                                         "The descriptor does not take it: %s", strerror((int) -n));
                if (n == 0)
                        return 0;
                done += (size_t) n;
                (void) sd_event_source_set_time_relative(sink->timer, PATIENCE);
        }
        return 0;
}

static void sink_write(Sink *sink) {
        ErrorDetail detail = {};
        bool end = false;

        int r = sink_round(sink, &end, &detail);
        if (r != 0 || end)
                sink_done(sink, r, &detail);
}

static int on_pipe(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        (void) source;
        (void) fd;
        (void) events;
        sink_write(userdata);
        return 0;
}

static int on_file(sd_event_source *source, void *userdata) {
        (void) source;
        sink_write(userdata);
        return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        ErrorDetail detail = {};

        (void) source;
        (void) usec;
        int code = error_set(&detail, SEAL_E_TIMEOUT, "Nobody reads from the pipe");
        sink_done(userdata, code, &detail);
        return 0;
}

/* A file is always ready: it is written whenever the loop has nothing else to do. */
static int sink_wait(Sink *sink, sd_event *event) {
        int r = sd_event_add_time_relative(event, &sink->timer, CLOCK_MONOTONIC, PATIENCE, 0,
                                           on_timer, sink);
        if (r >= 0 && sink->pipe)
                r = sd_event_add_io(event, &sink->ready, sink->fd, EPOLLOUT, on_pipe, sink);
        else if (r >= 0)
                r = sd_event_add_defer(event, &sink->ready, on_file, sink);
        if (r >= 0 && !sink->pipe)
                r = sd_event_source_set_enabled(sink->ready, SD_EVENT_ON);
        if (r >= 0)
                r = sd_event_source_set_priority(sink->ready, SD_EVENT_PRIORITY_IDLE);
        return r < 0 ? r : 0;
}

int sink_new(Sink **ret, sd_event *event, int fd, const SinkSource *source) {
        struct stat st;
        Sink *sink;
        int r;

        if (fstat(fd, &st) < 0)
                return -errno;
        sink = calloc(1, sizeof(*sink));
        if (!sink)
                return -ENOMEM;
        *sink = (Sink){ .fd = fd, .pipe = S_ISFIFO(st.st_mode), .own = { -1, -1 } };
        r = sink->pipe && pipe2(sink->own, O_CLOEXEC | O_NONBLOCK) < 0 ? -errno : 0;
        if (r == 0)
                r = sink_wait(sink, event);
        if (r != 0) {
                (void) sink_free(sink);
                return r;
        }
        sink->source = *source; /* from now on it is ours to free */
        *ret = sink;
        return 0;
}

Sink *sink_free(Sink *sink) {
        if (!sink)
                return NULL;
        (void) sd_event_source_disable_unref(sink->ready);
        (void) sd_event_source_disable_unref(sink->timer);
        closep(&sink->own[0]);
        closep(&sink->own[1]);
        if (sink->source.free)
                sink->source.free(sink->source.userdata);
        free(sink);
        return NULL;
}
