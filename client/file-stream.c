/* SPDX-License-Identifier: Apache-2.0 */
#include "client/file-stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool file_is_special(const char *path) {
        struct stat there;

        return stat(path, &there) == 0 && !S_ISREG(there.st_mode);
}

char *file_target(const char *path) {
        struct stat there;

        if (lstat(path, &there) == 0 && S_ISLNK(there.st_mode))
                return realpath(path, NULL);
        return strdup(path);
}

int fd_write(int fd, Bytes data) {
        while (data.size > 0) {
                ssize_t n = write(fd, data.data, data.size);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                data.data += n;
                data.size -= (size_t) n;
        }
        return 0;
}

/* Written into as it is: 1 with the descriptor in *ret, 0 when it is to be replaced, -errno. */
static int open_in_place(const char *path, int *ret) {
        if (strcmp(path, "-") == 0)
                *ret = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
        else if (file_is_special(path)) /* no O_CREAT: a regular file in its place is not ours */
                *ret = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
        else
                return 0;
        return *ret < 0 ? -errno : 1;
}

static int open_beside(const char *path, mode_t mode, FileStream *stream) {
        stream->target = file_target(path);
        if (!stream->target)
                return -errno;
        if (asprintf(&stream->temporary, "%s.XXXXXX", stream->target) < 0) {
                stream->temporary = NULL;
                return -ENOMEM;
        }
        stream->fd = mkostemp(stream->temporary, O_CLOEXEC);
        if (stream->fd < 0) {
                int r = -errno;
                free(stream->temporary);
                stream->temporary = NULL; /* there is none to be removed */
                return r;
        }
        return fchmod(stream->fd, mode) < 0 ? -errno : 0;
}

int file_stream_open(const Context *context, const char *path, mode_t mode, FileStream *ret) {
        FileStream stream = { .fd = -1 };

        int r = open_in_place(path, &stream.fd);
        if (r == 0)
                r = open_beside(path, mode, &stream);
        if (r < 0) {
                file_stream_abandon(&stream);
                return fail_errno(context, r, path);
        }
        *ret = stream;
        return 0;
}

int file_stream_write(const FileStream *stream, Bytes data) {
        return fd_write(stream->fd, data);
}

int file_stream_commit(const Context *context, FileStream *stream) {
        if (stream->temporary &&
            (fsync(stream->fd) < 0 || rename(stream->temporary, stream->target) < 0)) {
                int r = fail_errno(context, -errno, stream->target);
                file_stream_abandon(stream);
                return r;
        }
        free(stream->temporary);
        stream->temporary = NULL;
        file_stream_abandon(stream);
        return 0;
}

void file_stream_abandon(FileStream *stream) {
        closep(&stream->fd);
        stream->fd = -1;
        if (stream->temporary)
                (void) unlink(stream->temporary);
        free(stream->temporary);
        free(stream->target);
        stream->temporary = stream->target = NULL;
}
