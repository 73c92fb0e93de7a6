/* SPDX-License-Identifier: Apache-2.0 */
#include "client/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "client/file-stream.h"

static int file_open(const Context *context, const char *path, int *ret_fd) {
        int fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                                        : open(path, O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return fail(context, errno == ENOENT ? EXIT_NOT_FOUND : EXIT_OTHER, "%s: %s", path,
                            strerror(errno));
        *ret_fd = fd;
        return 0;
}

/* Fill the buffer as far as the file goes; -1 with errno set on failure. */
static ssize_t read_all(int fd, uint8_t *data, size_t size) {
        size_t used = 0;

        while (used < size) {
                ssize_t n = read(fd, data + used, size - used);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -1;
                if (n == 0)
                        break;
                used += (size_t) n;
        }
        return (ssize_t) used;
}

void file_data_free(uint8_t *data, size_t size) {
        if (data)
                OPENSSL_cleanse(data, size);
        free(data);
}

int file_read(const Context *context, const char *path, size_t max, uint8_t **ret,
              size_t *ret_size) {
        _cleanup_close_ int fd = -1;

        int r = file_open(context, path, &fd);
        if (r != 0)
                return r;
        uint8_t *data = malloc(max + 1); /* one more: room for the zero, and to tell too long */
        if (!data)
                return fail_errno(context, -ENOMEM, path);
        ssize_t n = read_all(fd, data, max + 1);
        if (n >= 0 && (size_t) n <= max) {
                data[n] = '\0';
                *ret = data;
                *ret_size = (size_t) n;
                return 0;
        }
        r = n < 0 ? fail_errno(context, -errno, path)
                  : fail_plain(context, EXIT_USAGE, "%s is larger than %zu bytes", path, max);
        file_data_free(data, max + 1);
        return r;
}

int file_write(const Context *context, const char *path, mode_t mode, Bytes data) {
        FileStream stream;

        int r = file_stream_open(context, path, mode, &stream);
        if (r != 0)
                return r;
        r = file_stream_write(&stream, data);
        if (r == 0)
                return file_stream_commit(context, &stream);
        file_stream_abandon(&stream);
        return fail_errno(context, r, strcmp(path, "-") == 0 ? "standard output" : path);
}

int file_write_check(const Context *context, const char *path) {
        if (strcmp(path, "-") == 0)
                return 0;
        if (file_is_special(path))
                return access(path, W_OK) < 0 ? fail_errno(context, -errno, path) : 0;
        _cleanup_free_ char *target = file_target(path);
        if (!target || access(dirname(target), W_OK | X_OK) < 0)
                return fail_errno(context, -errno, path);
        return 0;
}

bool file_is_same(const char *a, const char *b) {
        struct stat one, other;

        if ((strcmp(a, "-") == 0 ? fstat(STDIN_FILENO, &one) : stat(a, &one)) < 0 ||
            stat(b, &other) < 0)
                return false;
        return one.st_dev == other.st_dev && one.st_ino == other.st_ino && !S_ISCHR(one.st_mode);
}

int file_create(const Context *context, const char *path, mode_t mode, Bytes data) {
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

        if (fd < 0 && errno == EEXIST)
                return fail(context, EXIT_WRONG_STATE, "%s exists already and is left as it is",
                            path);
        if (fd < 0)
                return fail_errno(context, -errno, path);
        int r = fd_write(fd, data);
        if (r == 0 && fsync(fd) < 0)
                r = -errno;
        if (r == 0)
                return 0;
        (void) unlink(path);
        return fail_errno(context, r, path);
}

typedef struct Hashing {
        size_t count;
        EVP_MD_CTX *of[VERIFY_HASHES_MAX];
} Hashing;

static void hashing_done(Hashing *hashing) {
        for (size_t i = 0; i < hashing->count; i++)
                EVP_MD_CTX_free(hashing->of[i]);
}

static bool hashing_begin(Hashing *hashing, const EVP_MD *const *mds, size_t count) {
        for (; hashing->count < count; hashing->count++) {
                EVP_MD_CTX *hash = EVP_MD_CTX_new();

                if (!hash || EVP_DigestInit_ex(hash, mds[hashing->count], NULL) != 1) {
                        EVP_MD_CTX_free(hash);
                        return false;
                }
                hashing->of[hashing->count] = hash;
        }
        return true;
}

static bool hashing_update(const Hashing *hashing, Bytes bytes) {
        for (size_t i = 0; i < hashing->count; i++)
                if (EVP_DigestUpdate(hashing->of[i], bytes.data, bytes.size) != 1)
                        return false;
        return true;
}

static int hash_fd(int fd, const Hashing *hashing) {
        uint8_t buffer[64 * 1024];
        ssize_t n;

        while ((n = read_all(fd, buffer, sizeof(buffer))) > 0)
                if (!hashing_update(hashing, (Bytes){ buffer, (size_t) n }))
                        return -EIO;
        return n < 0 ? -errno : 0;
}

static int hashes_make(const Context *context, const char *path, Hashing *hashing,
                       uint8_t (*ret)[EVP_MAX_MD_SIZE], size_t *ret_sizes) {
        _cleanup_close_ int fd = -1;

        int r = file_open(context, path, &fd);
        if (r != 0)
                return r;
        r = hash_fd(fd, hashing);
        for (size_t i = 0; r == 0 && i < hashing->count; i++) {
                unsigned size = 0;

                if (EVP_DigestFinal_ex(hashing->of[i], ret[i], &size) != 1)
                        r = -EIO;
                ret_sizes[i] = size;
        }
        return r < 0 ? fail_errno(context, r, path) : 0;
}

int file_hashes(const Context *context, const char *path, const EVP_MD *const *mds, size_t count,
                uint8_t (*ret)[EVP_MAX_MD_SIZE], size_t *ret_sizes) {
        _cleanup_(hashing_done) Hashing hashing = {};

        return hashing_begin(&hashing, mds, count)
                       ? hashes_make(context, path, &hashing, ret, ret_sizes)
                       : fail_errno(context, -EIO, path);
}

int file_hash(const Context *context, const char *path, const EVP_MD *md, Bytes prefix,
              uint8_t *ret, size_t *ret_size) {
        _cleanup_(hashing_done) Hashing hashing = {};

        return hashing_begin(&hashing, &md, 1) && hashing_update(&hashing, prefix)
                       ? hashes_make(context, path, &hashing, (uint8_t(*)[EVP_MAX_MD_SIZE]) ret,
                                     ret_size)
                       : fail_errno(context, -EIO, path);
}
