/* SPDX-License-Identifier: Apache-2.0 */
#include "sealsd/list-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/limits.h"

static void name_of(const char *algorithm, const char *ending, char *ret, size_t size) {
        (void) snprintf(ret, size, "maker-%s.crl%s", algorithm, ending);
}

static int directory_open(const char *directory) {
        int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd >= 0 || errno != ENOENT)
                return fd;
        if (mkdir(directory, 0755) < 0)
                return -1;
        return open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static bool file_has(int fd, Bytes der) {
        _cleanup_free_ uint8_t *data = malloc(der.size + 1);
        struct stat st;
        size_t used = 0;
        ssize_t n = 1;

        if (!data || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (st.st_mode & 0444) != 0444 ||
            (uint64_t) st.st_size != der.size)
                return false;
        while (used <= der.size && (n = read(fd, data + used, der.size + 1 - used)) > 0)
                used += (size_t) n;
        return n == 0 && used == der.size && memcmp(data, der.data, der.size) == 0;
}

bool list_file_is(const char *directory, const char *algorithm, Bytes der) {
        char name[WORD_MAX + 16];

        name_of(algorithm, "", name, sizeof(name));
        _cleanup_close_ int folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder < 0)
                return false;
        _cleanup_close_ int fd = openat(folder, name,
                                        O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        return fd >= 0 && file_has(fd, der);
}

static int file_fill(int fd, Bytes der) {
        for (size_t done = 0; done < der.size;) {
                ssize_t n = write(fd, der.data + done, der.size - done);
                if (n < 0 && errno != EINTR)
                        return -1;
                done += n > 0 ? (size_t) n : 0;
        }
        return fchmod(fd, 0644);
}

/* Beside it, then over it: 0, or an errno. */
static int file_replace(int folder, const char *algorithm, Bytes der) {
        char name[WORD_MAX + 16], beside[WORD_MAX + 16];
        int error = 0;

        name_of(algorithm, "", name, sizeof(name));
        name_of(algorithm, ".new", beside, sizeof(beside));
        if (unlinkat(folder, beside, 0) < 0 && errno != ENOENT)
                return errno;
        _cleanup_close_ int fd = openat(folder, beside,
                                        O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0)
                return errno;
        if (file_fill(fd, der) < 0 || renameat(folder, beside, folder, name) < 0) {
                error = errno;
                (void) unlinkat(folder, beside, 0);
        }
        return error;
}

int list_file_write(const char *directory, const char *algorithm, Bytes der, ErrorDetail *detail) {
        _cleanup_close_ int folder = directory_open(directory);
        int error = folder < 0 ? errno : file_replace(folder, algorithm, der);

        if (error == 0)
                return 0;
        return error_set(detail, SEAL_E_STORAGE_FAILURE, "%s/maker-%s.crl cannot be written: %s",
                         directory, algorithm, strerror(error));
}
