/* SPDX-License-Identifier: Apache-2.0 */
#include "client/secret-input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/cleanup.h"
#include "client/file.h"

int secret_file_read(const Context *context, const char *file, Secret *ret) {
        uint8_t *data = NULL;
        size_t size = 0;

        int r = file_read(context, file, SECRET_MAX, &data, &size);
        if (r != 0)
                return r;
        const uint8_t *line_end = memchr(data, '\n', size);
        r = secret_set(ret, data, line_end ? (size_t) (line_end - data) : size);
        file_data_free(data, size);
        return r == 0 ? 0 : fail_plain(context, EXIT_USAGE, "%s: the secret is too long", file);
}

static int passphrase_ask(const Context *context, const char *prompt, bool new_one, Secret *ret) {
        char buffer[SECRET_MAX] = "";

        /* OpenSSL's prompt restores the terminal also when it is interrupted. */
        int r = EVP_read_pw_string_min(buffer, 1, sizeof(buffer) - 1, prompt, new_one);
        if (r == 0)
                r = secret_set(ret, buffer, strlen(buffer));
        OPENSSL_cleanse(buffer, sizeof(buffer));
        return r == 0 ? 0 : fail(context, EXIT_USAGE, "nothing usable was typed");
}

int passphrase_get(const Context *context, const char *file, const char *prompt, bool new_one,
                   Secret *ret) {
        if (!file)
                return passphrase_ask(context, prompt, new_one, ret);
        int r = secret_file_read(context, file, ret);
        if (r == 0 && ret->size == 0)
                r = fail_plain(context, EXIT_USAGE, "%s: the passphrase is empty", file);
        return r;
}

int secret_to_memfd(const Context *context, const Secret *secret, int *ret_fd) {
        _cleanup_close_ int fd = memfd_create("secret", MFD_CLOEXEC | MFD_ALLOW_SEALING);

        if (fd < 0)
                return fail_errno(context, -errno, "memfd");
        ssize_t n = write(fd, secret->data, secret->size);
        if (n < 0 || (size_t) n != secret->size)
                return fail_errno(context, n < 0 ? -errno : -EIO, "memfd");
        if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
                return fail_errno(context, -errno, "memfd");
        *ret_fd = steal_fd(fd);
        return 0;
}
