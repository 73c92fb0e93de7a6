/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is too large for a message goes through a descriptor of the caller: a pipe, a regular file
 * or a memfd (design, section 5.6), written from the event loop piece by piece, so that a caller
 * who reads slowly holds up nobody. One who does not read at all for a minute is given up.
 */
#pragma once

#include <systemd/sd-event.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/error.h"

typedef struct Sink Sink;

typedef struct SinkSource {
        /* The next bytes, which stay valid until the next call; none at the end. */
        int (*next)(void *userdata, Bytes *ret, ErrorDetail *detail);
        /* Once, when all is written or nothing more will be; may free the sink. */
        void (*done)(void *userdata, int code, const ErrorDetail *detail);
        /* With the sink, whether done was called or not. */
        void (*free)(void *userdata);
        void *userdata; /* of next and free */
        void *waiter;   /* of done */
} SinkSource;

/* SEAL_E_INVALID_ARGS for a descriptor that is none of these, or cannot be written to. */
int sink_check(int fd, ErrorDetail *detail);

/*
 * fd is borrowed and has passed sink_check(). source->userdata becomes the sink's with success.
 * Conditions that done is called with: what next returned, SEAL_E_INVALID_ARGS (the descriptor does
 * not take it: closed at the other end, full, sealed), SEAL_E_TIMEOUT, or a negative errno.
 */
int sink_new(Sink **ret, sd_event *event, int fd, const SinkSource *source);
Sink *sink_free(Sink *sink);
DEFINE_CLEANUP(Sink, sink_free)
