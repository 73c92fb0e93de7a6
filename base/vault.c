/* SPDX-License-Identifier: Apache-2.0 */
#include "base/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <openssl/crypto.h>

#include "base/error.h"
#include "base/log.h"

struct Vault {
        uint8_t *page; /* of its own, since kernel and hardware protect by the page */
        size_t page_size;
        size_t size;
        bool set;
        VaultProtection protection;
};

static const char *const protection_names[VAULT_PROTECTION_MAX] = { "memfd_secret", "mlock",
                                                                    "plain" };

/* The C library of Debian 12 has the number of the call and no function for it. */
static int secret_map(Vault *vault) {
        _cleanup_close_ int fd = (int) syscall(SYS_memfd_secret, O_CLOEXEC);

        if (fd < 0 || ftruncate(fd, (off_t) vault->page_size) < 0)
                return -errno;
        /*
         * Locked by its nature: counts as locked memory, and is in no core dump (memfd_secret(2)).
         */
        void *page = mmap(NULL, vault->page_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (page == MAP_FAILED)
                return -errno;
        vault->page = page;
        return 0;
}

static int anonymous_map(Vault *vault) {
        void *page = mmap(NULL, vault->page_size, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (page == MAP_FAILED)
                return -errno;
        vault->page = page;
        return madvise(page, vault->page_size, MADV_DONTDUMP) < 0 ? -errno : 0;
}

static int locked_map(Vault *vault) {
        int r = anonymous_map(vault);

        if (r < 0)
                return r;
        /* With no flags it is mlock(2), which sanitizers replace by nothing. */
        return mlock2(vault->page, vault->page_size, 0) < 0 ? -errno : 0;
}

static void page_unmap(Vault *vault) {
        if (vault->page)
                (void) munmap(vault->page, vault->page_size);
        vault->page = NULL;
}

static int page_map(Vault *vault) {
        static int (*const map[VAULT_PROTECTION_MAX])(Vault *) = { secret_map, locked_map,
                                                                   anonymous_map };
        int r = map[vault->protection](vault);

        if (r == 0 && madvise(vault->page, vault->page_size, MADV_DONTFORK) < 0)
                r = -errno;
        if (r < 0)
                page_unmap(vault);
        return r;
}

/* One protection after the other until one can be had. */
static int vault_map(Vault *vault) {
        for (;;) {
                int r = page_map(vault);
                if (r == 0 || vault->protection == VAULT_PLAIN)
                        return r;
                log_notice("memory for keys cannot have '%s' (%s); next is '%s'",
                           protection_names[vault->protection], strerror(-r),
                           protection_names[vault->protection + 1]);
                vault->protection++;
        }
}

int vault_new(Vault **ret, size_t size, VaultProtection strongest) {
        _cleanup_(vault_freep) Vault *vault = NULL;

        if (size == 0 || size > SECRET_MAX || strongest >= VAULT_PROTECTION_MAX)
                return -EINVAL;
        vault = calloc(1, sizeof(*vault));
        if (!vault)
                return -ENOMEM;
        vault->page_size = (size_t) sysconf(_SC_PAGESIZE);
        vault->size = size;
        vault->protection = strongest;
        int r = vault_map(vault);
        if (r < 0)
                return r;
        *ret = steal_ptr(vault);
        return 0;
}

Vault *vault_free(Vault *vault) {
        if (!vault)
                return NULL;
        if (vault->page)
                vault_wipe(vault);
        page_unmap(vault);
        free(vault);
        return NULL;
}

int vault_set(Vault *vault, const Secret *secret) {
        if (!secret->set || secret->size != vault->size)
                return SEAL_E_INVALID_ARGS;
        memcpy(vault->page, secret->data, vault->size);
        vault->set = true;
        return 0;
}

void vault_wipe(Vault *vault) {
        OPENSSL_cleanse(vault->page, vault->size);
        vault->set = false;
}

const uint8_t *vault_data(const Vault *vault) {
        return vault->set ? vault->page : NULL;
}

size_t vault_size(const Vault *vault) {
        return vault->size;
}

const char *vault_protection(const Vault *vault) {
        return protection_names[vault->protection];
}
