/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/secret.h"

#define SEALS_WANTED (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK)

/* A memfd of size bytes 'x' with the given seals. */
static int memfd_make(size_t size, int seals) {
        int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

        assert_true(fd >= 0);
        for (size_t i = 0; i < size; i++)
                assert_int_equal(write(fd, "x", 1), 1);
        if (seals)
                assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
        return fd;
}

static void assert_wiped(const Secret *secret) {
        static const Secret zero;

        assert_memory_equal(secret, &zero, sizeof(zero));
}

static void test_wiping_leaves_nothing(void **state) {
        Secret secret = {};

        (void) state;
        assert_int_equal(secret_set(&secret, "hunter2", 7), 0);
        secret_wipe(&secret);
        assert_wiped(&secret);
}

static void test_a_shorter_secret_leaves_nothing_of_the_longer(void **state) {
        _cleanup_(secret_wipe) Secret secret = {};

        (void) state;
        assert_int_equal(secret_set(&secret, "long secret", 11), 0);
        assert_int_equal(secret_set(&secret, "abc", 3), 0);
        assert_int_equal(secret.size, 3);
        assert_memory_equal(secret.data, "abc\0\0\0\0\0\0\0", 11);
}

static void test_empty_is_not_unset(void **state) {
        _cleanup_(secret_wipe) Secret unset = {}, empty = {}, other = {};

        (void) state;
        assert_int_equal(secret_set(&empty, NULL, 0), 0);
        assert_int_equal(secret_set(&other, "", 0), 0);
        assert_true(empty.set);
        assert_true(secret_equal(&empty, &other));
        assert_false(secret_equal(&empty, &unset));
        assert_false(secret_equal(&unset, &unset));
}

static void test_equality_is_of_size_and_bytes(void **state) {
        _cleanup_(secret_wipe) Secret a = {}, b = {};

        (void) state;
        assert_int_equal(secret_set(&a, "1234", 4), 0);
        assert_int_equal(secret_set(&b, "1234", 4), 0);
        assert_true(secret_equal(&a, &b));
        assert_int_equal(secret_set(&b, "1235", 4), 0);
        assert_false(secret_equal(&a, &b));
        assert_int_equal(secret_set(&b, "12340", 5), 0);
        assert_false(secret_equal(&a, &b));
        assert_int_equal(secret_set(&b, "1234\0", 5), 0);
        assert_false(secret_equal(&a, &b));
}

static void test_more_than_the_maximum_is_refused(void **state) {
        static const uint8_t bytes[SECRET_MAX + 1];
        _cleanup_(secret_wipe) Secret secret = {};

        (void) state;
        assert_int_equal(secret_set(&secret, bytes, SECRET_MAX), 0);
        assert_int_equal(secret.size, SECRET_MAX);
        assert_int_equal(secret_set(&secret, "ab", 2), 0);
        assert_int_equal(secret_set(&secret, bytes, SECRET_MAX + 1), SEAL_E_LIMITS_EXCEEDED);
        assert_int_equal(secret_random(&secret, SECRET_MAX + 1), SEAL_E_LIMITS_EXCEEDED);
        assert_int_equal(secret_append(&secret, bytes, SECRET_MAX - 1), SEAL_E_LIMITS_EXCEEDED);
        assert_int_equal(secret.size, 2);
        assert_memory_equal(secret.data, "ab", 2);
        assert_int_equal(secret_append(&secret, bytes, SECRET_MAX - 2), 0);
        assert_int_equal(secret_append(&secret, NULL, 0), 0);
        assert_int_equal(secret_append(&secret, bytes, 1), SEAL_E_LIMITS_EXCEEDED);
        assert_int_equal(secret_append(&secret, bytes, SIZE_MAX), SEAL_E_LIMITS_EXCEEDED);
}

static void test_appending_sets(void **state) {
        _cleanup_(secret_wipe) Secret secret = {};

        (void) state;
        assert_int_equal(secret_append(&secret, "12", 2), 0);
        assert_int_equal(secret_append(&secret, "34", 2), 0);
        assert_true(secret.set);
        assert_int_equal(secret.size, 4);
        assert_memory_equal(secret.data, "1234", 4);
}

static void test_random_secrets_differ(void **state) {
        _cleanup_(secret_wipe) Secret a = {}, b = {};

        (void) state;
        assert_int_equal(secret_random(&a, 32), 0);
        assert_int_equal(secret_random(&b, 32), 0);
        assert_int_equal(a.size, 32);
        assert_true(a.set);
        assert_false(secret_equal(&a, &b));
}

