/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/handed-file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"

static int refuse(ErrorDetail *detail, const char *why) {
        return error_set(detail, SEAL_E_INVALID_ARGS, "%s", why);
}

static int too_large(size_t max, ErrorDetail *detail) {
        return error_set(detail, SEAL_E_LIMITS_EXCEEDED, "The file has more than %zu bytes", max);
}

int handed_file_check(int fd, size_t max, ErrorDetail *detail) {
        const int flags = fcntl(fd, F_GETFL);
        struct statfs system;
        struct stat st;

        if (flags < 0 || flags & O_PATH || (flags & O_ACCMODE) == O_WRONLY)
                return refuse(detail, "The descriptor is not open for reading");
        if (fstat(fd, &st) < 0 || fstatfs(fd, &system) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return refuse(detail, "The descriptor is neither a regular file nor a memfd");
        if (system.f_type == FUSE_SUPER_MAGIC)
                return refuse(detail, "The file is in a file system that a program serves (FUSE): "
                                      "hand it over as bytes or as a memfd");
        if (st.st_size <= 0)
                return refuse(detail, "The file is empty");
        return (uintmax_t) st.st_size > max ? too_large(max, detail) : 0;
}

/* Never NULL, also of nothing. */
static uint8_t *bytes_copy(Bytes bytes) {
        uint8_t *copy = malloc(bytes.size + 1);

        if (copy && bytes.size > 0)
                memcpy(copy, bytes.data, bytes.size);
        return copy;
}

int handed_file_copy(const HandedFile *file, HandedFile *ret) {
        HandedFile copy = *file;

        if (file->given && file->by_fd) {
                copy.fd = fcntl(file->fd, F_DUPFD_CLOEXEC, 3);
                if (copy.fd < 0)
                        return -errno;
        } else if (file->given) {
                copy.bytes.data = bytes_copy(file->bytes);
                if (!copy.bytes.data)
                        return -ENOMEM;
        }
        *ret = copy;
        return 0;
}

void handed_file_done(HandedFile *file) {
        if (file->given && file->by_fd)
                (void) close(file->fd);
        else if (file->given)
                free((void *) file->bytes.data);
        *file = (HandedFile){};
}

/* From its beginning, wherever the caller has read to; one byte more than there may be. */
static int fd_read(int fd, size_t max, uint8_t **ret, size_t *ret_size, ErrorDetail *detail) {
        _cleanup_free_ uint8_t *data = malloc(max + 1);
        size_t used = 0;

        if (!data)
                return -ENOMEM;
        while (used <= max) {
                ssize_t n = pread(fd, data + used, max + 1 - used, (off_t) used);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return error_set(detail, SEAL_E_INVALID_ARGS,
                                         "The file cannot be read: %m");
                if (n == 0)
                        break;
                used += (size_t) n;
        }
        if (used > max)
                return too_large(max, detail);
        *ret = steal_ptr(data);
        *ret_size = used;
        return 0;
}

int handed_file_read(const HandedFile *file, size_t max, uint8_t **ret, size_t *ret_size,
                     ErrorDetail *detail) {
        if (file->by_fd)
                return fd_read(file->fd, max, ret, ret_size, detail);
        if (file->bytes.size > max)
                return too_large(max, detail);
        *ret = bytes_copy(file->bytes);
        *ret_size = file->bytes.size;
        return *ret ? 0 : -ENOMEM;
}
