/* SPDX-License-Identifier: Apache-2.0 */
#include "base/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "base/error.h"
#include "tests/unit/unit.h"

#define KEY_SIZE 32

static const char key[KEY_SIZE + 1] = "0123456789abcdefghijklmnopqrstuv";
static const char zeros[KEY_SIZE + 1];

static Vault *vault_make(VaultProtection strongest) {
        _cleanup_(secret_wipe) Secret secret = {};
        Vault *vault = NULL;

        assert_int_equal(vault_new(&vault, KEY_SIZE, strongest), 0);
        assert_null(vault_data(vault));
        assert_int_equal(vault_size(vault), KEY_SIZE);
        assert_int_equal(secret_set(&secret, key, KEY_SIZE), 0);
        assert_int_equal(vault_set(vault, &secret), 0);
        assert_memory_equal(vault_data(vault), key, KEY_SIZE);
        return vault;
}

/* Skips where the kernel does not have what the daemon wants first. */
static Vault *secret_vault_make(void) {
        int fd = (int) syscall(SYS_memfd_secret, O_CLOEXEC);

        if (fd < 0) {
                print_message("memfd_secret: %s\n", strerror(errno));
                skip();
        }
        (void) close(fd);
        Vault *vault = vault_make(VAULT_MEMFD_SECRET);
        assert_string_equal(vault_protection(vault), "memfd_secret");
        return vault;
}

/* The ways by which another process, or root, reads memory that is not its own. */
static ssize_t read_by_file(const void *from, void *to) {
        _cleanup_close_ int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);

        assert_true(fd >= 0);
        return pread(fd, to, KEY_SIZE, (off_t) (uintptr_t) from);
}

static ssize_t read_by_call(const void *from, void *to) {
        const struct iovec local = { .iov_base = to, .iov_len = KEY_SIZE };
        const struct iovec remote = { .iov_base = (void *) (uintptr_t) from, .iov_len = KEY_SIZE };

        return process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
}

static void secret_memory_is_out_of_reach(void **state) {
        char copy[KEY_SIZE] = {};

        (void) state;
        _cleanup_(vault_freep) Vault *vault = secret_vault_make();
        assert_int_equal(read_by_file(vault_data(vault), copy), -1);
        assert_int_equal(read_by_call(vault_data(vault), copy), -1);
        assert_memory_equal(copy, zeros, KEY_SIZE);
}

/* Shows that the test above reads as it should, too. */
static void other_memory_is_within_reach(void **state) {
        char copy[2][KEY_SIZE] = {};

        (void) state;
        _cleanup_(vault_freep) Vault *vault = vault_make(VAULT_MLOCK);
        assert_int_equal(read_by_file(vault_data(vault), copy[0]), KEY_SIZE);
        assert_int_equal(read_by_call(vault_data(vault), copy[1]), KEY_SIZE);
        assert_memory_equal(copy[0], key, KEY_SIZE);
        assert_memory_equal(copy[1], key, KEY_SIZE);
}

/* Does VmFlags (proc_pid_smaps(5)) of the mapping at this address have the flag? */
static bool mapping_has(const void *address, const char *flag) {
        _cleanup_fclose_ FILE *maps = fopen("/proc/self/smaps", "re");
        char line[512];
        bool found = false;

        assert_non_null(maps);
        while (fgets(line, sizeof(line), maps)) {
                unsigned long from, to;
                if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
                        found = (uintptr_t) address >= from && (uintptr_t) address < to;
                if (found && strncmp(line, "VmFlags:", 8) == 0)
                        return strstr(line, flag) != NULL;
        }
        fail_msg("no mapping at %p", address);
        return false;
}

static void assert_kept_close(const Vault *vault, bool locked) {
        assert_true(mapping_has(vault_data(vault), " dd")); /* not dumped */
        assert_true(mapping_has(vault_data(vault), " dc")); /* not in a child */
        assert_int_equal(mapping_has(vault_data(vault), " lo"), locked);
}

static void secret_memory_is_in_no_dump_swap_or_child(void **state) {
        (void) state;
        _cleanup_(vault_freep) Vault *vault = secret_vault_make();
        assert_kept_close(vault, true);
}

static void memory_is_locked_without_secret_memory(void **state) {
        (void) state;
        _cleanup_(vault_freep) Vault *vault = vault_make(VAULT_MLOCK);
        assert_string_equal(vault_protection(vault), "mlock");
        assert_kept_close(vault, true);
}

static void memory_is_plain_where_nothing_can_be_locked(void **state) {
        (void) state;
        _cleanup_(vault_freep) Vault *vault = vault_make(VAULT_PLAIN);
        assert_string_equal(vault_protection(vault), "plain");
        assert_kept_close(vault, false);
}

