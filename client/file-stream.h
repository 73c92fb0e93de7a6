/* SPDX-License-Identifier: Apache-2.0 */
/* A file that is written piece by piece and is there only once it is whole. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "client/context.h"

typedef struct FileStream {
        int fd;
        char *target;    /* what it becomes; NULL where what is written cannot be taken back */
        char *temporary; /* beside it; removed when the stream is abandoned */
} FileStream;

/* Is there something that is no regular file (a device, a FIFO) and is written into? */
bool file_is_special(const char *path);
/* The path itself, or what the symbolic link there names in the end; malloc'ed, NULL with errno. */
char *file_target(const char *path);
/* All of it. A negative errno. */
int fd_write(int fd, Bytes data);

/*
 * Begin to replace path: "-" is standard output, devices and FIFOs are
 * written into, a symbolic link is followed. The stream is ended by commit or abandon.
 */
int file_stream_open(const Context *context, const char *path, mode_t mode, FileStream *ret);

/* A negative errno; may be called from another thread than the rest. */
int file_stream_write(const FileStream *stream, Bytes data);

/* Flush it to the disk and give it its name. */
int file_stream_commit(const Context *context, FileStream *stream);

/* Nothing is left of it; does nothing after a commit. */
void file_stream_abandon(FileStream *stream);
