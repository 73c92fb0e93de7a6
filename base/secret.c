/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "base/error.h"

void secret_wipe(Secret *secret) {
        OPENSSL_cleanse(secret, sizeof(*secret));
}

int secret_set(Secret *secret, const void *data, size_t size) {
        if (size > SECRET_MAX)
                return SEAL_E_LIMITS_EXCEEDED;
        secret_wipe(secret);
        if (size > 0)
                memcpy(secret->data, data, size);
        secret->size = size;
        secret->set = true;
        return 0;
}

int secret_random(Secret *secret, size_t size) {
        if (size > SECRET_MAX)
                return SEAL_E_LIMITS_EXCEEDED;
        secret_wipe(secret);
        if (RAND_priv_bytes(secret->data, (int) size) != 1)
                return -EIO;
        secret->size = size;
        secret->set = true;
        return 0;
}

bool secret_equal(const Secret *a, const Secret *b) {
        return a->set && b->set && a->size == b->size &&
               CRYPTO_memcmp(a->data, b->data, a->size) == 0;
}

int secret_append(Secret *secret, const void *data, size_t size) {
        if (size > SECRET_MAX - secret->size)
                return SEAL_E_LIMITS_EXCEEDED;
        if (size > 0)
                memcpy(secret->data + secret->size, data, size);
        secret->size += size;
        secret->set = true;
        return 0;
}

static int sealed_memfd_read(Secret *secret, int fd) {
        uint8_t buffer[SECRET_MAX + 1]; /* one more, so that too long is told from full */

        ssize_t n = pread(fd, buffer, sizeof(buffer), 0);
        if (n < 0)
                return -errno;
        int r = secret_set(secret, buffer, (size_t) n);
        OPENSSL_cleanse(buffer, sizeof(buffer));
        return r;
}

int secret_read_memfd(Secret *secret, int fd) {
        const int sealed = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK;
        struct stat st;

        int flags = fcntl(fd, F_GETFL);
        if (flags < 0 || fstat(fd, &st) < 0)
                return -errno;
        int seals = S_ISREG(st.st_mode) && !(flags & O_PATH) ? fcntl(fd, F_GET_SEALS) : -1;
        if (seals < 0 || (seals & sealed) != sealed)
                return SEAL_E_INVALID_ARGS;
        return sealed_memfd_read(secret, fd);
}