/* As nobody, whom the limit binds; returns the child's word for what it got. */
static const char *protection_under_limit(rlim_t limit) {
        pid_t child = fork();

        assert_true(child >= 0);
        if (child == 0) {
                const struct rlimit none = { .rlim_cur = limit, .rlim_max = limit };
                Vault *vault = NULL;
                if (setrlimit(RLIMIT_MEMLOCK, &none) < 0 || (getuid() == 0 && setuid(65534) < 0) ||
                    vault_new(&vault, KEY_SIZE, VAULT_MEMFD_SECRET) != 0)
                        _exit(100);
                _exit(vault_protection(vault)[0]);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        switch (WEXITSTATUS(status)) {
        case 'm':
                return "locked";
        case 'p':
                return "plain";
        default:
                return "none";
        }
}

static void limit_on_locked_memory_stops_no_daemon(void **state) {
        (void) state;
        assert_string_equal(protection_under_limit(0), "plain");
        assert_string_equal(protection_under_limit(64 * 1024), "locked");
}

static void key_of_another_size_is_refused(void **state) {
        _cleanup_(secret_wipe) Secret secret = {};
        _cleanup_(vault_freep) Vault *vault = vault_make(VAULT_MEMFD_SECRET);

        (void) state;
        assert_int_equal(vault_set(vault, &secret), SEAL_E_INVALID_ARGS);
        assert_int_equal(secret_set(&secret, zeros, KEY_SIZE - 1), 0);
        assert_int_equal(vault_set(vault, &secret), SEAL_E_INVALID_ARGS);
        assert_int_equal(secret_set(&secret, zeros, KEY_SIZE + 1), 0);
        assert_int_equal(vault_set(vault, &secret), SEAL_E_INVALID_ARGS);
        assert_memory_equal(vault_data(vault), key, KEY_SIZE);
}

static void vault_of_no_size_or_too_large_is_refused(void **state) {
        Vault *vault = NULL;

        (void) state;
        assert_int_equal(vault_new(&vault, 0, VAULT_PLAIN), -EINVAL);
        assert_int_equal(vault_new(&vault, SECRET_MAX + 1, VAULT_PLAIN), -EINVAL);
        assert_int_equal(vault_new(&vault, KEY_SIZE, VAULT_PROTECTION_MAX), -EINVAL);
        assert_null(vault);
        assert_null(vault_free(NULL));
}

static void wiped_vault_is_empty_and_takes_a_key_again(void **state) {
        _cleanup_(secret_wipe) Secret secret = {};
        _cleanup_(vault_freep) Vault *vault = vault_make(VAULT_MEMFD_SECRET);
        const uint8_t *data = vault_data(vault);

        (void) state;
        vault_wipe(vault);
        assert_null(vault_data(vault));
        assert_memory_equal(data, zeros, KEY_SIZE);
        assert_int_equal(secret_set(&secret, key, KEY_SIZE), 0);
        assert_int_equal(vault_set(vault, &secret), 0);
        assert_ptr_equal(vault_data(vault), data);
}

static void assert_unmapped(const void *address) {
        unsigned char resident;

        assert_int_equal(mincore((void *) (uintptr_t) address, 1, &resident), -1);
        assert_int_equal(errno, ENOMEM);
}

/* A second mapping of the same page (mremap(2): old_size 0) shows what the freed one left. */
static void freed_secret_memory_was_wiped(void **state) {
        const size_t page = (size_t) sysconf(_SC_PAGESIZE);

        (void) state;
        Vault *vault = secret_vault_make();
        const uint8_t *data = vault_data(vault);
        void *second = mremap((void *) (uintptr_t) data, 0, page, MREMAP_MAYMOVE);
        assert_ptr_not_equal(second, MAP_FAILED);
        assert_memory_equal(second, key, KEY_SIZE);
        assert_null(vault_free(vault));
        assert_memory_equal(second, zeros, KEY_SIZE);
        assert_unmapped(data);
        assert_int_equal(munmap(second, page), 0);
}

/* A pipe that holds the page itself and no copy (vmsplice(2)) shows what the freed one left. */
static void freed_locked_memory_was_wiped(void **state) {
        _cleanup_close_ int reader = -1;
        char left[KEY_SIZE];
        int ends[2];

        (void) state;
        Vault *vault = vault_make(VAULT_MLOCK);
        const uint8_t *data = vault_data(vault);
        struct iovec part = { .iov_base = (void *) (uintptr_t) data, .iov_len = KEY_SIZE };
        assert_int_equal(pipe(ends), 0);
        reader = ends[0];
        assert_int_equal(vmsplice(ends[1], &part, 1, 0), KEY_SIZE);
        assert_int_equal(close(ends[1]), 0);
        assert_null(vault_free(vault));
        assert_int_equal(read(reader, left, KEY_SIZE), KEY_SIZE);
        assert_memory_equal(left, zeros, KEY_SIZE);
        assert_unmapped(data);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(secret_memory_is_out_of_reach),
                cmocka_unit_test(other_memory_is_within_reach),
                cmocka_unit_test(secret_memory_is_in_no_dump_swap_or_child),
                cmocka_unit_test(memory_is_locked_without_secret_memory),
                cmocka_unit_test(memory_is_plain_where_nothing_can_be_locked),
                cmocka_unit_test(limit_on_locked_memory_stops_no_daemon),
                cmocka_unit_test(key_of_another_size_is_refused),
                cmocka_unit_test(vault_of_no_size_or_too_large_is_refused),
                cmocka_unit_test(wiped_vault_is_empty_and_takes_a_key_again),
                cmocka_unit_test(freed_secret_memory_was_wiped),
                cmocka_unit_test(freed_locked_memory_was_wiped),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