static void test_a_sealed_memfd_is_read_from_its_start(void **state) {
        _cleanup_(secret_wipe) Secret secret = {};
        _cleanup_close_ int fd = memfd_make(9, SEALS_WANTED | F_SEAL_SEAL);

        (void) state;
        off_t offset = lseek(fd, 0, SEEK_CUR);
        assert_int_equal(secret_read_memfd(&secret, fd), 0);
        assert_int_equal(secret.size, 9);
        assert_memory_equal(secret.data, "xxxxxxxxx", 9);
        assert_int_equal(lseek(fd, 0, SEEK_CUR), offset);
}

static void test_an_empty_memfd_is_the_empty_secret(void **state) {
        _cleanup_(secret_wipe) Secret secret = {};
        _cleanup_close_ int fd = memfd_make(0, SEALS_WANTED);

        (void) state;
        assert_int_equal(secret_read_memfd(&secret, fd), 0);
        assert_true(secret.set);
        assert_int_equal(secret.size, 0);
}

static void test_a_memfd_may_be_as_large_as_a_secret(void **state) {
        _cleanup_(secret_wipe) Secret secret = {};
        _cleanup_close_ int fits = memfd_make(SECRET_MAX, SEALS_WANTED);
        _cleanup_close_ int large = memfd_make(SECRET_MAX + 1, SEALS_WANTED);

        (void) state;
        assert_int_equal(secret_read_memfd(&secret, fits), 0);
        assert_int_equal(secret.size, SECRET_MAX);
        assert_int_equal(secret_read_memfd(&secret, large), SEAL_E_LIMITS_EXCEEDED);
}

static void test_a_memfd_that_could_change_is_refused(void **state) {
        static const int seals[] = { 0, F_SEAL_WRITE, F_SEAL_WRITE | F_SEAL_GROW,
                                     F_SEAL_WRITE | F_SEAL_SHRINK, F_SEAL_GROW | F_SEAL_SHRINK };

        (void) state;
        for (size_t i = 0; i < sizeof(seals) / sizeof(seals[0]); i++) {
                _cleanup_(secret_wipe) Secret secret = {};
                _cleanup_close_ int fd = memfd_make(4, seals[i]);

                assert_int_equal(secret_read_memfd(&secret, fd), SEAL_E_INVALID_ARGS);
                assert_false(secret.set);
        }
}

static void assert_refused(int fd) {
        _cleanup_(secret_wipe) Secret secret = {};

        assert_true(fd >= 0);
        assert_int_equal(secret_read_memfd(&secret, fd), SEAL_E_INVALID_ARGS);
        assert_false(secret.set);
        assert_int_equal(close(fd), 0); /* it stayed ours */
}

static void test_other_descriptors_are_refused_without_blocking(void **state) {
        char path[32];
        int pipes[2];

        (void) state;
        assert_int_equal(pipe(pipes), 0);
        assert_refused(pipes[0]);
        assert_refused(pipes[1]);
        assert_refused(open("/proc/self/exe", O_RDONLY));
        assert_refused(open("/tmp", O_RDONLY | O_DIRECTORY));
        assert_refused(open("/dev/null", O_RDONLY));
        _cleanup_close_ int fd = memfd_make(4, SEALS_WANTED);
        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        assert_refused(open(path, O_PATH));
}

static void test_a_closed_descriptor_is_unexpected(void **state) {
        Secret secret = {};

        (void) state;
        assert_true(secret_read_memfd(&secret, -1) < 0);
        assert_wiped(&secret);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_wiping_leaves_nothing),
                cmocka_unit_test(test_a_shorter_secret_leaves_nothing_of_the_longer),
                cmocka_unit_test(test_empty_is_not_unset),
                cmocka_unit_test(test_equality_is_of_size_and_bytes),
                cmocka_unit_test(test_more_than_the_maximum_is_refused),
                cmocka_unit_test(test_appending_sets),
                cmocka_unit_test(test_random_secrets_differ),
                cmocka_unit_test(test_a_sealed_memfd_is_read_from_its_start),
                cmocka_unit_test(test_an_empty_memfd_is_the_empty_secret),
                cmocka_unit_test(test_a_memfd_may_be_as_large_as_a_secret),
                cmocka_unit_test(test_a_memfd_that_could_change_is_refused),
                cmocka_unit_test(test_other_descriptors_are_refused_without_blocking),
                cmocka_unit_test(test_a_closed_descriptor_is_unexpected),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
